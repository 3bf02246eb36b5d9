// SPDX-License-Identifier: Apache-2.0

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

// Unpack makes of a stream the file or directory dst; what is there is overwritten, or, in directories, joined. The stream may
// be anybody's: nothing but dst and what is below it is touched, nothing is written through a link, and links that lead out of
// dst are left out.
func Unpack(r io.Reader, dst string) (Sum, error) {
	u := unpacking{in: tar.NewReader(r), dst: dst, real: map[string]bool{".": true}}
	err := u.run()
	if u.root != nil {
		err = errors.Join(err, u.root.Close())
	}
	return u.sum, err
}

type unpacking struct {
	in   *tar.Reader
	dst  string
	root *os.Root // dst, where it is a directory
	top  string   // first element of all names
	real map[string]bool
	sum  Sum
}

func (u *unpacking) run() error {
	for {
		h, err := u.in.Next()
		if errors.Is(err, io.EOF) {
			if u.top == "" {
				return fmt.Errorf("%w: it is empty", ErrUnsafe)
			}
			return nil
		}
		if err != nil {
			return fmt.Errorf("read archive: %w", err)
		}
		top, below, err := splitName(h.Name)
		if err = errors.Join(err, solid(h)); err != nil {
			return err
		}
		if u.sum.Files++; u.sum.Files > MaxEntries {
			return fmt.Errorf("%w: more than %d files", ErrTooLarge, MaxEntries)
		}
		if u.top == "" {
			u.top = top
			if err := u.first(h, below); err != nil {
				return err
			}
			continue
		}
		if top != u.top || u.root == nil {
			return fmt.Errorf("%w: it holds %.100q beside %.100q", ErrUnsafe, h.Name, u.top)
		}
		if err := u.entry(h, filepath.FromSlash(below)); err != nil {
			return fmt.Errorf("unpack %.100q: %w", h.Name, err)
		}
	}
}

// first makes dst itself.
func (u *unpacking) first(h *tar.Header, below string) error {
	switch {
	case below != ".":
		return fmt.Errorf("%w: it begins with %.100q", ErrUnsafe, h.Name)
	case h.Typeflag == tar.TypeDir:
		if err := os.MkdirAll(u.dst, 0o755); err != nil {
			return err
		}
		var err error
		u.root, err = os.OpenRoot(u.dst)
		return err
	case h.Typeflag == tar.TypeReg:
		// Beside its place first: a copy that breaks leaves what was there.
		dir, err := os.OpenRoot(filepath.Dir(u.dst))
		if err != nil {
			return err
		}
		defer dir.Close()
		name := filepath.Base(u.dst)
		part := name + ".part"
		if err = u.file(dir, h, part); err == nil {
			err = dir.Rename(part, name)
		}
		if err != nil {
			return errors.Join(err, ignoreMissing(dir.Remove(part)))
		}
		return nil
	default:
		return fmt.Errorf("%w: %.100q is neither file nor directory", ErrUnsafe, h.Name)
	}
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func (u *unpacking) entry(h *tar.Header, name string) error {
	if err := u.directory(filepath.Dir(name)); err != nil {
		return err
	}
	switch h.Typeflag {
	case tar.TypeDir:
		return u.directory(name)
	case tar.TypeReg:
		return u.file(u.root, h, name)
	case tar.TypeSymlink:
		if !inside(path.Dir(filepath.ToSlash(name)), h.Linkname) {
			u.sum.skip(h.Name, "a link that leads out")
			return nil
		}
		if err := clear(u.root, name); err != nil {
			return err
		}
		return u.root.Symlink(filepath.FromSlash(h.Linkname), name)
	case tar.TypeLink:
		return u.link(h, name)
	default:
		u.sum.skip(h.Name, "neither file nor directory nor link")
		return nil
	}
}

// directory makes a directory below root, and refuses to go through a link.
func (u *unpacking) directory(name string) error {
	if u.real[name] {
		return nil
	}
	if err := u.directory(filepath.Dir(name)); err != nil {
		return err
	}
	info, err := u.root.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = u.root.Mkdir(name, 0o755)
	case err == nil && !info.IsDir():
		err = fmt.Errorf("%w: %q is no directory", ErrUnsafe, name)
	}
	u.real[name] = err == nil
	return err
}

// clear makes room for a file or link. A directory stays: its files may be the tenant's only copy.
func clear(root *os.Root, name string) error {
	info, err := root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.IsDir() {
		return fmt.Errorf("%q is a directory; move it away first", name)
	}
	return root.Remove(name)
}

func (u *unpacking) file(root *os.Root, h *tar.Header, name string) error {
	if err := clear(root, name); err != nil {
		return err
	}
	// Exclusive: a link that was put there since is not followed.
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fs.FileMode(h.Mode)&0o777|0o200)
	if err != nil {
		return err
	}
	n, err := io.Copy(f, u.in)
	u.sum.Bytes += n
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return root.Chtimes(name, h.ModTime, h.ModTime)
}

// link makes a second name of a file that the stream has brought.
func (u *unpacking) link(h *tar.Header, name string) error {
	top, below, err := splitName(h.Linkname)
	if err != nil {
		return err
	}
	old := filepath.FromSlash(below)
	if top != u.top || !u.real[filepath.Dir(old)] {
		return fmt.Errorf("%w: a hard link to %.100q", ErrUnsafe, h.Linkname)
	}
	if info, err := u.root.Lstat(old); err != nil || !info.Mode().IsRegular() {
		return fmt.Errorf("%w: a hard link to %.100q: %w", ErrUnsafe, h.Linkname, err)
	}
	if old == name {
		return nil
	}
	if err := clear(u.root, name); err != nil {
		return err
	}
	return u.root.Link(old, name)
}

// inside says whether a link in directory dir leads to something below the top. Its way up must come first: a/../.. may go
// through a, which may be another link. dir is a real directory, so that each step up is one.
func inside(dir, target string) bool {
	if target == "" || len(target) > maxName || path.IsAbs(target) || filepath.IsAbs(target) || strings.ContainsAny(target, "\x00\\") {
		return false
	}
	depth := 0
	if dir != "." {
		depth = strings.Count(dir, "/") + 1
	}
	down := false
	for element := range strings.SplitSeq(target, "/") {
		switch element {
		case "", ".":
		case "..":
			if depth--; down || depth < 0 {
				return false
			}
		default:
			down = true
		}
	}
	return true
}
