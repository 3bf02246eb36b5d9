// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	"github.com/athnet/ath/x/ath/types"
)

func (f *fixture) revenue(epochs uint64) int64 {
	sum, err := f.k.Revenue(f.ctx, epochs)
	require.NoError(f.t, err)
	return sum.Int64()
}

// Revenue is what complete epochs brought, in uath, fee included; the running one does not count, and after a month an epoch
// is forgotten.
func TestRevenue(t *testing.T) {
	f := newFixture(t, shortParams())
	row, foreign := prepaid(user(0), types.Denom), prepaid(user(0), usd)
	f.block(time.Second, deposit(f.k, user(0), row, 100_000), deposit(f.k, user(0), foreign, 1_000))
	f.block(time.Second, pay(f.k, row, user(1), nil, 1_000), pay(f.k, row, user(2), user(3), 234), pay(f.k, foreign, user(1), nil, 500))
	require.Zero(t, f.revenue(31), "the epoch is running")
	f.nextEpoch()
	require.EqualValues(t, 1_234, f.revenue(31))
	f.nextEpoch()
	f.block(time.Second, pay(f.k, row, user(1), nil, 1)) // so small that its fee is nothing
	f.nextEpoch()
	require.EqualValues(t, 1, f.revenue(1))
	require.EqualValues(t, 1, f.revenue(2))
	require.EqualValues(t, 1_235, f.revenue(3))
	require.EqualValues(t, 1_235, f.revenue(1_000))
	requireSameExport(t, f, f.reload(t))
	for range 28 {
		f.nextEpoch()
	}
	require.EqualValues(t, 1_235, f.revenue(31))
	f.nextEpoch()
	require.EqualValues(t, 1, f.revenue(31))
	f.nextEpoch()
	require.EqualValues(t, 1, f.revenue(31))
	require.Len(t, export(t, f).Revenue, 1, "and forgotten")
	f.nextEpoch()
	require.Empty(t, export(t, f).Revenue)
}

// TestRevenueOfAnEpochOfRefunds: an epoch that gave back as much as it brought is exported as one that brought nothing.
func TestRevenueOfAnEpochOfRefunds(t *testing.T) {
	f := newFixture(t, shortParams())
	row := prepaid(user(0), types.Denom)
	f.block(time.Second, deposit(f.k, user(0), row, 100_000))
	f.block(time.Second, pay(f.k, row, user(1), nil, 1_000))
	f.nextEpoch()
	f.block(time.Second, pay(f.k, row, user(1), nil, 300))
	f.block(time.Second, refund(f.k, user(1), nil, row, 500, 500))
	f.nextEpoch()
	require.Zero(t, f.revenue(1))
	require.EqualValues(t, 1_000, f.revenue(2))
	require.Len(t, export(t, f).Revenue, 2)
	requireSameExport(t, f, f.reload(t))
}

func TestRevenueOfGenesisIsRefused(t *testing.T) {
	f := newFixture(t, shortParams())
	for range 40 {
		f.nextEpoch()
	}
	for name, revenue := range map[string][]types.EpochRevenue{
		"to come":      {{Epoch: 42, Amount: math.OneInt(), Fees: math.ZeroInt()}},
		"too old":      {{Epoch: 9, Amount: math.OneInt(), Fees: math.ZeroInt()}},
		"out of order": {{Epoch: 20, Amount: math.OneInt(), Fees: math.ZeroInt()}, {Epoch: 20, Amount: math.OneInt(), Fees: math.ZeroInt()}},
		"negative":     {{Epoch: 20, Amount: math.NewInt(-1), Fees: math.ZeroInt()}},
		"no amount":    {{Epoch: 20, Fees: math.ZeroInt()}},
		"no fees":      {{Epoch: 20, Amount: math.OneInt()}},
	} {
		state := export(t, f)
		require.NoError(t, state.Validate())
		state.Revenue = revenue
		require.ErrorIs(t, state.Validate(), types.ErrInvalidGenesis, name)
	}
}
