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

// Grant returns the grant by which a tenant may deposit somebody else's coins.
func (k *Keeper) Grant(ctx sdk.Context, granter, grantee sdk.AccAddress) (types.DepositGrant, error) {
	grant, err := k.grants.Get(ctx, collections.Join(grantee, granter))
	if errors.Is(err, collections.ErrNotFound) {
		return grant, types.ErrGrantNotFound.Wrapf("granter: %s has given no deposit grant to %s", granter, grantee)
	}
	return grant, err
}

// GrantDeposit gives a grant with a nonce of its own, in place of one that stands.
func (k *Keeper) GrantDeposit(ctx sdk.Context, granter, grantee sdk.AccAddress, msg *types.MsgGrantDeposit) (uint64, error) {
	if granter.Equals(grantee) {
		return 0, types.ErrInvalidGrant.Wrap("grantee: the granter: want somebody else")
	}
	nonce, err := k.grantNonces.Get(ctx, granter)
	switch {
	case errors.Is(err, collections.ErrNotFound):
		nonce = 1
	case err != nil:
		return 0, err
	}
	if err := k.grantNonces.Set(ctx, granter, nonce+1); err != nil {
		return 0, err
	}
	grant := types.DepositGrant{Nonce: nonce, Limit: msg.Limit, ExpiresAt: msg.ExpiresAt, Refill: msg.Refill, Refilled: math.ZeroInt()}
	if grant.Granter, err = k.addresses.BytesToString(granter); err != nil {
		return 0, err
	}
	if grant.Grantee, err = k.addresses.BytesToString(grantee); err != nil {
		return 0, err
	}
	if err := k.addGrant(ctx, granter, grantee, grant); err != nil {
		return 0, err
	}
	return nonce, athtypes.Emit(ctx, &types.EventDepositGranted{Grant: grant})
}

func (k *Keeper) addGrant(ctx sdk.Context, granter, grantee sdk.AccAddress, grant types.DepositGrant) error {
	if err := k.grants.Set(ctx, collections.Join(grantee, granter), grant); err != nil {
		return err
	}
	return k.granters.Set(ctx, collections.Join(granter, grantee))
}

// RevokeGrant ends a grant; what was deposited under it stays.
func (k *Keeper) RevokeGrant(ctx sdk.Context, signer, granter, grantee sdk.AccAddress) error {
	grant, err := k.Grant(ctx, granter, grantee)
	if err != nil {
		return err
	}
	if !signer.Equals(granter) && !signer.Equals(grantee) && !grant.Expired(ctx.BlockTime()) {
		return types.ErrUnauthorized.Wrap("signer: neither granter nor grantee, and the grant has not expired")
	}
	by, err := k.addresses.BytesToString(signer)
	if err != nil {
		return err
	}
	if err := k.grants.Remove(ctx, collections.Join(grantee, granter)); err != nil {
		return err
	}
	if err := k.granters.Remove(ctx, collections.Join(granter, grantee)); err != nil {
		return err
	}
	return athtypes.Emit(ctx, &types.EventDepositGrantRevoked{Granter: grant.Granter, Grantee: grant.Grantee, Nonce: grant.Nonce, Signer: by})
}

// DepositFromGrant deposits out of the granter's bank account into the account of the tenant, who has asked for it.
func (k *Keeper) DepositFromGrant(ctx sdk.Context, granter, tenant sdk.AccAddress, amount sdk.Coin) (sdk.Coin, error) {
	grant, err := k.Grant(ctx, granter, tenant)
	if err != nil {
		return sdk.Coin{}, err
	}
	if grant, err = grant.Use(amount.Amount, ctx.BlockTime()); err != nil {
		return sdk.Coin{}, err
	}
	p, err := k.openPurse(ctx, tenant, amount.Denom)
	if err != nil {
		return sdk.Coin{}, err
	}
	if err := k.grants.Set(ctx, collections.Join(tenant, granter), grant); err != nil {
		return sdk.Coin{}, err
	}
	return p.coin(p.balance.Add(amount.Amount)), k.depositFor(ctx, p, granter, grant.Payer(), amount.Amount)
}

// SetRefill chooses whose grant refills a tenant's account; nobody's where granter is nil. That the tenant chooses keeps a stranger's grant
// from standing in the way of another's, and the chain from looking through many.
func (k *Keeper) SetRefill(ctx sdk.Context, tenant, granter sdk.AccAddress) error {
	p, err := k.openPurse(ctx, tenant, athtypes.Denom)
	if err != nil {
		return err
	}
	p.account.Refill = ""
	if granter != nil {
		grant, err := k.Grant(ctx, granter, tenant)
		if err != nil {
			return err
		}
		if grant.Refill == nil {
			return types.ErrNoRefill.Wrapf("granter: the grant of %s is without refills: ask for one with", grant.Granter)
		}
		p.account.Refill = grant.Granter
	}
	if err := k.savePurse(ctx, p); err != nil {
		return err
	}
	return athtypes.Emit(ctx, &types.EventRefillSet{Tenant: p.account.Tenant, Granter: p.account.Refill})
}

// refill deposits under the grant that an account has chosen for it, if it is about to run dry and holds less than the granter wants to
// keep there: once, or until it has caught up where blocks were late. It never fails a block: what is in the way is told in an event.
func (k *Keeper) refill(ctx sdk.Context, p *purse) error {
	if p.account.Refill == "" || !p.account.Dry(p.balance, ctx.BlockTime(), p.usd) {
		return nil
	}
	for range maxCatchUp {
		before, more := *p, false
		failed := k.isolate(ctx, func(ctx sdk.Context) (err error) {
			more, err = k.tryRefill(ctx, p)
			return err
		})
		if failed != nil {
			*p = before
			return k.refillFailed(ctx, p, failed)
		}
		if !more || !p.exhausted(ctx) {
			return nil
		}
	}
	return nil
}

// refillFailed says why a refill did not come. A grant that is of no use any more is not asked again.
func (k *Keeper) refillFailed(ctx sdk.Context, p *purse, failed error) error {
	granter, text := p.account.Refill, failed.Error()
	if errors.Is(failed, types.ErrGrantNotFound) || errors.Is(failed, types.ErrNoRefill) || errors.Is(failed, types.ErrGrantExpired) {
		p.account.Refill = ""
		if err := k.savePurse(ctx, p); err != nil {
			return err
		}
	}
	return athtypes.Emit(ctx, &types.EventRefillFailed{Tenant: p.account.Tenant, Granter: granter, Error: text[:min(len(text), maxParkedError)]})
}

// tryRefill makes one deposit, unless there is enough.
func (k *Keeper) tryRefill(ctx sdk.Context, p *purse) (bool, error) {
	granter, err := k.addresses.StringToBytes(p.account.Refill)
	if err != nil {
		return false, err
	}
	grant, err := k.Grant(ctx, granter, p.tenant)
	if err != nil {
		return false, err
	}
	if grant.Refill != nil && p.account.Free(p.balance).GTE(grant.Refill.Keep) {
		return false, nil
	}
	grant, amount, err := grant.NextRefill(ctx.BlockTime())
	if err != nil {
		return false, err
	}
	if err := k.grants.Set(ctx, collections.Join(p.tenant, sdk.AccAddress(granter)), grant); err != nil {
		return false, err
	}
	who := grant.Payer()
	if err := k.place(ctx, p, who, amount); err != nil {
		return false, err
	}
	if err := k.vault.Deposit(ctx, granter, p.row(), amount); err != nil {
		return false, err
	}
	event := k.depositedBy(p, who, amount)
	event.Refill = true
	return true, athtypes.Emit(ctx, event)
}
