// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"errors"
	"time"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/leases/types"
)

// Settle pays what a lease has earned up to now; anyone may ask for it. A lease that is closed has been settled by its close
// and pays nothing.
func (k *Keeper) Settle(ctx sdk.Context, id types.LeaseID) (sdk.Coin, error) {
	lease, err := k.Lease(ctx, id)
	if errors.Is(err, types.ErrLeaseClosed) {
		return k.nothingOf(ctx, id)
	}
	if err != nil {
		return sdk.Coin{}, err
	}
	p, err := k.openPurse(ctx, id.Tenant, lease.Denom)
	if err != nil {
		return sdk.Coin{}, err
	}
	_, paid, err := k.settle(ctx, p, lease)
	return p.coin(paid), err
}

func (k *Keeper) nothingOf(ctx sdk.Context, id types.LeaseID) (sdk.Coin, error) {
	receipt, err := k.Receipt(ctx, id)
	return sdk.Coin{Denom: receipt.Denom, Amount: math.ZeroInt()}, err
}

// settle brings one lease up to date within its touched purse and pays its provider. It and end are the only functions that
// move coins out of a balance to a provider.
func (k *Keeper) settle(ctx sdk.Context, p *purse, lease types.Lease) (types.Lease, math.Int, error) {
	outage, err := k.outage(ctx, lease)
	if err != nil {
		return lease, math.Int{}, err
	}
	before := lease.SettledUntil
	lease, s := lease.Settle(lease.BilledUntil(p.account.TouchedAt), outage)
	if lease.SettledUntil.Equal(before) {
		return lease, math.ZeroInt(), nil
	}
	if err := k.saveLease(ctx, p.tenant, lease); err != nil {
		return lease, math.Int{}, err
	}
	return lease, s.Total(), k.apply(ctx, p, lease, s)
}

// outage is the outage index of a lease's Container; of no meaning, and not read, before the start.
func (k *Keeper) outage(ctx sdk.Context, lease types.Lease) (time.Duration, error) {
	if lease.State != types.LeaseState_LEASE_STATE_RUNNING {
		return 0, nil
	}
	return k.providers.Outage(ctx, lease.ContainerId)
}

// apply takes a settlement of a lease out of its purse: the account first, then the coins.
func (k *Keeper) apply(ctx sdk.Context, p *purse, lease types.Lease, s types.Settlement) error {
	paid := s.Total()
	row := p.row()
	p.account = p.account.Settled(s)
	p.balance = p.balance.Sub(paid)
	if err := k.savePurse(ctx, p); err != nil {
		return err
	}
	if !paid.IsPositive() {
		return nil
	}
	provider, err := k.addresses.StringToBytes(lease.Provider)
	if err != nil {
		return err
	}
	var indexer sdk.AccAddress
	if lease.Indexer != "" {
		if indexer, err = k.addresses.StringToBytes(lease.Indexer); err != nil {
			return err
		}
	}
	fee, err := k.vault.PayProvider(ctx, row, provider, indexer, paid)
	if err != nil {
		return err
	}
	return ctx.EventManager().EmitTypedEvent(&types.EventLeaseSettled{
		LeaseId: lease.ID(), Provider: lease.Provider, Paid: p.coin(paid).String(), Fee: p.coin(fee).String(),
	})
}
