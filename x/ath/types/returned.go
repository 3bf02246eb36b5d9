// SPDX-License-Identifier: Apache-2.0

package types

import "cosmossdk.io/math"

// Penalties that came back to a pool, pure. They are kept apart from what the pool has otherwise and leave in the order in
// which they came: the pool's Returned and ReturnedSpent are two places on one line of coins, and the coins between them
// wait. Who pays a penalty stands at the end of the line with its last coin (Bar). An epoch takes its part from somewhere
// behind its ReturnedFloor, the place at which the line stood when it began; so an epoch whose floor is at or behind the
// bar can't give away a coin of that penalty, and all who have no later bar take part in it.

// ReturnedHeld is what came back and was not given away: it lies in the pool's row.
func (s PoolState) ReturnedHeld() math.Int { return s.Returned.Sub(s.ReturnedSpent) }

// OpenReturned says what the next epoch may give away of the returned penalties, of which reserved are in the budgets of
// open epochs. The rate is what empties them within RolloverEpochs, and stays until they are: so every penalty is offered
// again within that time, and no single epoch offers a pile.
func (s PoolState) OpenReturned(reserved math.Int) (PoolState, math.Int) {
	free := s.ReturnedHeld().Sub(reserved)
	if !free.IsPositive() {
		s.ReturnedRate = math.ZeroInt()
		return s, math.ZeroInt()
	}
	s.ReturnedRate = math.MaxInt(s.ReturnedRate, quoRoundedUp(free, math.NewInt(RolloverEpochs)))
	return s, math.MinInt(free, s.ReturnedRate)
}

// TakesPart says whether a beneficiary whose bar is at this place takes part in what the epoch gives away of returned
// penalties; a bar of zero is none.
func (s Share) TakesPart(bar math.Int) bool { return bar.LTE(s.ReturnedFloor) }

// closeReturned fixes what the epoch gives away: its budget, but with the amount nobody gets more than kappa per weight.
func (s Share) closeReturned(kappa Kappa) math.Int {
	if !s.ReturnedWeight.IsPositive() {
		return math.ZeroInt()
	}
	if !kappa.Limited {
		return s.ReturnedBudget
	}
	used := quoRoundedUp(s.Amount.Mul(s.ReturnedWeight), s.Weight)
	room := PartRoundedDown(s.ReturnedWeight, kappa.PPM).Sub(used)
	return math.MaxInt(math.ZeroInt(), math.MinInt(s.ReturnedBudget, room))
}

// ReturnedRoundedDown is what a weight that takes part gets of returned penalties in a closed epoch.
func (s Share) ReturnedRoundedDown(weight math.Int) math.Int {
	if !s.Closed || !s.ReturnedWeight.IsPositive() {
		return math.ZeroInt()
	}
	return s.ReturnedAmount.Mul(weight).Quo(s.ReturnedWeight)
}

// Promised is all that a closed epoch pays.
func (s Share) Promised() math.Int { return s.Amount.Add(s.ReturnedAmount) }
