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

	"github.com/athnet/ath/x/providers/types"
)

// maxPage bounds what one query reads.
const maxPage = 1_000

// queryServer answers from state; it changes nothing.
type queryServer struct{ k *Keeper }

// NewQueryServer returns the module's Query service.
func NewQueryServer(k *Keeper) types.QueryServer { return queryServer{k: k} }

// Params returns the parameters.
func (s queryServer) Params(ctx context.Context, _ *types.QueryParamsRequest) (*types.QueryParamsResponse, error) {
	p, err := s.k.Params(sdk.UnwrapSDKContext(ctx))
	return &types.QueryParamsResponse{Params: p}, err
}

// Provider returns one provider.
func (s queryServer) Provider(ctx context.Context, r *types.QueryProviderRequest) (*types.QueryProviderResponse, error) {
	owner, err := s.k.addresses.StringToBytes(r.Owner)
	if err != nil {
		return nil, status.Errorf(codes.InvalidArgument, "owner: %v", err)
	}
	p, err := s.k.Provider(sdk.UnwrapSDKContext(ctx), owner)
	if err != nil {
		return nil, grpcError(err)
	}
	return &types.QueryProviderResponse{Provider: p}, nil
}

// Providers pages through all providers.
func (s queryServer) Providers(ctx context.Context, r *types.QueryProvidersRequest) (*types.QueryProvidersResponse, error) {
	out, page, err := query.CollectionPaginate(ctx, s.k.providers, bounded(r.Pagination),
		func(_ sdk.AccAddress, p types.Provider) (types.Provider, error) { return p, nil })
	if err != nil {
		return nil, err
	}
	return &types.QueryProvidersResponse{Providers: out, Pagination: page}, nil
}

// Container returns one Container with all that is known of it.
func (s queryServer) Container(ctx context.Context, r *types.QueryContainerRequest) (*types.QueryContainerResponse, error) {
	view, err := s.view(sdk.UnwrapSDKContext(ctx), r.Id)
	if err != nil {
		return nil, grpcError(err)
	}
	return &types.QueryContainerResponse{Container: view}, nil
}

// Containers pages through Containers, of one provider or of all.
func (s queryServer) Containers(goCtx context.Context, r *types.QueryContainersRequest) (*types.QueryContainersResponse, error) {
	ctx := sdk.UnwrapSDKContext(goCtx)
	if r.Provider == "" {
		out, page, err := query.CollectionPaginate(ctx, s.k.containers, bounded(r.Pagination),
			func(id uint64, _ types.Container) (types.ContainerView, error) { return s.view(ctx, id) })
		if err != nil {
			return nil, err
		}
		return &types.QueryContainersResponse{Containers: out, Pagination: page}, nil
	}
	owner, err := s.k.addresses.StringToBytes(r.Provider)
	if err != nil {
		return nil, status.Errorf(codes.InvalidArgument, "provider: %v", err)
	}
	out, page, err := query.CollectionPaginate(ctx, s.k.containers.Indexes.provider, bounded(r.Pagination),
		func(key collections.Pair[sdk.AccAddress, uint64], _ collections.NoValue) (types.ContainerView, error) {
			return s.view(ctx, key.K2())
		},
		query.WithCollectionPaginationPairPrefix[sdk.AccAddress, uint64](owner))
	if err != nil {
		return nil, err
	}
	return &types.QueryContainersResponse{Containers: out, Pagination: page}, nil
}

// Classes returns the catalogue.
func (s queryServer) Classes(ctx context.Context, _ *types.QueryClassesRequest) (*types.QueryClassesResponse, error) {
	iter, err := s.k.classes.Iterate(ctx, nil)
	if err != nil {
		return nil, err
	}
	classes, err := iter.Values()
	return &types.QueryClassesResponse{Classes: classes}, err
}

// Shard returns the health of one shard.
func (s queryServer) Shard(ctx context.Context, r *types.QueryShardRequest) (*types.QueryShardResponse, error) {
	h, err := s.k.Shard(sdk.UnwrapSDKContext(ctx), r.Shard)
	return &types.QueryShardResponse{Health: h}, err
}

// Stake says what a registration would bond now.
func (s queryServer) Stake(ctx context.Context, r *types.QueryStakeRequest) (*types.QueryStakeResponse, error) {
	if r.Tier != types.Tier_TIER_EDGE && r.Tier != types.Tier_TIER_ENTERPRISE {
		return nil, status.Error(codes.InvalidArgument, "tier: want edge or enterprise")
	}
	if r.Count == 0 || r.Count > types.MaxCount {
		return nil, status.Errorf(codes.InvalidArgument, "count: want 1 to %d", types.MaxCount)
	}
	return s.k.stakeParts(sdk.UnwrapSDKContext(ctx), r)
}

func (s queryServer) view(ctx sdk.Context, id uint64) (types.ContainerView, error) {
	c, err := s.k.Container(ctx, id)
	if err != nil {
		return types.ContainerView{}, err
	}
	st, err := s.k.Status(ctx, id)
	if err != nil {
		return types.ContainerView{}, err
	}
	seen, err := s.k.LastSeen(ctx, id)
	if err != nil {
		return types.ContainerView{}, err
	}
	stake, err := s.k.Bonded(ctx, c)
	return types.ContainerView{Container: c, Status: st, LastSeen: seen, Stake: stake}, err
}

// bounded caps a page, so that one query cannot read the whole state.
func bounded(p *query.PageRequest) *query.PageRequest {
	if p == nil {
		return &query.PageRequest{Limit: query.DefaultLimit}
	}
	out := *p
	out.Limit = min(out.Limit, maxPage)
	return &out
}

// grpcError gives what does not exist the status that clients of gRPC and REST expect.
func grpcError(err error) error {
	for _, missing := range []error{types.ErrProviderNotFound, types.ErrContainerNotFound, types.ErrClassNotFound, types.ErrTicketNotFound} {
		if errors.Is(err, missing) {
			return status.Error(codes.NotFound, err.Error())
		}
	}
	return err
}
