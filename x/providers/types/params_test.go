// SPDX-License-Identifier: Apache-2.0

package types_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"cosmossdk.io/math"

	athtypes "github.com/athnet/ath/x/ath/types"
	"github.com/athnet/ath/x/providers/types"
)

func TestParamsBounds(t *testing.T) {
	require.NoError(t, types.DefaultParams().Validate())
	for field, spoil := range map[string][]func(*types.Params){
		"stake_coefficient_ppm": {
			func(p *types.Params) { p.StakeCoefficientPpm = 0 },
			func(p *types.Params) { p.StakeCoefficientPpm = types.MaxFactorPPM + 1 },
		},
		"edge_factor_ppm":       {func(p *types.Params) { p.EdgeFactorPpm = 0 }},
		"enterprise_factor_ppm": {func(p *types.Params) { p.EnterpriseFactorPpm = 1 << 63 }},
		"unbonding_time": {
			func(p *types.Params) { p.UnbondingTime = 0 },
			func(p *types.Params) { p.UnbondingTime = -time.Second },
			func(p *types.Params) { p.UnbondingTime = types.MaxUnbonding + 1 },
		},
		"heartbeat_interval": {
			func(p *types.Params) { p.HeartbeatInterval = time.Second - 1 },
			func(p *types.Params) { p.HeartbeatInterval = types.MaxHeartbeatInterval + 1 },
		},
		"capacity_suspension": {
			func(p *types.Params) { p.CapacitySuspension = -1 },
			func(p *types.Params) { p.CapacitySuspension = types.MaxCapacitySuspension + 1 },
		},
		"max_batch": {
			func(p *types.Params) { p.MaxBatch = 0 },
			func(p *types.Params) { p.MaxBatch = types.MaxBatchLimit + 1 },
		},
		"ticket_deadline": {
			func(p *types.Params) { p.TicketDeadline = 0 },
			func(p *types.Params) { p.TicketDeadline = types.MaxTicketDeadline + 1 },
		},
		"contest_limit": {
			func(p *types.Params) { p.ContestLimit = 0 },
			func(p *types.Params) { p.ContestLimit = types.MaxContestLimit + 1 },
		},
		"max_tickets_per_block": {
			func(p *types.Params) { p.MaxTicketsPerBlock = 0 },
			func(p *types.Params) { p.MaxTicketsPerBlock = types.MaxTicketsLimit + 1 },
		},
		"reclaimed_ppm":   {func(p *types.Params) { p.ReclaimedPpm = types.MaxReclaimedPPM + 1 }},
		"not_started_ppm": {func(p *types.Params) { p.NotStartedPpm = types.MaxNotStartedPPM + 1 }},
		"coefficient_epochs": {
			func(p *types.Params) { p.CoefficientEpochs = 0 },
			func(p *types.Params) { p.CoefficientEpochs = types.MaxCoefficientEpochs + 1 },
		},
		"coefficient_step_ppm": {func(p *types.Params) { p.CoefficientStepPpm = types.MaxCoefficientStepPPM + 1 }},
		"revenue_reference_ppm": {
			func(p *types.Params) { p.RevenueReferencePpm = types.MinRevenueReferencePPM - 1 },
			func(p *types.Params) { p.RevenueReferencePpm = types.MaxFactorPPM + 1 },
		},
	} {
		for _, f := range spoil {
			p := types.DefaultParams()
			f(&p)
			err := p.Validate()
			require.ErrorIs(t, err, types.ErrInvalidParams)
			require.ErrorContains(t, err, field)
		}
	}
}

func TestStake(t *testing.T) {
	p := types.DefaultParams()
	class := types.Class{Stake: math.NewInt(10)}
	require.EqualValues(t, 30, p.StakeRoundedUp(class, types.Tier_TIER_EDGE, 3, types.Million).Int64())
	require.EqualValues(t, 60, p.StakeRoundedUp(class, types.Tier_TIER_ENTERPRISE, 3, types.Million).Int64())
	p.StakeCoefficientPpm = 333_333
	require.EqualValues(t, 10, p.StakeRoundedUp(class, types.Tier_TIER_EDGE, 3, types.Million).Int64()) // 9.99999
	p.StakeCoefficientPpm = 1
	require.EqualValues(t, 1, p.StakeRoundedUp(class, types.Tier_TIER_EDGE, 3, types.Million).Int64())
}

// For all valid parameters: never nothing, never too little, at most one uath too much, and no overflow.
func TestStakeRoundsUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := types.DefaultParams()
		p.StakeCoefficientPpm = rapid.Uint64Range(1, types.MaxFactorPPM).Draw(t, "coefficient")
		p.EnterpriseFactorPpm = rapid.Uint64Range(1, types.MaxFactorPPM).Draw(t, "factor")
		class := types.DefaultClasses()[0]
		class.Stake = math.NewInt(rapid.Int64Range(1, 42_000_000_000_000_000).Draw(t, "stake"))
		count := rapid.Uint32Range(1, types.MaxCount).Draw(t, "count")
		require.NoError(t, p.Validate())
		require.NoError(t, class.Validate())
		stake := p.StakeRoundedUp(class, types.Tier_TIER_ENTERPRISE, count, types.Million)
		exact := class.Stake.MulRaw(int64(count)).Mul(math.NewIntFromUint64(p.StakeCoefficientPpm)).Mul(math.NewIntFromUint64(p.EnterpriseFactorPpm))
		scaled := stake.MulRaw(types.Million * types.Million)
		require.True(t, stake.IsPositive())
		require.True(t, scaled.GTE(exact) && scaled.Sub(exact).LT(math.NewInt(types.Million*types.Million)))
	})
}

func TestCapacity(t *testing.T) {
	c := types.Class{Weight: 1_000, Reference: 2_000}
	require.EqualValues(t, 1_000, c.CapacityRoundedDown(1, 2_000))
	require.EqualValues(t, 1_000, c.CapacityRoundedDown(1, 1<<62), "more than the reference counts as the reference")
	require.EqualValues(t, 1_500, c.CapacityRoundedDown(2, 1_500))
	require.EqualValues(t, 0, c.CapacityRoundedDown(1, 1))
	require.EqualValues(t, 0, c.CapacityRoundedDown(1, 0))
	c = types.Class{Weight: types.MaxWeight, Reference: types.MaxReference}
	require.EqualValues(t, uint64(types.MaxWeight)*types.MaxCount, c.CapacityRoundedDown(types.MaxCount, 1<<63))
}

func TestCatalogue(t *testing.T) {
	classes := types.DefaultClasses()
	require.GreaterOrEqual(t, len(classes), 25)
	for i, c := range classes {
		require.NoError(t, c.Validate())
		if i > 0 {
			require.Less(t, classes[i-1].Name, c.Name)
		}
	}
	for field, spoil := range map[string][]func(*types.Class){
		"name": {
			func(c *types.Class) { c.Name = "" }, func(c *types.Class) { c.Name = "RTX" },
			func(c *types.Class) { c.Name = "a123456789a123456789a123456789abc" },
		},
		"title":         {func(c *types.Class) { c.Title = "a\x1b[31m" }, func(c *types.Class) { c.Title = string(make([]byte, 129)) }},
		"weight":        {func(c *types.Class) { c.Weight = types.MaxWeight + 1 }},
		"reference":     {func(c *types.Class) { c.Reference = 0 }, func(c *types.Class) { c.Reference = 1 << 63 }},
		"vram_mib":      {func(c *types.Class) { c.VramMib = 1 << 40 }},
		"stake":         {func(c *types.Class) { c.Stake = math.Int{} }, func(c *types.Class) { c.Stake = math.NewInt(-1) }, func(c *types.Class) { c.Stake = math.NewInt(1 << 60) }},
		"price_ceiling": {func(c *types.Class) { c.PriceCeiling = math.ZeroInt() }, func(c *types.Class) { c.PriceCeiling = math.Int{} }},
		"start_limit":   {func(c *types.Class) { c.StartLimit = 0 }, func(c *types.Class) { c.StartLimit = 25 * time.Hour }},
	} {
		for _, f := range spoil {
			c := types.DefaultClasses()[1]
			f(&c)
			err := c.Validate()
			require.ErrorIs(t, err, types.ErrInvalidParams, field)
			require.ErrorContains(t, err, field)
		}
	}
}

// Stake is never ripe early and at most a 256th of its time late, and whoever retires Containers one by one for a whole unbonding
// time has no more rows than a hold looks at.
func TestRipeRoundedUp(t *testing.T) {
	p := types.DefaultParams()
	p.UnbondingTime = 30 * time.Second
	require.EqualValues(t, 130, p.RipeRoundedUp(time.Unix(100, 0)))
	require.EqualValues(t, 131, p.RipeRoundedUp(time.Unix(100, 1)))
	rapid.Check(t, func(t *rapid.T) {
		p.UnbondingTime = time.Duration(rapid.Int64Range(int64(time.Second), int64(types.MaxUnbonding)).Draw(t, "unbonding"))
		now := time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "now"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanos"))
		first, last := p.RipeRoundedUp(now), p.RipeRoundedUp(now.Add(p.UnbondingTime))
		ripe := time.Unix(int64(first), 0)
		require.False(t, ripe.Before(now.Add(p.UnbondingTime)))
		require.LessOrEqual(t, ripe.Sub(now.Add(p.UnbondingTime)), p.UnbondingTime/256+time.Second)
		width := max(1, uint64(p.UnbondingTime/time.Second)/256)
		require.Zero(t, first%width)
		require.Less(t, (last-first)/width, uint64(athtypes.MaxHoldReads)-1)
	})
}
