// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"errors"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/ath/types"
)

// SetPosition settles a holder into its beneficiary's capacity ledger and gives it a new weight (0 = earns nothing). A
// higher weight counts from the next round on, a lower one for the whole running round. Rounds that are not confirmed yet
// are credited, when they are, to whom the position belongs to then.
func (k *Keeper) SetPosition(ctx sdk.Context, holder, group uint64, beneficiary sdk.AccAddress, weight math.Int) error {
	if err := types.ValidateWeight(weight); err != nil {
		return err
	}
	if beneficiary.Empty() {
		return types.ErrInvalidAddress.Wrap("beneficiary is empty")
	}
	address, err := k.addresses.BytesToString(beneficiary)
	if err != nil {
		return types.ErrInvalidAddress.Wrapf("beneficiary: %s", err)
	}
	stream, err := k.stream.Get(ctx)
	if err != nil {
		return err
	}
	position, err := k.settlePosition(ctx, holder)
	if errors.Is(err, types.ErrPositionNotFound) {
		position, err = types.NewStreamPosition(holder, group, address), nil
	}
	if err != nil {
		return err
	}
	if position.Group != group {
		return types.ErrPositionGroup.Wrapf("holder %d is in group %d, not %d", holder, position.Group, group)
	}
	if position.Beneficiary != address {
		if err := k.unlistHolder(ctx, position); err != nil {
			return err
		}
		position.Beneficiary = address
	}
	if err := k.holders.Set(ctx, collections.Join([]byte(beneficiary), holder)); err != nil {
		return err
	}
	before := position.LatestWeight()
	position = position.SetWeight(stream.Running(), weight)
	position.Removed = false
	if err := k.addWeightDelta(ctx, weight.Sub(before)); err != nil {
		return err
	}
	return k.savePosition(ctx, position)
}

// RemovePosition settles a holder and forgets it: at once where it has nothing to earn any more, otherwise when its
// group is confirmed next.
func (k *Keeper) RemovePosition(ctx sdk.Context, holder uint64) error {
	stream, err := k.stream.Get(ctx)
	if err != nil {
		return err
	}
	position, err := k.settlePosition(ctx, holder)
	if errors.Is(err, types.ErrPositionNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := k.addWeightDelta(ctx, position.LatestWeight().Neg()); err != nil {
		return err
	}
	position = position.SetWeight(stream.Running(), math.ZeroInt())
	position.Removed = true
	return k.savePosition(ctx, position)
}

// MarkRound steps the capacity stream to now and keeps its index as the end of a round; rounds come in order. It belongs
// into a Begin- or EndBlocker: it folds the block's changes of weight, so that the next round counts all of them.
func (k *Keeper) MarkRound(ctx sdk.Context, round uint64) error {
	epoch, err := k.epoch.Get(ctx)
	if err != nil {
		return err
	}
	if err := k.foldWeight(ctx); err != nil {
		return err
	}
	if err := k.stepStream(ctx, epoch); err != nil {
		return err
	}
	stream, err := k.stream.Get(ctx)
	if err != nil {
		return err
	}
	stream, mark, err := stream.Mark(round)
	if err != nil {
		return err
	}
	if err := k.stream.Set(ctx, stream); err != nil {
		return err
	}
	if err := k.marks.Set(ctx, round, mark); err != nil {
		return err
	}
	return k.pruneMark(ctx, mark)
}

// pruneMark drops the mark that is KeptMarks behind: one comes, one goes.
func (k *Keeper) pruneMark(ctx sdk.Context, newest types.StreamMark) error {
	var oldest *types.StreamMark
	err := k.marks.Walk(ctx, nil, func(_ uint64, mark types.StreamMark) (bool, error) {
		oldest = &mark
		return true, nil
	})
	if err != nil || oldest == nil || oldest.Ordinal+types.KeptMarks > newest.Ordinal {
		return err
	}
	return k.marks.Remove(ctx, oldest.Round)
}

// Confirm adds a round's growth of the global index to a group's index; a round that is never confirmed pays the group
// nothing. Positions whose weight changed are brought to the weight that they had in the round first: the work is bounded
// by the group's size and paid for by who changed them.
func (k *Keeper) Confirm(ctx sdk.Context, group, round uint64) error {
	mark, err := k.mark(ctx, round)
	if err != nil {
		return err
	}
	state, err := k.group(ctx, group)
	if err != nil {
		return err
	}
	if err := state.CanConfirm(mark); err != nil {
		return err
	}
	if state, err = k.takeSteps(ctx, state, mark.Ordinal); err != nil {
		return err
	}
	pool, err := k.rowAmount(ctx, newRowKey(types.RowKind_ROW_KIND_POOL, nil, uint64(types.Pool_POOL_CAPACITY), types.Denom))
	if err != nil {
		return err
	}
	state, promised := state.Confirm(mark, pool)
	if err := k.groups.Set(ctx, group, state); err != nil {
		return err
	}
	if err := k.promise(ctx, types.Pool_POOL_CAPACITY, promised); err != nil {
		return err
	}
	return types.Emit(ctx, &types.EventCapacityConfirmed{Group: group, Round: round, Amount: promised})
}

// Skip settles a holder and lets it miss a round that its group has not confirmed yet. A holder without a position has
// nothing to miss.
func (k *Keeper) Skip(ctx sdk.Context, holder, round uint64) error {
	position, err := k.settlePosition(ctx, holder)
	if errors.Is(err, types.ErrPositionNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	mark, err := k.mark(ctx, round)
	if err != nil {
		return err
	}
	state, err := k.group(ctx, position.Group)
	if err != nil {
		return err
	}
	if err := state.CanConfirm(mark); err != nil {
		return err
	}
	return k.savePosition(ctx, position.Skip(mark.Ordinal))
}

// takeSteps brings the group's positions to the weights that they had in a round.
func (k *Keeper) takeSteps(ctx sdk.Context, group types.StreamGroup, ordinal uint64) (types.StreamGroup, error) {
	var holders []uint64
	err := k.pending.Walk(ctx, collections.NewPrefixedPairRange[uint64, uint64](group.Group), func(key groupKey) (bool, error) {
		holders = append(holders, key.K2())
		return false, nil
	})
	if err != nil {
		return group, err
	}
	for _, holder := range holders {
		position, err := k.positions.Get(ctx, holder)
		if err != nil {
			return group, err
		}
		before := position.Weight
		position, pay := position.Take(ordinal, group.Index)
		group.Weight = group.Weight.Add(position.Weight).Sub(before)
		if err := k.creditPosition(ctx, position, pay); err != nil {
			return group, err
		}
		if err := k.savePosition(ctx, position); err != nil {
			return group, err
		}
	}
	return group, nil
}

// Settle credits a holder's beneficiary with what the holder has earned up to now; a holder without a position has earned nothing.
func (k *Keeper) Settle(ctx sdk.Context, holder uint64) error {
	position, err := k.settlePosition(ctx, holder)
	if errors.Is(err, types.ErrPositionNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return k.savePosition(ctx, position)
}

// settlePosition credits what a position has earned; the caller saves what it returns. ErrPositionNotFound.
func (k *Keeper) settlePosition(ctx sdk.Context, holder uint64) (types.StreamPosition, error) {
	position, pay, err := k.accrued(ctx, holder)
	if err != nil {
		return position, err
	}
	return position, k.creditPosition(ctx, position, pay)
}

// accrued is a position, settled, and what that pays; nothing is written.
func (k *Keeper) accrued(ctx sdk.Context, holder uint64) (types.StreamPosition, math.Int, error) {
	position, err := k.positions.Get(ctx, holder)
	if errors.Is(err, collections.ErrNotFound) {
		err = types.ErrPositionNotFound.Wrapf("container %d", holder)
	}
	if err != nil {
		return position, math.Int{}, err
	}
	group, err := k.group(ctx, position.Group)
	if err != nil {
		return position, math.Int{}, err
	}
	position, pay := position.Settle(group.Index)
	return position, pay, nil
}

func (k *Keeper) creditPosition(ctx sdk.Context, position types.StreamPosition, pay math.Int) error {
	if pay.IsZero() {
		return nil
	}
	beneficiary, err := k.addresses.StringToBytes(position.Beneficiary)
	if err != nil {
		return err
	}
	return k.creditLedger(ctx, types.Pool_POOL_CAPACITY, beneficiary, pay)
}

// savePosition writes a position and its entries in the two indexes, or deletes all of them.
func (k *Keeper) savePosition(ctx sdk.Context, position types.StreamPosition) error {
	pending := collections.Join(position.Group, position.Holder)
	if position.Gone() {
		if err := k.unlistHolder(ctx, position); err != nil {
			return err
		}
		if err := k.pending.Remove(ctx, pending); err != nil {
			return err
		}
		return k.positions.Remove(ctx, position.Holder)
	}
	var err error
	if len(position.Steps) > 0 {
		err = k.pending.Set(ctx, pending)
	} else {
		err = k.pending.Remove(ctx, pending)
	}
	if err != nil {
		return err
	}
	return k.positions.Set(ctx, position.Holder, position)
}

func (k *Keeper) unlistHolder(ctx sdk.Context, position types.StreamPosition) error {
	beneficiary, err := k.addresses.StringToBytes(position.Beneficiary)
	if err != nil {
		return err
	}
	return k.holders.Remove(ctx, collections.Join(beneficiary, position.Holder))
}

// stepStream moves the index to now, but not past the epoch's end: after it another rate holds.
func (k *Keeper) stepStream(ctx sdk.Context, epoch types.Epoch) error {
	stream, err := k.stream.Get(ctx)
	if err != nil {
		return err
	}
	until := ctx.BlockTime()
	if until.After(epoch.End()) {
		until = epoch.End()
	}
	return k.stream.Set(ctx, stream.Step(until, epoch.Duration))
}

func (k *Keeper) mark(ctx sdk.Context, round uint64) (types.StreamMark, error) {
	mark, err := k.marks.Get(ctx, round)
	if errors.Is(err, collections.ErrNotFound) {
		err = types.ErrRoundUnknown.Wrapf("round %d; the last %d are kept", round, types.KeptMarks)
	}
	return mark, err
}

func (k *Keeper) group(ctx sdk.Context, group uint64) (types.StreamGroup, error) {
	state, err := k.groups.Get(ctx, group)
	if errors.Is(err, collections.ErrNotFound) {
		return types.NewStreamGroup(group), nil
	}
	return state, err
}
