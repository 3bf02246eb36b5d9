// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/athnet/ath/offchain/worker/runtime"
)

// End implements runtime.Lifecycle.
func (r *Runtime) End(_ context.Context, key runtime.Key, _ time.Duration) error {
	if err := r.enter("end"); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if i, ok := r.instances[key]; ok && i.State == runtime.StateRunning {
		i.State, i.ExitCode, i.FinishedAt = runtime.StateExited, 143, r.now()
	}
	r.notify()
	return nil
}

// Discard implements runtime.Lifecycle.
func (r *Runtime) Discard(_ context.Context, key runtime.Key) error {
	if err := r.enter("discard"); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.instances, key)
	r.notify()
	return nil
}

// Resize implements runtime.Lifecycle.
func (r *Runtime) Resize(_ context.Context, key runtime.Key, cpuMilli, memoryMiB uint64) error {
	if err := r.enter("resize"); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	i, ok := r.instances[key]
	if !ok {
		return runtime.ErrNotFound
	}
	i.CPUMilli, i.MemoryMiB = cpuMilli, memoryMiB
	return nil
}

// Room implements runtime.Lifecycle.
func (r *Runtime) Room(_ context.Context, lease string, disk runtime.Disk, staying []string) error {
	if err := r.enter("room"); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	sum := uint64(0)
	for key, mib := range r.stored {
		if key.Lease == lease && slices.Contains(staying, key.Service) {
			sum += mib
		}
	}
	if sum > disk.LeaseMiB {
		return fmt.Errorf("%w: %d MiB stay, and there would be %d MiB", runtime.ErrStorage, sum, disk.LeaseMiB)
	}
	return nil
}

// Enlarge implements runtime.Lifecycle.
func (r *Runtime) Enlarge(_ context.Context, lease string, disk runtime.Disk) error {
	if err := r.enter("enlarge"); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for key, i := range r.instances {
		if key.Lease == lease && i.State == runtime.StateRunning && r.Offline && disk.LeaseMiB > r.sizes[lease] {
			return runtime.ErrOffline
		}
	}
	r.sizes[lease] = max(r.sizes[lease], disk.LeaseMiB)
	return nil
}

// Size is how large a lease's storage is.
func (r *Runtime) Size(lease string) uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.sizes[lease]
}

// Store sets what an instance has on its lease's storage.
func (r *Runtime) Store(key runtime.Key, mib uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stored[key] = mib
}
