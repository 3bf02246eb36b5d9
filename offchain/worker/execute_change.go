// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	leasetypes "github.com/athnet/ath/x/leases/types"

	"github.com/athnet/ath/offchain/manifest"
	"github.com/athnet/ath/offchain/worker/runtime"
)

// ErrInUse says that a new manifest leaves a lease less than it uses.
var ErrInUse = errors.New("more is in use than the new manifest asks for")

// refusedFor is how long a new manifest waits that can't be taken: its tenant may make room.
const refusedFor = 30 * time.Second

// pauseLease notes which services run and stops them; their data stays. Once written down the list stays as it is: after a crash in the
// middle some of them run no longer.
func (w *Worker) pauseLease(ctx context.Context, a Action) error {
	lease, _, err := w.chain.Lease(ctx, a.Lease)
	if err != nil {
		return fmt.Errorf("ask again before pausing lease %s: %w", a.Lease, err)
	}
	if lease == nil || lease.State != leasetypes.LeaseState_LEASE_STATE_PAUSED {
		return fmt.Errorf("the chain does not say that lease %s is paused", a.Lease)
	}
	var running []string
	for _, i := range w.instances(a.Lease) {
		if alive(i) {
			running = append(running, i.Service)
		}
	}
	if err := w.book.update(a.Lease, func(i *Intent) error {
		if !i.Paused {
			i.Paused, i.Stopped = true, running
		}
		return nil
	}); err != nil {
		return err
	}
	return w.runtime.Stop(ctx, a.Lease, w.config.StopGrace)
}

// resume makes a lease whose pause has ended one that has to start.
func (w *Worker) resume(a Action) error {
	w.mu.Lock()
	s := w.standings[a.Lease]
	w.mu.Unlock()
	if !s.open() {
		return nil
	}
	return w.book.update(a.Lease, func(i *Intent) error {
		i.Paused, i.Started, i.OpenedAt = false, time.Time{}, latest(s.lease.CreatedAt, s.lease.BoundAt)
		return nil
	})
}

// replace takes a lease's new manifest where that can be done: what can't be leaves everything as it is, is told, and tried again. It is
// written down before instances go: after a crash in the middle they show that they are of another.
func (w *Worker) replace(ctx context.Context, a Action) error {
	w.mu.Lock()
	s := w.standings[a.Lease]
	w.mu.Unlock()
	if !s.open() {
		return nil
	}
	hash := hex.EncodeToString(s.lease.ManifestHash)
	m, known := w.book.manifest(hash)
	if !known {
		return nil // dropped meanwhile; the next plan knows
	}
	err := w.mayTake(ctx, a.Lease, m)
	if err == nil {
		err = w.runtime.Enlarge(ctx, a.Lease, diskOf(m, m.Services[0]))
	}
	grow := errors.Is(err, runtime.ErrOffline)
	if grow {
		err = nil
	}
	if errors.Is(err, runtime.ErrUnavailable) {
		return err
	}
	if err != nil {
		w.mu.Lock()
		w.problems[a.Lease] = problem{manifest: hash, detail: err.Error(), again: w.clock.Now().Add(refusedFor)}
		w.mu.Unlock()
		w.log.Warn("a new manifest can't be taken; the old one runs on", "lease_id", a.Lease, "err", err)
		return nil
	}
	return w.book.update(a.Lease, func(i *Intent) error {
		i.ManifestHash, i.Renewed, i.Grow = hash, !i.Started.IsZero(), grow
		return nil
	})
}

// mayTake says why a lease can't go over to a manifest now: it is more than the Container, or less than what is in use.
func (w *Worker) mayTake(ctx context.Context, lease string, m manifest.Manifest) error {
	if err := fits(m, w.capacity); err != nil {
		return err
	}
	var staying []string
	for _, i := range w.instances(lease) {
		service := serviceOf(m, i.Service)
		if service.Name == "" || i.Definition != definition(service) {
			continue
		}
		staying = append(staying, i.Service)
		if i.MemoryMiB <= service.Resources.MemoryMiB || i.State != runtime.StateRunning {
			continue
		}
		switch used, err := w.runtime.Stats(ctx, i.Key); {
		case errors.Is(err, runtime.ErrNotFound):
		case err != nil:
			return err
		case used.HeldMiB >= service.Resources.MemoryMiB:
			return fmt.Errorf("%w: service %s holds %d MiB of memory and would get %d MiB; have it use less, or ask for more", ErrInUse, i.Service, used.HeldMiB, service.Resources.MemoryMiB)
		}
	}
	err := w.runtime.Room(ctx, lease, diskOf(m, m.Services[0]), staying)
	if errors.Is(err, runtime.ErrStorage) {
		return fmt.Errorf("%w: %w", ErrInUse, err)
	}
	return err
}

// mayUpdate refuses a manifest for a lease that could not go over to it now, before the chain names it.
func (w *Worker) mayUpdate(ctx context.Context, tenant, lease string, m manifest.Manifest) error {
	if of, _, _ := strings.Cut(lease, "/"); of != tenant {
		return refuse(http.StatusForbidden, "the token is "+tenant+"'s", "sign it with the key of the lease's tenant")
	}
	if _, known := w.book.intent(lease); !known {
		return refuse(http.StatusNotFound, "this worker does not know lease "+lease, "hand the manifest to the worker that the lease is at")
	}
	w.mu.Lock()
	at := w.standings[lease]
	w.mu.Unlock()
	if !at.open() { // nor does anybody whose lease has ended have its storage measured, which is about to go
		return refuse(http.StatusNotFound, "lease "+lease+" is not open", "open another, and hand the manifest to its worker")
	}
	if err := w.mayTake(ctx, lease, m); errors.Is(err, runtime.ErrUnavailable) {
		return refuse(http.StatusServiceUnavailable, err.Error(), "try again in a few seconds")
	} else if errors.Is(err, ErrInUse) {
		return refuse(http.StatusConflict, err.Error(), "nothing has changed")
	} else if err != nil {
		return err
	}
	return nil
}

// forgive has a manifest tried again that was handed in once more.
func (w *Worker) forgive(hash string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	maps.DeleteFunc(w.problems, func(_ string, p problem) bool { return p.manifest == hash })
}

// grow stops a lease's services, notes which ran, and enlarges its storage; what is on it stays.
func (w *Worker) grow(ctx context.Context, a Action) error {
	intent, _ := w.book.intent(a.Lease)
	m, ok := w.book.manifest(intent.ManifestHash)
	if !ok {
		return nil
	}
	running := slices.Clone(intent.Stopped) // before a crash
	for _, i := range w.instances(a.Lease) {
		if alive(i) && !slices.Contains(running, i.Service) {
			running = append(running, i.Service)
		}
	}
	if err := w.book.update(a.Lease, func(i *Intent) error { i.Stopped = running; return nil }); err != nil {
		return err
	}
	if err := w.runtime.Stop(ctx, a.Lease, w.config.StopGrace); err != nil {
		return err
	}
	if err := w.runtime.Enlarge(ctx, a.Lease, diskOf(m, m.Services[0])); err != nil {
		return err
	}
	return w.book.update(a.Lease, func(i *Intent) error { i.Grow = false; return nil })
}

// discard ends and removes an instance; what it said is kept, and so are its persistent volumes.
func (w *Worker) discard(ctx context.Context, a Action) error {
	key := runtime.Key{Lease: a.Lease, Service: a.Service}
	if err := w.runtime.End(ctx, key, w.config.StopGrace); err != nil {
		return err
	}
	if i, ok := find(w.instances(a.Lease), key); ok {
		if err := w.copyRest(ctx, i); err != nil {
			return fmt.Errorf("keep output of %s: %w", i.Service, err)
		}
	}
	return w.runtime.Discard(ctx, key)
}

// resize changes an instance's limits while it runs. Where the engine won't, the instance goes, and the next one has them.
func (w *Worker) resize(ctx context.Context, a Action) error {
	intent, _ := w.book.intent(a.Lease)
	m, _ := w.book.manifest(intent.ManifestHash)
	service := serviceOf(m, a.Service)
	err := w.runtime.Resize(ctx, runtime.Key{Lease: a.Lease, Service: a.Service}, service.Resources.CPUMilli, service.Resources.MemoryMiB)
	if err == nil || errors.Is(err, runtime.ErrUnavailable) || errors.Is(err, runtime.ErrNotFound) {
		return err
	}
	w.log.Warn("an instance can't be resized while it runs; it is made anew", "lease_id", a.Lease, "service", a.Service, "err", err)
	return w.discard(ctx, a)
}
