// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"errors"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/ath/types"
)

// Revenue is the uath that tenants paid to suppliers, service fee included, in the last so many complete epochs, at most
// MaxRevenueEpochs. On a chain that has had fewer it is that of all.
func (k *Keeper) Revenue(ctx sdk.Context, epochs uint64) (math.Int, error) {
	epoch, err := k.epoch.Get(ctx)
	if err != nil {
		return math.Int{}, err
	}
	sum := math.ZeroInt()
	for back := uint64(1); back <= min(epochs, types.MaxRevenueEpochs) && back < epoch.Number; back++ {
		amount, err := k.revenueOf(ctx, epoch.Number-back)
		if err != nil {
			return math.Int{}, err
		}
		sum = sum.Add(amount)
	}
	return sum, nil
}

func (k *Keeper) revenueOf(ctx sdk.Context, epoch uint64) (math.Int, error) {
	amount, err := k.revenue.Get(ctx, epoch)
	if errors.Is(err, collections.ErrNotFound) {
		return math.ZeroInt(), nil
	}
	return amount, err
}

// foldRevenue adds what the block's payments left to the running epoch.
func (k *Keeper) foldRevenue(ctx sdk.Context) error {
	return k.fold(ctx, types.DeltaRevenue, func(_ []byte, sum math.Int) error {
		epoch, err := k.epoch.Get(ctx)
		if err != nil {
			return err
		}
		before, err := k.revenueOf(ctx, epoch.Number)
		if err != nil {
			return err
		}
		return k.revenue.Set(ctx, epoch.Number, before.Add(sum))
	})
}

// forgetRevenue forgets the one epoch that is too far behind the one that begins.
func (k *Keeper) forgetRevenue(ctx sdk.Context, begins uint64) error {
	if begins <= types.MaxRevenueEpochs+1 {
		return nil
	}
	return k.revenue.Remove(ctx, begins-types.MaxRevenueEpochs-1)
}

func (k *Keeper) importRevenue(ctx sdk.Context, state *types.GenesisState) error {
	for _, r := range state.Revenue {
		if err := k.revenue.Set(ctx, r.Epoch, r.Amount); err != nil {
			return err
		}
	}
	return nil
}

func (k *Keeper) exportRevenue(ctx sdk.Context, state *types.GenesisState) error {
	return k.revenue.Walk(ctx, nil, func(epoch uint64, amount math.Int) (bool, error) {
		state.Revenue = append(state.Revenue, types.EpochRevenue{Epoch: epoch, Amount: amount})
		return false, nil
	})
}
