// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"context"
	"errors"
	gomath "math"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/cosmos/cosmos-sdk/types/query"

	"github.com/athnet/ath/x/leases/types"
)

const (
	// defaultMatches and maxMatches bound the answer of a Match query.
	defaultMatches = 10
	maxMatches     = 100
	// maxPage bounds what one query reads.
	maxPage = 1_000
)

type queryServer struct{ k *Keeper }

// NewQueryServer serves the queries.
func NewQueryServer(k *Keeper) types.QueryServer { return queryServer{k} }

func (s queryServer) Params(ctx context.Context, _ *types.QueryParamsRequest) (*types.QueryParamsResponse, error) {
	params, err := s.k.params.Get(ctx)
	return &types.QueryParamsResponse{Params: params}, err
}

// Lease answers as of the block that it is asked at: unsettled is what a settlement in that block would pay.
func (s queryServer) Lease(goCtx context.Context, req *types.QueryLeaseRequest) (*types.QueryLeaseResponse, error) {
	ctx := sdk.UnwrapSDKContext(goCtx)
	tenant, err := s.k.address("tenant", req.Tenant)
	if err != nil {
		return nil, err
	}
	id := types.LeaseID{Tenant: tenant, Number: req.Number}
	lease, err := s.k.Lease(ctx, id)
	if errors.Is(err, types.ErrLeaseClosed) {
		receipt, err := s.k.Receipt(ctx, id)
		if err != nil {
			return nil, grpcError(err) // it ended so long ago that the state has forgotten it
		}
		return &types.QueryLeaseResponse{Receipt: &receipt, Unsettled: math.ZeroInt()}, nil
	}
	if err != nil {
		return nil, grpcError(err)
	}
	p, err := s.k.purseOf(ctx, tenant, lease.Denom, lease.Gateway())
	if err != nil {
		return nil, err
	}
	outage, err := s.k.outage(ctx, lease)
	if err != nil {
		return nil, err
	}
	earns, err := s.k.providers.EarnsUntil(ctx, lease.ContainerId)
	if err != nil {
		return nil, err
	}
	billed := lease.EndAt(p.paidUntil(), ctx.BlockTime())
	_, due := lease.Settle(billed, outage, p.usd)
	if billed.Before(earns) {
		earns = billed
	}
	return &types.QueryLeaseResponse{Lease: &lease, Unsettled: due.Total(), EarnsUntil: &earns}, nil
}

func (s queryServer) Leases(ctx context.Context, req *types.QueryLeasesRequest) (*types.QueryLeasesResponse, error) {
	tenant, err := s.k.address("tenant", req.Tenant)
	if err != nil {
		return nil, err
	}
	leases, page, err := query.CollectionPaginate(ctx, s.k.leases, bounded(req.Pagination),
		func(_ leaseKey, lease types.Lease) (types.Lease, error) { return lease, nil },
		query.WithCollectionPaginationPairPrefix[sdk.AccAddress, uint64](tenant))
	return &types.QueryLeasesResponse{Leases: leases, Pagination: page}, err
}

func (s queryServer) Receipts(ctx context.Context, req *types.QueryReceiptsRequest) (*types.QueryReceiptsResponse, error) {
	tenant, err := s.k.address("tenant", req.Tenant)
	if err != nil {
		return nil, err
	}
	receipts, page, err := query.CollectionPaginate(ctx, s.k.receipts, bounded(req.Pagination),
		func(_ leaseKey, receipt types.Receipt) (types.Receipt, error) { return receipt, nil },
		query.WithCollectionPaginationPairPrefix[sdk.AccAddress, uint64](tenant))
	return &types.QueryReceiptsResponse{Receipts: receipts, Pagination: page}, err
}

func (s queryServer) Channel(ctx context.Context, req *types.QueryChannelRequest) (*types.QueryChannelResponse, error) {
	tenant, err := s.k.address("tenant", req.Tenant)
	if err != nil {
		return nil, err
	}
	channel, err := s.k.Channel(sdk.UnwrapSDKContext(ctx), tenant, req.Number)
	if err != nil {
		return nil, grpcError(err)
	}
	return &types.QueryChannelResponse{Channel: channel}, nil
}

func (s queryServer) Channels(ctx context.Context, req *types.QueryChannelsRequest) (*types.QueryChannelsResponse, error) {
	tenant, err := s.k.address("tenant", req.Tenant)
	if err != nil {
		return nil, err
	}
	channels, page, err := query.CollectionPaginate(ctx, s.k.channels, bounded(req.Pagination),
		func(_ leaseKey, channel types.Channel) (types.Channel, error) { return channel, nil },
		query.WithCollectionPaginationPairPrefix[sdk.AccAddress, uint64](tenant))
	return &types.QueryChannelsResponse{Channels: channels, Pagination: page}, err
}

func (s queryServer) Account(goCtx context.Context, req *types.QueryAccountRequest) (*types.QueryAccountResponse, error) {
	ctx := sdk.UnwrapSDKContext(goCtx)
	tenant, err := s.k.address("tenant", req.Tenant)
	if err != nil {
		return nil, err
	}
	p, d, err := s.openStack(ctx, tenant, req.Denom)
	if err != nil {
		return nil, err
	}
	free := p.account.Free(p.balance)
	_, own := d.Claims(free)
	res := &types.QueryAccountResponse{Account: p.account, Balance: p.coin(p.balance), Free: p.coin(free), Withdrawable: p.coin(own)}
	if end, ok := p.account.ExhaustedAt(p.balance, p.usd); ok {
		res.ExhaustedAt = &end
	}
	return res, nil
}

func (s queryServer) ReceiptLog(ctx context.Context, _ *types.QueryReceiptLogRequest) (*types.QueryReceiptLogResponse, error) {
	log, err := s.k.log.Get(ctx)
	return &types.QueryReceiptLogResponse{Log: log}, err
}

func (s queryServer) ReceiptRoot(goCtx context.Context, req *types.QueryReceiptRootRequest) (*types.QueryReceiptRootResponse, error) {
	epoch := req.Epoch
	if epoch == 0 {
		epoch = gomath.MaxUint64
	}
	root, err := s.k.lastRoot(sdk.UnwrapSDKContext(goCtx), epoch)
	if err != nil {
		return nil, grpcError(err)
	}
	return &types.QueryReceiptRootResponse{Root: root}, nil
}

func (s queryServer) Offer(ctx context.Context, req *types.QueryOfferRequest) (*types.QueryOfferResponse, error) {
	offer, err := s.k.Offer(sdk.UnwrapSDKContext(ctx), req.ContainerId)
	if err != nil {
		return nil, grpcError(err)
	}
	return &types.QueryOfferResponse{Offer: offer}, nil
}

func (s queryServer) Offers(ctx context.Context, req *types.QueryOffersRequest) (*types.QueryOffersResponse, error) {
	offers, page, err := query.CollectionPaginate(ctx, s.k.offers, bounded(req.Pagination),
		func(_ uint64, offer types.Offer) (types.Offer, error) { return offer, nil })
	return &types.QueryOffersResponse{Offers: offers, Pagination: page}, err
}

// Match answers by the same scan as MsgCreateLease, with the same bound.
func (s queryServer) Match(goCtx context.Context, req *types.QueryMatchRequest) (*types.QueryMatchResponse, error) {
	ctx := sdk.UnwrapSDKContext(goCtx)
	if req.Requirement.Class == "" {
		return nil, types.ErrInvalidField.Wrap("requirement.class: empty: name a class")
	}
	if err := req.Requirement.Validate(); err != nil {
		return nil, err
	}
	if err := s.k.priceable(ctx, types.PriceDenom(req.PriceDenom)); err != nil {
		return nil, err
	}
	params, err := s.k.params.Get(ctx)
	if err != nil {
		return nil, err
	}
	demand := types.Demand{Tenant: req.Tenant, Mode: req.Mode.Normal(), Duration: req.Duration, Denom: types.PriceDenom(req.PriceDenom), MaxRate: types.MaxRate, Requirement: req.Requirement}
	if !req.MaxRate.IsNil() && req.MaxRate.IsPositive() {
		demand.MaxRate = req.MaxRate
	}
	limit := req.Limit
	if limit == 0 {
		limit = defaultMatches
	}
	seen, err := s.k.scan(ctx, demand, params.MaxScan, int(min(limit, maxMatches)), nil)
	res := &types.QueryMatchResponse{Stale: seen.stale}
	for _, m := range seen.matches {
		res.Offers = append(res.Offers, m.offer)
	}
	return res, err
}

// bounded limits a page's size.
func bounded(p *query.PageRequest) *query.PageRequest {
	if p == nil || p.Limit <= maxPage {
		return p
	}
	limited := *p
	limited.Limit = maxPage
	return &limited
}

// grpcError gives what does not exist the code that clients know it by.
func grpcError(err error) error {
	if errors.Is(err, types.ErrLeaseNotFound) || errors.Is(err, types.ErrOfferNotFound) || errors.Is(err, types.ErrChannelNotFound) ||
		errors.Is(err, types.ErrGrantNotFound) || errors.Is(err, types.ErrGatewayNotFound) || errors.Is(err, types.ErrCreditNotFound) {
		return status.Error(codes.NotFound, err.Error())
	}
	return err
}
