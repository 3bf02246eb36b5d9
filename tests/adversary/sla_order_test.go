// SPDX-License-Identifier: Apache-2.0

package adversary

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
	leasestypes "github.com/athnet/ath/x/leases/types"
)

// TestTheOrderOfTouchVerdictAndClaimPaysTheSame: a lease whose Container is found faulty costs its tenant the sessions before the fault, to the
// unit, whether it ends before or after the verdict, and whoever settles it or claims when, also in the verdict's own block. The provider keeps
// its part of that, and nothing else.
func TestTheOrderOfTouchVerdictAndClaimPaysTheSame(t *testing.T) {
	c := dealerChain(t, func(p *athtypes.Params) { p.EpochDuration = 24 * time.Hour })
	const (
		rate    = 1_000_000_000
		deposit = 20_000_000
	)
	rapid.Check(t, func(rt *rapid.T) {
		w := branch(rt, c)
		w.market()
		require.NoError(rt, w.send(&leasestypes.MsgSetOffers{Operator: w.owner.String(), Offers: []leasestypes.Offer{
			{ContainerId: 1, Denom: athtypes.Denom, Rate: math.NewInt(rate), MinCharge: time.Minute},
		}}))
		require.NoError(rt, w.send(&leasestypes.MsgDeposit{
			Depositor: w.tenant.String(), Tenant: w.tenant.String(), Amount: sdk.NewCoin(athtypes.Denom, math.NewInt(deposit-rate/1_000_000*900)),
		}))
		id := w.leased(rate)
		w.fold()
		verdict := rapid.IntRange(31, 90).Draw(rt, "verdict, in minutes")
		end := rapid.IntRange(verdict-29, verdict+20).Draw(rt, "end, in minutes")
		touched := rapid.SliceOfN(rapid.Bool(), 120, 120).Draw(rt, "touched")
		touched[verdict] = rapid.Bool().Draw(rt, "touched in the verdict's block")
		for minute := 1; minute <= max(verdict, end); minute++ {
			w.open(time.Minute)
			txs := []func(){}
			if touched[minute] {
				txs = append(txs, func() {
					require.NoError(rt, w.send(&leasestypes.MsgSettle{Signer: w.owner.String(), LeaseIds: []string{id}}))
				}, func() {
					_ = w.send(&athtypes.MsgClaim{Signer: w.owner.String()}) // there may be nothing
				})
			}
			if minute == end {
				txs = append(txs, func() {
					require.NoError(rt, w.send(&leasestypes.MsgCloseLease{Signer: w.tenant.String(), LeaseId: id}))
				})
			}
			for _, tx := range rapid.Permutation(txs).Draw(rt, "order") {
				tx()
			}
			if minute == verdict {
				require.NoError(rt, w.Ath.Fold(w.ctx))
				w.verdict(4, true, nil, nil, []uint64{1})
				require.NoError(rt, w.Leases.Fault(w.ctx, 1, w.ctx.BlockTime().Add(-2*roundLength)))
			}
			require.NoError(rt, w.Leases.EndBlock(w.ctx))
			w.fold()
		}
		due := int64((verdict-30)/15*15*60) * rate / 1_000_000
		balance := w.amount(athtypes.Row{Kind: athtypes.RowKind_ROW_KIND_PREPAID, Owner: w.tenant.String(), Denom: athtypes.Denom})
		require.Equal(rt, int64(deposit)-due, balance.Int64(), "verdict %d, end %d", verdict, end)
		kept := math.ZeroInt()
		for _, row := range w.rows() {
			if row.Row.Kind == athtypes.RowKind_ROW_KIND_VESTING_FEES {
				kept = kept.Add(row.Amount)
			}
		}
		require.Equal(rt, due/5*4, kept.Int64())
		require.NoError(rt, w.CheckInvariants(w.ctx))
	})
}
