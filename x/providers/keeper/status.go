// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"context"
	"errors"
	"time"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
	"github.com/athnet/ath/x/providers/types"
)

// Container returns the static part of a Container.
func (k *Keeper) Container(ctx sdk.Context, id uint64) (types.Container, error) {
	c, err := k.containers.Get(ctx, id)
	if errors.Is(err, collections.ErrNotFound) {
		return types.Container{}, types.ErrContainerNotFound.Wrapf("container %d", id)
	}
	return c, err
}

// Status returns the changing part of a Container.
func (k *Keeper) Status(ctx sdk.Context, id uint64) (types.ContainerStatus, error) {
	s, err := k.statuses.Get(ctx, id)
	if errors.Is(err, collections.ErrNotFound) {
		return types.ContainerStatus{}, types.ErrContainerNotFound.Wrapf("container %d", id)
	}
	return s, err
}

// Outage returns a Container's outage index: the sum of all its outages up to now.
func (k *Keeper) Outage(ctx sdk.Context, id uint64) (time.Duration, error) {
	s, err := k.Status(ctx, id)
	if err != nil {
		return 0, err
	}
	return s.OutageAt(ctx.BlockTime()), nil
}

// SetOffered notes whether a public offer at or below the class's price ceiling stands.
func (k *Keeper) SetOffered(ctx sdk.Context, id uint64, offered bool) error {
	prev, err := k.Status(ctx, id)
	if err != nil {
		return err
	}
	next := prev
	next.Offered = offered
	return k.change(ctx, prev, next, nil)
}

// change stores a new status and all that follows from it: shard bits, capacity weight, event. The weight is computed only
// where earning begins, so a lease, which does not change earning, writes the status and nothing else. Edits may be nil
// where the state does not enter or leave checking.
func (k *Keeper) change(ctx sdk.Context, prev, next types.ContainerStatus, edits *shardEdits) error {
	switch {
	case !next.Earns():
		next.Weight = 0
	case !prev.Earns():
		var err error
		if next, err = k.reweigh(ctx, next); err != nil {
			return err
		}
	}
	return k.save(ctx, prev, next, edits)
}

// reweigh computes the weight of a status from the catalogue.
func (k *Keeper) reweigh(ctx sdk.Context, s types.ContainerStatus) (types.ContainerStatus, error) {
	c, err := k.Container(ctx, s.Id)
	if err != nil {
		return s, err
	}
	class, err := k.Class(ctx, c.Class)
	if err != nil {
		return s, err
	}
	return s.Reweigh(class, c), nil
}

// save is the one writer of statuses of living Containers.
func (k *Keeper) save(ctx sdk.Context, prev, next types.ContainerStatus, edits *shardEdits) error {
	if next.Equal(prev) {
		return nil
	}
	if edits != nil {
		if err := edits.follow(ctx, prev, next); err != nil {
			return err
		}
	}
	if err := k.statuses.Set(ctx, next.Id, next); err != nil {
		return err
	}
	if next.Weight != prev.Weight {
		if err := k.setPosition(ctx, next); err != nil {
			return err
		}
	}
	if err := k.countChange(ctx, prev, next); err != nil {
		return err
	}
	return athtypes.Emit(ctx, &types.EventContainerStatusChanged{Status: next, Previous: prev.State})
}

func (k *Keeper) setPosition(ctx sdk.Context, s types.ContainerStatus) error {
	c, err := k.Container(ctx, s.Id)
	if err != nil {
		return err
	}
	owner, err := k.addresses.StringToBytes(c.Provider)
	if err != nil {
		return err
	}
	shard, _ := types.ShardOf(s.Id)
	return k.stream.SetPosition(ctx, s.Id, shard, owner, math.NewIntFromUint64(s.Weight))
}

// shardEdits collects the changes of one message to shards, so that a shard is written once and not per Container.
type shardEdits struct {
	keeper *Keeper
	shards []types.ShardHealth
	index  map[uint64]int
}

func (k *Keeper) editShards() *shardEdits {
	return &shardEdits{keeper: k, index: make(map[uint64]int)}
}

// follow sets the bits that a change of state asks for.
func (e *shardEdits) follow(ctx context.Context, prev, next types.ContainerStatus) error {
	joins := next.State != prev.State && next.State.Joins()
	if !joins && (next.State.Checked() || !prev.State.Checked()) {
		return nil
	}
	shard, slot := types.ShardOf(next.Id)
	at, ok := e.index[shard]
	if !ok {
		h, err := e.keeper.shard(ctx, shard)
		if err != nil {
			return err
		}
		at = len(e.shards)
		e.index[shard] = at
		e.shards = append(e.shards, h)
	}
	if joins {
		e.shards[at] = e.shards[at].Join(slot)
	} else {
		e.shards[at] = e.shards[at].Leave(slot)
	}
	return nil
}

// save writes the shards in the order in which they were first touched.
func (e *shardEdits) save(ctx context.Context) error {
	for _, h := range e.shards {
		if err := e.keeper.saveShard(ctx, h); err != nil {
			return err
		}
	}
	return nil
}
