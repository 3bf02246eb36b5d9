// SPDX-License-Identifier: Apache-2.0

package machine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/athnet/ath/offchain/daemon"
)

const (
	// niceness of a worker: about nine times the weight of a program that says nothing.
	niceness = -10
	// tosLowDelay puts packets into the first band of the kernel's default queue.
	tosLowDelay = 0x10
)

// Prefer gives this process a share of the processors that workloads don't take: a Checker's question has to be answered while
// they do all they can. Threads inherit it. The error says what to do about it.
func Prefer() error {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return err
	}
	for _, task := range tasks {
		id, err := strconv.Atoi(task.Name())
		if err != nil {
			continue
		}
		switch now, err := unix.Getpriority(unix.PRIO_PROCESS, id); {
		case err == nil && 20-now <= niceness: // the system call counts from 20 down
			continue
		case errors.Is(err, unix.ESRCH):
			continue // it has ended since
		}
		switch err := unix.Setpriority(unix.PRIO_PROCESS, id, niceness); {
		case errors.Is(err, unix.ESRCH):
		case err != nil:
			return fmt.Errorf("priority %d: %w; run the worker with CAP_SYS_NICE, or with Nice=%d in its unit", niceness, err, niceness)
		}
	}
	return nil
}

// ListenFirst opens a TCP port whose answers leave this machine before what workloads send.
func ListenFirst(ctx context.Context, address string) (net.Listener, error) {
	l, err := daemon.Listen(ctx, address)
	if err != nil {
		return nil, err
	}
	tcp, ok := l.(*net.TCPListener)
	if !ok {
		return l, nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	var serr error
	err = raw.Control(func(fd uintptr) {
		// A socket of both families takes the second where it has it.
		serr = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_TOS, tosLowDelay)
		if errors.Is(serr, fs.ErrInvalid) || errors.Is(serr, syscall.ENOPROTOOPT) {
			serr = unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_TCLASS, tosLowDelay)
		}
	})
	if err = errors.Join(err, serr); err != nil {
		return nil, errors.Join(fmt.Errorf("precedence of %s: %w", address, err), l.Close())
	}
	return l, nil
}
