// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// attempts are ways out, each of which a workload must be refused: nil means that it worked.
var attempts = []struct {
	name string
	try  func() error
}{
	{"mount", func() error { return unix.Mount("none", "/tmp", "tmpfs", 0, "") }},
	{"remount-proc-sys", func() error { return unix.Mount("", "/proc/sys", "", unix.MS_REMOUNT|unix.MS_BIND, "") }},
	{"umount-mask", func() error { return unix.Unmount("/proc/kcore", 0) }},
	{"mknod-disk", func() error { return unix.Mknod("/tmp/disk", unix.S_IFBLK|0o600, int(unix.Mkdev(254, 0))) }},
	{"mknod-mem", func() error { return unix.Mknod("/tmp/mem", unix.S_IFCHR|0o600, int(unix.Mkdev(1, 1))) }},
	{"open-handle", func() error { // by inode 2, the root of the file system below
		_, err := unix.OpenByHandleAt(unix.AT_FDCWD, unix.NewFileHandle(1, []byte{2, 0, 0, 0, 0, 0, 0, 0}), unix.O_RDONLY)
		return err
	}},
	{"chroot", func() error { return unix.Chroot("/tmp") }},
	{"sethostname", func() error { return unix.Sethostname([]byte("other")) }},
	{"settime", func() error {
		var now unix.Timeval
		if err := unix.Gettimeofday(&now); err != nil {
			return nil
		}
		return unix.Settimeofday(&now)
	}},
	{"user-namespace", func() error { return child(unix.CLONE_NEWUSER) }},
	{"mount-namespace", func() error { return child(unix.CLONE_NEWNS) }},
	{"net-namespace", func() error { return child(unix.CLONE_NEWNET) }},
	{"raw-socket", func() error { return socket(unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP) }},
	{"packet-socket", func() error { return socket(unix.AF_PACKET, unix.SOCK_RAW, 0) }},
	{"set-address", func() error { // of its own interface, to take a neighbour's
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		request, err := unix.NewIfreq("eth0")
		if err != nil {
			return nil
		}
		if err := request.SetInet4Addr([]byte{10, 9, 8, 7}); err != nil {
			return nil
		}
		return unix.IoctlIfreq(fd, unix.SIOCSIFADDR, request)
	}},
	{"add-key", func() error {
		_, err := unix.AddKey("user", "ath", []byte("x"), unix.KEY_SPEC_USER_KEYRING)
		return err
	}},
	{"keyctl", func() error { _, err := unix.KeyctlGetKeyringID(unix.KEY_SPEC_SESSION_KEYRING, true); return err }},
	{"request-key", func() error { return call(unix.SYS_REQUEST_KEY, 0, 0, 0) }},
	{"bpf", func() error { return call(unix.SYS_BPF, 0, 0, 0) }},
	{"perf-event", func() error {
		attr := unix.PerfEventAttr{Type: unix.PERF_TYPE_SOFTWARE, Size: uint32(unsafe.Sizeof(unix.PerfEventAttr{}))}
		_, err := unix.PerfEventOpen(&attr, -1, 0, -1, 0)
		return err
	}},
	{"userfaultfd", func() error { return call(unix.SYS_USERFAULTFD, 0, 0, 0) }},
	{"load-module", func() error { return unix.FinitModule(0, "", 0) }},
	{"kexec", func() error { return call(unix.SYS_KEXEC_LOAD, 0, 0, 0) }},
	{"reboot-syscall", func() error { return call(unix.SYS_REBOOT, 0, 0, 0) }},
	{"swapon", func() error { return call(unix.SYS_SWAPON, 0, 0, 0) }},
	{"quotactl", func() error { return call(unix.SYS_QUOTACTL, 0, 0, 0) }},
	{"syslog", func() error { _, err := unix.Klogctl(3, make([]byte, 16)); return err }},
	{"raise-core-limit", func() error {
		return unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY})
	}},
	{"nice", func() error { return unix.Setpriority(unix.PRIO_PROCESS, 0, -5) }},
	{"write-core-pattern", write("/proc/sys/kernel/core_pattern", "|/tmp/x")},
	{"write-sysctl", write("/proc/sys/net/ipv4/ip_forward", "1")},
	{"write-sysrq", write("/proc/sysrq-trigger", "h")},
	{"write-irq", write("/proc/irq/default_smp_affinity", "1")},
	{"write-uevent", write("/sys/kernel/uevent_helper", "/tmp/x")},
	{"write-release-agent", write("/sys/fs/cgroup/memory/release_agent", "/tmp/x")},
	{"write-cgroup", func() error { // of v1 and of v2
		return errors.Join(write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "-1")(), write("/sys/fs/cgroup/memory.max", "max")())
	}},
	{"lower-oom-score", write("/proc/self/oom_score_adj", "-900")},
	{"read-kcore", read("/proc/kcore")},
	{"read-keys", read("/proc/keys")},
	{"read-timer-list", read("/proc/timer_list")},
	{"read-kmsg", read("/dev/kmsg")},
	{"read-mem", read("/dev/mem")},
	{"read-firmware", readDir("/sys/firmware")},
	{"read-scsi", readDir("/proc/scsi")},
	{"read-acpi", readDir("/proc/acpi")},
	{"docker-socket", func() error {
		return errors.Join(dial("/var/run/docker.sock"), dial("/run/containerd/containerd.sock"))
	}},
	{"abstract-sockets", func() error { // of the machine's network namespace
		table, err := os.ReadFile("/proc/net/unix")
		if err == nil && strings.Contains(string(table), "@") {
			return nil
		}
		return unix.EPERM
	}},
	{"ipv6", func() error {
		table, err := os.ReadFile("/proc/net/if_inet6")
		for line := range strings.Lines(string(table)) {
			if !strings.HasSuffix(strings.TrimSpace(line), " lo") {
				return nil
			}
		}
		return errors.Join(err, unix.EPERM)
	}},
	{"other-processes", func() error { // only this one is to be seen
		dirs, _ := filepath.Glob("/proc/[0-9]*")
		if len(dirs) > 1 {
			return nil
		}
		return unix.EPERM
	}},
}

// escape tries all ways out, and prints how each went.
func escape() {
	for _, a := range attempts {
		if err := a.try(); err == nil {
			fmt.Println(a.name + "=worked")
		} else {
			fmt.Println(a.name + "=refused")
		}
	}
	for _, space := range []string{"pid", "ipc", "net", "uts", "mnt", "cgroup"} {
		link, _ := os.Readlink("/proc/self/ns/" + space)
		fmt.Println("ns", link)
	}
	status, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(status)) {
		for _, field := range []string{"CapEff", "CapBnd", "Seccomp:", "NoNewPrivs"} {
			if strings.HasPrefix(line, field) {
				fmt.Println(strings.Join(strings.Fields(line), " "))
			}
		}
	}
	devices, _ := os.ReadDir("/dev")
	for _, d := range devices {
		if info, err := os.Lstat("/dev/" + d.Name()); err == nil && info.Mode()&os.ModeDevice != 0 {
			fmt.Println("dev", d.Name())
		}
	}
	mounts, _ := os.ReadFile("/proc/self/mountinfo")
	for line := range strings.Lines(string(mounts)) {
		f := strings.Fields(line)
		fmt.Println("mount", f[4], f[slices.Index(f, "-")+1])
	}
}

func child(flags uintptr) error {
	c := exec.Command("/subject")
	c.Env, c.SysProcAttr = []string{"EXIT=0"}, &syscall.SysProcAttr{Cloneflags: flags}
	return c.Run()
}

func socket(domain, kind, proto int) error {
	fd, err := unix.Socket(domain, kind, proto)
	if err == nil {
		_ = unix.Close(fd)
	}
	return err
}

// call makes a system call that fails for its arguments where it is allowed at all.
func call(number, a, b, c uintptr) error {
	_, _, errno := unix.Syscall6(number, a, b, c, 0, 0, 0)
	if errno == unix.EPERM || errno == unix.ENOSYS {
		return errno
	}
	return nil
}

func write(path, text string) func() error {
	return func() error {
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		_, err = f.WriteString(text)
		return errors.Join(err, f.Close())
	}
}

func read(path string) func() error {
	return func() error {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = f.Read(make([]byte, 16)) // a mask is empty: the end of the file
		return err
	}
}

func readDir(path string) func() error {
	return func() error {
		entries, err := os.ReadDir(path)
		if err == nil && len(entries) == 0 {
			return unix.EACCES
		}
		return err
	}
}

func dial(path string) error {
	conn, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		_ = conn.Close()
	}
	return err
}

// fill writes into every file of a comma-separated list until there is an error, at most limit bytes each.
func fill(files string, limit int64) {
	block := make([]byte, 1<<20)
	for _, path := range strings.Split(files, ",") {
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
		var n int64
		for err == nil && n < limit {
			var k int
			k, err = f.Write(block)
			n += int64(k)
		}
		if f != nil {
			err = errors.Join(err, f.Close())
		}
		fmt.Printf("%s: %d MiB, full: %t, %v\n", path, n>>20, errors.Is(err, unix.ENOSPC), err)
	}
}

// setuid makes a program that becomes root, and runs it as somebody else.
func setuid() {
	program, err := os.ReadFile("/subject")
	if err == nil {
		err = os.WriteFile("/suid", program, 0o600)
	}
	if err == nil {
		err = os.Chmod("/suid", 0o755|os.ModeSetuid)
	}
	c := exec.Command("/suid")
	c.Env, c.Stdout = []string{"DO=who"}, os.Stdout
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 1000, Gid: 1000}}
	fmt.Println("ran:", errors.Join(err, c.Run()))
}

// dump lets a child die in a way of which the kernel keeps a picture where it may.
func dump() {
	var limit unix.Rlimit
	fmt.Println("limit:", unix.Getrlimit(unix.RLIMIT_CORE, &limit), limit.Cur, limit.Max)
	c := exec.Command("/subject")
	c.Env, c.Dir, c.Stderr = []string{"DO=abort", "GOTRACEBACK=crash"}, "/tmp", io.Discard
	err := c.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		fmt.Println("dumped:", exit.Sys().(syscall.WaitStatus).CoreDump())
	}
	left, _ := filepath.Glob("/tmp/core*")
	fmt.Println("cores:", len(left))
}
