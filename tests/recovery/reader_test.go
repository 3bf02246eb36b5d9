// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package recovery

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/athnet/ath/offchain/worker/api"
)

// quiet is the longest that a service may say nothing: it writes three or four lines a second.
const quiet = 2 * time.Second

// reader is a tenant who reads the output of a service with athd, and counts.
type reader struct {
	path     string
	args     []string
	env      []string
	finished chan struct{}

	mu      sync.Mutex
	cmd     *exec.Cmd
	stopped bool
	cursor  string
	run     string    // which start of the workload writes
	number  int       // of the last line
	first   time.Time // when the workload wrote its first line, and its last
	last    time.Time
	longest time.Duration // between two lines
	deaths  int           // of the tool
	wrong   error
	said    string // by the tool, before its last death
}

func (w *world) read(lease, service string) *reader {
	r := &reader{
		path: filepath.Join(w.net.Root, "build", "athd"), args: []string{"lease", "logs", lease, service, "--follow", "--output", "json"},
		env: append(os.Environ(), w.net.Env(w.net.Config.Tenant)...), finished: make(chan struct{}),
	}
	go r.loop(w.Context())
	return r
}

// loop starts the tool again where it died, behind the last line that was had.
func (r *reader) loop(ctx context.Context) {
	defer close(r.finished)
	for {
		ended, err := r.once()
		r.mu.Lock()
		over := ended || r.stopped || r.wrong != nil
		r.deaths++
		if err != nil {
			r.said = err.Error()
		}
		r.mu.Unlock()
		if over {
			return
		}
		if pause(ctx, restartPause) != nil {
			return
		}
	}
}

func (r *reader) once() (ended bool, err error) {
	r.mu.Lock()
	if r.stopped {
		r.mu.Unlock()
		return true, nil
	}
	args := r.args
	if r.cursor != "" {
		args = append(args[:len(args):len(args)], "--cursor", r.cursor)
	}
	cmd := exec.Command(r.path, args...)
	var talk bytes.Buffer
	cmd.Env, cmd.Stderr = r.env, &talk
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	r.cmd = cmd
	r.mu.Unlock()
	if err != nil {
		return false, err
	}
	in := bufio.NewReader(out)
	for {
		text, err := in.ReadBytes('\n')
		if err != nil {
			break // a torn line is asked for again
		}
		r.mu.Lock()
		r.take(text)
		r.mu.Unlock()
	}
	if err := cmd.Wait(); err != nil {
		return false, fmt.Errorf("%w: %s", err, talk.Bytes()[max(0, talk.Len()-1000):])
	}
	return true, nil
}

// take checks one line; the caller holds the lock.
func (r *reader) take(text []byte) {
	if r.wrong != nil {
		return
	}
	var l api.LogLine
	if err := json.Unmarshal(text, &l); err != nil {
		r.wrong = fmt.Errorf("the tool printed %q: %w", text, err)
		return
	}
	if l.Stream != "stdout" || l.Partial || l.Lost > 0 {
		r.wrong = fmt.Errorf("after line %d, of %s: %s", r.number, r.last, text)
		return
	}
	fields := strings.Fields(l.Text)
	if len(fields) != 4 || fields[0] != "tick" {
		r.wrong = fmt.Errorf("after line %d: %s", r.number, text)
		return
	}
	n, nerr := strconv.Atoi(fields[2])
	at, terr := time.Parse(time.RFC3339Nano, fields[3])
	switch {
	case nerr != nil || terr != nil:
		r.wrong = fmt.Errorf("after line %d: %s", r.number, text)
	case r.run != "" && fields[1] != r.run:
		r.wrong = fmt.Errorf("the workload was started anew: after line %d of %s came %s", r.number, r.run, text)
	case n != r.number+1:
		r.wrong = fmt.Errorf("after line %d of %s came %s", r.number, r.last.Format(time.RFC3339Nano), text)
	case r.number > 0 && at.Sub(r.last) > quiet:
		r.wrong = fmt.Errorf("the workload stood still for %s: line %d was of %s, then came %s", at.Sub(r.last), r.number, r.last.Format(time.RFC3339Nano), text)
	}
	if r.number > 0 {
		r.longest = max(r.longest, at.Sub(r.last))
	} else {
		r.first = at
	}
	r.cursor, r.run, r.number, r.last = l.Cursor, fields[1], n, at
}

// kill ends the tool as a tenant's machine may.
func (r *reader) kill() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cmd != nil && r.cmd.Process != nil {
		_ = syscall.Kill(-r.cmd.Process.Pid, syscall.SIGKILL) // it may have ended
	}
}

// stop ends reading for good.
func (r *reader) stop() {
	r.mu.Lock()
	r.stopped = true
	r.mu.Unlock()
	r.kill()
	<-r.finished
}

// upTo says whether all that was written before a time has been read.
func (r *reader) upTo(at time.Time) (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.wrong != nil {
		return false, r.wrong
	}
	if r.last.Before(at) {
		return false, fmt.Errorf("line %d, of %s, is the last; the tool said: %s", r.number, r.last.Format(time.RFC3339Nano), r.said)
	}
	return true, nil
}
