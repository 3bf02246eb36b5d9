// SPDX-License-Identifier: Apache-2.0

package types

import (
	"fmt"
	"testing"
	"time"

	"cosmossdk.io/math"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

const (
	simHolders = 6
	simGroups  = 2
	simEpoch   = time.Hour
)

// streamSim plays the keeper's part on plain slices and keeps a naive account beside it: per round the lowest weight that
// each holder had, and per confirmed round what that earns.
type streamSim struct {
	now       time.Time
	marked    time.Time // end of the last round
	stream    Stream
	pool      math.Int
	promised  math.Int
	groups    []StreamGroup
	positions []StreamPosition
	paid      []math.Int
	marks     []StreamMark

	latest  []math.Int             // weight that each holder has now
	lowest  [][]math.Int           // [round][holder]; the last one is the running round's
	owed    []math.Int             // scaled by indexScale
	changes []int64                // how often a holder's weight may have changed
	skipped map[[2]int]bool        // {round, holder}
	done    map[[2]uint64]struct{} // {group, ordinal}
}

func newStreamSim(perEpoch math.Int) *streamSim {
	start := time.Unix(1_700_000_000, 0)
	s := &streamSim{
		now: start, marked: start, stream: NewStream(start), pool: perEpoch.MulRaw(1000), promised: math.ZeroInt(),
		skipped: make(map[[2]int]bool), done: make(map[[2]uint64]struct{}),
	}
	s.stream = s.stream.Open(Epoch{Start: start}, perEpoch)
	for g := range simGroups {
		s.groups = append(s.groups, NewStreamGroup(uint64(g)))
	}
	for h := range simHolders {
		s.positions = append(s.positions, NewStreamPosition(uint64(h), uint64(h%simGroups), "x"))
		s.paid, s.owed = append(s.paid, math.ZeroInt()), append(s.owed, math.ZeroInt())
		s.latest, s.changes = append(s.latest, math.ZeroInt()), append(s.changes, 1)
	}
	s.lowest = append(s.lowest, append([]math.Int(nil), s.latest...))
	return s
}

func (s *streamSim) setWeight(holder int, weight math.Int) {
	p := s.positions[holder]
	s.stream.NextWeight = s.stream.NextWeight.Add(weight).Sub(p.LatestWeight())
	s.positions[holder] = p.SetWeight(s.stream.Running(), weight)
	s.latest[holder] = weight
	running := len(s.lowest) - 1
	s.lowest[running][holder] = math.MinInt(s.lowest[running][holder], weight)
	s.changes[holder] += 2
}

func (s *streamSim) skip(holder, mark int) {
	group := s.groups[holder%simGroups]
	if group.CanConfirm(s.marks[mark]) != nil {
		return
	}
	s.positions[holder] = s.positions[holder].Skip(s.marks[mark].Ordinal)
	s.skipped[[2]int{mark, holder}] = true
	s.changes[holder] += 2
}

func (s *streamSim) mark() {
	stream, mark, err := s.stream.Step(s.now, simEpoch).Mark(uint64(len(s.marks))*3 + 7)
	if err != nil {
		panic(err)
	}
	// Safety of one round: even if every group is confirmed, it earns no more than the time since the last one emitted.
	emitted := s.stream.PerEpoch.Mul(indexScale).MulRaw(int64(s.now.Sub(s.marked))).QuoRaw(int64(simEpoch))
	earned := math.ZeroInt()
	for _, weight := range s.lowest[len(s.lowest)-1] {
		earned = earned.Add(mark.Growth.Mul(weight))
	}
	if earned.GT(emitted) {
		panic(fmt.Sprintf("round %d earns %s and emitted %s", mark.Round, earned, emitted))
	}
	s.marked = s.now
	s.stream, s.marks = stream, append(s.marks, mark)
	s.lowest = append(s.lowest, append([]math.Int(nil), s.latest...))
}

func (s *streamSim) confirm(g, mark int) {
	group := s.groups[g]
	if group.CanConfirm(s.marks[mark]) != nil {
		return
	}
	for h := g; h < simHolders; h += simGroups {
		if len(s.positions[h].Steps) == 0 {
			continue
		}
		before := s.positions[h].Weight
		position, pay := s.positions[h].Take(s.marks[mark].Ordinal, group.Index)
		s.positions[h], s.paid[h] = position, s.paid[h].Add(pay)
		group.Weight = group.Weight.Add(position.Weight).Sub(before)
	}
	before := group.Index
	group, promised := group.Confirm(s.marks[mark], s.pool)
	s.groups[g], s.pool, s.promised = group, s.pool.Sub(promised), s.promised.Add(promised)
	growth := group.Index.Sub(before)
	for h := g; h < simHolders; h += simGroups {
		if !s.skipped[[2]int{mark, h}] {
			s.owed[h] = s.owed[h].Add(growth.Mul(s.lowest[mark][h]))
		}
	}
}

func (s *streamSim) settle(holder int) {
	position, pay := s.positions[holder].Settle(s.groups[holder%simGroups].Index)
	s.positions[holder], s.paid[holder] = position, s.paid[holder].Add(pay)
}

func (s *streamSim) sumPaid() math.Int {
	sum := math.ZeroInt()
	for _, paid := range s.paid {
		sum = sum.Add(paid)
	}
	return sum
}

// operation is drawn once and may be played on several sims.
type operation struct {
	kind, holder, round int
	amount              int64
}

func genOperations(t *rapid.T) []operation {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) operation {
		return operation{
			kind:   rapid.IntRange(0, 8).Draw(t, "kind"),
			holder: rapid.IntRange(0, simHolders-1).Draw(t, "holder"),
			round:  rapid.IntRange(0, 2).Draw(t, "rounds ago"),
			amount: rapid.OneOf(rapid.Int64Range(0, 3), rapid.Int64Range(0, 5_000)).Draw(t, "amount"),
		}
	}), 1, 120).Draw(t, "operations")
}

func (s *streamSim) play(op operation, settle bool) {
	ago := len(s.marks) - 1 - op.round
	switch op.kind {
	case 0:
		s.now = s.now.Add(time.Duration(op.amount)*time.Second + time.Duration(op.holder))
		if op.round == 0 {
			s.stream = s.stream.Step(s.now, simEpoch) // an epoch's end steps in the middle of a round
		}
	case 1:
		s.setWeight(op.holder, math.NewInt(op.amount))
	case 2:
		s.now = s.now.Add(15 * time.Minute)
		s.mark()
	case 3:
		if ago >= 0 {
			s.confirm(op.holder%simGroups, ago)
		}
	case 4:
		if ago >= 0 {
			s.skip(op.holder, ago)
		}
	case 5:
		if settle {
			s.settle(op.holder)
		}
	default: // a round as it should be: everybody is confirmed at its end
		s.now = s.now.Add(15 * time.Minute)
		s.mark()
		for g := range simGroups {
			s.confirm(g, len(s.marks)-1)
		}
	}
}

func TestStreamNeverPaysMoreThanItEmits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		perEpoch := genInt(0, 1<<40).Draw(t, "per epoch")
		sim := newStreamSim(perEpoch)
		start, steps := sim.now, false
		for _, op := range genOperations(t) {
			sim.play(op, true)
			for _, p := range sim.positions {
				require.LessOrEqual(t, len(p.Steps), maxSteps)
				steps = steps || len(p.Steps) == maxSteps
			}
		}
		for h := range simHolders {
			sim.settle(h)
			owed := sim.owed[h].Quo(indexScale)
			require.True(t, sim.paid[h].LTE(owed), "holder %d was paid %s and earned %s", h, sim.paid[h], owed)
			if !steps { // with too many changes the oldest rounds count with the lower weight
				require.True(t, sim.paid[h].GTE(owed.SubRaw(sim.changes[h])), "holder %d was paid %s and earned %s", h, sim.paid[h], owed)
			}
		}
		require.True(t, sim.sumPaid().LTE(sim.promised), "paid %s, promised %s", sim.sumPaid(), sim.promised)
		emitted := perEpoch.MulRaw(int64(sim.now.Sub(start))).QuoRaw(int64(simEpoch))
		require.True(t, sim.sumPaid().LTE(emitted), "paid %s, emitted %s", sim.sumPaid(), emitted)
	})
}

func TestStreamPaysTheSameHoweverOftenItIsSettled(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		perEpoch := genInt(0, 1<<40).Draw(t, "per epoch")
		often, once := newStreamSim(perEpoch), newStreamSim(perEpoch)
		for _, op := range genOperations(t) {
			often.play(op, true)
			for h := range simHolders {
				often.settle(h)
			}
			once.play(op, false)
		}
		for h := range simHolders {
			often.settle(h)
			once.settle(h)
			diff := often.paid[h].Sub(once.paid[h]).Abs()
			require.True(t, diff.LTE(math.NewInt(often.changes[h])), "holder %d: %s settled often, %s once", h, often.paid[h], once.paid[h])
		}
	})
}

func TestStreamStep(t *testing.T) {
	s := NewStream(time.Unix(100, 0)).Open(Epoch{Start: time.Unix(100, 0)}, math.NewInt(3_600))
	s.Weight = math.NewInt(10)
	s = s.Step(time.Unix(200, 0), time.Hour)
	requireInt(t, indexScale.MulRaw(10), s.Index, "100 s of 1 uath/s over a weight of 10")
	require.Equal(t, s, s.Step(time.Unix(150, 0), time.Hour), "time doesn't go back")
	s.Weight = math.ZeroInt()
	requireInt(t, s.Index, s.Step(time.Unix(300, 0), time.Hour).Index, "without weight nothing is emitted")
}

func TestStreamMarkRoundsRise(t *testing.T) {
	s, mark, err := NewStream(time.Unix(0, 0)).Mark(0)
	require.NoError(t, err)
	require.Equal(t, uint64(1), mark.Ordinal)
	_, _, err = s.Mark(0)
	require.ErrorIs(t, err, ErrRoundOrder)
	s, mark, err = s.Mark(9)
	require.NoError(t, err)
	require.Equal(t, uint64(2), mark.Ordinal, "numbers may leave gaps, ordinals don't")
	_, _, err = s.Mark(8)
	require.ErrorIs(t, err, ErrRoundOrder)
}

func TestPositionWeightPerRound(t *testing.T) {
	p := NewStreamPosition(1, 0, "x").SetWeight(4, math.NewInt(10))
	weights := func() (w []int64) {
		for round := uint64(3); round <= 8; round++ {
			w = append(w, p.WeightIn(round).Int64())
		}
		return w
	}
	require.Equal(t, []int64{0, 0, 10, 10, 10, 10}, weights(), "more counts from the next round on")
	p = p.SetWeight(6, math.NewInt(4))
	require.Equal(t, []int64{0, 0, 10, 4, 4, 4}, weights(), "less counts at once")
	p = p.SetWeight(6, math.NewInt(7))
	require.Equal(t, []int64{0, 0, 10, 4, 7, 7}, weights(), "the lowest of the round counts")
	p = p.Skip(5)
	require.Equal(t, []int64{0, 0, 0, 4, 7, 7}, weights())
	require.Equal(t, int64(7), p.LatestWeight().Int64())
	p = p.SetWeight(6, math.ZeroInt())
	p.Removed = true
	require.Equal(t, []int64{0, 0, 0, 0, 0, 0}, weights())
	require.True(t, p.Gone())
}

func TestGroupNeverPromisesMoreThanThePoolHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := NewStreamGroup(1)
		g.Weight = genInt(0, 1<<50).Draw(t, "weight")
		pool := genInt(0, 1<<50).Draw(t, "pool")
		growth := genInt(0, 1<<62).Draw(t, "growth").MulRaw(rapid.Int64Range(1, 1<<30).Draw(t, "times"))
		after, promised := g.Confirm(StreamMark{Ordinal: 1, Growth: growth}, pool)
		require.True(t, promised.LTE(pool))
		require.True(t, after.Index.Mul(g.Weight).LTE(promised.Mul(indexScale)), "what positions can claim is covered")
		require.True(t, after.Index.LTE(growth))
		require.ErrorIs(t, after.CanConfirm(StreamMark{Ordinal: 1}), ErrRoundConfirmed)
	})
}

func ExampleStreamPosition() {
	// A Container joins in round 4 with weight 10; each round grows the index by 2 uath per unit of weight.
	p := NewStreamPosition(7, 0, "ath1…").SetWeight(4, math.NewInt(10))
	g := NewStreamGroup(0)
	growth := indexScale.MulRaw(2)
	for round := uint64(4); round <= 5; round++ {
		p, _ = p.Take(round, g.Index)
		g.Weight = p.Weight
		g, _ = g.Confirm(StreamMark{Ordinal: round, Growth: growth}, math.NewInt(1_000))
	}
	_, pay := p.Settle(g.Index)
	fmt.Println(pay, "uath for round 5, nothing for round 4")
	// Output: 20 uath for round 5, nothing for round 4
}
