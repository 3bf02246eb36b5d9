// SPDX-License-Identifier: Apache-2.0

package keeper_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
	"github.com/athnet/ath/x/providers/types"
)

// modelTicket is what a ticket is in the model: an amount, a clock and whether it waits for a decision.
type modelTicket struct {
	amount    int64
	opened    time.Time
	deadline  time.Time
	contested bool
	owed      int64 // to the beneficiary
}

// ticketModel plays tickets against everything that their provider may do to get away from them.
type ticketModel struct {
	*fixture
	live    []uint64
	machine int
	gone    bool // deregistered
	tickets map[uint64]*modelTicket
	lost    int64 // what the SLA fund must have
	paid    int64 // what the beneficiary must have
	total   math.Int
}

// Whatever a provider does after a ticket was opened, and in whatever order: what was there is held until the ticket ends, and
// then it is with the beneficiary and in the SLA fund, or back. Parameters change in the midst of it.
func TestNothingGetsAwayFromATicket(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := &ticketModel{fixture: newFixture(t), tickets: map[uint64]*modelTicket{}}
		m.live = m.ready(t, 3)
		m.machine = 100
		m.total = m.vault.total()
		rt.Repeat(map[string]func(*rapid.T){
			"open":       m.open,
			"contest":    m.contest,
			"resolve":    m.resolve,
			"pay":        m.pay,
			"settle":     m.settle,
			"earn":       m.earn,
			"register":   m.register,
			"retire":     m.retire,
			"withdraw":   m.withdraw,
			"payout":     m.payout,
			"top up":     m.topUp,
			"deregister": m.deregister,
			"parameters": m.parameters,
			"block":      m.block,
			"":           m.check,
		})
	})
}

func (m *ticketModel) sum(kinds ...athtypes.RowKind) int64 {
	return athtypes.SumRows(m.vault.rowsOf(owner, 0, kinds...)).Int64()
}

func (m *ticketModel) open(t *rapid.T) {
	amount := rapid.Int64Range(1, 2*cpuStake).Draw(t, "amount")
	container := uint64(0)
	there := athtypes.SumRows(m.vault.rowsOf(owner, uint64(m.ctx.BlockTime().Unix())+1, athtypes.VestingKinds()...)).Int64() +
		m.sum(athtypes.RowKind_ROW_KIND_UNBONDING)
	if len(m.live) > 0 && rapid.Bool().Draw(t, "of a container") {
		container = rapid.SampledFrom(m.live).Draw(t, "container")
		there += m.vault.row(types.StakeRow(owner.String(), container)).Int64()
	}
	params, err := m.k.Params(m.ctx)
	require.NoError(t, err)
	var (
		ticket types.Ticket
		claim  types.Claim
	)
	if rapid.Bool().Draw(t, "somebody is owed some") {
		claim = types.Claim{Beneficiary: stranger.String()}
		claim.Due = math.NewInt(rapid.Int64Range(0, 2*cpuStake).Draw(t, "due"))
		claim.Advance = math.NewInt(rapid.Int64Range(0, 2*cpuStake).Draw(t, "advance"))
	}
	err = m.tx(func(ctx sdk.Context) (err error) {
		ticket, err = m.k.OpenTicket(ctx, types.Damage{
			Provider: owner.String(), Container: container, Reason: types.TicketReason_TICKET_REASON_OUTAGE, Evidence: []byte{1},
			Amount: math.NewInt(amount), Claim: claim,
		})
		return err
	})
	if m.gone {
		require.ErrorIs(t, err, types.ErrProviderNotFound)
		return
	}
	require.NoError(t, err)
	require.Equal(t, min(amount, there), ticket.Amount.Int64(), "what is there is held, up to what is asked")
	if there > 0 {
		m.tickets[ticket.Id] = &modelTicket{amount: min(amount, there), opened: m.ctx.BlockTime(), deadline: m.ctx.BlockTime().Add(params.TicketDeadline)}
		if claim.Beneficiary != "" {
			m.tickets[ticket.Id].owed = max(0, min(claim.Due.Int64(), min(amount, there)-claim.Advance.Int64()))
		}
	}
}

// pick draws a ticket that has not ended, or skips.
func (m *ticketModel) pick(t *rapid.T) (uint64, *modelTicket) {
	var ids []uint64
	for id := range m.tickets {
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		t.Skip("no tickets")
	}
	slices.Sort(ids)
	id := rapid.SampledFrom(ids).Draw(t, "ticket")
	return id, m.tickets[id]
}

func (m *ticketModel) over(ticket *modelTicket) bool {
	return !m.ctx.BlockTime().Before(ticket.deadline)
}

func (m *ticketModel) contest(t *rapid.T) {
	id, ticket := m.pick(t)
	params, err := m.k.Params(m.ctx)
	require.NoError(t, err)
	_, err = m.k.HoldTicket(m.ctx, id)
	require.Equal(t, !ticket.contested && !m.over(ticket), err == nil)
	if err == nil {
		ticket.contested = true
		if last := ticket.opened.Add(params.ContestLimit); last.After(ticket.deadline) {
			ticket.deadline = last
		}
	}
}

func (m *ticketModel) resolve(t *rapid.T) {
	id, ticket := m.pick(t)
	upheld := rapid.Bool().Draw(t, "upheld")
	err := m.k.ResolveTicket(m.ctx, id, upheld)
	require.Equal(t, ticket.contested, err == nil)
	if err == nil {
		m.end(id, upheld)
	}
}

func (m *ticketModel) end(id uint64, lost bool) {
	if lost {
		m.lost += m.tickets[id].amount - m.tickets[id].owed
		m.paid += m.tickets[id].owed
	}
	delete(m.tickets, id)
}

func (m *ticketModel) pay(t *rapid.T) {
	id, ticket := m.pick(t)
	err := m.tx(func(ctx sdk.Context) error { _, err := m.k.PayTicket(ctx, owner, id); return err })
	require.Equal(t, !ticket.contested && !m.over(ticket), err == nil)
	if err == nil {
		m.end(id, true)
	}
}

func (m *ticketModel) settle(t *rapid.T) {
	id, ticket := m.pick(t)
	err := m.tx(func(ctx sdk.Context) error { _, err := m.k.SettleTickets(ctx, []uint64{id}); return err })
	require.Equal(t, m.over(ticket), err == nil)
	if err == nil {
		m.end(id, true)
	}
}

func (m *ticketModel) earn(t *rapid.T) {
	amount, days := rapid.Int64Range(1, cpuStake).Draw(t, "amount"), rapid.IntRange(1, 180).Draw(t, "days")
	ripe := uint64(m.ctx.BlockTime().Add(time.Duration(days) * 24 * time.Hour).Unix())
	require.NoError(t, m.vault.Deposit(m.ctx, stranger, athtypes.VestingRow(owner.String(), athtypes.Ledger_LEDGER_DELIVERY, ripe, athtypes.Denom), math.NewInt(amount)))
}

func (m *ticketModel) register(t *rapid.T) {
	m.machine++
	err := m.tx(func(ctx sdk.Context) error {
		res, err := m.msgs.RegisterContainers(ctx, &types.MsgRegisterContainers{
			Owner: owner.String(), MaxStake: math.NewInt(capital), Containers: consented(owner, m.machine),
		})
		if err == nil {
			m.live = append(m.live, res.Ids...)
		}
		return err
	})
	require.Equal(t, !m.gone, err == nil)
}

func (m *ticketModel) retire(t *rapid.T) {
	if len(m.live) == 0 {
		t.Skip("no containers")
	}
	i := rapid.IntRange(0, len(m.live)-1).Draw(t, "container")
	_, err := m.k.RetireContainers(m.ctx, owner, m.live[i:i+1])
	require.NoError(t, err)
	m.live = slices.Delete(m.live, i, i+1)
}

func (m *ticketModel) withdraw(*rapid.T) {
	_ = m.tx(func(ctx sdk.Context) error { _, err := m.k.WithdrawStake(ctx, owner); return err })
	_, _, _ = m.vault.WithdrawRipe(m.ctx, athtypes.Ledger_LEDGER_DELIVERY.VestingKind(), owner, owner)
}

func (m *ticketModel) payout(t *rapid.T) {
	err := m.tx(func(ctx sdk.Context) error {
		_, err := m.msgs.UpdateProvider(ctx, &types.MsgUpdateProvider{Owner: owner.String(), Payout: stranger.String()})
		return err
	})
	require.Equal(t, !m.gone, err == nil)
}

func (m *ticketModel) topUp(t *rapid.T) {
	if len(m.live) == 0 {
		t.Skip("no containers")
	}
	missing := false
	for _, id := range m.live {
		missing = missing || m.status(t, id).UnderStaked
	}
	err := m.tx(func(ctx sdk.Context) error {
		_, err := m.k.TopUpStake(ctx, owner, m.live, math.NewInt(capital))
		return err
	})
	require.Equal(t, missing, err == nil)
	for _, id := range m.live {
		require.False(t, m.status(t, id).UnderStaked)
	}
}

func (m *ticketModel) deregister(t *rapid.T) {
	empty := len(m.live) == 0 && len(m.tickets) == 0 && m.sum(athtypes.RowKind_ROW_KIND_UNBONDING) == 0
	err := m.tx(func(ctx sdk.Context) error { return m.k.DeregisterProvider(ctx, owner) })
	require.Equal(t, empty && !m.gone, err == nil)
	m.gone = m.gone || err == nil
}

func (m *ticketModel) parameters(t *rapid.T) {
	params, err := m.k.Params(m.ctx)
	require.NoError(t, err)
	draw := func(name string, most time.Duration) time.Duration {
		return time.Duration(rapid.Int64Range(int64(time.Second), int64(most)).Draw(t, name))
	}
	params.TicketDeadline, params.ContestLimit = draw("deadline", types.MaxTicketDeadline), draw("limit", types.MaxContestLimit)
	params.UnbondingTime = draw("unbonding", types.MaxUnbonding)
	params.MaxTicketsPerBlock = rapid.Uint32Range(1, 3).Draw(t, "per block")
	params.StakeCoefficientPpm = rapid.Uint64Range(1, 3_000_000).Draw(t, "coefficient")
	require.NoError(t, m.k.SetParams(m.ctx, params))
}

// block lets time pass; the first due tickets run out.
func (m *ticketModel) block(t *rapid.T) {
	m.advance(time.Duration(rapid.Int64Range(0, int64(10*24*time.Hour)).Draw(t, "after")))
	params, err := m.k.Params(m.ctx)
	require.NoError(t, err)
	var due []uint64
	for id, ticket := range m.tickets {
		if m.over(ticket) {
			due = append(due, id)
		}
	}
	slices.SortFunc(due, func(a, b uint64) int {
		if c := m.tickets[a].deadline.Compare(m.tickets[b].deadline); c != 0 {
			return c
		}
		return int(a) - int(b)
	})
	require.NoError(t, m.k.EndBlock(m.ctx))
	for _, id := range due[:min(len(due), int(params.MaxTicketsPerBlock))] {
		m.end(id, true)
	}
}

func (m *ticketModel) check(t *rapid.T) {
	require.NoError(t, m.k.CheckInvariants(m.ctx))
	require.Equal(t, m.total.String(), m.vault.total().String(), "coins are conserved")
	require.Equal(t, m.lost, m.vault.row(fund).Int64())
	require.Equal(t, m.paid, athtypes.SumRows(m.vault.rowsOf(stranger, 0, athtypes.RowKind_ROW_KIND_PROCEEDS)).Int64())
	held := int64(0)
	for id, ticket := range m.tickets {
		require.Equal(t, ticket.amount, m.vault.row(athtypes.HeldRow(owner.String(), id)).Int64())
		held += ticket.amount
	}
	require.Equal(t, held, m.sum(athtypes.RowKind_ROW_KIND_HELD))
	for _, id := range m.live {
		status := m.status(t, id)
		require.False(t, status.UnderStaked && status.Weight > 0, "no stake, no reward")
		require.False(t, status.UnderStaked && m.k.Bindable(m.ctx, id) == nil, "no stake, no lease")
	}
	if m.gone {
		g, err := m.k.ExportGenesis(m.ctx)
		require.NoError(t, err)
		require.Empty(t, g.Stakes)
		require.Empty(t, g.Tickets)
		require.Empty(t, g.Providers)
	}
}
