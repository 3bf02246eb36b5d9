// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"errors"
	"fmt"

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
		return lease, types.ErrLeaseNotFound.Wrapf("lease_id: %s", id)
	case err != nil:
		return lease, err
	}
	return lease, types.ErrLeaseClosed.Wrapf("lease_id: %s ended at %s (%s)", id, receipt.EndedAt, receipt.Reason)
}

func (k *Keeper) saveLease(ctx sdk.Context, tenant sdk.AccAddress, lease types.Lease) error {
	return k.leases.Set(ctx, collections.Join(tenant, lease.Number), lease)
}

// opening is one message that opens leases of a tenant: a touched purse that is written once, and what may be opened.
type opening struct {
	purse  *purse
	params types.Params
}

// CreateLease deposits, takes the first free Containers that fit and binds them, all in one transaction. The rate reserves
// from this block; it is payable from the first usage record. A gang is opened as a whole or not at all.
func (k *Keeper) CreateLease(ctx sdk.Context, tenant sdk.AccAddress, order *types.MsgCreateLease) ([]types.Lease, error) {
	o, err := k.beginOpening(ctx, tenant, order.Deposit)
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
	o, err := k.beginOpening(ctx, tenant, deposit)
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
		before := *o.purse
		results[i].Err = k.isolate(ctx, func(ctx sdk.Context) (err error) {
			results[i].Leases, err = k.serve(ctx, o, order)
			return err
		})
		if results[i].Err != nil {
			*o.purse, results[i].Leases = before, nil
		}
	}
	return results, k.savePurse(ctx, o.purse)
}

// beginOpening loads what all orders of a message share, and deposits.
func (k *Keeper) beginOpening(ctx sdk.Context, tenant sdk.AccAddress, deposit sdk.Coin) (*opening, error) {
	params, err := k.params.Get(ctx)
	if err != nil {
		return nil, err
	}
	p, err := k.openPurse(ctx, tenant, athtypes.Denom)
	if err != nil {
		return nil, err
	}
	if !deposit.Amount.IsNil() && deposit.IsPositive() {
		if err := k.deposit(ctx, p, tenant, deposit.Amount); err != nil {
			return nil, err
		}
	}
	return &opening{purse: p, params: params}, nil
}

// serve opens the leases of one order within a purse; the caller writes the purse.
func (k *Keeper) serve(ctx sdk.Context, o *opening, order *types.MsgCreateLease) ([]types.Lease, error) {
	size := order.Containers()
	if err := o.admit(uint32(size)); err != nil {
		return nil, err
	}
	demand := order.Demand(o.purse.account.Tenant)
	indexer, err := k.checkQuote(ctx, demand, order.Quote)
	if err != nil {
		return nil, err
	}
	offers, err := k.pick(ctx, demand, order.Candidates, size, o.params.MaxScan)
	if err != nil {
		return nil, err
	}
	if err := o.carries(ctx, offers); err != nil {
		return nil, err
	}
	var gang uint64
	if size > 1 {
		gang = o.purse.account.NextNumber
	}
	leases, quoted := make([]types.Lease, len(offers)), false
	for i, offer := range offers {
		counts := indexer != nil && order.Quote.Counts(offer)
		quoted = quoted || counts
		if leases[i], err = k.open(ctx, o.purse, offer, order, gang, counts); err != nil {
			return nil, err
		}
	}
	if quoted {
		err = k.nonces.Set(ctx, collections.Join3(order.Quote.ExpiresAt.UnixNano(), indexer, order.Quote.Nonce))
	}
	return leases, err
}

// admit says whether the account may have so many leases more.
func (o *opening) admit(more uint32) error {
	a := o.purse.account
	if a.OpenLeases+more > o.params.MaxOpenLeases {
		return types.ErrTooManyLeases.Wrapf("tenant: %d leases are open and %d would be more than the %d that may be: close some",
			a.OpenLeases, a.OpenLeases+more, o.params.MaxOpenLeases)
	}
	if a.Unstarted+more > o.params.MaxUnstarted {
		return types.ErrTooManyLeases.Wrapf("tenant: %d leases have not started and %d would be more than the %d that may wait: let them start or close them",
			a.Unstarted, a.Unstarted+more, o.params.MaxUnstarted)
	}
	return nil
}

// carries says whether the purse pays for leases of all offers, next to those that it has.
func (o *opening) carries(ctx sdk.Context, offers []types.Offer) error {
	rate, reserve := math.ZeroInt(), math.ZeroInt()
	for _, offer := range offers {
		rate, reserve = rate.Add(offer.Rate), reserve.Add(offer.Reserve())
	}
	missing := o.purse.account.Missing(o.purse.balance, rate, reserve, o.params.MinRunway, ctx.BlockTime())
	if !missing.IsPositive() {
		return nil
	}
	what := fmt.Sprintf("container %d", offers[0].ContainerId)
	if len(offers) > 1 {
		what = fmt.Sprintf("a gang of %d", len(offers))
	}
	return types.ErrInsufficientDeposit.Wrapf(
		"deposit: %s short: %s at %s per hour needs %s ahead for all open leases, and its minimum charge: deposit %s more",
		types.Readable(missing), what, types.Readable(types.PerHour(rate)), o.params.MinRunway, types.Readable(missing))
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

// open writes a new lease on an offer that fits and that the purse carries; the caller writes the purse. quoted says that the
// order's quote led to the offer.
func (k *Keeper) open(
	ctx sdk.Context, p *purse, offer types.Offer, order *types.MsgCreateLease, gang uint64, quoted bool,
) (types.Lease, error) {
	container, err := k.providers.Container(ctx, offer.ContainerId)
	if err != nil {
		return types.Lease{}, err
	}
	outage, err := k.providers.Outage(ctx, offer.ContainerId)
	if err != nil {
		return types.Lease{}, err
	}
	lease := types.NewLease(p.account, offer, container.Provider, order.ManifestHash, ctx.BlockTime(), order.Duration, outage)
	lease.Gang = gang
	if quoted {
		lease.Indexer = order.Quote.Indexer
	}
	p.account = p.account.Opened(lease)
	if err := k.saveLease(ctx, p.tenant, lease); err != nil {
		return types.Lease{}, err
	}
	if lease.EndsAt != nil {
		if err := k.expiry.Set(ctx, collections.Join3(lease.EndsAt.UnixNano(), p.tenant, lease.Number)); err != nil {
			return types.Lease{}, err
		}
	}
	if offer.Listed() {
		if err := k.prices.Remove(ctx, priceKeyOf(offer)); err != nil {
			return types.Lease{}, err
		}
	}
	if err := k.providers.Bind(ctx, lease.ContainerId, lease.ID()); err != nil {
		return types.Lease{}, err
	}
	return lease, ctx.EventManager().EmitTypedEvent(&types.EventLeaseOpened{Lease: lease})
}
