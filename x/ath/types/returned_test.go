// SPDX-License-Identifier: Apache-2.0

package types

import (
	"slices"
	"testing"

	"cosmossdk.io/math"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// coin is one returned uath of the plain model, with the name of who gave it up.
type coin struct{ payer int }

// line is the plain model of a pool's returned penalties: every single coin in the order in which it came, beside the
// three numbers that the chain keeps.
type line struct {
	state PoolState
	coins []coin // those that wait
	bars  [3]math.Int
	open  []openEpoch
	got   [3]map[int]int64 // got[i][j]: coins of j that i was paid
}

type openEpoch struct {
	share   Share
	weights [3]math.Int
}

func newLine() *line {
	l := &line{state: NewPoolState(Pool_POOL_CHECKER_BASE)}
	for i := range l.bars {
		l.bars[i], l.got[i] = math.ZeroInt(), make(map[int]int64)
	}
	return l
}

// exit is the keeper's returnPenalty on plain values.
func (l *line) exit(who int, penalty int64) {
	for i, e := range l.open {
		if e.share.TakesPart(l.bars[who]) {
			l.open[i].share.ReturnedWeight = e.share.ReturnedWeight.Sub(e.weights[who])
		}
	}
	l.state.Returned = l.state.Returned.AddRaw(penalty)
	l.bars[who] = l.state.Returned
	l.coins = append(l.coins, slices.Repeat([]coin{{who}}, int(penalty))...)
}

func (l *line) reserved() math.Int {
	sum := math.ZeroInt()
	for _, e := range l.open {
		sum = sum.Add(e.share.ReturnedBudget)
	}
	return sum
}

func (l *line) begin(epoch uint64) {
	var returned math.Int
	l.state, returned = l.state.OpenReturned(l.reserved())
	zero := math.ZeroInt()
	l.open = append(l.open, openEpoch{NewShare(l.state, epoch, zero, returned), [3]math.Int{zero, zero, zero}})
}

func (l *line) work(who int, weight int64) {
	e := &l.open[len(l.open)-1]
	e.share = e.share.Add(math.NewInt(weight), e.share.TakesPart(l.bars[who]))
	e.weights[who] = e.weights[who].AddRaw(weight)
}

// finish closes the oldest epoch and pays it coin by coin, the oldest coins first.
func (l *line) finish(t *rapid.T) {
	e := l.open[0]
	l.open = l.open[1:]
	share := e.share.Close(Kappa{})
	l.state.ReturnedSpent = l.state.ReturnedSpent.Add(share.ReturnedAmount)
	spent := l.coins[:share.ReturnedAmount.Int64()]
	l.coins = l.coins[len(spent):]
	paid := math.ZeroInt()
	for who, weight := range e.weights {
		if !share.TakesPart(l.bars[who]) {
			continue
		}
		pay := share.ReturnedRoundedDown(weight)
		paid = paid.Add(pay)
		if !pay.IsPositive() {
			continue
		}
		for _, c := range spent { // whichever of the epoch's coins it is that it gets
			l.got[who][c.payer]++
		}
	}
	require.True(t, paid.LTE(share.ReturnedAmount), "no more is paid than was given away")
}

// Whoever exits, works and is paid in whatever order: nobody is ever paid from coins among which is one that it gave up
// itself, and no coin is given away twice.
func TestNobodyGetsItsOwnPenalty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l, epoch := newLine(), uint64(1)
		l.begin(epoch)
		who := rapid.IntRange(0, 2)
		t.Repeat(map[string]func(*rapid.T){
			"exit": func(t *rapid.T) { l.exit(who.Draw(t, "who"), rapid.Int64Range(1, 200).Draw(t, "penalty")) },
			"work": func(t *rapid.T) { l.work(who.Draw(t, "who"), rapid.Int64Range(1, 50).Draw(t, "weight")) },
			"epoch": func(t *rapid.T) {
				for range rapid.IntRange(1, 40).Draw(t, "epochs") {
					epoch++
					if len(l.open) > 3 {
						l.finish(t)
					}
					l.begin(epoch)
					for i := range l.bars {
						if rapid.Bool().Draw(t, "works") {
							l.work(i, 7)
						}
					}
				}
			},
			"": func(t *rapid.T) {
				requireInt(t, math.NewInt(int64(len(l.coins))), l.state.ReturnedHeld())
				require.True(t, l.reserved().LTE(l.state.ReturnedHeld()))
				for i := range l.got {
					require.Zero(t, l.got[i][i], "%d was paid from its own penalty", i)
				}
			},
		})
	})
}

// What came back is offered again within 90 epochs, however much it was, and no epoch offers more than a ninetieth of the
// most that waited.
func TestReturnedComesBackWithin90Epochs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := NewPoolState(Pool_POOL_DELIVERY)
		s.Returned = genInt(1, 1<<50).Draw(t, "returned")
		most := quoRoundedUp(s.Returned, math.NewInt(RolloverEpochs))
		for range RolloverEpochs {
			var offered math.Int
			s, offered = s.OpenReturned(math.ZeroInt())
			require.True(t, offered.LTE(most))
			s.ReturnedSpent = s.ReturnedSpent.Add(offered)
		}
		require.True(t, s.ReturnedHeld().IsZero(), "%s wait", s.ReturnedHeld())
		s, offered := s.OpenReturned(math.ZeroInt())
		require.True(t, offered.IsZero() && s.ReturnedRate.IsZero())
	})
}
