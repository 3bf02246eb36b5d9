// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
	"github.com/athnet/ath/x/providers/types"
)

// Coefficient returns what follows the network's revenue in the coefficient of stakes.
func (k *Keeper) Coefficient(ctx sdk.Context) (types.Coefficient, error) {
	return k.coefficient.Get(ctx)
}

// countBase changes the base stake of the network.
func (k *Keeper) countBase(ctx sdk.Context, change math.Int) error {
	c, err := k.Coefficient(ctx)
	if err != nil {
		return err
	}
	return k.coefficient.Set(ctx, c.Count(change))
}

// stepCoefficient computes the index anew when its epochs are over: two reads in a block in which it is not due, and no
// loop. It holds for stakes that are bonded from then on.
func (k *Keeper) stepCoefficient(ctx sdk.Context, params types.Params) error {
	epoch, err := k.economy.Epoch(ctx)
	if err != nil {
		return err
	}
	before, err := k.Coefficient(ctx)
	if err != nil || !before.Due(epoch.Number, params) {
		return err
	}
	revenue, err := k.economy.Revenue(ctx, uint64(params.CoefficientEpochs))
	if err != nil {
		return err
	}
	next, target := before.Step(epoch.Number, revenue, params)
	if err := k.coefficient.Set(ctx, next); err != nil {
		return err
	}
	return athtypes.Emit(ctx, &types.EventCoefficientSet{
		Coefficient: next, PreviousPpm: before.IndexPpm, TargetPpm: target,
	})
}

// stakeParts says what a registration would bond now and what that is made of.
func (k *Keeper) stakeParts(ctx sdk.Context, r *types.QueryStakeRequest) (*types.QueryStakeResponse, error) {
	params, err := k.Params(ctx)
	if err != nil {
		return nil, err
	}
	class, err := k.Class(ctx, r.Class)
	if err != nil {
		return nil, grpcError(err)
	}
	c, err := k.Coefficient(ctx)
	if err != nil {
		return nil, err
	}
	return &types.QueryStakeResponse{
		Stake:      params.StakeRoundedUp(class, r.Tier, r.Count, c.IndexPpm),
		ClassStake: class.Stake, CoefficientPpm: params.CoefficientRoundedUp(c.IndexPpm), TierFactorPpm: params.Factor(r.Tier),
		GovernancePpm: params.StakeCoefficientPpm, Coefficient: c, NextEpoch: c.NextEpoch(params),
	}, nil
}
