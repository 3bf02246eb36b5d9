// SPDX-License-Identifier: Apache-2.0

package types

import "cosmossdk.io/math"

// ServiceFeeRoundedDown is the part of a payment that is the service fee. What doesn't make a whole unit stays with the
// provider: rounded up, whoever settles a cheap lease every second would take its whole income away, since anybody may
// settle. To dodge the fee by settling often costs more gas than the millionth of an ATH that it saves.
func (p Params) ServiceFeeRoundedDown(amount math.Int) math.Int {
	return PartRoundedDown(amount, p.ServiceFeePpm)
}

// FeeParts is a service fee divided; the parts sum to the fee.
type FeeParts struct {
	Stakers, SLAFund, Treasury, Burn math.Int
}

// Divide splits a fee; the remainder of the three divisions is burnt. Only the chain's own coin can be burnt, so the
// burn of any other denom goes to the treasury.
func (s FeeSplit) Divide(fee math.Int, denom string) FeeParts {
	parts := FeeParts{
		Stakers:  PartRoundedDown(fee, s.StakersPpm),
		SLAFund:  PartRoundedDown(fee, s.SlaFundPpm),
		Treasury: PartRoundedDown(fee, s.TreasuryPpm),
	}
	parts.Burn = fee.Sub(parts.Stakers).Sub(parts.SLAFund).Sub(parts.Treasury)
	if denom != Denom {
		parts.Treasury, parts.Burn = parts.Treasury.Add(parts.Burn), math.ZeroInt()
	}
	return parts
}
