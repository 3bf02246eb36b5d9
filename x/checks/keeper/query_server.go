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

	athtypes "github.com/athnet/ath/x/ath/types"
	"github.com/athnet/ath/x/checks/types"
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

// Licence returns one licence.
func (s queryServer) Licence(ctx context.Context, r *types.QueryLicenceRequest) (*types.QueryLicenceResponse, error) {
	licence, err := s.k.Licence(sdk.UnwrapSDKContext(ctx), r.Id)
	if err != nil {
		return nil, grpcError(err)
	}
	uptime, err := s.k.uptime(sdk.UnwrapSDKContext(ctx), r.Id)
	if err != nil {
		return nil, grpcError(err)
	}
	return &types.QueryLicenceResponse{Licence: licence, Uptime: uptime}, nil
}

// Apr returns what a licence with a seat earns on its bond.
func (s queryServer) Apr(goCtx context.Context, _ *types.QueryAprRequest) (*types.QueryAprResponse, error) {
	ctx := sdk.UnwrapSDKContext(goCtx)
	params, err := s.k.Params(ctx)
	if err != nil {
		return nil, err
	}
	base, err := s.k.vault.EmissionPerYear(ctx, athtypes.Pool_POOL_CHECKER_BASE)
	if err != nil {
		return nil, err
	}
	bonus, err := s.k.vault.EmissionPerYear(ctx, athtypes.Pool_POOL_CHECKER_BONUS)
	if err != nil {
		return nil, err
	}
	licences, err := s.k.count.Get(ctx)
	if err != nil {
		return nil, err
	}
	round, err := s.k.runningRound(ctx)
	if err != nil {
		return nil, err
	}
	return types.NewApr(base, bonus, licences, round.Seats, params.LicenceBond), nil
}

// Licences pages through licences: all, or those of an owner, of an operator, or of both.
func (s queryServer) Licences(goCtx context.Context, r *types.QueryLicencesRequest) (*types.QueryLicencesResponse, error) {
	ctx := sdk.UnwrapSDKContext(goCtx)
	owner, err := s.normal("owner", r.Owner)
	if err != nil {
		return nil, err
	}
	operator, err := s.normal("operator", r.Operator)
	if err != nil {
		return nil, err
	}
	var out []types.Licence
	var page *query.PageResponse
	switch {
	case owner == "" && operator == "":
		out, page, err = query.CollectionPaginate(ctx, s.k.licences, bounded(r.Pagination),
			func(_ uint64, l types.Licence) (types.Licence, error) { return l, nil })
	case owner != "":
		out, page, err = query.CollectionFilteredPaginate(ctx, s.k.licences.Indexes.Owner, bounded(r.Pagination),
			s.only(ctx, func(l types.Licence) bool { return operator == "" || l.Operator == operator }), s.load(ctx),
			query.WithCollectionPaginationPairPrefix[string, uint64](owner))
	default:
		out, page, err = query.CollectionPaginate(ctx, s.k.licences.Indexes.Operator, bounded(r.Pagination), s.load(ctx),
			query.WithCollectionPaginationPairPrefix[string, uint64](operator))
	}
	if err != nil {
		return nil, grpcError(err)
	}
	return &types.QueryLicencesResponse{Licences: out, Pagination: page}, nil
}

func (s queryServer) load(ctx sdk.Context) func(collections.Pair[string, uint64], collections.NoValue) (types.Licence, error) {
	return func(key collections.Pair[string, uint64], _ collections.NoValue) (types.Licence, error) {
		return s.k.Licence(ctx, key.K2())
	}
}

func (s queryServer) only(
	ctx sdk.Context, keep func(types.Licence) bool,
) func(collections.Pair[string, uint64], collections.NoValue) (bool, error) {
	return func(key collections.Pair[string, uint64], _ collections.NoValue) (bool, error) {
		l, err := s.k.Licence(ctx, key.K2())
		return keep(l), err
	}
}

// Round returns the running round and when it takes reports.
func (s queryServer) Round(goCtx context.Context, _ *types.QueryRoundRequest) (*types.QueryRoundResponse, error) {
	ctx := sdk.UnwrapSDKContext(goCtx)
	params, err := s.k.Params(ctx)
	if err != nil {
		return nil, err
	}
	round, err := s.started(ctx)
	if err != nil {
		return nil, err
	}
	return &types.QueryRoundResponse{Round: round, SubmitFrom: round.SubmitFrom(params), EndsAt: round.EndsAt(params)}, nil
}

// Assignment returns what an operator is to check in the running round.
func (s queryServer) Assignment(goCtx context.Context, r *types.QueryAssignmentRequest) (*types.QueryAssignmentResponse, error) {
	ctx := sdk.UnwrapSDKContext(goCtx)
	operator, err := s.normal("operator", r.Operator)
	if err != nil {
		return nil, err
	}
	if operator == "" {
		return nil, status.Error(codes.InvalidArgument, "operator: missing")
	}
	round, err := s.started(ctx)
	if err != nil {
		return nil, err
	}
	judging, err := s.k.judgingState(ctx)
	if err != nil {
		return nil, err
	}
	out := types.QueryAssignmentResponse{Round: round.Number, Complete: true}
	if judging.Round != 0 && judging.Shard < round.Shards {
		out.Complete = false
		round.Shards = judging.Shard
	}
	if out.Shards, err = s.assigned(ctx, round, operator); err != nil {
		return nil, err
	}
	if _, out.Committed, err = s.k.submission(ctx, round.Number, operator); err != nil {
		return nil, err
	}
	before, committed, err := s.k.submission(ctx, round.Number-1, operator)
	out.OwesReveal = committed && before.Report == nil
	return &out, err
}

// assigned draws the committees of a round's shards and keeps those that an operator is in.
func (s queryServer) assigned(ctx sdk.Context, round types.Round, operator string) ([]types.AssignedShard, error) {
	if seated, err := s.k.hasSeat(ctx, operator); err != nil || !seated {
		return nil, err
	}
	var out []types.AssignedShard
	for shard := range round.Shards {
		members, err := s.k.committee(ctx, round, shard)
		if err != nil {
			return nil, err
		}
		if !hasOperator(members, operator) {
			continue
		}
		health, err := s.k.providers.Shard(ctx, shard)
		if err != nil {
			return nil, err
		}
		out = append(out, types.AssignedShard{Shard: shard, Members: health.Members})
	}
	return out, nil
}

// Committee returns who checks a shard in one of the last three rounds.
func (s queryServer) Committee(goCtx context.Context, r *types.QueryCommitteeRequest) (*types.QueryCommitteeResponse, error) {
	ctx := sdk.UnwrapSDKContext(goCtx)
	running, err := s.started(ctx)
	if err != nil {
		return nil, err
	}
	round, err := s.k.Round(ctx, r.Round)
	if err != nil {
		return nil, grpcError(err)
	}
	if round.Number+2 < running.Number {
		return nil, grpcError(types.ErrRoundNotFound.Wrapf("round: %d; seats are known for rounds %d to %d", r.Round, running.Number-2, running.Number))
	}
	if r.Shard >= round.Shards {
		return nil, grpcError(types.ErrShardNotFound.Wrapf("shard: round %d has %d shards", round.Number, round.Shards))
	}
	members, err := s.k.committee(ctx, round, r.Shard)
	if err != nil {
		return nil, err
	}
	return &types.QueryCommitteeResponse{Members: members, Quorum: uint32(types.Quorum(len(members)))}, nil
}

func (s queryServer) started(ctx sdk.Context) (types.Round, error) {
	round, err := s.k.runningRound(ctx)
	if err == nil && round.Number == 0 {
		err = status.Error(codes.Unavailable, "the first round starts with the first block; ask again")
	}
	return round, err
}

// normal returns an address in the one form in which it is stored; empty stays empty.
func (s queryServer) normal(field, text string) (string, error) {
	if text == "" {
		return "", nil
	}
	addr, err := s.k.addresses.StringToBytes(text)
	if err != nil {
		return "", status.Errorf(codes.InvalidArgument, "%s: %q: %v", field, text, err)
	}
	return s.k.addresses.BytesToString(addr)
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

// grpcError gives "not found" its gRPC code, so that clients tell it from failures.
func grpcError(err error) error {
	for _, missing := range []error{types.ErrLicenceNotFound, types.ErrRoundNotFound, types.ErrShardNotFound} {
		if errors.Is(err, missing) {
			return status.Error(codes.NotFound, err.Error())
		}
	}
	return err
}
