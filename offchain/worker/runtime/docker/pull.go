// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/api/pkg/authconfig"
	"github.com/moby/moby/api/types/registry"
	"github.com/moby/moby/client"
	"golang.org/x/sys/unix"

	"github.com/athnet/ath/offchain/manifest"
	"github.com/athnet/ath/offchain/worker/runtime"
)

const (
	// maxImageMiB is what an image may take, downloaded and unpacked each, where the operator does not say.
	maxImageMiB = 64 << 10
	// maxImageFiles is how many files an image may have: inodes run out before space does.
	maxImageFiles = 4_000_000
	// maxLayers is what the engine can mount.
	maxLayers = 127
	// keepFreeMiB of the machine's disk is no image's to take.
	keepFreeMiB = 1024
	// pullCheck is how often the disk is looked at while an image comes.
	pullCheck = 50 * time.Millisecond
)

// errHostFull: the machine has no room for an image that is within its bounds. Its provider's to solve.
var errHostFull = errors.New("this machine's disk is nearly full; remove images that nothing uses (docker image prune -a), or offer less disk")

// Pull implements runtime.Lifecycle.
func (r *Runtime) Pull(ctx context.Context, image string, credentials *manifest.Credentials) error {
	if !strings.Contains(image, "@sha256:") {
		return fmt.Errorf("%w: %q is not by digest", runtime.ErrImage, image)
	}
	if _, err := r.engine.ImageInspect(ctx, image); err == nil {
		return nil // by digest: what is there is what is wanted
	} else if !cerrdefs.IsNotFound(err) {
		return r.fail("look for image", err)
	}
	var options client.ImagePullOptions
	if credentials.For(image) {
		auth, err := authconfig.Encode(registry.AuthConfig{
			Username: credentials.Username, Password: credentials.Password, ServerAddress: credentials.Host,
		})
		if err != nil {
			return fmt.Errorf("docker pull: credentials: %w", err)
		}
		options.RegistryAuth = auth
	}
	// One at a time, so that what the disk loses meanwhile is the image's.
	r.pulls.Lock()
	defer r.pulls.Unlock()
	pulling, stop := context.WithCancelCause(ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		r.watchDisk(pulling, stop)
	}()
	err := r.pull(pulling, stop, image, options)
	cause := context.Cause(pulling)
	stop(nil)
	<-watched
	if errors.Is(cause, errHostFull) {
		cause = errors.Join(cause, r.makeRoom(ctx))
	}
	if cause != nil {
		return fmt.Errorf("pull %s: %w", image, cause)
	}
	if err != nil {
		return r.failPull(image, err)
	}
	return r.weigh(ctx, image)
}

// pull follows the engine's word on the layers, and stops it for good at the first that is too much.
func (r *Runtime) pull(ctx context.Context, stop context.CancelCauseFunc, image string, options client.ImagePullOptions) error {
	stream, err := r.engine.ImagePull(ctx, image, options)
	if err != nil {
		return err
	}
	sizes, total := map[string]int64{}, int64(0) // by layer: what its registry announces
	for m, err := range stream.JSONMessages(ctx) {
		if err != nil {
			return err
		}
		if m.Error != nil {
			return m.Error
		}
		if m.ID == "" || m.Status == "" || strings.HasPrefix(m.Status, "Pulling from") {
			continue
		}
		size, known := sizes[m.ID]
		if m.Status == "Downloading" && m.Progress != nil {
			now := max(size, m.Progress.Current, m.Progress.Total)
			total += now - size
			size = now
		}
		if sizes[m.ID] = size; !known && len(sizes) > maxLayers {
			stop(fmt.Errorf("%w: it has more than %d layers", runtime.ErrImage, maxLayers))
		}
		if limit := r.imageMiB(); total > limit<<20 {
			stop(fmt.Errorf("%w: its layers are larger than %d MiB together", runtime.ErrImage, limit))
		}
	}
	return nil
}

func (r *Runtime) imageMiB() int64 {
	if r.config.ImageMiB > 0 {
		return int64(r.config.ImageMiB)
	}
	return maxImageMiB
}

// watchDisk stops a pull that takes more than an image may, whatever its registry announces: how much a layer unpacks to, and
// how long it goes on, nobody knows before. An engine elsewhere has a disk that can't be seen from here.
func (r *Runtime) watchDisk(ctx context.Context, stop context.CancelCauseFunc) {
	var at, now unix.Statfs_t
	if err := statfs(r.info.DockerRootDir, &at); err != nil {
		return
	}
	reserved := r.disks.reserved.Load()
	tick := time.NewTicker(pullCheck)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := statfs(r.info.DockerRootDir, &now); err != nil {
			continue
		}
		// Downloaded and unpacked lie beside each other for a while. New disks of leases are not the image's.
		taken := (int64(at.Bavail)-int64(now.Bavail))*now.Bsize>>20 - (r.disks.reserved.Load() - reserved)
		switch limit := 2 * r.imageMiB(); {
		case taken > limit:
			stop(fmt.Errorf("%w: it unpacks to more than %d MiB", runtime.ErrImage, r.imageMiB()))
		case int64(at.Ffree)-int64(now.Ffree) > r.imageFiles:
			stop(fmt.Errorf("%w: it has more than %d files", runtime.ErrImage, r.imageFiles))
		case int64(now.Bavail)*now.Bsize>>20 < r.keepFreeMiB:
			stop(errHostFull)
		}
	}
}

func statfs(path string, s *unix.Statfs_t) error {
	if err := unix.Statfs(path, s); err != nil {
		return &fs.PathError{Op: "statfs", Path: path, Err: err}
	}
	return nil
}

// makeRoom removes what leases have left behind: images that were pulled by digest, have no other name and are used by nothing. The
// next try to pull finds the room.
func (r *Runtime) makeRoom(ctx context.Context) error {
	images, err := r.engine.ImageList(ctx, client.ImageListOptions{})
	if err != nil {
		return r.fail("list images", err)
	}
	containers, err := r.engine.ContainerList(ctx, client.ContainerListOptions{All: true})
	if err != nil {
		return r.fail("list", err)
	}
	used := map[string]bool{}
	for _, c := range containers.Items {
		used[c.ImageID] = true
	}
	for _, i := range images.Items {
		if used[i.ID] || len(i.RepoTags) > 0 && i.RepoTags[0] != "<none>:<none>" || len(i.RepoDigests) == 0 {
			continue
		}
		for _, name := range i.RepoDigests {
			if _, err := r.engine.ImageRemove(ctx, name, client.ImageRemoveOptions{PruneChildren: true}); err != nil {
				r.log.Debug("an image stays", "image", name, "err", err)
				continue
			}
			r.log.Info("image that nothing uses was removed to make room", "image", name)
		}
	}
	return nil
}

// weigh refuses an image that is there now and is larger than it may be.
func (r *Runtime) weigh(ctx context.Context, image string) error {
	found, err := r.engine.ImageInspect(ctx, image)
	if err != nil {
		return r.fail("look for image", err)
	}
	if found.Size <= r.imageMiB()<<20 {
		return nil
	}
	_, err = r.engine.ImageRemove(ctx, image, client.ImageRemoveOptions{Force: true, PruneChildren: true})
	return errors.Join(fmt.Errorf("%w: %s unpacks to %d MiB; at most %d are taken", runtime.ErrImage, image, found.Size>>20, r.imageMiB()), err)
}

// failPull tells an image that will never come from a network that is down for now. Engines report a registry's refusal as a
// server error of their own, so the words of the distribution API have to do.
func (r *Runtime) failPull(image string, err error) error {
	final := cerrdefs.IsNotFound(err) || cerrdefs.IsUnauthorized(err) || cerrdefs.IsPermissionDenied(err) || cerrdefs.IsInvalidArgument(err)
	for _, words := range []string{"manifest unknown", "not found", "unauthorized", "no basic auth credentials", "authentication required", "denied", "no matching manifest", "name unknown", "invalid reference", "max depth exceeded"} {
		final = final || strings.Contains(strings.ToLower(err.Error()), words)
	}
	if final {
		return fmt.Errorf("%w: pull %s: %w", runtime.ErrImage, image, err)
	}
	return r.fail("pull "+image, err)
}
