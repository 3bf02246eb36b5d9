// SPDX-License-Identifier: Apache-2.0

package keeper_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/x/providers/types"
)

var shardPrefix = types.ShardPrefix.Bytes()[0]

func TestHealthyShardIsOneWrite(t *testing.T) {
	f := newFixture(t)
	ids := f.ready(t, 100)
	f.verdict(t, 4, types.BitmapOf(ids...), nil, nil)
	require.Equal(t, []byte{shardPrefix}, f.store.writes)
	require.Equal(t, []string{"confirm 0 4"}, f.stream.calls)
	h, err := f.k.Shard(f.ctx, 0)
	require.NoError(t, err)
	require.Equal(t, start.Add(5*round), h.ConfirmedUntil)
}

func TestUndecidedRoundChangesNothing(t *testing.T) {
	f := newFixture(t)
	ids := f.ready(t, 2)
	v := f.aVerdict(4, nil, types.BitmapOf(ids...), nil)
	v.Decided = false
	before := f.snapshot(t)
	require.NoError(t, f.k.ApplyVerdict(f.ctx, v))
	require.Equal(t, before, f.snapshot(t))
	require.Empty(t, f.stream.calls)
	require.Empty(t, f.store.writes)
}

// Whoever was not found healthy misses the round's reward, and the stream learns it before the round is confirmed.
func TestSkipComesBeforeConfirm(t *testing.T) {
	f := newFixture(t)
	ids := f.ready(t, 4)
	f.verdict(t, 4, types.BitmapOf(ids[0]), types.BitmapOf(ids[1]), types.BitmapOf(ids[2]))
	require.Equal(t, []string{"skip 2 4", "skip 3 4", "skip 4 4", "set 2 0", "confirm 0 4"}, f.stream.calls)
	f.requireState(t, stOffline, ids[1])
	f.requireState(t, stReady, ids[0], ids[2], ids[3])

	// Its weight comes back with its health, and only the changed one is written.
	f.store.writes, f.stream.calls = nil, nil
	f.verdict(t, 5, types.BitmapOf(ids...), nil, nil)
	require.Equal(t, []string{"confirm 0 5", "set 2 1000"}, f.stream.calls)
	require.Equal(t, []byte{statusPrefix, shardPrefix}, f.store.writes)
	f.requireState(t, stReady, ids...)
}

// A fault while leased never ends the lease; it only stops what is paid, from the first of its two rounds on.
func TestFaultKeepsTheLease(t *testing.T) {
	f := newFixture(t)
	id := f.ready(t, 1)[0]
	bound := f.ctx.BlockTime()
	require.NoError(t, bind(f.k, f.ctx, id, "tenant/1"))
	f.verdict(t, 8, nil, types.BitmapOf(id), nil)
	f.requireState(t, stLeased, id)
	require.Zero(t, f.stream.positions[id].weight)
	since := start.Add(7 * round)
	require.True(t, since.After(bound))
	require.Equal(t, since, *f.status(t, id).FaultAt)
	outage, err := f.k.Outage(f.ctx, id)
	require.NoError(t, err)
	require.Equal(t, f.ctx.BlockTime().Sub(since), outage)

	// A second fault verdict changes nothing; a heartbeat does not heal.
	f.verdict(t, 9, nil, types.BitmapOf(id), nil)
	f.heartbeat(t, id)
	require.Equal(t, since, *f.status(t, id).FaultAt)

	f.verdict(t, 10, types.BitmapOf(id), nil, nil)
	f.requireState(t, stLeased, id)
	healed := f.ctx.BlockTime()
	require.EqualValues(t, 1_000, f.stream.positions[id].weight)
	f.advance(time.Hour)
	outage, err = f.k.Outage(f.ctx, id)
	require.NoError(t, err)
	require.Equal(t, healed.Sub(since), outage)
}

func TestReleaseWhileFaultyGoesOffline(t *testing.T) {
	f := newFixture(t)
	id := f.ready(t, 1)[0]
	require.NoError(t, bind(f.k, f.ctx, id, "tenant/1"))
	f.verdict(t, 8, nil, types.BitmapOf(id), nil)
	require.NoError(t, f.k.Release(f.ctx, id, "tenant/1", false))
	f.requireState(t, stOffline, id)
	require.ErrorContains(t, f.k.Bindable(f.ctx, id), "Offline: found faulty in round 8")
	f.heartbeat(t, id)
	f.requireState(t, stOffline, id)
	f.verdict(t, 9, types.BitmapOf(id), nil, nil)
	f.requireState(t, stReady, id)
	require.Empty(t, f.status(t, id).Reason)
}

func TestCheckingMayFail(t *testing.T) {
	f := newFixture(t)
	id := f.containers(t, 1)[0]
	f.heartbeat(t, id)
	bits := types.BitmapOf(id)
	f.verdict(t, 1, bits, nil, nil) // speaks of a round in which it was no member
	f.verdict(t, 2, bits, nil, nil)
	f.requireState(t, stChecking, id)
	f.verdict(t, 3, nil, nil, bits)
	f.requireState(t, stChecking, id)
	f.verdict(t, 4, nil, bits, nil)
	f.requireState(t, stOffline, id)
}

func TestVerdictsAreRefused(t *testing.T) {
	f := newFixture(t)
	id := f.ready(t, 1)[0]
	good := f.aVerdict(4, types.BitmapOf(id), nil, nil)
	for name, spoil := range map[string]func(*types.ShardVerdict){
		"too many bytes":       func(v *types.ShardVerdict) { v.Healthy = make([]byte, 65) },
		"two verdicts":         func(v *types.ShardVerdict) { v.Suspect = v.Healthy },
		"no time":              func(v *types.ShardVerdict) { v.Until = v.From },
		"fault without since":  func(v *types.ShardVerdict) { v.Healthy, v.Faulty, v.FaultSince = nil, v.Healthy, time.Time{} },
		"fault after round":    func(v *types.ShardVerdict) { v.Healthy, v.Faulty, v.FaultSince = nil, v.Healthy, v.Until },
		"round confirmed once": func(v *types.ShardVerdict) { v.From = v.From.Add(-time.Nanosecond) },
	} {
		t.Run(name, func(t *testing.T) {
			v := good
			spoil(&v)
			before := f.snapshot(t)
			require.ErrorIs(t, f.k.ApplyVerdict(f.ctx, v), types.ErrInvalidVerdict)
			require.Equal(t, before, f.snapshot(t))
		})
	}
	require.NoError(t, f.k.ApplyVerdict(f.ctx, good))
	require.ErrorIs(t, f.k.ApplyVerdict(f.ctx, good), types.ErrInvalidVerdict)
}

func TestShards(t *testing.T) {
	f := newFixture(t)
	n, err := f.k.Shards(f.ctx)
	require.NoError(t, err)
	require.Zero(t, n)
	f.containers(t, 100)
	n, err = f.k.Shards(f.ctx)
	require.NoError(t, err)
	require.EqualValues(t, 1, n)
	for next, want := range map[uint64]uint64{512: 1, 513: 2, 1_024: 2, 1_025: 3} { // the highest id is one less
		g, err := f.k.ExportGenesis(f.ctx)
		require.NoError(t, err)
		g.NextContainer = next
		other := newFixture(t)
		require.NoError(t, other.k.InitGenesis(other.ctx, *g))
		n, err := other.k.Shards(other.ctx)
		require.NoError(t, err)
		require.Equal(t, want, n)
	}

	// A verdict on a shard without Containers says nothing.
	f.store.writes = nil
	v := f.aVerdict(1, types.BitmapOf(1, 2, 3), nil, nil)
	v.Shard = 7
	require.NoError(t, f.k.ApplyVerdict(f.ctx, v))
	require.Empty(t, f.store.writes)
	require.Empty(t, f.stream.calls)
}
