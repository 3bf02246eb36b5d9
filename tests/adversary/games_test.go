// SPDX-License-Identifier: Apache-2.0

package adversary

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/testutil/gen"
	"github.com/athnet/ath/testutil/shadow"
	athtypes "github.com/athnet/ath/x/ath/types"
	leasestypes "github.com/athnet/ath/x/leases/types"
	providerstypes "github.com/athnet/ath/x/providers/types"
)

// TestATenantMakesNoOutage: a tenant that is a Checker, with another that it has bought, says in every round that its Container is dead. Two of
// seven turn nothing; a third makes the rounds inconclusive, which pays the provider no capacity and the tenant nothing: it is billed to the second.
func TestATenantMakesNoOutage(t *testing.T) {
	for name, liars := range map[string]int{"with one Checker": 2, "with two": 3} {
		t.Run(name, func(t *testing.T) {
			c := newCourt(t, 2, 7, nil)
			tenant := c.checkers[0]
			id := c.rent(c.order(tenant, 1_000_000, 1))
			for _, liar := range c.checkers[:liars] {
				c.lies[liar.Name] = map[uint64]bool{1: false}
			}
			c.run(5 * courtRound)
			require.Nil(t, c.status(1).FaultAt)
			require.Zero(t, c.status(1).Outage)
			lease := c.lease(id)
			c.must(c.close(tenant, id))
			require.Equal(t, cost(c.Now().Sub(*lease.StartedAt)), c.receipt(id).Billed.Int64())
			require.True(t, c.receipt(id).Credited.IsZero())
			require.Empty(t, c.tickets(c.owners[0]))
		})
	}
}

// priced offers a court's Containers anew.
func (c *court) priced(edit func(*leasestypes.Offer), ids ...uint64) {
	c.t.Helper()
	var txs [][]byte
	for _, id := range ids {
		offer, owner := courtOffer(id), c.owners[id-1]
		edit(&offer)
		txs = append(txs, c.Sign(owner, &leasestypes.MsgSetOffers{Operator: owner.String(), Offers: []leasestypes.Offer{offer}}))
	}
	c.must(txs...)
}

// TestAProviderThatNeverStarts pays for it, and its tenant nothing, whoever closes the lease: the provider itself with an excuse, the tenant, or a
// stranger; the Container is no supply until it was checked anew.
func TestAProviderThatNeverStarts(t *testing.T) {
	quick := func(_ *athtypes.GenesisState, providers *providerstypes.GenesisState, _ *leasestypes.GenesisState) {
		for i := range providers.Classes {
			providers.Classes[i].StartLimit = 20 * time.Second
		}
	}
	for name, reason := range map[string]leasestypes.CloseReason{
		"its provider, with an excuse": leasestypes.CloseReason_CLOSE_REASON_TENANT_IMAGE,
		"a stranger":                   leasestypes.CloseReason_CLOSE_REASON_NOT_STARTED,
		"its tenant":                   leasestypes.CloseReason_CLOSE_REASON_TENANT,
	} {
		t.Run(name, func(t *testing.T) {
			c := newCourt(t, 1, 3, quick)
			c.priced(func(o *leasestypes.Offer) { o.MinCharge = 10 * time.Second }, 1)
			who := map[string]gen.Account{"its provider, with an excuse": c.owners[0], "a stranger": stranger, "its tenant": tenantOf}[name]
			id := said[leasestypes.MsgCreateLeaseResponse](t, c.must(c.Sign(tenantOf, c.order(tenantOf, 1_000_000, 1)))[0]).LeaseId
			c.run(22 * time.Second)
			c.must(c.Sign(who, &leasestypes.MsgCloseLease{Signer: who.String(), LeaseId: id, Reason: reason}))
			require.Equal(t, leasestypes.CloseReason_CLOSE_REASON_NOT_STARTED, c.receipt(id).Reason)
			require.Equal(t, int64(1_000_000), c.prepaid(tenantOf))
			require.Zero(t, c.fees(c.owners[0]))
			require.Len(t, c.tickets(c.owners[0]), 1)
			require.Equal(t, providerstypes.ContainerState_CONTAINER_STATE_CHECKING, c.status(1).State)
			require.NotNil(t, c.status(1).SuspendedUntil)
		})
	}
}

// TestAFalseStartIsRefuted: a provider hands in the first usage record, which starts billing, and runs nothing. Its worker, which signs every
// answer to a Checker, says that it serves no lease, or the one before: two rounds later that is a fault, the session is free, and the
// Container is no supply. Nobody is accused for what a tenant does, nor for not knowing what is seconds old.
func TestAFalseStartIsRefuted(t *testing.T) {
	for name, worker := range map[string]struct {
		says  func(id string) served
		fault bool
	}{
		"it serves nothing":                             {func(string) served { return served{} }, true},
		"it serves the lease before":                    {func(string) served { return served{lease: tenantOf.String() + "/7", running: true} }, true},
		"the tenant's program has ended":                {func(id string) served { return served{lease: id} }, false},
		"it runs":                                       {func(id string) served { return served{lease: id, running: true} }, false},
		"a lie that only the tenant sees, see ADR-0022": {func(id string) served { return served{lease: id, running: true} }, false},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCourt(t, 1, 7, func(_ *athtypes.GenesisState, _ *providerstypes.GenesisState, leases *leasestypes.GenesisState) {
				leases.Params.SlaSession = 10 * time.Minute // the false start's own session is the one that is free
			})
			id := c.rent(c.order(tenantOf, 1_000_000, 1))
			c.serves[1] = worker.says(id)
			c.run(100 * time.Second)
			require.Nil(t, c.status(1).FaultAt, "a worker has time to hear of a lease")
			c.run(time.Minute)
			if !worker.fault {
				require.Nil(t, c.status(1).FaultAt)
				require.Zero(t, c.status(1).Outage)
				return
			}
			require.NotNil(t, c.status(1).FaultAt)
			c.must(c.close(tenantOf, id))
			require.Equal(t, int64(1_000_000), c.prepaid(tenantOf), "all of it was free")
			require.Zero(t, c.fees(c.owners[0]))
			require.Zero(t, c.status(1).Weight)

			// Honest from now on, it is found healthy, and serves.
			c.serves[1] = served{}
			c.until("it is ready again", func() bool { return c.status(1).State == providerstypes.ContainerState_CONTAINER_STATE_READY })
			id = c.rent(c.order(tenantOf, 0, 1))
			c.serves[1] = served{lease: id, running: true}
			c.run(3 * time.Minute)
			require.Nil(t, c.status(1).FaultAt)
		})
	}
}

// TestAMovedLeaseAccusesNobody: not the worker that it leaves, not the one that it comes to, not one that stands by.
func TestAMovedLeaseAccusesNobody(t *testing.T) {
	c := newCourt(t, 2, 7, nil)
	msg := c.order(tenantOf, 1_000_000, 1, 2)
	msg.Standbys, msg.Grace = 1, 20*time.Second
	id := c.rent(msg)
	standby := c.status(2).Lease
	c.serves[1], c.serves[2] = served{lease: id, running: true}, served{lease: standby}
	c.run(3 * time.Minute)
	c.serves[2] = served{} // it holds its Container ready and says nothing of it
	c.run(time.Minute)
	c.must(c.failover(tenantOf, id))
	c.run(time.Minute) // the first one goes on naming what it had, the second has not heard of the move, and does not start
	c.must(c.start(id))
	c.run(50 * time.Second)
	c.serves[2] = served{lease: id, running: true}
	c.run(3 * time.Minute)
	c.must(c.close(tenantOf, id))
	c.run(time.Minute) // both go on naming it
	for _, container := range []uint64{1, 2} {
		require.Nil(t, c.status(container).FaultAt)
		require.Zero(t, c.status(container).Outage)
	}
}

// TestAGangIsSniped: somebody takes one of the Containers of a gang in the same block, just before. The gang is refused as a whole, at no cost, or
// served out of its further candidates; the sniper pays a minimum charge each time.
func TestAGangIsSniped(t *testing.T) {
	c := newCourt(t, 4, 3, nil)
	c.priced(func(o *leasestypes.Offer) { o.MinCharge = time.Minute }, 1, 2, 3, 4)
	gang := c.order(tenantOf, 1_000_000, 1, 2, 3)
	gang.Count = 3
	res := c.next(c.Sign(otherTenant, c.order(otherTenant, 1_000_000, 2)), c.Sign(tenantOf, gang))
	require.Zero(t, res[0].Code)
	require.Contains(t, res[1].Log, "2 of 3 fit")
	require.Zero(t, c.prepaid(tenantOf), "not even the deposit")
	for _, id := range []uint64{1, 3} {
		require.Empty(t, c.status(id).Lease)
	}
	sniped := otherTenant.String() + "/1"
	c.must(c.close(otherTenant, sniped))
	require.Equal(t, cost(time.Minute), c.receipt(sniped).Billed.Int64())

	gang.Candidates = []uint64{1, 2, 3, 4}
	res = c.must(c.Sign(otherTenant, c.order(otherTenant, 0, 2)), c.Sign(tenantOf, gang))
	require.Len(t, said[leasestypes.MsgCreateLeaseResponse](t, res[1]).Gang, 3)
}

// TestABatchTakesNoContainerTwice: orders of one message that name the same Container share it as those of several tenants do.
func TestABatchTakesNoContainerTwice(t *testing.T) {
	c := newCourt(t, 1, 3, nil)
	order := *c.order(tenantOf, 0, 1)
	order.Tenant, order.Deposit = "", sdk.Coin{}
	batch := &leasestypes.MsgCreateLeases{
		Tenant: tenantOf.String(), Deposit: sdk.NewCoin(athtypes.Denom, math.NewInt(1_000_000)), Orders: []leasestypes.MsgCreateLease{order, order, order},
	}
	c.refused("orders[1]", c.Sign(tenantOf, batch))
	require.Empty(t, c.status(1).Lease)
	batch.Partial = true
	res := said[leasestypes.MsgCreateLeasesResponse](t, c.must(c.Sign(tenantOf, batch))[0])
	served := 0
	for _, result := range res.Results {
		served += len(result.Leases)
	}
	require.Equal(t, 1, served)
}

// quoted is an order with an Indexer's signed quote.
func (c *court) quoted(tenant gen.Account, nonce uint64, candidates ...uint64) *leasestypes.MsgCreateLease {
	c.t.Helper()
	msg := c.order(tenant, 100_000, candidates...)
	msg.Quote = &leasestypes.Quote{
		Indexer: stranger.String(), Candidates: candidates, Nonce: nonce, ExpiresAt: c.Now().Add(30 * time.Second),
		RequirementHash: msg.Wanted().Hash(), Pubkey: stranger.Key.PubKey().Bytes(),
	}
	for range candidates {
		msg.Quote.Rates = append(msg.Quote.Rates, msg.MaxRate)
	}
	var err error
	msg.Quote.Signature, err = stranger.Key.Sign(msg.Quote.SignBytes(shadow.ChainID, tenant.String()))
	require.NoError(c.t, err)
	return msg
}

// TestAQuoteCountsOnce: in two messages of a transaction, in two transactions of a block, in two orders of a batch, by another tenant, and after
// the lease that it led to has ended.
func TestAQuoteCountsOnce(t *testing.T) {
	c := newCourt(t, 3, 3, nil)
	msg := c.quoted(tenantOf, 1, 1, 2, 3)
	c.refused("quote", c.Sign(tenantOf, msg, msg))
	for id := uint64(1); id <= 3; id++ {
		require.Empty(t, c.status(id).Lease)
	}
	stolen := *msg
	stolen.Tenant = otherTenant.String()
	c.refused("quote.signature", c.Sign(otherTenant, &stolen))

	res := c.next(c.Sign(tenantOf, msg), c.Sign(tenantOf, msg))
	require.Zero(t, res[0].Code, res[0].Log)
	require.Contains(t, res[1].Log, "ask the indexer again")
	id := said[leasestypes.MsgCreateLeaseResponse](t, res[0]).LeaseId
	require.Equal(t, stranger.String(), c.lease(id).Indexer)
	c.must(c.close(tenantOf, id))
	c.refused("ask the indexer again", c.Sign(tenantOf, msg))

	order := *c.quoted(tenantOf, 2, 1, 2, 3)
	order.Tenant, order.Deposit = "", sdk.Coin{}
	batch := &leasestypes.MsgCreateLeases{Tenant: tenantOf.String(), Orders: []leasestypes.MsgCreateLease{order, order}}
	c.refused("orders[1]", c.Sign(tenantOf, batch))
	c.run(30 * time.Second)
	c.refused("is past", c.Sign(tenantOf, batch))
}

// TestAPriceMovesNoOpenLease: not up for its tenant, not down for its provider; who closes to open anew at a lower price pays the minimum charge of
// each, and an extension is no way to rent below the market.
func TestAPriceMovesNoOpenLease(t *testing.T) {
	c := newCourt(t, 1, 3, nil)
	c.priced(func(o *leasestypes.Offer) { o.MinCharge = time.Minute }, 1)
	msg := c.order(tenantOf, 1_000_000, 1)
	msg.Duration = 10 * time.Minute
	id := c.rent(msg)
	began := *c.lease(id).StartedAt
	half := func(o *leasestypes.Offer) { o.MinCharge, o.Rate = time.Minute, o.Rate.QuoRaw(2) }
	double := func(o *leasestypes.Offer) { o.MinCharge, o.Rate = time.Minute, o.Rate.MulRaw(2) }
	c.priced(double, 1)
	c.refused("extend_by", c.Sign(tenantOf, &leasestypes.MsgUpdateLease{Tenant: tenantOf.String(), LeaseId: id, ExtendBy: time.Hour}))
	c.priced(half, 1)
	c.must(c.settle(id))
	require.Equal(t, cost(c.Now().Sub(began)), c.lease(id).Billed.Int64())

	// Closed after 8 s and opened anew three times in a minute: each costs its minute.
	before := c.prepaid(tenantOf)
	billed := c.lease(id).Billed.Int64()
	c.must(c.close(tenantOf, id))
	require.Equal(t, cost(time.Minute), c.receipt(id).Billed.Int64())
	for range 3 {
		id = c.rent(c.order(tenantOf, 0, 1))
		c.must(c.close(tenantOf, id))
	}
	require.Equal(t, cost(time.Minute)-billed+3*cost(time.Minute)/2, before-c.prepaid(tenantOf))
}

// TestMovingIsNoWayRoundTheMinimum: neither before the start, in order to begin the start limit anew, nor after it; each Container that is left
// is paid what leaving it costs, and there are no more moves than standbys.
func TestMovingIsNoWayRoundTheMinimum(t *testing.T) {
	c := newCourt(t, 3, 3, nil)
	c.priced(func(o *leasestypes.Offer) { o.MinCharge = time.Minute }, 1, 2, 3)
	msg := c.order(tenantOf, 1_000_000, 1, 2, 3)
	msg.Standbys = 2
	id := said[leasestypes.MsgCreateLeaseResponse](t, c.must(c.Sign(tenantOf, msg))[0]).LeaseId
	c.must(c.failover(tenantOf, id))
	require.Equal(t, cost(time.Minute)/5*4, c.fees(c.owners[0]), "a minute of the lease that it did not wait for")
	c.must(c.start(id))
	c.must(c.failover(tenantOf, id))
	require.Equal(t, cost(time.Minute)/5/5*4, c.fees(c.owners[1]), "a minute of standing by")
	c.refused("none of the 0 standbys", c.failover(tenantOf, id))
	c.refused("is not faulty", c.failover(stranger, id))
	c.must(c.close(tenantOf, id))
	require.Equal(t, cost(time.Minute)/5/5*4, c.fees(c.owners[2]))
	require.Equal(t, int64(1_000_000)-cost(time.Minute)-2*cost(time.Minute)/5, c.prepaid(tenantOf))
}

// TestWhoTakesTheMoneyAwayPaysTheMinimum: a tenant opens and, in the same transaction, takes all of its money back, for the lease to run dry
// instead of being closed.
func TestWhoTakesTheMoneyAwayPaysTheMinimum(t *testing.T) {
	c := newCourt(t, 1, 3, nil)
	c.priced(func(o *leasestypes.Offer) { o.MinCharge = time.Minute }, 1)
	c.must(c.Sign(tenantOf, c.order(tenantOf, 1_000_000, 1),
		&leasestypes.MsgWithdrawDeposit{Tenant: tenantOf.String(), Amount: sdk.NewCoin(athtypes.Denom, math.ZeroInt())}))
	c.run(courtBlock)
	receipt := c.receipt(tenantOf.String() + "/1")
	require.Equal(t, leasestypes.CloseReason_CLOSE_REASON_EXHAUSTED, receipt.Reason)
	require.Equal(t, cost(time.Minute), receipt.Billed.Int64())
}

// TestRefreshingOffersHurtsNobody: what can be leased stays listed and stays supply, however often somebody asks; what can't be is no supply
// until it can be leased again and says so.
func TestRefreshingOffersHurtsNobody(t *testing.T) {
	c := newCourt(t, 2, 3, nil)
	refresh := func() *leasestypes.MsgRefreshOffersResponse {
		return said[leasestypes.MsgRefreshOffersResponse](t, c.must(c.Sign(stranger, &leasestypes.MsgRefreshOffers{Signer: stranger.String(), ContainerIds: []uint64{1, 2}}))[0])
	}
	for range 3 {
		require.Equal(t, &leasestypes.MsgRefreshOffersResponse{}, refresh())
	}
	require.True(t, c.status(1).Offered && c.status(2).Offered)
	c.faulty(1)
	require.Equal(t, []uint64{1}, refresh().Delisted)
	require.False(t, c.status(1).Offered)
	c.healed(1)
	require.Zero(t, c.status(1).Weight, "healthy, and nobody finds it")
	require.Equal(t, []uint64{1}, refresh().Listed)
	require.Positive(t, c.status(1).Weight)
}

// TestTheHighestPriorityForAllIsNone: a tenant that says of all its leases that they outlast the others spares none of them, and what they
// have used is paid to the last unit.
func TestTheHighestPriorityForAllIsNone(t *testing.T) {
	c := newCourt(t, 2, 3, nil)
	var ids []string
	for _, id := range []uint64{1, 2} {
		msg := c.order(tenantOf, 35_000, id)
		msg.Priority, msg.Grace = leasestypes.MaxPriority, 20*time.Second
		ids = append(ids, c.rent(msg))
	}
	deposit := int64(70_000)
	c.run(2 * time.Minute)
	billed := int64(0)
	for _, id := range ids {
		receipt := c.receipt(id)
		require.Equal(t, leasestypes.CloseReason_CLOSE_REASON_EXHAUSTED, receipt.Reason)
		billed += receipt.Billed.Int64()
	}
	require.InDelta(t, deposit, billed+c.prepaid(tenantOf), 0)
	require.Less(t, c.prepaid(tenantOf), int64(3_000))
	require.Equal(t, billed/5*4, c.fees(c.owners[0])+c.fees(c.owners[1]))
}
