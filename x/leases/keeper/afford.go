// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"errors"

	"cosmossdk.io/collections"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/leases/types"
)

// afford asks whether a purse pays for something more. Where it does not, what its leases have earned is settled, which may set enough free,
// and it asks again: so the answer does not depend on when somebody has settled them before. That is done once for a message, and only where
// it can help. It costs the gas of a settlement for each of the account's leases, or the gateway's, that holds something back.
func (o *opening) afford(ctx sdk.Context, k *Keeper, asks func(*purse) error) error {
	failed := asks(o.purse)
	if failed == nil || o.settled || !short(failed) {
		return failed
	}
	if free := o.purse.unburdened(ctx); asks(&free) != nil {
		return failed
	}
	o.settled = true
	before := o.purse.fork()
	if err := k.isolate(ctx, func(ctx sdk.Context) error { return k.setFree(ctx, o.purse) }); err != nil {
		*o.purse = before
		return err
	}
	return asks(o.purse)
}

// short says whether an error is about too little money.
func short(err error) bool {
	return errors.Is(err, types.ErrInsufficientDeposit) || errors.Is(err, types.ErrFloatTooSmall) || errors.Is(err, types.ErrCreditLimit)
}

// unburdened is the purse as if everything came back that was accrued or is held back: more than settling could set free.
func (p *purse) unburdened(ctx sdk.Context) purse {
	free := p.fork()
	free.account = free.account.Unburdened(ctx.BlockTime(), p.usd)
	if free.credit != nil {
		free.credit.line.Account = free.credit.line.Account.Unburdened(ctx.BlockTime(), nil)
	}
	return free
}

// setFree settles all leases of a purse that may set money free by that, of a float those of all its customers, and goes on while that pays for
// more time. What the purse's customer has opened in this message, and the number that comes next, is saved before a float is bound to others.
func (k *Keeper) setFree(ctx sdk.Context, p *purse) error {
	if p.credit != nil {
		if err := k.savePurse(ctx, p); err != nil {
			return err
		}
	}
	for range maxCatchUp {
		more, err := k.setFreeOnce(ctx, p)
		if err != nil || !more {
			return err
		}
	}
	return nil
}

// setFreeOnce settles once, and says whether that may pay for more time.
func (k *Keeper) setFreeOnce(ctx sdk.Context, p *purse) (bool, error) {
	leases, err := k.held(ctx, p)
	if err != nil {
		return false, err
	}
	customer, freed := p.tenant, false
	for _, lease := range leases {
		if p.credit != nil {
			if err := k.bindName(ctx, p, lease.Tenant); err != nil {
				return false, err
			}
		}
		_, s, err := k.settle(ctx, p, lease)
		if err != nil {
			return false, err
		}
		freed = freed || p.freed(s)
	}
	if p.credit != nil {
		if err := k.bind(ctx, p, customer); err != nil {
			return false, err
		}
	}
	dry := p.exhausted(ctx)
	p.touch(ctx)
	return freed && dry, nil
}

// held are the leases that a purse pays for and that may set money free when they are settled: at most max_open_leases, or max_gateway_leases.
func (k *Keeper) held(ctx sdk.Context, p *purse) ([]types.Lease, error) {
	var all []types.Lease
	if p.credit != nil {
		carried, err := k.carriedLeases(ctx, p.credit.address)
		if err != nil {
			return nil, err
		}
		for _, c := range carried {
			all = append(all, c.Lease)
		}
	} else {
		err := k.leases.Walk(ctx, collections.NewPrefixedPairRange[sdk.AccAddress, uint64](p.tenant), func(_ leaseKey, lease types.Lease) (bool, error) {
			if lease.Denom == p.account.Denom && lease.Credit == nil {
				all = append(all, lease)
			}
			return false, nil
		})
		if err != nil {
			return nil, err
		}
	}
	var held []types.Lease
	for _, lease := range all {
		outage, err := k.outage(ctx, lease)
		if err != nil {
			return nil, err
		}
		if lease.SetsFree(outage) {
			held = append(held, lease)
		}
	}
	return held, nil
}
