// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/offchain/manifest"
	"github.com/athnet/ath/offchain/worker/runtime"
)

// processes lists what runs in an instance.
func processes(t testing.TB, r *Runtime, key runtime.Key) [][]string {
	t.Helper()
	top, err := r.engine.ContainerTop(t.Context(), r.name(key), client.ContainerTopOptions{})
	require.NoError(t, err)
	return top.Processes
}

// TestReapEndsWhatAnEarlierWorkerLeft: commands whose worker was killed while they ran.
func TestReapEndsWhatAnEarlierWorkerLeft(t *testing.T) {
	r, s := subject(t)
	s.Env = []string{"DO=echo", "PORT=7007"}
	run(t, r, s)
	made, err := r.engine.ExecCreate(t.Context(), r.name(s.Key), client.ExecCreateOptions{Cmd: []string{"/subject", "do", "sleep"}})
	require.NoError(t, err)
	_, err = r.engine.ExecStart(t.Context(), made.ID, client.ExecStartOptions{Detach: true})
	require.NoError(t, err)
	require.Eventually(t, func() bool { return len(processes(t, r, s.Key)) == 3 }, patience, 20*time.Millisecond, "the instance, the command, its child")
	require.NoError(t, r.Reap(t.Context()))
	require.Eventually(t, func() bool { return len(processes(t, r, s.Key)) == 1 }, patience, 20*time.Millisecond)
	require.Equal(t, runtime.StateRunning, instance(t, r, s.Key).State)
}

// TestNoThreadStaysInAnInstancesNetwork: the first thread never ends, so it must never go there.
func TestNoThreadStaysInAnInstancesNetwork(t *testing.T) {
	r, s := subject(t)
	s.Env = []string{"DO=echo", "PORT=7007"}
	run(t, r, s)
	own, err := os.Readlink("/proc/self/ns/net")
	require.NoError(t, err)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 100 {
				if conn, err := r.Dial(t.Context(), s.Key, 7007); err == nil {
					_ = conn.Close()
				}
			}
		})
	}
	all.Wait()
	conn, err := r.Dial(t.Context(), s.Key, 7007)
	require.NoError(t, err)
	require.NoError(t, conn.Close())
	now, err := os.Readlink("/proc/self/ns/net")
	require.NoError(t, err)
	require.Equal(t, own, now)
	require.Eventually(t, func() bool {
		spaces, err := filepath.Glob("/proc/self/task/*/ns/net")
		require.NoError(t, err)
		for _, path := range spaces {
			if space, err := os.Readlink(path); err == nil && space != own {
				return false
			}
		}
		return true
	}, patience, 20*time.Millisecond)
}

// TestOnlyOwnProcessesAreKilled: a process id that is not the container's is left alone, whatever an engine says.
func TestOnlyOwnProcessesAreKilled(t *testing.T) {
	id := make([]byte, 64)
	for i := range id {
		id[i] = 'a'
	}
	require.Error(t, killTree(string(id), 1))
	require.Error(t, ownedBy("", 1))
	_, err := openNetwork(string(id), 1)
	require.Error(t, err)
}

// TestWaysInWhileAnInstanceComesAndGoes: whatever an engine says of an instance that is being made, started, ended or removed, callers learn that it does
// not run, or is not there: never that the command or the path is wrong, and nothing that nobody can act upon.
func TestWaysInWhileAnInstanceComesAndGoes(t *testing.T) {
	r, s := subject(t)
	s.Env = []string{"DO=volume", "FILES=/keep", "STAY=1"}
	s.Volumes = []manifest.Volume{{Name: "keep", Mount: "/keep", Class: manifest.ClassDisk, SizeMiB: 4, Persistent: true}}
	run(t, r, s)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var all sync.WaitGroup
	var mu sync.Mutex
	worked := map[string]int{}
	loop := func(way string, try func() error) {
		all.Go(func() {
			for ctx.Err() == nil {
				err := try()
				switch {
				case ctx.Err() != nil:
				case err == nil:
					mu.Lock()
					worked[way]++
					mu.Unlock()
				case !errors.Is(err, runtime.ErrNotRunning) && !errors.Is(err, runtime.ErrNotFound):
					t.Errorf("%s: %v", way, err)
				}
				time.Sleep(5 * time.Millisecond) // so that the engine has time for its other callers
			}
		})
	}
	loop("exec", func() error {
		_, err := r.Exec(ctx, s.Key, runtime.Process{Command: []string{"/subject", "do", "env"}, Stdout: io.Discard, Stderr: io.Discard})
		return err
	})
	loop("copy in", func() error {
		var in bytes.Buffer
		w := tar.NewWriter(&in)
		if err := errors.Join(w.WriteHeader(&tar.Header{Name: "f", Typeflag: tar.TypeReg}), w.Close()); err != nil {
			return err
		}
		return r.CopyIn(ctx, s.Key, "/keep", &in)
	})
	loop("copy out", func() error {
		out, err := r.CopyOut(ctx, s.Key, "/keep")
		if err == nil {
			_, _ = io.Copy(io.Discard, out) // what breaks off says so itself
			err = out.Close()
		}
		return err
	})
	for range 4 {
		// A race is given time to happen on either side; nothing is waited for.
		time.Sleep(300 * time.Millisecond)
		require.NoError(t, r.End(t.Context(), s.Key, 0))
		require.NoError(t, r.Start(t.Context(), s.Key))
		time.Sleep(300 * time.Millisecond)
		require.NoError(t, r.Discard(t.Context(), s.Key))
		run(t, r, s)
	}
	cancel()
	all.Wait()
	require.Len(t, worked, 3, "each at one time or another")
}
