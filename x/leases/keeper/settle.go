// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"errors"
	"time"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
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
	p, err := k.purseOf(ctx, id.Tenant, lease.Denom, lease.Gateway())
	if err != nil {
		return sdk.Coin{}, err
	}
	_, s, err := k.settle(ctx, p, lease)
	return p.coin(s.Total()), err
}

func (k *Keeper) nothingOf(ctx sdk.Context, id types.LeaseID) (sdk.Coin, error) {
	receipt, err := k.Receipt(ctx, id)
	if errors.Is(err, types.ErrLeaseNotFound) { // forgotten
		return sdk.Coin{Denom: athtypes.Denom, Amount: math.ZeroInt()}, nil
	}
	return sdk.Coin{Denom: receipt.Denom, Amount: math.ZeroInt()}, err
}

// settle brings one lease up to date within its touched purse and pays its provider. It and end are the only functions that
// move coins out of a balance to a provider.
func (k *Keeper) settle(ctx sdk.Context, p *purse, lease types.Lease) (types.Lease, types.Settlement, error) {
	outage, err := k.outage(ctx, lease)
	if err != nil {
		return lease, types.Nothing(), err
	}
	before := lease.SettledUntil
	until := lease.EndAt(p.paidUntil(), ctx.BlockTime())
	lease, s := p.step(lease, func(l types.Lease, m meter) (types.Lease, types.Settlement) { return l.Settle(until, outage, m.usd) })
	if lease.SettledUntil.Equal(before) {
		return lease, s, nil
	}
	fee, err := k.apply(ctx, p, lease, s)
	if err != nil {
		return lease, s, err
	}
	lease.Fee = lease.Fee.Add(fee)
	return lease, s, k.saveLease(ctx, p.tenant, lease)
}

// maxCatchUp bounds how often catchUp goes round. Once is what it takes when a block comes every few seconds.
const maxCatchUp = 8

// minCatchUp is by how much a block's rounds have to bring an account forward for the next block to go on with them, before leases are taken
// off. Where what is set free pays for ever less, an end has to come: then it is too early by less than a few of these.
const minCatchUp = time.Second

// catchUp settles leases of a purse that is used up, because that may set money free: reserves that have been earned, and
// what outages saved. It goes on while that pays for more time. Afterwards it makes no difference when the leases had been
// settled before. more says that the rounds did not suffice, and the next block is to go on.
func (k *Keeper) catchUp(ctx sdk.Context, p *purse, leases []types.Lease) (more bool, err error) {
	before := p.paidUntil()
	for range maxCatchUp {
		if !p.exhausted(ctx) {
			return false, nil
		}
		freed := false
		for i := range leases {
			var s types.Settlement
			if leases[i], s, err = k.settle(ctx, p, leases[i]); err != nil {
				return false, err
			}
			freed = freed || p.freed(s)
		}
		if !freed {
			return false, nil
		}
		p.touch(ctx)
	}
	return p.exhausted(ctx) && p.paidUntil().Sub(before) >= minCatchUp, nil
}

// outage is the outage index of a lease's Container; of no meaning, and not read, before the start.
func (k *Keeper) outage(ctx sdk.Context, lease types.Lease) (time.Duration, error) {
	if lease.State == types.LeaseState_LEASE_STATE_ACTIVE {
		return 0, nil
	}
	return k.providers.Outage(ctx, lease.ContainerId)
}

// apply takes a settlement of a lease out of its purse: the account first, then the coins. It returns the service fee that was taken of
// them, which the caller adds to the lease's.
func (k *Keeper) apply(ctx sdk.Context, p *purse, lease types.Lease, s types.Settlement) (fee math.Int, err error) {
	paid := s.Total()
	fee = math.ZeroInt()
	row := p.row()
	p.account = p.account.Settled(s)
	p.balance = p.balance.Sub(paid)
	if err := k.savePurse(ctx, p); err != nil {
		return fee, err
	}
	if !paid.IsPositive() {
		return fee, nil
	}
	provider, err := k.addresses.StringToBytes(lease.Provider)
	if err != nil {
		return fee, err
	}
	var indexer sdk.AccAddress
	if lease.Indexer != "" {
		if indexer, err = k.addresses.StringToBytes(lease.Indexer); err != nil {
			return fee, err
		}
	}
	fee, err = k.vault.PayProvider(ctx, row, provider, indexer, paid)
	if err != nil {
		return fee, err
	}
	return fee, athtypes.Emit(ctx, &types.EventLeaseSettled{
		LeaseId: lease.ID(), Provider: lease.Provider, Paid: p.coin(paid).String(), Fee: p.coin(fee).String(), Credit: p.charged(),
	})
}
