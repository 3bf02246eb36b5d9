// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"cosmossdk.io/collections"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/ath/types"
)

// Beacon returns the random value of this block, 32 bytes; docs/beacon.md says who can bias it and by how much.
func (k *Keeper) Beacon(ctx sdk.Context) ([]byte, error) {
	value, err := k.beacon.Get(ctx)
	if errors.Is(err, collections.ErrNotFound) {
		return make([]byte, types.BeaconSize), nil
	}
	return value, err
}

// MixedBeacon mixes the beacons of the last 64 blocks, this one included.
func (k *Keeper) MixedBeacon(ctx sdk.Context) ([]byte, error) {
	records, err := k.keptBeacons(ctx)
	if err != nil {
		return nil, err
	}
	return types.MixBeacons(records), nil
}

// keptBeacons returns the last beacons in order of height.
func (k *Keeper) keptBeacons(ctx context.Context) ([]types.BeaconRecord, error) {
	var records []types.BeaconRecord
	err := k.beacons.Walk(ctx, nil, func(_ uint64, record types.BeaconRecord) (bool, error) {
		records = append(records, record)
		return false, nil
	})
	slices.SortFunc(records, func(a, b types.BeaconRecord) int { return cmp.Compare(a.Height, b.Height) })
	return records, err
}

// stepBeacon makes the block's beacon from the votes that the block carries: from the contributions in them, or from the
// block's hash where there is none.
func (k *Keeper) stepBeacon(ctx sdk.Context, votes []types.Vote) error {
	previous, err := k.Beacon(ctx)
	if err != nil {
		return err
	}
	input := types.BeaconInput{
		ChainID: ctx.ChainID(), Height: ctx.BlockHeight(), Previous: previous,
		BlockHash: ctx.HeaderInfo().Hash, AppHash: ctx.BlockHeader().AppHash,
	}
	if input.Votes, err = k.beaconVotes(ctx, votes); err != nil {
		return err
	}
	record, refused := input.Step()
	for _, operator := range refused {
		text, err := k.validators.ValidatorAddressCodec().BytesToString(operator)
		if err != nil {
			return err
		}
		if err := types.Emit(ctx, &types.EventBeaconProofRefused{Operator: text}); err != nil {
			return err
		}
	}
	if err := k.beacons.Set(ctx, types.BeaconSlot(record.Height), record); err != nil {
		return err
	}
	return k.beacon.Set(ctx, record.Value)
}

// ensureBeacon makes the beacon of a block that carries no votes.
func (k *Keeper) ensureBeacon(ctx sdk.Context) error {
	record, err := k.beacons.Get(ctx, types.BeaconSlot(ctx.BlockHeight()))
	if err == nil && record.Height == ctx.BlockHeight() {
		return nil
	}
	if err != nil && !errors.Is(err, collections.ErrNotFound) {
		return err
	}
	return k.stepBeacon(ctx, nil)
}

// beaconVotes adds to each vote the voter's key in use.
func (k *Keeper) beaconVotes(ctx sdk.Context, votes []types.Vote) ([]types.BeaconVote, error) {
	if len(votes) == 0 {
		return nil, nil
	}
	epoch, err := k.epoch.Get(ctx)
	if err != nil {
		return nil, err
	}
	joined := make([]types.BeaconVote, 0, len(votes))
	for _, vote := range votes {
		key, err := k.beaconKeys.Get(ctx, vote.Operator)
		if err != nil && !errors.Is(err, collections.ErrNotFound) {
			return nil, err
		}
		joined = append(joined, types.BeaconVote{Operator: vote.Operator, Key: key.InUse(epoch.Number), Proof: vote.BeaconProof})
	}
	return joined, nil
}
