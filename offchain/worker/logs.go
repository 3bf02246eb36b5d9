// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/athnet/ath/offchain/worker/api"
	"github.com/athnet/ath/offchain/worker/journal"
	"github.com/athnet/ath/offchain/worker/runtime"
)

const (
	// overlap is how far back an engine is asked again: stdout and stderr are noted by two threads, so times go back a little.
	overlap = 2 * time.Second
	// followPause is the longest until an instance that was started is followed, and until a reader learns that a service has ended.
	followPause = time.Second
	// keepAlive is how often a silent stream shows that it is there.
	keepAlive = 15 * time.Second
)

// journals hold the output of every service of every lease that the worker knows.
type journals struct {
	dir   string
	limit int64 // bytes per service
	wake  chan struct{}

	mu   sync.Mutex
	open map[runtime.Key]*copied
}

// copied is one service's journal and who copies into it.
type copied struct {
	busy sync.Mutex // held while output is copied

	*journal.Journal

	mu      sync.Mutex
	cancel  context.CancelFunc // of the follower; nil where none runs
	waiting int                // copies that the follower is in the way of
	life    string             // the instance's life that was copied to its end

	noted *api.Status // of a journal of events: what the last entry left; nil before it was read. Guarded by busy
}

func newJournals(dir string, limit int64) *journals {
	return &journals{dir: dir, limit: limit, wake: make(chan struct{}, 1), open: map[runtime.Key]*copied{}}
}

func (j *journals) leaseDir(lease string) string {
	return filepath.Join(j.dir, filepath.FromSlash(lease))
}

// of opens a service's journal.
func (j *journals) of(key runtime.Key) (*copied, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if c, ok := j.open[key]; ok {
		return c, nil
	}
	opened, err := journal.Open(filepath.Join(j.leaseDir(key.Lease), key.Service), j.limit)
	if err != nil {
		return nil, err
	}
	c := &copied{Journal: opened}
	j.open[key] = c
	return c, nil
}

// forget deletes what was kept of a lease.
func (j *journals) forget(lease string) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	var err error
	for key, c := range j.open {
		if key.Lease == lease {
			err = errors.Join(err, c.Close())
			delete(j.open, key)
		}
	}
	return errors.Join(err, os.RemoveAll(j.leaseDir(lease)))
}

// lifeOf changes whenever an instance may have something new to say after it had ended.
func lifeOf(i runtime.Instance) string {
	return fmt.Sprint(i.ID, i.Restarts, i.StartedAt.UnixNano(), i.FinishedAt.UnixNano())
}

// logLoop follows the output of all instances, so that it is on disk whatever becomes of engine and instance.
func (w *Worker) logLoop(ctx context.Context) error {
	var followers sync.WaitGroup
	defer followers.Wait()
	for {
		w.mu.Lock()
		have := w.have
		w.mu.Unlock()
		for _, i := range have {
			if i.State != runtime.StateCreated {
				w.followOutput(ctx, &followers, i)
			}
		}
		t := w.clock.NewTimer(followPause)
		select {
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		case <-w.logs.wake:
		case <-t.C():
		}
		t.Stop()
	}
}

func (w *Worker) followOutput(ctx context.Context, followers *sync.WaitGroup, i runtime.Instance) {
	c, err := w.logs.of(i.Key)
	if err != nil {
		w.log.Warn("output can't be kept", "lease_id", i.Lease, "service", i.Service, "err", err)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cancel != nil || c.waiting > 0 || (i.State == runtime.StateExited && c.life == lifeOf(i)) {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	c.cancel = cancel
	followers.Go(func() {
		defer cancel()
		err := w.copyOutput(ctx, c, i, true)
		c.mu.Lock()
		c.cancel = nil
		c.mu.Unlock()
		if err != nil && ctx.Err() == nil && !errors.Is(err, runtime.ErrNotFound) {
			w.log.Warn("output is not followed, trying again", "lease_id", i.Lease, "service", i.Service, "err", err)
		}
	})
}

// copyRest copies what an instance has written until now; the follower makes room.
func (w *Worker) copyRest(ctx context.Context, i runtime.Instance) error {
	c, err := w.logs.of(i.Key)
	if err != nil {
		return err
	}
	c.mu.Lock()
	c.waiting++
	if c.cancel != nil {
		c.cancel()
	}
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		c.waiting--
		c.mu.Unlock()
	}()
	if err := w.copyOutput(ctx, c, i, false); !errors.Is(err, runtime.ErrNotFound) {
		return err
	}
	return nil
}

// sight is what makes two sights of a line the same one.
type sight struct {
	at      int64
	stderr  bool
	partial bool
	text    string
}

// copyOutput goes on where the journal ends. The journal's own lines say where that is: the engine is asked from a little before its
// newest one, and as many of each line as the journal has are left out.
func (w *Worker) copyOutput(ctx context.Context, c *copied, i runtime.Instance, follow bool) error {
	c.busy.Lock()
	defer c.busy.Unlock()
	source := crc32.ChecksumIEEE([]byte(i.ID))
	recent, err := c.Recent(source, overlap)
	if err != nil {
		return err
	}
	seen, since := map[sight]int{}, time.Time{}
	for _, l := range recent {
		seen[sight{l.Time.UnixNano(), l.Stream == journal.Err, l.Partial, string(l.Text)}]++
		if l.Time.Add(-overlap).After(since) {
			since = l.Time.Add(-overlap)
		}
	}
	met := len(recent) == 0 // the journal's end was found in the engine's log
	err = w.runtime.Logs(ctx, i.Key, runtime.LogOptions{Follow: follow, Since: since}, func(o runtime.Output) error {
		s := sight{o.Time.UnixNano(), o.Stderr, o.Partial, string(o.Text)}
		if seen[s] > 0 {
			seen[s]--
			met = true
			return nil
		}
		if !met {
			met = true
			note := "output between " + since.Add(overlap).Format(time.RFC3339Nano) + " and " + o.Time.Format(time.RFC3339Nano) + " may be missing: the engine had dropped it"
			if err := c.Append(journal.Line{Time: o.Time, Source: source, Stream: journal.Note, Text: []byte(note)}); err != nil {
				return err
			}
		}
		l := journal.Line{Time: o.Time, Source: source, Partial: o.Partial, Text: o.Text}
		if o.Stderr {
			l.Stream = journal.Err
		}
		return c.Append(l)
	})
	if err == nil && i.State == runtime.StateExited {
		c.mu.Lock()
		c.life = lifeOf(i)
		c.mu.Unlock()
	}
	return err
}
