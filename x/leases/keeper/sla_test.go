// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"testing"
	"time"

	"cosmossdk.io/math"
	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/x/leases/types"
	providertypes "github.com/athnet/ath/x/providers/types"
)

// fault lets Checkers find a Container faulty now, since some time ago.
func (w *world) fault(container uint64, ago time.Duration) {
	w.tb.Helper()
	status, err := w.providers.Status(w.ctx, container)
	require.NoError(w.tb, err)
	since := w.ctx.BlockTime().Add(-ago)
	status.FaultAt = &since
	require.NoError(w.tb, w.providers.statuses.Set(w.ctx, container, status))
	require.NoError(w.tb, w.k.Fault(w.ctx, container, since))
	require.NoError(w.tb, w.k.EndBlock(w.ctx))
	w.check()
}

func (w *world) recover(container uint64) {
	w.tb.Helper()
	require.NoError(w.tb, w.providers.setFault(w.ctx, container, false))
	require.NoError(w.tb, w.k.Recovered(w.ctx, container))
	w.check()
}

// running is a running lease of tenant 1 for 10 uath/s, with 100,000 uath in its account.
func running(w *world) types.LeaseID {
	w.addOffer(1, 1, 10)
	id := w.open(orderFunded(w, tenant(1), 100_000, 1))
	w.start(id)
	return id
}

func (w *world) settled(id types.LeaseID) {
	w.tb.Helper()
	_, err := w.k.Settle(w.ctx, id)
	require.NoError(w.tb, err)
}

// TestAFaultMakesTheSessionFree: from the start of the session that it touches to the end of the one in which the Container is back, however
// often the lease is settled in between.
func TestAFaultMakesTheSessionFree(t *testing.T) {
	for name, settle := range map[string]bool{"settled on the way": true, "settled at the end": false} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			id := running(w)
			total := w.vault.total(w.ctx)
			step := func(d time.Duration) {
				w.pass(d)
				if settle {
					w.settled(id)
				}
			}
			step(20 * time.Minute) // 5 minutes into the second session
			step(5 * time.Minute)
			w.fault(1, 3*time.Minute)
			step(10 * time.Minute) // 35: in the third session
			w.recover(1)
			step(5 * time.Minute)
			step(15 * time.Minute) // 55: ten minutes into the fourth
			w.settled(id)
			require.Equal(t, int64((15+10)*60*10), w.earned(1))
			require.Equal(t, int64(100_000-(15+10)*60*10), w.balance(tenant(1)))
			require.Equal(t, total, w.vault.total(w.ctx))
			w.check()
			require.Empty(t, w.providers.tickets)
		})
	}
}

// TestAFaultIsFreeAlsoWhereTheMoneyHadRunOut: between two blocks the account is used up, and in the second of them Checkers find the Container
// faulty since before, or healthy again. What the fault gives back pays for more time, and none of that which the fault covers is billed for.
func TestAFaultIsFreeAlsoWhereTheMoneyHadRunOut(t *testing.T) {
	w := newWorld(t)
	w.addOffer(1, 1, 10)
	const deposit = 10*300 + 10*60 // six minutes
	id := w.open(orderFunded(w, tenant(1), deposit, 1))
	w.start(id)
	still := func() {
		t.Helper()
		lease, err := w.k.Lease(w.ctx, id)
		require.NoError(t, err)
		require.Equal(t, types.LeaseState_LEASE_STATE_RUNNING, lease.State)
		w.settled(id)
		require.Zero(t, w.earned(1))
		require.Equal(t, int64(deposit), w.balance(tenant(1)))
	}
	w.ctx = w.ctx.WithBlockTime(start.Add(20 * time.Minute))
	w.fault(1, 19*time.Minute)
	still()
	w.ctx = w.ctx.WithBlockTime(start.Add(50 * time.Minute))
	w.recover(1)
	require.NoError(t, w.k.EndBlock(w.ctx))
	w.check()
	still()
	w.pass(9 * time.Minute) // to the end of its session but for a minute
	still()
	w.pass(2 * time.Minute)
	w.settled(id)
	require.Equal(t, int64(60*10), w.earned(1))
	w.check()
}

// TestSeveralFaultsInASessionCreditOnce.
func TestSeveralFaultsInASessionCreditOnce(t *testing.T) {
	w := newWorld(t)
	id := running(w)
	w.pass(15 * time.Minute)
	w.pass(5 * time.Minute)
	w.settled(id)
	for range 3 {
		w.fault(1, 2*time.Minute)
		w.pass(time.Minute)
		w.recover(1)
		w.pass(time.Minute)
		w.settled(id)
	}
	require.Equal(t, int64(15*60*10), w.earned(1))
	w.pass(5 * time.Minute) // 31 minutes: a minute into the third session
	w.settled(id)
	require.Equal(t, int64(16*60*10), w.earned(1))
	require.Equal(t, int64(5*60*10), w.lease(id).Credited.Int64())
}

// TestAFaultJudgedAfterTheEndIsCredited, with the rest of the minimum charge, and once.
func TestAFaultJudgedAfterTheEndIsCredited(t *testing.T) {
	w := newWorld(t)
	id := running(w)
	w.pass(17 * time.Minute)
	_, err := w.k.CloseLease(w.ctx, tenant(1), id, types.CloseReason_CLOSE_REASON_TENANT, nil)
	require.NoError(t, err)
	second := w.open(order(tenant(1), 0, 1))
	w.start(second)
	w.pass(20 * time.Second)
	_, err = w.k.CloseLease(w.ctx, tenant(1), second, types.CloseReason_CLOSE_REASON_TENANT, nil)
	require.NoError(t, err)
	require.Equal(t, int64(17*600+600), w.earned(1), "the second pays its minimum")
	w.pass(30 * time.Minute)
	w.fault(1, 30*time.Minute+40*time.Second)
	require.Equal(t, int64(15*600), w.earned(1))
	w.recover(1)
	w.fault(1, 40*time.Minute)
	require.Equal(t, int64(15*600), w.earned(1), "what was credited is not credited again")
}

// TestOldReceiptsAreOutOfReach: what ended before the horizon is not credited, and is forgotten.
func TestOldReceiptsAreOutOfReach(t *testing.T) {
	w := newWorld(t)
	id := running(w)
	kept := func() (n int) {
		require.NoError(t, w.k.served.Walk(w.ctx, nil, func(servedKey, types.Service) (bool, error) { n++; return false, nil }))
		return n
	}
	for range 4 {
		w.pass(10 * time.Minute)
		_, err := w.k.CloseLease(w.ctx, tenant(1), id, types.CloseReason_CLOSE_REASON_TENANT, nil)
		require.NoError(t, err)
		id = w.open(order(tenant(1), 0, 1))
		w.start(id)
	}
	require.Equal(t, 4, kept())
	w.pass(types.DefaultParams().SlaHorizon)
	require.Zero(t, kept())
	_, err := w.k.CloseLease(w.ctx, tenant(1), id, types.CloseReason_CLOSE_REASON_TENANT, nil)
	require.NoError(t, err)
	earned := w.earned(1)
	w.fault(1, 3*time.Hour)
	require.Equal(t, earned-7200*10, w.earned(1), "the last lease alone")
	require.Zero(t, kept(), "what was credited is gone")
}

// TestTheFundAdvancesWhatATicketHolds, no more than is in it, and nothing to the provider's own people: so a provider that is its own
// tenant can't drain it.
func TestTheFundAdvancesWhatATicketHolds(t *testing.T) {
	for name, c := range map[string]struct {
		collateral, fund, want int64
		related                bool
	}{
		"collateral bounds it":      {collateral: 100, fund: 10_000, want: 100},
		"the fund bounds it":        {collateral: 10_000, fund: 70, want: 70},
		"the claim bounds it":       {collateral: 10_000, fund: 10_000, want: 3_000},
		"nothing to its own people": {collateral: 10_000, fund: 10_000, related: true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			id := running(w)
			w.providers.collateral = c.collateral
			if c.related {
				w.providers.operators[tenant(1).String()] = provider(1).String()
			}
			w.pass(5 * time.Minute)
			w.settled(id)
			// What was earned has vested and is gone.
			require.NoError(t, w.vault.move(w.ctx, "earned/"+provider(1).String(), "bank/"+provider(1).String(), math.NewInt(3_000)))
			require.NoError(t, w.vault.rows.Set(w.ctx, "fund/uath", math.NewInt(c.fund)))
			w.fault(1, time.Second)
			require.Equal(t, []string{id.String()}, w.providers.tickets)
			require.Equal(t, 97_000+c.want, w.balance(tenant(1)))
			require.Equal(t, c.fund-c.want, w.vault.get(w.ctx, "fund/uath").Int64())
			require.Equal(t, c.want, w.lease(id).Credited.Int64())
		})
	}
}

// TestAnUnstartedLeaseIsCreditedNothing: it has billed nothing, and no session of it runs.
func TestAnUnstartedLeaseIsCreditedNothing(t *testing.T) {
	w := newWorld(t)
	w.addOffer(1, 1, 10)
	id := w.open(orderFunded(w, tenant(1), 100_000, 1))
	w.pass(5 * time.Minute)
	w.fault(1, time.Minute)
	require.Equal(t, int64(100_000), w.balance(tenant(1)))
	require.True(t, w.lease(id).Credited.IsZero())
	w.recover(1)
	require.Nil(t, w.lease(id).FreeUntil)
}

// TestCreditSurvivesExport: a chain that is exported between the end of a lease and the verdict credits it all the same.
func TestCreditSurvivesExport(t *testing.T) {
	w := newWorld(t)
	id := running(w)
	w.pass(10 * time.Minute)
	w.settled(id)
	w.fault(1, time.Minute)
	w.recover(1)
	w.pass(20 * time.Minute)
	_, err := w.k.CloseLease(w.ctx, tenant(1), id, types.CloseReason_CLOSE_REASON_TENANT, nil)
	require.NoError(t, err)
	w.pass(time.Second)
	g, err := w.k.ExportGenesis(w.ctx)
	require.NoError(t, err)
	require.NoError(t, g.Validate())
	require.Equal(t, []string{id.String()}, g.Creditable)
	require.NoError(t, w.k.served.Clear(w.ctx, nil))
	require.NoError(t, w.k.forget.Clear(w.ctx, nil))
	require.NoError(t, w.k.InitGenesis(w.ctx, *g))
	w.pass(time.Minute)
	w.fault(1, 2*time.Minute)
	require.Equal(t, int64(0), w.earned(1), "session 1 free, 15 to 30 billed and credited")
}

// TestAVerdictRevivesNobody: what a fault gives back would have kept a lease alive that ran out of money between the fault and its verdict. It
// stays closed and its receipt stands; the money is there from the verdict on.
func TestAVerdictRevivesNobody(t *testing.T) {
	// The second lease has not started and counts as if it ran, so the account is dry after 1,850 + 3,900/11 s but for what that holds back; with
	// it the first runs to 2,600 s.
	world := func() (w *world, first, second types.LeaseID) {
		w = newWorld(t)
		w.addOffer(1, 1, 10)
		w.addContainer(2, 2)
		o := offer(2, 1)
		o.MinCharge = time.Hour
		require.NoError(t, w.k.SetOffers(w.ctx, provider(2), []types.Offer{o}))
		first = w.open(orderFunded(w, tenant(1), 22_400+3_600, 1))
		w.start(first)
		w.pass(1_850 * time.Second)
		second = w.open(order(tenant(1), 0, 2))
		w.pass(50 * time.Second)
		return w, first, second
	}
	t.Run("found at once", func(t *testing.T) {
		w, _, second := world()
		w.fault(1, 0)
		w.pass(345 * time.Second)
		require.Equal(t, types.LeaseState_LEASE_STATE_ACTIVE, w.lease(second).State, "else the test shows nothing")
	})
	t.Run("found after its end", func(t *testing.T) {
		w, first, second := world()
		w.pass(345 * time.Second)
		receipt := w.receipt(second)
		require.Equal(t, types.CloseReason_CLOSE_REASON_EXHAUSTED, receipt.Reason)
		require.Equal(t, start.Add(1_850*time.Second+3_900*time.Second/11), receipt.EndedAt)
		w.pass(55 * time.Second)
		w.settled(first)
		require.Equal(t, int64(3_000), w.balance(tenant(1)))
		w.fault(1, 400*time.Second)
		require.Equal(t, int64(3_000+500*10), w.balance(tenant(1)), "from 1,800 s on")
		w.pass(time.Second)
		_, err := w.k.Lease(w.ctx, second)
		require.ErrorIs(t, err, types.ErrLeaseClosed)
		require.Equal(t, receipt, w.receipt(second))
		require.Equal(t, providertypes.ContainerState_CONTAINER_STATE_READY, w.status(2).State)
		w.recover(1)
		w.pass(time.Hour)
		require.Equal(t, receipt, w.receipt(second))
		w.check()
	})
	t.Run("found after both ends", func(t *testing.T) {
		w, first, second := world()
		w.pass(705 * time.Second)
		receipts := []types.Receipt{w.receipt(first), w.receipt(second)}
		require.Equal(t, start.Add(2_600*time.Second), receipts[0].EndedAt)
		require.Zero(t, w.balance(tenant(1)))
		w.fault(1, 705*time.Second)
		require.Equal(t, int64(800*10), w.balance(tenant(1)))
		for i, id := range []types.LeaseID{first, second} {
			_, err := w.k.Lease(w.ctx, id)
			require.ErrorIs(t, err, types.ErrLeaseClosed)
			require.Equal(t, receipts[i], w.receipt(id))
		}
		w.check()
	})
}
