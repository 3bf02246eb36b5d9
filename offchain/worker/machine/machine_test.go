// SPDX-License-Identifier: Apache-2.0

package machine

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/offchain/worker/gpu"
)

func TestMeasure(t *testing.T) {
	m, err := Measure(t.TempDir())
	require.NoError(t, err)
	require.NotEmpty(t, m.CPUModel)
	require.Positive(t, m.Cores)
	require.Positive(t, m.MemoryMiB)
	require.Positive(t, m.DiskMiB)
	_, err = Measure("/nowhere")
	require.ErrorContains(t, err, "/nowhere")
}

func TestFilesOfOtherMachines(t *testing.T) {
	write := func(text string) string {
		path := filepath.Join(t.TempDir(), "f")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	name, err := cpuModel(write("processor\t: 0\nBogoMIPS\t: 50\nModel\t\t: Raspberry Pi 5\n"))
	require.NoError(t, err)
	require.Equal(t, "Raspberry Pi 5", name)
	name, err = cpuModel(write("processor : 0\n"))
	require.NoError(t, err)
	require.Contains(t, name, "unknown")
	mib, err := memoryMiB(write("MemTotal:       16384 kB\nMemFree: 1 kB\n"))
	require.NoError(t, err)
	require.Equal(t, uint64(16), mib)
	_, err = memoryMiB(write("nothing"))
	require.Error(t, err)
}

func TestFingerprint(t *testing.T) {
	m := Machine{ID: "a", CPUModel: "b"}
	same := Fingerprint(m, []gpu.Device{{ID: "x"}})
	require.Equal(t, same, Fingerprint(m, []gpu.Device{{ID: "x", Driver: "newer"}}), "an update of the driver changes nothing")
	require.NotEqual(t, same, Fingerprint(m, nil))
	require.NotEqual(t, Fingerprint(Machine{ID: "ab"}, nil), Fingerprint(Machine{ID: "a", CPUModel: "b"}, nil), "parts can't run together")
}

func TestBenchmark(t *testing.T) {
	clock := int64(0)
	mops, err := Benchmark(t.Context(), 2, func() int64 { clock += int64(50 * time.Millisecond); return clock })
	require.NoError(t, err)
	require.Positive(t, mops)
}

func TestMultiply(t *testing.T) {
	var a, b [128 * 128]int8
	var c [128 * 128]int32
	for i := range 128 {
		a[i*128+i] = 2 // twice the identity
	}
	for i := range b {
		b[i] = int8(i)
	}
	multiply(&a, &b, &c)
	for i := range c {
		require.Equal(t, 2*int32(int8(i)), c[i])
	}
}
