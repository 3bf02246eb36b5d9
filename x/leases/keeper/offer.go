// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"errors"

	"cosmossdk.io/collections"
	errorsmod "cosmossdk.io/errors"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
	"github.com/athnet/ath/x/leases/types"
	providertypes "github.com/athnet/ath/x/providers/types"
)

// Offer returns a Container's standing price.
func (k *Keeper) Offer(ctx sdk.Context, id uint64) (types.Offer, error) {
	offer, err := k.offers.Get(ctx, id)
	if errors.Is(err, collections.ErrNotFound) {
		return offer, types.ErrOfferNotFound.Wrapf("container_id: %d has no standing price", id)
	}
	return offer, err
}

// SetOffers replaces standing prices; open leases keep theirs.
func (k *Keeper) SetOffers(ctx sdk.Context, signer sdk.AccAddress, offers []types.Offer) error {
	for i, offer := range offers {
		if err := k.setOffer(ctx, signer, offer); err != nil {
			return errorsmod.Wrapf(err, "offers[%d]", i)
		}
	}
	return nil
}

func (k *Keeper) setOffer(ctx sdk.Context, signer sdk.AccAddress, offer types.Offer) error {
	container, err := k.providers.Container(ctx, offer.ContainerId)
	if err != nil {
		return err
	}
	if err := k.providers.Authorize(ctx, signer, container.Provider); err != nil {
		return err
	}
	status, err := k.providers.Status(ctx, offer.ContainerId)
	if err != nil {
		return err
	}
	if status.State == providertypes.ContainerState_CONTAINER_STATE_RETIRED {
		return types.ErrContainerRetired.Wrapf("container_id: %d: register the machine anew", offer.ContainerId)
	}
	if offer.Class != "" && offer.Class != container.Class {
		return types.ErrInvalidOffer.Wrapf("class: %q: container %d is of class %q", offer.Class, offer.ContainerId, container.Class)
	}
	if err := k.priceable(ctx, offer.Denom); err != nil {
		return err
	}
	offer = offer.Normal()
	offer.Class = container.Class
	class, err := k.providers.Class(ctx, container.Class)
	if err != nil {
		return err
	}
	if err := k.dropPrice(ctx, offer.ContainerId); err != nil {
		return err
	}
	if err := k.offers.Set(ctx, offer.ContainerId, offer); err != nil {
		return err
	}
	if status.Lease == "" {
		if err := k.indexPrice(ctx, offer); err != nil {
			return err
		}
	}
	supply, err := k.isSupply(ctx, offer, class, container.Count)
	if err != nil {
		return err
	}
	if err := k.providers.SetOffered(ctx, offer.ContainerId, supply); err != nil {
		return err
	}
	return athtypes.Emit(ctx, &types.EventOfferSet{Offer: offer})
}

// isSupply says whether an offer counts as public supply, which capacity rewards need. One in USD, or in a stable denom, is compared with its
// class's ceiling at the price of now, and is no supply while there is none that leases can be made by.
func (k *Keeper) isSupply(ctx sdk.Context, offer types.Offer, class providertypes.Class, count uint32) (bool, error) {
	if !offer.Supplies() || class.PriceCeiling.IsNil() {
		return false, nil
	}
	price := types.PriceOf(offer.Denom)
	err := k.quotable(ctx, price)
	if err == nil {
		err = k.priceable(ctx, offer.Denom)
	}
	if errors.Is(err, athtypes.ErrNoPrice) || errors.Is(err, types.ErrForeignDenom) {
		return false, nil
	}
	usd := k.usdClock(ctx)
	ceiling := types.Accrued(class.PriceCeiling.Mul(math.NewIntFromUint64(uint64(count))), 1)
	supply := types.NoRates().Add(price, offer.Rate).PerNanosecond(ctx.BlockTime(), usd).LTE(ceiling)
	return supply, errors.Join(err, usd.err)
}

// RemoveOffers takes standing prices back. What a Retired or vanished Container has left behind anyone may remove, so that
// it can't clog the price index.
func (k *Keeper) RemoveOffers(ctx sdk.Context, signer sdk.AccAddress, ids []uint64) error {
	for i, id := range ids {
		if err := k.removeOffer(ctx, signer, id); err != nil {
			return errorsmod.Wrapf(err, "container_ids[%d]", i)
		}
	}
	return nil
}

func (k *Keeper) removeOffer(ctx sdk.Context, signer sdk.AccAddress, id uint64) error {
	if _, err := k.Offer(ctx, id); err != nil {
		return err
	}
	var alive bool
	container, err := k.providers.Container(ctx, id)
	switch {
	case errors.Is(err, providertypes.ErrContainerNotFound):
	case err != nil:
		return err
	default:
		status, err := k.providers.Status(ctx, id)
		if err != nil {
			return err
		}
		alive = status.State != providertypes.ContainerState_CONTAINER_STATE_RETIRED
	}
	if alive {
		if err := k.providers.Authorize(ctx, signer, container.Provider); err != nil {
			return err
		}
		if err := k.providers.SetOffered(ctx, id, false); err != nil {
			return err
		}
	}
	if err := k.dropPrice(ctx, id); err != nil {
		return err
	}
	if err := k.offers.Remove(ctx, id); err != nil {
		return err
	}
	return athtypes.Emit(ctx, &types.EventOfferRemoved{ContainerId: id})
}

// indexPrice puts the offer of a Container without a lease where matching finds it; offers with a list never are there.
func (k *Keeper) indexPrice(ctx sdk.Context, offer types.Offer) error {
	if !offer.Listed() {
		return nil
	}
	return eachPrice(offer, func(mode types.LeaseMode, key priceKey) error { return k.pricesOf(mode).Set(ctx, key) })
}

// dropPrice takes a Container out of the price index, if it has an offer there.
func (k *Keeper) dropPrice(ctx sdk.Context, id uint64) error {
	offer, err := k.offers.Get(ctx, id)
	switch {
	case errors.Is(err, collections.ErrNotFound):
		return nil
	case err != nil:
		return err
	}
	return k.unindexPrice(ctx, offer)
}

// restorePrice puts a Container that was released back into the price index, if it still has an offer. It has just been leased, so
// what somebody saw of it before is of no account.
func (k *Keeper) restorePrice(ctx sdk.Context, id uint64) error {
	offer, err := k.offers.Get(ctx, id)
	switch {
	case errors.Is(err, collections.ErrNotFound):
		return nil
	case err != nil:
		return err
	}
	if offer.Delisted {
		return k.list(ctx, offer)
	}
	return k.indexPrice(ctx, offer)
}

// RefreshOffers compares offers with whether their Containers can be leased now, and takes them out of the price index and of public supply or
// puts them back. x/providers does not call upward when a Container falls silent, and a block can't look at all; so who is in
// the way of matching is removed by whoever it hinders, and who is back says so himself.
func (k *Keeper) RefreshOffers(ctx sdk.Context, ids []uint64) (listed, delisted []uint64, err error) {
	for _, id := range ids {
		offer, err := k.offers.Get(ctx, id)
		if errors.Is(err, collections.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		leased, free, err := k.availability(ctx, offer)
		switch {
		case err != nil:
			return nil, nil, err
		case leased && !offer.Delisted, !leased && offer.Delisted == !free:
		case leased:
			listed, err = append(listed, id), k.relist(ctx, offer)
		case free:
			listed, err = append(listed, id), k.list(ctx, offer)
		default:
			delisted, err = append(delisted, id), k.delist(ctx, offer)
		}
		if err != nil {
			return nil, nil, err
		}
	}
	return listed, delisted, nil
}

// availability says whether an offer's Container has a lease, and whether it can be given one now, which nobody can pay for where the
// offer's denom is allowed no longer.
func (k *Keeper) availability(ctx sdk.Context, offer types.Offer) (leased, free bool, err error) {
	id := offer.ContainerId
	status, err := k.providers.Status(ctx, id)
	if errors.Is(err, providertypes.ErrContainerNotFound) {
		return false, false, nil
	}
	if err != nil || status.Lease != "" {
		return status.Lease != "", false, err
	}
	if err = k.priceable(ctx, offer.Denom); err == nil {
		_, err = k.providers.Vacancy(ctx, id)
	}
	if errors.Is(err, providertypes.ErrContainerNotFree) || errors.Is(err, types.ErrForeignDenom) {
		return false, false, nil
	}
	return false, err == nil, err
}

// list puts the offer of a Container without a lease back into the price index.
func (k *Keeper) list(ctx sdk.Context, offer types.Offer) error {
	offer.Delisted = false
	if err := k.indexPrice(ctx, offer); err != nil {
		return err
	}
	return k.relist(ctx, offer)
}

// relist notes that an offer counts again, also of a Container that was leased by name while it did not.
func (k *Keeper) relist(ctx sdk.Context, offer types.Offer) error {
	offer.Delisted = false
	if err := k.offers.Set(ctx, offer.ContainerId, offer); err != nil {
		return err
	}
	container, err := k.providers.Container(ctx, offer.ContainerId)
	if err != nil {
		return err
	}
	class, err := k.providers.Class(ctx, container.Class)
	if err != nil {
		return err
	}
	supply, err := k.isSupply(ctx, offer, class, container.Count)
	if err != nil {
		return err
	}
	if err := k.providers.SetOffered(ctx, offer.ContainerId, supply); err != nil {
		return err
	}
	return athtypes.Emit(ctx, &types.EventOfferListed{ContainerId: offer.ContainerId})
}

// delist takes the offer of a Container without a lease out of the price index, and with that out of public supply: what can't be leased
// earns no capacity, until it says that it can be.
func (k *Keeper) delist(ctx sdk.Context, offer types.Offer) error {
	if err := k.dropPrice(ctx, offer.ContainerId); err != nil {
		return err
	}
	offer.Delisted = true
	if err := k.offers.Set(ctx, offer.ContainerId, offer); err != nil {
		return err
	}
	if err := k.providers.SetOffered(ctx, offer.ContainerId, false); err != nil && !errors.Is(err, providertypes.ErrContainerNotFound) {
		return err
	}
	return athtypes.Emit(ctx, &types.EventOfferDelisted{ContainerId: offer.ContainerId})
}
