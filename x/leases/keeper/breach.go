// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"errors"
	"time"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
	"github.com/athnet/ath/x/leases/types"
	providertypes "github.com/athnet/ath/x/providers/types"
)

// charge notes what a provider owes a lease that it breaks: due is what the time was worth that it withholds. What the lease was billed goes
// back out of rows that other transactions write too, and what this block has paid is added up at its end, so the end settles it.
func (k *Keeper) charge(ctx sdk.Context, lease types.Lease, due math.Int, withheld time.Duration) error {
	due, err := k.inUath(ctx, lease.Denom, due)
	if err != nil || !due.IsPositive() {
		return err
	}
	tenant, err := k.addresses.StringToBytes(lease.Tenant)
	if err != nil {
		return err
	}
	breach := types.Breach{LeaseId: lease.ID(), ContainerId: lease.ContainerId, Provider: lease.Provider, Withheld: withheld}
	if breach.Due, err = k.providers.BreachCost(ctx, lease.ContainerId, due); err != nil {
		return err
	}
	key := collections.Join3(lease.ContainerId, sdk.AccAddress(tenant), lease.Number)
	before, err := k.breaches.Get(ctx, key)
	switch {
	case err == nil:
		breach = before.Add(breach)
	case !errors.Is(err, collections.ErrNotFound):
		return err
	}
	return k.breaches.Set(ctx, key, breach)
}

// settleBreaches settles what providers owe for leases that they broke in this block, at most max_credits_per_block; the rest follows.
func (k *Keeper) settleBreaches(ctx sdk.Context, params types.Params) error {
	var (
		keys     []breachKey
		breaches []types.Breach
	)
	err := k.breaches.Walk(ctx, nil, func(key breachKey, breach types.Breach) (bool, error) {
		keys, breaches = append(keys, key), append(breaches, breach)
		return len(keys) == int(params.MaxCreditsPerBlock), nil
	})
	if err != nil || len(keys) == 0 {
		return err
	}
	if err := k.vault.Fold(ctx); err != nil {
		return err
	}
	for i, key := range keys {
		failed := k.isolate(ctx, func(ctx sdk.Context) error { return k.settleBreach(ctx, key, breaches[i]) })
		if failed != nil {
			if err := k.park(ctx, "breach", key.K2(), key.K3(), failed); err != nil {
				return err
			}
		}
		if err := k.breaches.Remove(ctx, key); err != nil {
			return err
		}
	}
	return nil
}

// settleBreach gives back what the lease was billed in as much time as was withheld, out of the provider's unvested fees, and claims the rest
// of the breach with a ticket: first for the tenant what is missing of that, the remainder for the SLA fund. It reaches back no further than
// payments can be undone, so nobody gets more out than he has just put in.
func (k *Keeper) settleBreach(ctx sdk.Context, key breachKey, breach types.Breach) error {
	service, open, err := k.broken(ctx, key, breach)
	if err != nil {
		return err
	}
	p, err := k.purseOf(ctx, key.K2(), service.Denom, service.Gateway())
	if err != nil {
		return err
	}
	undoable, err := k.vault.Undoable(ctx)
	if err != nil {
		return err
	}
	back, onLine, rest := service.BrokenOnCredit(min(breach.Withheld, undoable), p.usd)
	if p.usd.err != nil {
		return p.usd.err
	}
	fees, toLine := math.ZeroInt(), math.ZeroInt()
	if back.Due.IsPositive() {
		if fees, err = k.refundFees(ctx, p, breach.Provider, service.Indexer, back.Due); err != nil {
			return err
		}
		toLine = p.creditBack(fees, back.Due, onLine.Due)
		if err := k.givenBack(ctx, key, service, rest, open, fees, toLine); err != nil {
			return err
		}
	}
	if fees.IsPositive() {
		if err := k.credited(ctx, p, fees); err != nil {
			return err
		}
	}
	event := &types.EventLeaseBroken{Credit: p.onLine(toLine), Breach: breach, BackFrom: back.From, FromFees: p.coin(fees).String()}
	if event.Ticket, event.Owed, err = k.claimBreach(ctx, p, breach, back.Due, fees); err != nil {
		return err
	}
	return athtypes.Emit(ctx, event)
}

// broken is what a provider has done for a lease that it has broken, which goes on until its notice is over or has left its receipt. Nothing
// of it can be given back where that is forgotten, after a block that broke more leases than are settled in one, or where the lease has moved.
func (k *Keeper) broken(ctx sdk.Context, key breachKey, breach types.Breach) (service types.Receipt, open bool, err error) {
	at := collections.Join(key.K2(), key.K3())
	lease, err := k.leases.Get(ctx, at)
	if open = err == nil; open {
		service = lease.LeftBy(math.ZeroInt(), math.ZeroInt())
	} else if errors.Is(err, collections.ErrNotFound) {
		service, err = k.receipts.Get(ctx, at)
	}
	if errors.Is(err, collections.ErrNotFound) || err == nil && service.ContainerId != breach.ContainerId {
		return types.Receipt{Denom: athtypes.Denom, BilledUntil: ctx.BlockTime()}, false, nil
	}
	return service, open, err
}

// givenBack sees to it that a fault does not credit the time that a breach has given back: only the rest of what was billed before it.
func (k *Keeper) givenBack(ctx sdk.Context, key breachKey, service types.Receipt, rest *types.Receipt, open bool, fees, toLine math.Int) error {
	var err error
	if open {
		err = k.creditedUpTo(ctx, key, fees, toLine)
	} else {
		err = k.unremember(ctx, servedKeyOf(key.K2(), service))
	}
	if err != nil || rest == nil {
		return err
	}
	return k.remember(ctx, key.K2(), *rest, types.Service{Left: rest})
}

// creditedUpTo notes that all that an open lease was billed has been looked at, and what came back of it.
func (k *Keeper) creditedUpTo(ctx sdk.Context, key breachKey, amount, toLine math.Int) error {
	lease, err := k.leases.Get(ctx, collections.Join(key.K2(), key.K3()))
	if err != nil {
		return err
	}
	lease = lease.CreditedUpTo(lease.SettledUntil).GivenBack(amount, toLine)
	return k.saveLease(ctx, key.K2(), lease)
}

// claimBreach opens the ticket for what is left of a breach after fees were given back, in uath, and says what of it is owed to the tenant, as a
// coin string: what is missing of what was to be given back. The provider's own people are owed nothing.
func (k *Keeper) claimBreach(ctx sdk.Context, p *purse, breach types.Breach, back, fees math.Int) (ticket uint64, owed string, err error) {
	gave, err := k.inUath(ctx, p.account.Denom, fees)
	if err != nil {
		return 0, "", err
	}
	missing, err := k.inUath(ctx, p.account.Denom, back.Sub(fees))
	if err != nil {
		return 0, "", err
	}
	damage := providertypes.Damage{
		Provider: breach.Provider, Container: breach.ContainerId, Evidence: []byte(breach.LeaseId),
		Amount: math.MaxInt(breach.Due.Sub(gave), missing),
	}
	if !damage.Amount.IsPositive() {
		return 0, "", nil
	}
	related, err := k.relatedToAny(ctx, p, breach.Provider)
	if err != nil {
		return 0, "", err
	}
	if !related {
		damage.Claim = providertypes.Claim{Beneficiary: p.account.Tenant, Due: missing, Advance: math.ZeroInt()}
	}
	ticket, held, err := k.providers.TicketReclaimed(ctx, damage)
	if err != nil {
		return ticket, "", err
	}
	if amount := damage.Claim.Owed(held); amount.IsPositive() {
		owed = sdk.NewCoin(athtypes.Denom, amount).String()
	}
	return ticket, owed, nil
}

// initBreaches loads what still has to be settled.
func (k *Keeper) initBreaches(ctx sdk.Context, g types.GenesisState) error {
	for _, breach := range g.Breaches {
		id, err := types.ParseLeaseID(breach.LeaseId)
		if err != nil {
			return err
		}
		if err := k.breaches.Set(ctx, collections.Join3(breach.ContainerId, id.Tenant, id.Number), breach); err != nil {
			return err
		}
	}
	return nil
}
