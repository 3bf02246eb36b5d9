// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	errorsmod "cosmossdk.io/errors"

	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
	"github.com/athnet/ath/x/leases/types"
)

// SubmitUsage takes a batch of valid usage records of one provider's leases, all or nothing. A lease's first record starts
// its billing. Nothing is settled here, so that a record costs one write.
func (k *Keeper) SubmitUsage(ctx sdk.Context, signer sdk.AccAddress, records []types.UsageRecord) error {
	params, err := k.params.Get(ctx)
	if err != nil {
		return err
	}
	for first := 0; first < len(records); {
		last := first + 1
		for last < len(records) && records[last].LeaseId == records[first].LeaseId {
			last++
		}
		if err := k.submitUsage(ctx, signer, records[first:last], params); err != nil {
			return errorsmod.Wrapf(err, "records[%d:%d]", first, last)
		}
		first = last
	}
	return nil
}

// submitUsage takes consecutive records of one lease.
func (k *Keeper) submitUsage(ctx sdk.Context, signer sdk.AccAddress, records []types.UsageRecord, params types.Params) error {
	id, err := types.ParseLeaseID(records[0].LeaseId)
	if err != nil {
		return err
	}
	lease, err := k.Lease(ctx, id)
	if err != nil {
		return err
	}
	if err := k.providers.Authorize(ctx, signer, lease.Provider); err != nil {
		return err
	}
	container, err := k.providers.Container(ctx, lease.ContainerId)
	if err != nil {
		return err
	}
	earns, err := k.providers.EarnsUntil(ctx, lease.ContainerId)
	if err != nil {
		return err
	}
	for i := range records {
		record := records[i]
		if err := record.Earns(earns, params.MaxClockSkew); err != nil {
			return err
		}
		next, err := lease.Follow(record, ctx.ChainID(), ctx.BlockTime(), ctx.BlockHeight(), params.MaxClockSkew)
		if err != nil {
			return err
		}
		if err := record.Verify(ctx.ChainID(), container.WorkerPubkey); err != nil {
			return err
		}
		lease = next
		if err := athtypes.Emit(ctx, &types.EventUsageRecorded{Record: record}); err != nil {
			return err
		}
	}
	if lease.State == types.LeaseState_LEASE_STATE_ACTIVE {
		return k.start(ctx, id.Tenant, lease, records[0])
	}
	return k.saveLease(ctx, id.Tenant, lease)
}

// start begins billing with a lease's first record; what was held back since its creation is free again.
func (k *Keeper) start(ctx sdk.Context, tenant sdk.AccAddress, lease types.Lease, record types.UsageRecord) error {
	p, err := k.purseOf(ctx, tenant, lease.Denom, lease.Gateway())
	if err != nil {
		return err
	}
	if !lease.Prepaid() && p.paidUntil().Before(ctx.BlockTime()) {
		return types.ErrAccountExhausted.Wrapf("lease_id: the balance behind %s ran out at %s: this block closes it", lease.ID(), p.paidUntil())
	}
	outage, err := k.providers.Outage(ctx, lease.ContainerId)
	if err != nil {
		return err
	}
	lease, s := p.step(lease, func(l types.Lease, m meter) (types.Lease, types.Settlement) {
		return l.Start(record.From, ctx.BlockTime(), outage, m.usd)
	})
	if err := k.saveLease(ctx, tenant, lease); err != nil {
		return err
	}
	p.started()
	if _, err := k.apply(ctx, p, lease, s); err != nil { // a start frees and pays nothing
		return err
	}
	return athtypes.Emit(ctx, &types.EventLeaseStarted{Lease: lease})
}
