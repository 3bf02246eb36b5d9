// SPDX-License-Identifier: Apache-2.0

// Package runtimetest holds what every runtime must do, as a suite that each implementation runs.
package runtimetest

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/offchain/manifest"
	"github.com/athnet/ath/offchain/worker/runtime"
)

// Subject is an implementation under test, with an image for it.
type Subject struct {
	Runtime runtime.Runtime
	// Image prints "hello" and its first argument and serves until it is stopped, or ends at once with the code that the
	// environment variable EXIT holds.
	Image string
	// Missing is an image that a registry does not have.
	Missing string
	// Real is false where nothing is executed: exit codes and output are then not looked at.
	Real bool
	// Alone says whether an instance's own process is the only one in it; nil where there are none to count.
	Alone func(t testing.TB, key runtime.Key) bool
}

const patience = 20 * time.Second

// Suite runs the contract.
func Suite(t *testing.T, s Subject) {
	spec := func(lease, service string) runtime.Spec {
		return runtime.Spec{
			Key: runtime.Key{Lease: lease, Service: service}, Container: 7, ManifestHash: "aa", Image: s.Image, Args: []string{"first"},
			CPUMilli: 500, MemoryMiB: 32, Pids: 32, Disk: runtime.Disk{LeaseMiB: 16, ServiceMiB: 16, Services: 1}, Restart: manifest.RestartNever,
		}
	}
	r := s.Runtime
	cleanup := func(t *testing.T, leases ...string) {
		t.Cleanup(func() {
			for _, l := range leases {
				require.NoError(t, r.Remove(context.Background(), l))
			}
		})
	}

	t.Run("an image that does not exist is not worth a retry", func(t *testing.T) {
		require.ErrorIs(t, r.Pull(t.Context(), s.Missing, nil), runtime.ErrImage)
		require.ErrorIs(t, r.Pull(t.Context(), "busybox:latest", nil), runtime.ErrImage, "by tag")
	})
	t.Run("every step may be repeated", func(t *testing.T) {
		cleanup(t, "ath1a/1")
		one := spec("ath1a/1", "web")
		for range 2 {
			require.NoError(t, r.Pull(t.Context(), s.Image, nil))
		}
		for range 2 {
			require.NoError(t, r.Create(t.Context(), one))
			require.Equal(t, runtime.StateCreated, get(t, r, one.Key).State)
		}
		for range 2 {
			require.NoError(t, r.Start(t.Context(), one.Key))
			require.Equal(t, runtime.StateRunning, get(t, r, one.Key).State)
		}
		i := get(t, r, one.Key)
		require.Equal(t, uint64(7), i.Container)
		require.Equal(t, "aa", i.ManifestHash)
		require.Equal(t, s.Image, i.Image)
		require.WithinDuration(t, time.Now(), i.StartedAt, time.Minute)
		require.False(t, i.Ended())
		for range 2 {
			require.NoError(t, r.Stop(t.Context(), one.Lease, 0))
			require.Equal(t, runtime.StateExited, get(t, r, one.Key).State)
		}
		for range 2 {
			require.NoError(t, r.Remove(t.Context(), one.Lease))
			require.Empty(t, of(t, r, one.Lease))
		}
	})
	t.Run("one key, one instance", func(t *testing.T) {
		cleanup(t, "ath1a/2")
		one := spec("ath1a/2", "web")
		require.NoError(t, r.Create(t.Context(), one))
		other := one
		other.Definition = "bb"
		require.ErrorIs(t, r.Create(t.Context(), other), runtime.ErrConflict)
		other = one
		other.ManifestHash, other.MemoryMiB = "bb", 64
		require.NoError(t, r.Create(t.Context(), other), "it goes on under another manifest")
		require.Len(t, of(t, r, one.Lease), 1)
	})
	t.Run("an instance of a lease changes and goes alone", func(t *testing.T) {
		cleanup(t, "ath1a/8")
		one, two := spec("ath1a/8", "one"), spec("ath1a/8", "two")
		for _, s := range []runtime.Spec{one, two} {
			require.NoError(t, r.Create(t.Context(), s))
			require.NoError(t, r.Start(t.Context(), s.Key))
		}
		for range 2 {
			require.NoError(t, r.Resize(t.Context(), one.Key, 250, 48))
			require.NoError(t, r.Room(t.Context(), one.Lease, one.Disk, []string{"one", "two"}))
			if err := r.Enlarge(t.Context(), one.Lease, runtime.Disk{LeaseMiB: 24, ServiceMiB: 12, Services: 2}); !errors.Is(err, runtime.ErrOffline) {
				require.NoError(t, err)
			}
		}
		i := get(t, r, one.Key)
		require.Equal(t, uint64(250), i.CPUMilli)
		require.Equal(t, uint64(48), i.MemoryMiB)
		require.Equal(t, runtime.StateRunning, i.State)
		for range 2 {
			require.NoError(t, r.End(t.Context(), two.Key, 0))
			require.Equal(t, runtime.StateExited, get(t, r, two.Key).State)
		}
		for range 2 {
			require.NoError(t, r.Discard(t.Context(), two.Key))
		}
		require.Equal(t, []runtime.Instance{i}, of(t, r, one.Lease))
		none := runtime.Key{Lease: one.Lease, Service: "none"}
		require.ErrorIs(t, r.Resize(t.Context(), none, 250, 48), runtime.ErrNotFound)
		require.NoError(t, r.End(t.Context(), none, 0))
		require.NoError(t, r.Discard(t.Context(), none))
	})
	t.Run("leases don't touch one another", func(t *testing.T) {
		cleanup(t, "ath1a/3", "ath1b/3")
		a, b := spec("ath1a/3", "web"), spec("ath1b/3", "web")
		for _, one := range []runtime.Spec{a, b} {
			require.NoError(t, r.Create(t.Context(), one))
			require.NoError(t, r.Start(t.Context(), one.Key))
		}
		require.NoError(t, r.Stop(t.Context(), a.Lease, 0))
		require.NoError(t, r.Remove(t.Context(), a.Lease))
		require.Equal(t, runtime.StateRunning, get(t, r, b.Key).State)
	})
	t.Run("what is not there", func(t *testing.T) {
		none := runtime.Key{Lease: "ath1none/1", Service: "web"}
		require.ErrorIs(t, r.Start(t.Context(), none), runtime.ErrNotFound)
		_, err := r.Stats(t.Context(), none)
		require.ErrorIs(t, err, runtime.ErrNotFound)
		err = r.Logs(t.Context(), none, runtime.LogOptions{}, func(runtime.Output) error { return nil })
		require.ErrorIs(t, err, runtime.ErrNotFound)
		require.NoError(t, r.Stop(t.Context(), none.Lease, 0))
		require.NoError(t, r.Remove(t.Context(), none.Lease))
	})
	t.Run("a specification without limits or digest is refused", func(t *testing.T) {
		for _, change := range []func(*runtime.Spec){
			func(s *runtime.Spec) { s.Image = "busybox" },
			func(s *runtime.Spec) { s.MemoryMiB = 0 },
			func(s *runtime.Spec) { s.CPUMilli = 0 },
			func(s *runtime.Spec) { s.Pids = 0 },
			func(s *runtime.Spec) { s.Disk.LeaseMiB = 0 },
			func(s *runtime.Spec) { s.Ports = []runtime.Port{{Port: 80, Proto: "tcp"}} },
		} {
			one := spec("ath1a/4", "web")
			change(&one)
			require.Error(t, r.Create(t.Context(), one))
		}
		require.Empty(t, of(t, r, "ath1a/4"))
	})
	t.Run("watch tells of a start", func(t *testing.T) {
		cleanup(t, "ath1a/5")
		one := spec("ath1a/5", "web")
		require.NoError(t, r.Create(t.Context(), one))
		changed := r.Watch(t.Context())
		drain(changed)
		time.Sleep(300 * time.Millisecond) // the subscription's own round trip
		require.NoError(t, r.Start(t.Context(), one.Key))
		select {
		case <-changed:
		case <-time.After(patience):
			t.Fatal("no word of the start")
		}
	})
	t.Run("sessions", func(t *testing.T) { sessions(t, s, spec("ath1a/7", "web")) })
	if !s.Real {
		return
	}
	t.Run("output and exit code", func(t *testing.T) {
		cleanup(t, "ath1a/6")
		one := spec("ath1a/6", "job")
		one.Env = []string{"EXIT=3"}
		require.NoError(t, r.Create(t.Context(), one))
		require.NoError(t, r.Start(t.Context(), one.Key))
		require.Eventually(t, func() bool { return get(t, r, one.Key).Ended() }, patience, 50*time.Millisecond)
		i := get(t, r, one.Key)
		require.Equal(t, 3, i.ExitCode)
		require.False(t, i.OOMKilled)
		require.Equal(t, "hello\nfirst\n", Output(t, r, one.Key, runtime.LogOptions{}))
		var last time.Time
		require.NoError(t, r.Logs(t.Context(), one.Key, runtime.LogOptions{}, func(o runtime.Output) error { last = o.Time; return nil }))
		require.Equal(t, "first\n", Output(t, r, one.Key, runtime.LogOptions{Since: last}), "since a line's time, to the nanosecond, is with that line")
		require.Equal(t, "hello\nfirst\n", Output(t, r, one.Key, runtime.LogOptions{Follow: true}), "follow ends with the instance")
		_, err := r.Stats(t.Context(), one.Key)
		require.ErrorIs(t, err, runtime.ErrNotFound, "only what runs is measured")
	})
}

func drain(c <-chan struct{}) {
	for {
		select {
		case <-c:
		default:
			return
		}
	}
}

func of(t *testing.T, r runtime.Runtime, lease string) []runtime.Instance {
	t.Helper()
	all, err := r.List(t.Context())
	require.NoError(t, err)
	var out []runtime.Instance
	for _, i := range all {
		if i.Lease == lease {
			out = append(out, i)
		}
	}
	return out
}

func get(t *testing.T, r runtime.Runtime, key runtime.Key) runtime.Instance {
	t.Helper()
	for _, i := range of(t, r, key.Lease) {
		if i.Service == key.Service {
			return i
		}
	}
	t.Fatalf("no instance %v", key)
	return runtime.Instance{}
}

// Output returns an instance's output.
func Output(t *testing.T, r runtime.Runtime, key runtime.Key, o runtime.LogOptions) string {
	t.Helper()
	var b strings.Builder
	require.NoError(t, r.Logs(t.Context(), key, o, func(o runtime.Output) error {
		b.Write(o.Text)
		if !o.Partial {
			b.WriteByte('\n')
		}
		return nil
	}))
	return b.String()
}
