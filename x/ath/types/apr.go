// SPDX-License-Identifier: Apache-2.0

package types

import (
	"time"

	"cosmossdk.io/math"
)

const (
	// Year over which figures are annualised: 365 days, as most years of the schedule have. The fourth and the eighth have 366.
	Year = 365 * day
	// MonthEpochs is the longer of the windows in which revenue is shown.
	MonthEpochs = 30
)

// YearlyRoundedDown is what an amount per period is per year; zero without a period.
func YearlyRoundedDown(amount math.Int, period time.Duration) math.Int {
	if period <= 0 {
		return math.ZeroInt()
	}
	return amount.MulRaw(int64(Year)).QuoRaw(int64(period))
}

// NewApr is the return of a yearly income on a stake; not available where nothing is at stake.
func NewApr(yearly, stake math.Int) Apr {
	if !stake.IsPositive() {
		return NoApr()
	}
	return Apr{Available: true, Ppm: yearly.MulRaw(PPM).Quo(stake)}
}

// NoApr is the return where there is nothing to divide by.
func NoApr() Apr { return Apr{Ppm: math.ZeroInt()} }

// DayEpochs is how many epochs fill 24 hours, at least 1 and at most as many as are remembered.
func (e Epoch) DayEpochs() uint64 {
	if e.Duration <= 0 {
		return 1
	}
	return min(MaxRevenueEpochs, max(1, uint64((day+e.Duration-1)/e.Duration)))
}
