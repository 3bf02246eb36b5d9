// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"errors"
	"time"

	"cosmossdk.io/collections"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/providers/types"
)

// Resumed is since when blocks come without a long pause. Who must act within a time is given that time from then on: while
// the network stood still, for an upgrade say, nobody could. On a chain that has just begun, also from an export, it is now.
func (k *Keeper) Resumed(ctx sdk.Context) (time.Time, error) {
	now := ctx.BlockTime()
	noted, err := k.noted.Get(ctx)
	if errors.Is(err, collections.ErrNotFound) {
		return now, nil
	}
	if err != nil || types.Paused(time.Unix(0, noted), now) {
		return now, err
	}
	resumed, err := k.resumed.Get(ctx)
	return time.Unix(0, resumed).UTC(), err
}

// notePulse notes that blocks come: a look-up, a write per PulseNoted, and one where they come again.
func (k *Keeper) notePulse(ctx sdk.Context) error {
	now := ctx.BlockTime()
	noted, err := k.noted.Get(ctx)
	begins := errors.Is(err, collections.ErrNotFound)
	if err != nil && !begins {
		return err
	}
	if begins || types.Paused(time.Unix(0, noted), now) {
		if err := k.resumed.Set(ctx, now.UnixNano()); err != nil {
			return err
		}
	} else if now.UnixNano()-noted < int64(types.PulseNoted) {
		return nil
	}
	return k.noted.Set(ctx, now.UnixNano())
}
