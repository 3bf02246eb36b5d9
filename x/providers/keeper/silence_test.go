// SPDX-License-Identifier: Apache-2.0

package keeper_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/x/providers/types"
)

// rounds lets rounds pass in blocks of a minute, in each of which all are found healthy and some are heard of.
func (f *fixture) rounds(t *testing.T, first, n uint64, all types.Bitmap, heard ...uint64) {
	t.Helper()
	for number := first; number < first+n; number++ {
		for end := start.Add(time.Duration(number)*round + 2*round); f.ctx.BlockTime().Before(end); f.advance(time.Minute) {
			require.NoError(t, f.k.EndBlock(f.ctx))
			if len(heard) > 0 {
				f.heartbeat(t, heard...)
			}
		}
		f.verdict(t, number, all, nil, nil)
	}
	require.NoError(t, f.k.CheckInvariants(f.ctx))
}

// A worker that falls silent keeps its Container from being leased, and so from being paid for being there, however healthy
// Checkers find it; a heartbeat now and then does not help, and who was heard of loses nothing.
func TestSilenceEarnsNothing(t *testing.T) {
	f := newFixture(t)
	ids := f.ready(t, 2)
	all := types.BitmapOf(ids...)
	require.NoError(t, f.k.EndBlock(f.ctx))
	f.rounds(t, 4, types.SilenceRounds, all, ids[1])
	silent := f.status(t, ids[0])
	require.ErrorIs(t, f.k.Bindable(f.ctx, ids[0]), types.ErrContainerNotFree)
	require.Zero(t, silent.Weight)
	require.NotNil(t, silent.SuspendedUntil)
	require.Equal(t, types.ContainerState_CONTAINER_STATE_READY, silent.State)
	require.NoError(t, f.k.Bindable(f.ctx, ids[1]))
	require.NotZero(t, f.status(t, ids[1]).Weight)

	// Back, it may be leased at once, and earns again when it was suspended for as long as it was silent.
	f.heartbeat(t, ids...)
	require.NoError(t, f.k.Bindable(f.ctx, ids[0]))
	require.Zero(t, f.status(t, ids[0]).Weight)
	for f.ctx.BlockTime().Before(*silent.SuspendedUntil) {
		require.Zero(t, f.status(t, ids[0]).Weight)
		require.NoError(t, f.k.EndBlock(f.ctx))
		f.advance(time.Minute)
		f.heartbeat(t, ids...)
	}
	require.NotZero(t, f.status(t, ids[0]).Weight)
}

// A heartbeat that comes late takes back what was earned in between, unless the network stood still.
func TestLateHeartbeat(t *testing.T) {
	const late = 40 * time.Minute
	for name, tc := range map[string]struct {
		step time.Duration
		want time.Duration
	}{"blocks came": {time.Minute, late}, "the network stood still": {late, 0}} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			ids := f.ready(t, 1)
			require.NoError(t, f.k.EndBlock(f.ctx))
			f.heartbeat(t, ids...)
			for passed := time.Duration(0); passed < late; passed += tc.step {
				f.advance(tc.step)
				require.NoError(t, f.k.EndBlock(f.ctx))
			}
			f.heartbeat(t, ids...)
			s := f.status(t, ids[0])
			require.Equal(t, tc.want == 0, s.SuspendedUntil == nil)
			require.Equal(t, tc.want == 0, s.Weight > 0)
			if tc.want > 0 {
				require.Equal(t, f.ctx.BlockTime().Add(tc.want), *s.SuspendedUntil)
			}
			require.NoError(t, f.k.CheckInvariants(f.ctx))
		})
	}
}

// Who earned nothing while silent, because it was faulty or off the market, has nothing to give back; who serves a lease serves.
func TestSilenceWithoutReward(t *testing.T) {
	f := newFixture(t)
	ids := f.ready(t, 2)
	require.NoError(t, f.k.SetOffered(f.ctx, ids[0], false))
	require.NoError(t, bind(f.k, f.ctx, ids[1], "tenant/1"))
	require.NoError(t, f.k.EndBlock(f.ctx))
	f.rounds(t, 4, types.SilenceRounds, types.BitmapOf(ids...))
	f.heartbeat(t, ids...)
	for _, id := range ids {
		require.Nil(t, f.status(t, id).SuspendedUntil)
	}
	require.NotZero(t, f.status(t, ids[1]).Weight)
}
