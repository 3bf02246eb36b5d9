// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Guard is one of the things that keep a workload in its place on this machine, or alive.
type Guard struct {
	Name   string // restore, egress, disk, seccomp or limits
	Detail string // what holds
	Err    error  // why it does not, and what to do
	Off    bool   // the operator does not want it
}

// Guards says what this machine enforces and what it can't.
func (r *Runtime) Guards() []Guard {
	return []Guard{
		{Name: "restore", Detail: "workloads outlive the engine", Err: r.restore()},
		{Name: "egress", Detail: "workloads don't reach this machine and private networks", Err: r.egress.why, Off: r.egress.mode == ModeOff},
		{Name: "disk", Detail: "a lease's storage is a file system of its own", Err: r.disks.why, Off: r.disks.mode == ModeOff},
		{Name: "seccomp", Detail: "system calls of workloads are filtered", Err: r.seccomp()},
		{Name: "limits", Detail: "memory, CPU and processes are limited", Err: r.limits()},
	}
}

// restore is about the engine's end. What it keeps for its restart are live processes, so nothing else will do.
func (r *Runtime) restore() error {
	if r.info.LiveRestoreEnabled {
		return nil
	}
	return errors.New("workloads end when the engine does; set \"live-restore\": true in /etc/docker/daemon.json and reload it (systemctl reload docker)")
}

func (r *Runtime) seccomp() error {
	for _, option := range r.info.SecurityOptions {
		if strings.HasPrefix(option, "name=seccomp") && !strings.Contains(option, "profile=unconfined") {
			return nil
		}
	}
	return errors.New("the engine filters no system calls; take seccomp-profile out of daemon.json, or use a kernel with seccomp, and restart it")
}

func (r *Runtime) limits() error {
	var missing []string
	for name, have := range map[string]bool{
		"memory": r.info.MemoryLimit, "swap": r.info.SwapLimit, "cpu quota": r.info.CPUCfsQuota, "pids": r.info.PidsLimit,
	} {
		if !have {
			missing = append(missing, name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	slices.Sort(missing)
	return fmt.Errorf("the kernel does not limit %s; enable these cgroup controllers (cgroup_enable=memory swapaccount=1 on the kernel's command line) and restart", strings.Join(missing, ", "))
}
