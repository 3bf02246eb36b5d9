// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"cosmossdk.io/collections"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/leases/types"
)

// initGateways loads gateways and credit lines; indexes and queue entries are rebuilt.
func (k *Keeper) initGateways(ctx sdk.Context, g types.GenesisState) error {
	for _, gateway := range g.Gateways {
		address, err := k.address("gateway", gateway.Address)
		if err != nil {
			return err
		}
		if err := k.gateways.Set(ctx, address, gateway); err != nil {
			return err
		}
		if err := k.requeue(ctx, address, floatEntry, 0, gateway.Float.QueuedAt); err != nil {
			return err
		}
	}
	for _, line := range g.CreditLines {
		address, customer, err := k.pair("gateway", line.Gateway, "customer", line.Customer())
		if err != nil {
			return err
		}
		if err := k.lines.Set(ctx, collections.Join(customer, address), line); err != nil {
			return err
		}
		if err := k.customers.Set(ctx, collections.Join(address, customer)); err != nil {
			return err
		}
		if err := k.requeue(ctx, customer, lineEntry(address), 0, line.Account.QueuedAt); err != nil {
			return err
		}
	}
	for _, lease := range g.Leases {
		if lease.Credit == nil {
			continue
		}
		address, customer, err := k.pair("gateway", lease.Credit.Gateway, "tenant", lease.Tenant)
		if err != nil {
			return err
		}
		if err := k.carried.Set(ctx, collections.Join3(address, customer, lease.Number)); err != nil {
			return err
		}
	}
	return nil
}

func (k *Keeper) exportGateways(ctx sdk.Context, g *types.GenesisState) (err error) {
	if g.Gateways, err = values(ctx, k.gateways); err != nil {
		return err
	}
	g.CreditLines, err = values(ctx, k.lines)
	return err
}

// checkGateways is invariants A1 to A3 of floats and credit lines, and F1. It returns how many entries of the exhaustion queue are theirs.
func (k *Keeper) checkGateways(ctx sdk.Context) (queued int, err error) {
	floats, lines := map[string]*types.FloatSum{}, map[string]*types.FloatSum{}
	carried := 0
	err = k.leases.Walk(ctx, nil, func(key leaseKey, lease types.Lease) (bool, error) {
		if lease.Credit == nil {
			return false, nil
		}
		address, err := k.address("gateway", lease.Credit.Gateway)
		if err != nil {
			return true, err
		}
		has, err := k.carried.Has(ctx, collections.Join3(address, key.K1(), key.K2()))
		if err != nil || !has {
			return true, types.ErrInvariant.Wrapf("%s is on credit of %s, whose leases don't name it (%v)", lease.ID(), lease.Credit.Gateway, err)
		}
		carried++
		add(floats, string(address), lease)
		add(lines, string(key.K1())+string(address), lease.OnCredit())
		return false, nil
	})
	if err != nil {
		return 0, err
	}
	if err := checkCount(ctx, "leases of gateways", k.carried, carried); err != nil {
		return 0, err
	}
	customers := map[string]uint32{}
	err = k.lines.Walk(ctx, nil, func(key pairKey, line types.CreditLine) (bool, error) {
		customers[string(key.K2())]++
		at := string(key.K1()) + string(key.K2())
		n, err := k.checkLine(ctx, key, line, lines[at])
		queued += n
		delete(lines, at)
		return err != nil, err
	})
	if err != nil {
		return 0, err
	}
	all := 0
	err = k.gateways.Walk(ctx, nil, func(address sdk.AccAddress, gateway types.Gateway) (bool, error) {
		if gateway.Customers != customers[string(address)] {
			return true, types.ErrInvariant.Wrapf("%s counts %d customers, it has %d", gateway.Address, gateway.Customers, customers[string(address)])
		}
		all += int(gateway.Customers)
		n, err := k.checkFloat(ctx, address, gateway, floats[string(address)])
		queued += n
		delete(floats, string(address))
		return err != nil, err
	})
	if err != nil {
		return 0, err
	}
	if len(floats)+len(lines) != 0 {
		return 0, types.ErrInvariant.Wrapf("leases on credit of %d gateways and %d lines that don't exist", len(floats), len(lines))
	}
	return queued, checkCount(ctx, "customers of gateways", k.customers, all)
}

func add(sums map[string]*types.FloatSum, key string, lease types.Lease) {
	if sums[key] == nil {
		sums[key] = &types.FloatSum{}
	}
	sums[key].Add(lease)
}

func (k *Keeper) checkLine(ctx sdk.Context, key pairKey, line types.CreditLine, sum *types.FloatSum) (queued int, err error) {
	if sum == nil {
		sum = &types.FloatSum{}
	}
	if err := sum.Check(line.Account); err != nil {
		return 0, err
	}
	if err := line.Account.CheckSolvent(line.Left()); err != nil {
		return 0, err
	}
	if line.Spent.IsNegative() {
		return 0, types.ErrInvariant.Wrapf("credit of %s for %s has %smusd spent", line.Gateway, line.Customer(), line.Spent)
	}
	if has, err := k.customers.Has(ctx, collections.Join(key.K2(), key.K1())); err != nil || !has {
		return 0, types.ErrInvariant.Wrapf("%s has credit of %s, whose customers don't name it (%v)", line.Customer(), line.Gateway, err)
	}
	if !line.QueuedInTime() || line.Forgettable() {
		return 0, types.ErrInvariant.Wrapf("credit of %s for %s is queued at %d, revoked: %t, with %d leases",
			line.Gateway, line.Customer(), line.Account.QueuedAt, line.Revoked, line.Account.OpenLeases)
	}
	return k.checkQueued(ctx, line.Account, collections.Join3(line.Account.QueuedAt, key.K1(), lineEntry(key.K2())))
}

func (k *Keeper) checkFloat(ctx sdk.Context, address sdk.AccAddress, gateway types.Gateway, sum *types.FloatSum) (queued int, err error) {
	if sum == nil {
		sum = &types.FloatSum{}
	}
	if err := sum.Check(gateway.Float); err != nil {
		return 0, err
	}
	balance, err := k.vault.RowAmount(ctx, gateway.Row())
	if err != nil {
		return 0, err
	}
	if err := gateway.Float.CheckSolvent(balance); err != nil {
		return 0, err
	}
	if !gateway.Float.QueuedByEnd(balance, k.usdClock(ctx)) {
		return 0, types.ErrInvariant.Wrapf("float of %s spends and is queued at %d", gateway.Address, gateway.Float.QueuedAt)
	}
	return k.checkQueued(ctx, gateway.Float, collections.Join3(gateway.Float.QueuedAt, address, floatEntry))
}

// checkQueued says whether a meter that says it is queued is, and how many entries that makes.
func (k *Keeper) checkQueued(ctx sdk.Context, meter types.Account, at exhaustionKey) (int, error) {
	if meter.QueuedAt == 0 {
		return 0, nil
	}
	if has, err := k.exhaustion.Has(ctx, at); err != nil || !has {
		return 0, types.ErrInvariant.Wrapf("%s says it is queued at %d and is not (%v)", meter.Tenant, meter.QueuedAt, err)
	}
	return 1, nil
}
