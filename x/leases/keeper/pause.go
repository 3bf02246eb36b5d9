// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
	"github.com/athnet/ath/x/leases/types"
)

// pauseOrEnd takes a lease off an account that can't pay for it: it is kept for as long as its grace reserve pays for that, or ends. What
// stands by for a lease that pauses ends.
func (k *Keeper) pauseOrEnd(ctx sdk.Context, p *purse, lease types.Lease) error {
	if !lease.Pausable() || lease.Expired(p.paidUntil()) {
		return k.endDue(ctx, p, lease)
	}
	outage, err := k.outage(ctx, lease)
	if err != nil {
		return err
	}
	if err := k.endStandbys(ctx, p, lease, ""); err != nil {
		return err
	}
	if err := k.unqueueEnd(ctx, p.tenant, lease); err != nil {
		return err
	}
	until, why := lease.BilledUntil(p.paidUntil()), p.dryReason()
	paused, s := p.step(lease, func(l types.Lease, m meter) (types.Lease, types.Settlement) {
		return l.Pause(until, m.touched, outage, m.usd)
	})
	paused.Standbys = nil
	if faulty, err := k.standsFaulty(ctx, lease.ContainerId); err != nil {
		return err
	} else if faulty {
		paused = paused.PauseUnder()
	}
	fee, err := k.apply(ctx, p, lease, s)
	if err != nil {
		return err
	}
	paused.Fee = paused.Fee.Add(fee)
	p.changed(lease.Kept(paused), paused)
	if err := k.savePurse(ctx, p); err != nil {
		return err
	}
	if err := k.saveLease(ctx, p.tenant, paused); err != nil {
		return err
	}
	if err := k.queueEnd(ctx, p.tenant, paused); err != nil {
		return err
	}
	return athtypes.Emit(ctx, &types.EventLeasePaused{Lease: paused, Until: *paused.QueuedEnd(), Reason: why})
}

// ResumeLease ends a pause, if the account can pay again.
func (k *Keeper) ResumeLease(ctx sdk.Context, id types.LeaseID, deposit sdk.Coin) (sdk.Coin, error) {
	lease, err := k.Lease(ctx, id)
	if err != nil {
		return sdk.Coin{}, err
	}
	if lease.PausedAt == nil {
		return sdk.Coin{}, types.ErrReasonNotAllowed.Wrapf("lease_id: %s is %s, not paused", lease.ID(), lease.State)
	}
	if !lease.QueuedEnd().After(ctx.BlockTime()) {
		return sdk.Coin{}, types.ErrLeaseClosed.Wrapf("lease_id: the grace of %s was used up at %s: this block ends it", lease.ID(), lease.QueuedEnd())
	}
	o, err := k.beginOpening(ctx, id.Tenant, lease.Denom, lease.Gateway(), deposit)
	if err != nil {
		return sdk.Coin{}, err
	}
	if err := o.afford(ctx, k, func(p *purse) error { return o.resumes(ctx, p, lease) }); err != nil {
		return sdk.Coin{}, err
	}
	if err := k.unqueueEnd(ctx, id.Tenant, lease); err != nil {
		return sdk.Coin{}, err
	}
	outage, err := k.outage(ctx, lease)
	if err != nil {
		return sdk.Coin{}, err
	}
	if err := k.rememberLeft(ctx, id.Tenant, lease, math.ZeroInt(), math.ZeroInt()); err != nil {
		return sdk.Coin{}, err
	}
	resumed, s := o.purse.step(lease, func(l types.Lease, m meter) (types.Lease, types.Settlement) {
		return l.Resume(ctx.BlockTime(), outage, m.usd)
	})
	fee, err := k.apply(ctx, o.purse, lease, s)
	if err != nil {
		return sdk.Coin{}, err
	}
	resumed.Fee = resumed.Fee.Add(fee)
	o.purse.changed(lease.Kept(resumed), resumed)
	if err := k.savePurse(ctx, o.purse); err != nil {
		return sdk.Coin{}, err
	}
	if err := k.saveLease(ctx, id.Tenant, resumed); err != nil {
		return sdk.Coin{}, err
	}
	if err := k.queueEnd(ctx, id.Tenant, resumed); err != nil {
		return sdk.Coin{}, err
	}
	return o.purse.coin(s.Total()), athtypes.Emit(ctx, &types.EventLeaseResumed{Lease: resumed})
}

// resumes says whether the purse pays for a paused lease of its own again; what is reserved for that is.
func (o *opening) resumes(ctx sdk.Context, p *purse, lease types.Lease) error {
	if p.credit != nil {
		return o.onCredit(ctx, p, []types.Lease{lease}, 0, func(l types.Lease) math.Int { return l.Rate }, func(types.Lease) math.Int { return math.ZeroInt() })
	}
	missing := p.account.Missing(p.balance, types.NoRates().Add(lease.PricedIn(), lease.Rate), math.ZeroInt(), o.params.MinRunway, ctx.BlockTime(), p.usd)
	if missing.IsPositive() {
		return types.ErrInsufficientDeposit.Wrapf("deposit: %s short to run all leases of the account for %s: deposit that much more",
			types.ReadableIn(lease.Denom, missing), o.params.MinRunway)
	}
	return nil
}
