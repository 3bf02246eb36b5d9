// SPDX-License-Identifier: Apache-2.0

package types

import (
	"time"

	"cosmossdk.io/math"
)

const (
	// MinNotice is the least notice, for development networks: with none, nobody would need to give it.
	MinNotice = time.Second
	// MaxReclaimNotice bounds reclaim_notice: nobody is bound for longer than a week to who pays by the second and may leave at any time.
	MaxReclaimNotice = 7 * 24 * time.Hour
	// MaxReclaimNoticeReserved bounds reclaim_notice_reserved: a machine that must go can go within a month.
	MaxReclaimNoticeReserved = 30 * 24 * time.Hour
	// MaxReclaimCap bounds reclaim_cap: more than a year's rent is no provider's to lose for one lease.
	MaxReclaimCap = 366 * 24 * time.Hour
)

// Notice is how long before a provider takes a Container back it has to say so.
func (p Params) Notice(mode LeaseMode) time.Duration {
	if mode == reserved {
		return p.ReclaimNoticeReserved
	}
	return p.ReclaimNotice
}

func (p Params) validateReclaim() error {
	for _, f := range []struct {
		name               string
		value, least, most time.Duration
	}{
		{"reclaim_notice", p.ReclaimNotice, MinNotice, MaxReclaimNotice},
		{"reclaim_notice_reserved", p.ReclaimNoticeReserved, MinNotice, MaxReclaimNoticeReserved},
		{"reclaim_cap", p.ReclaimCap, 0, MaxReclaimCap},
	} {
		if f.value < f.least || f.value > f.most {
			return ErrInvalidParams.Wrapf("%s: %s: want %s to %s", f.name, f.value, f.least, f.most)
		}
	}
	return nil
}

// AgreedEnd is when the lease ends if its money lasts: at its agreed end, or when its provider takes the Container back; nil where it
// has neither.
func (l Lease) AgreedEnd() *time.Time {
	switch {
	case l.ReclaimAt == nil:
		return l.EndsAt
	case l.EndsAt == nil || l.ReclaimAt.Before(*l.EndsAt):
		return l.ReclaimAt
	}
	return l.EndsAt
}

// Reclaim gives the tenant notice, once. It says what the provider owes for that: a reserved lease was promised to its end.
func (l Lease) Reclaim(now time.Time, p Params, usd Clock) (Lease, math.Int, error) {
	switch {
	case l.ReclaimAt != nil:
		return l, math.ZeroInt(), ErrReclaim.Wrapf("lease_id: notice was given to %s already: its Container is free at %s", l.ID(), l.ReclaimAt)
	case l.State == LeaseState_LEASE_STATE_ACTIVE:
		return l, math.ZeroInt(), ErrReclaim.Wrapf("lease_id: %s has not started: close it for PROVIDER to refuse it", l.ID())
	case l.AgreedEnd() != nil && !l.AgreedEnd().After(now):
		return l, math.ZeroInt(), ErrReclaim.Wrapf("lease_id: the agreed end of %s has come: this block ends it", l.ID())
	}
	at := now.Add(p.Notice(l.Mode))
	l.ReclaimAt = &at
	return l, l.worth(l.Unserved(at, p), now, usd), nil
}

// Breach is what a provider owes that ends a lease now, in whole units: for what is left of the notice, also where none was given, and of
// a reserved lease for the rest of its term, unless it has answered for that when it gave notice. Zero where nothing is due: the
// notice is over, the agreed end has come, or the lease has not started, in which case closing it is a refusal.
func (l Lease) Breach(reason CloseReason, now time.Time, p Params, usd Clock) math.Int {
	return l.worth(l.Withheld(reason, now, p), now, usd)
}

// Withheld is the time that Breach charges.
func (l Lease) Withheld(reason CloseReason, now time.Time, p Params) time.Duration {
	if reason != CloseReason_CLOSE_REASON_PROVIDER || l.State == LeaseState_LEASE_STATE_ACTIVE {
		return 0
	}
	if l.ReclaimAt != nil {
		return max(0, l.AgreedEnd().Sub(now))
	}
	at := now.Add(p.Notice(l.Mode))
	rest := l.Unserved(at, p)
	if l.EndsAt != nil {
		at = earlier(at, *l.EndsAt)
	}
	return max(0, at.Sub(now)+rest)
}

// Unserved is how much of a reserved lease's term its provider withholds by ending it at a time, up to the cap.
func (l Lease) Unserved(at time.Time, p Params) time.Duration {
	if !l.Prepaid() {
		return 0
	}
	return min(max(0, l.EndsAt.Sub(at)), p.ReclaimCap)
}

// worth is what a time costs at the lease's rate, and at the price of now, in whole units, rounded up.
func (l Lease) worth(d time.Duration, now time.Time, usd Clock) math.Int {
	return UnitsRoundedUp(NoRates().Add(l.PricedIn(), l.Rate).Cost(max(0, d), now, usd))
}

// EndsFor is why the chain ends a lease whose time is over at a given end: it was agreed, taken back, or nobody pays for more. Who was
// to start it in time and did not is not excused by having given notice.
func (l Lease) EndsFor(at time.Time, overdue bool) CloseReason {
	switch {
	case l.EndsAt != nil && !l.EndsAt.After(at):
		return CloseReason_CLOSE_REASON_EXPIRED
	case l.ReclaimAt == nil || l.ReclaimAt.After(at):
		return CloseReason_CLOSE_REASON_EXHAUSTED
	case overdue:
		return CloseReason_CLOSE_REASON_NOT_STARTED
	}
	return CloseReason_CLOSE_REASON_PROVIDER
}
