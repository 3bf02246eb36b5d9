// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"context"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/ath/types"
)

// Price implements types.QueryServer.
func (s queryServer) Price(goCtx context.Context, _ *types.QueryPriceRequest) (*types.QueryPriceResponse, error) {
	price, stale, err := s.k.Price(sdk.UnwrapSDKContext(goCtx))
	if err != nil {
		return nil, err
	}
	return &types.QueryPriceResponse{Price: price, Stale: stale, UsdPerAth: price.USD()}, nil
}

// UsdIndex implements types.QueryServer.
func (s queryServer) UsdIndex(goCtx context.Context, req *types.QueryUsdIndexRequest) (*types.QueryUsdIndexResponse, error) {
	ctx := sdk.UnwrapSDKContext(goCtx)
	at := ctx.BlockTime()
	if req.At != nil {
		at = *req.At
	}
	step, err := s.k.usdStep(ctx, at)
	if err != nil {
		return nil, err
	}
	return &types.QueryUsdIndexResponse{Index: step.At(at), Step: step}, nil
}
