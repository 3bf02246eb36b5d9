// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"context"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/cosmos/cosmos-sdk/types/query"

	"github.com/athnet/ath/x/ath/types"
)

const maxFeesPage = 1_000

// Revenue implements types.QueryServer.
func (s queryServer) Revenue(goCtx context.Context, _ *types.QueryRevenueRequest) (*types.QueryRevenueResponse, error) {
	ctx := sdk.UnwrapSDKContext(goCtx)
	epoch, err := s.k.epoch.Get(ctx)
	if err != nil {
		return nil, err
	}
	res := &types.QueryRevenueResponse{}
	if res.Day, err = s.k.revenueFigures(ctx, epoch.DayEpochs()); err != nil {
		return nil, err
	}
	res.Month, err = s.k.revenueFigures(ctx, types.MonthEpochs)
	return res, err
}

// Fees implements types.QueryServer.
func (s queryServer) Fees(ctx context.Context, req *types.QueryFeesRequest) (*types.QueryFeesResponse, error) {
	if req.Pagination != nil && req.Pagination.Limit > maxFeesPage {
		return nil, status.Errorf(codes.InvalidArgument, "pagination.limit is %d; at most %d", req.Pagination.Limit, maxFeesPage)
	}
	totals, page, err := query.CollectionPaginate(ctx, s.k.fees, req.Pagination,
		func(_ string, t types.FeeTotals) (types.FeeTotals, error) { return t, nil })
	return &types.QueryFeesResponse{Totals: totals, Pagination: page}, err
}

// Apr implements types.QueryServer.
func (s queryServer) Apr(goCtx context.Context, _ *types.QueryAprRequest) (*types.QueryAprResponse, error) {
	ctx := sdk.UnwrapSDKContext(goCtx)
	params, err := s.k.params.Get(ctx)
	if err != nil {
		return nil, err
	}
	epoch, err := s.k.epoch.Get(ctx)
	if err != nil {
		return nil, err
	}
	month, err := s.k.revenueFigures(ctx, types.MonthEpochs)
	if err != nil {
		return nil, err
	}
	granted, err := s.k.daoGranted.Get(ctx)
	if err != nil {
		return nil, err
	}
	bonded, err := s.k.validators.TotalValidatorPower(ctx)
	if err != nil {
		return nil, err
	}
	dao, _ := params.DivideDAO(types.DAOStream(granted, epoch.Number))
	res := &types.QueryAprResponse{
		Bonded:      bonded,
		FeesPerYear: types.PartRoundedDown(month.FeesPerYear, params.FeeSplit.StakersPpm),
		DaoPerYear:  types.YearlyRoundedDown(dao, epoch.Duration),
	}
	res.Apr = types.NewApr(res.FeesPerYear.Add(res.DaoPerYear), bonded)
	return res, nil
}
