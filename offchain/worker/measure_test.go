// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	providertypes "github.com/athnet/ath/x/providers/types"

	"github.com/athnet/ath/offchain/worker/gpu"
	"github.com/athnet/ath/offchain/worker/gpu/sim"
)

func card(id, model string, vram uint64) gpu.Device {
	return gpu.Device{ID: id, Kind: gpu.KindGPU, Vendor: "NVIDIA", Model: model, VRAMMiB: vram, Driver: "NVIDIA 570", Compute: "CUDA 12.8"}
}

func TestMeasureWithoutDrivers(t *testing.T) {
	none := sim.New()
	none.Set(gpu.ErrUnavailable)
	m, err := measureWith(t.Context(), t.TempDir(), none, none)
	require.NoError(t, err)
	require.Empty(t, m.Devices)
	require.Len(t, m.Notes, 2)
	require.Len(t, m.Fingerprint, 32)
	require.Nil(t, m.Source)
	s, err := m.Spec(t.Context(), Config{})
	require.NoError(t, err)
	require.Positive(t, s.Throughput)
	require.Zero(t, s.Gpus)
	require.Less(t, s.CpuMilli, uint64(m.Machine.Cores)*1000)
	_, err = m.Spec(t.Context(), Config{CPUMilli: 1 << 40})
	require.ErrorContains(t, err, "cpu-milli")
	broken := sim.New()
	broken.Set(errors.New("bus error"))
	_, err = measureWith(t.Context(), t.TempDir(), broken, none)
	require.ErrorContains(t, err, "bus error", "a driver that is there and fails is not no driver")
}

func TestMeasureWithCards(t *testing.T) {
	nvidia := sim.New(card("GPU-1", "NVIDIA H100 80GB HBM3", 81559), card("GPU-2", "NVIDIA H100 80GB HBM3", 81559))
	seen := card("opencl-9", "NVIDIA H100 80GB HBM3", 81559)
	seen.Vendor = "NVIDIA Corporation"
	cpu := gpu.Device{ID: "opencl-1", Kind: gpu.KindCPU, Vendor: "AuthenticAMD", Model: "AMD EPYC"}
	m, err := measureWith(t.Context(), t.TempDir(), nvidia, sim.New(seen, cpu))
	require.NoError(t, err)
	require.Len(t, m.Devices, 3, "a card that two drivers show is one card")
	require.Len(t, m.Rented, 2)
	s, err := m.Spec(t.Context(), Config{})
	require.NoError(t, err)
	require.Equal(t, uint32(2), s.Gpus)
	require.Equal(t, uint64(81559), s.VramMib)
	other, err := measureWith(t.Context(), t.TempDir(), sim.New(card("GPU-1", "NVIDIA H100 80GB HBM3", 81559)), sim.New())
	require.NoError(t, err)
	require.NotEqual(t, m.Fingerprint, other.Fingerprint, "other devices are another container")
}

func TestChooseClass(t *testing.T) {
	classes := []providertypes.Class{
		{Name: "cpu"}, {Name: "rtx4090", VramMib: 24564}, {Name: "h100-sxm-80", VramMib: 81559}, {Name: "h100-pcie-80", VramMib: 81559},
		{Name: "a100-40", VramMib: 40960}, {Name: "a100-80", VramMib: 81920},
	}
	for _, tc := range []struct {
		model string
		vram  uint64
		want  string
	}{
		{"NVIDIA GeForce RTX 4090", 24564, "rtx4090"},
		{"NVIDIA H100 PCIe 80GB", 81559, "h100-pcie-80"},
		{"NVIDIA A100-SXM4-80GB", 81920, "a100-80"},
		{"NVIDIA A100-PCIE-40GB", 40960, "a100-40"},
		{"Tesla T4", 15360, ""},
	} {
		got, err := ChooseClass(classes, []gpu.Device{card("x", tc.model, tc.vram)})
		require.Equal(t, tc.want, got)
		require.Equal(t, tc.want == "", err != nil)
	}
	got, err := ChooseClass(classes, nil)
	require.NoError(t, err)
	require.Equal(t, "cpu", got)
	_, err = ChooseClass(nil, nil)
	require.ErrorContains(t, err, "--class")
}

func TestGPUMeter(t *testing.T) {
	g := newGPUMeter(sim.New())
	g.ids = []string{"GPU-1", "GPU-2"}
	g.add([]gpu.Stat{{ID: "GPU-1", BusyPPM: 500_000}, {ID: "GPU-2", BusyPPM: 250_000}, {ID: "GPU-3", BusyPPM: 1_000_000}}, 2*time.Second) // the third is not rented out
	g.add([]gpu.Stat{{ID: "GPU-1", BusyPPM: 9_000_000}}, time.Second)                                                                     // a driver that exaggerates
	require.Equal(t, 2500*time.Millisecond, g.take())
	require.Zero(t, g.take())
}

func TestMeterAdvance(t *testing.T) {
	at := testStart
	r := Reading{Since: at, CPU: 5 * time.Second, Rx: 10, Tx: 20}
	require.Equal(t, used{cpu: 2 * time.Second, rx: 1, tx: 2}, advance(Reading{Since: at, CPU: 3 * time.Second, Rx: 9, Tx: 18}, r))
	require.Equal(t, used{cpu: 5 * time.Second, rx: 10, tx: 20}, advance(Reading{Since: at.Add(-1), CPU: time.Hour, Rx: 99, Tx: 99}, r), "restarted: counted from its new start")
	require.Equal(t, used{}, advance(Reading{Since: at, CPU: time.Hour, Rx: 99, Tx: 99}, r), "never backwards")
}

func TestClip(t *testing.T) {
	require.Equal(t, "ab", clip("\x00a\nb\xff "))
	require.LessOrEqual(t, len(clip(string(make([]rune, 500))+"ä")), 128)
}

func TestBenchmarkEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	none := sim.New()
	none.Set(gpu.ErrUnavailable)
	m, err := measureWith(t.Context(), t.TempDir(), none, none)
	require.NoError(t, err)
	_, err = m.Spec(ctx, Config{})
	require.ErrorIs(t, err, context.Canceled)
}

// What drivers call real cards, and the class that each is.
func TestChooseClassKnowsDriversNames(t *testing.T) {
	classes := providertypes.DefaultClasses()
	for _, d := range []struct {
		model string
		vram  uint64
		class string
	}{
		{"NVIDIA B200", 183_359, "b200"},
		{"NVIDIA H200", 143_771, "h200"},
		{"NVIDIA H100 80GB HBM3", 81_559, "h100-sxm-80"},
		{"NVIDIA H100 PCIe", 81_559, "h100-pcie-80"},
		{"NVIDIA H100 NVL", 95_830, "h100-nvl-94"},
		{"NVIDIA A100-SXM4-80GB", 81_920, "a100-80"},
		{"NVIDIA A100-PCIE-40GB", 40_960, "a100-40"},
		{"NVIDIA A10", 23_028, "a10"},
		{"NVIDIA L4", 23_034, "l4"},
		{"NVIDIA L40", 46_068, "l40"},
		{"NVIDIA L40S", 46_068, "l40s"},
		{"Tesla T4", 15_360, "t4"},
		{"Tesla V100-SXM2-32GB", 32_768, "v100-32"},
		{"NVIDIA RTX A6000", 49_140, "rtxa6000"},
		{"NVIDIA RTX 6000 Ada Generation", 49_140, "rtx6000ada"},
		{"NVIDIA GeForce RTX 3090", 24_576, "rtx3090"},
		{"NVIDIA GeForce RTX 4090", 24_564, "rtx4090"},
		{"NVIDIA GeForce RTX 4070 Ti", 12_282, "rtx4070ti"},
		{"NVIDIA GeForce RTX 5090", 32_607, "rtx5090"},
		{"AMD Instinct MI300X", 196_592, "mi300x"},
		{"AMD Radeon RX 7900 XTX", 24_560, "rx7900xtx"},
		{"Intel(R) Arc(TM) A770 Graphics", 15_930, "a770"},
		{"AMD Instinct MI250X", 65_520, "mi250x"},
	} {
		class, err := ChooseClass(classes, []gpu.Device{{Model: d.model, VRAMMiB: d.vram}})
		require.NoError(t, err, d.model)
		require.Equal(t, d.class, class, d.model)
		for _, c := range classes {
			if c.Name == class {
				require.GreaterOrEqual(t, d.vram, c.VramMib, "%s: its driver's memory is enough", d.model)
			}
		}
	}
	_, err := ChooseClass(classes, []gpu.Device{{Model: "NVIDIA GeForce GT 710", VRAMMiB: 2_048}})
	require.Error(t, err)
}
