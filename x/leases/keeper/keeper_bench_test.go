// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"fmt"
	"testing"
	"time"

	storetypes "github.com/cosmos/cosmos-sdk/store/v2/types"
	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/x/leases/types"
)

// crowd is a world with n running leases of n/10 tenants, and one free Container.
func crowd(b *testing.B, n uint64) *world {
	w := newWorld(b)
	for id := uint64(1); id <= n; id++ {
		who := tenant(1_000 + id/10)
		w.addOffer(id, 1+id%50, 10)
		w.start(w.open(orderFunded(w, who, 1_000_000, id)))
	}
	w.addOffer(n+1, 1, 10)
	w.fund(tenant(1), 1_000_000_000_000)
	_, err := w.k.Deposit(w.ctx, tenant(1), tenant(1), uath(1_000_000_000_000))
	require.NoError(b, err)
	w.start(w.open(order(tenant(1), 0, n+1)))
	w.addOffer(n+2, 1, 10)
	w.pass(time.Second)
	w.ctx.MultiStore().(storetypes.CommitMultiStore).Commit()
	return w
}

func gasOf(ctx sdk.Context, f func(sdk.Context)) float64 {
	ctx = ctx.WithGasMeter(storetypes.NewInfiniteGasMeter())
	f(ctx)
	return float64(ctx.GasMeter().GasConsumed())
}

// BenchmarkLease opens and closes a lease by the side of many: time, gas and the keys of this module that are written do not
// depend on how many there are.
func BenchmarkLease(b *testing.B) {
	for _, n := range []uint64{100, 10_000} {
		w := crowd(b, n)
		msg := order(tenant(1), 0, n+2)
		var id types.LeaseID
		open := func(ctx sdk.Context) {
			res, err := w.msgs.CreateLease(ctx, msg)
			require.NoError(b, err)
			id, err = types.ParseLeaseID(res.LeaseId)
			require.NoError(b, err)
		}
		closing := func(ctx sdk.Context) {
			_, err := w.msgs.CloseLease(ctx, &types.MsgCloseLease{Signer: tenant(1).String(), LeaseId: id.String()})
			require.NoError(b, err)
		}
		b.Run(fmt.Sprintf("open/%d", n), func(b *testing.B) {
			for range b.N {
				open(w.ctx)
				b.StopTimer()
				closing(w.ctx)
				b.StartTimer()
			}
			b.ReportMetric(float64(w.writes.count(func() { b.ReportMetric(gasOf(w.ctx, open), "gas_used") })), "keys_written")
			closing(w.ctx)
		})
		b.Run(fmt.Sprintf("close/%d", n), func(b *testing.B) {
			for range b.N {
				b.StopTimer()
				open(w.ctx)
				w.start(id)
				b.StartTimer()
				closing(w.ctx)
			}
			open(w.ctx)
			w.start(id)
			w.ctx = w.ctx.WithBlockTime(w.ctx.BlockTime().Add(time.Hour))
			b.ReportMetric(float64(w.writes.count(func() { b.ReportMetric(gasOf(w.ctx, closing), "gas_used") })), "keys_written")
		})
		b.Run(fmt.Sprintf("empty-block/%d", n), func(b *testing.B) {
			w := crowd(b, n)
			w.pass(time.Second)
			b.ResetTimer()
			for range b.N {
				require.NoError(b, w.k.EndBlock(w.ctx))
			}
		})
	}
}

// TestKeysWritten keeps the number of keys of this module that a lease costs: of nine for opening and twelve for closing in
// all, the rest are the Container's status, balances, the provider's ledger, the sender's sequence and fee.
func TestKeysWritten(t *testing.T) {
	w := newWorld(t)
	w.addOffer(1, 1, 10)
	w.addOffer(2, 1, 10)
	w.start(w.open(orderFunded(w, tenant(1), 1_000_000_000, 1)))
	var id types.LeaseID
	require.Equal(t, 3, w.writes.count(func() { id = w.open(order(tenant(1), 0, 2)) }), "lease, account, price index")
	require.Equal(t, 2, w.writes.count(func() { w.start(id) }), "lease, account")
	w.pass(time.Minute)
	require.Equal(t, 2, w.writes.count(func() {
		_, err := w.k.Settle(w.ctx, id)
		require.NoError(t, err)
	}), "lease, account")
	w.pass(time.Minute)
	require.Equal(t, 6, w.writes.count(func() {
		_, err := w.k.CloseLease(w.ctx, tenant(1), id, 0, nil)
		require.NoError(t, err)
	}), "lease, receipt, account, price index, what a later verdict finds it by, and when that is forgotten")
	w.fund(tenant(1), 5)
	require.Equal(t, 0, w.writes.count(func() {
		_, err := w.k.Deposit(w.ctx, tenant(1), tenant(1), uath(5))
		require.NoError(t, err)
	}))
	w.check()
}
