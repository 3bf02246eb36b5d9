// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/offchain/worker/runtime/runtimetest"
)

// TestFilesForAUserWithoutAName: images that have a program and nothing else name their user by numbers.
func TestFilesForAUserWithoutAName(t *testing.T) {
	for user, want := range map[string][2]int{"65534:65533": {65534, 65533}, "1000": {1000, 0}, "": {0, 0}} {
		r, s := subject(t)
		s.Image = runtimetest.SubjectImageAs(t, runtimetest.Registry(t), user)
		require.NoError(t, r.Pull(t.Context(), s.Image, nil))
		s.Env = []string{"DO=echo", "PORT=7007"}
		run(t, r, s)
		var in bytes.Buffer
		w := tar.NewWriter(&in)
		require.NoError(t, w.WriteHeader(&tar.Header{Name: "dir/", Typeflag: tar.TypeDir, Mode: 0o755, Uid: 7, Gid: 7, Uname: "root", ModTime: time.Unix(1, 0)}))
		require.NoError(t, w.WriteHeader(&tar.Header{Name: "dir/file", Typeflag: tar.TypeReg, Mode: 0o640, Size: 4, Uid: 7, Gid: 7, ModTime: time.Unix(1, 0)}))
		_, err := w.Write([]byte("text"))
		require.NoError(t, err)
		require.NoError(t, w.Close())
		require.NoError(t, r.CopyIn(t.Context(), s.Key, "/tmp", &in), user)

		out, err := r.CopyOut(t.Context(), s.Key, "/tmp/dir")
		require.NoError(t, err)
		found := 0
		for in := tar.NewReader(out); ; found++ {
			h, err := in.Next()
			if err == io.EOF {
				break
			}
			require.NoError(t, err)
			require.Equal(t, want, [2]int{h.Uid, h.Gid}, "%q %s", user, h.Name)
		}
		require.Equal(t, 2, found)
		require.NoError(t, out.Close())
		require.NoError(t, r.Remove(t.Context(), s.Lease))
	}
	r, s := subject(t)
	s.Image = runtimetest.SubjectImageAs(t, runtimetest.Registry(t), "1000:1000")
	require.NoError(t, r.Pull(t.Context(), s.Image, nil))
	run(t, r, s)
	require.Error(t, r.CopyIn(t.Context(), s.Key, "/tmp", bytes.NewReader([]byte("no archive, and long enough to be read as the beginning of one"))))
}

// TestFilesOfAnInstanceThatIsDown: what goes in before it has run is there when it runs, and a reboot, which takes all mounts, keeps nothing from being
// copied out.
func TestFilesOfAnInstanceThatIsDown(t *testing.T) {
	r, s := subject(t)
	guarded(t, r, "disk")
	s.Env = []string{"DO=echo", "PORT=7007"}
	put := func(name string) {
		t.Helper()
		var in bytes.Buffer
		w := tar.NewWriter(&in)
		require.NoError(t, w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o640, Size: 4}))
		_, err := w.Write([]byte("text"))
		require.NoError(t, err)
		require.NoError(t, w.Close())
		require.NoError(t, r.CopyIn(t.Context(), s.Key, "/tmp", &in))
	}
	there := func(names ...string) {
		t.Helper()
		for _, name := range names {
			out, err := r.CopyOut(t.Context(), s.Key, "/tmp/"+name)
			require.NoError(t, err, name)
			_, err = io.Copy(io.Discard, out)
			require.NoError(t, errors.Join(err, out.Close()))
		}
	}
	require.NoError(t, r.Create(t.Context(), s))
	put("before")
	require.NoError(t, r.Start(t.Context(), s.Key))
	there("before")
	put("while")
	for range 2 {
		require.NoError(t, r.Stop(t.Context(), s.Lease, 0))
		require.NoError(t, unmountAll(filepath.Join(r.disks.dir, r.slug(s.Lease), "tree")))
		there("before", "while")
		require.NoError(t, r.Stop(t.Context(), s.Lease, 0))
		require.NoError(t, unmountAll(filepath.Join(r.disks.dir, r.slug(s.Lease), "tree")))
		put("after")
		require.NoError(t, r.Start(t.Context(), s.Key))
		there("before", "while", "after")
	}
}
