// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"regexp"
	"strconv"
	"strings"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/athnet/ath/offchain/worker/runtime"
)

// look resolves a path inside an instance; the engine does so within the instance's root. One that does not run is put onto its lease's disk first:
// without that the engine finds nothing of it after a reboot, and what is written to one that has not run yet would be left behind.
func (r *Runtime) look(ctx context.Context, key runtime.Key, path string) (c container.InspectResponse, resolved string, isDir bool, err error) {
	if c, err = r.present(ctx, key); err == nil && !c.State.Running {
		if err = r.settle(ctx, key); err != nil {
			err = r.unlessGone(ctx, key, err)
		}
	}
	if err != nil {
		return c, "", false, err
	}
	for resolved = path; ; {
		found, err := r.engine.ContainerStatPath(ctx, c.ID, client.ContainerStatPathOptions{Path: resolved})
		if err != nil {
			return c, "", false, r.pathError(ctx, key, "stat", path, err)
		}
		if found.Stat.Mode&fs.ModeSymlink == 0 {
			return c, resolved, found.Stat.Mode.IsDir(), nil
		}
		// The engine has followed all links: another one here is a dangling or a circular one.
		if found.Stat.LinkTarget == "" || resolved != path {
			return c, "", false, fmt.Errorf("%w: %s is a link to nothing", runtime.ErrNoPath, path)
		}
		resolved = found.Stat.LinkTarget
	}
}

// present is find, for whom an instance that is being removed is none.
func (r *Runtime) present(ctx context.Context, key runtime.Key) (container.InspectResponse, error) {
	c, err := r.find(ctx, key)
	if err == nil && (c.State.Status == container.StateRemoving || c.State.Status == container.StateDead) {
		err = fmt.Errorf("docker: %w: service %s is %s", runtime.ErrNotFound, key.Service, c.State.Status)
	}
	return c, err
}

// unlessGone is an error about an instance that was there: that it is gone, if so.
func (r *Runtime) unlessGone(ctx context.Context, key runtime.Key, err error) error {
	if _, gone := r.present(ctx, key); errors.Is(gone, runtime.ErrNotFound) {
		return gone
	}
	return err
}

// pathError tells what the tenant can act upon from what it can't.
func (r *Runtime) pathError(ctx context.Context, key runtime.Key, operation, path string, err error) error {
	if gone := r.unlessGone(ctx, key, nil); gone != nil {
		return gone
	}
	text := strings.ToLower(err.Error())
	switch {
	case cerrdefs.IsNotFound(err), strings.Contains(text, "no such file"), strings.Contains(text, "not a directory"):
		return fmt.Errorf("%w: %s", runtime.ErrNoPath, path)
	case strings.Contains(text, "no space left"), strings.Contains(text, "disk quota"):
		return fmt.Errorf("%w: it is full", runtime.ErrStorage)
	case strings.Contains(text, "read-only"):
		return fmt.Errorf("%w: %s can't be written to", runtime.ErrStorage, path)
	default:
		return r.fail(operation, err)
	}
}

// IsDir implements runtime.Files.
func (r *Runtime) IsDir(ctx context.Context, key runtime.Key, path string) (bool, error) {
	_, _, isDir, err := r.look(ctx, key, path)
	return isDir, err
}

// CopyIn implements runtime.Files.
func (r *Runtime) CopyIn(ctx context.Context, key runtime.Key, dir string, files io.Reader) error {
	c, resolved, isDir, err := r.look(ctx, key, dir)
	if err != nil {
		return err
	}
	if !isDir {
		return fmt.Errorf("%w: %s is no directory", runtime.ErrNoPath, dir)
	}
	options := client.CopyToContainerOptions{DestinationPath: resolved, Content: files, CopyUIDGID: true}
	if uid, gid, ok := r.unnamed(ctx, c); ok {
		given := give(files, uid, gid)
		defer given.Close()
		options.Content, options.CopyUIDGID = given, false
	}
	if _, err = r.engine.CopyToContainer(ctx, c.ID, options); err != nil {
		return r.pathError(ctx, key, "copy", dir, err)
	}
	return nil
}

// numeric is a user as images without a list of users have it.
var numeric = regexp.MustCompile(`^([0-9]{1,10})(?::([0-9]{1,10}))?$`)

// unnamed returns an instance's user where that has no name in it: the engine looks for one and fails. Without a user it is root, for which the
// engine leaves files whose they were.
func (r *Runtime) unnamed(ctx context.Context, c container.InspectResponse) (uid, gid int, ok bool) {
	if c.Config.User == "" {
		return 0, 0, true
	}
	m := numeric.FindStringSubmatch(c.Config.User)
	if m == nil {
		return 0, 0, false
	}
	if m[2] == "" { // its group is that of its entry, if there is one
		if _, err := r.engine.ContainerStatPath(ctx, c.ID, client.ContainerStatPathOptions{Path: "/etc/passwd"}); err == nil {
			return 0, 0, false
		}
		m[2] = "0"
	}
	uid, err1 := strconv.Atoi(m[1])
	gid, err2 := strconv.Atoi(m[2])
	return uid, gid, err1 == nil && err2 == nil
}

// give makes all files of a tar stream those of a user.
func give(in io.Reader, uid, gid int) *io.PipeReader {
	out, to := io.Pipe()
	go func() {
		r, w := tar.NewReader(in), tar.NewWriter(to)
		for {
			h, err := r.Next()
			if errors.Is(err, io.EOF) {
				to.CloseWithError(w.Close()) // an end without an error where that is nil
				return
			}
			if err == nil {
				h.Uid, h.Gid, h.Uname, h.Gname = uid, gid, "", ""
				err = w.WriteHeader(h)
			}
			if err == nil {
				_, err = io.Copy(w, r)
			}
			if err != nil {
				to.CloseWithError(err)
				return
			}
		}
	}()
	return out
}

// CopyOut implements runtime.Files.
func (r *Runtime) CopyOut(ctx context.Context, key runtime.Key, path string) (io.ReadCloser, error) {
	c, resolved, _, err := r.look(ctx, key, path)
	if err != nil {
		return nil, err
	}
	out, err := r.engine.CopyFromContainer(ctx, c.ID, client.CopyFromContainerOptions{SourcePath: resolved})
	if err != nil {
		return nil, r.pathError(ctx, key, "copy", path, err)
	}
	return out.Content, nil
}
