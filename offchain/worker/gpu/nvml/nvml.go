// SPDX-License-Identifier: Apache-2.0

//go:build cgo && linux

// Package nvml sees NVIDIA GPUs through the driver's own library, which is opened at run time. Builds without cgo have none.
package nvml

import (
	"cmp"
	"context"
	"fmt"
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
}

var _ gpu.Source = (*Source)(nil)

// New does not touch the library yet.
func New() *Source { return &Source{lib: nvml.New()} }

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
	var out []gpu.Stat
	err := s.each(func(d nvml.Device) {
		var st gpu.Stat
		if v, ret := d.GetUUID(); ret == nvml.SUCCESS {
			st.ID = v
		}
		if v, ret := d.GetUtilizationRates(); ret == nvml.SUCCESS {
			st.BusyPPM = uint64(v.Gpu) * 10_000
		}
		if v, ret := d.GetMemoryInfo(); ret == nvml.SUCCESS {
			st.MemoryUsedMiB = v.Used >> 20
		}
		if v, ret := d.GetTemperature(nvml.TEMPERATURE_GPU); ret == nvml.SUCCESS {
			st.TemperatureC = v
		}
		out = append(out, st)
	})
	return out, err
}
