// SPDX-License-Identifier: Apache-2.0

package types

import (
	"testing"
	"time"

	"cosmossdk.io/math"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func drawOffer(t *rapid.T) Offer {
	return Offer{
		ContainerId: 1, Denom: rapid.SampledFrom([]string{"uath", MicroUSD}).Draw(t, "denom"), Rate: drawRate(t),
		MinCharge: time.Duration(rapid.Int64Range(0, int64(MaxMinCharge)).Draw(t, "min_charge")),
	}
}

// opened is a lease in an account whose balance is far away from its end.
func opened(t *rapid.T) (Account, Lease, line) {
	a, usd := NewAccount("t", "uath", epoch), drawLine(t)
	l := NewLease(a, drawOffer(t), "p", &MsgCreateLease{}, epoch, drawSpan(t, "outage before"), usd)
	return a.Opened(l), l, usd
}

var plenty = math.NewIntWithDecimal(1, 46)

func sumOf(leases ...Lease) *AccountSum {
	sum := &AccountSum{}
	for _, l := range leases {
		sum.Add(l)
	}
	return sum
}

// TestSettleOftenOrOnce: settling at many points pays exactly what settling once pays, as long as outages are told when they
// happen; and the account agrees with the lease after every step (invariant A1).
func TestSettleOftenOrOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, l, usd := opened(t)
		outage, now := l.OutageSeen, epoch.Add(drawSpan(t, "until start"))
		a = a.Touch(now, plenty, usd).Started()
		l, s := l.Start(now, now, outage, usd)
		a = a.Settled(s)
		require.NoError(t, sumOf(l).Check(a))
		once, total := l, math.ZeroInt()
		for range rapid.IntRange(1, 8).Draw(t, "settlements") {
			step := time.Duration(rapid.Int64Range(0, int64(24*time.Hour)).Draw(t, "step"))
			now = now.Add(step)
			if !l.InUSD() { // what an outage would have cost depends on when it was; that is for the verdicts (sla_test.go)
				outage += time.Duration(rapid.Int64Range(0, int64(step)).Draw(t, "outage"))
			}
			a = a.Touch(now, plenty, usd)
			l, s = l.Settle(now, outage, usd)
			a = a.Settled(s)
			total = total.Add(s.Earned)
			require.NoError(t, sumOf(l).Check(a))
			require.True(t, l.Remainder.LT(perUnit))
		}
		once, s = once.Settle(now, outage, usd)
		require.Equal(t, total.String(), s.Earned.String())
		require.Equal(t, once.Remainder.String(), l.Remainder.String())
		require.Equal(t, once.Billed.String(), l.Billed.String())
		require.Equal(t, once.Reserve.String(), l.Reserve.String())
		require.Equal(t, outage-once.OutageSeen, time.Duration(0))
		require.Equal(t, once.Lost, l.Lost)
		earned := costOf(l, *l.StartedAt, now, usd)
		if !l.InUSD() {
			earned = Accrued(l.Rate, now.Sub(*l.StartedAt)-l.Lost)
		}
		require.Equal(t, earned.Quo(perUnit).String(), l.Billed.String(), "paid to the last whole unit and not beyond")
	})
}

// TestSettleCarriesALateOutage: an outage that is found only afterwards lowers what is earned later, never below nothing.
func TestSettleCarriesALateOutage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		_, l, usd := opened(t)
		l, _ = l.Start(epoch, epoch, l.OutageSeen, usd)
		now, outage := epoch, l.OutageSeen
		for range rapid.IntRange(1, 8).Draw(t, "settlements") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "step")))
			outage += drawSpan(t, "outage")
			before := l
			var s Settlement
			l, s = l.Settle(now, outage, usd)
			require.False(t, s.Earned.IsNegative())
			require.False(t, s.Forgiven.IsNegative())
			require.LessOrEqual(t, l.OutageSeen, outage)
			require.False(t, l.SettledUntil.Before(before.SettledUntil))
			require.True(t, l.Billed.GTE(before.Billed))
		}
	})
}

// TestCloseLeavesNothing: whatever happened, an account whose only lease closes owes nothing, holds nothing back, and its
// provider was paid the time served, or the minimum where it is due.
func TestCloseLeavesNothing(t *testing.T) {
	reasons := []CloseReason{
		CloseReason_CLOSE_REASON_TENANT, CloseReason_CLOSE_REASON_PROVIDER, CloseReason_CLOSE_REASON_EXHAUSTED,
		CloseReason_CLOSE_REASON_EXPIRED, CloseReason_CLOSE_REASON_NOT_STARTED, CloseReason_CLOSE_REASON_TENANT_IMAGE,
		CloseReason_CLOSE_REASON_FAULT, CloseReason_CLOSE_REASON_COMPLETED, CloseReason_CLOSE_REASON_GOVERNANCE,
	}
	rapid.Check(t, func(t *rapid.T) {
		a, l, usd := opened(t)
		reserve := l.Reserve
		now, outage := epoch.Add(drawSpan(t, "first")), l.OutageSeen
		a = a.Touch(now, plenty, usd)
		started := rapid.Bool().Draw(t, "started")
		if started {
			from := epoch.Add(drawSpan(t, "from"))
			var s Settlement
			l, s = l.Start(from, now, outage, usd)
			a = a.Started().Settled(s)
			require.NoError(t, sumOf(l).Check(a))
		}
		run := drawSpan(t, "run")
		now = now.Add(run)
		if !l.InUSD() {
			outage += time.Duration(rapid.Int64Range(0, int64(run)).Draw(t, "outage"))
		}
		a = a.Touch(now, plenty, usd)
		if rapid.Bool().Draw(t, "settle first") {
			var s Settlement
			l, s = l.Settle(now, outage, usd)
			a = a.Settled(s)
		}
		end := now
		if rapid.Bool().Draw(t, "ends before the account was touched") {
			end = later(l.SettledUntil, now.Add(-drawSpan(t, "back")))
		}
		reason := rapid.SampledFrom(reasons).Draw(t, "reason")
		receipt, s := l.Close(End{At: end, Reason: reason}, a.TouchedAt, outage, usd)
		a = a.Settled(s).Closed(l)
		require.NoError(t, (&AccountSum{}).Check(a))
		require.Equal(t, l.Billed.Add(s.Total()).String(), receipt.Billed.String())
		if !started {
			want := math.ZeroInt()
			if reason == CloseReason_CLOSE_REASON_TENANT {
				want = reserve
			}
			require.Equal(t, want.String(), receipt.Billed.String())
			return
		}
		served := costOf(l, *receipt.StartedAt, receipt.EndedAt.Add(-receipt.Outage), usd).Quo(perUnit)
		if reason.chargesMinimum(true) {
			served = math.MaxInt(served, reserve)
		}
		require.Equal(t, served.String(), receipt.Billed.String())
		require.GreaterOrEqual(t, receipt.Outage, time.Duration(0))
	})
}

// TestStartGivesBackTheWait: between creation and start nothing is billed, and an outage in between counts once.
func TestStartGivesBackTheWait(t *testing.T) {
	a := NewAccount("t", "uath", epoch)
	l := NewLease(a, Offer{Rate: math.NewInt(2_000_000)}, "p", &MsgCreateLease{}, epoch, time.Hour, nil)
	now := epoch.Add(time.Minute)
	started, s := l.Start(epoch.Add(50*time.Second), now, time.Hour+20*time.Second, nil)
	require.Equal(t, Accrued(l.Rate, 50*time.Second), s.Forgiven)
	require.Equal(t, epoch.Add(50*time.Second), *started.StartedAt)
	require.Equal(t, time.Hour+20*time.Second, started.OutageSeen)
	// A worker's clock behind or ahead changes nothing beyond creation and now.
	early, _ := l.Start(epoch.Add(-time.Hour), now, time.Hour, nil)
	require.Equal(t, epoch, *early.StartedAt)
	late, _ := l.Start(now.Add(time.Hour), now, time.Hour, nil)
	require.Equal(t, now, *late.StartedAt)
}

func TestBilledUntilIsBounded(t *testing.T) {
	l := NewLease(NewAccount("t", "uath", epoch), Offer{Rate: math.OneInt()}, "p", &MsgCreateLease{Duration: time.Minute}, epoch, 0, nil)
	require.Equal(t, epoch.Add(time.Second), l.BilledUntil(epoch.Add(time.Second)))
	require.Equal(t, epoch.Add(time.Minute), l.BilledUntil(epoch.Add(time.Hour)))
	require.False(t, l.Expired(epoch.Add(time.Minute-1)))
	require.True(t, l.Expired(epoch.Add(time.Minute)))
}
