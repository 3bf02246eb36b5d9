// SPDX-License-Identifier: Apache-2.0

package types

import (
	"testing"
	"time"

	"cosmossdk.io/math"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var epoch = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

func drawRate(t *rapid.T) math.Int {
	return math.NewIntFromUint64(rapid.OneOf(
		rapid.Uint64Range(1, 10_000_000),
		rapid.Uint64Range(1, MaxRate.Uint64()),
	).Draw(t, "rate"))
}

// drawMeters gives an account a rate in uath, in USD or in both, and draws what an ATH is worth.
func drawMeters(t *rapid.T, a *Account) line {
	usd := drawLine(t)
	in := rapid.SampledFrom([]string{"uath", "musd", "both"}).Draw(t, "prices in")
	if in != "musd" {
		a.Rate = drawRate(t)
	}
	if in != "uath" {
		a.Usd = &UsdMeter{Rate: drawRate(t), Index: usd.At(a.TouchedAt)}
	}
	return usd
}

func drawSpan(t *rapid.T, name string) time.Duration {
	return time.Duration(rapid.OneOf(
		rapid.Int64Range(0, int64(time.Minute)),
		rapid.Int64Range(0, int64(MaxTerm)),
	).Draw(t, name))
}

// TestTouchNeverOwesMoreThanTheBalance is invariant A2 under any touches.
func TestTouchNeverOwesMoreThanTheBalance(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		balance := math.NewIntFromUint64(rapid.Uint64().Draw(t, "balance"))
		a := NewAccount("t", "uath", epoch)
		usd := drawMeters(t, &a)
		a.Reserved = math.MinInt(balance, math.NewIntFromUint64(rapid.Uint64().Draw(t, "reserved")))
		now := epoch
		for range rapid.IntRange(1, 6).Draw(t, "touches") {
			now = now.Add(drawSpan(t, "step"))
			before := a
			a = a.Touch(now, balance, usd)
			require.NoError(t, a.CheckSolvent(balance))
			require.False(t, a.TouchedAt.Before(before.TouchedAt))
			require.False(t, a.TouchedAt.After(now))
			require.False(t, a.Free(balance).IsNegative())
			known := usd.asOf(now)
			if end, ok := a.ExhaustedAt(balance, known); ok {
				if end.Before(now) {
					require.Equal(t, end, a.TouchedAt)
				}
				// The very next nanosecond is not paid for any more.
				late := a
				late.Accrued = late.Accrued.Add(a.spent(end.Add(1), known))
				require.Error(t, late.CheckSolvent(balance))
			}
		}
	})
}

// TestTouchOftenOrOnce: how often an account is looked at changes nothing.
func TestTouchOftenOrOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		balance := math.NewIntFromUint64(rapid.Uint64().Draw(t, "balance"))
		often := NewAccount("t", "uath", epoch)
		usd := drawMeters(t, &often)
		once := often
		now := epoch
		for range rapid.IntRange(1, 8).Draw(t, "touches") {
			now = now.Add(drawSpan(t, "step"))
			often = often.Touch(now, balance, usd)
		}
		require.Equal(t, once.Touch(now, balance, usd), often)
	})
}

// TestDepositMovesTheEnd: time that ran on after the end is paid by a later deposit, as if it had been there all along.
func TestDepositMovesTheEnd(t *testing.T) {
	a := NewAccount("t", "uath", epoch)
	a.Rate = math.NewInt(1_000_000) // 1 uath per second
	a = a.Touch(epoch.Add(15*time.Second), math.NewInt(10), nil)
	require.Equal(t, epoch.Add(10*time.Second), a.TouchedAt)
	a = a.Touch(epoch.Add(15*time.Second), math.NewInt(20), nil)
	require.Equal(t, epoch.Add(15*time.Second), a.TouchedAt)
	require.Equal(t, int64(5), a.Free(math.NewInt(20)).Int64())
	end, ok := a.ExhaustedAt(math.NewInt(20), nil)
	require.True(t, ok)
	require.Equal(t, epoch.Add(20*time.Second), end)
}

// TestQueueAtIsInTimeAndConverges is invariant A3: the queue looks before the end, and only logarithmically often.
func TestQueueAtIsInTimeAndConverges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		balance := math.NewIntFromUint64(rapid.Uint64Range(1, 1<<40).Draw(t, "balance"))
		a := NewAccount("t", "uath", epoch)
		a.Rate = math.NewIntFromUint64(rapid.Uint64Range(1, 1<<30).Draw(t, "rate"))
		var usd line
		if rapid.Bool().Draw(t, "in USD") {
			// One price: what a look at another finds is for lastPaid.
			usd = drawLine(t)[:1]
			a.Usd = &UsdMeter{Rate: math.NewIntFromUint64(rapid.Uint64Range(1, 1<<30).Draw(t, "rate in USD")), Index: usd.At(epoch)}
		}
		now := epoch
		for looks := 0; ; looks++ {
			require.Less(t, looks, 64)
			a.QueuedAt = a.QueueAt(balance, now, usd)
			require.True(t, a.QueuedInTime(balance, usd))
			end, ok := a.ExhaustedAt(balance, usd)
			if !ok || a.Usd != nil && end.Sub(now) > 3*UsdLook || !end.After(now.Add(2*time.Second)) {
				return
			}
			now = time.Unix(a.QueuedAt, 0).UTC().Add(time.Second)
			a = a.Touch(now, balance, usd)
		}
	})
}

func TestMissingCountsAllLeases(t *testing.T) {
	a := NewAccount("t", "uath", epoch)
	rate, reserve := Rates{Units: math.NewInt(1_000_000), USD: math.ZeroInt()}, math.NewInt(60)
	require.Equal(t, int64(360), a.Missing(math.ZeroInt(), rate, reserve, 5*time.Minute, epoch, nil).Int64())
	require.True(t, a.Missing(math.NewInt(360), rate, reserve, 5*time.Minute, epoch, nil).IsZero())
	a.Rate, a.Reserved = rate.Units, reserve
	require.Equal(t, int64(360), a.Missing(math.NewInt(360), rate, reserve, 5*time.Minute, epoch, nil).Int64())
	// What ran on since an exhausted account's end is owed on top.
	require.Equal(t, int64(370), a.Missing(math.NewInt(360), rate, reserve, 5*time.Minute, epoch.Add(10*time.Second), nil).Int64())
}

func TestReadable(t *testing.T) {
	for amount, want := range map[int64]string{
		0: "0 ATH (0uath)", 1: "0.000001 ATH (1uath)", 1_500_000: "1.5 ATH (1500000uath)", 2_000_000: "2 ATH (2000000uath)",
	} {
		require.Equal(t, want, Readable(math.NewInt(amount)))
	}
}
