// SPDX-License-Identifier: Apache-2.0

package keeper_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	abci "github.com/cometbft/cometbft/abci/types"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/providers/types"
)

// statusEvents are the status changes that a call emitted.
func (f *fixture) statusEvents(t *testing.T, do func(ctx sdk.Context) error) []types.EventContainerStatusChanged {
	t.Helper()
	ctx := f.ctx.WithEventManager(sdk.NewEventManager())
	require.NoError(t, do(ctx))
	var out []types.EventContainerStatusChanged
	for _, e := range ctx.EventManager().Events() {
		msg, err := sdk.ParseTypedEvent(abci.Event(e))
		require.NoError(t, err)
		if changed, ok := msg.(*types.EventContainerStatusChanged); ok {
			out = append(out, *changed)
		}
	}
	return out
}

// An Indexer follows a Container by its events alone: each carries the whole status that is stored, and there is none
// without a change.
func TestEveryChangeIsAnEvent(t *testing.T) {
	f := newFixture(t)
	id := f.ready(t, 2)[0]
	expect := func(name string, from types.ContainerState, do func(ctx sdk.Context) error) {
		t.Helper()
		events := f.statusEvents(t, do)
		require.Len(t, events, 1, name)
		require.Equal(t, from.Label(), events[0].Previous.Label(), name)
		require.True(t, f.status(t, id).Equal(events[0].Status), name)
	}
	silent := func(name string, do func(ctx sdk.Context) error) {
		t.Helper()
		require.Empty(t, f.statusEvents(t, do), name)
	}
	bits := types.BitmapOf(id)
	maintain := func(on bool) func(ctx sdk.Context) error {
		return func(ctx sdk.Context) error {
			_, err := f.msgs.SetMaintenance(ctx, &types.MsgSetMaintenance{Operator: operator.String(), Ids: []uint64{id}, On: on})
			return err
		}
	}

	silent("offered again", func(ctx sdk.Context) error { return f.k.SetOffered(ctx, id, true) })
	expect("not offered", stReady, func(ctx sdk.Context) error { return f.k.SetOffered(ctx, id, false) })
	silent("heartbeat", func(ctx sdk.Context) error {
		_, err := f.msgs.Heartbeat(ctx, &types.MsgHeartbeat{Operator: operator.String(), Ids: []uint64{id}})
		return err
	})
	expect("bind", stReady, func(ctx sdk.Context) error { return bind(f.k, ctx, id, "tenant/1") })
	v := f.aVerdict(4, nil, bits, nil)
	expect("fault", stLeased, func(ctx sdk.Context) error { return f.k.ApplyVerdict(ctx, v) })
	v = f.aVerdict(5, bits, nil, nil)
	expect("recovery", stLeased, func(ctx sdk.Context) error { return f.k.ApplyVerdict(ctx, v) })
	v = f.aVerdict(6, bits, nil, nil)
	silent("still healthy", func(ctx sdk.Context) error { return f.k.ApplyVerdict(ctx, v) })
	expect("drain", stLeased, maintain(true))
	expect("release", stDraining, func(ctx sdk.Context) error { return f.k.Release(ctx, id, "tenant/1", false) })
	expect("maintenance off", stMaintenance, maintain(false))

	events := f.statusEvents(t, func(ctx sdk.Context) error {
		_, err := f.msgs.RetireContainers(ctx, &types.MsgRetireContainers{Owner: owner.String(), Ids: []uint64{id}})
		return err
	})
	require.Len(t, events, 1)
	require.Equal(t, types.ContainerStatus{Id: id, State: types.ContainerState_CONTAINER_STATE_RETIRED}, events[0].Status)
}
