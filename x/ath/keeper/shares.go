// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"errors"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/ath/types"
)

// AddWeight adds to a beneficiary's weight in the running epoch of a Shares pool, at the end of the block.
func (k *Keeper) AddWeight(ctx sdk.Context, pool types.Pool, beneficiary sdk.AccAddress, weight math.Int) error {
	if !pool.Shared() || pool.Quarterly() {
		return types.ErrInvalidPool.Wrapf("%s is not paid by weight per epoch", pool)
	}
	epoch, err := k.epoch.Get(ctx)
	if err != nil {
		return err
	}
	return k.leaveWeight(ctx, pool, beneficiary, epoch.Number, weight, weight)
}

// BonusQuarter names the running quarter of the Checkers' bonus: the number of its last epoch.
func (k *Keeper) BonusQuarter(ctx sdk.Context) (uint64, error) { return k.bonusUntil.Get(ctx) }

// ChangeBonus changes a beneficiary's weight in the running quarter of the Checkers' bonus, at the end of the block. It may
// take away what it gave within the quarter.
func (k *Keeper) ChangeBonus(ctx sdk.Context, beneficiary sdk.AccAddress, change math.Int) error {
	quarter, err := k.bonusUntil.Get(ctx)
	if err != nil {
		return err
	}
	return k.leaveWeight(ctx, types.Pool_POOL_CHECKER_BONUS, beneficiary, quarter, change, change.Abs())
}

func (k *Keeper) leaveWeight(ctx sdk.Context, pool types.Pool, beneficiary sdk.AccAddress, epoch uint64, change, size math.Int) error {
	if beneficiary.Empty() {
		return types.ErrInvalidAddress.Wrap("beneficiary is empty")
	}
	if err := types.ValidateWeight(size); err != nil {
		return err
	}
	return k.addShareDelta(ctx, pool, beneficiary, epoch, change)
}

// addShareWeight writes weight that was left in the block. A beneficiary's first weight in an epoch settles its closed
// epochs, so that it never has more positions than there are open epochs, however long it doesn't claim. A change that would
// take more than there is takes what there is: nothing that a module says of weights may stop the chain.
func (k *Keeper) addShareWeight(ctx sdk.Context, pool types.Pool, beneficiary []byte, epoch uint64, change math.Int) error {
	share, err := k.shares.Get(ctx, collections.Join(uint32(pool), epoch))
	if err != nil {
		return err
	}
	key := collections.Join3(uint32(pool), beneficiary, epoch)
	held, err := k.sharePositions.Get(ctx, key)
	switch {
	case errors.Is(err, collections.ErrNotFound):
		held = math.ZeroInt()
		if err := k.settleShares(ctx, pool, beneficiary); err != nil {
			return err
		}
	case err != nil:
		return err
	}
	change = math.MaxInt(change, held.Neg())
	if change.IsZero() {
		return nil
	}
	bar, err := k.bar(ctx, pool, beneficiary)
	if err != nil {
		return err
	}
	share = share.Add(change, share.TakesPart(bar))
	if err := k.shares.Set(ctx, collections.Join(uint32(pool), epoch), share); err != nil {
		return err
	}
	if held = held.Add(change); held.IsZero() {
		return k.sharePositions.Remove(ctx, key)
	}
	return k.sharePositions.Set(ctx, key, held)
}

// shareWeight is a beneficiary's weight in an epoch of a pool; what this block adds is not in it yet.
func (k *Keeper) shareWeight(ctx sdk.Context, pool types.Pool, beneficiary []byte, epoch uint64) (math.Int, error) {
	weight, err := k.sharePositions.Get(ctx, collections.Join3(uint32(pool), beneficiary, epoch))
	if errors.Is(err, collections.ErrNotFound) {
		return math.ZeroInt(), nil
	}
	return weight, err
}

// settleShares credits a beneficiary with what its closed epochs of a pool paid and forgets these.
func (k *Keeper) settleShares(ctx sdk.Context, pool types.Pool, beneficiary []byte) error {
	bar, err := k.bar(ctx, pool, beneficiary)
	if err != nil {
		return err
	}
	keys, pay, err := k.closedShares(ctx, pool, beneficiary, bar)
	if err != nil {
		return err
	}
	for _, key := range keys {
		if err := k.sharePositions.Remove(ctx, key); err != nil {
			return err
		}
	}
	if err := k.liftBar(ctx, pool, beneficiary, bar); err != nil {
		return err
	}
	return k.creditLedger(ctx, pool, beneficiary, pay)
}

// closedShares lists a beneficiary's positions in closed epochs of a pool and what they earned together.
func (k *Keeper) closedShares(ctx sdk.Context, pool types.Pool, beneficiary []byte, bar math.Int) ([]stakeKey, math.Int, error) {
	closed, err := k.closedEpoch.Get(ctx)
	if err != nil {
		return nil, math.Int{}, err
	}
	var keys []stakeKey
	pay := math.ZeroInt()
	prefix := collections.NewSuperPrefixedTripleRange[uint32, []byte, uint64](uint32(pool), beneficiary)
	err = k.sharePositions.Walk(ctx, prefix, func(key stakeKey, weight math.Int) (bool, error) {
		if key.K3() > closed {
			return true, nil
		}
		share, err := k.shares.Get(ctx, collections.Join(uint32(pool), key.K3()))
		if err != nil {
			return true, err
		}
		keys, pay = append(keys, key), pay.Add(share.PayRoundedDown(weight))
		if share.TakesPart(bar) {
			pay = pay.Add(share.ReturnedRoundedDown(weight))
		}
		return false, nil
	})
	return keys, pay, err
}

// creditLedger moves what a pool has promised into a beneficiary's ledger. The beneficiary's row changes at once, the
// pool's at the end of the block: beneficiaries that claim in the same block write no common key.
func (k *Keeper) creditLedger(ctx sdk.Context, pool types.Pool, beneficiary []byte, amount math.Int) error {
	if amount.IsZero() {
		return nil
	}
	if err := k.addPaidDelta(ctx, pool, amount); err != nil {
		return err
	}
	return k.addRow(ctx, newRowKey(types.RowKind_ROW_KIND_OWED, beneficiary, uint64(pool.Ledger()), types.Denom), amount)
}

// closeShares fixes what the Shares of an epoch, and of a quarter that it ends, pay and sets that aside from their pools.
func (k *Keeper) closeShares(ctx sdk.Context, params types.Params, epoch uint64) error {
	for _, pool := range types.Pools() {
		if !pool.Shared() {
			continue
		}
		share, err := k.shares.Get(ctx, collections.Join(uint32(pool), epoch))
		if pool.Quarterly() && errors.Is(err, collections.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		if err := k.closeShare(ctx, share.Close(params.Kappa(pool))); err != nil {
			return err
		}
	}
	return nil
}

func (k *Keeper) closeShare(ctx sdk.Context, share types.Share) error {
	key := collections.Join(uint32(share.Pool), share.Epoch)
	var err error
	// An epoch without weight has no beneficiaries; nobody will ask for it.
	if share.Weight.IsZero() {
		err = k.shares.Remove(ctx, key)
	} else {
		err = k.shares.Set(ctx, key, share)
	}
	if err != nil {
		return err
	}
	if err := k.promise(ctx, share.Pool, share.Promised()); err != nil {
		return err
	}
	if share.ReturnedAmount.IsPositive() {
		state, err := k.pools.Get(ctx, uint32(share.Pool))
		if err != nil {
			return err
		}
		state.ReturnedSpent = state.ReturnedSpent.Add(share.ReturnedAmount)
		if err := k.pools.Set(ctx, uint32(share.Pool), state); err != nil {
			return err
		}
	}
	return types.Emit(ctx, &types.EventSharesClosed{
		Pool: share.Pool, Epoch: share.Epoch, Amount: share.Promised(), Weight: share.Weight,
	})
}

// promise sets coins of a pool aside for beneficiaries.
func (k *Keeper) promise(ctx sdk.Context, pool types.Pool, amount math.Int) error {
	if amount.IsZero() {
		return nil
	}
	if err := k.debitRow(ctx, newRowKey(types.RowKind_ROW_KIND_POOL, nil, uint64(pool), types.Denom), amount); err != nil {
		return err
	}
	return k.addRow(ctx, newRowKey(types.RowKind_ROW_KIND_EARNED, nil, uint64(pool), types.Denom), amount)
}

// openBudgets is what the epochs of a pool that have not closed may still pay, without and of returned penalties.
func (k *Keeper) openBudgets(ctx sdk.Context, pool types.Pool) (budgets, returned math.Int, err error) {
	budgets, returned = math.ZeroInt(), math.ZeroInt()
	closed, err := k.closedEpoch.Get(ctx)
	if err != nil {
		return budgets, returned, err
	}
	open := collections.NewPrefixedPairRange[uint32, uint64](uint32(pool)).StartExclusive(closed)
	err = k.shares.Walk(ctx, open, func(_ shareKey, share types.Share) (bool, error) {
		budgets, returned = budgets.Add(share.Budget), returned.Add(share.ReturnedBudget)
		return false, nil
	})
	return budgets, returned, err
}
