// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"time"

	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
	"github.com/athnet/ath/x/leases/types"
)

// ReclaimLease gives a tenant notice that its Container is taken back; the expiry queue ends the lease when the notice is over. Of a
// reserved lease the provider answers now for the rest of the term: else it could give notice, see the tenant leave, and owe nothing.
func (k *Keeper) ReclaimLease(ctx sdk.Context, signer sdk.AccAddress, id types.LeaseID) (time.Time, error) {
	lease, err := k.Lease(ctx, id)
	if err != nil {
		return time.Time{}, err
	}
	if err := k.providers.Authorize(ctx, signer, lease.Provider); err != nil {
		return time.Time{}, err
	}
	params, err := k.params.Get(ctx)
	if err != nil {
		return time.Time{}, err
	}
	p, err := k.purseOf(ctx, id.Tenant, lease.Denom, lease.Gateway())
	if err != nil {
		return time.Time{}, err
	}
	if lease, _, err = k.settle(ctx, p, lease); err != nil { // for the end of the block, which gives back what was billed
		return time.Time{}, err
	}
	told, due, err := lease.Reclaim(ctx.BlockTime(), params, p.usd)
	if err != nil {
		return time.Time{}, err
	}
	if p.usd.err != nil {
		return time.Time{}, p.usd.err
	}
	if err := k.unqueueEnd(ctx, id.Tenant, lease); err != nil {
		return time.Time{}, err
	}
	if err := k.queueEnd(ctx, id.Tenant, told); err != nil {
		return time.Time{}, err
	}
	if err := k.saveLease(ctx, id.Tenant, told); err != nil {
		return time.Time{}, err
	}
	if err := k.charge(ctx, told, due, told.Unserved(*told.ReclaimAt, params)); err != nil {
		return time.Time{}, err
	}
	return *told.ReclaimAt, athtypes.Emit(ctx, &types.EventLeaseReclaimed{Lease: told})
}

// chargeBreach charges a provider that ends a lease without what is due to it. It does so also while a fault stands: who could end
// a lease for nothing once its Container is faulty would make it so.
func (k *Keeper) chargeBreach(ctx sdk.Context, lease types.Lease, reason types.CloseReason) error {
	if reason != types.CloseReason_CLOSE_REASON_PROVIDER {
		return nil
	}
	params, err := k.params.Get(ctx)
	if err != nil {
		return err
	}
	usd := k.usdClock(ctx)
	due := lease.Breach(reason, ctx.BlockTime(), params, usd)
	if usd.err != nil {
		return usd.err
	}
	return k.charge(ctx, lease, due, lease.Withheld(reason, ctx.BlockTime(), params))
}

// overdue says whether a lease has not started within its class's limit.
func (k *Keeper) overdue(ctx sdk.Context, lease types.Lease) (bool, error) {
	if lease.State != types.LeaseState_LEASE_STATE_ACTIVE {
		return false, nil
	}
	container, err := k.providers.Container(ctx, lease.ContainerId)
	if err != nil {
		return false, err
	}
	class, err := k.providers.Class(ctx, container.Class)
	if err != nil {
		return false, err
	}
	resumed, err := k.providers.Resumed(ctx)
	return lease.Overdue(ctx.BlockTime(), resumed, class.StartLimit), err
}
