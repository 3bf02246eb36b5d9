// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"testing"
	"time"

	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/x/leases/types"
)

func (w *world) giveNotice(signer sdk.AccAddress, id types.LeaseID) error {
	return w.try(func(ctx sdk.Context) error {
		_, err := w.msgs.ReclaimLease(ctx, &types.MsgReclaimLease{Operator: signer.String(), LeaseId: id.String()})
		return err
	})
}

func (w *world) close(signer sdk.AccAddress, id types.LeaseID, reason types.CloseReason) types.Receipt {
	w.tb.Helper()
	receipt, err := w.k.CloseLease(w.ctx, signer, id, reason, nil)
	require.NoError(w.tb, err)
	w.check()
	return receipt
}

// charged is what a provider was charged for breaking a lease: given back, and claimed by tickets.
func (w *world) charged(id types.LeaseID) int64 {
	w.tb.Helper()
	require.NoError(w.tb, w.k.EndBlock(w.ctx))
	sum := int64(0)
	for _, e := range w.ctx.EventManager().ABCIEvents() {
		if e.Type != "athd.leases.v1.EventLeaseBroken" {
			continue
		}
		event, err := sdk.ParseTypedEvent(e)
		require.NoError(w.tb, err)
		if broken := event.(*types.EventLeaseBroken); broken.Breach.LeaseId == id.String() {
			sum += broken.Breach.Due.Int64()
		}
	}
	return sum
}

// TestNoticeEndsALease: the chain ends it when the notice is over, at no charge to either side beyond the time; the next tenant may have the
// Container.
func TestNoticeEndsALease(t *testing.T) {
	w := newWorld(t)
	w.addOffer(1, 1, 10)
	id := w.open(orderFunded(w, tenant(1), 100_000, 1))
	require.ErrorIs(t, w.giveNotice(operator(1), id), types.ErrReclaim, "it has not started")
	w.start(id)
	w.pass(time.Second)
	require.Error(t, w.giveNotice(tenant(1), id))
	require.Error(t, w.giveNotice(operator(2), id))
	require.NoError(t, w.giveNotice(operator(1), id))
	w.check()
	told := w.ctx.BlockTime()
	require.Equal(t, told.Add(time.Hour), *w.lease(id).ReclaimAt)
	require.ErrorIs(t, w.giveNotice(operator(1), id), types.ErrReclaim)
	w.pass(time.Hour - 1)
	require.Equal(t, types.LeaseState_LEASE_STATE_RUNNING, w.lease(id).State)
	w.pass(time.Minute)
	receipt := w.receipt(id)
	require.Equal(t, types.CloseReason_CLOSE_REASON_PROVIDER, receipt.Reason)
	require.Empty(t, receipt.ClosedBy)
	require.Equal(t, told.Add(time.Hour), receipt.EndedAt)
	require.Equal(t, int64(36_010), w.earned(1))
	require.Zero(t, w.charged(id))
	w.check()
	require.NoError(t, w.create(orderFunded(w, tenant(2), 10_000, 1)))
}

// TestNoticeLetsTheTenantGo: it may leave before, and pays no minimum charge, which was the price of coming.
func TestNoticeLetsTheTenantGo(t *testing.T) {
	w := newWorld(t)
	w.addReserved(1, 1, true)
	id := w.open(reserve(w, 3*dayRate, 3*day, 1))
	w.start(id)
	w.pass(time.Hour)
	require.NoError(t, w.giveNotice(provider(1), id))
	require.Equal(t, int64(dayRate+23*dayRate/24), w.charged(id), "notice of a day: what is left of the term after it")
	w.pass(time.Minute)
	require.ErrorIs(t, w.try(func(ctx sdk.Context) error {
		_, err := w.msgs.UpdateLease(ctx, &types.MsgUpdateLease{Tenant: tenant(1).String(), LeaseId: id.String(), ExtendBy: time.Hour})
		return err
	}), types.ErrReclaim)
	w.close(tenant(1), id, 0)
	require.Equal(t, int64(6*60), w.earned(1), "the hour before the notice is given back")
	require.Equal(t, int64(dayRate+23*dayRate/24), w.charged(id), "answered for already")
}

// TestEndingWithoutNotice costs a ticket; a refusal before the start, the agreed end, and what others do cost none.
func TestEndingWithoutNotice(t *testing.T) {
	on := func(w *world) types.LeaseID {
		w.addOffer(1, 1, 10)
		return w.open(orderFunded(w, tenant(1), 100_000, 1))
	}
	for name, tc := range map[string]struct {
		open func(*world) types.LeaseID
		end  func(*world, types.LeaseID)
		want int64
	}{
		"running, without a word": {end: func(w *world, id types.LeaseID) { w.start(id); w.close(operator(1), id, 0) }, want: 36_000},
		"half of the notice": {end: func(w *world, id types.LeaseID) {
			w.start(id)
			require.NoError(w.tb, w.giveNotice(operator(1), id))
			w.pass(30 * time.Minute)
			w.close(operator(1), id, 0)
		}, want: 18_000},
		"faulty, which the provider can make itself": {end: func(w *world, id types.LeaseID) {
			w.start(id)
			require.NoError(w.tb, w.providers.setFault(w.ctx, 1, true))
			w.close(operator(1), id, 0)
		}, want: 36_000},
		"refused in time": {end: func(w *world, id types.LeaseID) { w.close(operator(1), id, 0) }},
		"the image is not there": {end: func(w *world, id types.LeaseID) {
			w.close(operator(1), id, types.CloseReason_CLOSE_REASON_TENANT_IMAGE)
		}},
		"the tenant leaves": {end: func(w *world, id types.LeaseID) { w.start(id); w.close(tenant(1), id, 0) }},
		"governance":        {end: func(w *world, id types.LeaseID) { w.start(id); w.close(w.authority, id, 0) }},
		"reserved, without a word": {
			open: func(w *world) types.LeaseID {
				w.addReserved(1, 1, true)
				return w.open(reserve(w, 4*dayRate, 4*day, 1))
			},
			end: func(w *world, id types.LeaseID) { w.start(id); w.pass(day); w.close(operator(1), id, 0) }, want: 3 * dayRate,
		},
		"reserved, notice given": {
			open: func(w *world) types.LeaseID {
				w.addReserved(1, 1, true)
				return w.open(reserve(w, 4*dayRate, 4*day, 1))
			},
			end: func(w *world, id types.LeaseID) {
				w.start(id)
				w.pass(day)
				require.NoError(w.tb, w.giveNotice(operator(1), id))
				w.pass(day)
				require.Equal(w.tb, types.CloseReason_CLOSE_REASON_PROVIDER, w.receipt(id).Reason)
			}, want: 2 * dayRate,
		},
		"reserved, to its end": {
			open: func(w *world) types.LeaseID {
				w.addReserved(1, 1, true)
				return w.open(reserve(w, 2*dayRate, 2*day, 1))
			},
			end: func(w *world, id types.LeaseID) {
				w.start(id)
				w.pass(36 * time.Hour)
				require.NoError(w.tb, w.giveNotice(operator(1), id), "12 hours before the end, of a day's notice")
				w.pass(day)
				require.Equal(w.tb, types.CloseReason_CLOSE_REASON_EXPIRED, w.receipt(id).Reason)
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if tc.open == nil {
				tc.open = on
			}
			id := tc.open(w)
			tc.end(w, id)
			w.check()
			require.Equal(t, tc.want, w.charged(id))
		})
	}
}

// TestNobodyInventsACompletion: a worker's exit codes are its own word, so they end a lease only where its tenant expects that, and never a
// reserved one.
func TestNobodyInventsACompletion(t *testing.T) {
	w := newWorld(t)
	w.addReserved(1, 1, false)
	id := w.open(orderFunded(w, tenant(1), 100_000, 1))
	w.start(id)
	_, err := w.k.CloseLease(w.ctx, operator(1), id, types.CloseReason_CLOSE_REASON_COMPLETED, &types.Said{ExitCodes: []int32{0}})
	require.ErrorIs(t, err, types.ErrReasonNotAllowed)
	_, err = w.k.CloseLease(w.ctx, operator(1), id, types.CloseReason_CLOSE_REASON_TENANT_IMAGE, nil)
	require.ErrorIs(t, err, types.ErrReasonNotAllowed)
	msg := reserve(w, 2*dayRate, day, 1)
	msg.Completes = true
	require.ErrorContains(t, w.create(msg), "completes")

	// With a manifest of another kind the tenant expects something else.
	update := &types.MsgUpdateLease{Tenant: tenant(1).String(), LeaseId: id.String(), Completes: true}
	require.ErrorContains(t, update.Validate(), "completes")
	update.ManifestHash = make([]byte, 32)
	_, err = w.msgs.UpdateLease(w.ctx, update)
	require.NoError(t, err)
	require.True(t, w.lease(id).Completes)
	update.Completes = false
	_, err = w.msgs.UpdateLease(w.ctx, update)
	require.NoError(t, err)
	require.False(t, w.lease(id).Completes)
	update.Completes = true
	_, err = w.msgs.UpdateLease(w.ctx, update)
	require.NoError(t, err)
	_, err = w.k.CloseLease(w.ctx, operator(1), id, types.CloseReason_CLOSE_REASON_COMPLETED, &types.Said{ExitCodes: []int32{0}})
	require.NoError(t, err)
	w.check()
	w.addReserved(2, 1, false)
	id = w.open(reserve(w, 2*dayRate, 2*day, 2))
	update.LeaseId = id.String()
	_, err = w.msgs.UpdateLease(w.ctx, update)
	require.ErrorContains(t, err, "is reserved")
}
