// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"time"

	"cosmossdk.io/math"

	"github.com/athnet/ath/offchain/price"
)

// rateUnit is how many parts of a uath a rate counts in.
const rateUnit = 1_000_000

// ParsePrice is price.Parse.
func ParsePrice(s string) (math.Int, error) { return price.Parse(s) }

// ParseAmount is price.ParseAmount.
func ParseAmount(s string) (math.Int, error) { return price.ParseAmount(s) }

// PerHour is price.PerHour.
func PerHour(rate math.Int) string { return price.PerHour(rate) }

// FormatATH is price.FormatATH.
func FormatATH(uath math.Int) string { return price.FormatATH(uath) }

// cost is what a rate takes in a time, in uath, rounded up.
func cost(rate math.Int, d time.Duration) math.Int {
	unit := math.NewInt(rateUnit).MulRaw(int64(time.Second))
	return rate.MulRaw(int64(d)).Add(unit).SubRaw(1).Quo(unit)
}

// lasts is how long an amount pays a rate; 0 where nothing is spent.
func lasts(uath, rate math.Int) time.Duration {
	if !rate.IsPositive() || !uath.IsPositive() {
		return 0
	}
	seconds := uath.MulRaw(rateUnit).Quo(rate)
	if limit := math.NewInt(int64(100 * 365 * 24 * time.Hour / time.Second)); seconds.GT(limit) {
		seconds = limit
	}
	return time.Duration(seconds.Int64()) * time.Second
}
