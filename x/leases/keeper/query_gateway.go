// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"context"

	"cosmossdk.io/collections"

	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/cosmos/cosmos-sdk/types/query"

	"github.com/athnet/ath/x/leases/types"
)

func (s queryServer) Gateway(goCtx context.Context, req *types.QueryGatewayRequest) (*types.QueryGatewayResponse, error) {
	ctx := sdk.UnwrapSDKContext(goCtx)
	address, err := s.k.address("gateway", req.Gateway)
	if err != nil {
		return nil, err
	}
	params, err := s.k.params.Get(ctx)
	if err != nil {
		return nil, err
	}
	p, err := s.k.openFloat(ctx, address)
	if err != nil {
		return nil, grpcError(err)
	}
	gateway, cover := p.float(), params.FloatCover()
	needed := gateway.Needed(cover, ctx.BlockTime(), p.usd)
	res := &types.QueryGatewayResponse{
		Gateway: gateway, Balance: p.coin(p.balance), Missing: p.coin(needed.Sub(p.balance)),
		Withdrawable: p.coin(gateway.Withdrawable(p.balance, cover, ctx.BlockTime(), p.usd)),
	}
	if res.Missing.IsNegative() {
		res.Missing = p.coin(needed.Sub(needed))
	}
	if end, ok := p.account.ExhaustedAt(p.balance, p.usd); ok {
		res.ExhaustedAt = &end
	}
	return res, p.usd.err
}

func (s queryServer) Gateways(ctx context.Context, req *types.QueryGatewaysRequest) (*types.QueryGatewaysResponse, error) {
	gateways, page, err := query.CollectionPaginate(ctx, s.k.gateways, bounded(req.Pagination),
		func(_ sdk.AccAddress, gateway types.Gateway) (types.Gateway, error) { return gateway, nil })
	return &types.QueryGatewaysResponse{Gateways: gateways, Pagination: page}, err
}

func (s queryServer) Credit(goCtx context.Context, req *types.QueryCreditRequest) (*types.QueryCreditResponse, error) {
	ctx := sdk.UnwrapSDKContext(goCtx)
	gateway, customer, err := s.k.pair("gateway", req.Gateway, "customer", req.Customer)
	if err != nil {
		return nil, err
	}
	view, err := s.viewLine(ctx, gateway, customer)
	if err != nil {
		return nil, grpcError(err)
	}
	return &types.QueryCreditResponse{Credit: view}, nil
}

func (s queryServer) Credits(goCtx context.Context, req *types.QueryCreditsRequest) (*types.QueryCreditsResponse, error) {
	ctx := sdk.UnwrapSDKContext(goCtx)
	if (req.Gateway == "") == (req.Customer == "") {
		return nil, types.ErrInvalidField.Wrap("gateway, customer: name one of both; for the line between them ask for Credit")
	}
	if req.Customer == "" {
		gateway, err := s.k.address("gateway", req.Gateway)
		if err != nil {
			return nil, err
		}
		views, page, err := query.CollectionPaginate(ctx, s.k.customers, bounded(req.Pagination),
			func(key pairKey, _ collections.NoValue) (types.CreditView, error) {
				return s.viewLine(ctx, key.K1(), key.K2())
			},
			query.WithCollectionPaginationPairPrefix[sdk.AccAddress, sdk.AccAddress](gateway))
		return &types.QueryCreditsResponse{Credits: views, Pagination: page}, err
	}
	customer, err := s.k.address("customer", req.Customer)
	if err != nil {
		return nil, err
	}
	views, page, err := query.CollectionPaginate(ctx, s.k.lines, bounded(req.Pagination),
		func(key pairKey, _ types.CreditLine) (types.CreditView, error) {
			return s.viewLine(ctx, key.K2(), key.K1())
		},
		query.WithCollectionPaginationPairPrefix[sdk.AccAddress, sdk.AccAddress](customer))
	return &types.QueryCreditsResponse{Credits: views, Pagination: page}, err
}

func (s queryServer) viewLine(ctx sdk.Context, gateway, customer sdk.AccAddress) (types.CreditView, error) {
	line, err := s.k.line(ctx, gateway, customer)
	if err != nil {
		return types.CreditView{}, err
	}
	line = line.Touch(ctx.BlockTime())
	view := types.CreditView{Line: line, Free: line.Free()}
	if end, ok := line.ExhaustedAt(); ok {
		view.ExhaustedAt = &end
	}
	return view, nil
}
