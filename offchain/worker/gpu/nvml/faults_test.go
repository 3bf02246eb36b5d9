// SPDX-License-Identifier: Apache-2.0

//go:build cgo && linux

package nvml

import (
	"errors"
	"testing"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock"
	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/offchain/worker/gpu"
)

// driver answers as NVIDIA's library does, in a state that the test sets.
type driver struct {
	events []nvml.EventData
	ecc    uint64
	remap  bool
	lost   bool
}

func (d *driver) device() *mock.Device {
	gone := func() nvml.Return {
		if d.lost {
			return nvml.ERROR_GPU_IS_LOST
		}
		return nvml.SUCCESS
	}
	return &mock.Device{
		GetUUIDFunc:             func() (string, nvml.Return) { return "GPU-1", gone() },
		GetUtilizationRatesFunc: func() (nvml.Utilization, nvml.Return) { return nvml.Utilization{Gpu: 50}, gone() },
		GetTemperatureFunc:      func(nvml.TemperatureSensors) (uint32, nvml.Return) { return 60, gone() },
		GetMemoryInfoFunc:       func() (nvml.Memory, nvml.Return) { return nvml.Memory{Used: 1 << 30}, gone() },
		GetTotalEccErrorsFunc: func(nvml.MemoryErrorType, nvml.EccCounterType) (uint64, nvml.Return) {
			return d.ecc, gone()
		},
		GetRemappedRowsFunc: func() (int, int, bool, bool, nvml.Return) { return 0, 2, false, d.remap, gone() },
		RegisterEventsFunc:  func(uint64, nvml.EventSet) nvml.Return { return nvml.SUCCESS },
	}
}

func (d *driver) library() nvml.Interface {
	device := d.device()
	set := &mock.EventSet{WaitFunc: func(uint32) (nvml.EventData, nvml.Return) {
		if len(d.events) == 0 {
			return nvml.EventData{}, nvml.ERROR_TIMEOUT
		}
		event := d.events[0]
		event.Device, d.events = device, d.events[1:]
		return event, nvml.SUCCESS
	}}
	return &mock.Interface{
		InitFunc:                   func() nvml.Return { return nvml.SUCCESS },
		DeviceGetCountFunc:         func() (int, nvml.Return) { return 1, nvml.SUCCESS },
		DeviceGetHandleByIndexFunc: func(int) (nvml.Device, nvml.Return) { return device, nvml.SUCCESS },
		EventSetCreateFunc:         func() (nvml.EventSet, nvml.Return) { return set, nvml.SUCCESS },
	}
}

func TestFaults(t *testing.T) {
	d := &driver{}
	s := newSource(d.library())
	kept := map[string]uint64{}
	full := true
	s.Remember(nil, func(id string, xid uint64) error {
		if full {
			return errors.New("no space")
		}
		kept[id] = xid
		return nil
	})
	look := func() []gpu.Fault {
		stats, err := s.Stats(t.Context())
		require.NoError(t, err)
		require.Len(t, stats, 1)
		require.Equal(t, "GPU-1", stats[0].ID)
		return stats[0].Faults
	}
	require.Empty(t, look())
	d.events = []nvml.EventData{{EventType: nvml.EventTypeXidCriticalError, EventData: 31}, {EventType: nvml.EventTypeXidCriticalError, EventData: 13}}
	require.Empty(t, look(), "what a tenant's program can cause is no fault of the machine")
	d.ecc, d.remap = 3, true
	require.Equal(t, []gpu.Fault{{Kind: gpu.FaultECC, Code: 3}, {Kind: gpu.FaultRowRemap, Code: 2}}, look())
	d.ecc, d.remap = 0, false
	require.Empty(t, look())
	d.events = []nvml.EventData{{EventType: nvml.EventTypeXidCriticalError, EventData: 79}}
	require.Equal(t, []gpu.Fault{{Kind: gpu.FaultXID, Code: 79}}, look())
	require.Equal(t, []gpu.Fault{{Kind: gpu.FaultXID, Code: 79}}, look(), "it stays")
	d.lost = true
	require.Equal(t, []gpu.Fault{{Kind: gpu.FaultLost}}, look())

	// The next process hears nothing of it from the driver.
	require.Empty(t, kept, "the disk was full")
	full = false
	require.Equal(t, []gpu.Fault{{Kind: gpu.FaultLost}}, look())
	require.Equal(t, map[string]uint64{"GPU-1": 79}, kept)
	d.lost = false
	s = newSource(d.library())
	require.Empty(t, look())
	s.Remember(kept, func(string, uint64) error { t.Error("nothing is new"); return nil })
	require.Equal(t, []gpu.Fault{{Kind: gpu.FaultXID, Code: 79}}, look())
}

// A GPU that falls off the bus tells no more than the handle that it had: its error stays its own when it is back.
func TestErrorOfADeviceThatIsGone(t *testing.T) {
	d := &driver{}
	s := newSource(d.library())
	kept := map[string]uint64{}
	s.Remember(nil, func(id string, xid uint64) error { kept[id] = xid; return nil })
	_, err := s.Stats(t.Context())
	require.NoError(t, err)
	d.lost = true
	d.events = []nvml.EventData{{EventType: nvml.EventTypeXidCriticalError, EventData: 79}}
	_, err = s.Stats(t.Context())
	require.NoError(t, err)
	require.Equal(t, map[string]uint64{"GPU-1": 79}, kept)
	d.lost = false
	stats, err := s.Stats(t.Context())
	require.NoError(t, err)
	require.Equal(t, []gpu.Fault{{Kind: gpu.FaultXID, Code: 79}}, stats[0].Faults)
}
