// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"errors"
	"time"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/ath/types"
)

// Undoable is how long at least a payment to a provider can be undone: none of it has vested or left early before.
func (k *Keeper) Undoable(ctx sdk.Context) (time.Duration, error) {
	params, err := k.params.Get(ctx)
	return min(params.FeeVesting, params.MinExitDelay), err
}

// MinExitDelay is how long at least what leaves early can still be held: a ticket that opens within this time finds it.
func (k *Keeper) MinExitDelay(ctx sdk.Context) (time.Duration, error) {
	params, err := k.params.Get(ctx)
	return params.MinExitDelay, err
}

// Exit takes up to limit (everything where zero) of a beneficiary's income in a denom out of a ledger's vesting, what ripens
// last first. It returns the exit and whether more could leave. Only the beneficiary may ask for it.
func (k *Keeper) Exit(
	ctx sdk.Context, beneficiary sdk.AccAddress, ledger types.Ledger, option types.ExitOption, denom string, limit math.Int,
) (types.Exit, bool, error) {
	rows, more, err := k.exitRows(ctx, beneficiary, ledger, option, denom)
	if err != nil {
		return types.Exit{}, false, err
	}
	if limit.IsZero() {
		limit = types.SumRows(rows)
	}
	exit, taken := types.PlanExit(rows, option, ctx.BlockTime(), limit)
	if exit.Amount.IsZero() {
		return exit, false, types.ErrNothingToExit.Wrapf("no %s of %s ripens after %s, when an exit would pay",
			denom, ledger, time.Unix(int64(exit.Ripe), 0).UTC().Format(time.RFC3339))
	}
	for _, part := range taken {
		key := newRowKey(part.Row.Kind, beneficiary, part.Row.Bucket, denom)
		if err := k.debitRow(ctx, key, part.Amount); err != nil {
			return exit, false, err
		}
	}
	return exit, more && exit.Amount.LT(limit), k.bookExit(ctx, beneficiary, ledger, denom, exit)
}

// exitRows reads the rows that an exit may take from, from the last to ripen on, past those of other denoms; true where there are more than
// it reads.
func (k *Keeper) exitRows(
	ctx sdk.Context, beneficiary []byte, ledger types.Ledger, option types.ExitOption, denom string,
) (rows []types.RowBalance, more bool, err error) {
	ripe, passed := types.NewExit(option, ctx.BlockTime()).Ripe, 0
	prefix := collections.QuadSuperPrefix[uint32, []byte, uint64, string](uint32(ledger.VestingKind()), beneficiary)
	ranger := new(collections.Range[rowKey]).Prefix(prefix).Descending()
	err = k.rows.Walk(ctx, ranger, func(key rowKey, amount math.Int) (bool, error) {
		if key.K3() <= ripe {
			return true, nil
		}
		if key.K4() != denom {
			passed++
			more = passed == types.MaxPassedRows
			return more, nil
		}
		if len(rows) == types.MaxExitRows {
			more = true
			return true, nil
		}
		row := types.Row{Kind: ledger.VestingKind(), Bucket: key.K3(), Denom: denom}
		rows = append(rows, types.RowBalance{Row: row, Amount: amount})
		return false, nil
	})
	return rows, more, err
}

// bookExit puts coins that left vesting where they belong: the beneficiary's part into its exiting row, the penalty back to
// the ledger's pool, or to the treasury where it is not uath, which no pool pays.
func (k *Keeper) bookExit(ctx sdk.Context, beneficiary sdk.AccAddress, ledger types.Ledger, denom string, exit types.Exit) error {
	exiting := newRowKey(types.RowKind_ROW_KIND_EXITING, beneficiary, exit.Ripe, denom)
	if err := k.addRow(ctx, exiting, exit.Pays); err != nil {
		return err
	}
	var err error
	if denom == types.Denom {
		err = k.addReturnedDelta(ctx, ledger.ReturnPool(), beneficiary, exit.Penalty)
	} else {
		err = k.addRowDelta(ctx, newRowKey(types.RowKind_ROW_KIND_TREASURY, nil, 0, denom), exit.Penalty)
	}
	if err != nil {
		return err
	}
	address, err := k.addresses.BytesToString(beneficiary)
	if err != nil {
		return err
	}
	return types.Emit(ctx, &types.EventExited{
		Beneficiary: address, Ledger: ledger, Denom: denom,
		Amount: exit.Amount, Penalty: exit.Penalty, RipeAt: time.Unix(int64(exit.Ripe), 0).UTC(),
	})
}

// returnPenalty puts a penalty at the end of what came back to a pool and sets the bar of who paid it there. From here on
// the beneficiary takes no part in the returned penalties of any open epoch: its weight leaves their sums.
func (k *Keeper) returnPenalty(ctx sdk.Context, pool types.Pool, beneficiary []byte, penalty math.Int) error {
	if err := k.settleShares(ctx, pool, beneficiary); err != nil {
		return err
	}
	before, err := k.bar(ctx, pool, beneficiary)
	if err != nil {
		return err
	}
	if err := k.leaveReturned(ctx, pool, beneficiary, before); err != nil {
		return err
	}
	if err := k.addRow(ctx, newRowKey(types.RowKind_ROW_KIND_POOL, nil, uint64(pool), types.Denom), penalty); err != nil {
		return err
	}
	state, err := k.pools.Get(ctx, uint32(pool))
	if err != nil {
		return err
	}
	state.Returned = state.Returned.Add(penalty)
	if err := k.pools.Set(ctx, uint32(pool), state); err != nil {
		return err
	}
	return k.bars.Set(ctx, collections.Join(uint32(pool), beneficiary), state.Returned)
}

// leaveReturned takes a beneficiary's weights out of what open epochs divide returned penalties by; there are at most as
// many as epochs are open.
func (k *Keeper) leaveReturned(ctx sdk.Context, pool types.Pool, beneficiary []byte, bar math.Int) error {
	var keys []stakeKey
	var weights []math.Int
	prefix := collections.NewSuperPrefixedTripleRange[uint32, []byte, uint64](uint32(pool), beneficiary)
	err := k.sharePositions.Walk(ctx, prefix, func(key stakeKey, weight math.Int) (bool, error) {
		keys, weights = append(keys, key), append(weights, weight)
		return false, nil
	})
	if err != nil {
		return err
	}
	for i, key := range keys {
		id := collections.Join(uint32(pool), key.K3())
		share, err := k.shares.Get(ctx, id)
		if err != nil {
			return err
		}
		if !share.TakesPart(bar) {
			continue
		}
		share.ReturnedWeight = share.ReturnedWeight.Sub(weights[i])
		if err := k.shares.Set(ctx, id, share); err != nil {
			return err
		}
	}
	return nil
}

// bar is where a beneficiary's last penalty ends in a pool's line of returned penalties; zero where it paid none.
func (k *Keeper) bar(ctx sdk.Context, pool types.Pool, beneficiary []byte) (math.Int, error) {
	bar, err := k.bars.Get(ctx, collections.Join(uint32(pool), beneficiary))
	if errors.Is(err, collections.ErrNotFound) {
		return math.ZeroInt(), nil
	}
	return bar, err
}

// liftBar forgets a bar that no open epoch asks for any more; later ones begin further down the line. The beneficiary's
// closed epochs must have been settled.
func (k *Keeper) liftBar(ctx sdk.Context, pool types.Pool, beneficiary []byte, bar math.Int) error {
	if bar.IsZero() {
		return nil
	}
	closed, err := k.closedEpoch.Get(ctx)
	if err != nil {
		return err
	}
	oldest, err := k.shares.Get(ctx, collections.Join(uint32(pool), closed+1))
	if err != nil || !oldest.TakesPart(bar) {
		return err
	}
	return k.bars.Remove(ctx, collections.Join(uint32(pool), beneficiary))
}
