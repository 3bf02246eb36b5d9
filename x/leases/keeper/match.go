// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"errors"
	"fmt"
	"strings"

	"cosmossdk.io/collections"
	errorsmod "cosmossdk.io/errors"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/leases/types"
	providertypes "github.com/athnet/ath/x/providers/types"
)

// maxReasons bounds how many candidates an error explains one by one.
const maxReasons = 8

// maxFree bounds how many free Containers an error names to who came too late.
const maxFree = 3

// match is an offer with the Container that it is of, free at the time.
type match struct {
	offer types.Offer
	// mode in which it is taken, and the offer as that sees it.
	mode  types.LeaseMode
	terms types.Offer

	vacancy providertypes.Vacancy
}

// pickAll returns what an order leases and, after that, what stands by for it: those on demand also for a reserved lease.
func (k *Keeper) pickAll(ctx sdk.Context, demand types.Demand, order *types.MsgCreateLease, maxScan uint32) ([]match, error) {
	size, standbys := order.Containers(), int(order.Standbys)
	if standbys == 0 || demand.Mode == types.LeaseMode_LEASE_MODE_ON_DEMAND {
		return k.pick(ctx, demand, order.Candidates, size+standbys, maxScan, nil)
	}
	matches, err := k.pick(ctx, demand, order.Candidates, size, maxScan, nil)
	if err != nil {
		return nil, err
	}
	demand.Mode = types.LeaseMode_LEASE_MODE_ON_DEMAND
	more, err := k.pick(ctx, demand, order.Candidates, standbys, maxScan, matches)
	if err != nil {
		return nil, errorsmod.Wrapf(err, "standbys")
	}
	return append(matches, more...), nil
}

// pick returns n matches: the first candidates that are free and fit; where they are too few and the requirement names a class, the
// cheapest that fit among the first entries of the price index: maxScan of them, and two more for each of a gang. What others have
// matched already is left out.
func (k *Keeper) pick(ctx sdk.Context, demand types.Demand, candidates []uint64, n int, maxScan uint32, others []match) ([]match, error) {
	var (
		found []match
		why   []string
	)
	taken := map[uint64]bool{}
	for _, m := range others {
		taken[m.offer.ContainerId] = true
	}
	for _, id := range candidates {
		if len(found) == n {
			return found, nil
		}
		if taken[id] {
			continue
		}
		fitting, misfit, err := k.fit(ctx, demand, id)
		switch {
		case err != nil:
			return nil, err
		case misfit == types.Fits:
			found = append(found, fitting)
		case len(why) < maxReasons:
			why = append(why, fmt.Sprintf("container %d: %s", id, misfit))
		case len(why) == maxReasons:
			why = append(why, "and others")
		}
	}
	if len(found) == n {
		return found, nil
	}
	if demand.Requirement.Class == "" {
		return nil, types.ErrNoMatch.Wrapf("candidates: %s%s; name others, or a requirement with a class%s",
			ofGang(len(found), n), strings.Join(why, ", "), k.elsewhere(ctx, demand, candidates, maxScan))
	}
	if n > 1 {
		maxScan += uint32(2 * n)
	}
	for _, m := range found {
		taken[m.offer.ContainerId] = true
	}
	seen, err := k.scan(ctx, demand, maxScan, n-len(found), taken)
	if err != nil {
		return nil, err
	}
	if found = append(found, seen.matches...); len(found) == n {
		return found, nil
	}
	why = append(why, fmt.Sprintf("class %s: %s", demand.Requirement.Class, seen.tally))
	return nil, types.ErrNoMatch.Wrapf("requirement: %s%s; relax what fails most, or name candidates", ofGang(len(found), n), strings.Join(why, ", "))
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
	if err != nil || len(seen.matches) == 0 {
		return ""
	}
	free := make([]string, len(seen.matches))
	for i, m := range seen.matches {
		o := m.terms
		free[i] = fmt.Sprintf("container %d for %s per hour", o.ContainerId, types.ReadableIn(o.Denom, types.PerHour(o.Rate)))
	}
	return fmt.Sprintf("; free now in class %s: %s", offer.Class, strings.Join(free, ", "))
}

// fit says whether a Container serves a demand now, and if not in which dimension it fails.
func (k *Keeper) fit(ctx sdk.Context, demand types.Demand, id uint64) (match, types.Misfit, error) {
	offer, err := k.offers.Get(ctx, id)
	switch {
	case errors.Is(err, collections.ErrNotFound):
		return match{}, types.MisfitNoOffer, nil
	case err != nil:
		return match{}, types.Fits, err
	}
	terms, ok := offer.In(demand.Mode)
	if !ok {
		return match{}, types.MisfitMode, nil
	}
	if misfit := demand.Offer(terms); misfit != types.Fits {
		return match{}, misfit, nil
	}
	vacancy, err := k.providers.Vacancy(ctx, id)
	switch {
	case errors.Is(err, providertypes.ErrContainerNotFound):
		return match{}, types.MisfitUnknown, nil
	case errors.Is(err, providertypes.ErrContainerNotFree):
		// What it lacks says more than that it is taken.
		container, err := k.providers.Container(ctx, id)
		if misfit := demand.Container(container); err != nil || misfit != types.Fits {
			return match{}, misfit, err
		}
		return match{}, types.MisfitBusy, nil
	case err != nil:
		return match{}, types.Fits, err
	}
	return match{offer: offer, mode: demand.Mode, terms: terms, vacancy: vacancy}, demand.Container(vacancy.Container), nil
}

// scanned is what a walk through the price index has found.
type scanned struct {
	// matches fit, cheapest first.
	matches []match
	// stale are Containers that can't be leased now.
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
	prefix := collections.NewSuperPrefixedQuadRange[string, string, uint64, uint64](demand.Requirement.Class, demand.Denom)
	err := k.pricesOf(demand.Mode).Walk(ctx, prefix, func(key priceKey) (bool, error) {
		if looked == maxScan {
			found.tally.Cut = true
			return true, nil
		}
		looked++
		if taken[key.K4()] {
			return false, nil
		}
		fitting, misfit, err := k.fit(ctx, demand, key.K4())
		if err != nil {
			return true, err
		}
		switch misfit {
		case types.Fits:
			found.matches = append(found.matches, fitting)
			return len(found.matches) == limit, nil
		case types.MisfitBusy, types.MisfitUnknown:
			found.stale = append(found.stale, key.K4())
		}
		found.tally.Add(misfit)
		return misfit == types.MisfitPrice, nil // all that follow cost more
	})
	return found, err
}
