// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"errors"

	"cosmossdk.io/collections"

	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
	"github.com/athnet/ath/x/leases/types"
)

func (k *Keeper) gateway(ctx sdk.Context, address sdk.AccAddress) (types.Gateway, error) {
	gateway, err := k.gateways.Get(ctx, address)
	if errors.Is(err, collections.ErrNotFound) {
		return gateway, types.ErrGatewayNotFound.Wrapf("gateway: %s is none: governance registers them", address)
	}
	return gateway, err
}

// line is the credit that a gateway gives a customer, as it is stored.
func (k *Keeper) line(ctx sdk.Context, gateway, customer sdk.AccAddress) (types.CreditLine, error) {
	line, err := k.lines.Get(ctx, collections.Join(customer, gateway))
	if errors.Is(err, collections.ErrNotFound) {
		return line, types.ErrCreditNotFound.Wrapf("gateway: %s gives %s no credit", gateway, customer)
	}
	return line, err
}

// RegisterGateway lets an address give its customers credit, or changes its bounds. What runs goes on.
func (k *Keeper) RegisterGateway(ctx sdk.Context, address sdk.AccAddress, m *types.MsgRegisterGateway) error {
	gateway, err := k.gateways.Get(ctx, address)
	switch {
	case errors.Is(err, collections.ErrNotFound):
		name, err := k.addresses.BytesToString(address)
		if err != nil {
			return err
		}
		gateway.Address, gateway.Float = name, types.NewAccount(name, athtypes.Denom, ctx.BlockTime())
	case err != nil:
		return err
	}
	gateway = gateway.Register(m)
	if err := k.gateways.Set(ctx, address, gateway); err != nil {
		return err
	}
	return athtypes.Emit(ctx, &types.EventGatewayRegistered{Gateway: gateway})
}

// RemoveGateway takes the right to new leases and credit away; what runs goes on, and the gateway takes out what is not needed for that.
func (k *Keeper) RemoveGateway(ctx sdk.Context, address sdk.AccAddress) error {
	gateway, err := k.gateway(ctx, address)
	if err != nil {
		return err
	}
	gateway.Removed = true
	if err := k.gateways.Set(ctx, address, gateway); err != nil {
		return err
	}
	return athtypes.Emit(ctx, &types.EventGatewayRemoved{Gateway: gateway.Address})
}

// FundFloat adds somebody's coins to a float.
func (k *Keeper) FundFloat(ctx sdk.Context, from, address sdk.AccAddress, amount sdk.Coin) (sdk.Coin, error) {
	p, err := k.openFloat(ctx, address)
	if err != nil {
		return sdk.Coin{}, err
	}
	if err := k.vault.Deposit(ctx, from, p.row(), amount.Amount); err != nil {
		return sdk.Coin{}, err
	}
	p.balance = p.balance.Add(amount.Amount)
	p.touch(ctx)
	if err := k.savePurse(ctx, p); err != nil {
		return sdk.Coin{}, err
	}
	name, err := k.addresses.BytesToString(from)
	if err != nil {
		return sdk.Coin{}, err
	}
	balance := p.coin(p.balance)
	return balance, athtypes.Emit(ctx, &types.EventFloatFunded{
		Gateway: p.account.Tenant, Depositor: name, Amount: amount.String(), Balance: balance.String(),
	})
}

// WithdrawFloat pays a gateway what its customers' leases don't need of its float: all of it where amount is zero.
func (k *Keeper) WithdrawFloat(ctx sdk.Context, address sdk.AccAddress, amount sdk.Coin) (sdk.Coin, error) {
	params, err := k.params.Get(ctx)
	if err != nil {
		return sdk.Coin{}, err
	}
	p, err := k.openFloat(ctx, address)
	if err != nil {
		return sdk.Coin{}, err
	}
	free := p.float().Withdrawable(p.balance, params.FloatCover(), ctx.BlockTime(), p.usd)
	if amount.Amount.IsZero() {
		amount.Amount = free
	}
	if amount.Amount.GT(free) || free.IsZero() {
		return sdk.Coin{}, types.ErrInsufficientFree.Wrapf("amount: %s of %s that can be taken: %d leases of %d customers need the rest for %s",
			types.Readable(amount.Amount), types.Readable(free), p.account.OpenLeases, p.credit.gateway.Customers, params.FloatCover())
	}
	p.balance = p.balance.Sub(amount.Amount)
	if err := k.savePurse(ctx, p); err != nil {
		return sdk.Coin{}, err
	}
	if err := k.vault.Withdraw(ctx, p.row(), address, amount.Amount); err != nil {
		return sdk.Coin{}, err
	}
	return amount, athtypes.Emit(ctx, &types.EventFloatWithdrawn{
		Gateway: p.account.Tenant, Amount: amount.String(), Balance: p.coin(p.balance).String(),
	})
}

// float is the purse's gateway with its float as it is now.
func (p *purse) float() types.Gateway {
	gateway := p.credit.gateway
	gateway.Float = p.account
	return gateway
}

// GrantCredit gives a customer a credit line, or new bounds.
func (k *Keeper) GrantCredit(ctx sdk.Context, address, customer sdk.AccAddress, m *types.MsgGrantCredit) (types.CreditLine, error) {
	p, err := k.openFloat(ctx, address)
	if err != nil {
		return types.CreditLine{}, err
	}
	if err := k.bind(ctx, p, customer); err != nil {
		return types.CreditLine{}, err
	}
	side := p.credit
	if side.gateway.Removed {
		return types.CreditLine{}, types.ErrGatewayRemoved.Wrapf("gateway: governance has removed %s: you can still revoke credit, and fund what runs", side.gateway.Address)
	}
	if !side.bound {
		if side.gateway.Customers >= side.gateway.MaxCustomers {
			return types.CreditLine{}, types.ErrGatewayLimit.Wrapf("gateway: %d customers have credit, which is as many as governance allows: revoke a line first", side.gateway.Customers)
		}
		side.bound = true
		side.gateway.Customers++
		if err := k.customers.Set(ctx, collections.Join(address, customer)); err != nil {
			return types.CreditLine{}, err
		}
	}
	if side.line.Used().GT(m.Limit) {
		if err := k.settleLine(ctx, p); err != nil {
			return types.CreditLine{}, err
		}
	}
	side.line = side.line.Grant(m).Touch(ctx.BlockTime())
	if err := k.savePurse(ctx, p); err != nil {
		return types.CreditLine{}, err
	}
	return side.line, athtypes.Emit(ctx, &types.EventCreditGranted{Line: side.line})
}

// settleLine settles what runs on a line, which lets go of reserves that were earned: so it does not matter when that was settled before.
func (k *Keeper) settleLine(ctx sdk.Context, p *purse) error {
	leases, err := k.lineLeases(ctx, p)
	if err != nil {
		return err
	}
	for _, lease := range leases {
		if _, _, err := k.settle(ctx, p, lease); err != nil {
			return err
		}
	}
	return nil
}

// RevokeCredit ends a credit line: this block pauses or ends what runs on it, as if its limit was used up now.
func (k *Keeper) RevokeCredit(ctx sdk.Context, address, customer sdk.AccAddress) error {
	p, err := k.openFloat(ctx, address)
	if err != nil {
		return err
	}
	if err := k.bind(ctx, p, customer); err != nil {
		return err
	}
	if !p.credit.bound {
		return types.ErrCreditNotFound.Wrapf("customer: %s has no credit line of %s", p.credit.line.Customer(), p.credit.gateway.Address)
	}
	p.credit.line = p.credit.line.Revoke(ctx.BlockTime())
	line := p.credit.line
	if err := k.savePurse(ctx, p); err != nil {
		return err
	}
	return athtypes.Emit(ctx, &types.EventCreditRevoked{Line: line})
}

// carriedLeases are the leases of a float that spend, with the priorities of their customers; at most max_gateway_leases. They are in order of
// customer and number.
func (k *Keeper) carriedLeases(ctx sdk.Context, address sdk.AccAddress) ([]types.CarriedLease, error) {
	var leases []types.CarriedLease
	line, of := types.CreditLine{}, sdk.AccAddress(nil)
	err := k.carried.Walk(ctx, collections.NewPrefixedTripleRange[sdk.AccAddress, sdk.AccAddress, uint64](address), func(key carriedKey) (bool, error) {
		lease, err := k.leases.Get(ctx, collections.Join(key.K2(), key.K3()))
		if err != nil || lease.PausedAt != nil {
			return err != nil, err
		}
		if !of.Equals(key.K2()) {
			of = key.K2()
			if line, err = k.lines.Get(ctx, collections.Join(of, address)); err != nil {
				return true, err
			}
		}
		leases = append(leases, types.CarriedLease{Lease: lease, Priority: line.Priority})
		return false, nil
	})
	return leases, err
}

// lineLeases are the leases of a purse's customer that spend: by priority, the newest first among equals.
func (k *Keeper) lineLeases(ctx sdk.Context, p *purse) ([]types.Lease, error) {
	var leases []types.Lease
	rng := collections.NewSuperPrefixedTripleRange[sdk.AccAddress, sdk.AccAddress, uint64](p.credit.address, p.tenant)
	err := k.carried.Walk(ctx, rng, func(key carriedKey) (bool, error) {
		lease, err := k.leases.Get(ctx, collections.Join(key.K2(), key.K3()))
		if err == nil && lease.PausedAt == nil {
			leases = append(leases, lease)
		}
		return err != nil, err
	})
	return types.LeastImportant(leases), err
}
