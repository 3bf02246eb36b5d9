// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"testing"
	"time"

	"cosmossdk.io/math"
	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/x/leases/types"
)

// promised is a reserved lease of four days of which the first has been served and settled on the way.
func promised(t *testing.T) (*world, types.LeaseID) {
	w := newWorld(t)
	w.addReserved(1, 1, true)
	id := w.open(reserve(w, 4*dayRate, 4*day, 1))
	w.start(id)
	w.pass(day / 2)
	w.settled(id)
	w.pass(day / 2)
	return w, id
}

// TestABrokenPromiseGivesBack what was billed in as much time as is withheld, at once and out of the provider's fees; the rest of the breach is
// a ticket, first for what is missing of that. The provider's own people have no claim on it.
func TestABrokenPromiseGivesBack(t *testing.T) {
	const term = 3 * dayRate
	for name, c := range map[string]struct {
		undoable     time.Duration
		gone         int64 // of the provider's fees
		collateral   int64
		related      bool
		back, ticket int64
		owed         int64
	}{
		"three days withheld, one billed":   {undoable: 7 * day, collateral: term, back: dayRate, ticket: term - dayRate},
		"no further than can be undone":     {undoable: time.Hour, collateral: term, back: dayRate / 24, ticket: term - dayRate/24},
		"fees were taken out":               {undoable: 7 * day, gone: dayRate - 100, collateral: term, back: 100, ticket: term - 100, owed: dayRate - 100},
		"the ticket holds less":             {undoable: 7 * day, gone: dayRate, collateral: 70, ticket: term, owed: 70},
		"fees were taken out by its tenant": {undoable: 7 * day, gone: dayRate - 100, collateral: term, related: true, back: 100, ticket: term - 100},
	} {
		t.Run(name, func(t *testing.T) {
			w, id := promised(t)
			w.vault.undoable, w.providers.collateral = c.undoable, c.collateral
			if c.related {
				w.providers.operators[tenant(1).String()] = provider(1).String()
			}
			w.settled(id)
			require.NoError(t, w.vault.move(w.ctx, "earned/"+provider(1).String(), "bank/"+provider(1).String(), math.NewInt(c.gone)))
			require.NoError(t, w.vault.rows.Set(w.ctx, "stake", math.NewInt(10*dayRate)))
			total := w.vault.total(w.ctx)
			w.close(provider(1), id, types.CloseReason_CLOSE_REASON_PROVIDER)
			require.Equal(t, int64(3*dayRate), w.balance(tenant(1)), "what was not served")
			w.pass(time.Second)
			require.Equal(t, 3*dayRate+c.back, w.balance(tenant(1)))
			require.Equal(t, c.ticket, w.providers.breaches[id.String()])
			w.endTicket(1, false)
			w.pass(time.Second)
			require.Equal(t, 3*dayRate+c.back+c.owed, w.balance(tenant(1)))
			require.Equal(t, total, w.vault.total(w.ctx))
			w.check()
		})
	}
}

// TestNoTimeIsGivenBackTwice: a fault that is judged after the breach credits what the breach did not give back, and no more; neither does a
// second breach of the same lease.
func TestNoTimeIsGivenBackTwice(t *testing.T) {
	t.Run("it has ended", func(t *testing.T) {
		w, id := promised(t)
		w.vault.undoable = time.Hour
		w.close(provider(1), id, types.CloseReason_CLOSE_REASON_PROVIDER)
		w.pass(time.Second)
		require.Equal(t, int64(3*dayRate+dayRate/24), w.balance(tenant(1)))
		w.fault(1, 2*time.Hour)
		require.Equal(t, int64(4*dayRate), w.balance(tenant(1)), "the session is a day")
		w.recover(1)
		w.fault(1, 2*time.Hour)
		require.Equal(t, int64(4*dayRate), w.balance(tenant(1)))
	})
	t.Run("it goes on under notice", func(t *testing.T) {
		w, id := promised(t)
		w.vault.undoable = 7 * day
		require.NoError(t, w.giveNotice(provider(1), id))
		w.pass(time.Hour)
		require.Equal(t, int64(dayRate), w.lease(id).Credited.Int64())
		w.settled(id)
		require.Equal(t, int64(dayRate/24), w.earned(1))
		w.close(provider(1), id, types.CloseReason_CLOSE_REASON_PROVIDER)
		w.pass(time.Second)
		require.Zero(t, w.earned(1), "the hour since the notice, in which a day was withheld")
		require.Equal(t, int64(4*dayRate), w.balance(tenant(1)))
		w.fault(1, 2*time.Hour)
		require.Equal(t, int64(4*dayRate), w.balance(tenant(1)))
		w.check()
	})
}

// TestNoticeAfterAFreeDay: what a fault once made free is over when a breach gives back what came after it, and the state is one that a chain can
// begin with.
func TestNoticeAfterAFreeDay(t *testing.T) {
	w := newWorld(t)
	w.addReserved(1, 1, true)
	id := w.open(reserve(w, 6*dayRate, 6*day, 1))
	w.start(id)
	w.pass(6 * time.Hour)
	w.fault(1, time.Minute)
	w.pass(time.Hour)
	w.recover(1) // free is the rest of the first day
	w.pass(2 * day)
	w.vault.undoable = 7 * day
	require.NoError(t, w.giveNotice(provider(1), id))
	w.pass(time.Second)
	require.True(t, w.lease(id).Credited.IsPositive())
	require.Nil(t, w.lease(id).FreeUntil)
	w.check()
	g, err := w.k.ExportGenesis(w.ctx)
	require.NoError(t, err)
	require.NoError(t, g.Validate())
}

// TestBreachesAreBounded: a block settles as many as the parameter says; the rest follows, also on a chain that begins anew from an export.
func TestBreachesAreBounded(t *testing.T) {
	w := newWorld(t)
	params := types.DefaultParams()
	params.MaxCreditsPerBlock = 2
	require.NoError(t, w.k.params.Set(w.ctx, params))
	var ids []types.LeaseID
	for n := uint64(1); n <= 3; n++ {
		w.addOffer(n, 1, 10)
		id := w.open(orderFunded(w, tenant(1), 100_000, n))
		w.start(id)
		ids = append(ids, id)
	}
	w.pass(time.Minute)
	for _, id := range ids {
		w.close(provider(1), id, types.CloseReason_CLOSE_REASON_PROVIDER)
	}
	require.Equal(t, int64(300_000-1_800), w.balance(tenant(1)))
	require.NoError(t, w.k.EndBlock(w.ctx))
	require.Equal(t, int64(300_000-600), w.balance(tenant(1)))
	g, err := w.k.ExportGenesis(w.ctx)
	require.NoError(t, err)
	require.NoError(t, g.Validate())
	require.Len(t, g.Breaches, 1)
	require.NoError(t, w.k.breaches.Clear(w.ctx, nil))
	require.NoError(t, w.k.InitGenesis(w.ctx, *g))
	w.pass(time.Second)
	require.Equal(t, int64(300_000), w.balance(tenant(1)))
	for _, id := range ids {
		require.Equal(t, int64(36_000-600), w.providers.breaches[id.String()])
	}
	w.check()
}
