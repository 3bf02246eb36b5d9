// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"errors"
	"fmt"
	"strings"

	"cosmossdk.io/collections"

	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
	"github.com/athnet/ath/x/leases/types"
	providertypes "github.com/athnet/ath/x/providers/types"
)

// maxReasons bounds how many candidates an error explains one by one.
const maxReasons = 8

// pick returns the first candidate that is free and fits; where none does and the requirement names a class, the cheapest
// that fits among the first maxScan entries of the price index.
func (k *Keeper) pick(ctx sdk.Context, demand types.Demand, candidates []uint64, maxScan uint32) (types.Offer, error) {
	var why []string
	for i, id := range candidates {
		offer, misfit, err := k.fit(ctx, demand, id)
		if err != nil {
			return types.Offer{}, err
		}
		if misfit == types.Fits {
			return offer, nil
		}
		if i < maxReasons {
			why = append(why, fmt.Sprintf("container %d: %s", id, misfit))
		}
	}
	if len(candidates) > maxReasons {
		why = append(why, fmt.Sprintf("and %d candidates more", len(candidates)-maxReasons))
	}
	if demand.Requirement.Class == "" {
		return types.Offer{}, types.ErrNoMatch.Wrapf("candidates: %s; name others, or a requirement with a class", strings.Join(why, ", "))
	}
	offers, tally, err := k.scan(ctx, demand, maxScan, 1)
	if err != nil {
		return types.Offer{}, err
	}
	if len(offers) == 1 {
		return offers[0], nil
	}
	why = append(why, fmt.Sprintf("class %s: %s", demand.Requirement.Class, tally))
	return types.Offer{}, types.ErrNoMatch.Wrapf("requirement: %s; relax what fails most, or name candidates", strings.Join(why, ", "))
}

// fit says whether a Container serves a demand now, and if not in which dimension it fails.
func (k *Keeper) fit(ctx sdk.Context, demand types.Demand, id uint64) (types.Offer, types.Misfit, error) {
	offer, err := k.offers.Get(ctx, id)
	switch {
	case errors.Is(err, collections.ErrNotFound):
		return offer, types.MisfitNoOffer, nil
	case err != nil:
		return offer, types.Fits, err
	}
	if misfit := demand.Offer(offer); misfit != types.Fits {
		return offer, misfit, nil
	}
	container, err := k.providers.Container(ctx, id)
	switch {
	case errors.Is(err, providertypes.ErrContainerNotFound):
		return offer, types.MisfitUnknown, nil
	case err != nil:
		return offer, types.Fits, err
	}
	if misfit := demand.Container(container); misfit != types.Fits {
		return offer, misfit, nil
	}
	err = k.providers.Bindable(ctx, id)
	if errors.Is(err, providertypes.ErrContainerNotFree) {
		return offer, types.MisfitBusy, nil
	}
	return offer, types.Fits, err
}

// scan walks the price index of the demanded class from the cheapest entry and returns up to limit offers that fit. It looks
// at no more than maxScan entries and tallies why those it passed over did not fit.
func (k *Keeper) scan(ctx sdk.Context, demand types.Demand, maxScan, limit uint32) ([]types.Offer, types.Tally, error) {
	var (
		offers []types.Offer
		tally  types.Tally
		looked uint32
	)
	prefix := collections.NewSuperPrefixedQuadRange[string, string, uint64, uint64](demand.Requirement.Class, athtypes.Denom)
	err := k.prices.Walk(ctx, prefix, func(key priceKey) (bool, error) {
		if looked == maxScan {
			tally.Cut = true
			return true, nil
		}
		looked++
		offer, misfit, err := k.fit(ctx, demand, key.K4())
		if err != nil {
			return true, err
		}
		if misfit == types.Fits {
			offers = append(offers, offer)
			return uint32(len(offers)) == limit, nil
		}
		tally.Add(misfit)
		return misfit == types.MisfitPrice, nil // all that follow cost more
	})
	return offers, tally, err
}
