// SPDX-License-Identifier: Apache-2.0

// Package price reads and writes amounts and prices as people do. It depends on nothing, so that every program may use it.
package price

import (
	"fmt"
	"math/big"
	"strings"

	"cosmossdk.io/math"

	athtypes "github.com/athnet/ath/x/ath/types"
)

const (
	// rateUnit is how many parts of a uath a rate counts in.
	rateUnit = 1_000_000
	// uathPerATH is 10^6.
	uathPerATH = 1_000_000
)

// Parse reads "0.5ath/h", "140uath/s" or "3ath/d" and returns a rate in 10^-6 uath per second, rounded down so that the
// tenant never pays more than was written.
func Parse(s string) (math.Int, error) {
	const want = `want a price such as 0.5ath/h, 12ath/d or 140uath/s`
	amount, per, ok := strings.Cut(strings.ToLower(strings.TrimSpace(s)), "/")
	if !ok {
		return math.Int{}, fmt.Errorf("price %q: %s", s, want)
	}
	seconds := map[string]int64{"s": 1, "m": 60, "min": 60, "h": 3600, "hour": 3600, "d": 86400, "day": 86400}[per]
	uath, err := decimal(amount)
	if err != nil || seconds == 0 {
		return math.Int{}, fmt.Errorf("price %q: %s", s, want)
	}
	uath.Mul(uath, big.NewRat(rateUnit, seconds))
	rate := math.NewIntFromBigInt(new(big.Int).Quo(uath.Num(), uath.Denom()))
	if !rate.IsPositive() {
		return math.Int{}, fmt.Errorf("price %q: is less than 10^-6 uath per second", s)
	}
	return rate, nil
}

// ParseAmount reads "2ath", "1.5ATH" or "1500000uath" and returns uath.
func ParseAmount(s string) (math.Int, error) {
	r, err := decimal(strings.ToLower(strings.TrimSpace(s)))
	if err != nil || !r.IsInt() {
		return math.Int{}, fmt.Errorf("amount %q: want an amount such as 2ath or 1500000uath", s)
	}
	return math.NewIntFromBigInt(r.Num()), nil
}

// decimal reads a number with the unit ath or uath and returns uath.
func decimal(s string) (*big.Rat, error) {
	scale := int64(1)
	number, ok := strings.CutSuffix(s, athtypes.Denom)
	if !ok {
		if number, ok = strings.CutSuffix(s, strings.ToLower(athtypes.DisplayDenom)); !ok {
			return nil, fmt.Errorf("unit")
		}
		scale = uathPerATH
	}
	if number == "" || len(number) > 40 || strings.Trim(number, "0123456789.") != "" {
		return nil, fmt.Errorf("number")
	}
	r, ok := new(big.Rat).SetString(number)
	if !ok {
		return nil, fmt.Errorf("number")
	}
	return r.Mul(r, big.NewRat(scale, 1)), nil
}

// PerHour says what a rate costs: "0.5041 ATH/h".
func PerHour(rate math.Int) string {
	return FormatATH(rate.MulRaw(3600).QuoRaw(rateUnit)) + "/h"
}

// FormatATH writes uath as ATH without trailing zeros.
func FormatATH(uath math.Int) string {
	whole, part := new(big.Int).QuoRem(uath.BigInt(), big.NewInt(uathPerATH), new(big.Int))
	s := whole.String()
	if part.Sign() != 0 {
		s += "." + strings.TrimRight(fmt.Sprintf("%06d", part.Abs(part).Int64()), "0")
	}
	return s + " " + athtypes.DisplayDenom
}
