// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/offchain/access"
	"github.com/athnet/ath/offchain/manifest"
	"github.com/athnet/ath/offchain/worker/api"
	"github.com/athnet/ath/offchain/worker/gpu"
	"github.com/athnet/ath/offchain/worker/runtime"
	leasetypes "github.com/athnet/ath/x/leases/types"
)

// update gives a running lease another manifest, on the worker and on chain.
func (r *rig) update(lease string, m manifest.Manifest) {
	r.t.Helper()
	r.deliver(m)
	r.name(lease, m)
	r.settle()
}

func (r *rig) name(lease string, m manifest.Manifest) {
	r.t.Helper()
	canonical, err := m.Canonical()
	require.NoError(r.t, err)
	r.chain.change(lease, func(l *leasetypes.Lease) { l.ManifestHash = manifest.Hash(canonical) })
}

func (r *rig) find(lease, service string) runtime.Instance {
	r.t.Helper()
	all, err := r.runtime.List(r.t.Context())
	require.NoError(r.t, err)
	i, ok := find(all, key(lease, service))
	require.True(r.t, ok, service)
	return i
}

func sized(name string, cpu, memory, disk uint64) manifest.Service {
	s := service(name, imageWeb, manifest.RestartAlways)
	s.Resources = manifest.Resources{CPUMilli: cpu, MemoryMiB: memory, DiskMiB: disk}
	return s
}

// TestResizeLeavesAloneWhatDoesNotChange: other limits are set while a service runs, replicas come and go, storage grows, and only what is
// defined otherwise is made anew. A job that has ended is not run again.
func TestResizeLeavesAloneWhatDoesNotChange(t *testing.T) {
	for _, offline := range []bool{false, true} {
		t.Run(fmt.Sprintf("offline=%t", offline), func(t *testing.T) {
			r := newRig(t)
			r.runtime.Offline = offline
			web, db, job := sized("web", 100, 32, 32), sized("db", 100, 64, 128), service("job", imageJob, manifest.RestartNever)
			web.Expose = []manifest.Expose{{Port: 80, As: 80, Proto: "tcp", Global: true}}
			db.Volumes = []manifest.Volume{{Name: "data", Mount: "/data", Class: manifest.ClassDisk, SizeMiB: 100, Persistent: true}}
			lease := running(r, 1, db, job, web)
			r.runtime.Exit(key(lease, "job"), 0, false)
			r.settle()
			before := r.find(lease, "web")
			restarts := 1
			if offline {
				restarts = 2 // for the storage
			}

			db.Resources, db.Volumes[0].SizeMiB, db.DependsOn = manifest.Resources{CPUMilli: 500, MemoryMiB: 256, DiskMiB: 512}, 500, []string{"job"}
			second := web
			second.Name, second.ReplicaOf = "web-2", "web"
			r.update(lease, workload(db, job, web, second))
			require.Equal(t, map[string]runtime.State{
				"db": runtime.StateRunning, "job": runtime.StateExited, "web": runtime.StateRunning, "web-2": runtime.StateRunning,
			}, r.states(lease))
			require.Equal(t, uint64(256), r.find(lease, "db").MemoryMiB)
			require.Equal(t, uint64(500), r.find(lease, "db").CPUMilli)
			require.Equal(t, uint64(512+32+32+32), r.runtime.Size(lease))
			require.Equal(t, restarts, r.runtime.Starts(key(lease, "db")))
			require.Equal(t, restarts, r.runtime.Starts(key(lease, "web")))
			require.Equal(t, 1, r.runtime.Starts(key(lease, "job")))
			require.Equal(t, before.Ports, r.find(lease, "web").Ports)
			status, _ := r.status(lease)
			require.Equal(t, api.PhaseRunning, status.Phase)
			require.Empty(t, status.Refused)
			require.Equal(t, uint64(500), status.Services[0].CPUMilli)
			require.Equal(t, uint64(256), status.Services[0].MemoryMiB)

			// Down again, with another command for one service.
			web.Args = []string{"other"}
			r.update(lease, workload(db, job, web))
			require.Equal(t, map[string]runtime.State{"db": runtime.StateRunning, "job": runtime.StateExited, "web": runtime.StateRunning}, r.states(lease))
			require.Equal(t, restarts, r.runtime.Starts(key(lease, "db")))
			require.Equal(t, restarts+1, r.runtime.Starts(key(lease, "web")))
			require.Equal(t, before.Ports, r.find(lease, "web").Ports, "its address stays")
			intent, _ := r.book.intent(lease)
			require.Len(t, intent.Ports, 1, "the replica's port is free again")

			// A worker that has lost its memory finds all this in order.
			records := len(r.chain.usage)
			r.store = newRig(t).store
			r.restart(r.chain, r.runtime, r.store)
			r.deliver(workload(db, job, web))
			r.settle()
			r.clock.Advance(11 * time.Second)
			r.settle()
			require.Equal(t, restarts, r.runtime.Starts(key(lease, "db")))
			require.Equal(t, restarts+1, r.runtime.Starts(key(lease, "web")))
			require.Greater(t, len(r.chain.usage), records, "billing goes on")
		})
	}
}

// TestLimitsThatTheEngineWontChange: then the service is made anew, and has them.
func TestLimitsThatTheEngineWontChange(t *testing.T) {
	r := newRig(t)
	lease := running(r, 1, sized("a", 100, 32, 32), sized("b", 100, 32, 32))
	r.runtime.Fail = func(operation string) error {
		if operation == "resize" {
			return errors.New("device or resource busy")
		}
		return nil
	}
	r.runtime.Print(key(lease, "a"), runtime.Output{Time: r.clock.Now(), Text: []byte("last words")})
	r.update(lease, workload(sized("a", 200, 48, 32), sized("b", 100, 32, 32)))
	require.Equal(t, map[string]runtime.State{"a": runtime.StateRunning, "b": runtime.StateRunning}, r.states(lease))
	require.Equal(t, uint64(48), r.find(lease, "a").MemoryMiB)
	require.Equal(t, 2, r.runtime.Starts(key(lease, "a")))
	require.Equal(t, 1, r.runtime.Starts(key(lease, "b")))
	require.Contains(t, r.kept(lease, "a"), "last words\n")
}

// TestShrinkingBelowWhatIsUsedIsRefused: the tenant reads why, what runs goes on, and is paid for. Once there is room, it is done.
func TestShrinkingBelowWhatIsUsedIsRefused(t *testing.T) {
	tenant = walletAddress()
	t.Cleanup(func() { tenant = address(1) })
	for name, tc := range map[string]struct {
		next manifest.Service
		use  func(r *rig, k runtime.Key, mib uint64)
		says string
	}{
		"memory":  {sized("db", 100, 40, 128), func(r *rig, k runtime.Key, mib uint64) { r.runtime.Use(k, runtime.Stats{HeldMiB: mib}) }, "service db holds 60 MiB of memory and would get 40 MiB"},
		"storage": {sized("db", 100, 64, 40), func(r *rig, k runtime.Key, mib uint64) { r.runtime.Store(k, mib) }, "60 MiB stay, and there would be 40 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			lease := running(r, 1, sized("db", 100, 64, 128))
			tc.use(r, key(lease, "db"), 60)
			next := workload(tc.next)
			canonical, err := next.Canonical()
			require.NoError(t, err)
			client := api.NewClient(serve(t, r), testPub, token(t, r.clock.Now(), access.ScopeManifest, access.ScopeStatus))
			defer client.Close()

			// The worker says so before the chain is asked.
			var answer *api.Error
			require.ErrorAs(t, client.PutManifestFor(t.Context(), lease, canonical), &answer)
			require.Equal(t, http.StatusConflict, answer.Code)
			require.Contains(t, answer.Message, tc.says)
			require.ErrorAs(t, client.PutManifestFor(t.Context(), address(1)+"/1", canonical), &answer)
			require.Equal(t, http.StatusForbidden, answer.Code)
			require.ErrorAs(t, client.PutManifestFor(t.Context(), tenant+"/9", canonical), &answer)
			require.Equal(t, http.StatusNotFound, answer.Code)

			// The chain names it all the same.
			r.update(lease, next)
			require.Equal(t, 1, r.runtime.Starts(key(lease, "db")))
			require.Equal(t, uint64(64), r.find(lease, "db").MemoryMiB)
			status, err := client.Status(t.Context(), lease)
			require.NoError(t, err)
			require.Equal(t, api.PhaseRunning, status.Phase)
			require.Contains(t, status.Refused, tc.says)
			var events []api.Event
			require.NoError(t, client.Events(t.Context(), lease, api.LogOptions{}, func(e api.Event) error { events = append(events, e); return nil }))
			n := slices.IndexFunc(events, func(e api.Event) bool { return e.Kind == "refused" })
			require.Positive(t, n)
			require.Contains(t, events[n].Text, "what runs goes on: ")
			for range 20 { // far longer than a manifest is kept that no lease wants
				records := len(r.chain.usage)
				r.clock.Advance(11 * time.Second)
				r.settle()
				require.Greater(t, len(r.chain.usage), records, "billing goes on")
				require.NoError(t, r.book.expireManifests(r.clock.Now().Add(-manifestLife), r.wantedManifests()))
			}

			tc.use(r, key(lease, "db"), 20)
			r.clock.Advance(refusedFor)
			r.settle()
			require.Equal(t, 1, r.runtime.Starts(key(lease, "db")))
			require.Equal(t, tc.next.Resources.MemoryMiB, r.find(lease, "db").MemoryMiB)
			status, _ = r.status(lease)
			require.Empty(t, status.Refused)
			got, err := client.Manifest(t.Context(), lease)
			require.NoError(t, err)
			require.Equal(t, canonical, got)
		})
	}
}

// TestStorageThatTheMachineDoesNotHave: nothing has stopped when that is found out.
func TestStorageThatTheMachineDoesNotHave(t *testing.T) {
	r := newRig(t)
	lease := running(r, 1, sized("db", 100, 64, 128))
	full := true
	r.runtime.Fail = func(operation string) error {
		if operation == "enlarge" && full {
			return errors.New("no space left on device")
		}
		return nil
	}
	r.update(lease, workload(sized("db", 100, 64, 512)))
	require.Equal(t, 1, r.runtime.Starts(key(lease, "db")))
	status, _ := r.status(lease)
	require.Equal(t, "no space left on device", status.Refused)
	full = false
	r.clock.Advance(refusedFor)
	r.settle()
	status, _ = r.status(lease)
	require.Empty(t, status.Refused)
	require.Equal(t, uint64(512), r.runtime.Size(lease))
}

// TestAManifestAfterABadOneIsTaken: what is wrong with one says nothing of the next.
func TestAManifestAfterABadOneIsTaken(t *testing.T) {
	r := newRig(t)
	lease := running(r, 1, service("web", imageWeb, manifest.RestartAlways))
	r.runtime.Broken[imageJob] = true
	r.update(lease, workload(service("web", imageJob, manifest.RestartAlways)))
	status, _ := r.status(lease)
	require.Contains(t, status.Refused, "manifest unknown")
	require.Equal(t, runtime.StateRunning, r.states(lease)["web"])
	r.update(lease, workload(service("web", imageWeb, manifest.RestartAlways), service("x", imageWeb, manifest.RestartAlways)))
	status, _ = r.status(lease)
	require.Empty(t, status.Refused)
	require.Len(t, r.states(lease), 2)
	require.Equal(t, 1, r.runtime.Starts(key(lease, "web")))
}

// TestGPUsStayWithTheirService: another service that takes more gets what is free.
func TestGPUsStayWithTheirService(t *testing.T) {
	r := newRig(t)
	r.gpu = newGPUMeter(gpu.Source(nil))
	r.gpu.ids, r.capacity.GPUs = []string{"gpu0", "gpu1", "gpu2"}, 3
	a, b := sized("a", 100, 32, 32), sized("b", 100, 32, 32)
	a.Resources.GPUs, b.Resources.GPUs = 1, 1
	lease := running(r, 1, a, b)
	require.Equal(t, []string{"gpu0"}, r.find(lease, "a").GPUs)
	require.Equal(t, []string{"gpu1"}, r.find(lease, "b").GPUs)
	a.Resources.GPUs = 2
	r.update(lease, workload(a, b))
	require.Equal(t, []string{"gpu0", "gpu2"}, r.find(lease, "a").GPUs)
	require.Equal(t, []string{"gpu1"}, r.find(lease, "b").GPUs)
	require.Equal(t, 1, r.runtime.Starts(key(lease, "b")))
	b.Resources.MemoryMiB = 64
	r.update(lease, workload(a, b))
	require.Equal(t, 2, r.runtime.Starts(key(lease, "b")), "a service with devices is made anew for other limits")
	require.Equal(t, []string{"gpu1"}, r.find(lease, "b").GPUs)
}

// TestKilledAroundAChange kills the worker before and after every effect of a change of the manifest.
func TestKilledAroundAChange(t *testing.T) {
	web, db, job := sized("web", 100, 32, 32), sized("db", 100, 64, 128), service("job", imageJob, manifest.RestartNever)
	after1, after2 := web, sized("db", 500, 96, 512)
	after1.Args = []string{"other"}
	next := workload(after2, job, after1, sized("x", 100, 32, 32))
	for _, offline := range []bool{false, true} {
		for n := 1; ; n++ {
			survived := false
			for _, after := range []bool{false, true} {
				r := newRig(t)
				r.runtime.Offline = offline
				lease := running(r, 1, db, job, web)
				r.runtime.Exit(key(lease, "job"), 0, false)
				r.settle()
				r.deliver(next)
				r.name(lease, next)
				l := &life{n: n, after: after}
				r.restart(mortalChain{r.chain, l}, mortalRuntime{r.runtime, l}, mortalStore{r.store, l})
				settled := map[string]time.Time{}
				for range 6 {
					_ = r.turn(r.Worker, settled) // what fails because of the death is the point
					r.clock.Advance(time.Second)
				}
				survived = !l.dead
				r.restart(r.chain, r.runtime, r.store)
				r.clock.Advance(time.Minute)
				r.settle()
				require.Equal(t, map[string]runtime.State{
					"db": runtime.StateRunning, "job": runtime.StateExited, "web": runtime.StateRunning, "x": runtime.StateRunning,
				}, r.states(lease), "%d", n)
				require.Equal(t, uint64(96), r.find(lease, "db").MemoryMiB)
				require.GreaterOrEqual(t, r.runtime.Size(lease), uint64(512))
				require.Equal(t, 1, r.runtime.Starts(key(lease, "job")))
				require.Equal(t, map[bool]int{false: 1, true: 2}[offline], r.runtime.Starts(key(lease, "db")))
				status, _ := r.status(lease)
				require.Equal(t, api.PhaseRunning, status.Phase)
			}
			if survived {
				require.Greater(t, n, 8)
				break
			}
		}
	}
}

// TestWhatALeaseCouldTakeIsAskedWhileItIsOpen: once it has ended its storage is not measured for its tenant, and an engine that is busy is no refusal.
func TestWhatALeaseCouldTakeIsAskedWhileItIsOpen(t *testing.T) {
	tenant = walletAddress()
	t.Cleanup(func() { tenant = address(1) })
	r := newRig(t)
	lease := running(r, 1, sized("db", 100, 64, 128))
	canonical, err := workload(sized("db", 100, 64, 256)).Canonical()
	require.NoError(t, err)
	client := api.NewClient(serve(t, r), testPub, token(t, r.clock.Now(), access.ScopeManifest, access.ScopeStatus))
	defer client.Close()
	measured, busy := 0, true
	r.runtime.Fail = func(operation string) error {
		if operation != "room" {
			return nil
		}
		if measured++; busy {
			return runtime.ErrUnavailable
		}
		return nil
	}
	var answer *api.Error
	require.ErrorAs(t, client.PutManifestFor(t.Context(), lease, canonical), &answer)
	require.Equal(t, http.StatusServiceUnavailable, answer.Code)
	busy = false
	require.NoError(t, client.PutManifestFor(t.Context(), lease, canonical))
	require.Equal(t, 2, measured)

	r.chain.close(lease, leasetypes.CloseReason_CLOSE_REASON_TENANT)
	require.NoError(t, r.lookOnce(t.Context()))
	require.ErrorAs(t, client.PutManifestFor(t.Context(), lease, canonical), &answer)
	require.Equal(t, http.StatusNotFound, answer.Code)
	require.Equal(t, 2, measured)
}
