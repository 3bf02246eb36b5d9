// SPDX-License-Identifier: Apache-2.0

package types

import (
	"time"

	"cosmossdk.io/math"
)

// MaxGrace bounds max_grace: a month in which a Container earns no more than its storage rate.
const MaxGrace = 30 * 24 * time.Hour

// Pausable says whether the lease can be kept when its money runs out: it runs, its provider keeps data for a price, and the tenant has
// put some of it by.
func (l Lease) Pausable() bool {
	return l.State == LeaseState_LEASE_STATE_RUNNING && l.graceLeft() > 0
}

// StoragePrice is what a paused lease of the offer costs per second, in 10^-6 of the smallest unit of the denom that pays. It stays for the
// lease's life what it is now, so that how long a reserve lasts is known.
func (o Offer) StoragePrice(now time.Time, usd Clock) math.Int {
	switch {
	case o.StorageRate.IsNil():
		return math.ZeroInt()
	case o.Denom != MicroUSD:
		return o.StorageRate
	}
	return math.MinInt(MaxRate, o.StorageRate.Mul(slope(usd, now)).Add(perNanosecond).SubRaw(1).Quo(perNanosecond))
}

// graceLeft is how long the grace reserve pays for, rounded down.
func (l Lease) graceLeft() time.Duration {
	if !l.StorageRate.IsPositive() {
		return 0
	}
	return time.Duration(math.MinInt(l.GraceReserve.Mul(perUnit).Quo(l.StorageRate.Mul(perNanosecond)), math.NewInt(int64(MaxGrace))).Int64())
}

// Pause stops a lease that can be paused: it is settled up to until, and spends no longer; what its account, which was touched further than
// that where another meter has ended, counted beyond is given back.
// What is reserved for its minimum charge stays reserved. The fraction of a unit that is left goes back now: at the end of the pause it would pay
// for other leases' time from before that, or not, by which block gets to it.
func (l Lease) Pause(until, touched time.Time, outage time.Duration, usd Clock) (Lease, Settlement) {
	l, s := l.Settle(until, outage, usd)
	s.Forgiven = s.Forgiven.Add(l.costs(l.SettledUntil, touched, usd)).Add(l.Remainder)
	l.Remainder = math.ZeroInt()
	l.State = LeaseState_LEASE_STATE_PAUSED
	l.PausedAt = &until
	return l, s
}

// Resume ends a pause: what it has cost is paid, and the lease waits for its worker to start it again.
func (l Lease) Resume(now time.Time, outage time.Duration, usd Clock) (Lease, Settlement) {
	l, s := l.payStorage(now, outage)
	l.State = LeaseState_LEASE_STATE_ACTIVE
	l.PausedAt = nil
	l.BoundAt = now
	l.CreditableFrom, l.FreeUntil = nil, nil
	l.Rebound++
	return l.settledTo(now, usd), s
}

// payStorage pays for a pause up to until, less the time in which the Container was faulty, out of the grace reserve.
func (l Lease) payStorage(until time.Time, outage time.Duration) (Lease, Settlement) {
	s := Nothing()
	elapsed := max(0, until.Sub(*l.PausedAt))
	lost := min(max(0, outage-l.OutageSeen), elapsed)
	s.Minimum = math.MinInt(l.GraceReserve, UnitsRoundedUp(Accrued(l.StorageRate, elapsed-lost)))
	s.Released = s.Minimum
	l.OutageSeen += lost
	l.Lost += lost
	l.Billed = l.Billed.Add(s.Minimum)
	l.GraceReserve = l.GraceReserve.Sub(s.Minimum)
	return l, s
}
