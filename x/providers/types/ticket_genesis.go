// SPDX-License-Identifier: Apache-2.0

package types

import (
	"cosmossdk.io/math"

	athtypes "github.com/athnet/ath/x/ath/types"
)

// validateTickets checks tickets and stakes, and that they fit each other and the Containers.
func (g GenesisState) validateTickets() error {
	if g.NextTicket == 0 {
		return ErrInvalidGenesis.Wrap("next_ticket: want at least 1")
	}
	providers := make(map[string]bool, len(g.Providers))
	for _, p := range g.Providers {
		providers[p.Owner] = true
	}
	owners := make(map[uint64]string, len(g.Containers))
	for _, c := range g.Containers {
		owners[c.Id] = c.Provider
	}
	held := make(map[uint64]math.Int)
	last := uint64(0)
	for i, t := range g.Tickets {
		if t.Id <= last || t.Id >= g.NextTicket {
			return ErrInvalidGenesis.Wrapf("tickets[%d]: id %d after %d, next is %d", i, t.Id, last, g.NextTicket)
		}
		last = t.Id
		if err := t.Validate(); err != nil {
			return err
		}
		if !providers[t.Provider] {
			return ErrInvalidGenesis.Wrapf("ticket %d: %s is no provider", t.Id, t.Provider)
		}
		if owner, lives := owners[t.Container]; lives && owner != t.Provider {
			return ErrInvalidGenesis.Wrapf("ticket %d: container %d is of %s, not of %s", t.Id, t.Container, owner, t.Provider)
		}
		if amount := t.FromStake(); amount.IsPositive() {
			if sum, ok := held[t.Container]; ok {
				amount = amount.Add(sum)
			}
			held[t.Container] = amount
		}
	}
	return g.validateStakes(held)
}

// validateStakes: every Container has a record, one that is kept beyond its Container is held by a ticket, and records hold
// what tickets took.
func (g GenesisState) validateStakes(held map[uint64]math.Int) error {
	living := make(map[uint64]bool, len(g.Containers))
	for _, c := range g.Containers {
		living[c.Id] = true
	}
	found, last, base := 0, uint64(0), math.ZeroInt()
	for i, s := range g.Stakes {
		if s.Container <= last {
			return ErrInvalidGenesis.Wrapf("stakes[%d]: container %d after %d", i, s.Container, last)
		}
		last = s.Container
		if err := s.Validate(); err != nil {
			return err
		}
		if living[s.Container] != (s.Ripe == 0) {
			return ErrInvalidGenesis.Wrapf("stakes[%d]: container %d lives: %t, its stake is ripe at %d", i, s.Container, living[s.Container], s.Ripe)
		}
		if s.Ripe == 0 {
			found, base = found+1, base.Add(s.Base)
		}
		sum, ok := held[s.Container]
		if !ok {
			sum = math.ZeroInt()
		}
		if !sum.Equal(s.Held) {
			return ErrInvalidGenesis.Wrapf("stakes[%d]: tickets hold %s of container %d, not %s", i, sum, s.Container, s.Held)
		}
		delete(held, s.Container)
	}
	if found != len(g.Containers) || len(held) > 0 {
		return ErrInvalidGenesis.Wrapf("stakes: %d of %d containers, %d that tickets hold are missing", found, len(g.Containers), len(held))
	}
	return g.Coefficient.Validate(base)
}

// HeldRows are the rows that x/ath holds for the tickets.
func (g GenesisState) HeldRows() []athtypes.RowBalance {
	rows := make([]athtypes.RowBalance, len(g.Tickets))
	for i, t := range g.Tickets {
		rows[i] = athtypes.RowBalance{Row: athtypes.HeldRow(t.Provider, t.Id), Amount: t.Amount}
	}
	return rows
}
