// SPDX-License-Identifier: Apache-2.0

package types

import (
	"cmp"
	"slices"
	"time"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
)

// A lease on credit stands on two meters, its gateway's float in uath and its customer's credit line in musd. It is written once, with what
// differs on the line beside it (LeaseCredit): OnCredit is the lease as the line sees it, and every step of a lease (Settle, Pause, Close …) is
// taken on both with the same times. So what holds of a lease and its account holds of each, and both bill the same time
// (credit_test.go). The lease is billed up to the earlier of the two ends.

// Line is a new credit line of a customer.
func (g Gateway) Line(customer string, now time.Time) CreditLine {
	return CreditLine{
		Gateway: g.Address, Limit: math.ZeroInt(), Spent: math.ZeroInt(), MaxRate: math.ZeroInt(), Account: NewAccount(customer, MicroUSD, now),
	}
}

// Customer is whose line it is.
func (c CreditLine) Customer() string { return c.Account.Tenant }

// Left is what of the limit was not spent; what has accrued, or is reserved, is in it. It is the balance of the line's meter.
func (c CreditLine) Left() math.Int { return c.Limit.Sub(c.Spent) }

// Free is what of the limit is neither spent, accrued nor reserved, in musd.
func (c CreditLine) Free() math.Int { return c.Account.Free(c.Left()) }

// Frees says whether the settlement sets money of an account free.
func (s Settlement) Frees() bool { return s.Released.IsPositive() || s.Forgiven.IsPositive() }

// Used is what of the limit is spent, accrued or reserved, in musd.
func (c CreditLine) Used() math.Int {
	return c.Spent.Add(UnitsRoundedUp(c.Account.Accrued)).Add(c.Account.Reserved)
}

// Ended says whether the line pays no longer, whatever is left of it.
func (c CreditLine) Ended(now time.Time) bool { return c.ExpiresAt != nil && !c.ExpiresAt.After(now) }

// Touch counts what was spent up to now, or up to the end of the line or of its limit if that came first.
func (c CreditLine) Touch(now time.Time) CreditLine {
	if c.ExpiresAt != nil {
		now = earlier(now, *c.ExpiresAt)
	}
	c.Account = c.Account.Touch(now, c.Left(), nil)
	return c
}

// ExhaustedAt is the last instant that the line pays for at the present rate; the line is touched.
func (c CreditLine) ExhaustedAt() (time.Time, bool) {
	end, ok := c.Account.ExhaustedAt(c.Left(), nil)
	if c.ExpiresAt != nil && c.Account.Spends() && (!ok || c.ExpiresAt.Before(end)) {
		return *c.ExpiresAt, true
	}
	return end, ok
}

// QueueAt is when the exhaustion queue looks at the line next, as at an account.
func (c CreditLine) QueueAt(now time.Time) int64 {
	end, ok := c.ExhaustedAt()
	return c.Account.queueAt(end, ok, now)
}

// QueuedInTime says whether the entry that the line has is early enough.
func (c CreditLine) QueuedInTime() bool {
	end, ok := c.ExhaustedAt()
	return c.Account.queuedInTime(end, ok)
}

// Warn says of which warning's time less is left, as of an account.
func (c CreditLine) Warn(now time.Time) (CreditLine, uint32) {
	var hours uint32
	end, ok := c.ExhaustedAt()
	c.Account, hours = c.Account.warn(end, ok, now)
	return c, hours
}

// Settled applies what a step of one of its leases changed, as the line sees it.
func (c CreditLine) Settled(s Settlement) CreditLine {
	c.Account = c.Account.Settled(s)
	c.Spent = c.Spent.Add(s.Total())
	return c
}

// Credit gives back an amount that was spent.
func (c CreditLine) Credit(amount math.Int) CreditLine {
	c.Spent = c.Spent.Sub(amount)
	return c
}

// Grant sets the bounds of a touched line. What is spent, accrued or reserved can't be taken back, so the limit is at least that. A line that was
// revoked stands again.
func (c CreditLine) Grant(m *MsgGrantCredit) CreditLine {
	c.Limit = math.MaxInt(m.Limit, c.Used())
	c.ExpiresAt, c.MaxRate, c.Priority, c.Revoked = m.ExpiresAt, orZero(m.MaxRate), m.Priority, false
	return c
}

// Revoke ends a touched line now: to its leases it is as if the limit was used up at this moment.
func (c CreditLine) Revoke(now time.Time) CreditLine {
	if !c.Ended(now) {
		c.ExpiresAt = &now
	}
	c.Revoked = true
	return c
}

// Forgettable says whether a revoked line has no lease any more.
func (c CreditLine) Forgettable() bool { return c.Revoked && c.Account.OpenLeases == 0 }

// Carries says whether a touched line pays for leases more, at rates and reserves in musd, for a while at least.
func (c CreditLine) Carries(rate, reserve math.Int, runway time.Duration, now time.Time) error {
	if c.Ended(now.Add(runway)) {
		return ErrCreditEnded.Wrapf("gateway: the credit that %s gives ended, or ends, at %s: ask it for more, or lease with your own account", c.Gateway, c.ExpiresAt)
	}
	if sum := c.Account.Rate.Add(rate); c.MaxRate.IsPositive() && sum.GT(c.MaxRate) {
		return ErrCreditLimit.Wrapf("gateway: %s per hour for all leases on credit, and %s gives at most %s: close some, or ask it for more",
			ReadableIn(MicroUSD, PerHour(sum)), c.Gateway, ReadableIn(MicroUSD, PerHour(c.MaxRate)))
	}
	if missing := c.Account.Missing(c.Left(), Rates{Units: rate, USD: math.ZeroInt()}, reserve, runway, now, nil); missing.IsPositive() {
		return ErrCreditLimit.Wrapf("gateway: %s of the credit of %s are free, %s too little to run all leases on it for %s, with what is held back for minimum charge and grace: ask it for more",
			ReadableIn(MicroUSD, c.Free()), c.Gateway, ReadableIn(MicroUSD, missing), runway)
	}
	return nil
}

// lineDenom is what prices and payments are in as a credit line sees them: musd, which is under this name a denom like any other, without a
// clock of its own.
const lineDenom = ""

// OnCredit is the lease as its credit line sees it: priced and paid in musd, so that its clock is time itself. Take it only of a lease on
// credit.
func (l Lease) OnCredit() Lease {
	c := l.Credit
	l.Denom, l.PriceDenom, l.UsdIndex, l.Credit = lineDenom, "", nil, nil
	l.Remainder, l.Reserve, l.Billed, l.Fee = c.Remainder, c.Reserve, c.Billed, math.ZeroInt()
	l.StorageRate, l.GraceReserve, l.Credited = c.StorageRate, c.GraceReserve, c.Credited
	return l
}

// WithCredit notes what a credit line sees of the lease now.
func (l Lease) WithCredit(gateway string, seen Lease) Lease {
	l.Credit = &LeaseCredit{
		Gateway: gateway, Remainder: seen.Remainder, Reserve: seen.Reserve, Billed: seen.Billed,
		StorageRate: seen.StorageRate, GraceReserve: seen.GraceReserve, Credited: seen.Credited,
	}
	return l
}

// WithCredit notes what the ended lease cost its credit line.
func (r Receipt) WithCredit(gateway string, seen Receipt) Receipt {
	r.Credit = &ReceiptCredit{Gateway: gateway, Billed: seen.Billed, Minimum: seen.Minimum, Credited: seen.Credited}
	return r
}

// LeftBy is Left of a lease that may be on credit: with what it paid for leaving early, and what its credit line was charged for that.
func (l Lease) LeftBy(minimum ...math.Int) Receipt {
	r := l.Left(minimum[0])
	if l.Credit == nil {
		return r
	}
	return r.WithCredit(l.Gateway(), l.OnCredit().Left(minimum[1]))
}

// BrokenOnCredit is Broken of a receipt that may be on credit: also what of it goes back to its credit line, in musd.
func (r Receipt) BrokenOnCredit(withheld time.Duration, usd Clock) (back, onLine Credit, rest *Receipt) {
	back, rest = r.Broken(withheld, usd)
	if r.Credit == nil {
		return back, Credit{From: back.From, Due: math.ZeroInt()}, rest
	}
	onLine, seen := r.OnCredit().Broken(withheld, nil)
	if rest != nil && seen != nil {
		both := rest.WithCredit(r.Gateway(), *seen)
		rest = &both
	}
	return back, onLine, rest
}

// OnCredit is the receipt as its credit line sees it, as far as a fault that is judged later asks.
func (r Receipt) OnCredit() Receipt {
	c := r.Credit
	r.Denom, r.PriceDenom, r.Credit = lineDenom, "", nil
	r.Billed, r.Minimum, r.Credited = c.Billed, c.Minimum, c.Credited
	return r
}

// OnCredit is an offer in musd as a credit line sees it.
func (o Offer) OnCredit() Offer {
	o.Denom = lineDenom
	return o
}

// Gateway is who pays for the lease with its float; empty where its tenant's own account does.
func (l Lease) Gateway() string { return l.Credit.GetGateway() }

// Gateway is who paid for the ended lease with its float; empty where its tenant's own account did.
func (r Receipt) Gateway() string { return r.Credit.GetGateway() }

// Dry says whether a lease ends for this reason because nobody paid for more.
func (r CloseReason) Dry() bool {
	switch r {
	case CloseReason_CLOSE_REASON_EXHAUSTED, CloseReason_CLOSE_REASON_GATEWAY_DRY, CloseReason_CLOSE_REASON_CREDIT_ENDED:
		return true
	}
	return false
}

// DryReason is why a lease on credit ends that nobody pays for any more, by which of its meters was touched less far: the line where both
// ran out at once, for it is the customer's own.
func (c CreditLine) DryReason(float Account) CloseReason {
	switch {
	case float.TouchedAt.Before(c.Account.TouchedAt):
		return CloseReason_CLOSE_REASON_GATEWAY_DRY
	case c.Ended(c.Account.TouchedAt):
		return CloseReason_CLOSE_REASON_CREDIT_ENDED
	}
	return CloseReason_CLOSE_REASON_EXHAUSTED
}

// orZero is an amount that may be left out.
func orZero(v math.Int) math.Int {
	if v.IsNil() {
		return math.ZeroInt()
	}
	return v
}

func positiveCoin(coin sdk.Coin) bool { return !coin.Amount.IsNil() && coin.Amount.IsPositive() }

// validateGateway checks what goes with an order on credit.
func (m *MsgCreateLease) validateGateway() error {
	switch {
	case m.Gateway == "":
		return nil
	case m.PriceDenom != MicroUSD:
		return ErrForeignDenom.Wrapf("price_denom: %q on credit: want %s; a gateway pays for offers in USD only", clip(PriceDenom(m.PriceDenom)), MicroUSD)
	case m.PayDenom != "" && m.PayDenom != athtypes.Denom:
		return ErrForeignDenom.Wrapf("pay_denom: %q on credit: a gateway pays in %s: leave it out", clip(m.PayDenom), athtypes.Denom)
	case m.Mode.Normal() == reserved:
		return ErrInvalidField.Wrap("mode: reserved on credit: a term that is paid in advance has its price in uath; lease on demand, or with your own account")
	case positiveCoin(m.Deposit):
		return ErrInvalidField.Wrapf("deposit: %s%s on credit: it would not pay for the lease; leave it out", show(m.Deposit.Amount), clip(m.Deposit.Denom))
	}
	return nil
}

// validateCredit checks a lease's part on its credit line.
func (l Lease) validateCredit() error {
	if l.Credit == nil {
		return nil
	}
	if l.Denom != athtypes.Denom || !l.InUSD() || l.Prepaid() {
		return ErrInvalidGateway.Wrap("credit: goes with a lease on demand, priced in musd and paid in uath")
	}
	c := l.Credit
	for _, amount := range []math.Int{c.Reserve, c.Billed, c.GraceReserve, c.Credited} {
		if amount.IsNil() || amount.IsNegative() || amount.GT(MaxAmount) {
			return ErrInvalidGateway.Wrapf("credit.reserve, billed, grace_reserve, credited: %s: want 0 to %s", show(amount), MaxAmount)
		}
	}
	switch {
	case c.Remainder.IsNil() || c.Remainder.IsNegative() || c.Remainder.GTE(perUnit):
		return ErrInvalidGateway.Wrapf("credit.remainder: %s: want 0 or more, and less than one unit", show(c.Remainder))
	case c.StorageRate.IsNil() || c.StorageRate.IsNegative() || c.StorageRate.GT(MaxRate):
		return ErrInvalidGateway.Wrapf("credit.storage_rate: %s: want 0 to %s", show(c.StorageRate), MaxRate)
	case c.Credited.GT(c.Billed):
		return ErrInvalidGateway.Wrapf("credit.credited: %s: want at most the billed %s", c.Credited, c.Billed)
	}
	return l.OnCredit().validateTimes()
}

// GivenBack notes what a fault has given back of what was billed, and of what the credit line was charged.
func (l Lease) GivenBack(credited, onLine math.Int) Lease {
	l.Credited = l.Credited.Add(credited)
	if l.Credit != nil {
		c := *l.Credit
		c.Credited = c.Credited.Add(onLine)
		l.Credit = &c
	}
	return l
}

// Kept is the lease with the reserves that a step has left of it, which a settlement has let go of already: what an account changes a lease
// from.
func (l Lease) Kept(after Lease) Lease {
	l.Reserve, l.GraceReserve = after.Reserve, after.GraceReserve
	if l.Credit != nil {
		c := *l.Credit
		c.Reserve, c.GraceReserve = after.Credit.Reserve, after.Credit.GraceReserve
		l.Credit = &c
	}
	return l
}

// LeastImportant puts leases of one tenant in the order in which they pause or end: by priority, the newest
// first among equals.
func LeastImportant(leases []Lease) []Lease {
	slices.SortFunc(leases, func(a, b Lease) int {
		return cmp.Or(cmp.Compare(a.Priority, b.Priority), cmp.Compare(b.Number, a.Number))
	})
	return leases
}
