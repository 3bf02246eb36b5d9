// SPDX-License-Identifier: Apache-2.0

package localnet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// state is what a network has started, so that another process can end it.
type state struct {
	Runner    proc            `json:"runner"`
	Processes map[string]proc `json:"processes"`
	// Engine is the directory of the private container engine; empty where a present one is used.
	Engine string `json:"engine,omitempty"`
	// EngineScript starts and stops it; absolute, because who ends it may run elsewhere.
	EngineScript string `json:"engine_script,omitempty"`
	// DockerHost is where the engine answers.
	DockerHost string `json:"docker_host"`
	ChainID    string `json:"chain_id"`
}

// proc names a process beyond the reuse of its number.
type proc struct {
	PID   int    `json:"pid"`
	Start string `json:"start"`
}

func newProc(pid int) proc { return proc{PID: pid, Start: startTime(pid)} }

func (p proc) alive() bool { return p.PID > 0 && p.Start != "" && startTime(p.PID) == p.Start }

func statePath(home string) string { return filepath.Join(home, "state.json") }

func (s state) save(home string) error {
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("write state: %w", err)
	}
	tmp := statePath(home) + ".new"
	if err := os.WriteFile(tmp, b, 0o644); err != nil {
		return fmt.Errorf("write state: %w", err)
	}
	if err := os.Rename(tmp, statePath(home)); err != nil {
		return fmt.Errorf("write state: %w", err)
	}
	return nil
}

func loadState(home string) (state, bool, error) {
	var s state
	b, err := os.ReadFile(statePath(home))
	if errors.Is(err, fs.ErrNotExist) {
		return s, false, nil
	}
	if err != nil {
		return s, false, fmt.Errorf("read state: %w", err)
	}
	if err := json.Unmarshal(b, &s); err != nil {
		return s, false, fmt.Errorf("read state %s: %w", statePath(home), err)
	}
	return s, true, nil
}

// Running says whether a network of this home is run by a living process, and its number.
func Running(home string) (int, bool) {
	s, ok, err := loadState(home)
	if err != nil || !ok || !s.Runner.alive() {
		return 0, false
	}
	return s.Runner.PID, true
}

// Clean ends what an earlier run left behind: processes, containers, networks, the private engine. A network that is still
// run is stopped through its runner.
func Clean(ctx context.Context, home string) error {
	s, ok, err := loadState(home)
	if err != nil || !ok {
		return err
	}
	if s.Runner.alive() && s.Runner.PID != os.Getpid() {
		if err := syscall.Kill(s.Runner.PID, syscall.SIGTERM); err != nil {
			return fmt.Errorf("stop the running network (process %d): %w", s.Runner.PID, err)
		}
		for deadline := time.Now().Add(2 * stopGrace); s.Runner.alive() && time.Now().Before(deadline); {
			time.Sleep(100 * time.Millisecond)
		}
	}
	var errs []error
	for name, p := range s.Processes {
		if p.alive() {
			// The whole group: it was made for this process.
			if err := syscall.Kill(-p.PID, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
				errs = append(errs, fmt.Errorf("end %s (process %d): %w", name, p.PID, err))
			}
		}
	}
	e := engine{host: s.DockerHost, dir: s.Engine, script: s.EngineScript}
	errs = append(errs, e.clear(ctx, s.ChainID), e.stop(ctx))
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return os.Remove(statePath(home))
}
