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
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/athnet/ath/offchain/worker/runtime"
)

const (
	// minDiskMiB is the smallest file system that a lease gets; ext4 does not go much lower.
	minDiskMiB = 8
	// diskDir holds all disks, below the engine's own data: what is rented and what is not come out of one pool.
	diskDir = "ath"
	// overlay is the engine's storage driver whose layout is known here.
	overlay = "overlay2"
	// trialName and a process id is the disk by which a machine is tried.
	trialName = ".trial-"
)

// disks gives every lease a file system of its own: a file of the rented size, reserved on the host in full, mounted through a
// loop device. The writable layers of the lease's services and the volumes that their images declare lie on it, so the kernel
// answers ENOSPC inside and never outside.
//
// Below dir, a lease has SLUG/disk.img and its mount point SLUG/tree with
//
//	root/SERVICE.LAYER   what the engine would keep in overlay2/LAYER, bound over it
//	volume/…             volumes
//
// and SLUG/gate/SERVICE, a link without which an instance can't be started.
//
// Nothing else is remembered: what stands is looked up in the kernel's mount table, every step is taken once and may be repeated,
// and the loop device is released by the kernel with the last mount. Mounts go with a reboot, and those of layers also when an
// engine ends that does not keep its containers running: the gate then leads nowhere until the instance is started by the worker.
type disks struct {
	mode   Mode
	dir    string // of this worker; empty where disks can't be limited
	layers string // the engine's overlay2
	why    error  // why not
	// uid and gid are root's inside of a workload, as the machine sees them.
	uid, gid int
	mu       sync.Mutex
	// measuring is held, before mu, by who measures a lease's storage.
	measuring sync.Mutex
	// reserved is what this process took of the engine's disk for disks, less what it gave back, in MiB.
	reserved atomic.Int64
}

// probe makes a small disk and throws it away, so that what is said is what holds.
func (d *disks) probe(ctx context.Context, host, driver, root, chain, worker string) error {
	if d.mode == ModeOff {
		d.why = errors.New("disk limits are off")
		return nil
	}
	dir := filepath.Join(root, diskDir, short(chain), short(worker))
	d.layers = filepath.Join(root, overlay)
	if d.why = d.try(ctx, host, driver, dir); d.why == nil {
		d.dir = dir
		return nil
	}
	if d.mode == ModeRequire || errors.Is(d.why, runtime.ErrUnavailable) {
		return fmt.Errorf("disk limit: %w", d.why)
	}
	return nil
}

func (d *disks) try(ctx context.Context, host, driver, dir string) error {
	if driver != overlay {
		return fmt.Errorf("the engine's storage driver is %s; set \"storage-driver\": \"overlay2\" and \"features\": {\"containerd-snapshotter\": false} in daemon.json and restart it", driver)
	}
	if err := sameMounts(ctx, host); err != nil {
		return err
	}
	if _, err := os.Stat(d.layers); err != nil {
		return fmt.Errorf("%w; run the worker as root on the engine's own machine", err)
	}
	for _, program := range []string{"mkfs.ext4", "cp"} {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("%w; install e2fsprogs and coreutils", err)
		}
	}
	old, err := filepath.Glob(filepath.Join(dir, trialName+"*"))
	if err != nil {
		return err
	}
	for _, path := range old { // of workers that were killed over it
		if _, err := os.Stat("/proc/" + strings.TrimPrefix(filepath.Base(path), trialName)); err == nil {
			continue
		}
		if err := d.removeAt(path); err != nil {
			return err
		}
	}
	trial := filepath.Join(dir, trialName+strconv.Itoa(os.Getpid()))
	_, err = d.makeAt(ctx, trial, minDiskMiB)
	if err = errors.Join(err, d.removeAt(trial)); err != nil {
		return fmt.Errorf("%w; run the worker as root with CAP_SYS_ADMIN, /dev/loop-control and ext4, and keep the engine's data on ext4, xfs or btrfs", err)
	}
	return nil
}

func (d *disks) active() bool { return d.dir != "" }

// make, which with 0 MiB makes nothing, returns where a lease's disk is mounted, made and mounted if it was not.
func (d *disks) make(ctx context.Context, slug string, mib uint64) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	tree, err := d.makeAt(ctx, filepath.Join(d.dir, slug), mib)
	if err != nil {
		return "", fmt.Errorf("disk of the lease: %w", err)
	}
	return tree, nil
}

func (d *disks) makeAt(ctx context.Context, dir string, mib uint64) (string, error) {
	image, tree := filepath.Join(dir, "disk.img"), filepath.Join(dir, "tree")
	if err := os.MkdirAll(tree, 0o700); err != nil {
		return "", err
	}
	if yes, err := mounted(tree); yes || err != nil {
		return tree, err
	}
	if _, err := os.Stat(image); errors.Is(err, fs.ErrNotExist) {
		if mib == 0 {
			return "", fmt.Errorf("%s is gone, and with it what the lease had written", image)
		}
		mib = max(mib, minDiskMiB)
		if err := format(ctx, image, mib); err != nil {
			return "", err
		}
		d.reserved.Add(int64(mib))
	} else if err != nil {
		return "", err
	} else if err := d.grow(ctx, image, mib); err != nil {
		return "", err
	}
	if err := mountLoop(image, tree); err != nil {
		return "", err
	}
	for _, sub := range []string{"root", "volume"} {
		if err := os.MkdirAll(filepath.Join(tree, sub), 0o700); err != nil {
			return "", err
		}
	}
	return tree, nil
}

// grow makes a disk larger that is not mounted and that a new manifest wants larger; it never gets smaller.
func (d *disks) grow(ctx context.Context, image string, mib uint64) error {
	if mib == 0 {
		return nil
	}
	if err := d.extend(image, mib); err != nil {
		return err
	}
	// Also where the file is large enough: a crash may have come between the two. resize2fs wants a file system that was checked.
	for _, command := range [][]string{{"e2fsck", "-f", "-p", image}, {"resize2fs", image}} {
		out, err := exec.CommandContext(ctx, command[0], command[1:]...).CombinedOutput()
		var exit *exec.ExitError
		if errors.As(err, &exit) && command[0] == "e2fsck" && exit.ExitCode() == 1 {
			continue // errors were corrected
		}
		if err != nil {
			return fmt.Errorf("%s %s: %w: %s", command[0], image, err, strings.TrimSpace(string(out)))
		}
	}
	return nil
}

// layerGate is where a layer has these files, beside what the engine keeps there.
const layerGate = "ath"

// takeRoot moves an instance's writable layer onto the lease's disk, before it runs. upper is the engine's directory of it.
func (d *disks) takeRoot(ctx context.Context, slug, service, upper string) error {
	layer := filepath.Dir(upper)
	if filepath.Dir(layer) != d.layers {
		return fmt.Errorf("disk of service %s: its layer is at %s, not below %s; the engine's layout is not known", service, upper, d.layers)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := link(filepath.Join(layer, layerGate), d.gate(slug, service)); err != nil {
		return err
	}
	if yes, err := mounted(layer); yes || err != nil {
		return err
	}
	own := filepath.Join(d.dir, slug, "tree", "root", service+"."+filepath.Base(layer))
	if _, err := os.Stat(own); errors.Is(err, fs.ErrNotExist) {
		if err := d.copyLayer(ctx, service, layer, own); err != nil {
			return fmt.Errorf("disk of service %s: %w", service, err)
		}
	} else if err != nil {
		return err
	}
	if err := emptyDir(filepath.Join(layer, "diff")); err != nil {
		return err
	}
	if err := unix.Mount(own, layer, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("bind %s to %s: %w", own, layer, err)
	}
	return nil
}

func (d *disks) copyLayer(ctx context.Context, service, layer, own string) error {
	// Earlier layers of the service are those of instances that are gone.
	old, err := filepath.Glob(filepath.Join(filepath.Dir(own), service+".*"))
	if err != nil {
		return err
	}
	for _, path := range old {
		if err := os.RemoveAll(path); err != nil {
			return err
		}
	}
	unfinished := own + ".new"
	out, err := exec.CommandContext(ctx, "cp", "-a", layer, unfinished).CombinedOutput()
	if err != nil {
		return fmt.Errorf("copy layer: %w: %s", err, strings.TrimSpace(string(out)))
	}
	return errors.Join(d.writeGate(filepath.Join(unfinished, layerGate), service), os.Rename(unfinished, own))
}

func emptyDir(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// remove unmounts and deletes a lease's disk, whose instances are gone.
func (d *disks) remove(slug string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.removeAt(filepath.Join(d.dir, slug)); err != nil {
		return fmt.Errorf("remove disk of the lease: %w", err)
	}
	return nil
}

func (d *disks) removeAt(dir string) error {
	tree := filepath.Join(dir, "tree")
	yes, err := mounted(tree)
	if errors.Is(err, fs.ErrNotExist) {
		return os.RemoveAll(dir)
	}
	if err != nil {
		return err
	}
	if yes {
		if err := unmountAll(tree); err != nil {
			return err
		}
	}
	if info, err := os.Stat(filepath.Join(dir, "disk.img")); err == nil {
		d.reserved.Add(-info.Size() >> 20)
	}
	return os.RemoveAll(dir)
}

// DropDisks removes the disks of all workers of the chain, whose instances are gone.
func (r *Runtime) DropDisks() error {
	chain := filepath.Join(r.info.DockerRootDir, diskDir, short(r.config.Chain))
	found, err := filepath.Glob(filepath.Join(chain, "*", "*"))
	if err != nil {
		return err
	}
	for _, dir := range found {
		if err := r.disks.removeAt(dir); err != nil {
			return fmt.Errorf("remove disk: %w", err)
		}
	}
	return os.RemoveAll(chain)
}

// unescape undoes what the kernel does to paths in its mount table.
var unescape = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)

// logKiB is the size of each of logMaxFiles log files: an eighth of the service's storage together, and at most logMaxMiB each.
func logKiB(serviceMiB uint64) uint64 {
	return min(logMaxMiB<<10, max(serviceMiB<<10/8/logMaxFiles, logMinKiB))
}

// diskMiB is what is left of a lease's storage for its file system: logs lie beside it.
func diskMiB(d runtime.Disk) uint64 {
	logs := min(uint64(d.Services)*logMaxMiB*logMaxFiles, d.LeaseMiB/8)
	return d.LeaseMiB - logs
}
