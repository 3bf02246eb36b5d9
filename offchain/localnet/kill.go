// SPDX-License-Identifier: Apache-2.0

package localnet

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Halves of a private engine, which can be ended and begun like processes of the network.
const (
	Dockerd    = "dockerd"
	Containerd = "containerd"
)

// End sends a signal to a process, or to a half of the private engine, and returns when it has ended. One that goes on for 10 s is killed.
func (n *Network) End(name string, sig syscall.Signal) error {
	if name != Dockerd && name != Containerd {
		p := n.process(name)
		if p == nil {
			return fmt.Errorf("there is no process %q", name)
		}
		return p.end(sig)
	}
	half, err := n.engine.half(name)
	if err != nil || !half.alive() {
		return err
	}
	for _, s := range []syscall.Signal{sig, syscall.SIGKILL} {
		if err := syscall.Kill(half.PID, s); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("signal %s: %w", name, err)
		}
		for deadline := time.Now().Add(stopGrace); half.alive(); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				break
			}
		}
		if !half.alive() {
			return nil
		}
	}
	return fmt.Errorf("%s (process %d) does not end", name, half.PID)
}

// Begin starts a process, or a half of the private engine, that has ended, and waits for nothing.
func (n *Network) Begin(ctx context.Context, name string) error {
	if name == Dockerd || name == Containerd {
		if n.engine.dir == "" {
			return fmt.Errorf("%s is not this network's own", name)
		}
		_, err := run(ctx, nil, n.engine.script, name, n.engine.dir)
		return err
	}
	p := n.process(name)
	if p == nil {
		return fmt.Errorf("there is no process %q", name)
	}
	if err := p.start(); err != nil {
		return err
	}
	return n.save()
}

// half finds a half of the engine by its file; one that never ran or was killed is no error, and not alive.
func (e engine) half(name string) (proc, error) {
	if e.dir == "" {
		return proc{}, fmt.Errorf("%s is not this network's own; unset DOCKER_HOST", name)
	}
	b, err := os.ReadFile(filepath.Join(e.dir, name+".pid"))
	if err != nil {
		return proc{}, nil //nolint:nilerr // it has no number while it starts
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		return proc{}, fmt.Errorf("number of %s: %w", name, err)
	}
	comm, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/comm")
	if err != nil || strings.TrimSpace(string(comm)) != name {
		return proc{}, nil //nolint:nilerr // the file is an earlier one's
	}
	return newProc(pid), nil
}
