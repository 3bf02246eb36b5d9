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
	// Prepaid is what a reserved lease's reserve pays for time that has passed, in whole units.
	Prepaid math.Int
	// Released is how much of the reserve the account holds no longer, in whole units.
	Released math.Int
	// Forgiven is accrual that nobody is paid for, in 10^-27 units: outages, the time before the start and after the end,
	// and the last fraction of a unit.
	Forgiven math.Int
}

// Nothing is the settlement that changes nothing.
func Nothing() Settlement {
	zero := math.ZeroInt()
	return Settlement{Earned: zero, Minimum: zero, Prepaid: zero, Released: zero, Forgiven: zero}
}

// Total is what the provider is paid, service fee included.
func (s Settlement) Total() math.Int { return s.Earned.Add(s.Minimum).Add(s.Prepaid) }

// IsNothing says whether the account stays as it is.
func (s Settlement) IsNothing() bool {
	return s.Earned.IsZero() && s.Minimum.IsZero() && s.Prepaid.IsZero() && s.Released.IsZero() && s.Forgiven.IsZero()
}

// ID names the lease.
func (l Lease) ID() string { return idString(l.Tenant, l.Number) }

// Opening is what a message answers that has opened the lease.
func (l Lease) Opening() OpenedLease {
	return OpenedLease{LeaseId: l.ID(), ContainerId: l.ContainerId, Rate: l.Rate}
}

// Accrues is the rate at which the lease's account spends for it now: a paused or reserved one is paid from its reserve.
func (l Lease) Accrues() math.Int {
	if l.State == LeaseState_LEASE_STATE_PAUSED || l.Prepaid() {
		return math.ZeroInt()
	}
	return l.Rate
}

// Bills says whether time that passes is billed: once it has started, or while it stands by.
func (l Lease) Bills() bool {
	return l.State == LeaseState_LEASE_STATE_RUNNING || l.State == LeaseState_LEASE_STATE_STANDBY
}

// Reserved is what its account holds back for it, in whole units.
func (l Lease) Reserved() math.Int { return l.Reserve.Add(l.GraceReserve) }

// DueBy says whether the lease's time was over when its account was touched: its agreed end, or the end of its pause, which the
// account does not pay for.
func (l Lease) DueBy(touched, now time.Time) bool {
	if l.PausedAt != nil {
		return !l.QueuedEnd().After(now)
	}
	return l.Expired(l.EndAt(touched, now))
}

// EndAt is where the lease ends if it ends now: not beyond what was paid for, the agreed end or the grace of its pause.
func (l Lease) EndAt(touched, now time.Time) time.Time {
	switch {
	case l.PausedAt != nil:
		return earlier(now, *l.QueuedEnd())
	case l.Prepaid():
		return l.BilledUntil(now)
	}
	return l.BilledUntil(touched)
}

// BilledUntil is the last instant that can be billed now, given how far the account was touched: never beyond the account's
// end, the agreed end, or when the Container is taken back.
func (l Lease) BilledUntil(touched time.Time) time.Time {
	if end := l.AgreedEnd(); end != nil {
		return earlier(touched, *end)
	}
	return touched
}

// Start begins billing at the start of the first usage record, but not before the lease or after now; what was held since
// creation is given back. The account is touched at now. Of the outage since creation as much as fits is taken to lie before
// the start, where nothing is billed anyway.
func (l Lease) Start(from, now time.Time, outage time.Duration, usd Clock) (Lease, Settlement) {
	at := later(l.BoundAt, earlier(from, now))
	if end := l.AgreedEnd(); end != nil {
		at = earlier(at, *end)
	}
	s := Nothing()
	s.Forgiven = l.costs(l.SettledUntil, at, usd)
	l.OutageSeen += min(max(0, outage-l.OutageSeen), at.Sub(l.SettledUntil))
	l.State = LeaseState_LEASE_STATE_RUNNING
	if l.StartedAt == nil {
		l.StartedAt = &at
	}
	l.CreditableFrom, l.FreeUntil = &at, nil
	return l.settledTo(at, usd).drawn(s)
}

// Settle pays what was earned from settled_until to until, less the Container's outage in between and what a fault made free. An outage that is longer
// than the interval is carried to the next one. Whole units are paid, the remainder stays: settling often or once pays the
// same. The price of ATH at which an outage is not billed is that of the interval's end: verdicts settle what came before them. Pure and total;
// an ACTIVE lease earns nothing.
func (l Lease) Settle(until time.Time, outage time.Duration, usd Clock) (Lease, Settlement) {
	s := Nothing()
	elapsed := until.Sub(l.SettledUntil)
	if !l.Bills() || elapsed <= 0 {
		return l, s
	}
	free := l.free(until)
	out := min(max(0, outage-l.OutageSeen), elapsed-free)
	begin, end := l.SettledUntil.Add(free), until.Add(-out)
	s.Earned, l.Remainder = splitUnits(l.Remainder.Add(l.costs(begin, end, usd)))
	s.Forgiven = l.costs(l.SettledUntil, begin, usd).Add(l.costs(end, until, usd))
	s.Released = math.MinInt(l.Reserve, s.Earned)
	l.OutageSeen += out
	l.Lost += free + out
	l.Billed = l.Billed.Add(s.Earned)
	l.Reserve = l.Reserve.Sub(s.Released)
	return l.settledTo(until, usd).drawn(s)
}

// SetsFree says whether settling the lease may set money free: what it holds back for its minimum charge, or time that is not billed.
func (l Lease) SetsFree(outage time.Duration) bool {
	if !l.Bills() {
		return false
	}
	return l.Reserve.IsPositive() || l.Credit != nil && l.Credit.Reserve.IsPositive() || outage > l.OutageSeen ||
		l.FreeUntil != nil && l.FreeUntil.After(l.SettledUntil)
}

// End says how a lease ends.
type End struct {
	// At is the end of billing: not after the account was touched.
	At time.Time
	// By is an address, or empty for the chain itself.
	By string
	// Reason is why.
	Reason CloseReason
	// Abandoned says that the lease ran dry because its tenant took the money away (Lease.Abandoned).
	Abandoned bool
	// ExitCodes are what the worker said of the workload's services.
	ExitCodes []int32
	// Statement is what the worker has signed of the end, verified; nil for nothing.
	Statement *WorkerStatement
}

// chargesMinimum says whether a lease that ends for this reason before its minimum charge pays the difference. Once started
// it does unless the provider ended or failed it, or governance stepped in; running dry is no way round, it is reserved.
// Before the start only a tenant that walks away pays: who opens and closes leases at will would else block supply for free.
// A tenant whose provider is faulty or overdue leaves for FAULT or NOT_STARTED, at no charge.
func (r CloseReason) chargesMinimum(started bool) bool {
	switch r {
	case CloseReason_CLOSE_REASON_TENANT:
		return true
	case CloseReason_CLOSE_REASON_EXHAUSTED, CloseReason_CLOSE_REASON_EXPIRED, CloseReason_CLOSE_REASON_COMPLETED,
		CloseReason_CLOSE_REASON_NOT_NEEDED, CloseReason_CLOSE_REASON_GATEWAY_DRY, CloseReason_CLOSE_REASON_CREDIT_ENDED:
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

// Overdue says whether a lease that has not started should have: the limit is over since it was bound, and since the network
// last resumed. While the network stands still no worker can say that it has started.
func (l Lease) Overdue(now, resumed time.Time, limit time.Duration) bool {
	return l.State == LeaseState_LEASE_STATE_ACTIVE && now.After(later(l.BoundAt, resumed).Add(limit))
}

// Accuses says whether the provider is charged for a lease that ends for this reason: it let the start limit pass. A provider
// that refuses in time has cost the tenant no more than that, and only loses the reward for being offered.
func (r CloseReason) Accuses(l Lease) bool {
	return l.State == LeaseState_LEASE_STATE_ACTIVE && r == CloseReason_CLOSE_REASON_NOT_STARTED
}

// Close settles a lease to its end and turns it into its receipt. touched is how far the account has counted it; what it
// counted beyond the end goes back to the tenant, and so does the last fraction of a unit.
func (l Lease) Close(end End, touched time.Time, outage time.Duration, usd Clock) (Receipt, Settlement) {
	refund := l.refund(end, outage, usd)
	l, s := l.Leave(end.charged(), end.At, touched, outage, usd)
	s.Forgiven = s.Forgiven.Add(l.Remainder)
	s.Released = s.Released.Add(l.GraceReserve)
	minimum := math.ZeroInt()
	if l.State != LeaseState_LEASE_STATE_PAUSED { // a pause costs storage, which is no part of the session
		minimum = s.Minimum
	}
	return Receipt{
		Tenant: l.Tenant, Number: l.Number, ContainerId: l.ContainerId, Provider: l.Provider,
		ClosedBy: end.By, Reason: end.Reason, CreatedAt: l.CreatedAt, StartedAt: l.StartedAt, EndedAt: later(l.SettledUntil, end.At),
		Denom: l.Denom, PriceDenom: l.PriceDenom, Rate: l.Rate, Billed: l.Billed, Outage: l.Lost, ManifestHash: l.ManifestHash,
		ExitCodes: end.ExitCodes, UsageSequence: l.UsageSequence, UsageHash: l.UsageHash,
		Refunded: refund, Fee: l.Fee, Statement: end.Statement,
	}.served(l, minimum), s
}

// Leave settles a lease for the time in its present Container, as if it ended there for a reason: up to until with what the pause
// has cost, the minimum charge where the reason charges it, and nothing beyond.
func (l Lease) Leave(reason CloseReason, until, touched time.Time, outage time.Duration, usd Clock) (Lease, Settlement) {
	var s Settlement
	if l.State == LeaseState_LEASE_STATE_PAUSED {
		l, s = l.payStorage(until, outage)
	} else {
		l, s = l.Settle(until, outage, usd)
		if !l.Prepaid() {
			s.Forgiven = s.Forgiven.Add(l.costs(l.SettledUntil, touched, usd))
		}
	}
	s.Released = s.Released.Add(l.Reserve)
	if reason.chargesMinimum(l.State != LeaseState_LEASE_STATE_ACTIVE) {
		minimum := l.minimum(until)
		s.Minimum = s.Minimum.Add(minimum)
		l.Billed = l.Billed.Add(minimum)
	}
	l.Reserve = math.ZeroInt()
	if l.Prepaid() { // whose account does not count the fraction of a unit that is left
		l.Remainder = math.ZeroInt()
	}
	return l, s
}

// NewLease is a lease of an offer as its mode sees it, bound and not started; the account is touched at now.
func NewLease(
	account Account, offer Offer, provider string, order *MsgCreateLease, now time.Time, outage time.Duration, usd Clock,
) Lease {
	l := Lease{
		Tenant: account.Tenant, Number: account.NextNumber, ContainerId: offer.ContainerId, Provider: provider,
		State: LeaseState_LEASE_STATE_ACTIVE, Denom: account.Denom, Rate: offer.Rate, CreatedAt: now, BoundAt: now, SettledUntil: now,
		FullRate: math.ZeroInt(), StorageRate: math.ZeroInt(), GraceReserve: math.ZeroInt(), Remainder: math.ZeroInt(), OutageSeen: outage, Billed: math.ZeroInt(), Reserve: offer.Reserve(now, usd), ManifestHash: order.ManifestHash, Failover: order.Failover, Priority: order.Priority,
		Credited: math.ZeroInt(), Fee: math.ZeroInt(), Mode: onDemand, Completes: order.Completes,
	}
	l = l.priced(offer).settledTo(now, usd)
	if rate := offer.StoragePrice(now, usd); order.Grace > 0 && rate.IsPositive() {
		l.StorageRate, l.GraceReserve = rate, UnitsRoundedUp(Accrued(rate, order.Grace))
	}
	if order.Duration > 0 {
		end := now.Add(order.Duration)
		l.EndsAt = &end
	}
	return l
}

// Expired says whether the agreed end had come, or that of its provider's notice, when the account was touched.
func (l Lease) Expired(touched time.Time) bool {
	end := l.AgreedEnd()
	return end != nil && !end.After(touched)
}

// QueuedEnd is when the expiry queue ends the lease: at its agreed end, when its provider takes the Container back, or when the grace of
// its pause is used up; nil where it has none of them.
func (l Lease) QueuedEnd() *time.Time {
	agreed := l.AgreedEnd()
	if l.PausedAt == nil {
		return agreed
	}
	end := l.PausedAt.Add(l.graceLeft())
	if agreed != nil {
		end = earlier(end, *agreed)
	}
	return &end
}
