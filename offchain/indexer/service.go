// SPDX-License-Identifier: Apache-2.0

package indexer

import (
	"context"
	"fmt"

	"cosmossdk.io/math"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/athnet/ath/offchain/indexer/api"
	"github.com/athnet/ath/offchain/indexer/market"
	leasetypes "github.com/athnet/ath/x/leases/types"
)

const (
	defaultPage = 100
	maxPage     = 1000
)

// Service answers questions; gRPC and REST are two forms of it.
type Service struct{ *Indexer }

var _ api.IndexerServer = Service{}

// loaded fails until the market holds a snapshot: an empty market would look like a network without supply.
func (s Service) loaded() error {
	select {
	case <-s.ready:
		return nil
	default:
		return status.Error(codes.Unavailable, "the indexer is still loading the market; try again in a moment")
	}
}

// Match implements api.IndexerServer.
func (s Service) Match(_ context.Context, req *api.MatchRequest) (*api.MatchResponse, error) {
	if err := s.loaded(); err != nil {
		return nil, err
	}
	if err := req.Requirement.Validate(); err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	if !req.MaxRate.IsNil() && (req.MaxRate.IsNegative() || !req.MaxRate.IsUint64()) {
		return nil, status.Errorf(codes.InvalidArgument, "max_rate: %s is not within 0 and 2^64-1", req.MaxRate)
	}
	if req.Limit > market.MaxLimit {
		return nil, status.Errorf(codes.InvalidArgument, "limit: at most %d, have %d", market.MaxLimit, req.Limit)
	}
	started := s.Clock.Now()
	q := market.Query{
		Demand: leasetypes.Demand{Tenant: req.Tenant, Mode: req.Mode.Normal(), Denom: leasetypes.PriceDenom(req.PriceDenom), MaxRate: req.MaxRate, Duration: req.Duration, Requirement: req.Requirement},
		Limit:  int(req.Limit),
	}
	a := s.Market.Match(q)
	s.Metrics.MatchTime.Observe(s.Clock.Now().Sub(started).Seconds())
	resp := &api.MatchResponse{Height: a.Height, Reason: a.Reason, Candidates: []api.Candidate{}}
	if len(a.Candidates) == 0 {
		s.Metrics.Matches.WithLabelValues("empty").Inc()
		return resp, nil
	}
	s.Metrics.Matches.WithLabelValues("found").Inc()
	for _, c := range a.Candidates {
		k := c.Container
		resp.Candidates = append(resp.Candidates, api.Candidate{
			ContainerId: k.Id, Rate: c.Terms.Rate, Denom: c.Terms.Denom, Endpoint: k.Endpoint, WorkerPubkey: k.WorkerPubkey,
			Region: k.Region, Count: k.Count, Provider: k.Provider, Reserved: c.Reserved,
		})
	}
	if s.Key == nil || req.Tenant == "" {
		return resp, nil
	}
	signed, err := quote(s.Key, s.Chain.ChainID(), q, a)
	if err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	resp.Quote = signed
	return resp, nil
}

// Container implements api.IndexerServer.
func (s Service) Container(_ context.Context, req *api.ContainerRequest) (*api.ContainerResponse, error) {
	if err := s.loaded(); err != nil {
		return nil, err
	}
	e, ok := s.Market.Get(req.Id)
	if !ok {
		return nil, status.Errorf(codes.NotFound, "container %d: there is none", req.Id)
	}
	return containerResponse(e), nil
}

func containerResponse(e market.Entry) *api.ContainerResponse {
	return &api.ContainerResponse{Container: e.Container, Status: e.Status, Offer: e.Offer, LastSeen: e.LastSeen}
}

// Containers implements api.IndexerServer.
func (s Service) Containers(_ context.Context, req *api.ContainersRequest) (*api.ContainersResponse, error) {
	if err := s.loaded(); err != nil {
		return nil, err
	}
	limit, err := pageLimit(req.Limit)
	if err != nil {
		return nil, err
	}
	entries, next := s.Market.List(market.Filter{Class: req.Class, Region: req.Region, Provider: req.Provider, After: req.After, Limit: limit})
	resp := &api.ContainersResponse{Next: next}
	for _, e := range entries {
		resp.Containers = append(resp.Containers, *containerResponse(e))
	}
	return resp, nil
}

// Leases implements api.IndexerServer.
func (s Service) Leases(ctx context.Context, req *api.LeasesRequest) (*api.LeasesResponse, error) {
	limit, err := pageLimit(req.Limit)
	if err != nil {
		return nil, err
	}
	p, err := s.History.Position(ctx)
	if err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	records, err := s.History.Leases(ctx, req.Tenant, req.Before, limit+1)
	if err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	resp := &api.LeasesResponse{Leases: records, Height: p.Height, FirstHeight: p.First}
	if len(records) > limit {
		resp.Leases = records[:limit]
		last, err := leasetypes.ParseLeaseID(resp.Leases[limit-1].LeaseId)
		if err != nil {
			return nil, status.Error(codes.Internal, err.Error())
		}
		resp.Next = last.Number
	}
	return resp, nil
}

// Stats implements api.IndexerServer.
func (s Service) Stats(context.Context, *api.StatsRequest) (*api.StatsResponse, error) {
	if err := s.loaded(); err != nil {
		return nil, err
	}
	m := s.Market.Stats()
	resp := &api.StatsResponse{Height: m.Height, Time: m.Now, Containers: m.Containers, Providers: m.Providers}
	for _, c := range m.Classes {
		resp.Classes = append(resp.Classes, api.ClassStats{
			Class: c.Class, Containers: c.Containers, Free: c.Free, Leased: c.Leased, Cheapest: math.NewIntFromUint64(c.Cheapest), CheapestUsd: math.NewIntFromUint64(c.CheapestUSD),
		})
	}
	return resp, nil
}

func pageLimit(limit uint32) (int, error) {
	switch {
	case limit == 0:
		return defaultPage, nil
	case limit > maxPage:
		return 0, status.Error(codes.InvalidArgument, fmt.Sprintf("limit: at most %d, have %d", maxPage, limit))
	}
	return int(limit), nil
}
