// SPDX-License-Identifier: Apache-2.0

package types

import "cosmossdk.io/math"

// The emission of the whole network's life, in uath. Every figure below is a cumulative function of the epoch's number;
// an epoch's emission is the difference of two of them, so that the sum over all epochs is the pool to the last uath.
const (
	// Cap is the most that is ever minted, genesis included: 42,000,000,000 ATH.
	Cap int64 = 42_000_000_000 * uathPerATH
	// CheckerBaseTotal is 10% of the cap, linear over CheckerEpochs.
	CheckerBaseTotal = Cap / 100 * 10
	// CheckerBonusTotal is 5% of the cap, linear over CheckerEpochs.
	CheckerBonusTotal = Cap / 100 * 5
	// ComputeTotal is 35% of the cap, falling over ten years.
	ComputeTotal = Cap / 100 * 35
	// EmissionTotal is what InitGenesis must leave room for: half of the cap.
	EmissionTotal = CheckerBaseTotal + CheckerBonusTotal + ComputeTotal
	// CheckerEpochs is four years of daily epochs.
	CheckerEpochs = 1461

	uathPerATH = 1_000_000
	// A year's compute emission is this part of the year before, in thousandths; the first year's is 1 minus it.
	computeDecay = 603
)

// yearEpochs are the lengths of the ten years of compute emission. Years 4 and 8 are leap years, as in the 1,461 epochs
// of the Checkers' four; which calendar year the network starts in does not matter.
var yearEpochs = [10]uint64{365, 365, 365, 366, 365, 365, 365, 366, 365, 365}

// LastEpoch is the last epoch that emits anything.
const LastEpoch uint64 = 8*365 + 2*366

// Gross is the emission of one epoch (or of many) before parameters divide it.
type Gross struct {
	CheckerBase, CheckerBonus, Compute math.Int
}

// Emission is what epoch (from 1) mints.
func Emission(epoch uint64) Gross {
	if epoch == 0 {
		return Gross{math.ZeroInt(), math.ZeroInt(), math.ZeroInt()}
	}
	until, before := CumulativeEmission(epoch), CumulativeEmission(epoch-1)
	return Gross{
		CheckerBase:  until.CheckerBase.Sub(before.CheckerBase),
		CheckerBonus: until.CheckerBonus.Sub(before.CheckerBonus),
		Compute:      until.Compute.Sub(before.Compute),
	}
}

// CumulativeEmission is what the epochs 1 to epoch mint together.
func CumulativeEmission(epoch uint64) Gross {
	checkers := min(epoch, CheckerEpochs)
	return Gross{
		CheckerBase:  linear(math.NewInt(CheckerBaseTotal), checkers, CheckerEpochs),
		CheckerBonus: linear(math.NewInt(CheckerBonusTotal), checkers, CheckerEpochs),
		Compute:      cumulativeCompute(epoch),
	}
}

// RemainingEmission is what all epochs after this one mint.
func RemainingEmission(epoch uint64) math.Int {
	return math.NewInt(EmissionTotal).Sub(CumulativeEmission(epoch).Total())
}

// Total of the three.
func (g Gross) Total() math.Int { return g.CheckerBase.Add(g.CheckerBonus).Add(g.Compute) }

// linear is total x n / of, rounded down: equal steps that differ by at most one and end exactly at total.
func linear(total math.Int, n, of uint64) math.Int {
	return total.Mul(math.NewIntFromUint64(n)).Quo(math.NewIntFromUint64(of))
}

func cumulativeCompute(epoch uint64) math.Int {
	sum := math.ZeroInt()
	total := math.NewInt(ComputeTotal)
	year := total.MulRaw(1000 - computeDecay).QuoRaw(1000)
	for i, epochs := range yearEpochs {
		if i == len(yearEpochs)-1 {
			year = total.Sub(sum)
		}
		if epoch < epochs {
			return sum.Add(linear(year, epoch, epochs))
		}
		sum = sum.Add(year)
		year = year.MulRaw(computeDecay).QuoRaw(1000)
		epoch -= epochs
	}
	return sum
}

// PoolAmount is an amount of one pool.
type PoolAmount struct {
	Pool   Pool
	Amount math.Int
}

// Divide splits an epoch's emission over the pools, in order of Pools; the amounts sum to Total whatever the parameters.
// Indexers and grants get their part of each of the three emissions. The parts set aside are rounded down; what remains
// of a division stays with checkers, delivery and grants.
func (p Params) Divide(g Gross) []PoolAmount {
	aside := math.ZeroInt()
	take := func(amount math.Int) math.Int {
		part := PartRoundedDown(amount, p.IndexerGrantsPpm)
		aside = aside.Add(part)
		return amount.Sub(part)
	}
	base, bonus, compute := take(g.CheckerBase), take(g.CheckerBonus), take(g.Compute)
	capacity := PartRoundedDown(compute, p.CapacityPpm)
	indexer := PartRoundedDown(aside, p.IndexerPpm)
	return []PoolAmount{
		{Pool_POOL_CHECKER_BASE, base},
		{Pool_POOL_CHECKER_BONUS, bonus},
		{Pool_POOL_CAPACITY, capacity},
		{Pool_POOL_DELIVERY, compute.Sub(capacity)},
		{Pool_POOL_INDEXER, indexer},
		{Pool_POOL_GRANTS, aside.Sub(indexer)},
	}
}
