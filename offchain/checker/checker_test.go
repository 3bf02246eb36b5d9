// SPDX-License-Identifier: Apache-2.0

package checker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/athnet/ath/offchain/chain"
	"github.com/athnet/ath/offchain/chain/chaintest"
	"github.com/athnet/ath/offchain/checker/probe"
	"github.com/athnet/ath/offchain/daemon"
	"github.com/athnet/ath/offchain/store"
	athtypes "github.com/athnet/ath/x/ath/types"
	checktypes "github.com/athnet/ath/x/checks/types"
	leasetypes "github.com/athnet/ath/x/leases/types"
	providertypes "github.com/athnet/ath/x/providers/types"
)

func TestMain(m *testing.M) {
	athtypes.SetPrefixes()
	goleak.VerifyTestMain(m)
}

const (
	operator    = "ath1operator"
	roundBlocks = 14 // a round is 14 blocks of a second; reports are taken in the last seven
	windowFrom  = 7
)

// world is a chain that holds the rules of rounds, commits and reveals, and Containers that answer as told.
type world struct {
	*checktypes.UnimplementedQueryServer
	t     *testing.T
	chain *chaintest.Chain
	store *store.Faulty
	mem   *store.Mem

	mu       sync.Mutex
	commits  map[uint64][]byte
	revealed map[uint64]checktypes.Report
	members  providertypes.Bitmap
	answer   func(id uint64, head int64) probe.Sample
	refuse   error
	lease    *leasetypes.Lease // of Container 2
	silent   error             // what asking for it ends with
}

type demand struct {
	*leasetypes.UnimplementedQueryServer
	w *world
}

func (d demand) Lease(_ context.Context, req *leasetypes.QueryLeaseRequest) (*leasetypes.QueryLeaseResponse, error) {
	d.w.mu.Lock()
	defer d.w.mu.Unlock()
	switch l := d.w.lease; {
	case d.w.silent != nil:
		return nil, d.w.silent
	case l == nil || l.Tenant != req.Tenant || l.Number != req.Number:
		return &leasetypes.QueryLeaseResponse{Receipt: &leasetypes.Receipt{}}, nil
	default:
		return &leasetypes.QueryLeaseResponse{Lease: l}, nil
	}
}

type supply struct {
	*providertypes.UnimplementedQueryServer
	w *world
}

func newWorld(t *testing.T) *world {
	t.Helper()
	mem := store.NewMem()
	w := &world{
		t: t, chain: chaintest.New("ath-test"), store: store.NewFaulty(mem), mem: mem,
		commits: map[uint64][]byte{}, revealed: map[uint64]checktypes.Report{}, members: providertypes.BitmapOf(1, 2, 9),
	}
	w.answer = func(id uint64, head int64) probe.Sample {
		b, err := w.chain.Block(context.Background(), head)
		require.NoError(t, err)
		return probe.Sample{ContainerID: id, Kind: probe.OK, Head: head, Height: head, BlockHash: b.Hash, LatencyNS: 3 * time.Millisecond}
	}
	checktypes.RegisterQueryServer(w.chain, w)
	providertypes.RegisterQueryServer(w.chain, supply{w: w})
	leasetypes.RegisterQueryServer(w.chain, demand{w: w})
	w.chain.Handle(w.deliver)
	return w
}

func (w *world) round() (number uint64, start time.Time) {
	n := uint64(w.chain.Clock.Now().Sub(chaintest.Genesis)/time.Second)/roundBlocks + 1
	return n, chaintest.Genesis.Add(time.Duration(n-1) * roundBlocks * time.Second)
}

func (w *world) Round(context.Context, *checktypes.QueryRoundRequest) (*checktypes.QueryRoundResponse, error) {
	n, start := w.round()
	return &checktypes.QueryRoundResponse{
		Round:      checktypes.Round{Number: n, Start: start},
		SubmitFrom: start.Add(windowFrom * time.Second), EndsAt: start.Add(roundBlocks * time.Second),
	}, nil
}

func (w *world) Assignment(_ context.Context, req *checktypes.QueryAssignmentRequest) (*checktypes.QueryAssignmentResponse, error) {
	if req.Operator != operator {
		return nil, status.Error(codes.InvalidArgument, "operator")
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	n, _ := w.round()
	_, committed := w.commits[n]
	_, before := w.commits[n-1]
	_, revealed := w.revealed[n-1]
	return &checktypes.QueryAssignmentResponse{
		Round: n, Shards: []checktypes.AssignedShard{{Shard: 0, Members: w.members}}, Complete: true,
		Committed: committed, OwesReveal: before && !revealed,
	}, nil
}

func (s supply) Container(_ context.Context, req *providertypes.QueryContainerRequest) (*providertypes.QueryContainerResponse, error) {
	if req.Id == 9 {
		return nil, status.Error(codes.NotFound, "container 9")
	}
	view := providertypes.ContainerView{
		Container: providertypes.Container{Id: req.Id, Endpoint: "host:1", WorkerPubkey: make([]byte, 32), Fingerprint: make([]byte, 32)},
	}
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	if req.Id == 2 && s.w.lease != nil {
		view.Status.Lease = s.w.lease.ID()
	}
	return &providertypes.QueryContainerResponse{Container: view}, nil
}

// deliver holds a report to the chain's rules.
func (w *world) deliver(tx *chaintest.Tx, m sdk.Msg) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.refuse != nil {
		return w.refuse
	}
	msg := m.(*checktypes.MsgSubmitReport)
	// Next moves the clock after its transactions; the block's time decides.
	n := uint64(tx.Time.Sub(chaintest.Genesis)/time.Second)/roundBlocks + 1
	start := chaintest.Genesis.Add(time.Duration(n-1) * roundBlocks * time.Second)
	switch {
	case msg.Round != n:
		return fmt.Errorf("round %d runs, not %d", n, msg.Round)
	case tx.Time.Before(start.Add(windowFrom * time.Second)):
		return errors.New("window closed")
	}
	if msg.Reveal != nil {
		if err := msg.Reveal.Validate(); err != nil {
			return err
		}
		want := checktypes.CommitHash(w.chain.ChainID(), operator, n-1, *msg.Reveal, msg.Salt)
		if !bytes.Equal(want, w.commits[n-1]) {
			return errors.New("reveal does not match the commit")
		}
		w.revealed[n-1] = *msg.Reveal
	}
	if len(msg.Commit) > 0 {
		if old, ok := w.commits[n]; ok && !bytes.Equal(old, msg.Commit) {
			w.t.Errorf("two different commits to round %d", n)
		}
		w.commits[n] = msg.Commit
	}
	return nil
}

type proberFunc func(id uint64, head int64) probe.Sample

func (f proberFunc) Probe(_ context.Context, t probe.Target, head int64) probe.Sample {
	return f(t.ContainerID, head)
}

func (w *world) start() *Checker {
	w.t.Helper()
	c, err := New(Options{
		Chain: w.chain, Sender: w.chain.Sender(operator), Store: w.store, Clock: w.chain.Clock, Log: slog.New(slog.DiscardHandler),
		Prober: proberFunc(func(id uint64, head int64) probe.Sample { return w.answer(id, head) }),
		Health: daemon.NewHealth("ath-checker", w.chain.Clock, Warnables()...), Metrics: NewMetrics(prometheus.NewRegistry()),
		Sweeps: 3, Concurrency: 2, MaxLag: 10, KeepRounds: 3,
	})
	require.NoError(w.t, err)
	return c
}

// block makes a block and lets the Checker do all that it brings, transactions included.
func (w *world) block(c *Checker) error {
	ctx := context.Background()
	b := w.chain.Next()
	c.blocks.add(b.Head)
	if err := c.step(ctx, b.Head); err != nil {
		return err
	}
	if c.progress.Sweeping {
		c.endSweep(<-c.swept)
	}
	if c.progress.Sending {
		w.chain.AwaitTxs(1)
		b := w.chain.Next()
		c.blocks.add(b.Head)
		c.endSend(<-c.sent)
	}
	c.jobs.Wait()
	return nil
}

// value of a counter or gauge, or the count of a histogram.
func value(t *testing.T, m prometheus.Metric) float64 {
	t.Helper()
	var out dto.Metric
	require.NoError(t, m.Write(&out))
	return out.GetCounter().GetValue() + out.GetGauge().GetValue() + float64(out.GetHistogram().GetSampleCount())
}

func TestEveryRoundIsCommittedAndRevealed(t *testing.T) {
	w := newWorld(t)
	c := w.start()
	for range 5 * roundBlocks {
		require.NoError(t, w.block(c))
	}
	require.GreaterOrEqual(t, len(w.commits), 4)
	for n := uint64(1); n+1 < uint64(len(w.commits)); n++ {
		report, ok := w.revealed[n]
		require.True(t, ok, "round %d", n)
		require.Equal(t, providertypes.BitmapOf(1, 2), providertypes.Bitmap(report.Shards[0].Healthy), "9 has retired")
		require.Equal(t, []byte{2, 2}, report.Shards[0].Quality)
	}
	require.Positive(t, value(t, c.Metrics.Rounds))
	require.Positive(t, value(t, c.Metrics.Probes.WithLabelValues("ok")))
	require.Positive(t, value(t, c.Metrics.Reports.WithLabelValues("accepted")))
	require.EqualValues(t, 2, value(t, c.Metrics.Assigned))
	require.Positive(t, value(t, c.Metrics.Latency))
	require.Empty(t, c.Health.Report().Warnings)
}

func TestFaultyContainersAreReported(t *testing.T) {
	w := newWorld(t)
	fine := w.answer
	w.answer = func(id uint64, head int64) probe.Sample {
		if id == 2 {
			return probe.Sample{ContainerID: 2, Kind: probe.WrongKey}
		}
		return fine(id, head)
	}
	c := w.start()
	for range 3 * roundBlocks {
		require.NoError(t, w.block(c))
	}
	require.Equal(t, providertypes.BitmapOf(1), providertypes.Bitmap(w.revealed[1].Shards[0].Healthy))
}

// TestAFalseStartIsReported: a worker that is paid for a lease and says that it serves none, or another, is faulty. Where the lease was not that
// worker's for all the time, or where a node does not know, it is not.
func TestAFalseStartIsReported(t *testing.T) {
	tenant := sdk.AccAddress(bytes.Repeat([]byte{1}, 20)).String()
	id := func(number uint64) string { return fmt.Sprintf("%s/%d", tenant, number) }
	const round = 12 // begins 154 s after the chain did, more than what a worker has to hear of a lease
	for name, tc := range map[string]struct {
		says   func(sweep int) string
		during func(w *world) // between the sweeps and the report
		faulty bool
	}{
		"it serves the lease":                  {says: func(int) string { return id(1) }},
		"it serves none":                       {says: func(int) string { return "" }, faulty: true},
		"it serves the lease before":           {says: func(int) string { return id(9) }, faulty: true},
		"it had just started at one of sweeps": {says: func(sweep int) string { return []string{id(1), "", id(1)}[sweep] }},
		"it serves it for one of the sweeps":   {says: func(sweep int) string { return []string{id(1), "", ""}[sweep] }, faulty: true},
		"the lease was closed":                 {says: func(int) string { return "" }, during: func(w *world) { w.lease = nil }},
		"the receipt is forgotten":             {says: func(int) string { return "" }, during: func(w *world) { w.silent = status.Error(codes.NotFound, "lease") }},
		"the node does not say":                {says: func(int) string { return "" }, during: func(w *world) { w.silent = errors.New("gone") }},
		"the lease has moved":                  {says: func(int) string { return "" }, during: func(w *world) { w.lease.ContainerId = 1 }},
		"the lease is paused":                  {says: func(int) string { return "" }, during: func(w *world) { w.lease.State = leasetypes.LeaseState_LEASE_STATE_PAUSED }},
		"the lease was paused, and runs again": {says: func(int) string { return "" }, during: func(w *world) { w.lease.BoundAt = w.chain.Clock.Now() }},
		"the next lease runs there by now":     {says: func(int) string { return id(2) }, during: func(w *world) { w.lease.Number = 2 }},
		"it may not have heard of it yet":      {says: func(int) string { return "" }, during: func(w *world) { w.lease.BoundAt = chaintest.Genesis.Add(time.Minute) }},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.lease = &leasetypes.Lease{Tenant: tenant, Number: 1, ContainerId: 2, State: leasetypes.LeaseState_LEASE_STATE_RUNNING, BoundAt: chaintest.Genesis}
			fine, sweeps := w.answer, 0
			w.answer = func(container uint64, head int64) probe.Sample {
				s := fine(container, head)
				if number, _ := w.round(); container == 2 && number == round {
					s.LeaseID = tc.says(sweeps)
					sweeps++
				} else if container == 2 {
					s.LeaseID = id(1)
				}
				return s
			}
			c := w.start()
			changed := false
			for number := uint64(0); number < round+2; number, _ = w.round() {
				if sweeps == 3 && !changed && tc.during != nil {
					w.mu.Lock()
					tc.during(w)
					w.mu.Unlock()
					changed = true
				}
				require.NoError(t, w.block(c))
			}
			want := providertypes.BitmapOf(1, 2)
			if tc.faulty {
				want = providertypes.BitmapOf(1)
			}
			require.Equal(t, want, providertypes.Bitmap(w.revealed[round].Shards[0].Healthy))
			require.Equal(t, providertypes.BitmapOf(1, 2), providertypes.Bitmap(w.revealed[round-1].Shards[0].Healthy))
		})
	}
}

// A worker's block may be newer than the state that its lease is looked up in: such an answer waits for another round.
func TestAnAnswerAheadOfTheStateAccusesNobody(t *testing.T) {
	w := newWorld(t)
	tenant := sdk.AccAddress(bytes.Repeat([]byte{1}, 20)).String()
	w.lease = &leasetypes.Lease{Tenant: tenant, Number: 1, ContainerId: 2, State: leasetypes.LeaseState_LEASE_STATE_RUNNING, BoundAt: chaintest.Genesis}
	c := w.start()
	for range 200 {
		c.blocks.add(w.chain.Next().Head)
	}
	c.targets = []probe.Target{{ContainerID: 2, Lease: w.lease.ID()}}
	for height, kind := range map[int64]probe.Kind{198: probe.BadReply, 199: probe.BadReply, 200: probe.OK, 201: probe.OK} {
		c.samples = map[uint64][]probe.Sample{2: {{ContainerID: 2, Kind: probe.OK, Height: height}}}
		c.refute(t.Context(), 200)
		require.Equal(t, kind, c.samples[2][0].Kind, height)
	}
}

// TestKillAnywhere kills the Checker before and after every write that it makes, restarts it on what the disk holds, and finds that
// every commit that reached the chain was opened, and that no round was ever committed to twice with different content.
func TestKillAnywhere(t *testing.T) {
	for _, after := range []bool{false, true} {
		for cue := 1; cue <= 8; cue++ {
			t.Run(fmt.Sprintf("write %d, after %t", cue, after), func(t *testing.T) {
				w := newWorld(t)
				c := w.start()
				if after {
					w.store.CrashAfter(cue)
				} else {
					w.store.CrashBefore(cue)
				}
				for range 6 * roundBlocks {
					if err := w.block(c); err != nil {
						require.ErrorIs(t, err, store.ErrCrash)
						w.store.Revive()
						c = w.start()
					}
				}
				last, _ := w.round()
				for n := range w.commits {
					if _, ok := w.revealed[n]; !ok && n+1 < last {
						t.Errorf("round %d was committed to and never revealed", n)
					}
				}
				require.GreaterOrEqual(t, len(w.commits), 5)
			})
		}
	}
}

// TestKillBetweenSendAndAnswer: the commit was sent, the process dies before it hears of it. After the restart the same commit is sent
// or found on chain.
func TestKillBetweenSendAndAnswer(t *testing.T) {
	for _, included := range []bool{true, false} {
		t.Run(fmt.Sprintf("included %t", included), func(t *testing.T) {
			w := newWorld(t)
			c := w.start()
			ctx, kill := context.WithCancel(context.Background())
			for !c.progress.Sending {
				b := w.chain.Next()
				c.blocks.add(b.Head)
				require.NoError(t, c.step(ctx, b.Head))
				if c.progress.Sweeping {
					c.endSweep(<-c.swept)
				}
			}
			w.chain.AwaitTxs(1)
			if !included {
				w.mu.Lock()
				w.refuse = errors.New("dropped from the mempool")
				w.mu.Unlock()
			}
			kill()
			<-c.sent
			w.chain.Next()
			w.mu.Lock()
			w.refuse = nil
			w.mu.Unlock()
			c.jobs.Wait()

			c = w.start()
			for range 2 * roundBlocks {
				require.NoError(t, w.block(c))
			}
			require.Contains(t, w.revealed, uint64(1))
		})
	}
}

func TestOwnNetworkFailureMakesNoReport(t *testing.T) {
	w := newWorld(t)
	w.answer = func(id uint64, _ int64) probe.Sample { return probe.Sample{ContainerID: id, Kind: probe.Local} }
	c := w.start()
	for range 2 * roundBlocks {
		require.NoError(t, w.block(c))
	}
	require.Empty(t, w.commits)
}

func TestARefusedReportIsTriedAgain(t *testing.T) {
	w := newWorld(t)
	c := w.start()
	w.refuse = errors.New("insufficient fee")
	for range windowFrom - 1 {
		require.NoError(t, w.block(c))
	}
	require.Equal(t, "report-refused", c.Health.Report().Warnings[0].Code)
	require.Positive(t, value(t, c.Metrics.Reports.WithLabelValues("failed")))
	w.refuse = nil
	require.NoError(t, w.block(c))
	require.Contains(t, w.commits, uint64(1))
	require.Empty(t, c.Health.Report().Warnings)
}

func TestALostHomeIsSaid(t *testing.T) {
	w := newWorld(t)
	c := w.start()
	for range roundBlocks {
		require.NoError(t, w.block(c))
	}
	w.store = store.NewFaulty(store.NewMem())
	c = w.start()
	for range roundBlocks {
		require.NoError(t, w.block(c))
	}
	require.NotContains(t, w.revealed, uint64(1))
	require.Contains(t, w.commits, uint64(2), "the new round is reported all the same")
	require.Equal(t, "reveal-lost", c.Health.Report().Warnings[0].Code)
}

func TestAHomeBelongsToOneChain(t *testing.T) {
	w := newWorld(t)
	w.start()
	w.chain = chaintest.New("other")
	_, err := New(Options{Chain: w.chain, Store: w.store})
	require.ErrorContains(t, err, "another --home")
}

func TestEvidence(t *testing.T) {
	w := newWorld(t)
	c := w.start()
	for range 6 * roundBlocks {
		require.NoError(t, w.block(c))
	}
	server := httptest.NewServer(c.Handler(prometheus.NewRegistry()))
	defer server.Close()
	get := func(path string) (int, Evidence) {
		resp, err := http.Get(server.URL + path)
		require.NoError(t, err)
		defer resp.Body.Close()
		var e Evidence
		if strings.HasPrefix(path, "/v1") && resp.StatusCode == http.StatusOK {
			require.NoError(t, json.NewDecoder(resp.Body).Decode(&e))
		}
		return resp.StatusCode, e
	}
	now, _ := w.round()
	code, e := get(fmt.Sprintf("/v1/evidence/%d/0", now-2))
	require.Equal(t, http.StatusOK, code)
	require.NoError(t, e.Verify())
	require.Equal(t, w.revealed[now-2].Shards[0].EvidenceRoot, e.Root, "the root is the one on chain")
	require.Len(t, e.Leaves, 6, "two Containers, three sweeps")

	for path, want := range map[string]int{
		fmt.Sprintf("/v1/evidence/%d/0", now):   http.StatusForbidden,
		fmt.Sprintf("/v1/evidence/%d/7", now-1): http.StatusNotFound,
		"/v1/evidence/1/0":                      http.StatusNotFound,
		"/v1/evidence/x/0":                      http.StatusBadRequest,
		"/healthz":                              http.StatusOK,
		"/metrics":                              http.StatusOK,
	} {
		code, _ := get(path)
		require.Equal(t, want, code, path)
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	w := newWorld(t)
	c := w.start()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	for c.current.Load() == 0 {
		w.chain.Next()
	}
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
}

func TestRunEndsWhereTheChainCannotBeFollowed(t *testing.T) {
	w := newWorld(t)
	w.chain.Next()
	w.chain.Prune(2)
	require.ErrorIs(t, w.start().Run(context.Background()), chain.ErrPruned)
}
