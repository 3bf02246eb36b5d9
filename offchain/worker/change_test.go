// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"context"
	"encoding/hex"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/offchain/manifest"
	"github.com/athnet/ath/offchain/voucher"
	"github.com/athnet/ath/offchain/worker/runtime"
	leasetypes "github.com/athnet/ath/x/leases/types"
)

func running(r *rig, number uint64, services ...manifest.Service) string {
	m := workload(services...)
	r.deliver(m)
	lease := r.chain.open(number, m)
	r.settle()
	require.Equal(r.t, leasetypes.LeaseState_LEASE_STATE_RUNNING, r.chain.leases[lease].State)
	return lease
}

func pause(r *rig, lease string) {
	r.chain.change(lease, func(l *leasetypes.Lease) {
		at := r.clock.Now()
		l.State, l.PausedAt = leasetypes.LeaseState_LEASE_STATE_PAUSED, &at
	})
	r.settle()
}

// TestPauseKeepsInstances: a paused lease's instances stop and stay, nothing is recorded, and after the pause those that ran run again.
func TestPauseKeepsInstances(t *testing.T) {
	r := newRig(t)
	lease := running(r, 1, service("job", imageJob, manifest.RestartNever), service("web", imageWeb, manifest.RestartAlways))
	r.runtime.Exit(key(lease, "job"), 0, false)
	r.settle()
	pause(r, lease)
	require.Equal(t, map[string]runtime.State{"job": runtime.StateExited, "web": runtime.StateExited}, r.states(lease))
	status, _ := r.status(lease)
	require.Equal(t, "paused", string(status.Phase))
	records := len(r.chain.usage)
	r.clock.Advance(time.Minute)
	r.settle()
	require.Len(t, r.chain.usage, records)

	r.restart(r.chain, r.runtime, r.store) // a crash changes nothing
	r.settle()
	require.Equal(t, runtime.StateExited, r.states(lease)["web"])
	resumed := r.clock.Now()
	r.chain.change(lease, func(l *leasetypes.Lease) {
		l.State, l.PausedAt, l.BoundAt = leasetypes.LeaseState_LEASE_STATE_ACTIVE, nil, resumed
	})
	r.settle()
	require.Equal(t, map[string]runtime.State{"job": runtime.StateExited, "web": runtime.StateRunning}, r.states(lease), "a job that had ended is not run twice")
	require.Equal(t, leasetypes.LeaseState_LEASE_STATE_RUNNING, r.chain.leases[lease].State)
	require.Equal(t, 2, r.runtime.Starts(key(lease, "web")))
	require.Equal(t, 1, r.runtime.Starts(key(lease, "job")))
	first := r.chain.usage[records]
	require.Equal(t, uint64(records+1), first.Sequence, "the chain of records goes on")
	require.False(t, first.From.Before(resumed), "the pause is not billed as service")
}

// TestPauseIsTheChainsWord: a worker that only heard of it asks again before it stops anything.
func TestPauseIsTheChainsWord(t *testing.T) {
	r := newRig(t)
	lease := running(r, 1, service("web", imageWeb, manifest.RestartAlways))
	l := *r.chain.leases[lease]
	l.State = leasetypes.LeaseState_LEASE_STATE_PAUSED
	r.learn(lease, standing{lease: &l})
	require.Error(t, r.execute(context.Background(), Action{Verb: Pause, Lease: lease}))
	require.Equal(t, runtime.StateRunning, r.states(lease)["web"])
}

// TestPauseSurvivesACrash between what is written down and what is stopped.
func TestPauseSurvivesACrash(t *testing.T) {
	r := newRig(t)
	lease := running(r, 1, service("a", imageWeb, manifest.RestartAlways), service("b", imageWeb, manifest.RestartAlways))
	r.runtime.Fail = func(operation string) error {
		if operation == "stop" {
			return errors.New("the engine died")
		}
		return nil
	}
	pause(r, lease)
	require.Equal(t, runtime.StateRunning, r.states(lease)["a"])
	r.runtime.Fail = nil
	r.restart(r.chain, r.runtime, r.store)
	r.settle()
	require.Equal(t, runtime.StateExited, r.states(lease)["a"])
	r.chain.change(lease, func(l *leasetypes.Lease) {
		l.State, l.PausedAt, l.BoundAt = leasetypes.LeaseState_LEASE_STATE_ACTIVE, nil, r.clock.Now()
	})
	r.settle()
	require.Equal(t, map[string]runtime.State{"a": runtime.StateRunning, "b": runtime.StateRunning}, r.states(lease))
}

// TestNewManifestReplacesServices: the old ones run until the new images are there; billing goes on.
func TestNewManifestReplacesServices(t *testing.T) {
	r := newRig(t)
	lease := running(r, 1, service("web", imageWeb, manifest.RestartAlways))
	next := workload(service("api", imageWeb, manifest.RestartAlways), service("migrate", imageJob, manifest.RestartNever))
	canonical, err := next.Canonical()
	require.NoError(t, err)
	r.chain.change(lease, func(l *leasetypes.Lease) { l.ManifestHash = manifest.Hash(canonical) })
	r.settle()
	require.Equal(t, map[string]runtime.State{"web": runtime.StateRunning}, r.states(lease), "nothing happens before the manifest is there")
	r.runtime.Fail = func(operation string) error {
		if operation == "remove" {
			t.Error("persistent volumes went with the old manifest")
		}
		return nil
	}
	r.deliver(next)
	r.settle()
	r.runtime.Fail = nil
	require.Equal(t, map[string]runtime.State{"api": runtime.StateRunning, "migrate": runtime.StateRunning}, r.states(lease))
	require.Equal(t, leasetypes.LeaseState_LEASE_STATE_RUNNING, r.chain.leases[lease].State)
	status, _ := r.status(lease)
	require.Equal(t, "running", string(status.Phase))
	records := len(r.chain.usage)
	r.clock.Advance(11 * time.Second)
	r.settle()
	require.Len(t, r.chain.usage, records+1)
	require.Equal(t, "started web\n", r.kept(lease, "web"), "what the old service said can still be read")
}

// TestNewImageThatIsMissingChangesNothing: a lease that runs is not given up for a manifest that can't.
func TestNewImageThatIsMissingChangesNothing(t *testing.T) {
	r := newRig(t)
	lease := running(r, 1, service("web", imageWeb, manifest.RestartAlways))
	r.runtime.Broken[imageJob] = true
	next := workload(service("web", imageJob, manifest.RestartAlways))
	canonical, err := next.Canonical()
	require.NoError(t, err)
	r.deliver(next)
	r.chain.change(lease, func(l *leasetypes.Lease) { l.ManifestHash = manifest.Hash(canonical) })
	r.settle()
	require.Equal(t, runtime.StateRunning, r.states(lease)["web"])
	require.Equal(t, 1, r.runtime.Starts(key(lease, "web")))
	require.NotNil(t, r.chain.leases[lease])
}

// TestLeaseMovesAway: once the chain says that another Container has it, what ran here ends.
func TestLeaseMovesAway(t *testing.T) {
	r := newRig(t)
	lease := running(r, 1, service("web", imageWeb, manifest.RestartAlways))
	r.chain.change(lease, func(l *leasetypes.Lease) {
		l.ContainerId, l.State, l.BoundAt = 8, leasetypes.LeaseState_LEASE_STATE_ACTIVE, r.clock.Now()
	})
	r.settle()
	require.Empty(t, r.states(lease))
	require.NotNil(t, r.chain.leases[lease], "it goes on elsewhere")

	// It comes back, and runs here anew.
	r.chain.change(lease, func(l *leasetypes.Lease) {
		l.ContainerId, l.BoundAt, l.UsageSequence, l.UsageHash, l.UsageUntil = 7, r.clock.Now(), 0, nil, nil
	})
	r.chain.heads[lease] = voucher.Head{LeaseID: lease}
	r.deliver(workload(service("web", imageWeb, manifest.RestartAlways)))
	r.settle()
	require.Equal(t, runtime.StateRunning, r.states(lease)["web"])
	require.Equal(t, leasetypes.LeaseState_LEASE_STATE_RUNNING, r.chain.leases[lease].State)
}

// TestDelistedOfferIsListedAgain by whom it is of use to, as soon as the Container can be leased.
func TestDelistedOfferIsListedAgain(t *testing.T) {
	r := newRig(t)
	r.chain.delisted = true
	lease := running(r, 1, service("web", imageWeb, manifest.RestartAlways))
	r.settle()
	require.False(t, r.chain.delisted, "it was leased by name, and counts again")
	r.chain.delisted = true
	r.chain.close(lease, leasetypes.CloseReason_CLOSE_REASON_TENANT)
	r.settle()
	require.False(t, r.chain.delisted)
}

// TestStandbyPullsAndWaits: images are there when the lease comes, and nothing runs before.
func TestStandbyPullsAndWaits(t *testing.T) {
	r := newRig(t)
	m := workload(service("web", imageWeb, manifest.RestartAlways))
	r.deliver(m)
	standby := r.chain.open(2, m)
	r.chain.change(standby, func(l *leasetypes.Lease) {
		at := l.CreatedAt
		l.State, l.StandbyOf, l.StartedAt = leasetypes.LeaseState_LEASE_STATE_STANDBY, 1, &at
	})
	r.clock.Advance(time.Hour)
	r.settle()
	require.Empty(t, r.states(standby))
	m = workload(service("job", imageJob, manifest.RestartAlways)) // a new one, which no other lease of this worker has
	r.update(standby, m)
	r.clock.Advance(time.Hour)
	require.NoError(t, r.book.expireManifests(r.clock.Now().Add(-manifestLife), r.wantedManifests()))
	r.settle()
	require.Empty(t, r.states(standby))
	intent, _ := r.book.intent(standby)
	canonical, err := m.Canonical()
	require.NoError(t, err)
	require.Equal(t, hex.EncodeToString(manifest.Hash(canonical)), intent.ManifestHash)
	require.Equal(t, imagePresent, r.images[imageJob])
	require.NotNil(t, r.chain.leases[standby], "a standby is not given back for not having started")
	require.Equal(t, imagePresent, r.images[imageWeb])
	status, _ := r.status(standby)
	require.Equal(t, "standby", string(status.Phase))

	r.chain.close(standby, leasetypes.CloseReason_CLOSE_REASON_PROMOTED)
	lease := r.chain.open(1, m)
	r.chain.change(lease, func(l *leasetypes.Lease) {
		l.CreatedAt, l.BoundAt = l.CreatedAt.Add(-time.Hour), r.clock.Now()
		started := l.CreatedAt
		l.StartedAt = &started
	})
	r.settle()
	require.Equal(t, runtime.StateRunning, r.states(lease)["job"])
	require.Equal(t, leasetypes.LeaseState_LEASE_STATE_RUNNING, r.chain.leases[lease].State)
}
