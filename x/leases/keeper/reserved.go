// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/leases/types"
)

// pricesOf is the price index of a mode. Each mode has its own: in one that is ordered by the other's price a scan could neither end at
// the highest price nor be sure, within its bound, to see the cheapest.
func (k *Keeper) pricesOf(mode types.LeaseMode) collections.KeySet[priceKey] {
	if mode == types.LeaseMode_LEASE_MODE_RESERVED {
		return k.reserved
	}
	return k.prices
}

// modes are those that an offer can have, in the order in which their indexes are written.
var modes = []types.LeaseMode{types.LeaseMode_LEASE_MODE_ON_DEMAND, types.LeaseMode_LEASE_MODE_RESERVED}

// eachPrice calls write with the key of every mode in which an offer can be taken.
func eachPrice(offer types.Offer, write func(types.LeaseMode, priceKey) error) error {
	for _, mode := range modes {
		terms, ok := offer.In(mode)
		if !ok {
			continue
		}
		if err := write(mode, collections.Join4(terms.Class, terms.Denom, terms.Rate.Uint64(), terms.ContainerId)); err != nil {
			return err
		}
	}
	return nil
}

// unindexPrice takes an offer out of the indexes in which it stands.
func (k *Keeper) unindexPrice(ctx sdk.Context, offer types.Offer) error {
	if !offer.Listed() {
		return nil
	}
	return eachPrice(offer, func(mode types.LeaseMode, key priceKey) error { return k.pricesOf(mode).Remove(ctx, key) })
}

// prepay holds more back for a reserved lease, out of what is free in its account.
func (k *Keeper) prepay(ctx sdk.Context, tenant sdk.AccAddress, lease types.Lease, more math.Int) error {
	params, err := k.params.Get(ctx)
	if err != nil {
		return err
	}
	p, err := k.openPurse(ctx, tenant, lease.Denom)
	if err != nil {
		return err
	}
	if missing := p.account.Missing(p.balance, types.NoRates(), more, params.MinRunway, ctx.BlockTime(), p.usd); missing.IsPositive() {
		return types.ErrInsufficientDeposit.Wrapf("extend_by: %s short to pay %s for the reserved lease %s in advance: deposit that much more",
			types.ReadableIn(lease.Denom, missing), types.ReadableIn(lease.Denom, more), lease.ID())
	}
	p.account = p.account.HoldBack(more)
	return k.savePurse(ctx, p)
}
