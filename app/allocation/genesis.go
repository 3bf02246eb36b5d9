// SPDX-License-Identifier: Apache-2.0

package allocation

import (
	"encoding/json"
	"errors"
	"fmt"

	"cosmossdk.io/math"

	"github.com/cosmos/cosmos-sdk/codec"
	sdk "github.com/cosmos/cosmos-sdk/types"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"
	banktypes "github.com/cosmos/cosmos-sdk/x/bank/types"

	athtypes "github.com/athnet/ath/x/ath/types"
)

// ErrAllocated says that a genesis has coins already: the allocation is all of a network's first supply.
var ErrAllocated = errors.New("the genesis has an allocation already; start from the file that athd init writes")

// Apply puts the grants and the DAO's row into a genesis state that has no coins yet. Validators' gentxs come after it: their
// self-delegations are of these coins.
func (t Table) Apply(cdc codec.Codec, state map[string]json.RawMessage) error {
	grants, err := t.Grants()
	if err != nil {
		return err
	}
	auth := authtypes.GetGenesisStateFromAppState(cdc, state)
	bank := banktypes.GetGenesisStateFromAppState(cdc, state)
	var ath athtypes.GenesisState
	if err := cdc.UnmarshalJSON(state[athtypes.ModuleName], &ath); err != nil {
		return fmt.Errorf("read the genesis of x/%s: %w", athtypes.ModuleName, err)
	}
	if len(bank.Balances) > 0 || !bank.Supply.IsZero() || len(auth.Accounts) > 0 || len(ath.Rows) > 0 || !ath.New() {
		return ErrAllocated
	}
	accounts := make(authtypes.GenesisAccounts, 0, len(grants))
	sum := math.NewInt(athtypes.DAOTotal)
	for _, g := range grants {
		accounts = append(accounts, g.Account)
		bank.Balances = append(bank.Balances, banktypes.Balance{Address: g.Address, Coins: uath(g.Amount)})
		sum = sum.Add(g.Amount)
	}
	// What is emitted later is the other half; x/ath's InitGenesis refuses a supply that leaves less room.
	if want := math.NewInt(athtypes.Cap - athtypes.EmissionTotal); !sum.Equal(want) {
		return fmt.Errorf("the allocation sums to %s uath; it must be %s", sum, want)
	}
	vault := authtypes.NewModuleAddress(athtypes.ModuleName).String()
	bank.Balances = append(bank.Balances, banktypes.Balance{Address: vault, Coins: uath(math.NewInt(athtypes.DAOTotal))})
	bank.Balances = banktypes.SanitizeGenesisBalances(bank.Balances)
	bank.Supply = uath(sum)
	ath.Rows = []athtypes.RowBalance{{Row: athtypes.DAORow(), Amount: math.NewInt(athtypes.DAOTotal)}}
	if auth.Accounts, err = authtypes.PackAccounts(authtypes.SanitizeGenesisAccounts(accounts)); err != nil {
		return err
	}
	state[authtypes.ModuleName] = cdc.MustMarshalJSON(&auth)
	state[banktypes.ModuleName] = cdc.MustMarshalJSON(bank)
	state[athtypes.ModuleName] = cdc.MustMarshalJSON(&ath)
	return nil
}

func uath(amount math.Int) sdk.Coins { return sdk.NewCoins(sdk.NewCoin(athtypes.Denom, amount)) }
