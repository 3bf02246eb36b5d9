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

// stack counts whose money a purse holds. An account without other people's money has no row, and nothing is read. Whoever changes the
// balance by anything but a payment asks for the stack before and saves it after.
func (k *Keeper) stack(ctx sdk.Context, p *purse) (types.Depositors, error) {
	if p.account.Depositors == 0 {
		return types.NewDepositors(p.account.Tenant, p.account.Denom, p.balance), nil
	}
	d, err := k.depositors.Get(ctx, collections.Join(p.tenant, p.account.Denom))
	if err != nil {
		return d, err
	}
	return d.Count(p.balance), nil
}

// saveStack writes whose money a purse holds as of its balance, and the account, which knows whether that is anybody's but the tenant's.
func (k *Keeper) saveStack(ctx sdk.Context, p *purse, d types.Depositors) error {
	if len(d.Places) == 0 && p.account.Depositors == 0 {
		return nil
	}
	p.account.Depositors, d.Balance = uint32(len(d.Places)), p.balance
	if err := k.writeStack(ctx, p, d); err != nil {
		return err
	}
	return k.savePurse(ctx, p)
}

func (k *Keeper) writeStack(ctx sdk.Context, p *purse, d types.Depositors) error {
	key := collections.Join(p.tenant, p.account.Denom)
	if len(d.Places) == 0 {
		return k.depositors.Remove(ctx, key)
	}
	return k.depositors.Set(ctx, key, d)
}

// depositFor moves somebody else's coins into a purse, on top of the stack.
func (k *Keeper) depositFor(ctx sdk.Context, p *purse, depositor sdk.AccAddress, who types.Payer, amount math.Int) (err error) {
	if who.Depositor, err = k.addresses.BytesToString(depositor); err != nil {
		return err
	}
	if err := k.place(ctx, p, who, amount); err != nil {
		return err
	}
	if err := k.vault.Deposit(ctx, depositor, p.row(), amount); err != nil {
		return err
	}
	return athtypes.Emit(ctx, k.depositedBy(p, who, amount))
}

func (k *Keeper) depositedBy(p *purse, who types.Payer, amount math.Int) *types.EventDeposited {
	return &types.EventDeposited{
		Tenant: p.account.Tenant, Depositor: who.Depositor, Amount: p.coin(amount).String(), Balance: p.coin(p.balance).String(),
		Source: who.Source, Nonce: who.Nonce,
	}
}

// place adds what a payer is about to move into a purse, and touches it again.
func (k *Keeper) place(ctx sdk.Context, p *purse, who types.Payer, amount math.Int) error {
	params, err := k.params.Get(ctx)
	if err != nil {
		return err
	}
	d, err := k.stack(ctx, p)
	if err != nil {
		return err
	}
	if d, err = d.Deposit(who, amount, types.Uath(params.MinForeignDeposit)); err != nil {
		return err
	}
	p.balance = p.balance.Add(amount)
	p.account = p.account.Touch(ctx.BlockTime(), p.balance, p.usd)
	return k.saveStack(ctx, p, d)
}

// takeOwn takes an amount of the tenant's own free money out of a purse, all of it where it is zero; the caller moves the coins.
func (k *Keeper) takeOwn(ctx sdk.Context, p *purse, amount math.Int) (math.Int, error) {
	d, err := k.stack(ctx, p)
	if err != nil {
		return amount, err
	}
	_, own := d.Claims(p.account.Free(p.balance))
	if amount.IsZero() {
		amount = own
	}
	if amount.GT(own) || own.IsZero() {
		whose := ""
		if n := len(d.Places); n > 0 {
			whose = ", and what others deposited is theirs"
		}
		return amount, types.ErrInsufficientFree.Wrapf("amount: %s of %s free: the rest is used or reserved by %d open leases%s",
			types.ReadableIn(p.account.Denom, amount), types.ReadableIn(p.account.Denom, own), p.account.OpenLeases, whose)
	}
	p.balance = p.balance.Sub(amount)
	if err := k.saveStack(ctx, p, d); err != nil {
		return amount, err
	}
	if p.account.OpenLeases > 0 {
		return amount, k.savePurse(ctx, p)
	}
	return amount, nil
}

// credited adds to a purse what comes back of what it paid; the coins are in its row.
func (k *Keeper) credited(ctx sdk.Context, p *purse, amount math.Int) error {
	d, err := k.stack(ctx, p)
	if err != nil {
		return err
	}
	p.balance = p.balance.Add(amount)
	p.touch(ctx)
	if len(d.Places) > 0 || p.account.Depositors > 0 {
		return k.saveStack(ctx, p, d.Credit(amount))
	}
	return k.savePurse(ctx, p)
}

// related says whether one of those whose money a purse holds is of a provider's own people.
func (k *Keeper) related(ctx sdk.Context, p *purse, provider string) (bool, error) {
	related, err := k.providers.Related(ctx, provider, p.tenant)
	if err != nil || related {
		return related, err
	}
	if p.credit != nil {
		if related, err = k.providers.Related(ctx, provider, p.credit.address); err != nil || related {
			return related, err
		}
	}
	d, err := k.stack(ctx, p)
	if err != nil {
		return false, err
	}
	for _, place := range d.Places {
		depositor, err := k.addresses.StringToBytes(place.Depositor)
		if err != nil {
			return false, err
		}
		if related, err = k.providers.Related(ctx, provider, depositor); err != nil || related {
			return related, err
		}
	}
	return false, nil
}

// refundChannel moves what a channel has left back to those whose money it was.
func (k *Keeper) refundChannel(ctx sdk.Context, tenant sdk.AccAddress, c types.Channel) error {
	left := types.Uath(c.Left())
	if left.IsZero() && len(c.Sources) == 0 {
		return nil
	}
	p, err := k.openPurse(ctx, tenant, athtypes.Denom)
	if err != nil {
		return err
	}
	d, err := k.stack(ctx, p)
	if err != nil {
		return err
	}
	if left.IsPositive() {
		if err := k.vault.Move(ctx, c.Row(), p.row(), left); err != nil {
			return err
		}
	}
	p.balance = p.balance.Add(left)
	p.account = p.account.Touch(ctx.BlockTime(), p.balance, p.usd)
	return k.saveStack(ctx, p, d.Restore(c.Sources, types.Uath(c.Cap), left))
}

// ReclaimDeposit gives back what somebody else deposited and is neither spent nor reserved, to where it came from. The depositor may ask
// for it, and the tenant.
func (k *Keeper) ReclaimDeposit(ctx sdk.Context, signer, tenant, depositor sdk.AccAddress, amount sdk.Coin, source types.DepositSource) (sdk.Coin, error) {
	if !signer.Equals(depositor) && !signer.Equals(tenant) {
		return sdk.Coin{}, types.ErrUnauthorized.Wrap("signer: neither the depositor nor the tenant")
	}
	name, err := k.addresses.BytesToString(depositor)
	if err != nil {
		return sdk.Coin{}, err
	}
	by, err := k.addresses.BytesToString(signer)
	if err != nil {
		return sdk.Coin{}, err
	}
	p, err := k.openPurse(ctx, tenant, amount.Denom)
	if err != nil {
		return sdk.Coin{}, err
	}
	if err := k.holds(ctx, p); err != nil {
		return sdk.Coin{}, err
	}
	d, err := k.stack(ctx, p)
	if err != nil {
		return sdk.Coin{}, err
	}
	d, parts, err := d.Reclaim(name, source, amount.Amount, p.account.Free(p.balance))
	if err != nil {
		return sdk.Coin{}, err
	}
	sum := math.ZeroInt()
	for _, part := range parts {
		sum = sum.Add(part.Amount)
	}
	p.balance = p.balance.Sub(sum)
	if err := k.saveStack(ctx, p, d); err != nil {
		return sdk.Coin{}, err
	}
	for _, part := range parts {
		event := &types.EventDepositReclaimed{
			Tenant: p.account.Tenant, Depositor: name, Source: part.Source, Nonce: part.Nonce, Signer: by,
			Amount: p.coin(part.Amount).String(), Balance: p.coin(p.balance).String(),
		}
		if event.LimitRaised, err = k.giveBack(ctx, p, depositor, part); err != nil {
			return sdk.Coin{}, err
		}
		if err := athtypes.Emit(ctx, event); err != nil {
			return sdk.Coin{}, err
		}
	}
	return p.coin(sum), nil
}

// giveBack moves a reclaimed part to where it came from, and says whether a grant's limit rose by it.
func (k *Keeper) giveBack(ctx sdk.Context, p *purse, depositor sdk.AccAddress, part types.Reclaimed) (raised bool, err error) {
	if part.Source == types.DepositSource_DEPOSIT_SOURCE_PARENT {
		return false, k.giveBackToParent(ctx, p, depositor, part.Amount)
	}
	if err := k.vault.Withdraw(ctx, p.row(), depositor, part.Amount); err != nil {
		return false, err
	}
	if part.Source != types.DepositSource_DEPOSIT_SOURCE_GRANT {
		return false, nil
	}
	key := collections.Join(p.tenant, depositor)
	grant, err := k.grants.Get(ctx, key)
	if errors.Is(err, collections.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if grant, raised = grant.Return(part.Nonce, part.Amount, ctx.BlockTime()); !raised {
		return false, nil
	}
	return true, k.grants.Set(ctx, key, grant)
}
