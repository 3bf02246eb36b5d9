// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"

	"github.com/athnet/ath/x/ath/types"
)

// Epoch returns the running epoch.
func (k *Keeper) Epoch(ctx sdk.Context) (types.Epoch, error) { return k.epoch.Get(ctx) }

// advanceEpoch ends the epoch if its time is over, at most one per block; a chain that is behind catches up in the next
// blocks. The work is bounded by the verdict horizon: usually one epoch is closed.
func (k *Keeper) advanceEpoch(ctx sdk.Context) error {
	epoch, err := k.epoch.Get(ctx)
	if err != nil {
		return err
	}
	if ctx.BlockTime().Before(epoch.End()) {
		return nil
	}
	params, err := k.params.Get(ctx)
	if err != nil {
		return err
	}
	if err := k.stepStream(ctx, epoch); err != nil {
		return err
	}
	if err := k.closeEpochs(ctx, params, epoch.Number); err != nil {
		return err
	}
	if err := k.streamDAO(ctx, params, epoch.Number); err != nil {
		return err
	}
	next := epoch.Next(ctx.BlockTime(), params.EpochDuration)
	if err := k.epoch.Set(ctx, next); err != nil {
		return err
	}
	if err := k.forgetRevenue(ctx, next.Number); err != nil {
		return err
	}
	emitted, err := k.emit(ctx, params, next)
	if err != nil {
		return err
	}
	k.logger.Info("epoch ended", "epoch", epoch.Number, "emitted", emitted.String())
	return types.Emit(ctx, &types.EventEpochEnded{Epoch: epoch.Number, Emitted: emitted})
}

// closeEpochs distributes what lies a verdict horizon behind the epoch that ends: one epoch, or more where the horizon
// was shortened.
func (k *Keeper) closeEpochs(ctx sdk.Context, params types.Params, ended uint64) error {
	closed, err := k.closedEpoch.Get(ctx)
	if err != nil {
		return err
	}
	for closed+params.VerdictHorizonEpochs < ended {
		closed++
		if err := k.distributeFees(ctx, params, closed); err != nil {
			return err
		}
		if err := k.closeShares(ctx, params, closed); err != nil {
			return err
		}
		if err := k.closedEpoch.Set(ctx, closed); err != nil {
			return err
		}
	}
	return nil
}

// distributeFees divides the service fees of an epoch, in every denom in which there were any.
func (k *Keeper) distributeFees(ctx sdk.Context, params types.Params, epoch uint64) error {
	type pending struct {
		key rowKey
		fee math.Int
	}
	var fees []pending
	rows := newEpochFeesRange(epoch)
	err := k.rows.Walk(ctx, rows, func(key rowKey, fee math.Int) (bool, error) {
		fees = append(fees, pending{key, fee})
		return false, nil
	})
	if err != nil {
		return err
	}
	for _, p := range fees {
		if err := k.rows.Remove(ctx, p.key); err != nil {
			return err
		}
		if err := k.distributeFee(ctx, epoch, params.FeeSplit.Divide(p.fee, p.key.K4()), p.key.K4()); err != nil {
			return err
		}
	}
	return nil
}

func (k *Keeper) distributeFee(ctx sdk.Context, epoch uint64, parts types.FeeParts, denom string) error {
	if parts.Stakers.IsPositive() {
		coins := sdk.NewCoins(sdk.NewCoin(denom, parts.Stakers))
		if err := k.bank.SendCoinsFromModuleToModule(ctx, types.ModuleName, authtypes.FeeCollectorName, coins); err != nil {
			return err
		}
	}
	if err := k.addRow(ctx, newRowKey(types.RowKind_ROW_KIND_SLA_FUND, nil, 0, denom), parts.SLAFund); err != nil {
		return err
	}
	if err := k.addRow(ctx, newRowKey(types.RowKind_ROW_KIND_TREASURY, nil, 0, denom), parts.Treasury); err != nil {
		return err
	}
	if err := k.burn(ctx, parts.Burn); err != nil {
		return err
	}
	if err := k.countFees(ctx, epoch, parts, denom); err != nil {
		return err
	}
	return types.Emit(ctx, &types.EventFeesDistributed{
		Epoch: epoch, Denom: denom,
		Stakers: parts.Stakers, SlaFund: parts.SLAFund, Treasury: parts.Treasury, Burnt: parts.Burn,
	})
}

// burn destroys uath that no row holds any more; it is never minted again.
func (k *Keeper) burn(ctx sdk.Context, amount math.Int) error {
	if amount.IsZero() {
		return nil
	}
	burnt, err := k.burnt.Get(ctx)
	if err != nil {
		return err
	}
	if err := k.burnt.Set(ctx, burnt.Add(amount)); err != nil {
		return err
	}
	return k.bank.BurnCoins(ctx, types.ModuleName, sdk.NewCoins(sdk.NewCoin(types.Denom, amount)))
}
