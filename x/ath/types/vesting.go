// SPDX-License-Identifier: Apache-2.0

package types

import (
	"time"

	"cosmossdk.io/math"
)

const (
	day = 24 * time.Hour
	// bucketsPerDelay keeps the number of unripe rows of one delay at most bucketsPerDelay+1, or one per day where the
	// delay is longer than 16 days.
	bucketsPerDelay = 16
)

// BucketWidth is the width of the time buckets into which income with this delay is rounded: a sixteenth of the delay,
// 1 s to 1 day, in whole seconds.
func BucketWidth(delay time.Duration) time.Duration {
	return max(time.Second, min(day, (delay/bucketsPerDelay).Truncate(time.Second)))
}

// RipeBucket is the unix second at which income of now ripens after a delay: rounded up to the bucket's width, so never
// early. Without a delay it is the start of the day, which is ripe at once and shared by all such income of the day.
func RipeBucket(now time.Time, delay time.Duration) uint64 {
	if delay <= 0 {
		second := now.Unix()
		return uint64(second - second%int64(day/time.Second))
	}
	ripe := now.Add(delay)
	second := ripe.Unix()
	if ripe.Nanosecond() > 0 {
		second++
	}
	width := int64(BucketWidth(delay) / time.Second)
	return uint64((second + width - 1) / width * width)
}

// Vest is one part of a claimed amount with its bucket.
type Vest struct {
	Bucket uint64
	Amount math.Int
}

// VestClaim divides a claimed amount by tranches; the last tranche takes the remainder, parts of zero are left out.
func VestClaim(tranches []Tranche, now time.Time, amount math.Int) []Vest {
	vests := make([]Vest, 0, len(tranches))
	left := amount
	for i, tranche := range tranches {
		part := PartRoundedDown(amount, tranche.Ppm)
		if i == len(tranches)-1 {
			part = left
		}
		left = left.Sub(part)
		if part.IsPositive() {
			vests = append(vests, Vest{Bucket: RipeBucket(now, tranche.Delay), Amount: part})
		}
	}
	return vests
}

// Vesting is the schedule by which a ledger's claims ripen.
func (p Params) Vesting(ledger Ledger) []Tranche {
	switch ledger {
	case Ledger_LEDGER_CAPACITY, Ledger_LEDGER_DELIVERY:
		return p.RewardVesting
	default:
		return p.CheckerVesting
	}
}
