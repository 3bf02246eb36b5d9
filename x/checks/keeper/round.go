// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"errors"

	"cosmossdk.io/collections"

	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
	"github.com/athnet/ath/x/checks/types"
)

// runningRound returns the running round; the zero Round before the first block has ended.
func (k *Keeper) runningRound(ctx sdk.Context) (types.Round, error) {
	round, err := k.running.Get(ctx)
	if errors.Is(err, collections.ErrNotFound) {
		return types.Round{}, nil
	}
	return round, err
}

// Round returns the running round or one of those before it that are still kept; ErrRoundNotFound.
func (k *Keeper) Round(ctx sdk.Context, number uint64) (types.Round, error) {
	running, err := k.runningRound(ctx)
	if err != nil {
		return types.Round{}, err
	}
	if number != 0 && number == running.Number {
		return running, nil
	}
	round, err := k.past.Get(ctx, number)
	if errors.Is(err, collections.ErrNotFound) {
		return round, types.ErrRoundNotFound.Wrapf("round: %d; round %d runs, and only the last ones are kept", number, running.Number)
	}
	return round, err
}

// advanceRound notes when the running round opens for reports, and starts the next one when it is due. While verdicts are
// still being applied no round ends: seats answer for three rounds, not more.
func (k *Keeper) advanceRound(ctx sdk.Context) error {
	params, err := k.Params(ctx)
	if err != nil {
		return err
	}
	running, err := k.runningRound(ctx)
	if err != nil {
		return err
	}
	now := ctx.BlockTime()
	if running.Number == 0 {
		return k.startRound(ctx, running, params)
	}
	running, changed := running.Open(now, params)
	if !running.Due(now, params) {
		if !changed {
			return nil
		}
		return k.running.Set(ctx, running)
	}
	if judging, err := k.judgingState(ctx); err != nil || judging.Round != 0 {
		return err
	}
	if err := k.past.Set(ctx, running.Number, running.Close(now)); err != nil {
		return err
	}
	if err := k.vault.MarkRound(ctx, running.Number); err != nil {
		return err
	}
	return k.startRound(ctx, running, params)
}

// startRound starts the round after one: seats change, the beacons seed the committees, and the round whose reveals are
// complete now waits for its verdicts.
func (k *Keeper) startRound(ctx sdk.Context, before types.Round, params types.Params) error {
	seats, number := before.Seats, before.Number+1
	if types.SeatsMayChange(number) {
		var err error
		if seats, err = k.reseatPending(ctx, seats, number); err != nil {
			return err
		}
	}
	beacon, err := k.vault.MixedBeacon(ctx)
	if err != nil {
		return err
	}
	shards, err := k.providers.Shards(ctx)
	if err != nil {
		return err
	}
	round := before.NextRound(ctx.BlockTime(), beacon, seats, shards, params)
	if err := k.running.Set(ctx, round); err != nil {
		return err
	}
	if judged := types.JudgedRound(number); judged != 0 {
		if err := k.judging.Set(ctx, types.Judging{Round: judged}); err != nil {
			return err
		}
	}
	return athtypes.Emit(ctx, &types.EventRoundStarted{Round: round})
}
