// SPDX-License-Identifier: Apache-2.0

package types

import "cosmossdk.io/math"

// MinBonusUptimePPM is the lowest threshold: a bonus for being there half of the time is none for being there.
const MinBonusUptimePPM = 500_000

// Count notes tasks of a licence in a quarter of the bonus, of which some were correct, and returns by how much its owner's
// bonus weight changes. The weight is the number of correct tasks while their part of all is above the threshold, and
// nothing otherwise: at every moment as if the quarter ended now. What an earlier quarter counted is paid and forgotten.
func (u Uptime) Count(quarter, tasks, correct uint64, threshold uint32) (Uptime, math.Int) {
	if u.Quarter != quarter {
		u = Uptime{Licence: u.Licence, Quarter: quarter}
	}
	u.Tasks, u.Correct = u.Tasks+tasks, u.Correct+correct
	weight := uint64(0)
	if u.above(threshold) {
		weight = u.Correct
	}
	change := math.NewIntFromUint64(weight).Sub(math.NewIntFromUint64(u.Credited))
	u.Credited = weight
	return u, change
}

func (u Uptime) above(threshold uint32) bool {
	return math.NewIntFromUint64(u.Correct).MulRaw(ppm).GT(math.NewIntFromUint64(u.Tasks).MulRaw(int64(threshold)))
}

// Validate checks an uptime by itself, as genesis needs.
func (u Uptime) Validate() error {
	if u.Licence == 0 || u.Tasks == 0 || u.Correct > u.Tasks || u.Credited > u.Correct {
		return ErrInvalidGenesis.Wrapf("uptime of licence %d: %d of %d tasks correct, %d credited", u.Licence, u.Correct, u.Tasks, u.Credited)
	}
	return nil
}
