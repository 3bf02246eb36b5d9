// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	leasetypes "github.com/athnet/ath/x/leases/types"

	"github.com/athnet/ath/offchain/manifest"
	"github.com/athnet/ath/offchain/voucher"
	"github.com/athnet/ath/offchain/worker/runtime"
)

var testLimits = limits{manifest: time.Minute, start: 2 * time.Minute, usage: 10 * time.Second, retention: time.Hour}

// world is a chain, a runtime and a disk reduced to what a plan can see, with actions applied to it at once.
type world struct {
	situation
	starts  map[runtime.Key]int
	offline bool // storage can't grow under what runs
}

// draw makes any situation, also those that should not come about: a plan must be harmless in all of them.
func draw(t *rapid.T) *world {
	w := &world{offline: rapid.Bool().Draw(t, "offline"), starts: map[runtime.Key]int{}, situation: situation{
		now: testStart.Add(time.Hour), container: 7, limits: testLimits,
		standings: map[string]standing{}, intents: map[string]Intent{}, manifests: map[string]manifest.Manifest{},
		images: map[string]imageState{}, problems: map[string]problem{}, hold: map[string]time.Time{},
	}}
	policies := rapid.SampledFrom([]manifest.Restart{manifest.RestartAlways, manifest.RestartNever, manifest.RestartOnFailure})
	states := rapid.SampledFrom([]runtime.State{runtime.StateCreated, runtime.StateRunning, runtime.StateRestarting, runtime.StateExited})
	for n := range rapid.IntRange(1, 3).Draw(t, "leases") {
		id, hash := fmt.Sprintf("ath1t/%d", n+1), fmt.Sprintf("%02x", n)
		opened := w.now.Add(-time.Duration(rapid.IntRange(0, 300).Draw(t, "age")) * time.Second)
		lease := leasetypes.Lease{Tenant: "ath1t", Number: uint64(n + 1), ContainerId: rapid.SampledFrom([]uint64{7, 7, 7, 8}).Draw(t, "container")}
		lease.State = rapid.SampledFrom([]leasetypes.LeaseState{
			leasetypes.LeaseState_LEASE_STATE_ACTIVE, leasetypes.LeaseState_LEASE_STATE_RUNNING, leasetypes.LeaseState_LEASE_STATE_RUNNING,
			leasetypes.LeaseState_LEASE_STATE_PAUSED, leasetypes.LeaseState_LEASE_STATE_STANDBY,
		}).Draw(t, "state")
		lease.ManifestHash, lease.Completes = []byte{byte(n)}, rapid.Bool().Draw(t, "completes")
		if rapid.IntRange(0, 4).Draw(t, "changed") == 0 {
			lease.ManifestHash = []byte{byte(0xf0 + n)}
			w.manifests[fmt.Sprintf("%02x", 0xf0+n)] = workload(service("s0", imageWeb, manifest.RestartAlways))
		}
		switch rapid.IntRange(0, 2).Draw(t, "standing") {
		case 0:
			w.standings[id] = standing{lease: &lease}
		case 1:
			w.standings[id] = standing{receipt: &leasetypes.Receipt{ContainerId: 7}}
		}
		m := manifest.Manifest{Version: manifest.Version}
		for s := range rapid.IntRange(1, 3).Draw(t, "services") {
			svc := service(fmt.Sprintf("s%d", s), imageWeb, policies.Draw(t, "policy"))
			if s > 0 && rapid.Bool().Draw(t, "depends") {
				svc.DependsOn = []string{"s0"}
			}
			m.Services = append(m.Services, svc)
			if rapid.Bool().Draw(t, "instance") {
				was := svc // most are what the manifest says
				switch rapid.IntRange(0, 9).Draw(t, "was") {
				case 0:
					was.Args = []string{"other"}
				case 1:
					was.Resources.MemoryMiB *= 2
				}
				i := runtime.Instance{Key: runtime.Key{Lease: id, Service: svc.Name}, Container: 7, ManifestHash: hash, Definition: definition(was), CPUMilli: was.Resources.CPUMilli, MemoryMiB: was.Resources.MemoryMiB, Restart: svc.Restart, State: states.Draw(t, "state"), ExitCode: rapid.IntRange(0, 1).Draw(t, "code")}
				if i.State != runtime.StateCreated {
					i.StartedAt = opened
				}
				if i.State == runtime.StateExited {
					i.FinishedAt = opened.Add(time.Second)
				}
				w.have = append(w.have, i)
			}
		}
		if rapid.Bool().Draw(t, "manifest") {
			w.manifests[hash] = m
		}
		if rapid.Bool().Draw(t, "intent") {
			i := Intent{Lease: id, ContainerID: 7, ManifestHash: hash, OpenedAt: opened, Head: voucher.Head{LeaseID: id}}
			if rapid.Bool().Draw(t, "started") {
				i.Started, i.Head.Until = opened, opened
			}
			if rapid.Bool().Draw(t, "pending") {
				i.Pending = []leasetypes.UsageRecord{{}}
			}
			if rapid.Bool().Draw(t, "closing") {
				i.Closing = &Closing{}
			}
			i.Paused, i.Renewed = rapid.IntRange(0, 3).Draw(t, "paused") == 0, !i.Started.IsZero() && rapid.IntRange(0, 3).Draw(t, "renewed") == 0
			if rapid.IntRange(0, 5).Draw(t, "was here") == 0 {
				i.ClosedAt = opened
			}
			w.intents[id] = i
		}
		if rapid.Bool().Draw(t, "held") {
			w.hold[id] = w.now.Add(time.Second)
		}
		if rapid.Bool().Draw(t, "problem") {
			w.problems[id] = problem{manifest: rapid.SampledFrom([]string{hash, fmt.Sprintf("%x", lease.ManifestHash)}).Draw(t, "of"), detail: "broken"}
		}
	}
	w.images[imageWeb] = rapid.SampledFrom([]imageState{imageUnknown, imagePulling, imagePresent}).Draw(t, "image")
	return w
}

// safe checks what must hold of every plan in every situation.
func safe(t require.TestingT, w *world, actions []Action) {
	made := map[runtime.Key]bool{}
	for _, a := range actions {
		key := runtime.Key{Lease: a.Lease, Service: a.Service}
		at := w.standings[a.Lease]
		i, exists := find(w.have, key)
		require.False(t, w.now.Before(w.hold[a.Lease]), "held back: %s", a)
		switch a.Verb {
		case Create:
			require.False(t, exists || made[key], "never two instances of a service: %s", a)
			made[key] = true
			require.True(t, at.open() && at.lease.ContainerId == w.container, "only for an open lease of mine: %s", a)
			require.False(t, w.occupied(a.Lease), "never beside living instances of another lease: %s", a)
			for _, s := range w.manifests[w.intents[a.Lease].ManifestHash].Services {
				ran := !w.intents[a.Lease].Started.IsZero() && !w.intents[a.Lease].Renewed
				require.False(t, ran && s.Name == a.Service && s.Restart == manifest.RestartNever, "a job is not run twice: %s", a)
			}
		case Start:
			stopped := slices.Contains(w.intents[a.Lease].Stopped, a.Service)
			require.True(t, exists && !alive(i) && (stopped || !i.Ended()), "only what waits to run: %s", a)
			require.True(t, at.open() && !w.occupied(a.Lease), "only for an open lease, alone: %s", a)
		case Stop, Archive, Remove, NoteClosed, Forget:
			moved := at.open() && at.lease.ContainerId != w.container
			back := at.open() && !w.intents[a.Lease].ClosedAt.IsZero()
			require.True(t, at.closed() || moved || back, "only the chain's word ends a workload: %s", a)
		case Pause:
			require.Equal(t, leasetypes.LeaseState_LEASE_STATE_PAUSED, at.lease.State, "only the chain's word pauses a workload: %s", a)
		case Resume:
			require.NotEqual(t, leasetypes.LeaseState_LEASE_STATE_PAUSED, at.lease.State, "%s", a)
		case Replace:
			hash := fmt.Sprintf("%x", at.lease.ManifestHash)
			require.NotEqual(t, w.intents[a.Lease].ManifestHash, hash, "only for another manifest: %s", a)
			require.NotEmpty(t, w.manifests[hash].Services, "not before it is there: %s", a)
			for _, s := range w.manifests[hash].Services {
				if at.lease.State == leasetypes.LeaseState_LEASE_STATE_STANDBY {
					break // nothing of it runs
				}
				require.Equal(t, imagePresent, w.images[s.Image], "not before its images are: %s", a)
			}
		case Grow:
			require.True(t, at.open() && w.intents[a.Lease].Grow && (w.intents[a.Lease].Renewed || w.intents[a.Lease].Started.IsZero()), "only of a lease that is changed: %s", a)
		case Discard, Resize:
			require.True(t, at.open() && at.lease.ContainerId == w.container, "only of an open lease of mine: %s", a)
			require.True(t, w.intents[a.Lease].Started.IsZero() || w.intents[a.Lease].Renewed, "only of a lease that is changed: %s", a)
			s := serviceOf(w.manifests[w.intents[a.Lease].ManifestHash], a.Service)
			require.Equal(t, a.Verb == Resize, s.Name != "" && definition(s) == i.Definition, "what did not change but for its limits stays: %s", a)
			require.True(t, a.Verb == Discard || i.CPUMilli != s.Resources.CPUMilli || i.MemoryMiB != s.Resources.MemoryMiB, "what did not change is left alone: %s", a)
		case Adopt, Begin, Record, Finish, Pull:
			require.True(t, at.open(), "only for an open lease: %s", a)
		}
		if a.Verb == Remove {
			for _, i := range w.instances(a.Lease) {
				require.False(t, alive(i), "stopped first: %s", a)
			}
		}
		if a.Verb == Begin {
			require.True(t, w.intents[a.Lease].Started.IsZero() || w.intents[a.Lease].Renewed, "billing begins once: %s", a)
		}
		if a.Verb == Finish && a.Reason == leasetypes.CloseReason_CLOSE_REASON_COMPLETED {
			require.True(t, at.lease.Completes, "a lease whose end its tenant does not expect is not ended: %s", a)
		}
		if a.Verb == Finish && a.Reason == leasetypes.CloseReason_CLOSE_REASON_TENANT_IMAGE {
			require.True(t, w.intents[a.Lease].Started.IsZero(), "a lease that runs is never given back as unstartable: %s", a)
		}
	}
}

func TestPlanIsSafe(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := draw(t)
		actions := plan(w.situation)
		safe(t, w, actions)
		require.Equal(t, actions, plan(w.situation), "same inputs, same steps")
	})
}

// With a chain and a runtime that answer, planning and executing in turn ends; then open leases run or are on their way back to
// the chain, closed ones are gone, and unknown ones are as they were.
func TestPlanConverges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := draw(t)
		before := append([]runtime.Instance(nil), w.have...)
		clear(w.hold)
		if w.images[imageWeb] == imagePulling {
			w.images[imageWeb] = imagePresent // the pull ends
		}
		rounds := 0
		for {
			actions := plan(w.situation)
			if len(actions) == 0 {
				break
			}
			safe(t, w, actions)
			for _, a := range actions {
				w.apply(a)
			}
			rounds++
			require.Less(t, rounds, 60, "still: %v", actions)
		}
		for id, at := range w.standings {
			switch {
			case at.closed():
				require.Empty(t, w.instances(id), "nothing of a closed lease is left")
				if intent, known := w.intents[id]; known {
					require.True(t, intent.Removed, "nor a network or a disk of one that was killed before it had an instance")
				}
			case at.lease.ContainerId != w.container || at.lease.State == leasetypes.LeaseState_LEASE_STATE_PAUSED:
				if _, mine := w.intents[id]; mine {
					require.False(t, slices.ContainsFunc(w.instances(id), alive), "nothing runs of a lease that is paused or has moved away")
				}
			case at.lease.State == leasetypes.LeaseState_LEASE_STATE_STANDBY:
			case at.lease.ContainerId == w.container && w.intents[id].Closing == nil && !w.occupied(id):
				if hash := fmt.Sprintf("%x", at.lease.ManifestHash); (w.problems[id].detail == "" || w.problems[id].manifest != hash) && len(w.manifests[hash].Services) > 0 {
					require.Equal(t, hash, w.intents[id].ManifestHash, "a new manifest that is there runs")
				}
				if m, ok := w.manifests[w.intents[id].ManifestHash]; ok {
					require.False(t, w.intents[id].Started.IsZero())
					require.False(t, w.intents[id].Renewed, "a change comes to its end")
					for _, s := range m.Services {
						i, ok := find(w.have, runtime.Key{Lease: id, Service: s.Name})
						require.True(t, (!ok && s.Restart == manifest.RestartNever) || alive(i) || i.Ended(), "%s of %s", s.Name, id)
					}
				}
			}
		}
		for _, i := range before {
			if _, known := w.standings[i.Lease]; !known {
				have, ok := find(w.have, i.Key)
				require.True(t, ok, "what can't be verified is kept")
				require.Equal(t, i, have)
			}
		}
	})
}

// apply does what execute would.
func (w *world) apply(a Action) {
	key := runtime.Key{Lease: a.Lease, Service: a.Service}
	intent := w.intents[a.Lease]
	switch a.Verb {
	case Adopt:
		var n int
		_, _ = fmt.Sscanf(a.Lease, "ath1t/%d", &n)
		intent = Intent{Lease: a.Lease, ManifestHash: fmt.Sprintf("%x", w.standings[a.Lease].lease.ManifestHash), OpenedAt: w.now}
	case Pull:
		w.images[a.Image] = imagePresent
		return
	case Create:
		s := serviceOf(w.manifests[intent.ManifestHash], a.Service)
		w.have = append(w.have, runtime.Instance{
			Key: key, Container: 7, ManifestHash: intent.ManifestHash, State: runtime.StateCreated, Restart: s.Restart,
			Definition: definition(s), CPUMilli: s.Resources.CPUMilli, MemoryMiB: s.Resources.MemoryMiB,
		})
		return
	case Discard:
		w.have = slices.DeleteFunc(slices.Clone(w.have), func(i runtime.Instance) bool { return i.Key == key })
		return
	case Grow:
		for _, i := range w.instances(a.Lease) {
			if alive(i) {
				intent.Stopped = append(intent.Stopped, i.Service)
			}
		}
		w.apply(Action{Verb: Stop, Lease: a.Lease})
		intent.Grow = false
	case Resize:
		s := serviceOf(w.manifests[intent.ManifestHash], a.Service)
		for n := range w.have {
			if w.have[n].Key == key {
				w.have[n].CPUMilli, w.have[n].MemoryMiB = s.Resources.CPUMilli, s.Resources.MemoryMiB
			}
		}
		return
	case Start:
		for n := range w.have {
			if w.have[n].Key == key {
				w.have[n].State, w.have[n].StartedAt, w.have[n].FinishedAt = runtime.StateRunning, w.now, time.Time{}
			}
		}
		w.starts[key]++
		return
	case Begin:
		intent.Started, intent.Head.Until, intent.Renewed, intent.Stopped = w.now, w.now, false, nil
	case Pause:
		if !intent.Paused {
			intent.Paused = true
			for _, i := range w.instances(a.Lease) {
				if alive(i) {
					intent.Stopped = append(intent.Stopped, i.Service)
				}
			}
		}
		w.intents[a.Lease] = intent
		w.apply(Action{Verb: Stop, Lease: a.Lease})
		return
	case Resume:
		intent.Paused, intent.Started, intent.OpenedAt = false, time.Time{}, w.now
	case Replace:
		intent.ManifestHash, intent.Renewed = fmt.Sprintf("%x", w.standings[a.Lease].lease.ManifestHash), !intent.Started.IsZero()
		intent.Grow = w.offline
	case Record:
		intent.Head.Until = w.now
	case Finish:
		intent.Closing = &Closing{}
	case NoteClosed:
		intent.ClosedAt = w.now
	case Stop:
		for n := range w.have {
			if w.have[n].Lease == a.Lease && alive(w.have[n]) {
				w.have[n].State, w.have[n].FinishedAt = runtime.StateExited, w.now
			}
		}
		return
	case Archive:
		intent.Archived = true
	case Remove:
		var left []runtime.Instance
		for _, i := range w.have {
			if i.Lease != a.Lease {
				left = append(left, i)
			}
		}
		w.have = left
		if _, known := w.intents[a.Lease]; !known {
			return
		}
		intent.Removed = true
	case Forget:
		delete(w.intents, a.Lease)
		return
	}
	w.intents[a.Lease] = intent
}

func TestStartOrder(t *testing.T) {
	a, b, c := service("a", imageWeb, manifest.RestartAlways), service("b", imageWeb, manifest.RestartAlways), service("c", imageWeb, manifest.RestartAlways)
	a.DependsOn = []string{"c"}
	c.DependsOn = []string{"b"}
	var names []string
	for _, s := range startOrder(workload(a, b, c)) {
		names = append(names, s.Name)
	}
	require.Equal(t, []string{"b", "c", "a"}, names)
	b.DependsOn = []string{"a"} // a circle ends too
	require.Len(t, startOrder(workload(a, b, c)), 3)

	names = nil
	replica := service("c-2", imageWeb, manifest.RestartAlways)
	replica.ReplicaOf, a.DependsOn, c.DependsOn = "c", []string{"c"}, nil
	for _, s := range startOrder(workload(a, c, replica)) {
		names = append(names, s.Name)
	}
	require.Equal(t, []string{"c", "c-2", "a"}, names, "a service waits for the replicas of what it depends on")
}
