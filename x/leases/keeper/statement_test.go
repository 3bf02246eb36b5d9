// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"crypto/ed25519"
	"testing"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"
	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/leases/types"
	providertypes "github.com/athnet/ath/x/providers/types"
)

// states is what the worker of a lease's Container says of its end now.
func (w *world) states(id types.LeaseID, reason types.CloseReason, codes ...int32) *types.WorkerStatement {
	w.tb.Helper()
	lease, err := w.k.Lease(w.ctx, id)
	require.NoError(w.tb, err)
	s := types.WorkerStatement{
		Reason: reason, ExitCodes: codes, EndedAt: w.ctx.BlockTime(), UsageSequence: lease.UsageSequence, UsageHash: lease.UsageHash,
		ImageDigest: make([]byte, 32),
	}
	return signStatement(s, id, lease.ContainerId)
}

func signStatement(s types.WorkerStatement, id types.LeaseID, container uint64) *types.WorkerStatement {
	s.Signature = ed25519.Sign(workerKey(container), s.SignBytes(chainID, id.String(), container))
	return &s
}

// TestWorkerSignsTheEnd: who closes hands in what the worker has signed, and the receipt proves it with the worker's key; a statement that
// is not this worker's, not of this lease or not of its end closes nothing; without one the lease closes as well.
func TestWorkerSignsTheEnd(t *testing.T) {
	w := newWorld(t)
	w.addOffer(1, 1, 10)
	w.addOffer(2, 1, 10)
	id, other := w.open(orderFunded(w, tenant(1), 10_000, 1)), w.open(orderFunded(w, tenant(2), 10_000, 2))
	w.start(id)
	w.start(other)
	w.pass(100 * time.Second)
	reason := types.CloseReason_CLOSE_REASON_TENANT
	stale := w.states(id, reason)
	now := w.ctx.BlockTime()
	require.NoError(t, w.k.SubmitUsage(w.ctx, provider(1), []types.UsageRecord{w.record(id, now, now)}))
	ahead := *w.states(id, reason)
	ahead.EndedAt = ahead.EndedAt.Add(time.Minute)
	changed := *w.states(id, reason)
	changed.ExitCodes = []int32{7}
	for name, c := range map[string]struct {
		statement *types.WorkerStatement
		want      error
	}{
		"a field that was changed":   {&changed, types.ErrStatementSignature},
		"another lease's":            {w.states(other, reason), types.ErrInvalidStatement},
		"another worker's":           {signStatement(*w.states(id, reason), id, 2), types.ErrStatementSignature},
		"from before the last usage": {stale, types.ErrInvalidStatement},
		"from the future":            {signStatement(ahead, id, 1), types.ErrInvalidStatement},
		"without a signature":        {&types.WorkerStatement{Reason: reason, EndedAt: now}, types.ErrInvalidStatement},
	} {
		err := w.try(func(ctx sdk.Context) error {
			_, err := w.msgs.CloseLease(ctx, &types.MsgCloseLease{Signer: tenant(1).String(), LeaseId: id.String(), Statement: c.statement})
			return err
		})
		require.ErrorIs(t, err, c.want, name)
	}
	require.Equal(t, types.LeaseState_LEASE_STATE_RUNNING, w.lease(id).State)

	res, err := w.msgs.CloseLease(w.ctx, &types.MsgCloseLease{Signer: tenant(1).String(), LeaseId: id.String(), Statement: w.states(id, reason, 0, 3)})
	require.NoError(t, err)
	require.Equal(t, res.Receipt, w.receipt(id))
	require.Equal(t, []int32{0, 3}, res.Receipt.ExitCodes, "the worker's word counts also where the tenant brings it")
	require.Equal(t, []byte(workerKey(1).Public().(ed25519.PublicKey)), res.Receipt.WorkerPubkey)
	require.NoError(t, res.Receipt.VerifyStatement(chainID))
	require.ErrorIs(t, res.Receipt.VerifyStatement("ath-2"), types.ErrStatementSignature)
	receipt, err := w.k.CloseLease(w.ctx, tenant(2), other, 0, nil)
	require.NoError(t, err)
	require.Nil(t, receipt.Statement)
	require.Len(t, receipt.WorkerPubkey, ed25519.PublicKeySize)
	require.NoError(t, receipt.VerifyStatement(chainID))
	w.pass(time.Second)
	w.check()
}

// TestProviderAndWorkerAgree: exit codes that an operator says are those that its worker has signed.
func TestProviderAndWorkerAgree(t *testing.T) {
	w := newWorld(t)
	w.addOffer(1, 1, 10)
	job := orderFunded(w, tenant(1), 10_000, 1)
	job.Completes = true
	id := w.open(job)
	w.start(id)
	said := types.Said{ExitCodes: []int32{1}, Statement: w.states(id, types.CloseReason_CLOSE_REASON_COMPLETED, 0)}
	require.ErrorIs(t, w.try(func(ctx sdk.Context) error {
		_, err := w.k.CloseLease(ctx, operator(1), id, 0, &said)
		return err
	}), types.ErrInvalidStatement)
	said.ExitCodes = []int32{0}
	receipt, err := w.k.CloseLease(w.ctx, operator(1), id, 0, &said)
	require.NoError(t, err)
	require.Equal(t, types.CloseReason_CLOSE_REASON_COMPLETED, receipt.Reason)
	require.Equal(t, said.Statement, receipt.Statement)
	w.check()
}

// TestReceiptSaysTheLastHealth, also where the chain ends the lease.
func TestReceiptSaysTheLastHealth(t *testing.T) {
	w := newWorld(t)
	at := w.ctx.BlockTime()
	w.providers.shard = providertypes.ShardHealth{ConfirmedUntil: at, Healthy: providertypes.Bitmap(nil).With(1).With(2)}
	for id := uint64(1); id <= 3; id++ {
		w.addOffer(id, id, 10)
	}
	healthy := w.open(orderFunded(w, tenant(1), 3_600, 1))
	faulty, unknown := w.open(orderFunded(w, tenant(2), 10_000, 2)), w.open(orderFunded(w, tenant(3), 10_000, 3))
	for _, id := range []types.LeaseID{healthy, faulty, unknown} {
		w.start(id)
	}
	w.pass(10 * time.Second)
	fell := w.ctx.BlockTime()
	require.NoError(t, w.providers.setFault(w.ctx, 2, true))
	w.pass(360 * time.Second)
	for _, id := range []types.LeaseID{faulty, unknown} {
		_, err := w.k.CloseLease(w.ctx, id.Tenant, id, 0, nil)
		require.NoError(t, err)
	}
	r := w.receipt(healthy)
	require.Equal(t, types.CloseReason_CLOSE_REASON_EXHAUSTED, r.Reason)
	require.Equal(t, types.Health_HEALTH_HEALTHY, r.Health)
	require.Equal(t, at, *r.HealthAt)
	r = w.receipt(faulty)
	require.Equal(t, types.CloseReason_CLOSE_REASON_FAULT, r.Reason)
	require.Equal(t, types.Health_HEALTH_FAULTY, r.Health)
	require.Equal(t, fell, *r.HealthAt)
	r = w.receipt(unknown)
	require.Equal(t, types.Health_HEALTH_UNKNOWN, r.Health)
	require.Nil(t, r.HealthAt)
}

// feesOf sums the service fees of a lease's payments.
func feesOf(t *testing.T, events sdk.Events, lease types.LeaseID) math.Int {
	t.Helper()
	sum := math.ZeroInt()
	for _, ev := range events {
		msg, err := sdk.ParseTypedEvent(abci.Event(ev))
		if settled, ok := msg.(*types.EventLeaseSettled); err == nil && ok && settled.LeaseId == lease.String() {
			fee, err := sdk.ParseCoinNormalized(settled.Fee)
			require.NoError(t, err)
			sum = sum.Add(fee.Amount)
		}
	}
	return sum
}

// TestReceiptSaysFeeAndRefund: whatever a lease went through, its receipt's fee is the sum of what each payment paid, and what it gives back
// is what was reserved and not paid.
func TestReceiptSaysFeeAndRefund(t *testing.T) {
	w := newWorld(t)
	w.addKeeper(1, 1, 10)
	w.addKeeper(2, 2, 11)
	w.ctx = w.ctx.WithEventManager(sdk.NewEventManager())
	id := w.open(patient(w, tenant(1), 5_003+3_600, time.Hour, 0, 1))
	w.start(id)
	for range 3 { // fees are rounded down in each
		w.pass(7_333 * time.Millisecond)
		_, err := w.k.Settle(w.ctx, id)
		require.NoError(t, err)
	}
	w.pass(510 * time.Second)
	require.Equal(t, types.LeaseState_LEASE_STATE_PAUSED, w.lease(id).State)
	w.pass(333 * time.Second)
	w.fund(tenant(1), 7_001)
	_, err := w.msgs.ResumeLease(w.ctx, &types.MsgResumeLease{Tenant: tenant(1).String(), LeaseId: id.String(), Deposit: uath(7_001)})
	require.NoError(t, err)
	w.start(id)
	w.pass(11 * time.Second)
	grace := w.lease(id).GraceReserve
	receipt, err := w.k.CloseLease(w.ctx, tenant(1), id, 0, nil)
	require.NoError(t, err)
	fees := feesOf(t, w.ctx.EventManager().Events(), id)
	require.True(t, fees.IsPositive())
	require.True(t, fees.LT(receipt.Billed.QuoRaw(5)), "so the sum is told from the share")
	require.Equal(t, fees.String(), receipt.Fee.String())
	require.Equal(t, grace.String(), receipt.Refunded.String())
	w.check()

	// A tenant that leaves for another Container, and one that is thrown out before its start.
	moving := w.open(guarded(w, tenant(2), 1_000_000, types.FailoverPolicy_FAILOVER_POLICY_ASK, 1, 2))
	w.start(moving)
	w.pass(77_777 * time.Millisecond)
	require.NoError(t, w.failover(tenant(2), moving))
	w.start(moving)
	w.pass(88_888 * time.Millisecond)
	receipt, err = w.k.CloseLease(w.ctx, tenant(2), moving, 0, nil)
	require.NoError(t, err)
	require.Equal(t, feesOf(t, w.ctx.EventManager().Events(), moving).String(), receipt.Fee.String())
	require.Zero(t, receipt.Refunded.Int64(), "the minimum is earned")
	refused := w.open(orderFunded(w, tenant(3), 10_000, 2))
	w.pass(10 * time.Second)
	receipt, err = w.k.CloseLease(w.ctx, provider(2), refused, 0, nil)
	require.NoError(t, err)
	require.Zero(t, receipt.Fee.Int64())
	require.Equal(t, int64(60*11+10*11), receipt.Refunded.Int64(), "the minimum, and the wait")
	w.check()
}

// TestStatementCostsAVerification and not more writes.
func TestStatementCostsAVerification(t *testing.T) {
	cost := func(signed bool) (gas float64, keys int) {
		w := newWorld(t)
		w.addOffer(1, 1, 10)
		id := w.open(orderFunded(w, tenant(1), 10_000, 1))
		w.start(id)
		w.pass(time.Minute)
		msg := &types.MsgCloseLease{Signer: tenant(1).String(), LeaseId: id.String()}
		if signed {
			msg.Statement = w.states(id, types.CloseReason_CLOSE_REASON_TENANT)
		}
		keys = w.writes.count(func() {
			gas = gasOf(w.ctx, func(ctx sdk.Context) {
				_, err := w.msgs.CloseLease(ctx, msg)
				require.NoError(t, err)
			})
		})
		return gas, keys
	}
	plain, keys := cost(false)
	signed, signedKeys := cost(true)
	require.Equal(t, keys, signedKeys)
	require.Greater(t, signed, plain+types.StatementGas)
	require.Less(t, signed, plain+15_000)
	t.Logf("a close costs x/leases %.0f gas, with a statement %.0f", plain, signed)
}
