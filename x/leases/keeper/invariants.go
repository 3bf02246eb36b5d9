// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"slices"

	"cosmossdk.io/collections"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/leases/types"
)

// CheckInvariants walks the whole state; for tests, simulations and `athd debug invariants`, never for a block.
//
//	A1  an account's rate, reserve, accrual and counts are the sums over its leases
//	A2  its balance covers what it owes
//	A3  an account that spends stands in the exhaustion queue in time, at the second that it says
//	L1  a lease's Container is bound to it and to no other
//	L2  a lease with an agreed end or a pause stands in the expiry queue, and nothing else does
//	L3  a lease and its standbys name each other
//	C1  a channel's row holds what of its cap was not redeemed
//	C2  every channel stands in the queue at its end, and nothing else does
//	C3  a tenant's next number is above those of its channels
//	D1  an account knows how many places it has, and they hold no more than its balance
//	D3  a place has in channels what open channels say that they took from it
//	G1  grants stand in both indexes, below their granter's next nonce
//	S1  what a later verdict may credit has its receipt, or is one, and is forgotten in time
//	R1  every receipt in the state has its place in the log
//	R2  the parts of a receipt fit each other
//	F1  leases on credit, and credit lines, stand in the indexes of their gateway, which counts its customers; a revoked line has leases
//	O1  the price index holds exactly the public offers of Containers without a lease
func (k *Keeper) CheckInvariants(ctx sdk.Context) error {
	if err := k.checkAccounts(ctx); err != nil {
		return err
	}
	leased, err := k.checkLeases(ctx)
	if err != nil {
		return err
	}
	if err := k.checkChannels(ctx); err != nil {
		return err
	}
	if err := k.checkDepositors(ctx); err != nil {
		return err
	}
	if err := k.checkGrants(ctx); err != nil {
		return err
	}
	if err := k.checkLog(ctx); err != nil {
		return err
	}
	if err := k.checkServed(ctx); err != nil {
		return err
	}
	return k.checkPrices(ctx, leased)
}

// checkLog says whether every receipt in the state has its place in the log, and nothing else has; receipts of the running block have
// theirs at its end.
func (k *Keeper) checkLog(ctx sdk.Context) error {
	log, err := k.log.Get(ctx)
	if err != nil {
		return err
	}
	if err := log.Validate(); err != nil {
		return types.ErrInvariant.Wrap(err.Error())
	}
	noted := 0
	it := ctx.ObjectStore(k.objects).Iterator(nil, nil)
	for ; it.Valid(); it.Next() {
		noted++
	}
	if err := it.Close(); err != nil {
		return err
	}
	err = k.kept.Walk(ctx, nil, func(key keptKey, id leaseKey) (bool, error) {
		if has, err := k.receipts.Has(ctx, id); err != nil || !has || key.K2() >= log.Count {
			return true, types.ErrInvariant.Wrapf("receipt %d of %d in the log has none in the state (%v)", key.K2(), log.Count, err)
		}
		noted++
		return false, nil
	})
	if err != nil {
		return err
	}
	receipts, err := values(ctx, k.receipts)
	if err == nil && len(receipts) != noted {
		err = types.ErrInvariant.Wrapf("%d receipts, %d of them in the log", len(receipts), noted)
	}
	for _, receipt := range receipts {
		if err := receipt.Validate(); err != nil {
			return types.ErrInvariant.Wrapf("receipt of %s: %v", receipt.ID(), err)
		}
	}
	return err
}

func (k *Keeper) checkAccounts(ctx sdk.Context) error {
	open := 0
	queued, err := k.checkGateways(ctx) // A1 to A3 of floats and credit lines, and F1
	if err != nil {
		return err
	}
	err = k.accounts.Walk(ctx, nil, func(key accountKey, account types.Account) (bool, error) {
		sum := &types.AccountSum{}
		err := k.leases.Walk(ctx, collections.NewPrefixedPairRange[sdk.AccAddress, uint64](key.K1()),
			func(_ leaseKey, lease types.Lease) (bool, error) {
				if lease.Denom == key.K2() {
					open++
				}
				if lease.Denom == key.K2() && lease.Credit == nil {
					sum.Add(lease)
				}
				return false, nil
			})
		if err != nil {
			return true, err
		}
		if err := sum.Check(account); err != nil {
			return true, err
		}
		if err := k.checkTenant(ctx, key, account); err != nil {
			return true, err
		}
		p := purse{tenant: key.K1(), account: account, usd: k.usdClock(ctx)}
		if p.balance, err = k.vault.RowAmount(ctx, p.row()); err != nil {
			return true, err
		}
		if err := account.CheckSolvent(p.balance); err != nil {
			return true, err
		}
		if !account.QueuedByEnd(p.balance, p.usd) {
			return true, types.ErrInvariant.Wrapf("%s spends and is queued at %d", account.Tenant, account.QueuedAt)
		}
		if account.QueuedAt == 0 {
			return false, nil
		}
		queued++
		at := collections.Join3(account.QueuedAt, key.K1(), key.K2())
		if has, err := k.exhaustion.Has(ctx, at); err != nil || !has {
			return true, types.ErrInvariant.Wrapf("%s says it is queued at %d and is not (%v)", account.Tenant, account.QueuedAt, err)
		}
		return false, nil
	})
	if err != nil {
		return err
	}
	if err := checkCount(ctx, "exhaustion queue", k.exhaustion, queued); err != nil {
		return err
	}
	leases, err := values(ctx, k.leases)
	if err == nil && len(leases) != open {
		err = types.ErrInvariant.Wrapf("%d leases, %d of them in accounts", len(leases), open)
	}
	return err
}

func (k *Keeper) checkLeases(ctx sdk.Context) (leased map[uint64]bool, err error) {
	leased = map[uint64]bool{}
	expiring := 0
	err = k.leases.Walk(ctx, nil, func(key leaseKey, lease types.Lease) (bool, error) {
		status, err := k.providers.Status(ctx, lease.ContainerId)
		if err != nil {
			return true, err
		}
		if status.Lease != lease.ID() || leased[lease.ContainerId] {
			return true, types.ErrInvariant.Wrapf("container %d of %s is bound to %q", lease.ContainerId, lease.ID(), status.Lease)
		}
		leased[lease.ContainerId] = true
		if err := k.checkStandbys(ctx, key, lease); err != nil {
			return true, err
		}
		end := lease.QueuedEnd()
		if end == nil {
			return false, nil
		}
		expiring++
		at := collections.Join3(end.UnixNano(), key.K1(), key.K2())
		if has, err := k.expiry.Has(ctx, at); err != nil || !has {
			return true, types.ErrInvariant.Wrapf("%s ends at %s and is not in the queue (%v)", lease.ID(), end, err)
		}
		return false, nil
	})
	if err != nil {
		return nil, err
	}
	return leased, checkCount(ctx, "expiry queue", k.expiry, expiring)
}

// checkStandbys says whether a lease and what stands by for it name each other.
func (k *Keeper) checkStandbys(ctx sdk.Context, key leaseKey, lease types.Lease) error {
	for _, number := range lease.Standbys {
		standby, err := k.leases.Get(ctx, collections.Join(key.K1(), number))
		if err != nil || standby.StandbyOf != lease.Number {
			return types.ErrInvariant.Wrapf("%s names %d as its standby, which does not stand by for it (%v)", lease.ID(), number, err)
		}
	}
	if lease.StandbyOf == 0 {
		return nil
	}
	parent, err := k.leases.Get(ctx, collections.Join(key.K1(), lease.StandbyOf))
	if err != nil || !slices.Contains(parent.Standbys, lease.Number) {
		return types.ErrInvariant.Wrapf("%s stands by for %d, which does not name it (%v)", lease.ID(), lease.StandbyOf, err)
	}
	return nil
}

func (k *Keeper) checkPrices(ctx sdk.Context, leased map[uint64]bool) error {
	indexed := map[types.LeaseMode]int{}
	err := k.offers.Walk(ctx, nil, func(id uint64, offer types.Offer) (bool, error) {
		want := offer.Listed() && !leased[id]
		err := eachPrice(offer, func(mode types.LeaseMode, key priceKey) error {
			has, err := k.pricesOf(mode).Has(ctx, key)
			if err == nil && has != want {
				err = types.ErrInvariant.Wrapf("container %d in the price index %s: %t, want %t", id, mode.Word(), has, want)
			}
			if has {
				indexed[mode]++
			}
			return err
		})
		return err != nil, err
	})
	if err != nil {
		return err
	}
	for _, mode := range modes {
		if err := checkCount(ctx, "price index "+mode.Word(), k.pricesOf(mode), indexed[mode]); err != nil {
			return err
		}
	}
	return nil
}

// checkCount says whether a set holds nothing but the entries that were found from the other side.
func checkCount[K any](ctx sdk.Context, name string, set collections.KeySet[K], want int) error {
	got := 0
	err := set.Walk(ctx, nil, func(K) (bool, error) {
		got++
		return false, nil
	})
	if err == nil && got != want {
		err = types.ErrInvariant.Wrapf("%s holds %d entries, want %d", name, got, want)
	}
	return err
}
