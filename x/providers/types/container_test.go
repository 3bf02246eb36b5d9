// SPDX-License-Identifier: Apache-2.0

package types_test

import (
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/x/providers/types"
)

func newContainer() types.NewContainer {
	return types.NewContainer{
		Class: "cpu", Count: 1, Spec: types.Spec{CpuMilli: 1_000, MemoryMib: 1_024},
		WorkerPubkey: make([]byte, 32), Fingerprint: make([]byte, 32),
		Endpoint: "127.0.0.1:8443", Connectivity: types.Connectivity_CONNECTIVITY_DIRECT, Region: "eu-de-fra",
	}
}

func TestEndpoints(t *testing.T) {
	long := strings.Repeat("a.", 126) + "a"
	for endpoint, valid := range map[string]bool{
		"127.0.0.1:8443": true, "[2001:db8::1]:443": true, "gpu7.example.org:1": true, "localhost:65535": true, long + ":65535": true,
		"": false, "host": false, "host:": false, ":80": false, "host:0": false, "host:65536": false, "host:080": false,
		"host:+80": false, "ho st:80": false, "-host:80": false, "host-:80": false, "a..b:80": false, "2001:db8::1:443": false,
		"[fe80::1%eth0]:80": false, "0.0.0.0:80": false, "[::]:80": false, "224.0.0.1:80": false, "https://h:80": false,
		"user@host:80": false, "host:80/": false, long + "a.a:80": false, "hö.st:80": false, "h\x00st:80": false,
	} {
		n := newContainer()
		n.Endpoint = endpoint
		err := n.Validate()
		if valid {
			require.NoError(t, err, endpoint)
			continue
		}
		require.ErrorIs(t, err, types.ErrInvalidField, endpoint)
		require.ErrorContains(t, err, "endpoint")
	}
}

// FuzzEndpoint: what is accepted can be dialled, and an error is never longer than a line.
func FuzzEndpoint(f *testing.F) {
	for _, s := range []string{"127.0.0.1:8443", "[::1]:1", "a.b:443", "\xff:1", "[fe80::1%a]:1", ":", "[]:1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, endpoint string) {
		n := newContainer()
		n.Endpoint = endpoint
		if err := n.Validate(); err != nil {
			require.Less(t, len(err.Error()), 1_600)
			return
		}
		host, port, err := net.SplitHostPort(endpoint)
		require.NoError(t, err)
		require.NotEmpty(t, host)
		require.NotEqual(t, "0", port)
		require.LessOrEqual(t, len(endpoint), 260)
	})
}

func TestNewContainerFields(t *testing.T) {
	valid := newContainer()
	require.NoError(t, valid.Validate())
	for field, spoil := range map[string]func(*types.NewContainer){
		"class":             func(n *types.NewContainer) { n.Class = "no such" },
		"count":             func(n *types.NewContainer) { n.Count = 65 },
		"worker_pubkey":     func(n *types.NewContainer) { n.WorkerPubkey = make([]byte, 33) },
		"fingerprint":       func(n *types.NewContainer) { n.Fingerprint = nil },
		"connectivity":      func(n *types.NewContainer) { n.Connectivity = 3 },
		"region":            func(n *types.NewContainer) { n.Region = "Frankfurt" },
		"spec.gpu_model":    func(n *types.NewContainer) { n.Spec.GpuModel = strings.Repeat("x", 129) },
		"spec.driver":       func(n *types.NewContainer) { n.Spec.Driver = "\xff" },
		"spec.platform":     func(n *types.NewContainer) { n.Spec.Platform = "linux\n" },
		"spec.gpus":         func(n *types.NewContainer) { n.Spec.Gpus = 65 },
		"spec.vram_mib":     func(n *types.NewContainer) { n.Spec.VramMib = 1 << 60 },
		"spec.cpu_milli":    func(n *types.NewContainer) { n.Spec.CpuMilli = 0 },
		"spec.memory_mib":   func(n *types.NewContainer) { n.Spec.MemoryMib = 0 },
		"spec.disk_mib":     func(n *types.NewContainer) { n.Spec.DiskMib = 1 << 63 },
		"spec.network_mbps": func(n *types.NewContainer) { n.Spec.NetworkMbps = 1 << 40 },
		"spec.throughput":   func(n *types.NewContainer) { n.Spec.Throughput = 1 << 63 },
	} {
		n := newContainer()
		spoil(&n)
		err := n.Validate()
		require.ErrorIs(t, err, types.ErrInvalidField, field)
		require.ErrorContains(t, err, field+":")
	}
}

func TestSpecFitsClass(t *testing.T) {
	gpu := types.Class{Name: "rtx3090", VramMib: 24_000}
	require.NoError(t, types.Spec{Gpus: 2, VramMib: 24_576}.Fits(gpu, 2))
	require.ErrorContains(t, types.Spec{Gpus: 1, VramMib: 24_576}.Fits(gpu, 2), "spec.gpus")
	require.ErrorContains(t, types.Spec{Gpus: 2, VramMib: 8_192}.Fits(gpu, 2), "spec.vram_mib")
	require.NoError(t, types.Spec{}.Fits(types.Class{Name: "cpu"}, 1))
}

func TestSpecCovers(t *testing.T) {
	old := types.Spec{GpuModel: "A", Gpus: 1, VramMib: 8, CpuMilli: 4, MemoryMib: 4, DiskMib: 4, NetworkMbps: 100, Throughput: 9}
	slower := old
	slower.NetworkMbps, slower.Throughput, slower.Driver = 1, 1, "other"
	require.NoError(t, slower.Covers(old))
	for field, spoil := range map[string]func(*types.Spec){
		"gpu_model":  func(s *types.Spec) { s.GpuModel = "B" },
		"gpus":       func(s *types.Spec) { s.Gpus = 0 },
		"vram_mib":   func(s *types.Spec) { s.VramMib-- },
		"cpu_milli":  func(s *types.Spec) { s.CpuMilli-- },
		"memory_mib": func(s *types.Spec) { s.MemoryMib-- },
		"disk_mib":   func(s *types.Spec) { s.DiskMib-- },
	} {
		less := old
		spoil(&less)
		err := less.Covers(old)
		require.ErrorIs(t, err, types.ErrSpecShrinks)
		require.ErrorContains(t, err, field)
	}
}
