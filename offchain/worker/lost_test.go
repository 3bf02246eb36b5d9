// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"context"
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
}

func (f forgetful) Stats(ctx context.Context, k runtime.Key) (runtime.Stats, error) {
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
	engine := forgetful{r.runtime, map[string]bool{}}
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
	engine.lost["web"] = true
	expect(lostLook, false, 1)
	expect(lostAfter, true, 2)
	engine.lost["web"] = false
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
