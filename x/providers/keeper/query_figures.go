// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"context"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
	"github.com/athnet/ath/x/providers/types"
)

// Utilisation returns what of the living Containers is free and what is bound. Its work grows with the catalogue, not with
// the Containers.
func (s queryServer) Utilisation(goCtx context.Context, r *types.QueryUtilisationRequest) (*types.QueryUtilisationResponse, error) {
	ctx := sdk.UnwrapSDKContext(goCtx)
	if r.Class != "" {
		if _, err := s.k.Class(ctx, r.Class); err != nil {
			return nil, grpcError(err)
		}
	}
	figures, err := s.k.figures.AllClassFigures(ctx)
	if err != nil {
		return nil, err
	}
	if r.Class != "" {
		one, err := s.k.figures.ClassFigures(ctx, r.Class)
		if err != nil {
			return nil, err
		}
		if one.Zero() { // a class without Containers is asked for: it is shown all the same
			figures = append(figures, one)
		}
	}
	all, res := types.NewUtilisation(), &types.QueryUtilisationResponse{}
	for _, f := range figures {
		class, err := s.k.Class(ctx, f.Class)
		if err != nil {
			return nil, err
		}
		all = all.Count(class, f)
		if r.Class == "" || r.Class == f.Class {
			one := types.NewUtilisation().Count(class, f).Divide()
			one.Class = f.Class
			res.Classes = append(res.Classes, one)
		}
	}
	res.All = all.Divide()
	return res, nil
}

// Apr returns what each class earns by capacity on its stake.
func (s queryServer) Apr(goCtx context.Context, r *types.QueryAprRequest) (*types.QueryAprResponse, error) {
	ctx := sdk.UnwrapSDKContext(goCtx)
	classes, err := s.classes(ctx, r.Class)
	if err != nil {
		return nil, err
	}
	params, err := s.k.Params(ctx)
	if err != nil {
		return nil, err
	}
	coefficient, err := s.k.Coefficient(ctx)
	if err != nil {
		return nil, err
	}
	figures, err := s.k.figures.AllClassFigures(ctx)
	if err != nil {
		return nil, err
	}
	res := &types.QueryAprResponse{Weight: math.ZeroInt()}
	if res.CapacityPerYear, err = s.k.economy.EmissionPerYear(ctx, athtypes.Pool_POOL_CAPACITY); err != nil {
		return nil, err
	}
	for _, f := range figures {
		res.Weight = res.Weight.Add(f.Weight)
	}
	for _, class := range classes {
		f, err := s.k.figures.ClassFigures(ctx, class.Name)
		if err != nil {
			return nil, err
		}
		res.Classes = append(res.Classes, types.NewClassApr(class, f, res.CapacityPerYear, res.Weight,
			params.StakeRoundedUp(class, types.Tier_TIER_EDGE, 1, coefficient.IndexPpm),
			params.StakeRoundedUp(class, types.Tier_TIER_ENTERPRISE, 1, coefficient.IndexPpm)))
	}
	return res, nil
}

// classes is the catalogue, or the one class that is named.
func (s queryServer) classes(ctx sdk.Context, name string) ([]types.Class, error) {
	if name == "" {
		return values(ctx, s.k.classes)
	}
	class, err := s.k.Class(ctx, name)
	return []types.Class{class}, grpcError(err)
}
