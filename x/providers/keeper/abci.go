// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"errors"
	"strings"

	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
	"github.com/athnet/ath/x/providers/types"
)

// maxParkedError bounds the text of an error in an event.
const maxParkedError = 256

// EndBlock computes the index of the stake's coefficient when a month is over, and lets tickets run out whose deadline has
// come, at most max_tickets_per_block; the rest follows in the next block. A block in which nothing is due costs five
// look-ups, however many Containers and tickets there are, and every half minute one write.
func (k *Keeper) EndBlock(ctx sdk.Context) error {
	if err := k.notePulse(ctx); err != nil {
		return err
	}
	params, err := k.Params(ctx)
	if err != nil {
		return err
	}
	if err := k.stepCoefficient(ctx, params); err != nil {
		return err
	}
	due, err := k.dueTickets(ctx, int(params.MaxTicketsPerBlock))
	if err != nil {
		return err
	}
	for _, key := range due {
		cached, write := ctx.CacheContext()
		_, failed := k.runOut(cached, key.K2())
		if failed == nil {
			write()
			continue
		}
		if err := k.parkTicket(ctx, key, failed); err != nil {
			return err
		}
	}
	return nil
}

// dueTickets are the first tickets whose deadline has come.
func (k *Keeper) dueTickets(ctx sdk.Context, most int) ([]ticketKey, error) {
	var due []ticketKey
	now := ctx.BlockTime().UnixNano()
	err := k.ticketQueue.Walk(ctx, nil, func(key ticketKey) (bool, error) {
		if key.K1() > now || len(due) == most {
			return true, nil
		}
		due = append(due, key)
		return false, nil
	})
	return due, err
}

// parkTicket puts off a ticket that could not run out, so that it stops neither the chain nor others.
func (k *Keeper) parkTicket(ctx sdk.Context, key ticketKey, failed error) error {
	if err := k.ticketQueue.Remove(ctx, key); err != nil {
		return err
	}
	k.logger.Error("ticket could not run out", "ticket", key.K2(), "err", failed)
	t, err := k.Ticket(ctx, key.K2())
	if errors.Is(err, types.ErrTicketNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	t.Deadline = ctx.BlockTime().Add(types.TicketRetry)
	if err := k.saveTicket(ctx, t); err != nil {
		return err
	}
	text := failed.Error()
	return athtypes.Emit(ctx, &types.EventTicketParked{
		Id: t.Id, Deadline: t.Deadline, Error: strings.ToValidUTF8(text[:min(len(text), maxParkedError)], ""),
	})
}
