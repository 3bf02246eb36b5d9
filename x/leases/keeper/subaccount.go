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

// SetSubAccount names an address whose prepaid account a tenant fills from its own, and how much may be there unspent; a limit of 0 ends
// that.
func (k *Keeper) SetSubAccount(ctx sdk.Context, parent, sub sdk.AccAddress, limit sdk.Coin) error {
	s, err := k.newSubAccount(parent, sub, limit)
	if err != nil {
		return err
	}
	key := collections.Join(parent, sub)
	if limit.IsZero() {
		has, err := k.subAccounts.Has(ctx, key)
		if err != nil {
			return err
		}
		if !has {
			return types.ErrSubAccountNotFound.Wrapf("sub: %s is no sub-account of %s", s.Sub, s.Parent)
		}
		err = k.subAccounts.Remove(ctx, key)
		if err != nil {
			return err
		}
	} else if err := k.subAccounts.Set(ctx, key, s); err != nil {
		return err
	}
	return athtypes.Emit(ctx, &types.EventSubAccountSet{SubAccount: s})
}

func (k *Keeper) newSubAccount(parent, sub sdk.AccAddress, limit sdk.Coin) (s types.SubAccount, err error) {
	if parent.Equals(sub) {
		return s, types.ErrInvalidField.Wrap("sub: the parent: want somebody else")
	}
	if s.Parent, err = k.addresses.BytesToString(parent); err != nil {
		return s, err
	}
	s.Limit = limit
	s.Sub, err = k.addresses.BytesToString(sub)
	return s, err
}

// FundSubAccount moves free balance of the parent's own into a sub-account, as a deposit of the parent's.
func (k *Keeper) FundSubAccount(ctx sdk.Context, parent, sub sdk.AccAddress, amount sdk.Coin) (sdk.Coin, error) {
	s, err := k.subAccounts.Get(ctx, collections.Join(parent, sub))
	if errors.Is(err, collections.ErrNotFound) {
		return sdk.Coin{}, types.ErrSubAccountNotFound.Wrapf("sub: %s: name it and its limit first (set-sub-account)", sub)
	}
	if err != nil {
		return sdk.Coin{}, err
	}
	from, err := k.openPurse(ctx, parent, amount.Denom)
	if err != nil {
		return sdk.Coin{}, err
	}
	to, err := k.openPurse(ctx, sub, amount.Denom)
	if err != nil {
		return sdk.Coin{}, err
	}
	who := parentOf(s)
	d, err := k.stack(ctx, to)
	if err != nil {
		return sdk.Coin{}, err
	}
	if there := d.Outstanding(who); there.Add(amount.Amount).GT(s.Limit.Amount) {
		return sdk.Coin{}, types.ErrSubAccountLimit.Wrapf("amount: %s on top of %s that are there unspent: the limit is %s",
			types.Readable(amount.Amount), types.Readable(there), types.Readable(s.Limit.Amount))
	}
	if _, err := k.takeOwn(ctx, from, amount.Amount); err != nil {
		return sdk.Coin{}, err
	}
	if err := k.place(ctx, to, who, amount.Amount); err != nil {
		return sdk.Coin{}, err
	}
	if err := k.vault.Move(ctx, from.row(), to.row(), amount.Amount); err != nil {
		return sdk.Coin{}, err
	}
	return to.coin(to.balance), athtypes.Emit(ctx, k.depositedBy(to, who, amount.Amount))
}

// parentOf is who deposits into a sub-account.
func parentOf(s types.SubAccount) types.Payer {
	return types.Payer{Depositor: s.Parent, Source: types.DepositSource_DEPOSIT_SOURCE_PARENT}
}

// giveBackToParent moves what was taken out of a sub-account into the parent's, as its own; the sub-account's is saved.
func (k *Keeper) giveBackToParent(ctx sdk.Context, sub *purse, parent sdk.AccAddress, amount math.Int) error {
	p, err := k.openPurse(ctx, parent, sub.account.Denom)
	if err != nil {
		return err
	}
	d, err := k.stack(ctx, p)
	if err != nil {
		return err
	}
	if err := k.vault.Move(ctx, sub.row(), p.row(), amount); err != nil {
		return err
	}
	p.balance = p.balance.Add(amount)
	p.account = p.account.Touch(ctx.BlockTime(), p.balance, p.usd)
	return k.saveStack(ctx, p, d)
}
