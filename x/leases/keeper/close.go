// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"errors"

	"cosmossdk.io/collections"

	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
	"github.com/athnet/ath/x/leases/types"
)

// Receipt returns what remains of a closed lease.
func (k *Keeper) Receipt(ctx sdk.Context, id types.LeaseID) (types.Receipt, error) {
	receipt, err := k.receipts.Get(ctx, collections.Join(id.Tenant, id.Number))
	if errors.Is(err, collections.ErrNotFound) {
		return receipt, types.ErrLeaseNotFound.Wrapf("lease_id: %s has no receipt", id)
	}
	return receipt, err
}

// CloseLease ends a lease for a reason that is open to the signer; said is nil where the worker says nothing.
func (k *Keeper) CloseLease(ctx sdk.Context, signer sdk.AccAddress, id types.LeaseID, reason types.CloseReason, said *types.Said) (types.Receipt, error) {
	if said == nil {
		said = &types.Said{}
	}
	lease, err := k.Lease(ctx, id)
	if err != nil {
		return types.Receipt{}, err
	}
	standing, err := k.standing(ctx, signer, lease)
	if err != nil {
		return types.Receipt{}, err
	}
	if reason == types.CloseReason_CLOSE_REASON_UNSPECIFIED {
		reason = standing.Reason(lease, len(said.ExitCodes) > 0)
	}
	if err := standing.Allows(lease, reason, len(said.ExitCodes)); err != nil {
		return types.Receipt{}, err
	}
	reason = standing.Settles(reason)
	codes, err := k.heard(ctx, lease, *said)
	if err != nil {
		return types.Receipt{}, err
	}
	p, err := k.purseOf(ctx, id.Tenant, lease.Denom, lease.Gateway())
	if err != nil {
		return types.Receipt{}, err
	}
	by, err := k.addresses.BytesToString(signer)
	if err != nil {
		return types.Receipt{}, err
	}
	leases := []types.Lease{lease}
	if _, err := k.catchUp(ctx, p, leases); err != nil {
		return types.Receipt{}, err
	}
	return k.end(ctx, p, leases[0], types.End{By: by, Reason: reason, ExitCodes: codes, Statement: said.Statement})
}

// standing collects what decides which reasons a signer may close a lease for.
func (k *Keeper) standing(ctx sdk.Context, signer sdk.AccAddress, lease types.Lease) (types.Standing, error) {
	name, err := k.addresses.BytesToString(signer)
	if err != nil {
		return types.Standing{}, err
	}
	s := types.Standing{
		Tenant:    name == lease.Tenant,
		Provider:  k.providers.Authorize(ctx, signer, lease.Provider) == nil,
		Authority: sdk.ValidateAuthority(ctx, k.authority, name) == nil,
	}
	if s.Tenant {
		status, err := k.providers.Status(ctx, lease.ContainerId)
		if err != nil {
			return s, err
		}
		s.Faulty = status.FaultAt != nil
	}
	s.Overdue, err = k.overdue(ctx, lease)
	return s, err
}

// end settles a lease to its end, pays, releases the Container and leaves the receipt; its standbys end with it. The purse is
// touched; end.At is set here: now, but never beyond what the account pays for or the agreed end.
func (k *Keeper) end(ctx sdk.Context, p *purse, lease types.Lease, end types.End) (types.Receipt, error) {
	receipt, err := k.finish(ctx, p, lease, end)
	if err != nil {
		return receipt, err
	}
	accused, err := k.accuses(ctx, lease, end.Reason)
	if err != nil {
		return receipt, err
	}
	if err := k.chargeBreach(ctx, lease, end.Reason); err != nil {
		return receipt, err
	}
	if err := k.leaveContainer(ctx, lease, end.Reason, accused); err != nil {
		return receipt, err
	}
	if err := athtypes.Emit(ctx, &types.EventLeaseClosed{Receipt: receipt}); err != nil {
		return receipt, err
	}
	if lease.StandbyOf != 0 && end.Reason != types.CloseReason_CLOSE_REASON_NOT_NEEDED {
		return receipt, k.unlinkStandby(ctx, p.tenant, lease)
	}
	return receipt, k.endStandbys(ctx, p, lease, end.By)
}

// finish settles a lease to its end, pays, and replaces it by its receipt.
func (k *Keeper) finish(ctx sdk.Context, p *purse, lease types.Lease, end types.End) (types.Receipt, error) {
	outage, err := k.outage(ctx, lease)
	if err != nil {
		return types.Receipt{}, err
	}
	end.At = lease.EndAt(p.paidUntil(), ctx.BlockTime())
	var receipts []types.Receipt // of what pays, and of its credit line
	_, s := p.step(lease, func(l types.Lease, m meter) (types.Lease, types.Settlement) {
		receipt, s := l.Close(end, m.touched, outage, m.usd)
		receipts = append(receipts, receipt)
		return l, s
	})
	receipt := receipts[0]
	if len(receipts) > 1 {
		receipt = receipt.WithCredit(lease.Gateway(), receipts[1])
	}
	if receipt, err = k.observe(ctx, receipt); err != nil {
		return receipt, err
	}
	if receipt.Health == types.Health_HEALTH_FAULTY { // its verdict has given back what there was, and what came after was not billed
		receipt.CreditableFrom = nil
	}
	p.closed(lease)
	if err := k.drop(ctx, p, lease); err != nil {
		return receipt, err
	}
	fee, err := k.apply(ctx, p, lease, s)
	if err != nil {
		return receipt, err
	}
	receipt.Fee = receipt.Fee.Add(fee)
	key := collections.Join(p.tenant, lease.Number)
	if err := k.leases.Remove(ctx, key); err != nil {
		return receipt, err
	}
	if err := k.receipts.Set(ctx, key, receipt); err != nil {
		return receipt, err
	}
	if err := k.note(ctx, p.tenant, receipt); err != nil {
		return receipt, err
	}
	if err := k.remember(ctx, p.tenant, receipt, types.Service{}); err != nil {
		return receipt, err
	}
	return receipt, k.unqueueEnd(ctx, p.tenant, lease)
}

// leaveContainer gives a lease's Container back and charges its provider where the lease was not started in time.
func (k *Keeper) leaveContainer(ctx sdk.Context, lease types.Lease, reason types.CloseReason, accused bool) error {
	if err := k.providers.Release(ctx, lease.ContainerId, lease.ID(), reason.Refuses(lease)); err != nil {
		return err
	}
	if accused {
		if err := k.providers.TicketNotStarted(ctx, lease.ContainerId, lease.ID()); err != nil {
			return err
		}
	}
	return k.restorePrice(ctx, lease.ContainerId)
}

// accuses says whether the provider is charged for how a lease ends. While a fault stands the chain takes no record of usage,
// also from a worker that has started, and a fault from before the lease is told only now: so a missing start proves nothing.
func (k *Keeper) accuses(ctx sdk.Context, lease types.Lease, reason types.CloseReason) (bool, error) {
	if !reason.Accuses(lease) {
		return false, nil
	}
	earns, err := k.providers.EarnsUntil(ctx, lease.ContainerId)
	return !earns.Before(ctx.BlockTime()), err
}

// endDue ends a lease whose time or money has run out; no signer takes part.
func (k *Keeper) endDue(ctx sdk.Context, p *purse, lease types.Lease) error {
	overdue, err := k.overdue(ctx, lease)
	if err != nil {
		return err
	}
	at := lease.EndAt(p.paidUntil(), ctx.BlockTime())
	reason := lease.EndsFor(at, overdue)
	if reason == types.CloseReason_CLOSE_REASON_EXHAUSTED && lease.PausedAt == nil {
		reason = p.dryReason()
	}
	params, err := k.params.Get(ctx)
	if err != nil {
		return err
	}
	end := types.End{Reason: reason}
	if reason.Dry() {
		end.Abandoned = lease.Abandoned(at, params.MinRunway)
	}
	_, err = k.end(ctx, p, lease, end)
	return err
}
