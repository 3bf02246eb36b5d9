// SPDX-License-Identifier: Apache-2.0

package keeper_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
	"github.com/athnet/ath/x/providers/types"
)

// cpuStake is what a Container of class cpu bonds for an edge provider.
const cpuStake = 10_000_000

func (f *fixture) openTicket(t testing.TB, container uint64, amount int64) types.Ticket {
	t.Helper()
	ticket, err := f.k.OpenTicket(f.ctx, types.Damage{
		Provider: owner.String(), Container: container, Reason: types.TicketReason_TICKET_REASON_SLA, Evidence: []byte("proof"),
		Amount: math.NewInt(amount),
	})
	require.NoError(t, err)
	require.NoError(t, f.k.CheckInvariants(f.ctx))
	return ticket
}

// vest gives owner income that ripens in a day.
func (f *fixture) vest(amount int64) athtypes.Row {
	row := athtypes.VestingRow(owner.String(), athtypes.Ledger_LEDGER_FEES, uint64(f.ctx.BlockTime().Add(24*time.Hour).Unix()), athtypes.Denom)
	f.vault.rows[row] = math.NewInt(amount)
	return row
}

func (f *fixture) endBlock(t testing.TB, after time.Duration) {
	t.Helper()
	f.advance(after)
	require.NoError(t, f.k.EndBlock(f.ctx))
	require.NoError(t, f.k.CheckInvariants(f.ctx))
}

var fund = athtypes.Row{Kind: athtypes.RowKind_ROW_KIND_SLA_FUND, Denom: athtypes.Denom}

const week = 7 * 24 * time.Hour

// Income goes before stake; run out, both are gone, and a Container below its stake is off the market until it is topped up.
// Its running lease goes on.
func TestTicketRunsOut(t *testing.T) {
	f := newFixture(t)
	ids := f.ready(t, 2)
	income := f.vest(300)
	ticket := f.openTicket(t, ids[0], 1_000)
	require.Equal(t, "1000", ticket.Amount.String())
	require.True(t, f.vault.row(income).IsZero())
	require.NoError(t, f.k.Bindable(f.ctx, ids[0]), "what is held counts as bonded")
	require.EqualValues(t, 1_000, f.status(t, ids[0]).Weight)
	require.NoError(t, bind(f.k, f.ctx, ids[0], "tenant/1"))

	f.endBlock(t, week-1)
	require.True(t, f.vault.row(fund).IsZero())
	f.endBlock(t, 1)
	require.Equal(t, "1000", f.vault.row(fund).String())
	status := f.status(t, ids[0])
	require.True(t, status.UnderStaked)
	require.Zero(t, status.Weight)
	require.Zero(t, f.stream.positions[ids[0]].weight)
	require.Equal(t, "tenant/1", status.Lease, "the running lease goes on")
	_, err := f.k.Ticket(f.ctx, ticket.Id)
	require.ErrorIs(t, err, types.ErrTicketNotFound)

	require.NoError(t, f.k.Release(f.ctx, ids[0], "tenant/1", false))
	f.heartbeat(t, ids...)
	require.ErrorIs(t, f.k.Bindable(f.ctx, ids[0]), types.ErrContainerNotFree)
	require.ErrorContains(t, f.k.Bindable(f.ctx, ids[0]), "top it up")
	require.NoError(t, f.k.Bindable(f.ctx, ids[1]), "others are left alone")
	require.Zero(t, f.status(t, ids[0]).Weight)

	topUp := &types.MsgTopUpStake{Owner: owner.String(), Ids: ids, MaxStake: math.NewInt(699)}
	require.ErrorIs(t, f.tx(func(ctx sdk.Context) error { _, err := f.msgs.TopUpStake(ctx, topUp); return err }), types.ErrStakeAboveMax)
	topUp.MaxStake = math.NewInt(700)
	res, err := f.msgs.TopUpStake(f.ctx, topUp)
	require.NoError(t, err)
	require.Equal(t, "700", res.Stake.String())
	require.NoError(t, f.k.Bindable(f.ctx, ids[0]))
	require.EqualValues(t, 1_000, f.status(t, ids[0]).Weight)
	_, err = f.msgs.TopUpStake(f.ctx, topUp)
	require.ErrorIs(t, err, types.ErrFullyStaked)
	topUp.Owner = stranger.String()
	_, err = f.msgs.TopUpStake(f.ctx, topUp)
	require.ErrorIs(t, err, types.ErrUnauthorized)
	require.NoError(t, f.k.CheckInvariants(f.ctx))
}

// Paid from the wallet, everything that was held is back.
func TestTicketIsPaid(t *testing.T) {
	f := newFixture(t)
	ids := f.ready(t, 1)
	f.vest(300)
	before, purse := f.vault.rowsOf(owner, 0, athtypes.Ledger_LEDGER_FEES.VestingKind(), athtypes.RowKind_ROW_KIND_STAKE), f.vault.balance(owner.String())
	ticket := f.openTicket(t, ids[0], 1_000)
	pay := &types.MsgPayTicket{Owner: stranger.String(), Id: ticket.Id}
	_, err := f.msgs.PayTicket(f.ctx, pay)
	require.ErrorIs(t, err, types.ErrUnauthorized)
	pay.Owner = owner.String()
	res, err := f.msgs.PayTicket(f.ctx, pay)
	require.NoError(t, err)
	require.Equal(t, "1000", res.Amount.String())
	require.Equal(t, "1000", f.vault.row(fund).String())
	require.ElementsMatch(t, before, f.vault.rowsOf(owner, 0, athtypes.Ledger_LEDGER_FEES.VestingKind(), athtypes.RowKind_ROW_KIND_STAKE))
	require.Equal(t, purse.SubRaw(1_000), f.vault.balance(owner.String()))
	_, err = f.msgs.PayTicket(f.ctx, pay)
	require.ErrorIs(t, err, types.ErrTicketNotFound)
	require.NoError(t, f.k.Bindable(f.ctx, ids[0]))
	f.endBlock(t, week)
	require.Equal(t, "1000", f.vault.row(fund).String(), "and never taken again")
}

// A contested ticket waits for its decision up to the limit and no longer; what was found first stands.
func TestTicketIsContested(t *testing.T) {
	for name, tc := range map[string]struct {
		decide func(f *fixture, id uint64) error
		wait   time.Duration
		lost   int64
	}{
		"dismissed":         {func(f *fixture, id uint64) error { return f.k.ResolveTicket(f.ctx, id, false) }, 2 * week, 0},
		"upheld":            {func(f *fixture, id uint64) error { return f.k.ResolveTicket(f.ctx, id, true) }, 2 * week, 1_000},
		"nobody decides":    {func(f *fixture, id uint64) error { return f.k.EndBlock(f.ctx) }, 30 * 24 * time.Hour, 1_000},
		"just not yet over": {func(f *fixture, id uint64) error { return f.k.EndBlock(f.ctx) }, 30*24*time.Hour - 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			ids := f.ready(t, 1)
			ticket := f.openTicket(t, ids[0], 1_000)
			require.ErrorIs(t, f.k.ResolveTicket(f.ctx, ticket.Id, true), types.ErrTicketState)
			_, err := f.k.HoldTicket(f.ctx, ticket.Id)
			require.NoError(t, err)
			_, err = f.k.HoldTicket(f.ctx, ticket.Id)
			require.ErrorIs(t, err, types.ErrTicketState)
			_, err = f.msgs.PayTicket(f.ctx, &types.MsgPayTicket{Owner: owner.String(), Id: ticket.Id})
			require.ErrorIs(t, err, types.ErrTicketState)
			f.endBlock(t, tc.wait)
			if _, err := f.k.Ticket(f.ctx, ticket.Id); err == nil {
				require.NoError(t, tc.decide(f, ticket.Id))
			}
			require.NoError(t, f.k.CheckInvariants(f.ctx))
			require.Equal(t, tc.lost, f.vault.row(fund).Int64())
			require.Equal(t, tc.lost > 0, f.status(t, ids[0]).UnderStaked)
		})
	}
}

// After the deadline a ticket can neither be paid nor contested, only settled; before it, not settled.
func TestTicketDeadline(t *testing.T) {
	f := newFixture(t)
	ids := f.ready(t, 1)
	ticket := f.openTicket(t, ids[0], 1_000)
	settle := &types.MsgSettleTickets{Signer: stranger.String(), Ids: []uint64{ticket.Id}}
	_, err := f.msgs.SettleTickets(f.ctx, settle)
	require.ErrorIs(t, err, types.ErrTicketDeadline)
	f.advance(week)
	_, err = f.msgs.PayTicket(f.ctx, &types.MsgPayTicket{Owner: owner.String(), Id: ticket.Id})
	require.ErrorIs(t, err, types.ErrTicketDeadline)
	_, err = f.k.HoldTicket(f.ctx, ticket.Id)
	require.ErrorIs(t, err, types.ErrTicketDeadline)
	res, err := f.msgs.SettleTickets(f.ctx, settle)
	require.NoError(t, err)
	require.Equal(t, "1000", res.Amount.String())
	_, err = f.msgs.SettleTickets(f.ctx, settle)
	require.ErrorIs(t, err, types.ErrTicketNotFound)
	settle.Ids = make([]uint64, types.MaxSettledTickets+1)
	_, err = f.msgs.SettleTickets(f.ctx, settle)
	require.ErrorIs(t, err, types.ErrInvalidField)
}

// No ticket stays open for longer than it takes income to leave early, whatever the parameter says.
func TestTicketEndsBeforeExits(t *testing.T) {
	f := newFixture(t)
	ids := f.ready(t, 1)
	f.vault.minExit = time.Hour
	ticket := f.openTicket(t, ids[0], 10)
	require.Equal(t, f.ctx.BlockTime().Add(time.Hour), ticket.Deadline)
	f.vault.minExit = 30 * 24 * time.Hour
	require.Equal(t, f.ctx.BlockTime().Add(week), f.openTicket(t, ids[0], 10).Deadline)
	f.endBlock(t, time.Hour)
	require.EqualValues(t, 10, f.vault.row(fund).Int64())
}

// A block lets at most so many run out, the oldest first; the rest follows, and a block without any looks at one key.
func TestTicketsPerBlockAreBounded(t *testing.T) {
	f := newFixture(t)
	ids := f.ready(t, 1)
	params, err := f.k.Params(f.ctx)
	require.NoError(t, err)
	params.MaxTicketsPerBlock = 3
	require.NoError(t, f.k.SetParams(f.ctx, params))
	for range 8 {
		f.openTicket(t, ids[0], 10)
	}
	for i, want := range []int64{30, 60, 80, 80} {
		f.endBlock(t, week*time.Duration(1-min(i, 1)))
		require.Equal(t, want, f.vault.row(fund).Int64())
	}
	f.store.writes = nil
	f.endBlock(t, 0)
	require.Empty(t, f.store.writes)
}

// A ticket that can't run out stops neither the chain nor the others, and is tried again.
func TestTicketIsParked(t *testing.T) {
	f := newFixture(t)
	ids := f.ready(t, 2)
	broken, other := f.openTicket(t, ids[0], 10), f.openTicket(t, ids[1], 20)
	row := athtypes.HeldRow(owner.String(), broken.Id)
	delete(f.vault.rows, row)
	f.advance(week)
	require.NoError(t, f.k.EndBlock(f.ctx))
	require.EqualValues(t, 20, f.vault.row(fund).Int64())
	_, err := f.k.Ticket(f.ctx, other.Id)
	require.ErrorIs(t, err, types.ErrTicketNotFound)
	require.ErrorContains(t, f.k.CheckInvariants(f.ctx), "is over 10, 0 are held")
	f.vault.rows[row] = math.NewInt(10)
	f.endBlock(t, types.TicketRetry)
	require.EqualValues(t, 30, f.vault.row(fund).Int64())
}

// Only what is there is held: income, unbonding stake and the Container's own stake, never another Container's.
func TestTicketHoldsWhatIsThere(t *testing.T) {
	f := newFixture(t)
	ids := f.ready(t, 3)
	_, err := f.msgs.RetireContainers(f.ctx, &types.MsgRetireContainers{Owner: owner.String(), Ids: ids[2:]})
	require.NoError(t, err)
	f.vest(5)
	require.EqualValues(t, 2*cpuStake+5, f.openTicket(t, ids[0], 10*cpuStake).Amount.Int64())
	require.EqualValues(t, cpuStake, f.vault.row(types.StakeRow(owner.String(), ids[1])).Int64())
	require.True(t, f.openTicket(t, ids[2], 10).Amount.IsZero(), "of a retired one nothing is left")
	require.True(t, f.openTicket(t, 0, 10).Amount.IsZero())
	require.EqualValues(t, cpuStake, f.openTicket(t, ids[1], 10*cpuStake).Amount.Int64())
}

// A Container may retire while a ticket holds its stake: what comes back unbonds with the rest, what is lost is lost.
func TestRetireUnderATicket(t *testing.T) {
	for _, upheld := range []bool{false, true} {
		f := newFixture(t)
		ids := f.ready(t, 1)
		ticket := f.openTicket(t, ids[0], cpuStake)
		res, err := f.msgs.RetireContainers(f.ctx, &types.MsgRetireContainers{Owner: owner.String(), Ids: ids})
		require.NoError(t, err)
		require.True(t, res.Stake.IsZero())
		require.NoError(t, f.k.CheckInvariants(f.ctx))
		ripe := types.DefaultParams().RipeRoundedUp(f.ctx.BlockTime())
		_, err = f.msgs.DeregisterProvider(f.ctx, &types.MsgDeregisterProvider{Owner: owner.String()})
		require.ErrorIs(t, err, types.ErrProviderBusy)
		require.ErrorContains(t, err, "ticket")
		_, err = f.k.HoldTicket(f.ctx, ticket.Id)
		require.NoError(t, err)
		f.advance(time.Hour)
		require.NoError(t, f.k.ResolveTicket(f.ctx, ticket.Id, upheld))
		require.NoError(t, f.k.CheckInvariants(f.ctx))
		want := int64(cpuStake)
		if upheld {
			want = 0
		}
		require.Equal(t, want, f.vault.row(types.UnbondingRow(owner.String(), ripe)).Int64())
		g, err := f.k.ExportGenesis(f.ctx)
		require.NoError(t, err)
		require.Empty(t, g.Stakes, "nothing is left behind")
	}
}

// Many small stakes that are retired one by one after a large one don't hide it: they unbond in few rows.
func TestSmallStakesHideNoLargeOne(t *testing.T) {
	f := newFixture(t)
	ids := f.containers(t, 400)
	for _, id := range ids {
		_, err := f.msgs.RetireContainers(f.ctx, &types.MsgRetireContainers{Owner: owner.String(), Ids: []uint64{id}})
		require.NoError(t, err)
		f.advance(time.Second)
	}
	require.LessOrEqual(t, len(f.vault.rowsOf(owner, 0, athtypes.RowKind_ROW_KIND_UNBONDING)), 2)
}

// The design's one rule of mercy: whoever is offline while idle earns nothing and loses nothing.
func TestIdleOfflineIsNeverSlashed(t *testing.T) {
	f := newFixture(t)
	ids := f.ready(t, 2)
	f.verdict(t, 4, types.BitmapOf(ids[1]), nil, types.BitmapOf(ids[0]))
	f.verdict(t, 5, types.BitmapOf(ids[1]), types.BitmapOf(ids[0]), nil)
	f.requireState(t, stOffline, ids[0])
	f.endBlock(t, 2*week)
	f.endBlock(t, 2*week)
	require.EqualValues(t, cpuStake, f.vault.row(types.StakeRow(owner.String(), ids[0])).Int64())
	require.True(t, f.vault.row(fund).IsZero())
	tickets, err := f.queries.Tickets(f.ctx, &types.QueryTicketsRequest{})
	require.NoError(t, err)
	require.Empty(t, tickets.Tickets)
	require.Zero(t, f.status(t, ids[0]).Weight)
}

// A lease that its provider breaks costs what was due to it, and at least a part of the Container's stake.
func TestReclaimedOpensATicket(t *testing.T) {
	for name, c := range map[string]struct{ due, want int64 }{
		"a cheap lease": {due: 1, want: cpuStake / 100}, "a dear one": {due: cpuStake / 10, want: cpuStake / 10},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			ids := f.ready(t, 1)
			cost, err := f.k.BreachCost(f.ctx, ids[0], math.NewInt(c.due))
			require.NoError(t, err)
			id, held, err := f.k.TicketReclaimed(f.ctx, types.Damage{
				Provider: owner.String(), Container: ids[0], Evidence: []byte("tenant/1"), Amount: cost,
			})
			require.NoError(t, err)
			require.EqualValues(t, 1, id)
			require.EqualValues(t, c.want, held.Int64())
			res, err := f.queries.Ticket(f.ctx, &types.QueryTicketRequest{Id: 1})
			require.NoError(t, err)
			require.Equal(t, types.TicketReason_TICKET_REASON_RECLAIMED, res.Ticket.Reason)
			require.EqualValues(t, c.want, res.Ticket.Asked.Int64())
			require.Equal(t, "tenant/1", string(res.Ticket.Evidence))
		})
	}
}

// A lease that was not started in time costs a part of the Container's stake, whatever the class costs now.
func TestNotStartedOpensATicket(t *testing.T) {
	f := newFixture(t)
	ids := f.ready(t, 1)
	class, err := f.k.Class(f.ctx, "cpu")
	require.NoError(t, err)
	class.Stake = class.Stake.MulRaw(10)
	require.NoError(t, f.k.SetClasses(f.ctx, []types.Class{class}))
	require.NoError(t, f.k.TicketNotStarted(f.ctx, ids[0], "tenant/1"))
	res, err := f.queries.Ticket(f.ctx, &types.QueryTicketRequest{Id: 1})
	require.NoError(t, err)
	require.Equal(t, types.TicketReason_TICKET_REASON_NOT_STARTED, res.Ticket.Reason)
	require.EqualValues(t, cpuStake/100, res.Ticket.Amount.Int64())
	require.Equal(t, "tenant/1", string(res.Ticket.Evidence))
	params, err := f.k.Params(f.ctx)
	require.NoError(t, err)
	params.NotStartedPpm = 0
	require.NoError(t, f.k.SetParams(f.ctx, params))
	require.NoError(t, f.k.TicketNotStarted(f.ctx, ids[0], "tenant/2"))
	_, err = f.queries.Ticket(f.ctx, &types.QueryTicketRequest{Id: 2})
	require.Error(t, err)
	require.NoError(t, f.k.CheckInvariants(f.ctx))
}

func TestOpenTicketIsRefused(t *testing.T) {
	f := newFixture(t)
	ids := f.ready(t, 1)
	_, err := f.msgs.RegisterProvider(f.ctx, &types.MsgRegisterProvider{Owner: stranger.String(), Tier: types.Tier_TIER_EDGE})
	require.NoError(t, err)
	good := types.MsgOpenTicket{
		Authority: authority.String(), Provider: owner.String(), Container: ids[0], Reason: types.TicketReason_TICKET_REASON_GOVERNANCE,
		Evidence: []byte("proposal 7"), Amount: math.NewInt(5),
	}
	res, err := f.msgs.OpenTicket(f.ctx, &good)
	require.NoError(t, err)
	require.Equal(t, "5", res.Amount.String())
	for name, spoil := range map[string]func(*types.MsgOpenTicket){
		"not governance":      func(m *types.MsgOpenTicket) { m.Authority = owner.String() },
		"no provider":         func(m *types.MsgOpenTicket) { m.Provider = operator.String() },
		"no address":          func(m *types.MsgOpenTicket) { m.Provider = "x" },
		"another's container": func(m *types.MsgOpenTicket) { m.Provider = stranger.String() },
		"no amount":           func(m *types.MsgOpenTicket) { m.Amount = math.ZeroInt() },
	} {
		t.Run(name, func(t *testing.T) {
			m, before := good, f.snapshot(t)
			spoil(&m)
			require.Error(t, f.tx(func(ctx sdk.Context) error { _, err := f.msgs.OpenTicket(ctx, &m); return err }))
			require.Equal(t, before, f.snapshot(t))
		})
	}
}

func TestRisk(t *testing.T) {
	f := newFixture(t)
	ids := f.ready(t, 3)
	_, err := f.msgs.RetireContainers(f.ctx, &types.MsgRetireContainers{Owner: owner.String(), Ids: ids[2:]})
	require.NoError(t, err)
	f.vest(100)
	f.openTicket(t, ids[0], 40)
	f.advance(time.Hour)
	contested := f.openTicket(t, ids[1], cpuStake+60+5)
	res, err := f.queries.Risk(f.ctx, &types.QueryRiskRequest{Owner: owner.String()})
	require.NoError(t, err)
	require.Len(t, res.Tickets, 2)
	require.Equal(t, res.Tickets[0].Deadline, *res.NextDeadline)
	require.True(t, res.Income.IsZero())
	require.True(t, res.Unbonding.IsZero())
	require.EqualValues(t, cpuStake+105, res.Held.Int64())
	require.EqualValues(t, 2*cpuStake, res.Stake.Int64())
	require.Len(t, res.Containers, 2)
	require.Equal(t, "5", res.Containers[1].Held.String())
	require.False(t, res.Containers[1].UnderStaked)
	_, err = f.k.HoldTicket(f.ctx, contested.Id)
	require.NoError(t, err)
	f.endBlock(t, week)
	page, err := f.queries.Tickets(f.ctx, &types.QueryTicketsRequest{Provider: owner.String()})
	require.NoError(t, err)
	require.Len(t, page.Tickets, 1)
	_, err = f.queries.Risk(f.ctx, &types.QueryRiskRequest{Owner: stranger.String()})
	require.Error(t, err)
}

// TestTicketOutage: what a fault owes is claimed of income and the Container's stake; a Container that is gone is no reason to claim nothing,
// and a provider that is gone owes nothing.
func TestTicketOutage(t *testing.T) {
	f := newFixture(t)
	ids := f.ready(t, 2)
	f.vest(300)
	outage := func(container uint64, provider sdk.AccAddress) types.Damage {
		return types.Damage{Provider: provider.String(), Container: container, Evidence: []byte("tenant/1"), Amount: math.NewInt(1_000)}
	}
	id, held, err := f.k.TicketOutage(f.ctx, outage(ids[0], owner))
	require.NoError(t, err)
	require.Equal(t, "1000", held.String())
	ticket, err := f.k.Ticket(f.ctx, id)
	require.NoError(t, err)
	require.Equal(t, types.TicketReason_TICKET_REASON_OUTAGE, ticket.Reason)
	require.Equal(t, "700", ticket.FromStake().String())
	require.NoError(t, f.k.CheckInvariants(f.ctx))

	_, held, err = f.k.TicketOutage(f.ctx, outage(999, owner))
	require.NoError(t, err)
	require.Equal(t, "0", held.String(), "no other Container's stake")
	gone := sdk.AccAddress("nobody______________")
	id, held, err = f.k.TicketOutage(f.ctx, outage(ids[0], gone))
	require.NoError(t, err)
	require.Zero(t, id)
	require.True(t, held.IsZero())
}

// TestProceeds: what a ticket brings in repays the fund's advance and then goes to whom it is owed, however it ends; a dismissed one owes
// nobody anything. The genesis state and the query by beneficiary say what is still owed.
func TestProceeds(t *testing.T) {
	for name, c := range map[string]struct {
		asked, due, advance int64
		end                 func(t testing.TB, f *fixture, id uint64)
		paid, fund          int64
	}{
		"runs out":                           {asked: 1_000, due: 1_000, advance: 300, end: runOut, paid: 700, fund: 300},
		"paid":                               {asked: 1_000, due: 1_000, advance: 300, end: payTicket, paid: 700, fund: 300},
		"dismissed":                          {asked: 1_000, due: 1_000, advance: 300, end: resolve(false)},
		"upheld":                             {asked: 1_000, due: 1_000, advance: 300, end: resolve(true), paid: 700, fund: 300},
		"less is due":                        {asked: 1_000, due: 100, advance: 300, end: runOut, paid: 100, fund: 900},
		"all of it advanced":                 {asked: 1_000, due: 1_000, advance: 5_000, end: runOut, fund: 1_000},
		"nothing advanced":                   {asked: 1_000, due: 1_000, end: payTicket, paid: 1_000},
		"held in part":                       {asked: 3 * cpuStake, due: 3 * cpuStake, advance: 300, end: runOut, paid: cpuStake - 300, fund: 300},
		"held in part, advanced beyond that": {asked: 3 * cpuStake, due: 3 * cpuStake, advance: 2 * cpuStake, end: runOut, fund: cpuStake},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			ids := f.ready(t, 1)
			id, _, err := f.k.TicketOutage(f.ctx, types.Damage{
				Provider: owner.String(), Container: ids[0], Evidence: []byte("tenant/1"), Amount: math.NewInt(c.asked),
				Claim: types.Claim{Beneficiary: stranger.String(), Due: math.NewInt(c.due), Advance: math.NewInt(c.advance)},
			})
			require.NoError(t, err)
			require.NoError(t, f.k.CheckInvariants(f.ctx))
			ticket, err := f.k.Ticket(f.ctx, id)
			require.NoError(t, err)
			require.Equal(t, max(0, min(c.due, ticket.Amount.Int64()-c.advance)), ticket.Owed.Int64())
			owed := func() []types.Ticket {
				page, err := f.queries.Tickets(f.ctx, &types.QueryTicketsRequest{Beneficiary: stranger.String()})
				require.NoError(t, err)
				return page.Tickets
			}
			if ticket.Owed.IsPositive() {
				require.Equal(t, []types.Ticket{ticket}, owed())
			} else {
				require.Empty(t, owed())
			}
			g, err := f.k.ExportGenesis(f.ctx)
			require.NoError(t, err)
			require.Equal(t, []types.Ticket{ticket}, g.Tickets)
			c.end(t, f, id)
			require.NoError(t, f.k.CheckInvariants(f.ctx))
			require.Equal(t, c.paid, f.vault.row(athtypes.ProceedsRow(stranger.String(), id)).Int64())
			require.Equal(t, c.fund, f.vault.row(fund).Int64())
			require.Empty(t, owed())
		})
	}
}

func runOut(t testing.TB, f *fixture, _ uint64) { f.endBlock(t, week) }

func payTicket(t testing.TB, f *fixture, id uint64) {
	_, err := f.k.PayTicket(f.ctx, owner, id)
	require.NoError(t, err)
}

func resolve(upheld bool) func(testing.TB, *fixture, uint64) {
	return func(t testing.TB, f *fixture, id uint64) {
		_, err := f.k.HoldTicket(f.ctx, id)
		require.NoError(t, err)
		require.NoError(t, f.k.ResolveTicket(f.ctx, id, upheld))
	}
}

// TestRelated: whoever may act or is paid for a provider is not its victim.
func TestRelated(t *testing.T) {
	f := newFixture(t)
	f.ready(t, 1)
	p, err := f.k.Provider(f.ctx, owner)
	require.NoError(t, err)
	for _, name := range append([]string{p.Owner, p.Payout}, p.Operators...) {
		related, err := f.k.Related(f.ctx, owner.String(), sdk.MustAccAddressFromBech32(name))
		require.NoError(t, err)
		require.True(t, related, name)
	}
	related, err := f.k.Related(f.ctx, owner.String(), sdk.AccAddress("nobody______________"))
	require.NoError(t, err)
	require.False(t, related)
}
