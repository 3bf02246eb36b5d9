// SPDX-License-Identifier: Apache-2.0

package pack

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func write(t testing.TB, path, text string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
}

func read(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(b)
}

// entry is one of an archive that a test makes up.
type entry struct {
	name string
	kind byte
	text string // or the target of a link
}

func archive(t testing.TB, entries ...entry) io.Reader {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Typeflag: e.kind, Mode: 0o6755, Uid: 7, ModTime: time.Unix(1, 0)}
		switch e.kind {
		case tar.TypeReg:
			h.Size = int64(len(e.text))
		case tar.TypeSymlink, tar.TypeLink:
			h.Linkname = e.text
		case tar.TypeBlock:
			h.Devmajor = 8
		}
		require.NoError(t, w.WriteHeader(h))
		if e.kind == tar.TypeReg {
			_, err := io.WriteString(w, e.text)
			require.NoError(t, err)
		}
	}
	require.NoError(t, w.Close())
	return &b
}

func TestThereAndBack(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "src", "a"), "one")
	write(t, filepath.Join(dir, "src", "sub", "b"), strings.Repeat("x", 1<<17))
	require.NoError(t, os.Chmod(filepath.Join(dir, "src", "a"), 0o751))
	require.NoError(t, os.Symlink("sub/b", filepath.Join(dir, "src", "link")))
	require.NoError(t, os.Symlink("src", filepath.Join(dir, "alias")))
	for _, src := range []string{"src", "alias"} {
		var wire, clean bytes.Buffer
		sent, err := Pack(&wire, filepath.Join(dir, src), "src")
		require.NoError(t, err)
		require.Equal(t, Sum{Files: 5, Bytes: 3 + 1<<17}, sent)
		passed, err := Filter(&clean, &wire, "renamed", 1<<20)
		require.NoError(t, err)
		require.Equal(t, sent, passed)
		dst := filepath.Join(t.TempDir(), "out")
		write(t, filepath.Join(dst, "a"), "old")
		write(t, filepath.Join(dst, "other"), "stays")
		got, err := Unpack(&clean, dst)
		require.NoError(t, err)
		require.Equal(t, sent, got)
		require.Equal(t, "one", read(t, filepath.Join(dst, "a")))
		require.Equal(t, "stays", read(t, filepath.Join(dst, "other")))
		require.Equal(t, 1<<17, len(read(t, filepath.Join(dst, "link"))))
		info, err := os.Stat(filepath.Join(dst, "a"))
		require.NoError(t, err)
		require.Equal(t, fs.FileMode(0o751), info.Mode())
	}
	// One file.
	var wire bytes.Buffer
	_, err := Pack(&wire, filepath.Join(dir, "src", "a"), "a")
	require.NoError(t, err)
	dst := filepath.Join(t.TempDir(), "new name")
	_, err = Unpack(&wire, dst)
	require.NoError(t, err)
	require.Equal(t, "one", read(t, dst))
}

func TestFilterTakesOffWhatGivesRights(t *testing.T) {
	var out bytes.Buffer
	_, err := Filter(&out, archive(t, entry{"x", tar.TypeReg, "text"}), "y", 4)
	require.NoError(t, err)
	h, err := tar.NewReader(&out).Next()
	require.NoError(t, err)
	require.Equal(t, "y", h.Name)
	require.Equal(t, int64(0o755), h.Mode, "no set-user-id")
	require.Zero(t, h.Uid)
}

func TestFilterRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		entries []entry
		want    error
	}{
		"nothing":           {nil, ErrUnsafe},
		"absolute":          {[]entry{{"/etc/passwd", tar.TypeReg, ""}}, ErrUnsafe},
		"up":                {[]entry{{"a/../../b", tar.TypeReg, ""}}, ErrUnsafe},
		"two tops":          {[]entry{{"a", tar.TypeReg, ""}, {"b", tar.TypeReg, ""}}, ErrUnsafe},
		"device":            {[]entry{{"a", tar.TypeBlock, ""}}, ErrUnsafe},
		"pipe":              {[]entry{{"a", tar.TypeFifo, ""}}, ErrUnsafe},
		"hard link":         {[]entry{{"a", tar.TypeReg, ""}, {"a/b", tar.TypeLink, "/etc/shadow"}}, ErrUnsafe},
		"more than allowed": {[]entry{{"a/", tar.TypeDir, ""}, {"a/b", tar.TypeReg, "12"}, {"a/c", tar.TypeReg, "345"}}, ErrTooLarge},
	} {
		_, err := Filter(io.Discard, archive(t, tc.entries...), "x", 4)
		require.ErrorIs(t, err, tc.want, name)
	}
	_, err := Filter(io.Discard, io.LimitReader(archive(t, entry{"a", tar.TypeReg, strings.Repeat("x", 2000)}), 1000), "x", 4000)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

// TestNothingLeadsOut: archives of a hostile worker or workload.
func TestNothingLeadsOut(t *testing.T) {
	top := entry{"t/", tar.TypeDir, ""}
	for name, tc := range map[string]struct {
		entries []entry
		fails   bool
	}{
		"up":                        {[]entry{top, {"t/../victim", tar.TypeReg, "evil"}}, true},
		"absolute":                  {[]entry{top, {"/t/victim", tar.TypeReg, "evil"}}, true},
		"beside":                    {[]entry{top, {"victim", tar.TypeReg, "evil"}}, true},
		"file, then more":           {[]entry{{"t", tar.TypeReg, "x"}, {"t/x", tar.TypeReg, "evil"}}, true},
		"begins with a link":        {[]entry{{"t", tar.TypeSymlink, "victim"}, {"t", tar.TypeReg, "evil"}}, true},
		"begins below":              {[]entry{{"t/x", tar.TypeReg, "evil"}}, true},
		"through a link out":        {[]entry{top, {"t/l", tar.TypeSymlink, ".."}, {"t/l/victim", tar.TypeReg, "evil"}}, false},
		"through a link inside":     {[]entry{top, {"t/d/", tar.TypeDir, ""}, {"t/l", tar.TypeSymlink, "d"}, {"t/l/x", tar.TypeReg, "evil"}}, true},
		"over a link":               {[]entry{top, {"t/l", tar.TypeSymlink, "../victim"}, {"t/l", tar.TypeReg, "fine"}}, false},
		"absolute link":             {[]entry{top, {"t/l", tar.TypeSymlink, "/etc/passwd"}}, false},
		"up through another link":   {[]entry{top, {"t/d/", tar.TypeDir, ""}, {"t/d/y", tar.TypeSymlink, "."}, {"t/x", tar.TypeSymlink, "d/y/../../victim"}}, false},
		"hard link out":             {[]entry{top, {"t/h", tar.TypeLink, "../victim"}, {"t/h", tar.TypeReg, "evil"}}, true},
		"hard link beside":          {[]entry{top, {"t/h", tar.TypeLink, "victim"}}, true},
		"hard link to a link":       {[]entry{top, {"t/l", tar.TypeSymlink, "d"}, {"t/h", tar.TypeLink, "t/l"}}, true},
		"hard link through a link":  {[]entry{top, {"t/l", tar.TypeSymlink, "."}, {"t/h", tar.TypeLink, "t/l/x"}}, true},
		"device":                    {[]entry{top, {"t/dev", tar.TypeBlock, ""}}, false},
		"a link of the destination": {[]entry{top, {"t/mine/victim", tar.TypeReg, "evil"}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			victim, dst := filepath.Join(dir, "victim"), filepath.Join(dir, "dst")
			write(t, victim, "good")
			require.NoError(t, os.Mkdir(dst, 0o755))
			require.NoError(t, os.Symlink("..", filepath.Join(dst, "mine")))
			if name == "file, then more" || strings.HasPrefix(name, "begins") {
				require.NoError(t, os.RemoveAll(dst))
			}
			_, err := Unpack(archive(t, tc.entries...), dst)
			require.Equal(t, tc.fails, err != nil, "%v", err)
			contained(t, dir, dst)
		})
	}
}

// TestHolesAreRefused: an archive of two kilobytes that would become a terabyte.
func TestHolesAreRefused(t *testing.T) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	require.NoError(t, w.WriteHeader(&tar.Header{Name: "t", Typeflag: tar.TypeReg, Mode: 0o644, Size: 512, Format: tar.FormatPAX, PAXRecords: map[string]string{
		"ATH.sparse.major": "1", "ATH.sparse.minor": "0", "ATH.sparse.name": "t", "ATH.sparse.realsize": "1099511627776",
	}}))
	data := make([]byte, 512)
	copy(data, "1\n1099511627776\n0\n")
	_, err := w.Write(data)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	wire := bytes.ReplaceAll(b.Bytes(), []byte("ATH.sparse"), []byte("GNU.sparse")) // which the writer refuses to write
	h, err := tar.NewReader(bytes.NewReader(wire)).Next()
	require.NoError(t, err)
	require.Equal(t, int64(1)<<40, h.Size)
	_, err = Unpack(bytes.NewReader(wire), filepath.Join(t.TempDir(), "x"))
	require.ErrorIs(t, err, ErrUnsafe)
	_, err = Filter(io.Discard, bytes.NewReader(wire), "x", 1<<50)
	require.ErrorIs(t, err, ErrUnsafe)
}

// contained says that the victim is as it was and that no link below dst, other than the test's own, leads out of it.
func contained(t testing.TB, dir, dst string) {
	t.Helper()
	require.Equal(t, "good", read(t, filepath.Join(dir, "victim")))
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.LessOrEqual(t, len(entries), 2)
	_ = filepath.WalkDir(dst, func(at string, d fs.DirEntry, err error) error {
		if err != nil || d.Type()&fs.ModeSymlink == 0 || filepath.Base(at) == "mine" {
			return nil //nolint:nilerr // what was not made leads nowhere
		}
		end, err := filepath.EvalSymlinks(at)
		if err != nil { // dangling, or a circle: where would it be?
			if target, _ := os.Readlink(at); filepath.IsAbs(target) {
				t.Fatalf("%s leads to %s", at, target)
			}
			return nil
		}
		real, err := filepath.EvalSymlinks(dst)
		require.NoError(t, err)
		require.True(t, end == real || strings.HasPrefix(end, real+string(filepath.Separator)), "%s leads to %s", at, end)
		return nil
	})
}

// FuzzUnpack: whatever an archive holds, only dst is touched.
func FuzzUnpack(f *testing.F) {
	for _, entries := range [][]entry{
		{{"t/", tar.TypeDir, ""}, {"t/a", tar.TypeReg, "x"}, {"t/l", tar.TypeSymlink, "a"}, {"t/h", tar.TypeLink, "t/a"}},
		{{"t/", tar.TypeDir, ""}, {"t/l", tar.TypeSymlink, ".."}, {"t/l/victim", tar.TypeReg, "x"}},
		{{"t", tar.TypeReg, "x"}},
	} {
		b, err := io.ReadAll(archive(f, entries...))
		require.NoError(f, err)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, wire []byte) {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "victim"), "good")
		dst := filepath.Join(dir, "dst")
		if _, err := Unpack(io.LimitReader(bytes.NewReader(wire), 1<<16), dst); err != nil && errors.Is(err, os.ErrPermission) {
			t.Fatal(err)
		}
		contained(t, dir, dst)
		_, _ = Filter(io.Discard, bytes.NewReader(wire), "x", 1<<16) // must end, and not panic
	})
}
