// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"context"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/offchain/manifest"
	leases "github.com/athnet/ath/x/leases/types"
	providers "github.com/athnet/ath/x/providers/types"
)

// TestResizeFlags: only what is named changes.
func TestResizeFlags(t *testing.T) {
	m := manifest.Manifest{Version: manifest.Version, Services: []manifest.Service{
		{Name: "web", Resources: manifest.Resources{CPUMilli: 100, MemoryMiB: 64, DiskMiB: 64}},
	}}
	resize := func(m manifest.Manifest, args ...string) (manifest.Manifest, error) {
		cmd := leaseResizeCommand()
		var o sizes
		var out manifest.Manifest
		var err error
		require.NoError(t, cmd.ParseFlags(args))
		f := cmd.Flags()
		o.service, _ = f.GetString("service")
		o.cpu, _ = f.GetString("cpu")
		o.memory, _ = f.GetString("memory")
		o.storage, _ = f.GetString("storage")
		o.count, _ = f.GetUint("count")
		o.gpus, _ = f.GetUint32("gpus")
		o.volumes, _ = f.GetStringToString("volume")
		out, err = o.apply(cmd, m)
		return out, err
	}
	got, err := resize(m, "--cpu", "2", "--count", "2")
	require.NoError(t, err)
	require.Len(t, got.Services, 2)
	require.Equal(t, manifest.Resources{CPUMilli: 2000, MemoryMiB: 64, DiskMiB: 64}, got.Services[0].Resources)
	require.Equal(t, "web", got.Services[1].ReplicaOf)
	got, err = resize(got, "--service", "web", "--memory", "1Gi", "--storage", "2Gi", "--gpus", "1")
	require.NoError(t, err)
	require.Len(t, got.Services, 2)
	require.Equal(t, manifest.Resources{CPUMilli: 2000, MemoryMiB: 1024, DiskMiB: 2048, GPUs: 1}, got.Services[1].Resources)
	for says, args := range map[string][]string{
		"--cpu":             {"--cpu", "much"},
		"--memory":          {"--memory", "1x"},
		"--volume data":     {"--volume", "data=x"},
		`no volume "data"`:  {"--volume", "data=1Gi"},
		"not in the lease":  {"--service", "db"},
		"count 0 of":        {"--count", "0"},
		"thousandths of a ": {"--cpu", "1m"},
	} {
		_, err := resize(m, args...)
		require.ErrorContains(t, err, says)
	}
	m.Services = append(m.Services, manifest.Service{Name: "x"})
	_, err = resize(m, "--cpu", "2")
	require.ErrorContains(t, err, "--service: want one of web, x")
}

// TestAManifestThatIsTooLargeIsNotHandedIn: the Container's size on chain says so, and neither worker nor chain is asked.
func TestAManifestThatIsTooLargeIsNotHandedIn(t *testing.T) {
	var offline tenant
	s := leaseStatus{
		ID: "ath1me/1", Lease: &leases.Lease{},
		Container: providers.Container{Id: 7, Spec: providers.Spec{CpuMilli: 1000, MemoryMib: 1024, DiskMib: 1024}},
	}
	for says, r := range map[string]manifest.Resources{
		"CPU in thousandths of a core 1001 of 1000": {CPUMilli: 1001},
		"memory in MiB 1025 of 1024":                {MemoryMiB: 1025},
		"disk in MiB 1025 of 1024":                  {DiskMiB: 1025},
		"0 GPUs":                                    {GPUs: 1},
	} {
		_, _, err := offline.hand(context.Background(), io.Discard, leases.LeaseID{}, s, manifest.Manifest{Services: []manifest.Service{{Name: "web", Resources: r}}})
		require.ErrorContains(t, err, "container 7: services want more")
		require.ErrorContains(t, err, says)
		require.ErrorContains(t, err, "nothing has changed")
	}
}
