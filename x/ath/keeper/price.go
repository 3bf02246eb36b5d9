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

// Price is what an ATH is worth, and whether that is too old to quote by; ErrNoPrice before the first observation.
func (k *Keeper) Price(ctx sdk.Context) (types.Price, bool, error) {
	price, err := found(k.price.Get(ctx))
	if err != nil {
		return types.Price{}, false, err
	}
	if price == nil {
		return types.Price{}, false, types.ErrNoPrice.Wrap("validators have not told any yet")
	}
	params, err := k.params.Get(ctx)
	return *price, params.Stale(price, ctx.BlockTime()), err
}

// UsdQuotable says whether something may be quoted in USD now; ErrNoPrice where the price is unknown or stale. What was
// agreed before goes on at the slope of the last price.
func (k *Keeper) UsdQuotable(ctx sdk.Context) error {
	price, stale, err := k.Price(ctx)
	if err == nil && stale {
		err = types.ErrNoPrice.Wrapf("the last one is of %s", price.ObservedAt.UTC().Format(time.RFC3339))
	}
	return err
}

// UsdIndexAt is the UsdIndex at a time, in 10^-12 uath x ns per micro-dollar; ErrNoPrice where it was not known then, or is no
// longer. Times after the last step, also future ones, are on its line.
func (k *Keeper) UsdIndexAt(ctx sdk.Context, at time.Time) (math.Int, error) {
	step, err := k.usdStep(ctx, at)
	if err != nil {
		return math.Int{}, err
	}
	return step.At(at), nil
}

// UsdStep is the step of the UsdIndex that goes for a time, or the oldest that is kept; ErrNoPrice before the first price. What has run by
// the index for longer than steps are kept goes by the oldest of them.
func (k *Keeper) UsdStep(ctx sdk.Context, at time.Time) (types.UsdIndex, error) {
	step, err := k.usdStep(ctx, at)
	if !errors.Is(err, types.ErrNoPrice) {
		return step, err
	}
	var oldest *types.UsdIndex
	err = k.usdCheckpoints.Walk(ctx, nil, func(_ int64, point types.UsdIndex) (bool, error) {
		oldest = &point
		return true, nil
	})
	if err == nil && oldest == nil {
		oldest, err = found(k.usdIndex.Get(ctx))
	}
	if err == nil && oldest == nil {
		err = types.ErrNoPrice.Wrap("validators have not told any yet")
	}
	if err != nil {
		return types.UsdIndex{}, err
	}
	return *oldest, nil
}

// usdStep is the step that a time lies behind.
func (k *Keeper) usdStep(ctx sdk.Context, at time.Time) (types.UsdIndex, error) {
	now, err := found(k.usdIndex.Get(ctx))
	if err != nil {
		return types.UsdIndex{}, err
	}
	if now != nil && !at.Before(now.SteppedAt) {
		return *now, nil
	}
	var step *types.UsdIndex
	until := new(collections.Range[int64]).EndInclusive(at.UnixNano()).Descending()
	err = k.usdCheckpoints.Walk(ctx, until, func(_ int64, point types.UsdIndex) (bool, error) {
		step = &point
		return true, nil
	})
	if err == nil && step == nil {
		err = types.ErrNoPrice.Wrapf("no UsdIndex of %s is kept", at.UTC().Format(time.RFC3339))
	}
	if err != nil {
		return types.UsdIndex{}, err
	}
	return *step, nil
}

// stepPrice takes what validators said an ATH is worth. Where too few said something nothing changes, and the price grows old.
func (k *Keeper) stepPrice(ctx sdk.Context, votes []types.Vote, power int64) error {
	median, ok := types.MedianPrice(votes, power)
	if !ok {
		return nil
	}
	params, err := k.params.Get(ctx)
	if err != nil {
		return err
	}
	before, err := found(k.price.Get(ctx))
	if err != nil {
		return err
	}
	price := params.Observe(before, median, ctx.BlockTime())
	if err := k.price.Set(ctx, price); err != nil || before != nil {
		return err
	}
	return k.saveUsdIndex(ctx, types.NewUsdIndex(price, ctx.BlockTime()), false)
}

// stepUsdIndex ends the index's period when its time is over. It goes by the network's clock, so that nobody chooses a
// period.
func (k *Keeper) stepUsdIndex(ctx sdk.Context) error {
	index, err := found(k.usdIndex.Get(ctx))
	if err != nil || index == nil {
		return err
	}
	params, err := k.params.Get(ctx)
	if err != nil {
		return err
	}
	if ctx.BlockTime().Sub(index.SteppedAt) < params.PriceStep {
		return nil
	}
	price, stale, err := k.Price(ctx)
	if err != nil {
		return err
	}
	if err := k.usdCheckpoints.Set(ctx, index.SteppedAt.UnixNano(), *index); err != nil {
		return err
	}
	if err := k.pruneUsdCheckpoint(ctx); err != nil {
		return err
	}
	return k.saveUsdIndex(ctx, index.Step(price, stale, ctx.BlockTime()), stale)
}

func (k *Keeper) saveUsdIndex(ctx sdk.Context, index types.UsdIndex, stale bool) error {
	if err := k.usdIndex.Set(ctx, index); err != nil {
		return err
	}
	return types.Emit(ctx, &types.EventUsdIndexStepped{Index: index.Index, Slope: index.Slope, Stale: stale})
}

// pruneUsdCheckpoint drops the checkpoints that are older than KeptUsdCheckpoints steps of an hour: usually one comes, one goes.
func (k *Keeper) pruneUsdCheckpoint(ctx sdk.Context) error {
	params, err := k.params.Get(ctx)
	if err != nil {
		return err
	}
	kept := ctx.BlockTime().Add(-types.KeptUsdCheckpoints * params.PriceStep).UnixNano()
	var old []int64
	err = k.usdCheckpoints.Walk(ctx, new(collections.Range[int64]).EndExclusive(kept), func(at int64, _ types.UsdIndex) (bool, error) {
		old = append(old, at)
		return len(old) == maxPrunedCheckpoints, nil
	})
	if err != nil {
		return err
	}
	for _, at := range old {
		if err := k.usdCheckpoints.Remove(ctx, at); err != nil {
			return err
		}
	}
	return nil
}

// maxPrunedCheckpoints bounds the work of a step after the step was made shorter.
const maxPrunedCheckpoints = 10

// found turns "not found" into nil.
func found[T any](value T, err error) (*T, error) {
	if errors.Is(err, collections.ErrNotFound) {
		return nil, nil
	}
	return &value, err
}

func (k *Keeper) importPrice(ctx sdk.Context, state *types.GenesisState) error {
	if state.Price == nil {
		return nil
	}
	// A price of the future would never be stale, and an index that begins in the future would fall until then.
	for _, at := range []time.Time{state.Price.ObservedAt, state.UsdIndex.SteppedAt} {
		if at.After(ctx.BlockTime()) {
			return types.ErrInvalidGenesis.Wrapf("the price is of %s and the index of %s; the chain begins at %s",
				state.Price.ObservedAt.UTC(), state.UsdIndex.SteppedAt.UTC(), ctx.BlockTime().UTC())
		}
	}
	if err := k.price.Set(ctx, *state.Price); err != nil {
		return err
	}
	if err := k.usdIndex.Set(ctx, *state.UsdIndex); err != nil {
		return err
	}
	for _, point := range state.UsdCheckpoints {
		if err := k.usdCheckpoints.Set(ctx, point.SteppedAt.UnixNano(), point); err != nil {
			return err
		}
	}
	return nil
}

func (k *Keeper) exportPrice(ctx sdk.Context, state *types.GenesisState) (err error) {
	if state.Price, err = found(k.price.Get(ctx)); err != nil {
		return err
	}
	if state.UsdIndex, err = found(k.usdIndex.Get(ctx)); err != nil {
		return err
	}
	return k.usdCheckpoints.Walk(ctx, nil, func(_ int64, point types.UsdIndex) (bool, error) {
		state.UsdCheckpoints = append(state.UsdCheckpoints, point)
		return false, nil
	})
}
