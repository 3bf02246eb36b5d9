// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"errors"

	"cosmossdk.io/collections"

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

// CreateLease deposits, takes the first free Container that fits and binds it, all in one transaction. The rate reserves
// from this block; it is payable from the first usage record.
func (k *Keeper) CreateLease(ctx sdk.Context, tenant sdk.AccAddress, msg *types.MsgCreateLease) (types.Lease, error) {
	params, err := k.params.Get(ctx)
	if err != nil {
		return types.Lease{}, err
	}
	p, err := k.openPurse(ctx, tenant, athtypes.Denom)
	if err != nil {
		return types.Lease{}, err
	}
	if msg.HasDeposit() && msg.Deposit.IsPositive() {
		if err := k.deposit(ctx, p, tenant, msg.Deposit.Amount); err != nil {
			return types.Lease{}, err
		}
	}
	if p.account.OpenLeases >= params.MaxOpenLeases {
		return types.Lease{}, types.ErrTooManyLeases.Wrapf("tenant: %d leases are open, at most %d may be: close one", p.account.OpenLeases, params.MaxOpenLeases)
	}
	if p.account.Unstarted >= params.MaxUnstarted {
		return types.Lease{}, types.ErrTooManyLeases.Wrapf("tenant: %d leases have not started, at most %d may wait: let them start or close them",
			p.account.Unstarted, params.MaxUnstarted)
	}
	demand := types.Demand{Tenant: p.account.Tenant, MaxRate: msg.MaxRate, Duration: msg.Duration, Requirement: msg.Wanted()}
	indexer, err := k.checkQuote(ctx, demand, msg.Quote)
	if err != nil {
		return types.Lease{}, err
	}
	offer, err := k.pick(ctx, demand, msg.Candidates, params.MaxScan)
	if err != nil {
		return types.Lease{}, err
	}
	if missing := p.account.Missing(p.balance, offer.Rate, offer.Reserve(), params.MinRunway, ctx.BlockTime()); missing.IsPositive() {
		return types.Lease{}, types.ErrInsufficientDeposit.Wrapf(
			"deposit: %s short: container %d at %s per hour needs %s ahead for all open leases, and its minimum charge: deposit %s more",
			types.Readable(missing), offer.ContainerId, types.Readable(types.PerHour(offer.Rate)), params.MinRunway, types.Readable(missing))
	}
	if indexer != nil && msg.Quote.Counts(offer) {
		if err := k.nonces.Set(ctx, collections.Join3(msg.Quote.ExpiresAt.UnixNano(), indexer, msg.Quote.Nonce)); err != nil {
			return types.Lease{}, err
		}
	} else {
		indexer = nil
	}
	return k.open(ctx, p, offer, indexer, msg)
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

// open writes a new lease on an offer that fits and that the purse carries.
func (k *Keeper) open(ctx sdk.Context, p *purse, offer types.Offer, indexer sdk.AccAddress, msg *types.MsgCreateLease) (types.Lease, error) {
	container, err := k.providers.Container(ctx, offer.ContainerId)
	if err != nil {
		return types.Lease{}, err
	}
	outage, err := k.providers.Outage(ctx, offer.ContainerId)
	if err != nil {
		return types.Lease{}, err
	}
	lease := types.NewLease(p.account, offer, container.Provider, msg.ManifestHash, ctx.BlockTime(), msg.Duration, outage)
	if indexer != nil {
		lease.Indexer = msg.Quote.Indexer
	}
	p.account = p.account.Opened(lease)
	if err := k.savePurse(ctx, p); err != nil {
		return types.Lease{}, err
	}
	if err := k.saveLease(ctx, p.tenant, lease); err != nil {
		return types.Lease{}, err
	}
	if lease.EndsAt != nil {
		if err := k.expiry.Set(ctx, collections.Join3(lease.EndsAt.UnixNano(), p.tenant, lease.Number)); err != nil {
			return types.Lease{}, err
		}
	}
	if err := k.dropPrice(ctx, lease.ContainerId); err != nil {
		return types.Lease{}, err
	}
	if err := k.providers.Bind(ctx, lease.ContainerId, lease.ID()); err != nil {
		return types.Lease{}, err
	}
	return lease, ctx.EventManager().EmitTypedEvent(&types.EventLeaseOpened{Lease: lease})
}
