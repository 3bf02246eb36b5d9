// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	goruntime "runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"golang.org/x/sys/unix"

	"github.com/athnet/ath/offchain/worker/runtime"
)

const (
	// dialTime is what a connection to a port of an instance may take.
	dialTime = 5 * time.Second
	// killTime is how long a command is killed again until it is gone.
	killTime = 10 * time.Second
	// endPause is between two looks at whether a command has ended.
	endPause = 20 * time.Millisecond
	// resizeTries is how often a terminal that may not be there yet is given its size.
	resizeTries = 50
	// noticeTries is how often an engine is asked whether an instance has ended.
	noticeTries = 50
)

// running finds an instance that runs.
func (r *Runtime) running(ctx context.Context, key runtime.Key) (container.InspectResponse, error) {
	c, err := r.find(ctx, key)
	if err != nil {
		return c, err
	}
	if !c.State.Running || c.State.Paused || c.State.Restarting { // an engine that waits to restart it calls it running, too
		return c, fmt.Errorf("docker: %w: service %s is %s", runtime.ErrNotRunning, key.Service, c.State.Status)
	}
	return c, nil
}

// Exec implements runtime.Entrance.
func (r *Runtime) Exec(ctx context.Context, key runtime.Key, p runtime.Process) (int, error) {
	c, err := r.running(ctx, key)
	if err != nil {
		return 0, err
	}
	options := client.ExecCreateOptions{
		TTY: p.TTY, AttachStdin: p.Stdin != nil, AttachStdout: true, AttachStderr: true, Env: p.Env, Cmd: p.Command,
		DetachKeys: "ctrl-@,ctrl-@,ctrl-@,ctrl-@,ctrl-@,ctrl-@,ctrl-@,ctrl-@", // the engine's own would swallow keys of the command
	}
	if p.TTY && p.Size.Rows > 0 && p.Size.Columns > 0 {
		options.ConsoleSize = client.ConsoleSize{Height: uint(p.Size.Rows), Width: uint(p.Size.Columns)}
	}
	made, err := r.engine.ExecCreate(ctx, c.ID, options)
	if err != nil {
		return 0, r.notBegun(ctx, c, key, r.fail("exec", err))
	}
	attached, err := r.engine.ExecAttach(ctx, made.ID, client.ExecAttachOptions{TTY: p.TTY, ConsoleSize: options.ConsoleSize})
	if err != nil {
		r.kill(ctx, c.ID, made.ID)
		return 0, r.notBegun(ctx, c, key, r.fail("exec", err))
	}
	defer attached.Close()
	refusal := &refusalFilter{to: p.Stdout}
	err = r.pump(ctx, made.ID, attached, p, refusal)
	if err == nil && len(refusal.held) > 0 {
		err = r.refusal(ctx, c, key, made.ID, refusal)
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil {
		attached.Close()
		r.kill(ctx, c.ID, made.ID)
		return 0, err
	}
	return r.exitCode(ctx, c.ID, made.ID)
}

// notBegun is the error of a command that was not begun: that its instance has ended since it was looked at, if so. Engines say one thing or another
// then, and notice it a moment later.
func (r *Runtime) notBegun(ctx context.Context, was container.InspectResponse, key runtime.Key, err error) error {
	for range noticeTries {
		now, gone := r.running(ctx, key)
		if gone == nil && (now.ID != was.ID || now.State.StartedAt != was.State.StartedAt) {
			gone = fmt.Errorf("docker exec: %w: service %s has been started anew", runtime.ErrNotRunning, key.Service)
		}
		if errors.Is(gone, runtime.ErrNotRunning) || errors.Is(gone, runtime.ErrNotFound) {
			return gone
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(endPause):
		}
	}
	return err
}

// pump moves input, output and sizes until the command's output ends.
func (r *Runtime) pump(ctx context.Context, id string, attached client.ExecAttachResult, p runtime.Process, refusal io.Writer) error {
	stop := context.AfterFunc(ctx, attached.Close) // ends reads and writes
	defer stop()
	over := make(chan struct{})
	defer close(over)
	if p.Stdin != nil {
		go func() {
			// A terminal's input has no end, and the engine would take one for that of its output.
			if _, err := io.Copy(attached.Conn, p.Stdin); err == nil && !p.TTY {
				_ = attached.CloseWrite() // a command that is gone needs no end of input
			}
		}()
	}
	if p.TTY {
		go r.resize(ctx, id, p, over)
	}
	var err error
	if p.TTY {
		_, err = io.Copy(refusal, attached.Reader)
	} else {
		_, err = stdcopy.StdCopy(refusal, p.Stderr, attached.Reader)
	}
	return err
}

// resize hands sizes of the terminal on, the first one again until the command is there: older engines start it without.
func (r *Runtime) resize(ctx context.Context, id string, p runtime.Process, over <-chan struct{}) {
	size, tries := p.Size, resizeTries
	if size.Rows == 0 || size.Columns == 0 {
		tries = 0
	}
	retry := time.NewTicker(endPause)
	defer retry.Stop()
	for {
		if tries > 0 {
			_, err := r.engine.ExecResize(ctx, id, client.ExecResizeOptions{Height: uint(size.Rows), Width: uint(size.Columns)})
			if tries--; err == nil {
				tries = 0
			}
		}
		select {
		case size = <-p.Resize:
			tries = resizeTries
		case <-retry.C:
		case <-over:
			return
		}
		if tries == 0 {
			retry.Stop()
		} else {
			retry.Reset(endPause)
		}
	}
}

// refusalFilter holds back what an engine writes in place of a command's output when the command can't be run.
type refusalFilter struct {
	to   io.Writer
	held []byte
	past bool
}

var refusalStart = []byte("OCI runtime exec failed: ")

const maxRefusal = 8 << 10

func (f *refusalFilter) Write(b []byte) (int, error) {
	if f.past {
		return f.to.Write(b)
	}
	f.held = append(f.held, b...)
	if n := min(len(f.held), len(refusalStart)); bytes.Equal(f.held[:n], refusalStart[:n]) && n == len(refusalStart) && len(f.held) < maxRefusal {
		return len(b), nil
	}
	return len(b), f.pass()
}

func (f *refusalFilter) pass() error {
	held := f.held
	f.past, f.held = true, nil
	_, err := f.to.Write(held)
	return err
}

// refusal asks whether the text that was held back is the engine's or the command's.
func (r *Runtime) refusal(ctx context.Context, was container.InspectResponse, key runtime.Key, id string, f *refusalFilter) error {
	state, err := r.engine.ExecInspect(ctx, id, client.ExecInspectOptions{})
	if err != nil {
		return r.notBegun(ctx, was, key, r.fail("exec", err))
	}
	if state.PID != 0 || (state.ExitCode != 126 && state.ExitCode != 127) {
		return f.pass()
	}
	text := strings.TrimSpace(string(f.held))
	if _, why, ok := strings.Cut(text, "unable to start container process: "); ok {
		text = strings.TrimSuffix(why, ": unknown")
	}
	err = fmt.Errorf("%w: %s", runtime.ErrCommand, strings.TrimPrefix(text, "exec: "))
	if strings.HasPrefix(text, "exec") {
		return err // the program's own
	}
	return r.notBegun(ctx, was, key, err)
}

// exitCode waits for a command whose output has ended.
func (r *Runtime) exitCode(ctx context.Context, containerID, id string) (int, error) {
	for {
		state, err := r.engine.ExecInspect(ctx, id, client.ExecInspectOptions{})
		if ctx.Err() != nil {
			r.kill(ctx, containerID, id)
			return 0, ctx.Err()
		}
		if err != nil {
			return 0, r.fail("exec", err)
		}
		if !state.Running {
			return state.ExitCode, nil
		}
		select {
		case <-ctx.Done():
		case <-time.After(endPause):
		}
	}
}

// kill ends a command and what it started: an engine lets them go on when nobody listens any more.
func (r *Runtime) kill(ctx context.Context, containerID, id string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), killTime)
	defer cancel()
	for seen := false; ; {
		state, err := r.engine.ExecInspect(ctx, id, client.ExecInspectOptions{})
		if cerrdefs.IsNotFound(err) {
			return // with its instance
		}
		if err == nil && !state.Running && (seen || state.PID == 0) {
			return
		}
		if err == nil && state.PID > 0 {
			seen = true
			err = killTree(containerID, state.PID)
			if err == nil && !state.Running {
				return
			}
		}
		select {
		case <-ctx.Done():
			r.log.Warn("a tenant's command could not be killed and goes on within its lease; run the worker as root on the engine's machine", "container", containerID, "err", err)
			return
		case <-time.After(endPause):
		}
	}
}

// Reap implements runtime.Entrance.
func (r *Runtime) Reap(ctx context.Context) error {
	all, err := r.engine.ContainerList(ctx, client.ContainerListOptions{Filters: r.mine("")}) // those that run
	if err != nil {
		return r.fail("list", err)
	}
	for _, item := range all.Items {
		c, err := r.engine.ContainerInspect(ctx, item.ID, client.ContainerInspectOptions{})
		if cerrdefs.IsNotFound(err) {
			continue
		}
		if err != nil {
			return r.fail("inspect", err)
		}
		for _, id := range c.Container.ExecIDs {
			r.kill(ctx, item.ID, id)
		}
	}
	return nil
}

// Dial implements runtime.Entrance. The connection is made inside the instance's network, so that ports of its loopback
// can be reached and none of the machine's rules for workloads is in the way; without the right to enter it, from outside.
func (r *Runtime) Dial(ctx context.Context, key runtime.Key, port uint16) (net.Conn, error) {
	c, err := r.running(ctx, key)
	if err != nil {
		return nil, err
	}
	var own []netip.Addr
	if c.NetworkSettings != nil {
		for _, n := range c.NetworkSettings.Networks {
			if n.IPAddress.IsValid() {
				own = append(own, n.IPAddress)
			}
		}
	}
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	space, err := openNetwork(c.ID, c.State.Pid)
	if err != nil {
		r.log.Debug("the network of an instance can't be entered; its own address is dialled", "err", err)
		return dialAny(ctx, own, port)
	}
	defer unix.Close(space)
	var conn net.Conn
	var derr error
	err = within(space, func() {
		conn, derr = dialAny(ctx, append([]netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}, own...), port)
	})
	if errors.Is(err, unix.EPERM) {
		return dialAny(ctx, own, port)
	}
	if err != nil {
		return nil, err
	}
	return conn, derr
}

// within calls fn on a thread of its own in another network: a socket belongs to the network of the thread that makes it. The
// thread is not given back; it ends with its goroutine. The process's first thread never does, and what it sees is what all of
// /proc/self says: it is left out.
func within(space int, fn func()) error {
	done := make(chan error, 1)
	go func() {
		goruntime.LockOSThread()
		if unix.Gettid() == unix.Getpid() {
			done <- within(space, fn) // on another one: this one is held
			goruntime.UnlockOSThread()
			return
		}
		if err := unix.Setns(space, unix.CLONE_NEWNET); err != nil {
			done <- fmt.Errorf("enter network: %w", err)
			return
		}
		fn()
		done <- nil
	}()
	return <-done
}

// dialAny connects to the first address that takes it.
func dialAny(ctx context.Context, addrs []netip.Addr, port uint16) (net.Conn, error) {
	var errs error
	for _, addr := range addrs {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(addr.String(), strconv.Itoa(int(port))))
		if err == nil {
			return conn, nil
		}
		errs = errors.Join(errs, err)
		if !errors.Is(err, syscall.ECONNREFUSED) && !errors.Is(err, syscall.EADDRNOTAVAIL) && !errors.Is(err, syscall.ENETUNREACH) {
			break
		}
	}
	return nil, fmt.Errorf("%w: %d: %w", runtime.ErrRefused, port, errs)
}
