// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"testing"
	"time"

	"cosmossdk.io/math"
	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/x/leases/types"
)

const (
	onDemand = types.LeaseMode_LEASE_MODE_ON_DEMAND
	reserved = types.LeaseMode_LEASE_MODE_RESERVED
)

// addReserved registers a Container for 10 uath/s on demand and 6 reserved, for a day to ten.
func (w *world) addReserved(id, owner uint64, only bool) {
	w.tb.Helper()
	w.addContainer(id, owner)
	o := offer(id, 10)
	o.Reserved = &types.ReservedTerms{Rate: math.NewInt(6_000_000), MinTerm: 24 * time.Hour, MaxTerm: 240 * time.Hour}
	if o.ReservedOnly = only; only {
		o.Rate = math.ZeroInt()
	}
	require.NoError(w.tb, w.k.SetOffers(w.ctx, provider(owner), []types.Offer{o}))
	w.check()
}

// reserve orders a reserved lease of a Container.
func reserve(w *world, deposit int64, term time.Duration, candidates ...uint64) *types.MsgCreateLease {
	msg := orderFunded(w, tenant(1), deposit, candidates...)
	msg.Mode, msg.Duration = reserved, term
	return msg
}

const day = 24 * time.Hour

// dayRate is what a day costs at 6 uath/s.
const dayRate = 6 * 86_400

// TestAReservedLeaseOutlastsTheAccount: its term was paid in advance, so what else the account spends ends other leases, not this one.
func TestAReservedLeaseOutlastsTheAccount(t *testing.T) {
	w := newWorld(t)
	w.addReserved(1, 1, false)
	w.addOffer(2, 2, 10)
	require.ErrorIs(t, w.create(reserve(w, 2*dayRate-1, 2*day, 1)), types.ErrInsufficientDeposit, "all of the term is held back")
	id := w.open(reserve(w, 2*dayRate, 2*day, 1))
	w.check()
	require.Equal(t, int64(2*dayRate), w.lease(id).Reserve.Int64())
	w.start(id)
	other := w.open(orderFunded(w, tenant(1), 10*600, 2))
	w.start(other)
	for range 47 {
		w.pass(time.Hour)
		w.check()
	}
	require.Equal(t, types.CloseReason_CLOSE_REASON_EXHAUSTED, w.receipt(other).Reason)
	require.Equal(t, types.LeaseState_LEASE_STATE_RUNNING, w.lease(id).State)
	w.settled(id)
	require.Equal(t, int64(6*47*3600), w.earned(1))
	w.pass(2 * time.Hour)
	receipt := w.receipt(id)
	require.Equal(t, types.CloseReason_CLOSE_REASON_EXPIRED, receipt.Reason)
	require.Equal(t, int64(2*dayRate), receipt.Billed.Int64())
	require.Equal(t, reserved, receipt.Mode)
	require.Equal(t, int64(0), w.balance(tenant(1)))
	w.check()
}

// TestAReservedLeaseIsNotShed: where it is the newest lease of an account that runs dry, an older one ends all the same.
func TestAReservedLeaseIsNotShed(t *testing.T) {
	w := newWorld(t)
	w.addReserved(1, 1, false)
	w.addOffer(2, 2, 10)
	older := w.open(orderFunded(w, tenant(1), 10*600, 2))
	w.start(older)
	id := w.open(reserve(w, 2*dayRate, 2*day, 1))
	w.start(id)
	w.check()
	w.pass(11 * time.Minute)
	require.Equal(t, types.CloseReason_CLOSE_REASON_EXHAUSTED, w.receipt(older).Reason)
	require.Equal(t, types.LeaseState_LEASE_STATE_RUNNING, w.lease(id).State)
	w.check()
}

// TestAReservedLeaseStartsInADryBlock: what runs out is not its money.
func TestAReservedLeaseStartsInADryBlock(t *testing.T) {
	w := newWorld(t)
	w.addReserved(1, 1, false)
	w.addOffer(2, 2, 10)
	older := w.open(orderFunded(w, tenant(1), 10*600, 2))
	w.start(older)
	id := w.open(reserve(w, 2*dayRate, 2*day, 1))
	w.ctx = w.ctx.WithBlockTime(w.ctx.BlockTime().Add(11 * time.Minute)).WithBlockHeight(w.ctx.BlockHeight() + 1)
	w.start(id)
	require.NoError(t, w.k.EndBlock(w.ctx))
	require.Equal(t, types.LeaseState_LEASE_STATE_RUNNING, w.lease(id).State)
	w.check()
}

// TestLeavingAReservedLease: before the shortest term its tenant pays up to that, afterwards for the time alone; the rest comes back.
func TestLeavingAReservedLease(t *testing.T) {
	for name, tc := range map[string]struct {
		after time.Duration
		by    sdk.AccAddress
		want  int64
	}{
		"before the shortest term": {after: 3 * time.Hour, by: tenant(1), want: dayRate},
		"after it":                 {after: 30 * time.Hour, by: tenant(1), want: 30 * dayRate / 24},
		"thrown out":               {after: 3 * time.Hour, by: provider(1), want: 3 * dayRate / 24},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.addReserved(1, 1, true)
			id := w.open(reserve(w, 3*dayRate, 3*day, 1))
			w.start(id)
			w.pass(tc.after)
			w.close(tc.by, id, 0)
			require.Equal(t, tc.want, w.earned(1))
			require.Equal(t, 3*dayRate-tc.want, w.balance(tenant(1)))
		})
	}
}

// TestModesHaveTheirOwnPrices: matching by class takes the cheapest offer of the mode that was asked for; one lease takes the Container out of
// both indexes, its end puts it back.
func TestModesHaveTheirOwnPrices(t *testing.T) {
	w := newWorld(t)
	w.addReserved(1, 1, true)
	w.addReserved(2, 2, false)
	w.addOffer(3, 3, 20)
	require.False(t, w.status(1).Offered, "what can only be reserved is no public supply")
	require.True(t, w.status(2).Offered)
	byClass := func(mode types.LeaseMode) (types.LeaseID, error) {
		msg := orderFunded(w, tenant(1), 3*dayRate)
		msg.Requirement = &types.Requirement{Class: "cpu"}
		if msg.Mode = mode; mode == reserved {
			msg.Duration = day
		}
		var id types.LeaseID
		err := w.try(func(ctx sdk.Context) error {
			res, err := w.msgs.CreateLease(ctx, msg)
			if err == nil {
				id, err = types.ParseLeaseID(res.LeaseId)
			}
			return err
		})
		w.check()
		return id, err
	}
	first, err := byClass(onDemand)
	require.NoError(t, err)
	require.Equal(t, uint64(2), w.lease(first).ContainerId)
	require.Equal(t, onDemand, w.lease(first).Mode)
	second, err := byClass(0)
	require.NoError(t, err)
	require.Equal(t, uint64(3), w.lease(second).ContainerId)
	_, err = byClass(onDemand)
	require.ErrorIs(t, err, types.ErrNoMatch)
	third, err := byClass(reserved)
	require.NoError(t, err)
	require.Equal(t, uint64(1), w.lease(third).ContainerId)
	require.Equal(t, int64(6_000_000), w.lease(third).Rate.Int64())
	_, err = byClass(reserved)
	require.ErrorIs(t, err, types.ErrNoMatch)
	w.close(tenant(1), first, 0)
	fourth, err := byClass(reserved)
	require.NoError(t, err)
	require.Equal(t, uint64(2), w.lease(fourth).ContainerId)

	w.addReserved(5, 5, true)
	require.ErrorContains(t, w.create(orderFunded(w, tenant(1), 10_000, 5)), "not offered in this mode")
	require.ErrorContains(t, w.create(reserve(w, dayRate, day, 3)), "not offered in this mode")
}

// TestAReservedLeaseMovesOnDemand: what stands by for it is on demand, and promises no more than that; notice stays with who gave it.
func TestAReservedLeaseMovesOnDemand(t *testing.T) {
	w := newWorld(t)
	w.addReserved(1, 1, true)
	w.addKeeper(2, 2, 20)
	msg := reserve(w, 2*dayRate+20*3600, 2*day, 1, 2)
	msg.Standbys = 1
	id := w.open(msg)
	standby := types.LeaseID{Tenant: tenant(1), Number: 2}
	require.Equal(t, onDemand, w.lease(standby).Mode)
	w.start(id)
	w.pass(time.Hour)
	require.NoError(t, w.giveNotice(operator(1), id))
	w.pass(time.Minute)
	require.NoError(t, w.failover(tenant(1), id))
	w.check()
	lease := w.lease(id)
	require.Equal(t, uint64(2), lease.ContainerId)
	require.Equal(t, onDemand, lease.Mode)
	require.Nil(t, lease.ReclaimAt)
	require.Nil(t, lease.MinUntil)
	require.Equal(t, int64(6*60), w.earned(1), "who was given notice leaves at no charge; what was billed before it was given back")
	w.start(id)
	w.pass(time.Hour)
	w.check()
	require.NoError(t, w.giveNotice(operator(2), id))
	require.Equal(t, w.ctx.BlockTime().Add(time.Hour), *w.lease(id).ReclaimAt, "the notice of its mode")
}

// TestProlongingAReservedLease holds the new time back as well; its provider's offer must still stand.
func TestProlongingAReservedLease(t *testing.T) {
	w := newWorld(t)
	w.addReserved(1, 1, true)
	id := w.open(reserve(w, dayRate, day, 1))
	w.start(id)
	w.pass(time.Hour)
	prolong := func() error {
		return w.try(func(ctx sdk.Context) error {
			_, err := w.msgs.UpdateLease(ctx, &types.MsgUpdateLease{Tenant: tenant(1).String(), LeaseId: id.String(), ExtendBy: day})
			return err
		})
	}
	require.ErrorIs(t, prolong(), types.ErrInsufficientDeposit)
	w.fund(tenant(1), dayRate)
	require.NoError(t, w.try(func(ctx sdk.Context) error {
		_, err := w.msgs.Deposit(ctx, &types.MsgDeposit{Depositor: tenant(1).String(), Amount: uath(dayRate)})
		return err
	}))
	require.NoError(t, prolong())
	w.check()
	w.pass(30 * time.Hour)
	require.Equal(t, types.LeaseState_LEASE_STATE_RUNNING, w.lease(id).State)
	w.pass(day)
	require.Equal(t, int64(2*dayRate), w.receipt(id).Billed.Int64())
	w.check()
}

// TestAFaultMakesTheDayFree: of a reserved lease the session is a day, also where the verdict comes after its end.
func TestAFaultMakesTheDayFree(t *testing.T) {
	w := newWorld(t)
	w.addReserved(1, 1, true)
	id := w.open(reserve(w, 4*dayRate, 4*day, 1))
	w.start(id)
	w.pass(30 * time.Hour)
	w.settled(id)
	w.fault(1, time.Minute) // in the second day
	require.Equal(t, int64(dayRate), w.earned(1))
	w.pass(time.Hour)
	w.recover(1)
	require.Equal(t, w.lease(id).StartedAt.Add(2*day), *w.lease(id).FreeUntil)
	w.pass(41 * time.Hour) // 72: all of the second day was free
	w.settled(id)
	require.Equal(t, int64(2*dayRate), w.earned(1))
	w.pass(day + time.Minute)
	require.Equal(t, types.CloseReason_CLOSE_REASON_EXPIRED, w.receipt(id).Reason)
	require.Equal(t, int64(3*dayRate), w.earned(1))
	require.Equal(t, int64(dayRate), w.balance(tenant(1)))
	w.fault(1, 30*time.Minute) // before the end, told after it: the last day comes back
	require.Equal(t, int64(2*dayRate), w.earned(1))
	require.Equal(t, int64(2*dayRate), w.balance(tenant(1)))
}

// TestReservedSurvivesExport with its notice, and both price indexes.
func TestReservedSurvivesExport(t *testing.T) {
	w := newWorld(t)
	w.addReserved(1, 1, true)
	w.addReserved(2, 2, false)
	id := w.open(reserve(w, 3*dayRate, 3*day, 1))
	w.start(id)
	w.pass(time.Hour)
	require.NoError(t, w.giveNotice(operator(1), id))
	g, err := w.k.ExportGenesis(w.ctx)
	require.NoError(t, err)
	require.NoError(t, g.Validate())
	require.NoError(t, w.k.expiry.Clear(w.ctx, nil))
	require.NoError(t, w.k.prices.Clear(w.ctx, nil))
	require.NoError(t, w.k.reserved.Clear(w.ctx, nil))
	require.NoError(t, w.k.InitGenesis(w.ctx, *g))
	w.check()
	w.pass(day)
	require.Equal(t, types.CloseReason_CLOSE_REASON_PROVIDER, w.receipt(id).Reason)

	for name, change := range map[string]func(*types.Lease){
		"reserve":    func(l *types.Lease) { l.Reserve = l.Reserve.AddRaw(1) },
		"mode":       func(l *types.Lease) { l.Mode = 0 },
		"min_until":  func(l *types.Lease) { l.MinUntil = nil },
		"ends_at":    func(l *types.Lease) { l.EndsAt = nil },
		"completes":  func(l *types.Lease) { l.Completes = true },
		"reclaim_at": func(l *types.Lease) { at := start.Add(-1); l.ReclaimAt = &at },
	} {
		bad := *g
		bad.Leases = append([]types.Lease(nil), g.Leases...)
		change(&bad.Leases[0])
		require.Error(t, bad.Validate(), name)
	}
}
