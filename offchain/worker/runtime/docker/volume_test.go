// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/offchain/manifest"
	"github.com/athnet/ath/offchain/worker/runtime"
	"github.com/athnet/ath/offchain/worker/runtime/runtimetest"
)

// A persistent volume outlives a restart, a worker and a change of the manifest, which may ask for more; other volumes go with
// their instance; and all of them go with the lease.
func TestPersistentVolumesLiveAsLongAsTheLease(t *testing.T) {
	for _, mode := range []Mode{ModeGuard, ModeOff} {
		t.Run(string(mode), func(t *testing.T) {
			r, s := subject(t)
			if mode == ModeOff {
				r.disks.dir = "" // the engine's own volumes then
			} else {
				guarded(t, r, "disk")
			}
			s.Env, s.Args = []string{"DO=volume", "FILES=/keep,/own,/dev/shm,/cache"}, nil
			s.Volumes = []manifest.Volume{
				{Name: "keep", Mount: "/keep", Class: manifest.ClassDisk, SizeMiB: 4, Persistent: true},
				{Name: "own", Mount: "/own", Class: manifest.ClassDisk, SizeMiB: 4},
				{Name: "shm", Mount: "/dev/shm", Class: manifest.ClassRAM, SizeMiB: 7},
				{Name: "cache", Mount: "/cache", Class: manifest.ClassRAM, SizeMiB: 5},
			}
			says := func(want ...string) {
				t.Helper()
				ended(t, r, s.Key)
				out := runtimetest.Output(t, r, s.Key, runtime.LogOptions{})
				for _, w := range want {
					require.Contains(t, out, w)
				}
			}
			run(t, r, s)
			says("/keep: there: false, written: true", "/own: there: false, written: true",
				"/dev/shm: there: false, written: true, 7 MiB", "/cache: there: false, written: true, 5 MiB")

			if mode == ModeGuard { // a worker that starts again finds it
				r = open(t)
			}
			require.NoError(t, r.Start(t.Context(), s.Key))
			says("/keep: there: true", "/own: there: true")

			// Another manifest, twice: every step may be repeated, and the disk grows.
			s.Definition, s.Disk.LeaseMiB = "other", 64
			for range 2 {
				require.NoError(t, r.Enlarge(t.Context(), s.Lease, s.Disk)) // it does not run
				require.NoError(t, r.Discard(t.Context(), s.Key))
			}
			s.Volumes[0].ReadOnly = true
			run(t, r, s)
			says("/keep: there: true, written: false", "/own: there: false, written: true", "/cache: there: false")
			if mode == ModeGuard {
				require.Greater(t, allocated(t, filepath.Join(r.disks.dir, r.slug(s.Lease), "disk.img")), int64(50<<20))
				require.Contains(t, runtimetest.Output(t, r, s.Key, runtime.LogOptions{}), "/own: there: false, written: true, 5", "the file system grew with its file")
			}

			for range 2 {
				require.NoError(t, r.Remove(t.Context(), s.Lease))
			}
			left, err := r.engine.VolumeList(t.Context(), client.VolumeListOptions{Filters: r.mine(s.Lease)})
			require.NoError(t, err)
			require.Empty(t, left.Items)
			s.Volumes[0].ReadOnly = false
			run(t, r, s)
			says("/keep: there: false")
		})
	}
}

// Without a persistent volume nothing of an instance stays for the next.
func TestDiscardWithoutPersistentVolumesLeavesNothing(t *testing.T) {
	r, s := subject(t)
	guarded(t, r, "disk")
	s.Env = []string{"DO=volume", "FILES=/tmp"}
	run(t, r, s)
	ended(t, r, s.Key)
	require.NoError(t, r.Discard(t.Context(), s.Key))
	for _, kind := range []string{"root", "volume"} {
		left, err := os.ReadDir(filepath.Join(r.disks.dir, r.slug(s.Lease), "tree", kind))
		require.NoError(t, err)
		require.Empty(t, left)
	}
	require.NoError(t, r.Remove(t.Context(), s.Lease))
	require.Empty(t, runtimetest.Loops(t, r.info.DockerRootDir))
}
