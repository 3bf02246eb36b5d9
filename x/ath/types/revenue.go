// SPDX-License-Identifier: Apache-2.0

package types

// MaxRevenueEpochs is how many complete epochs' revenue is remembered: a month of days.
const MaxRevenueEpochs = 31

// validateRevenue checks that revenue is of the running epoch and those remembered before it, in order.
func (g GenesisState) validateRevenue() error {
	for i, r := range g.Revenue {
		switch {
		case i > 0 && r.Epoch <= g.Revenue[i-1].Epoch, r.Epoch > g.Epoch.Number, r.Epoch+MaxRevenueEpochs < g.Epoch.Number:
			return ErrInvalidGenesis.Wrapf("revenue[%d]: epoch %d, while epoch %d is running", i, r.Epoch, g.Epoch.Number)
		case r.Amount.IsNil() || !r.Amount.IsPositive() || r.Amount.GT(maxIndex):
			return ErrInvalidGenesis.Wrapf("revenue[%d]: %s", i, r.Amount)
		}
	}
	return nil
}
