// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
	"github.com/athnet/ath/x/leases/types"
)

// TestWhoTakesTheMoneyAwayPaysTheMinimum: letting a lease run dry before its start is no cheaper than closing it.
func TestWhoTakesTheMoneyAwayPaysTheMinimum(t *testing.T) {
	w := newWorld(t)
	w.addOffer(1, 1, 10)
	id := w.open(orderFunded(w, tenant(1), 100_000, 1))
	_, err := w.k.Withdraw(w.ctx, tenant(1), uath(0))
	require.NoError(t, err)
	w.pass(0)
	receipt := w.receipt(id)
	require.Equal(t, types.CloseReason_CLOSE_REASON_EXHAUSTED, receipt.Reason)
	require.Equal(t, int64(600), receipt.Billed.Int64())
	require.Equal(t, int64(600), w.earned(1))
	w.check()

	// Who left money for the runway that was asked for has waited for his provider, and pays nothing.
	id = w.open(orderFunded(w, tenant(2), 3_600, 1))
	w.pass(5*time.Minute + time.Second)
	require.Equal(t, types.CloseReason_CLOSE_REASON_EXHAUSTED, w.receipt(id).Reason)
	require.Equal(t, int64(600), w.earned(1))
	require.Equal(t, int64(3_600), w.balance(tenant(2)))
	w.check()
}

// TestAPauseIsNoWayRoundTheMinimum: a lease that was served, paused, resumed, and left to run dry before its worker could start it again.
func TestAPauseIsNoWayRoundTheMinimum(t *testing.T) {
	w := newWorld(t)
	w.addContainer(1, 1)
	o := offer(1, 10)
	o.StorageRate, o.MinCharge = o.Rate.QuoRaw(10), time.Hour
	require.NoError(t, w.k.SetOffers(w.ctx, provider(1), []types.Offer{o}))
	w.addKeeper(2, 2, 1)
	other := orderFunded(w, tenant(1), 60+5*60, 2)
	other.Priority = 5
	w.start(w.open(other))
	id := w.open(patient(w, tenant(1), 36_000+3_000+60, time.Minute, 0, 1))
	w.start(id)
	for w.lease(id).State != types.LeaseState_LEASE_STATE_PAUSED { // in favour of the other one, which is more important
		w.pass(10 * time.Second)
	}
	held := w.lease(id).Reserve
	require.Greater(t, held.Int64(), int64(30_000), "of what was reserved for its minimum charge")
	w.fund(tenant(1), 3_000)
	require.NoError(t, w.try(func(ctx sdk.Context) error {
		_, err := w.msgs.ResumeLease(ctx, &types.MsgResumeLease{
			Tenant: tenant(1).String(), LeaseId: id.String(), Deposit: sdk.NewInt64Coin(athtypes.Denom, 3_000),
		})
		if err != nil {
			return err
		}
		_, err = w.k.Withdraw(ctx, tenant(1), uath(0))
		return err
	}))
	w.pass(2 * time.Minute)
	receipt := w.receipt(id)
	require.Equal(t, types.CloseReason_CLOSE_REASON_EXHAUSTED, receipt.Reason)
	require.GreaterOrEqual(t, receipt.Billed.Int64(), int64(36_000))
	w.check()
}
