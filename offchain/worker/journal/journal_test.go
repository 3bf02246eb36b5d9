// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var start = time.Unix(1_800_000_000, 123).UTC()

func line(n int) Line {
	return Line{Time: start.Add(time.Duration(n) * time.Millisecond), Source: 7, Stream: Stream(n % 2), Text: []byte(fmt.Sprintf("line %d", n))}
}

func open(t testing.TB, dir string) *Journal {
	t.Helper()
	j, err := Open(dir, 0)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, j.Close()) })
	return j
}

// rest reads what there is: the lines' numbers must be without holes but for those that are reported.
func rest(t testing.TB, r *Reader) (lines []Line, lost uint64) {
	t.Helper()
	for {
		l, gap, err := r.Read()
		if errors.Is(err, io.EOF) {
			return lines, lost
		}
		require.NoError(t, err)
		if len(lines) > 0 {
			require.Equal(t, lines[len(lines)-1].Number+1+gap, l.Number)
		}
		lost += gap
		lines = append(lines, l)
	}
}

func TestWhatWasWrittenIsReadAfterARestart(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	changed := j.Changed()
	for n := range 100 {
		require.NoError(t, j.Append(line(n)))
	}
	<-changed
	require.NoError(t, j.Append(Line{Time: start, Stream: Note, Partial: true}))
	id := j.ID()
	require.NoError(t, j.Close())
	j = open(t, dir)
	require.Equal(t, id, j.ID())
	lines, lost := rest(t, j.Reader(0))
	require.Zero(t, lost)
	require.Len(t, lines, 101)
	want := line(42)
	want.Number = 43
	require.Equal(t, want, lines[42])
	require.True(t, lines[100].Partial)
	require.NoError(t, j.Append(line(101)))
	lines, _ = rest(t, j.Reader(101))
	require.Len(t, lines, 2, "a reader begins where it wants to")
}

// A kill or a power cut at any byte leaves whole lines, and the next one gets the number of the torn one.
func TestTornTail(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	ends := []int64{int64(headerSize)}
	for n := range 5 {
		require.NoError(t, j.Append(line(n)))
		ends = append(ends, j.segs[0].size)
	}
	whole, err := os.ReadFile(j.path(1))
	require.NoError(t, err)
	for cut := range len(whole) {
		torn := filepath.Join(t.TempDir(), "torn")
		require.NoError(t, os.MkdirAll(torn, 0o700))
		name := filepath.Join(torn, filepath.Base(j.path(1)))
		require.NoError(t, os.WriteFile(name, whole[:cut], 0o600))
		kept := 0
		for kept < 5 && ends[kept+1] <= int64(cut) {
			kept++
		}
		k, err := Open(torn, 0)
		require.NoError(t, err)
		require.NoError(t, k.Append(line(kept)))
		lines, lost := rest(t, k.Reader(1))
		require.Zero(t, lost)
		require.Len(t, lines, kept+1, "cut at %d", cut)
		require.Equal(t, fmt.Sprintf("line %d", kept), string(lines[kept].Text))
		require.Equal(t, uint64(kept+1), lines[kept].Number)
		require.NoError(t, k.Close())
	}
}

func TestRotationDropsTheOldestAndSaysSo(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	slow := j.Reader(1)
	defer slow.Close()
	long := strings.Repeat("x", 1000)
	require.NoError(t, j.Append(line(0)))
	_, _, err := slow.Read()
	require.NoError(t, err)
	const all = 4000
	for n := 1; n < all; n++ {
		l := line(n)
		l.Text = []byte(long)
		require.NoError(t, j.Append(l))
	}
	oldest, next := j.Range()
	require.Equal(t, uint64(all+1), next)
	require.Greater(t, oldest, uint64(1))
	size := int64(0)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.LessOrEqual(t, len(entries), segments)
	for _, e := range entries {
		info, err := e.Info()
		require.NoError(t, err)
		size += info.Size()
	}
	require.LessOrEqual(t, size, int64(segments*minSegment))

	// One that comes late is told how much it missed; one that was reading has its segment to the end first.
	lines, lost := rest(t, j.Reader(1))
	require.Equal(t, oldest-1, lost)
	require.Equal(t, uint64(all), uint64(len(lines))+lost)
	lines, lost = rest(t, slow)
	require.Positive(t, lost)
	require.Equal(t, uint64(2), lines[0].Number, "the open segment is still there")
	require.Equal(t, uint64(all-1), uint64(len(lines))+lost)
	require.NoError(t, j.Close())

	j = open(t, dir)
	again, after := j.Range()
	require.Equal(t, oldest, again)
	require.Equal(t, next, after)
}

// A disk that spoils a byte in the middle costs the rest of that segment, and the hole is said.
func TestBrokenSegment(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	for n := range 400 {
		l := line(n)
		l.Text = make([]byte, 1000)
		require.NoError(t, j.Append(l))
	}
	require.Greater(t, len(j.segs), 2)
	first := j.path(1)
	require.NoError(t, j.Close())
	raw, err := os.ReadFile(first)
	require.NoError(t, err)
	raw[len(raw)/2] ^= 1
	require.NoError(t, os.WriteFile(first, raw, 0o600))
	j = open(t, dir)
	lines, lost := rest(t, j.Reader(1))
	require.Positive(t, lost)
	require.Equal(t, uint64(400), uint64(len(lines))+lost)
}

func TestLongLinesAreCut(t *testing.T) {
	j := open(t, t.TempDir())
	text := slices.Repeat([]byte("abc"), maxText)
	require.NoError(t, j.Append(Line{Time: start, Text: text}, line(1)))
	lines, _ := rest(t, j.Reader(1))
	var got []byte
	for i, l := range lines[:len(lines)-1] {
		got = append(got, l.Text...)
		require.Equal(t, i < len(lines)-2, l.Partial)
	}
	require.Equal(t, text, got)
}

func TestRecent(t *testing.T) {
	j := open(t, t.TempDir())
	for n := range 3000 {
		l := line(n)
		l.Source = uint32(n % 2)
		require.NoError(t, j.Append(l))
	}
	lines, err := j.Recent(1, 100*time.Millisecond)
	require.NoError(t, err)
	require.Len(t, lines, 51)
	require.Equal(t, "line 2899", string(lines[0].Text))
	require.Equal(t, "line 2999", string(lines[50].Text))
	lines, err = j.Recent(5, time.Hour)
	require.NoError(t, err)
	require.Empty(t, lines)
}

// FuzzSegment: whatever lies on disk, a journal opens, reads, takes a line and gives that back.
func FuzzSegment(f *testing.F) {
	head := append([]byte(magic), 0, 0, 0, 0, 0, 0, 0, 1)
	l := line(1)
	l.Number = 1
	good := appendRecord(slices.Clone(head), l)
	f.Add(good)
	f.Add(good[:len(good)-3])
	f.Add([]byte(magic))
	f.Add(append(slices.Clone(head), 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0))
	f.Fuzz(func(t *testing.T, raw []byte) {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("%020d%s", 1, suffix)), raw, 0o600))
		j, err := Open(dir, 0)
		require.NoError(t, err)
		before, _ := rest(t, j.Reader(1))
		require.NoError(t, j.Append(line(9)))
		after, lost := rest(t, j.Reader(1))
		require.Zero(t, lost)
		require.Len(t, after, len(before)+1)
		require.Equal(t, "line 9", string(after[len(before)].Text))
		require.NoError(t, j.Close())
	})
}
