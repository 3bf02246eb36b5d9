// SPDX-License-Identifier: Apache-2.0

package keeper_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/x/providers/types"
)

// Blocks that follow each other are one stretch, however they are spaced; after a pause, and on a chain that has just begun, another
// one begins with the very block that ends the pause.
func TestResumed(t *testing.T) {
	f := newFixture(t)
	requireResumed := func(want time.Time) {
		t.Helper()
		have, err := f.k.Resumed(f.ctx)
		require.NoError(t, err)
		require.Equal(t, want, have)
	}
	begin := f.ctx.BlockTime()
	requireResumed(begin)
	for _, gap := range []time.Duration{0, 0, time.Second, types.PulseNoted - 1, types.Pause - types.PulseNoted, types.Pause - types.PulseNoted} {
		f.advance(gap)
		requireResumed(begin)
		require.NoError(t, f.k.EndBlock(f.ctx))
		requireResumed(begin)
	}
	f.advance(types.Pause + 1)
	resumed := f.ctx.BlockTime()
	requireResumed(resumed)
	require.NoError(t, f.k.EndBlock(f.ctx))
	f.advance(time.Second)
	requireResumed(resumed)

	// What an export does not carry begins anew.
	g, err := f.k.ExportGenesis(f.ctx)
	require.NoError(t, err)
	other := newFixture(t)
	require.NoError(t, other.k.InitGenesis(other.ctx, *g))
	have, err := other.k.Resumed(other.ctx.WithBlockTime(f.ctx.BlockTime()))
	require.NoError(t, err)
	require.Equal(t, f.ctx.BlockTime(), have)
}
