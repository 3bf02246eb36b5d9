// SPDX-License-Identifier: Apache-2.0

package types

import (
	"cmp"
	"slices"

	"cosmossdk.io/math"
)

// MaxHoldRows bounds how many rows of income, and how many of unbonding stake, one hold takes from. Whoever causes a hold
// pays for its work (a tenant that closes a lease, say), so the held party must not be able to make it dear.
const MaxHoldRows = 64

// MaxHoldReads bounds how many rows of one kind are looked at. A kind that ripens by the default parameters has at most
// some 200 unripe rows.
const MaxHoldReads = 512

// MaxPassedRows bounds how many rows of other denoms are passed on the way to those of one: eight denoms (x/leases' stable_denoms) in the daily
// buckets of the longest delay, a year. Were they counted with the others, who earns dust in many denoms could hide uath from a hold behind it.
const MaxPassedRows = 8 * 366

// HeldRow holds what an open ticket has frozen.
func HeldRow(owner string, id uint64) Row {
	return Row{Kind: RowKind_ROW_KIND_HELD, Owner: owner, Bucket: id, Denom: Denom}
}

// ProceedsRow holds what a ticket has brought in for the account that it is owed to, until that is added to the account.
func ProceedsRow(beneficiary string, ticket uint64) Row {
	return Row{Kind: RowKind_ROW_KIND_PROCEEDS, Owner: beneficiary, Bucket: ticket, Denom: Denom}
}

// PlanSoonest says how much of which rows is held for an amount: the soonest to ripen first, at most MaxHoldRows rows, and dust last as in
// PlanHold. Pure.
func PlanSoonest(rows []RowBalance, amount math.Int) []RowBalance {
	least := notDust(amount)
	order := slices.Clone(rows)
	slices.SortStableFunc(order, func(a, b RowBalance) int {
		return cmp.Or(cmp.Compare(dust(a, least), dust(b, least)), cmp.Compare(a.Row.Bucket, b.Row.Bucket))
	})
	return takeRows(order, amount)
}

// PlanHold says how much of which rows is held for an amount: the latest to ripen first, at most MaxHoldRows rows. Rows of
// less than a MaxHoldRows-th of the amount are taken only after all larger ones: income that was cut into dust can't use up
// the places, since as many larger rows as there are places make the whole amount. Pure; rows keep their identity, the
// result is ordered as it is taken.
func PlanHold(rows []RowBalance, amount math.Int) []RowBalance {
	least := notDust(amount)
	order := slices.Clone(rows)
	slices.SortStableFunc(order, func(a, b RowBalance) int {
		return cmp.Or(
			cmp.Compare(dust(a, least), dust(b, least)),
			cmp.Compare(b.Row.Bucket, a.Row.Bucket),
			cmp.Compare(a.Row.Kind, b.Row.Kind),
		)
	})
	return takeRows(order, amount)
}

// takeRows takes an amount out of rows in their order.
func takeRows(order []RowBalance, amount math.Int) []RowBalance {
	var taken []RowBalance
	for _, row := range order {
		if !amount.IsPositive() || len(taken) == MaxHoldRows {
			break
		}
		part := math.MinInt(row.Amount, amount)
		if !part.IsPositive() {
			continue
		}
		taken = append(taken, RowBalance{Row: row.Row, Amount: part})
		amount = amount.Sub(part)
	}
	return taken
}

// notDust is the least amount of a row that is none, for a hold of an amount.
func notDust(amount math.Int) math.Int { return amount.AddRaw(MaxHoldRows - 1).QuoRaw(MaxHoldRows) }

func dust(row RowBalance, least math.Int) int {
	if row.Amount.LT(least) {
		return 1
	}
	return 0
}

// LeftOf is what rows hold after some of them were taken from.
func LeftOf(rows, taken []RowBalance) []RowBalance {
	gone := make(map[Row]math.Int, len(taken))
	for _, part := range taken {
		gone[part.Row] = part.Amount
	}
	var left []RowBalance
	for _, row := range rows {
		if part, ok := gone[row.Row]; ok {
			row.Amount = row.Amount.Sub(part)
		}
		if row.Amount.IsPositive() {
			left = append(left, row)
		}
	}
	return left
}

// SumRows is what rows hold together.
func SumRows(rows []RowBalance) math.Int {
	sum := math.ZeroInt()
	for _, row := range rows {
		sum = sum.Add(row.Amount)
	}
	return sum
}
