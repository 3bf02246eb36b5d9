// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/offchain/worker/gpu"
	"github.com/athnet/ath/offchain/worker/gpu/sim"
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
