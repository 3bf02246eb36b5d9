// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"context"
	"errors"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"cosmossdk.io/collections"

	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/cosmos/cosmos-sdk/types/query"

	"github.com/athnet/ath/x/ath/types"
)

// maxBeaconKeysPage bounds one answer; the proto comment promises it.
const maxBeaconKeysPage = 1_000

// Beacon implements types.QueryServer.
func (s queryServer) Beacon(goCtx context.Context, req *types.QueryBeaconRequest) (*types.QueryBeaconResponse, error) {
	ctx := sdk.UnwrapSDKContext(goCtx)
	height := req.Height
	if height == 0 {
		height = ctx.BlockHeight()
	}
	if height < 1 || height > ctx.BlockHeight() {
		return nil, status.Errorf(codes.InvalidArgument, "height is %d; the state is of block %d", height, ctx.BlockHeight())
	}
	record, err := s.k.beacons.Get(ctx, types.BeaconSlot(height))
	if err != nil && !errors.Is(err, collections.ErrNotFound) {
		return nil, err
	}
	if record.Height != height {
		return nil, status.Errorf(codes.NotFound, "the state of block %d has no beacon of block %d: it keeps the last %d; ask a node that "+
			"still has the state of block %d (--height %d and no argument)", ctx.BlockHeight(), height, types.BeaconsKept, height, height)
	}
	return &types.QueryBeaconResponse{
		Height: record.Height, Value: record.Value, Source: record.Source, Contributors: record.Contributors, Voters: record.Voters,
	}, nil
}

// BeaconKeys implements types.QueryServer.
func (s queryServer) BeaconKeys(goCtx context.Context, req *types.QueryBeaconKeysRequest) (*types.QueryBeaconKeysResponse, error) {
	ctx := sdk.UnwrapSDKContext(goCtx)
	epoch, err := s.k.epoch.Get(ctx)
	if err != nil {
		return nil, err
	}
	res := &types.QueryBeaconKeysResponse{Epoch: epoch.Number}
	if req.Operator != "" {
		operator, err := s.k.validators.ValidatorAddressCodec().StringToBytes(req.Operator)
		if err != nil {
			return nil, status.Errorf(codes.InvalidArgument, "operator: %s", err)
		}
		key, err := s.k.beaconKey(ctx, operator)
		if errors.Is(err, types.ErrBeaconKeyNotFound) {
			return nil, status.Error(codes.NotFound, err.Error())
		}
		res.Keys = append(res.Keys, key)
		return res, err
	}
	if req.Pagination != nil && req.Pagination.Limit > maxBeaconKeysPage {
		return nil, status.Errorf(codes.InvalidArgument, "pagination.limit is %d; at most %d", req.Pagination.Limit, maxBeaconKeysPage)
	}
	res.Keys, res.Pagination, err = query.CollectionPaginate(ctx, s.k.beaconKeys, req.Pagination,
		func(_ []byte, key types.BeaconKey) (types.BeaconKey, error) { return key, nil })
	return res, err
}
