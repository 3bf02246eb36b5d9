// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/athnet/ath/offchain/worker/runtime"
)

// Storage is measured with all that is below a directory, and not with what a link names.
func TestOccupied(t *testing.T) {
	dir := t.TempDir()
	deep := filepath.Join(dir, "a", "b")
	require.NoError(t, os.MkdirAll(deep, 0o700))
	for i := range 3 * measurePart {
		require.NoError(t, os.WriteFile(filepath.Join(dir, strconv.Itoa(i)), nil, 0o600))
	}
	before, err := occupied(t.Context(), dir)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(deep, "file"), make([]byte, 1<<20), 0o600))
	outside := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(outside, make([]byte, 8<<20), 0o600))
	require.NoError(t, os.Symlink(filepath.Dir(outside), filepath.Join(deep, "link")))
	require.NoError(t, unix.Mkfifo(filepath.Join(dir, "pipe"), 0o600))
	after, err := occupied(t.Context(), dir)
	require.NoError(t, err)
	require.GreaterOrEqual(t, after-before, uint64(1<<20))
	require.Less(t, after-before, uint64(2<<20))
	_, err = occupied(t.Context(), filepath.Join(dir, "none"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

// What a tenant puts in a directory's place while it is measured is not followed, and does not hold the worker up.
func TestOnlyDirectoriesAreOpened(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, unix.Mkfifo(filepath.Join(dir, "pipe"), 0o600))
	require.NoError(t, os.Symlink("/", filepath.Join(dir, "link")))
	for _, name := range []string{"pipe", "link"} {
		_, err := openDir(unix.AT_FDCWD, filepath.Join(dir, name))
		require.ErrorIs(t, err, unix.ENOTDIR, name)
	}
}

// Directories that are too deep, or take too long, are no reason to count on.
func TestMeasuringIsBounded(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, strings.Repeat("d/", measureDepth-1)), 0o700))
	_, err := occupied(t.Context(), dir)
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(filepath.Join(dir, strings.Repeat("d/", measureDepth)), 0o700))
	_, err = occupied(t.Context(), dir)
	require.ErrorIs(t, err, errUnmeasured)

	late, cancel := context.WithTimeoutCause(t.Context(), time.Nanosecond, errUnmeasured)
	defer cancel()
	<-late.Done()
	_, err = occupied(late, dir)
	require.ErrorIs(t, err, errUnmeasured)

	d := &disks{}
	d.measuring.Lock()
	require.ErrorIs(t, d.room(t.Context(), "lease", 1, nil), runtime.ErrUnavailable)
}
