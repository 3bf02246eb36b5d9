// SPDX-License-Identifier: Apache-2.0

package types

import "cosmossdk.io/math"

const (
	// MinIndexPPM keeps a stake worth losing through a time without revenue.
	MinIndexPPM = 250_000
	// MaxIndexPPM is where the index stops; a network that needs more than 16-fold stakes decides so itself, by
	// stake_coefficient_ppm.
	MaxIndexPPM = 16_000_000
)

var million = math.NewInt(Million)

// NewCoefficient is that of a new chain.
func NewCoefficient() Coefficient {
	return Coefficient{IndexPpm: Million, Base: math.ZeroInt(), Epoch: 1, Revenue: math.ZeroInt()}
}

// Due says whether the index is to be computed anew in an epoch.
func (c Coefficient) Due(epoch uint64, p Params) bool { return epoch >= c.NextEpoch(p) }

// NextEpoch is when the index is computed next.
func (c Coefficient) NextEpoch(p Params) uint64 { return c.Epoch + uint64(p.CoefficientEpochs) }

// Count adds to the base stake; a negative amount takes away.
func (c Coefficient) Count(base math.Int) Coefficient {
	c.Base = c.Base.Add(base)
	return c
}

// Step computes the index anew from the revenue of the epochs since the last step, and says where it would be without bounds.
// Without base stake there is nothing to compare revenue with, and the index stays.
func (c Coefficient) Step(epoch uint64, revenue math.Int, p Params) (next Coefficient, target uint64) {
	target = c.IndexPpm
	if c.Base.IsPositive() {
		target = TargetRoundedDown(revenue, c.Base, p.RevenueReferencePpm)
	}
	c.IndexPpm = boundedIndex(c.IndexPpm, target, p.CoefficientStepPpm)
	c.Epoch, c.Revenue = epoch, revenue
	return c, target
}

// TargetRoundedDown is revenue / base / reference in ppm, at most MaxIndexPPM.
func TargetRoundedDown(revenue, base math.Int, reference uint64) uint64 {
	target := revenue.Mul(million).Mul(million).Quo(base.Mul(math.NewIntFromUint64(reference)))
	return math.MinInt(target, math.NewInt(MaxIndexPPM)).Uint64()
}

// boundedIndex moves an index towards a target by at most step ppm of itself, within MinIndexPPM and MaxIndexPPM.
func boundedIndex(index, target, step uint64) uint64 {
	most := index * step / Million
	return min(max(min(max(target, index-most), index+most), MinIndexPPM), MaxIndexPPM)
}

// Factor is the stake factor of a tier, in ppm.
func (p Params) Factor(tier Tier) uint64 {
	if tier == Tier_TIER_ENTERPRISE {
		return p.EnterpriseFactorPpm
	}
	return p.EdgeFactorPpm
}

// CoefficientRoundedUp is governance's part of the coefficient x the index, in ppm.
func (p Params) CoefficientRoundedUp(index uint64) uint64 {
	return (p.StakeCoefficientPpm*index + Million - 1) / Million
}

// StakeRoundedUp is what a Container bonds: class stake x coefficient x count x tier factor. At least 1 uath for valid
// arguments, so that no Container lives without a stake.
func (p Params) StakeRoundedUp(class Class, tier Tier, count uint32, index uint64) math.Int {
	product := class.Stake.
		Mul(math.NewIntFromUint64(p.CoefficientRoundedUp(index))).
		Mul(math.NewIntFromUint64(p.Factor(tier))).
		MulRaw(int64(count))
	return quoRoundedUp(product, million.Mul(million))
}

// BaseRoundedUp is what a Container counts for in the base stake: its stake without coefficient.
func (p Params) BaseRoundedUp(class Class, tier Tier, count uint32) math.Int {
	return quoRoundedUp(class.Stake.Mul(math.NewIntFromUint64(p.Factor(tier))).MulRaw(int64(count)), million)
}

func quoRoundedUp(a, b math.Int) math.Int { return a.Add(b).SubRaw(1).Quo(b) }

// Validate checks the coefficient of a genesis state, whose Containers count for base.
func (c Coefficient) Validate(base math.Int) error {
	switch {
	case c.IndexPpm < MinIndexPPM || c.IndexPpm > MaxIndexPPM:
		return ErrInvalidGenesis.Wrapf("coefficient: index_ppm: want %d to %d, have %d", MinIndexPPM, MaxIndexPPM, c.IndexPpm)
	case c.Epoch == 0:
		return ErrInvalidGenesis.Wrap("coefficient: epoch: want at least 1")
	case c.Revenue.IsNil() || c.Revenue.IsNegative():
		return ErrInvalidGenesis.Wrapf("coefficient: revenue: %s", c.Revenue)
	case c.Base.IsNil() || !c.Base.Equal(base):
		return ErrInvalidGenesis.Wrapf("coefficient: base: %s, the living containers count for %s", c.Base, base)
	}
	return nil
}
