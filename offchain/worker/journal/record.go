// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"time"
)

// measure returns a segment's id, its number of whole records and their bytes, header included.
func measure(f io.ReaderAt, first uint64) (id, count uint64, size int64, err error) {
	if id, err = readHeader(f); err != nil {
		return 0, 0, 0, err
	}
	size = int64(headerSize)
	for {
		line, n, err := readRecord(f, size)
		if errors.Is(err, io.EOF) {
			return id, count, size, nil
		}
		if err == nil && line.Number != first+count {
			err = fmt.Errorf("%w: number %d where %d was due", ErrCorrupt, line.Number, first+count)
		}
		if err != nil {
			return id, count, size, err
		}
		size += n
		count++
	}
}

func readHeader(f io.ReaderAt) (uint64, error) {
	var b [16]byte
	if _, err := f.ReadAt(b[:], 0); err != nil {
		if errors.Is(err, io.EOF) {
			return 0, fmt.Errorf("%w: short header", ErrCorrupt)
		}
		return 0, err
	}
	id := binary.BigEndian.Uint64(b[len(magic):])
	if string(b[:len(magic)]) != magic || id == 0 {
		return 0, fmt.Errorf("%w: wrong header", ErrCorrupt)
	}
	return id, nil
}

// readRecord reads the record at off and returns its size: io.EOF at the end, ErrCorrupt for what is none.
func readRecord(f io.ReaderAt, off int64) (Line, int64, error) {
	var head [frameSize]byte
	n, err := f.ReadAt(head[:], off)
	switch {
	case n == 0 && errors.Is(err, io.EOF):
		return Line{}, 0, io.EOF
	case n < frameSize && errors.Is(err, io.EOF):
		return Line{}, 0, fmt.Errorf("%w: torn", ErrCorrupt)
	case err != nil && n < frameSize:
		return Line{}, 0, err
	}
	size := binary.BigEndian.Uint32(head[:])
	if size < fixedSize || size > fixedSize+maxText {
		return Line{}, 0, fmt.Errorf("%w: %d bytes", ErrCorrupt, size)
	}
	body := make([]byte, size)
	if n, err := f.ReadAt(body, off+frameSize); n < len(body) {
		if errors.Is(err, io.EOF) {
			return Line{}, 0, fmt.Errorf("%w: torn", ErrCorrupt)
		}
		return Line{}, 0, err
	}
	if crc32.Checksum(body, table) != binary.BigEndian.Uint32(head[4:]) {
		return Line{}, 0, fmt.Errorf("%w: wrong checksum", ErrCorrupt)
	}
	if body[20] > byte(Note) || body[21] > 1 {
		return Line{}, 0, fmt.Errorf("%w: unknown kind", ErrCorrupt)
	}
	return Line{
		Number: binary.BigEndian.Uint64(body), Time: time.Unix(0, int64(binary.BigEndian.Uint64(body[8:]))).UTC(),
		Source: binary.BigEndian.Uint32(body[16:]), Stream: Stream(body[20]), Partial: body[21] == 1, Text: body[fixedSize:],
	}, frameSize + int64(size), nil
}

func appendRecord(b []byte, l Line) []byte {
	at := len(b)
	b = append(b, make([]byte, frameSize)...)
	b = binary.BigEndian.AppendUint64(b, l.Number)
	b = binary.BigEndian.AppendUint64(b, uint64(l.Time.UnixNano()))
	b = binary.BigEndian.AppendUint32(b, l.Source)
	partial := byte(0)
	if l.Partial {
		partial = 1
	}
	b = append(append(b, byte(l.Stream), partial), l.Text...)
	binary.BigEndian.PutUint32(b[at:], uint32(len(b)-at-frameSize))
	binary.BigEndian.PutUint32(b[at+4:], crc32.Checksum(b[at+frameSize:], table))
	return b
}
