// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"maps"
	"slices"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/ath/types"
)

// CheckInvariants walks the whole state; it holds between blocks and is for tests, exports and `athd debug invariants`.
func (k *Keeper) CheckInvariants(ctx sdk.Context) error {
	for _, check := range []func(sdk.Context) error{
		k.checkVault,
		k.checkSupply,
		k.checkPools,
		k.checkShares,
		k.checkStream,
		k.checkBeacon,
		k.checkDAO,
		k.checkFees,
		k.checkProviderFees,
	} {
		if err := check(ctx); err != nil {
			return err
		}
	}
	return nil
}

// checkVault: the vault's account holds the sum of the rows, per denom, and no row is zero or negative (A1).
func (k *Keeper) checkVault(ctx sdk.Context) error {
	sums := sdk.NewCoins()
	err := k.rows.Walk(ctx, nil, func(key rowKey, amount math.Int) (bool, error) {
		if !amount.IsPositive() {
			return true, types.ErrInvariant.Wrapf("row %s holds %s", rowKeyCodec.Stringify(key), amount)
		}
		sums = sums.Add(sdk.NewCoin(key.K4(), amount))
		return false, nil
	})
	if err != nil {
		return err
	}
	if sums.AmountOf(types.Denom).IsZero() {
		sums = append(sums, sdk.NewCoin(types.Denom, math.ZeroInt())) // also an empty vault is checked
	}
	for _, sum := range sums {
		if held := k.bank.GetBalance(ctx, k.account, sum.Denom); !held.Equal(sum) {
			return types.ErrInvariant.Wrapf("the rows sum to %s, the vault's account holds %s", sum, held)
		}
	}
	return nil
}

// checkSupply: minted and what will still be minted stay within the cap, and the supply within what was minted and not
// burnt (A2). Other modules may burn too, so the supply can be lower.
func (k *Keeper) checkSupply(ctx sdk.Context) error {
	minted, err := k.minted.Get(ctx)
	if err != nil {
		return err
	}
	burnt, err := k.burnt.Get(ctx)
	if err != nil {
		return err
	}
	epoch, err := k.epoch.Get(ctx)
	if err != nil {
		return err
	}
	if room := types.RemainingEmission(epoch.Number); minted.Add(room).GT(math.NewInt(types.Cap)) {
		return types.ErrInvariant.Wrapf("%s minted and %s to come are above the cap", minted, room)
	}
	if supply := k.bank.GetSupply(ctx, types.Denom).Amount; supply.GT(minted.Sub(burnt)) {
		return types.ErrInvariant.Wrapf("supply is %s, but %s were minted and %s burnt", supply, minted, burnt)
	}
	return nil
}

// checkPools: what a pool emitted and got back is what it paid and what its two rows hold (A3), and the budgets of a Shares
// pool's open epochs and the penalties that wait are in its row (A4).
func (k *Keeper) checkPools(ctx sdk.Context) error {
	for _, pool := range types.Pools() {
		state, err := k.pools.Get(ctx, uint32(pool))
		if err != nil {
			return err
		}
		held, err := k.RowAmount(ctx, types.PoolRow(pool))
		if err != nil {
			return err
		}
		earned, err := k.RowAmount(ctx, types.EarnedRow(pool))
		if err != nil {
			return err
		}
		if !state.Emitted.Add(state.Returned).Equal(state.Paid.Add(held).Add(earned)) {
			return types.ErrInvariant.Wrapf("%s emitted %s and got %s back, but paid %s, holds %s and owes %s",
				pool, state.Emitted, state.Returned, state.Paid, held, earned)
		}
		budgets, reserved, err := k.openBudgets(ctx, pool)
		if err != nil {
			return err
		}
		waiting := state.ReturnedHeld()
		if waiting.IsNegative() || reserved.GT(waiting) || budgets.Add(waiting).GT(held) {
			return types.ErrInvariant.Wrapf("%s has budgets of %s, %s returned of which %s are reserved, and holds %s",
				pool, budgets, waiting, reserved, held)
		}
	}
	return nil
}

// checkShares: every epoch that has not closed has its share, an open epoch's weights are the sums over its positions, a closed
// one's at least that, and a pool's earned row covers every position in its closed epochs (A5).
func (k *Keeper) checkShares(ctx sdk.Context) error {
	if err := k.checkOpenShares(ctx); err != nil {
		return err
	}
	type epochOf struct {
		pool  uint32
		epoch uint64
	}
	weights, owed := make(map[epochOf]types.Share), make(map[uint32]math.Int)
	err := k.sharePositions.Walk(ctx, nil, func(key stakeKey, weight math.Int) (bool, error) {
		share, err := k.shares.Get(ctx, collections.Join(key.K1(), key.K3()))
		if err != nil {
			return true, err
		}
		bar, err := k.bar(ctx, types.Pool(key.K1()), key.K2())
		if err != nil {
			return true, err
		}
		id, takesPart, pay := epochOf{key.K1(), key.K3()}, share.TakesPart(bar), share.PayRoundedDown(weight)
		if takesPart {
			pay = pay.Add(share.ReturnedRoundedDown(weight))
		}
		sum := weights[id]
		sum.Weight, sum.ReturnedWeight = orZero(sum.Weight), orZero(sum.ReturnedWeight)
		weights[id] = sum.Add(weight, takesPart)
		owed[key.K1()] = orZero(owed[key.K1()]).Add(pay)
		return false, nil
	})
	if err != nil {
		return err
	}
	err = k.shares.Walk(ctx, nil, func(key shareKey, share types.Share) (bool, error) {
		sum := weights[epochOf{key.K1(), key.K2()}]
		for _, pair := range [][2]math.Int{{orZero(sum.Weight), share.Weight}, {orZero(sum.ReturnedWeight), share.ReturnedWeight}} {
			if pair[0].GT(pair[1]) || !share.Closed && !pair[0].Equal(pair[1]) {
				return true, types.ErrInvariant.Wrapf("%s epoch %d has weight %s, its positions %s", share.Pool, share.Epoch, pair[1], pair[0])
			}
		}
		return false, nil
	})
	if err != nil {
		return err
	}
	for _, pool := range types.Pools() {
		if !pool.Shared() {
			continue
		}
		held, err := k.RowAmount(ctx, types.EarnedRow(pool))
		if err != nil {
			return err
		}
		if promised := orZero(owed[uint32(pool)]); held.LT(promised) {
			return types.ErrInvariant.Wrapf("%s owes %s for closed epochs and set aside %s", pool, promised, held)
		}
	}
	return k.checkBars(ctx)
}

// checkBars: nobody's bar is behind the end of the line of returned penalties (A15).
func (k *Keeper) checkBars(ctx sdk.Context) error {
	return k.bars.Walk(ctx, nil, func(key barKey, bar math.Int) (bool, error) {
		state, err := k.pools.Get(ctx, key.K1())
		if err == nil && (!bar.IsPositive() || bar.GT(state.Returned)) {
			err = types.ErrInvariant.Wrapf("a bar in %s is at %s, %s came back", state.Pool, bar, state.Returned)
		}
		return err != nil, err
	})
}

// checkOpenShares: a share that is missing would stop the chain when its epoch closes.
func (k *Keeper) checkOpenShares(ctx sdk.Context) error {
	epoch, err := k.epoch.Get(ctx)
	if err != nil {
		return err
	}
	closed, err := k.closedEpoch.Get(ctx)
	if err != nil {
		return err
	}
	for _, pool := range types.Pools() {
		if !pool.Shared() {
			continue
		}
		first, last := closed+1, epoch.Number
		if pool.Quarterly() {
			quarter, err := k.bonusUntil.Get(ctx)
			if err != nil || quarter < last {
				return types.ErrInvariant.Wrapf("the quarter ended with epoch %d, epoch %d is running (%v)", quarter, last, err)
			}
			first, last = quarter, quarter
		}
		for number := first; number <= last; number++ {
			if has, err := k.shares.Has(ctx, collections.Join(uint32(pool), number)); err != nil || !has {
				return types.ErrInvariant.Wrapf("%s has no share of epoch %d, which is open (%v)", pool, number, err)
			}
		}
	}
	return nil
}

func orZero(amount math.Int) math.Int {
	if amount.IsNil() {
		return math.ZeroInt()
	}
	return amount
}

// checkStream: the stream's next weight is the sum of all positions' latest weights, a group's weight the sum of its
// positions' weights, and the earned row covers what all positions have accrued (A6).
func (k *Keeper) checkStream(ctx sdk.Context) error {
	stream, err := k.stream.Get(ctx)
	if err != nil {
		return err
	}
	next, accrued := math.ZeroInt(), math.ZeroInt()
	groups := make(map[uint64]math.Int)
	err = k.positions.Walk(ctx, nil, func(holder uint64, position types.StreamPosition) (bool, error) {
		next = next.Add(position.LatestWeight())
		groups[position.Group] = orZero(groups[position.Group]).Add(position.Weight)
		_, pay, err := k.accrued(ctx, holder)
		if err == nil && pay.IsNegative() {
			err = types.ErrInvariant.Wrapf("position %d was settled ahead of its group", holder)
		}
		if err != nil {
			return true, err
		}
		accrued = accrued.Add(pay)
		return false, nil
	})
	if err != nil {
		return err
	}
	if !next.Equal(stream.NextWeight) {
		return types.ErrInvariant.Wrapf("the positions weigh %s, the stream counts %s", next, stream.NextWeight)
	}
	err = k.groups.Walk(ctx, nil, func(number uint64, group types.StreamGroup) (bool, error) {
		if sum := orZero(groups[number]); !sum.Equal(group.Weight) {
			return true, types.ErrInvariant.Wrapf("group %d counts %s, its positions %s", number, group.Weight, sum)
		}
		delete(groups, number)
		return false, nil
	})
	if err != nil {
		return err
	}
	for _, number := range slices.Sorted(maps.Keys(groups)) { // a group that was never stored weighs nothing
		if sum := groups[number]; sum.IsPositive() {
			return types.ErrInvariant.Wrapf("group %d does not exist, its positions weigh %s", number, sum)
		}
	}
	held, err := k.RowAmount(ctx, types.EarnedRow(types.Pool_POOL_CAPACITY))
	if err != nil {
		return err
	}
	if accrued.GT(held) {
		return types.ErrInvariant.Wrapf("positions accrued %s, %s are set aside", accrued, held)
	}
	return nil
}
