// SPDX-License-Identifier: Apache-2.0

package types_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"cosmossdk.io/math"

	athtypes "github.com/athnet/ath/x/ath/types"
	"github.com/athnet/ath/x/providers/types"
)

var opened = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

func damage(amount int64) types.Damage {
	return types.Damage{
		Provider: "p", Container: 7, Reason: types.TicketReason_TICKET_REASON_SLA, Evidence: []byte("e"), Amount: math.NewInt(amount),
	}
}

func held(amounts ...int64) []athtypes.RowBalance {
	rows := []athtypes.Row{types.StakeRow("p", 7), types.UnbondingRow("p", 9), athtypes.VestingRow("p", athtypes.Ledger_LEDGER_FEES, 5, athtypes.Denom)}
	var out []athtypes.RowBalance
	for i, amount := range amounts {
		out = append(out, athtypes.RowBalance{Row: rows[i], Amount: math.NewInt(amount)})
	}
	return out
}

// A ticket ends once, a contest never ends it earlier and never later than its limit, and whatever is allowed is so by its
// state and the clock alone.
func TestTicketLife(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		deadline := time.Duration(rapid.Int64Range(1, int64(10*time.Hour)).Draw(t, "deadline"))
		limit := time.Duration(rapid.Int64Range(1, int64(20*time.Hour)).Draw(t, "limit"))
		ticket := types.NewTicket(1, damage(100), held(60, 40), opened, deadline)
		require.NoError(t, ticket.Validate())
		now, contested := opened, false
		for range rapid.IntRange(1, 8).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(5*time.Hour)).Draw(t, "after")))
			before := ticket
			switch rapid.SampledFrom([]string{"contest", "pay", "run out", "resolve"}).Draw(t, "what") {
			case "contest":
				next, err := ticket.Contest(now, limit)
				require.Equal(t, !contested && now.Before(before.Deadline), err == nil)
				if err == nil {
					contested = true
					require.False(t, next.Deadline.Before(before.Deadline))
					require.False(t, next.Deadline.After(opened.Add(max(deadline, limit))))
					require.NoError(t, next.Validate())
				}
				ticket = next
			case "pay":
				_, err := ticket.Pay(now)
				require.Equal(t, !contested && now.Before(ticket.Deadline), err == nil)
			case "run out":
				_, err := ticket.RunOut(now)
				require.Equal(t, !now.Before(ticket.Deadline), err == nil)
			case "resolve":
				upheld := rapid.Bool().Draw(t, "upheld")
				next, err := ticket.Resolve(upheld)
				require.Equal(t, contested, err == nil)
				if err == nil {
					require.Equal(t, upheld, next.State == types.TicketState_TICKET_STATE_EXPIRED)
				}
			}
		}
	})
}

func TestTicketOverNothingRunsOutAtOnce(t *testing.T) {
	ticket := types.NewTicket(1, damage(100), nil, opened, time.Hour)
	require.Equal(t, types.TicketState_TICKET_STATE_EXPIRED, ticket.State)
	require.True(t, ticket.Amount.IsZero())
}

func TestTicketReturns(t *testing.T) {
	ticket := types.NewTicket(1, damage(100), held(60, 30, 10), opened, time.Hour)
	require.Equal(t, "60", ticket.FromStake().String())
	living := types.NewContainerStake(7, math.NewInt(100), math.NewInt(100))
	require.Equal(t, ticket.Sources, ticket.Returns(living))
	rows := ticket.Returns(living.Retire(99))
	require.Equal(t, types.UnbondingRow("p", 99), rows[0].Row, "the stake of a retired Container unbonds")
	require.Equal(t, ticket.Sources[1:], rows[1:])
	require.Equal(t, types.StakeRow("p", 7), ticket.Sources[0].Row, "the ticket itself is left as it is")
}

func TestDamageIsRefused(t *testing.T) {
	require.NoError(t, damage(1).Validate())
	for name, spoil := range map[string]func(*types.Damage){
		"no reason":      func(d *types.Damage) { d.Reason = 0 },
		"unknown reason": func(d *types.Damage) { d.Reason = 99 },
		"no evidence":    func(d *types.Damage) { d.Evidence = nil },
		"long evidence":  func(d *types.Damage) { d.Evidence = bytes.Repeat([]byte{1}, types.MaxEvidence+1) },
		"no amount":      func(d *types.Damage) { d.Amount = math.Int{} },
		"zero":           func(d *types.Damage) { d.Amount = math.ZeroInt() },
		"negative":       func(d *types.Damage) { d.Amount = math.NewInt(-1) },
		"too much":       func(d *types.Damage) { d.Amount = athtypes.MaxAmount.AddRaw(1) },
	} {
		t.Run(name, func(t *testing.T) {
			d := damage(1)
			spoil(&d)
			require.ErrorIs(t, d.Validate(), types.ErrInvalidField)
		})
	}
}

func TestTicketOfGenesisIsRefused(t *testing.T) {
	for name, spoil := range map[string]func(*types.Ticket){
		"ended":              func(t *types.Ticket) { t.State = types.TicketState_TICKET_STATE_PAID },
		"no state":           func(t *types.Ticket) { t.State = 0 },
		"no reason":          func(t *types.Ticket) { t.Reason = 0 },
		"deadline":           func(t *types.Ticket) { t.Deadline = t.Opened.Add(-1) },
		"no time":            func(t *types.Ticket) { t.Opened = time.Unix(0, 0) },
		"holds nothing":      func(t *types.Ticket) { t.Amount = math.ZeroInt() },
		"holds more":         func(t *types.Ticket) { t.Asked = math.NewInt(99) },
		"sum":                func(t *types.Ticket) { t.Sources[0].Amount = math.NewInt(61) },
		"negative source":    func(t *types.Ticket) { t.Sources[0].Amount = math.NewInt(-1) },
		"another's row":      func(t *types.Ticket) { t.Sources[0].Row.Owner = "q" },
		"another's stake":    func(t *types.Ticket) { t.Sources[0].Row.Bucket = 8 },
		"a row of the chain": func(t *types.Ticket) { t.Sources[0].Row = athtypes.PoolRow(athtypes.Pool_POOL_CAPACITY) },
	} {
		t.Run(name, func(t *testing.T) {
			ticket := types.NewTicket(1, damage(100), held(60, 40), opened, time.Hour)
			spoil(&ticket)
			require.ErrorIs(t, ticket.Validate(), types.ErrInvalidGenesis)
		})
	}
}

func TestNotStartedIsBoundedByTheStake(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := types.DefaultParams()
		p.NotStartedPpm = rapid.Uint64Range(0, types.MaxNotStartedPPM).Draw(t, "ppm")
		required := math.NewInt(rapid.Int64Range(1, 1<<60).Draw(t, "required"))
		amount := p.NotStartedRoundedUp(required)
		require.Equal(t, p.NotStartedPpm == 0, amount.IsZero())
		require.False(t, amount.GT(required.QuoRaw(10).AddRaw(1)), "at most a tenth")
	})
}

func TestReclaimedIsBoundedByTheStakeAndWhatWasDue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := types.DefaultParams()
		p.ReclaimedPpm = rapid.Uint64Range(0, types.MaxReclaimedPPM).Draw(t, "ppm")
		required, due := math.NewInt(rapid.Int64Range(1, 1<<60).Draw(t, "required")), math.NewInt(rapid.Int64Range(1, 1<<60).Draw(t, "due"))
		amount := p.ReclaimedRoundedUp(required, due)
		require.False(t, amount.LT(due))
		require.False(t, amount.GT(math.MaxInt(due, required.QuoRaw(10).AddRaw(1))), "what was due, or at most a tenth")
	})
	require.Equal(t, athtypes.MaxAmount, types.DefaultParams().ReclaimedRoundedUp(math.OneInt(), athtypes.MaxAmount.MulRaw(2)))
}

func TestEarnsUntil(t *testing.T) {
	s := types.NewStatus(1)
	require.Equal(t, opened, s.EarnsUntil(opened))
	at := opened.Add(-time.Minute)
	s.FaultAt = &at
	require.Equal(t, at, s.EarnsUntil(opened))
	require.Equal(t, at.Add(-1), s.EarnsUntil(at.Add(-1)), "a fault that is to come ends nothing")
}
