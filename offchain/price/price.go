// SPDX-License-Identifier: Apache-2.0

// Package price reads and writes amounts and prices as people do. It depends on the chain's types alone, so that every
// program may use it.
package price

import (
	"fmt"
	"math/big"
	"strings"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
	leases "github.com/athnet/ath/x/leases/types"
)

const (
	// rateUnit is how many parts of a smallest unit a rate counts in.
	rateUnit = 1_000_000
	// million is how many smallest units an ATH and a dollar have.
	million = 1_000_000
)

// units are what amounts are said in, the longer suffix first, and how many smallest units of a denom each has.
var units = []struct {
	name, denom string
	scale       int64
}{
	{athtypes.Denom, athtypes.Denom, 1},
	{strings.ToLower(athtypes.DisplayDenom), athtypes.Denom, million},
	{leases.MicroUSD, leases.MicroUSD, 1},
	{"usd", leases.MicroUSD, million},
}

// Price is what a second costs.
type Price struct {
	// Denom is uath, musd, or a stable denom, which is at par with that.
	Denom string
	// Rate is in 10^-6 of its smallest unit per second.
	Rate math.Int
}

// String says what an hour costs: "0.5041 ATH/h", "0.35 USD/h".
func (p Price) String() string {
	return FormatIn(p.Denom, hourly(p.Rate)) + "/h"
}

// hourly is what an hour costs, to the nearest unit: a price is rounded down when it is read, and reads as it was written.
func hourly(rate math.Int) math.Int { return rate.MulRaw(3600).AddRaw(rateUnit / 2).QuoRaw(rateUnit) }

// In says what an hour costs of a rate in 10^-6 of the smallest unit of a denom per second.
func In(denom string, rate math.Int) string { return Price{denom, rate}.String() }

// Parse reads "0.5ath/h", "140uath/s", "3ath/d" or "0.35usd/h", rounded down so that the tenant never pays more than was written.
func Parse(s string) (Price, error) {
	const want = `want a price such as 0.5ath/h, 12ath/d, 140uath/s or 0.35usd/h`
	amount, per, ok := strings.Cut(strings.ToLower(strings.TrimSpace(s)), "/")
	if !ok {
		return Price{}, fmt.Errorf("price %q: %s", s, want)
	}
	seconds := map[string]int64{"s": 1, "m": 60, "min": 60, "h": 3600, "hour": 3600, "d": 86400, "day": 86400}[per]
	denom, units, err := decimal(amount)
	if err != nil || seconds == 0 {
		return Price{}, fmt.Errorf("price %q: %s", s, want)
	}
	units.Mul(units, big.NewRat(rateUnit, seconds))
	rate := math.NewIntFromBigInt(new(big.Int).Quo(units.Num(), units.Denom()))
	if !rate.IsPositive() {
		return Price{}, fmt.Errorf("price %q: is less than 10^-6 %s per second", s, denom)
	}
	return Price{denom, rate}, nil
}

// ParseAmount reads "2ath", "1.5ATH" or "1500000uath" and returns uath.
func ParseAmount(s string) (math.Int, error) {
	denom, r, err := decimal(strings.ToLower(strings.TrimSpace(s)))
	if err != nil || denom != athtypes.Denom || !r.IsInt() {
		return math.Int{}, fmt.Errorf("amount %q: want an amount such as 2ath or 1500000uath", s)
	}
	return math.NewIntFromBigInt(r.Num()), nil
}

// ParseCoin reads an amount of what pays: "2ath" where that is uath, "2usd" where it is a stable denom, and the smallest units of either with
// their denom, such as "2000000ibc/27…". An amount that names another denom is an error, unless none was asked for (pays is empty).
func ParseCoin(s, pays string) (sdk.Coin, error) {
	s = strings.TrimSpace(s)
	denom, r, err := decimal(strings.ToLower(s))
	switch {
	case err != nil:
		denom, r, err = smallest(s)
	case denom == leases.MicroUSD && (pays == "" || pays == athtypes.Denom):
		return sdk.Coin{}, fmt.Errorf("amount %q: nobody holds USD: say which stable denom pays, or name an amount in ath", s)
	case denom == leases.MicroUSD:
		denom = pays
	}
	if err != nil || !r.IsInt() {
		return sdk.Coin{}, fmt.Errorf("amount %q: want an amount such as 2ath, 1500000uath, or 1500000 and the name of a stable denom", s)
	}
	if pays != "" && denom != pays {
		return sdk.Coin{}, fmt.Errorf("amount %q: want one in %s, which pays", s, pays)
	}
	return sdk.Coin{Denom: denom, Amount: math.NewIntFromBigInt(r.Num())}, nil
}

// smallest reads a whole number with the name of any denom.
func smallest(s string) (string, *big.Rat, error) {
	denom := strings.TrimLeft(s, "0123456789")
	number := s[:len(s)-len(denom)]
	r, ok := new(big.Rat).SetString(number)
	if !ok || len(number) > 40 {
		return "", nil, fmt.Errorf("number or denom")
	}
	return denom, r, sdk.ValidateDenom(denom)
}

// FormatIn writes an amount of what pays, or of musd, for people: uath as ATH, all others, which are at par, as USD.
func FormatIn(denom string, amount math.Int) string {
	if denom == athtypes.Denom || denom == "" {
		return FormatATH(amount)
	}
	return format(amount) + " USD"
}

// decimal reads a number with a unit and returns its denom and smallest units.
func decimal(s string) (string, *big.Rat, error) {
	for _, unit := range units {
		number, ok := strings.CutSuffix(s, unit.name)
		if !ok {
			continue
		}
		if number == "" || len(number) > 40 || strings.Trim(number, "0123456789.") != "" {
			break
		}
		r, ok := new(big.Rat).SetString(number)
		if !ok {
			break
		}
		return unit.denom, r.Mul(r, big.NewRat(unit.scale, 1)), nil
	}
	return "", nil, fmt.Errorf("number or unit")
}

// PerHour says what a rate in uath costs: "0.5041 ATH/h".
func PerHour(rate math.Int) string {
	return FormatATH(hourly(rate)) + "/h"
}

// FormatATH writes uath as ATH without trailing zeros.
func FormatATH(uath math.Int) string { return format(uath) + " " + athtypes.DisplayDenom }

// format writes millionths without trailing zeros.
func format(amount math.Int) string {
	whole, part := new(big.Int).QuoRem(amount.BigInt(), big.NewInt(million), new(big.Int))
	s := whole.String()
	if part.Sign() != 0 {
		s += "." + strings.TrimRight(fmt.Sprintf("%06d", part.Abs(part).Int64()), "0")
	}
	return s
}
