// SPDX-License-Identifier: Apache-2.0

package types

import (
	"slices"
	"time"

	"cosmossdk.io/math"
)

// The capacity stream, pure. Time is cut into rounds of checking, and the three parts move at different times:
//
//	Stream    steps with the clock; between two marks (a round) its weight never changes
//	Group     takes over a round's growth once Checkers confirmed the shard, or never
//	Position  has one weight per round: the lowest it had during the round
//
// Since a round's growth is emission / weight at the round's start, and nobody's weight in the round is above what it put
// into that sum, what all positions earn is at most what was emitted, whichever groups are confirmed, and whenever.

// maxSteps bounds the weights that a position remembers for rounds that are not confirmed yet. With more, the oldest two
// become one with the lower weight: a holder that changes its weight again and again while nobody checks it loses.
const maxSteps = 8

// KeptMarks is how many rounds can still be confirmed: far more than the one or two that a verdict needs.
const KeptMarks = 64

var indexScale = math.NewInt(1_000_000_000_000_000_000)

// NewStream is a stream before its first round.
func NewStream(start time.Time) Stream {
	zero := math.ZeroInt()
	return Stream{Index: zero, Weight: zero, PerEpoch: zero, SteppedAt: start, NextWeight: zero, Marked: zero}
}

// Running is the ordinal of the round that has not ended.
func (s Stream) Running() uint64 { return s.Ended + 1 }

// Step moves the index to now, which lies in an epoch of the given duration. Rounded down: the rest is not emitted.
func (s Stream) Step(now time.Time, epoch time.Duration) Stream {
	if !now.After(s.SteppedAt) {
		return s
	}
	elapsed := now.Sub(s.SteppedAt)
	s.SteppedAt = now
	if s.Weight.IsPositive() {
		emitted := s.PerEpoch.Mul(indexScale).MulRaw(int64(elapsed))
		s.Index = s.Index.Add(emitted.Quo(s.Weight.MulRaw(int64(epoch))))
	}
	return s
}

// Open sets what the stream distributes in an epoch that begins; the epoch before must have been stepped to its end. Time
// that belongs to no epoch, because the chain stood still for too long, distributes nothing.
func (s Stream) Open(epoch Epoch, budget math.Int) Stream {
	s.PerEpoch, s.SteppedAt = budget, epoch.Start
	return s
}

// Mark ends the running round at the present index; the next one is divided by the weights as they are now.
func (s Stream) Mark(round uint64) (Stream, StreamMark, error) {
	if s.Ended > 0 && round <= s.Round {
		return s, StreamMark{}, ErrRoundOrder.Wrapf("round %d after round %d", round, s.Round)
	}
	mark := StreamMark{Round: round, Index: s.Index, Ordinal: s.Running(), Growth: s.Index.Sub(s.Marked)}
	s.Round, s.Ended, s.Marked, s.Weight = round, s.Running(), s.Index, s.NextWeight
	return s, mark, nil
}

// NewStreamGroup is a group before its first confirmed round.
func NewStreamGroup(group uint64) StreamGroup {
	return StreamGroup{Group: group, Index: math.ZeroInt(), Weight: math.ZeroInt()}
}

// CanConfirm says whether a round's verdict comes in order: once, and not after that of a later round.
func (g StreamGroup) CanConfirm(mark StreamMark) error {
	if mark.Ordinal <= g.Confirmed {
		return ErrRoundConfirmed.Wrapf("round %d of group %d", mark.Round, g.Group)
	}
	return nil
}

// Confirm adds a round's growth and returns what it promises to the group's positions, rounded up. Where the pool has
// less than that, the growth is cut to what it has: a pool never promises more than it holds.
func (g StreamGroup) Confirm(mark StreamMark, pool math.Int) (StreamGroup, math.Int) {
	growth := mark.Growth
	promised := quoRoundedUp(growth.Mul(g.Weight), indexScale)
	if promised.GT(pool) {
		growth = pool.Mul(indexScale).Quo(g.Weight)
		promised = quoRoundedUp(growth.Mul(g.Weight), indexScale)
	}
	g.Confirmed = mark.Ordinal
	g.Index = g.Index.Add(growth)
	return g, promised
}

// NewStreamPosition is a holder that has no weight yet.
func NewStreamPosition(holder, group uint64, beneficiary string) StreamPosition {
	return StreamPosition{Holder: holder, Group: group, Beneficiary: beneficiary, Weight: math.ZeroInt(), Snapshot: math.ZeroInt()}
}

// WeightIn is the position's weight in a round that the group has not confirmed.
func (p StreamPosition) WeightIn(ordinal uint64) math.Int {
	weight := p.Weight
	for _, step := range p.Steps {
		if step.From > ordinal {
			break
		}
		weight = step.Weight
	}
	return weight
}

// LatestWeight is the weight from the next round on.
func (p StreamPosition) LatestWeight() math.Int {
	if n := len(p.Steps); n > 0 {
		return p.Steps[n-1].Weight
	}
	return p.Weight
}

// SetWeight changes the weight: a lower one counts for the whole running round, a higher one from the next round on.
func (p StreamPosition) SetWeight(running uint64, weight math.Int) StreamPosition {
	return p.change([]uint64{running, running + 1}, func(ordinal uint64, before math.Int) math.Int {
		switch {
		case ordinal < running:
			return before
		case ordinal == running:
			return math.MinInt(before, weight)
		default:
			return weight
		}
	})
}

// Skip takes the weight out of one round.
func (p StreamPosition) Skip(ordinal uint64) StreamPosition {
	return p.change([]uint64{ordinal, ordinal + 1}, func(o uint64, before math.Int) math.Int {
		if o == ordinal {
			return math.ZeroInt()
		}
		return before
	})
}

// change maps the weights of all unconfirmed rounds; f is constant between the cuts.
func (p StreamPosition) change(cuts []uint64, f func(ordinal uint64, before math.Int) math.Int) StreamPosition {
	for _, step := range p.Steps {
		cuts = append(cuts, step.From)
	}
	slices.Sort(cuts)
	steps, last := make([]StreamStep, 0, len(cuts)), p.Weight
	for _, from := range slices.Compact(cuts) {
		weight := f(from, p.WeightIn(from))
		if !weight.Equal(last) {
			steps, last = append(steps, StreamStep{From: from, Weight: weight}), weight
		}
	}
	for len(steps) > maxSteps {
		steps[1] = StreamStep{From: steps[0].From, Weight: math.MinInt(steps[0].Weight, steps[1].Weight)}
		steps = steps[1:]
	}
	p.Steps = steps
	return p
}

// Settle pays what the position earned up to the group's present index, rounded down to whole uath. What doesn't make
// one stays with the position, so that nobody loses by being settled often.
func (p StreamPosition) Settle(index math.Int) (StreamPosition, math.Int) {
	if !p.Weight.IsPositive() {
		p.Snapshot = index
		return p, math.ZeroInt()
	}
	pay := index.Sub(p.Snapshot).Mul(p.Weight).Quo(indexScale)
	p.Snapshot = p.Snapshot.Add(quoRoundedUp(pay.Mul(indexScale), p.Weight))
	return p, pay
}

// Take settles the position before its group confirms a round and gives it the weight that it had in that round.
func (p StreamPosition) Take(ordinal uint64, index math.Int) (StreamPosition, math.Int) {
	p, pay := p.Settle(index)
	weight := p.WeightIn(ordinal)
	if !weight.Equal(p.Weight) {
		p.Weight, p.Snapshot = weight, index
	}
	p.Steps = slices.DeleteFunc(slices.Clone(p.Steps), func(step StreamStep) bool { return step.From <= ordinal })
	return p, pay
}

// Gone says whether a removed position has nothing more to earn.
func (p StreamPosition) Gone() bool {
	return p.Removed && len(p.Steps) == 0 && p.Weight.IsZero()
}

func quoRoundedUp(a, b math.Int) math.Int {
	return a.Add(b).SubRaw(1).Quo(b)
}
