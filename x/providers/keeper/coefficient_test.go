// SPDX-License-Identifier: Apache-2.0

package keeper_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	"github.com/athnet/ath/x/providers/types"
)

// The index is computed once a month from the month's revenue; stakes that are bonded stay, new ones follow, and the query
// shows what a stake is made of.
func TestCoefficientFollowsRevenue(t *testing.T) {
	f := newFixture(t)
	ids := f.ready(t, 2)
	c, err := f.k.Coefficient(f.ctx)
	require.NoError(t, err)
	require.EqualValues(t, 2*cpuStake, c.Base.Int64())

	f.economy.epoch, f.economy.revenue = 30, math.NewInt(20*cpuStake)
	f.endBlock(t, 0) // notes that blocks come
	f.store.writes = nil
	f.endBlock(t, 0)
	require.Empty(t, f.economy.asked, "not yet")
	require.Empty(t, f.store.writes)
	f.economy.epoch = 31
	f.endBlock(t, 0)
	f.endBlock(t, 0)
	require.Equal(t, []uint64{30}, f.economy.asked, "once")

	res, err := f.queries.Stake(f.ctx, &types.QueryStakeRequest{Class: "cpu", Tier: types.Tier_TIER_ENTERPRISE, Count: 3})
	require.NoError(t, err)
	require.EqualValues(t, 1_100_000, res.CoefficientPpm)
	require.EqualValues(t, 2_000_000, res.TierFactorPpm)
	require.EqualValues(t, types.Million, res.GovernancePpm)
	require.EqualValues(t, 61, res.NextEpoch)
	require.EqualValues(t, cpuStake, res.ClassStake.Int64())
	require.EqualValues(t, cpuStake*2*3*11/10, res.Stake.Int64())
	require.Equal(t, f.economy.revenue, res.Coefficient.Revenue)

	require.EqualValues(t, cpuStake, f.vault.row(types.StakeRow(owner.String(), ids[0])).Int64(), "what is bonded stays")
	require.False(t, f.status(t, ids[0]).UnderStaked)
	made, err := f.msgs.RegisterContainers(f.ctx, &types.MsgRegisterContainers{
		Owner: owner.String(), MaxStake: math.NewInt(capital), Containers: consented(owner, 9),
	})
	require.NoError(t, err)
	require.EqualValues(t, cpuStake*11/10, made.Stake.Int64())
	c, err = f.k.Coefficient(f.ctx)
	require.NoError(t, err)
	require.EqualValues(t, 3*cpuStake, c.Base.Int64(), "the base is without coefficient")
	_, err = f.msgs.RetireContainers(f.ctx, &types.MsgRetireContainers{Owner: owner.String(), Ids: append(ids, made.Ids...)})
	require.NoError(t, err)
	c, err = f.k.Coefficient(f.ctx)
	require.NoError(t, err)
	require.True(t, c.Base.IsZero())
	f.economy.epoch = 61
	f.endBlock(t, 0)
	c, err = f.k.Coefficient(f.ctx)
	require.NoError(t, err)
	require.EqualValues(t, 1_100_000, c.IndexPpm, "nobody's revenue says nothing")
}

// Governance's part counts at once, and a changed length of the month from the last step on.
func TestCoefficientParametersChange(t *testing.T) {
	f := newFixture(t)
	f.ready(t, 1)
	params, err := f.k.Params(f.ctx)
	require.NoError(t, err)
	params.StakeCoefficientPpm, params.CoefficientEpochs, params.CoefficientStepPpm = 3_000_000, 7, 0
	require.NoError(t, f.k.SetParams(f.ctx, params))
	res, err := f.queries.Stake(f.ctx, &types.QueryStakeRequest{Class: "cpu", Tier: types.Tier_TIER_EDGE, Count: 1})
	require.NoError(t, err)
	require.EqualValues(t, 3*cpuStake, res.Stake.Int64())
	require.EqualValues(t, 8, res.NextEpoch)
	f.economy.epoch, f.economy.revenue = 20, math.NewInt(capital)
	f.endBlock(t, 0)
	require.Equal(t, []uint64{7}, f.economy.asked)
	c, err := f.k.Coefficient(f.ctx)
	require.NoError(t, err)
	require.EqualValues(t, types.Million, c.IndexPpm, "a step of zero lets it stand")
	require.EqualValues(t, 20, c.Epoch)
}
