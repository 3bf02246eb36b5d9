// SPDX-License-Identifier: Apache-2.0

package adversary

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"cosmossdk.io/math"

	"github.com/athnet/ath/testutil/gen"
	athtypes "github.com/athnet/ath/x/ath/types"
	providerstypes "github.com/athnet/ath/x/providers/types"
)

// day is long enough for fees to ripen after some of them, and shorter than any ticket's deadline.
const day = 24 * time.Hour

var fund = athtypes.Row{Kind: athtypes.RowKind_ROW_KIND_SLA_FUND, Denom: athtypes.Denom}

// there is what a ticket about a container must find, counted without the code that holds: all but what has vested and what
// is behind other Containers.
func (w *world) there(container uint64) math.Int {
	now := uint64(w.ctx.BlockTime().Unix())
	sum := math.ZeroInt()
	for _, r := range w.rows() {
		switch kind := r.Row.Kind; {
		case r.Row.Denom != athtypes.Denom:
		case slices.Contains(athtypes.VestingKinds(), kind) && r.Row.Bucket > now,
			kind == athtypes.RowKind_ROW_KIND_EXITING,
			kind == athtypes.RowKind_ROW_KIND_OWED,
			kind == athtypes.RowKind_ROW_KIND_UNBONDING,
			kind == athtypes.RowKind_ROW_KIND_STAKE && r.Row.Bucket == container:
			sum = sum.Add(r.Amount)
		}
	}
	return sum
}

// runner is a provider that tries whatever there is to get its coins out.
type runner struct {
	*world
	machines int
	accused  map[uint64]math.Int // open tickets
}

func (r *runner) run(t *rapid.T) {
	owner := r.owner.String()
	what := rapid.SampledFrom([]string{
		"claim", "exit", "withdraw", "retire", "withdraw stake", "payout", "deregister", "register", "top up", "earn", "wait", "wait long", "parameters",
	}).Draw(t, "what")
	switch what {
	case "claim":
		_ = r.send(&athtypes.MsgClaim{Signer: owner})
	case "exit":
		r.exit(t)
	case "withdraw":
		_ = r.send(&athtypes.MsgWithdraw{Signer: owner})
	case "retire":
		if len(r.live) > 0 {
			require.NoError(t, r.send(&providerstypes.MsgRetireContainers{Owner: owner, Ids: r.live[:1]}))
			r.live = r.live[1:]
		}
	case "withdraw stake":
		_ = r.send(&providerstypes.MsgWithdrawStake{Signer: owner})
	case "payout":
		_ = r.send(&providerstypes.MsgUpdateProvider{Owner: owner, Payout: r.tenant.String()})
	case "deregister":
		err := r.send(&providerstypes.MsgDeregisterProvider{Owner: owner})
		require.False(t, err == nil && len(r.accused) > 0, "nobody leaves under a ticket")
	case "register":
		r.machines++
		msg := &providerstypes.MsgRegisterContainers{
			Owner: owner, MaxStake: gen.ATH(1_000), Containers: []providerstypes.NewContainer{machine(owner, r.machines)},
		}
		_ = r.send(msg)
		r.live = r.living()
	case "top up":
		if len(r.live) > 0 {
			_ = r.send(&providerstypes.MsgTopUpStake{Owner: owner, Ids: r.live, MaxStake: gen.ATH(1_000)})
		}
	case "earn":
		r.earn(t)
	case "wait":
		r.block(time.Duration(rapid.Int64Range(0, int64(day)).Draw(t, "ns")))
	case "wait long":
		r.block(time.Duration(rapid.IntRange(1, 60).Draw(t, "days")) * day)
	case "parameters":
		r.parameters(t)
	}
}

func (r *runner) living() []uint64 {
	state, err := r.Providers.ExportGenesis(r.ctx)
	require.NoError(r.t, err)
	var ids []uint64
	for _, c := range state.Containers {
		ids = append(ids, c.Id)
	}
	return ids
}

// exit takes income out of vesting by one of the published options.
func (r *runner) exit(t *rapid.T) {
	p, err := r.Ath.Params(r.ctx)
	require.NoError(t, err)
	ledger, options := athtypes.Ledger_LEDGER_FEES, p.FeeExits
	if rapid.Bool().Draw(t, "rewards") {
		ledger, options = athtypes.Ledger_LEDGER_CAPACITY, p.RewardExits
	}
	option := rapid.SampledFrom(options).Draw(t, "option")
	_ = r.send(&athtypes.MsgExit{
		Beneficiary: r.owner.String(), Ledger: ledger, Delay: option.Delay, PenaltyPpm: option.PenaltyPpm, MaxAmount: math.ZeroInt(),
	})
}

// earn pays the provider for a lease, or credits it capacity.
func (r *runner) earn(t *rapid.T) {
	amount := rapid.Int64Range(1, 20_000_000).Draw(t, "amount")
	if rapid.Bool().Draw(t, "capacity") {
		r.give(athtypes.OwedRow(r.owner.String(), athtypes.Ledger_LEDGER_CAPACITY), amount)
		return
	}
	prepaid := athtypes.Row{Kind: athtypes.RowKind_ROW_KIND_PREPAID, Owner: r.tenant.String(), Denom: athtypes.Denom}
	r.give(prepaid, amount)
	_, err := r.Ath.PayProvider(r.ctx, prepaid, r.owner.Address(), nil, math.NewInt(amount))
	require.NoError(t, err)
}

// parameters changes what governance may change, in mid-epoch and in mid-ticket.
func (r *runner) parameters(t *rapid.T) {
	p, err := r.Providers.Params(r.ctx)
	require.NoError(t, err)
	p.TicketDeadline = time.Duration(rapid.Int64Range(int64(time.Second), int64(providerstypes.MaxTicketDeadline)).Draw(t, "deadline"))
	p.UnbondingTime = time.Duration(rapid.Int64Range(int64(time.Second), int64(200*day)).Draw(t, "unbonding"))
	p.ContestLimit = time.Duration(rapid.Int64Range(int64(time.Second), int64(providerstypes.MaxContestLimit)).Draw(t, "limit"))
	require.NoError(t, r.Providers.SetParams(r.ctx, p))
	a, err := r.Ath.Params(r.ctx)
	require.NoError(t, err)
	a.MinExitDelay = time.Duration(rapid.Int64Range(int64(time.Second), int64(7*day)).Draw(t, "least exit"))
	a.FeeVesting = time.Duration(rapid.Int64Range(int64(time.Second), int64(90*day)).Draw(t, "fee vesting"))
	require.NoError(t, r.send(&athtypes.MsgUpdateParams{Authority: gov(), Params: a}))
}

// open opens a ticket over part of what is there, all of it, or more.
func (r *runner) open(t *rapid.T) {
	container := uint64(0)
	if len(r.live) > 0 {
		container = rapid.SampledFrom(r.live).Draw(t, "container")
	}
	there, asked := r.there(container), math.NewInt(rapid.Int64Range(1, 40_000_000).Draw(t, "asked"))
	ticket, err := r.Providers.OpenTicket(r.ctx, providerstypes.Damage{
		Provider: r.owner.String(), Container: container, Reason: providerstypes.TicketReason_TICKET_REASON_SLA,
		Evidence: []byte("what happened"), Amount: asked,
	})
	if err != nil {
		require.ErrorIs(t, err, providerstypes.ErrProviderNotFound)
		return
	}
	require.Equal(t, math.MinInt(there, asked).String(), ticket.Amount.String(), "a ticket finds what is there")
	if ticket.Amount.IsPositive() {
		r.accused[ticket.Id] = ticket.Amount
	}
}

// held checks that every open ticket has what it found, and forgets those that have ended.
func (r *runner) held(t *rapid.T) (gone math.Int) {
	gone = math.ZeroInt()
	for id, amount := range r.accused {
		if _, err := r.Providers.Ticket(r.ctx, id); err != nil {
			gone = gone.Add(amount)
			delete(r.accused, id)
			continue
		}
		require.Equal(t, amount.String(), r.amount(athtypes.HeldRow(r.owner.String(), id)).String())
	}
	return gone
}

// TestNoWayOutOfATicket: a provider claims, exits early, withdraws, retires, unbonds, moves its payout and deregisters in any order, while
// time passes and governance changes parameters. Whatever was there when a ticket was opened, up to its amount, reaches the
// SLA fund when the ticket runs out, to the last uath.
func TestNoWayOutOfATicket(t *testing.T) {
	c := chain(t)
	rapid.Check(t, func(t *rapid.T) {
		r := &runner{world: branch(t, c), machines: 10, accused: map[uint64]math.Int{}}
		taken, before := math.ZeroInt(), r.amount(fund)
		for range rapid.IntRange(1, 14).Draw(t, "steps") {
			if rapid.IntRange(0, 3).Draw(t, "ticket") == 0 {
				r.open(t)
			} else {
				r.run(t)
			}
			taken = taken.Add(r.held(t))
		}
		for range 3 { // whatever is open runs out
			r.block(providerstypes.MaxTicketDeadline)
			taken = taken.Add(r.held(t))
		}
		r.close()
		require.Empty(t, r.accused)
		require.Equal(t, before.Add(taken).String(), r.amount(fund).String())
	})
}
