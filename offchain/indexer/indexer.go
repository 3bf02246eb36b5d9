// SPDX-License-Identifier: Apache-2.0

// Package indexer matches tenants with Containers "second to second" and remembers what happened. Losing every Indexer costs
// convenience, never service: the chain can match by itself.
//
//	       ┌─ snapshot at height H, then events from H+1 ─► market (memory) ─► match, quotes, stats
//	node ──┤                                           └──► hub ─► server-sent events
//	       └─ events from where the store ends ──────────► history (SQL, a block = a transaction) ─► leases
//
// The market and history are followed apart from each other: a history that has years to catch up does not hold back a match.
package indexer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/cosmos/cosmos-sdk/types/query"
	"github.com/cosmos/gogoproto/proto"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/athnet/ath/offchain/chain"
	"github.com/athnet/ath/offchain/daemon"
	"github.com/athnet/ath/offchain/daemon/clock"
	"github.com/athnet/ath/offchain/indexer/history"
	"github.com/athnet/ath/offchain/indexer/market"
	leasetypes "github.com/athnet/ath/x/leases/types"
	providertypes "github.com/athnet/ath/x/providers/types"
)

const (
	// pageSize of the snapshot's queries.
	pageSize = 500
	// paramsEvery so many blocks the parameters are asked for again; a change of them is no event.
	paramsEvery = 100
	// heightHeader asks a node for the state of a height.
	heightHeader = "x-cosmos-block-height"
	// startWait is how long a node that restarts meanwhile is waited for.
	startWait = 10 * time.Minute
)

// Chain is the node: chain.Client, or chaintest.Chain.
type Chain interface {
	history.Source
	Conn() grpc.ClientConnInterface
	Blocks(ctx context.Context, from int64, fn func(chain.Block) error) error
}

// Options of an Indexer. All but Key are needed.
type Options struct {
	Chain   Chain
	Market  *market.Market
	History *history.Store
	// Key signs quotes; none are made without.
	Key     chain.Signer
	Clock   clock.Clock
	Log     *slog.Logger
	Health  *daemon.Health
	Metrics *Metrics
}

// Indexer is the daemon.
type Indexer struct {
	Options
	hub *hub
	// ready is closed when the market holds a snapshot.
	ready chan struct{}
}

// New checks that history and node are of one chain.
func New(ctx context.Context, o Options) (*Indexer, error) {
	if err := chain.Insist(ctx, o.Clock, startWait, o.Log, func() error {
		_, err := o.History.Verify(ctx, o.Chain)
		return err
	}); err != nil {
		return nil, err
	}
	return &Indexer{Options: o, hub: newHub(), ready: make(chan struct{})}, nil
}

// Actors are what runs.
func (x *Indexer) Actors() []daemon.Actor {
	return []daemon.Actor{
		{Name: "market", Run: x.followMarket},
		{Name: "history", Run: x.followHistory},
	}
}

// followMarket loads a snapshot and then follows events.
func (x *Indexer) followMarket(ctx context.Context) error {
	var head chain.Head
	if err := chain.Insist(ctx, x.Clock, startWait, x.Log, func() (err error) {
		if head, err = x.Chain.Latest(ctx); err != nil {
			return fmt.Errorf("the chain's head: %w", err)
		}
		return x.snapshot(ctx, head)
	}); err != nil {
		return err
	}
	close(x.ready)
	return x.Chain.Blocks(ctx, head.Height+1, func(b chain.Block) error {
		if b.Height%paramsEvery == 0 {
			if err := x.loadParams(ctx); err != nil {
				x.Log.Warn("cannot read parameters, going on with the old ones", "err", err)
			}
		}
		x.Health.Fact("height", strconv.FormatInt(b.Height, 10))
		x.Metrics.Height.Set(float64(b.Height))
		return project(view{market: x.Market}, b, func(msg proto.Message) { x.hub.publish(b.Head, msg) })
	})
}

// snapshot fills the market with the state of one height.
func (x *Indexer) snapshot(ctx context.Context, head chain.Head) error {
	if err := x.loadParams(ctx); err != nil {
		return err
	}
	started := x.Clock.Now()
	at := metadata.AppendToOutgoingContext(ctx, heightHeader, strconv.FormatInt(head.Height, 10))
	supply := providertypes.NewQueryClient(x.Chain.Conn())
	page := &query.PageRequest{Limit: pageSize}
	for {
		resp, err := supply.Containers(at, &providertypes.QueryContainersRequest{Pagination: page})
		if err != nil {
			return fmt.Errorf("snapshot of containers: %w", err)
		}
		for _, c := range resp.Containers {
			x.Market.PutContainer(c.Container)
			x.Market.PutStatus(c.Status)
			x.Market.Heard(c.LastSeen, c.Container.Id)
		}
		if resp.Pagination == nil || len(resp.Pagination.NextKey) == 0 {
			break
		}
		page = &query.PageRequest{Key: resp.Pagination.NextKey, Limit: pageSize}
	}
	leases := leasetypes.NewQueryClient(x.Chain.Conn())
	for page = (&query.PageRequest{Limit: pageSize}); ; {
		resp, err := leases.Offers(at, &leasetypes.QueryOffersRequest{Pagination: page})
		if err != nil {
			return fmt.Errorf("snapshot of offers: %w", err)
		}
		for _, o := range resp.Offers {
			x.Market.PutOffer(o)
		}
		if resp.Pagination == nil || len(resp.Pagination.NextKey) == 0 {
			break
		}
		page = &query.PageRequest{Key: resp.Pagination.NextKey, Limit: pageSize}
	}
	x.Market.SetHead(head.Height, head.Time)
	x.Log.Info("market loaded", "height", head.Height, "containers", x.Market.Stats().Containers, "took", x.Clock.Now().Sub(started).Round(time.Millisecond))
	return nil
}

func (x *Indexer) loadParams(ctx context.Context) error {
	resp, err := providertypes.NewQueryClient(x.Chain.Conn()).Params(ctx, &providertypes.QueryParamsRequest{})
	if err != nil {
		return fmt.Errorf("parameters of providers: %w", err)
	}
	x.Market.SetParams(resp.Params)
	return nil
}

// followHistory goes on behind the last block in the store; a new store begins with the first block that the node has.
func (x *Indexer) followHistory(ctx context.Context) error {
	p, err := x.History.Position(ctx)
	if err != nil {
		return err
	}
	apply := func(b chain.Block) error {
		err := x.History.Apply(ctx, x.Chain.ChainID(), b.Head, func(tx *history.Tx) error {
			return project(view{history: tx}, b, nil)
		})
		if err == nil {
			x.Metrics.HistoryHeight.Set(float64(b.Height))
		}
		return err
	}
	err = x.Chain.Blocks(ctx, p.Height+1, apply)
	if !errors.Is(err, chain.ErrPruned) {
		return err
	}
	if p.Height > 0 {
		return fmt.Errorf("history ends at block %d and the node has pruned what follows; use an archive node, or move the store away: %w", p.Height, err)
	}
	head, herr := x.Chain.Latest(ctx)
	if herr != nil {
		return herr
	}
	x.Health.Set(warnGap, fmt.Sprintf("first block: %d", head.Height))
	x.Log.Warn("the node has pruned the first blocks; history begins now", "height", head.Height)
	return x.Chain.Blocks(ctx, head.Height, apply)
}
