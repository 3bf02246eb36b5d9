// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/ath/types"
)

// Hold moves up to amount uath of an owner into the row HELD(owner, id), where no message of the owner reaches it. What leaves vesting early
// answers first, the soonest before the later and dust last, or somebody could take a payment out and let locked coins answer for it; then what
// has not vested, then income that is earned and not claimed, then unbonding stake (until it is paid), then the given stake rows in their
// order. It returns what it took from where. What a payment of this block adds to income is folded at the block's end and not there yet.
func (k *Keeper) Hold(ctx sdk.Context, owner sdk.AccAddress, id uint64, amount math.Int, stake []types.Row) ([]types.RowBalance, error) {
	if err := types.ValidateAmount(amount); err != nil {
		return nil, err
	}
	held, err := k.heldKey(ctx, owner, id)
	if err != nil {
		return nil, err
	}
	exiting, err := k.latestRows(ctx, types.RowKind_ROW_KIND_EXITING, owner, types.Denom, 0)
	if err != nil {
		return nil, err
	}
	taken := types.PlanSoonest(exiting, amount)
	// A second time, for what was cut into more rows than one plan takes: all that leaves early is less than two plans take.
	taken = append(taken, types.PlanSoonest(types.LeftOf(exiting, taken), amount.Sub(types.SumRows(taken)))...)
	left := amount.Sub(types.SumRows(taken))
	for _, source := range []func() ([]types.RowBalance, error){
		func() ([]types.RowBalance, error) { return k.vestingRows(ctx, owner) },
		func() ([]types.RowBalance, error) {
			return k.latestRows(ctx, types.RowKind_ROW_KIND_OWED, owner, types.Denom, 0)
		},
		func() ([]types.RowBalance, error) {
			return k.latestRows(ctx, types.RowKind_ROW_KIND_UNBONDING, owner, types.Denom, 0)
		},
		func() ([]types.RowBalance, error) { return k.balances(ctx, stake) },
	} {
		if !left.IsPositive() {
			break
		}
		rows, err := source()
		if err != nil {
			return nil, err
		}
		part := types.PlanHold(rows, left)
		taken, left = append(taken, part...), left.Sub(types.SumRows(part))
	}
	for _, part := range taken {
		key, err := k.rowKey(part.Row)
		if err != nil {
			return nil, err
		}
		if err := k.debitRow(ctx, key, part.Amount); err != nil {
			return nil, err
		}
	}
	return taken, k.addRow(ctx, held, amount.Sub(left))
}

// heldKey is the row of a hold that does not exist yet.
func (k *Keeper) heldKey(ctx sdk.Context, owner sdk.AccAddress, id uint64) (rowKey, error) {
	if owner.Empty() {
		return rowKey{}, types.ErrInvalidAddress.Wrap("owner is empty")
	}
	key := newRowKey(types.RowKind_ROW_KIND_HELD, owner, id, types.Denom)
	has, err := k.rows.Has(ctx, key)
	if err == nil && has {
		err = types.ErrHold.Wrapf("hold %d exists", id)
	}
	return key, err
}

// EndHold moves what a hold has into rows, which must sum to it: back to where it came from, or to whom it is due.
func (k *Keeper) EndHold(ctx sdk.Context, owner sdk.AccAddress, id uint64, to []types.RowBalance) error {
	if err := k.endHold(ctx, owner, id, types.SumRows(to)); err != nil {
		return err
	}
	for _, part := range to {
		key, err := k.amountOfRow(part.Row, part.Amount)
		if err == nil && part.Row.Denom != types.Denom {
			err = types.ErrInvalidRow.Wrapf("can't move %s into a row of %s", types.Denom, part.Row.Denom)
		}
		if err != nil {
			return err
		}
		if err := k.creditRow(ctx, part.Row.Kind, key, part.Amount); err != nil {
			return err
		}
	}
	return nil
}

// Proceeds are the first rows of what tickets have brought in for accounts, at most limit.
func (k *Keeper) Proceeds(ctx sdk.Context, limit int) ([]types.RowBalance, error) {
	var rows []types.RowBalance
	all := collections.QuadPrefix[uint32, []byte, uint64, string](uint32(types.RowKind_ROW_KIND_PROCEEDS))
	err := k.rows.Walk(ctx, new(collections.Range[rowKey]).Prefix(all), func(key rowKey, amount math.Int) (bool, error) {
		if len(rows) == limit {
			return true, nil
		}
		row, err := k.row(key)
		rows = append(rows, types.RowBalance{Row: row, Amount: amount})
		return false, err
	})
	return rows, err
}

// endHold takes the whole of a hold out of its row, which must be the amount.
func (k *Keeper) endHold(ctx sdk.Context, owner []byte, id uint64, amount math.Int) error {
	key := newRowKey(types.RowKind_ROW_KIND_HELD, owner, id, types.Denom)
	held, err := k.rowAmount(ctx, key)
	if err != nil {
		return err
	}
	if !held.IsPositive() || !held.Equal(amount) {
		return types.ErrHold.Wrapf("hold %d has %s, not %s", id, held, amount)
	}
	return k.debitRow(ctx, key, amount)
}

// Slashable is what a hold on an owner can take beside stake that is bonded: income that is unvested or unclaimed, and
// unbonding stake. For queries; it looks at no more rows than a hold does.
func (k *Keeper) Slashable(ctx sdk.Context, owner sdk.AccAddress) (income, unbonding math.Int, err error) {
	unvested, err := k.unvested(ctx, owner)
	if err != nil {
		return income, unbonding, err
	}
	owed, err := k.latestRows(ctx, types.RowKind_ROW_KIND_OWED, owner, types.Denom, 0)
	if err != nil {
		return income, unbonding, err
	}
	leaving, err := k.latestRows(ctx, types.RowKind_ROW_KIND_UNBONDING, owner, types.Denom, 0)
	if err != nil {
		return income, unbonding, err
	}
	return types.SumRows(unvested).Add(types.SumRows(owed)), types.SumRows(leaving), nil
}

// unvested are the rows of income that are not ripe, of all ledgers, and all of what left vesting early and is not paid yet.
// What has ripened in full is the beneficiary's and is left alone.
func (k *Keeper) unvested(ctx sdk.Context, owner []byte) ([]types.RowBalance, error) {
	exiting, err := k.latestRows(ctx, types.RowKind_ROW_KIND_EXITING, owner, types.Denom, 0)
	if err != nil {
		return nil, err
	}
	vesting, err := k.vestingRows(ctx, owner)
	return append(exiting, vesting...), err
}

// vestingRows are the rows of income that are not ripe, of all ledgers.
func (k *Keeper) vestingRows(ctx sdk.Context, owner []byte) ([]types.RowBalance, error) {
	var all []types.RowBalance
	for _, kind := range types.VestingKinds() {
		rows, err := k.latestRows(ctx, kind, owner, types.Denom, ripeSecond(ctx)+1)
		if err != nil {
			return nil, err
		}
		all = append(all, rows...)
	}
	return all, nil
}

// latestRows reads an owner's rows of a kind in a denom from the last bucket down to one, at most MaxHoldReads, and passes at most
// MaxPassedRows of other denoms.
func (k *Keeper) latestRows(ctx sdk.Context, kind types.RowKind, owner []byte, denom string, from uint64) ([]types.RowBalance, error) {
	rows, passed := []types.RowBalance(nil), 0
	prefix := collections.QuadSuperPrefix[uint32, []byte, uint64, string](uint32(kind), owner)
	ranger := new(collections.Range[rowKey]).Prefix(prefix).Descending()
	err := k.rows.Walk(ctx, ranger, func(key rowKey, amount math.Int) (bool, error) {
		if key.K3() < from || len(rows) == types.MaxHoldReads {
			return true, nil
		}
		if key.K4() != denom {
			passed++
			return passed == types.MaxPassedRows, nil
		}
		row, err := k.row(key)
		rows = append(rows, types.RowBalance{Row: row, Amount: amount})
		return false, err
	})
	return rows, err
}

// balances reads rows by name.
func (k *Keeper) balances(ctx sdk.Context, rows []types.Row) ([]types.RowBalance, error) {
	out := make([]types.RowBalance, len(rows))
	for i, row := range rows {
		amount, err := k.RowAmount(ctx, row)
		if err != nil {
			return nil, err
		}
		out[i] = types.RowBalance{Row: row, Amount: amount}
	}
	return out, nil
}
