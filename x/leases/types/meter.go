// SPDX-License-Identifier: Apache-2.0

package types

import (
	"time"

	"cosmossdk.io/math"

	athtypes "github.com/athnet/ath/x/ath/types"
)

// MicroUSD is the denom of prices in millionths of a dollar. Nobody holds it: what it costs is paid in uath by x/ath's UsdIndex.
const MicroUSD = "musd"

// UsdLook is how long an account that spends in USD is not looked at, at most: the price may fall in the meantime, and its end come earlier.
const UsdLook = 24 * time.Hour

// A Clock runs while a price in USD costs uath: at a rate of r, the time from a to b costs r x (At(b) - At(a)), in 10^-27 uath. It is
// x/ath's UsdIndex. The clock of a price in the denom that pays is time itself.
type Clock interface {
	// At is where the clock stands at a time, in 10^-12 uath x ns per musd. It never falls; in future it runs on as it does now.
	At(t time.Time) math.Int
}

// slope is how far the clock runs in a nanosecond from a time on.
func slope(c Clock, from time.Time) math.Int { return c.At(from.Add(1)).Sub(c.At(from)) }

// Rates are prices per second that are summed up, in 10^-6 of the smallest unit of the denom that pays, and of musd.
type Rates struct{ Units, USD math.Int }

// NoRates cost nothing.
func NoRates() Rates { return Rates{Units: math.ZeroInt(), USD: math.ZeroInt()} }

// Add is the sum with a rate more.
func (r Rates) Add(denom string, rate math.Int) Rates {
	if denom == MicroUSD {
		r.USD = r.USD.Add(rate)
	} else {
		r.Units = r.Units.Add(rate)
	}
	return r
}

// PerNanosecond is what the rates cost in a nanosecond at the price of a time, in 10^-27 units.
func (r Rates) PerNanosecond(at time.Time, usd Clock) math.Int {
	cost := r.Units.Mul(perNanosecond)
	if r.USD.IsPositive() {
		cost = cost.Add(r.USD.Mul(slope(usd, at)))
	}
	return cost
}

// Cost is what the rates cost in d at the price of a time, in 10^-27 units.
func (r Rates) Cost(d time.Duration, at time.Time, usd Clock) math.Int {
	return r.PerNanosecond(at, usd).MulRaw(int64(d))
}

// Price is what the offer's rate, or another in its denom, costs in d at the price of now, in whole units of the denom that pays.
func (o Offer) Price(rate math.Int, d time.Duration, now time.Time, usd Clock) math.Int {
	return UnitsRoundedUp(NoRates().Add(o.Denom, rate).Cost(d, now, usd))
}

// PaidIn is the denom in which leases of the offer are paid.
func (o Offer) PaidIn() string {
	if o.Denom == MicroUSD {
		return athtypes.Denom
	}
	return o.Denom
}

// priced sets in which denom a new lease's rate is.
func (l Lease) priced(offer Offer) Lease {
	l.PriceDenom, l.UsdIndex = "", nil
	if offer.Denom == MicroUSD {
		l.PriceDenom = MicroUSD
	}
	return l
}

// PricedIn is the denom of the lease's rate.
func (l Lease) PricedIn() string { return pricedIn(l.PriceDenom, l.Denom) }

// PricedIn is the denom of the ended lease's rate.
func (r Receipt) PricedIn() string { return pricedIn(r.PriceDenom, r.Denom) }

func pricedIn(price, denom string) string {
	if price != "" {
		return price
	}
	return denom
}

// InUSD says whether the lease's rate is in musd.
func (l Lease) InUSD() bool { return l.PriceDenom == MicroUSD }

// at is where the lease's clock stands; where it was settled last the lease knows itself, however long ago that was.
func (l Lease) at(t time.Time, usd Clock) math.Int {
	if l.UsdIndex != nil && t.Equal(l.SettledUntil) {
		return *l.UsdIndex
	}
	return usd.At(t)
}

// costs is what the lease's rate costs from one time to another that is not earlier, in 10^-27 units.
func (l Lease) costs(from, to time.Time, usd Clock) math.Int {
	if !l.InUSD() {
		return Accrued(l.Rate, to.Sub(from))
	}
	return l.Rate.Mul(l.at(to, usd).Sub(l.at(from, usd)))
}

// settledTo is the lease with its accrual taken over up to a time.
func (l Lease) settledTo(t time.Time, usd Clock) Lease {
	if l.InUSD() {
		index := l.at(t, usd)
		l.UsdIndex = &index
	}
	l.SettledUntil = t
	return l
}

// add puts a rate of a lease on the account's meters, or takes it off where negative. A lease that is put on was settled when the account
// was touched.
func (a Account) add(l Lease, rate math.Int) Account {
	switch {
	case rate.IsZero():
		return a
	case !l.InUSD():
		a.Rate = a.Rate.Add(rate)
		return a
	case a.Usd == nil:
		a.Usd = &UsdMeter{Rate: rate, Index: *l.UsdIndex}
		return a
	}
	usd := *a.Usd
	usd.Rate = usd.Rate.Add(rate)
	a.Usd = &usd
	if usd.Rate.IsZero() {
		a.Usd = nil
	}
	return a
}

// Rates are what the account's leases cost together.
func (a Account) Rates() Rates {
	r := Rates{Units: a.Rate, USD: math.ZeroInt()}
	if a.Usd != nil {
		r.USD = a.Usd.Rate
	}
	return r
}

// Spends says whether the account spends anything as time passes.
func (a Account) Spends() bool { return a.Rate.IsPositive() || a.Usd != nil }

// spent is what the account's leases have cost since it was touched, in 10^-27 units.
func (a Account) spent(until time.Time, usd Clock) math.Int {
	spent := Accrued(a.Rate, until.Sub(a.TouchedAt))
	if a.Usd != nil {
		spent = spent.Add(a.Usd.Rate.Mul(usd.At(until).Sub(a.Usd.Index)))
	}
	return spent
}

// lastPaid is the last instant up to now of which no more was spent than is left, where it is not all of the time: by division, or, where the
// price of ATH has changed in between, by halving the time, at most 63 times.
func (a Account) lastPaid(left math.Int, now time.Time, usd Clock) time.Time {
	if a.Usd == nil {
		return a.TouchedAt.Add(time.Duration(left.Quo(a.Rate.Mul(perNanosecond)).Int64()))
	}
	paid, unpaid := a.TouchedAt, now
	for unpaid.Sub(paid) > 1 {
		middle := paid.Add(unpaid.Sub(paid) / 2)
		if a.spent(middle, usd).GT(left) {
			unpaid = middle
		} else {
			paid = middle
		}
	}
	return paid
}
