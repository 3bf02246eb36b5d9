// SPDX-License-Identifier: Apache-2.0

// Package machine measures what a provider offers: processor, memory, disk, and how fast it multiplies small integers.
package machine

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/athnet/ath/offchain/worker/gpu"
)

// Machine is what was measured.
type Machine struct {
	ID        string `json:"-"` // the operating system's machine id: never leaves the machine but as part of a hash
	CPUModel  string `json:"cpu_model"`
	Cores     int    `json:"cores"` // that this process may use
	MemoryMiB uint64 `json:"memory_mib"`
	DiskMiB   uint64 `json:"disk_mib"` // free at the path that was asked for
	Platform  string `json:"platform"`
}

// Measure looks at the machine; dataDir is where workloads' data will lie.
func Measure(dataDir string) (Machine, error) {
	m := Machine{Cores: runtime.NumCPU(), Platform: runtime.GOOS + "/" + runtime.GOARCH, ID: machineID()}
	var err error
	if m.CPUModel, err = cpuModel("/proc/cpuinfo"); err != nil {
		return m, err
	}
	if m.MemoryMiB, err = memoryMiB("/proc/meminfo"); err != nil {
		return m, err
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(dataDir, &fs); err != nil {
		return m, fmt.Errorf("measure disk at %s: %w", dataDir, err)
	}
	m.DiskMiB = fs.Bavail * uint64(fs.Bsize) >> 20
	return m, nil
}

// machineID is empty where the system has none; the processor's model and the devices still count.
func machineID() string {
	for _, path := range []string{"/etc/machine-id", "/var/lib/dbus/machine-id"} {
		if b, err := os.ReadFile(path); err == nil && len(bytes.TrimSpace(b)) > 0 {
			return string(bytes.TrimSpace(b))
		}
	}
	return ""
}

func cpuModel(path string) (string, error) {
	name, err := field(path, "model name", "Model", "Hardware", "uarch")
	if err != nil {
		return "", fmt.Errorf("measure processor: %w", err)
	}
	if name == "" {
		name = "unknown " + runtime.GOARCH
	}
	return name, nil
}

func memoryMiB(path string) (uint64, error) {
	text, err := field(path, "MemTotal")
	if err != nil {
		return 0, fmt.Errorf("measure memory: %w", err)
	}
	kib, err := strconv.ParseUint(strings.TrimSuffix(text, " kB"), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("measure memory: %q: %w", text, err)
	}
	return kib >> 10, nil
}

// field returns the value of the first of the names that a file of "name : value" lines has.
func field(path string, names ...string) (string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	found := map[string]string{}
	for s := bufio.NewScanner(bytes.NewReader(b)); s.Scan(); {
		name, value, ok := strings.Cut(s.Text(), ":")
		if name = strings.TrimSpace(name); ok && found[name] == "" {
			found[name] = strings.TrimSpace(value)
		}
	}
	for _, n := range names {
		if found[n] != "" {
			return found[n], nil
		}
	}
	return "", nil
}

// Boot identifies this start of the machine: another one after each restart.
func Boot() (string, error) {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", fmt.Errorf("measure: %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}

// Fingerprint identifies the machine with its devices, 32 bytes: the same as long as both stay the same.
func Fingerprint(m Machine, devices []gpu.Device) []byte {
	h := sha256.New()
	put := func(s string) {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(s))))
		h.Write([]byte(s))
	}
	put("ath/fingerprint/v1")
	put(m.ID)
	put(m.CPUModel)
	for _, d := range devices {
		put(d.ID)
	}
	return h.Sum(nil)
}

// Benchmark multiplies int8 matrices on one core for about a quarter of a second and returns millions of multiply-adds per
// second, times the cores: small, integer, and the same work on every machine.
func Benchmark(ctx context.Context, cores int, now func() int64) (mops uint64, err error) {
	const n, window = 128, 250_000_000 // ns
	var a, b [n * n]int8
	for i := range a {
		a[i], b[i] = int8(i*7+3), int8(i*5+1)
	}
	var c [n * n]int32
	begin, rounds := now(), uint64(0)
	for now()-begin < window || rounds == 0 {
		if err := ctx.Err(); err != nil {
			return 0, fmt.Errorf("benchmark: %w", err)
		}
		multiply(&a, &b, &c)
		a[rounds%(n*n)] = int8(c[0]) // the result is used, so that the work can't be left out
		rounds++
	}
	elapsed := uint64(max(now()-begin, 1))
	return rounds * n * n * n * uint64(cores) * 1000 / elapsed, nil
}

func multiply(a, b *[128 * 128]int8, c *[128 * 128]int32) {
	const n = 128
	clear(c[:])
	for i := range n {
		for k := range n {
			x := int32(a[i*n+k])
			row, out := b[k*n:k*n+n], c[i*n:i*n+n]
			for j := range out {
				out[j] += x * int32(row[j])
			}
		}
	}
}
