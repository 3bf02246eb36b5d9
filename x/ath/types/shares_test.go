// SPDX-License-Identifier: Apache-2.0

package types

import (
	"testing"

	"cosmossdk.io/math"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestSharesPayAtMostTheirAmountAndKappa(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kappa := Kappa{Limited: rapid.Bool().Draw(t, "limited"), PPM: rapid.Uint32Range(0, PPM).Draw(t, "kappa")}
		pool := NewPoolState(Pool_POOL_DELIVERY)
		pool.ReturnedSpent = math.NewInt(10)
		s := NewShare(pool, 1, genInt(0, 1<<50).Draw(t, "budget"), genInt(0, 1<<50).Draw(t, "returned"))
		weights := rapid.SliceOfN(genInt(0, 1<<45), 0, 20).Draw(t, "weights")
		bars := rapid.SliceOfN(genInt(8, 12), len(weights), len(weights)).Draw(t, "bars")
		for i, w := range weights {
			s = s.Add(w, s.TakesPart(bars[i]))
		}
		require.True(t, s.PayRoundedDown(s.Weight).IsZero() && s.ReturnedRoundedDown(s.Weight).IsZero(), "an open epoch pays nothing")
		s = s.Close(kappa)
		require.True(t, s.Amount.LTE(s.Budget) && s.ReturnedAmount.LTE(s.ReturnedBudget) && !s.ReturnedAmount.IsNegative())
		paid, returned := math.ZeroInt(), math.ZeroInt()
		for i, w := range weights {
			pay, more := s.PayRoundedDown(w), math.ZeroInt()
			if s.TakesPart(bars[i]) {
				more = s.ReturnedRoundedDown(w)
			}
			require.False(t, pay.IsNegative() || more.IsNegative())
			if kappa.Limited {
				require.True(t, pay.Add(more).LTE(PartRoundedDown(w, kappa.PPM)), "%s and %s for a weight of %s", pay, more, w)
			}
			paid, returned = paid.Add(pay), returned.Add(more)
		}
		require.True(t, paid.LTE(s.Amount) && returned.LTE(s.ReturnedAmount))
		if dust := math.NewInt(int64(len(weights))); s.Weight.IsPositive() {
			require.True(t, s.Amount.Sub(paid).LT(dust), "the dust is below 1 uath per beneficiary")
			require.True(t, s.ReturnedAmount.Sub(returned).LTE(dust))
		}
	})
}

func TestBudgetComesBackOver90Epochs(t *testing.T) {
	requireInt(t, math.NewInt(100), Budget(math.NewInt(100), math.ZeroInt()))
	requireInt(t, math.NewInt(100), Budget(math.NewInt(100), math.NewInt(-5)))
	requireInt(t, math.NewInt(110), Budget(math.NewInt(100), math.NewInt(900)))
}

func TestEveryLedgerOfSharesHasItsPools(t *testing.T) {
	for _, pool := range Pools() {
		if pool.Shared() {
			require.Contains(t, pool.Ledger().Pools(), pool)
			require.True(t, pool.Ledger().Claimable())
		}
	}
	require.Empty(t, Ledger_LEDGER_CAPACITY.Pools())
	require.False(t, Ledger_LEDGER_FEES.Claimable())
	for _, ledger := range ClaimableLedgers() {
		require.True(t, ledger.Claimable())
	}
	for _, ledger := range Ledgers() {
		require.True(t, ledger.ReturnPool().Shared() && !ledger.ReturnPool().Quarterly(), "%s: penalties come back to a pool that bars", ledger)
	}
}
