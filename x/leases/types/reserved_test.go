// SPDX-License-Identifier: Apache-2.0

package types

import (
	"testing"
	"time"

	"cosmossdk.io/math"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// flat is a price that never changes.
var flat = line{{from: epoch, slope: 1_000_000_000_000}}

// reservedLease is a reserved lease in an account, not started.
func reservedLease(t *rapid.T) (Account, Lease) {
	minTerm := time.Duration(rapid.Int64Range(int64(MinReservedTerm), int64(90*24*time.Hour)).Draw(t, "min term"))
	o := Offer{
		ContainerId: 1, Denom: "uath", MinCharge: time.Minute, ReservedOnly: true,
		Reserved: &ReservedTerms{Rate: drawRate(t), MinTerm: minTerm},
	}.Normal()
	require.NoError(t, o.Validate(0))
	terms, ok := o.In(reserved)
	require.True(t, ok)
	order := &MsgCreateLease{Mode: reserved, Duration: minTerm + time.Duration(rapid.Int64Range(0, int64(90*24*time.Hour)).Draw(t, "more"))}
	a := NewAccount("t", "uath", epoch)
	l := NewLease(a, terms, "p", order, epoch, drawSpan(t, "outage before"), flat).Prepay(terms)
	require.Equal(t, UnitsRoundedUp(Accrued(l.Rate, order.Duration)).String(), l.Reserve.String())
	return a.Opened(l), l
}

// TestAReservedLeaseIsPaidInAdvance: whatever is settled, faulty or free on the way, an account spends nothing on it as time passes; what was
// held back pays for the time that is billed and for nothing else, and all of the rest comes back. Who leaves before the shortest term
// pays up to that, without what a fault made free; after it, nothing.
func TestAReservedLeaseIsPaidInAdvance(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const session = 24 * time.Hour
		a, l := reservedLease(t)
		held, paid, released := l.Reserve, math.ZeroInt(), math.ZeroInt()
		take := func(s Settlement) {
			a, paid, released = a.Settled(s), paid.Add(s.Total()), released.Add(s.Released)
			require.True(t, s.Earned.IsZero() && s.Forgiven.IsZero(), "the account pays nothing as time passes")
			require.True(t, s.Released.GTE(s.Total()), "what is paid was held back")
		}
		outage, now := l.OutageSeen, epoch.Add(time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "until start")))
		l, s := l.Start(now, now, outage, flat)
		a = a.Touch(now, held, flat).Started()
		take(s)
		var faulty *time.Time
		index := func() time.Duration {
			if faulty != nil {
				return outage + now.Sub(*faulty)
			}
			return outage
		}
		for range rapid.IntRange(0, 12).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.Int64Range(1, int64(10*24*time.Hour)).Draw(t, "step")))
			a = a.Touch(now, held.Sub(paid), flat)
			until := l.EndAt(a.TouchedAt, now)
			switch rapid.SampledFrom([]string{"settle", "fault", "recover", "wait"}).Draw(t, "what") {
			case "settle":
				l, s = l.Settle(until, index(), flat)
				take(s)
			case "fault":
				if since := now; faulty == nil {
					faulty = &since
					var credit Credit
					l, s, credit = l.Fault(since, until, index(), session, flat)
					take(s)
					l.Credited = l.Credited.Add(credit.Due)
				}
			case "recover":
				if faulty != nil {
					l, s = l.Settle(until, index(), flat)
					take(s)
					outage, faulty = index(), nil
					l = l.Recover(now, outage, session)
				}
			}
			require.NoError(t, sumOf(l).Check(a))
			require.NoError(t, l.validateMode())
			require.NoError(t, a.CheckSolvent(held.Sub(paid)))
			require.True(t, a.Rate.IsZero())
		}
		free, most := l.FreeUntil, Accrued(l.Rate, l.SettledUntil.Sub(*l.StartedAt)-l.Lost)
		require.Equal(t, most.Quo(perUnit).String(), l.Billed.String(), "billed to the last whole unit, for time that was served")
		reason := rapid.SampledFrom([]CloseReason{
			CloseReason_CLOSE_REASON_TENANT, CloseReason_CLOSE_REASON_PROVIDER, CloseReason_CLOSE_REASON_FAULT, CloseReason_CLOSE_REASON_EXPIRED,
		}).Draw(t, "reason")
		if reason == CloseReason_CLOSE_REASON_EXPIRED {
			now = later(now, *l.EndsAt)
			a = a.Touch(now, held.Sub(paid), flat)
		}
		end, minUntil := l.EndAt(a.TouchedAt, now), *l.MinUntil
		rate, before := l.Rate, l
		settled, _ := l.Settle(end, index(), flat)
		receipt, s := l.Close(End{At: end, Reason: reason}, a.TouchedAt, index(), flat)
		take(s)
		a = a.Closed(before)
		require.NoError(t, sumOf().Check(a))
		require.Equal(t, held.String(), released.String(), "all that was held back is let go")
		require.Equal(t, receipt.Billed.String(), paid.String())
		owed := math.ZeroInt()
		if from := end; reason == CloseReason_CLOSE_REASON_TENANT {
			if free != nil {
				from = later(from, *free)
			}
			owed = math.MinInt(settled.Reserve, UnitsRoundedUp(Accrued(rate, max(0, minUntil.Sub(from)))))
		}
		require.Equal(t, owed.String(), receipt.Minimum.String())
		require.Equal(t, settled.Billed.Add(owed).String(), receipt.Billed.String())
		require.Equal(t, reserved, receipt.Mode)
	})
}

// TestNoticePays: a provider that wants a Container back owes least if it gives notice and waits, and never more than the notice and the cap
// are worth; on demand it then owes nothing. However it mixes notice and ending, it does not come off cheaper.
func TestNoticePays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := DefaultParams()
		span := func(name string, least, most time.Duration) time.Duration {
			return time.Duration(rapid.Int64Range(int64(least), int64(most)).Draw(t, name))
		}
		p.ReclaimNotice, p.ReclaimNoticeReserved = span("notice", MinNotice, MaxReclaimNotice), span("notice reserved", MinNotice, MaxReclaimNoticeReserved)
		p.ReclaimCap = span("cap", 0, MaxReclaimCap)
		require.NoError(t, p.Validate())
		var (
			l   Lease
			usd = flat
		)
		if rapid.Bool().Draw(t, "reserved") {
			_, l = reservedLease(t)
		} else {
			_, l, usd = opened(t)
			if rapid.Bool().Draw(t, "agreed end") {
				end := epoch.Add(span("duration", time.Minute, 90*24*time.Hour))
				l.EndsAt = &end
			}
		}
		_, _, err := l.Reclaim(epoch, p, usd)
		require.ErrorIs(t, err, ErrReclaim, "what has not started is refused, not reclaimed")
		require.True(t, l.Breach(CloseReason_CLOSE_REASON_PROVIDER, epoch, p, usd).IsZero(), "to refuse in time is free")
		l, _ = l.Start(epoch, epoch, l.OutageSeen, usd)
		now := epoch.Add(span("when", 0, 30*24*time.Hour))
		if end := l.AgreedEnd(); end != nil && !end.After(now) {
			_, _, err := l.Reclaim(now, p, usd)
			require.ErrorIs(t, err, ErrReclaim)
			require.True(t, l.Breach(CloseReason_CLOSE_REASON_PROVIDER, now, p, usd).IsZero(), "the agreed end has come")
			return
		}
		atOnce := l.Breach(CloseReason_CLOSE_REASON_PROVIDER, now, p, usd)
		require.True(t, atOnce.IsPositive())
		require.True(t, atOnce.LTE(l.worth(p.Notice(l.Mode)+p.ReclaimCap, now, usd)))
		for reason := range CloseReason_name {
			if r := CloseReason(reason); r != CloseReason_CLOSE_REASON_PROVIDER {
				require.True(t, l.Breach(r, now, p, usd).IsZero(), "%s is nobody's breach", r)
			}
		}
		told, due, err := l.Reclaim(now, p, usd)
		require.NoError(t, err)
		promised := l.Mode == reserved && p.ReclaimCap > 0 && l.EndsAt.After(*told.ReclaimAt)
		require.Equal(t, promised, due.IsPositive(), "only who promised a term owes for notice")
		require.NoError(t, told.validateMode())
		require.Equal(t, told.ReclaimAt.Sub(now), p.Notice(l.Mode))
		require.True(t, told.AgreedEnd().Equal(*told.QueuedEnd()))
		_, _, err = told.Reclaim(now, p, usd)
		require.ErrorIs(t, err, ErrReclaim, "once is enough")
		require.True(t, told.Breach(CloseReason_CLOSE_REASON_PROVIDER, *told.AgreedEnd(), p, usd).IsZero(), "notice is over")
		last := atOnce
		for at := now; at.Before(*told.AgreedEnd()); at = at.Add(p.Notice(l.Mode)/3 + 1) {
			// Each part is rounded up to a unit.
			total := due.Add(told.Breach(CloseReason_CLOSE_REASON_PROVIDER, at, p, usd.asOf(now)))
			require.False(t, total.GT(last.AddRaw(1)), "the longer it waits the less it owes")
			last = total
		}
		_, s := told.Leave(CloseReason_CLOSE_REASON_TENANT, now, now, told.OutageSeen, usd)
		require.True(t, s.Minimum.IsZero(), "who was given notice may leave at no charge")
	})
}

func TestReservedOffersAndOrders(t *testing.T) {
	terms := func(change func(*Offer)) Offer {
		o := Offer{
			ContainerId: 1, Denom: "uath", Rate: math.NewInt(10), MinCharge: time.Minute, StorageRate: math.NewInt(1),
			Reserved: &ReservedTerms{Rate: math.NewInt(7), MinTerm: 24 * time.Hour, MaxTerm: 48 * time.Hour},
		}
		change(&o)
		return o.Normal()
	}
	only := func(o *Offer) { o.ReservedOnly, o.Rate, o.StorageRate = true, math.Int{}, math.Int{} }
	for name, tc := range map[string]struct {
		change func(*Offer)
		bad    string
	}{
		"both modes":              {change: func(*Offer) {}},
		"reserved only":           {change: only},
		"only, and a price":       {change: func(o *Offer) { only(o); o.Rate = math.OneInt() }, bad: "reserved_only"},
		"only, and a storage":     {change: func(o *Offer) { only(o); o.StorageRate = math.OneInt() }, bad: "reserved_only"},
		"only, and a term":        {change: func(o *Offer) { only(o); o.MaxTerm = time.Hour }, bad: "reserved_only"},
		"only, of nothing":        {change: func(o *Offer) { only(o); o.Reserved = nil }, bad: "reserved_only"},
		"no price on demand":      {change: func(o *Offer) { o.Rate, o.StorageRate = math.ZeroInt(), math.ZeroInt() }, bad: "rate"},
		"no reserved price":       {change: func(o *Offer) { o.Reserved.Rate = math.ZeroInt() }, bad: "reserved.rate"},
		"reserved for a moment":   {change: func(o *Offer) { o.Reserved.MinTerm = MinReservedTerm - 1 }, bad: "reserved.min_term"},
		"reserved terms crossed":  {change: func(o *Offer) { o.Reserved.MaxTerm = time.Hour }, bad: "reserved.min_term"},
		"reserved for ever":       {change: func(o *Offer) { o.Reserved.MaxTerm = MaxTerm + 1 }, bad: "reserved.max_term"},
		"terms on demand crossed": {change: func(o *Offer) { o.MinTerm, o.MaxTerm = 2*time.Hour, time.Hour }, bad: "min_term"},
		"shortest below zero":     {change: func(o *Offer) { o.MinTerm = -1 }, bad: "min_term"},
	} {
		err := terms(tc.change).Validate(time.Minute)
		if tc.bad == "" {
			require.NoError(t, err, name)
			continue
		}
		require.ErrorIs(t, err, ErrInvalidOffer, name)
		require.ErrorContains(t, err, tc.bad, name)
	}
	require.True(t, terms(func(*Offer) {}).Supplies())
	require.False(t, terms(only).Supplies(), "what can only be reserved is no supply that others could have now")
	require.False(t, terms(func(o *Offer) { o.MinTerm = MinSupplyTerm + 1 }).Supplies())

	demand := func(mode LeaseMode, duration time.Duration) Misfit {
		view, ok := terms(func(o *Offer) { o.MinTerm = time.Hour }).In(mode)
		require.True(t, ok)
		return Demand{Denom: "uath", Mode: mode, MaxRate: math.NewInt(100), Duration: duration}.Offer(view)
	}
	require.Equal(t, MisfitTerm, demand(onDemand, time.Hour-1))
	require.Equal(t, Fits, demand(onDemand, time.Hour))
	require.Equal(t, Fits, demand(onDemand, 0), "what has no agreed end is bound by the minimum charge alone")
	require.Equal(t, MisfitTerm, demand(reserved, 24*time.Hour-1))
	require.Equal(t, Fits, demand(reserved, 24*time.Hour))
	require.Equal(t, MisfitTerm, demand(reserved, 48*time.Hour+1))
	view, _ := terms(func(*Offer) {}).In(reserved)
	require.Equal(t, MisfitMinCharge, Demand{Denom: "uath", Mode: reserved, MaxRate: math.NewInt(100), Duration: 25 * time.Hour, MaxMinCharge: time.Hour}.Offer(view),
		"the shortest term is what a reserved lease costs at least")
	require.Equal(t, MisfitPrice, Demand{Denom: "uath", Mode: reserved, MaxRate: math.NewInt(6), Duration: 25 * time.Hour}.Offer(view))
}
