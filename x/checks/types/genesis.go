// SPDX-License-Identifier: Apache-2.0

package types

import (
	"cmp"

	sdk "github.com/cosmos/cosmos-sdk/types"
)

// maxRounds is how many rounds are kept at once: the running one, the one that is being revealed, the one that is being
// judged and, for the time from which a repeated fault dates, the one before that.
const maxRounds = 4

// DefaultGenesis is the state of a network before its first block.
func DefaultGenesis() *GenesisState {
	return &GenesisState{Params: DefaultParams(), NextLicence: 1}
}

// Validate checks everything that does not need other modules: order, uniqueness and references.
func (g GenesisState) Validate() error {
	if err := g.Params.Validate(); err != nil {
		return err
	}
	for _, check := range []func() error{
		g.validateLicences, g.validateRounds, g.validateSeats, g.validatePending, g.validateSubmissions, g.validateJudging, g.validateUptimes,
	} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (g GenesisState) validateLicences() error {
	last := uint64(0)
	for _, l := range g.Licences {
		if err := l.Validate(); err != nil {
			return err
		}
		if l.Id <= last {
			return ErrInvalidGenesis.Wrapf("licences: %d follows %d; want the order of ids, each once", l.Id, last)
		}
		last = l.Id
	}
	if g.NextLicence <= last {
		return ErrInvalidGenesis.Wrapf("next_licence: want more than %d, have %d", last, g.NextLicence)
	}
	return nil
}

func (g GenesisState) validateRounds() error {
	if len(g.Rounds) > maxRounds {
		return ErrInvalidGenesis.Wrapf("rounds: at most %d are kept, have %d", maxRounds, len(g.Rounds))
	}
	for i, r := range g.Rounds {
		if r.Number == 0 || len(r.Seed) != HashSize || r.CommitteeSize == 0 || r.CommitteeSize > MaxCommitteeSize {
			return ErrInvalidGenesis.Wrapf("rounds[%d]: want a number from 1, a seed of %d bytes and a committee of 1 to %d", i, HashSize, MaxCommitteeSize)
		}
		if i > 0 && r.Number != g.Rounds[i-1].Number+1 {
			return ErrInvalidGenesis.Wrapf("rounds[%d]: %d does not follow %d", i, r.Number, g.Rounds[i-1].Number)
		}
		if running := i == len(g.Rounds)-1; running != (r.End == nil) {
			return ErrInvalidGenesis.Wrapf("rounds[%d]: end: set for every round but the running one, which is the last", i)
		}
	}
	// The round that is judged next needs the one before it: a fault that repeats dates from there.
	if n := len(g.Rounds); n > 0 && g.Rounds[0].Number > max(3, g.Rounds[n-1].Number)-2 {
		return ErrInvalidGenesis.Wrapf("rounds: want those from %d on, the first is %d", max(3, g.Rounds[n-1].Number)-2, g.Rounds[0].Number)
	}
	return nil
}

func (g GenesisState) validateSeats() error {
	running := g.running()
	if uint64(len(g.Seats)) < running.Seats {
		return ErrInvalidGenesis.Wrapf("seats: round %d has %d, listed are %d", running.Number, running.Seats, len(g.Seats))
	}
	seen := make(map[uint64]bool, len(g.Seats))
	for i, s := range g.Seats {
		if taken := s.Licence != 0; taken != (uint64(i) < running.Seats) || taken != (s.Operator != "") {
			return ErrInvalidGenesis.Wrapf("seats[%d]: the running round's %d seats are taken, with an operator; those behind them are empty", i, running.Seats)
		}
		if s.Licence != 0 && seen[s.Licence] {
			return ErrInvalidGenesis.Wrapf("seats[%d]: licence %d has two seats", i, s.Licence)
		}
		if s.SinceRound > running.Number {
			return ErrInvalidGenesis.Wrapf("seats[%d]: since_round: %d has not started", i, s.SinceRound)
		}
		seen[s.Licence] = true
	}
	return nil
}

func (g GenesisState) validatePending() error {
	waits := make(map[uint64]bool, len(g.Pending))
	for i, p := range g.Pending {
		if waits[p.Licence] {
			return ErrInvalidGenesis.Wrapf("pending[%d]: licence %d waits already", i, p.Licence)
		}
		waits[p.Licence] = true
		if i == 0 {
			continue
		}
		before := g.Pending[i-1]
		if cmp.Or(cmp.Compare(p.Round, before.Round), cmp.Compare(p.Licence, before.Licence)) <= 0 {
			return ErrInvalidGenesis.Wrapf("pending[%d]: not in order of round and licence", i)
		}
	}
	return nil
}

func (g GenesisState) validateSubmissions() error {
	for i, s := range g.Submissions {
		if err := validateAddress("operator", s.Operator); err != nil {
			return ErrInvalidGenesis.Wrapf("submissions[%d]: %v", i, err)
		}
		if len(s.Hash) != HashSize {
			return ErrInvalidGenesis.Wrapf("submissions[%d]: hash: want %d bytes, have %d", i, HashSize, len(s.Hash))
		}
		if !g.hasRound(s.Round) {
			return ErrInvalidGenesis.Wrapf("submissions[%d]: round %d is not among the rounds", i, s.Round)
		}
		if s.Report != nil {
			if err := s.Report.Validate(); err != nil {
				return ErrInvalidGenesis.Wrapf("submissions[%d]: %v", i, err)
			}
		}
		if i == 0 {
			continue
		}
		before := g.Submissions[i-1]
		if cmp.Or(cmp.Compare(s.Round, before.Round), cmp.Compare(s.Operator, before.Operator)) <= 0 {
			return ErrInvalidGenesis.Wrapf("submissions[%d]: not in order of round and operator", i)
		}
	}
	return nil
}

func (g GenesisState) validateJudging() error {
	if g.Judging.Round == 0 {
		if g.Judging.Shard != 0 {
			return ErrInvalidGenesis.Wrap("judging: shard without a round")
		}
		return nil
	}
	if g.Judging.Round != JudgedRound(g.running().Number) || !g.hasRound(g.Judging.Round) {
		return ErrInvalidGenesis.Wrapf("judging: round %d can't be judged while round %d runs", g.Judging.Round, g.running().Number)
	}
	if g.Judging.Round > 1 && !g.hasRound(g.Judging.Round-1) {
		return ErrInvalidGenesis.Wrapf("judging: round %d needs round %d as well", g.Judging.Round, g.Judging.Round-1)
	}
	return nil
}

func (g GenesisState) validateUptimes() error {
	licences := make(map[uint64]bool, len(g.Licences))
	for _, l := range g.Licences {
		licences[l.Id] = true
	}
	for i, u := range g.Uptimes {
		if err := u.Validate(); err != nil {
			return err
		}
		if !licences[u.Licence] || i > 0 && u.Licence <= g.Uptimes[i-1].Licence {
			return ErrInvalidGenesis.Wrapf("uptimes[%d]: licence %d does not exist or is out of order", i, u.Licence)
		}
	}
	return nil
}

// running is the running round; the zero Round before the first.
func (g GenesisState) running() Round {
	if len(g.Rounds) == 0 {
		return Round{}
	}
	return g.Rounds[len(g.Rounds)-1]
}

func (g GenesisState) hasRound(number uint64) bool {
	for _, r := range g.Rounds {
		if r.Number == number {
			return true
		}
	}
	return false
}

func validateAddress(field, address string) error {
	if _, err := sdk.AccAddressFromBech32(address); err != nil {
		return ErrInvalidAddress.Wrapf("%s: %q: %v", field, address, err)
	}
	return nil
}
