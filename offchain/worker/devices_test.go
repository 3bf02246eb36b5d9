// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"context"
	"log/slog"
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/offchain/store"
	"github.com/athnet/ath/offchain/worker/gpu"
	"github.com/athnet/ath/offchain/worker/gpu/sim"
	"github.com/athnet/ath/offchain/worker/machine"
	providertypes "github.com/athnet/ath/x/providers/types"
)

// The chain hears of a broken device at the next look at it, not with the next regular heartbeat, and of its repair too.
func TestBrokenDeviceIsToldAtOnce(t *testing.T) {
	r := newRig(t)
	source := sim.New()
	r.gpu.source, r.gpu.ids = source, []string{"GPU-1"}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 2)
	go func() { done <- r.gpu.run(ctx, r.clock, slog.New(slog.DiscardHandler)) }()
	go func() { done <- r.heartbeatLoop(ctx) }()
	told := func() (int, []providertypes.DeviceFault) {
		r.chain.mu.Lock()
		defer r.chain.mu.Unlock()
		return r.chain.beats, r.chain.faults
	}
	look := func(want int) []providertypes.DeviceFault { // time passes for the look, and not for a regular heartbeat
		var faults []providertypes.DeviceFault
		require.Eventually(t, func() bool {
			var beats int
			if beats, faults = told(); beats >= want {
				return true
			}
			r.clock.Advance(gpuSample)
			return false
		}, 5*time.Second, 5*time.Millisecond)
		return faults
	}
	require.Empty(t, look(1))
	source.Set(nil,
		gpu.Stat{ID: "GPU-1", Faults: []gpu.Fault{{Kind: gpu.FaultXID, Code: 79}}},
		gpu.Stat{ID: "GPU-2", Faults: []gpu.Fault{{Kind: gpu.FaultLost}}}, // which is not rented out
	)
	require.Eventually(t, func() bool { r.clock.Advance(gpuSample); _, faults := told(); return len(faults) > 0 }, 5*time.Second, 5*time.Millisecond)
	_, faults := told()
	require.Equal(t, []providertypes.DeviceFault{{Id: 7, Kind: providertypes.DeviceFaultKind_DEVICE_FAULT_KIND_XID, Code: 79, Device: "GPU-1"}}, faults)
	source.Set(nil, gpu.Stat{ID: "GPU-1"})
	require.Eventually(t, func() bool { r.clock.Advance(gpuSample); _, faults := told(); return len(faults) == 0 }, 5*time.Second, 5*time.Millisecond)
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
	require.ErrorIs(t, <-done, context.Canceled)
}

// once is a source whose driver tells a critical error to the process that runs then.
type once struct {
	*sim.Source
	known map[string]uint64
	keep  func(string, uint64) error
}

func (o *once) Remember(known map[string]uint64, keep func(string, uint64) error) {
	o.known, o.keep = maps.Clone(known), keep
}

// A critical error outlives the worker, and ends with the machine's next start or its owner's word.
func TestErrorsOutliveTheWorker(t *testing.T) {
	s, now := store.NewMem(), func() time.Time { return testStart }
	begin := func(boot string) *once {
		o := &once{Source: sim.New()}
		require.NoError(t, remember(o, s, boot, now, slog.New(slog.DiscardHandler)))
		return o
	}
	first := begin("boot-1")
	require.Empty(t, first.known)
	require.NoError(t, first.keep("GPU-1", 79))
	require.NoError(t, first.keep("GPU-2", 48))
	require.Equal(t, map[string]uint64{"GPU-1": 79, "GPU-2": 48}, begin("boot-1").known)

	require.ErrorIs(t, ClearDevice(s, "GPU-3"), store.ErrNotFound)
	require.NoError(t, ClearDevice(s, "GPU-2"))
	require.Equal(t, map[string]uint64{"GPU-1": 79}, begin("boot-1").known)

	require.Empty(t, begin("boot-2").known, "a restart of the machine resets its devices")
	require.Empty(t, begin("boot-1").known, "and what it forgot does not come back")
}

// A GPU that is gone when the worker starts is told with the first heartbeat, and its return too.
func TestLostBeforeTheStart(t *testing.T) {
	r := newRig(t)
	source := sim.New()
	w, err := r.process(r.chain, r.runtime, r.store, func(d *Deps) {
		d.Devices, d.DeviceIDs, d.Lost = source, []string{"GPU-1", "GPU-2"}, []string{"GPU-2"}
	})
	require.NoError(t, err)
	lost := []providertypes.DeviceFault{{Id: 7, Kind: providertypes.DeviceFaultKind_DEVICE_FAULT_KIND_LOST, Device: "GPU-2"}}
	require.NoError(t, w.heartbeat(t.Context()))
	require.Equal(t, lost, r.chain.faults)
	require.False(t, w.gpu.note([]gpu.Stat{{ID: "GPU-1"}}))
	require.NoError(t, w.heartbeat(t.Context()))
	require.Equal(t, lost, r.chain.faults)
	require.True(t, w.gpu.note([]gpu.Stat{{ID: "GPU-1"}, {ID: "GPU-2"}}))
	require.NoError(t, w.heartbeat(t.Context()))
	require.Empty(t, r.chain.faults)
}

// The machine that was registered is told from another one, whatever of its devices is left.
func TestCompleteMachine(t *testing.T) {
	one, two := gpu.Device{ID: "GPU-1", Kind: gpu.KindGPU}, gpu.Device{ID: "GPU-2", Kind: gpu.KindGPU}
	m := machine.Machine{ID: "here", CPUModel: "cpu"}
	measured := func(on machine.Machine, rented ...gpu.Device) Measured {
		return Measured{Machine: on, Rented: rented, Fingerprint: machine.Fingerprint(on, rented)}
	}
	whole := measured(m, one, two)
	s := store.NewMem()
	known, err := KnownDevices(s)
	require.NoError(t, err)
	require.Empty(t, known)
	_, _, ok := measured(m, one).Complete(known, whole.Fingerprint)
	require.False(t, ok, "nothing is known of what was there")
	require.NoError(t, KeepDevices(s, whole.Rented))
	known, err = KnownDevices(s)
	require.NoError(t, err)

	same, lost, ok := whole.Complete(known, whole.Fingerprint)
	require.True(t, ok)
	require.Empty(t, lost)
	require.Equal(t, whole, same)
	for _, left := range [][]gpu.Device{{two}, nil} {
		got, lost, ok := measured(m, left...).Complete(known, whole.Fingerprint)
		require.True(t, ok)
		require.Len(t, lost, 2-len(left))
		require.Contains(t, lost, "GPU-1")
		require.Equal(t, whole, got)
	}
	_, _, ok = measured(machine.Machine{ID: "elsewhere", CPUModel: "cpu"}, one).Complete(known, whole.Fingerprint)
	require.False(t, ok)
}

func TestWindowsOfTheConfig(t *testing.T) {
	onChain := []providertypes.Window{{Days: 1, From: 60, To: 120}}
	for text, want := range map[string][]providertypes.Window{"": onChain, "always": nil, "Tue 02:00-03:00": {{Days: 2, From: 120, To: 180}}} {
		got, err := Config{Windows: text}.windows(onChain)
		require.NoError(t, err)
		require.Equal(t, want, got, text)
	}
}
