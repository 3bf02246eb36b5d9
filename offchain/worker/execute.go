// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/athnet/ath/offchain/manifest"
	"github.com/athnet/ath/offchain/worker/runtime"

	leasetypes "github.com/athnet/ath/x/leases/types"
)

// errStillOpen: a step that can't be taken back was planned on an answer that is no longer the chain's.
var errStillOpen = errors.New("the chain does not say that this lease is closed")

// execute takes one step. Every step may be repeated after a crash within it.
func (w *Worker) execute(ctx context.Context, a Action) error {
	switch a.Verb {
	case Adopt:
		return w.adopt(a)
	case Pull:
		return w.pull(ctx, a)
	case Create:
		return w.createInstance(ctx, a)
	case Start:
		return w.start(ctx, a)
	case Begin:
		return w.begin(ctx, a)
	case Record:
		return w.record(ctx, a, nil)
	case Finish:
		return w.finish(ctx, a)
	case NoteClosed:
		return w.noteClosed(a)
	case Stop:
		if err := w.stillClosed(ctx, a.Lease); err != nil {
			return err
		}
		return w.runtime.Stop(ctx, a.Lease, w.config.StopGrace)
	case Archive:
		return w.archive(ctx, a)
	case Remove:
		if err := w.stillClosed(ctx, a.Lease); err != nil {
			return err
		}
		return w.removeInstances(ctx, a)
	case Forget:
		if err := w.logs.forget(a.Lease); err != nil {
			return fmt.Errorf("forget logs of lease %s: %w", a.Lease, err)
		}
		return w.book.forget(a.Lease)
	case Pause:
		return w.pauseLease(ctx, a)
	case Resume:
		return w.resume(a)
	case Replace:
		return w.replace(ctx, a)
	case Discard:
		return w.discard(ctx, a)
	case Grow:
		return w.grow(ctx, a)
	case Resize:
		return w.resize(ctx, a)
	default:
		return fmt.Errorf("no such step: %s", a.Verb)
	}
}

// stillClosed asks the chain once more before a workload is ended for good.
func (w *Worker) stillClosed(ctx context.Context, lease string) error {
	open, receipt, err := w.chain.Lease(ctx, lease)
	if err != nil {
		return fmt.Errorf("ask again before ending lease %s: %w", lease, err)
	}
	// A lease that comes back after it had moved away is begun anew: what is left of its first stay ends, too.
	intent, known := w.book.intent(lease)
	if receipt == nil && open.ContainerId == w.container && (!known || intent.ClosedAt.IsZero()) {
		return fmt.Errorf("%w: %s", errStillOpen, lease)
	}
	return nil
}

func (w *Worker) adopt(a Action) error {
	w.mu.Lock()
	s := w.standings[a.Lease]
	w.mu.Unlock()
	if !s.open() {
		return nil // closed meanwhile; the next plan knows
	}
	w.gpu.take() // what devices did before is not this lease's
	intent := newIntent(*s.lease)
	// After the worker's memory was lost: what runs may be of a manifest that the lease has no more.
	intent.Renewed = !intent.Started.IsZero() && slices.ContainsFunc(w.instances(a.Lease), func(i runtime.Instance) bool { return i.ManifestHash != intent.ManifestHash })
	return w.book.add(intent)
}

// createInstance gives a service its ports, writes them down, and makes its instance.
func (w *Worker) createInstance(ctx context.Context, a Action) error {
	intent, _ := w.book.intent(a.Lease)
	m, ok := w.book.manifest(intent.ManifestHash)
	if !ok {
		return nil
	}
	service := serviceOf(m, a.Service)
	a.Image = service.Image
	ports, err := w.portsOf(ctx, a.Lease, service)
	if err != nil {
		return err
	}
	err = w.runtime.Create(ctx, runtime.Spec{
		Key: runtime.Key{Lease: a.Lease, Service: service.Name}, Container: w.container, ManifestHash: intent.ManifestHash,
		Image: service.Image, Command: service.Command, Args: service.Args, Env: service.Env,
		CPUMilli: service.Resources.CPUMilli, MemoryMiB: service.Resources.MemoryMiB, Pids: w.config.PidsLimit,
		Ports: ports, Restart: service.Restart, ReadOnly: service.ReadOnly, GPUs: w.gpusFor(a.Lease, service),
		Disk: diskOf(m, service), Volumes: service.Volumes, Alias: service.ReplicaOf, Definition: definition(service),
	})
	return w.faultOf(a, intent, err)
}

// diskOf is a service's part of its lease's storage.
func diskOf(m manifest.Manifest, service manifest.Service) runtime.Disk {
	d := runtime.Disk{ServiceMiB: service.Resources.DiskMiB, Services: len(m.Services)}
	for _, s := range m.Services {
		d.LeaseMiB += s.Resources.DiskMiB
	}
	return d
}

func serviceOf(m manifest.Manifest, name string) manifest.Service {
	for _, s := range m.Services {
		if s.Name == name {
			return s
		}
	}
	return manifest.Service{}
}

// gpusFor are devices that no other instance of the lease has.
func (w *Worker) gpusFor(lease string, service manifest.Service) []string {
	var free []string
	for _, id := range w.gpu.ids {
		taken := func(i runtime.Instance) bool { return slices.Contains(i.GPUs, id) }
		if !slices.ContainsFunc(w.instances(lease), taken) {
			free = append(free, id)
		}
	}
	if int(service.Resources.GPUs) > len(free) {
		return nil
	}
	return free[:service.Resources.GPUs]
}

func (w *Worker) start(ctx context.Context, a Action) error {
	intent, _ := w.book.intent(a.Lease)
	err := w.runtime.Start(ctx, runtime.Key{Lease: a.Lease, Service: a.Service})
	if errors.Is(err, runtime.ErrPortTaken) && intent.Started.IsZero() {
		return w.otherPorts(ctx, a, err)
	}
	if err == nil && slices.Contains(intent.Stopped, a.Service) { // a job that ends at once is not run twice
		return w.book.update(a.Lease, func(i *Intent) error {
			i.Stopped = slices.DeleteFunc(slices.Clone(i.Stopped), func(name string) bool { return name == a.Service })
			return nil
		})
	}
	return w.faultOf(a, intent, err)
}

// otherPorts starts a lease over that never ran because something took a port between choice and use.
func (w *Worker) otherPorts(ctx context.Context, a Action, cause error) error {
	if err := w.runtime.Remove(ctx, a.Lease); err != nil {
		return errors.Join(cause, err)
	}
	if err := w.book.update(a.Lease, func(i *Intent) error { i.Ports = nil; return nil }); err != nil {
		return errors.Join(cause, err)
	}
	return cause
}

// faultOf notes a failure that is the image's own; it ends a lease that never ran and is an ordinary failure of one that did.
func (w *Worker) faultOf(a Action, intent Intent, err error) error {
	if err == nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if errors.Is(err, runtime.ErrImage) && intent.Started.IsZero() {
		w.problems[a.Lease] = problem{manifest: intent.ManifestHash, detail: err.Error()}
	}
	delete(w.images, a.Image) // it may be the image that has gone
	return err
}

// begin notes from when all services had run, and signs the record that starts billing.
func (w *Worker) begin(ctx context.Context, a Action) error {
	intent, _ := w.book.intent(a.Lease)
	if intent.Renewed {
		m, _ := w.book.manifest(intent.ManifestHash)
		return w.book.update(a.Lease, func(i *Intent) error {
			i.Renewed, i.Stopped = false, nil
			i.keepPorts(m)
			return nil
		})
	}
	started := intent.OpenedAt
	for _, i := range w.instances(a.Lease) {
		started = latest(started, i.StartedAt)
	}
	if err := w.record(ctx, a, &started); err != nil {
		return err
	}
	w.metrics.Started.Inc()
	w.log.Info("lease runs", "lease_id", a.Lease, "since_block", started.Sub(intent.OpenedAt).Round(time.Millisecond))
	return nil
}

// record signs the next usage record: on disk first, then in the outbox.
func (w *Worker) record(ctx context.Context, a Action, started *time.Time) error {
	if w.latest().Height == 0 {
		return errors.New("no block was seen yet; a usage record names a recent one")
	}
	before, _ := w.book.intent(a.Lease)
	readings, sum, err := w.measure(ctx, before)
	if err != nil {
		return err
	}
	until := w.stamp()
	if err := w.book.update(a.Lease, func(i *Intent) error {
		from := i.Head.Until
		if started != nil {
			if !i.Started.IsZero() {
				return nil
			}
			i.Stopped = nil
			i.Started, from = *started, earliest(*started, latest(until, i.OpenedAt))
		}
		if from.IsZero() {
			from = i.Started
		}
		i.Meter = readings
		return w.sign(i, from, until, sum)
	}); err != nil {
		return err
	}
	w.metrics.Records.Inc()
	kick(w.post)
	return nil
}

func earliest(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// finish writes down why the chain is to close a lease; one that ran gets a last record first.
func (w *Worker) finish(_ context.Context, a Action) error {
	until := w.stamp()
	if err := w.book.update(a.Lease, func(i *Intent) error {
		if i.Closing != nil {
			return nil
		}
		i.Closing = &Closing{Reason: a.Reason, Codes: a.Codes, Detail: a.Detail, At: until}
		if i.Started.IsZero() || a.Reason != leasetypes.CloseReason_CLOSE_REASON_COMPLETED {
			return nil
		}
		return w.sign(i, i.Head.Until, until, used{})
	}); err != nil {
		return err
	}
	kick(w.post)
	return nil
}

func (w *Worker) noteClosed(a Action) error {
	w.certs.forget(a.Lease)
	return w.book.update(a.Lease, func(i *Intent) error {
		i.ClosedAt, i.CloseReason, i.Pending = w.clock.Now().UTC(), a.Reason, nil
		i.Proofs, i.Certificates = nil, nil // keys of tenants are kept no longer than needed
		return nil
	})
}

func (w *Worker) removeInstances(ctx context.Context, a Action) error {
	if err := w.runtime.Remove(ctx, a.Lease); err != nil {
		return err
	}
	if _, known := w.book.intent(a.Lease); !known {
		return nil
	}
	return w.book.update(a.Lease, func(i *Intent) error { i.Removed = true; return nil })
}

// archive copies the rest of the output of ended instances into journals, which outlive them.
func (w *Worker) archive(ctx context.Context, a Action) error {
	endings := map[string]Ending{}
	for _, i := range w.instances(a.Lease) {
		if err := w.copyRest(ctx, i); err != nil {
			return fmt.Errorf("keep output of %s: %w", i.Service, err)
		}
		endings[i.Service] = Ending{ExitCode: i.ExitCode, OOMKilled: i.OOMKilled, Restarts: i.Restarts, StartedAt: i.StartedAt, FinishedAt: i.FinishedAt}
	}
	return w.book.update(a.Lease, func(i *Intent) error { i.Archived, i.Endings = true, endings; return nil })
}
