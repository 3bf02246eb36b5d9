// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
)

// Reader reads on from a line. A slow one holds one segment; what is dropped meanwhile it reports.
type Reader struct {
	j    *Journal
	next uint64
	file *os.File
	seg  uint64
	off  int64
}

// Reader begins with the line of a number; one that is not there yet is waited for.
func (j *Journal) Reader(from uint64) *Reader { return &Reader{j: j, next: max(from, 1)} }

// Read returns the next line, and how many before it are lost. io.EOF: there is none yet.
func (r *Reader) Read() (line Line, lost uint64, err error) {
	for {
		r.j.mu.Lock()
		segs, next := slices.Clone(r.j.segs), r.j.next
		r.j.mu.Unlock()
		if r.next >= next || len(segs) == 0 {
			return Line{}, 0, io.EOF
		}
		i := len(segs) - 1
		for i > 0 && segs[i].first > r.next {
			i--
		}
		if r.file != nil && r.seg != segs[i].first && !r.holds(segs) {
			r.Close()
		}
		if r.file == nil {
			if r.file, err = os.Open(r.j.path(segs[i].first)); errors.Is(err, fs.ErrNotExist) {
				continue // dropped just now
			}
			if err != nil {
				return Line{}, 0, err
			}
			r.seg, r.off = segs[i].first, int64(headerSize)
		}
		l, n, err := readRecord(r.file, r.off)
		switch {
		case err == nil && l.Number >= r.next:
			r.off += n
			lost, r.next = l.Number-r.next, l.Number+1
			return l, lost, nil
		case err == nil:
			r.off += n
			continue
		case errors.Is(err, io.EOF) || errors.Is(err, ErrCorrupt):
			// This segment is through, or broken from here on: the next one says how much is missing.
			k := slices.IndexFunc(segs, func(s segment) bool { return s.first > r.seg })
			r.Close()
			if k < 0 {
				return Line{}, 0, io.EOF
			}
			if r.file, err = os.Open(r.j.path(segs[k].first)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return Line{}, 0, err
			}
			r.seg, r.off = segs[k].first, int64(headerSize)
		default:
			return Line{}, 0, err
		}
	}
}

// holds says whether the open segment may still have the next line: one that was dropped is read to its end.
func (r *Reader) holds(segs []segment) bool {
	for _, s := range segs {
		if s.first > r.seg {
			return r.next < s.first
		}
	}
	return true
}

// Close lets go of the segment; Read opens it again.
func (r *Reader) Close() {
	if r.file != nil {
		_ = r.file.Close() // was only read
		r.file = nil
	}
}
