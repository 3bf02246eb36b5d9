// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"errors"
	"time"

	"cosmossdk.io/collections"

	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
	"github.com/athnet/ath/x/providers/types"
)

// Vacancy returns a Container that can be leased now, for Bind in the same transaction.
func (k *Keeper) Vacancy(ctx sdk.Context, id uint64) (types.Vacancy, error) {
	s, err := k.Status(ctx, id)
	if err != nil {
		return types.Vacancy{}, err
	}
	return k.vacancy(ctx, s)
}

// Bindable says whether there is a Vacancy.
func (k *Keeper) Bindable(ctx sdk.Context, id uint64) error {
	_, err := k.Vacancy(ctx, id)
	return err
}

// Bind gives a vacant Container to a lease. It writes the Container's status and nothing else, and reads nothing: the transaction has
// just asked for the Vacancy.
func (k *Keeper) Bind(ctx sdk.Context, v types.Vacancy, leaseID string) error {
	if leaseID == "" {
		return types.ErrInvalidField.Wrap("lease: want a lease id, have none")
	}
	next, err := v.Status.Bind(leaseID, ctx.BlockTime())
	if err != nil {
		return err
	}
	if err := k.statuses.Set(ctx, next.Id, next); err != nil {
		return err
	}
	if err := k.figures.CountClass(ctx, next.Figures(v.Container).Add(v.Status.Figures(v.Container).Neg())); err != nil {
		return err
	}
	return athtypes.Emit(ctx, &types.EventContainerStatusChanged{Status: next, Previous: v.Status.State})
}

// Rebind hands a leased Container that is not faulty from one lease to another of the same tenant. It writes the Container's status and
// nothing else.
func (k *Keeper) Rebind(ctx sdk.Context, id uint64, from, to string) error {
	if to == "" {
		return types.ErrInvalidField.Wrap("lease: want a lease id, have none")
	}
	prev, err := k.Status(ctx, id)
	if err != nil {
		return err
	}
	next, err := prev.Rebind(from, to)
	if err != nil {
		return err
	}
	return k.change(ctx, prev, next, nil)
}

// vacancy asks all that a lease needs of a Container: its state, whether it is available at this time, and its worker alive.
func (k *Keeper) vacancy(ctx sdk.Context, s types.ContainerStatus) (types.Vacancy, error) {
	v := types.Vacancy{Status: s}
	if _, err := s.Bind("", ctx.BlockTime()); err != nil {
		return v, err
	}
	var err error
	if v.Container, err = k.Container(ctx, s.Id); err != nil {
		return v, err
	}
	if windows := v.Container.Windows; !types.Open(windows, ctx.BlockTime()) {
		return v, types.ErrContainerNotFree.Wrapf("container %d is not available now; again from %s",
			s.Id, types.NextOpen(windows, ctx.BlockTime()).Format(time.RFC3339))
	}
	params, err := k.Params(ctx)
	if err != nil {
		return v, err
	}
	seen, err := k.LastSeen(ctx, s.Id)
	if err != nil {
		return v, err
	}
	if params.Silent(seen, ctx.BlockTime()) {
		return v, types.ErrContainerNotFree.Wrapf("container %d: its worker was last heard of %s ago, more than %d intervals of %s",
			s.Id, ctx.BlockTime().Sub(seen), types.HeartbeatsMissed, params.HeartbeatInterval)
	}
	return v, nil
}

// Release takes a Container back from its lease. After a lease that was served it writes the status and nothing else; after
// one that was not started the Container must be checked anew and its capacity earns nothing for a time.
func (k *Keeper) Release(ctx sdk.Context, id uint64, leaseID string, notStarted bool) error {
	prev, err := k.Status(ctx, id)
	if err != nil {
		return err
	}
	var suspendUntil time.Time
	if notStarted {
		params, err := k.Params(ctx)
		if err != nil {
			return err
		}
		suspendUntil = ctx.BlockTime().Add(params.CapacitySuspension)
	}
	next, err := prev.Release(leaseID, notStarted, suspendUntil, ctx.BlockTime())
	if err != nil {
		return err
	}
	edits := k.editShards()
	if err := k.change(ctx, prev, next, edits); err != nil {
		return err
	}
	return edits.save(ctx)
}

// LastSeen returns the block time of a Container's last heartbeat; the zero time if there was none.
func (k *Keeper) LastSeen(ctx sdk.Context, id uint64) (time.Time, error) {
	nanos, err := k.lastSeen.Get(ctx, id)
	if errors.Is(err, collections.ErrNotFound) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, err
	}
	return time.Unix(0, nanos).UTC(), nil
}
