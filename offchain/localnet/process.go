// SPDX-License-Identifier: Apache-2.0

package localnet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// stopGrace is how long a process may take to end after SIGTERM.
const stopGrace = 10 * time.Second

// process is one daemon in a process group of its own, so that a Ctrl-C on the terminal reaches only the runner.
type process struct {
	name string
	path string
	args []string
	env  []string
	log  string

	mu   sync.Mutex
	cmd  *exec.Cmd
	done chan struct{}
	err  error
}

// start runs the process; its output goes to the log, behind what is there.
func (p *process) start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	f, err := os.OpenFile(p.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	defer f.Close() // the child has its own descriptor
	cmd := exec.Command(p.path, p.args...)
	cmd.Env = append(os.Environ(), p.env...)
	cmd.Stdout, cmd.Stderr = f, f
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	done := make(chan struct{})
	p.cmd, p.done, p.err = cmd, done, nil
	go func() {
		err := cmd.Wait()
		p.mu.Lock()
		if p.cmd == cmd {
			p.err = err
		}
		p.mu.Unlock()
		close(done)
	}()
	return nil
}

// pid is 0 when the process does not run.
func (p *process) pid() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return 0
	}
	select {
	case <-p.done:
		return 0
	default:
		return p.cmd.Process.Pid
	}
}

// ended is closed when the process has ended.
func (p *process) ended() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.done
}

// signal sends to the whole group.
func (p *process) signal(sig syscall.Signal) error {
	pid := p.pid()
	if pid == 0 {
		return nil
	}
	if err := syscall.Kill(-pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("signal %s: %w", p.name, err)
	}
	return nil
}

// stop asks, waits, and kills.
func (p *process) stop() error { return p.end(syscall.SIGTERM) }

// end sends a signal that ends the process, waits, and kills.
func (p *process) end(sig syscall.Signal) error {
	if p.pid() == 0 {
		return nil
	}
	if err := p.signal(sig); err != nil {
		return err
	}
	select {
	case <-p.ended():
		return nil
	case <-time.After(stopGrace):
	}
	return p.kill()
}

// kill ends the process without asking, as a power cut would.
func (p *process) kill() error {
	if p.pid() == 0 {
		return nil
	}
	if err := p.signal(syscall.SIGKILL); err != nil {
		return err
	}
	<-p.ended()
	return nil
}

// failure explains an end that nobody asked for with the end of the log.
func (p *process) failure() error {
	p.mu.Lock()
	err := p.err
	p.mu.Unlock()
	reason := "ended"
	if err != nil {
		reason = err.Error()
	}
	return fmt.Errorf("%s has stopped (%s); the end of %s:\n%s", p.name, reason, p.log, tail(p.log, 12))
}

// tail returns the last lines of a file.
func tail(path string, lines int) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return "  " + err.Error()
	}
	all := strings.Split(strings.TrimRight(string(b), "\n"), "\n")
	return "  " + strings.Join(all[max(0, len(all)-lines):], "\n  ")
}

// run executes a command to its end and returns its output; a failure carries what it said.
func run(ctx context.Context, env []string, path string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = append(os.Environ(), env...)
	var out, talk bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &talk
	if err := cmd.Run(); err != nil {
		said := strings.TrimSpace(talk.String())
		if said == "" {
			said = err.Error()
		}
		return out.String(), fmt.Errorf("%s %s: %s", filepath.Base(path), args[0], said)
	}
	return out.String(), nil
}

// startTime identifies a process together with its number: clock ticks after boot, from /proc; empty when it is gone.
func startTime(pid int) string {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return ""
	}
	// The name in parentheses may hold spaces; fields are counted from behind it. 22 is starttime.
	_, rest, ok := strings.Cut(string(b), ") ")
	fields := strings.Fields(rest)
	if !ok || len(fields) < 20 || fields[0] == "Z" {
		return ""
	}
	return fields[19]
}
