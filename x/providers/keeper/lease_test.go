// SPDX-License-Identifier: Apache-2.0

package keeper_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/providers/types"
)

const (
	stRegistered  = types.ContainerState_CONTAINER_STATE_REGISTERED
	stChecking    = types.ContainerState_CONTAINER_STATE_CHECKING
	stReady       = types.ContainerState_CONTAINER_STATE_READY
	stLeased      = types.ContainerState_CONTAINER_STATE_LEASED
	stDraining    = types.ContainerState_CONTAINER_STATE_DRAINING
	stMaintenance = types.ContainerState_CONTAINER_STATE_MAINTENANCE
	stOffline     = types.ContainerState_CONTAINER_STATE_OFFLINE
	stQuality     = types.ContainerState_CONTAINER_STATE_QUALITY_CONTROL
)

// statusPrefix is the first byte of a status key.
var statusPrefix = types.StatusPrefix.Bytes()[0]

func TestLeaseWritesOnlyTheStatus(t *testing.T) {
	f := newFixture(t)
	id := f.ready(t, 3)[1]

	require.NoError(t, f.k.Bindable(f.ctx, id))
	require.Empty(t, f.store.writes)
	require.NoError(t, bind(f.k, f.ctx, id, "tenant/1"))
	require.Equal(t, []byte{statusPrefix}, f.store.writes)
	f.requireState(t, stLeased, id)

	f.store.writes = nil
	require.NoError(t, f.k.Release(f.ctx, id, "tenant/1", false))
	require.Equal(t, []byte{statusPrefix}, f.store.writes)
	f.requireState(t, stReady, id)
	require.Empty(t, f.stream.calls)
}

func TestBindableSaysWhyNot(t *testing.T) {
	f := newFixture(t)
	ids := f.ready(t, 2)

	require.ErrorIs(t, f.k.Bindable(f.ctx, 99), types.ErrContainerNotFound)
	require.NoError(t, bind(f.k, f.ctx, ids[0], "tenant/1"))
	err := bind(f.k, f.ctx, ids[0], "tenant/2")
	require.ErrorIs(t, err, types.ErrContainerNotFree)
	require.ErrorContains(t, err, "container 1 is Leased")
	require.ErrorIs(t, bind(f.k, f.ctx, ids[1], ""), types.ErrInvalidField)

	f.advance(15 * time.Minute) // three intervals
	require.NoError(t, f.k.Bindable(f.ctx, ids[1]))
	f.advance(time.Nanosecond)
	err = f.k.Bindable(f.ctx, ids[1])
	require.ErrorIs(t, err, types.ErrContainerNotFree)
	require.ErrorContains(t, err, "last heard of 15m0.000000001s ago")

	f.heartbeat(t, ids[1])
	_, err = f.msgs.SetMaintenance(f.ctx, &types.MsgSetMaintenance{Operator: operator.String(), Ids: ids[1:], On: true, Reason: "new disk"})
	require.NoError(t, err)
	require.ErrorContains(t, f.k.Bindable(f.ctx, ids[1]), "container 2 is Maintenance: new disk")
}

func TestReleaseOfAnotherLeaseIsRefused(t *testing.T) {
	f := newFixture(t)
	id := f.ready(t, 1)[0]
	require.ErrorIs(t, f.k.Release(f.ctx, id, "", false), types.ErrWrongLease)
	require.ErrorIs(t, f.k.Release(f.ctx, id, "tenant/1", false), types.ErrWrongLease)
	require.NoError(t, bind(f.k, f.ctx, id, "tenant/1"))
	require.ErrorIs(t, f.k.Release(f.ctx, id, "tenant/2", false), types.ErrWrongLease)
	require.ErrorIs(t, f.k.Release(f.ctx, 99, "tenant/2", false), types.ErrContainerNotFound)
	f.requireState(t, stLeased, id)
}

// A lease that was not started costs the Container a new check and a day of capacity.
func TestNotStartedSuspends(t *testing.T) {
	f := newFixture(t)
	id := f.ready(t, 1)[0]
	require.NoError(t, bind(f.k, f.ctx, id, "tenant/1"))
	require.NoError(t, f.k.Release(f.ctx, id, "tenant/1", true))
	f.requireState(t, stChecking, id)
	require.Equal(t, []string{"set 1 0"}, f.stream.calls)
	end := f.ctx.BlockTime().Add(24 * time.Hour)

	// What was sealed about the time before does not count: it joins first.
	bits := types.BitmapOf(id)
	f.verdict(t, 4, bits, nil, nil)
	f.requireState(t, stChecking, id)
	f.verdict(t, 5, bits, nil, nil)
	f.requireState(t, stChecking, id)
	f.verdict(t, 6, bits, nil, nil)
	f.requireState(t, stReady, id)
	require.Zero(t, f.status(t, id).Weight)

	f.ctx = f.ctx.WithBlockTime(end.Add(-time.Nanosecond))
	f.heartbeat(t, id)
	require.Zero(t, f.status(t, id).Weight)
	f.ctx = f.ctx.WithBlockTime(end)
	f.heartbeat(t, id)
	require.Nil(t, f.status(t, id).SuspendedUntil)
	require.EqualValues(t, 1_000, f.status(t, id).Weight)
	require.EqualValues(t, 1_000, f.stream.positions[id].weight)
}

func TestDraining(t *testing.T) {
	f := newFixture(t)
	id := f.ready(t, 1)[0]
	maintain := func(on bool) error {
		return f.tx(func(ctx sdk.Context) error {
			_, err := f.msgs.SetMaintenance(ctx, &types.MsgSetMaintenance{Operator: operator.String(), Ids: []uint64{id}, On: on, Reason: "fans"})
			return err
		})
	}
	require.NoError(t, bind(f.k, f.ctx, id, "tenant/1"))
	require.NoError(t, maintain(true))
	f.requireState(t, stDraining, id)
	require.Zero(t, f.stream.positions[id].weight)
	require.ErrorIs(t, maintain(true), types.ErrWrongState)

	// The provider may think better of it while the lease runs.
	require.NoError(t, maintain(false))
	f.requireState(t, stLeased, id)
	require.EqualValues(t, 1_000, f.stream.positions[id].weight)

	require.NoError(t, maintain(true))
	require.NoError(t, f.k.Release(f.ctx, id, "tenant/1", false))
	f.requireState(t, stMaintenance, id)
	h, err := f.k.Shard(f.ctx, 0)
	require.NoError(t, err)
	require.Equal(t, types.ShardHealth{}, h)

	require.NoError(t, maintain(false))
	f.requireState(t, stChecking, id)
}

// Offered is the other half of earning: without it a Ready Container has no weight.
func TestSetOffered(t *testing.T) {
	f := newFixture(t)
	id := f.ready(t, 1)[0]
	require.NoError(t, f.k.SetOffered(f.ctx, id, true))
	require.Empty(t, f.store.writes)
	require.NoError(t, f.k.SetOffered(f.ctx, id, false))
	require.Equal(t, fakePosition{beneficiary: owner.String()}, f.stream.positions[id])
	require.NoError(t, f.k.SetOffered(f.ctx, id, true))
	require.Equal(t, fakePosition{beneficiary: owner.String(), weight: 1_000}, f.stream.positions[id])
	require.ErrorIs(t, f.k.SetOffered(f.ctx, 99, true), types.ErrContainerNotFound)
}

func TestAuthorize(t *testing.T) {
	f := newFixture(t)
	require.ErrorIs(t, f.k.Authorize(f.ctx, owner, owner.String()), types.ErrUnauthorized)
	f.provider(t)
	require.NoError(t, f.k.Authorize(f.ctx, owner, owner.String()))
	require.NoError(t, f.k.Authorize(f.ctx, operator, owner.String()))
	require.ErrorIs(t, f.k.Authorize(f.ctx, stranger, owner.String()), types.ErrUnauthorized)
	require.ErrorIs(t, f.k.Authorize(f.ctx, owner, "garbage"), types.ErrUnauthorized)
}

// TestRebind hands a standby's Container over; one that is faulty or leaves the market takes on nothing.
func TestRebind(t *testing.T) {
	f := newFixture(t)
	id := f.ready(t, 1)[0]
	require.NoError(t, bind(f.k, f.ctx, id, "tenant/2"))
	f.store.writes = nil
	require.NoError(t, f.k.Rebind(f.ctx, id, "tenant/2", "tenant/1"))
	require.Equal(t, []byte{statusPrefix}, f.store.writes)
	status, err := f.k.Status(f.ctx, id)
	require.NoError(t, err)
	require.Equal(t, "tenant/1", status.Lease)
	require.ErrorIs(t, f.k.Rebind(f.ctx, id, "tenant/2", "tenant/3"), types.ErrWrongLease)
	require.ErrorIs(t, f.k.Rebind(f.ctx, id, "", "tenant/3"), types.ErrWrongLease)
	require.ErrorIs(t, f.k.Rebind(f.ctx, id, "tenant/1", ""), types.ErrInvalidField)
	require.ErrorIs(t, f.k.Rebind(f.ctx, 99, "tenant/1", "tenant/3"), types.ErrContainerNotFound)
	_, err = f.msgs.SetMaintenance(f.ctx, &types.MsgSetMaintenance{Operator: operator.String(), Ids: []uint64{id}, On: true, Reason: "new disk"})
	require.NoError(t, err)
	require.ErrorIs(t, f.k.Rebind(f.ctx, id, "tenant/1", "tenant/3"), types.ErrContainerNotFree)

	faulty, err := types.ContainerStatus{Id: 1, State: types.ContainerState_CONTAINER_STATE_LEASED, Lease: "tenant/1"}.Fail(f.ctx.BlockTime(), f.ctx.BlockTime(), "gone")
	require.NoError(t, err)
	_, err = faulty.Rebind("tenant/1", "tenant/2")
	require.ErrorIs(t, err, types.ErrContainerNotFree)
}
