// SPDX-License-Identifier: Apache-2.0

package adversary

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"
	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/offchain/daemon"
	"github.com/athnet/ath/offchain/daemon/clock"
	"github.com/athnet/ath/offchain/store"
	"github.com/athnet/ath/offchain/worker"
	"github.com/athnet/ath/offchain/worker/gpu"
	"github.com/athnet/ath/offchain/worker/gpu/sim"
	"github.com/athnet/ath/offchain/worker/runtime/fake"
	"github.com/athnet/ath/testutil/gen"
	"github.com/athnet/ath/testutil/shadow"
	athtypes "github.com/athnet/ath/x/ath/types"
	leasestypes "github.com/athnet/ath/x/leases/types"
	providerstypes "github.com/athnet/ath/x/providers/types"
)

// shared is a world that a worker's goroutines send to.
type shared struct {
	mu sync.Mutex
	*world
}

// do runs something on the chain while nobody else does.
func (s *shared) do(what func(w *world)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	what(s.world)
}

func (s *shared) state() (state providerstypes.ContainerState) {
	s.do(func(w *world) {
		status, err := w.Providers.Status(w.ctx, 1)
		require.NoError(w.t, err)
		state = status.State
	})
	return state
}

// The worker's chain: its heartbeats are transactions of the application; the rest is not asked for here.
func (s *shared) Send(_ context.Context, msgs ...sdk.Msg) (err error) {
	s.do(func(w *world) {
		for _, msg := range msgs {
			err = errors.Join(err, w.send(msg))
		}
		w.fold()
	})
	return err
}

func (*shared) Network(context.Context) (worker.Network, error) {
	return worker.Network{ChainID: shadow.ChainID, Heartbeat: time.Hour, MaxUsageBatch: 100}, nil
}

func (*shared) Delisted(context.Context, uint64) (bool, error) { return false, errors.ErrUnsupported }

func (*shared) Container(context.Context, uint64) (providerstypes.ContainerView, error) {
	return providerstypes.ContainerView{}, errors.ErrUnsupported
}

func (*shared) Lease(context.Context, string) (*leasestypes.Lease, *leasestypes.Receipt, error) {
	return nil, nil, worker.ErrNoLease
}

func (*shared) Follow(ctx context.Context, _ func(worker.Block)) error {
	<-ctx.Done()
	return ctx.Err()
}

// canBeLeased tries it, and takes it back.
func (s *shared) canBeLeased() (err error) {
	s.do(func(w *world) {
		kept := w.ctx
		w.ctx, _ = kept.CacheContext()
		manifest := sha256.Sum256([]byte("manifest"))
		err = w.send(&leasestypes.MsgCreateLease{
			Tenant: w.tenant.String(), Candidates: []uint64{1}, MaxRate: math.NewInt(dealerRate), ManifestHash: manifest[:],
			Deposit: sdk.NewCoin(athtypes.Denom, gen.ATH(10_000)),
		})
		w.ctx = kept
		w.forget()
	})
	return err
}

// TestABrokenGPULeavesTheMarket: from what a driver says to what a tenant can rent, through the worker's own look at its devices,
// its heartbeat, and the application. The regular heartbeat is an hour away; the market hears of a broken GPU at the next look.
func TestABrokenGPULeavesTheMarket(t *testing.T) {
	s := &shared{world: branch(t, chain(t))}
	s.market()
	require.NoError(t, s.send(&leasestypes.MsgSetOffers{Operator: s.owner.String(), Offers: []leasestypes.Offer{
		{ContainerId: 1, Denom: athtypes.Denom, Rate: math.NewInt(dealerRate), MinCharge: time.Minute},
	}}))
	s.fold()
	require.NoError(t, s.canBeLeased())

	source, now := sim.New(), clock.NewManual(time.Unix(0, 0))
	_, key, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	w, err := worker.New(worker.Deps{
		Config: worker.Config{
			Ports: "41000-41099", PidsLimit: 64, MaxManifests: 4, UsageInterval: time.Minute, SettleInterval: time.Minute,
			ManifestWait: time.Minute, StartWait: time.Minute, Resync: time.Minute,
		},
		Chain: s, Runtime: fake.New(), Store: store.NewMem(), Key: key, Operator: s.owner.String(), Container: 1,
		Devices: source, DeviceIDs: []string{"GPU-1"}, Network: worker.Network{ChainID: shadow.ChainID, Heartbeat: time.Hour},
		Clock: now, Log: slog.New(slog.DiscardHandler), Health: daemon.NewHealth("ath-worker", now, worker.Warnables()...),
		Metrics: worker.NewMetrics(prometheus.NewRegistry()),
	})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	for _, actor := range w.Actors() {
		if actor.Name == "gpu" || actor.Name == "heartbeat" {
			running.Go(func() { _ = actor.Run(ctx) }) // ends with the context
		}
	}
	defer running.Wait()
	defer cancel()
	becomes := func(want providerstypes.ContainerState) {
		t.Helper()
		require.Eventually(t, func() bool { now.Advance(time.Second); return s.state() == want }, 10*time.Second, 5*time.Millisecond)
	}

	source.Set(nil, gpu.Stat{ID: "GPU-1", Faults: []gpu.Fault{{Kind: gpu.FaultXID, Code: 79}}})
	becomes(providerstypes.ContainerState_CONTAINER_STATE_QUALITY_CONTROL)
	require.ErrorContains(t, s.canBeLeased(), "container 1: not free")
	s.do(func(w *world) { w.round(4, true, w.live, nil, nil) })
	require.Error(t, s.canBeLeased(), "healthy is not enough while the driver says it is broken")

	// Repaired: what the driver says counts with the next look, and Checkers must have found it healthy after that.
	source.Set(nil, gpu.Stat{ID: "GPU-1"})
	require.Eventually(t, func() bool {
		now.Advance(time.Second)
		var sound bool
		s.do(func(w *world) {
			status, err := w.Providers.Status(w.ctx, 1)
			require.NoError(w.t, err)
			sound = status.DeviceFault == ""
		})
		return sound
	}, 10*time.Second, 5*time.Millisecond)
	require.Error(t, s.canBeLeased(), "it must be found healthy anew")
	for round := uint64(5); round < 9; round++ {
		s.do(func(w *world) { w.round(round, true, w.live, nil, nil) })
	}
	require.Equal(t, providerstypes.ContainerState_CONTAINER_STATE_READY, s.state())
	s.do(func(w *world) {
		require.NoError(w.t, w.send(&providerstypes.MsgHeartbeat{Operator: w.owner.String(), Ids: []uint64{1}}))
	})
	require.NoError(t, s.canBeLeased())
}
