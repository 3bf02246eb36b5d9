// SPDX-License-Identifier: Apache-2.0

package types

import (
	"time"

	"cosmossdk.io/math"
)

// Settlement is what one step of a lease changes in its account and pays to its provider.
type Settlement struct {
	// Earned is what the lease's accrual pays, in whole units.
	Earned math.Int
	// Minimum is what the reserve pays on top when the lease ends before its minimum charge, in whole units.
	Minimum math.Int
	// Released is how much of the reserve the account holds no longer, in whole units.
	Released math.Int
	// Forgiven is accrual that nobody is paid for, in 10^-15 units: outages, the time before the start and after the end,
	// and the last fraction of a unit.
	Forgiven math.Int
}

// Nothing is the settlement that changes nothing.
func Nothing() Settlement {
	zero := math.ZeroInt()
	return Settlement{Earned: zero, Minimum: zero, Released: zero, Forgiven: zero}
}

// Total is what the provider is paid, service fee included.
func (s Settlement) Total() math.Int { return s.Earned.Add(s.Minimum) }

// IsNothing says whether the account stays as it is.
func (s Settlement) IsNothing() bool {
	return s.Earned.IsZero() && s.Minimum.IsZero() && s.Released.IsZero() && s.Forgiven.IsZero()
}

// ID names the lease.
func (l Lease) ID() string { return idString(l.Tenant, l.Number) }

// Opening is what a message answers that has opened the lease.
func (l Lease) Opening() OpenedLease {
	return OpenedLease{LeaseId: l.ID(), ContainerId: l.ContainerId, Rate: l.Rate}
}

// BilledUntil is the last instant that can be billed now, given how far the account was touched: never beyond the account's
// end or the agreed end.
func (l Lease) BilledUntil(touched time.Time) time.Time {
	if l.EndsAt != nil {
		return earlier(touched, *l.EndsAt)
	}
	return touched
}

// Start begins billing at the start of the first usage record, but not before the lease or after now; what was held since
// creation is given back. The account is touched at now. Of the outage since creation as much as fits is taken to lie before
// the start, where nothing is billed anyway.
func (l Lease) Start(from, now time.Time, outage time.Duration) (Lease, Settlement) {
	at := later(l.CreatedAt, earlier(from, now))
	if l.EndsAt != nil {
		at = earlier(at, *l.EndsAt)
	}
	s := Nothing()
	s.Forgiven = Accrued(l.Rate, at.Sub(l.SettledUntil))
	l.OutageSeen += min(max(0, outage-l.OutageSeen), at.Sub(l.SettledUntil))
	l.State = LeaseState_LEASE_STATE_RUNNING
	l.StartedAt = &at
	l.SettledUntil = at
	return l, s
}

// Settle pays what was earned from settled_until to until, less the Container's outage in between. An outage that is longer
// than the interval is carried to the next one. Whole units are paid, the remainder stays: settling often or once pays the
// same. Pure and total; an ACTIVE lease earns nothing.
func (l Lease) Settle(until time.Time, outage time.Duration) (Lease, Settlement) {
	s := Nothing()
	elapsed := until.Sub(l.SettledUntil)
	if l.State != LeaseState_LEASE_STATE_RUNNING || elapsed <= 0 {
		return l, s
	}
	lost := min(max(0, outage-l.OutageSeen), elapsed)
	s.Forgiven = Accrued(l.Rate, lost)
	s.Earned, l.Remainder = splitUnits(l.Remainder.Add(Accrued(l.Rate, elapsed-lost)))
	s.Released = math.MinInt(l.Reserve, s.Earned)
	l.OutageSeen += lost
	l.SettledUntil = until
	l.Billed = l.Billed.Add(s.Earned)
	l.Reserve = l.Reserve.Sub(s.Released)
	return l, s
}

// Outage is the time since the start that was not billed. It is exact: a running lease has been paid rate × time, less the
// remainder that it still holds.
func (l Lease) Outage() time.Duration {
	if l.StartedAt == nil {
		return 0
	}
	paid := l.Billed.Mul(perUnit).Add(l.Remainder).Quo(l.Rate)
	return l.SettledUntil.Sub(*l.StartedAt) - time.Duration(paid.Int64())
}

// End says how a lease ends.
type End struct {
	// At is the end of billing: not after the account was touched.
	At time.Time
	// By is an address, or empty for the chain itself.
	By string
	// Reason is why.
	Reason CloseReason
	// ExitCodes are what the worker said of the workload's services.
	ExitCodes []int32
}

// chargesMinimum says whether a lease that ends for this reason before its minimum charge pays the difference. Once started
// it does unless the provider ended or failed it, or governance stepped in; running dry is no way round, it is reserved.
// Before the start only a tenant that walks away pays: who opens and closes leases at will would else block supply for free.
// A tenant whose provider is faulty or overdue leaves for FAULT or NOT_STARTED, at no charge.
func (r CloseReason) chargesMinimum(started bool) bool {
	switch r {
	case CloseReason_CLOSE_REASON_TENANT:
		return true
	case CloseReason_CLOSE_REASON_EXHAUSTED, CloseReason_CLOSE_REASON_EXPIRED, CloseReason_CLOSE_REASON_COMPLETED:
		return started
	default:
		return false
	}
}

// Refuses says whether a lease that ends for this reason was not served: its Container is checked anew and earns no capacity
// for a time. A provider who closes what it has not started can't keep tenants off and be rewarded for being offered.
func (r CloseReason) Refuses(l Lease) bool {
	return l.State == LeaseState_LEASE_STATE_ACTIVE &&
		(r == CloseReason_CLOSE_REASON_NOT_STARTED || r == CloseReason_CLOSE_REASON_PROVIDER)
}

// Overdue says whether a lease that has not started should have: the limit is over since it was opened, and since the network
// last resumed. While the network stands still no worker can say that it has started.
func (l Lease) Overdue(now, resumed time.Time, limit time.Duration) bool {
	return l.State == LeaseState_LEASE_STATE_ACTIVE && now.After(later(l.CreatedAt, resumed).Add(limit))
}

// Accuses says whether the provider is charged for a lease that ends for this reason: it let the start limit pass. A provider
// that refuses in time has cost the tenant no more than that, and only loses the reward for being offered.
func (r CloseReason) Accuses(l Lease) bool {
	return l.State == LeaseState_LEASE_STATE_ACTIVE && r == CloseReason_CLOSE_REASON_NOT_STARTED
}

// Close settles a lease to its end and turns it into its receipt. touched is how far the account has counted it; what it
// counted beyond the end goes back to the tenant, and so does the last fraction of a unit.
func (l Lease) Close(end End, touched time.Time, outage time.Duration) (Receipt, Settlement) {
	l, s := l.Settle(end.At, outage)
	s.Forgiven = s.Forgiven.Add(l.Remainder).Add(Accrued(l.Rate, touched.Sub(l.SettledUntil)))
	s.Released = s.Released.Add(l.Reserve)
	lost := l.Outage()
	if end.Reason.chargesMinimum(l.State == LeaseState_LEASE_STATE_RUNNING) {
		s.Minimum = l.Reserve
		l.Billed = l.Billed.Add(l.Reserve)
	}
	return Receipt{
		Tenant: l.Tenant, Number: l.Number, ContainerId: l.ContainerId, Provider: l.Provider,
		ClosedBy: end.By, Reason: end.Reason, CreatedAt: l.CreatedAt, StartedAt: l.StartedAt, EndedAt: later(l.SettledUntil, end.At),
		Denom: l.Denom, Rate: l.Rate, Billed: l.Billed, Outage: lost, ManifestHash: l.ManifestHash,
		ExitCodes: end.ExitCodes, UsageSequence: l.UsageSequence, UsageHash: l.UsageHash,
	}, s
}

// NewLease is a lease of an offer, bound and not started; the account is touched at now.
func NewLease(
	account Account, offer Offer, provider string, manifestHash []byte, now time.Time, duration, outage time.Duration,
) Lease {
	l := Lease{
		Tenant: account.Tenant, Number: account.NextNumber, ContainerId: offer.ContainerId, Provider: provider,
		State: LeaseState_LEASE_STATE_ACTIVE, Denom: offer.Denom, Rate: offer.Rate, CreatedAt: now, SettledUntil: now,
		Remainder: math.ZeroInt(), OutageSeen: outage, Billed: math.ZeroInt(), Reserve: offer.Reserve(), ManifestHash: manifestHash,
	}
	if duration > 0 {
		end := now.Add(duration)
		l.EndsAt = &end
	}
	return l
}

// Expired says whether the agreed end had come when the account was touched.
func (l Lease) Expired(touched time.Time) bool {
	return l.EndsAt != nil && !l.EndsAt.After(touched)
}
