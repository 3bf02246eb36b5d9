// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"context"
	"maps"
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/athnet/ath/offchain/worker/runtime"
)

const (
	// maxRounds of plan and execute before anything else gets a turn: far more than a lease needs.
	maxRounds = 64
	// idle is how often the machine is looked at without a reason.
	idle = 5 * time.Second
	// manifestLife is how long a manifest is kept that no lease came for.
	manifestLife = 2 * time.Minute
	// maxManifestsPerTenant is how many of them one tenant may have: wallets are free, but filling the store takes several.
	maxManifestsPerTenant = 4
	// portCheck is how long a look at a workload's port may take; it tells about quality only.
	portCheck = 200 * time.Millisecond
)

// reconcileLoop plans and executes whenever something changed.
func (w *Worker) reconcileLoop(ctx context.Context) error {
	changed := w.runtime.Watch(ctx)
	defer w.pulls.Wait()
	for {
		err := w.reconcile(ctx)
		w.health.Check("runtime-unreachable", err)
		if err != nil && ctx.Err() == nil {
			w.log.Debug("instances could not be listed", "err", err)
		}
		if err := w.book.expireManifests(w.clock.Now().Add(-manifestLife), w.wantedManifests()); err != nil {
			w.log.Warn("expired manifests could not be dropped", "err", err)
		}
		w.checkPorts(ctx)
		t := w.clock.NewTimer(w.nextLook())
		select {
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		case <-w.wake:
		case m := <-w.early:
			w.prefetch(ctx, m)
		case <-changed:
		case <-t.C():
		}
		t.Stop()
	}
}

// nextLook is when time alone gives the planner something to do.
func (w *Worker) nextLook() time.Duration {
	return min(idle, max(w.config.UsageInterval/2, 100*time.Millisecond))
}

// reconcile plans and executes until nothing is left to do now. Failures hold their lease back for a while; they are no reason to
// stop. The error says that the runtime could not be asked.
func (w *Worker) reconcile(ctx context.Context) error {
	w.reap(ctx)
	for range maxRounds {
		have, err := w.runtime.List(ctx)
		if err != nil {
			return err
		}
		actions := plan(w.situation(have))
		done := 0
		for _, a := range actions {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			begin := w.clock.Now()
			if err := w.execute(ctx, a); err != nil {
				w.failed(a, err)
				continue
			}
			done++
			w.succeeded(a, w.clock.Now().Sub(begin))
		}
		w.route()
		w.noteChanges()
		if done == 0 {
			return nil
		}
	}
	w.log.Warn("planning did not come to an end; going on with the next change", "rounds", maxRounds)
	return nil
}

func (w *Worker) situation(have []runtime.Instance) situation {
	intents, manifests := w.book.all()
	w.mu.Lock()
	defer w.mu.Unlock()
	stranger := false
	for _, i := range have {
		_, known := w.standings[i.Lease]
		stranger = stranger || !known
	}
	w.have = have
	kick(w.logs.wake)
	if stranger {
		kick(w.look)
	}
	return situation{
		now: w.clock.Now(), container: w.container, standings: maps.Clone(w.standings), intents: intents, have: have, manifests: manifests,
		images: maps.Clone(w.images), problems: maps.Clone(w.problems), hold: maps.Clone(w.hold),
		limits: w.limits(),
	}
}

// limits never reach beyond what the class allows for a start: a lease that ends as tenant_image costs nobody anything,
// one that is refused in time costs its Container's reward for a day, and one that anybody may close as not started costs stake.
func (w *Worker) limits() limits {
	l := limits{manifest: w.config.ManifestWait, start: w.config.StartWait, usage: w.config.UsageInterval, retention: w.config.LogRetention}
	if most := w.net.StartLimit * 4 / 5; most > 0 {
		l.manifest, l.start = min(l.manifest, most), min(l.start, most)
		l.refuse, l.overdue = w.net.StartLimit*9/10, w.net.StartLimit
	}
	return l
}

// Pause after failures of one lease: 1, 2, 4 … 30 s.
func backoff(failures int) time.Duration {
	return min(time.Second<<min(failures, 5), 30*time.Second)
}

func (w *Worker) failed(a Action, err error) {
	w.mu.Lock()
	n := w.failures[a.Lease]
	w.failures[a.Lease] = n + 1
	w.hold[a.Lease] = w.clock.Now().Add(backoff(n))
	w.errors[a.Lease] = err.Error()
	w.mu.Unlock()
	w.metrics.Failures.WithLabelValues(string(a.Verb)).Inc()
	w.log.Warn("step failed, trying again", "step", a.Verb, "lease_id", a.Lease, "service", a.Service, "err", err)
}

func (w *Worker) succeeded(a Action, took time.Duration) {
	w.mu.Lock()
	delete(w.failures, a.Lease)
	delete(w.hold, a.Lease)
	if a.Verb != Pull { // a pull has only begun
		delete(w.errors, a.Lease)
	}
	if a.Verb == Forget {
		delete(w.problems, a.Lease)
	}
	w.mu.Unlock()
	w.metrics.Steps.WithLabelValues(string(a.Verb)).Observe(took.Seconds())
	level := w.log.Info
	if a.Verb == Record {
		level = w.log.Debug
	}
	level("step done", "step", a.Verb, "lease_id", a.Lease, "service", a.Service, "detail", a.Detail, "took", took.Round(time.Millisecond))
}

// checkPorts looks which published TCP ports take connections.
func (w *Worker) checkPorts(ctx context.Context) {
	w.mu.Lock()
	have := slices.Clone(w.have)
	w.mu.Unlock()
	answering := map[uint16]bool{}
	host := w.config.PublishIP
	if host == "" {
		host = "127.0.0.1"
	}
	dialer := net.Dialer{Timeout: portCheck}
	for _, i := range have {
		for _, p := range i.Ports {
			if p.Proto != "tcp" || i.State != runtime.StateRunning {
				continue
			}
			if conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(int(p.Host)))); err == nil {
				answering[p.Host] = conn.Close() == nil
			}
		}
	}
	w.mu.Lock()
	w.answering = answering
	w.mu.Unlock()
}
