// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"time"

	sdk "github.com/cosmos/cosmos-sdk/types"
)

// EarnsUntil is up to when a Container's service earns for a lease: since a fault stands, up to that, else up to now.
// Silent Checkers don't change it, so they stop rewards and never a tenant's service or its billing.
func (k *Keeper) EarnsUntil(ctx sdk.Context, container uint64) (time.Time, error) {
	s, err := k.Status(ctx, container)
	if err != nil {
		return time.Time{}, err
	}
	return s.EarnsUntil(ctx.BlockTime()), nil
}
