// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"errors"
	"time"

	"cosmossdk.io/collections"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/providers/types"
)

// Bindable says whether Bind would succeed now.
func (k *Keeper) Bindable(ctx sdk.Context, id uint64) error {
	s, err := k.Status(ctx, id)
	if err != nil {
		return err
	}
	_, err = k.bind(ctx, s, "")
	return err
}

// Bind gives a free Container to a lease. It writes the Container's status and nothing else.
func (k *Keeper) Bind(ctx sdk.Context, id uint64, leaseID string) error {
	if leaseID == "" {
		return types.ErrInvalidField.Wrap("lease: want a lease id, have none")
	}
	prev, err := k.Status(ctx, id)
	if err != nil {
		return err
	}
	next, err := k.bind(ctx, prev, leaseID)
	if err != nil {
		return err
	}
	return k.change(ctx, prev, next, nil)
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

// bind is the pure transition behind the questions whether the Container is available and its worker alive.
func (k *Keeper) bind(ctx sdk.Context, s types.ContainerStatus, leaseID string) (types.ContainerStatus, error) {
	next, err := s.Bind(leaseID, ctx.BlockTime())
	if err != nil {
		return s, err
	}
	c, err := k.Container(ctx, s.Id)
	if err != nil {
		return s, err
	}
	if !types.Open(c.Windows, ctx.BlockTime()) {
		return s, types.ErrContainerNotFree.Wrapf("container %d is not available now; again from %s",
			s.Id, types.NextOpen(c.Windows, ctx.BlockTime()).Format(time.RFC3339))
	}
	params, err := k.Params(ctx)
	if err != nil {
		return s, err
	}
	seen, err := k.LastSeen(ctx, s.Id)
	if err != nil {
		return s, err
	}
	if params.Silent(seen, ctx.BlockTime()) {
		return s, types.ErrContainerNotFree.Wrapf("container %d: its worker was last heard of %s ago, more than %d intervals of %s",
			s.Id, ctx.BlockTime().Sub(seen), types.HeartbeatsMissed, params.HeartbeatInterval)
	}
	return next, nil
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
