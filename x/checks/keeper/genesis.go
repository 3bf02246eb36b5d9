// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"cosmossdk.io/collections"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/checks/types"
)

// InitGenesis writes a genesis state into an empty store; indexes, positions and counts are rebuilt. Bonds are in x/ath's
// rows. An active licence without a seat is queued for one, so that a hand-written genesis needs no seats.
func (k *Keeper) InitGenesis(ctx sdk.Context, g types.GenesisState) error {
	if err := g.Validate(); err != nil {
		return err
	}
	if err := k.params.Set(ctx, g.Params); err != nil {
		return err
	}
	for _, init := range []func(sdk.Context, types.GenesisState) error{k.initSeats, k.initRounds, k.initLicences, k.initSubmissions} {
		if err := init(ctx, g); err != nil {
			return err
		}
	}
	return nil
}

func (k *Keeper) initSeats(ctx sdk.Context, g types.GenesisState) error {
	for position, seat := range g.Seats {
		if err := (seatTable{k, ctx}).SetSeat(uint64(position), seat); err != nil {
			return err
		}
		if seat.Licence == 0 {
			continue
		}
		if err := k.seated.Set(ctx, collections.Join(seat.Operator, seat.Licence)); err != nil {
			return err
		}
	}
	for _, p := range g.Pending {
		if err := k.enqueue(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

func (k *Keeper) initRounds(ctx sdk.Context, g types.GenesisState) error {
	for i, r := range g.Rounds {
		if i == len(g.Rounds)-1 {
			if err := k.running.Set(ctx, r); err != nil {
				return err
			}
		} else if err := k.past.Set(ctx, r.Number, r); err != nil {
			return err
		}
	}
	if g.Judging.Round == 0 {
		return nil
	}
	return k.judging.Set(ctx, g.Judging)
}

func (k *Keeper) initLicences(ctx sdk.Context, g types.GenesisState) error {
	queued := make(map[uint64]bool, len(g.Pending))
	for _, p := range g.Pending {
		queued[p.Licence] = true
	}
	for _, l := range g.Licences {
		if err := k.licences.Set(ctx, l.Id, l); err != nil {
			return err
		}
		seated, err := k.positions.Has(ctx, l.Id)
		if err != nil {
			return err
		}
		if seated || queued[l.Id] {
			continue
		}
		if err := k.queueSeat(ctx, l.Id, "", l.Sitter()); err != nil {
			return err
		}
	}
	for _, u := range g.Uptimes {
		if err := k.uptimes.Set(ctx, u.Licence, u); err != nil {
			return err
		}
	}
	if err := k.count.Set(ctx, uint64(len(g.Licences))); err != nil {
		return err
	}
	return k.nextLicence.Set(ctx, g.NextLicence)
}

func (k *Keeper) initSubmissions(ctx sdk.Context, g types.GenesisState) error {
	for _, s := range g.Submissions {
		if s.Report == nil && g.ChainId != "" && g.ChainId != ctx.ChainID() {
			continue // sealed under another chain-id: nobody can open it
		}
		if err := k.submissions.Set(ctx, collections.Join(s.Round, s.Operator), s); err != nil {
			return err
		}
	}
	return nil
}

// ExportGenesis returns the whole state; an incomplete one is an error.
func (k *Keeper) ExportGenesis(ctx sdk.Context) (*types.GenesisState, error) {
	g := &types.GenesisState{ChainId: ctx.ChainID()}
	var err error
	if g.Params, err = k.Params(ctx); err != nil {
		return nil, err
	}
	if g.NextLicence, err = k.nextLicence.Get(ctx); err != nil {
		return nil, err
	}
	if g.Judging, err = k.judgingState(ctx); err != nil {
		return nil, err
	}
	for _, export := range []func(sdk.Context, *types.GenesisState) error{k.exportLicences, k.exportRounds} {
		if err := export(ctx, g); err != nil {
			return nil, err
		}
	}
	return g, nil
}

func (k *Keeper) exportLicences(ctx sdk.Context, g *types.GenesisState) error {
	err := k.licences.Walk(ctx, nil, func(_ uint64, l types.Licence) (bool, error) {
		g.Licences = append(g.Licences, l)
		return false, nil
	})
	if err != nil {
		return err
	}
	err = k.uptimes.Walk(ctx, nil, func(_ uint64, u types.Uptime) (bool, error) {
		g.Uptimes = append(g.Uptimes, u)
		return false, nil
	})
	if err != nil {
		return err
	}
	err = k.seats.Walk(ctx, nil, func(_ uint64, s types.Seat) (bool, error) {
		g.Seats = append(g.Seats, s)
		return false, nil
	})
	if err != nil {
		return err
	}
	return k.pending.Walk(ctx, nil, func(key collections.Pair[uint64, uint64]) (bool, error) {
		g.Pending = append(g.Pending, types.PendingSeat{Round: key.K1(), Licence: key.K2()})
		return false, nil
	})
}

func (k *Keeper) exportRounds(ctx sdk.Context, g *types.GenesisState) error {
	err := k.past.Walk(ctx, nil, func(_ uint64, r types.Round) (bool, error) {
		g.Rounds = append(g.Rounds, r)
		return false, nil
	})
	if err != nil {
		return err
	}
	running, err := k.runningRound(ctx)
	if err != nil {
		return err
	}
	if running.Number != 0 {
		g.Rounds = append(g.Rounds, running)
	}
	return k.submissions.Walk(ctx, nil, func(_ collections.Pair[uint64, string], s types.Submission) (bool, error) {
		g.Submissions = append(g.Submissions, s)
		return false, nil
	})
}
