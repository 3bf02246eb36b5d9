// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"context"
	"encoding/hex"
	"fmt"
	"time"

	leasetypes "github.com/athnet/ath/x/leases/types"
)

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

// replace takes a lease's new manifest and removes what runs of the old one; persistent volumes stay. The new one is written down first: after a crash in the
// middle the instances show that they are of another.
func (w *Worker) replace(ctx context.Context, a Action) error {
	w.mu.Lock()
	s := w.standings[a.Lease]
	w.mu.Unlock()
	if !s.open() {
		return nil
	}
	for _, i := range w.instances(a.Lease) {
		if err := w.copyRest(ctx, i); err != nil {
			return fmt.Errorf("keep output of %s: %w", i.Service, err)
		}
	}
	hash := hex.EncodeToString(s.lease.ManifestHash)
	_, known := w.book.manifest(hash)
	if err := w.book.update(a.Lease, func(i *Intent) error {
		if known {
			i.ManifestHash = hash
		}
		i.Renewed, i.Meter = !i.Started.IsZero(), nil
		return nil
	}); err != nil {
		return err
	}
	return w.runtime.Clear(ctx, a.Lease)
}
