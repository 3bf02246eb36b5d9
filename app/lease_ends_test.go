// SPDX-License-Identifier: Apache-2.0

package app_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"
	govtypes "github.com/cosmos/cosmos-sdk/x/gov/types"

	"github.com/athnet/ath/testutil/gen"
	"github.com/athnet/ath/testutil/shadow"
	athtypes "github.com/athnet/ath/x/ath/types"
	leasestypes "github.com/athnet/ath/x/leases/types"
)

// TestDepositRunsDry: a tenant pays what it deposited and not a uath more; its lease ends in the second in which the money
// does, and the Container is free again.
func TestDepositRunsDry(t *testing.T) {
	m := newMarket(t, []shadow.Twin{shadow.Plain()})
	m.open(1)
	deposit := price(31 * time.Second)
	id, before := m.rent(m.tenant, deposit, 0)
	m.until("the deposit is used up", func() bool { return m.status(m.ids[0]).State == ready })
	receipt := m.receipt(id)
	require.Equal(t, leasestypes.CloseReason_CLOSE_REASON_EXHAUSTED, receipt.Reason)
	require.True(t, receipt.Billed.LTE(deposit), "%s of %s", receipt.Billed, deposit)
	require.Equal(t, price(receipt.EndedAt.Sub(*receipt.StartedAt)).String(), receipt.Billed.String())
	require.True(t, deposit.Sub(receipt.Billed).LTE(price(3*time.Second)), "only what was not billed before the start is left")
	require.Equal(t, before.Sub(deposit).String(), m.balance(m.tenant).String())
}

// TestAgreedEnd: a lease ends at its agreed time and is billed up to it, though the block that ends it comes later.
func TestAgreedEnd(t *testing.T) {
	m := newMarket(t, []shadow.Twin{shadow.Plain()})
	m.open(1)
	id, _ := m.rent(m.tenant, gen.ATH(10), 21*time.Second)
	ends := *m.lease(id).EndsAt
	m.until("the agreed end", func() bool { return m.status(m.ids[0]).State == ready })
	receipt := m.receipt(id)
	require.Equal(t, leasestypes.CloseReason_CLOSE_REASON_EXPIRED, receipt.Reason)
	require.Equal(t, ends, receipt.EndedAt)
	require.Equal(t, price(ends.Sub(*receipt.StartedAt)).String(), receipt.Billed.String())
}

// TestGovernanceEndsALease: a proposal that passes ends a lease whatever its tenant and provider want. Its time is paid, its coming is not, and the
// Container is free again. Nobody else can name that reason.
func TestGovernanceEndsALease(t *testing.T) {
	m := newMarket(t, []shadow.Twin{shadow.Plain()})
	m.open(1)
	m.next(m.Sign(m.hot, &leasestypes.MsgSetOffers{Operator: m.hot.String(), Offers: []leasestypes.Offer{
		{ContainerId: m.ids[0], Denom: athtypes.Denom, Rate: math.NewInt(rate), MinCharge: time.Hour},
	}}))
	id, _ := m.rent(m.tenant, gen.ATH(10), 0)
	end := &leasestypes.MsgCloseLease{
		Signer: authtypes.NewModuleAddress(govtypes.ModuleName).String(), LeaseId: id, Reason: leasestypes.CloseReason_CLOSE_REASON_GOVERNANCE,
	}
	for _, who := range []gen.Account{m.tenant, m.hot} {
		m.refused("is not open to this signer", m.Sign(who, &leasestypes.MsgCloseLease{Signer: who.String(), LeaseId: id, Reason: end.Reason}))
	}
	m.pass("what must not run", end)
	receipt := m.receipt(id)
	require.Equal(t, leasestypes.CloseReason_CLOSE_REASON_GOVERNANCE, receipt.Reason)
	require.Equal(t, end.Signer, receipt.ClosedBy)
	ran := receipt.EndedAt.Sub(*receipt.StartedAt)
	require.Less(t, ran, time.Hour)
	require.Equal(t, price(ran).String(), receipt.Billed.String(), "no minimum charge")
	require.Equal(t, ready, m.status(m.ids[0]).State)
	require.Nil(t, m.status(m.ids[0]).SuspendedUntil, "the provider has refused nothing")
}

// TestFaultIsNotBilled: two rounds of different committees find a leased Container faulty; until it answers again nothing is
// billed, and the tenant's work goes on.
func TestFaultIsNotBilled(t *testing.T) {
	m := newMarket(t, []shadow.Twin{shadow.Plain()})
	m.open(2)
	id, _ := m.rent(m.tenant, gen.ATH(10), 0)
	container := m.lease(id).ContainerId
	m.run(10 * time.Second)
	m.broken[container] = true
	m.until("the fault is found", func() bool { return m.status(container).FaultAt != nil })
	require.Equal(t, leased, m.status(container).State, "the chain's doubt never ends a lease")
	m.run(20 * time.Second)
	delete(m.broken, container)
	m.until("it answers again", func() bool { return m.status(container).FaultAt == nil })
	m.run(10 * time.Second)

	res := m.next(m.Sign(m.tenant, &leasestypes.MsgCloseLease{Signer: m.tenant.String(), LeaseId: id}))
	receipt := answer[leasestypes.MsgCloseLeaseResponse](t, res.TxResults[0]).Receipt
	require.Greater(t, receipt.Outage, 20*time.Second)
	ran := receipt.EndedAt.Sub(*receipt.StartedAt) - receipt.Outage
	require.Equal(t, price(ran).String(), receipt.Billed.String())

	m.broken[container] = true
	m.until("an idle one goes offline", func() bool { return m.status(container).State == offline })
	delete(m.broken, container)
	m.until("and comes back", func() bool { return m.status(container).State == ready })
}

// TestSilentCheckers: where no Checker speaks, billing goes on and capacity earns nothing.
func TestSilentCheckers(t *testing.T) {
	m := newMarket(t, []shadow.Twin{shadow.Plain()})
	m.open(1)
	id, _ := m.rent(m.tenant, gen.ATH(10), 0)
	m.checkers = nil
	m.run(40 * time.Second)
	require.Nil(t, m.status(m.ids[0]).FaultAt)
	res := m.next(m.Sign(m.tenant, &leasestypes.MsgCloseLease{Signer: m.tenant.String(), LeaseId: id}))
	receipt := answer[leasestypes.MsgCloseLeaseResponse](t, res.TxResults[0]).Receipt
	require.Zero(t, receipt.Outage)
	require.Equal(t, price(receipt.EndedAt.Sub(*receipt.StartedAt)).String(), receipt.Billed.String())
}

func (m *market) receipt(id string) leasestypes.Receipt {
	m.t.Helper()
	var lease leasestypes.QueryReceiptsResponse
	m.Query("/athd.leases.v1.Query/Receipts", &leasestypes.QueryReceiptsRequest{Tenant: m.tenant.String()}, &lease)
	require.Len(m.t, lease.Receipts, 1, id)
	return lease.Receipts[0]
}
