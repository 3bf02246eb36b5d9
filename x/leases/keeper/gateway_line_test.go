// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"testing"
	"time"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"
	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/x/leases/types"
)

// TestAForgottenLineOwesItsSuccessorNothing: what a fault gives back of a lease whose line was forgotten raises the customer's new line by no more
// than was spent of that, so that its limit stays what the gateway says, and its state one that a chain can begin with.
func TestAForgottenLineOwesItsSuccessorNothing(t *testing.T) {
	w := gatewayWorld(t, 10_000_000)
	w.credit(1, 1_000_000)
	id := w.open(onCreditOf(1, tenant(1), 1))
	w.start(id)
	w.pass(20 * time.Minute)
	_, err := w.k.CloseLease(w.ctx, tenant(1), id, 0, nil)
	require.NoError(t, err)
	require.NoError(t, w.k.RevokeCredit(w.ctx, gatewayOf(1), tenant(1)))
	w.credit(1, 5_000)
	credited := said[*types.EventSlaCredited](w, func() { w.fault(1, time.Minute) })
	require.Len(t, credited, 1)
	require.Equal(t, int64(10_000_000-15*60*10*2), w.float(1), "the float has it back")
	view := w.lineOf(1)
	require.Equal(t, int64(0), view.Line.Spent.Int64())
	require.Equal(t, int64(5_000), view.Free.Int64())
	require.Equal(t, "0musd", credited[0].Credit)
	w.check()
	g, err := w.k.ExportGenesis(w.ctx)
	require.NoError(t, err)
	require.NoError(t, g.Validate())
}

// TestAFullGatewayResumes: a lease that is paused is one of those that a gateway has already.
func TestAFullGatewayResumes(t *testing.T) {
	w := gatewayWorld(t, 10_000_000)
	p, err := w.k.params.Get(w.ctx)
	require.NoError(t, err)
	p.MaxGatewayLeases = 1
	require.NoError(t, w.k.params.Set(w.ctx, p))
	order := onCreditOf(1, tenant(1), 1)
	order.Grace = time.Hour
	w.credit(1, 36_000+3_600)
	id := w.open(order)
	w.start(id)
	w.pass(70 * time.Minute)
	require.Equal(t, types.LeaseState_LEASE_STATE_PAUSED, w.lease(id).State)
	w.credit(1, 1_000_000)
	_, err = w.msgs.ResumeLease(w.ctx, &types.MsgResumeLease{Tenant: tenant(1).String(), LeaseId: id.String()})
	require.NoError(t, err)
	w.check()

	g, err := w.k.ExportGenesis(w.ctx)
	require.NoError(t, err)
	require.NoError(t, g.Validate())
	require.Len(t, g.Left, 1)
	g.Left[0].Credit = nil
	require.Error(t, g.Validate(), "what it was billed before the pause was on credit, as it is")
}

// TestCreditOfReceiptsIsChecked: what a genesis says of what an ended lease cost its credit line is bounded like all that a block computes with, and
// goes with what the lease says that goes on.
func TestCreditOfReceiptsIsChecked(t *testing.T) {
	w := gatewayWorld(t, 10_000_000)
	w.credit(1, 1_000_000)
	id := w.open(onCreditOf(1, tenant(1), 1))
	w.start(id)
	w.pass(20 * time.Minute)
	_, err := w.k.CloseLease(w.ctx, tenant(1), id, 0, nil)
	require.NoError(t, err)
	require.NoError(t, w.k.EndBlock(w.ctx))
	exported, err := w.k.ExportGenesis(w.ctx)
	require.NoError(t, err)
	require.NoError(t, exported.Validate())
	for name, change := range map[string]func(*types.ReceiptCredit){
		"nothing billed":  func(c *types.ReceiptCredit) { c.Billed = math.Int{} },
		"billed too much": func(c *types.ReceiptCredit) { c.Billed = types.MaxAmount.AddRaw(1) },
		"minimum":         func(c *types.ReceiptCredit) { c.Minimum = c.Billed.AddRaw(1) },
		"given back":      func(c *types.ReceiptCredit) { c.Credited = math.NewInt(-1) },
		"nobody's":        func(c *types.ReceiptCredit) { c.Gateway = "ath1nobody" },
	} {
		t.Run("error - "+name, func(t *testing.T) {
			g := *exported
			g.Receipts = append([]types.Receipt(nil), exported.Receipts...)
			credit := *g.Receipts[0].Credit
			change(&credit)
			g.Receipts[0].Credit = &credit
			require.Error(t, g.Validate())
		})
	}
}

// batchOnCredit sends orders of customer 1 to a gateway with so much of a float, of which settling the lease of customer 2 sets 2,400 uath free.
// Customer 1 has lease 1 of its own, without credit.
func batchOnCredit(t *testing.T, float int64, partial bool, candidates ...uint64) (*world, types.LeaseID, *types.MsgCreateLeasesResponse) {
	w := gatewayWorld(t, float)
	w.addOffer(9, 1, 1)
	own := order(tenant(1), 100_000, 9)
	w.fund(tenant(1), 100_000)
	mine := w.open(own)
	w.credit(1, 1_000_000_000)
	w.credit(2, 1_000_000_000)
	w.start(w.open(onCreditOf(1, tenant(2), 4)))
	w.pass(30 * time.Second)
	msg := &types.MsgCreateLeases{Tenant: tenant(1).String(), Partial: partial}
	for _, c := range candidates {
		msg.Orders = append(msg.Orders, *onCreditOf(1, tenant(1), c))
	}
	res, err := w.msgs.CreateLeases(w.ctx, msg)
	require.NoError(t, err)
	w.check()
	return w, mine, res
}

// TestABatchOnCreditKeepsWhatItOpened: that a later order needs what another customer's lease sets free takes nothing off the line of what an
// earlier one has opened.
func TestABatchOnCreditKeepsWhatItOpened(t *testing.T) {
	for name, partial := range map[string]bool{"all": false, "partial": true} {
		t.Run(name, func(t *testing.T) {
			need := int64(36*3600*2*(40+10+20) + 60*2*(40+10+20) + 30*2*40)
			w, _, res := batchOnCredit(t, need-2_000, partial, 1, 2)
			require.Len(t, res.Results, 2)
			require.Empty(t, res.Results[1].Error)
			line := w.lineOf(1).Line.Account
			require.Equal(t, uint32(2), line.OpenLeases)
			require.Equal(t, int64(30_000_000), line.Rate.Int64())
		})
	}
}

// TestAnOrderThatFailedLeavesTheNumbers: the next of a batch gets one that no lease of the tenant has.
func TestAnOrderThatFailedLeavesTheNumbers(t *testing.T) {
	need := int64(36*3600*2*(40+20) + 60*2*(40+20) + 30*2*40)
	w, mine, res := batchOnCredit(t, need-5_000, true, 2, 1)
	require.NotEmpty(t, res.Results[0].Error)
	require.Equal(t, types.LeaseID{Tenant: tenant(1), Number: 2}.String(), res.Results[1].Leases[0].LeaseId)
	require.Equal(t, uint64(9), w.lease(mine).ContainerId)
}

// TestWhatIsParkedLeavesTheQueue: also where its entry has moved since the block found it, since another's item had changed the same meter.
func TestWhatIsParkedLeavesTheQueue(t *testing.T) {
	w := gatewayWorld(t, 10_000_000)
	w.addOffer(9, 1, 1)
	w.fund(tenant(1), 100_000)
	w.start(w.open(order(tenant(1), 100_000, 9)))
	w.credit(1, 1_000_000)
	w.start(w.open(onCreditOf(1, tenant(1), 1)))
	var found []exhaustionKey
	require.NoError(t, w.k.exhaustion.Walk(w.ctx, nil, func(key exhaustionKey) (bool, error) {
		found = append(found, collections.Join3(key.K1()-1, key.K2(), key.K3()))
		return false, nil
	}))
	require.Len(t, found, 3, "an account, a float and a line")
	for _, key := range found {
		require.NoError(t, w.k.unqueue(w.ctx, key))
	}
	require.NoError(t, checkCount(w.ctx, "exhaustion queue", w.k.exhaustion, 0))
	require.NoError(t, w.k.unqueue(w.ctx, collections.Join3(int64(1), tenant(2), lineEntry(gatewayOf(1)))), "a line that is forgotten")
}
