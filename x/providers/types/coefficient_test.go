// SPDX-License-Identifier: Apache-2.0

package types_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"cosmossdk.io/math"

	"github.com/athnet/ath/x/providers/types"
)

// Whatever revenue and base are, a step stays within its bound and the index within the bounds in all; the index moves
// towards its target and never past it.
func TestCoefficientIsBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := types.DefaultParams()
		p.CoefficientStepPpm = rapid.Uint64Range(0, types.MaxCoefficientStepPPM).Draw(t, "step")
		p.RevenueReferencePpm = rapid.Uint64Range(types.MinRevenueReferencePPM, types.MaxFactorPPM).Draw(t, "reference")
		require.NoError(t, p.Validate())
		c := types.NewCoefficient()
		c.IndexPpm = rapid.Uint64Range(types.MinIndexPPM, types.MaxIndexPPM).Draw(t, "index")
		c.Base = math.NewIntFromUint64(rapid.Uint64().Draw(t, "base"))
		revenue := math.NewIntFromUint64(rapid.Uint64().Draw(t, "revenue")).Mul(math.NewIntFromUint64(rapid.Uint64Range(0, 1_000_000).Draw(t, "times")))
		next, target := c.Step(c.Epoch+30, revenue, p)
		require.NoError(t, next.Validate(c.Base))
		step := c.IndexPpm * p.CoefficientStepPpm / types.Million
		require.LessOrEqual(t, next.IndexPpm, c.IndexPpm+step)
		require.GreaterOrEqual(t, next.IndexPpm, c.IndexPpm-step)
		goal := min(max(target, types.MinIndexPPM), types.MaxIndexPPM)
		if goal >= c.IndexPpm {
			require.GreaterOrEqual(t, next.IndexPpm, c.IndexPpm)
			require.LessOrEqual(t, next.IndexPpm, goal)
		} else {
			require.Less(t, c.IndexPpm-next.IndexPpm, c.IndexPpm)
			require.GreaterOrEqual(t, next.IndexPpm, goal)
		}
		if c.Base.IsZero() {
			require.Equal(t, c.IndexPpm, next.IndexPpm)
		}
	})
}

// The worked example of the README.
func TestCoefficientExample(t *testing.T) {
	p, c := types.DefaultParams(), types.NewCoefficient()
	for range 1_000 { // a thousand single RTX 4090 of edge providers
		c = c.Count(p.BaseRoundedUp(types.Class{Stake: ath(1_000)}, types.Tier_TIER_EDGE, 1))
	}
	require.Equal(t, ath(1_000_000), c.Base)
	require.False(t, c.Due(30, p))
	require.True(t, c.Due(31, p))
	c, target := c.Step(31, ath(1_300_000), p)
	require.EqualValues(t, 1_300_000, target)
	require.EqualValues(t, 1_100_000, c.IndexPpm, "10% a step")
	require.EqualValues(t, 61, c.NextEpoch(p))
	require.Equal(t, ath(2*1_100), p.StakeRoundedUp(types.Class{Stake: ath(1_000)}, types.Tier_TIER_EDGE, 2, c.IndexPpm))
	c, _ = c.Step(61, ath(1_300_000), p)
	require.EqualValues(t, 1_210_000, c.IndexPpm)
	c, _ = c.Step(91, ath(1_300_000), p)
	require.EqualValues(t, 1_300_000, c.IndexPpm, "and no further than the target")
	require.Equal(t, ath(2*2*1_300), p.StakeRoundedUp(types.Class{Stake: ath(1_000)}, types.Tier_TIER_ENTERPRISE, 2, c.IndexPpm))
}

func ath(amount int64) math.Int { return math.NewInt(amount).MulRaw(types.Million) }

// Stake and base agree where the coefficient is 1, and both only grow with what they are made of.
func TestStakeFollowsTheCoefficient(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := types.DefaultParams()
		p.StakeCoefficientPpm = rapid.Uint64Range(1, types.MaxFactorPPM).Draw(t, "governance")
		index := rapid.Uint64Range(types.MinIndexPPM, types.MaxIndexPPM-1).Draw(t, "index")
		class := types.Class{Stake: math.NewInt(rapid.Int64Range(1, 42_000_000_000*types.Million).Draw(t, "class"))}
		tier := rapid.SampledFrom([]types.Tier{types.Tier_TIER_EDGE, types.Tier_TIER_ENTERPRISE}).Draw(t, "tier")
		count := rapid.Uint32Range(1, types.MaxCount-1).Draw(t, "count")
		stake := p.StakeRoundedUp(class, tier, count, index)
		require.True(t, stake.IsPositive())
		require.False(t, p.StakeRoundedUp(class, tier, count, index+1).LT(stake))
		require.False(t, p.StakeRoundedUp(class, tier, count+1, index).LT(stake))
		p.StakeCoefficientPpm = types.Million
		require.Equal(t, p.BaseRoundedUp(class, tier, count).String(), p.StakeRoundedUp(class, tier, count, types.Million).String())
	})
}
