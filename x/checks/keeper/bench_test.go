// SPDX-License-Identifier: Apache-2.0

package keeper_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/x/checks/types"
	providertypes "github.com/athnet/ath/x/providers/types"
)

// BenchmarkVerdicts times the block in which a round of 100 full shards (51,200 Containers) is judged by committees of 7, all
// of one mind, with more and more operators: the cost is per shard, not per operator and not per Container.
func BenchmarkVerdicts(b *testing.B) {
	const shards = 100
	all := make([]uint64, providertypes.ShardSize)
	for i := range all {
		all[i] = uint64(i)
	}
	for _, operators := range []int{10, 100, 1000} {
		b.Run(fmt.Sprintf("operators=%d", operators), func(b *testing.B) {
			f := newFixture(b)
			params := devParams()
			params.CommitteeSize = 7
			require.NoError(b, f.k.SetParams(f.ctx, params))
			var checkers []*checker
			for i := range operators {
				a := addr(fmt.Sprintf("operator-%d", i))
				f.vault.bank[a.String()] = f.vault.bank[owner.String()]
				f.buy(a)
				checkers = append(checkers, &checker{operator: a})
			}
			for s := range uint64(shards) {
				f.providers.shards[s] = providertypes.ShardHealth{Members: providertypes.BitmapOf(all...)}
			}
			f.providers.count = shards
			f.endBlock()
			for f.running().Number < 5 {
				f.playRound(checkers...)
			}
			for b.Loop() {
				b.StopTimer()
				number := f.running().Number
				r, err := f.queries.Round(f.ctx, &types.QueryRoundRequest{})
				require.NoError(b, err)
				for f.ctx.BlockTime().Before(r.EndsAt) {
					f.endBlock()
				}
				for _, c := range checkers {
					require.NoError(b, c.submit(f))
				}
				b.StartTimer()
				require.NoError(b, f.k.EndBlock(f.ctx))
				b.StopTimer()
				require.Equal(b, number+1, f.running().Number)
				f.endBlock() // prunes
				b.StartTimer()
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/shards, "µs/shard")
		})
	}
}
