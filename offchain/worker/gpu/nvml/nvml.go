// SPDX-License-Identifier: Apache-2.0

//go:build cgo && linux

// Package nvml sees NVIDIA GPUs through the driver's own library, which is opened at run time. Builds without cgo have none.
package nvml

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/athnet/ath/offchain/worker/gpu"
)

// Source implements gpu.Source.
type Source struct {
	once sync.Once
	err  error
	lib  nvml.Interface

	mu     sync.Mutex
	events nvml.EventSet     // nil where the driver has none
	xids   map[string]uint64 // last critical XID by UUID; a broken device is repaired with the worker stopped
	unkept map[string]uint64 // of these, what is not on disk yet
	keep   func(uuid string, xid uint64) error
	told   map[nvml.Device]string // UUIDs of the devices whose errors the driver tells
	uuids  map[int]string         // by index, for devices that no longer answer
}

var (
	_ gpu.Source    = (*Source)(nil)
	_ gpu.Forgetful = (*Source)(nil)
)

// New does not touch the library yet.
func New() *Source { return newSource(nvml.New()) }

func newSource(lib nvml.Interface) *Source {
	return &Source{lib: lib, xids: map[string]uint64{}, unkept: map[string]uint64{}, uuids: map[int]string{}, told: map[nvml.Device]string{},
		keep: func(string, uint64) error { return nil }}
}

// Remember implements gpu.Forgetful.
func (s *Source) Remember(known map[string]uint64, keep func(uuid string, xid uint64) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.Copy(s.xids, known)
	s.keep = keep
}

func (s *Source) open() error {
	s.once.Do(func() {
		if ret := s.lib.Init(); ret != nvml.SUCCESS {
			s.err = fmt.Errorf("%w: NVML: %s", gpu.ErrUnavailable, describe(ret))
		}
	})
	return s.err
}

// describe does not ask the library, which may be what is missing.
func describe(ret nvml.Return) string {
	if ret == nvml.ERROR_LIBRARY_NOT_FOUND {
		return "libnvidia-ml.so.1 is not on this machine"
	}
	return fmt.Sprintf("error %d", ret)
}

// each calls fn for every device that answers.
func (s *Source) each(fn func(nvml.Device)) error {
	if err := s.open(); err != nil {
		return err
	}
	n, ret := s.lib.DeviceGetCount()
	if ret != nvml.SUCCESS {
		return fmt.Errorf("NVML: count devices: %s", describe(ret))
	}
	for i := range n {
		d, ret := s.lib.DeviceGetHandleByIndex(i)
		if ret != nvml.SUCCESS {
			return fmt.Errorf("NVML: device %d: %s", i, describe(ret))
		}
		fn(d)
	}
	return nil
}

// Devices implements gpu.Source.
func (s *Source) Devices(context.Context) ([]gpu.Device, error) {
	var out []gpu.Device
	err := s.each(func(d nvml.Device) {
		dev := gpu.Device{Kind: gpu.KindGPU, Vendor: "NVIDIA"}
		if v, ret := d.GetUUID(); ret == nvml.SUCCESS {
			dev.ID = v
		}
		if v, ret := d.GetName(); ret == nvml.SUCCESS {
			dev.Model = v
		}
		if v, ret := d.GetMemoryInfo(); ret == nvml.SUCCESS {
			dev.VRAMMiB = v.Total >> 20
		}
		if v, ret := s.lib.SystemGetDriverVersion(); ret == nvml.SUCCESS {
			dev.Driver = "NVIDIA " + v
		}
		if v, ret := s.lib.SystemGetCudaDriverVersion(); ret == nvml.SUCCESS {
			dev.Compute = fmt.Sprintf("CUDA %d.%d", v/1000, v%1000/10)
		}
		if major, minor, ret := d.GetCudaComputeCapability(); ret == nvml.SUCCESS {
			dev.Compute = strings.TrimSpace(fmt.Sprintf("%s sm_%d%d", dev.Compute, major, minor))
		}
		gen, r1 := d.GetMaxPcieLinkGeneration()
		width, r2 := d.GetMaxPcieLinkWidth()
		if r1 == nvml.SUCCESS && r2 == nvml.SUCCESS {
			dev.Bus = fmt.Sprintf("PCIe %d.0 x%d", gen, width)
		}
		if on, _, ret := d.GetEccMode(); ret == nvml.SUCCESS {
			dev.ECC = on == nvml.FEATURE_ENABLED
		}
		out = append(out, dev)
	})
	slices.SortFunc(out, func(a, b gpu.Device) int { return cmp.Compare(a.ID, b.ID) })
	return out, err
}

// Stats implements gpu.Source.
func (s *Source) Stats(context.Context) ([]gpu.Stat, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.open(); err != nil {
		return nil, err
	}
	s.listen()
	s.drain()
	s.save()
	n, ret := s.lib.DeviceGetCount()
	if ret != nvml.SUCCESS {
		return nil, fmt.Errorf("NVML: count devices: %s", describe(ret))
	}
	out := make([]gpu.Stat, n)
	for i := range n {
		d, ret := s.lib.DeviceGetHandleByIndex(i)
		if ret == nvml.SUCCESS {
			out[i], ret = s.stat(i, d)
		}
		if ret == nvml.ERROR_GPU_IS_LOST || ret == nvml.ERROR_UNKNOWN {
			out[i] = gpu.Stat{ID: s.uuids[i], Faults: []gpu.Fault{{Kind: gpu.FaultLost}}}
		}
	}
	return out, nil
}

// stat measures one device; the last answer of the driver says whether it is still there.
func (s *Source) stat(index int, d nvml.Device) (gpu.Stat, nvml.Return) {
	var st gpu.Stat
	id, ret := d.GetUUID()
	if ret != nvml.SUCCESS {
		return st, ret
	}
	st.ID, s.uuids[index] = id, id
	if v, ret := d.GetUtilizationRates(); ret == nvml.SUCCESS {
		st.BusyPPM = uint64(v.Gpu) * 10_000
	}
	if v, ret := d.GetTemperature(nvml.TEMPERATURE_GPU); ret == nvml.SUCCESS {
		st.TemperatureC = v
	}
	if xid, ok := s.xids[id]; ok {
		st.Faults = append(st.Faults, gpu.Fault{Kind: gpu.FaultXID, Code: xid})
	}
	if errors, ret := d.GetTotalEccErrors(nvml.MEMORY_ERROR_TYPE_UNCORRECTED, nvml.VOLATILE_ECC); ret == nvml.SUCCESS && errors > 0 {
		st.Faults = append(st.Faults, gpu.Fault{Kind: gpu.FaultECC, Code: errors})
	}
	if _, rows, _, failed, ret := d.GetRemappedRows(); ret == nvml.SUCCESS && failed {
		st.Faults = append(st.Faults, gpu.Fault{Kind: gpu.FaultRowRemap, Code: uint64(max(rows, 0))})
	}
	memory, ret := d.GetMemoryInfo()
	st.MemoryUsedMiB = memory.Used >> 20
	if ret == nvml.ERROR_NOT_SUPPORTED {
		ret = nvml.SUCCESS
	}
	return st, ret
}

// criticalXIDs are those that NVIDIA's catalogue of XID errors puts down to the hardware: double-bit and uncontained memory
// errors, row remapping that failed, NVLink, a GPU that fell off the bus, its controller. Others, such as 13, 31 or 43, any
// tenant's program can cause.
var criticalXIDs = []uint64{48, 62, 64, 74, 79, 95, 119, 120, 140}

// listen asks the driver for critical errors, once; drivers without events are polled for the rest.
func (s *Source) listen() {
	if s.events != nil {
		return
	}
	set, ret := s.lib.EventSetCreate()
	if ret != nvml.SUCCESS {
		return
	}
	s.events = set
	n, _ := s.lib.DeviceGetCount()
	for i := range n {
		if d, ret := s.lib.DeviceGetHandleByIndex(i); ret == nvml.SUCCESS {
			_ = d.RegisterEvents(nvml.EventTypeXidCriticalError, set) // a device without events is asked for its errors all the same
			if id, ret := d.GetUUID(); ret == nvml.SUCCESS {
				s.told[d] = id
			}
		}
	}
}

// maxEvents bounds one look; a device that is broken may repeat itself.
const maxEvents = 64

// drain takes what has happened since the last look, and does not wait.
func (s *Source) drain() {
	for range maxEvents {
		if s.events == nil {
			return
		}
		event, ret := s.events.Wait(0)
		if ret != nvml.SUCCESS {
			return
		}
		if event.EventType != nvml.EventTypeXidCriticalError || !slices.Contains(criticalXIDs, event.EventData) {
			continue
		}
		// A GPU that fell off the bus does not say any more which one it is.
		id, ret := event.Device.GetUUID()
		if ret != nvml.SUCCESS {
			id = s.told[event.Device]
		}
		if id != "" && s.xids[id] != event.EventData {
			s.xids[id], s.unkept[id] = event.EventData, event.EventData
		}
	}
}

// save keeps what is not on disk yet.
func (s *Source) save() {
	for id, xid := range s.unkept {
		if s.keep(id, xid) == nil {
			delete(s.unkept, id)
		}
	}
}
