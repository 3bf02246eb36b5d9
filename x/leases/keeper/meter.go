// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"time"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
	"github.com/athnet/ath/x/leases/types"
)

// usdClock is x/ath's UsdIndex as the pure functions want it. It reads only what is asked for: nothing where no price is in USD. Its first
// error stays, and fails whatever saves the purse.
type usdClock struct {
	k   *Keeper
	ctx sdk.Context
	// running is the step of now, once it was asked for; later times are on it too.
	running *athtypes.UsdIndex
	err     error
}

var _ types.Clock = (*usdClock)(nil)

func (k *Keeper) usdClock(ctx sdk.Context) *usdClock { return &usdClock{k: k, ctx: ctx} }

// At implements types.Clock.
func (c *usdClock) At(t time.Time) math.Int {
	if c.running == nil {
		step, err := c.k.vault.UsdStep(c.ctx, c.ctx.BlockTime())
		if err != nil {
			return c.failed(err)
		}
		c.running = &step
	}
	if !t.Before(c.running.SteppedAt) {
		return c.running.At(t)
	}
	step, err := c.k.vault.UsdStep(c.ctx, t)
	if err != nil {
		return c.failed(err)
	}
	return step.At(t)
}

func (c *usdClock) failed(err error) math.Int {
	if c.err == nil {
		c.err = err
	}
	return math.ZeroInt()
}

// quotable says whether an offer's price is one that a lease can be made by now: one in USD needs a price of ATH that is not stale.
func (k *Keeper) quotable(ctx sdk.Context, denom string) error {
	if denom != types.MicroUSD {
		return nil
	}
	return k.vault.UsdQuotable(ctx)
}
