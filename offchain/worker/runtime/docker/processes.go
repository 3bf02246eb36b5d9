// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// ownedBy says whether a process is in a container; an engine's process ids may be another machine's.
func ownedBy(containerID string, pid int) error {
	groups, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cgroup")
	if err != nil {
		return err
	}
	if len(containerID) < 64 || !strings.Contains(string(groups), containerID) {
		return fmt.Errorf("process %d is not one of container %s on this machine", pid, containerID)
	}
	return nil
}

// openNetwork opens the network namespace of a container's process.
func openNetwork(containerID string, pid int) (int, error) {
	fd, err := unix.Open("/proc/"+strconv.Itoa(pid)+"/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	// After opening: the process that had the id then is the one that is looked at, or the namespace was a dead one's.
	if err := ownedBy(containerID, pid); err != nil {
		return 0, errors.Join(err, unix.Close(fd))
	}
	return fd, nil
}

// killTree kills a process of a container, the rest of its session and its descendants. A process that left both of them
// is its instance's, within whose limits it stays.
func killTree(containerID string, root int) error {
	var errs error
	for _, pid := range tree(root) {
		errs = errors.Join(errs, killOne(containerID, pid))
	}
	return errs
}

// killOne holds on to the process while it makes sure which one it is.
func killOne(containerID string, pid int) error {
	fd, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("kill %d: %w", pid, err)
	}
	defer unix.Close(fd)
	if err := ownedBy(containerID, pid); err != nil {
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ESRCH) {
			return nil
		}
		return err
	}
	if err := unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("kill %d: %w", pid, err)
	}
	return nil
}

// tree lists root, its descendants and its session.
func tree(root int) []int {
	type process struct{ pid, parent, session int }
	var all []process
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		raw, err := os.ReadFile(path)
		if err != nil {
			continue // ended since
		}
		// The name, in parentheses, may hold anything: fields are counted from its end. State, parent, group, session.
		fields := strings.Fields(string(raw[strings.LastIndexByte(string(raw), ')')+1:]))
		if len(fields) < 4 {
			continue
		}
		pid, perr := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		parent, aerr := strconv.Atoi(fields[1])
		session, serr := strconv.Atoi(fields[3])
		if errors.Join(perr, aerr, serr) == nil {
			all = append(all, process{pid, parent, session})
		}
	}
	in, out := map[int]bool{root: true}, []int{root}
	for grown := true; grown; {
		grown = false
		for _, p := range all {
			if !in[p.pid] && (in[p.parent] || p.session == root) {
				in[p.pid], grown = true, true
				out = append(out, p.pid)
			}
		}
	}
	return out
}
