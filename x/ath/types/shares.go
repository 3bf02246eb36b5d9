// SPDX-License-Identifier: Apache-2.0

package types

import "cosmossdk.io/math"

// RolloverEpochs is over how many epochs what a pool did not pay comes back. One epoch that paid out everything that
// was left over would draw the weights of a whole quarter into one day.
const RolloverEpochs = 90

// MaxWeight bounds every weight, so that its product with a budget or an index fits into 256 bits.
var MaxWeight = math.NewIntFromUint64(1 << 63).MulRaw(1 << 32)

// ValidateWeight says whether a weight may enter a pool: not negative, at most MaxWeight.
func ValidateWeight(weight math.Int) error {
	if weight.IsNil() || weight.IsNegative() || weight.GT(MaxWeight) {
		return ErrInvalidWeight.Wrapf("weight is %s; 0 to %s", weight, MaxWeight)
	}
	return nil
}

// Budget is what a pool may pay in an epoch: the epoch's emission and 1/RolloverEpochs of what was left over before.
func Budget(emission, leftOver math.Int) math.Int {
	if !leftOver.IsPositive() {
		return emission
	}
	return emission.Add(leftOver.QuoRaw(RolloverEpochs))
}

// NewShare opens a pool's epoch: what it may pay beside returned penalties, and of these.
func NewShare(pool PoolState, epoch uint64, budget, returned math.Int) Share {
	zero := math.ZeroInt()
	return Share{
		Pool: pool.Pool, Epoch: epoch, Weight: zero, Amount: zero, Budget: budget,
		ReturnedBudget: returned, ReturnedFloor: pool.ReturnedSpent, ReturnedWeight: zero, ReturnedAmount: zero,
	}
}

// Add changes the epoch's weight by that of a beneficiary who takes part in returned penalties, or doesn't.
func (s Share) Add(weight math.Int, takesPart bool) Share {
	s.Weight = s.Weight.Add(weight)
	if takesPart {
		s.ReturnedWeight = s.ReturnedWeight.Add(weight)
	}
	return s
}

// Close fixes what the epoch pays: its budget, at most kappa per unit of weight, nothing without weight.
func (s Share) Close(kappa Kappa) Share {
	s.Closed = true
	switch {
	case !s.Weight.IsPositive():
		s.Amount = math.ZeroInt()
	case kappa.Limited:
		s.Amount = math.MinInt(s.Budget, PartRoundedDown(s.Weight, kappa.PPM))
	default:
		s.Amount = s.Budget
	}
	s.ReturnedAmount = s.closeReturned(kappa)
	return s
}

// PayRoundedDown is what a weight earns in a closed epoch, beside returned penalties; the dust stays in the pool.
func (s Share) PayRoundedDown(weight math.Int) math.Int {
	if !s.Closed || !s.Weight.IsPositive() {
		return math.ZeroInt()
	}
	return s.Amount.Mul(weight).Quo(s.Weight)
}

// Kappa limits what one unit of weight can earn.
type Kappa struct {
	Limited bool
	PPM     uint32
}

// Kappa returns a pool's limit. Weights of fees can be bought, so what they earn is limited; a Checker's tasks can't.
func (p Params) Kappa(pool Pool) Kappa {
	switch pool {
	case Pool_POOL_DELIVERY:
		return Kappa{Limited: true, PPM: p.KappaDeliveryPpm}
	case Pool_POOL_INDEXER:
		return Kappa{Limited: true, PPM: p.KappaIndexerPpm}
	default:
		return Kappa{}
	}
}
