// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	providertypes "github.com/athnet/ath/x/providers/types"

	"github.com/athnet/ath/offchain/worker/gpu"
	"github.com/athnet/ath/offchain/worker/gpu/nvml"
	"github.com/athnet/ath/offchain/worker/gpu/opencl"
	"github.com/athnet/ath/offchain/worker/machine"
)

// Measured is what a machine is, as its worker found it.
type Measured struct {
	Machine     machine.Machine `json:"machine"`
	Devices     []gpu.Device    `json:"devices"` // every device that a driver shows, CPUs among them
	Rented      []gpu.Device    `json:"rented"`  // those that the Container has: GPUs of one model
	Fingerprint []byte          `json:"fingerprint"`
	// Source measures the rented devices while they work; nil where nothing can.
	Source gpu.Source `json:"-"`
	// Notes say what could not be seen, and why.
	Notes []string `json:"notes,omitempty"`
}

// Measure looks at the machine: NVIDIA's driver first, OpenCL (where others is nil) for everybody else's devices.
func Measure(ctx context.Context, home string, others gpu.Source) (Measured, error) {
	if others == nil {
		others = opencl.New()
	}
	return measureWith(ctx, home, nvml.New(), others)
}

func measureWith(ctx context.Context, home string, nvidia, others gpu.Source) (Measured, error) {
	var out Measured
	var err error
	if out.Machine, err = machine.Measure(home); err != nil {
		return out, err
	}
	for _, source := range []gpu.Source{nvidia, others} {
		found, err := source.Devices(ctx)
		switch {
		case errors.Is(err, gpu.ErrUnavailable):
			out.Notes = append(out.Notes, err.Error())
			continue
		case err != nil:
			return out, err
		}
		for _, d := range found {
			// OpenCL shows NVIDIA's cards a second time; the driver's own word counts.
			if source == others && out.Source != nil && strings.Contains(strings.ToUpper(d.Vendor), "NVIDIA") {
				continue
			}
			out.Devices = append(out.Devices, d)
		}
		if source == nvidia && len(found) > 0 {
			out.Source = nvidia
		}
	}
	out.Rented = rented(out.Devices)
	if len(out.Rented) < countGPUs(out.Devices) {
		out.Notes = append(out.Notes, "GPUs of several models: a container has those of the first only")
	}
	out.Fingerprint = machine.Fingerprint(out.Machine, out.Rented)
	return out, nil
}

func countGPUs(devices []gpu.Device) (n int) {
	for _, d := range devices {
		if d.Kind == gpu.KindGPU {
			n++
		}
	}
	return n
}

// rented are the GPUs of the first model; a CPU that OpenCL shows is the machine's own and counted there.
func rented(devices []gpu.Device) []gpu.Device {
	var out []gpu.Device
	for _, d := range devices {
		if d.Kind == gpu.KindGPU && (len(out) == 0 || d.Model == out[0].Model) {
			out = append(out, d)
		}
	}
	return out
}

// Spec is what is said on chain: what was measured, or what the operator wants to offer of it.
func (m Measured) Spec(ctx context.Context, c Config) (providertypes.Spec, error) {
	s := providertypes.Spec{
		CpuModel: clip(m.Machine.CPUModel), CpuMilli: c.CPUMilli, MemoryMib: c.MemoryMiB, DiskMib: c.DiskMiB,
		NetworkMbps: c.NetworkMbps, Platform: m.Machine.Platform,
	}
	have := providertypes.Spec{CpuMilli: uint64(m.Machine.Cores) * 1000, MemoryMib: m.Machine.MemoryMiB, DiskMib: m.Machine.DiskMiB}
	for _, limit := range []struct {
		offer, share *uint64
		have         uint64
		name         string
	}{
		{&s.CpuMilli, ptr(max(have.CpuMilli-500, have.CpuMilli/2)), have.CpuMilli, "cpu-milli"}, // half a core stays for the worker and its probes
		{&s.MemoryMib, ptr(have.MemoryMib * 3 / 4), have.MemoryMib, "memory-mib"},
		{&s.DiskMib, ptr(have.DiskMib / 2), have.DiskMib, "disk-mib"},
	} {
		if *limit.offer == 0 {
			*limit.offer = *limit.share
		}
		if *limit.offer > limit.have {
			return s, fmt.Errorf("%s %d is more than the machine's %d", limit.name, *limit.offer, limit.have)
		}
	}
	if len(m.Rented) > 0 {
		d := m.Rented[0]
		s.GpuModel, s.Gpus, s.VramMib, s.Driver, s.Compute, s.Bus, s.Ecc = clip(d.Model), uint32(len(m.Rented)), d.VRAMMiB, clip(d.Driver), clip(d.Compute), clip(d.Bus), d.ECC
		return s, nil // a GPU's throughput is what its capacity proofs show, not what its owner says
	}
	begin := time.Now()
	mops, err := machine.Benchmark(ctx, m.Machine.Cores, func() int64 { return int64(time.Since(begin)) })
	s.Throughput = mops
	return s, err
}

func ptr(v uint64) *uint64 { return &v }

// clip keeps strings from drivers within the chain's bounds.
func clip(s string) string {
	const most = 128
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	for len(s) > most {
		s = strings.ToValidUTF8(s[:most], "")
	}
	return strings.TrimSpace(s)
}

// ChooseClass finds the class of the catalogue that a machine belongs to: the one most of whose words, in name and title, occur in
// the device's name, with memory of about the right size. Without a GPU it is "cpu".
func ChooseClass(classes []providertypes.Class, rented []gpu.Device) (string, error) {
	if len(rented) == 0 {
		if slices.ContainsFunc(classes, func(c providertypes.Class) bool { return c.Name == "cpu" }) {
			return "cpu", nil
		}
		return "", errors.New("the catalogue has no class cpu; name one with --class")
	}
	d := rented[0]
	model := plain(d.Model)
	best, score := "", 0
	for _, c := range classes {
		words := strings.Split(c.Name, "-")
		if !strings.Contains(model, plain(words[0])) || d.VRAMMiB*10 < c.VramMib*9 || d.VRAMMiB*10 > c.VramMib*11 {
			continue
		}
		n := 0
		for _, w := range append(words, strings.Fields(c.Title)...) {
			if w = plain(w); strings.Contains(model, w) {
				n += len(w) // L40S is more of an L40S than of an L40
			}
		}
		if n > score {
			best, score = c.Name, n
		}
	}
	if best == "" {
		return "", fmt.Errorf("no class of the catalogue fits %s with %d MiB; name one with --class (athd query providers classes lists them)", d.Model, d.VRAMMiB)
	}
	return best, nil
}

func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if (r >= 'a' && r <= 'z') || (r >= '0' && r <= '9') {
			return r
		}
		return -1
	}, strings.ToLower(s))
}
