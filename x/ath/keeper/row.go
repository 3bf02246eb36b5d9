// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"errors"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/ath/types"
)

func newRowKey(kind types.RowKind, owner []byte, bucket uint64, denom string) rowKey {
	return collections.Join4(uint32(kind), owner, bucket, denom)
}

func ownerRange(kind types.RowKind, owner []byte) collections.Ranger[rowKey] {
	return collections.NewSuperPrefixedQuadRange[uint32, []byte, uint64, string](uint32(kind), owner)
}

// rowKey parses a row; the only place where a bech32 owner becomes bytes.
func (k *Keeper) rowKey(row types.Row) (rowKey, error) {
	if err := row.Validate(); err != nil {
		return rowKey{}, err
	}
	var owner []byte
	if row.Owner != "" {
		var err error
		if owner, err = k.addresses.StringToBytes(row.Owner); err != nil {
			return rowKey{}, types.ErrInvalidRow.Wrapf("owner %q: %s", row.Owner, err)
		}
	}
	return newRowKey(row.Kind, owner, row.Bucket, row.Denom), nil
}

func (k *Keeper) amountOfRow(row types.Row, amount math.Int) (rowKey, error) {
	if err := types.ValidateAmount(amount); err != nil {
		return rowKey{}, err
	}
	return k.rowKey(row)
}

// row is the reverse of rowKey.
func (k *Keeper) row(key rowKey) (types.Row, error) {
	row := types.Row{Kind: types.RowKind(key.K1()), Bucket: key.K3(), Denom: key.K4()}
	if len(key.K2()) == 0 {
		return row, nil
	}
	owner, err := k.addresses.BytesToString(key.K2())
	row.Owner = owner
	return row, err
}

func (k *Keeper) rowAmount(ctx sdk.Context, key rowKey) (math.Int, error) {
	amount, err := k.rows.Get(ctx, key)
	if errors.Is(err, collections.ErrNotFound) {
		return math.ZeroInt(), nil
	}
	return amount, err
}

// creditRow adds to an owned row at once and to a row of the protocol, which others write too, at the end of the block.
func (k *Keeper) creditRow(ctx sdk.Context, kind types.RowKind, key rowKey, amount math.Int) error {
	if !kind.Owned() {
		return k.addRowDelta(ctx, key, amount)
	}
	return k.addRow(ctx, key, amount)
}

// addRow adds to a row in place.
func (k *Keeper) addRow(ctx sdk.Context, key rowKey, amount math.Int) error {
	if amount.IsNegative() {
		return types.ErrInvalidAmount.Wrapf("credit of %s", amount)
	}
	if amount.IsZero() {
		return nil
	}
	held, err := k.rowAmount(ctx, key)
	if err != nil {
		return err
	}
	return k.rows.Set(ctx, key, held.Add(amount))
}

// debitRow takes from a row in place; a row that holds nothing is deleted.
func (k *Keeper) debitRow(ctx sdk.Context, key rowKey, amount math.Int) error {
	if amount.IsNegative() {
		return types.ErrInvalidAmount.Wrapf("debit of %s", amount)
	}
	held, err := k.rowAmount(ctx, key)
	if err != nil {
		return err
	}
	left := held.Sub(amount)
	switch {
	case left.IsNegative():
		return types.ErrInsufficientRow.Wrapf("%s, bucket %d: %s are to be taken, %s%s are held",
			types.RowKind(key.K1()), key.K3(), amount, held, key.K4())
	case left.IsZero():
		return k.rows.Remove(ctx, key)
	default:
		return k.rows.Set(ctx, key, left)
	}
}

// ripeSecond is the last bucket that is ripe now.
func ripeSecond(ctx sdk.Context) uint64 { return uint64(max(0, ctx.BlockTime().Unix())) }

// newEpochFeesRange spans the pending fees of one epoch, in order of denom.
func newEpochFeesRange(epoch uint64) collections.Ranger[rowKey] {
	return collections.NewSuperPrefixedQuadRange3[uint32, []byte, uint64, string](uint32(types.RowKind_ROW_KIND_FEES_PENDING), nil, epoch)
}
