// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/ath/types"
)

// emit mints an epoch's emission into the pools, opens its Shares and sets the stream's rate. It returns what it minted.
func (k *Keeper) emit(ctx sdk.Context, params types.Params, epoch types.Epoch) (math.Int, error) {
	gross := types.Emission(epoch.Number)
	if err := k.mint(ctx, gross.Total()); err != nil {
		return math.Int{}, err
	}
	for _, part := range params.Divide(gross) {
		if err := k.openPool(ctx, params, part.Pool, epoch, part.Amount); err != nil {
			return math.Int{}, err
		}
	}
	return gross.Total(), nil
}

// mint is the only place where ATH comes into being after genesis.
func (k *Keeper) mint(ctx sdk.Context, amount math.Int) error {
	if amount.IsZero() {
		return nil
	}
	minted, err := k.minted.Get(ctx)
	if err != nil {
		return err
	}
	minted = minted.Add(amount)
	if minted.GT(math.NewInt(types.Cap)) {
		return types.ErrCapExceeded.Wrapf("%s would have been minted; the cap is %d", minted, types.Cap)
	}
	if err := k.minted.Set(ctx, minted); err != nil {
		return err
	}
	return k.bank.MintCoins(ctx, types.ModuleName, sdk.NewCoins(sdk.NewCoin(types.Denom, amount)))
}

// openPool books an epoch's emission in a pool and fixes what the pool may pay for that epoch: the emission and a part of
// what earlier epochs left over.
func (k *Keeper) openPool(ctx sdk.Context, params types.Params, pool types.Pool, epoch types.Epoch, emission math.Int) error {
	key := newRowKey(types.RowKind_ROW_KIND_POOL, nil, uint64(pool), types.Denom)
	held, err := k.rowAmount(ctx, key)
	if err != nil {
		return err
	}
	if err := k.addRow(ctx, key, emission); err != nil {
		return err
	}
	state, err := k.pools.Get(ctx, uint32(pool))
	if err != nil {
		return err
	}
	state.Emitted = state.Emitted.Add(emission)
	var share types.Share
	if pool.Shared() {
		budgets, reserved, err := k.openBudgets(ctx, pool)
		if err != nil {
			return err
		}
		leftOver := held.Sub(budgets).Sub(state.ReturnedHeld())
		var returned math.Int
		state, returned = state.OpenReturned(reserved)
		share = types.NewShare(state, epoch.Number, types.Budget(emission, leftOver), returned)
	}
	if err := k.pools.Set(ctx, uint32(pool), state); err != nil {
		return err
	}
	switch {
	case pool.Quarterly():
		return k.openQuarter(ctx, params, share)
	case pool.Shared():
		return k.shares.Set(ctx, collections.Join(uint32(pool), epoch.Number), share)
	case pool == types.Pool_POOL_CAPACITY:
		stream, err := k.stream.Get(ctx)
		if err != nil {
			return err
		}
		// What the last rounds distributed and Checkers have yet to confirm is still in the row and counts as left over
		// here. A ninetieth of a round or two may so be budgeted twice; StreamGroup.Confirm never promises more than the
		// row holds.
		return k.stream.Set(ctx, stream.Open(epoch, types.Budget(emission, held)))
	default:
		return nil
	}
}

// openQuarter adds what a quarterly pool may pay for an epoch to the running quarter, or opens the next one.
func (k *Keeper) openQuarter(ctx sdk.Context, params types.Params, epoch types.Share) error {
	until, err := k.bonusUntil.Get(ctx)
	if err != nil {
		return err
	}
	if epoch.Epoch > until {
		until = epoch.Epoch + params.BonusEpochs - 1
		if err := k.bonusUntil.Set(ctx, until); err != nil {
			return err
		}
		epoch.Epoch = until
		return k.shares.Set(ctx, collections.Join(uint32(epoch.Pool), until), epoch)
	}
	quarter, err := k.shares.Get(ctx, collections.Join(uint32(epoch.Pool), until))
	if err != nil {
		return err
	}
	quarter.Budget = quarter.Budget.Add(epoch.Budget)
	return k.shares.Set(ctx, collections.Join(uint32(epoch.Pool), until), quarter)
}
