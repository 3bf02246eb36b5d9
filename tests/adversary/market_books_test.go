// SPDX-License-Identifier: Apache-2.0

package adversary

import (
	"time"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	leasestypes "github.com/athnet/ath/x/leases/types"
)

// span is a time from one instant to another.
type span [2]time.Time

func (s span) long() time.Duration { return max(0, s[1].Sub(s[0])) }

// common is the time that two spans have in common.
func (s span) common(other span) time.Duration {
	if other[0].After(s[0]) {
		s[0] = other[0]
	}
	if other[1].Before(s[1]) {
		s[1] = other[1]
	}
	return s.long()
}

// stay is what a lease had of one Container.
type stay struct {
	container uint64
	rate      int64 // millionths per second
	minimum   int64 // what coming costs at least, whole units
	spans     []span
	storage   math.Int // most that pauses have cost, whole units
}

// book is what somebody with pencil and paper notes of a lease: from when on its worker said that it ran, for how much, and up to when. Prices
// are those of the offer that its provider sent, times those of the messages.
type book struct {
	id, tenant string
	standbyOf  string
	stays      []*stay
	full       int64 // rate after taking over, of a standby
	storage    int64 // rate in a pause
	reserved   bool
	term       time.Time // up to when who leaves a reserved lease pays
	created    time.Time
	bound      time.Time
	ends       time.Time // agreed; zero where not
	notice     time.Time // when its provider takes the Container back; zero where it has not said so
	running    *time.Time
	paused     *time.Time
	pauses     int64
	over       bool

	// What the chain says of it; none of these ever falls.
	billed, credited math.Int
	settled          time.Time
	records          uint64
}

func (b *book) here() *stay { return b.stays[len(b.stays)-1] }

// until is the time up to which it may be paid for at most.
func (b *book) until(now time.Time) time.Time {
	for _, end := range []time.Time{b.ends, b.notice} {
		if !end.IsZero() && end.Before(now) {
			now = end
		}
	}
	return now
}

// halt ends the time in which it runs.
func (b *book) halt(at time.Time) {
	if b.running != nil {
		b.here().spans = append(b.here().spans, span{*b.running, at})
		b.running = nil
	}
}

// kept ends a pause, which costs the storage rate.
func (b *book) kept(s span) {
	b.here().storage = b.here().storage.Add(costs(b.storage, s.long()).AddRaw(parts - 1).QuoRaw(parts))
	b.paused, b.pauses = nil, b.pauses+1
}

// parts is how many of what a millionth per second is worth in a nanosecond make a unit.
const parts = 1_000_000_000_000_000

// costs is what a rate comes to in a time, in parts of a unit.
func costs(rate int64, d time.Duration) math.Int { return math.NewInt(rate).MulRaw(int64(d)) }

// runs are the times in which it ran in a Container, up to now.
func (b *book) runs(s *stay, now time.Time) []span {
	spans := s.spans
	if b.running != nil && s == b.here() {
		spans = append(spans[:len(spans):len(spans)], span{*b.running, b.until(now)})
	}
	return spans
}

// faults of a Container up to now.
func (m *bazaar) faults(container uint64) (faults []span) {
	for _, f := range m.outages[container] {
		faults = append(faults, f)
	}
	if since, down := m.down[container]; down {
		faults = append(faults, span{since, m.ctx.BlockTime()})
	}
	return faults
}

// most is what a stay may have brought its provider at most, in parts of a unit: the rate while the workload ran and no fault stood, or the
// minimum charge; and what pauses cost. With gross, faults are not taken off: their credit may be owed still.
func (m *bazaar) most(b *book, s *stay, gross bool) math.Int {
	now, sum := m.ctx.BlockTime(), math.ZeroInt()
	for _, run := range b.runs(s, now) {
		long := run.long()
		for _, f := range m.faults(s.container) {
			if !gross {
				long -= run.common(f)
			}
		}
		sum = sum.Add(costs(s.rate, max(0, long)))
	}
	return math.MaxInt(sum, math.NewInt(s.minimum).MulRaw(parts)).Add(s.storage.MulRaw(parts))
}

// sound says whether no fault has touched a lease: then it is billed by the clock alone.
func (m *bazaar) sound(b *book) bool {
	for _, s := range b.stays {
		for _, f := range m.faults(s.container) {
			if f[1].After(b.created) {
				return false
			}
		}
	}
	return true
}

// least is what a sound lease has earned by now, in whole units: the rate while it ran. Where it was paused or moved a fraction was let go.
func (m *bazaar) least(b *book) math.Int {
	sum := math.ZeroInt()
	for _, s := range b.stays {
		for _, run := range b.runs(s, m.ctx.BlockTime()) {
			sum = sum.Add(costs(s.rate, run.long()))
		}
	}
	return math.MaxInt(math.ZeroInt(), sum.QuoRaw(parts).SubRaw(b.pauses).SubRaw(int64(len(b.stays)-1)))
}

// observe brings a book up to date with what the chain says has become of a lease, and checks what it was billed.
func (m *bazaar) observe(b *book) {
	if b.over {
		return
	}
	id, err := leasestypes.ParseLeaseID(b.id)
	require.NoError(m.t, err)
	lease, err := m.Leases.Lease(m.ctx, id)
	if err != nil {
		m.ended(b, m.receipt(b.id))
		return
	}
	require.Equal(m.t, b.here().container, lease.ContainerId)
	if lease.PausedAt != nil && b.paused == nil {
		require.NotNil(m.t, b.running, "what has not started can't pause")
		require.False(m.t, lease.PausedAt.Before(*b.running) || lease.PausedAt.After(b.until(m.ctx.BlockTime())))
		b.halt(*lease.PausedAt)
		b.paused = lease.PausedAt
	}
	m.rises(b, lease.Billed, lease.Credited, lease.SettledUntil)
	require.GreaterOrEqual(m.t, lease.UsageSequence, b.records)
	b.records = lease.UsageSequence
	m.bills(b)
}

// rises checks that nothing of what a lease was billed is forgotten.
func (m *bazaar) rises(b *book, billed, credited math.Int, settled time.Time) {
	require.True(m.t, billed.GTE(b.billed), "billed %s after %s", billed, b.billed)
	require.True(m.t, credited.GTE(b.credited), "credited %s after %s", credited, b.credited)
	require.False(m.t, settled.Before(b.settled), "settled until %s after %s", settled, b.settled)
	b.billed, b.credited, b.settled = billed, credited, settled
}

// bills checks that nobody is billed for more than its worker has said that it ran, or than coming costs.
func (m *bazaar) bills(b *book) {
	most := math.ZeroInt()
	for _, s := range b.stays {
		most = most.Add(m.most(b, s, true))
	}
	require.True(m.t, b.billed.MulRaw(parts).LTE(most), "%s was billed %s of %s parts", b.id, b.billed, most)
}

// ended closes a book by a receipt.
func (m *bazaar) ended(b *book, r leasestypes.Receipt) {
	now, ran := m.ctx.BlockTime(), b.running != nil
	require.False(m.t, r.EndedAt.After(b.until(now)), "%s ended at %s, and was agreed up to %s", b.id, r.EndedAt, b.until(now))
	waited := b.paused != nil
	switch {
	case waited:
		b.kept(span{*b.paused, r.EndedAt})
	case ran:
		b.halt(r.BilledUntil)
		if r.EndedAt.After(r.BilledUntil) { // it was paused, and that was over, in one block
			waited = true
			b.kept(span{r.BilledUntil, r.EndedAt})
		}
	}
	b.over = true
	m.rises(b, r.Billed, r.Credited, r.BilledUntil)
	m.bills(b)
	if r.Reason == leasestypes.CloseReason_CLOSE_REASON_PROVIDER && (ran || waited) && (b.notice.IsZero() || r.EndedAt.Before(b.notice)) {
		m.disturbed = true // a promise was broken, and part of what was paid comes back
	}
	if !m.sound(b) {
		return
	}
	least := m.least(b)
	if len(b.stays) == 1 && b.notice.IsZero() {
		least = least.Add(m.leaving(b, r, least, ran || waited))
	}
	require.True(m.t, r.Billed.GTE(least), "%s was billed %s, and has served %s: %s", b.id, r.Billed, least, r.Reason)
}

// leaving is what a tenant owes on top for a lease that ends before it has paid for its coming.
func (m *bazaar) leaving(b *book, r leasestypes.Receipt, served math.Int, started bool) math.Int {
	left := r.Reason == leasestypes.CloseReason_CLOSE_REASON_TENANT
	switch r.Reason {
	case leasestypes.CloseReason_CLOSE_REASON_EXHAUSTED, leasestypes.CloseReason_CLOSE_REASON_EXPIRED, leasestypes.CloseReason_CLOSE_REASON_NOT_NEEDED:
		left = started && !b.reserved
	}
	switch {
	case !left:
		return math.ZeroInt()
	case b.reserved:
		return costs(b.here().rate, max(0, b.term.Sub(r.EndedAt))).QuoRaw(parts)
	}
	return math.MaxInt(math.ZeroInt(), math.NewInt(b.here().minimum).Sub(served))
}
