// SPDX-License-Identifier: Apache-2.0

package types

import (
	"testing"
	"time"

	"cosmossdk.io/math"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestRipeBucketIsNeverEarlyAndNeverLateByMoreThanItsWidth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "now"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns"))
		delay := time.Duration(rapid.Int64Range(1, int64(MaxVestingDelay)).Draw(t, "delay"))
		ripe, want := time.Unix(int64(RipeBucket(now, delay)), 0), now.Add(delay)
		require.False(t, ripe.Before(want))
		require.Less(t, ripe.Sub(want), BucketWidth(delay)+time.Second)
	})
}

func TestUnripeBucketsOfADelayAreBounded(t *testing.T) {
	for _, delay := range []time.Duration{time.Second, 10 * time.Second, time.Minute, time.Hour, day, 45 * day, 180 * day} {
		buckets := make(map[uint64]bool)
		const steps = 20_000
		for i := range steps {
			buckets[RipeBucket(time.Unix(1_700_000_003, 7).Add(delay*time.Duration(i)/steps), delay)] = true
		}
		bound := max(2*bucketsPerDelay, int(delay/day))
		require.LessOrEqual(t, len(buckets), bound+2, delay)
	}
}

func TestIncomeWithoutDelayIsRipeAtOnce(t *testing.T) {
	now := time.Unix(1_700_000_003, 7)
	require.LessOrEqual(t, RipeBucket(now, 0), uint64(now.Unix()))
	require.Equal(t, RipeBucket(now, 0), RipeBucket(now.Add(time.Minute), 0))
}

func TestVestClaimSumsToTheAmount(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var tranches []Tranche
		for i, ppm := range genParts(t, rapid.IntRange(1, MaxTranches).Draw(t, "n"), "ppm") {
			tranches = append(tranches, Tranche{Delay: time.Duration(i) * 30 * day, Ppm: ppm})
		}
		amount := genInt(1, 1<<60).Draw(t, "amount")
		sum := math.ZeroInt()
		for _, vest := range VestClaim(tranches, time.Unix(1_700_000_000, 0), amount) {
			require.True(t, vest.Amount.IsPositive())
			sum = sum.Add(vest.Amount)
		}
		requireInt(t, amount, sum)
	})
}

func TestEpochNext(t *testing.T) {
	start := time.Unix(1_000_000, 0)
	epoch := Epoch{Number: 5, Start: start, Duration: time.Hour}
	next := epoch.Next(start.Add(time.Hour+time.Minute), 2*time.Hour)
	require.Equal(t, Epoch{Number: 6, Start: start.Add(time.Hour), Duration: 2 * time.Hour}, next, "from the end, not from now")
	late := start.Add(time.Hour + MaxEpochLag*time.Hour)
	require.Equal(t, start.Add(time.Hour), epoch.Next(late.Add(-1), time.Hour).Start, "behind, but it catches up")
	require.Equal(t, late, epoch.Next(late, time.Hour).Start, "too far behind: begins now")
}
