// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	sdk "github.com/cosmos/cosmos-sdk/types"
)

// BeginBlock makes the beacon of a block that carries no votes, before any transaction can ask for it.
func (k *Keeper) BeginBlock(ctx sdk.Context) error {
	return k.ensureBeacon(ctx)
}

// EndBlock folds what the block's transactions left and ends the epoch when its time is over. It must run after the
// EndBlockers of all modules that move rows, and after x/bank's, which credits the vault's account with the deposits of
// the block.
func (k *Keeper) EndBlock(ctx sdk.Context) error {
	if err := k.foldDeltas(ctx); err != nil {
		return err
	}
	if err := k.forgetSigners(ctx); err != nil {
		return err
	}
	if err := k.stepUsdIndex(ctx); err != nil {
		return err
	}
	return k.advanceEpoch(ctx)
}
