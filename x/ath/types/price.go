// SPDX-License-Identifier: Apache-2.0

package types

import (
	"cmp"
	"slices"
	"time"

	"cosmossdk.io/math"
)

const (
	// MaxPrice is the highest price that a vote may name: 10^6 USD per ATH. With it no product below leaves 256 bits.
	MaxPrice = 1_000_000_000_000_000
	// MaxPriceChangePPM bounds how far one block may move the price.
	MaxPriceChangePPM = 100_000
	// MaxPriceAverageBlocks bounds how slow the average may be: a day of 1 s blocks.
	MaxPriceAverageBlocks = 100_000
	// MaxPriceAge bounds how old a price may be that contracts are made by.
	MaxPriceAge = day
	// MaxPriceStep bounds how long USD prices stand still in ATH.
	MaxPriceStep = day
	// KeptUsdCheckpoints are hourly ones of a year: what bills by the UsdIndex must settle within that time.
	KeptUsdCheckpoints = 366 * 24
)

// averageScale is how much finer the average is than the price, so that small moves are not lost in its division.
const averageScale = 1_000_000_000

// slopeScale is 10^12 (the slope's unit) x 10^9 (uath per micro-dollar at a price of 10^-9 USD) x averageScale.
var slopeScale = math.NewIntWithDecimal(1, 30)

// MedianPrice is the median of what validators say an ATH is worth, weighted by their power; false where those that say
// something do not have more than two thirds of all power. Less than a third of the power then is less than half of what
// speaks, so liars of less than a third can't bring the median outside of what honest validators say.
func MedianPrice(votes []Vote, power int64) (uint64, bool) {
	said := slices.DeleteFunc(slices.Clone(votes), func(v Vote) bool { return v.Price == 0 || v.Price > MaxPrice || v.Power <= 0 })
	slices.SortStableFunc(said, func(a, b Vote) int { return cmp.Compare(a.Price, b.Price) })
	sum := math.ZeroInt()
	for _, v := range said {
		sum = sum.Add(math.NewInt(v.Power))
	}
	if sum.MulRaw(3).LTE(math.NewInt(power).MulRaw(2)) {
		return 0, false
	}
	half := math.ZeroInt()
	for _, v := range said {
		half = half.Add(math.NewInt(v.Power))
		if half.MulRaw(2).GTE(sum) {
			return v.Price, true
		}
	}
	return 0, false
}

// Observe takes a median into the price: the spot moves towards it by at most a part of itself, but at least by one unit,
// and the average by its part of the way to the spot. The first observation is taken as it is.
func (p Params) Observe(before *Price, median uint64, now time.Time) Price {
	if before == nil {
		return Price{Spot: median, Average: math.NewIntFromUint64(median).MulRaw(averageScale), ObservedAt: now}
	}
	ppm := uint64(p.PriceMaxChangePpm)
	most := max(1, before.Spot/PPM*ppm+before.Spot%PPM*ppm/PPM) // in two parts: MaxPrice x MaxPriceChangePPM is beyond 64 bits
	spot := min(max(median, before.Spot-min(most, before.Spot-1)), min(before.Spot+most, MaxPrice))
	toward := math.NewIntFromUint64(spot).MulRaw(averageScale).Sub(before.Average)
	return Price{Spot: spot, Average: before.Average.Add(toward.QuoRaw(int64(p.PriceAverageBlocks))), ObservedAt: now}
}

// Stale says whether a price is too old to quote by.
func (p Params) Stale(price *Price, now time.Time) bool {
	return price == nil || now.Sub(price.ObservedAt) > p.PriceStaleAfter
}

// USD is the average for people, in USD per ATH.
func (p Price) USD() string {
	return math.LegacyNewDecFromBigIntWithPrec(p.Average.BigInt(), 18).String()
}

// Validate checks a price from a genesis state.
func (p Price) Validate() error {
	if p.Spot == 0 || p.Spot > MaxPrice {
		return ErrInvalidGenesis.Wrapf("price.spot is %d; 1 to %d", p.Spot, uint64(MaxPrice))
	}
	if p.Average.IsNil() || !p.Average.IsPositive() || p.Average.GT(math.NewInt(MaxPrice).MulRaw(averageScale)) {
		return ErrInvalidGenesis.Wrapf("price.average is %s; 1 to the highest price", p.Average)
	}
	return nil
}

// slope is uath per micro-dollar at an average price, in 10^-12, rounded down.
func (p Price) slope() math.Int { return slopeScale.Quo(p.Average) }

// NewUsdIndex starts at zero with the first price.
func NewUsdIndex(price Price, now time.Time) UsdIndex {
	return UsdIndex{Index: math.ZeroInt(), Slope: price.slope(), SteppedAt: now}
}

// At is the index at a time that is not before the step, exact.
func (u UsdIndex) At(t time.Time) math.Int {
	return u.Index.Add(u.Slope.Mul(math.NewInt(int64(t.Sub(u.SteppedAt)))))
}

// Step ends a period of constant slope. A stale price leaves the slope as it is: who has agreed to a price goes on paying by
// the last one that was known.
func (u UsdIndex) Step(price Price, stale bool, now time.Time) UsdIndex {
	next := UsdIndex{Index: u.At(now), Slope: u.Slope, SteppedAt: now}
	if !stale {
		next.Slope = price.slope()
	}
	return next
}

// maxUsdIndex bounds an index from a genesis state: the steepest slope for 300 years.
var maxUsdIndex = math.NewIntWithDecimal(1, 42)

// Validate checks an index from a genesis state.
func (u UsdIndex) Validate() error {
	if u.Index.IsNil() || u.Index.IsNegative() || u.Index.GT(maxUsdIndex) {
		return ErrInvalidGenesis.Wrapf("index is %s; 0 to %s", u.Index, maxUsdIndex)
	}
	if u.SteppedAt.Unix() < 0 {
		return ErrInvalidGenesis.Wrapf("stepped_at is %s; it can't be before 1970", u.SteppedAt)
	}
	if u.Slope.IsNil() || u.Slope.IsNegative() || u.Slope.GT(slopeScale) {
		return ErrInvalidGenesis.Wrapf("slope is %s; 0 to %s", u.Slope, slopeScale)
	}
	return nil
}

func (g GenesisState) validatePrice() error {
	if (g.Price == nil) != (g.UsdIndex == nil) {
		return ErrInvalidGenesis.Wrap("price and usd_index come together")
	}
	if g.Price == nil {
		if len(g.UsdCheckpoints) > 0 {
			return ErrInvalidGenesis.Wrap("usd_checkpoints without usd_index")
		}
		return nil
	}
	if err := g.Price.Validate(); err != nil {
		return err
	}
	if len(g.UsdCheckpoints) > 2*KeptUsdCheckpoints {
		return ErrInvalidGenesis.Wrapf("%d usd_checkpoints; at most %d", len(g.UsdCheckpoints), 2*KeptUsdCheckpoints)
	}
	line := append(slices.Clone(g.UsdCheckpoints), *g.UsdIndex)
	for i, point := range line {
		if err := point.Validate(); err != nil {
			return ErrInvalidGenesis.Wrapf("usd_checkpoints[%d]: %s", i, err)
		}
		if i == 0 {
			continue
		}
		if before := line[i-1]; !before.SteppedAt.Before(point.SteppedAt) || !before.At(point.SteppedAt).Equal(point.Index) {
			return ErrInvalidGenesis.Wrapf("usd_checkpoints[%d] does not lead to the next one", i-1)
		}
	}
	return nil
}

func (p Params) validatePrice() error {
	switch {
	case p.PriceMaxChangePpm < 1 || p.PriceMaxChangePpm > MaxPriceChangePPM:
		return ErrInvalidParams.Wrapf("price_max_change_ppm is %d; 1 to %d", p.PriceMaxChangePpm, MaxPriceChangePPM)
	case p.PriceAverageBlocks < 1 || p.PriceAverageBlocks > MaxPriceAverageBlocks:
		return ErrInvalidParams.Wrapf("price_average_blocks is %d; 1 to %d", p.PriceAverageBlocks, MaxPriceAverageBlocks)
	case p.PriceStaleAfter < time.Second || p.PriceStaleAfter > MaxPriceAge:
		return ErrInvalidParams.Wrapf("price_stale_after is %s; 1s to %s", p.PriceStaleAfter, MaxPriceAge)
	case p.PriceStep < time.Second || p.PriceStep > MaxPriceStep:
		return ErrInvalidParams.Wrapf("price_step is %s; 1s to %s", p.PriceStep, MaxPriceStep)
	}
	return nil
}
