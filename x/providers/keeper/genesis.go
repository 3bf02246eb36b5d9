// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"time"

	"cosmossdk.io/collections"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/providers/types"
)

// InitGenesis writes a genesis state into an empty store; indexes are rebuilt. Stake is in x/ath's rows, and weights are in
// its stream, so nothing is deposited or positioned here.
func (k *Keeper) InitGenesis(ctx sdk.Context, g types.GenesisState) error {
	if err := g.Validate(); err != nil {
		return err
	}
	if err := k.params.Set(ctx, g.Params); err != nil {
		return err
	}
	for _, c := range g.Classes {
		if err := k.classes.Set(ctx, c.Name, c); err != nil {
			return err
		}
	}
	for _, p := range g.Providers {
		if err := k.initProvider(ctx, p); err != nil {
			return err
		}
	}
	for i, c := range g.Containers {
		if err := k.containers.Set(ctx, c.Id, c); err != nil {
			return err
		}
		if err := k.statuses.Set(ctx, c.Id, g.Statuses[i]); err != nil {
			return err
		}
	}
	for _, h := range g.Heartbeats {
		if err := k.lastSeen.Set(ctx, h.Id, h.At.UnixNano()); err != nil {
			return err
		}
	}
	for _, h := range g.Shards {
		if err := k.shards.Set(ctx, h.Shard, h); err != nil {
			return err
		}
	}
	if err := k.initTickets(ctx, g); err != nil {
		return err
	}
	if err := k.initFigures(ctx, g.Containers); err != nil {
		return err
	}
	return k.nextContainer.Set(ctx, g.NextContainer)
}

// initTickets rebuilds the queue from the tickets' deadlines.
func (k *Keeper) initTickets(ctx sdk.Context, g types.GenesisState) error {
	for _, t := range g.Tickets {
		if err := k.saveTicket(ctx, t); err != nil {
			return err
		}
	}
	for _, s := range g.Stakes {
		if err := k.stakes.Set(ctx, s.Container, s); err != nil {
			return err
		}
	}
	if err := k.coefficient.Set(ctx, g.Coefficient); err != nil {
		return err
	}
	return k.nextTicket.Set(ctx, g.NextTicket)
}

func (k *Keeper) initProvider(ctx sdk.Context, p types.Provider) error {
	owner, err := k.addresses.StringToBytes(p.Owner)
	if err != nil {
		return types.ErrInvalidGenesis.Wrapf("provider %s: %v", p.Owner, err)
	}
	for _, text := range append([]string{p.Payout}, p.Operators...) {
		if _, err := k.addresses.StringToBytes(text); err != nil {
			return types.ErrInvalidGenesis.Wrapf("provider %s: %s: %v", p.Owner, text, err)
		}
	}
	return k.providers.Set(ctx, owner, p)
}

// ExportGenesis reads the whole state, in order of keys.
func (k *Keeper) ExportGenesis(ctx sdk.Context) (*types.GenesisState, error) {
	var g types.GenesisState
	var err error
	if g.Params, err = k.params.Get(ctx); err != nil {
		return nil, err
	}
	if g.Classes, err = values(ctx, k.classes); err != nil {
		return nil, err
	}
	if g.Providers, err = values(ctx, k.providers); err != nil {
		return nil, err
	}
	if err := k.containers.Walk(ctx, nil, func(_ uint64, c types.Container) (bool, error) {
		g.Containers = append(g.Containers, c)
		return false, nil
	}); err != nil {
		return nil, err
	}
	if g.Statuses, err = values(ctx, k.statuses); err != nil {
		return nil, err
	}
	if err := k.lastSeen.Walk(ctx, nil, func(id uint64, nanos int64) (bool, error) {
		g.Heartbeats = append(g.Heartbeats, types.Heartbeat{Id: id, At: time.Unix(0, nanos).UTC()})
		return false, nil
	}); err != nil {
		return nil, err
	}
	if g.Shards, err = values(ctx, k.shards); err != nil {
		return nil, err
	}
	if g.NextContainer, err = k.nextContainer.Peek(ctx); err != nil {
		return nil, err
	}
	return &g, k.exportTickets(ctx, &g)
}

func (k *Keeper) exportTickets(ctx sdk.Context, g *types.GenesisState) (err error) {
	if err := k.tickets.Walk(ctx, nil, func(_ uint64, t types.Ticket) (bool, error) {
		g.Tickets = append(g.Tickets, t)
		return false, nil
	}); err != nil {
		return err
	}
	if g.Stakes, err = values(ctx, k.stakes); err != nil {
		return err
	}
	if g.Coefficient, err = k.Coefficient(ctx); err != nil {
		return err
	}
	g.NextTicket, err = k.nextTicket.Peek(ctx)
	return err
}

// values reads a whole collection; only genesis and invariants may.
func values[K, V any](ctx sdk.Context, m collections.Map[K, V]) ([]V, error) {
	iter, err := m.Iterate(ctx, nil)
	if err != nil {
		return nil, err
	}
	return iter.Values()
}
