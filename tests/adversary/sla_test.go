// SPDX-License-Identifier: Apache-2.0

package adversary

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	"github.com/athnet/ath/testutil/gen"
	athtypes "github.com/athnet/ath/x/ath/types"
	leasestypes "github.com/athnet/ath/x/leases/types"
	providerstypes "github.com/athnet/ath/x/providers/types"
)

var tenantOf, otherTenant, stranger = gen.NewAccount("tenant"), gen.NewAccount("other"), gen.NewAccount("stranger")

// untouched is what a lease costs in whole sessions from its start to the one that a fault fell into.
func untouched(lease leasestypes.Lease, fault time.Time) int64 {
	return int64(fault.Sub(*lease.StartedAt)/courtSession) * int64(courtSession/time.Second) * courtRate / 1_000_000
}

// cost of a time at the full rate, which divides.
func cost(d time.Duration) int64 { return int64(d) / 1_000_000 * courtRate / 1_000_000_000 }

// TestAVerdictGivesMoneyBack: from a Container that stops answering, through the Checkers' sealed reports, to the tenant's balance: every
// session that the fault touches is free, whoever settles in between, and the service fee of it is waived, with what it
// weighed for provider and Indexer. No form, no ticket.
func TestAVerdictGivesMoneyBack(t *testing.T) {
	c := newCourt(t, 1, 3, nil)
	const deposit = 1_000_000
	order := c.quoted(tenantOf, 1, 1)
	order.Deposit.Amount = math.NewInt(deposit)
	id := c.rent(order)
	weighs := func(paid int64) {
		t.Helper()
		require.Equal(t, paid/5, c.weight(athtypes.Pool_POOL_DELIVERY, c.owners[0]), "delivery counts by the fee that stays paid")
		require.Equal(t, paid/5, c.weight(athtypes.Pool_POOL_INDEXER, stranger), "and so does the quote that led to it")
	}
	began := *c.lease(id).StartedAt
	c.run(75 * time.Second)
	c.broken[1] = true
	c.must(c.settle(id))
	require.Positive(t, deposit-c.prepaid(tenantOf))
	weighs(deposit - c.prepaid(tenantOf))
	fault := c.faulty(1)
	due := untouched(c.lease(id), fault)
	require.Equal(t, int64(deposit)-due, c.prepaid(tenantOf), "back to the start of the session, to the uath")
	require.Equal(t, due/5*4, c.fees(c.owners[0]), "the provider keeps what came before")
	require.Positive(t, c.lease(id).Credited.Int64())
	weighs(due)

	c.must(c.settle(id))
	require.Equal(t, int64(deposit)-due, c.prepaid(tenantOf), "nothing is billed while the fault stands")
	c.healed(1)
	until := *c.lease(id).FreeUntil
	require.Zero(t, until.Sub(began)%courtSession, "the rest of the session is free as well")
	c.run(until.Sub(c.Now()) + 20*time.Second)
	c.must(c.settle(id))
	due += cost(c.Now().Sub(until))
	require.Equal(t, int64(deposit)-due, c.prepaid(tenantOf))
	weighs(due)
	require.Empty(t, c.tickets(c.owners[0]))
	c.must(c.close(tenantOf, id))
	require.Equal(t, due+cost(courtBlock), c.receipt(id).Billed.Sub(c.receipt(id).Credited).Int64())
}

// weight is what somebody has of a pool's weight in all epochs.
func (c *court) weight(pool athtypes.Pool, of gen.Account) int64 {
	c.t.Helper()
	state, err := c.App().Ath.ExportGenesis(c.Context())
	require.NoError(c.t, err)
	sum := math.ZeroInt()
	for _, p := range state.SharePositions {
		if p.Pool == pool && p.Beneficiary == of.String() {
			sum = sum.Add(p.Weight)
		}
	}
	return sum.Int64()
}

// TestALeaseThatEndedBeforeTheVerdictIsCredited, and once: its tenant, tired of a Container that does not answer, has closed it while the
// Checkers were still at it.
func TestALeaseThatEndedBeforeTheVerdictIsCredited(t *testing.T) {
	c := newCourt(t, 1, 3, nil)
	const deposit = 1_000_000
	id := c.rent(c.order(tenantOf, deposit, 1))
	lease := c.lease(id)
	c.run(75 * time.Second)
	c.broken[1] = true
	c.run(12 * time.Second)
	c.must(c.close(tenantOf, id))
	require.Equal(t, cost(c.Now().Sub(*lease.StartedAt)), int64(deposit)-c.prepaid(tenantOf), "all of it, so far")
	fault := c.faulty(1)
	require.True(t, fault.Before(c.receipt(id).EndedAt))
	kept := c.receipt(id)
	require.Equal(t, int64(deposit)-untouched(lease, fault), c.prepaid(tenantOf))
	c.healed(1)
	c.faulty(1)
	require.Equal(t, int64(deposit)-untouched(lease, fault), c.prepaid(tenantOf), "once")
	require.Equal(t, kept, c.receipt(id), "what the log proves stays")
}

// withFund is a genesis in which fees ripen at once and fill the SLA fund, so that a fault finds no fees to credit from.
func withFund(ath *athtypes.GenesisState, _ *providerstypes.GenesisState, _ *leasestypes.GenesisState) {
	ath.Params.EpochDuration, ath.Params.VerdictHorizonEpochs = 20*time.Second, 1
	ath.Params.FeeVesting = time.Second
	ath.Params.FeeSplit = athtypes.FeeSplit{SlaFundPpm: 1_000_000}
}

// TestTheFundAdvancesNothingToTheProvidersPeople: fees are gone, so a ticket claims the credit of the provider's stake. The fund advances what it
// holds to a tenant that is a stranger, and nothing to owner, operator or payout address.
func TestTheFundAdvancesNothingToTheProvidersPeople(t *testing.T) {
	for name, related := range map[string]bool{"a stranger": false, "the payout address": true, "the owner": true} {
		t.Run(name, func(t *testing.T) {
			c := newCourt(t, 1, 3, withFund)
			owner, tenant := c.owners[0], tenantOf
			switch name {
			case "the payout address":
				c.must(c.Sign(owner, &providerstypes.MsgUpdateProvider{Owner: owner.String(), Payout: tenant.String()}))
			case "the owner":
				tenant = owner
			}
			// Somebody else's lease has filled the fund and ended long before.
			first := c.rent(c.order(otherTenant, 1_000_000, 1))
			c.run(10 * time.Minute)
			c.must(c.close(otherTenant, first))
			c.run(11 * time.Minute)
			fundRow := athtypes.Row{Kind: athtypes.RowKind_ROW_KIND_SLA_FUND, Denom: athtypes.Denom}
			before := c.row(fundRow)
			require.Positive(t, before)

			id := c.rent(c.order(tenant, 1_000_000, 1))
			lease := c.lease(id)
			c.run(26 * time.Second)
			c.must(c.settle(id))
			paid := 1_000_000 - c.prepaid(tenant)
			c.run(4 * time.Second) // it has ripened
			c.broken[1] = true
			fault := c.faulty(1)
			require.Less(t, fault.Sub(*lease.StartedAt), courtSession)
			tickets := c.tickets(owner)
			require.Len(t, tickets, 1)
			require.Equal(t, providerstypes.TicketReason_TICKET_REASON_OUTAGE, tickets[0].Reason)
			require.True(t, tickets[0].Amount.LTE(math.NewInt(paid)), "%s of %d", tickets[0].Amount, paid)
			back := c.prepaid(tenant) - (1_000_000 - paid)
			credited := c.lease(id).Credited.Int64()
			require.Equal(t, credited, back)
			if related {
				require.LessOrEqual(t, back, paid/5, "no more than a waived fee")
				require.GreaterOrEqual(t, c.row(fundRow), before)
				return
			}
			require.Equal(t, paid, back, "all of it")
			require.LessOrEqual(t, before-c.row(fundRow), tickets[0].Amount.Int64(), "no more than the ticket gets back")
		})
	}
}

// TestSettlingInTheVerdictsBlockIsNoWayOut: a provider that knows when a verdict falls has its income paid in that very block, where no
// refund could find it, for the SLA fund to pay its tenant.
func TestSettlingInTheVerdictsBlockIsNoWayOut(t *testing.T) {
	c := newCourt(t, 1, 3, nil)
	const deposit = 1_000_000
	id := c.rent(c.order(tenantOf, deposit, 1))
	lease := c.lease(id)
	c.run(20 * time.Second)
	c.broken[1] = true
	for c.status(1).FaultAt == nil {
		c.must(c.settle(id))
	}
	require.Less(t, c.status(1).FaultAt.Sub(*lease.StartedAt), courtSession)
	require.Equal(t, int64(deposit), c.prepaid(tenantOf))
	require.Zero(t, c.fees(c.owners[0]))
	require.Empty(t, c.tickets(c.owners[0]))

}

// TestAMovedLeaseIsCreditedByAVerdict: the tenant sees its Container fail before the Checkers have said so, and moves to its standby. What it
// paid in the Container that it left comes back; what the standby's provider earns is his.
func TestAMovedLeaseIsCreditedByAVerdict(t *testing.T) {
	c := newCourt(t, 2, 3, nil)
	const deposit = 1_000_000
	msg := c.order(tenantOf, deposit, 1, 2)
	msg.Standbys, msg.Failover = 1, leasestypes.FailoverPolicy_FAILOVER_POLICY_ASK
	id := c.rent(msg)
	lease := c.lease(id)
	c.run(75 * time.Second)
	c.broken[1] = true
	c.run(10 * time.Second)
	c.must(c.failover(tenantOf, id))
	at := c.Now()
	c.must(c.start(id))
	require.Equal(t, uint64(2), c.lease(id).ContainerId)
	require.Equal(t, cost(at.Sub(*lease.StartedAt))/5*4, c.fees(c.owners[0]))
	fault := c.faulty(1)
	require.True(t, fault.Before(at))
	require.Equal(t, untouched(lease, fault)/5*4, c.fees(c.owners[0]))
	require.Equal(t, cost(at.Sub(*lease.StartedAt))-untouched(lease, fault), c.lease(id).Credited.Int64())
	c.run(10 * time.Second)
	standing := cost(at.Sub(lease.CreatedAt)) / 5
	c.must(c.close(tenantOf, id))
	served := cost(c.Now().Sub(at))
	require.Equal(t, deposit-untouched(lease, fault)-standing-served, c.prepaid(tenantOf))
	require.Equal(t, (standing+served)/5*4, c.fees(c.owners[1]))
	require.Empty(t, append(c.tickets(c.owners[0]), c.tickets(c.owners[1])...))
}
