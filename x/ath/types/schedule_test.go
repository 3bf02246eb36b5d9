// SPDX-License-Identifier: Apache-2.0

package types

import (
	"testing"

	"cosmossdk.io/math"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestScheduleSumsToThePoolsToTheLastUath(t *testing.T) {
	params := DefaultParams()
	sum := Gross{math.ZeroInt(), math.ZeroInt(), math.ZeroInt()}
	pools := make([]math.Int, len(Pools()))
	for i := range pools {
		pools[i] = math.ZeroInt()
	}
	for epoch := uint64(1); epoch <= LastEpoch+10; epoch++ {
		e := Emission(epoch)
		sum.CheckerBase, sum.CheckerBonus, sum.Compute = sum.CheckerBase.Add(e.CheckerBase), sum.CheckerBonus.Add(e.CheckerBonus), sum.Compute.Add(e.Compute)
		for i, part := range params.Divide(e) {
			pools[i] = pools[i].Add(part.Amount)
		}
		require.Equal(t, epoch <= LastEpoch, e.Total().IsPositive(), "epoch %d", epoch)
		requireInt(t, math.NewInt(EmissionTotal), sum.Total().Add(RemainingEmission(epoch)), "epoch %d", epoch)
	}
	requireInt(t, math.NewInt(4_200_000_000_000_000), sum.CheckerBase, "10%% of 42e9 ATH")
	requireInt(t, math.NewInt(2_100_000_000_000_000), sum.CheckerBonus, "5%%")
	requireInt(t, math.NewInt(14_700_000_000_000_000), sum.Compute, "35%%")
	requireInt(t, math.NewInt(Cap/2), sum.Total(), "half of the cap")
	total := math.ZeroInt()
	for _, pool := range pools {
		total = total.Add(pool)
	}
	requireInt(t, math.NewInt(Cap/2), total)
}

func TestScheduleByYear(t *testing.T) {
	var epochs uint64
	pool := math.NewInt(ComputeTotal)
	want := pool.MulRaw(397).QuoRaw(1000)
	before, sum := math.Int{}, math.ZeroInt()
	for year, length := range yearEpochs {
		first := Emission(epochs + 1).Compute
		for e := epochs + 1; e <= epochs+length; e++ {
			require.True(t, Emission(e).Compute.Sub(first).Abs().LTE(math.OneInt()), "epochs of a year are equal")
		}
		if year == len(yearEpochs)-1 {
			want = pool.Sub(sum)
		}
		got := CumulativeEmission(epochs + length).Compute.Sub(CumulativeEmission(epochs).Compute)
		requireInt(t, want, got, "year %d", year+1)
		// The last year takes the remainder, which is more than the decay would give.
		if year > 0 && year < len(yearEpochs)-1 {
			requireInt(t, before.MulRaw(603).QuoRaw(1000), got, "year %d", year+1)
		}
		before, sum, want = got, sum.Add(got), got.MulRaw(603).QuoRaw(1000)
		epochs += length
	}
	require.Equal(t, LastEpoch, epochs)
	require.Equal(t, uint64(CheckerEpochs), yearEpochs[0]+yearEpochs[1]+yearEpochs[2]+yearEpochs[3])
	require.True(t, Emission(CheckerEpochs).CheckerBase.IsPositive())
	require.True(t, Emission(CheckerEpochs+1).CheckerBase.IsZero())
	require.True(t, Emission(0).Total().IsZero())
}

func TestDivideSumsToTheEmissionAtEverySetting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := Emission(rapid.Uint64Range(0, LastEpoch+5).Draw(t, "epoch"))
		sum := math.ZeroInt()
		parts := genParams(t).Divide(e)
		for i, part := range parts {
			require.Equal(t, Pools()[i], part.Pool)
			require.False(t, part.Amount.IsNegative())
			sum = sum.Add(part.Amount)
		}
		requireInt(t, e.Total(), sum)
	})
}
