// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"errors"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
	"github.com/athnet/ath/x/leases/types"
)

// accepts says whether something new may be paid in a denom; of uath that is known without reading.
func (k *Keeper) accepts(ctx sdk.Context, field, denom string) error {
	if denom == athtypes.Denom {
		return nil
	}
	params, err := k.params.Get(ctx)
	if err != nil {
		return err
	}
	return params.Accepts(field, denom)
}

// priceable says whether new leases may be had at a price in a denom: in USD somehow always.
func (k *Keeper) priceable(ctx sdk.Context, denom string) error {
	if denom == types.MicroUSD {
		return nil
	}
	return k.accepts(ctx, "denom", denom)
}

// holds says whether something can be taken out of a purse: whatever is in it, also of a denom that is allowed no longer.
func (k *Keeper) holds(ctx sdk.Context, p *purse) error {
	if p.balance.IsPositive() {
		return nil
	}
	return k.accepts(ctx, "amount", p.account.Denom)
}

// uathAccount is a tenant's account in uath as it is stored, not touched: there the tenant's leases have their numbers from, in whichever
// denom they are paid.
func (k *Keeper) uathAccount(ctx sdk.Context, tenant sdk.AccAddress) (types.Account, error) {
	account, err := k.accounts.Get(ctx, collections.Join(tenant, athtypes.Denom))
	if !errors.Is(err, collections.ErrNotFound) {
		return account, err
	}
	name, err := k.addresses.BytesToString(tenant)
	return types.NewAccount(name, athtypes.Denom, ctx.BlockTime()), err
}

// tenantOf returns the tenant's leases that a purse's account does not count as its own, and gives the purse the next number. For uath that
// reads nothing.
func (k *Keeper) tenantOf(ctx sdk.Context, p *purse) (types.Counts, error) {
	if p.credit != nil {
		main, err := k.uathAccount(ctx, p.tenant)
		line := &p.credit.line.Account
		line.NextNumber = main.NextNumber
		return main.All().Less(line.Own()), err
	}
	if !p.account.Other() {
		return p.account.All().Less(p.account.Own()), nil
	}
	main, err := k.uathAccount(ctx, p.tenant)
	if err != nil {
		return types.Counts{}, err
	}
	p.account.NextNumber, p.next = main.NextNumber, main.NextNumber
	return main.All().Less(p.account.Own()), nil
}

// follow tells the tenant's uath account what has changed in a purse of another denom. Who has both in hand saves the uath purse first.
func (k *Keeper) follow(ctx sdk.Context, p *purse) error {
	if p.account.Own() == p.seen && p.account.NextNumber == p.next {
		return nil
	}
	main, err := k.uathAccount(ctx, p.tenant)
	if err != nil {
		return err
	}
	if err := k.accounts.Set(ctx, collections.Join(p.tenant, athtypes.Denom), main.Follow(p.account, p.seen)); err != nil {
		return err
	}
	p.seen, p.next = p.account.Own(), p.account.NextNumber
	return nil
}

// checkTenant is what invariant A1 asks of all leases of a tenant together.
func (k *Keeper) checkTenant(ctx sdk.Context, key accountKey, account types.Account) error {
	if account.Other() {
		has, err := k.accounts.Has(ctx, collections.Join(key.K1(), athtypes.Denom))
		if err == nil && !has && account.OpenLeases > 0 {
			err = types.ErrInvariant.Wrapf("%s has leases paid in %s and no account in %s", account.Tenant, account.Denom, athtypes.Denom)
		}
		return err
	}
	sum := &types.TenantSum{}
	err := k.leases.Walk(ctx, collections.NewPrefixedPairRange[sdk.AccAddress, uint64](key.K1()), func(_ leaseKey, lease types.Lease) (bool, error) {
		sum.Add(lease)
		return false, nil
	})
	if err != nil {
		return err
	}
	return sum.Check(account)
}

// inUath is what an amount of a denom is claimed for of a provider, whose collateral is uath: at the present price, the last one where that is
// stale, and nothing where there never was one.
func (k *Keeper) inUath(ctx sdk.Context, denom string, amount math.Int) (math.Int, error) {
	if denom == athtypes.Denom || !amount.IsPositive() {
		return amount, nil
	}
	usd := k.usdClock(ctx)
	worth := types.InUath(amount, ctx.BlockTime(), usd)
	if errors.Is(usd.err, athtypes.ErrNoPrice) {
		return math.ZeroInt(), nil
	}
	return worth, usd.err
}

// relatedToAny says whether one of those whose money a purse holds, or the uath account that is paid for it, is of a provider's own people.
func (k *Keeper) relatedToAny(ctx sdk.Context, p *purse, provider string) (bool, error) {
	related, err := k.related(ctx, p, provider)
	if err != nil || related || !p.account.Other() {
		return related, err
	}
	main, err := k.openPurse(ctx, p.tenant, athtypes.Denom)
	if err != nil {
		return false, err
	}
	return k.related(ctx, main, provider)
}

// advanceOther pays what the SLA fund advances for a lease that was paid in another denom into the tenant's uath account, as the tenant's own:
// those whose money is there have not paid for that lease.
func (k *Keeper) advanceOther(ctx sdk.Context, p *purse, fund athtypes.Row, amount math.Int) error {
	main, err := k.openPurse(ctx, p.tenant, athtypes.Denom)
	if err != nil {
		return err
	}
	d, err := k.stack(ctx, main)
	if err != nil {
		return err
	}
	if err := k.vault.Move(ctx, fund, main.row(), amount); err != nil {
		return err
	}
	main.balance = main.balance.Add(amount)
	main.account = main.account.Touch(ctx.BlockTime(), main.balance, main.usd)
	if err := k.saveStack(ctx, main, d); err != nil {
		return err
	}
	return k.savePurse(ctx, main)
}
