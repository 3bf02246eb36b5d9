// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/athnet/ath/offchain/manifest"
	"github.com/athnet/ath/offchain/worker/runtime"
	"github.com/athnet/ath/offchain/worker/runtime/runtimetest"
)

// Limits change under a process that goes on, and hold for it.
func TestLimitsChangeWhileAnInstanceRuns(t *testing.T) {
	r, s := subject(t)
	s.Env = []string{"DO=hold", "MIB=20"}
	s.MemoryMiB = 64
	run(t, r, s)
	holds(t, r, s.Key)
	before := instance(t, r, s.Key)
	require.Equal(t, uint64(500), before.CPUMilli)
	require.Equal(t, uint64(64), before.MemoryMiB)
	for _, size := range []struct{ cpu, memory uint64 }{{1000, 128}, {250, 48}, {250, 48}} {
		require.NoError(t, r.Resize(t.Context(), s.Key, size.cpu, size.memory))
		now := instance(t, r, s.Key)
		require.Equal(t, runtime.StateRunning, now.State)
		require.Equal(t, before.StartedAt, now.StartedAt)
		require.Equal(t, size.cpu, now.CPUMilli)
		require.Equal(t, size.memory, now.MemoryMiB)
		require.Equal(t, size.memory<<20, limit(t, r, s.Key), "the kernel's, too")
	}
	used, err := r.Stats(t.Context(), s.Key)
	require.NoError(t, err)
	require.GreaterOrEqual(t, used.HeldMiB, uint64(20))
	require.Less(t, used.HeldMiB, uint64(40))
	require.ErrorIs(t, r.Resize(t.Context(), runtime.Key{Lease: s.Lease, Service: "none"}, 100, 32), runtime.ErrNotFound)
}

func holds(t *testing.T, r *Runtime, key runtime.Key) {
	t.Helper()
	require.Eventually(t, func() bool { return strings.Contains(runtimetest.Output(t, r, key, runtime.LogOptions{}), "holds\n") }, patience, 50*time.Millisecond)
}

func limit(t *testing.T, r *Runtime, key runtime.Key) uint64 {
	t.Helper()
	answer, err := r.engine.ContainerStats(t.Context(), r.name(key), client.ContainerStatsOptions{})
	require.NoError(t, err)
	defer answer.Body.Close()
	var stats container.StatsResponse
	require.NoError(t, json.NewDecoder(answer.Body).Decode(&stats))
	return stats.MemoryStats.Limit
}

// Storage grows with all that is on it, under instances that run where the kernel lets this process do that; then one service goes and
// comes back with its persistent volume, and the other one runs on.
func TestStorageGrows(t *testing.T) {
	r, one := subject(t)
	guarded(t, r, "disk")
	one.Env, one.Args = []string{"DO=volume", "FILES=/keep,/own", "STAY=1"}, nil
	one.Volumes = []manifest.Volume{
		{Name: "keep", Mount: "/keep", Class: manifest.ClassDisk, SizeMiB: 4, Persistent: true},
		{Name: "own", Mount: "/own", Class: manifest.ClassDisk, SizeMiB: 4},
	}
	one.Disk.Services = 2
	two := one
	two.Service = "one-2" // its name begins as the other's
	run(t, r, one)
	run(t, r, two)
	tree := filepath.Join(r.disks.dir, r.slug(one.Lease), "tree")
	small, before := size(t, tree), instance(t, r, two.Key)
	said := func(key runtime.Key, want string) {
		t.Helper()
		require.Eventually(t, func() bool { return strings.Contains(runtimetest.Output(t, r, key, runtime.LogOptions{}), want) }, patience, 50*time.Millisecond)
	}
	said(one.Key, "/own: there: false, written: true")
	said(two.Key, "/own: there: false, written: true")

	larger := runtime.Disk{LeaseMiB: 128, ServiceMiB: 64, Services: 2}
	err := r.Enlarge(t.Context(), one.Lease, larger)
	if errors.Is(err, runtime.ErrOffline) { // then everything stops for a moment, and nothing is lost
		t.Log("without CAP_SYS_RESOURCE:", err)
		require.Equal(t, before, instance(t, r, two.Key), "nothing has happened yet")
		require.NoError(t, r.Stop(t.Context(), one.Lease, 0))
		require.NoError(t, r.Enlarge(t.Context(), one.Lease, larger))
		for _, s := range []runtime.Spec{one, two} {
			require.NoError(t, r.Start(t.Context(), s.Key))
			said(s.Key, "/own: there: true, written: true")
		}
		before = instance(t, r, two.Key)
	} else {
		require.NoError(t, err)
	}
	require.NoError(t, r.Enlarge(t.Context(), one.Lease, larger))
	require.Greater(t, size(t, tree), small+(60<<20))
	require.Greater(t, allocated(t, filepath.Join(filepath.Dir(tree), "disk.img")), int64(100<<20), "the host can't run out of it")
	require.NoError(t, r.Enlarge(t.Context(), one.Lease, one.Disk), "it never gets smaller")
	require.Greater(t, size(t, tree), small+(60<<20))

	for range 2 {
		require.NoError(t, r.End(t.Context(), one.Key, 0))
	}
	require.Equal(t, runtime.StateExited, instance(t, r, one.Key).State)
	for range 2 {
		require.NoError(t, r.Discard(t.Context(), one.Key))
	}
	one.Definition, one.Disk = "other", larger
	run(t, r, one)
	said(one.Key, "/keep: there: true, written: true")
	said(one.Key, "/own: there: false, written: true")
	now := instance(t, r, two.Key)
	require.Equal(t, before, now, "the other one never noticed")
	require.NoError(t, os.WriteFile(filepath.Join(volumeOf(t, tree, "one-2.own-"), "big"), make([]byte, 40<<20), 0o600), "and has the room")

	// What would not have room any more is refused; what goes with its instance does not count.
	little := runtime.Disk{LeaseMiB: 32, ServiceMiB: 16, Services: 2}
	require.NoError(t, r.Room(t.Context(), one.Lease, larger, nil))
	err = r.Room(t.Context(), one.Lease, little, []string{"one", "one-2"})
	require.ErrorIs(t, err, runtime.ErrStorage)
	require.ErrorContains(t, err, "holds 4")
	require.ErrorContains(t, err, "would be 28 MiB")
	require.NoError(t, r.Room(t.Context(), one.Lease, little, []string{"one"}))
	require.NoError(t, os.WriteFile(filepath.Join(volumeOf(t, tree, "one-2.keep-"), "big"), make([]byte, 40<<20), 0o600))
	require.ErrorIs(t, r.Room(t.Context(), one.Lease, little, []string{"one"}), runtime.ErrStorage, "a persistent volume stays")

	require.NoError(t, r.Remove(context.Background(), one.Lease))
	require.Empty(t, runtimetest.Loops(t, r.info.DockerRootDir))
	require.NoError(t, r.Room(t.Context(), one.Lease, little, nil), "there is none")
	require.NoError(t, r.Enlarge(t.Context(), one.Lease, larger))
}

// size of the file system at a path in bytes.
func size(t *testing.T, path string) int64 {
	t.Helper()
	var s unix.Statfs_t
	require.NoError(t, unix.Statfs(path, &s))
	return int64(s.Blocks) * s.Bsize
}

func volumeOf(t *testing.T, tree, prefix string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(tree, "volume", prefix+"*"))
	require.NoError(t, err)
	require.Len(t, found, 1)
	return found[0]
}
