// SPDX-License-Identifier: Apache-2.0

package keeper_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/checks/types"
	providertypes "github.com/athnet/ath/x/providers/types"
)

func crew(operators ...sdk.AccAddress) []*checker {
	var out []*checker
	for _, o := range operators {
		out = append(out, &checker{operator: o})
	}
	return out
}

// The table of judge.go: a Container that registers in round q is probed in q+1 and healthy when q+3 starts.
func TestContainerBecomesHealthy(t *testing.T) {
	for _, operators := range [][]sdk.AccAddress{{alice}, {alice, bob}, {alice, bob, carol}} {
		t.Run(fmt.Sprintf("%d operators", len(operators)), func(t *testing.T) {
			f := newFixture(t)
			f.buy(operators...)
			f.endBlock()
			checkers := crew(operators...)
			for f.running().Number < 4 {
				f.playRound(checkers...)
			}
			f.providers.register(1, 2, 700)
			for f.running().Number < 7 {
				require.False(t, f.providers.healthy(1), "round %d", f.running().Number)
				f.playRound(checkers...)
			}
			for _, id := range []uint64{1, 2, 700} {
				require.True(t, f.providers.healthy(id), "container %d in round %d", id, f.running().Number)
			}
			for _, o := range operators {
				require.Equal(t, int64(2), f.vault.weights[o.String()], "one task for each of two shards")
			}
			change := f.providers.changes[5]
			require.Equal(t, providertypes.BitmapOf(1, 2), change[0].Rose)
			require.Equal(t, providertypes.BitmapOf(700-512), change[1].Rose)
		})
	}
}

// A fault needs a quorum in two rounds in a row, dates from the first of them and ends with the first healthy one.
func TestFaultNeedsTwoRounds(t *testing.T) {
	f := newFixture(t)
	f.buy(alice, bob, carol)
	f.providers.register(1, 2)
	dark := map[uint64]bool{7: true, 9: true, 10: true, 11: true}
	checkers := crew(alice, bob, carol)
	for _, c := range checkers {
		c.sees = func(round, _ uint64, members bitmap) bitmap {
			if dark[round] {
				return members.Without(1)
			}
			return members
		}
	}
	started := map[uint64]time.Time{}
	f.endBlock()
	for n := uint64(0); n < 15; {
		f.playRound(checkers...)
		n = f.running().Number
		started[n] = f.running().Start
		judged := types.JudgedRound(n)
		require.Equal(t, judged == 10 || judged == 11, f.providers.faulty(1), "after the verdict of round %d", judged)
	}
	for _, v := range f.providers.verdicts {
		switch v.Round {
		case 7, 9:
			require.Equal(t, providertypes.BitmapOf(1), bitmap(v.Suspect))
			require.Empty(t, v.Faulty)
		case 10:
			require.Equal(t, providertypes.BitmapOf(1), bitmap(v.Faulty))
			require.True(t, v.FaultSince.Equal(started[9]))
			require.True(t, v.From.Equal(started[10]))
			require.True(t, v.Until.Equal(started[11]))
		}
	}
	require.True(t, f.providers.healthy(2), "the neighbour never noticed")
	require.Equal(t, map[uint64]time.Time{1: started[9].UTC()}, f.leases.faults, "leases are credited once, since the first of the rounds")
	require.Equal(t, []uint64{1}, f.leases.recovered)
	require.Positive(t, f.vault.weights[alice.String()])
}

// A credit that fails leaves the verdict as it is.
func TestAVerdictStandsWithoutItsCredit(t *testing.T) {
	f := newFixture(t)
	f.buy(alice, bob, carol)
	f.providers.register(1)
	f.leases.fails = types.ErrInvariant
	checkers := crew(alice, bob, carol)
	for _, c := range checkers {
		c.sees = func(round, _ uint64, members bitmap) bitmap {
			if round == 7 || round == 8 {
				return members.Without(1)
			}
			return members
		}
	}
	f.endBlock()
	for f.running().Number < 10 {
		f.playRound(checkers...)
	}
	require.True(t, f.providers.faulty(1))
	require.Empty(t, f.leases.faults)
	for f.running().Number < 11 {
		f.playRound(checkers...)
	}
	require.True(t, f.providers.healthy(1))
}

// Without a quorum of reveals nothing is decided, and nobody is punished who sealed nothing.
func TestNoQuorumDecidesNothing(t *testing.T) {
	f := newFixture(t)
	ids := f.buy(alice, bob, carol)
	f.providers.register(1)
	checkers := crew(alice, bob, carol)
	checkers[2].absent = true
	f.endBlock()
	for f.running().Number < 9 {
		f.playRound(checkers...)
	}
	require.False(t, f.providers.healthy(1))
	require.Empty(t, f.vault.weights)
	for _, v := range f.providers.verdicts {
		require.False(t, v.Decided)
	}
	for _, id := range ids {
		require.Zero(t, f.licence(id).Wrong)
	}
}

// Who seals and does not open it errs once per round, is banned, loses its seat and takes it up after the ban.
func TestMissedRevealsBan(t *testing.T) {
	f := newFixture(t)
	ids := f.buy(alice, bob, carol)
	f.providers.register(1, 600, 1200) // three shards: still one mistake per round
	checkers := crew(alice, bob, carol)
	checkers[0].silent = true
	f.endBlock()
	for f.running().Number < 3 {
		f.playRound(checkers...)
	}
	l := f.licence(ids[0])
	require.Equal(t, uint64(1), l.Wrong)
	require.Equal(t, types.LicenceState_LICENCE_STATE_ACTIVE, l.State)
	f.playRound(checkers...)
	l = f.licence(ids[0])
	require.Equal(t, types.LicenceState_LICENCE_STATE_BANNED, l.State)
	require.Contains(t, l.Reason, "committed and did not reveal")
	require.Zero(t, f.licence(ids[1]).Wrong)

	f.playRound(checkers...)
	f.playRound(checkers...)
	require.Equal(t, uint64(2), f.running().Seats)
	accept := &types.MsgAcceptLicences{Operator: alice.String(), Ids: ids[:1]}
	_, err := f.msgs.AcceptLicences(f.ctx, accept)
	require.ErrorIs(t, err, types.ErrBanned)
	f.ctx = f.ctx.WithBlockTime(*l.BannedUntil)
	_, err = f.msgs.AcceptLicences(f.ctx, accept)
	require.NoError(t, err)
	checkers[0].silent = false
	for range 4 {
		f.playRound(checkers...)
	}
	require.Equal(t, uint64(3), f.running().Seats)
}

// Where very many Containers rise or fall at once, their verdicts are spread over blocks.
func TestManyChangesTakeSeveralBlocks(t *testing.T) {
	f := newFixture(t)
	f.buy(alice, bob, carol)
	last := uint64(5*providertypes.ShardSize - 1)
	for id := uint64(1); id <= last; id++ {
		f.providers.register(id)
	}
	checkers := crew(alice, bob, carol)
	f.endBlock()
	judged := types.Judging{}
	for range 8 {
		f.playRound(checkers...)
		g, err := f.k.ExportGenesis(f.ctx)
		require.NoError(t, err)
		if judged = g.Judging; f.providers.healthy(1) {
			break
		}
	}
	require.Equal(t, uint64(4), judged.Shard, "four shards of 512 are enough for a block")
	require.False(t, f.providers.healthy(last))
	f.endBlock()
	require.True(t, f.providers.healthy(last))
}

// A licence that changes again and again waits for its seat in one place of the queue.
func TestSeatsWaitOnce(t *testing.T) {
	f := newFixture(t)
	ids := f.buy(alice, bob, carol)
	checkers := crew(alice, bob, carol)
	f.endBlock()
	for f.running().Number < 3 {
		f.playRound(checkers...)
	}
	delegate := func(operator string) {
		_, err := f.msgs.DelegateLicences(f.ctx, &types.MsgDelegateLicences{Owner: alice.String(), Operator: operator, Ids: ids[:1]})
		require.NoError(t, err)
	}
	since := f.running().Number
	delegate("")
	f.playRound(checkers...)
	require.NotEqual(t, since, f.running().Number)
	delegate(alice.String())
	g, err := f.k.ExportGenesis(f.ctx)
	require.NoError(t, err)
	require.Equal(t, []types.PendingSeat{{Round: since, Licence: ids[0]}}, g.Pending)
	for range 2 {
		f.playRound(checkers...)
	}
	require.Equal(t, uint64(3), f.running().Seats)
}

// Who reports against the quorum on more than the tolerated number errs; who differs on a few does not.
func TestDifferencesAreTolerated(t *testing.T) {
	f := newFixture(t)
	ids := f.buy(alice, bob, carol)
	params := devParams()
	params.CommitteeSize = 4 // a quorum of three can overrule the fourth
	require.NoError(t, f.k.SetParams(f.ctx, params))
	ids = append(ids, f.buy(owner)...)
	f.providers.register(1, 2, 3, 4, 5, 6)
	checkers := crew(alice, bob, carol, owner)
	checkers[0].sees = func(_, _ uint64, m bitmap) bitmap { return m.AndNot(providertypes.BitmapOf(1, 2, 3)) }
	checkers[3].sees = func(_, _ uint64, m bitmap) bitmap { return nil }
	f.endBlock()
	for f.running().Number < 6 {
		f.playRound(checkers...)
	}
	require.False(t, f.providers.healthy(1), "two of four see it")
	require.True(t, f.providers.healthy(4), "three of four do")
	require.Zero(t, f.licence(ids[0]).Wrong)
	// The liar contradicts three decided Containers only, which is tolerated.
	require.Zero(t, f.licence(ids[3]).Wrong)
	checkers[0].sees = nil
	for f.running().Number < 10 {
		f.playRound(checkers...)
	}
	require.Equal(t, types.LicenceState_LICENCE_STATE_BANNED, f.licence(ids[3]).State)
	require.Contains(t, f.licence(ids[3]).Reason, "differs from the verdict on 6 of 6 containers")
}

// A network that stood still for hours counts the silence against nobody.
func TestHaltedNetworkBlamesNobody(t *testing.T) {
	f := newFixture(t)
	ids := f.buy(alice, bob, carol)
	f.providers.register(1)
	checkers := crew(alice, bob, carol)
	f.endBlock()
	for f.running().Number < 6 {
		f.playRound(checkers...)
	}
	for range 5 {
		f.ctx = f.ctx.WithBlockTime(f.ctx.BlockTime().Add(9 * time.Hour))
		f.endBlock() // the first block comes before anybody can report
		f.playRound(checkers...)
	}
	for _, id := range ids {
		require.Zero(t, f.licence(id).Wrong)
	}
	require.True(t, f.providers.healthy(1))
}

// Verdicts of many shards take several blocks; each comes once, in order, and no round ends before the last.
func TestJudgingStretchesOverBlocks(t *testing.T) {
	f := newFixture(t)
	f.buy(alice, bob, carol)
	params := devParams()
	params.MaxShardsPerBlock = 1
	require.NoError(t, f.k.SetParams(f.ctx, params))
	const shards = 12
	for s := range uint64(shards) {
		f.providers.register(s*512 + 1)
	}
	checkers := crew(alice, bob, carol)
	f.endBlock()
	incomplete := 0
	for f.running().Number < 9 {
		number := f.running().Number
		for f.running().Number == number {
			a, err := f.queries.Assignment(f.ctx, &types.QueryAssignmentRequest{Operator: alice.String()})
			require.NoError(t, err)
			if !a.Complete {
				incomplete++
				require.Less(t, len(a.Shards), shards)
			}
			r, err := f.queries.Round(f.ctx, &types.QueryRoundRequest{})
			require.NoError(t, err)
			if a.Complete && !f.ctx.BlockTime().Before(r.SubmitFrom) {
				for _, c := range checkers {
					require.NoError(t, c.submit(f))
				}
			}
			f.endBlock()
		}
	}
	require.Positive(t, incomplete)
	seen := map[[2]uint64]bool{}
	for i, v := range f.providers.verdicts {
		key := [2]uint64{v.Round, v.Shard}
		require.False(t, seen[key], "round %d shard %d twice", v.Round, v.Shard)
		seen[key] = true
		require.Equal(t, uint64(i/shards+1), v.Round)
		require.Equal(t, uint64(i%shards), v.Shard)
	}
	for s := range uint64(shards) {
		require.True(t, f.providers.healthy(s*512+1), "shard %d", s)
	}
}

// One shard that can't be judged is left out with an event; the others and the rounds go on.
func TestFailingShardStopsNobody(t *testing.T) {
	f := newFixture(t)
	f.buy(alice, bob, carol)
	f.providers.register(1, 513, 1025)
	f.providers.fails[1] = errors.New("no such thing")
	checkers := crew(alice, bob, carol)
	f.endBlock()
	for f.running().Number < 7 {
		f.playRound(checkers...)
	}
	failed := events[types.EventJudgementFailed](f)
	require.Len(t, failed, 1)
	require.Equal(t, uint64(1), failed[0].Shard)
	require.Contains(t, failed[0].Reason, "no such thing")
	require.True(t, f.providers.healthy(1))
	require.True(t, f.providers.healthy(1025))
	require.False(t, f.providers.healthy(513))
}

// A round that can't be marked waits, and the chain goes on.
func TestFailingBoundaryIsTriedAgain(t *testing.T) {
	f := newFixture(t)
	f.endBlock()
	f.vault.fails = errors.New("not now")
	for range 10 {
		f.endBlock()
	}
	require.Equal(t, uint64(1), f.running().Number)
	f.vault.fails = nil
	f.endBlock()
	require.Equal(t, uint64(2), f.running().Number)
	require.Equal(t, []uint64{1}, f.vault.marks)
}

// Rounds come and go on a network without operators and without Containers, and joining Containers still become members.
func TestEmptyNetwork(t *testing.T) {
	f := newFixture(t)
	f.endBlock()
	for range 5 {
		f.playRound()
	}
	require.Empty(t, f.providers.verdicts)
	f.providers.register(3)
	f.playRound()
	require.Equal(t, providertypes.BitmapOf(3), bitmap(f.providers.shards[0].Members))
}

// What a round in which all is well writes here does not grow with shards, Containers or operators.
func TestHealthyRoundWritesFewKeys(t *testing.T) {
	writes := func(shards uint64, operators int) int {
		f := newFixture(t)
		var checkers []*checker
		for i := range operators {
			a := addr(fmt.Sprintf("operator-%d", i))
			f.vault.bank[a.String()] = f.vault.bank[owner.String()]
			f.buy(a)
			checkers = append(checkers, &checker{operator: a})
		}
		for s := range shards {
			f.providers.register(s*512+1, s*512+2)
		}
		f.endBlock()
		for f.running().Number < 8 {
			f.playRound(checkers...)
		}
		total, number := 0, f.running().Number
		for f.running().Number == number {
			r, err := f.queries.Round(f.ctx, &types.QueryRoundRequest{})
			require.NoError(t, err)
			if !f.ctx.BlockTime().Before(r.EndsAt) {
				for _, c := range checkers {
					require.NoError(t, c.submit(f))
				}
			}
			f.store.writes = 0
			f.endBlock()
			total += f.store.writes
		}
		return total
	}
	few, many := writes(1, 3), writes(40, 3)
	require.Equal(t, few, many)
	require.Equal(t, few+6, writes(40, 6), "one deleted submission and one uptime for each operator more")
	t.Logf("keys written at the ends of blocks in a healthy round with 3 operators: %d", few)
}
