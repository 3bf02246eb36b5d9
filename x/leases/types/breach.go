// SPDX-License-Identifier: Apache-2.0

package types

import (
	"time"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"
)

// Broken is what a provider gives back of a service that it has broken: what was billed of the last time of it, as long as the time that it
// withholds, and not of what another Container served, was not billed, or was credited before. It also returns what of the service a fault
// that is judged later may still credit, or nil.
func (r Receipt) Broken(withheld time.Duration, usd Clock) (Credit, *Receipt) {
	if withheld <= 0 || !r.Creditable() {
		return Credit{From: r.BilledUntil, Due: math.ZeroInt()}, nil
	}
	l := Lease{PriceDenom: r.PriceDenom, Rate: r.Rate, Billed: r.Billed, Credited: r.Credited}
	credit := Credit{From: later(r.BilledUntil.Add(-withheld), *r.CreditableFrom)}
	credit.Due = l.dueFor(credit.From, r.BilledUntil, usd)
	if !r.CreditableFrom.Before(credit.From) {
		return credit, nil
	}
	r.BilledUntil, r.Credited, r.Minimum = credit.From, r.Credited.Add(credit.Due), math.ZeroInt()
	return credit, &r
}

// Add is what a provider owes that breaks the same lease twice in a block: by giving notice and by not waiting for it.
func (b Breach) Add(more Breach) Breach {
	b.Withheld, b.Due = b.Withheld+more.Withheld, b.Due.Add(more.Due)
	return b
}

func (g GenesisState) validateBreaches() error {
	for i, b := range g.Breaches {
		if _, err := ParseLeaseID(b.LeaseId); err != nil {
			return ErrInvalidGenesis.Wrapf("breaches[%d]: %v", i, err)
		}
		if _, err := sdk.AccAddressFromBech32(b.Provider); err != nil {
			return ErrInvalidGenesis.Wrapf("breaches[%d].provider: %v", i, err)
		}
		if b.ContainerId == 0 || b.Withheld <= 0 || b.Due.IsNil() || !b.Due.IsPositive() {
			return ErrInvalidGenesis.Wrapf("breaches[%d]: container %d, %s withheld, %s due: want more than nothing", i, b.ContainerId, b.Withheld, show(b.Due))
		}
	}
	return nil
}
