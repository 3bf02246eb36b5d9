// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/athnet/ath/offchain/worker/runtime"
)

const (
	// lostLook is how often it is looked whether the engine holds what it says runs.
	lostLook = 5 * time.Second
	// lostAfter is how long an engine may be without it: it needs seconds after its own start.
	lostAfter = 10 * time.Second
	// restartPause lies between two restarts of the engine, and restartTime bounds one.
	restartPause, restartTime = time.Minute, time.Minute
)

// lost are instances that the engine says run and has no hold of. dockerd is so when containerd dies while dockerd takes its containers
// over after a start: it then neither measures them nor takes their output, until it is started again. A workload that writes more than a
// pipe holds (64 KiB) stands still meanwhile, so this is not left to chance.
//
// What a restart does not cure is only told: dockerd may have dropped the instance's network as well, and then measures it no more, although
// its output comes.
type lost struct {
	since     map[string]time.Time // by instance's id
	tried     map[string]bool      // for which the engine was restarted
	restarted time.Time
}

// lostLoop looks after what the engine has lost.
func (w *Worker) lostLoop(ctx context.Context) error {
	l := lost{since: map[string]time.Time{}, tried: map[string]bool{}}
	for {
		if err := w.lookForLost(ctx, &l); err != nil && ctx.Err() == nil {
			w.log.Debug("it could not be looked for instances that the engine has lost", "err", err)
		}
		if err := w.pause(ctx, nil, lostLook); err != nil {
			return err
		}
	}
}

// holds says whether the engine can measure an instance that it says runs. One that it has lost it does not know, answers for with an error of
// its parts, or does not answer for at all.
func (w *Worker) holds(ctx context.Context, key runtime.Key) error {
	ctx, cancel := context.WithTimeout(ctx, lostLook)
	defer cancel()
	_, err := w.runtime.Stats(ctx, key)
	return err
}

func (w *Worker) lookForLost(ctx context.Context, l *lost) error {
	have, err := w.runtime.List(ctx)
	if err != nil {
		l.since = map[string]time.Time{} // an engine that is back needs time
		return err
	}
	now := w.clock.Now()
	since := map[string]time.Time{}
	var overdue []string
	var untried []string
	for _, i := range have {
		if i.State != runtime.StateRunning || now.Sub(i.StartedAt) < lostAfter {
			continue
		}
		if err := w.holds(ctx, i.Key); err == nil {
			delete(l.tried, i.ID)
			continue
		} else if ctx.Err() != nil {
			return err
		}
		at, known := l.since[i.ID]
		if !known {
			at = now
		}
		since[i.ID] = at
		if now.Sub(at) >= lostAfter {
			overdue = append(overdue, i.Service+" of "+i.Lease)
			if !l.tried[i.ID] {
				untried = append(untried, i.ID)
			}
		}
	}
	l.since = since
	if len(overdue) == 0 {
		w.health.Clear("engine-lost")
		return nil
	}
	w.health.Set("engine-lost", strings.Join(overdue, ", "))
	if w.config.EngineRestart == "" || len(untried) == 0 || now.Sub(l.restarted) < restartPause {
		return nil
	}
	l.restarted, l.since = now, map[string]time.Time{}
	for _, id := range untried {
		l.tried[id] = true
	}
	w.log.Error("the engine has lost instances that run; restarting it", "instances", overdue, "command", w.config.EngineRestart)
	ctx, cancel := context.WithTimeout(ctx, restartTime)
	defer cancel()
	if out, err := exec.CommandContext(ctx, "sh", "-c", w.config.EngineRestart).CombinedOutput(); err != nil {
		return fmt.Errorf("restart the engine with %q: %w: %s", w.config.EngineRestart, err, strings.TrimSpace(string(out)))
	}
	return nil
}
