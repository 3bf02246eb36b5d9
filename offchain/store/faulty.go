// SPDX-License-Identifier: Apache-2.0

package store

import (
	"errors"
	"sync"
)

// ErrCrash is what Faulty answers from the moment at which it was told to die.
var ErrCrash = errors.New("store: crashed on cue")

// Faulty dies on cue, so that a test can stand on both sides of every write: as if the process had been killed just before the
// write reached the disk, or just after it, with the caller none the wiser.
type Faulty struct {
	Store

	mu      sync.Mutex
	updates int
	crashAt int
	after   bool
	dead    bool
}

// NewFaulty behaves like its store until told otherwise.
func NewFaulty(s Store) *Faulty { return &Faulty{Store: s} }

// CrashBefore makes the n-th Update from now (1 is the next) fail without effect, and everything after it.
func (f *Faulty) CrashBefore(n int) { f.arm(n, false) }

// CrashAfter makes the n-th Update from now take effect and still fail, and everything after it.
func (f *Faulty) CrashAfter(n int) { f.arm(n, true) }

func (f *Faulty) arm(n int, after bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.crashAt, f.after = f.updates+n, after
}

// Revive ends the failure, as a restart of the process would.
func (f *Faulty) Revive() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dead, f.crashAt = false, 0
}

// Updates counts the updates that were tried.
func (f *Faulty) Updates() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.updates
}

// Update fails on cue.
func (f *Faulty) Update(fn func(Tx) error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.dead {
		return ErrCrash
	}
	f.updates++
	if f.updates != f.crashAt {
		return f.Store.Update(fn)
	}
	f.dead = true
	if f.after {
		return errors.Join(ErrCrash, f.Store.Update(fn))
	}
	return ErrCrash
}

// View fails once dead.
func (f *Faulty) View(fn func(Tx) error) error {
	f.mu.Lock()
	dead := f.dead
	f.mu.Unlock()
	if dead {
		return ErrCrash
	}
	return f.Store.View(fn)
}
