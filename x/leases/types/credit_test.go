// SPDX-License-Identifier: Apache-2.0

package types

import (
	"testing"
	"time"

	"cosmossdk.io/math"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// payers are the float and the line that a lease on credit stands on, as x/leases keeps them.
type payers struct {
	gateway Gateway
	balance math.Int
	line    CreditLine
	paid    math.Int
}

// on takes a step of a lease on both meters and says what was paid and charged.
func (p *payers) on(l Lease, usd Clock, do func(Lease, time.Time, Clock) (Lease, Settlement)) (Lease, Settlement, Settlement) {
	after, s := do(l, p.gateway.Float.TouchedAt, usd)
	seen, charged := do(l.OnCredit(), p.line.Account.TouchedAt, nil)
	p.gateway.Float, p.line = p.gateway.Float.Settled(s), p.line.Settled(charged)
	p.balance, p.paid = p.balance.Sub(s.Total()), p.paid.Add(s.Total())
	return after.WithCredit("g", seen), s, charged
}

func (p *payers) touch(now time.Time, usd Clock) {
	p.gateway.Float, p.line = p.gateway.Float.Touch(now, p.balance, usd), p.line.Touch(now)
}

func (p *payers) until() time.Time {
	return earlier(p.gateway.Float.TouchedAt, p.line.Account.TouchedAt)
}

// check is invariants A1 and A2 of both meters.
func (p *payers) check(t *rapid.T, leases ...Lease) {
	float, line := &FloatSum{}, &FloatSum{}
	for _, l := range leases {
		float.Add(l)
		line.Add(l.OnCredit())
	}
	require.NoError(t, float.Check(p.gateway.Float))
	require.NoError(t, p.gateway.Float.CheckSolvent(p.balance))
	require.NoError(t, line.Check(p.line.Account))
	require.NoError(t, p.line.Account.CheckSolvent(p.line.Left()))
	require.False(t, p.line.Spent.IsNegative() || p.line.Spent.GT(p.line.Limit))
}

// drawCredit draws a started lease on credit, its payers and what ATH will be worth. What each of them can pay is drawn too: either may end
// first.
func drawCredit(t *rapid.T) (*payers, Lease, line) {
	usd := drawLine(t)
	g := Gateway{Address: "g", Float: NewAccount("g", "uath", epoch)}
	p := &payers{gateway: g, paid: math.ZeroInt(), line: g.Line("t", epoch)}
	p.balance = math.NewIntFromUint64(rapid.Uint64().Draw(t, "float"))
	m := &MsgGrantCredit{Limit: math.NewInt(rapid.Int64Range(1, 1<<40).Draw(t, "limit"))}
	if rapid.Bool().Draw(t, "expires") {
		at := epoch.Add(time.Duration(rapid.Int64Range(int64(time.Minute), int64(100*time.Hour)).Draw(t, "expiry")))
		m.ExpiresAt = &at
	}
	p.line = p.line.Grant(m)
	offer := Offer{
		ContainerId: 1, Denom: MicroUSD, Rate: math.NewInt(rapid.Int64Range(1, 100_000_000).Draw(t, "rate")),
		MinCharge: time.Duration(rapid.Int64Range(0, int64(MaxMinCharge)).Draw(t, "min_charge")),
	}
	offer.StorageRate = math.NewInt(rapid.Int64Range(0, offer.Rate.Int64()).Draw(t, "storage"))
	order := &MsgCreateLease{Grace: time.Duration(rapid.Int64Range(0, int64(3*time.Hour)).Draw(t, "grace"))}
	l := NewLease(p.gateway.Float, offer, "p", order, epoch, 0, usd)
	l = l.WithCredit("g", NewLease(p.line.Account, offer.OnCredit(), "p", order, epoch, 0, nil))
	// What is held back has to be there, as Carries asks.
	p.balance = p.balance.Add(l.Reserved())
	p.line.Limit = p.line.Limit.Add(l.OnCredit().Reserved())
	p.gateway.Float, p.line.Account = p.gateway.Float.Opened(l), p.line.Account.Opened(l.OnCredit())
	l, _, _ = p.on(l, usd, func(l Lease, _ time.Time, usd Clock) (Lease, Settlement) { return l.Start(epoch, epoch, 0, usd) })
	p.gateway.Float, p.line.Account = p.gateway.Float.Started(), p.line.Account.Started()
	p.check(t, l)
	return p, l, usd
}

// TestCreditOftenOrOnce: settling a lease on credit at many points and settling it once charge the line the same and pay the same, and both
// stand for the same time, whichever meter ends first.
func TestCreditOftenOrOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, l, usd := drawCredit(t)
		q, once := *p, l
		now := epoch
		for range rapid.IntRange(1, 8).Draw(t, "settlements") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(20*time.Hour)).Draw(t, "step")))
			p.touch(now, usd)
			l, _, _ = p.on(l, usd, func(l Lease, _ time.Time, usd Clock) (Lease, Settlement) { return l.Settle(p.until(), 0, usd) })
			p.check(t, l)
		}
		// What a settlement sets free of the reserves pays for more: go on until it does no longer.
		for _, who := range []*payers{p, &q} {
			lease := map[bool]*Lease{true: &l, false: &once}[who == p]
			for round, before := 0, epoch.Add(-1); lease.SettledUntil.After(before); round++ {
				before = lease.SettledUntil
				who.touch(now, usd)
				*lease, _, _ = who.on(*lease, usd, func(l Lease, _ time.Time, usd Clock) (Lease, Settlement) { return l.Settle(who.until(), 0, usd) })
				if round%64 == 0 { // a large reserve that pays for a unit each time takes many rounds
					who.check(t, *lease)
				}
			}
			who.check(t, *lease)
		}
		require.Equal(t, once.SettledUntil, l.SettledUntil)
		require.Equal(t, once.Billed.String(), l.Billed.String())
		require.Equal(t, once.Credit.String(), l.Credit.String())
		require.Equal(t, p.line.Spent.String(), q.line.Spent.String())
		require.Equal(t, p.balance.String(), q.balance.String())
		// Both meters stand for the same time.
		require.Equal(t, Accrued(l.Rate, l.SettledUntil.Sub(epoch)).String(), l.Credit.Billed.Mul(perUnit).Add(l.Credit.Remainder).String())
		require.Equal(t, costOf(l, epoch, l.SettledUntil, usd).String(), l.Billed.Mul(perUnit).Add(l.Remainder).String())
	})
}

// TestCreditLeavesNothing: a lease on credit that pauses or ends leaves nothing on either meter, and its provider is paid exactly for the time
// up to the earlier of both ends, or the minimum charge, also where the line ended before the float was touched or the other way round.
func TestCreditLeavesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, l, usd := drawCredit(t)
		reserve, onLine := l.Reserve, l.Credit.Reserve
		limit, float := p.line.Limit, p.balance
		now := epoch.Add(time.Duration(rapid.Int64Range(0, int64(100*time.Hour)).Draw(t, "run")))
		p.touch(now, usd)
		if rapid.Bool().Draw(t, "settle first") {
			l, _, _ = p.on(l, usd, func(l Lease, _ time.Time, usd Clock) (Lease, Settlement) { return l.Settle(p.until(), 0, usd) })
		}
		until := p.until()
		require.False(t, p.line.ExpiresAt != nil && until.After(*p.line.ExpiresAt), "nothing is charged after the line's end")
		if rapid.Bool().Draw(t, "pause") && l.Pausable() {
			paused, _, _ := p.on(l, usd, func(l Lease, touched time.Time, usd Clock) (Lease, Settlement) {
				return l.Pause(until, touched, 0, usd)
			})
			kept := l.Kept(paused)
			p.gateway.Float, p.line.Account = p.gateway.Float.Changed(kept, paused), p.line.Account.Changed(kept.OnCredit(), paused.OnCredit())
			l = paused
			p.check(t, l)
			until = until.Add(time.Duration(rapid.Int64Range(0, int64(24*time.Hour)).Draw(t, "paused for")))
		}
		reason := rapid.SampledFrom([]CloseReason{
			CloseReason_CLOSE_REASON_TENANT, CloseReason_CLOSE_REASON_PROVIDER, CloseReason_CLOSE_REASON_EXHAUSTED,
			CloseReason_CLOSE_REASON_GATEWAY_DRY, CloseReason_CLOSE_REASON_CREDIT_ENDED, CloseReason_CLOSE_REASON_FAULT,
		}).Draw(t, "reason")
		end := End{At: l.EndAt(until, until), Reason: reason}
		var receipts []Receipt
		p.on(l, usd, func(l Lease, touched time.Time, usd Clock) (Lease, Settlement) {
			r, s := l.Close(end, touched, 0, usd)
			receipts = append(receipts, r)
			return l, s
		})
		p.gateway.Float, p.line.Account = p.gateway.Float.Closed(l), p.line.Account.Closed(l.OnCredit())
		p.check(t)
		require.True(t, p.gateway.Float.Accrued.IsZero() && p.gateway.Float.Reserved.IsZero())
		require.True(t, p.line.Account.Accrued.IsZero() && p.line.Account.Reserved.IsZero())
		require.Equal(t, receipts[0].Billed.String(), p.paid.String(), "the provider has what the receipt says")
		require.Equal(t, receipts[1].Billed.String(), p.line.Spent.String(), "and the line was charged what it says")
		require.True(t, p.line.Spent.LTE(limit) && p.paid.LTE(float), "no customer spends more than its limit, no gateway more than its float")
		if l.PausedAt != nil {
			return
		}
		paid := costOf(l, epoch, receipts[0].BilledUntil, usd).Quo(perUnit)
		charged := Accrued(l.Rate, receipts[0].BilledUntil.Sub(epoch)).Quo(perUnit)
		if reason.chargesMinimum(true) {
			paid, charged = math.MaxInt(paid, reserve), math.MaxInt(charged, onLine)
		}
		require.Equal(t, paid.String(), p.paid.String())
		require.Equal(t, charged.String(), p.line.Spent.String())
		require.Equal(t, receipts[0].BilledUntil, receipts[1].BilledUntil)
	})
}

// TestCreditFault: a fault gives the line back what it was charged for the same time as the float is given back for.
func TestCreditFault(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, l, usd := drawCredit(t)
		fault := epoch.Add(time.Duration(rapid.Int64Range(0, int64(10*time.Hour)).Draw(t, "fault")))
		now := fault.Add(time.Duration(rapid.Int64Range(0, int64(10*time.Hour)).Draw(t, "judged")))
		p.touch(now, usd)
		if rapid.Bool().Draw(t, "settle first") {
			l, _, _ = p.on(l, usd, func(l Lease, _ time.Time, usd Clock) (Lease, Settlement) { return l.Settle(p.until(), 0, usd) })
		}
		var dues []Credit
		until := p.until()
		l, _, _ = p.on(l, usd, func(l Lease, _ time.Time, usd Clock) (Lease, Settlement) {
			l, s, due := l.Fault(fault, until, 0, 15*time.Minute, usd)
			dues = append(dues, due)
			return l, s
		})
		p.check(t, l)
		require.Equal(t, dues[0].From, dues[1].From)
		require.True(t, dues[1].Due.LTE(l.Credit.Billed.Sub(l.Credit.Credited)))
		p.line = p.line.Credit(dues[1].Due)
		l = l.GivenBack(dues[0].Due, dues[1].Due)
		p.check(t, l)
		free := math.MinInt(Accrued(l.Rate, l.SettledUntil.Sub(epoch)), Accrued(l.Rate, max(0, dues[1].From.Sub(epoch))))
		require.True(t, p.line.Spent.Sub(UnitsRoundedUp(free)).LTE(math.OneInt()), "nothing of the free session was charged")
	})
}

// TestGrantNeverTakesBackWhatIsUsed: whatever limit a gateway sets, and also where it revokes the line, the line covers what its leases have
// accrued and hold back.
func TestGrantNeverTakesBackWhatIsUsed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, l, usd := drawCredit(t)
		now := epoch.Add(time.Duration(rapid.Int64Range(0, int64(40*time.Hour)).Draw(t, "run")))
		p.touch(now, usd)
		before := p.line
		if rapid.Bool().Draw(t, "revoke") {
			p.line = p.line.Revoke(now).Touch(now)
			end, ok := p.line.ExhaustedAt()
			require.True(t, ok && !end.After(now), "its leases end as if the limit was used up now")
			require.True(t, p.line.QueueAt(now) <= now.Unix(), "in this block")
			require.True(t, p.line.Ended(now))
			later := p.line.Touch(now.Add(time.Hour))
			require.Equal(t, p.line.Account.Accrued.String(), later.Account.Accrued.String(), "and nothing more is charged")
		} else {
			p.line = p.line.Grant(&MsgGrantCredit{Limit: math.NewInt(rapid.Int64Range(1, 1<<41).Draw(t, "new limit"))}).Touch(now)
			require.False(t, p.line.Ended(now))
		}
		require.Equal(t, before.Spent, p.line.Spent)
		p.check(t, l)
	})
}

// TestFloatIsLocked: what a gateway may withdraw leaves what its customers' leases need for the cover, and no less was there when the last was
// opened.
func TestFloatIsLocked(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, _, usd := drawCredit(t)
		cover := DefaultParams().FloatCover()
		require.Equal(t, 36*time.Hour, cover)
		now := epoch.Add(time.Duration(rapid.Int64Range(0, int64(40*time.Hour)).Draw(t, "run")))
		p.touch(now, usd)
		free := p.gateway.Withdrawable(p.balance, cover, now, usd)
		if free.IsZero() {
			return
		}
		require.True(t, p.gateway.Float.TouchedAt.Equal(now), "a float that is used up has nothing to take")
		left := p.balance.Sub(free)
		end, ok := p.gateway.Float.ExhaustedAt(left, usd)
		require.True(t, !ok || !end.Before(now.Add(cover)), "what stays pays for the cover at the present price")
		end, ok = p.gateway.Float.ExhaustedAt(left.Sub(math.OneInt()), usd)
		require.True(t, ok && end.Before(now.Add(cover).Add(time.Hour*24*365*100)), "and not for ever more")
	})
}

// TestShedOrder: customers of a low priority lose their leases first; a customer that calls all of its leases important loses no fewer.
func TestShedOrder(t *testing.T) {
	carried := func(tenant string, number uint64, opened int, customer, own uint32) CarriedLease {
		return CarriedLease{Priority: customer, Lease: Lease{Tenant: tenant, Number: number, Priority: own, CreatedAt: epoch.Add(time.Duration(opened) * time.Minute)}}
	}
	names := func(leases []CarriedLease) []string {
		var names []string
		for _, l := range ShedOrder(leases) {
			names = append(names, l.ID())
		}
		return names
	}
	require.Equal(t, []string{"b/1", "c/1", "a/3", "a/2"}, names([]CarriedLease{
		carried("a", 2, 1, 1, 100), carried("a", 3, 5, 1, 0), carried("b", 1, 3, 0, 100), carried("c", 1, 9, 1, 100),
	}), "the lowest customer first, then the newest whatever the customers say of their own")
	require.Equal(t, []string{"a/1", "b/1", "a/2"}, names([]CarriedLease{
		carried("a", 1, 1, 0, 0), carried("a", 2, 9, 0, 7), carried("b", 1, 5, 0, 0),
	}), "the newest lease costs its customer the one that it needs least")
	rapid.Check(t, func(t *rapid.T) {
		var leases []CarriedLease
		for _, tenant := range []string{"a", "b", "c"} {
			priority := rapid.Uint32Range(0, 3).Draw(t, "customer")
			for n := range rapid.Uint64Range(0, 6).Draw(t, "leases") {
				leases = append(leases, carried(tenant, n+1, rapid.IntRange(0, 9).Draw(t, "opened"), priority, rapid.Uint32Range(0, 3).Draw(t, "own")))
			}
		}
		order := ShedOrder(leases)
		require.Len(t, order, len(leases))
		seen := map[string]bool{}
		last := map[string]uint32{}
		for _, l := range order {
			require.False(t, seen[l.ID()])
			seen[l.ID()] = true
			require.GreaterOrEqual(t, l.Priority, last[l.Tenant], "of its own leases a customer loses the least important first")
			last[l.Tenant] = l.Priority
		}
	})
}
