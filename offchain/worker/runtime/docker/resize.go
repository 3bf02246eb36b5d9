// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"golang.org/x/sys/unix"

	"github.com/athnet/ath/offchain/worker/runtime"
)

// End implements runtime.Lifecycle.
func (r *Runtime) End(ctx context.Context, key runtime.Key, grace time.Duration) error {
	seconds := int(grace / time.Second)
	_, err := r.engine.ContainerStop(ctx, r.name(key), client.ContainerStopOptions{Timeout: &seconds})
	if cerrdefs.IsNotFound(err) || cerrdefs.IsNotModified(err) {
		return nil
	}
	return r.fail("stop", err)
}

// Discard implements runtime.Lifecycle.
func (r *Runtime) Discard(ctx context.Context, key runtime.Key) error {
	_, err := r.engine.ContainerRemove(ctx, r.name(key), client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
	if err != nil && !cerrdefs.IsNotFound(err) {
		return r.fail("remove", err)
	}
	volumes, err := r.engine.VolumeList(ctx, client.VolumeListOptions{Filters: r.mine(key.Lease)})
	if err != nil {
		return r.fail("list volumes", err)
	}
	for _, v := range volumes.Items {
		service, kind, _ := strings.Cut(v.Name, ".")
		if service != r.name(key) || !r.disks.active() && strings.HasPrefix(kind, keptVolume) {
			continue // with disks the engine only knows where it is
		}
		if _, err := r.engine.VolumeRemove(ctx, v.Name, client.VolumeRemoveOptions{}); err != nil && !cerrdefs.IsNotFound(err) {
			return r.fail("remove volume", err)
		}
	}
	if !r.disks.active() {
		return nil
	}
	return r.disks.discard(ctx, r.slug(key.Lease), key.Service)
}

// Resize implements runtime.Lifecycle.
func (r *Runtime) Resize(ctx context.Context, key runtime.Key, cpuMilli, memoryMiB uint64) error {
	memory := int64(memoryMiB) << 20
	_, err := r.engine.ContainerUpdate(ctx, r.name(key), client.ContainerUpdateOptions{Resources: &container.Resources{
		NanoCPUs: int64(cpuMilli) * 1_000_000, Memory: memory, MemorySwap: memory, // equal: no swap
	}})
	return r.fail("update", err)
}

// Room implements runtime.Lifecycle. Without disks nothing is limited.
func (r *Runtime) Room(ctx context.Context, lease string, disk runtime.Disk, staying []string) error {
	if !r.disks.active() {
		return nil
	}
	return r.disks.room(ctx, r.slug(lease), diskMiB(disk), staying)
}

// Enlarge implements runtime.Lifecycle.
func (r *Runtime) Enlarge(ctx context.Context, lease string, disk runtime.Disk) error {
	if !r.disks.active() {
		return nil
	}
	living, err := r.engine.ContainerList(ctx, client.ContainerListOptions{Filters: r.mine(lease)})
	if err != nil {
		return r.fail("list", err)
	}
	return r.disks.enlarge(ctx, r.slug(lease), diskMiB(disk), len(living.Items) > 0)
}

// open returns where a lease's disk is mounted; empty where it has none.
func (d *disks) open(ctx context.Context, dir string) (string, error) {
	if _, err := os.Stat(filepath.Join(dir, "disk.img")); errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return d.makeAt(ctx, dir, 0)
}

// own says whether something below root or volume of a disk is a service's.
func own(name, service string) bool { return strings.HasPrefix(name, service+".") }

// discard takes what an instance that is gone has left on a lease's disk, but for persistent volumes.
func (d *disks) discard(ctx context.Context, slug, service string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	tree, err := d.open(ctx, filepath.Join(d.dir, slug))
	if err != nil || tree == "" {
		return err
	}
	points, err := sharing(tree)
	if err != nil {
		return err
	}
	for _, p := range points { // first, so that nothing is lost through the mount
		if kind := filepath.Dir(p.root); (kind == "/root" || kind == "/volume") && own(filepath.Base(p.root), service) {
			if err := unmount(p.at); err != nil {
				return err
			}
		}
	}
	for _, kind := range []string{"root", "volume"} {
		entries, err := os.ReadDir(filepath.Join(tree, kind))
		if err != nil {
			return err
		}
		for _, e := range entries {
			if !own(e.Name(), service) || kind == "volume" && kept(e.Name()) {
				continue
			}
			if err := os.RemoveAll(filepath.Join(tree, kind, e.Name())); err != nil {
				return err
			}
		}
	}
	return os.RemoveAll(d.gate(slug, service))
}

// kept says whether a directory of volume holds a persistent volume.
func kept(name string) bool {
	_, kind, _ := strings.Cut(name, ".")
	return strings.HasPrefix(kind, keptVolume) && !strings.HasSuffix(kind, ".new")
}

// enlarge makes a lease's disk larger: while it is in use, which the kernel allows programs with CAP_SYS_RESOURCE, or unmounted.
func (d *disks) enlarge(ctx context.Context, slug string, mib uint64, inUse bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	dir := filepath.Join(d.dir, slug)
	tree, err := d.open(ctx, dir)
	if err != nil || tree == "" {
		return err
	}
	if err := d.extend(filepath.Join(dir, "disk.img"), mib); err != nil {
		return err
	}
	err = growMounted(ctx, tree)
	switch {
	case err == nil:
		return nil
	case inUse:
		return fmt.Errorf("%w: %w", runtime.ErrOffline, err)
	}
	if err := unmountAll(tree); err != nil { // layers come back when their instances start
		return err
	}
	_, err = d.makeAt(ctx, dir, mib)
	return err
}

// growMounted makes a file system as large as its file.
func growMounted(ctx context.Context, tree string) error {
	points, err := sharing(tree)
	if err != nil {
		return err
	}
	if len(points) == 0 {
		return fmt.Errorf("%s is not mounted", tree)
	}
	loop := points[0].source
	if err := takeCapacity(loop); err != nil {
		return fmt.Errorf("enlarge %s: %w", loop, err)
	}
	if out, err := exec.CommandContext(ctx, "resize2fs", loop).CombinedOutput(); err != nil {
		return fmt.Errorf("resize2fs %s: %w: %s", loop, err, strings.TrimSpace(string(out)))
	}
	return nil
}

// takeCapacity has a loop device look how large its file is.
func takeCapacity(loop string) error {
	device, err := os.OpenFile(loop, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(unix.IoctlSetInt(int(device.Fd()), unix.LOOP_SET_CAPACITY, 0), device.Close())
}

// extend makes a disk's file larger: the host has that space or says so now.
func (d *disks) extend(image string, mib uint64) error {
	info, err := os.Stat(image)
	if err != nil {
		return err
	}
	more := int64(mib)<<20 - info.Size()
	if more <= 0 {
		return nil
	}
	f, err := os.OpenFile(image, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err = unix.Fallocate(int(f.Fd()), 0, info.Size(), more); err != nil {
		err = fmt.Errorf("reserve %d MiB more at %s: %w", more>>20, image, err)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Truncate(image, info.Size()))
	}
	d.reserved.Add(more >> 20)
	return nil
}
