// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"testing"
	"time"

	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/cosmos/cosmos-sdk/types/query"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	athtypes "github.com/athnet/ath/x/ath/types"
	"github.com/athnet/ath/x/leases/types"
	providertypes "github.com/athnet/ath/x/providers/types"
)

// TestLeaseIsPaidToTheLastSecond walks one lease through its life and checks every uath.
func TestLeaseIsPaidToTheLastSecond(t *testing.T) {
	w := newWorld(t)
	w.fund(tenant(1), 10_000)
	w.addOffer(1, 1, 10)
	id := w.open(order(tenant(1), 10_000, 1))
	require.Equal(t, tenant(1).String()+"/1", id.String())
	w.check()
	w.pass(30 * time.Second)
	w.start(id)
	w.check()
	require.Equal(t, int64(10_000), w.balance(tenant(1)), "the wait for the start is not billed")

	w.pass(90*time.Second + 750*time.Millisecond)
	paid, err := w.k.Settle(w.ctx, id)
	require.NoError(t, err)
	require.Equal(t, "907uath", paid.String())
	paid, err = w.k.Settle(w.ctx, id)
	require.NoError(t, err)
	require.Equal(t, "0uath", paid.String(), "settling twice pays once")
	w.check()

	w.pass(9*time.Second + 250*time.Millisecond)
	receipt, err := w.k.CloseLease(w.ctx, tenant(1), id, 0, nil)
	require.NoError(t, err)
	require.Equal(t, types.CloseReason_CLOSE_REASON_TENANT, receipt.Reason)
	require.Equal(t, int64(1_000), receipt.Billed.Int64())
	require.Equal(t, 100*time.Second, receipt.EndedAt.Sub(*receipt.StartedAt))
	require.Equal(t, int64(1_000), w.earned(1))
	require.Equal(t, int64(9_000), w.balance(tenant(1)))
	w.check()

	_, err = w.k.CloseLease(w.ctx, tenant(1), id, 0, nil)
	require.ErrorIs(t, err, types.ErrLeaseClosed)
	paid, err = w.k.Settle(w.ctx, id)
	require.NoError(t, err)
	require.True(t, paid.IsZero())

	back, err := w.k.Withdraw(w.ctx, tenant(1), sdk.NewInt64Coin(athtypes.Denom, 0))
	require.NoError(t, err)
	require.Equal(t, "9000uath", back.String())
	require.Equal(t, uint64(2), func() uint64 { id := w.open(orderFunded(w, tenant(1), 10_000, 1)); return id.Number }(), "numbers are never used again")
}

func orderFunded(w *world, who sdk.AccAddress, deposit int64, candidates ...uint64) *types.MsgCreateLease {
	w.fund(who, deposit)
	return order(who, deposit, candidates...)
}

// TestDepositRunsDry: the lease ends in the block after its money, at the very instant at which the money was used up.
func TestDepositRunsDry(t *testing.T) {
	w := newWorld(t)
	w.addOffer(1, 1, 10)
	id := w.open(orderFunded(w, tenant(1), 5_000, 1))
	w.start(id)
	began := w.ctx.BlockTime()
	w.pass(499 * time.Second)
	_, err := w.k.Lease(w.ctx, id)
	require.NoError(t, err, "not a second early: the reserve has been earned and pays as well")
	w.pass(3*time.Second + 1)
	receipt := w.receipt(id)
	require.Equal(t, types.CloseReason_CLOSE_REASON_EXHAUSTED, receipt.Reason)
	require.Equal(t, began.Add(500*time.Second), receipt.EndedAt)
	require.Equal(t, int64(5_000), w.earned(1))
	require.Equal(t, int64(0), w.balance(tenant(1)))
	w.check()
}

// TestDepositInTimeKeepsTheLease: a deposit between the end of the money and the block's end is in time, and pays the gap.
func TestDepositInTimeKeepsTheLease(t *testing.T) {
	w := newWorld(t)
	w.addOffer(1, 1, 10)
	id := w.open(orderFunded(w, tenant(1), 5_000, 1))
	w.start(id)
	w.pass(400 * time.Second)
	w.ctx = w.ctx.WithBlockTime(w.ctx.BlockTime().Add(200 * time.Second))
	w.fund(tenant(2), 5_000)
	w.leastForeign(5_000)
	_, err := w.k.Deposit(w.ctx, tenant(2), tenant(1), sdk.NewInt64Coin(athtypes.Denom, 5_000))
	require.NoError(t, err)
	w.pass(0)
	w.check()
	paid, err := w.k.Settle(w.ctx, id)
	require.NoError(t, err)
	require.Equal(t, "6000uath", paid.String())
}

// TestExhaustionClosesTheNewestFirst and only as many as must be.
func TestExhaustionClosesTheNewestFirst(t *testing.T) {
	w := newWorld(t)
	w.addOffer(1, 1, 10)
	w.addOffer(2, 2, 10)
	first := w.open(orderFunded(w, tenant(1), 10_000, 1))
	w.start(first)
	w.pass(100 * time.Second)
	second := w.open(order(tenant(1), 0, 2)) // never starts: what it holds goes back to the first
	w.pass(450 * time.Second)
	require.Equal(t, types.CloseReason_CLOSE_REASON_EXHAUSTED, w.receipt(second).Reason)
	require.True(t, w.receipt(second).Billed.IsZero())
	_, err := w.k.Lease(w.ctx, first)
	require.NoError(t, err)
	w.check()
	w.pass(450*time.Second + 1)
	require.Equal(t, 1000*time.Second, w.receipt(first).EndedAt.Sub(*w.receipt(first).StartedAt))
	require.Equal(t, int64(10_000), w.earned(1))
	w.check()
}

// TestAgreedEnd: a lease with a duration ends exactly then, whenever the chain gets to it.
func TestAgreedEnd(t *testing.T) {
	w := newWorld(t)
	w.addOffer(1, 1, 10)
	msg := orderFunded(w, tenant(1), 50_000, 1)
	msg.Duration = 10 * time.Minute
	id := w.open(msg)
	w.start(id)
	w.pass(10*time.Minute - 1)
	_, err := w.k.Lease(w.ctx, id)
	require.NoError(t, err)
	w.pass(time.Hour)
	require.Equal(t, types.CloseReason_CLOSE_REASON_EXPIRED, w.receipt(id).Reason)
	require.Equal(t, int64(6_000), w.earned(1))
	require.Equal(t, int64(44_000), w.balance(tenant(1)))
	w.check()
}

// TestMinimumCharge: a tenant that leaves early pays it, a provider that throws it out does not get it.
func TestMinimumCharge(t *testing.T) {
	for _, tc := range []struct {
		name   string
		signer sdk.AccAddress
		codes  []int32
		want   int64
	}{
		{"success - tenant pays the minimum", tenant(1), nil, 600},
		{"success - a finished job pays the minimum", operator(1), []int32{0}, 600},
		{"success - provider is paid what it served", provider(1), nil, 50},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t)
			w.addOffer(1, 1, 10)
			msg := orderFunded(w, tenant(1), 10_000, 1)
			msg.Completes = true
			id := w.open(msg)
			w.start(id)
			w.pass(5 * time.Second)
			receipt, err := w.k.CloseLease(w.ctx, tc.signer, id, 0, &types.Said{ExitCodes: tc.codes})
			require.NoError(t, err)
			require.Equal(t, tc.want, receipt.Billed.Int64())
			require.Equal(t, tc.want, w.earned(1))
			require.Equal(t, 10_000-tc.want, w.balance(tenant(1)))
			require.Equal(t, tc.codes, receipt.ExitCodes)
			w.check()
		})
	}
}

// TestWalkingAwayPaysTheMinimum: a tenant that closes before the start pays it, unless the provider is faulty or overdue.
func TestWalkingAwayPaysTheMinimum(t *testing.T) {
	for _, tc := range []struct {
		name   string
		before func(*world)
		want   int64
		reason types.CloseReason
	}{
		{"success - walks away", func(*world) {}, 600, types.CloseReason_CLOSE_REASON_TENANT},
		{"success - leaves a faulty one", func(w *world) { require.NoError(t, w.providers.setFault(w.ctx, 1, true)) }, 0, types.CloseReason_CLOSE_REASON_FAULT},
		{"success - leaves an overdue one", func(w *world) { w.pass(11 * time.Minute) }, 0, types.CloseReason_CLOSE_REASON_NOT_STARTED},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t)
			w.addOffer(1, 1, 10)
			id := w.open(orderFunded(w, tenant(1), 10_000, 1))
			tc.before(w)
			receipt, err := w.k.CloseLease(w.ctx, tenant(1), id, 0, nil)
			require.NoError(t, err)
			require.Equal(t, tc.reason, receipt.Reason)
			require.Equal(t, tc.want, receipt.Billed.Int64())
			require.Equal(t, 10_000-tc.want, w.balance(tenant(1)))
			w.check()
		})
	}
}

// TestOutageIsFree: time in which the Container was faulty is not billed, and its tenant may leave without a minimum.
func TestOutageIsFree(t *testing.T) {
	w := newWorld(t)
	w.addOffer(1, 1, 10)
	id := w.open(orderFunded(w, tenant(1), 100_000, 1))
	w.start(id)
	w.pass(20 * time.Second)
	require.NoError(t, w.providers.setFault(w.ctx, 1, true))
	w.pass(500 * time.Second)
	require.NoError(t, w.providers.setFault(w.ctx, 1, false))
	w.pass(10 * time.Second)
	require.NoError(t, w.providers.setFault(w.ctx, 1, true))
	w.pass(7 * time.Second)
	receipt, err := w.k.CloseLease(w.ctx, tenant(1), id, 0, nil)
	require.NoError(t, err)
	require.Equal(t, types.CloseReason_CLOSE_REASON_FAULT, receipt.Reason)
	require.Equal(t, 507*time.Second, receipt.Outage)
	require.Equal(t, int64(300), receipt.Billed.Int64())
	w.check()
	status, err := w.providers.Status(w.ctx, 1)
	require.NoError(t, err)
	require.Equal(t, providertypes.ContainerState_CONTAINER_STATE_OFFLINE, status.State)
}

// TestOutageProlongsTheAccount: what a faulty Container did not earn keeps the lease alive when the money would be gone.
func TestOutageProlongsTheAccount(t *testing.T) {
	w := newWorld(t)
	w.addOffer(1, 1, 10)
	id := w.open(orderFunded(w, tenant(1), 5_000, 1))
	w.start(id)
	require.NoError(t, w.providers.setFault(w.ctx, 1, true))
	w.pass(450 * time.Second)
	require.NoError(t, w.providers.setFault(w.ctx, 1, false))
	w.pass(400 * time.Second)
	_, err := w.k.Lease(w.ctx, id)
	require.NoError(t, err)
	w.check()
	w.pass(200 * time.Second)
	require.Equal(t, int64(5_000), w.earned(1))
	require.Equal(t, 950*time.Second, w.receipt(id).EndedAt.Sub(*w.receipt(id).StartedAt))
}

// TestNotStarted: once overdue anyone closes the lease, everything is given back and the Container is checked again.
func TestNotStarted(t *testing.T) {
	w := newWorld(t)
	w.addOffer(1, 1, 10)
	id := w.open(orderFunded(w, tenant(1), 50_000, 1))
	w.pass(10 * time.Minute)
	_, err := w.k.CloseLease(w.ctx, tenant(9), id, types.CloseReason_CLOSE_REASON_NOT_STARTED, nil)
	require.ErrorIs(t, err, types.ErrUnauthorized)
	w.pass(1)
	receipt, err := w.k.CloseLease(w.ctx, tenant(9), id, 0, nil)
	require.NoError(t, err)
	require.Equal(t, types.CloseReason_CLOSE_REASON_NOT_STARTED, receipt.Reason)
	require.Equal(t, tenant(9).String(), receipt.ClosedBy)
	require.Equal(t, int64(50_000), w.balance(tenant(1)))
	status, err := w.providers.Status(w.ctx, 1)
	require.NoError(t, err)
	require.Equal(t, providertypes.ContainerState_CONTAINER_STATE_CHECKING, status.State)
	require.Equal(t, []string{id.String()}, w.providers.tickets, "the provider is charged")
	w.check()
}

// TestRefusal: a provider who closes a lease before its start is treated like one who never started it; one who served is not.
func TestRefusal(t *testing.T) {
	w := newWorld(t)
	w.addOffer(1, 1, 10)
	w.addOffer(2, 1, 10)
	refused := w.open(orderFunded(w, tenant(1), 50_000, 1))
	served := w.open(orderFunded(w, tenant(2), 50_000, 2))
	w.start(served)
	for _, id := range []types.LeaseID{refused, served} {
		receipt, err := w.k.CloseLease(w.ctx, operator(1), id, 0, nil)
		require.NoError(t, err)
		require.Equal(t, types.CloseReason_CLOSE_REASON_PROVIDER, receipt.Reason)
	}
	for id, want := range map[uint64]providertypes.ContainerState{
		1: providertypes.ContainerState_CONTAINER_STATE_CHECKING, 2: providertypes.ContainerState_CONTAINER_STATE_READY,
	} {
		status, err := w.providers.Status(w.ctx, id)
		require.NoError(t, err)
		require.Equal(t, want, status.State, "container %d", id)
	}
	w.check()
	require.Empty(t, w.providers.tickets, "who says so in time is not charged")
}

// TestLateExcuse: an overdue lease ends as not started, whatever its provider or its tenant says; else a late provider would never
// be charged, nor one who is his own tenant.
func TestLateExcuse(t *testing.T) {
	for said, by := range map[types.CloseReason]sdk.AccAddress{
		types.CloseReason_CLOSE_REASON_UNSPECIFIED:  operator(1),
		types.CloseReason_CLOSE_REASON_PROVIDER:     operator(1),
		types.CloseReason_CLOSE_REASON_TENANT_IMAGE: provider(1),
		types.CloseReason_CLOSE_REASON_TENANT:       tenant(1),
	} {
		t.Run(said.String(), func(t *testing.T) {
			w := newWorld(t)
			w.addOffer(1, 1, 10)
			id := w.open(orderFunded(w, tenant(1), 50_000, 1))
			w.pass(11 * time.Minute)
			receipt, err := w.k.CloseLease(w.ctx, by, id, said, nil)
			require.NoError(t, err)
			require.Equal(t, types.CloseReason_CLOSE_REASON_NOT_STARTED, receipt.Reason)
			require.Equal(t, []string{id.String()}, w.providers.tickets)
			require.Equal(t, int64(50_000), w.balance(tenant(1)))
			w.check()
		})
	}
}

// TestHaltChargesNobody: while the network stands still no worker can say that it has started; the limit begins anew.
func TestHaltChargesNobody(t *testing.T) {
	w := newWorld(t)
	w.addOffer(1, 1, 10)
	id := w.open(orderFunded(w, tenant(1), 50_000, 1))
	w.pass(40 * time.Minute)
	w.providers.resumed = w.ctx.BlockTime()
	_, err := w.k.CloseLease(w.ctx, tenant(9), id, types.CloseReason_CLOSE_REASON_NOT_STARTED, nil)
	require.ErrorIs(t, err, types.ErrUnauthorized)
	w.pass(10*time.Minute + 1)
	_, err = w.k.CloseLease(w.ctx, tenant(9), id, types.CloseReason_CLOSE_REASON_NOT_STARTED, nil)
	require.NoError(t, err)
	require.Len(t, w.providers.tickets, 1)
	w.check()
}

// TestFaultyIsNotCharged: a Container that was offline while idle is found faulty when its next lease has begun. Its records are
// refused from then on, so that it can't say that it has started, and it is not charged.
func TestFaultyIsNotCharged(t *testing.T) {
	w := newWorld(t)
	w.addOffer(1, 1, 10)
	id := w.open(orderFunded(w, tenant(1), 50_000, 1))
	require.NoError(t, w.providers.setFault(w.ctx, 1, true))
	w.pass(11 * time.Minute)
	receipt, err := w.k.CloseLease(w.ctx, tenant(9), id, types.CloseReason_CLOSE_REASON_NOT_STARTED, nil)
	require.NoError(t, err)
	require.Equal(t, types.CloseReason_CLOSE_REASON_NOT_STARTED, receipt.Reason)
	require.Empty(t, w.providers.tickets)
	w.check()
}

// TestSettlingCountsAsWork: an account that ran dry costs the block all its leases, also where none has to end.
func TestSettlingCountsAsWork(t *testing.T) {
	w := newWorld(t)
	params := types.DefaultParams()
	params.MaxClosesPerBlock = 2
	require.NoError(t, w.k.params.Set(w.ctx, params))
	for id := range uint64(4) {
		w.addOffer(id+1, 1, 10)
	}
	w.fund(tenant(1), 18_600)
	w.start(w.open(order(tenant(1), 18_600, 1)))
	w.start(w.open(order(tenant(1), 0, 2)))
	w.start(w.open(order(tenant(1), 0, 3)))
	w.pass(time.Minute)
	dry := w.open(orderFunded(w, tenant(2), 5_000, 4))
	w.start(dry)
	w.pass(550 * time.Second) // 560 s after the start only the reserves of the first tenant are left, and they pay for more
	_, err := w.k.Lease(w.ctx, dry)
	require.NoError(t, err, "three leases were settled: the block's work is done")
	w.pass(time.Second)
	require.Equal(t, start.Add(560*time.Second), w.receipt(dry).EndedAt)
	account, err := w.queries.Account(w.ctx, &types.QueryAccountRequest{Tenant: tenant(1).String()})
	require.NoError(t, err)
	require.Equal(t, uint32(3), account.Account.OpenLeases)
	w.check()
}

// TestPagesAreBounded: nobody reads the whole state with one query.
func TestPagesAreBounded(t *testing.T) {
	w := newWorld(t)
	for id := range uint64(maxPage + 1) {
		w.addOffer(id+1, 1, 10)
	}
	offers, err := w.queries.Offers(w.ctx, &types.QueryOffersRequest{Pagination: &query.PageRequest{Limit: 1 << 40}})
	require.NoError(t, err)
	require.Len(t, offers.Offers, maxPage)
	require.NotEmpty(t, offers.Pagination.NextKey)
}

// TestRetiredOffersAreAnyonesToRemove, so that they can't clog the price index.
func TestRetiredOffersAreAnyonesToRemove(t *testing.T) {
	w := newWorld(t)
	w.addOffer(1, 1, 10)
	w.addOffer(2, 1, 10)
	w.addOffer(3, 1, 10)
	require.NoError(t, w.providers.statuses.Set(w.ctx, 1, providertypes.ContainerStatus{
		Id: 1, State: providertypes.ContainerState_CONTAINER_STATE_RETIRED,
	}))
	w.providers.gone[2] = true
	require.NoError(t, w.k.RemoveOffers(w.ctx, tenant(1), []uint64{1, 2}))
	require.ErrorIs(t, w.k.RemoveOffers(w.ctx, tenant(1), []uint64{3}), providertypes.ErrUnauthorized)
	require.ErrorIs(t, w.k.SetOffers(w.ctx, provider(1), []types.Offer{offer(1, 5)}), types.ErrContainerRetired)
	w.check()
}

// TestOfferedFollowsTheCeiling: only public offers at or below the class's ceiling, of an hour or more, count as supply.
func TestOfferedFollowsTheCeiling(t *testing.T) {
	w := newWorld(t)
	w.addContainer(1, 1)
	offered := func(o types.Offer) bool {
		require.NoError(t, w.k.SetOffers(w.ctx, operator(1), []types.Offer{o}))
		w.check()
		status, err := w.providers.Status(w.ctx, 1)
		require.NoError(t, err)
		return status.Offered
	}
	require.True(t, offered(offer(1, 1_000)))
	require.False(t, offered(offer(1, 1_001)))
	closed := offer(1, 10)
	closed.Denied = []string{tenant(1).String()}
	require.False(t, offered(closed))
	brief := offer(1, 10)
	brief.MaxTerm = time.Hour - 1
	require.False(t, offered(brief))
	brief.MaxTerm = time.Hour
	require.True(t, offered(brief))
	require.NoError(t, w.k.RemoveOffers(w.ctx, operator(1), []uint64{1}))
	status, err := w.providers.Status(w.ctx, 1)
	require.NoError(t, err)
	require.False(t, status.Offered)
}

// TestQuoteGivesWeight once, to the Indexer whose candidate won at its price.
func TestQuoteGivesWeight(t *testing.T) {
	w := newWorld(t)
	w.addOffer(1, 1, 10)
	w.addOffer(2, 1, 10)
	quote := func(nonce uint64, rate int64, candidates ...uint64) *types.Quote {
		return w.quote(tenant(1), types.Requirement{}, nonce, rate, candidates...)
	}
	indexer := sdk.AccAddress(indexerKey.PubKey().Address())
	msg := orderFunded(w, tenant(1), 50_000, 1)
	msg.Quote = quote(1, 10, 1)
	id := w.open(msg)
	lease, err := w.k.Lease(w.ctx, id)
	require.NoError(t, err)
	require.Equal(t, indexer.String(), lease.Indexer)

	again := order(tenant(1), 0, 2)
	again.Quote = msg.Quote
	_, err = w.msgs.CreateLease(w.ctx, again)
	require.ErrorIs(t, err, types.ErrQuoteUsed)
	again.Quote = quote(2, 9, 2)
	lease, err = w.k.Lease(w.ctx, w.open(again))
	require.NoError(t, err)
	require.Empty(t, lease.Indexer, "dearer than quoted")

	w.start(id)
	w.pass(10 * time.Second)
	_, err = w.k.Settle(w.ctx, id)
	require.NoError(t, err)
	require.Equal(t, int64(100), w.vault.get(w.ctx, "weight/"+indexer.String()).Int64())
	w.pass(51 * time.Second)
	left, err := firstKeys(w.ctx, w.k.nonces, 10, func(nonceKey) bool { return true })
	require.NoError(t, err)
	require.Empty(t, left, "nonces are forgotten when the quote has expired")
}

// TestQueueItemThatFailsIsParked: one broken item stops neither the block nor the others, and is not tried again.
func TestQueueItemThatFailsIsParked(t *testing.T) {
	w := newWorld(t)
	w.addOffer(1, 1, 10)
	w.addOffer(2, 2, 10)
	w.addOffer(3, 1, 10)
	broken := w.open(orderFunded(w, tenant(1), 5_000, 1))
	fine := w.open(orderFunded(w, tenant(2), 5_000, 2))
	timed := orderFunded(w, tenant(3), 10_000, 3)
	timed.Duration = 8 * time.Minute
	expiring := w.open(timed)
	for _, id := range []types.LeaseID{broken, fine, expiring} {
		w.start(id)
	}
	w.vault.broken[provider(1).String()] = true
	w.ctx = w.ctx.WithEventManager(sdk.NewEventManager())
	w.pass(500 * time.Second)
	parked := 0
	for _, event := range w.ctx.EventManager().Events() {
		if event.Type == "athd.leases.v1.EventQueueParked" {
			parked++
		}
	}
	require.Equal(t, 2, parked)
	require.Equal(t, types.CloseReason_CLOSE_REASON_EXHAUSTED, w.receipt(fine).Reason)
	before := len(w.ctx.EventManager().Events())
	w.pass(time.Second)
	require.Len(t, w.ctx.EventManager().Events(), before, "not retried")

	w.vault.broken = map[string]bool{}
	for _, id := range []types.LeaseID{broken, expiring} {
		_, err := w.k.CloseLease(w.ctx, tenant(9), id, 0, nil)
		require.ErrorIs(t, err, types.ErrUnauthorized)
	}
	_, err := w.k.CloseLease(w.ctx, tenant(1), broken, 0, nil)
	require.NoError(t, err)
	_, err = w.k.CloseLease(w.ctx, tenant(3), expiring, 0, nil)
	require.NoError(t, err)
	require.Equal(t, int64(5_000+4_800), w.earned(1), "nothing beyond the account's end or the agreed end")
	w.check()
}

// TestQueries answer as of now.
func TestQueries(t *testing.T) {
	w := newWorld(t)
	w.addOffer(1, 1, 10)
	w.addOffer(2, 1, 5)
	id := w.open(orderFunded(w, tenant(1), 10_000, 1))
	w.start(id)
	w.pass(100 * time.Second)
	lease, err := w.queries.Lease(w.ctx, &types.QueryLeaseRequest{Tenant: tenant(1).String(), Number: 1})
	require.NoError(t, err)
	require.Nil(t, lease.Receipt)
	require.Equal(t, int64(1_000), lease.Unsettled.Int64())
	account, err := w.queries.Account(w.ctx, &types.QueryAccountRequest{Tenant: tenant(1).String()})
	require.NoError(t, err)
	require.Equal(t, int64(10_000), account.Balance.Amount.Int64())
	require.Equal(t, int64(8_400), account.Free.Amount.Int64(), "1000 accrued, 600 reserved until settled")
	require.Equal(t, w.ctx.BlockTime().Add(840*time.Second), *account.ExhaustedAt)
	match, err := w.queries.Match(w.ctx, &types.QueryMatchRequest{Requirement: types.Requirement{Class: "cpu"}})
	require.NoError(t, err)
	require.Len(t, match.Offers, 1)
	require.Equal(t, uint64(2), match.Offers[0].ContainerId)
	leases, err := w.queries.Leases(w.ctx, &types.QueryLeasesRequest{Tenant: tenant(1).String()})
	require.NoError(t, err)
	require.Len(t, leases.Leases, 1)
	offers, err := w.queries.Offers(w.ctx, &types.QueryOffersRequest{})
	require.NoError(t, err)
	require.Len(t, offers.Offers, 2)
	_, err = w.k.CloseLease(w.ctx, tenant(1), id, 0, nil)
	require.NoError(t, err)
	lease, err = w.queries.Lease(w.ctx, &types.QueryLeaseRequest{Tenant: tenant(1).String(), Number: 1})
	require.NoError(t, err)
	require.Nil(t, lease.Lease)
	require.NotNil(t, lease.Receipt)
	receipts, err := w.queries.Receipts(w.ctx, &types.QueryReceiptsRequest{Tenant: tenant(1).String()})
	require.NoError(t, err)
	require.Len(t, receipts.Receipts, 1)
	_, err = w.queries.Lease(w.ctx, &types.QueryLeaseRequest{Tenant: tenant(1).String(), Number: 2})
	require.Equal(t, codes.NotFound, status.Code(err))
	_, err = w.queries.Offer(w.ctx, &types.QueryOfferRequest{ContainerId: 77})
	require.Equal(t, codes.NotFound, status.Code(err))
	params, err := w.queries.Params(w.ctx, &types.QueryParamsRequest{})
	require.NoError(t, err)
	require.Equal(t, types.DefaultParams(), params.Params)
}
