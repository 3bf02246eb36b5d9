// SPDX-License-Identifier: Apache-2.0

package localnet

import (
	"context"
	"fmt"

	bankv1beta1 "cosmossdk.io/api/cosmos/bank/v1beta1"
	"cosmossdk.io/math"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/cosmos/cosmos-sdk/types/query"

	athtypes "github.com/athnet/ath/x/ath/types"
)

// heightHeader asks a node for the state after a block, so that several answers are of one moment.
const heightHeader = "x-cosmos-block-height"

// Books are all coins at one height.
type Books struct {
	Height int64
	// Vault is what x/ath's account holds, Rows the sum of its rows; they must be equal.
	Vault, Rows math.Int
	// Supply in x/bank, and what was minted and burnt since genesis: supply = minted − burnt.
	Supply, Minted, Burnt math.Int
	// ByKind sums the rows of each kind.
	ByKind map[athtypes.RowKind]math.Int
}

// Check says what does not add up.
func (b Books) Check() error {
	if !b.Vault.Equal(b.Rows) {
		return fmt.Errorf("block %d: the vault holds %s uath and its rows sum to %s", b.Height, b.Vault, b.Rows)
	}
	if !b.Supply.Equal(b.Minted.Sub(b.Burnt)) {
		return fmt.Errorf("block %d: the supply is %s uath, minted %s less burnt %s", b.Height, b.Supply, b.Minted, b.Burnt)
	}
	return nil
}

// ReadBooks reads every row of the vault and the supply at the latest height.
func (n *Network) ReadBooks(ctx context.Context) (Books, error) {
	head, err := n.Chain().Latest(ctx)
	if err != nil {
		return Books{}, err
	}
	at := metadata.AppendToOutgoingContext(ctx, heightHeader, fmt.Sprint(head.Height))
	b := Books{Height: head.Height, Rows: math.ZeroInt(), ByKind: map[athtypes.RowKind]math.Int{}}
	q := athtypes.NewQueryClient(n.Chain().Conn())
	supply, err := q.Supply(at, &athtypes.QuerySupplyRequest{})
	if err != nil {
		return b, fmt.Errorf("read the supply: %w", err)
	}
	b.Vault, b.Supply, b.Minted, b.Burnt = supply.Vault, supply.Total, supply.Minted, supply.Burnt
	for page := (&query.PageRequest{Limit: 500}); ; {
		resp, err := q.Vault(at, &athtypes.QueryVaultRequest{Pagination: page})
		if err != nil {
			return b, fmt.Errorf("read the vault: %w", err)
		}
		for _, row := range resp.Rows {
			if row.Row.Denom != athtypes.Denom {
				continue
			}
			b.Rows = b.Rows.Add(row.Amount)
			sum, ok := b.ByKind[row.Row.Kind]
			if !ok {
				sum = math.ZeroInt()
			}
			b.ByKind[row.Row.Kind] = sum.Add(row.Amount)
		}
		if resp.Pagination == nil || len(resp.Pagination.NextKey) == 0 {
			return b, nil
		}
		page = &query.PageRequest{Limit: 500, Key: resp.Pagination.NextKey}
	}
}

// Balance of an account in x/bank, in uath.
func (n *Network) Balance(ctx context.Context, address string, opts ...grpc.CallOption) (math.Int, error) {
	return n.BalanceIn(ctx, address, athtypes.Denom, opts...)
}

// BalanceIn is an account's in a denom.
func (n *Network) BalanceIn(ctx context.Context, address, denom string, opts ...grpc.CallOption) (math.Int, error) {
	resp, err := bankv1beta1.NewQueryClient(n.Chain().Conn()).Balance(ctx, &bankv1beta1.QueryBalanceRequest{Address: address, Denom: denom}, opts...)
	if err != nil {
		return math.Int{}, fmt.Errorf("balance of %s: %w", address, err)
	}
	amount, ok := math.NewIntFromString(resp.GetBalance().GetAmount())
	if !ok {
		return math.Int{}, fmt.Errorf("balance of %s: the node answered %q", address, resp.GetBalance().GetAmount())
	}
	return amount, nil
}
