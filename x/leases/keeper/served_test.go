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

func (w *world) kept() (n int) {
	require.NoError(w.tb, w.k.served.Walk(w.ctx, nil, func(servedKey, types.Service) (bool, error) { n++; return false, nil }))
	return n
}

func (w *world) waiting() (n int) {
	require.NoError(w.tb, w.k.pending.Walk(w.ctx, nil, func(pendingKey, int64) (bool, error) { n++; return false, nil }))
	return n
}

func (w *world) closed(id types.LeaseID) types.Receipt {
	w.tb.Helper()
	receipt, err := w.k.CloseLease(w.ctx, id.Tenant, id, 0, nil)
	require.NoError(w.tb, err)
	return receipt
}

// moved is a running lease of tenant 1 for 10 uath/s that left Container 1 of provider 1 for Container 2 of provider 2 after 20 minutes, by its
// tenant's wish, and has run there for 3 minutes.
func moved(w *world) types.LeaseID {
	w.addKeeper(1, 1, 10)
	w.addKeeper(2, 2, 10)
	id := w.open(guarded(w, tenant(1), 100_000, types.FailoverPolicy_FAILOVER_POLICY_ASK, 1, 2))
	w.start(id)
	w.pass(20 * time.Minute)
	require.NoError(w.tb, w.failover(tenant(1), id))
	w.start(id)
	w.pass(3 * time.Minute)
	return id
}

// TestAMovedLeaseIsCredited for the Container that it has left: a tenant that saw it fail before the Checkers did, and moved, loses nothing by
// that. It is credited once, whether the lease goes on or has ended, and what the new Container earns stays.
func TestAMovedLeaseIsCredited(t *testing.T) {
	for name, ends := range map[string]bool{"goes on": false, "has ended": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			id := moved(w)
			if ends {
				w.closed(id)
			}
			balance := w.balance(tenant(1))
			w.fault(1, 4*time.Minute) // since a minute before it moved, in the second session
			require.Equal(t, balance+5*600, w.balance(tenant(1)))
			require.Equal(t, int64(15*600), w.earned(1))
			if !ends {
				require.Equal(t, int64(5*600), w.lease(id).Credited.Int64())
				w.settled(id)
			}
			require.Equal(t, int64(3*600+20*120), w.earned(2), "3 minutes, and 20 of standing by")
			w.recover(1)
			w.fault(1, 4*time.Minute)
			require.Equal(t, int64(15*600), w.earned(1), "once")
			w.check()
		})
	}
}

// TestAMovedLeaseIsCreditedInBoth: no Container's fault touches what another one has served, and all credit together is what was billed.
func TestAMovedLeaseIsCreditedInBoth(t *testing.T) {
	w := newWorld(t)
	id := moved(w)
	w.settled(id)
	w.fault(2, time.Minute)
	require.Equal(t, int64(20*600), w.earned(1))
	require.Equal(t, int64(20*120), w.earned(2), "the fault began after it had stood by")
	w.fault(1, 22*time.Minute)
	require.Equal(t, int64(0), w.earned(1), "from the start on")
	require.Equal(t, int64(100_000-20*120), w.balance(tenant(1)))
	w.check()
	w.recover(2)
	receipt := w.closed(id)
	require.True(t, receipt.Credited.LTE(receipt.Billed))
}

// TestAMoveUnderAFaultIsCreditedByItsVerdictAlone: what was not billed is not given back.
func TestAMoveUnderAFaultIsCreditedByItsVerdictAlone(t *testing.T) {
	w := newWorld(t)
	w.addKeeper(1, 1, 10)
	w.addKeeper(2, 2, 10)
	id := w.open(guarded(w, tenant(1), 100_000, types.FailoverPolicy_FAILOVER_POLICY_AUTOMATIC, 1, 2))
	w.start(id)
	w.pass(20 * time.Minute)
	w.fault(1, time.Minute)
	require.Equal(t, int64(15*600), w.earned(1))
	w.pass(5 * time.Minute)
	require.NoError(t, w.failover(tenant(9), id))
	require.Equal(t, 1, w.kept(), "the standby, which has ended")
	require.Equal(t, int64(15*600), w.earned(1))
}

// TestAResumedLeaseIsCredited for the time before its pause, also where the fault is judged after it.
func TestAResumedLeaseIsCredited(t *testing.T) {
	w := newWorld(t)
	w.addKeeper(1, 1, 10)
	id := w.open(patient(w, tenant(1), 12_000+3_600, time.Hour, 0, 1))
	w.start(id)
	w.pass(20*time.Minute + time.Second)
	require.Equal(t, types.LeaseState_LEASE_STATE_PAUSED, w.lease(id).State)
	w.fund(tenant(1), 50_000)
	require.NoError(t, w.try(func(ctx sdk.Context) error {
		_, err := w.msgs.ResumeLease(ctx, &types.MsgResumeLease{
			Tenant: tenant(1).String(), LeaseId: id.String(), Deposit: sdk.NewInt64Coin(athtypes.Denom, 50_000),
		})
		return err
	}))
	w.pass(time.Minute)
	balance := w.balance(tenant(1))
	w.fault(1, 3*time.Minute) // since a minute before the pause
	require.Equal(t, balance+5*600, w.balance(tenant(1)), "from the start of the session to the pause")
	w.check()
}

// TestARelapseCreditsNoPauseTwice: a Container that fell, and fell again in the round in which it was found healthy, gives back what was billed
// before, and not what was never billed because the first fault stood when the lease paused.
func TestARelapseCreditsNoPauseTwice(t *testing.T) {
	w := newWorld(t)
	w.addKeeper(1, 1, 10)
	w.addKeeper(2, 2, 10)
	other := w.open(orderFunded(w, tenant(1), 20_000, 2))
	w.start(other)
	id := w.open(patient(w, tenant(1), 20_000, time.Hour, 0, 1))
	w.start(id)
	w.pass(20 * time.Minute)
	w.fault(1, time.Minute)
	require.Equal(t, int64(15*600), w.earned(1))
	credited := w.lease(id).Credited
	for w.lease(id).State != types.LeaseState_LEASE_STATE_PAUSED {
		w.pass(10 * time.Second)
	}
	w.pass(30 * time.Second)
	ago := w.ctx.BlockTime().Sub(*w.lease(id).PausedAt) + 5*time.Second
	w.recover(1)
	w.fault(1, ago)
	require.Equal(t, credited, w.lease(id).Credited)
	w.check()
}

// TestNobodyIsCrowdedOut: a provider can't get a tenant's lease out of a verdict's reach by ending many of his own in the Container, and credits
// that a block can't carry wait for the next ones.
func TestNobodyIsCrowdedOut(t *testing.T) {
	w := newWorld(t)
	params := types.DefaultParams()
	params.MaxCreditsPerBlock = 8
	require.NoError(t, w.k.params.Set(w.ctx, params))
	id := running(w)
	w.pass(10 * time.Minute)
	w.closed(id)
	const own = 40
	w.fund(provider(1), 1_000_000)
	require.NoError(t, w.try(func(ctx sdk.Context) error {
		_, err := w.k.Deposit(ctx, provider(1), provider(1), uath(1_000_000))
		return err
	}))
	for range own {
		mine := w.open(order(provider(1), 0, 1))
		w.start(mine)
		w.pass(time.Second)
		w.closed(mine)
	}
	require.Equal(t, int64(94_000), w.balance(tenant(1)))
	w.fault(1, 2*time.Minute)
	for block := range own / 8 {
		require.Equal(t, 1, w.waiting())
		require.Equal(t, own+1-8*(block+1), w.kept())
		w.pass(time.Second)
	}
	require.Zero(t, w.waiting())
	require.Zero(t, w.kept())
	require.Equal(t, int64(100_000), w.balance(tenant(1)))
	w.check()
}

// TestWhatEndsAfterAVerdictIsNotItsOwn: while credits wait, the Container is healthy again and serves; that is not credited for the old fault, and
// what the fault reaches is kept for it beyond the horizon.
func TestWhatEndsAfterAVerdictIsNotItsOwn(t *testing.T) {
	w := newWorld(t)
	params := types.DefaultParams()
	params.MaxCreditsPerBlock = 1
	require.NoError(t, w.k.params.Set(w.ctx, params))
	id := running(w)
	w.pass(10 * time.Minute)
	w.closed(id)
	for range 2 {
		id = w.open(order(tenant(1), 0, 1))
		w.start(id)
		w.pass(time.Minute)
		w.closed(id)
	}
	w.fault(1, 2*time.Minute)
	require.Equal(t, 2, w.kept())
	w.recover(1)
	require.Equal(t, 1, w.waiting())
	late := w.open(order(tenant(1), 0, 1))
	w.start(late)
	require.NoError(t, w.try(func(ctx sdk.Context) error { // a block of two hours, which no network has
		w.ctx = w.ctx.WithBlockTime(w.ctx.BlockTime().Add(params.SlaHorizon))
		return nil
	}))
	w.closed(late)
	earned := w.earned(1)
	for range 4 {
		w.pass(time.Second)
	}
	require.Zero(t, w.waiting())
	require.Equal(t, int64(600*10+7_200*10), w.earned(1), "of %d: the first had ended before the fault", earned)
	w.check()
}

// TestPendingFaultsSurviveExport.
func TestPendingFaultsSurviveExport(t *testing.T) {
	w := newWorld(t)
	params := types.DefaultParams()
	params.MaxCreditsPerBlock = 1
	require.NoError(t, w.k.params.Set(w.ctx, params))
	id := moved(w)
	w.closed(id)
	w.pass(time.Second)
	w.fault(2, 4*time.Minute) // the lease, and the standby before
	require.Equal(t, 1, w.waiting())
	g, err := w.k.ExportGenesis(w.ctx)
	require.NoError(t, err)
	require.NoError(t, g.Validate())
	require.Len(t, g.Left, 1)
	require.Len(t, g.Creditable, 1)
	require.Len(t, g.PendingFaults, 1)
	require.NoError(t, w.k.served.Clear(w.ctx, nil))
	require.NoError(t, w.k.forget.Clear(w.ctx, nil))
	require.NoError(t, w.k.pending.Clear(w.ctx, nil))
	require.NoError(t, w.k.InitGenesis(w.ctx, *g))
	again, err := w.k.ExportGenesis(w.ctx)
	require.NoError(t, err)
	require.Equal(t, g, again)
	w.check()
	w.pass(time.Second)
	w.pass(time.Second)
	require.Zero(t, w.waiting())
	require.Zero(t, w.earned(2)-15*120, "standing by in the first session stays")

	for name, damage := range map[string]func(*types.GenesisState){
		"nothing billed": func(g *types.GenesisState) { g.Left[0].CreditableFrom = nil },
		"provider":       func(g *types.GenesisState) { g.Left[0].Provider = "x" },
		"number":         func(g *types.GenesisState) { g.Left[0].Number = 0 },
		"judged before":  func(g *types.GenesisState) { g.PendingFaults[0].JudgedAt = g.PendingFaults[0].FaultAt.Add(-1) },
		"no container":   func(g *types.GenesisState) { g.PendingFaults[0].ContainerId = 0 },
	} {
		t.Run("error - "+name, func(t *testing.T) {
			bad, err := w.k.ExportGenesis(w.ctx)
			require.NoError(t, err)
			bad.Left, bad.PendingFaults = append([]types.Receipt(nil), again.Left...), append([]types.PendingFault(nil), again.PendingFaults...)
			require.NoError(t, bad.Validate())
			damage(bad)
			require.ErrorIs(t, bad.Validate(), types.ErrInvalidGenesis)
		})
	}
}

// TestServedInvariantSeesDamage.
func TestServedInvariantSeesDamage(t *testing.T) {
	for name, damage := range map[string]func(*world) error{
		"never forgotten": func(w *world) error { return w.k.forget.Clear(w.ctx, nil) },
		"stray":           func(w *world) error { return w.k.served.Clear(w.ctx, nil) },
		"another's": func(w *world) error {
			g, err := w.k.ExportGenesis(w.ctx)
			if err != nil {
				return err
			}
			left := g.Left[0]
			left.ContainerId = 9
			return w.k.served.Set(w.ctx, servedKeyOf(tenant(1), g.Left[0]), types.Service{Left: &left})
		},
		"no receipt": func(w *world) error {
			g, err := w.k.ExportGenesis(w.ctx)
			if err != nil {
				return err
			}
			return w.k.served.Set(w.ctx, servedKeyOf(tenant(1), g.Left[0]), types.Service{})
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			moved(w)
			w.check()
			require.NoError(t, damage(w))
			require.ErrorIs(t, w.k.CheckInvariants(w.ctx), types.ErrInvariant)
		})
	}
}

// TestSettlingAStandbyChangesNothing: what a lease pays in the Container that stood by for it does not depend on whether somebody settled that
// before.
func TestSettlingAStandbyChangesNothing(t *testing.T) {
	for name, settle := range map[string]bool{"settled": true, "not settled": false} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.addKeeper(1, 1, 10)
			w.addKeeper(2, 2, 10)
			id := w.open(guarded(w, tenant(1), 100_000, types.FailoverPolicy_FAILOVER_POLICY_ASK, 1, 2))
			w.start(id)
			w.pass(20 * time.Second)
			if settle {
				w.settled(types.LeaseID{Tenant: tenant(1), Number: 2})
			}
			require.NoError(t, w.failover(tenant(1), id))
			w.closed(id)
			require.Equal(t, int64(120), w.earned(2), "a minute of standing by, of which 20 s were stood")
			require.Equal(t, int64(600), w.earned(1))
			w.check()
		})
	}
}
