// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/mount"
	"golang.org/x/sys/unix"

	"github.com/athnet/ath/offchain/manifest"
	"github.com/athnet/ath/offchain/worker/runtime"
)

// volumes puts what an image declares as volumes on the lease's disk; the engine would keep them beside it, without a limit.
func (r *Runtime) volumes(ctx context.Context, spec runtime.Spec, tree string) ([]mount.Mount, error) {
	image, err := r.engine.ImageInspect(ctx, spec.Image)
	if cerrdefs.IsNotFound(err) {
		return nil, fmt.Errorf("docker create: image %s has gone from the engine: %w", spec.Image, err)
	}
	if err != nil {
		return nil, r.fail("look for image", err)
	}
	if image.Config == nil {
		return nil, nil
	}
	var targets []string
	for _, target := range slices.Sorted(maps.Keys(image.Config.Volumes)) {
		if !slices.ContainsFunc(spec.Volumes, func(v manifest.Volume) bool { return v.Mount == path.Clean(target) }) {
			targets = append(targets, target)
		}
	}
	if len(targets) > maxVolumes {
		return nil, fmt.Errorf("%w: %s declares %d volumes; at most %d are taken", runtime.ErrImage, spec.Image, len(targets), maxVolumes)
	}
	out := make([]mount.Mount, 0, len(targets))
	for i, target := range targets {
		m, err := r.volume(spec.Key, tree, fmt.Sprintf("image-%d", i), target)
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, nil
}

// tenantVolumes are the volumes on disk that the manifest asks for: on the lease's disk at tree, or the engine's own where the
// machine has no disks to limit.
func (r *Runtime) tenantVolumes(spec runtime.Spec, tree string) ([]mount.Mount, error) {
	var out []mount.Mount
	for _, v := range spec.Volumes {
		if v.Class != manifest.ClassDisk {
			continue
		}
		name := "own-" + short(v.Name)
		if v.Persistent {
			name = keptVolume + short(v.Name)
		}
		m := mount.Mount{Type: mount.TypeVolume, Source: r.name(spec.Key) + "." + name, Target: v.Mount, VolumeOptions: &mount.VolumeOptions{Labels: r.labels(spec.Lease)}}
		if tree != "" {
			var err error
			if m, err = r.volume(spec.Key, tree, name, v.Mount); err != nil {
				return nil, err
			}
		}
		m.ReadOnly = v.ReadOnly
		out = append(out, m)
	}
	return out, nil
}

// volume is a directory of the lease's disk at target in the instance. The engine fills an empty one with what the image has there.
func (r *Runtime) volume(key runtime.Key, tree, name, target string) (mount.Mount, error) {
	dir := filepath.Join(tree, "volume", key.Service+"."+name)
	if err := r.fresh(dir); err != nil {
		return mount.Mount{}, fmt.Errorf("volume at %s: %w", target, err)
	}
	return mount.Mount{Type: mount.TypeVolume, Source: r.name(key) + "." + name, Target: target, VolumeOptions: &mount.VolumeOptions{
		Labels:       r.labels(key.Lease),
		DriverConfig: &mount.Driver{Name: "local", Options: map[string]string{"type": "none", "o": "bind", "device": dir}},
	}}, nil
}

// fullDisk tells storage that the lease itself has filled from a failure of the machine: its tenant must change something.
func fullDisk(service string, err error) error {
	if errors.Is(err, unix.ENOSPC) || err != nil && strings.Contains(err.Error(), "No space left on device") {
		return fmt.Errorf("%w: the lease's storage is full before service %s has started; ask for more: %w", runtime.ErrImage, service, err)
	}
	return err
}
