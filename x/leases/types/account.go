// SPDX-License-Identifier: Apache-2.0

package types

import (
	"time"

	"cosmossdk.io/math"
)

// An Account is where a tenant's leases meet: it knows how fast the balance is spent and up to when that was counted, and
// nothing of the single leases. The balance itself is a row of x/ath and is passed in. Two invariants hold after every
// method (account_test.go, keeper/model_test.go):
//
//	A1  accrued = Σ over the open leases of what their rate cost from settled_until to touched_at + remainder
//	A2  balance × 10^27 ≥ accrued + reserved × 10^27

// NewAccount is the account of a tenant that never had a lease in denom.
func NewAccount(tenant, denom string, now time.Time) Account {
	return Account{
		Tenant: tenant, Denom: denom, Rate: math.ZeroInt(), Accrued: math.ZeroInt(), Reserved: math.ZeroInt(),
		TouchedAt: now, NextNumber: 1,
	}
}

// left is what the balance can still pay for, in 10^-27 units; negative where it covers not even that.
func (a Account) left(balance math.Int) math.Int {
	return balance.Sub(a.Reserved).Mul(perUnit).Sub(a.Accrued)
}

// ExhaustedAt is the last instant that the balance pays for at the present rate, of a touched account: at the present price, where leases are
// priced in USD. False where nothing is spent or where it is further away than anyone plans. Rounded down, so that A2 holds at that instant.
func (a Account) ExhaustedAt(balance math.Int, usd Clock) (time.Time, bool) {
	if !a.Spends() {
		return time.Time{}, false
	}
	left := a.left(balance)
	if left.IsNegative() {
		return a.TouchedAt, true
	}
	burn := a.Rates().PerNanosecond(a.TouchedAt, usd)
	if !burn.IsPositive() || left.Quo(burn).GT(math.NewInt(int64(forever))) {
		return time.Time{}, false
	}
	return a.TouchedAt.Add(time.Duration(left.Quo(burn).Int64())), true
}

// Touch counts what was spent up to now, or up to the moment at which the balance was used up if that came first. After a
// deposit the time in between is counted too: the leases ran on, because nothing had closed them.
func (a Account) Touch(now time.Time, balance math.Int, usd Clock) Account {
	left := a.left(balance)
	if !now.After(a.TouchedAt) || a.Spends() && left.IsNegative() {
		return a
	}
	spent := a.spent(now, usd)
	if spent.GT(left) && a.Spends() {
		now = a.lastPaid(left, now, usd)
		spent = a.spent(now, usd)
	}
	a.Accrued = a.Accrued.Add(spent)
	a.TouchedAt = now
	if a.Usd != nil {
		a.Usd = &UsdMeter{Rate: a.Usd.Rate, Index: usd.At(now)}
	}
	return a
}

// Free is what the tenant may withdraw or lease with, in whole units; never negative.
func (a Account) Free(balance math.Int) math.Int {
	return math.MaxInt(math.ZeroInt(), balance.Sub(UnitsRoundedUp(a.Accrued)).Sub(a.Reserved))
}

// Missing is by how much the balance falls short of carrying more leases at rates with their reserve: all leases of the
// account together must be able to run for runway from now, at the present price. Zero where it suffices. The account is touched.
func (a Account) Missing(balance math.Int, more Rates, reserve math.Int, runway time.Duration, now time.Time, usd Clock) math.Int {
	rates := a.Rates()
	rates = Rates{Units: rates.Units.Add(more.Units), USD: rates.USD.Add(more.USD)}
	ahead := rates.Cost(runway, now, usd)
	if now.After(a.TouchedAt) { // exhausted: what ran on since is owed first
		ahead = ahead.Add(a.spent(now, usd))
	}
	need := UnitsRoundedUp(a.Accrued.Add(ahead)).Add(a.Reserved).Add(reserve)
	return math.MaxInt(math.ZeroInt(), need.Sub(balance))
}

// Unburdened is the account as if nothing had accrued up to now and nothing was held back.
func (a Account) Unburdened(now time.Time, usd Clock) Account {
	a.Accrued, a.Reserved = math.ZeroInt(), math.ZeroInt()
	a.TouchedAt = later(a.TouchedAt, now)
	if a.Usd != nil {
		a.Usd = &UsdMeter{Rate: a.Usd.Rate, Index: usd.At(a.TouchedAt)}
	}
	return a
}

// Opened takes a new lease on; the account is touched at the lease's creation.
func (a Account) Opened(l Lease) Account {
	a = a.add(l, l.Accrues())
	a.Reserved = a.Reserved.Add(l.Reserved())
	a.NextNumber = l.Number + 1
	a.OpenLeases++
	if l.State == LeaseState_LEASE_STATE_ACTIVE {
		a.Unstarted++
	}
	return a
}

// Changed replaces a lease that was settled by what became of it: paused, resumed or moved. What is reserved for it changes with the
// settlement, and here by what the new state reserves on top.
func (a Account) Changed(before, after Lease) Account {
	a = a.add(before, before.Accrues().Neg()).add(after, after.Accrues())
	a.Reserved = a.Reserved.Sub(before.Reserved()).Add(after.Reserved())
	if before.State == LeaseState_LEASE_STATE_ACTIVE {
		a.Unstarted--
	}
	if after.State == LeaseState_LEASE_STATE_ACTIVE {
		a.Unstarted++
	}
	return a
}

// Settled applies what a settlement of one of its leases changed; the caller takes s.Total() out of the balance.
func (a Account) Settled(s Settlement) Account {
	a.Accrued = a.Accrued.Sub(s.Earned.Mul(perUnit)).Sub(s.Forgiven)
	a.Reserved = a.Reserved.Sub(s.Released)
	return a
}

// Closed lets go of a lease that was settled to its end.
func (a Account) Closed(l Lease) Account {
	a = a.add(l, l.Accrues().Neg())
	a.OpenLeases--
	if l.State == LeaseState_LEASE_STATE_ACTIVE {
		a.Unstarted--
	}
	return a
}

// Started counts a lease as started.
func (a Account) Started() Account {
	a.Unstarted--
	return a
}

// warnings are how much time an account has left when its tenant is told, longest first.
var warnings = []time.Duration{24 * time.Hour, 6 * time.Hour, time.Hour}

// QueueAt is when the exhaustion queue should look at the account next, in unix seconds: at the next warning, but no later than a third
// of the way to the end, so that a second lease does not move the entry and an account is looked at a few dozen times in all, and
// never after the second of the end. An account that spends in USD is looked at every day at least. 0 where there is no end.
func (a Account) QueueAt(balance math.Int, now time.Time, usd Clock) int64 {
	end, ok := a.ExhaustedAt(balance, usd)
	return a.queueAt(end, ok, now)
}

// queueAt is QueueAt for a meter that ends at a time, or not.
func (a Account) queueAt(end time.Time, ok bool, now time.Time) int64 {
	if !ok {
		if !a.Spends() {
			return 0
		}
		end = now.Add(forever)
	}
	ahead := end.Sub(now)
	if ahead <= 0 {
		return max(1, end.Unix())
	}
	next := ahead / 3
	if a.Usd != nil {
		next = min(next, UsdLook)
	}
	for _, w := range warnings {
		if ahead > w {
			next = min(next, ahead-w)
			break
		}
	}
	return max(1, now.Add(next).Unix())
}

// Short says whether the balance pays for less than the last warning's time at the present rate.
func (a Account) Short(balance math.Int, now time.Time, usd Clock) bool {
	end, ok := a.ExhaustedAt(balance, usd)
	return ok && end.Sub(now) < warnings[len(warnings)-1]
}

// Warn says of which warning's time less is left than when the account was warned last, in hours; 0 where of none. With more time than
// the longest, the account can be warned anew.
func (a Account) Warn(balance math.Int, now time.Time, usd Clock) (Account, uint32) {
	end, ok := a.ExhaustedAt(balance, usd)
	return a.warn(end, ok, now)
}

// warn is Warn for a meter that ends at a time, or not.
func (a Account) warn(end time.Time, ok bool, now time.Time) (Account, uint32) {
	if !ok || end.Sub(now) > warnings[0]+time.Second {
		a.Warned = 0
		return a, 0
	}
	var hours uint32
	for _, w := range warnings {
		// Queues go by whole seconds, and look a little early.
		if h := uint32(w / time.Hour); end.Sub(now) <= w+time.Second {
			hours = h
		}
	}
	if a.Warned != 0 && hours >= a.Warned {
		return a, 0
	}
	a.Warned = hours
	return a, hours
}

// QueuedInTime says whether the entry that the account has is early enough; a later one would close leases late. Where the end depends on the price
// of ATH, the entry is not beyond half of the way to it (QueueAt moves it to a third of the way): so ATH may lose half of its price before the
// queue looks.
func (a Account) QueuedInTime(balance math.Int, usd Clock) bool {
	end, ok := a.ExhaustedAt(balance, usd)
	if ok && a.Usd != nil {
		end = a.TouchedAt.Add(end.Sub(a.TouchedAt) / 2)
	}
	return a.queuedInTime(end, ok)
}

// QueuedByEnd is what holds of an account that was saved with its entry in time, also where ATH has lost up to half of its price since (A3).
func (a Account) QueuedByEnd(balance math.Int, usd Clock) bool {
	end, ok := a.ExhaustedAt(balance, usd)
	return a.queuedInTime(end, ok)
}

// queuedInTime says whether the entry of a meter is not later than a time, where it has to be, and by what bounds any.
func (a Account) queuedInTime(end time.Time, ok bool) bool {
	switch {
	case !a.Spends():
		return true
	case a.QueuedAt == 0, a.Usd != nil && a.QueuedAt > a.TouchedAt.Add(UsdLook).Unix():
		return false
	}
	return !ok || a.QueuedAt <= max(1, end.Unix())
}
