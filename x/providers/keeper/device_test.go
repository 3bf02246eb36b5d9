// SPDX-License-Identifier: Apache-2.0

package keeper_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	"github.com/athnet/ath/x/providers/types"
)

// beatWith is a heartbeat that says what is broken.
func (f *fixture) beatWith(id uint64, faults ...types.DeviceFault) error {
	_, err := f.msgs.Heartbeat(f.ctx, &types.MsgHeartbeat{Operator: operator.String(), Ids: []uint64{id}, Faults: faults})
	return err
}

func xid(id, code uint64) types.DeviceFault {
	return types.DeviceFault{Id: id, Kind: types.DeviceFaultKind_DEVICE_FAULT_KIND_XID, Code: code, Device: "GPU-1"}
}

// A broken device is off the market in the block of the heartbeat, and only its worker's word and then Checkers bring it back.
func TestBrokenDeviceLeavesTheMarketInOneBlock(t *testing.T) {
	f := newFixture(t)
	id := f.ready(t, 1)[0]
	require.NoError(t, f.k.SetOffered(f.ctx, id, true))
	require.NoError(t, f.beatWith(id, xid(id, 79)))
	f.requireState(t, stQuality, id)
	status, err := f.k.Status(f.ctx, id)
	require.NoError(t, err)
	require.Equal(t, "GPU-1: XID 79", status.Reason)
	require.Zero(t, status.Weight)
	require.ErrorIs(t, bind(f.k, f.ctx, id, "tenant/1"), types.ErrContainerNotFree)
	require.ErrorContains(t, f.k.Bindable(f.ctx, id), "XID 79")

	for round := uint64(4); round < 9; round++ { // however healthy it looks from outside
		f.verdict(t, round, types.BitmapOf(id), nil, nil)
		f.requireState(t, stQuality, id)
	}
	require.NoError(t, f.beatWith(id))
	f.requireState(t, stQuality, id)
	for round := uint64(9); round < 13; round++ {
		f.verdict(t, round, types.BitmapOf(id), nil, nil)
	}
	f.requireState(t, stReady, id)
}

// A lease is not taken away because of a device; what comes after it is.
func TestBrokenDeviceKeepsItsLease(t *testing.T) {
	f := newFixture(t)
	id := f.ready(t, 1)[0]
	require.NoError(t, bind(f.k, f.ctx, id, "tenant/1"))
	require.NoError(t, f.beatWith(id, xid(id, 48)))
	f.requireState(t, stLeased, id)
	require.NoError(t, f.k.Release(f.ctx, id, "tenant/1", false))
	f.requireState(t, stQuality, id)

	g := newFixture(t)
	id = g.ready(t, 1)[0]
	require.NoError(t, bind(g.k, g.ctx, id, "tenant/1"))
	require.NoError(t, g.beatWith(id, xid(id, 48)))
	require.NoError(t, g.beatWith(id))
	require.NoError(t, g.k.Release(g.ctx, id, "tenant/1", false))
	g.requireState(t, stQuality, id) // however sound it looks now
	require.NoError(t, g.beatWith(id))
	for round := uint64(4); round < 8; round++ {
		g.verdict(t, round, types.BitmapOf(id), nil, nil)
	}
	g.requireState(t, stReady, id)
}

func TestMaintenanceIsNoWayRoundABrokenDevice(t *testing.T) {
	f := newFixture(t)
	id := f.ready(t, 1)[0]
	maintain := func(on bool) error {
		_, err := f.msgs.SetMaintenance(f.ctx, &types.MsgSetMaintenance{Operator: operator.String(), Ids: []uint64{id}, On: on})
		return err
	}
	require.NoError(t, maintain(true))
	require.NoError(t, f.beatWith(id, xid(id, 79)))
	require.ErrorIs(t, maintain(false), types.ErrWrongState)
	require.NoError(t, f.beatWith(id))
	require.NoError(t, maintain(false))
}

func TestFaultsOfHeartbeatsAreChecked(t *testing.T) {
	f := newFixture(t)
	id := f.ready(t, 1)[0]
	many := make([]types.DeviceFault, types.MaxDeviceFaults+1)
	for i := range many {
		many[i] = xid(id, uint64(i))
	}
	for name, faults := range map[string][]types.DeviceFault{
		"of another container": {xid(id+1, 79)},
		"of no kind":           {{Id: id}},
		"of an unknown kind":   {{Id: id, Kind: 99}},
		"too long a name":      {{Id: id, Kind: types.DeviceFaultKind_DEVICE_FAULT_KIND_LOST, Device: string(make([]byte, 65))}},
		"too many":             many,
	} {
		require.ErrorIs(t, f.beatWith(id, faults...), types.ErrInvalidField, name)
	}
	require.NoError(t, f.beatWith(id, many[1:]...))
	status, err := f.k.Status(f.ctx, id)
	require.NoError(t, err)
	require.LessOrEqual(t, len(status.DeviceFault), 128)
}

func TestOutsideOfItsWindowsAContainerIsNotLeased(t *testing.T) {
	f := newFixture(t)
	id := f.ready(t, 1)[0]
	c, err := f.k.Container(f.ctx, id)
	require.NoError(t, err)
	now := f.ctx.BlockTime()
	opens := now.Add(2 * time.Hour).Truncate(time.Hour)
	update := &types.MsgUpdateContainer{
		Operator: operator.String(), Id: id, Endpoint: c.Endpoint, Connectivity: c.Connectivity, Region: c.Region, Spec: c.Spec, Fingerprint: c.Fingerprint,
		Windows: []types.Window{{Days: 127, From: uint32(opens.Hour() * 60), To: uint32(opens.Hour()*60 + 30)}},
	}
	_, err = f.msgs.UpdateContainer(f.ctx, update)
	require.NoError(t, err)
	err = f.k.Bindable(f.ctx, id)
	require.ErrorIs(t, err, types.ErrContainerNotFree)
	require.ErrorContains(t, err, opens.UTC().Format(time.RFC3339))
	f.ctx = f.ctx.WithBlockTime(opens)
	require.NoError(t, f.beatWith(id))
	require.NoError(t, bind(f.k, f.ctx, id, "tenant/1"))
	update.Windows = []types.Window{{Days: 0, To: 1}}
	_, err = f.msgs.UpdateContainer(f.ctx, update)
	require.ErrorIs(t, err, types.ErrInvalidField)
}

// Nobody registers a machine whose worker has not agreed to earn for him.
func TestARegistrationCannotBeCopied(t *testing.T) {
	f := newFixture(t)
	f.provider(t)
	_, err := f.msgs.RegisterProvider(f.ctx, &types.MsgRegisterProvider{Owner: stranger.String(), Tier: types.Tier_TIER_EDGE})
	require.NoError(t, err)
	seen := consented(owner, 1)
	register := func(who string, news []types.NewContainer) error {
		_, err := f.msgs.RegisterContainers(f.ctx, &types.MsgRegisterContainers{Owner: who, MaxStake: math.NewInt(capital), Containers: news})
		return err
	}
	require.ErrorContains(t, register(stranger.String(), seen), "worker_signature")
	other := consented(owner, 1)
	other[0].Fingerprint = cpu(2).Fingerprint
	require.ErrorContains(t, register(owner.String(), other), "worker_signature")
	other = consented(owner, 1)
	other[0].WorkerSignature = nil
	require.ErrorContains(t, register(owner.String(), other), "worker_signature")
	require.NoError(t, register(owner.String(), seen))
}
