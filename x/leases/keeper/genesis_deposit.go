// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"cosmossdk.io/collections"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/leases/types"
)

// initDeposits loads whose money is in the accounts, grants and sub-accounts; the index by granter is rebuilt.
func (k *Keeper) initDeposits(ctx sdk.Context, g types.GenesisState) error {
	for _, d := range g.Depositors {
		tenant, err := k.addresses.StringToBytes(d.Tenant)
		if err != nil {
			return err
		}
		if err := k.depositors.Set(ctx, collections.Join(sdk.AccAddress(tenant), d.Denom), d); err != nil {
			return err
		}
	}
	for _, c := range g.GrantCounters {
		granter, err := k.addresses.StringToBytes(c.Granter)
		if err != nil {
			return err
		}
		if err := k.grantNonces.Set(ctx, granter, c.Next); err != nil {
			return err
		}
	}
	for _, grant := range g.DepositGrants {
		granter, grantee, err := k.pair("granter", grant.Granter, "grantee", grant.Grantee)
		if err != nil {
			return err
		}
		if err := k.addGrant(ctx, granter, grantee, grant); err != nil {
			return err
		}
	}
	for _, s := range g.SubAccounts {
		parent, sub, err := k.pair("parent", s.Parent, "sub", s.Sub)
		if err != nil {
			return err
		}
		if err := k.subAccounts.Set(ctx, collections.Join(parent, sub), s); err != nil {
			return err
		}
	}
	return nil
}

func (k *Keeper) exportDeposits(ctx sdk.Context, g *types.GenesisState) (err error) {
	if g.Depositors, err = values(ctx, k.depositors); err != nil {
		return err
	}
	if g.DepositGrants, err = values(ctx, k.grants); err != nil {
		return err
	}
	if g.SubAccounts, err = values(ctx, k.subAccounts); err != nil {
		return err
	}
	return k.grantNonces.Walk(ctx, nil, func(granter sdk.AccAddress, next uint64) (bool, error) {
		name, err := k.addresses.BytesToString(granter)
		g.GrantCounters = append(g.GrantCounters, types.GrantCounter{Granter: name, Next: next})
		return false, err
	})
}

// checkDepositors is the invariants D1 and D3.
func (k *Keeper) checkDepositors(ctx sdk.Context) error {
	channels, err := values(ctx, k.channels)
	if err != nil {
		return err
	}
	held, rows := types.HeldInChannels(channels), 0
	err = k.accounts.Walk(ctx, nil, func(key accountKey, account types.Account) (bool, error) {
		if account.Depositors == 0 {
			return false, nil
		}
		rows++
		p := &purse{tenant: key.K1(), account: account, usd: k.usdClock(ctx)}
		if p.balance, err = k.vault.RowAmount(ctx, p.row()); err != nil {
			return true, err
		}
		stored, err := k.depositors.Get(ctx, key)
		if err != nil || len(stored.Places) != int(account.Depositors) {
			return true, types.ErrInvariant.Wrapf("%s counts %d depositors, and there are %d (%v)", account.Tenant, account.Depositors, len(stored.Places), err)
		}
		if err := stored.Validate(types.TakeHeld(held, account.Tenant, account.Denom)); err != nil {
			return true, types.ErrInvariant.Wrapf("depositors of %s: %v", account.Tenant, err)
		}
		d := stored.Count(p.balance)
		if _, own := d.Claims(account.Free(p.balance)); d.Own().IsNegative() || own.IsNegative() || p.balance.GT(stored.Balance) {
			return true, types.ErrInvariant.Wrapf("depositors of %s: balance %s, counted last at %s, own %s", account.Tenant, p.balance, stored.Balance, d.Own())
		}
		return false, nil
	})
	if err != nil {
		return err
	}
	all, err := values(ctx, k.depositors)
	if err == nil && (len(all) != rows || len(held) != 0) {
		err = types.ErrInvariant.Wrapf("%d accounts with depositors, %d rows; channels of %d tenants have money of none", rows, len(all), len(held))
	}
	return err
}

// checkGrants is the invariant G1.
func (k *Keeper) checkGrants(ctx sdk.Context) error {
	count := 0
	err := k.grants.Walk(ctx, nil, func(key pairKey, grant types.DepositGrant) (bool, error) {
		count++
		next, err := k.grantNonces.Get(ctx, key.K2())
		if err != nil || grant.Nonce >= next {
			return true, types.ErrInvariant.Wrapf("grant of %s has nonce %d, and the next is %d (%v)", grant.Granter, grant.Nonce, next, err)
		}
		if has, err := k.granters.Has(ctx, collections.Join(key.K2(), key.K1())); err != nil || !has {
			return true, types.ErrInvariant.Wrapf("grant of %s to %s is not found by granter (%v)", grant.Granter, grant.Grantee, err)
		}
		return false, nil
	})
	if err != nil {
		return err
	}
	return checkCount(ctx, "grants by granter", k.granters, count)
}
