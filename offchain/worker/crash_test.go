// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	sdk "github.com/cosmos/cosmos-sdk/types"

	leasetypes "github.com/athnet/ath/x/leases/types"

	"github.com/athnet/ath/offchain/manifest"
	"github.com/athnet/ath/offchain/store"
	"github.com/athnet/ath/offchain/worker/runtime"
)

var errKilled = errors.New("killed")

// life ends at its n-th effect on the world, just before or just after it took place. From then on nothing has any effect.
type life struct {
	n, count int
	after    bool
	dead     bool
}

func (l *life) do(effect func() error) error {
	if l.dead {
		return errKilled
	}
	l.count++
	if l.count != l.n {
		return effect()
	}
	l.dead = true
	if l.after {
		return errors.Join(errKilled, effect())
	}
	return errKilled
}

type mortalStore struct {
	store.Store
	*life
}

func (m mortalStore) Update(fn func(store.Tx) error) error {
	return m.do(func() error { return m.Store.Update(fn) })
}

type mortalRuntime struct {
	runtime.Runtime
	*life
}

func (m mortalRuntime) Pull(ctx context.Context, image string, c *manifest.Credentials) error {
	return m.do(func() error { return m.Runtime.Pull(ctx, image, c) })
}

func (m mortalRuntime) Create(ctx context.Context, s runtime.Spec) error {
	return m.do(func() error { return m.Runtime.Create(ctx, s) })
}

func (m mortalRuntime) Start(ctx context.Context, k runtime.Key) error {
	return m.do(func() error { return m.Runtime.Start(ctx, k) })
}

func (m mortalRuntime) Stop(ctx context.Context, lease string, grace time.Duration) error {
	return m.do(func() error { return m.Runtime.Stop(ctx, lease, grace) })
}

func (m mortalRuntime) Remove(ctx context.Context, lease string) error {
	return m.do(func() error { return m.Runtime.Remove(ctx, lease) })
}

func (m mortalRuntime) End(ctx context.Context, k runtime.Key, grace time.Duration) error {
	return m.do(func() error { return m.Runtime.End(ctx, k, grace) })
}

func (m mortalRuntime) Discard(ctx context.Context, k runtime.Key) error {
	return m.do(func() error { return m.Runtime.Discard(ctx, k) })
}

func (m mortalRuntime) Resize(ctx context.Context, k runtime.Key, cpuMilli, memoryMiB uint64) error {
	return m.do(func() error { return m.Runtime.Resize(ctx, k, cpuMilli, memoryMiB) })
}

func (m mortalRuntime) Enlarge(ctx context.Context, lease string, d runtime.Disk) error {
	return m.do(func() error { return m.Runtime.Enlarge(ctx, lease, d) })
}

type mortalChain struct {
	Chain
	*life
}

func (m mortalChain) Send(ctx context.Context, msgs ...sdk.Msg) error {
	return m.do(func() error { return m.Chain.Send(ctx, msgs...) })
}

// TestKilledAnywhere kills the worker before and after every single effect that it has on disk, engine and chain during the
// life of a lease, and lets a new process go on. Nothing may be lost, doubled or orphaned.
func TestKilledAnywhere(t *testing.T) {
	m := workload(service("job", imageJob, manifest.RestartNever), service("web", imageWeb, manifest.RestartAlways))
	m.Services[1].Expose = []manifest.Expose{{Port: 80, As: 80, Proto: "tcp", Global: true}}
	effects := 0
	for n := 1; ; n++ {
		survived := false
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d after=%t", n, after), func(t *testing.T) {
				r := newRig(t)
				r.deliver(m)
				l := &life{n: n, after: after}
				r.restart(mortalChain{r.chain, l}, mortalRuntime{r.runtime, l}, mortalStore{r.store, l})
				lease := r.chain.open(1, m)
				r.story(lease, l)
				if survived = !l.dead; survived {
					effects = l.count
				}
				r.resume(lease)
			})
		}
		if survived {
			break
		}
	}
	t.Logf("killed around each of %d effects", effects)
	require.Greater(t, effects, 15)
}

// story runs a lease to its second usage record and its end by the tenant, or until the worker is dead.
func (r *rig) story(lease string, l *life) {
	settled := map[string]time.Time{}
	steps := []func(){
		func() {}, func() {}, func() { r.clock.Advance(10 * time.Second) }, func() {},
		func() { r.chain.close(lease, leasetypes.CloseReason_CLOSE_REASON_TENANT) }, func() {}, func() {},
	}
	for _, step := range steps {
		if l.dead {
			return
		}
		step()
		_ = r.turn(r.Worker, settled) // what fails because of the death is the point
		r.clock.Advance(time.Second)
	}
}

// resume is the next process: it has to find everything in order, whatever it finds.
func (r *rig) resume(lease string) {
	t := r.t
	r.restart(r.chain, r.runtime, r.store)
	r.clock.Advance(time.Minute)
	r.settle()
	if r.chain.receipts[lease] == nil {
		require.Equal(t, map[string]runtime.State{"job": runtime.StateRunning, "web": runtime.StateRunning}, r.states(lease), "nothing is lost")
		require.GreaterOrEqual(t, r.chain.leases[lease].UsageSequence, uint64(1), "billing runs")
		r.chain.close(lease, leasetypes.CloseReason_CLOSE_REASON_TENANT)
		r.settle()
	}
	require.LessOrEqual(t, r.runtime.Starts(key(lease, "job")), 1, "nothing is doubled")
	require.LessOrEqual(t, r.runtime.Starts(key(lease, "web")), 1, "nothing is doubled")
	require.Empty(t, r.states(lease), "nothing is orphaned")
	intent, ok := r.book.intent(lease)
	require.True(t, ok)
	require.True(t, intent.Archived)
	for i := 1; i < len(r.chain.usage); i++ {
		require.False(t, r.chain.usage[i].From.Before(r.chain.usage[i-1].Until), "no second is counted twice")
	}
}

// TestKilledAroundCompletion does the same to a batch job that ends by itself.
func TestKilledAroundCompletion(t *testing.T) {
	m := workload(service("job", imageJob, manifest.RestartNever))
	for n := 1; ; n++ {
		survived := false
		for _, after := range []bool{false, true} {
			r := newRig(t)
			r.deliver(m)
			lease := r.chain.open(1, m)
			r.settle()
			l := &life{n: n, after: after}
			r.restart(mortalChain{r.chain, l}, mortalRuntime{r.runtime, l}, mortalStore{r.store, l})
			r.runtime.Exit(key(lease, "job"), 3, false)
			settled := map[string]time.Time{}
			for range 4 {
				_ = r.turn(r.Worker, settled) // what fails because of the death is the point
			}
			survived = !l.dead
			r.restart(r.chain, r.runtime, r.store)
			r.clock.Advance(time.Minute)
			r.settle()
			receipt := r.chain.receipts[lease]
			require.NotNil(t, receipt, "killed at %d, after=%t", n, after)
			require.Equal(t, leasetypes.CloseReason_CLOSE_REASON_COMPLETED, receipt.Reason)
			require.Equal(t, []int32{3}, receipt.ExitCodes)
			require.Equal(t, 1, r.runtime.Starts(key(lease, "job")))
			require.Empty(t, r.states(lease))
		}
		if survived {
			require.Greater(t, n, 5)
			return
		}
	}
}
