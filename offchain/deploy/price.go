// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"time"

	"cosmossdk.io/math"

	"github.com/athnet/ath/offchain/price"
	leases "github.com/athnet/ath/x/leases/types"
)

// rateUnit is how many parts of a uath a rate counts in.
const rateUnit = 1_000_000

// ParsePrice is price.Parse.
func ParsePrice(s string) (price.Price, error) { return price.Parse(s) }

// ParseAmount is price.ParseAmount.
func ParseAmount(s string) (math.Int, error) { return price.ParseAmount(s) }

// PerHour is price.PerHour.
func PerHour(rate math.Int) string { return price.PerHour(rate) }

// PriceIn is price.In.
func PriceIn(denom string, rate math.Int) string { return price.In(denom, rate) }

// exchange is what a musd costs, in 10^-12 uath; zero where there is no price that leases are made by.
type exchange struct{ slope math.Int }

// uath is a rate in uath at the present price.
func (x exchange) uath(denom string, rate math.Int) math.Int {
	if denom != leases.MicroUSD {
		return rate
	}
	return rate.Mul(x.slope).Quo(slopeUnit)
}

// in is a rate in a denom at the present price, rounded down.
func (x exchange) in(denom string, p price.Price) math.Int {
	switch denom {
	case p.Denom:
		return p.Rate
	case leases.MicroUSD:
		return p.Rate.Mul(slopeUnit).Quo(x.slope)
	default:
		return x.uath(p.Denom, p.Rate)
	}
}

// slopeUnit is how much finer the UsdIndex's slope is than uath per musd.
var slopeUnit = math.NewIntWithDecimal(1, 12)

// FormatATH is price.FormatATH.
func FormatATH(uath math.Int) string { return price.FormatATH(uath) }

// cost is what a rate takes in a time, in uath, rounded up.
func cost(rate math.Int, d time.Duration) math.Int {
	unit := math.NewInt(rateUnit).MulRaw(int64(time.Second))
	return rate.MulRaw(int64(d)).Add(unit).SubRaw(1).Quo(unit)
}
