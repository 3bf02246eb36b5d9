// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"cmp"
	"errors"
	"slices"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/checks/types"
)

// counted is a task that counts for a licence's uptime.
type counted struct {
	licence uint64
	correct bool
}

// countTasks brings the uptime of every licence up to date that had tasks judged in this block, and the bonus weight of its
// owner: one write for each, however many shards it was drawn for.
func (k *Keeper) countTasks(ctx sdk.Context, params types.Params, tasks []counted) error {
	slices.SortStableFunc(tasks, func(a, b counted) int { return cmp.Compare(a.licence, b.licence) })
	for len(tasks) > 0 {
		licence, n, correct := tasks[0].licence, uint64(0), uint64(0)
		for ; len(tasks) > 0 && tasks[0].licence == licence; tasks = tasks[1:] {
			n++
			if tasks[0].correct {
				correct++
			}
		}
		if err := k.countLicence(ctx, params, licence, n, correct); err != nil {
			return err
		}
	}
	return nil
}

func (k *Keeper) countLicence(ctx sdk.Context, params types.Params, id, tasks, correct uint64) error {
	licence, err := k.licences.Get(ctx, id)
	if errors.Is(err, collections.ErrNotFound) {
		return nil // it has ended since
	}
	if err != nil {
		return err
	}
	uptime, err := k.uptime(ctx, id)
	if err != nil {
		return err
	}
	quarter, err := k.vault.BonusQuarter(ctx)
	if err != nil {
		return err
	}
	uptime, change := uptime.Count(quarter, tasks, correct, params.BonusUptimePpm)
	if err := k.uptimes.Set(ctx, id, uptime); err != nil {
		return err
	}
	return k.changeBonus(ctx, licence.Owner, change)
}

// uptime is what a licence counts in a quarter; that of a licence without tasks is empty.
func (k *Keeper) uptime(ctx sdk.Context, licence uint64) (types.Uptime, error) {
	uptime, err := k.uptimes.Get(ctx, licence)
	if errors.Is(err, collections.ErrNotFound) {
		return types.Uptime{Licence: licence}, nil
	}
	return uptime, err
}

func (k *Keeper) changeBonus(ctx sdk.Context, owner string, change math.Int) error {
	if change.IsZero() {
		return nil
	}
	address, err := k.addresses.StringToBytes(owner)
	if err != nil {
		return err
	}
	return k.vault.ChangeBonus(ctx, address, change)
}

// passBonus gives the weight that a licence has in the running quarter to its next owner, or to nobody where it ends: else an
// owner who knows of an outage to come would pass the licence on, or end it, and keep what the outage forfeits.
func (k *Keeper) passBonus(ctx sdk.Context, licence uint64, from, to string) error {
	uptime, err := k.uptime(ctx, licence)
	if err != nil {
		return err
	}
	quarter, err := k.vault.BonusQuarter(ctx)
	if err != nil {
		return err
	}
	if to == "" {
		if err := k.uptimes.Remove(ctx, licence); err != nil {
			return err
		}
	}
	if uptime.Quarter != quarter {
		return nil
	}
	weight := math.NewIntFromUint64(uptime.Credited)
	if err := k.changeBonus(ctx, from, weight.Neg()); err != nil {
		return err
	}
	if to == "" {
		return nil
	}
	return k.changeBonus(ctx, to, weight)
}
