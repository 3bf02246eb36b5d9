// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"time"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
	"github.com/athnet/ath/x/leases/types"
	providertypes "github.com/athnet/ath/x/providers/types"
)

// Fault credits what a fault touches once Checkers have found it: the lease that the Container has now, and, before this block ends or in the
// next ones, those that left it after the fault began. The credit is dated now; nothing is computed backwards. x/checks calls it in EndBlock, once
// per change of health.
func (k *Keeper) Fault(ctx sdk.Context, container uint64, fault time.Time) error {
	params, err := k.params.Get(ctx)
	if err != nil {
		return err
	}
	lease, found, err := k.leaseOf(ctx, container)
	if err != nil {
		return err
	}
	if found {
		if err := k.creditLease(ctx, lease, fault, params); err != nil {
			return err
		}
	}
	return k.pending.Set(ctx, collections.Join(ctx.BlockTime().UnixNano(), container), fault.UnixNano())
}

// Recovered makes the rest of the session free in which a Container is healthy again.
func (k *Keeper) Recovered(ctx sdk.Context, container uint64) error {
	lease, found, err := k.leaseOf(ctx, container)
	if err != nil || !found || !lease.Bills() {
		return err
	}
	params, err := k.params.Get(ctx)
	if err != nil {
		return err
	}
	tenant, err := k.addresses.StringToBytes(lease.Tenant)
	if err != nil {
		return err
	}
	p, err := k.purseOf(ctx, tenant, lease.Denom, lease.Gateway())
	if err != nil {
		return err
	}
	if lease, _, err = k.settle(ctx, p, lease); err != nil {
		return err
	}
	outage, err := k.providers.Outage(ctx, container)
	if err != nil {
		return err
	}
	lease = lease.Recover(ctx.BlockTime(), outage, params.Session(lease.Mode))
	if err := k.saveLease(ctx, tenant, lease); err != nil {
		return err
	}
	return athtypes.Emit(ctx, &types.EventSlaFreed{LeaseId: lease.ID(), FreeUntil: *lease.FreeUntil})
}

// leaseOf is the lease that a Container is bound to.
func (k *Keeper) leaseOf(ctx sdk.Context, container uint64) (types.Lease, bool, error) {
	status, err := k.providers.Status(ctx, container)
	if err != nil || status.Lease == "" {
		return types.Lease{}, false, err
	}
	id, err := types.ParseLeaseID(status.Lease)
	if err != nil {
		return types.Lease{}, false, err
	}
	lease, err := k.Lease(ctx, id)
	return lease, err == nil, err
}

func (k *Keeper) creditLease(ctx sdk.Context, lease types.Lease, fault time.Time, params types.Params) error {
	tenant, err := k.addresses.StringToBytes(lease.Tenant)
	if err != nil {
		return err
	}
	p, err := k.purseOf(ctx, tenant, lease.Denom, lease.Gateway())
	if err != nil {
		return err
	}
	outage, err := k.providers.Outage(ctx, lease.ContainerId)
	if err != nil {
		return err
	}
	var dues []types.Credit // of what pays, and of its credit line
	until := lease.EndAt(p.paidUntil(), ctx.BlockTime())
	outage -= types.Beyond(fault, until, ctx.BlockTime())
	lease, s := p.step(lease, func(l types.Lease, m meter) (types.Lease, types.Settlement) {
		l, s, due := l.Fault(fault, until, outage, params.Session(l.Mode), m.usd)
		dues = append(dues, due)
		return l, s
	})
	due := dues[0]
	if !s.IsNothing() {
		fee, err := k.apply(ctx, p, lease, s)
		if err != nil {
			return err
		}
		lease.Fee = lease.Fee.Add(fee)
	}
	credited, back, err := k.credit(ctx, p, types.EventSlaCredited{
		LeaseId: lease.ID(), ContainerId: lease.ContainerId, Provider: lease.Provider, FaultAt: fault, FreeFrom: due.From,
	}, lease.Indexer, due.Due, dues[len(dues)-1].Due)
	if err != nil {
		return err
	}
	lease = lease.GivenBack(credited, back)
	return k.saveLease(ctx, tenant, lease)
}

// credit gives back what is due into a purse: out of the provider's unvested fees and the service fee that is waived with them. A ticket
// claims the rest of the provider, on what it holds the SLA fund advances, and what it does not advance comes when the ticket is paid or
// runs out (payProceeds). It returns what came at once, and of onLine, which is due to a credit line, what went back to that: the same part of
// it.
func (k *Keeper) credit(
	ctx sdk.Context, p *purse, event types.EventSlaCredited, indexerName string, due, onLine math.Int,
) (credited, back math.Int, err error) {
	credited, back = math.ZeroInt(), math.ZeroInt()
	if !due.IsPositive() {
		return credited, back, nil
	}
	fees, err := k.refundFees(ctx, p, event.Provider, indexerName, due)
	if err != nil {
		return credited, back, err
	}
	fund, owed, missing := math.ZeroInt(), math.ZeroInt(), due.Sub(fees)
	claim, err := k.inUath(ctx, p.account.Denom, missing)
	if err != nil {
		return credited, back, err
	}
	if claim.IsPositive() {
		if event.Ticket, fund, owed, err = k.claim(ctx, p, event, claim); err != nil {
			return credited, back, err
		}
	}
	credited = fees.Add(types.ShareRoundedUp(missing, fund, claim))
	back = p.creditBack(credited, due, onLine)
	comes := credited
	if p.account.Other() { // what the fund advances is in the tenant's uath account
		comes = fees
	}
	if comes.IsPositive() {
		if err := k.credited(ctx, p, comes); err != nil {
			return credited, back, err
		}
	}
	if owed.IsPositive() {
		event.Owed = sdk.NewCoin(athtypes.Denom, owed).String()
	}
	event.Due, event.FromFees, event.FromFund = p.coin(due).String(), p.coin(fees).String(), sdk.NewCoin(athtypes.Denom, fund).String()
	if p.credit != nil {
		event.Credit, event.Gateway = musd(back), p.credit.gateway.Address
	}
	return credited, back, athtypes.Emit(ctx, &event)
}

// refundFees undoes payments to a provider, up to an amount, into a purse's row; the caller credits what came.
func (k *Keeper) refundFees(ctx sdk.Context, p *purse, provider, indexer string, amount math.Int) (math.Int, error) {
	to, err := k.addresses.StringToBytes(provider)
	if err != nil {
		return amount, err
	}
	var by sdk.AccAddress
	if indexer != "" {
		if by, err = k.addresses.StringToBytes(indexer); err != nil {
			return amount, err
		}
	}
	return k.vault.Refund(ctx, to, by, p.row(), amount)
}

// claim opens a ticket for what fees did not cover, pays what the SLA fund advances on it, and says what of the rest the tenant is owed. The
// fund advances at most what the ticket holds of the provider, and gets that back first. The provider's own people get nothing: so nobody
// can be his own victim at the fund's expense.
func (k *Keeper) claim(ctx sdk.Context, p *purse, event types.EventSlaCredited, missing math.Int) (ticket uint64, fund, owed math.Int, err error) {
	damage := providertypes.Damage{Provider: event.Provider, Container: event.ContainerId, Evidence: []byte(event.LeaseId), Amount: missing}
	fundRow := athtypes.Row{Kind: athtypes.RowKind_ROW_KIND_SLA_FUND, Denom: athtypes.Denom}
	related, err := k.relatedToAny(ctx, p, event.Provider)
	if err != nil {
		return 0, fund, owed, err
	}
	has := math.ZeroInt()
	if !related {
		if has, err = k.vault.RowAmount(ctx, fundRow); err != nil {
			return 0, fund, owed, err
		}
		damage.Claim = providertypes.Claim{Beneficiary: p.account.Tenant, Due: missing, Advance: has}
	}
	ticket, held, err := k.providers.TicketOutage(ctx, damage)
	if err != nil {
		return ticket, fund, owed, err
	}
	fund, owed = math.MinInt(held, has), damage.Claim.Owed(held)
	if !fund.IsPositive() {
		return ticket, fund, owed, nil
	}
	if p.account.Other() {
		return ticket, fund, owed, k.advanceOther(ctx, p, fundRow, fund)
	}
	return ticket, fund, owed, k.vault.Move(ctx, fundRow, p.row(), fund)
}

// standsFaulty says whether a fault stands that has credited what there was.
func (k *Keeper) standsFaulty(ctx sdk.Context, container uint64) (bool, error) {
	earns, err := k.providers.EarnsUntil(ctx, container)
	return earns.Before(ctx.BlockTime()), err
}
