// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"errors"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
	"github.com/athnet/ath/x/providers/types"
)

// Ticket returns an open or contested ticket.
func (k *Keeper) Ticket(ctx sdk.Context, id uint64) (types.Ticket, error) {
	t, err := k.tickets.Get(ctx, id)
	if errors.Is(err, collections.ErrNotFound) {
		return types.Ticket{}, types.ErrTicketNotFound.Wrapf("ticket %d: none, or it has ended", id)
	}
	return t, err
}

// OpenTicket claims damage of a provider and holds at once what is there of it, so that nothing the owner does from now on
// takes it away: income that is unvested or unclaimed, unbonding stake, and the Container's own stake. Other Containers'
// stake is for their own faults, and what their capacity earns is there once it is settled. A ticket that finds nothing is closed
// at once.
func (k *Keeper) OpenTicket(ctx sdk.Context, d types.Damage) (types.Ticket, error) {
	if err := d.Validate(); err != nil {
		return types.Ticket{}, err
	}
	owner, err := k.addresses.StringToBytes(d.Provider)
	if err != nil {
		return types.Ticket{}, types.ErrInvalidField.Wrapf("provider: %v", err)
	}
	provider, err := k.Provider(ctx, owner)
	if err != nil {
		return types.Ticket{}, err
	}
	d.Provider = provider.Owner
	rows, err := k.ownStake(ctx, d)
	if err != nil {
		return types.Ticket{}, err
	}
	params, err := k.Params(ctx)
	if err != nil {
		return types.Ticket{}, err
	}
	// What the Container's own capacity has earned is income, too, also of an owner who never claims.
	if d.Container != 0 {
		if err := k.stream.Settle(ctx, d.Container); err != nil {
			return types.Ticket{}, err
		}
	}
	id, err := k.nextTicket.Next(ctx)
	if err != nil {
		return types.Ticket{}, err
	}
	sources, err := k.vault.Hold(ctx, owner, id, d.Amount, rows)
	if err != nil {
		return types.Ticket{}, err
	}
	minExit, err := k.vault.MinExitDelay(ctx)
	if err != nil {
		return types.Ticket{}, err
	}
	t := types.NewTicket(id, d, sources, ctx.BlockTime(), params.TicketTime(minExit))
	if t.State != types.TicketState_TICKET_STATE_OPEN {
		return t, athtypes.Emit(ctx, &types.EventTicketClosed{Ticket: t})
	}
	if err := k.holdStake(ctx, t); err != nil {
		return t, err
	}
	if err := k.saveTicket(ctx, t); err != nil {
		return t, err
	}
	return t, athtypes.Emit(ctx, &types.EventTicketOpened{Ticket: t})
}

// ownStake is the stake row of the Container that a ticket is about. One that has retired has none: its stake unbonds.
func (k *Keeper) ownStake(ctx sdk.Context, d types.Damage) ([]athtypes.Row, error) {
	if d.Container == 0 {
		return nil, nil
	}
	c, err := k.Container(ctx, d.Container)
	if errors.Is(err, types.ErrContainerNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if c.Provider != d.Provider {
		return nil, types.ErrInvalidField.Wrapf("container: %d is of provider %s", d.Container, c.Provider)
	}
	return []athtypes.Row{types.StakeRow(c.Provider, c.Id)}, nil
}

// holdStake counts what a new ticket holds of bonded stake; it counts as bonded until it is lost.
func (k *Keeper) holdStake(ctx sdk.Context, t types.Ticket) error {
	amount := t.FromStake()
	if !amount.IsPositive() {
		return nil
	}
	stake, err := k.stakes.Get(ctx, t.Container)
	if err != nil {
		return err
	}
	return k.stakes.Set(ctx, t.Container, stake.Hold(amount))
}

// TicketNotStarted opens the ticket of a lease that was not started within its class's limit. Its amount is a part of the
// stake that the Container must bond.
func (k *Keeper) TicketNotStarted(ctx sdk.Context, container uint64, lease string) error {
	c, err := k.Container(ctx, container)
	if err != nil {
		return err
	}
	params, err := k.Params(ctx)
	if err != nil {
		return err
	}
	stake, err := k.stakes.Get(ctx, container)
	if err != nil {
		return err
	}
	amount := params.NotStartedRoundedUp(stake.Required)
	if amount.IsZero() {
		return nil
	}
	_, err = k.OpenTicket(ctx, types.Damage{
		Provider: c.Provider, Container: container, Reason: types.TicketReason_TICKET_REASON_NOT_STARTED,
		Evidence: []byte(lease), Amount: amount,
	})
	return err
}

// BreachCost is what it costs to end a lease in a Container without what was due to it, notice or the rest of its term, that was worth due.
func (k *Keeper) BreachCost(ctx sdk.Context, container uint64, due math.Int) (math.Int, error) {
	params, err := k.Params(ctx)
	if err != nil {
		return due, err
	}
	stake, err := k.stakes.Get(ctx, container)
	return params.ReclaimedRoundedUp(stake.Required, due), err
}

// TicketReclaimed opens the ticket of a lease that its provider has ended without what was due to it, and says what it holds.
func (k *Keeper) TicketReclaimed(ctx sdk.Context, d types.Damage) (uint64, math.Int, error) {
	d.Reason = types.TicketReason_TICKET_REASON_RECLAIMED
	return k.openLate(ctx, d)
}

// TicketOutage opens the ticket of what a fault owes a lease and its fees did not cover, and says what it holds.
func (k *Keeper) TicketOutage(ctx sdk.Context, d types.Damage) (uint64, math.Int, error) {
	d.Reason = types.TicketReason_TICKET_REASON_OUTAGE
	return k.openLate(ctx, d)
}

// openLate opens a ticket when the damage may be past. A provider that is gone has nothing left that could be held; a Container that is gone
// has its stake among what unbonds.
func (k *Keeper) openLate(ctx sdk.Context, d types.Damage) (uint64, math.Int, error) {
	owner, err := k.addresses.StringToBytes(d.Provider)
	if err != nil {
		return 0, math.Int{}, types.ErrInvalidField.Wrapf("provider: %v", err)
	}
	if _, err := k.Provider(ctx, owner); errors.Is(err, types.ErrProviderNotFound) {
		return 0, math.ZeroInt(), nil
	}
	if c, err := k.Container(ctx, d.Container); errors.Is(err, types.ErrContainerNotFound) || err == nil && c.Provider != d.Provider {
		d.Container = 0
	}
	t, err := k.OpenTicket(ctx, d)
	return t.Id, t.Amount, err
}

// HoldTicket makes an open ticket wait for a decision, at most until contest_limit has passed since its opening. x/checks
// calls it for a contest before the deadline.
func (k *Keeper) HoldTicket(ctx sdk.Context, id uint64) (types.Ticket, error) {
	before, err := k.Ticket(ctx, id)
	if err != nil {
		return before, err
	}
	params, err := k.Params(ctx)
	if err != nil {
		return before, err
	}
	t, err := before.Contest(ctx.BlockTime(), params.ContestLimit)
	if err != nil {
		return before, err
	}
	if err := k.unqueueTicket(ctx, before); err != nil {
		return t, err
	}
	if err := k.saveTicket(ctx, t); err != nil {
		return t, err
	}
	return t, athtypes.Emit(ctx, &types.EventTicketContested{Ticket: t})
}

// ResolveTicket ends a contested ticket: upheld, what is held is lost; else it goes back. A contest that was not decided
// within contest_limit has ended without it: ErrTicketNotFound.
func (k *Keeper) ResolveTicket(ctx sdk.Context, id uint64, upheld bool) error {
	t, err := k.Ticket(ctx, id)
	if err != nil {
		return err
	}
	if t, err = t.Resolve(upheld); err != nil {
		return err
	}
	return k.closeTicket(ctx, t)
}

// PayTicket pays an open ticket from its owner's account to its beneficiary and the SLA fund.
func (k *Keeper) PayTicket(ctx sdk.Context, owner sdk.AccAddress, id uint64) (math.Int, error) {
	t, err := k.Ticket(ctx, id)
	if err != nil {
		return math.Int{}, err
	}
	if t.Provider != k.text(owner) {
		return math.Int{}, types.ErrUnauthorized.Wrapf("ticket %d is of provider %s", id, t.Provider)
	}
	if t, err = t.Pay(ctx.BlockTime()); err != nil {
		return math.Int{}, err
	}
	if err := k.vault.DepositRows(ctx, owner, t.Proceeds()); err != nil {
		return math.Int{}, err
	}
	return t.Amount, k.closeTicket(ctx, t)
}

// SettleTickets lets tickets run out whose deadline has passed, and says what they cost.
func (k *Keeper) SettleTickets(ctx sdk.Context, ids []uint64) (math.Int, error) {
	total := math.ZeroInt()
	for _, id := range ids {
		t, err := k.runOut(ctx, id)
		if err != nil {
			return total, err
		}
		total = total.Add(t.Amount)
	}
	return total, nil
}

func (k *Keeper) runOut(ctx sdk.Context, id uint64) (types.Ticket, error) {
	t, err := k.Ticket(ctx, id)
	if err != nil {
		return t, err
	}
	if t, err = t.RunOut(ctx.BlockTime()); err != nil {
		return t, err
	}
	return t, k.closeTicket(ctx, t)
}

// closeTicket lets go what an ended ticket held, by its last state, and forgets it. What somebody is owed of one that was not dismissed
// waits in its row for the module that keeps the beneficiary's account.
func (k *Keeper) closeTicket(ctx sdk.Context, t types.Ticket) error {
	owner, err := k.addresses.StringToBytes(t.Provider)
	if err != nil {
		return err
	}
	if err := k.letGo(ctx, owner, t); err != nil {
		return err
	}
	stored, err := k.Ticket(ctx, t.Id)
	if err != nil {
		return err
	}
	if err := k.unqueueTicket(ctx, stored); err != nil {
		return err
	}
	if err := k.eachClaim(stored, func(claim claimKey) error { return k.claims.Remove(ctx, claim) }); err != nil {
		return err
	}
	if err := k.tickets.Remove(ctx, t.Id); err != nil {
		return err
	}
	return athtypes.Emit(ctx, &types.EventTicketClosed{Ticket: t})
}

// letGo ends the hold, on the Container's stake as well: what was not lost goes back, and where stake is lost it may be missing now.
func (k *Keeper) letGo(ctx sdk.Context, owner sdk.AccAddress, t types.Ticket) error {
	var stake types.ContainerStake
	amount := t.FromStake()
	if amount.IsPositive() {
		var err error
		if stake, err = k.stakes.Get(ctx, t.Container); err != nil {
			return err
		}
		if err := k.saveStake(ctx, stake.Hold(amount.Neg())); err != nil {
			return err
		}
	}
	if t.State != types.TicketState_TICKET_STATE_EXPIRED {
		return k.vault.EndHold(ctx, owner, t.Id, t.Returns(stake))
	}
	if err := k.vault.EndHold(ctx, owner, t.Id, t.Proceeds()); err != nil {
		return err
	}
	if amount.IsZero() || stake.Ripe > 0 {
		return nil
	}
	return k.noteStake(ctx, t.Container, true)
}

func (k *Keeper) saveTicket(ctx sdk.Context, t types.Ticket) error {
	if err := k.tickets.Set(ctx, t.Id, t); err != nil {
		return err
	}
	if err := k.eachClaim(t, func(claim claimKey) error { return k.claims.Set(ctx, claim) }); err != nil {
		return err
	}
	return k.ticketQueue.Set(ctx, collections.Join(t.Deadline.UnixNano(), t.Id))
}

func (k *Keeper) unqueueTicket(ctx sdk.Context, t types.Ticket) error {
	return k.ticketQueue.Remove(ctx, collections.Join(t.Deadline.UnixNano(), t.Id))
}

// hasTickets says whether a provider has any ticket that has not ended.
func (k *Keeper) hasTickets(ctx sdk.Context, owner sdk.AccAddress) (bool, error) {
	found := false
	err := k.tickets.Indexes.provider.Walk(ctx, collections.NewPrefixedPairRange[sdk.AccAddress, uint64](owner),
		func(sdk.AccAddress, uint64) (bool, error) {
			found = true
			return true, nil
		})
	return found, err
}

// eachClaim does something with a ticket's entry in the index by beneficiary, where it has one.
func (k *Keeper) eachClaim(t types.Ticket, do func(claimKey) error) error {
	if t.Beneficiary == "" {
		return nil
	}
	beneficiary, err := k.addresses.StringToBytes(t.Beneficiary)
	if err != nil {
		return types.ErrInvalidField.Wrapf("beneficiary: %v", err)
	}
	return do(collections.Join(sdk.AccAddress(beneficiary), t.Id))
}
