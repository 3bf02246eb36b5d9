// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"bytes"
	"errors"
	"slices"

	"cosmossdk.io/collections"

	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
	"github.com/athnet/ath/x/providers/types"
)

// Provider returns the provider of an owner.
func (k *Keeper) Provider(ctx sdk.Context, owner sdk.AccAddress) (types.Provider, error) {
	p, err := k.providers.Get(ctx, owner)
	if errors.Is(err, collections.ErrNotFound) {
		return types.Provider{}, types.ErrProviderNotFound.Wrapf("owner %s", k.text(owner))
	}
	return p, err
}

// Authorize returns nil if signer is the owner or an operator of the provider.
func (k *Keeper) Authorize(ctx sdk.Context, signer sdk.AccAddress, provider string) error {
	owner, err := k.addresses.StringToBytes(provider)
	if err != nil {
		return types.ErrUnauthorized.Wrapf("provider: %v", err)
	}
	p, err := k.Provider(ctx, owner)
	if errors.Is(err, types.ErrProviderNotFound) {
		return types.ErrUnauthorized.Wrapf("%s is no provider", provider)
	}
	if err != nil {
		return err
	}
	if bytes.Equal(owner, signer) || slices.Contains(p.Operators, k.text(signer)) {
		return nil
	}
	return types.ErrUnauthorized.Wrapf("%s is neither owner nor operator of provider %s", k.text(signer), provider)
}

// Related says whether an account is a provider's owner, operator or payout address. One that is gone has none.
func (k *Keeper) Related(ctx sdk.Context, provider string, account sdk.AccAddress) (bool, error) {
	owner, err := k.addresses.StringToBytes(provider)
	if err != nil {
		return false, types.ErrInvalidField.Wrapf("provider: %v", err)
	}
	p, err := k.Provider(ctx, owner)
	if errors.Is(err, types.ErrProviderNotFound) {
		return bytes.Equal(owner, account), nil
	}
	name := k.text(account)
	return name == p.Owner || name == p.Payout || slices.Contains(p.Operators, name), err
}

// RegisterProvider makes an account a provider.
func (k *Keeper) RegisterProvider(ctx sdk.Context, owner, payout sdk.AccAddress, p types.Provider) error {
	exists, err := k.providers.Has(ctx, owner)
	if err != nil {
		return err
	}
	if exists {
		return types.ErrProviderExists.Wrapf("owner %s: change it with update-provider", p.Owner)
	}
	if err := k.providers.Set(ctx, owner, p); err != nil {
		return err
	}
	if !owner.Equals(payout) {
		if err := k.vault.SetPayout(ctx, owner, payout); err != nil {
			return err
		}
	}
	return athtypes.Emit(ctx, &types.EventProviderRegistered{Provider: p})
}

// UpdateProvider replaces what an owner may change; tier and count of Containers stay.
func (k *Keeper) UpdateProvider(ctx sdk.Context, owner, payout sdk.AccAddress, change types.Provider) error {
	p, err := k.Provider(ctx, owner)
	if err != nil {
		return err
	}
	oldPayout := p.Payout
	p.Operators, p.Payout = change.Operators, change.Payout
	p.Country, p.Contact, p.Domain = change.Country, change.Contact, change.Domain
	if err := k.providers.Set(ctx, owner, p); err != nil {
		return err
	}
	if p.Payout != oldPayout {
		if err := k.vault.SetPayout(ctx, owner, payout); err != nil {
			return err
		}
	}
	return athtypes.Emit(ctx, &types.EventProviderUpdated{Provider: p})
}

// DeregisterProvider removes a provider that has neither Containers nor unbonding stake nor tickets, and the redirection of its income
// with it: what still ripens goes to the owner.
func (k *Keeper) DeregisterProvider(ctx sdk.Context, owner sdk.AccAddress) error {
	p, err := k.Provider(ctx, owner)
	if err != nil {
		return err
	}
	if p.Containers > 0 {
		return types.ErrProviderBusy.Wrapf("%d containers live: retire them first", p.Containers)
	}
	unbonding, err := k.vault.HasRows(ctx, athtypes.RowKind_ROW_KIND_UNBONDING, owner)
	if err != nil {
		return err
	}
	if unbonding {
		return types.ErrProviderBusy.Wrap("stake is unbonding: withdraw it when it is ripe")
	}
	accused, err := k.hasTickets(ctx, owner)
	if err != nil {
		return err
	}
	if accused {
		return types.ErrProviderBusy.Wrap("a slash ticket is open: pay it, or wait until it has ended")
	}
	if err := k.providers.Remove(ctx, owner); err != nil {
		return err
	}
	if p.Payout != p.Owner {
		if err := k.vault.SetPayout(ctx, owner, nil); err != nil {
			return err
		}
	}
	return athtypes.Emit(ctx, &types.EventProviderDeregistered{Owner: p.Owner})
}

// text is an address for people; an address that cannot be encoded is shown as what it is.
func (k *Keeper) text(addr sdk.AccAddress) string {
	s, err := k.addresses.BytesToString(addr)
	if err != nil {
		return "(" + err.Error() + ")"
	}
	return s
}
