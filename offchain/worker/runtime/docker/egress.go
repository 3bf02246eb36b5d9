// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"context"
	"fmt"
	"log/slog"
	"os/exec"
	"slices"
	"strings"
	"sync"
)

// EgressMode decides about a workload's way to the machine itself and to private networks.
type EgressMode string

const (
	// EgressGuard blocks it where this process may write packet filter rules, and says so where it may not.
	EgressGuard EgressMode = "guard"
	// EgressRequire refuses to run without.
	EgressRequire EgressMode = "require"
	// EgressOff leaves it open: for development.
	EgressOff EgressMode = "off"
)

// private are the ranges that a workload has no business in: RFC 1918, carrier NAT, link-local with the cloud's metadata services.
var private = []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16"}

// bridges is the pattern of every bridge that a worker makes: "ath" and the lease's slug.
const bridges = "ath+"

// egress keeps all our bridges off the machine and private networks with one set of iptables rules. Only new connections are
// dropped: answers of a published port pass. DNS passes, because the machine's resolver may well have a private address.
type egress struct {
	mode   EgressMode
	active bool
	mu     sync.Mutex // rules are looked for and written by one at a time
}

// probe finds out whether rules can be written, and writes them.
func (e *egress) probe(ctx context.Context, log *slog.Logger) error {
	if e.mode == "" {
		e.mode = EgressGuard
	}
	if e.mode == EgressOff {
		return nil
	}
	err := iptables(ctx, "-n", "-L", "DOCKER-USER")
	switch {
	case err == nil:
		e.active = true
		return e.guard(ctx)
	case e.mode == EgressRequire:
		return fmt.Errorf("egress guard: %w; run the worker with CAP_NET_ADMIN on an engine that manages iptables, or set egress: guard", err)
	default:
		log.Warn("workloads can reach this machine and private networks", "err", err, "remedy", "run the worker with CAP_NET_ADMIN")
		return nil
	}
}

// rules in the order in which they are inserted at the top: the last one stands first.
func rules() [][]string {
	away := []string{"DOCKER-USER", "-i", bridges, "!", "-o", bridges, "-m", "conntrack", "--ctstate", "NEW"}
	out := [][]string{append(slices.Clone(away), "-d", strings.Join(private, ","), "-j", "DROP")}
	for _, proto := range []string{"tcp", "udp"} {
		out = append(out, append(slices.Clone(away), "-p", proto, "--dport", "53", "-j", "RETURN"))
	}
	return append(out, []string{"INPUT", "-i", bridges, "-m", "conntrack", "--ctstate", "NEW", "-j", "DROP"})
}

// guard writes the rules unless they stand; something else may have flushed them since.
func (e *egress) guard(ctx context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := rules()
	if !e.active || iptables(ctx, append([]string{"-C"}, all[len(all)-1]...)...) == nil {
		return nil // the last one stands, so all do
	}
	for _, rule := range all {
		if iptables(ctx, append([]string{"-C"}, rule...)...) == nil {
			continue
		}
		if err := iptables(ctx, append([]string{"-I"}, rule...)...); err != nil {
			return fmt.Errorf("egress guard: %w", err)
		}
	}
	return nil
}

// release takes the rules away.
func (e *egress) release(ctx context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.active {
		return nil
	}
	for _, rule := range slices.Backward(rules()) {
		if iptables(ctx, append([]string{"-C"}, rule...)...) != nil {
			continue
		}
		if err := iptables(ctx, append([]string{"-D"}, rule...)...); err != nil {
			return fmt.Errorf("egress guard: %w", err)
		}
	}
	return nil
}

func iptables(ctx context.Context, args ...string) error {
	out, err := exec.CommandContext(ctx, "iptables", append([]string{"-w", "5"}, args...)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("iptables %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}
