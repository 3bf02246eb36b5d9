// SPDX-License-Identifier: Apache-2.0

package types

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"cosmossdk.io/math"
)

func drawRows(t *rapid.T) []RowBalance {
	var rows []RowBalance
	for i := range rapid.IntRange(0, 3*MaxHoldRows).Draw(t, "rows") {
		amount := rapid.OneOf(rapid.Int64Range(1, 3), rapid.Int64Range(1, 1_000_000)).Draw(t, "amount")
		rows = append(rows, RowBalance{Row: VestingRow("owner", Ledger_LEDGER_FEES, uint64(1_000+i), Denom), Amount: math.NewInt(amount)})
	}
	return rows
}

// A hold never takes more than is asked for or than a row has, names no row twice and stays within its bound; it takes all
// that is asked for where rows as large as a MaxHoldRows-th of it, or few enough rows, have it.
func TestPlanHoldTakesWhatIsThere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows, amount := drawRows(t), math.NewInt(rapid.Int64Range(1, 2_000_000).Draw(t, "amount"))
		taken := PlanHold(rows, amount)
		require.LessOrEqual(t, len(taken), MaxHoldRows)
		require.False(t, SumRows(taken).GT(amount))
		has := make(map[Row]math.Int)
		large := math.ZeroInt()
		for _, row := range rows {
			has[row.Row] = row.Amount
			if !row.Amount.MulRaw(MaxHoldRows).LT(amount) {
				large = large.Add(row.Amount)
			}
		}
		for _, part := range taken {
			require.True(t, part.Amount.IsPositive())
			require.False(t, part.Amount.GT(has[part.Row]), "more than the row has, or the row twice")
			has[part.Row] = has[part.Row].Sub(part.Amount)
		}
		require.False(t, SumRows(taken).LT(math.MinInt(amount, large)), "dust takes no place from large rows")
		if len(rows) <= MaxHoldRows {
			require.Equal(t, math.MinInt(amount, SumRows(rows)).String(), SumRows(taken).String())
		}
	})
}

// TestPlanSoonest: in order of ripeness, dust last, so that it takes no place from large rows; what is left is in neither list twice.
func TestPlanSoonest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows, amount := drawRows(t), math.NewInt(rapid.Int64Range(1, 2_000_000).Draw(t, "amount"))
		var order, small []RowBalance
		large := math.ZeroInt()
		for _, row := range rows {
			if row.Amount.MulRaw(MaxHoldRows).LT(amount) {
				small = append(small, row)
				continue
			}
			order, large = append(order, row), large.Add(row.Amount)
		}
		order = append(order, small...)
		taken := PlanSoonest(rapid.Permutation(rows).Draw(t, "order"), amount)
		require.LessOrEqual(t, len(taken), MaxHoldRows)
		for i, part := range taken {
			require.Equal(t, order[i].Row, part.Row)
			require.True(t, i == len(taken)-1 || part.Amount.Equal(order[i].Amount))
		}
		require.False(t, SumRows(taken).LT(math.MinInt(amount, large)))
		if len(rows) <= MaxHoldRows {
			require.Equal(t, math.MinInt(amount, SumRows(rows)).String(), SumRows(taken).String())
		}
		left := LeftOf(rows, taken)
		require.Equal(t, SumRows(rows).String(), SumRows(taken).Add(SumRows(left)).String())
		for _, row := range left {
			require.True(t, row.Amount.IsPositive())
		}
	})
}

func TestPlanHoldTakesTheLatestFirst(t *testing.T) {
	row := func(kind RowKind, ripe uint64, amount int64) RowBalance {
		return RowBalance{Row: Row{Kind: kind, Owner: "owner", Bucket: ripe, Denom: Denom}, Amount: math.NewInt(amount)}
	}
	vesting, unbonding := RowKind_ROW_KIND_VESTING_FEES, RowKind_ROW_KIND_UNBONDING
	rows := []RowBalance{row(vesting, 10, 100), row(vesting, 30, 100), row(unbonding, 20, 100), row(vesting, 40, 1)}
	require.Equal(t, []RowBalance{row(vesting, 30, 100), row(unbonding, 20, 100), row(vesting, 10, 50)}, PlanHold(rows, math.NewInt(250)),
		"the latest first, but dust last")
	require.Equal(t, []RowBalance{row(vesting, 30, 100), row(unbonding, 20, 100), row(vesting, 10, 100), row(vesting, 40, 1)},
		PlanHold(rows, math.NewInt(1_000)))
	require.Empty(t, PlanHold(nil, math.NewInt(5)))
	require.Empty(t, PlanHold(rows, math.ZeroInt()))
}
