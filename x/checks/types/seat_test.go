// SPDX-License-Identifier: Apache-2.0

package types_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/athnet/ath/x/checks/types"
)

// memTable is a SeatTable in memory.
type memTable struct {
	seats     []types.Seat
	positions map[uint64]uint64
}

func (t *memTable) Seat(p uint64) (types.Seat, error) {
	if p < uint64(len(t.seats)) {
		return t.seats[p], nil
	}
	return types.Seat{}, nil
}

func (t *memTable) SetSeat(p uint64, s types.Seat) error {
	if p == uint64(len(t.seats)) {
		t.seats = append(t.seats, types.Seat{})
	}
	if old := t.seats[p].Licence; old != s.Licence && t.positions[old] == p {
		delete(t.positions, old)
	}
	if t.seats[p] = s; s.Licence != 0 {
		t.positions[s.Licence] = p
	}
	return nil
}

func (t *memTable) Position(licence uint64) (uint64, bool, error) {
	p, ok := t.positions[licence]
	return p, ok, nil
}

func (t *memTable) at(round uint64, seats uint64) []types.Member {
	out := make([]types.Member, 0, seats)
	for p := range seats {
		m, ok := t.seats[p].At(round)
		if !ok {
			panic(fmt.Sprintf("seat %d is empty in round %d", p, round))
		}
		out = append(out, m)
	}
	return out
}

// Whatever changes when rounds start, the seats of the running round and of the two before it are read exactly.
func TestSeatsAnswerForThreeRounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		table := &memTable{positions: map[uint64]uint64{}}
		truth := map[uint64][]types.Member{}
		wanted := map[uint64]string{}
		seats := uint64(0)
		for round := uint64(1); round <= 12; round++ {
			if types.SeatsMayChange(round) {
				for range rapid.IntRange(0, 8).Draw(t, "changes") {
					licence := rapid.Uint64Range(1, 10).Draw(t, "licence")
					operator := rapid.SampledFrom([]string{"", "a", "b", "c"}).Draw(t, "operator")
					var err error
					seats, err = types.Reseat(table, seats, round, licence, operator)
					require.NoError(t, err)
					if wanted[licence] = operator; operator == "" {
						delete(wanted, licence)
					}
				}
			}
			truth[round] = table.at(round, seats)
			require.Len(t, truth[round], len(wanted), "one seat for each licence that wants one")
			for _, m := range truth[round] {
				require.Equal(t, wanted[m.Licence], m.Operator)
			}
			for back := uint64(1); back <= 2 && back < round; back++ {
				r := round - back
				require.Equal(t, truth[r], table.at(r, uint64(len(truth[r]))), "round %d read in round %d", r, round)
			}
		}
	})
}

func TestSeatExampleOfProto(t *testing.T) {
	seat := types.Seat{}.Replace(1, 4, "four").Replace(5, 9, "nine")
	require.Equal(t, types.Seat{Licence: 9, Operator: "nine", SinceRound: 5, PreviousLicence: 4, PreviousOperator: "four"}, seat)
	for round, licence := range map[uint64]uint64{3: 4, 4: 4, 5: 9, 6: 9} {
		m, ok := seat.At(round)
		require.True(t, ok)
		require.Equal(t, licence, m.Licence, "round %d", round)
	}
}

func TestQuorum(t *testing.T) {
	for n, want := range map[int]int{1: 1, 2: 2, 3: 3, 4: 3, 5: 4, 6: 5, 7: 5, 31: 21} {
		require.Equal(t, want, types.Quorum(n), "committee of %d", n)
	}
}

func drawFrom(list []types.Member, seed []byte, shard uint64, n int) []types.Member {
	members, err := types.Draw(seed, shard, uint64(len(list)), n, func(p uint64) (types.Member, bool, error) { return list[p], true, nil })
	if err != nil {
		panic(err)
	}
	return members
}

// A committee has no operator twice, only seated members, and misses nobody on a network where reads suffice.
func TestDrawProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var list []types.Member
		for i, o := range rapid.SliceOfN(rapid.IntRange(1, 12), 0, 60).Draw(t, "operators") {
			list = append(list, types.Member{Licence: uint64(i + 1), Operator: fmt.Sprint(o)})
		}
		n := rapid.IntRange(1, types.MaxCommitteeSize).Draw(t, "n")
		seed := rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "seed")
		members := drawFrom(list, seed, 3, n)
		operators := map[string]bool{}
		for _, m := range members {
			require.False(t, operators[m.Operator], "operator %s twice", m.Operator)
			require.True(t, slices.Contains(list, m))
			operators[m.Operator] = true
		}
		all := map[string]bool{}
		for _, m := range list {
			all[m.Operator] = true
		}
		require.LessOrEqual(t, len(members), n)
		if len(list) <= 8*n {
			require.Len(t, members, min(n, len(all)))
		}
		require.Equal(t, members, drawFrom(list, seed, 3, n), "anyone gets the same")
	})
}

// The chance to be drawn follows the number of seats.
func TestDrawIsWeightedBySeats(t *testing.T) {
	var list []types.Member
	for i := range 100 {
		operator := fmt.Sprint(i)
		if i < 40 {
			operator = "big"
		}
		list = append(list, types.Member{Licence: uint64(i + 1), Operator: operator})
	}
	first := 0
	const draws = 20_000
	seed := types.RoundSeed([]byte("beacon"), 1)
	for shard := range uint64(draws) {
		if drawFrom(list, seed, shard, 1)[0].Operator == "big" {
			first++
		}
	}
	require.InDelta(t, 0.4, float64(first)/draws, 0.02)
}

func TestDrawStopsAtItsBound(t *testing.T) {
	reads := 0
	members, err := types.Draw(make([]byte, 32), 0, 1_000_000, 7, func(uint64) (types.Member, bool, error) {
		reads++
		return types.Member{Licence: 1, Operator: "alone"}, true, nil
	})
	require.NoError(t, err)
	require.Len(t, members, 1)
	require.Equal(t, 56, reads)
}

func BenchmarkDraw(b *testing.B) {
	list := make([]types.Member, 1_000)
	for i := range list {
		list[i] = types.Member{Licence: uint64(i + 1), Operator: fmt.Sprint(i)}
	}
	seed := make([]byte, 32)
	for i := 0; b.Loop(); i++ {
		drawFrom(list, seed, uint64(i), 7)
	}
}
