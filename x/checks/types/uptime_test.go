// SPDX-License-Identifier: Apache-2.0

package types

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"cosmossdk.io/math"
)

// However a quarter's tasks are cut into blocks, the weight is in the end the number of correct ones if more than 95% were,
// and nothing otherwise; the changes sum to it.
func TestUptimePaysAboveTheThresholdOnly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		u := Uptime{Licence: 3, Quarter: 91, Tasks: 5, Correct: 5, Credited: 5} // of the quarter before
		weight, tasks, correct := math.ZeroInt(), uint64(0), uint64(0)
		for range rapid.IntRange(1, 30).Draw(t, "blocks") {
			n := rapid.Uint64Range(1, 40).Draw(t, "tasks")
			c := n - min(n, rapid.Uint64Range(0, 3).Draw(t, "wrong"))
			var change math.Int
			u, change = u.Count(182, n, c, 950_000)
			weight, tasks, correct = weight.Add(change), tasks+n, correct+c
			want := uint64(0)
			if correct*100 > tasks*95 {
				want = correct
			}
			require.Equal(t, want, weight.Uint64())
			require.Equal(t, Uptime{Licence: 3, Quarter: 182, Tasks: tasks, Correct: correct, Credited: want}, u)
			require.NoError(t, u.Validate())
		}
	})
}

func TestUptimeAtTheThresholdIsNotAbove(t *testing.T) {
	u, change := Uptime{Licence: 1}.Count(91, 20, 19, 950_000)
	require.True(t, change.IsZero() && u.Credited == 0)
	u, change = u.Count(91, 1, 1, 950_000)
	require.Equal(t, int64(20), change.Int64())
	_, change = u.Count(91, 1, 0, 950_000)
	require.Equal(t, int64(-20), change.Int64())
	require.ErrorIs(t, Uptime{Licence: 1, Tasks: 1, Correct: 2}.Validate(), ErrInvalidGenesis)
}
