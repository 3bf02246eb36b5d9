// SPDX-License-Identifier: Apache-2.0

package types

import (
	"testing"
	"time"

	"cosmossdk.io/math"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var exitNow = time.Unix(1_700_000_000, 0)

func genExitOption(t *rapid.T) ExitOption {
	return ExitOption{
		Delay:      time.Duration(rapid.Int64Range(int64(time.Second), int64(90*day)).Draw(t, "delay")),
		PenaltyPpm: rapid.Uint32Range(1, PPM-1).Draw(t, "penalty"),
	}
}

// genVesting draws rows of one ledger, the last to ripen first.
func genVesting(t *rapid.T) []RowBalance {
	var rows []RowBalance
	second := exitNow.Add(180 * day).Unix()
	for range rapid.IntRange(0, 12).Draw(t, "rows") {
		second -= rapid.Int64Range(1, int64(30*day/time.Second)).Draw(t, "step")
		rows = append(rows, RowBalance{
			Row:    VestingRow("ath1x", Ledger_LEDGER_CAPACITY, uint64(second), Denom),
			Amount: genInt(1, 1<<50).Draw(t, "amount"),
		})
	}
	return rows
}

// An exit takes at most its limit, from rows that ripen later only and from the latest first; nothing is lost, and the
// penalty is the published part, rounded up.
func TestExitTakesWhatRipensLater(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows, option, limit := genVesting(t), genExitOption(t), genInt(1, 1<<52).Draw(t, "limit")
		exit, taken := PlanExit(rows, option, exitNow, limit)
		requireInt(t, SumRows(taken), exit.Amount)
		requireInt(t, exit.Amount, exit.Penalty.Add(exit.Pays))
		require.False(t, exit.Pays.IsNegative())
		require.True(t, exit.Amount.LTE(limit))
		require.True(t, exit.Penalty.MulRaw(PPM).GTE(exit.Amount.MulRaw(int64(option.PenaltyPpm))))
		require.False(t, time.Unix(int64(exit.Ripe), 0).Before(exitNow.Add(option.Delay)), "never early")
		for i, part := range taken {
			require.Equal(t, rows[i].Row, part.Row)
			require.Greater(t, part.Row.Bucket, exit.Ripe)
			require.True(t, i == len(taken)-1 || part.Amount.Equal(rows[i].Amount))
		}
		if exit.Amount.LT(limit) && len(taken) < len(rows) {
			require.LessOrEqual(t, rows[len(taken)].Row.Bucket, exit.Ripe, "all that ripens later has left")
		}
	})
}

// No order of exits comes out ahead: one exit pays at least what the same amount pays in parts, and an exit with the claim
// what an exit after it does.
func TestExitOrderGainsNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows, option := genVesting(t), genExitOption(t)
		whole, _ := PlanExit(rows, option, exitNow, SumRows(rows))
		parts, left := math.ZeroInt(), whole.Amount
		for left.IsPositive() {
			part := math.MinInt(left, genInt(1, 1<<50).Draw(t, "part"))
			exit, taken := PlanExit(rows, option, exitNow, part)
			requireInt(t, part, exit.Amount)
			parts, left, rows = parts.Add(exit.Pays), left.Sub(part), without(rows, taken)
		}
		require.True(t, parts.LTE(whole.Pays), "%s in parts, %s at once", parts, whole.Pays)

		amount := genInt(1, 1<<50).Draw(t, "claimed")
		vests := VestClaim(DefaultParams().RewardVesting, exitNow, amount)
		atOnce, kept := ExitClaim(vests, option, exitNow)
		rows = nil
		for i := len(vests) - 1; i >= 0; i-- {
			rows = append(rows, RowBalance{Row: VestingRow("ath1x", Ledger_LEDGER_CAPACITY, vests[i].Bucket, Denom), Amount: vests[i].Amount})
		}
		later, taken := PlanExit(rows, option, exitNow, amount)
		requireInt(t, later.Pays, atOnce.Pays)
		require.Len(t, kept, len(vests)-len(taken))
	})
}

func without(rows, taken []RowBalance) []RowBalance {
	var left []RowBalance
	for i, row := range rows {
		if i < len(taken) {
			row.Amount = row.Amount.Sub(taken[i].Amount)
		}
		if row.Amount.IsPositive() {
			left = append(left, row)
		}
	}
	return left
}

func TestExitOptionsAreNamedByBothFigures(t *testing.T) {
	p := DefaultParams()
	for ledger, options := range map[Ledger][]ExitOption{
		Ledger_LEDGER_FEES:     {{7 * day, 400_000}},
		Ledger_LEDGER_CAPACITY: {{7 * day, 800_000}, {60 * day, 500_000}},
		Ledger_LEDGER_DELIVERY: {{7 * day, 800_000}, {60 * day, 500_000}},
		Ledger_LEDGER_CHECKER:  {{30 * day, 750_000}},
		Ledger_LEDGER_INDEXER:  {{30 * day, 750_000}},
	} {
		require.Equal(t, options, p.Exits(ledger))
		for _, option := range options {
			found, err := p.Exit(ledger, option.Delay, option.PenaltyPpm)
			require.NoError(t, err)
			require.Equal(t, option, found)
		}
		_, err := p.Exit(ledger, options[0].Delay, options[0].PenaltyPpm-1)
		require.ErrorIs(t, err, ErrExitOption)
	}
	_, err := p.Exit(Ledger_LEDGER_UNSPECIFIED, 7*day, 800_000)
	require.ErrorIs(t, err, ErrExitOption)
}

func TestMsgExitValidate(t *testing.T) {
	require.NoError(t, (&MsgExit{Ledger: Ledger_LEDGER_FEES}).Validate())
	require.Equal(t, Denom, (&MsgExit{}).ExitDenom())
	require.True(t, (&MsgExit{}).Limit().IsZero())
	require.ErrorIs(t, (&MsgExit{}).Validate(), ErrInvalidLedger)
	require.ErrorIs(t, (&MsgExit{Ledger: Ledger_LEDGER_FEES, Denom: "!"}).Validate(), ErrInvalidRow)
	require.ErrorIs(t, (&MsgExit{Ledger: Ledger_LEDGER_FEES, MaxAmount: math.NewInt(-1)}).Validate(), ErrInvalidAmount)
	for _, msg := range []MsgClaim{
		{Exits: []ClaimExit{{Ledger: Ledger_LEDGER_FEES}}},
		{Exits: []ClaimExit{{Ledger: Ledger_LEDGER_CHECKER}, {Ledger: Ledger_LEDGER_CHECKER}}},
		{Ledgers: []Ledger{Ledger_LEDGER_INDEXER}, Exits: []ClaimExit{{Ledger: Ledger_LEDGER_CHECKER}}},
	} {
		require.ErrorIs(t, msg.Validate(), ErrInvalidLedger)
	}
	require.ErrorIs(t, (&MsgClaim{Exits: make([]ClaimExit, 5)}).Validate(), ErrTooMany)
}
