// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/ath/types"
)

// longEpoch makes the capacity emission easy to count: rate uath per second over an epoch of 10^6 seconds.
func longEpoch(t *testing.T) (f *fixture, rate int64) {
	params := shortParams()
	params.EpochDuration = 1_000_000 * time.Second
	f = newFixture(t, params)
	stream, err := f.k.stream.Get(f.ctx)
	require.NoError(t, err)
	return f, stream.PerEpoch.Int64() / 1_000_000
}

func (f *fixture) position(holder uint64, beneficiary sdk.AccAddress, weight int64) func(sdk.Context) error {
	return func(ctx sdk.Context) error {
		return f.k.SetPosition(ctx, holder, holder/512, beneficiary, math.NewInt(weight))
	}
}

func (f *fixture) markRound(round uint64) func(sdk.Context) error {
	return func(ctx sdk.Context) error { return f.k.MarkRound(ctx, round) }
}

func (f *fixture) confirm(group, round uint64) func(sdk.Context) error {
	return func(ctx sdk.Context) error { return f.k.Confirm(ctx, group, round) }
}

func (f *fixture) claimedCapacity(who sdk.AccAddress, containers ...uint64) int64 {
	var res types.MsgClaimResponse
	f.block(0, claim(f, who, &res, containers...))
	return res.Claimed.Int64()
}

func TestCapacityIsPaidForConfirmedRounds(t *testing.T) {
	f, rate := longEpoch(t)
	const minute = time.Minute
	f.block(time.Second, f.position(1, user(1), 30), f.position(2, user(2), 10), f.position(600, user(3), 60))
	f.block(minute, f.markRound(1)) // the round in which they joined
	f.block(minute, f.markRound(2), f.confirm(0, 1), f.confirm(1, 1))
	require.Zero(t, f.row(types.EarnedRow(types.Pool_POOL_CAPACITY)), "nobody earns the round in which it joined")
	f.block(minute, f.markRound(3), f.confirm(0, 2)) // group 1 got no quorum
	f.block(minute, f.confirm(0, 3), f.confirm(1, 3))

	round := 60 * rate
	require.InDelta(t, round*2*30/100, f.claimedCapacity(user(1), 1), 60)
	require.InDelta(t, round*2*10/100, f.claimedCapacity(user(2), 2), 60)
	require.InDelta(t, round*1*60/100, f.claimedCapacity(user(3), 600), 60)
	require.LessOrEqual(t, f.row(types.EarnedRow(types.Pool_POOL_CAPACITY)), int64(10), "dust")
}

func TestSkipMissesOneRound(t *testing.T) {
	f, rate := longEpoch(t)
	f.block(time.Second, f.position(1, user(1), 10), f.position(2, user(2), 10))
	f.block(time.Minute, f.markRound(1))
	f.block(time.Minute, f.markRound(2))
	f.block(0, func(ctx sdk.Context) error { return f.k.Skip(ctx, 1, 2) }, f.confirm(0, 2))
	f.block(time.Minute, f.markRound(3), f.confirm(0, 3))
	round := 60 * rate
	require.InDelta(t, round/2, f.claimedCapacity(user(1), 1), 60)
	require.InDelta(t, round, f.claimedCapacity(user(2), 2), 60)
	f.open(0)
	require.ErrorIs(t, f.k.Skip(f.ctx, 1, 3), types.ErrRoundConfirmed)
	require.NoError(t, f.k.Skip(f.ctx, 77, 3), "nothing to miss")
}

func TestLoweredWeightCountsForTheWholeRound(t *testing.T) {
	f, rate := longEpoch(t)
	f.block(time.Second, f.position(1, user(1), 10), f.position(2, user(2), 10))
	f.block(time.Minute, f.markRound(1))
	f.block(30*time.Second, f.position(1, user(1), 0)) // a fault in the middle of round 2
	f.block(10*time.Second, f.position(1, user(1), 10))
	f.block(20*time.Second, f.markRound(2), f.confirm(0, 2))
	require.Zero(t, f.claimedCapacity(user(1), 1))
	require.InDelta(t, 60*rate/2, f.claimedCapacity(user(2), 2), 60)
	f.block(time.Minute, f.markRound(3), f.confirm(0, 3))
	require.InDelta(t, 60*rate/2, f.claimedCapacity(user(1), 1), 60)
}

func TestRemovePosition(t *testing.T) {
	f, rate := longEpoch(t)
	remove := func(ctx sdk.Context) error { return f.k.RemovePosition(ctx, 1) }
	f.block(time.Second, f.position(1, user(1), 10))
	f.block(time.Second, remove)
	require.Empty(t, export(t, f).StreamPositions, "it never had a round")

	f.block(time.Second, f.position(1, user(1), 10), f.position(2, user(2), 10))
	f.block(time.Minute, f.markRound(1))
	f.block(time.Minute, f.markRound(2))
	f.block(time.Second, remove, remove)
	require.Len(t, export(t, f).StreamPositions, 2, "round 2 may still be confirmed")
	f.block(time.Second, f.confirm(0, 2))
	f.block(time.Minute, f.markRound(3), f.confirm(0, 3))
	require.Len(t, export(t, f).StreamPositions, 1)
	require.InDelta(t, 60*rate/2, f.row(types.OwedRow(bech(user(1)), types.Ledger_LEDGER_CAPACITY)), 60)
	require.Equal(t, int64(10), export(t, f).Stream.NextWeight.Int64())
}

func TestPositionMovesToAnotherBeneficiary(t *testing.T) {
	f, _ := longEpoch(t)
	f.block(time.Second, f.position(1, user(1), 10))
	f.block(time.Minute, f.markRound(1))
	f.block(time.Minute, f.markRound(2), f.confirm(0, 2))
	f.block(time.Second, f.position(1, user(2), 10))
	require.Positive(t, f.row(types.OwedRow(bech(user(1)), types.Ledger_LEDGER_CAPACITY)), "settled before")
	f.block(time.Minute, f.markRound(3), f.confirm(0, 3))
	f.open(0)
	_, err := f.msgs.Claim(f.ctx, &types.MsgClaim{Signer: bech(user(1)), Containers: []uint64{1}})
	require.ErrorIs(t, err, types.ErrNotBeneficiary)
	require.ErrorContains(t, err, "containers[0]")
	require.ErrorIs(t, f.k.SetPosition(f.ctx, 1, 5, user(2), math.OneInt()), types.ErrPositionGroup)
	require.ErrorIs(t, f.k.SetPosition(f.ctx, 1, 0, user(2), math.NewInt(-1)), types.ErrInvalidWeight)
	require.ErrorIs(t, f.k.SetPosition(f.ctx, 1, 0, nil, math.OneInt()), types.ErrInvalidAddress)
}

func TestRoundsAreConfirmedInOrderAndOnce(t *testing.T) {
	f, _ := longEpoch(t)
	f.block(time.Second, f.position(1, user(1), 10))
	f.block(time.Minute, f.markRound(4))
	f.block(time.Minute, f.markRound(9))
	f.open(time.Second)
	require.ErrorIs(t, f.k.MarkRound(f.ctx, 9), types.ErrRoundOrder)
	require.ErrorIs(t, f.k.Confirm(f.ctx, 0, 5), types.ErrRoundUnknown)
	require.NoError(t, f.k.Confirm(f.ctx, 0, 9))
	require.ErrorIs(t, f.k.Confirm(f.ctx, 0, 9), types.ErrRoundConfirmed)
	require.ErrorIs(t, f.k.Confirm(f.ctx, 0, 4), types.ErrRoundConfirmed)
	f.close()
}

func TestMarksArePruned(t *testing.T) {
	f, _ := longEpoch(t)
	for round := range uint64(types.KeptMarks + 10) {
		f.block(time.Second, f.markRound(round*2))
	}
	marks := export(t, f).StreamMarks
	require.Len(t, marks, types.KeptMarks)
	require.Equal(t, uint64(20), marks[0].Round)
}

// A weight that changes in the very block in which a round ends counts from the next round on, on both sides of the
// division.
func TestWeightChangedInTheBlockOfTheMark(t *testing.T) {
	f, rate := longEpoch(t)
	f.block(time.Second, f.position(1, user(1), 10))
	f.block(time.Minute, f.position(2, user(2), 90), f.markRound(1))
	f.block(time.Minute, f.markRound(2), f.confirm(0, 2))
	require.InDelta(t, 60*rate/10, f.claimedCapacity(user(1), 1), 60)
	require.InDelta(t, 60*rate*9/10, f.claimedCapacity(user(2), 2), 60)
}

// The stream distributes an epoch's budget and no more, however late the block is that ends the epoch, and also when the
// chain stood still for so long that epochs are not caught up.
func TestStreamStopsAtTheEpochsEnd(t *testing.T) {
	for _, late := range []time.Duration{0, 10 * time.Second, time.Hour} {
		f := newFixture(t, shortParams())
		budget := f.row(types.PoolRow(types.Pool_POOL_CAPACITY))
		f.block(0, f.position(1, user(1), 10), f.markRound(1))
		f.block(time.Minute+late, f.markRound(2), f.confirm(0, 2))
		earned := f.row(types.EarnedRow(types.Pool_POOL_CAPACITY))
		require.InDelta(t, budget, earned, 1, late)
		epoch, err := f.k.Epoch(f.ctx)
		require.NoError(t, err)
		f.block(epoch.End().Sub(f.now)/2, f.markRound(3), f.confirm(0, 3))
		stream, err := f.k.stream.Get(f.ctx)
		require.NoError(t, err)
		if late < time.Minute {
			part := f.now.Sub(epoch.Start).Nanoseconds() * (stream.PerEpoch.Int64() / int64(time.Minute/time.Microsecond)) / 1_000
			require.InDelta(t, part, f.row(types.EarnedRow(types.Pool_POOL_CAPACITY))-earned, float64(part)/1000, late)
		} else {
			require.Less(t, f.row(types.EarnedRow(types.Pool_POOL_CAPACITY))-earned, stream.PerEpoch.Int64(), late)
		}
	}
}

// What nobody confirmed stays in the pool and comes back over the next epochs.
func TestUnconfirmedCapacityComesBack(t *testing.T) {
	f := newFixture(t, shortParams())
	f.block(0, f.position(1, user(1), 10), f.markRound(1))
	for range 3 {
		f.nextEpoch()
	}
	stream, err := f.k.stream.Get(f.ctx)
	require.NoError(t, err)
	emission := f.params.Divide(types.Emission(4))[2].Amount
	left := f.row(types.PoolRow(types.Pool_POOL_CAPACITY)) - emission.Int64()
	require.Equal(t, emission.Int64()+left/types.RolloverEpochs, stream.PerEpoch.Int64())
}

// Providers that change or claim in the same block write no common key.
func TestHoldersWriteNoCommonKey(t *testing.T) {
	f, _ := longEpoch(t)
	f.block(time.Second, f.position(1, user(1), 10), f.position(2, user(2), 10))
	f.block(time.Minute, f.markRound(1))
	f.block(time.Minute, f.markRound(2), f.confirm(0, 2))
	f.open(time.Second)
	seen := make(map[string]int)
	for i := 1; i <= 2; i++ {
		for _, key := range f.writes.record(func() {
			require.NoError(t, f.tx(i, claim(f, user(i), nil, uint64(i))))
			require.NoError(t, f.tx(i, f.position(uint64(i), user(i), 20)))
		}) {
			require.NotContains(t, seen, key)
			seen[key] = i
		}
	}
	f.close()
}
