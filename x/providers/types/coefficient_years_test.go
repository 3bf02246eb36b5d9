// SPDX-License-Identifier: Apache-2.0

package types_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	"github.com/athnet/ath/x/providers/types"
)

// What the simulation of docs/stake.md is made of: a network of single RTX 4090 of edge providers, each with a class stake of
// 1,000 ATH, over ten years of twelve steps.
const (
	yearsUnit  = 1_000 // ATH of base stake per Container
	yearsSteps = 120
	// yearsChurn is which part of the Containers retires each month and is replaced by newcomers, in ppm.
	yearsChurn = 30_000
)

// chapter is a part of the story: until a month, Containers and revenue per Container and month (in ATH) go to their values in
// a straight line.
type chapter struct {
	title               string
	until               int64
	containers, revenue int64
}

func story() []chapter {
	return []chapter{
		{"a new network, little demand", 12, 1_000, 200},
		{"demand grows, ATH is cheap", 30, 10_000, 4_000},
		{"ATH rises eightfold: the same dollars are fewer ATH", 36, 20_000, 500},
		{"calm", 60, 40_000, 500},
		{"ATH falls to a twentieth", 66, 40_000, 10_000},
		{"and recovers by half", 72, 40_000, 5_000},
		{"tenants leave", 78, 30_000, 0},
		{"nobody rents for two and a half years", 108, 10_000, 0},
		{"a second life", 120, 40_000, 1_500},
	}
}

// month is one line of the simulation.
type month struct {
	number, containers, revenue, target, index, stake, average int64
}

// simulate plays the story. The average is what a living Container has bonded: newcomers bond by the index of their month.
func simulate(t *testing.T) []month {
	p, c := types.DefaultParams(), types.NewCoefficient()
	class := types.Class{Stake: ath(yearsUnit)}
	living, perUnit := int64(100), int64(100)
	bonded := ath(yearsUnit).MulRaw(living)
	c = c.Count(bonded)
	var lines []month
	from, start := int64(0), [2]int64{living, perUnit}
	for _, ch := range story() {
		for m := from + 1; m <= ch.until; m++ {
			now := start[0] + (ch.containers-start[0])*(m-from)/(ch.until-from)
			perUnit = start[1] + (ch.revenue-start[1])*(m-from)/(ch.until-from)
			before := c.IndexPpm
			var target uint64
			c, target = c.Step(c.Epoch+30, ath(perUnit).MulRaw(living), p)
			require.LessOrEqual(t, c.IndexPpm, before+before/10)
			require.GreaterOrEqual(t, c.IndexPpm, before-before/10)
			// Who leaves takes the average stake along; who comes bonds by the new index.
			leaves := max(living*yearsChurn/types.Million, living-now)
			comes := now - (living - leaves)
			stake := p.StakeRoundedUp(class, types.Tier_TIER_EDGE, 1, c.IndexPpm)
			bonded = bonded.Sub(bonded.MulRaw(leaves).QuoRaw(living)).Add(stake.MulRaw(comes))
			c = c.Count(ath(yearsUnit).MulRaw(comes - leaves))
			living = now
			require.NoError(t, c.Validate(ath(yearsUnit).MulRaw(living)))
			whole := func(amount math.Int) int64 { return amount.QuoRaw(types.Million).Int64() }
			lines = append(lines, month{m, living, perUnit, int64(target), int64(c.IndexPpm), whole(stake), whole(bonded.QuoRaw(living))})
		}
		from, start = ch.until, [2]int64{ch.containers, ch.revenue}
	}
	return lines
}

// yearsTable is the table of docs/stake.md: every half year.
func yearsTable(lines []month) string {
	var b strings.Builder
	b.WriteString("| month | Containers | revenue per Container, ATH/month | target | index | stake of a newcomer, ATH | average stake, ATH |\n")
	b.WriteString("|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, m := range lines {
		if m.number%6 == 0 {
			fmt.Fprintf(&b, "| %d | %d | %d | %d.%02d | %d.%02d | %d | %d |\n", m.number, m.containers, m.revenue,
				m.target/types.Million, m.target%types.Million/10_000, m.index/types.Million, m.index%types.Million/10_000, m.stake, m.average)
		}
	}
	return b.String()
}

// Over ten years of growth, a rise and a fall of ATH, and years without any revenue, the index follows, never by more than a
// step, never out of its bounds. The documents show this very table.
func TestCoefficientOverYears(t *testing.T) {
	lines := simulate(t)
	require.Len(t, lines, yearsSteps)
	t.Log("month,containers,revenue,target_ppm,index_ppm,stake,average")
	lowest, highest := lines[0].index, lines[0].index
	for _, m := range lines {
		t.Logf("%d,%d,%d,%d,%d,%d,%d", m.number, m.containers, m.revenue, m.target, m.index, m.stake, m.average)
		lowest, highest = min(lowest, m.index), max(highest, m.index)
	}
	require.EqualValues(t, types.MinIndexPPM, lowest)
	require.Less(t, highest, int64(types.MaxIndexPPM))
	docs, err := os.ReadFile("../../../docs/stake.md")
	require.NoError(t, err)
	require.Contains(t, string(docs), yearsTable(lines), "docs/stake.md is not what this test computes:\n%s", yearsTable(lines))
}

// How long the index takes after a lasting shock: the figures of docs/stake.md.
func TestCoefficientAfterAShock(t *testing.T) {
	p := types.DefaultParams()
	steps := func(revenue int64) int {
		c := types.NewCoefficient().Count(ath(1_000))
		for n := 0; ; n++ {
			before := c.IndexPpm
			if c, _ = c.Step(c.Epoch+30, ath(revenue), p); c.IndexPpm == before {
				return n
			}
		}
	}
	require.Equal(t, 8, steps(2_000), "twofold")
	require.Equal(t, 15, steps(4_000), "fourfold")
	require.Equal(t, 30, steps(100_000), "to the upper bound")
	require.Equal(t, 7, steps(500), "half")
	require.Equal(t, 14, steps(0), "to the lower bound")
}
