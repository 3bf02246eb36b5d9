// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cosmossdk.io/collections"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/providers/types"
)

// Shards returns how many shards there are or were.
func (k *Keeper) Shards(ctx sdk.Context) (uint64, error) {
	next, err := k.nextContainer.Peek(ctx)
	if err != nil || next <= 1 {
		return 0, err
	}
	shard, _ := types.ShardOf(next - 1)
	return shard + 1, nil
}

// Shard returns the health of a shard; a zero value for one in which nothing is checked.
func (k *Keeper) Shard(ctx sdk.Context, shard uint64) (types.ShardHealth, error) {
	return k.shard(ctx, shard)
}

func (k *Keeper) shard(ctx context.Context, shard uint64) (types.ShardHealth, error) {
	h, err := k.shards.Get(ctx, shard)
	if errors.Is(err, collections.ErrNotFound) {
		return types.ShardHealth{Shard: shard}, nil
	}
	return h, err
}

// saveShard keeps a shard only while something is checked in it, so that shards of Containers that left leave nothing behind.
func (k *Keeper) saveShard(ctx context.Context, h types.ShardHealth) error {
	if h.Vacant() {
		return k.shards.Remove(ctx, h.Shard)
	}
	return k.shards.Set(ctx, h.Shard, h)
}

// ApplyVerdict applies what Checkers decided about a shard in one round. Only Containers whose health changed are touched; a
// shard in which all stay healthy costs one write. Who is skipped is told to the stream before the round is confirmed.
func (k *Keeper) ApplyVerdict(ctx sdk.Context, verdict types.ShardVerdict) error {
	before, err := k.shard(ctx, verdict.Shard)
	if err != nil {
		return err
	}
	after, change, err := before.Apply(verdict)
	if err != nil {
		return err
	}
	if before.Vacant() {
		return nil
	}
	for id := range ids(verdict.Shard, change.Skipped) {
		if err := k.stream.Skip(ctx, id, verdict.Round); err != nil {
			return err
		}
	}
	reason := fmt.Sprintf("found faulty in round %d", verdict.Round)
	for id := range ids(verdict.Shard, change.Fell) {
		if err := k.judge(ctx, id, func(s types.ContainerStatus) (types.ContainerStatus, error) {
			return s.Fail(verdict.FaultSince.UTC(), ctx.BlockTime(), reason)
		}); err != nil {
			return err
		}
	}
	if change.Confirmed {
		if err := k.stream.Confirm(ctx, verdict.Shard, verdict.Round); err != nil {
			return err
		}
	}
	for id := range ids(verdict.Shard, change.Rose) {
		if err := k.judge(ctx, id, func(s types.ContainerStatus) (types.ContainerStatus, error) {
			if s.AwaitsDevices() { // it must be found healthy anew
				_, slot := types.ShardOf(id)
				after = after.Join(slot)
			}
			return s.Heal(ctx.BlockTime())
		}); err != nil {
			return err
		}
	}
	if err := k.suspendSilent(ctx, after, verdict.Round); err != nil {
		return err
	}
	if after.Equal(before) {
		return nil
	}
	return k.saveShard(ctx, after)
}

// suspendSilent looks at the heartbeats of a part of a shard's healthy Containers, another in each round, and suspends those
// whose workers are silent.
func (k *Keeper) suspendSilent(ctx sdk.Context, h types.ShardHealth, round uint64) error {
	params, err := k.Params(ctx)
	if err != nil {
		return err
	}
	resumed, err := k.Resumed(ctx)
	if err != nil {
		return err
	}
	for id := range ids(h.Shard, h.Healthy) {
		if id%types.SilenceRounds != round%types.SilenceRounds {
			continue
		}
		silent, err := k.silentFor(ctx, id, params, resumed)
		if err != nil {
			return err
		}
		if silent == 0 {
			continue
		}
		prev, err := k.Status(ctx, id)
		if err != nil {
			return err
		}
		if err := k.change(ctx, prev, prev.Silence(ctx.BlockTime(), silent), nil); err != nil {
			return err
		}
	}
	return nil
}

// silentFor is how long a Container counts as silent, and at most how long a suspension is.
func (k *Keeper) silentFor(ctx sdk.Context, id uint64, params types.Params, resumed time.Time) (time.Duration, error) {
	seen, err := k.LastSeen(ctx, id)
	return min(params.SilentFor(seen, resumed, ctx.BlockTime()), params.CapacitySuspension), err
}

// judge applies a verdict to one Container. Its bits are those of the verdict, so no shard edit follows.
func (k *Keeper) judge(ctx sdk.Context, id uint64, f func(types.ContainerStatus) (types.ContainerStatus, error)) error {
	prev, err := k.Status(ctx, id)
	if err != nil {
		return err
	}
	next, err := f(prev)
	if err != nil {
		return err
	}
	return k.change(ctx, prev, next, nil)
}

// ids yields the Containers of a shard's slots.
func ids(shard uint64, slots types.Bitmap) func(yield func(uint64) bool) {
	return func(yield func(uint64) bool) {
		for slot := range slots.Slots() {
			if !yield(shard*types.ShardSize + slot) {
				return
			}
		}
	}
}
