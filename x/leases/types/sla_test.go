// SPDX-License-Identifier: Apache-2.0

package types

import (
	"testing"
	"time"

	"cosmossdk.io/math"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestFaultsMakeWholeSessionsFree: whatever was settled before the verdicts, and however many faults there are, a lease costs the time
// of the sessions that no fault touches and nothing else, to the unit; no credit exceeds what was billed, and the account agrees after every
// step.
func TestFaultsMakeWholeSessionsFree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const session = 15 * time.Minute
		a, l, usd := opened(t)
		outage, now := l.OutageSeen, epoch.Add(drawSpan(t, "until start"))
		begun := now
		a = a.Touch(now, plenty, usd).Started()
		l, s := l.Start(now, now, outage, usd)
		a = a.Settled(s)
		touched := map[int64]bool{} // sessions
		credits, earned := int64(0), math.ZeroInt()
		var faulty *time.Time
		index := func() time.Duration {
			if faulty != nil {
				return outage + now.Sub(*faulty)
			}
			return outage
		}
		mark := func(from, until time.Time) {
			for i := from.Sub(begun) / session; i <= until.Sub(begun)/session; i++ {
				touched[int64(i)] = true
			}
		}
		var recovered time.Time
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.Int64Range(1, int64(20*time.Minute)).Draw(t, "step")))
			a = a.Touch(now, plenty, usd)
			switch rapid.SampledFrom([]string{"settle", "fault", "recover", "wait"}).Draw(t, "what") {
			case "settle":
				l, s = l.Settle(now, index(), usd)
				a, earned = a.Settled(s), earned.Add(s.Earned)
			case "fault":
				if faulty != nil {
					continue
				}
				// Checkers tell of it late, but not of a time before the last recovery.
				since := later(now.Add(-time.Duration(rapid.Int64Range(0, int64(45*time.Minute)).Draw(t, "late"))), later(begun, recovered))
				faulty = &since
				var credit Credit
				l, s, credit = l.Fault(since, now, index(), session, usd)
				a, earned = a.Settled(s), earned.Add(s.Earned)
				require.False(t, credit.Due.IsNegative())
				l.Credited = l.Credited.Add(credit.Due)
				credits++ // also one that is rounded down to nothing
				require.True(t, l.Credited.LTE(l.Billed))
			case "recover":
				if faulty == nil {
					continue
				}
				l, s = l.Settle(now, index(), usd)
				a, earned = a.Settled(s), earned.Add(s.Earned)
				mark(*faulty, now)
				outage, faulty, recovered = index(), nil, now
				l = l.Recover(now, outage, session)
			}
			require.NoError(t, sumOf(l).Check(a))
			require.NoError(t, l.validateSLA())
		}
		l, s = l.Settle(now, index(), usd)
		a, earned = a.Settled(s), earned.Add(s.Earned)
		require.NoError(t, sumOf(l).Check(a))
		if faulty != nil {
			mark(*faulty, now)
		}
		billable := math.ZeroInt()
		for at, i := begun, int64(0); at.Before(now); at, i = at.Add(session), i+1 {
			if !touched[i] {
				billable = billable.Add(costOf(l, at, earlier(now, at.Add(session)), usd))
			}
		}
		paid := l.Billed.Sub(l.Credited)
		exact, _ := splitUnits(billable)
		require.True(t, earned.Equal(l.Billed))
		// Each credit is rounded down, so the tenant may miss less than a unit per fault.
		require.False(t, paid.LT(exact.SubRaw(1)), "paid %s for %s at %s", paid, billable, l.Rate)
		require.False(t, paid.GT(exact.AddRaw(credits)), "paid %s for %s at %s", paid, billable, l.Rate)
	})
}

// TestAnEndedLeaseIsCreditedAsAnOpenOne: it makes no difference whether the verdict or the end comes first.
func TestAnEndedLeaseIsCreditedAsAnOpenOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const session = 15 * time.Minute
		_, l, usd := opened(t)
		now := epoch.Add(drawSpan(t, "until start"))
		outage := l.OutageSeen
		l, _ = l.Start(now, now, outage, usd)
		end := now.Add(time.Duration(rapid.Int64Range(1, int64(3*time.Hour)).Draw(t, "ran")))
		fault := now.Add(time.Duration(rapid.Int64Range(0, int64(4*time.Hour)).Draw(t, "fault")))
		receipt, s := l.Close(End{At: end, Reason: CloseReason_CLOSE_REASON_TENANT}, end, outage, usd)
		require.NoError(t, receipt.validateSLA())
		settled, _ := l.Settle(end, outage, usd)
		_, _, open := settled.Fault(fault, end, outage, session, usd)
		credit := receipt.Fault(fault, session, usd)
		if !fault.Before(end) {
			require.True(t, credit.Due.IsZero())
			return
		}
		require.Equal(t, open.Due.Add(s.Minimum).String(), credit.Due.String())
		require.True(t, credit.Due.LTE(receipt.Billed))
	})
}

// TestAFaultEndsWhatWasFree: a verdict that comes while a lease is paused leaves a lease that a chain can begin with, also where an earlier fault had
// made time before the pause free.
func TestAFaultEndsWhatWasFree(t *testing.T) {
	free, paused := epoch.Add(15*time.Minute), epoch.Add(time.Hour)
	l := Lease{
		State: LeaseState_LEASE_STATE_PAUSED, CreatedAt: epoch, BoundAt: epoch, StartedAt: &epoch, SettledUntil: paused, PausedAt: &paused,
		CreditableFrom: &free, FreeUntil: &free, Rate: math.NewInt(1_000_000), Billed: math.NewInt(45 * 60), Credited: math.ZeroInt(), Remainder: math.ZeroInt(),
	}
	require.NoError(t, l.validateSLA())
	l, _, credit := l.Fault(paused.Add(-time.Minute), paused.Add(time.Minute), 0, 15*time.Minute, nil)
	require.Equal(t, int64(15*60), credit.Due.Int64())
	require.Equal(t, paused, *l.CreditableFrom)
	require.NoError(t, l.validateSLA())
}
