// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/athnet/ath/offchain/worker/runtime"
)

// What lies on a lease's storage is its tenant's, who may have made files by the million, and goes on to change them. So measuring is bounded in
// time, since leases are served by one loop, and in memory: it reads directories in parts and holds one part for each level.
const (
	measureFor   = 10 * time.Second
	measureDepth = 256
	measurePart  = 128
)

// errUnmeasured says that what lies on a lease's storage is too much to be counted.
var errUnmeasured = errors.New("more files, or deeper directories, than are counted")

// room refuses to have a disk as small as mib where what stays takes more: persistent volumes, and what the services named have.
func (d *disks) room(ctx context.Context, slug string, mib uint64, staying []string) error {
	if !d.measuring.TryLock() { // a tenant that asks again and again would else make others' turns long
		return fmt.Errorf("%w: the storage of the lease is being measured", runtime.ErrUnavailable)
	}
	defer d.measuring.Unlock()
	d.mu.Lock()
	defer d.mu.Unlock()
	tree, err := d.open(ctx, filepath.Join(d.dir, slug))
	if err != nil || tree == "" {
		return err
	}
	var all unix.Statfs_t
	if err := unix.Statfs(tree, &all); err != nil {
		return fmt.Errorf("measure disk of the lease: %w", err)
	}
	if (all.Blocks-all.Bfree)*uint64(all.Bsize) <= mib<<20 {
		return nil // with all that there is
	}
	within, cancel := context.WithTimeoutCause(ctx, measureFor, errUnmeasured)
	defer cancel()
	bytes := uint64(0)
	for _, kind := range []string{"root", "volume"} {
		entries, err := os.ReadDir(filepath.Join(tree, kind))
		if err != nil {
			return err
		}
		for _, e := range entries {
			service, _, _ := strings.Cut(e.Name(), ".")
			if !slices.Contains(staying, service) && !kept(e.Name()) {
				continue
			}
			n, err := occupied(within, filepath.Join(tree, kind, e.Name()))
			if errors.Is(err, errUnmeasured) {
				return fmt.Errorf("%w: the lease's storage holds %w; delete some, or ask for as much as before", runtime.ErrStorage, err)
			}
			if err != nil {
				return fmt.Errorf("measure disk of the lease: %w", err)
			}
			bytes += n
		}
	}
	if bytes > mib<<20 {
		return fmt.Errorf("%w: the lease's storage holds %d MiB that stay, and would be %d MiB; delete some, or ask for more", runtime.ErrStorage, (bytes+1<<20-1)>>20, mib)
	}
	return nil
}

// occupied is what the files below a directory take, in bytes; one with several names counts for each.
func occupied(ctx context.Context, dir string) (uint64, error) {
	f, err := openDir(unix.AT_FDCWD, dir)
	if err != nil {
		return 0, &os.PathError{Op: "open", Path: dir, Err: err}
	}
	return below(ctx, f, measureDepth)
}

// below measures an open directory, which it closes.
func below(ctx context.Context, f *os.File, depth int) (sum uint64, err error) {
	defer func() { err = errors.Join(err, f.Close()) }()
	if depth == 0 {
		return 0, errUnmeasured
	}
	at := int(f.Fd())
	for {
		names, err := f.Readdirnames(measurePart)
		if errors.Is(err, io.EOF) {
			return sum, nil
		}
		if err != nil {
			return sum, err
		}
		for _, name := range names {
			if ctx.Err() != nil {
				return sum, context.Cause(ctx)
			}
			n, err := entry(ctx, at, name, depth)
			if err != nil {
				return sum, err
			}
			sum += n
		}
	}
}

// entry measures one entry of an open directory, with all below it.
func entry(ctx context.Context, at int, name string, depth int) (uint64, error) {
	var s unix.Stat_t
	switch err := unix.Fstatat(at, name, &s, unix.AT_SYMLINK_NOFOLLOW); {
	case errors.Is(err, unix.ENOENT): // it is in use, and changes
		return 0, nil
	case err != nil:
		return 0, &os.PathError{Op: "stat", Path: name, Err: err}
	}
	own := uint64(s.Blocks) * 512
	if s.Mode&unix.S_IFMT != unix.S_IFDIR {
		return own, nil
	}
	f, err := openDir(at, name)
	switch {
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENOTDIR), errors.Is(err, unix.ELOOP): // it has changed
		return own, nil
	case err != nil:
		return own, &os.PathError{Op: "open", Path: name, Err: err}
	}
	n, err := below(ctx, f, depth-1)
	return own + n, err
}

// openDir opens a directory and nothing that was put in its place: a link would lead out, and a pipe would wait for somebody to write.
func openDir(at int, name string) (*os.File, error) {
	fd, err := unix.Openat(at, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), name), nil
}
