// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"testing"
	"time"

	"cosmossdk.io/math"
	"github.com/stretchr/testify/require"

	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
	"github.com/athnet/ath/x/leases/types"
)

// TestSLAInAStableDenom: what a fault owes comes out of the fees of that denom; what they don't cover is claimed in uath at the present price,
// and what the fund advances on it is in the tenant's uath account, as its own.
func TestSLAInAStableDenom(t *testing.T) {
	for name, c := range map[string]struct {
		price, left, collateral int64
		claim, advanced         int64
		credited                int64
	}{
		"fees cover it":            {price: 3, left: 6_000, credited: 3_000},
		"the fund advances":        {price: 3, left: 1_000, collateral: 1_000_000, claim: 6_000, advanced: 6_000, credited: 3_000},
		"a ticket holds a part":    {price: 3, left: 1_000, collateral: 1_501, claim: 6_000, advanced: 1_501, credited: 1_501},
		"nobody knows what it is":  {left: 1_000, collateral: 1_000_000, credited: 1_000},
		"nothing is left anywhere": {price: 3, claim: 9_000},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.allow(usdc)
			w.addOfferIn(1, 1, usdc, 10)
			id := w.open(w.orderIn(tenant(1), usdc, usdc, 100_000, 1))
			// Somebody else's money is in the uath account; what is advanced is no credit for it.
			w.fund(tenant(2), 2_000_000)
			_, err := w.k.Deposit(w.ctx, tenant(2), tenant(1), sdk.NewInt64Coin(athtypes.Denom, 2_000_000))
			require.NoError(t, err)
			w.start(id)
			if c.price != 0 {
				w.vault.setPrice(w.ctx.BlockTime(), c.price)
				w.vault.stale = true // the last price goes
			}
			w.pass(15 * time.Minute)
			w.pass(5 * time.Minute)
			w.settled(id)
			require.Equal(t, int64(12_000), w.earnedIn(1, usdc))
			require.NoError(t, w.vault.rows.Set(w.ctx, in("earned/"+provider(1).String(), usdc), math.NewInt(c.left)))
			require.NoError(t, w.vault.rows.Set(w.ctx, "fund/"+athtypes.Denom, math.NewInt(1_000_000)))
			w.providers.collateral = c.collateral
			w.fault(1, time.Minute)
			require.Equal(t, c.credited, w.lease(id).Credited.Int64())
			require.Equal(t, int64(88_000)+min(c.left, 3_000), w.balanceIn(tenant(1), usdc))
			require.Equal(t, 2_000_000+c.advanced, w.balance(tenant(1)))
			require.Equal(t, c.claim, w.providers.claimed)
			paid, err := w.k.Withdraw(w.ctx, tenant(1), sdk.NewInt64Coin(athtypes.Denom, 0))
			if c.advanced == 0 {
				require.ErrorIs(t, err, types.ErrInsufficientFree)
			} else {
				require.NoError(t, err)
				require.Equal(t, c.advanced, paid.Amount.Int64())
			}
			w.check()
		})
	}
}

// TestTheFundAdvancesNothingToTheProvidersOwn, be it in the account that paid or in the one that would get it.
func TestTheFundAdvancesNothingToTheProvidersOwn(t *testing.T) {
	for _, denom := range []string{usdc, athtypes.Denom} {
		w := newWorld(t)
		w.allow(usdc)
		w.addOfferIn(1, 1, usdc, 10)
		id := w.open(w.orderIn(tenant(1), usdc, usdc, 100_000, 1))
		w.fundIn(operator(1), denom, 2_000_000)
		_, err := w.k.Deposit(w.ctx, operator(1), tenant(1), sdk.NewInt64Coin(denom, 2_000_000))
		require.NoError(t, err)
		w.start(id)
		w.vault.setPrice(w.ctx.BlockTime(), 3)
		w.pass(20 * time.Minute)
		w.settled(id)
		require.NoError(t, w.vault.rows.Set(w.ctx, in("earned/"+provider(1).String(), usdc), math.ZeroInt()))
		require.NoError(t, w.vault.rows.Set(w.ctx, "fund/"+athtypes.Denom, math.NewInt(1_000_000)))
		w.providers.collateral = 1_000_000
		w.fault(1, time.Minute)
		require.Equal(t, int64(9_000), w.providers.claimed)
		require.Equal(t, int64(1_000_000), w.vault.get(w.ctx, "fund/"+athtypes.Denom).Int64(), denom)
		require.True(t, w.lease(id).Credited.IsZero())
	}
}

// TestBreachOfALeaseInAStableDenom gives back in the denom, and is claimed in uath.
func TestBreachOfALeaseInAStableDenom(t *testing.T) {
	w := newWorld(t)
	w.allow(usdc)
	w.addContainer(1, 1)
	o := offer(1, 10)
	o.Denom = usdc
	o.Reserved = &types.ReservedTerms{Rate: math.NewInt(8_000_000), MinTerm: time.Hour}
	require.NoError(t, w.k.SetOffers(w.ctx, provider(1), []types.Offer{o}))
	w.vault.setPrice(w.ctx.BlockTime(), 3)
	msg := w.orderIn(tenant(1), usdc, usdc, 3_000_000, 1)
	msg.Mode, msg.Duration = types.LeaseMode_LEASE_MODE_RESERVED, 48*time.Hour
	id := w.open(msg)
	require.Equal(t, int64(8*48*3600), w.lease(id).Reserve.Int64(), "paid in advance, in the denom")
	w.start(id)
	w.pass(time.Hour)
	w.check()
	require.NoError(t, w.giveNotice(operator(1), id))
	require.Equal(t, int64(3*8*23*3600), w.charged(id))
	require.Equal(t, int64(3*8*(23-1)*3600), w.providers.breaches[id.String()], "less what was given back")
	require.Zero(t, w.earnedIn(1, usdc), "in the denom that was paid: all of the hour, of 23 that are withheld")
	w.pass(25 * time.Hour)
	require.Equal(t, types.CloseReason_CLOSE_REASON_PROVIDER, w.receipt(id).Reason)
	require.Equal(t, int64(8*24*3600), w.earnedIn(1, usdc))
	w.check()
}
