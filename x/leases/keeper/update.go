// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"time"

	"cosmossdk.io/collections"

	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
	"github.com/athnet/ath/x/leases/types"
)

// UpdateLease changes what an open lease runs, how long, and what happens when money or Container fail.
func (k *Keeper) UpdateLease(ctx sdk.Context, id types.LeaseID, msg *types.MsgUpdateLease) (types.Lease, error) {
	lease, err := k.Lease(ctx, id)
	if err != nil {
		return lease, err
	}
	if lease.StandbyOf != 0 {
		return lease, types.ErrReasonNotAllowed.Wrapf("lease_id: %s stands by for %d: change that one", lease.ID(), lease.StandbyOf)
	}
	if len(msg.ManifestHash) != 0 {
		if msg.Completes && lease.Prepaid() {
			return lease, types.ErrInvalidField.Wrapf("completes: %s is reserved: it ends with its term, or when its tenant closes it", lease.ID())
		}
		lease.ManifestHash, lease.Completes = msg.ManifestHash, msg.Completes
		if err := k.prepareStandbys(ctx, id.Tenant, lease); err != nil {
			return lease, err
		}
	}
	if msg.Failover != types.FailoverPolicy_FAILOVER_POLICY_UNSPECIFIED {
		lease.Failover = msg.Failover
	}
	if msg.PriorityPlusOne > 0 {
		lease.Priority = msg.PriorityPlusOne - 1
	}
	if msg.ExtendBy > 0 {
		if lease, err = k.extend(ctx, id.Tenant, lease, msg.ExtendBy); err != nil {
			return lease, err
		}
	}
	if err := k.saveLease(ctx, id.Tenant, lease); err != nil {
		return lease, err
	}
	return lease, athtypes.Emit(ctx, &types.EventLeaseUpdated{Lease: lease})
}

// prepareStandbys has what stands by for a lease, at most MaxStandbys, hold itself ready for the lease's new manifest.
func (k *Keeper) prepareStandbys(ctx sdk.Context, tenant sdk.AccAddress, lease types.Lease) error {
	for _, number := range lease.Standbys {
		standby, err := k.leases.Get(ctx, collections.Join(tenant, number))
		if err != nil {
			return err
		}
		standby.ManifestHash = lease.ManifestHash
		if err := k.saveLease(ctx, tenant, standby); err != nil {
			return err
		}
		if err := athtypes.Emit(ctx, &types.EventLeaseUpdated{Lease: standby}); err != nil {
			return err
		}
	}
	return nil
}

// extend moves a lease's agreed end. Its provider has agreed to that by an offer that still stands, at no more than the lease costs, and
// that allows so long a term.
func (k *Keeper) extend(ctx sdk.Context, tenant sdk.AccAddress, lease types.Lease, by time.Duration) (types.Lease, error) {
	if lease.EndsAt == nil {
		return lease, types.ErrInvalidField.Wrapf("extend_by: %s has no agreed end: it runs until it is closed", lease.ID())
	}
	if lease.ReclaimAt != nil {
		return lease, types.ErrReclaim.Wrapf("extend_by: the provider of %s takes its Container back at %s: lease another", lease.ID(), lease.ReclaimAt)
	}
	if !lease.EndsAt.After(ctx.BlockTime()) {
		return lease, types.ErrLeaseClosed.Wrapf("lease_id: the agreed end of %s has come: this block ends it", lease.ID())
	}
	if err := k.accepts(ctx, "extend_by", lease.Denom); err != nil {
		return lease, err
	}
	end := lease.EndsAt.Add(by)
	offer, err := k.Offer(ctx, lease.ContainerId)
	if err != nil {
		return lease, err
	}
	demand := types.Demand{Tenant: lease.Tenant, Mode: lease.Mode, Denom: lease.PricedIn(), MaxRate: lease.Rate, Duration: end.Sub(lease.CreatedAt)}
	terms, offered := offer.In(lease.Mode)
	misfit := types.MisfitMode
	if offered {
		misfit = demand.Offer(terms.AtPar(lease.Denom))
	}
	if misfit != types.Fits || demand.Duration > types.MaxTerm {
		return lease, types.ErrNoMatch.Wrapf("extend_by: the offer of container %d does not carry a lease of %s any more (%s): lease another Container",
			lease.ContainerId, demand.Duration, misfit)
	}
	if err := k.unqueueEnd(ctx, tenant, lease); err != nil {
		return lease, err
	}
	lease, more := lease.Prolong(end)
	if more.IsPositive() {
		if err := k.prepay(ctx, tenant, lease, more); err != nil {
			return lease, err
		}
	}
	return lease, k.queueEnd(ctx, tenant, lease)
}
