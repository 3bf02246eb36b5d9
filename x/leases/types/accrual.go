// SPDX-License-Identifier: Apache-2.0

package types

import (
	"fmt"
	"strings"
	"time"

	"cosmossdk.io/math"

	athtypes "github.com/athnet/ath/x/ath/types"
)

// Money that streams is counted in 10^-27 of the smallest unit of the denom that pays: a rate in 10^-6 per second times nanoseconds times
// 10^-12, which is the unit of x/ath's UsdIndex. In that unit every sum is exact, so that an account's spending and its leases' earnings
// agree to the last digit, whichever denom the price is in.
var (
	perUnit = math.NewIntWithDecimal(1, 27)
	// perNanosecond is how far the clock of the paying denom runs in a nanosecond: one unit per unit, in 10^-12.
	perNanosecond = math.NewInt(1_000_000_000_000)
)

var (
	// MaxRate bounds prices: a million ATH per second. A rate at the bound over 292 years stays below 10^50, far from the
	// 256 bits of math.Int, and fits the 8 bytes that the price index gives it.
	MaxRate = math.NewInt(1_000_000_000_000_000_000)
	// MaxAmount bounds coin amounts in messages; times 10^27 it stays far below 256 bits.
	MaxAmount = math.NewIntWithDecimal(1, 30)
)

// MaxTerm bounds every agreed duration; it keeps all times within what nanoseconds since 1970 can say.
const MaxTerm = 10 * 365 * 24 * time.Hour

// forever is how far ahead an end is computed; later ones are "never".
const forever = 100 * 365 * 24 * time.Hour

// Accrued is what a rate in the paying denom accrues in d, in 10^-27 units; d is not negative.
func Accrued(rate math.Int, d time.Duration) math.Int {
	return rate.MulRaw(int64(d)).Mul(perNanosecond)
}

// UnitsRoundedUp is how many whole units cover an accrual.
func UnitsRoundedUp(accrual math.Int) math.Int {
	return accrual.Add(perUnit).SubRaw(1).Quo(perUnit)
}

// splitUnits divides an accrual into whole units and a remainder below one unit.
func splitUnits(accrual math.Int) (units, remainder math.Int) {
	units = accrual.Quo(perUnit)
	return units, accrual.Sub(units.Mul(perUnit))
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// validTime says whether t can be told in nanoseconds since 1970, as sign bytes and queue keys do.
func validTime(t time.Time) bool {
	return t.Year() >= 1970 && t.Year() <= 2261
}

// Readable prints an amount of uath for people: "1.5 ATH (1500000uath)".
func Readable(amount math.Int) string {
	return fmt.Sprintf("%s %s (%s%s)", millionths(amount), athtypes.DisplayDenom, amount, athtypes.Denom)
}

// millionths prints an amount that is not negative as the decimal that it is a million of.
func millionths(amount math.Int) string {
	whole, part := amount.QuoRaw(1_000_000), amount.ModRaw(1_000_000)
	text := whole.String()
	if !part.IsZero() {
		text += "." + strings.TrimRight(fmt.Sprintf("%06d", part.Int64()), "0")
	}
	return text
}

// ReadableIn prints an amount of a denom for people: "1.5 ATH (1500000uath)", "1.5 USD (1500000musd)"; stable denoms are at par.
func ReadableIn(denom string, amount math.Int) string {
	if denom == athtypes.Denom {
		return Readable(amount)
	}
	return fmt.Sprintf("%s USD (%s%s)", millionths(amount), amount, denom)
}

// PerHour is what a rate costs in an hour, in whole units, for people.
func PerHour(rate math.Int) math.Int { return UnitsRoundedUp(Accrued(rate, time.Hour)) }
