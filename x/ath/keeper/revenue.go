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
	figures, err := k.revenueFigures(ctx, epochs)
	return figures.Payments, err
}

// revenueFigures are payments and fees of the last so many complete epochs. Fees of epochs that have not closed yet are those
// that wait in their rows.
func (k *Keeper) revenueFigures(ctx sdk.Context, epochs uint64) (types.RevenueFigures, error) {
	epoch, err := k.epoch.Get(ctx)
	if err != nil {
		return types.RevenueFigures{}, err
	}
	epochs = min(epochs, types.MaxRevenueEpochs, epoch.Number-1)
	payments, fees := math.ZeroInt(), math.ZeroInt()
	for back := uint64(1); back <= epochs; back++ {
		number := epoch.Number - back
		revenue, err := k.revenueOf(ctx, number)
		if err != nil {
			return types.RevenueFigures{}, err
		}
		pending, err := k.RowAmount(ctx, types.FeesPendingRow(number, types.Denom))
		if err != nil {
			return types.RevenueFigures{}, err
		}
		payments, fees = payments.Add(revenue.Amount), fees.Add(revenue.Fees).Add(pending)
	}
	return types.NewRevenueFigures(epochs, epoch, payments, fees), nil
}

func (k *Keeper) revenueOf(ctx sdk.Context, epoch uint64) (types.EpochRevenue, error) {
	revenue, err := k.revenue.Get(ctx, epoch)
	if errors.Is(err, collections.ErrNotFound) {
		return types.NewEpochRevenue(epoch), nil
	}
	return revenue, err
}

// foldRevenue adds what the block's payments left to the running epoch. Refunds of what earlier epochs counted lower the running one,
// at most to nothing.
func (k *Keeper) foldRevenue(ctx sdk.Context) error {
	return k.fold(ctx, types.DeltaRevenue, func(_ []byte, sum math.Int) error {
		epoch, err := k.epoch.Get(ctx)
		if err != nil {
			return err
		}
		revenue, err := k.revenueOf(ctx, epoch.Number)
		if err != nil {
			return err
		}
		revenue.Amount = math.MaxInt(math.ZeroInt(), revenue.Amount.Add(sum))
		return k.revenue.Set(ctx, epoch.Number, revenue)
	})
}

// countFees notes what was distributed of an epoch's service fees: where it went, and while the epoch's revenue is remembered,
// how much it was.
func (k *Keeper) countFees(ctx sdk.Context, epoch uint64, parts types.FeeParts, denom string) error {
	totals, err := k.fees.Get(ctx, denom)
	if errors.Is(err, collections.ErrNotFound) {
		totals, err = types.NewFeeTotals(denom), nil
	}
	if err != nil {
		return err
	}
	if err := k.fees.Set(ctx, denom, totals.Add(parts)); err != nil {
		return err
	}
	revenue, err := k.revenue.Get(ctx, epoch)
	if denom != types.Denom || errors.Is(err, collections.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	revenue.Fees = revenue.Fees.Add(parts.Sum())
	return k.revenue.Set(ctx, epoch, revenue)
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
		if err := k.revenue.Set(ctx, r.Epoch, r); err != nil {
			return err
		}
	}
	for _, t := range state.Fees {
		if err := k.fees.Set(ctx, t.Denom, t); err != nil {
			return err
		}
	}
	return nil
}

func (k *Keeper) exportRevenue(ctx sdk.Context, state *types.GenesisState) error {
	err := k.revenue.Walk(ctx, nil, func(_ uint64, r types.EpochRevenue) (bool, error) {
		state.Revenue = append(state.Revenue, r)
		return false, nil
	})
	if err != nil {
		return err
	}
	return k.fees.Walk(ctx, nil, func(_ string, t types.FeeTotals) (bool, error) {
		state.Fees = append(state.Fees, t)
		return false, nil
	})
}

// checkFees: what the totals say was burnt is what was burnt (A20).
func (k *Keeper) checkFees(ctx sdk.Context) error {
	burnt, err := k.burnt.Get(ctx)
	if err != nil {
		return err
	}
	totals, err := k.fees.Get(ctx, types.Denom)
	if errors.Is(err, collections.ErrNotFound) {
		totals, err = types.NewFeeTotals(types.Denom), nil
	}
	if err == nil && !totals.Burnt.Equal(burnt) {
		err = types.ErrInvariant.Wrapf("%s uath were burnt, of fees %s", burnt, totals.Burnt)
	}
	return err
}
