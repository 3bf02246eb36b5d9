// SPDX-License-Identifier: Apache-2.0

package types

import (
	"testing"
	"time"

	"cosmossdk.io/math"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// line is a Clock of straight pieces: x/ath's UsdIndex with every step that it will ever make.
type line []piece

// piece is how far the clock runs in a nanosecond, from a time on.
type piece struct {
	from  time.Time
	slope int64
}

// At implements Clock; before the first piece the clock ran as in it.
func (l line) At(t time.Time) math.Int {
	at, index := l[0].from, math.ZeroInt()
	for i, p := range l {
		end := t
		if i+1 < len(l) && l[i+1].from.Before(t) {
			end = l[i+1].from
		}
		if i == 0 || end.After(at) {
			index = index.Add(math.NewInt(p.slope).MulRaw(int64(end.Sub(at))))
			at = end
		}
	}
	return index.Add(math.NewIntWithDecimal(1, 34)) // ran before the first piece
}

// asOf is the line as it is known at a time.
func (l line) asOf(t time.Time) line {
	known := l[:1]
	for _, p := range l[1:] {
		if !p.from.After(t) {
			known = append(known, p)
		}
	}
	return known
}

// drawLine draws prices of ATH from 10 to 0.000001 USD that change within some days.
func drawLine(t *rapid.T) line {
	l := line{{from: epoch, slope: drawSlope(t)}}
	for range rapid.IntRange(0, 5).Draw(t, "price steps") {
		last := l[len(l)-1].from
		l = append(l, piece{from: last.Add(time.Duration(rapid.Int64Range(1, int64(48*time.Hour)).Draw(t, "until the step"))), slope: drawSlope(t)})
	}
	return l
}

func drawSlope(t *rapid.T) int64 {
	return rapid.Int64Range(100_000_000_000, 1_000_000_000_000_000_000).Draw(t, "slope")
}

// costOf is what a lease's rate costs between two times by definition.
func costOf(l Lease, from, to time.Time, usd Clock) math.Int {
	if l.InUSD() {
		return l.Rate.Mul(usd.At(to).Sub(usd.At(from)))
	}
	return Accrued(l.Rate, to.Sub(from))
}

// TestUsdCostsFollowThePrice: a lease at 3.60 USD an hour costs as many ATH as an hour's prices say, and its account runs dry when that is
// used up.
func TestUsdCostsFollowThePrice(t *testing.T) {
	// 1 ATH is 0.10 USD in the first half hour and 0.05 in the second: 10 and 20 uath per musd.
	usd := line{{epoch, 10_000_000_000_000}, {epoch.Add(30 * time.Minute), 20_000_000_000_000}}
	a := NewAccount("t", "uath", epoch)
	offer := Offer{ContainerId: 1, Denom: MicroUSD, Rate: math.NewInt(1_000_000_000), StorageRate: math.NewInt(100_000_000), MinCharge: time.Minute}
	l := NewLease(a, offer, "p", &MsgCreateLease{Grace: time.Hour}, epoch, 0, usd)
	a = a.Opened(l)
	require.Equal(t, "musd", l.PricedIn())
	require.Equal(t, "uath", l.Denom)
	require.Equal(t, "600000", l.Reserve.String(), "a minute at 0.10 USD")
	require.Equal(t, "3600000", l.GraceReserve.String(), "an hour at 0.10 USD")

	balance := math.NewInt(4_200_000 + 54_000_000)
	end, ok := a.ExhaustedAt(balance, usd.asOf(epoch))
	require.True(t, ok)
	require.Equal(t, epoch.Add(90*time.Minute), end, "at the price of the beginning")
	a = a.Touch(epoch.Add(2*time.Hour), balance, usd)
	require.Equal(t, epoch.Add(time.Hour), a.TouchedAt, "18 ATH in the first half hour, 36 in the second")
	require.NoError(t, a.CheckSolvent(balance))

	l, _ = l.Start(epoch, epoch, 0, usd)
	_, s := l.Settle(epoch.Add(time.Hour), 0, usd)
	require.Equal(t, "54000000", s.Earned.String())
}

// TestTheLastPaidInstantIsExact: halving the time finds the nanosecond, also over many steps of the price.
func TestTheLastPaidInstantIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		usd := drawLine(t)
		a := NewAccount("t", "uath", epoch)
		a.Rate = math.NewIntFromUint64(rapid.Uint64Range(0, 10_000_000).Draw(t, "rate"))
		a.Usd = &UsdMeter{Rate: drawRate(t), Index: usd.At(epoch)}
		balance := math.NewIntFromUint64(rapid.Uint64().Draw(t, "balance"))
		now := epoch.Add(drawSpan(t, "later"))
		touched := a.Touch(now, balance, usd)
		require.NoError(t, touched.CheckSolvent(balance))
		if touched.TouchedAt.Equal(now) {
			return
		}
		over := a
		over.Accrued = a.Accrued.Add(a.spent(touched.TouchedAt.Add(1), usd))
		require.Error(t, over.CheckSolvent(balance))
	})
}

// TestUsdAccountsAreLookedAtEveryDay: an entry that was early enough for an account in uath moves when a price in USD joins.
func TestUsdAccountsAreLookedAtEveryDay(t *testing.T) {
	usd := line{{epoch, 1_000_000_000_000}}
	a := NewAccount("t", "uath", epoch)
	a.Rate = math.OneInt()
	balance := math.NewInt(1_000_000_000)
	a.QueuedAt = a.QueueAt(balance, epoch, usd)
	require.True(t, a.QueuedInTime(balance, usd))
	require.Greater(t, a.QueuedAt, epoch.Add(UsdLook).Unix())
	a.Usd = &UsdMeter{Rate: math.OneInt(), Index: usd.At(epoch)}
	require.False(t, a.QueuedInTime(balance, usd))
	a.QueuedAt = a.QueueAt(balance, epoch, usd)
	require.True(t, a.QueuedInTime(balance, usd))
	require.Equal(t, epoch.Add(UsdLook).Unix(), a.QueuedAt)
}

// TestUsdAccountsAreQueuedForHalfThePrice: an entry that was early enough moves when a lease joins that brings the end closer, so that the queue
// looks in time also where ATH loses half right after that.
func TestUsdAccountsAreQueuedForHalfThePrice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := NewAccount("t", "uath", epoch)
		a.Rate = math.NewIntFromUint64(rapid.Uint64Range(0, 10_000_000).Draw(t, "rate"))
		usd := line{{epoch, 1_000_000_000_000}}
		a.Usd = &UsdMeter{Rate: math.NewInt(rapid.Int64Range(1, 1_000_000).Draw(t, "rate in USD")), Index: usd.At(epoch)}
		balance := math.NewInt(rapid.Int64Range(1, 1<<40).Draw(t, "balance"))
		a.QueuedAt = a.QueueAt(balance, epoch, usd)
		a.Usd.Rate = a.Usd.Rate.AddRaw(rapid.Int64Range(0, 100_000_000).Draw(t, "more"))
		if !a.QueuedInTime(balance, usd) {
			a.QueuedAt = a.QueueAt(balance, epoch, usd)
		}
		fallen := line{{epoch, 2_000_000_000_000}}
		a.Usd.Index = fallen.At(epoch)
		if end, ok := a.ExhaustedAt(balance, fallen); ok {
			require.LessOrEqual(t, a.QueuedAt, max(1, end.Unix()))
		}
	})
}
