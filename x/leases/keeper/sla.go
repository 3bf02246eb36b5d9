// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"errors"
	"time"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
	"github.com/athnet/ath/x/leases/types"
)

// Fault credits what a fault touches once Checkers have found it: the lease that the Container has now, and those that ended after it
// began. The credit is dated now; nothing is computed backwards. x/checks calls it in EndBlock, once per change of health.
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
	return k.creditReceipts(ctx, container, fault, params)
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
	p, err := k.openPurse(ctx, tenant, lease.Denom)
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
	lease = lease.Recover(outage, params.Session(lease))
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
	p, err := k.openPurse(ctx, tenant, lease.Denom)
	if err != nil {
		return err
	}
	outage, err := k.providers.Outage(ctx, lease.ContainerId)
	if err != nil {
		return err
	}
	lease, s, due := lease.Fault(fault, lease.BilledUntil(p.account.TouchedAt), outage, params.Session(lease))
	if !s.IsNothing() {
		fee, err := k.apply(ctx, p, lease, s)
		if err != nil {
			return err
		}
		lease.Fee = lease.Fee.Add(fee)
	}
	credited, err := k.credit(ctx, p, types.EventSlaCredited{
		LeaseId: lease.ID(), ContainerId: lease.ContainerId, Provider: lease.Provider, FaultAt: fault, FreeFrom: due.From,
	}, lease.Indexer, due.Due)
	if err != nil {
		return err
	}
	lease.Credited = lease.Credited.Add(credited)
	return k.saveLease(ctx, tenant, lease)
}

// creditReceipts credits leases that ended in the Container after the fault began, the last first.
func (k *Keeper) creditReceipts(ctx sdk.Context, container uint64, fault time.Time, params types.Params) error {
	since := ctx.BlockTime().Add(-params.SlaHorizon)
	if fault.After(since) {
		since = fault
	}
	var keys []servedKey
	latest := new(collections.Range[servedKey]).Prefix(servedPrefix(container)).Descending()
	err := k.served.Walk(ctx, latest, func(key servedKey) (bool, error) {
		if key.K2() <= since.UnixNano() || len(keys) == types.MaxCreditedReceipts {
			return true, nil
		}
		keys = append(keys, key)
		return false, nil
	})
	if err != nil {
		return err
	}
	for _, key := range keys {
		if err := k.creditReceipt(ctx, key, fault, params); err != nil {
			return err
		}
	}
	return nil
}

// creditReceipt credits an ended lease, once. Its receipt stays as the log of receipts has it; the event says what was given back.
func (k *Keeper) creditReceipt(ctx sdk.Context, key servedKey, fault time.Time, params types.Params) error {
	receipt, err := k.receipts.Get(ctx, collections.Join(key.K3(), key.K4()))
	if errors.Is(err, collections.ErrNotFound) { // pruned
		return k.served.Remove(ctx, key)
	}
	if err != nil {
		return err
	}
	due := receipt.Fault(fault, params.SlaSession)
	if !due.Due.IsPositive() {
		return nil
	}
	p, err := k.openPurse(ctx, key.K3(), receipt.Denom)
	if err != nil {
		return err
	}
	_, err = k.credit(ctx, p, types.EventSlaCredited{
		LeaseId: receipt.ID(), ContainerId: receipt.ContainerId, Provider: receipt.Provider, FaultAt: fault, FreeFrom: due.From,
	}, receipt.Indexer, due.Due)
	if err != nil {
		return err
	}
	return k.served.Remove(ctx, key)
}

// credit gives back what is due into a purse: out of the provider's unvested fees and the service fee that is waived with them. A ticket
// claims the rest of the provider, and on what it holds the SLA fund advances. It returns what came.
func (k *Keeper) credit(ctx sdk.Context, p *purse, event types.EventSlaCredited, indexerName string, due math.Int) (math.Int, error) {
	if !due.IsPositive() {
		return math.ZeroInt(), nil
	}
	provider, err := k.addresses.StringToBytes(event.Provider)
	if err != nil {
		return due, err
	}
	var indexer sdk.AccAddress
	if indexerName != "" {
		if indexer, err = k.addresses.StringToBytes(indexerName); err != nil {
			return due, err
		}
	}
	fees, err := k.vault.Refund(ctx, provider, indexer, p.row(), due)
	if err != nil {
		return due, err
	}
	fund := math.ZeroInt()
	if missing := due.Sub(fees); missing.IsPositive() {
		var held math.Int
		if event.Ticket, held, err = k.providers.TicketOutage(ctx, event.ContainerId, event.Provider, event.LeaseId, missing); err != nil {
			return due, err
		}
		if fund, err = k.advance(ctx, p, event.Provider, held); err != nil {
			return due, err
		}
	}
	credited := fees.Add(fund)
	if credited.IsPositive() {
		if err := k.credited(ctx, p, credited); err != nil {
			return due, err
		}
	}
	event.Due, event.FromFees, event.FromFund = p.coin(due).String(), p.coin(fees).String(), p.coin(fund).String()
	return credited, athtypes.Emit(ctx, &event)
}

// advance pays out of the SLA fund, at most what a ticket holds of the provider, and nothing to the provider's own people: so the fund gets
// back what it gives, and nobody can be his own victim at its expense.
func (k *Keeper) advance(ctx sdk.Context, p *purse, provider string, held math.Int) (math.Int, error) {
	related, err := k.related(ctx, p, provider)
	if err != nil || related {
		return math.ZeroInt(), err
	}
	fund := athtypes.Row{Kind: athtypes.RowKind_ROW_KIND_SLA_FUND, Denom: p.account.Denom}
	has, err := k.vault.RowAmount(ctx, fund)
	if err != nil {
		return has, err
	}
	amount := math.MinInt(held, has)
	if !amount.IsPositive() {
		return math.ZeroInt(), nil
	}
	return amount, k.vault.Move(ctx, fund, p.row(), amount)
}

// remember keeps a lease that has ended within reach of a verdict, and forgets a few of its Container that no verdict can reach any more.
func (k *Keeper) remember(ctx sdk.Context, tenant sdk.AccAddress, receipt types.Receipt) error {
	params, err := k.params.Get(ctx)
	if err != nil {
		return err
	}
	past := ctx.BlockTime().Add(-params.SlaHorizon).UnixNano()
	var old []servedKey
	oldest := new(collections.Range[servedKey]).Prefix(servedPrefix(receipt.ContainerId))
	err = k.served.Walk(ctx, oldest, func(key servedKey) (bool, error) {
		if key.K2() > past || len(old) == types.MaxForgottenServices {
			return true, nil
		}
		old = append(old, key)
		return false, nil
	})
	if err != nil {
		return err
	}
	for _, key := range old {
		if err := k.served.Remove(ctx, key); err != nil {
			return err
		}
	}
	if !receipt.Creditable() {
		return nil
	}
	return k.served.Set(ctx, servedKeyOf(tenant, receipt))
}

func servedPrefix(container uint64) servedKey {
	return collections.QuadPrefix[uint64, int64, sdk.AccAddress, uint64](container)
}

func servedKeyOf(tenant sdk.AccAddress, r types.Receipt) servedKey {
	return collections.Join4(r.ContainerId, r.BilledUntil.UnixNano(), tenant, r.Number)
}

// initServed loads which ended leases can still be credited; their receipts are loaded before.
func (k *Keeper) initServed(ctx sdk.Context, ids []string) error {
	for _, name := range ids {
		id, err := types.ParseLeaseID(name)
		if err != nil {
			return err
		}
		receipt, err := k.Receipt(ctx, id)
		if err != nil {
			return err
		}
		if err := k.served.Set(ctx, servedKeyOf(id.Tenant, receipt)); err != nil {
			return err
		}
	}
	return nil
}

// exportServed leaves out what has no receipt any more: no verdict can credit it.
func (k *Keeper) exportServed(ctx sdk.Context) (ids []string, err error) {
	err = k.served.Walk(ctx, nil, func(key servedKey) (bool, error) {
		has, err := k.receipts.Has(ctx, collections.Join(key.K3(), key.K4()))
		if has {
			ids = append(ids, types.LeaseID{Tenant: key.K3(), Number: key.K4()}.String())
		}
		return false, err
	})
	return ids, err
}
