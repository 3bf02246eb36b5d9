// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"errors"

	"cosmossdk.io/collections"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/checks/types"
)

// queueSeat notes that a licence's seat has to follow its state, unless the same operator sits for it. A licence that waits
// already keeps its place and stands in the queue once: else a few owners who change their mind every round would fill it
// faster than it is served, and nobody else would ever get a seat.
func (k *Keeper) queueSeat(ctx sdk.Context, licence uint64, before, after string) error {
	if before == after {
		return nil
	}
	if waits, err := k.waiting.Has(ctx, licence); err != nil || waits {
		return err
	}
	running, err := k.runningRound(ctx)
	if err != nil {
		return err
	}
	return k.enqueue(ctx, types.PendingSeat{Round: running.Number, Licence: licence})
}

func (k *Keeper) enqueue(ctx sdk.Context, p types.PendingSeat) error {
	if err := k.waiting.Set(ctx, p.Licence, p.Round); err != nil {
		return err
	}
	return k.pending.Set(ctx, collections.Join(p.Round, p.Licence))
}

// reseatPending brings the seats of waiting licences in line with their state, the oldest first, when an odd round starts.
// It returns the number of seats from then on.
func (k *Keeper) reseatPending(ctx sdk.Context, seats, round uint64) (uint64, error) {
	iter, err := k.pending.Iterate(ctx, nil)
	if err != nil {
		return seats, err
	}
	keys, err := firstKeys(iter, types.MaxSeatChanges)
	if err != nil {
		return seats, err
	}
	before := seats
	for _, key := range keys {
		if seats, err = k.reseat(ctx, seats, round, key.K2()); err != nil {
			return seats, err
		}
		if err := k.pending.Remove(ctx, key); err != nil {
			return seats, err
		}
		if err := k.waiting.Remove(ctx, key.K2()); err != nil {
			return seats, err
		}
	}
	return seats, k.dropSeats(ctx, max(before, seats))
}

// reseat brings one licence's seat in line with its state; it is idempotent.
func (k *Keeper) reseat(ctx sdk.Context, seats, round, licence uint64) (uint64, error) {
	wanted := ""
	switch l, err := k.licences.Get(ctx, licence); {
	case err == nil:
		wanted = l.Sitter()
	case !errors.Is(err, collections.ErrNotFound):
		return seats, err
	}
	table := seatTable{k, ctx}
	position, seated, err := table.Position(licence)
	if err != nil {
		return seats, err
	}
	if seated {
		seat, err := table.Seat(position)
		if err != nil {
			return seats, err
		}
		if err := k.seated.Remove(ctx, collections.Join(seat.Operator, licence)); err != nil {
			return seats, err
		}
	}
	if wanted != "" {
		if err := k.seated.Set(ctx, collections.Join(wanted, licence)); err != nil {
			return seats, err
		}
	}
	return types.Reseat(table, seats, round, licence, wanted)
}

// dropSeats forgets positions that neither this round nor the two before it know.
func (k *Keeper) dropSeats(ctx sdk.Context, from uint64) error {
	iter, err := k.seats.Iterate(ctx, new(collections.Range[uint64]).StartInclusive(from))
	if err != nil {
		return err
	}
	positions, err := iter.Keys()
	if err != nil {
		return err
	}
	for _, p := range positions {
		if err := k.seats.Remove(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// committee draws the members who check a shard in a round: the running one or one of the two before it.
func (k *Keeper) committee(ctx sdk.Context, round types.Round, shard uint64) ([]types.Member, error) {
	return types.Draw(round.Seed, shard, round.Seats, int(round.CommitteeSize), func(position uint64) (types.Member, bool, error) {
		seat, err := k.seats.Get(ctx, position)
		if err != nil {
			return types.Member{}, false, err
		}
		m, ok := seat.At(round.Number)
		return m, ok, nil
	})
}

// seatTable is the stored list of seats.
type seatTable struct {
	k   *Keeper
	ctx sdk.Context
}

// Seat implements types.SeatTable.
func (t seatTable) Seat(position uint64) (types.Seat, error) {
	seat, err := t.k.seats.Get(t.ctx, position)
	if errors.Is(err, collections.ErrNotFound) {
		return types.Seat{}, nil
	}
	return seat, err
}

// SetSeat implements types.SeatTable.
func (t seatTable) SetSeat(position uint64, seat types.Seat) error {
	old, err := t.Seat(position)
	if err != nil {
		return err
	}
	if old.Licence != 0 && old.Licence != seat.Licence {
		// The licence may have moved to another position already; then that one stands.
		if p, seated, err := t.Position(old.Licence); err != nil {
			return err
		} else if seated && p == position {
			if err := t.k.positions.Remove(t.ctx, old.Licence); err != nil {
				return err
			}
		}
	}
	if seat.Licence != 0 {
		if err := t.k.positions.Set(t.ctx, seat.Licence, position); err != nil {
			return err
		}
	}
	return t.k.seats.Set(t.ctx, position, seat)
}

// Position implements types.SeatTable.
func (t seatTable) Position(licence uint64) (uint64, bool, error) {
	p, err := t.k.positions.Get(t.ctx, licence)
	if errors.Is(err, collections.ErrNotFound) {
		return 0, false, nil
	}
	return p, err == nil, err
}
