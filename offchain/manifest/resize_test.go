// SPDX-License-Identifier: Apache-2.0

package manifest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/offchain/manifest"
)

func p[T any](v T) *T { return &v }

// TestResizeIsWhatTheFileWouldSay: a manifest that is resized is the one of a file with these numbers.
func TestResizeIsWhatTheFileWouldSay(t *testing.T) {
	file := func(cpu, memory, root, data, count string) manifest.Manifest {
		f, err := manifest.Parse("app.yaml", []byte(`
version: "2.0"
services:
  db:
    image: host/db@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
    expose: [{port: 5432, to: [{service: web}]}]
  web:
    image: host/web@sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
    depends_on: [db]
    expose: [{port: 80, to: [{global: true}]}]
    params: {storage: {data: {mount: /data}}}
profiles:
  compute:
    db: {resources: {cpu: {units: 1}, memory: {size: 256Mi}, storage: {size: 1Gi}}}
    web:
      resources:
        cpu: {units: `+cpu+`}
        memory: {size: `+memory+`}
        storage: [{size: `+root+`}, {name: data, size: `+data+`, attributes: {persistent: true, class: beta2}}]
  placement: {any: {pricing: {db: {denom: uakt, amount: 1}, web: {denom: uakt, amount: 1}}}}
deployment:
  db: {any: {profile: db, count: 1}}
  web: {any: {profile: web, count: `+count+`}}
`))
		require.NoError(t, err)
		return f.Manifest
	}
	canonical := func(m manifest.Manifest) string {
		b, err := m.Canonical()
		require.NoError(t, err)
		return string(b)
	}
	small, large := file("500m", "128Mi", "512Mi", "1Gi", "1"), file("2", "4Gi", "1Gi", "20G", "3")
	cpu, err := manifest.ParseCPU("2")
	require.NoError(t, err)
	memory, err := manifest.ParseSize("4Gi")
	require.NoError(t, err)
	root, err := manifest.ParseSize("1Gi")
	require.NoError(t, err)
	data, err := manifest.ParseSize("20G")
	require.NoError(t, err)
	before := canonical(small)
	got, err := small.Resize(manifest.Change{Service: "web", Count: p(uint(3)), CPUMilli: &cpu, MemoryMiB: &memory, StorageMiB: &root, VolumesMiB: map[string]uint64{"data": data}})
	require.NoError(t, err)
	require.Equal(t, canonical(large), canonical(got))
	require.Equal(t, before, canonical(small), "what it is made of stays")

	back, err := got.Resize(manifest.Change{Service: "web", Count: p(uint(1)), CPUMilli: p(uint64(500)), MemoryMiB: p(uint64(128)), StorageMiB: p(uint64(512)), VolumesMiB: map[string]uint64{"data": 1024}})
	require.NoError(t, err)
	require.Equal(t, before, canonical(back))
	same, err := large.Resize(manifest.Change{Service: "web"})
	require.NoError(t, err)
	require.Equal(t, canonical(large), canonical(same), "nothing asked, nothing changed")
	one, err := large.Resize(manifest.Change{Service: "db", GPUs: p(uint32(2))})
	require.NoError(t, err)
	require.Equal(t, uint32(2), one.Services[0].Resources.GPUs)
}

func TestResizeRefusals(t *testing.T) {
	m := manifest.Manifest{Version: manifest.Version, Services: []manifest.Service{
		{Name: "web", Resources: manifest.Resources{CPUMilli: 100, MemoryMiB: 64, DiskMiB: 64}, Expose: []manifest.Expose{{Port: 80, As: 80, Proto: "tcp", Global: true}}},
		{Name: "web-2", ReplicaOf: "web", Resources: manifest.Resources{CPUMilli: 100, MemoryMiB: 64, DiskMiB: 64}},
		{Name: "web-3", Resources: manifest.Resources{CPUMilli: 100, MemoryMiB: 64, DiskMiB: 64}},
	}}
	for says, c := range map[string]manifest.Change{
		`"none" is not in the lease: want one of web, web-3`: {Service: "none"},
		`"web-2" is not in the lease`:                        {Service: "web-2"},
		"count 0":                                            {Service: "web", Count: p(uint(0))},
		"want 1 to 15":                                       {Service: "web", Count: p(uint(17))},
		"called web-3":                                       {Service: "web", Count: p(uint(3))},
		"9 thousandths":                                      {Service: "web", CPUMilli: p(uint64(9))},
		"1 MiB of memory":                                    {Service: "web", MemoryMiB: p(uint64(1))},
		"0 MiB of storage":                                   {Service: "web", StorageMiB: p(uint64(0))},
		"want at most":                                       {Service: "web", StorageMiB: p(uint64(1 << 63))},
		`no volume "x"`:                                      {Service: "web", VolumesMiB: map[string]uint64{"x": 1}},
	} {
		_, err := m.Resize(c)
		require.ErrorContains(t, err, says)
	}
	for _, s := range []string{"", "x", "-1", "1x", "1e99"} {
		_, err := manifest.ParseCPU(s)
		require.Error(t, err, s)
		_, err = manifest.ParseSize(s)
		require.Error(t, err, s)
	}
}

func TestCapacityIsOfAllServices(t *testing.T) {
	c := manifest.Capacity{CPUMilli: 1000, MemoryMiB: 100, DiskMiB: 10, GPUs: 1}
	one := manifest.Service{Resources: manifest.Resources{CPUMilli: 500, MemoryMiB: 50, DiskMiB: 5}}
	require.NoError(t, c.Over([]manifest.Service{one, one}))
	for says, change := range map[string]func(*manifest.Service){
		"CPU in thousandths of a core 1001 of 1000": func(s *manifest.Service) { s.Resources.CPUMilli++ },
		"memory in MiB 101 of 100":                  func(s *manifest.Service) { s.Resources.MemoryMiB++ },
		"disk in MiB 11 of 10":                      func(s *manifest.Service) { s.Resources.DiskMiB++ },
		"1 GPUs":                                    func(s *manifest.Service) { s.Resources.GPUs = 2 },
		"memory in MiB 18446744073709551615 of 100": func(s *manifest.Service) { s.Resources.MemoryMiB = 1<<64 - 1 },
	} {
		more := one
		change(&more)
		require.ErrorContains(t, c.Over([]manifest.Service{one, more}), says)
	}
}
