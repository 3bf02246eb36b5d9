// SPDX-License-Identifier: Apache-2.0

package types

import (
	"time"

	"cosmossdk.io/math"
)

// MaxRevenueEpochs is how many complete epochs' revenue is remembered: a month of days.
const MaxRevenueEpochs = 31

// validateRevenue checks that revenue is of the running epoch and those remembered before it, in order. An
// epoch whose refunds were as much as its payments brought nothing.
func (g GenesisState) validateRevenue() error {
	for i, r := range g.Revenue {
		switch {
		case i > 0 && r.Epoch <= g.Revenue[i-1].Epoch, r.Epoch > g.Epoch.Number, r.Epoch+MaxRevenueEpochs < g.Epoch.Number:
			return ErrInvalidGenesis.Wrapf("revenue[%d]: epoch %d, while epoch %d is running", i, r.Epoch, g.Epoch.Number)
		case anyNegative(r.Amount) || r.Amount.GT(maxIndex):
			return ErrInvalidGenesis.Wrapf("revenue[%d]: %s", i, r.Amount)
		case anyNegative(r.Fees) || r.Fees.GT(maxIndex):
			return ErrInvalidGenesis.Wrapf("revenue[%d]: fees of %s", i, r.Fees)
		}
	}
	return nil
}

// NewEpochRevenue is an epoch without a payment.
func NewEpochRevenue(epoch uint64) EpochRevenue {
	return EpochRevenue{Epoch: epoch, Amount: math.ZeroInt(), Fees: math.ZeroInt()}
}

// NewRevenueFigures annualises what so many epochs of a duration brought.
func NewRevenueFigures(epochs uint64, epoch Epoch, payments, fees math.Int) RevenueFigures {
	period := epoch.Duration * time.Duration(epochs)
	return RevenueFigures{
		Epochs: epochs, Period: period, Payments: payments, Fees: fees,
		PaymentsPerYear: YearlyRoundedDown(payments, period), FeesPerYear: YearlyRoundedDown(fees, period),
	}
}
