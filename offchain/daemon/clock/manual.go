// SPDX-License-Identifier: Apache-2.0

package clock

import (
	"sync"
	"time"
)

// Manual is a clock that moves only when it is told to. Safe for concurrent use.
type Manual struct {
	mu      sync.Mutex
	moved   *sync.Cond
	now     time.Time
	waiting map[*manualTimer]struct{}
}

// NewManual starts at the given time.
func NewManual(now time.Time) *Manual {
	m := &Manual{now: now, waiting: map[*manualTimer]struct{}{}}
	m.moved = sync.NewCond(&m.mu)
	return m
}

// Now is the time to which the clock was last moved.
func (m *Manual) Now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

// NewTimer fires when Advance or Set passes its time.
func (m *Manual) NewTimer(d time.Duration) Timer {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := &manualTimer{clock: m, c: make(chan time.Time, 1), at: m.now.Add(d)}
	if d <= 0 {
		t.c <- m.now
		return t
	}
	m.waiting[t] = struct{}{}
	m.moved.Broadcast()
	return t
}

// Advance moves the clock by d and fires what is due.
func (m *Manual) Advance(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.set(m.now.Add(d))
}

// Set moves the clock to a time and fires what is due; it may also move it back.
func (m *Manual) Set(now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.set(now)
}

func (m *Manual) set(now time.Time) {
	m.now = now
	for t := range m.waiting {
		if !t.at.After(now) {
			t.c <- now
			delete(m.waiting, t)
		}
	}
}

// AwaitTimers blocks until at least n timers wait: how a test knows that the code under test has gone to sleep.
func (m *Manual) AwaitTimers(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for len(m.waiting) < n {
		m.moved.Wait()
	}
}

type manualTimer struct {
	clock *Manual
	c     chan time.Time
	at    time.Time
}

func (t *manualTimer) C() <-chan time.Time { return t.c }

func (t *manualTimer) Stop() {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	delete(t.clock.waiting, t)
}
