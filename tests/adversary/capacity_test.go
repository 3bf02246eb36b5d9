// SPDX-License-Identifier: Apache-2.0

package adversary

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	athtypes "github.com/athnet/ath/x/ath/types"
	providerstypes "github.com/athnet/ath/x/providers/types"
)

// round ends a round of the stream and applies the verdict on it, as x/checks does.
func (w *world) round(number uint64, decided bool, healthy, suspect, faulty []uint64) {
	w.open(roundLength)
	w.verdict(number, decided, healthy, suspect, faulty)
}

const roundLength = 15 * time.Minute

// verdict is round in the block that is open.
func (w *world) verdict(number uint64, decided bool, healthy, suspect, faulty []uint64) {
	now := w.ctx.BlockTime()
	require.NoError(w.t, w.Ath.MarkRound(w.ctx, number))
	require.NoError(w.t, w.Providers.ApplyVerdict(w.ctx, providerstypes.ShardVerdict{
		Round: number, From: now.Add(-roundLength), Until: now, FaultSince: now.Add(-2 * roundLength), Decided: decided,
		Healthy: providerstypes.BitmapOf(healthy...), Suspect: providerstypes.BitmapOf(suspect...), Faulty: providerstypes.BitmapOf(faulty...),
	}))
	w.fold()
}

// fold is what x/bank and x/ath do at a block's end; x/checks, whose part the test plays, does nothing.
func (w *world) fold() {
	require.NoError(w.t, w.Bank.CreditVirtualAccounts(w.ctx))
	require.NoError(w.t, w.Ath.EndBlock(w.ctx))
	w.forget()
}

// capacity claims what one Container has earned since it was claimed last.
func (w *world) capacity(container uint64) int64 {
	res, err := w.MsgServiceRouter().Handler(&athtypes.MsgClaim{})(w.ctx, &athtypes.MsgClaim{
		Signer: w.owner.String(), Ledgers: []athtypes.Ledger{athtypes.Ledger_LEDGER_CAPACITY}, Containers: []uint64{container},
	})
	require.NoError(w.t, err)
	var out athtypes.MsgClaimResponse
	require.NoError(w.t, out.Unmarshal(res.Data))
	w.fold()
	return out.Claimed.Int64()
}

// market brings both Containers to Ready and offers them.
func (w *world) market() {
	w.beat()
	w.round(1, true, nil, nil, nil)
	w.round(2, true, nil, nil, nil)
	w.round(3, true, w.live, nil, nil)
	for _, id := range w.live {
		require.NoError(w.t, w.Providers.SetOffered(w.ctx, id, true))
	}
	w.beat()
	w.fold()
}

// TestCapacityIsPaidUpToTheFault: capacity is paid up to min(ConfirmedUntil, faultAt). A round in which a Container was found
// faulty for the first time pays it nothing, nor does any after it until it was found healthy again; a round that silent
// Checkers leave undecided pays nobody, and ends no lease's billing.
func TestCapacityIsPaidUpToTheFault(t *testing.T) {
	w := branch(t, chain(t))
	w.market()
	one, two, both := []uint64{1}, []uint64{2}, []uint64{1, 2}
	vacancy, err := w.Providers.Vacancy(w.ctx, 1)
	require.NoError(t, err)
	require.NoError(t, w.Providers.Bind(w.ctx, vacancy, "tenant/1"))
	w.round(4, true, both, nil, nil) // weights count from the next round on
	w.round(5, true, both, nil, nil)
	require.Positive(t, w.capacity(1))
	require.Positive(t, w.capacity(2))

	w.round(6, true, two, one, nil) // found faulty once
	require.Zero(t, w.capacity(1), "not confirmed")
	share := w.capacity(2)
	require.Positive(t, share)
	requireEarnsUntil(t, w, w.ctx.BlockTime())

	fault := w.ctx.BlockTime().Add(-15 * time.Minute)
	w.round(7, true, two, nil, one) // and again: it is a fault, from the first of the two rounds
	require.Zero(t, w.capacity(1))
	require.Positive(t, w.capacity(2))
	requireEarnsUntil(t, w, fault)

	w.round(8, true, two, nil, one)
	require.Zero(t, w.capacity(1))
	require.Greater(t, w.capacity(2), share, "it earns alone what both shared")

	w.round(9, false, nil, nil, nil) // silent Checkers
	require.Zero(t, w.capacity(1))
	require.Zero(t, w.capacity(2), "confirmed up to round 8 only")
	until, err := w.Providers.EarnsUntil(w.ctx, 2)
	require.NoError(t, err)
	require.Equal(t, w.ctx.BlockTime(), until, "silence ends no service")

	w.round(10, true, both, nil, nil) // healthy again; the chain learns it in round 11, and it earns in the first full one
	require.Zero(t, w.capacity(1))
	requireEarnsUntil(t, w, w.ctx.BlockTime())
	w.round(11, true, both, nil, nil)
	require.Zero(t, w.capacity(1))
	w.round(12, true, both, nil, nil)
	require.Positive(t, w.capacity(1))
}

func requireEarnsUntil(t *testing.T, w *world, want time.Time) {
	t.Helper()
	until, err := w.Providers.EarnsUntil(w.ctx, 1)
	require.NoError(t, err)
	require.Equal(t, want, until)
}

// TestSlashedCapacityEarnsNothing: between a ticket that ran out and the top-up a Container earns nothing, in the real stream.
func TestSlashedCapacityEarnsNothing(t *testing.T) {
	w := branch(t, chain(t))
	w.market()
	both := []uint64{1, 2}
	w.round(4, true, both, nil, nil)
	w.round(5, true, both, nil, nil)
	require.Positive(t, w.capacity(1))
	require.Positive(t, w.capacity(2))
	p, err := w.Providers.Params(w.ctx)
	require.NoError(t, err)
	p.TicketDeadline, p.NotStartedPpm = time.Second, 100_000
	require.NoError(t, w.Providers.SetParams(w.ctx, p))
	// All income is gone through first: what the ticket finds beyond it is stake.
	there := w.there(1)
	_, err = w.Providers.OpenTicket(w.ctx, providerstypes.Damage{
		Provider: w.owner.String(), Container: 1, Reason: providerstypes.TicketReason_TICKET_REASON_CAPACITY_LIE,
		Evidence: []byte("root"), Amount: there,
	})
	require.NoError(t, err)
	w.round(6, true, both, nil, nil)
	require.Positive(t, w.capacity(1), "what is held counts")
	require.NoError(t, w.Providers.EndBlock(w.ctx))
	w.fold()
	require.Error(t, w.Providers.Bindable(w.ctx, 1))
	w.capacity(1)
	w.round(7, true, both, nil, nil)
	require.Zero(t, w.capacity(1), "no stake, no reward")
	require.Positive(t, w.capacity(2))
	require.NoError(t, w.send(&providerstypes.MsgTopUpStake{Owner: w.owner.String(), Ids: []uint64{1}, MaxStake: there}))
	w.fold()
	w.round(8, true, both, nil, nil)
	w.round(9, true, both, nil, nil)
	require.Positive(t, w.capacity(1))
	require.NoError(t, w.CheckInvariants(w.ctx))
}

// TestCapacityThatNobodyClaimsPaysFirst: a provider that never claims can't put its capacity out of a ticket's reach: rewards
// are held before stake, those of the accused Container settled for it, and none of another one.
func TestCapacityThatNobodyClaimsPaysFirst(t *testing.T) {
	w := branch(t, chain(t))
	w.market()
	for round := uint64(4); round < 8; round++ {
		w.round(round, true, []uint64{1, 2}, nil, nil)
	}
	owed := athtypes.OwedRow(w.owner.String(), athtypes.Ledger_LEDGER_CAPACITY)
	require.True(t, w.amount(owed).IsZero(), "nothing was claimed")
	ticket, err := w.Providers.OpenTicket(w.ctx, providerstypes.Damage{
		Provider: w.owner.String(), Container: 1, Reason: providerstypes.TicketReason_TICKET_REASON_SLA,
		Evidence: []byte("what happened"), Amount: math.NewInt(1_000),
	})
	require.NoError(t, err)
	require.Equal(t, "1000", ticket.Amount.String())
	require.True(t, ticket.FromStake().IsZero(), "%v", ticket.Sources)
	rest := w.amount(owed)
	require.True(t, rest.IsPositive())
	w.fold()

	// Both earn alike. One claim takes what is left of the first one's; the other's is all there.
	require.Equal(t, rest.Int64(), w.capacity(1))
	require.Equal(t, rest.Int64()+1_000, w.capacity(2))
}
