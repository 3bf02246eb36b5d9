// SPDX-License-Identifier: Apache-2.0

// Package fake is a runtime in memory: it keeps the contract and can be told to fail, to end an instance, or to forget.
package fake

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/athnet/ath/offchain/manifest"
	"github.com/athnet/ath/offchain/worker/runtime"
)

// Runtime implements runtime.Runtime. Images named in Broken can't be pulled.
type Runtime struct {
	// Now is the clock; time.Now where nil.
	Now func() time.Time
	// Fail is asked before every call, with the operation's name; its error is returned instead.
	Fail func(operation string) error
	// Broken images can't be pulled.
	Broken map[string]bool
	// Offline says that storage can't grow under what runs.
	Offline bool

	mu        sync.Mutex
	images    map[string]bool
	instances map[runtime.Key]*instance
	changed   chan struct{}
	starts    map[runtime.Key]int
	processes int
	stored    map[runtime.Key]uint64
	sizes     map[string]uint64
}

type instance struct {
	runtime.Instance
	spec  runtime.Spec
	log   []runtime.Output
	stats runtime.Stats
	files *files
}

var _ runtime.Runtime = (*Runtime)(nil)

// New returns an empty runtime.
func New() *Runtime {
	return &Runtime{
		Broken: map[string]bool{}, images: map[string]bool{}, instances: map[runtime.Key]*instance{},
		changed: make(chan struct{}, 1), starts: map[runtime.Key]int{},
		stored: map[runtime.Key]uint64{}, sizes: map[string]uint64{},
	}
}

func (r *Runtime) now() time.Time {
	if r.Now != nil {
		return r.Now().UTC()
	}
	return time.Now().UTC()
}

func (r *Runtime) enter(operation string) error {
	if r.Fail != nil {
		if err := r.Fail(operation); err != nil {
			return err
		}
	}
	return nil
}

func (r *Runtime) notify() {
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

// Pull implements runtime.Lifecycle.
func (r *Runtime) Pull(_ context.Context, image string, _ *manifest.Credentials) error {
	if err := r.enter("pull"); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.Broken[image] || !strings.Contains(image, "@sha256:") {
		return fmt.Errorf("%w: pull %s: manifest unknown", runtime.ErrImage, image)
	}
	r.images[image] = true
	return nil
}

// Create implements runtime.Lifecycle.
func (r *Runtime) Create(_ context.Context, spec runtime.Spec) error {
	if err := r.enter("create"); err != nil {
		return err
	}
	if err := spec.Validate(); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if have, ok := r.instances[spec.Key]; ok {
		if have.Definition != spec.Definition {
			return runtime.ErrConflict
		}
		return nil
	}
	if !r.images[spec.Image] {
		return fmt.Errorf("create: image %s was not pulled", spec.Image)
	}
	r.sizes[spec.Lease] = max(r.sizes[spec.Lease], spec.Disk.LeaseMiB)
	r.instances[spec.Key] = &instance{spec: spec, Instance: runtime.Instance{
		ID: spec.Lease + "/" + spec.Service, Key: spec.Key, Container: spec.Container, ManifestHash: spec.ManifestHash,
		Definition: spec.Definition, CPUMilli: spec.CPUMilli, MemoryMiB: spec.MemoryMiB, GPUs: spec.GPUs,
		Image: spec.Image, State: runtime.StateCreated, Restart: spec.Restart, Ports: spec.Ports,
	}}
	return nil
}

// Start implements runtime.Lifecycle.
func (r *Runtime) Start(_ context.Context, key runtime.Key) error {
	if err := r.enter("start"); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	i, ok := r.instances[key]
	if !ok {
		return runtime.ErrNotFound
	}
	if i.State == runtime.StateRunning {
		return nil
	}
	i.State, i.StartedAt, i.stats = runtime.StateRunning, r.now(), runtime.Stats{}
	i.log = append(i.log, runtime.Output{Time: r.now(), Text: []byte("started " + key.Service)})
	r.starts[key]++
	r.notify()
	return nil
}

// Stop implements runtime.Lifecycle.
func (r *Runtime) Stop(_ context.Context, lease string, _ time.Duration) error {
	if err := r.enter("stop"); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for key, i := range r.instances {
		if key.Lease == lease && i.State == runtime.StateRunning {
			i.State, i.ExitCode, i.FinishedAt = runtime.StateExited, 143, r.now()
		}
	}
	r.notify()
	return nil
}

// Remove implements runtime.Lifecycle.
func (r *Runtime) Remove(_ context.Context, lease string) error {
	if err := r.enter("remove"); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for key := range r.instances {
		if key.Lease == lease {
			delete(r.instances, key)
		}
	}
	r.notify()
	return nil
}

// List implements runtime.Observer.
func (r *Runtime) List(context.Context) ([]runtime.Instance, error) {
	if err := r.enter("list"); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]runtime.Instance, 0, len(r.instances))
	for _, i := range r.instances {
		out = append(out, i.Instance)
	}
	slices.SortFunc(out, func(a, b runtime.Instance) int {
		return strings.Compare(a.Lease+"\x00"+a.Service, b.Lease+"\x00"+b.Service)
	})
	return out, nil
}

// Watch implements runtime.Observer.
func (r *Runtime) Watch(context.Context) <-chan struct{} { return r.changed }

// Logs implements runtime.Observer; Follow ends at once.
func (r *Runtime) Logs(ctx context.Context, key runtime.Key, o runtime.LogOptions, take func(runtime.Output) error) error {
	if err := r.enter("logs"); err != nil {
		return err
	}
	r.mu.Lock()
	i, ok := r.instances[key]
	var lines []runtime.Output
	if ok {
		lines = slices.Clone(i.log)
	}
	r.mu.Unlock()
	if !ok {
		return runtime.ErrNotFound
	}
	for _, l := range lines {
		if l.Time.Before(o.Since) {
			continue
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := take(l); err != nil {
			return err
		}
	}
	return nil
}

// Print is an instance's output.
func (r *Runtime) Print(key runtime.Key, lines ...runtime.Output) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if i, ok := r.instances[key]; ok {
		i.log = append(i.log, lines...)
	}
}

// CutLog drops the oldest lines of an instance's log, as an engine does that bounds it.
func (r *Runtime) CutLog(key runtime.Key, keep int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if i, ok := r.instances[key]; ok {
		i.log = slices.Clone(i.log[max(0, len(i.log)-keep):])
	}
}

// Stats implements runtime.Observer.
func (r *Runtime) Stats(_ context.Context, key runtime.Key) (runtime.Stats, error) {
	if err := r.enter("stats"); err != nil {
		return runtime.Stats{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	i, ok := r.instances[key]
	if !ok || i.State != runtime.StateRunning {
		return runtime.Stats{}, runtime.ErrNotFound
	}
	return i.stats, nil
}

// Exit ends an instance by itself; a policy that wants it back restarts it at once.
func (r *Runtime) Exit(key runtime.Key, code int, oom bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	i, ok := r.instances[key]
	if !ok {
		return
	}
	i.State, i.ExitCode, i.OOMKilled, i.FinishedAt = runtime.StateExited, code, oom, r.now()
	if i.Restart == manifest.RestartAlways || (i.Restart == manifest.RestartOnFailure && code != 0) {
		i.State, i.StartedAt = runtime.StateRunning, r.now()
		i.Restarts++
	}
	r.notify()
}

// Use sets what a running instance has used.
func (r *Runtime) Use(key runtime.Key, s runtime.Stats) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if i, ok := r.instances[key]; ok {
		i.stats = s
	}
}

// Starts is how often an instance was started by its worker.
func (r *Runtime) Starts(key runtime.Key) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.starts[key]
}
