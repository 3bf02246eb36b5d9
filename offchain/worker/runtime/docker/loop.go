// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/athnet/ath/offchain/worker/runtime"
)

// loopTries bounds a race for a free loop device with other programs.
const loopTries = 32

// sameMounts says whether the engine sees what this process mounts.
func sameMounts(ctx context.Context, host string) error {
	path, ok := strings.CutPrefix(host, "unix://")
	if !ok {
		return fmt.Errorf("the engine is at %s; use one on this machine through its unix socket", host)
	}
	conn, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if err != nil {
		return fmt.Errorf("%w: %w", runtime.ErrUnavailable, err)
	}
	defer conn.Close()
	raw, err := conn.(*net.UnixConn).SyscallConn()
	if err != nil {
		return err
	}
	var peer *unix.Ucred
	var perr error
	if err := raw.Control(func(fd uintptr) { peer, perr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) }); err != nil {
		return err
	}
	if perr != nil {
		return perr
	}
	mine, err := os.Readlink("/proc/self/ns/mnt")
	if err != nil {
		return err
	}
	its, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/mnt", peer.Pid))
	if peer.Pid != 0 && errors.Is(err, fs.ErrNotExist) { // 0 where this process can't see it
		return fmt.Errorf("%w: it ended just now", runtime.ErrUnavailable)
	}
	if err != nil {
		return fmt.Errorf("%w; run the worker as root beside the engine, not in a container", err)
	}
	if mine != its {
		return errors.New("the engine lives in another mount namespace and would not see a lease's disk; run the worker as root beside it, without PrivateMounts, PrivateTmp or ProtectSystem")
	}
	return nil
}

// format makes a file system whose space is the lease's from now on: the host can't run out of it later. Nothing is discarded,
// which would give it back.
func format(ctx context.Context, image string, mib uint64) error {
	unfinished := image + ".new"
	f, err := os.OpenFile(unfinished, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if err = unix.Fallocate(int(f.Fd()), 0, 0, int64(mib)<<20); err != nil {
		err = fmt.Errorf("reserve %d MiB at %s: %w", mib, image, err)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(unfinished))
	}
	out, err := exec.CommandContext(ctx, "mkfs.ext4", "-q", "-F", "-m", "0", "-E", "nodiscard,lazy_itable_init=1,lazy_journal_init=1", unfinished).CombinedOutput()
	if err != nil {
		return fmt.Errorf("mkfs.ext4 %s: %w: %s", unfinished, err, strings.TrimSpace(string(out)))
	}
	return os.Rename(unfinished, image)
}

// unmountAll unmounts a lease's disk wherever it is mounted.
func unmountAll(tree string) error {
	points, err := sharing(tree)
	if err != nil {
		return err
	}
	for _, p := range points {
		if err := unmount(p.at); err != nil {
			return err
		}
	}
	return nil
}

// unmount of what is not mounted is fine.
func unmount(at string) error {
	if err := unix.Unmount(at, unix.UMOUNT_NOFOLLOW); err != nil && !errors.Is(err, unix.EINVAL) {
		return fmt.Errorf("unmount %s: %w", at, err)
	}
	return nil
}

// mountLoop mounts a file. The loop device clears itself with its last user, so a crash at any point leaves none behind. Direct
// I/O keeps a workload's writes out of the host's page cache.
func mountLoop(image, at string) error {
	control, err := os.OpenFile("/dev/loop-control", os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer control.Close()
	file, err := os.OpenFile(image, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	for range loopTries {
		n, err := unix.IoctlRetInt(int(control.Fd()), unix.LOOP_CTL_GET_FREE)
		if err != nil {
			return fmt.Errorf("find a loop device: %w", err)
		}
		path := "/dev/loop" + strconv.Itoa(n)
		device, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			return err
		}
		config := unix.LoopConfig{Fd: uint32(file.Fd()), Info: unix.LoopInfo64{Flags: unix.LO_FLAGS_AUTOCLEAR | unix.LO_FLAGS_DIRECT_IO}}
		copy(config.Info.File_name[:len(config.Info.File_name)-1], image)
		err = unix.IoctlLoopConfigure(int(device.Fd()), &config)
		if errors.Is(err, unix.EBUSY) { // somebody else was faster
			if err := device.Close(); err != nil {
				return err
			}
			continue
		}
		if err == nil {
			err = unix.Mount(path, at, "ext4", unix.MS_NODEV|unix.MS_NOSUID|unix.MS_NOATIME, "errors=remount-ro")
		}
		if err == nil { // what the engine mounts in a layer is not to show up here a second time
			err = unix.Mount("", at, "", unix.MS_PRIVATE, "")
		}
		if err = errors.Join(err, device.Close()); err != nil {
			return fmt.Errorf("mount %s through %s: %w", image, path, err)
		}
		return nil
	}
	return fmt.Errorf("no loop device is free after %d tries", loopTries)
}

// mounted says whether something is mounted at a path, which then lies on another device than its parent.
func mounted(path string) (bool, error) {
	var at, above unix.Stat_t
	if err := unix.Lstat(path, &at); err != nil {
		return false, &fs.PathError{Op: "lstat", Path: path, Err: err}
	}
	if err := unix.Lstat(filepath.Dir(path), &above); err != nil {
		return false, &fs.PathError{Op: "lstat", Path: filepath.Dir(path), Err: err}
	}
	return at.Dev != above.Dev, nil
}

// mountPoint is where a part of a file system is mounted.
type mountPoint struct {
	at, root string // root is the part
	source   string // the device
}

// sharing returns all mount points of the file system that is mounted at tree: last mounted first.
func sharing(tree string) ([]mountPoint, error) {
	var at unix.Stat_t
	if err := unix.Lstat(tree, &at); err != nil {
		return nil, &fs.PathError{Op: "lstat", Path: tree, Err: err}
	}
	device := fmt.Sprintf("%d:%d", unix.Major(at.Dev), unix.Minor(at.Dev))
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	var out []mountPoint
	for line := range strings.Lines(string(table)) {
		f := strings.Fields(line)
		if len(f) < 5 || f[2] != device {
			continue
		}
		p := mountPoint{at: unescape.Replace(f[4]), root: unescape.Replace(f[3])}
		if n := slices.Index(f, "-"); n > 0 && n+2 < len(f) { // behind optional fields: type, source
			p.source = unescape.Replace(f[n+2])
		}
		out = append(out, p)
	}
	slices.Reverse(out)
	return out, nil
}
