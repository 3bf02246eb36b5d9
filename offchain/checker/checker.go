// SPDX-License-Identifier: Apache-2.0

// Package checker is the daemon of a licence operator. Per round it probes the Containers that it was drawn for, seals its report in a
// commit, and opens the commit of the round before:
//
//	 round r:   |── sweep ── sweep ── sweep ──|── one transaction: reveal r-1, commit r ──|
//	            start                     submit_from                                   end
//
//	block ─► plan (pure, by block time) ─► sweep:  probe ×n ─► samples
//	                                    └► submit: samples ─► refute ─► judge (pure) ─► report, salt ─► store ─► chain
//
// The record of a commit is on disk before the commit is sent, and is never replaced: after kill -9 at any moment the same commit is
// sent again, or its reveal is (TestKillAnywhere).
package checker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	sdk "github.com/cosmos/cosmos-sdk/types"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/athnet/ath/offchain/chain"
	"github.com/athnet/ath/offchain/checker/probe"
	"github.com/athnet/ath/offchain/daemon"
	"github.com/athnet/ath/offchain/daemon/clock"
	"github.com/athnet/ath/offchain/store"
	checktypes "github.com/athnet/ath/x/checks/types"
	leasetypes "github.com/athnet/ath/x/leases/types"
	providertypes "github.com/athnet/ath/x/providers/types"
)

// startWait is how long a node that restarts meanwhile is waited for.
const startWait = 10 * time.Minute

// Chain is the node: chain.Client, or chaintest.Chain.
type Chain interface {
	ChainID() string
	Conn() grpc.ClientConnInterface
	Latest(ctx context.Context) (chain.Head, error)
	Blocks(ctx context.Context, from int64, fn func(chain.Block) error) error
}

// Sender sends as the operator: chain.Sender, or chaintest.Sender.
type Sender interface {
	Address() string
	Send(ctx context.Context, msgs ...sdk.Msg) (chain.TxResult, error)
}

// Prober probes one Container: probe.Prober in production.
type Prober interface {
	Probe(ctx context.Context, t probe.Target, head int64) probe.Sample
}

// Options of a Checker. All are needed.
type Options struct {
	Chain   Chain
	Sender  Sender
	Prober  Prober
	Store   store.Store
	Clock   clock.Clock
	Log     *slog.Logger
	Health  *daemon.Health
	Metrics *Metrics
	// Sweeps per round, probes at one time, age of a worker's block that still counts, rounds whose evidence is kept.
	Sweeps      int
	Concurrency int
	MaxLag      int64
	KeepRounds  uint64
}

// Shard is a shard to check.
type Shard struct {
	Number  uint64
	Members providertypes.Bitmap
}

// Checker is the daemon. One goroutine owns its state; sweeps and transactions run beside it and report back.
type Checker struct {
	Options
	records records
	checks  checktypes.QueryClient
	supply  providertypes.QueryClient
	leases  leasetypes.QueryClient
	blocks  *recentBlocks
	// current round, for the server.
	current atomic.Uint64

	// Owned by Run.
	round    Round
	shards   []Shard
	complete bool
	targets  []probe.Target
	progress Progress
	samples  map[uint64][]probe.Sample
	// stopSweep ends the sweep that runs; stopSend the transaction. Both are kept until their result is in.
	stopSweep context.CancelFunc
	stopSend  context.CancelFunc
	swept     chan sweepResult
	sent      chan sendResult
	jobs      sync.WaitGroup
}

type sweepResult struct {
	round   uint64
	samples []probe.Sample
}

type sendResult struct {
	round uint64
	err   error
}

// New ties the store to the chain.
func New(o Options) (*Checker, error) {
	c := &Checker{
		Options: o, records: records{o.Store}, blocks: newRecentBlocks(),
		checks: checktypes.NewQueryClient(o.Chain.Conn()), supply: providertypes.NewQueryClient(o.Chain.Conn()), leases: leasetypes.NewQueryClient(o.Chain.Conn()),
		swept: make(chan sweepResult, 1), sent: make(chan sendResult, 1),
	}
	if err := c.records.bind(o.Chain.ChainID()); err != nil {
		return nil, err
	}
	return c, nil
}

// Run works until the context ends.
func (c *Checker) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer c.jobs.Wait()
	defer cancel()
	var start chain.Head
	if err := chain.Insist(ctx, c.Clock, startWait, c.Log, func() (err error) {
		start, err = c.Chain.Latest(ctx)
		return err
	}); err != nil {
		return fmt.Errorf("query the chain's head: %w", err)
	}
	heads := make(chan chain.Head, 1)
	followed := make(chan error, 1)
	go func() {
		// A worker may name a block from before this start.
		followed <- c.Chain.Blocks(ctx, max(1, start.Height-c.MaxLag), func(b chain.Block) error {
			c.blocks.add(b.Head)
			if b.Height < start.Height {
				return nil
			}
			select {
			case <-heads: // only the newest counts
			default:
			}
			heads <- b.Head
			return nil
		})
	}()
	var head chain.Head
	for {
		select {
		case err := <-followed:
			return err
		case head = <-heads:
		case r := <-c.swept:
			c.endSweep(r)
		case r := <-c.sent:
			c.endSend(r)
			continue // only a new block can make a second try succeed
		}
		err := c.step(ctx, head)
		switch {
		case ctx.Err() != nil:
			return <-followed
		case err != nil:
			c.Health.Set(warnQuery, err.Error())
			c.Log.Warn("cannot work on this block, trying again with the next", "height", head.Height, "err", err)
		default:
			c.Health.Clear(warnQuery)
		}
	}
}

// step does what is due at a block.
func (c *Checker) step(ctx context.Context, head chain.Head) error {
	if err := c.refresh(ctx); err != nil {
		return err
	}
	c.Health.Fact("height", fmt.Sprint(head.Height))
	switch plan(c.round, c.progress, c.Sweeps, head.Time) {
	case StepSweep:
		c.startSweep(ctx, head.Height)
	case StepFinish:
		// What has been measured so far is taken over; the next block submits.
		c.stopSweep()
	case StepSubmit:
		return c.submit(ctx, head.Height)
	case StepWait:
	}
	return nil
}

// refresh asks which round runs, and what there is to do in it.
func (c *Checker) refresh(ctx context.Context) error {
	r, err := c.checks.Round(ctx, &checktypes.QueryRoundRequest{})
	if err != nil {
		return fmt.Errorf("query round: %w", err)
	}
	fresh := r.Round.Number != c.round.Number
	if fresh {
		// A record means that a commit may have been sent before a restart; it is sent again as it was.
		_, err := c.records.load(r.Round.Number)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		c.leaveRound()
		c.progress.Sealed = err == nil
	}
	c.current.Store(r.Round.Number)
	c.round = Round{Number: r.Round.Number, Start: r.Round.Start, SubmitFrom: r.SubmitFrom, EndsAt: r.EndsAt}
	a, err := c.checks.Assignment(ctx, &checktypes.QueryAssignmentRequest{Operator: c.Sender.Address()})
	if err != nil {
		return fmt.Errorf("query assignment: %w", err)
	}
	if a.Round != c.round.Number {
		return fmt.Errorf("the round changed from %d to %d between two queries", c.round.Number, a.Round)
	}
	if !c.progress.Sending {
		c.progress.Committed, c.progress.OwesReveal = a.Committed, a.OwesReveal
	}
	if fresh || !c.complete {
		if err := c.assign(ctx, a); err != nil {
			c.complete = false
			return err
		}
	}
	if fresh {
		c.Log.Info("round started", "round", c.round.Number, "shards", len(c.shards), "containers", len(c.targets))
		if c.round.Number > c.KeepRounds {
			return c.records.prune(c.round.Number - c.KeepRounds)
		}
	}
	return nil
}

// leaveRound forgets what was measured and calls back what still runs.
func (c *Checker) leaveRound() {
	if c.stopSweep != nil {
		c.stopSweep()
	}
	if c.stopSend != nil {
		c.stopSend()
	}
	sweeping, sending := c.progress.Sweeping, c.progress.Sending
	c.progress = Progress{Sweeping: sweeping, Sending: sending}
	c.shards, c.targets, c.samples, c.complete = nil, nil, map[uint64][]probe.Sample{}, false
	c.Metrics.Rounds.Inc()
}

// assign takes over the shards of an assignment and looks up how their Containers are reached.
func (c *Checker) assign(ctx context.Context, a *checktypes.QueryAssignmentResponse) error {
	c.shards, c.targets = nil, nil
	for _, s := range a.Shards {
		sh := Shard{Number: s.Shard, Members: s.Members}
		c.shards = append(c.shards, sh)
		for slot := range sh.Members.Slots() {
			id := s.Shard*providertypes.ShardSize + slot
			resp, err := c.supply.Container(ctx, &providertypes.QueryContainerRequest{Id: id})
			if status.Code(err) == codes.NotFound {
				continue // retired since; it stays a member until the verdict
			}
			if err != nil {
				return fmt.Errorf("query container %d: %w", id, err)
			}
			k := resp.Container.Container
			c.targets = append(c.targets, probe.Target{
				ContainerID: id, Endpoint: k.Endpoint, WorkerKey: k.WorkerPubkey, Fingerprint: k.Fingerprint, Lease: resp.Container.Status.Lease,
			})
		}
	}
	c.progress.Shards, c.complete = len(c.shards), a.Complete
	if len(a.Shards) == 0 {
		c.Health.Set(warnIdle, fmt.Sprintf("round %d", a.Round))
	} else {
		c.Health.Clear(warnIdle)
	}
	c.Health.Fact("round", fmt.Sprint(a.Round))
	c.Health.Fact("containers", fmt.Sprint(len(c.targets)))
	c.Metrics.Assigned.Set(float64(len(c.targets)))
	return nil
}

// startSweep probes every target once, a bounded number at a time.
func (c *Checker) startSweep(ctx context.Context, head int64) {
	ctx, c.stopSweep = context.WithCancel(ctx)
	c.progress.Sweeping, c.progress.Sweeps = true, c.progress.Sweeps+1
	round, targets := c.round.Number, c.targets
	c.jobs.Go(func() {
		out := make([]probe.Sample, len(targets))
		slots := make(chan struct{}, c.Concurrency)
		var wg sync.WaitGroup
		for i, t := range targets {
			slots <- struct{}{}
			wg.Go(func() {
				defer func() { <-slots }()
				out[i] = c.Prober.Probe(ctx, t, head)
			})
		}
		wg.Wait()
		c.swept <- sweepResult{round: round, samples: out}
	})
}

func (c *Checker) endSweep(r sweepResult) {
	c.stopSweep()
	c.progress.Sweeping = false
	if r.round != c.round.Number {
		return
	}
	for _, s := range r.samples {
		c.samples[s.ContainerID] = append(c.samples[s.ContainerID], s)
		c.Metrics.Probes.WithLabelValues(string(s.Kind)).Inc()
		if s.Kind == probe.OK {
			c.Metrics.Latency.Observe(s.LatencyNS.Seconds())
		}
		if s.Kind != probe.Local {
			c.progress.Measured = true
		}
	}
}
