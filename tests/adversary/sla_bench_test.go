// SPDX-License-Identifier: Apache-2.0

package adversary

import (
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	banktypes "github.com/cosmos/cosmos-sdk/x/bank/types"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/testutil/gen"
	"github.com/athnet/ath/testutil/shadow"
	"github.com/athnet/ath/testutil/sim"
	athtypes "github.com/athnet/ath/x/ath/types"
	leasestypes "github.com/athnet/ath/x/leases/types"
	providerstypes "github.com/athnet/ath/x/providers/types"
)

// leased opens and starts a lease in the party's first Container.
func (w *world) leased(rate int64) string {
	manifest := sha256.Sum256([]byte("manifest"))
	handler := w.MsgServiceRouter().Handler(&leasestypes.MsgCreateLease{})
	res, err := handler(w.ctx, &leasestypes.MsgCreateLease{
		Tenant: w.tenant.String(), Candidates: []uint64{1}, MaxRate: math.NewInt(rate), ManifestHash: manifest[:],
		Deposit: sdk.NewCoin(athtypes.Denom, math.NewInt(rate/1_000_000*900)),
	})
	require.NoError(w.t, err)
	var opened leasestypes.MsgCreateLeaseResponse
	require.NoError(w.t, opened.Unmarshal(res.Data))
	record := leasestypes.UsageRecord{
		LeaseId: opened.LeaseId, Sequence: 1, From: w.ctx.BlockTime(), Until: w.ctx.BlockTime(), ImageDigest: manifest[:],
		BlockHeight: w.height - 1, BlockHash: manifest[:],
	}
	record.Signature = ed25519.Sign(sim.WorkerKey(w.owner.String()), record.SignBytes(shadow.ChainID))
	require.NoError(w.t, w.send(&leasestypes.MsgSubmitUsage{Operator: w.owner.String(), Records: []leasestypes.UsageRecord{record}}))
	return opened.LeaseId
}

// BenchmarkFaults measures what verdicts cost a block: credits of ended leases, of which a block works off max_credits_per_block, and the
// credit of the lease that a Container has, of which there are at most 2,000 and a shard in a block; next to it a bank send's message
// alone, without ante handler and signature.
func BenchmarkFaults(b *testing.B) {
	c := dealerChain(b)
	const rate = 1_000_000_000
	start := func(b *testing.B) *world {
		w := branch(b, c)
		w.market()
		require.NoError(b, w.send(&leasestypes.MsgSetOffers{Operator: w.owner.String(), Offers: []leasestypes.Offer{
			{ContainerId: 1, Denom: athtypes.Denom, Rate: math.NewInt(rate), MinCharge: time.Minute},
		}}))
		return w
	}
	for _, n := range []int{100, 1_000} {
		b.Run(fmt.Sprintf("ended/%d", n), func(b *testing.B) {
			w := start(b)
			since := w.ctx.BlockTime()
			for i := range n {
				if i%50 == 0 {
					require.NoError(b, w.send(&providerstypes.MsgHeartbeat{Operator: w.owner.String(), Ids: w.live}))
				}
				id := w.leased(rate)
				w.ctx = w.ctx.WithBlockTime(w.ctx.BlockTime().Add(time.Second))
				require.NoError(b, w.send(&leasestypes.MsgCloseLease{Signer: w.tenant.String(), LeaseId: id}))
			}
			w.fold()
			require.NoError(b, w.Leases.Fault(w.ctx, 1, since))
			prepaid := athtypes.Row{Kind: athtypes.RowKind_ROW_KIND_PREPAID, Owner: w.tenant.String(), Denom: athtypes.Denom}
			before := w.amount(prepaid)
			gas := w.ctx.GasMeter().GasConsumed()
			b.ResetTimer()
			for range b.N {
				ctx, _ := w.ctx.CacheContext()
				require.NoError(b, w.Leases.EndBlock(ctx))
				after, err := w.Ath.RowAmount(ctx, prepaid)
				require.NoError(b, err)
				require.Equal(b, int64(n)*60*rate/1_000_000, after.Sub(before).Int64(), "each its minute")
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*n), "us/credit")
			b.ReportMetric(float64(w.ctx.GasMeter().GasConsumed()-gas)/float64(b.N*n), "gas/credit")
		})
	}
	b.Run("open", func(b *testing.B) {
		w := start(b)
		id := w.leased(rate)
		w.ctx = w.ctx.WithBlockTime(w.ctx.BlockTime().Add(10 * time.Minute))
		require.NoError(b, w.send(&leasestypes.MsgSettle{Signer: w.tenant.String(), LeaseIds: []string{id}}))
		w.fold()
		b.ResetTimer()
		for range b.N {
			ctx, _ := w.ctx.CacheContext()
			require.NoError(b, w.Leases.Fault(ctx, 1, w.ctx.BlockTime().Add(-time.Minute)))
		}
		b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N), "us/credit")
	})
	b.Run("send", func(b *testing.B) {
		w := start(b)
		for range b.N {
			ctx, _ := w.ctx.CacheContext()
			msg := banktypes.NewMsgSend(w.tenant.Address(), w.owner.Address(), gen.Coins(math.OneInt()))
			_, err := w.MsgServiceRouter().Handler(msg)(ctx, msg)
			require.NoError(b, err)
		}
		b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N), "us/send")
	})
}
