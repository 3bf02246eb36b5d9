// SPDX-License-Identifier: Apache-2.0

package types_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/athnet/ath/x/checks/types"
	providertypes "github.com/athnet/ath/x/providers/types"
)

type bitmap = providertypes.Bitmap

var anyBitmap = rapid.Custom(func(t *rapid.T) bitmap {
	return bitmap(rapid.SliceOfN(rapid.Byte(), 0, providertypes.MaxBitmapBytes).Draw(t, "bits")).Canonical()
})

// naive counts slot by slot, without the short way for committees that agree.
func naive(members bitmap, votes []bitmap, quorum int, slot uint64) types.Verdict {
	healthy := 0
	for _, v := range votes {
		if v.Has(slot) {
			healthy++
		}
	}
	switch {
	case !members.Has(slot):
		return types.Verdict_VERDICT_UNSPECIFIED
	case healthy >= quorum:
		return types.Verdict_VERDICT_HEALTHY
	case len(votes)-healthy >= quorum:
		return types.Verdict_VERDICT_FAULTY
	}
	return types.Verdict_VERDICT_INCONCLUSIVE
}

func verdictOf(o types.Outcome, slot uint64) types.Verdict {
	switch {
	case o.Healthy.Has(slot):
		return types.Verdict_VERDICT_HEALTHY
	case o.Faulty.Has(slot):
		return types.Verdict_VERDICT_FAULTY
	case o.Inconclusive.Has(slot):
		return types.Verdict_VERDICT_INCONCLUSIVE
	}
	return types.Verdict_VERDICT_UNSPECIFIED
}

// Every member has exactly one verdict, and it is the one that counting gives.
func TestTallyCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		members := anyBitmap.Draw(t, "members")
		n := rapid.IntRange(1, types.MaxCommitteeSize).Draw(t, "committee")
		common := anyBitmap.Draw(t, "common")
		var votes []bitmap
		for range rapid.IntRange(0, n).Draw(t, "revealed") {
			if rapid.Bool().Draw(t, "agrees") {
				votes = append(votes, common)
			} else {
				votes = append(votes, anyBitmap.Draw(t, "vote"))
			}
		}
		o := types.Tally(members, votes, types.Quorum(n))
		require.Equal(t, members.Count(), o.Healthy.Count()+o.Faulty.Count()+o.Inconclusive.Count(), "one verdict each")
		for slot := range uint64(providertypes.ShardSize) {
			require.Equal(t, naive(members, votes, types.Quorum(n), slot), verdictOf(o, slot), "slot %d", slot)
		}
	})
}

// One more vote for a Container never makes its verdict worse, and one against it never better.
func TestTallyIsMonotone(t *testing.T) {
	rank := map[types.Verdict]int{
		types.Verdict_VERDICT_FAULTY: 0, types.Verdict_VERDICT_INCONCLUSIVE: 1, types.Verdict_VERDICT_HEALTHY: 2,
	}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, types.MaxCommitteeSize).Draw(t, "committee")
		quorum := types.Quorum(n)
		slot := rapid.Uint64Range(0, providertypes.ShardSize-1).Draw(t, "slot")
		members := providertypes.BitmapOf(slot)
		votes := rapid.SliceOfN(anyBitmap, 0, n-1).Draw(t, "votes")
		before := rank[verdictOf(types.Tally(members, votes, quorum), slot)]
		with := rank[verdictOf(types.Tally(members, append(votes[:len(votes):len(votes)], members), quorum), slot)]
		without := rank[verdictOf(types.Tally(members, append(votes[:len(votes):len(votes)], nil), quorum), slot)]
		require.GreaterOrEqual(t, with, before)
		require.LessOrEqual(t, without, before)
	})
}

// Liars below the quorum's complement can't turn a verdict of the honest around: at most they block it.
func TestTallyResistsAMinority(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, types.MaxCommitteeSize).Draw(t, "committee")
		quorum := types.Quorum(n)
		liars := rapid.IntRange(0, quorum-1).Draw(t, "liars")
		truth := rapid.Bool().Draw(t, "healthy")
		members := providertypes.BitmapOf(7)
		votes := make([]bitmap, n)
		for i := range votes {
			if (i >= liars) == truth {
				votes[i] = members
			}
		}
		lie := types.Verdict_VERDICT_HEALTHY
		if truth {
			lie = types.Verdict_VERDICT_FAULTY
		}
		require.NotEqual(t, lie, verdictOf(types.Tally(members, votes, quorum), 7))
	})
}

func TestEscalateNeedsTwoRounds(t *testing.T) {
	o := types.Outcome{Faulty: providertypes.BitmapOf(1, 2)}
	confirmed, suspected := o.Escalate(providertypes.BitmapOf(2, 3))
	require.Equal(t, providertypes.BitmapOf(2), confirmed)
	require.Equal(t, providertypes.BitmapOf(1), suspected)
}

func TestTolerance(t *testing.T) {
	many := make([]uint64, 400)
	for i := range many {
		many[i] = uint64(i)
	}
	for _, c := range []struct {
		name    string
		outcome types.Outcome
		vote    bitmap
		differs int
		allowed int
	}{
		{"small shards allow three", types.Outcome{Healthy: providertypes.BitmapOf(0, 1, 2, 3)}, nil, 4, 3},
		{"large ones two percent", types.Outcome{Healthy: providertypes.BitmapOf(many...)}, providertypes.BitmapOf(many[:392]...), 8, 8},
		{"undecided ones don't count", types.Outcome{Inconclusive: providertypes.BitmapOf(many...)}, nil, 0, 3},
		{"healthy votes for the faulty count", types.Outcome{Faulty: providertypes.BitmapOf(5)}, providertypes.BitmapOf(5), 1, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.differs, c.outcome.Differences(c.vote))
			require.Equal(t, c.allowed, c.outcome.Tolerated())
		})
	}
}

func BenchmarkTally(b *testing.B) {
	all := make([]uint64, providertypes.ShardSize)
	for i := range all {
		all[i] = uint64(i)
	}
	members := providertypes.BitmapOf(all...)
	votes := make([]bitmap, 7)
	for i := range votes {
		votes[i] = members
	}
	b.Run("agreed", func(b *testing.B) {
		for b.Loop() {
			types.Tally(members, votes, 5)
		}
	})
	votes[3] = members.Without(9)
	b.Run("divided", func(b *testing.B) {
		for b.Loop() {
			types.Tally(members, votes, 5)
		}
	})
}
