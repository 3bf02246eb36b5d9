// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package recovery

import (
	"context"
	"errors"
	"flag"
	"syscall"
	"testing"
	"time"

	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/athnet/ath/offchain/localnet"
	leases "github.com/athnet/ath/x/leases/types"
)

var (
	seed      = flag.Uint64("kill-seed", 0, "seed of the schedules; chosen and said where 0")
	first     = flag.Int("kill-first", 0, "number of the first schedule, to play one again")
	schedules = flag.Int("kill-schedules", 100, "how many schedules")
	budget    = flag.Duration("kill-budget", 0, "begin no schedule later than this after the first; no bound where 0")
)

// enough schedules to say something, however slow the machine.
const enough = 5

// TestRandomKills plays random schedules; see the package.
func TestRandomKills(t *testing.T) {
	if *seed == 0 {
		*seed = uint64(time.Now().UnixNano())
	}
	t.Logf("play this again with: make recovery SEED=%d", *seed)
	w := newWorld(t)
	for range 3 {
		w.leases = append(w.leases, w.rent())
	}
	begin, played := time.Now(), 0
	for ; played < *schedules; played++ {
		if *budget > 0 && time.Since(begin) > *budget && played >= enough {
			break
		}
		s := draw(*seed, *first+played, w.targets(), len(w.leases))
		t.Log("schedule", s)
		w.play(s)
	}
	deaths, lines, longest := 0, 0, time.Duration(0)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	for _, l := range w.leases {
		require.NoError(t, w.close(ctx, l))
	}
	for _, l := range w.leases {
		w.checkEnded(ctx, l)
		for _, r := range l.readers {
			deaths, lines, longest = deaths+r.deaths, lines+r.number, max(longest, r.longest)
		}
	}
	w.leases = nil
	w.nothingLeft(ctx)
	said, err := w.net.CheckInvariants(ctx)
	require.NoError(t, err)
	t.Logf("%d schedules of seed %d in %s; %d leases ended; the last three wrote %d lines, at most %s apart, read over %d breaks; %s",
		played, *seed, time.Since(begin).Round(time.Second), w.ended, lines, longest, deaths, said)
}

// play plays one schedule and checks everything after it.
func (w *world) play(s schedule) {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), 5*time.Minute)
	defer cancel()
	g, gctx := errgroup.WithContext(ctx)
	for target, kills := range s.kills {
		g.Go(func() error {
			for _, k := range kills {
				if err := pause(gctx, k.after); err != nil {
					return err
				}
				if err := w.end(target, k.signal); err != nil {
					return err
				}
				if err := pause(gctx, k.down); err != nil {
					return err
				}
				if err := w.begin(gctx, target); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if s.reader >= 0 {
		for _, r := range w.leases[s.reader].readers {
			r.kill()
		}
	}
	var closed *lease
	if s.closing >= 0 {
		closed = w.leases[s.closing]
		g.Go(func() error {
			if err := pause(gctx, s.when); err != nil {
				return err
			}
			return w.close(gctx, closed)
		})
	}
	require.NoError(w, g.Wait())
	up := time.Now()
	if closed != nil {
		w.leases = append(w.leases[:s.closing:s.closing], w.leases[s.closing+1:]...)
		w.checkEnded(ctx, closed)
	}
	since := w.recovered(ctx)
	w.check(ctx, since)
	w.Logf("schedule %d: all as before %s after the last start, checked in %s more", s.number, since.Sub(up).Round(time.Millisecond), time.Since(since).Round(time.Millisecond))
	if closed != nil {
		w.leases = append(w.leases, w.rent())
	}
}

// end ends one. containerd is spared while a dockerd that has just started takes its containers over, which is half a second: a dockerd whose
// containerd dies then takes running containers for ended ones and drops their networks (docs/recovery.md).
func (w *world) end(target string, signal syscall.Signal) error {
	if target == localnet.Containerd {
		w.taking.Lock()
		defer w.taking.Unlock()
	}
	return w.net.End(target, signal)
}

// restartPause is how long a reader that has died stays away.
const restartPause = 200 * time.Millisecond

// pause lets a part of the schedule pass, in real time as everything here, or ends with the test.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// begin starts one again; dockerd has answered, or was ended, before containerd may end.
func (w *world) begin(ctx context.Context, target string) error {
	if target != localnet.Dockerd {
		return w.net.Begin(ctx, target)
	}
	w.taking.Lock()
	err := w.net.Begin(ctx, target)
	go func() {
		defer w.taking.Unlock()
		for range 50 {
			if _, err := w.engine.Ping(w.Context(), client.PingOptions{}); err == nil || pause(w.Context(), 100*time.Millisecond) != nil {
				return
			}
		}
	}()
	return err
}

// close is the tenant's wish, made until the chain has heard it.
func (w *world) close(ctx context.Context, l *lease) error {
	for {
		_, err := w.net.Athd(ctx, w.net.Config.Tenant, "lease", "close", l.id)
		if a, lerr := w.ledger.of(l.id); lerr != nil || a.receipt != nil || err == nil {
			if a.receipt != nil && a.receipt.Reason != leases.CloseReason_CLOSE_REASON_TENANT {
				return errors.New("lease " + l.id + " was closed for " + a.receipt.Reason.String())
			}
			return lerr
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-time.After(time.Second):
		}
	}
}
