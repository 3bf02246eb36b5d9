// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"errors"
	"slices"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
	"github.com/athnet/ath/x/leases/types"
	providertypes "github.com/athnet/ath/x/providers/types"
)

// Failover moves a lease to a standby: same account, same id. The lease leaves its Container as if it had ended there, for the reason
// that its tenant could give for that; number is the standby's, or 0 for the first that can take over.
func (k *Keeper) Failover(ctx sdk.Context, signer sdk.AccAddress, id types.LeaseID, number uint64) (types.Lease, error) {
	lease, err := k.Lease(ctx, id)
	if err != nil {
		return lease, err
	}
	reason, err := k.mayMove(ctx, signer, lease)
	if err != nil {
		return lease, err
	}
	p, err := k.purseOf(ctx, id.Tenant, lease.Denom, lease.Gateway())
	if err != nil {
		return lease, err
	}
	if p.paidUntil().Before(ctx.BlockTime()) {
		return lease, types.ErrAccountExhausted.Wrapf("lease_id: the balance behind %s ran out at %s: deposit more first", lease.ID(), p.paidUntil())
	}
	standby, err := k.takeOver(ctx, p, lease, number)
	if err != nil {
		return lease, err
	}
	moved, err := k.move(ctx, p, lease, standby, reason)
	if err != nil {
		return lease, err
	}
	by, err := k.addresses.BytesToString(signer)
	if err != nil {
		return lease, err
	}
	return moved, athtypes.Emit(ctx, &types.EventLeaseMoved{
		Lease: moved, FromContainer: lease.ContainerId, FromProvider: lease.Provider, Reason: reason, MovedBy: by,
	})
}

// mayMove says for which reason a signer may move a lease off its Container: the tenant at any time, anyone from a faulty one where the
// lease's policy is automatic.
func (k *Keeper) mayMove(ctx sdk.Context, signer sdk.AccAddress, lease types.Lease) (types.CloseReason, error) {
	standing, err := k.standing(ctx, signer, lease)
	if err != nil {
		return 0, err
	}
	switch {
	case lease.State != types.LeaseState_LEASE_STATE_ACTIVE && lease.State != types.LeaseState_LEASE_STATE_RUNNING:
		return 0, types.ErrReasonNotAllowed.Wrapf("lease_id: %s is %s and can't be moved", lease.ID(), lease.State)
	case standing.Tenant:
		return standing.Settles(standing.Reason(lease, false)), nil
	}
	status, err := k.providers.Status(ctx, lease.ContainerId)
	switch {
	case err != nil:
		return 0, err
	case status.FaultAt == nil:
		return 0, types.ErrReasonNotAllowed.Wrapf("lease_id: container %d of %s is not faulty: only the tenant may move it", lease.ContainerId, lease.ID())
	case lease.Failover != types.FailoverPolicy_FAILOVER_POLICY_AUTOMATIC:
		return 0, types.ErrUnauthorized.Wrapf("signer: the tenant of %s decides itself when it moves", lease.ID())
	}
	return types.CloseReason_CLOSE_REASON_FAULT, nil
}

// takeOver ends the standby whose Container takes over a lease, and binds that Container to the lease.
func (k *Keeper) takeOver(ctx sdk.Context, p *purse, lease types.Lease, number uint64) (types.Lease, error) {
	candidates := lease.Standbys
	if number != 0 {
		if !slices.Contains(candidates, number) {
			return types.Lease{}, types.ErrNoMatch.Wrapf("standby: %d does not stand by for %s, which has %v", number, lease.ID(), candidates)
		}
		candidates = []uint64{number}
	}
	for _, number := range candidates {
		standby, err := k.leases.Get(ctx, collections.Join(p.tenant, number))
		if err != nil {
			return standby, err
		}
		err = k.providers.Rebind(ctx, standby.ContainerId, standby.ID(), lease.ID())
		if errors.Is(err, providertypes.ErrContainerNotFree) {
			continue
		}
		if err != nil {
			return standby, err
		}
		// What standing by has earned of the minimum charge is earned, whoever settled it before.
		if standby, _, err = k.settle(ctx, p, standby); err != nil {
			return standby, err
		}
		receipt, err := k.finish(ctx, p, standby, types.End{Reason: types.CloseReason_CLOSE_REASON_PROMOTED})
		if err != nil {
			return standby, err
		}
		return standby, athtypes.Emit(ctx, &types.EventLeaseClosed{Receipt: receipt})
	}
	return types.Lease{}, types.ErrNoMatch.Wrapf("lease_id: none of the %d standbys of %s can take over now", len(candidates), lease.ID())
}

// move settles a lease in the Container that it leaves, which goes back to its provider, and puts it into its standby's.
func (k *Keeper) move(ctx sdk.Context, p *purse, lease, standby types.Lease, reason types.CloseReason) (types.Lease, error) {
	outage, err := k.outage(ctx, lease)
	if err != nil {
		return lease, err
	}
	var minima []math.Int // of what pays, and of its credit line
	until := lease.EndAt(p.paidUntil(), ctx.BlockTime())
	left, s := p.step(lease, func(l types.Lease, m meter) (types.Lease, types.Settlement) {
		left, s := l.Leave(reason, until, m.touched, outage, m.usd)
		minima = append(minima, s.Minimum)
		return left, s
	})
	fee, err := k.apply(ctx, p, lease, s)
	if err != nil {
		return lease, err
	}
	left.Fee = left.Fee.Add(fee)
	if err := k.rememberLeft(ctx, p.tenant, left, minima...); err != nil {
		return lease, err
	}
	accused, err := k.accuses(ctx, lease, reason)
	if err != nil {
		return lease, err
	}
	if err := k.leaveContainer(ctx, lease, reason, accused); err != nil {
		return lease, err
	}
	if outage, err = k.providers.Outage(ctx, standby.ContainerId); err != nil {
		return lease, err
	}
	moved := left.Move(standby, ctx.BlockTime(), outage, p.usd)
	if p.credit != nil {
		moved = moved.WithCredit(lease.Gateway(), left.OnCredit().Move(standby.OnCredit(), ctx.BlockTime(), outage, nil))
	}
	moved.Standbys = slices.DeleteFunc(slices.Clone(left.Standbys), func(n uint64) bool { return n == standby.Number })
	if lease.ReclaimAt != nil { // its new provider has given no notice
		if err := k.unqueueEnd(ctx, p.tenant, lease); err != nil {
			return lease, err
		}
		if err := k.queueEnd(ctx, p.tenant, moved); err != nil {
			return lease, err
		}
	}
	p.changed(left, moved)
	if err := k.savePurse(ctx, p); err != nil {
		return lease, err
	}
	return moved, k.saveLease(ctx, p.tenant, moved)
}

// endStandbys ends what stands by for a lease that has ended.
func (k *Keeper) endStandbys(ctx sdk.Context, p *purse, lease types.Lease, by string) error {
	for _, number := range lease.Standbys {
		standby, err := k.leases.Get(ctx, collections.Join(p.tenant, number))
		if err != nil {
			return err
		}
		if _, err := k.end(ctx, p, standby, types.End{By: by, Reason: types.CloseReason_CLOSE_REASON_NOT_NEEDED}); err != nil {
			return err
		}
	}
	return nil
}

// unlinkStandby takes a standby that has ended off its lease.
func (k *Keeper) unlinkStandby(ctx sdk.Context, tenant sdk.AccAddress, standby types.Lease) error {
	lease, err := k.leases.Get(ctx, collections.Join(tenant, standby.StandbyOf))
	if err != nil {
		return err
	}
	lease.Standbys = slices.DeleteFunc(lease.Standbys, func(n uint64) bool { return n == standby.Number })
	return k.saveLease(ctx, tenant, lease)
}
