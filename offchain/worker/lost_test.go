// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/offchain/manifest"
	"github.com/athnet/ath/offchain/worker/runtime"
)

// forgetful is an engine that lists instances and has no hold of those that it has lost.
type forgetful struct {
	runtime.Runtime
	lost map[string]bool // by service
	says error           // of them; that it does not know them where nil
}

func (f *forgetful) Stats(ctx context.Context, k runtime.Key) (runtime.Stats, error) {
	if f.lost[k.Service] && f.says != nil {
		return runtime.Stats{}, f.says
	}
	if f.lost[k.Service] {
		return runtime.Stats{}, fmt.Errorf("%w: %s", runtime.ErrNotFound, k.Service)
	}
	return f.Runtime.Stats(ctx, k)
}

// TestTheEngineIsRestartedWhenItHasLostAWorkload, once for each time, once a minute at most, and not for what has ended or only just started.
func TestTheEngineIsRestartedWhenItHasLostAWorkload(t *testing.T) {
	r := newRig(t)
	m := workload(service("job", imageJob, manifest.RestartNever), service("web", imageWeb, manifest.RestartAlways))
	r.deliver(m)
	engine := &forgetful{Runtime: r.runtime, lost: map[string]bool{}}
	r.restart(r.chain, engine, r.store)
	lease := r.chain.open(1, m)
	r.settle()
	ran := filepath.Join(t.TempDir(), "ran")
	r.config.EngineRestart = "echo once >>" + ran
	l := lost{since: map[string]time.Time{}, tried: map[string]bool{}}
	look := func(after time.Duration) (warned bool, restarts int) {
		t.Helper()
		r.clock.Advance(after)
		require.NoError(t, r.lookForLost(t.Context(), &l))
		for _, w := range r.health.Report().Warnings {
			warned = warned || w.Code == "engine-lost"
		}
		b, err := os.ReadFile(ran)
		if !os.IsNotExist(err) {
			require.NoError(t, err)
		}
		return warned, strings.Count(string(b), "once")
	}
	expect := func(after time.Duration, warned bool, restarts int) {
		t.Helper()
		w, n := look(after)
		require.Equal(t, warned, w)
		require.Equal(t, restarts, n)
	}
	expect(time.Minute, false, 0)
	engine.lost["web"] = true
	expect(lostLook, false, 0)
	expect(lostLook, false, 0)
	expect(lostLook, true, 1)
	expect(lostLook, false, 1) // counted anew: the engine needs time
	expect(lostAfter, true, 1)
	expect(restartPause, true, 1) // a restart has not cured it
	engine.lost["web"] = false
	expect(lostLook, false, 1)
	engine.lost["web"], engine.says = true, errors.New("ttrpc: closed") // of parts that it has lost
	expect(lostLook, false, 1)
	r.runtime.Fail = func(string) error { return runtime.ErrUnavailable }
	r.clock.Advance(lostAfter)
	require.ErrorIs(t, r.lookForLost(t.Context(), &l), runtime.ErrUnavailable)
	r.runtime.Fail = nil
	expect(lostLook, false, 1) // it was away, and has just come back
	expect(lostAfter, true, 2)
	engine.lost["web"], engine.says = false, nil
	expect(lostLook, false, 2)
	expect(2*restartPause, false, 2)

	engine.lost["job"] = true
	r.runtime.Exit(key(lease, "job"), 0, false)
	expect(lostLook, false, 2)
	expect(2*restartPause, false, 2)

	engine.lost["web"] = true
	r.config.EngineRestart = ""
	expect(lostLook, false, 2)
	expect(lostAfter, true, 2) // told, as nobody said how to restart it
	r.runtime.Fail = func(string) error { return runtime.ErrUnavailable }
	require.ErrorIs(t, r.lookForLost(t.Context(), &l), runtime.ErrUnavailable)
}

// TestRecordsGoOnForWhatTheEngineHasLost: the time is recorded whatever the engine says of what it can't measure, or says nothing; what was
// used meanwhile is counted once, when it can be measured again.
func TestRecordsGoOnForWhatTheEngineHasLost(t *testing.T) {
	for name, says := range map[string]error{"not known": nil, "an error": errors.New("ttrpc: closed"), "no answer": runtime.ErrUnavailable} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			m := workload(service("db", imageWeb, manifest.RestartAlways), service("web", imageWeb, manifest.RestartAlways))
			r.deliver(m)
			engine := &forgetful{Runtime: r.runtime, lost: map[string]bool{}, says: says}
			r.restart(r.chain, engine, r.store)
			lease := r.chain.open(1, m)
			r.settle()
			next := func() (sum uint64, more int) {
				before := len(r.chain.usage)
				r.clock.Advance(11 * time.Second)
				r.settle()
				for _, u := range r.chain.usage[before:] {
					sum += u.CpuMs
				}
				return sum, len(r.chain.usage) - before
			}
			use := func(web, db time.Duration) {
				r.runtime.Use(key(lease, "web"), runtime.Stats{CPU: web})
				r.runtime.Use(key(lease, "db"), runtime.Stats{CPU: db})
			}
			use(5*time.Second, time.Second)
			sum, more := next()
			require.Positive(t, more)
			require.Equal(t, uint64(6000), sum)
			engine.lost["web"] = true
			for n := range 6 {
				use(time.Duration(6+n)*time.Second, time.Duration(2+n)*time.Second)
				sum, more = next()
				require.Positive(t, more, "the time is recorded")
				require.Equal(t, uint64(1000), sum, "what can be measured is")
			}
			engine.lost["web"] = false
			use(12*time.Second, 7*time.Second)
			sum, _ = next()
			require.Equal(t, uint64(7000), sum, "once")
		})
	}
}
