// SPDX-License-Identifier: Apache-2.0

package types

import (
	"cosmossdk.io/math"

	athtypes "github.com/athnet/ath/x/ath/types"
)

// NewApr divides a year's emission for Checkers by seats, and what one earns by the bond.
func NewApr(base, bonus math.Int, licences, seats uint64, bond math.Int) *QueryAprResponse {
	res := &QueryAprResponse{
		BasePerYear: base, BonusPerYear: bonus, Licences: licences, Seats: seats, Bond: bond,
		SeatPerYear: math.ZeroInt(), Apr: athtypes.NoApr(),
	}
	if seats == 0 {
		return res
	}
	res.SeatPerYear = base.Add(bonus).Quo(math.NewIntFromUint64(seats))
	res.Apr = athtypes.NewApr(res.SeatPerYear, bond)
	return res
}
