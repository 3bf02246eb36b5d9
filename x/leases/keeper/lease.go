// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"errors"
	"fmt"
	"time"

	"cosmossdk.io/collections"
	errorsmod "cosmossdk.io/errors"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
	"github.com/athnet/ath/x/leases/types"
)

// Lease returns an open lease; ErrLeaseClosed where a receipt exists, ErrLeaseNotFound otherwise.
func (k *Keeper) Lease(ctx sdk.Context, id types.LeaseID) (types.Lease, error) {
	key := collections.Join(id.Tenant, id.Number)
	lease, err := k.leases.Get(ctx, key)
	if err == nil || !errors.Is(err, collections.ErrNotFound) {
		return lease, err
	}
	receipt, err := k.receipts.Get(ctx, key)
	switch {
	case errors.Is(err, collections.ErrNotFound):
		return lease, k.pruned(ctx, id)
	case err != nil:
		return lease, err
	}
	return lease, types.ErrLeaseClosed.Wrapf("lease_id: %s ended at %s (%s)", id, receipt.EndedAt, receipt.Reason)
}

// pruned tells a lease whose receipt is forgotten from one that never was: its tenant's numbers have gone past it.
func (k *Keeper) pruned(ctx sdk.Context, id types.LeaseID) error {
	account, err := k.accounts.Get(ctx, collections.Join(id.Tenant, athtypes.Denom))
	switch {
	case err != nil && !errors.Is(err, collections.ErrNotFound):
		return err
	case err == nil && id.Number > 0 && id.Number < account.NextNumber:
		return types.ErrLeaseClosed.Wrapf("lease_id: %s ended long ago; ask an Indexer for its receipt, which the log of receipts proves", id)
	}
	return types.ErrLeaseNotFound.Wrapf("lease_id: %s", id)
}

func (k *Keeper) saveLease(ctx sdk.Context, tenant sdk.AccAddress, lease types.Lease) error {
	return k.leases.Set(ctx, collections.Join(tenant, lease.Number), lease)
}

// opening is one message that opens leases of a tenant: a touched purse that is written once, and what may be opened.
type opening struct {
	purse  *purse
	params types.Params
	// others are the tenant's leases that the purse's account does not count as its own.
	others types.Counts
	// settled says that what could be set free has been (afford).
	settled bool
}

// CreateLease deposits, takes the first free Containers that fit and binds them, all in one transaction. The rate reserves
// from this block; it is payable from the first usage record. A gang is opened as a whole or not at all.
func (k *Keeper) CreateLease(ctx sdk.Context, tenant sdk.AccAddress, order *types.MsgCreateLease) ([]types.Lease, error) {
	o, err := k.beginOpening(ctx, tenant, order.PaysIn(), order.Gateway, order.Deposit)
	if err != nil {
		return nil, err
	}
	leases, err := k.serve(ctx, o, order)
	if err != nil {
		return nil, err
	}
	return leases, k.savePurse(ctx, o.purse)
}

// Served is what became of one order of a batch.
type Served struct {
	Leases []types.Lease
	// Err is why it was not served, in a partial batch.
	Err error
}

// CreateLeases works off independent orders. Where partial, those that can't be served are left out and change nothing; else the
// first of them fails the message.
func (k *Keeper) CreateLeases(
	ctx sdk.Context, tenant sdk.AccAddress, deposit sdk.Coin, orders []types.MsgCreateLease, partial bool,
) ([]Served, error) {
	o, err := k.beginOpening(ctx, tenant, orders[0].PaysIn(), orders[0].Gateway, deposit)
	if err != nil {
		return nil, err
	}
	results := make([]Served, len(orders))
	for i := range orders {
		order := &orders[i]
		if !partial {
			if results[i].Leases, err = k.serve(ctx, o, order); err != nil {
				return nil, errorsmod.Wrapf(err, "orders[%d]", i)
			}
			continue
		}
		planned, err := k.plan(ctx, o, order)
		if err != nil {
			results[i].Err = err
			continue
		}
		before := o.purse.fork()
		results[i].Err = k.isolate(ctx, func(ctx sdk.Context) error { return k.openAll(ctx, o, order, planned) })
		if results[i].Err != nil {
			*o.purse = before
			continue
		}
		results[i].Leases = planned.leases
	}
	return results, k.savePurse(ctx, o.purse)
}

// beginOpening loads what all orders of a message share, which one denom pays or one gateway, and deposits.
func (k *Keeper) beginOpening(ctx sdk.Context, tenant sdk.AccAddress, denom, gateway string, deposit sdk.Coin) (*opening, error) {
	params, err := k.params.Get(ctx)
	if err != nil {
		return nil, err
	}
	p, err := k.purseOf(ctx, tenant, denom, gateway)
	if err != nil {
		return nil, err
	}
	o := &opening{purse: p, params: params}
	if o.others, err = k.tenantOf(ctx, p); err != nil {
		return nil, err
	}
	if !deposit.Amount.IsNil() && deposit.IsPositive() {
		if gateway != "" {
			return nil, types.ErrInvalidField.Wrap("deposit: the lease is on credit, so it would not pay for it: leave it out")
		}
		if err := params.Accepts("deposit", denom); err != nil {
			return nil, err
		}
		if deposit.Denom != denom {
			return nil, types.ErrForeignDenom.Wrapf("deposit: %s: the lease is paid in %s", deposit.Denom, denom)
		}
		if err := k.deposit(ctx, p, deposit.Amount); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// serve opens the leases of one order within a purse; the caller writes the purse.
func (k *Keeper) serve(ctx sdk.Context, o *opening, order *types.MsgCreateLease) ([]types.Lease, error) {
	planned, err := k.plan(ctx, o, order)
	if err != nil {
		return nil, err
	}
	return planned.leases, k.openAll(ctx, o, order, planned)
}

// plan is what an order would open.
type plan struct {
	leases  []types.Lease
	matches []match
	// indexer is whose quote the order has used; nil for nobody's.
	indexer sdk.AccAddress
}

// plan picks what an order leases, which its purse carries. It writes nothing but what afford settles.
func (k *Keeper) plan(ctx sdk.Context, o *opening, order *types.MsgCreateLease) (*plan, error) {
	size := order.Containers()
	if err := o.admit(order); err != nil {
		return nil, err
	}
	pays, account := o.purse.account.Denom, o.purse.numbering()
	demand := order.Demand(account.Tenant)
	if pays == athtypes.Denom { // a stable denom pays a price in USD at par
		if err := k.quotable(ctx, demand.Denom); err != nil {
			return nil, err
		}
	}
	indexer, err := k.checkQuote(ctx, demand, order.Quote)
	if err != nil {
		return nil, err
	}
	matches, err := k.pickAll(ctx, demand, order, o.params.MaxScan)
	if err != nil {
		return nil, err
	}
	first, quoted := account.NextNumber, false
	leases := make([]types.Lease, len(matches))
	for i, m := range matches {
		offer, now := m.terms.AtPar(pays), ctx.BlockTime()
		write := func(offer types.Offer, usd types.Clock) types.Lease {
			lease := types.NewLease(account, offer, m.vacancy.Container.Provider, order, now, m.vacancy.Status.OutageAt(now), usd)
			if m.mode == types.LeaseMode_LEASE_MODE_RESERVED {
				lease = lease.Prepay(offer)
			}
			if i >= size {
				lease = lease.StandBy(offer, first, usd)
			}
			return lease
		}
		lease := write(offer, o.purse.usd)
		if o.purse.credit != nil {
			lease = lease.WithCredit(o.purse.credit.gateway.Address, write(offer.OnCredit(), nil))
		}
		lease.Number = first + uint64(i)
		switch {
		case i >= size:
			leases[0].Standbys = append(leases[0].Standbys, lease.Number)
		case size > 1:
			lease.Gang = first
		}
		if indexer != nil && order.Quote.Counts(m.terms) {
			lease.Indexer, quoted = order.Quote.Indexer, true
		}
		leases[i] = lease
	}
	if err := o.afford(ctx, k, func(p *purse) error { return o.carries(ctx, p, leases) }); err != nil {
		return nil, err
	}
	if !quoted {
		indexer = nil
	}
	return &plan{leases: leases, matches: matches, indexer: indexer}, nil
}

// openAll writes what an order opens.
func (k *Keeper) openAll(ctx sdk.Context, o *opening, order *types.MsgCreateLease, d *plan) error {
	for i, lease := range d.leases {
		if err := k.open(ctx, o.purse, d.matches[i], lease); err != nil {
			return err
		}
	}
	if d.indexer == nil {
		return nil
	}
	return k.nonces.Set(ctx, collections.Join3(order.Quote.ExpiresAt.UnixNano(), d.indexer, order.Quote.Nonce))
}

// admit says whether the account may have the order's leases more.
func (o *opening) admit(order *types.MsgCreateLease) error {
	a, starting := o.purse.numbering(), uint32(order.Containers())
	if err := o.params.Accepts("pay_denom", a.Denom); err != nil {
		return err
	}
	open, unstarted := a.OpenLeases+o.others.Open, a.Unstarted+o.others.Unstarted
	if more := starting + order.Standbys; open+more > o.params.MaxOpenLeases {
		return types.ErrTooManyLeases.Wrapf("tenant: %d leases are open and %d would be more than the %d that may be: close some",
			open, open+more, o.params.MaxOpenLeases)
	}
	if unstarted+starting > o.params.MaxUnstarted {
		return types.ErrTooManyLeases.Wrapf("tenant: %d leases have not started and %d would be more than the %d that may wait: let them start or close them",
			unstarted, unstarted+starting, o.params.MaxUnstarted)
	}
	if order.Grace > o.params.MaxGrace {
		return types.ErrInvalidField.Wrapf("grace: %s: want 0 to %s", order.Grace, o.params.MaxGrace)
	}
	return nil
}

// carries says whether the purse pays for new leases, next to those that it has.
func (o *opening) carries(ctx sdk.Context, p *purse, leases []types.Lease) error {
	if p.credit != nil {
		return o.onCredit(ctx, p, leases, len(leases), types.Lease.Accrues, types.Lease.Reserved)
	}
	rates, reserve := types.NoRates(), math.ZeroInt()
	for _, lease := range leases {
		rates, reserve = rates.Add(lease.PricedIn(), lease.Accrues()), reserve.Add(lease.Reserved())
	}
	missing := p.account.Missing(p.balance, rates, reserve, o.params.MinRunway, ctx.BlockTime(), p.usd)
	if !missing.IsPositive() {
		return nil
	}
	show := func(amount math.Int) string { return types.ReadableIn(p.account.Denom, amount) }
	what := fmt.Sprintf("container %d", leases[0].ContainerId)
	if len(leases) > 1 {
		what = fmt.Sprintf("%d containers", len(leases))
	}
	return types.ErrInsufficientDeposit.Wrapf(
		"deposit: %s short: %s at %s per hour needs %s ahead for all open leases, and what is held back for minimum charge and grace: deposit %s more",
		show(missing), what, show(types.UnitsRoundedUp(rates.Cost(time.Hour, ctx.BlockTime(), p.usd))), o.params.MinRunway, show(missing))
}

// checkQuote verifies a quote and returns its Indexer; nil where there is none. A bad quote is an error rather than ignored:
// the tenant would else learn of it never.
func (k *Keeper) checkQuote(ctx sdk.Context, demand types.Demand, quote *types.Quote) (sdk.AccAddress, error) {
	if quote == nil {
		return nil, nil
	}
	indexer, err := quote.Verify(ctx.ChainID(), demand.Tenant, demand.Requirement, ctx.BlockTime())
	if err != nil {
		return nil, err
	}
	used, err := k.nonces.Has(ctx, collections.Join3(quote.ExpiresAt.UnixNano(), indexer, quote.Nonce))
	if err != nil {
		return nil, err
	}
	if used {
		return nil, types.ErrQuoteUsed.Wrapf("quote.nonce: %d of %s: ask the indexer again", quote.Nonce, quote.Indexer)
	}
	return indexer, nil
}

// open writes a new lease on a match that the purse carries; the caller writes the purse.
func (k *Keeper) open(ctx sdk.Context, p *purse, m match, lease types.Lease) error {
	p.opened(lease)
	if err := k.carry(ctx, p, lease); err != nil {
		return err
	}
	if err := k.saveLease(ctx, p.tenant, lease); err != nil {
		return err
	}
	if err := k.queueEnd(ctx, p.tenant, lease); err != nil {
		return err
	}
	if err := k.unindexPrice(ctx, m.offer); err != nil {
		return err
	}
	if err := k.providers.Bind(ctx, m.vacancy, lease.ID()); err != nil {
		return err
	}
	return athtypes.Emit(ctx, &types.EventLeaseOpened{Lease: lease})
}

// queueEnd puts a lease into the expiry queue, if it has an end.
func (k *Keeper) queueEnd(ctx sdk.Context, tenant sdk.AccAddress, lease types.Lease) error {
	if end := lease.QueuedEnd(); end != nil {
		return k.expiry.Set(ctx, collections.Join3(end.UnixNano(), tenant, lease.Number))
	}
	return nil
}

// unqueueEnd takes a lease out of the expiry queue.
func (k *Keeper) unqueueEnd(ctx sdk.Context, tenant sdk.AccAddress, lease types.Lease) error {
	if end := lease.QueuedEnd(); end != nil {
		return k.expiry.Remove(ctx, collections.Join3(end.UnixNano(), tenant, lease.Number))
	}
	return nil
}
