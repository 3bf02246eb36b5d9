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
		s := NewShare(Pool_POOL_DELIVERY, 1, genInt(0, 1<<50).Draw(t, "budget"))
		weights := rapid.SliceOfN(genInt(0, 1<<45), 0, 20).Draw(t, "weights")
		for _, w := range weights {
			s.Weight = s.Weight.Add(w)
		}
		require.True(t, s.PayRoundedDown(s.Weight).IsZero(), "an open epoch pays nothing")
		s = s.Close(kappa)
		require.True(t, s.Amount.LTE(s.Budget))
		paid := math.ZeroInt()
		for _, w := range weights {
			pay := s.PayRoundedDown(w)
			require.False(t, pay.IsNegative())
			if kappa.Limited {
				require.True(t, pay.LTE(PartRoundedDown(w, kappa.PPM)), "%s for a weight of %s", pay, w)
			}
			paid = paid.Add(pay)
		}
		require.True(t, paid.LTE(s.Amount))
		if s.Weight.IsPositive() {
			require.True(t, s.Amount.Sub(paid).LT(math.NewInt(int64(len(weights)))), "the dust is below 1 uath per beneficiary")
		}
	})
}

func TestBudgetComesBackOver90Epochs(t *testing.T) {
	requireInt(t, math.NewInt(100), Budget(math.NewInt(100), math.ZeroInt()))
	requireInt(t, math.NewInt(100), Budget(math.NewInt(100), math.NewInt(-5)))
	requireInt(t, math.NewInt(110), Budget(math.NewInt(100), math.NewInt(900)))
}

func TestEveryLedgerOfSharesBelongsToOnePool(t *testing.T) {
	for _, pool := range Pools() {
		if pool.Shared() {
			require.Equal(t, pool, pool.Ledger().Pool())
			require.True(t, pool.Ledger().Claimable())
		}
	}
	require.Equal(t, Pool_POOL_UNSPECIFIED, Ledger_LEDGER_CAPACITY.Pool())
	require.False(t, Ledger_LEDGER_FEES.Claimable())
	for _, ledger := range ClaimableLedgers() {
		require.True(t, ledger.Claimable())
	}
}
