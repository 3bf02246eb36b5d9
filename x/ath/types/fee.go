// SPDX-License-Identifier: Apache-2.0

package types

import (
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"
)

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

// NewFeeTotals is a denom in which no fee was distributed yet.
func NewFeeTotals(denom string) FeeTotals {
	zero := math.ZeroInt()
	return FeeTotals{Denom: denom, Stakers: zero, SlaFund: zero, Treasury: zero, Burnt: zero}
}

// Add counts a fee that was distributed.
func (t FeeTotals) Add(parts FeeParts) FeeTotals {
	t.Stakers, t.SlaFund = t.Stakers.Add(parts.Stakers), t.SlaFund.Add(parts.SLAFund)
	t.Treasury, t.Burnt = t.Treasury.Add(parts.Treasury), t.Burnt.Add(parts.Burn)
	return t
}

// Sum is all that was divided.
func (p FeeParts) Sum() math.Int { return p.Stakers.Add(p.SLAFund).Add(p.Treasury).Add(p.Burn) }

// validateFees checks the totals of fees: in order of denom, and nothing burnt of what can't be; and that providers' fees are some.
func (g GenesisState) validateFees() error {
	for i, fee := range g.ProviderFees {
		if err := sdk.ValidateDenom(fee.Denom); err != nil || fee.Denom == Denom {
			return ErrInvalidGenesis.Wrapf("provider_fees[%d]: denom %q: want another than %s", i, fee.Denom, Denom)
		}
		if fee.Epoch == 0 || fee.Epoch > g.Epoch.Number || fee.Amount.IsNil() || !fee.Amount.IsPositive() {
			return ErrInvalidGenesis.Wrapf("provider_fees[%d]: %s in epoch %d; want more than nothing, and an epoch from 1 to %d", i, fee.Amount, fee.Epoch, g.Epoch.Number)
		}
	}
	for i, t := range g.Fees {
		if err := sdk.ValidateDenom(t.Denom); err != nil {
			return ErrInvalidGenesis.Wrapf("fees[%d]: denom: %s", i, err)
		}
		if i > 0 && t.Denom <= g.Fees[i-1].Denom {
			return ErrInvalidGenesis.Wrapf("fees[%d]: %s is not after %s", i, t.Denom, g.Fees[i-1].Denom)
		}
		if anyNegative(t.Stakers, t.SlaFund, t.Treasury, t.Burnt) {
			return ErrInvalidGenesis.Wrapf("fees[%d]: a figure of %s is negative", i, t.Denom)
		}
		if t.Denom != Denom && t.Burnt.IsPositive() {
			return ErrInvalidGenesis.Wrapf("fees[%d]: %s%s are burnt; only %s can be", i, t.Burnt, t.Denom, Denom)
		}
	}
	return nil
}
