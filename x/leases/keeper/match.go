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

// maxFree bounds how many free Containers an error names to who came too late.
const maxFree = 3

// pick returns n offers: the first candidates that are free and fit; where they are too few and the requirement names a class, the
// cheapest that fit among the first entries of the price index: maxScan of them, and two more for each of a gang.
func (k *Keeper) pick(ctx sdk.Context, demand types.Demand, candidates []uint64, n int, maxScan uint32) ([]types.Offer, error) {
	var (
		offers []types.Offer
		why    []string
	)
	for _, id := range candidates {
		if len(offers) == n {
			return offers, nil
		}
		offer, misfit, err := k.fit(ctx, demand, id)
		switch {
		case err != nil:
			return nil, err
		case misfit == types.Fits:
			offers = append(offers, offer)
		case len(why) < maxReasons:
			why = append(why, fmt.Sprintf("container %d: %s", id, misfit))
		case len(why) == maxReasons:
			why = append(why, "and others")
		}
	}
	if len(offers) == n {
		return offers, nil
	}
	if demand.Requirement.Class == "" {
		return nil, types.ErrNoMatch.Wrapf("candidates: %s%s; name others, or a requirement with a class%s",
			ofGang(len(offers), n), strings.Join(why, ", "), k.elsewhere(ctx, demand, candidates, maxScan))
	}
	if n > 1 {
		maxScan += uint32(2 * n)
	}
	taken := map[uint64]bool{}
	for _, offer := range offers {
		taken[offer.ContainerId] = true
	}
	seen, err := k.scan(ctx, demand, maxScan, n-len(offers), taken)
	if err != nil {
		return nil, err
	}
	if offers = append(offers, seen.offers...); len(offers) == n {
		return offers, nil
	}
	why = append(why, fmt.Sprintf("class %s: %s", demand.Requirement.Class, seen.tally))
	return nil, types.ErrNoMatch.Wrapf("requirement: %s%s; relax what fails most, or name candidates", ofGang(len(offers), n), strings.Join(why, ", "))
}

// ofGang says how much of a gang was found.
func ofGang(found, n int) string {
	if n == 1 {
		return ""
	}
	return fmt.Sprintf("%d of %d fit; ", found, n)
}

// elsewhere tells a tenant who named candidates and lost them to others what else of their class is free. It is for information: what
// it can't read it leaves out.
func (k *Keeper) elsewhere(ctx sdk.Context, demand types.Demand, candidates []uint64, maxScan uint32) string {
	offer, err := k.offers.Get(ctx, candidates[0])
	if err != nil {
		return ""
	}
	demand.Requirement.Class = offer.Class
	seen, err := k.scan(ctx, demand, maxScan, maxFree, nil)
	if err != nil || len(seen.offers) == 0 {
		return ""
	}
	free := make([]string, len(seen.offers))
	for i, o := range seen.offers {
		free[i] = fmt.Sprintf("container %d for %s per hour", o.ContainerId, types.Readable(types.PerHour(o.Rate)))
	}
	return fmt.Sprintf("; free now in class %s: %s", offer.Class, strings.Join(free, ", "))
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

// scanned is what a walk through the price index has found.
type scanned struct {
	// offers fit, cheapest first.
	offers []types.Offer
	// stale are Containers that fit but can't be leased now.
	stale []uint64
	// tally is why entries were passed over.
	tally types.Tally
}

// scan walks the price index of the demanded class from the cheapest entry and returns up to limit offers that fit, without those
// that are taken already. It looks at no more than maxScan entries and tallies why those it passed over did not fit.
func (k *Keeper) scan(ctx sdk.Context, demand types.Demand, maxScan uint32, limit int, taken map[uint64]bool) (scanned, error) {
	var (
		found  scanned
		looked uint32
	)
	prefix := collections.NewSuperPrefixedQuadRange[string, string, uint64, uint64](demand.Requirement.Class, athtypes.Denom)
	err := k.prices.Walk(ctx, prefix, func(key priceKey) (bool, error) {
		if looked == maxScan {
			found.tally.Cut = true
			return true, nil
		}
		looked++
		if taken[key.K4()] {
			return false, nil
		}
		offer, misfit, err := k.fit(ctx, demand, key.K4())
		if err != nil {
			return true, err
		}
		switch misfit {
		case types.Fits:
			found.offers = append(found.offers, offer)
			return len(found.offers) == limit, nil
		case types.MisfitBusy, types.MisfitUnknown:
			found.stale = append(found.stale, key.K4())
		}
		found.tally.Add(misfit)
		return misfit == types.MisfitPrice, nil // all that follow cost more
	})
	return found, err
}
