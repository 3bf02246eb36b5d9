// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"crypto/sha256"
	"testing"
	"time"

	"cosmossdk.io/math"
	abci "github.com/cometbft/cometbft/abci/types"
	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	athtypes "github.com/athnet/ath/x/ath/types"
	"github.com/athnet/ath/x/leases/types"
	providertypes "github.com/athnet/ath/x/providers/types"
)

// addKeeper registers a Container whose provider keeps data of paused leases for a tenth of its price and stands by for a fifth.
func (w *world) addKeeper(id, owner uint64, uathPerSecond int64) {
	w.tb.Helper()
	w.addContainer(id, owner)
	o := offer(id, uathPerSecond)
	o.StorageRate, o.StandbyRate = o.Rate.QuoRaw(10), o.Rate.QuoRaw(5)
	require.NoError(w.tb, w.k.SetOffers(w.ctx, provider(owner), []types.Offer{o}))
}

func (w *world) lease(id types.LeaseID) types.Lease {
	w.tb.Helper()
	lease, err := w.k.Lease(w.ctx, id)
	require.NoError(w.tb, err)
	return lease
}

func (w *world) status(id uint64) providertypes.ContainerStatus {
	w.tb.Helper()
	status, err := w.providers.Status(w.ctx, id)
	require.NoError(w.tb, err)
	return status
}

// guarded orders one Container with a standby.
func guarded(w *world, who sdk.AccAddress, deposit int64, policy types.FailoverPolicy, candidates ...uint64) *types.MsgCreateLease {
	msg := orderFunded(w, who, deposit, candidates...)
	msg.Standbys, msg.Failover = uint32(len(candidates)-1), policy
	return msg
}

func (w *world) failover(signer sdk.AccAddress, id types.LeaseID) error {
	return w.try(func(ctx sdk.Context) error {
		_, err := w.msgs.Failover(ctx, &types.MsgFailover{Signer: signer.String(), LeaseId: id.String()})
		return err
	})
}

// TestFailover: a lease goes on under its own id in the Container that stood by for it; each provider is paid for what it did.
func TestFailover(t *testing.T) {
	w := newWorld(t)
	w.addKeeper(1, 1, 10)
	w.addKeeper(2, 2, 20)
	id := w.open(guarded(w, tenant(1), 100_000, types.FailoverPolicy_FAILOVER_POLICY_AUTOMATIC, 1, 2))
	standby := types.LeaseID{Tenant: tenant(1), Number: 2}
	require.Equal(t, []uint64{2}, w.lease(id).Standbys)
	require.Equal(t, types.LeaseState_LEASE_STATE_STANDBY, w.lease(standby).State)
	require.Equal(t, int64(4_000_000), w.lease(standby).Rate.Int64())
	w.check()
	w.start(id)
	w.pass(100 * time.Second)
	require.ErrorIs(t, w.failover(tenant(9), id), types.ErrReasonNotAllowed, "the Container is not faulty")
	require.NoError(t, w.providers.setFault(w.ctx, 1, true))
	w.pass(10 * time.Second)
	require.NoError(t, w.failover(tenant(9), id))
	w.check()

	lease := w.lease(id)
	require.Equal(t, uint64(2), lease.ContainerId)
	require.Equal(t, provider(2).String(), lease.Provider)
	require.Equal(t, types.LeaseState_LEASE_STATE_ACTIVE, lease.State)
	require.Equal(t, int64(20_000_000), lease.Rate.Int64())
	require.Empty(t, lease.Standbys)
	require.Equal(t, int64(1_000), w.earned(1), "the outage is not billed, and the fault costs no minimum charge")
	require.Equal(t, int64(440), w.earned(2), "110 s of standing by")
	require.Equal(t, types.CloseReason_CLOSE_REASON_PROMOTED, w.receipt(standby).Reason)
	require.Equal(t, providertypes.ContainerState_CONTAINER_STATE_OFFLINE, w.status(1).State)
	require.Equal(t, id.String(), w.status(2).Lease)

	w.pass(5 * time.Second)
	w.start(id) // the other worker's records begin with number 1
	w.pass(10 * time.Second)
	receipt, err := w.k.CloseLease(w.ctx, tenant(1), id, 0, nil)
	require.NoError(t, err)
	require.Equal(t, int64(1_000+200), receipt.Billed.Int64(), "standing by for 110 s has earned the minimum")
	require.Equal(t, int64(440+200), w.earned(2))
	require.Equal(t, 10*time.Second, receipt.Outage)
	w.check()
}

// TestAStandbyCostsWhatItsTenantPays: what would go on for more than the tenant's most does not stand by, though standing by costs less.
func TestAStandbyCostsWhatItsTenantPays(t *testing.T) {
	w := newWorld(t)
	w.addKeeper(1, 1, 10)
	w.addKeeper(2, 2, 20)
	o := offer(1, 10)
	o.Reserved = &types.ReservedTerms{Rate: o.Rate, MinTerm: types.MinReservedTerm}
	require.NoError(t, w.k.SetOffers(w.ctx, provider(1), []types.Offer{o}))
	byName := guarded(w, tenant(1), 1_000_000, types.FailoverPolicy_FAILOVER_POLICY_AUTOMATIC, 1, 2)
	byName.MaxRate = math.NewInt(19_999_999)
	byClass := *byName
	byClass.Candidates, byClass.Requirement = nil, &types.Requirement{Class: "cpu"}
	inAdvance := *byName
	inAdvance.Mode, inAdvance.Duration = reserved, types.MinReservedTerm
	for name, msg := range map[string]*types.MsgCreateLease{"by name": byName, "by class": &byClass, "of a reserved lease": &inAdvance} {
		err := w.create(msg)
		require.ErrorIs(t, err, types.ErrNoMatch, name)
		require.ErrorContains(t, err, "price above max_rate", name)
		enough := *msg
		enough.MaxRate = math.NewInt(20_000_000)
		cached, _ := w.ctx.CacheContext()
		_, err = w.msgs.CreateLease(cached, &enough)
		require.NoError(t, err, name)
	}
	w.check()
}

func TestFailoverIsTheTenantsChoice(t *testing.T) {
	w := newWorld(t)
	for id := uint64(1); id <= 3; id++ {
		w.addKeeper(id, id, 10)
	}
	id := w.open(guarded(w, tenant(1), 1_000_000, types.FailoverPolicy_FAILOVER_POLICY_ASK, 1, 2, 3))
	w.start(id)
	require.NoError(t, w.providers.setFault(w.ctx, 1, true))
	require.NoError(t, w.providers.setFault(w.ctx, 2, true))
	require.ErrorIs(t, w.failover(tenant(9), id), types.ErrUnauthorized)
	require.NoError(t, w.failover(tenant(1), id))
	require.Equal(t, uint64(3), w.lease(id).ContainerId, "a standby that is faulty as well is passed over")
	w.check()
	require.NoError(t, w.providers.setFault(w.ctx, 3, true))
	require.ErrorIs(t, w.failover(tenant(1), id), types.ErrNoMatch)
	require.NoError(t, w.providers.setFault(w.ctx, 2, false))
	require.NoError(t, w.failover(tenant(1), id))
	require.Equal(t, uint64(2), w.lease(id).ContainerId)
	require.Equal(t, int64(0), w.earned(1), "it failed before it earned anything")
	w.check()
}

// TestLateContainerIsLeftForAStandby: its provider is charged as if the lease had ended.
func TestLateContainerIsLeftForAStandby(t *testing.T) {
	w := newWorld(t)
	w.addKeeper(1, 1, 10)
	w.addKeeper(2, 2, 10)
	id := w.open(guarded(w, tenant(1), 100_000, 0, 1, 2))
	w.pass(11 * time.Minute)
	require.NoError(t, w.failover(tenant(1), id))
	require.Equal(t, []string{id.String()}, w.providers.tickets)
	require.Zero(t, w.earned(1))
	require.Equal(t, providertypes.ContainerState_CONTAINER_STATE_CHECKING, w.status(1).State)
	w.pass(9 * time.Minute)
	err := w.try(func(ctx sdk.Context) error {
		_, err := w.k.CloseLease(ctx, tenant(9), id, types.CloseReason_CLOSE_REASON_NOT_STARTED, nil)
		return err
	})
	require.Error(t, err, "the start limit begins anew")
	w.check()
}

// TestStandbysEndWithTheirLease, and a lease loses the standby that leaves.
func TestStandbysEndWithTheirLease(t *testing.T) {
	w := newWorld(t)
	for id := uint64(1); id <= 3; id++ {
		w.addKeeper(id, id, 10)
	}
	id := w.open(guarded(w, tenant(1), 1_000_000, 0, 1, 2, 3))
	first, second := types.LeaseID{Tenant: tenant(1), Number: 2}, types.LeaseID{Tenant: tenant(1), Number: 3}
	w.start(id)
	w.pass(100 * time.Second)
	_, err := w.k.CloseLease(w.ctx, provider(2), first, 0, nil)
	require.NoError(t, err)
	require.Equal(t, []uint64{3}, w.lease(id).Standbys)
	w.check()
	_, err = w.k.CloseLease(w.ctx, tenant(1), id, 0, nil)
	require.NoError(t, err)
	require.Equal(t, types.CloseReason_CLOSE_REASON_NOT_NEEDED, w.receipt(second).Reason)
	require.Equal(t, int64(200), w.earned(3))
	require.Equal(t, providertypes.ContainerState_CONTAINER_STATE_READY, w.status(3).State)
	w.check()
	_, err = w.k.UpdateLease(w.ctx, id, &types.MsgUpdateLease{ExtendBy: time.Hour})
	require.ErrorIs(t, err, types.ErrLeaseClosed)
}

// TestStandbysHoldTheNewManifestReady: what stands by names it as well, so that its worker keeps it until it takes over.
func TestStandbysHoldTheNewManifestReady(t *testing.T) {
	w := newWorld(t)
	for id := uint64(1); id <= 3; id++ {
		w.addKeeper(id, id, 10)
	}
	id := w.open(guarded(w, tenant(1), 1_000_000, types.FailoverPolicy_FAILOVER_POLICY_ASK, 1, 2, 3))
	w.start(id)
	before := w.lease(types.LeaseID{Tenant: tenant(1), Number: 2})
	next := sha256.Sum256([]byte("next"))
	_, err := w.msgs.UpdateLease(w.ctx, &types.MsgUpdateLease{Tenant: tenant(1).String(), LeaseId: id.String(), ManifestHash: next[:], Completes: true})
	require.NoError(t, err)
	before.ManifestHash = next[:]
	require.Equal(t, before, w.lease(types.LeaseID{Tenant: tenant(1), Number: 2}), "and nothing else changes")
	require.Equal(t, next[:], w.lease(types.LeaseID{Tenant: tenant(1), Number: 3}).ManifestHash)
	w.check()
	require.NoError(t, w.failover(tenant(1), id))
	require.Equal(t, next[:], w.lease(id).ManifestHash)
	_, err = w.msgs.UpdateLease(w.ctx, &types.MsgUpdateLease{Tenant: tenant(1).String(), LeaseId: id.String(), PriorityPlusOne: 1})
	require.NoError(t, err)
	require.Equal(t, next[:], w.lease(types.LeaseID{Tenant: tenant(1), Number: 3}).ManifestHash)
	w.check()
}

func TestStandbyRunsNothing(t *testing.T) {
	w := newWorld(t)
	w.addKeeper(1, 1, 10)
	w.addKeeper(2, 2, 10)
	w.open(guarded(w, tenant(1), 100_000, 0, 1, 2))
	standby := types.LeaseID{Tenant: tenant(1), Number: 2}
	now := w.ctx.BlockTime()
	require.ErrorIs(t, w.k.SubmitUsage(w.ctx, provider(2), []types.UsageRecord{w.record(standby, now, now)}), types.ErrInvalidUsage)
	_, err := w.msgs.UpdateLease(w.ctx, &types.MsgUpdateLease{Tenant: tenant(1).String(), LeaseId: standby.String(), PriorityPlusOne: 1})
	require.ErrorIs(t, err, types.ErrReasonNotAllowed)
	_, err = w.msgs.CreateLease(w.ctx, func() *types.MsgCreateLease {
		msg := gang(w, tenant(1), 1, 2)
		msg.Standbys = 1
		return msg
	}())
	require.ErrorIs(t, err, types.ErrInvalidField)
}

// patient orders a Container with a grace for when the money runs out.
func patient(w *world, who sdk.AccAddress, deposit int64, grace time.Duration, priority uint32, candidates ...uint64) *types.MsgCreateLease {
	msg := orderFunded(w, who, deposit, candidates...)
	msg.Grace, msg.Priority = grace, priority
	return msg
}

// TestPauseAndResume: when the money runs out the data stays, the provider is paid for keeping it, and the tenant goes on where it was.
func TestPauseAndResume(t *testing.T) {
	w := newWorld(t)
	w.addKeeper(1, 1, 10)
	id := w.open(patient(w, tenant(1), 5_000+3_600, time.Hour, 0, 1))
	require.Equal(t, int64(3_600), w.lease(id).GraceReserve.Int64())
	w.start(id)
	began := w.ctx.BlockTime()
	w.pass(500*time.Second + 1)
	w.check()
	lease := w.lease(id)
	require.Equal(t, types.LeaseState_LEASE_STATE_PAUSED, lease.State)
	require.Equal(t, began.Add(500*time.Second), *lease.PausedAt)
	require.Equal(t, int64(5_000), w.earned(1))
	require.Equal(t, id.String(), w.status(1).Lease, "the Container stays bound")
	now := w.ctx.BlockTime()
	require.ErrorIs(t, w.k.SubmitUsage(w.ctx, provider(1), []types.UsageRecord{w.record(id, now.Add(-time.Second), now.Add(10*time.Second))}), types.ErrInvalidUsage)

	w.pass(20*time.Minute - 1)
	resume := func(who sdk.AccAddress, deposit int64) error {
		w.fund(who, deposit)
		return w.try(func(ctx sdk.Context) error {
			_, err := w.msgs.ResumeLease(ctx, &types.MsgResumeLease{
				Tenant: who.String(), LeaseId: id.String(), Deposit: sdk.NewInt64Coin(athtypes.Denom, deposit),
			})
			return err
		})
	}
	require.ErrorIs(t, resume(tenant(1), 2_999), types.ErrInsufficientDeposit)
	require.ErrorIs(t, resume(tenant(2), 3_000), types.ErrUnauthorized)
	require.NoError(t, resume(tenant(1), 3_000))
	w.check()
	require.Equal(t, int64(6_200), w.earned(1), "20 minutes of storage")
	require.Equal(t, types.LeaseState_LEASE_STATE_ACTIVE, w.lease(id).State)
	require.ErrorIs(t, resume(tenant(1), 0), types.ErrReasonNotAllowed)
	w.pass(20 * time.Second)
	w.start(id)
	w.pass(10 * time.Second)
	receipt, err := w.k.CloseLease(w.ctx, tenant(1), id, 0, nil)
	require.NoError(t, err)
	require.Equal(t, int64(5_000+1_200+100), receipt.Billed.Int64())
	require.Equal(t, began, *receipt.StartedAt)
	w.check()
	back, err := w.k.Withdraw(w.ctx, tenant(1), uath(0))
	require.NoError(t, err)
	require.Equal(t, int64(8_600+3_000-6_300), back.Amount.Int64(), "what is left of the grace reserve comes back")
}

// TestPauseEnds when its grace is used up, on the very instant.
func TestPauseEnds(t *testing.T) {
	w := newWorld(t)
	w.addKeeper(1, 1, 10)
	id := w.open(patient(w, tenant(1), 5_000+3_600, time.Hour, 0, 1))
	w.start(id)
	began := w.ctx.BlockTime()
	w.pass(510 * time.Second)
	require.Equal(t, types.LeaseState_LEASE_STATE_PAUSED, w.lease(id).State)
	w.pass(3 * time.Hour)
	receipt := w.receipt(id)
	require.Equal(t, types.CloseReason_CLOSE_REASON_EXHAUSTED, receipt.Reason)
	require.Equal(t, began.Add(500*time.Second+time.Hour), receipt.EndedAt)
	require.Equal(t, int64(8_600), receipt.Billed.Int64())
	require.Zero(t, w.balance(tenant(1)))
	w.check()
}

// TestImportantLeasesOutlastOthers: with less than an hour left the least important lease pauses, so that the others have their hour.
func TestImportantLeasesOutlastOthers(t *testing.T) {
	w := newWorld(t)
	for id := uint64(1); id <= 3; id++ {
		w.addKeeper(id, id, 10)
	}
	ids := []types.LeaseID{
		w.open(patient(w, tenant(1), 200_000, time.Hour, 0, 1)),
		w.open(patient(w, tenant(1), 0, time.Hour, 7, 2)),
		w.open(patient(w, tenant(1), 0, time.Hour, 3, 3)),
	}
	for _, id := range ids {
		w.start(id)
	}
	paused := func(id types.LeaseID) bool { return w.lease(id).State == types.LeaseState_LEASE_STATE_PAUSED }
	for !paused(ids[0]) {
		w.pass(10 * time.Second)
	}
	w.check()
	end, ok := func() (time.Time, bool) {
		a, err := w.queries.Account(w.ctx, &types.QueryAccountRequest{Tenant: tenant(1).String()})
		require.NoError(t, err)
		return *a.ExhaustedAt, a.ExhaustedAt != nil
	}()
	require.True(t, ok)
	require.Greater(t, end.Sub(w.ctx.BlockTime()), time.Hour)
	require.False(t, paused(ids[1]) || paused(ids[2]))
	for !paused(ids[2]) {
		w.pass(10 * time.Second)
	}
	require.False(t, paused(ids[1]), "the most important one runs to the end")
	w.check()
	ended := func(id types.LeaseID) bool { _, err := w.k.Lease(w.ctx, id); return err != nil }
	for !ended(ids[0]) {
		w.pass(10 * time.Second)
	}
	for range 400 {
		w.pass(10 * time.Second)
	}
	require.True(t, ended(ids[2]))
	w.check()
}

// TestLowFundsIsSaid three times, and again after the tenant has paid and spent it.
func TestLowFundsIsSaid(t *testing.T) {
	w := newWorld(t)
	w.addOffer(1, 1, 10)
	const day = 86_400
	id := w.open(orderFunded(w, tenant(1), 10*3*day, 1))
	w.start(id)
	var hours []uint32
	run := func(until time.Duration) {
		for spent := time.Duration(0); spent < until; spent += 10 * time.Minute {
			w.ctx = w.ctx.WithEventManager(sdk.NewEventManager())
			w.pass(10 * time.Minute)
			for _, ev := range w.ctx.EventManager().Events() {
				if msg, err := sdk.ParseTypedEvent(abci.Event(ev)); err == nil {
					if low, ok := msg.(*types.EventLowFunds); ok {
						hours = append(hours, low.Hours)
						left := low.ExhaustedAt.Sub(w.ctx.BlockTime())
						require.LessOrEqual(t, left, time.Duration(low.Hours)*time.Hour+time.Second)
						require.Greater(t, left, time.Duration(low.Hours)*time.Hour-11*time.Minute)
					}
				}
			}
		}
	}
	run(50 * time.Hour)
	require.Equal(t, []uint32{24}, hours)
	w.fund(tenant(1), 10*day)
	_, err := w.k.Deposit(w.ctx, tenant(1), tenant(1), uath(10*day))
	require.NoError(t, err)
	run(96 * time.Hour)
	require.Equal(t, []uint32{24, 24, 6, 1}, hours)
	_, err = w.k.Lease(w.ctx, id)
	require.ErrorIs(t, err, types.ErrLeaseClosed)
	w.check()
}

// TestExtend: the provider agrees by an offer that still stands.
func TestExtend(t *testing.T) {
	w := newWorld(t)
	w.addOffer(1, 1, 10)
	msg := orderFunded(w, tenant(1), 1_000_000, 1)
	msg.Duration = time.Hour
	id := w.open(msg)
	end := *w.lease(id).EndsAt
	extend := func(who sdk.AccAddress, by time.Duration) error {
		return w.try(func(ctx sdk.Context) error {
			_, err := w.msgs.UpdateLease(ctx, &types.MsgUpdateLease{Tenant: who.String(), LeaseId: id.String(), ExtendBy: by})
			return err
		})
	}
	require.NoError(t, extend(tenant(1), time.Hour))
	require.Equal(t, end.Add(time.Hour), *w.lease(id).EndsAt)
	w.check()
	require.ErrorIs(t, extend(tenant(2), time.Hour), types.ErrUnauthorized)
	require.ErrorIs(t, extend(tenant(1), 0), types.ErrInvalidField)
	dearer := offer(1, 11)
	require.NoError(t, w.k.SetOffers(w.ctx, provider(1), []types.Offer{dearer}))
	require.ErrorIs(t, extend(tenant(1), time.Hour), types.ErrNoMatch)
	short := offer(1, 10)
	short.MaxTerm = 150 * time.Minute
	require.NoError(t, w.k.SetOffers(w.ctx, provider(1), []types.Offer{short}))
	require.ErrorIs(t, extend(tenant(1), time.Hour), types.ErrNoMatch)
	require.NoError(t, extend(tenant(1), 30*time.Minute))
	require.NoError(t, w.k.RemoveOffers(w.ctx, provider(1), []uint64{1}))
	require.ErrorIs(t, extend(tenant(1), time.Second), types.ErrOfferNotFound)
	w.start(id)
	w.pass(3 * time.Hour)
	require.Equal(t, types.CloseReason_CLOSE_REASON_EXPIRED, w.receipt(id).Reason)
	require.Equal(t, end.Add(90*time.Minute), w.receipt(id).EndedAt)
	w.check()
	unbounded := w.open(orderFunded(w, tenant(3), 1_000_000, func() uint64 { w.addOffer(2, 1, 10); return 2 }()))
	_, err := w.k.UpdateLease(w.ctx, unbounded, &types.MsgUpdateLease{ExtendBy: time.Hour})
	require.ErrorIs(t, err, types.ErrInvalidField)
}

func TestUpdateLease(t *testing.T) {
	w := newWorld(t)
	w.addOffer(1, 1, 10)
	id := w.open(orderFunded(w, tenant(1), 1_000_000, 1))
	hash := append(make([]byte, 31), 7)
	res, err := w.msgs.UpdateLease(w.ctx, &types.MsgUpdateLease{
		Tenant: tenant(1).String(), LeaseId: id.String(), ManifestHash: hash, PriorityPlusOne: 101,
		Failover: types.FailoverPolicy_FAILOVER_POLICY_AUTOMATIC,
	})
	require.NoError(t, err)
	require.Equal(t, w.lease(id), res.Lease)
	require.Equal(t, hash, res.Lease.ManifestHash)
	require.Equal(t, uint32(100), res.Lease.Priority)
	for _, bad := range []types.MsgUpdateLease{{}, {ManifestHash: []byte{1}}, {PriorityPlusOne: 102}, {ExtendBy: -1}, {Failover: 9}} {
		bad.Tenant, bad.LeaseId = tenant(1).String(), id.String()
		_, err := w.msgs.UpdateLease(w.ctx, &bad)
		require.ErrorIs(t, err, types.ErrInvalidField)
	}
	w.check()
}

// careful is a market in which tenants order standbys and grace, providers keep data, and anyone moves leases.
type careful struct{ *market }

func (m careful) create(t *rapid.T) {
	who := tenant(rapid.Uint64Range(1, modelTenants).Draw(t, "tenant"))
	msg := order(who, rapid.Int64Range(0, 60_000).Draw(t, "deposit"))
	msg.Requirement = &types.Requirement{Class: "cpu"}
	msg.Standbys = rapid.Uint32Range(0, 2).Draw(t, "standbys")
	msg.Priority = rapid.Uint32Range(0, 2).Draw(t, "priority")
	msg.Grace = time.Duration(rapid.Int64Range(0, 7_200).Draw(t, "grace")) * time.Second
	msg.Failover = types.FailoverPolicy(rapid.Int32Range(0, 2).Draw(t, "policy"))
	if rapid.Bool().Draw(t, "agreed end") {
		msg.Duration = time.Duration(rapid.Int64Range(int64(time.Minute), int64(2*time.Hour)).Draw(t, "duration"))
	}
	var res *types.MsgCreateLeaseResponse
	if !m.do(func(ctx sdk.Context) (err error) {
		res, err = m.msgs.CreateLease(ctx, msg)
		return err
	}) {
		return
	}
	for _, opened := range append(res.Standbys, types.OpenedLease{LeaseId: res.LeaseId}) {
		id, err := types.ParseLeaseID(opened.LeaseId)
		require.NoError(t, err)
		m.market.open = append(m.market.open, id)
	}
}

func (m careful) failover(t *rapid.T) {
	if id, _, ok := m.pick(t); ok {
		signer := rapid.SampledFrom([]sdk.AccAddress{id.Tenant, tenant(9)}).Draw(t, "signer")
		m.do(func(ctx sdk.Context) error {
			_, err := m.k.Failover(ctx, signer, id, 0)
			return err
		})
	}
}

func (m careful) startOne(t *rapid.T) {
	id, lease, ok := m.pick(t)
	if !ok {
		return
	}
	now := m.ctx.BlockTime()
	owner := sdk.MustAccAddressFromBech32(lease.Provider)
	m.do(func(ctx sdk.Context) error {
		return m.k.SubmitUsage(ctx, owner, []types.UsageRecord{m.record(id, now, now)})
	})
}

func (m careful) resume(t *rapid.T) {
	if id, _, ok := m.pick(t); ok {
		m.do(func(ctx sdk.Context) error {
			_, err := m.k.ResumeLease(ctx, id, uath(rapid.Int64Range(0, 20_000).Draw(t, "deposit")))
			return err
		})
	}
}

func (m careful) update(t *rapid.T) {
	if id, _, ok := m.pick(t); ok {
		msg := &types.MsgUpdateLease{
			PriorityPlusOne: rapid.Uint32Range(0, 4).Draw(t, "priority"),
			ExtendBy:        time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "extend by")),
		}
		m.do(func(ctx sdk.Context) error {
			_, err := m.k.UpdateLease(ctx, id, msg)
			return err
		})
	}
}

// invariants holds the books against what may be: all coins are somewhere, nobody was billed beyond the dearest rate for the time
// between opening and end, and every sum of the state agrees.
func (m careful) invariants(t *rapid.T) {
	var open []types.LeaseID
	for _, id := range m.market.open {
		if _, err := m.k.Lease(m.ctx, id); err == nil {
			open = append(open, id)
			continue
		}
		receipt := m.receipt(id)
		m.reasons[receipt.Reason]++
		dearest := math.NewInt(1 + modelContainers*modelContainers)
		most := dearest.MulRaw(int64(receipt.EndedAt.Sub(receipt.CreatedAt)/time.Second) + 1).Add(dearest.MulRaw(60 * (1 + types.MaxStandbys))) // a minimum for every Container that its tenant has left
		require.True(t, receipt.Billed.LTE(most), "%s was billed %s", id, receipt.Billed)
		require.NotEqual(t, types.CloseReason_CLOSE_REASON_UNSPECIFIED, receipt.Reason)
	}
	m.market.open = open
	require.NoError(t, m.k.CheckInvariants(m.ctx))
	require.Equal(t, m.totals[athtypes.Denom].String(), m.vault.totalIn(m.ctx, athtypes.Denom).String(), "deposits = withdrawn + paid + balance")
	if len(open) > 0 {
		return
	}
	for id := uint64(1); id <= modelContainers; id++ {
		require.Empty(t, m.status(id).Lease, "nothing is leaked")
	}
}

// TestModelWithCare: solvency, conservation and all invariants while leases stand by, move, pause, go on and change.
func TestModelWithCare(t *testing.T) {
	seen := map[types.CloseReason]int{}
	rapid.Check(t, func(t *rapid.T) {
		m := careful{newMarket(t)}
		for id := uint64(1); id <= modelContainers; id++ {
			o := offer(id, int64(1+id*id))
			o.StorageRate, o.StandbyRate = o.Rate.QuoRaw(7), o.Rate.QuoRaw(3)
			require.NoError(t, m.k.SetOffers(m.ctx, provider(ownerOf(id)), []types.Offer{o}))
		}
		t.Repeat(map[string]func(*rapid.T){
			"create": m.create, "create 2": m.create, "start": m.startOne, "settle": m.settleOne, "close": m.closeOne, "money": m.moveMoney, "wait": m.wait,
			"failover": m.failover, "resume": m.resume, "update": m.update, "fault": m.fault, "refresh": m.refresh, "": m.invariants,
			"genesis": m.restart,
		})
		m.pass(300 * time.Hour)
		for range 20 {
			m.pass(time.Second)
		}
		m.invariants(t)
		for reason, n := range m.reasons {
			seen[reason] += n
		}
	})
	for _, reason := range []types.CloseReason{types.CloseReason_CLOSE_REASON_PROMOTED, types.CloseReason_CLOSE_REASON_NOT_NEEDED, types.CloseReason_CLOSE_REASON_EXHAUSTED} {
		require.Positive(t, seen[reason], "%s", reason)
	}
}

// fault breaks or mends a Container.
func (m careful) fault(t *rapid.T) {
	id := rapid.Uint64Range(1, modelContainers).Draw(t, "container")
	require.NoError(t, m.providers.setFault(m.ctx, id, m.status(id).FaultAt == nil))
}

// restart exports the state, which must be valid, and the same after an import.
func (m careful) restart(t *rapid.T) {
	m.pass(1) // a chain is exported between blocks
	state, err := m.k.ExportGenesis(m.ctx)
	require.NoError(t, err)
	require.NoError(t, state.Validate())
}
