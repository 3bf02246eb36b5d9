// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"errors"
	"time"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/leases/types"
)

// remember keeps what a Container did for a lease that has ended or left it, for as long as a verdict may come that credits it.
func (k *Keeper) remember(ctx sdk.Context, tenant sdk.AccAddress, receipt types.Receipt, service types.Service) error {
	if !receipt.Creditable() {
		return nil
	}
	params, err := k.params.Get(ctx)
	if err != nil {
		return err
	}
	if !receipt.BilledUntil.After(ctx.BlockTime().Add(-params.SlaHorizon)) { // it ended with a long pause
		return nil
	}
	key := servedKeyOf(tenant, receipt)
	if err := k.served.Set(ctx, key, service); err != nil {
		return err
	}
	return k.forget.Set(ctx, forgetKeyOf(key))
}

// rememberLeft keeps what a Container did for a lease that goes on elsewhere, or after a pause. While a fault stands its verdict has given
// back what there was, and what came after it was not billed. minimum is what it paid for leaving early, and what its credit line was charged
// for that.
func (k *Keeper) rememberLeft(ctx sdk.Context, tenant sdk.AccAddress, left types.Lease, minimum ...math.Int) error {
	if left.CreditableFrom == nil {
		return nil
	}
	faulty, err := k.standsFaulty(ctx, left.ContainerId)
	if err != nil || faulty {
		return err
	}
	receipt := left.LeftBy(minimum...)
	return k.remember(ctx, tenant, receipt, types.Service{Left: &receipt})
}

// unremember takes an entry out of both indexes.
func (k *Keeper) unremember(ctx sdk.Context, key servedKey) error {
	if err := k.served.Remove(ctx, key); err != nil {
		return err
	}
	return k.forget.Remove(ctx, forgetKeyOf(key))
}

// creditPending credits leases that had left Containers before these were found faulty: verdict by verdict, in each the last first, at most
// max_credits_per_block in a block. Each is credited once, and an entry that is looked at is gone: so who fills the index of his Container with
// leases of his own pays for it with blocks of his own.
func (k *Keeper) creditPending(ctx sdk.Context, params types.Params) error {
	for budget := int(params.MaxCreditsPerBlock); budget > 0; {
		var (
			key   pendingKey
			fault time.Time
			found bool
		)
		err := k.pending.Walk(ctx, nil, func(at pendingKey, since int64) (bool, error) {
			key, fault, found = at, time.Unix(0, since).UTC(), true
			return true, nil
		})
		if err != nil || !found {
			return err
		}
		if budget == int(params.MaxCreditsPerBlock) {
			if err := k.vault.Fold(ctx); err != nil {
				return err
			}
		}
		looked, err := k.creditServed(ctx, key, fault, params, budget)
		if err != nil {
			return err
		}
		if looked < budget {
			if err := k.pending.Remove(ctx, key); err != nil {
				return err
			}
		}
		budget -= max(1, looked)
	}
	return nil
}

// creditServed looks at up to limit entries of a Container that a fault can touch, and returns how many there were.
func (k *Keeper) creditServed(ctx sdk.Context, verdict pendingKey, fault time.Time, params types.Params, limit int) (int, error) {
	container, judged := verdict.K2(), verdict.K1()
	since := max(fault.UnixNano(), judged-int64(params.SlaHorizon))
	latest := new(collections.Range[servedKey]).StartInclusive(servedFrom(container, since+1)).EndExclusive(servedFrom(container, judged+1)).Descending()
	var (
		keys     []servedKey
		services []types.Service
	)
	err := k.served.Walk(ctx, latest, func(key servedKey, service types.Service) (bool, error) {
		keys, services = append(keys, key), append(services, service)
		return len(keys) == limit, nil
	})
	if err != nil {
		return 0, err
	}
	for i, key := range keys {
		failed := k.isolate(ctx, func(ctx sdk.Context) error { return k.creditService(ctx, key, services[i], fault, params) })
		if failed != nil {
			if err := k.park(ctx, "sla", key.K3(), key.K4(), failed); err != nil {
				return 0, err
			}
		}
		if err := k.unremember(ctx, key); err != nil {
			return 0, err
		}
	}
	return len(keys), nil
}

// creditService credits what a Container did for a lease that has left it. A receipt stays as the log of receipts has it; the event says what was
// given back. A lease that goes on counts it, so that it is never given back more than it was billed.
func (k *Keeper) creditService(ctx sdk.Context, key servedKey, service types.Service, fault time.Time, params types.Params) error {
	receipt, err := k.serviceReceipt(ctx, key, service)
	if err != nil {
		return err
	}
	usd := k.usdClock(ctx)
	due := receipt.Fault(fault, params.Session(receipt.Mode), usd)
	if usd.err != nil || !due.Due.IsPositive() {
		return usd.err
	}
	lease, err := k.leases.Get(ctx, collections.Join(key.K3(), key.K4()))
	goesOn := err == nil
	if err != nil && !errors.Is(err, collections.ErrNotFound) {
		return err
	}
	if goesOn {
		due.Due = math.MinInt(due.Due, lease.Billed.Sub(lease.Credited))
	}
	p, err := k.purseOf(ctx, key.K3(), receipt.Denom, receipt.Gateway())
	if err != nil {
		return err
	}
	onLine := math.ZeroInt()
	if receipt.Credit != nil {
		if onLine = receipt.OnCredit().Fault(fault, params.Session(receipt.Mode), nil).Due; goesOn {
			onLine = math.MinInt(onLine, lease.Credit.Billed.Sub(lease.Credit.Credited))
		}
	}
	credited, back, err := k.credit(ctx, p, types.EventSlaCredited{
		LeaseId: receipt.ID(), ContainerId: receipt.ContainerId, Provider: receipt.Provider, FaultAt: fault, FreeFrom: due.From,
	}, receipt.Indexer, due.Due, onLine)
	if err != nil || !goesOn {
		return err
	}
	lease = lease.GivenBack(credited, back)
	return k.saveLease(ctx, key.K3(), lease)
}

// serviceReceipt is what an entry of the index stands for.
func (k *Keeper) serviceReceipt(ctx sdk.Context, key servedKey, service types.Service) (types.Receipt, error) {
	if service.Left != nil {
		return *service.Left, nil
	}
	return k.receipts.Get(ctx, collections.Join(key.K3(), key.K4()))
}

// forgetServed forgets what no verdict can reach any more, at most as many as a block may close leases. While faults wait, what they reach
// is kept for them.
func (k *Keeper) forgetServed(ctx sdk.Context, params types.Params) error {
	waits := false
	err := k.pending.Walk(ctx, nil, func(pendingKey, int64) (bool, error) {
		waits = true
		return true, nil
	})
	if err != nil || waits {
		return err
	}
	past := ctx.BlockTime().Add(-params.SlaHorizon).UnixNano()
	due, err := firstKeys(ctx, k.forget, int(params.MaxClosesPerBlock), func(key forgetKey) bool { return key.K1() <= past })
	if err != nil {
		return err
	}
	for _, key := range due {
		if err := k.unremember(ctx, collections.Join4(key.K2(), key.K1(), key.K3(), key.K4())); err != nil {
			return err
		}
	}
	return nil
}

// servedFrom is where the entries of a Container begin that ended at a time or later.
func servedFrom(container uint64, nanos int64) servedKey {
	return collections.QuadSuperPrefix[uint64, int64, sdk.AccAddress, uint64](container, nanos)
}

func servedKeyOf(tenant sdk.AccAddress, r types.Receipt) servedKey {
	return collections.Join4(r.ContainerId, r.BilledUntil.UnixNano(), tenant, r.Number)
}

func forgetKeyOf(key servedKey) forgetKey {
	return collections.Join4(key.K2(), key.K1(), key.K3(), key.K4())
}

// initServed loads what can still be credited, and for what; receipts are loaded before.
func (k *Keeper) initServed(ctx sdk.Context, g types.GenesisState) error {
	set := func(tenant sdk.AccAddress, receipt types.Receipt, service types.Service) error {
		key := servedKeyOf(tenant, receipt)
		if err := k.served.Set(ctx, key, service); err != nil {
			return err
		}
		return k.forget.Set(ctx, forgetKeyOf(key))
	}
	for _, name := range g.Creditable {
		id, err := types.ParseLeaseID(name)
		if err != nil {
			return err
		}
		receipt, err := k.Receipt(ctx, id)
		if err != nil {
			return err
		}
		if err := set(id.Tenant, receipt, types.Service{}); err != nil {
			return err
		}
	}
	for i := range g.Left {
		tenant, err := k.addresses.StringToBytes(g.Left[i].Tenant)
		if err != nil {
			return err
		}
		if err := set(tenant, g.Left[i], types.Service{Left: &g.Left[i]}); err != nil {
			return err
		}
	}
	for _, fault := range g.PendingFaults {
		if err := k.pending.Set(ctx, collections.Join(fault.JudgedAt.UnixNano(), fault.ContainerId), fault.FaultAt.UnixNano()); err != nil {
			return err
		}
	}
	return nil
}

func (k *Keeper) exportServed(ctx sdk.Context, g *types.GenesisState) error {
	err := k.served.Walk(ctx, nil, func(key servedKey, service types.Service) (bool, error) {
		if service.Left != nil {
			g.Left = append(g.Left, *service.Left)
		} else {
			g.Creditable = append(g.Creditable, types.LeaseID{Tenant: key.K3(), Number: key.K4()}.String())
		}
		return false, nil
	})
	if err != nil {
		return err
	}
	return k.pending.Walk(ctx, nil, func(key pendingKey, fault int64) (bool, error) {
		g.PendingFaults = append(g.PendingFaults, types.PendingFault{
			ContainerId: key.K2(), JudgedAt: time.Unix(0, key.K1()).UTC(), FaultAt: time.Unix(0, fault).UTC(),
		})
		return false, nil
	})
}

// checkServed is invariant S1.
func (k *Keeper) checkServed(ctx sdk.Context) error {
	entries := 0
	err := k.served.Walk(ctx, nil, func(key servedKey, service types.Service) (bool, error) {
		entries++
		receipt, err := k.serviceReceipt(ctx, key, service)
		if err != nil {
			return true, types.ErrInvariant.Wrapf("container %d: lease %d of %s ended and has no receipt (%v)", key.K1(), key.K4(), key.K3(), err)
		}
		tenant, err := k.addresses.BytesToString(key.K3())
		if err != nil {
			return true, err
		}
		if receipt.ContainerId != key.K1() || receipt.BilledUntil.UnixNano() != key.K2() || receipt.Tenant != tenant || receipt.Number != key.K4() ||
			!receipt.Creditable() {
			return true, types.ErrInvariant.Wrapf("container %d: %s can't be credited as it stands in the index", key.K1(), receipt.ID())
		}
		if has, err := k.forget.Has(ctx, forgetKeyOf(key)); err != nil || !has {
			return true, types.ErrInvariant.Wrapf("container %d: what it did for %s is never forgotten (%v)", key.K1(), receipt.ID(), err)
		}
		return false, nil
	})
	if err != nil {
		return err
	}
	return checkCount(ctx, "forget queue", k.forget, entries)
}
