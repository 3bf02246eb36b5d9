// SPDX-License-Identifier: Apache-2.0

// Package pack moves files between a tenant's machine and a workload as tar streams. Both ends take the other for hostile: what
// a stream names stays below the place that its receiver chose, and only files, directories and symbolic links are made.
package pack

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

const (
	// maxName bounds a path in a stream: PATH_MAX of Linux.
	maxName = 4096
	// MaxEntries bounds how many files a stream may hold.
	MaxEntries = 1 << 20
)

var (
	// ErrUnsafe means that a stream wants what no honest one does.
	ErrUnsafe = errors.New("unsafe archive")
	// ErrTooLarge means that a stream holds more than its receiver takes.
	ErrTooLarge = errors.New("too large")
)

// Sum is what was moved.
type Sum struct {
	Files int   `json:"files"`
	Bytes int64 `json:"bytes"`
	// Skipped are entries that were left out, with the reason.
	Skipped []string `json:"skipped,omitempty"`
}

// maxSkipped bounds the list; more are only counted by its last line.
const maxSkipped = 100

func (s *Sum) skip(name, why string) {
	if len(s.Skipped) < maxSkipped {
		s.Skipped = append(s.Skipped, fmt.Sprintf("%q: %s", name, why))
	}
}

// splitName returns the first element of an entry's name, and what is below it ("." for the entry itself).
func splitName(name string) (top, below string, err error) {
	if len(name) > maxName || strings.ContainsRune(name, 0) || path.IsAbs(name) {
		return "", "", fmt.Errorf("%w: path %.100q", ErrUnsafe, name)
	}
	for element := range strings.SplitSeq(name, "/") {
		if element == ".." {
			return "", "", fmt.Errorf("%w: path %.100q", ErrUnsafe, name)
		}
	}
	top, below, _ = strings.Cut(path.Clean(name), "/")
	if below == "" {
		below = "."
	}
	return top, below, nil
}

// solid refuses holes: a few bytes of an archive would fill a disk with zeros.
func solid(h *tar.Header) error {
	for key := range h.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return fmt.Errorf("%w: %.100q has holes", ErrUnsafe, h.Name)
		}
	}
	if h.Typeflag == tar.TypeGNUSparse {
		return fmt.Errorf("%w: %.100q has holes", ErrUnsafe, h.Name)
	}
	return nil
}

// Pack writes a file or directory as a tar stream whose names begin with name. Links within stay links; a link as src is followed.
func Pack(w io.Writer, src, name string) (Sum, error) {
	var sum Sum
	out := tar.NewWriter(w)
	top, err := filepath.EvalSymlinks(src)
	if err != nil {
		return sum, err
	}
	err = filepath.WalkDir(top, func(at string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		below, err := filepath.Rel(top, at)
		if err != nil {
			return err
		}
		return sum.add(out, at, path.Join(name, filepath.ToSlash(below)))
	})
	return sum, errors.Join(err, out.Close())
}

func (s *Sum) add(out *tar.Writer, at, name string) error {
	info, err := os.Lstat(at)
	if err != nil {
		return err
	}
	h := &tar.Header{Name: name, Mode: int64(info.Mode().Perm()), ModTime: info.ModTime(), Format: tar.FormatPAX}
	switch {
	case info.Mode().IsRegular():
		h.Typeflag, h.Size = tar.TypeReg, info.Size()
	case info.IsDir():
		h.Typeflag, h.Name = tar.TypeDir, name+"/"
	case info.Mode()&fs.ModeSymlink != 0:
		h.Typeflag = tar.TypeSymlink
		if h.Linkname, err = os.Readlink(at); err != nil {
			return err
		}
	default:
		s.skip(at, "neither file nor directory nor link")
		return nil
	}
	if err := out.WriteHeader(h); err != nil {
		return fmt.Errorf("pack %s: %w", at, err)
	}
	s.Files++
	if h.Typeflag != tar.TypeReg {
		return nil
	}
	f, err := os.Open(at)
	if err != nil {
		return err
	}
	defer f.Close()
	n, err := io.CopyN(out, f, h.Size)
	s.Bytes += n
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("pack %s: it became shorter meanwhile; copy it again", at)
	}
	return err
}

// Filter hands a stream on with its first element renamed and everything taken off that a receiver with more rights than its
// sender would obey: owners, set-user-id bits, extended attributes, device nodes, hard links.
func Filter(w io.Writer, r io.Reader, name string, maxBytes int64) (Sum, error) {
	var sum Sum
	in, out := tar.NewReader(r), tar.NewWriter(w)
	first := ""
	for {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			if sum.Files == 0 {
				return sum, fmt.Errorf("%w: it is empty", ErrUnsafe)
			}
			return sum, out.Close()
		}
		if err != nil {
			return sum, fmt.Errorf("read archive: %w", err)
		}
		top, below, err := splitName(h.Name)
		if err = errors.Join(err, solid(h)); err != nil {
			return sum, err
		}
		switch {
		case first == "":
			first = top
		case first != top:
			return sum, fmt.Errorf("%w: it holds %.100q beside %.100q", ErrUnsafe, top, first)
		}
		clean := &tar.Header{Typeflag: h.Typeflag, Name: path.Join(name, below), Mode: h.Mode & 0o777, ModTime: h.ModTime, Format: tar.FormatPAX}
		switch h.Typeflag {
		case tar.TypeReg:
			clean.Size = h.Size
		case tar.TypeDir:
			clean.Name += "/"
		case tar.TypeSymlink:
			if clean.Linkname = h.Linkname; len(h.Linkname) > maxName {
				return sum, fmt.Errorf("%w: link at %.100q", ErrUnsafe, h.Name)
			}
		default:
			return sum, fmt.Errorf("%w: %.100q is neither file nor directory nor link", ErrUnsafe, h.Name)
		}
		sum.Files++
		sum.Bytes += clean.Size
		if sum.Files > MaxEntries || sum.Bytes > maxBytes {
			return sum, fmt.Errorf("%w: more than %d files or %d bytes", ErrTooLarge, MaxEntries, maxBytes)
		}
		if err := out.WriteHeader(clean); err != nil {
			return sum, fmt.Errorf("%w: %.100q: %w", ErrUnsafe, h.Name, err)
		}
		if _, err := io.Copy(out, in); err != nil {
			return sum, err
		}
	}
}
