// SPDX-License-Identifier: Apache-2.0

package adversary

import (
	"testing"
	"time"

	"cosmossdk.io/math"
	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/testutil/gen"
	athtypes "github.com/athnet/ath/x/ath/types"
	leasestypes "github.com/athnet/ath/x/leases/types"
	providerstypes "github.com/athnet/ath/x/providers/types"
)

const (
	// courtNotice is due on demand, courtTerm can be reserved.
	courtNotice = 40 * time.Second
	courtTerm   = time.Hour
)

func withNotice(_ *athtypes.GenesisState, _ *providerstypes.GenesisState, leases *leasestypes.GenesisState) {
	leases.Params.ReclaimNotice, leases.Params.ReclaimNoticeReserved = courtNotice, courtNotice
	leases.Params.ReclaimCap = courtTerm
}

func (c *court) reclaim(who gen.Account, id string) []byte {
	return c.Sign(who, &leasestypes.MsgReclaimLease{Operator: who.String(), LeaseId: id})
}

// dearer asks ten times the price of Container 1.
func (c *court) dearer() {
	offer := courtOffer(1)
	offer.Rate = offer.Rate.MulRaw(10)
	c.must(c.Sign(c.owners[0], &leasestypes.MsgSetOffers{Operator: c.owners[0].String(), Offers: []leasestypes.Offer{offer}}))
}

// breach is what the first provider was charged for a lease that was broken: what the tenant was given back at once, and what its one ticket
// asks for.
func (c *court) breach(back int64) int64 {
	c.t.Helper()
	tickets := c.tickets(c.owners[0])
	require.Len(c.t, tickets, 1)
	require.Equal(c.t, providerstypes.TicketReason_TICKET_REASON_RECLAIMED, tickets[0].Reason)
	return back + tickets[0].Asked.Int64()
}

// least is the part of Container 1's stake that a broken lease costs at least.
func (c *court) least() int64 {
	c.t.Helper()
	params, err := c.App().Providers.Params(c.Context())
	require.NoError(c.t, err)
	row := providerstypes.StakeRow(c.owners[0].String(), 1)
	return params.ReclaimedRoundedUp(math.NewInt(c.row(row)), math.OneInt()).Int64()
}

// TestAProviderThatFindsABetterPrice: somebody would pay ten times as much, and the Container has a tenant. To throw it out costs a ticket, under
// whatever name and in whatever state of the Container; to give notice and wait for it costs nothing.
func TestAProviderThatFindsABetterPrice(t *testing.T) {
	const deposit = 10_000_000
	other := func(c *court) {
		msg := c.order(otherTenant, deposit, 1)
		msg.MaxRate = leasestypes.MaxRate
		c.rent(msg)
	}
	t.Run("throws its tenant out", func(t *testing.T) {
		c := newCourt(t, 1, 3, withNotice)
		owner, least := c.owners[0], c.least()
		id := c.rent(c.order(tenantOf, deposit, 1))
		c.run(20 * time.Second)
		c.dearer()
		for reason, codes := range map[leasestypes.CloseReason][]int32{
			leasestypes.CloseReason_CLOSE_REASON_COMPLETED: {0}, leasestypes.CloseReason_CLOSE_REASON_TENANT_IMAGE: nil,
			leasestypes.CloseReason_CLOSE_REASON_EXPIRED: nil, leasestypes.CloseReason_CLOSE_REASON_FAULT: nil,
			leasestypes.CloseReason_CLOSE_REASON_NOT_STARTED: nil, leasestypes.CloseReason_CLOSE_REASON_TENANT: nil,
		} {
			c.refused("close reason not allowed", c.Sign(owner, &leasestypes.MsgCloseLease{
				Signer: owner.String(), LeaseId: id, Reason: reason, ExitCodes: codes,
			}))
		}
		c.must(c.close(owner, id))
		billed := c.receipt(id).Billed.Int64()
		require.Less(t, billed, cost(courtNotice))
		require.Equal(t, int64(deposit), c.prepaid(tenantOf), "less than the notice was served: all of it comes back, at once")
		require.Zero(t, c.fees(owner))
		require.Equal(t, max(least, cost(courtNotice)), c.breach(billed))
		require.Equal(t, leasestypes.CloseReason_CLOSE_REASON_PROVIDER, c.receipt(id).Reason)
		other(c)
	})
	t.Run("makes the Container faulty first", func(t *testing.T) {
		c := newCourt(t, 1, 3, withNotice)
		id := c.rent(c.order(tenantOf, deposit, 1))
		c.broken[1] = true
		c.faulty(1)
		least := c.least()
		c.must(c.close(c.owners[0], id))
		require.Equal(t, max(least, cost(courtNotice)), c.breach(0))
	})
	t.Run("gives notice", func(t *testing.T) {
		c := newCourt(t, 1, 3, withNotice)
		id := c.rent(c.order(tenantOf, deposit, 1))
		c.run(20 * time.Second)
		c.dearer()
		c.refused("unauthorized", c.reclaim(otherTenant, id))
		c.must(c.reclaim(c.owners[0], id))
		at := *c.lease(id).ReclaimAt
		require.Equal(t, courtNotice, at.Sub(c.Now()))
		c.run(courtNotice - courtBlock)
		require.Equal(t, leasestypes.LeaseState_LEASE_STATE_RUNNING, c.lease(id).State)
		c.run(2 * courtBlock)
		require.Equal(t, leasestypes.CloseReason_CLOSE_REASON_PROVIDER, c.receipt(id).Reason)
		require.Equal(t, at, c.receipt(id).EndedAt)
		require.Empty(t, c.tickets(c.owners[0]))
		other(c)
	})
}

// TestAReservedTermIsKeptOrPaidFor: its provider gives notice in time, and its tenant, who does what it should, moves away at once: what the provider
// had promised is owed all the same, and the tenant pays for what it had.
func TestAReservedTermIsKeptOrPaidFor(t *testing.T) {
	c := newCourt(t, 1, 3, withNotice)
	owner, least := c.owners[0], c.least()
	offer := courtOffer(1)
	offer.Reserved = &leasestypes.ReservedTerms{Rate: math.NewInt(courtRate), MinTerm: courtTerm}
	c.must(c.Sign(owner, &leasestypes.MsgSetOffers{Operator: owner.String(), Offers: []leasestypes.Offer{offer}}))
	order := c.order(tenantOf, cost(courtTerm), 1)
	order.Mode, order.Duration = leasestypes.LeaseMode_LEASE_MODE_RESERVED, courtTerm
	id := c.rent(order)
	began := *c.lease(id).StartedAt
	c.run(20 * time.Second)
	c.refused("close reason not allowed", c.Sign(owner, &leasestypes.MsgCloseLease{
		Signer: owner.String(), LeaseId: id, Reason: leasestypes.CloseReason_CLOSE_REASON_COMPLETED, ExitCodes: []int32{0},
	}))
	c.must(c.reclaim(owner, id))
	lease := c.lease(id)
	owed := max(least, cost(lease.EndsAt.Sub(*lease.ReclaimAt)))
	back := cost(lease.SettledUntil.Sub(began))
	require.Equal(t, back, lease.Credited.Int64(), "more is withheld than was served: all of that is given back")
	require.Equal(t, owed, c.breach(back))
	c.must(c.close(tenantOf, id))
	require.Equal(t, owed, c.breach(back), "once")
	paid := cost(c.receipt(id).EndedAt.Sub(began))
	require.Equal(t, paid, c.receipt(id).Billed.Int64())
	require.Equal(t, cost(courtTerm)-paid+back, c.prepaid(tenantOf), "all of the rest comes back")
}
