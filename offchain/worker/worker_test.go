// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"context"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/require"

	sdk "github.com/cosmos/cosmos-sdk/types"

	leasetypes "github.com/athnet/ath/x/leases/types"

	"github.com/athnet/ath/offchain/manifest"
	"github.com/athnet/ath/offchain/store"
	"github.com/athnet/ath/offchain/worker/gpu"
	"github.com/athnet/ath/offchain/worker/runtime"
)

func TestLeaseFromOpenToClosed(t *testing.T) {
	r := newRig(t)
	m := workload(service("job", imageJob, manifest.RestartNever), service("web", imageWeb, manifest.RestartAlways))
	m.Services[1].Expose = []manifest.Expose{{Port: 80, As: 80, Proto: "tcp", Global: true}}
	r.deliver(m)
	r.gpu.ids = []string{"GPU-1"}
	r.gpu.add([]gpu.Stat{{ID: "GPU-1", BusyPPM: 1_000_000}}, time.Minute) // before the lease
	lease := r.chain.open(1, m)
	r.settle()

	require.Equal(t, map[string]runtime.State{"job": runtime.StateRunning, "web": runtime.StateRunning}, r.states(lease))
	status, ok := r.status(lease)
	require.True(t, ok)
	require.Equal(t, "running", string(status.Phase))
	require.Equal(t, "worker.example:41000", status.Services[1].Ports[0].Address)
	require.Equal(t, uint64(1), status.Usage.Confirmed)
	require.Equal(t, leasetypes.LeaseState_LEASE_STATE_RUNNING, r.chain.leases[lease].State)

	r.runtime.Use(key(lease, "web"), runtime.Stats{CPU: 2 * time.Second, MemoryMiB: 20, RxBytes: 5, TxBytes: 7})
	r.gpu.add([]gpu.Stat{{ID: "GPU-1", BusyPPM: 250_000}, {ID: "GPU-2", BusyPPM: 1_000_000}}, 6*time.Second) // the second is not the Container's
	r.clock.Advance(10 * time.Second)
	r.settle()
	last := r.chain.usage[len(r.chain.usage)-1]
	require.Equal(t, uint64(2), last.Sequence)
	require.Equal(t, uint64(2000), last.CpuMs)
	require.Equal(t, uint64(20), last.MemoryMib)
	require.Equal(t, []uint64{0, 1500}, []uint64{r.chain.usage[0].GpuMs, last.GpuMs})
	require.Equal(t, []uint64{5, 7}, []uint64{last.NetworkRx, last.NetworkTx})
	require.Equal(t, r.chain.usage[0].Until, last.From, "no gap, no overlap")

	r.chain.close(lease, leasetypes.CloseReason_CLOSE_REASON_TENANT)
	r.settle()
	require.Empty(t, r.states(lease))
	status, _ = r.status(lease)
	require.Equal(t, "closed", string(status.Phase))
	require.Equal(t, "tenant", status.CloseReason)
	require.Equal(t, "started web\n", r.kept(lease, "web"))

	r.clock.Advance(time.Hour)
	r.settle()
	_, ok = r.status(lease)
	require.False(t, ok, "nothing is kept for ever")
	require.Empty(t, r.book.manifests)
}

func TestBatchJobClosesWithItsExitCodes(t *testing.T) {
	r := newRig(t)
	m := workload(service("a", imageJob, manifest.RestartNever), service("b", imageWeb, manifest.RestartOnFailure))
	r.deliver(m)
	lease := r.chain.open(1, m)
	r.settle()
	r.runtime.Exit(key(lease, "a"), 137, true)
	r.settle()
	require.Nil(t, r.chain.receipts[lease], "one service still runs")
	status, _ := r.status(lease)
	require.True(t, status.Services[0].OOMKilled)
	require.Equal(t, 137, status.Services[0].ExitCode)
	r.runtime.Exit(key(lease, "b"), 1, false) // restarted by its policy
	r.runtime.Exit(key(lease, "b"), 0, false)
	ended := r.clock.Now()
	r.settle()
	receipt := r.chain.receipts[lease]
	require.NotNil(t, receipt)
	require.Equal(t, leasetypes.CloseReason_CLOSE_REASON_COMPLETED, receipt.Reason)
	require.Equal(t, []int32{137, 0}, receipt.ExitCodes)
	require.Equal(t, uint64(len(r.chain.usage)), receipt.UsageSequence)
	require.False(t, r.chain.usage[len(r.chain.usage)-1].Until.Before(ended), "the last record goes with the closing")
	require.Empty(t, r.states(lease))
	status, _ = r.status(lease)
	require.Equal(t, "exited", status.Services[0].State, "how it ended is known when its instance is gone")
	require.Equal(t, 137, status.Services[0].ExitCode)
	require.True(t, status.Services[0].OOMKilled)
	require.Equal(t, 1, status.Services[1].Restarts)
}

// A workload that ends although its tenant did not say that it would leaves the lease open, and its Container the tenant's: to look, to change
// the manifest, or to close it.
func TestAnUnexpectedEndLeavesTheLeaseOpen(t *testing.T) {
	r := newRig(t)
	m := workload(service("a", imageJob, manifest.RestartNever))
	r.deliver(m)
	lease := r.chain.open(1, m)
	r.chain.change(lease, func(l *leasetypes.Lease) { l.Completes = false })
	r.settle()
	r.runtime.Exit(key(lease, "a"), 0, false)
	r.settle()
	require.Nil(t, r.chain.receipts[lease])
	status, _ := r.status(lease)
	require.Equal(t, "exited", status.Services[0].State)
	before := len(r.chain.usage)
	r.clock.Advance(time.Hour)
	r.settle()
	require.Greater(t, len(r.chain.usage), before, "it is metered on")
}

func TestImageThatIsMissingIsTheTenants(t *testing.T) {
	r := newRig(t)
	m := workload(service("web", imageWeb, manifest.RestartAlways))
	r.runtime.Broken[imageWeb] = true
	r.deliver(m)
	lease := r.chain.open(1, m)
	r.settle()
	require.Equal(t, leasetypes.CloseReason_CLOSE_REASON_TENANT_IMAGE, r.chain.receipts[lease].Reason)
	status, _ := r.status(lease)
	require.Contains(t, status.Detail, "manifest unknown")
}

func TestManifestThatNeverComes(t *testing.T) {
	r := newRig(t)
	lease := r.chain.open(1, workload(service("web", imageWeb, manifest.RestartAlways)))
	r.settle()
	status, _ := r.status(lease)
	require.Equal(t, "waiting-for-manifest", string(status.Phase))
	r.clock.Advance(time.Minute)
	r.settle()
	require.Equal(t, leasetypes.CloseReason_CLOSE_REASON_TENANT_IMAGE, r.chain.receipts[lease].Reason)
}

// A machine that can't start what it pulled says so while that costs no stake. Once the lease is overdue it goes on trying.
func TestLeaseThatDoesNotStartIsRefusedInTime(t *testing.T) {
	for name, tc := range map[string]struct {
		after time.Duration
		want  leasetypes.CloseReason
	}{
		"in time":  {9 * time.Minute, leasetypes.CloseReason_CLOSE_REASON_PROVIDER},
		"too late": {10 * time.Minute, leasetypes.CloseReason_CLOSE_REASON_UNSPECIFIED},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			m := workload(service("web", imageWeb, manifest.RestartAlways))
			r.runtime.Fail = func(operation string) error {
				if operation == "start" {
					return errors.New("no space left on device")
				}
				return nil
			}
			r.deliver(m)
			lease := r.chain.open(1, m)
			r.settle()
			require.NotContains(t, r.chain.receipts, lease)
			r.clock.Advance(tc.after)
			r.settle()
			receipt := r.chain.receipts[lease]
			require.Equal(t, tc.want == leasetypes.CloseReason_CLOSE_REASON_UNSPECIFIED, receipt == nil)
			if receipt != nil {
				require.Equal(t, tc.want, receipt.Reason)
			}
		})
	}
}

func TestManifestMayComeAfterTheLease(t *testing.T) {
	r := newRig(t)
	m := workload(service("web", imageWeb, manifest.RestartAlways))
	lease := r.chain.open(1, m)
	r.settle()
	r.deliver(m)
	r.settle()
	require.Equal(t, runtime.StateRunning, r.states(lease)["web"])
}

// The chain's silence ends nothing: only its word that a lease is closed does.
func TestSilenceOfTheChainStopsNothing(t *testing.T) {
	r := newRig(t)
	m := workload(service("web", imageWeb, manifest.RestartAlways))
	r.deliver(m)
	lease := r.chain.open(1, m)
	r.settle()
	r.chain.setDown(true)
	r.clock.Advance(24 * time.Hour)
	r.settle()
	r.restart(r.chain, r.runtime, r.store) // and a restart knows even less
	r.settle()
	require.Equal(t, runtime.StateRunning, r.states(lease)["web"])
	require.Equal(t, 1, r.runtime.Starts(key(lease, "web")))

	r.chain.setDown(false)
	r.settle()
	require.LessOrEqual(t, len(r.chain.usage), 3)
	require.Greater(t, r.chain.usage[1].Until.Sub(r.chain.usage[1].From), 23*time.Hour, "one record covers the whole silence")
}

// A reset node that denies a lease is no proof either.
func TestLeaseThatTheChainDeniesIsLeftAlone(t *testing.T) {
	r := newRig(t)
	m := workload(service("web", imageWeb, manifest.RestartAlways))
	r.deliver(m)
	lease := r.chain.open(1, m)
	r.settle()
	delete(r.chain.leases, lease)
	r.chain.bound = ""
	r.restart(r.chain, r.runtime, r.store)
	r.settle()
	require.Equal(t, runtime.StateRunning, r.states(lease)["web"])
	require.Equal(t, "unverified-instance", r.health.Report().Warnings[0].Code)
}

// TestLeaseThatTheChainHasForgotten: a worker keeps what is left of a closed lease for longer than the chain keeps its receipt. After a restart that
// lease is closed all the same, nobody is warned of it, and it goes when its time is over.
func TestLeaseThatTheChainHasForgotten(t *testing.T) {
	r := newRig(t)
	m := workload(service("web", imageWeb, manifest.RestartAlways))
	r.deliver(m)
	lease := r.chain.open(1, m)
	r.settle()
	r.chain.close(lease, leasetypes.CloseReason_CLOSE_REASON_TENANT)
	r.settle()
	intents, _ := r.book.all()
	require.True(t, intents[lease].Removed)
	delete(r.chain.receipts, lease)
	r.restart(r.chain, r.runtime, r.store)
	r.settle()
	require.Empty(t, r.health.Report().Warnings)
	r.clock.Advance(2 * time.Hour)
	r.settle()
	intents, _ = r.book.all()
	require.NotContains(t, intents, lease)
}

func TestStoreLost(t *testing.T) {
	r := newRig(t)
	m := workload(service("web", imageWeb, manifest.RestartAlways))
	r.deliver(m)
	lease := r.chain.open(1, m)
	r.settle()
	r.restart(r.chain, r.runtime, store.NewMem())
	r.clock.Advance(20 * time.Second)
	r.settle()
	require.Equal(t, runtime.StateRunning, r.states(lease)["web"], "adopted by its labels")
	r.deliver(m) // the tenant, or anyone who has the body, hands it in again
	r.settle()
	require.Equal(t, uint64(2), r.chain.leases[lease].UsageSequence, "continued from the chain's word")
	require.Equal(t, 1, r.runtime.Starts(key(lease, "web")))
}

func TestOrphanIsRemoved(t *testing.T) {
	r := newRig(t)
	m := workload(service("web", imageWeb, manifest.RestartAlways))
	r.deliver(m)
	lease := r.chain.open(1, m)
	r.settle()
	r.chain.close(lease, leasetypes.CloseReason_CLOSE_REASON_EXHAUSTED)
	r.restart(r.chain, r.runtime, store.NewMem()) // closed while nobody looked, and the memory is gone
	r.settle()
	require.Empty(t, r.states(lease))
}

func TestNextLeaseWaitsForTheLastOne(t *testing.T) {
	r := newRig(t)
	m := workload(service("web", imageWeb, manifest.RestartAlways))
	r.deliver(m)
	first := r.chain.open(1, m)
	r.settle()
	r.runtime.Fail = func(operation string) error {
		if operation == "stop" {
			return errDown
		}
		return nil
	}
	r.chain.close(first, leasetypes.CloseReason_CLOSE_REASON_TENANT)
	second := r.chain.open(2, m)
	r.settle()
	require.Empty(t, r.states(second), "the first one's services still live")
	r.runtime.Fail = nil
	r.clock.Advance(time.Minute)
	r.settle()
	require.Equal(t, runtime.StateRunning, r.states(second)["web"])
	require.Empty(t, r.states(first))
}

// A record that the chain refuses does not block the lease: the chain's word is the one to continue from.
func TestRefusedRecordIsMadeAnew(t *testing.T) {
	r := newRig(t)
	m := workload(service("web", imageWeb, manifest.RestartAlways))
	r.deliver(m)
	lease := r.chain.open(1, m)
	r.settle()
	require.NoError(t, r.book.update(lease, func(i *Intent) error { i.Head.Hash = []byte("wrong"); return nil }))
	r.clock.Advance(10 * time.Second)
	r.settle()
	r.clock.Advance(10 * time.Second)
	r.settle()
	require.Greater(t, r.chain.leases[lease].UsageSequence, uint64(1))
	require.Equal(t, runtime.StateRunning, r.states(lease)["web"])
}

// lossy loses the answers to transactions that took effect.
type lossy struct{ Chain }

func (l lossy) Send(ctx context.Context, msgs ...sdk.Msg) error {
	return errors.Join(l.Chain.Send(ctx, msgs...), errDown)
}

// An answer that got lost is looked up: what took effect is neither sent again nor made anew.
func TestLostAnswers(t *testing.T) {
	r := newRig(t)
	r.restart(lossy{r.chain}, r.runtime, r.store)
	m := workload(service("web", imageWeb, manifest.RestartAlways))
	r.deliver(m)
	lease := r.chain.open(1, m)
	r.settle()
	r.clock.Advance(10 * time.Second)
	r.settle()
	intent, _ := r.book.intent(lease)
	require.Equal(t, intent.Confirmed, r.chain.leases[lease].UsageSequence)
	require.GreaterOrEqual(t, intent.Confirmed, uint64(2))
	var refused dto.Metric
	require.NoError(t, r.metrics.Refused.Write(&refused))
	require.Zero(t, refused.Counter.GetValue(), "nothing was sent twice")
}

// A clock that runs ahead can't make a record that the chain would refuse.
func TestClockAhead(t *testing.T) {
	r := newRig(t)
	m := workload(service("web", imageWeb, manifest.RestartAlways))
	r.deliver(m)
	lease := r.chain.open(1, m)
	r.takeBlock(r.chain.block())
	require.Equal(t, r.clock.Now(), r.stamp())
	r.clock.Advance(time.Hour) // block time stands still
	require.Equal(t, r.chain.leases[lease].CreatedAt.Add(5*time.Second), r.stamp())
}

func TestSettlementsAndHeartbeats(t *testing.T) {
	r := newRig(t)
	m := workload(service("web", imageWeb, manifest.RestartAlways))
	r.deliver(m)
	r.chain.open(1, m)
	r.settle()
	settled := map[string]time.Time{}
	require.NoError(t, r.turn(r.Worker, settled))
	require.Zero(t, r.chain.settles, "a first interval has to be earned")
	r.clock.Advance(time.Minute)
	require.NoError(t, r.turn(r.Worker, settled))
	require.Equal(t, 1, r.chain.settles)
	require.NoError(t, r.heartbeat(context.Background()))
	require.Equal(t, 1, r.chain.beats)
}

// Who names no service of several is told to, whatever is asked of it.
func TestAServiceHasToBeNamed(t *testing.T) {
	r := newRig(t)
	lease := running(r, 1, service("db", imageWeb, manifest.RestartAlways), service("web", imageWeb, manifest.RestartAlways))
	name, err := r.serviceFor(lease, "web")
	require.NoError(t, err)
	require.Equal(t, "web", name)
	_, err = r.serviceFor(lease, "")
	require.ErrorContains(t, err, "the lease has several services; name one of db, web")
	_, err = r.serviceFor(lease, "webb")
	require.ErrorContains(t, err, `service "webb" is not in the lease; name one of db, web`)
}

// TestChangesOfALeaseAreNotBounded: what a lease has taken, or replaced, waits for nothing, so that a tenant may change it as often as it likes.
func TestChangesOfALeaseAreNotBounded(t *testing.T) {
	r := newRig(t)
	lease := running(r, 1, service("web", imageWeb, manifest.RestartAlways))
	tenant, _, _ := strings.Cut(lease, "/")
	hand := func(n int) (string, error) {
		s := service("web", imageWeb, manifest.RestartAlways)
		s.Env = []string{"N=" + strings.Repeat("x", n)}
		canonical, err := workload(s).Canonical()
		require.NoError(t, err)
		hash := hex.EncodeToString(manifest.Hash(canonical))
		return hash, r.book.keepManifest(hash, held{Tenant: tenant, Received: r.clock.Now(), Body: canonical}, 6, r.wantedManifests())
	}
	change := func(n int) {
		hash, err := hand(n)
		require.NoError(t, err, "change %d", n)
		raw, err := hex.DecodeString(hash)
		require.NoError(t, err)
		r.chain.change(lease, func(l *leasetypes.Lease) { l.ManifestHash = raw })
		r.settle()
		require.NoError(t, r.book.expireManifests(r.clock.Now().Add(-manifestLife), r.wantedManifests()))
		intent, _ := r.book.intent(lease)
		require.Equal(t, hash, intent.ManifestHash)
	}
	for n := range 2 * maxManifestsPerTenant {
		change(n)
	}
	r.clock.Advance(manifestLife - time.Second)
	old, err := hand(0)
	require.NoError(t, err)
	r.clock.Advance(2 * time.Second)
	require.NoError(t, r.book.expireManifests(r.clock.Now().Add(-manifestLife), r.wantedManifests()))
	_, known := r.book.manifest(old)
	require.True(t, known, "the first one was handed in again, to go back to it")
	require.Len(t, r.book.manifests, 2, "what was replaced is not kept for ever")
	for n := range maxManifestsPerTenant - 1 {
		_, err := hand(100 + n)
		require.NoError(t, err)
	}
	_, err = hand(200)
	require.ErrorIs(t, err, ErrBusy, "what was handed in and not taken is bounded as ever")
}

// TestAManifestThatWaitsIsNotWrittenAgain: who hands in the same over and over, under whatever name, makes the worker write nothing, and keeps nobody out.
func TestAManifestThatWaitsIsNotWrittenAgain(t *testing.T) {
	r := newRig(t)
	canonical, err := workload(service("web", imageWeb, manifest.RestartAlways)).Canonical()
	require.NoError(t, err)
	first := held{Tenant: "one", Received: r.clock.Now(), Body: canonical}
	require.NoError(t, r.book.keepManifest("a", first, 6, nil))
	r.clock.Advance(time.Minute)
	require.NoError(t, r.book.keepManifest("a", held{Tenant: "two", Received: r.clock.Now(), Body: canonical}, 6, nil))
	require.Equal(t, first, r.book.manifests["a"])
	r.clock.Advance(manifestLife)
	require.NoError(t, r.book.expireManifests(r.clock.Now().Add(-manifestLife), nil))
	require.Empty(t, r.book.manifests)
}

func TestManifestsWithoutLeaseAreBounded(t *testing.T) {
	r := newRig(t)
	hash := func(n int) string { return string(rune('a' + n)) }
	keep := func(tenant string, n int) error {
		s := service("web", imageWeb, manifest.RestartAlways)
		s.Env = []string{"N=" + strings.Repeat("x", n)}
		canonical, err := workload(s).Canonical()
		require.NoError(t, err)
		return r.book.keepManifest(hash(n), held{Tenant: tenant, Received: r.clock.Now(), Body: canonical}, 6, nil)
	}
	for n := range maxManifestsPerTenant {
		require.NoError(t, keep("ann", n))
	}
	require.ErrorIs(t, keep("ann", 4), ErrBusy, "one tenant's share is used up")
	require.NoError(t, keep("bob", 4))
	require.NoError(t, keep("bob", 5))
	require.ErrorIs(t, keep("cat", 6), ErrBusy, "the store is full")
	r.book.intents["cat/1"] = Intent{ManifestHash: hash(6)}
	require.NoError(t, keep("cat", 6), "what a lease waits for is always taken")
	delete(r.book.intents, "cat/1")
	r.clock.Advance(manifestLife + time.Second)
	require.NoError(t, r.book.expireManifests(r.clock.Now().Add(-manifestLife), nil))
	require.NoError(t, keep("ann", 4))
}
