// SPDX-License-Identifier: Apache-2.0

// Package journal keeps the output of one service on disk: bounded, in order, every line with a number of its own.
//
//	segment  = magic ∥ id (8 bytes) ∥ record …         named by the number of its first line
//	record   = length ∥ CRC-32C ∥ number ∥ time ∥ source ∥ stream ∥ flags ∥ text
//
// Nothing but the records says how far a source was read (Recent), so that a crash between a line and a note of it can neither lose
// the line nor double it. A torn end is cut off when the journal is opened; the source is then asked for it again.
package journal

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// ErrCorrupt means that bytes are no record: a torn end, or a disk that fails.
var ErrCorrupt = errors.New("no record of a journal")

// Stream is where a line comes from.
type Stream uint8

// Streams of a line. A note is the journal's keeper's own word.
const (
	Out Stream = iota
	Err
	Note
)

// String is the name that tenants see.
func (s Stream) String() string {
	switch s {
	case Err:
		return "stderr"
	case Note:
		return "note"
	default:
		return "stdout"
	}
}

// Line is one piece of output.
type Line struct {
	Number  uint64    // from 1, without holes; set by Append
	Time    time.Time // as the source said, to the nanosecond
	Source  uint32    // which instance wrote it
	Stream  Stream
	Partial bool // more of the same line follows
	Text    []byte
}

const (
	magic      = "ATHLOG1\n"
	headerSize = len(magic) + 8
	frameSize  = 8             // length and checksum
	fixedSize  = 8 + 8 + 4 + 2 // what stands before the text
	maxText    = 64 << 10      // of one record; engines cut at 16 KiB
	minSegment = 2 * (maxText + frameSize + fixedSize)
	segments   = 8 // a journal is dropped by the eighth
	suffix     = ".seg"
)

var table = crc32.MakeTable(crc32.Castagnoli)

type segment struct {
	first uint64
	size  int64 // of whole records
}

// Journal is safe for concurrent use; only one process may have it open.
type Journal struct {
	dir   string
	limit int64 // of a segment, in bytes

	mu      sync.Mutex
	id      uint64
	segs    []segment
	file    *os.File // the last segment
	next    uint64
	changed chan struct{}
}

// Open opens or makes the journal in a directory that takes at most about limit bytes.
func Open(dir string, limit int64) (*Journal, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	j := &Journal{dir: dir, limit: max(minSegment, limit/segments), next: 1, changed: make(chan struct{})}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	for _, e := range entries {
		first, err := strconv.ParseUint(strings.TrimSuffix(e.Name(), suffix), 10, 64)
		if err != nil || !strings.HasSuffix(e.Name(), suffix) {
			continue
		}
		j.segs = append(j.segs, segment{first: first})
	}
	slices.SortFunc(j.segs, func(a, b segment) int { return int(min(max(int64(a.first)-int64(b.first), -1), 1)) })
	if err := j.check(); err != nil {
		return nil, fmt.Errorf("open journal %s: %w", dir, err)
	}
	return j, nil
}

func (j *Journal) path(first uint64) string {
	return filepath.Join(j.dir, fmt.Sprintf("%020d%s", first, suffix))
}

// check measures all segments and cuts the last one after its last whole record. A bad record in an older segment ends that segment:
// readers then see a hole in the numbers and say so.
func (j *Journal) check() error {
	for i := 0; i < len(j.segs); i++ {
		s := &j.segs[i]
		f, err := os.OpenFile(j.path(s.first), os.O_RDWR, 0)
		if err != nil {
			return err
		}
		id, count, size, err := measure(f, s.first)
		last := i == len(j.segs)-1
		switch {
		case errors.Is(err, ErrCorrupt) && size == 0: // torn in its header, or nothing of ours
			if err := errors.Join(f.Close(), os.Remove(j.path(s.first))); err != nil {
				return err
			}
			j.next = max(j.next, s.first)
			j.segs = slices.Delete(j.segs, i, i+1)
			i--
			continue
		case err != nil && !errors.Is(err, ErrCorrupt):
			return errors.Join(err, f.Close())
		}
		s.size = size
		j.id, j.next = id, s.first+count
		if !last {
			if err := f.Close(); err != nil {
				return err
			}
			continue
		}
		if err := f.Truncate(size); err != nil {
			return errors.Join(err, f.Close())
		}
		j.file = f
	}
	if j.id == 0 {
		var b [8]byte
		_, _ = rand.Read(b[:]) // never fails
		j.id = binary.BigEndian.Uint64(b[:]) | 1
	}
	if j.file == nil && len(j.segs) > 0 { // the newest was torn in its header; the one before goes on
		s := j.segs[len(j.segs)-1]
		f, err := os.OpenFile(j.path(s.first), os.O_RDWR, 0)
		if err != nil {
			return err
		}
		if err := f.Truncate(s.size); err != nil {
			return errors.Join(err, f.Close())
		}
		j.file, j.next = f, max(j.next, s.first)
	}
	return nil
}

// Append writes lines; it cuts those that are longer than 64 KiB into partial ones. Lines before one that failed stay.
func (j *Journal) Append(lines ...Line) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, l := range lines {
		for rest := l.Text; ; rest = rest[maxText:] {
			piece := l
			piece.Text = rest[:min(len(rest), maxText)]
			piece.Partial = l.Partial || len(rest) > maxText
			if err := j.append(piece); err != nil {
				return fmt.Errorf("append to journal %s: %w", j.dir, err)
			}
			if len(rest) <= maxText {
				break
			}
		}
	}
	close(j.changed)
	j.changed = make(chan struct{})
	return nil
}

func (j *Journal) append(l Line) error {
	l.Number = j.next
	record := appendRecord(nil, l)
	if j.file == nil || j.segs[len(j.segs)-1].size+int64(len(record)) > j.limit {
		if err := j.rotate(); err != nil {
			return err
		}
	}
	s := &j.segs[len(j.segs)-1]
	if _, err := j.file.WriteAt(record, s.size); err != nil {
		return errors.Join(err, j.file.Truncate(s.size))
	}
	s.size += int64(len(record))
	j.next++
	return nil
}

// rotate begins a segment and drops the oldest.
func (j *Journal) rotate() error {
	f, err := os.OpenFile(j.path(j.next), os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if _, err := f.WriteAt(binary.BigEndian.AppendUint64([]byte(magic), j.id), 0); err != nil {
		return errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	if j.file != nil {
		if err := errors.Join(j.file.Sync(), j.file.Close()); err != nil {
			return errors.Join(err, f.Close(), os.Remove(f.Name()))
		}
	}
	j.file = f
	j.segs = append(j.segs, segment{first: j.next, size: int64(headerSize)})
	for len(j.segs) > segments {
		if err := os.Remove(j.path(j.segs[0].first)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		j.segs = j.segs[1:]
	}
	return nil
}

// ID tells journals apart: numbers of one mean nothing in another.
func (j *Journal) ID() uint64 { return j.id }

// Range returns the number of the oldest line that is kept, and the one that the next will get.
func (j *Journal) Range() (oldest, next uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.segs) == 0 {
		return j.next, j.next
	}
	return j.segs[0].first, j.next
}

// Changed is closed by the next Append.
func (j *Journal) Changed() <-chan struct{} {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.changed
}

// Recent returns the newest lines of a source within window before its newest one, in order; none where it has written nothing that
// is still kept. The source is to be asked from the first one's time on, and what is in both is the same.
func (j *Journal) Recent(source uint32, window time.Duration) ([]Line, error) {
	oldest, next := j.Range()
	var out []Line
	newest := time.Time{}
	r := j.Reader(oldest)
	defer r.Close()
	for r.next < next {
		l, _, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if l.Source != source || l.Stream == Note {
			continue
		}
		if l.Time.After(newest) {
			newest = l.Time
		}
		out = append(out, l)
		if len(out) > 1024 { // keep memory small: most of a large journal is too old
			out = within(out, newest.Add(-window))
		}
	}
	return within(out, newest.Add(-window)), nil
}

func within(lines []Line, from time.Time) []Line {
	return slices.DeleteFunc(lines, func(l Line) bool { return l.Time.Before(from) })
}

// Close ends writing; what was written is on disk.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.file == nil {
		return nil
	}
	err := errors.Join(j.file.Sync(), j.file.Close())
	j.file = nil
	return err
}
