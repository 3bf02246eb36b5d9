// SPDX-License-Identifier: Apache-2.0

package market

import (
	"sync"
	"time"

	"github.com/athnet/ath/offchain/daemon/clock"
)

// reservations keep two tenants from being sent to one Container within the few seconds that a lease takes. They bind nobody: the
// chain gives the Container to the first transaction.
type reservations struct {
	clock clock.Clock
	hold  time.Duration

	mu    sync.RWMutex
	held  map[uint32]reservation
	queue []expiry
}

type reservation struct {
	tenant string
	until  time.Time
}

// expiry is an entry of the queue; all are held equally long, so the oldest expires first.
type expiry struct {
	id    uint32
	until time.Time
}

func newReservations(c clock.Clock, hold time.Duration) *reservations {
	return &reservations{clock: c, hold: hold, held: map[uint32]reservation{}}
}

// holder returns who holds a Container now; empty where nobody does. The caller holds mu for reading.
func (r *reservations) holder(id uint32, now time.Time) string {
	if len(r.held) == 0 {
		return ""
	}
	if h, ok := r.held[id]; ok && now.Before(h.until) {
		return h.tenant
	}
	return ""
}

// take reserves a Container. Of two matches at the same instant the later one wins: a reservation is a courtesy, not a lock.
func (r *reservations) take(id uint32, tenant string, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.queue) > 0 && !now.Before(r.queue[0].until) {
		old := r.queue[0]
		r.queue = r.queue[1:]
		if h, ok := r.held[old.id]; ok && !now.Before(h.until) {
			delete(r.held, old.id)
		}
	}
	until := now.Add(r.hold)
	r.held[id] = reservation{tenant: tenant, until: until}
	r.queue = append(r.queue, expiry{id: id, until: until})
}

// drop ends a reservation, because the Container is leased.
func (r *reservations) drop(id uint32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.held, id)
}
