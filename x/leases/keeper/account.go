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

// purse is a tenant's account, touched at block time, together with the balance that x/ath holds for it. Where a gateway pays it is the
// gateway's float, with the tenant's credit line beside it.
type purse struct {
	tenant  sdk.AccAddress
	account types.Account
	balance math.Int
	usd     *usdClock
	// seen is what the tenant's uath account says of this one, where it is in another denom, and next the number that it knows.
	seen   types.Counts
	next   uint64
	credit *onCredit
}

// row is where x/ath holds the balance.
func (p *purse) row() athtypes.Row {
	if p.credit != nil {
		return p.credit.gateway.Row()
	}
	return athtypes.Row{Kind: athtypes.RowKind_ROW_KIND_PREPAID, Owner: p.account.Tenant, Denom: p.account.Denom}
}

func (p *purse) coin(amount math.Int) sdk.Coin {
	return sdk.Coin{Denom: p.account.Denom, Amount: amount}
}

// exhausted says whether the balance is used up as of now, or the credit line.
func (p *purse) exhausted(ctx sdk.Context) bool {
	return p.lineExhausted(ctx) || p.floatExhausted(ctx)
}

// floatExhausted says whether the balance is used up as of now.
func (p *purse) floatExhausted(ctx sdk.Context) bool {
	end, ok := p.account.ExhaustedAt(p.balance, p.usd)
	return ok && !end.After(ctx.BlockTime())
}

// openPurse loads and touches an account; one that was never used is new.
func (k *Keeper) openPurse(ctx sdk.Context, tenant sdk.AccAddress, denom string) (*purse, error) {
	account, err := k.accounts.Get(ctx, collections.Join(tenant, denom))
	switch {
	case errors.Is(err, collections.ErrNotFound):
		name, err := k.addresses.BytesToString(tenant)
		if err != nil {
			return nil, err
		}
		account = types.NewAccount(name, denom, ctx.BlockTime())
	case err != nil:
		return nil, err
	}
	p := &purse{tenant: tenant, account: account, usd: k.usdClock(ctx), seen: account.Own(), next: account.NextNumber}
	if p.balance, err = k.vault.RowAmount(ctx, p.row()); err != nil {
		return nil, err
	}
	p.account = p.account.Touch(ctx.BlockTime(), p.balance, p.usd)
	return p, p.usd.err
}

// savePurse writes the account and sees to it that the exhaustion queue looks at it in time. An entry that is merely early
// stays: looking once too often is cheaper than moving it with every lease.
func (k *Keeper) savePurse(ctx sdk.Context, p *purse) error {
	if p.credit != nil {
		return k.saveCredit(ctx, p)
	}
	if !p.account.QueuedInTime(p.balance, p.usd) {
		if p.account.QueuedAt != 0 {
			if err := k.exhaustion.Remove(ctx, collections.Join3(p.account.QueuedAt, p.tenant, p.account.Denom)); err != nil {
				return err
			}
		}
		p.account.QueuedAt = p.account.QueueAt(p.balance, ctx.BlockTime(), p.usd)
		if err := k.exhaustion.Set(ctx, collections.Join3(p.account.QueuedAt, p.tenant, p.account.Denom)); err != nil {
			return err
		}
	}
	if p.usd.err != nil {
		return p.usd.err
	}
	if p.account.Other() {
		if err := k.follow(ctx, p); err != nil {
			return err
		}
	}
	return k.accounts.Set(ctx, collections.Join(p.tenant, p.account.Denom), p.account)
}

// Deposit adds to a tenant's balance. Of the tenant's own money it writes nothing of this module: the account's end moves away by itself.
func (k *Keeper) Deposit(ctx sdk.Context, depositor, tenant sdk.AccAddress, amount sdk.Coin) (sdk.Coin, error) {
	if err := k.accepts(ctx, "amount", amount.Denom); err != nil {
		return sdk.Coin{}, err
	}
	p, err := k.openPurse(ctx, tenant, amount.Denom)
	if err != nil {
		return sdk.Coin{}, err
	}
	if depositor.Equals(tenant) {
		err = k.deposit(ctx, p, amount.Amount)
	} else {
		err = k.depositFor(ctx, p, depositor, types.Payer{Source: types.DepositSource_DEPOSIT_SOURCE_BANK}, amount.Amount)
	}
	return p.coin(p.balance), err
}

// deposit moves the tenant's own coins into its purse and touches it again: what the account could not pay for a moment ago it now can.
func (k *Keeper) deposit(ctx sdk.Context, p *purse, amount math.Int) error {
	d, err := k.stack(ctx, p)
	if err != nil {
		return err
	}
	if err := k.vault.Deposit(ctx, p.tenant, p.row(), amount); err != nil {
		return err
	}
	p.balance = p.balance.Add(amount)
	p.account = p.account.Touch(ctx.BlockTime(), p.balance, p.usd)
	if err := k.saveStack(ctx, p, d); err != nil {
		return err
	}
	return athtypes.Emit(ctx, &types.EventDeposited{
		Tenant: p.account.Tenant, Depositor: p.account.Tenant, Amount: p.coin(amount).String(), Balance: p.coin(p.balance).String(),
		Source: types.DepositSource_DEPOSIT_SOURCE_BANK,
	})
}

// Withdraw pays the tenant's own free balance back; all of it where amount is zero.
func (k *Keeper) Withdraw(ctx sdk.Context, tenant sdk.AccAddress, amount sdk.Coin) (sdk.Coin, error) {
	p, err := k.openPurse(ctx, tenant, amount.Denom)
	if err != nil {
		return sdk.Coin{}, err
	}
	if err := k.holds(ctx, p); err != nil {
		return sdk.Coin{}, err
	}
	if amount.Amount, err = k.takeOwn(ctx, p, amount.Amount); err != nil {
		return sdk.Coin{}, err
	}
	if err := k.vault.Withdraw(ctx, p.row(), tenant, amount.Amount); err != nil {
		return sdk.Coin{}, err
	}
	return amount, athtypes.Emit(ctx, &types.EventDepositWithdrawn{
		Tenant: p.account.Tenant, Amount: amount.String(),
	})
}
