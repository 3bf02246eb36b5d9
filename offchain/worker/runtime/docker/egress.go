// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// private are the ranges that a workload has no business in: RFC 1918, carrier NAT, link-local with the cloud's metadata
// services, loopback, what is reserved or for benchmarks, multicast.
var private = []string{
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.168.0.0/16",
	"198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4",
}

const (
	// bridges is the pattern of every bridge that a worker makes: "ath" and the lease's slug.
	bridges = "ath+"
	// Chains of our own: out of workloads, into them, and from them to the machine itself.
	chainOut, chainIn, chainMachine, chainMark = "ATH-OUT", "ATH-IN", "ATH-MACHINE", "ATH-MARK"
	// maxFlows is how many connections one instance may have in each direction, closed ones that the kernel still remembers
	// (two minutes) included: about 130 new ones a second. A kernel's table usually takes 262,144 for the whole machine.
	maxFlows = 16_384
)

// jump leads to one of our chains from where packets pass.
type jump struct {
	table, from string
	match       []string // and the chain
}

var jumps = []jump{
	{"filter", "DOCKER-USER", []string{"-o", bridges, "-j", chainIn}},
	{"filter", "DOCKER-USER", []string{"-i", bridges, "-j", chainOut}},
	{"filter", "INPUT", []string{"-i", bridges, "-j", chainMachine}},
	{"mangle", "FORWARD", []string{"-i", bridges, "-j", chainMark}},
}

// do says with -C whether a jump is there; -I makes and -D removes it.
func (j jump) do(ctx context.Context, verb string) error {
	return iptables(ctx, append([]string{"-t", j.table, verb, j.from}, j.match...)...)
}

// resolverFiles name the machine's resolvers, as the engine reads them for workloads.
var resolverFiles = []string{"/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"}

// egress keeps all our bridges off the machine, off each other and off private networks with one set of iptables rules. Addresses
// decide, never names, so a name that changes its mind about its address changes nothing. Answers pass, for published ports. DNS
// passes to the machine's own resolvers alone, because they may well have a private address. The bridges carry no IPv6.
type egress struct {
	mode   Mode
	flows  int
	mbps   uint64 // bandwidth that workloads share, each way; not limited where 0
	active bool
	why    error      // why not
	mu     sync.Mutex // rules are looked for and written by one at a time
}

// probe finds out whether rules can be written, and writes them.
func (e *egress) probe(ctx context.Context, log *slog.Logger) error {
	e.flows = cmp.Or(e.flows, maxFlows)
	if e.mode == ModeOff {
		e.why = errors.New("egress rules are off")
		return nil
	}
	err := iptables(ctx, "-n", "-L", "DOCKER-USER")
	if err == nil {
		e.active = true
		err = e.write(ctx)
	}
	if err == nil {
		return nil
	}
	e.active, e.why = false, fmt.Errorf("%w; run the worker with CAP_NET_ADMIN beside an engine that manages iptables, on a kernel with conntrack, connlimit and physdev matches", err)
	if e.mode == ModeRequire {
		return fmt.Errorf("egress: %w", e.why)
	}
	log.Warn("workloads can reach this machine and private networks", "err", e.why)
	return nil
}

// script is what iptables-restore makes of our chains in one go.
func script(resolvers []netip.Addr, flows int, mbps uint64) string {
	var b strings.Builder
	// A workload doesn't choose its packets' place in the machine's queue: the worker's answers go first.
	fmt.Fprintf(&b, "*mangle\n:%s - [0:0]\n-A %s -j TOS --set-tos 0\nCOMMIT\n*filter\n", chainMark, chainMark)
	for _, chain := range []string{chainOut, chainIn, chainMachine} {
		fmt.Fprintf(&b, ":%s - [0:0]\n", chain)
	}
	if kbs := mbps * 1000 * 1000 / 8 / 1024; kbs > 0 {
		const over = "-A %s ! %s %s -m hashlimit --hashlimit-name %s --hashlimit-above %dkb/s --hashlimit-burst %dkb -j DROP\n"
		fmt.Fprintf(&b, over, chainOut, "-o", bridges, strings.ToLower(chainOut), kbs, kbs+64)
		fmt.Fprintf(&b, over, chainIn, "-i", bridges, strings.ToLower(chainIn), kbs, kbs+64)
	}
	for _, chain := range []string{chainOut, chainIn, chainMachine} {
		fmt.Fprintf(&b, "-A %s -m conntrack --ctstate ESTABLISHED,RELATED -j RETURN\n", chain)
	}
	limit := strconv.Itoa(flows)
	b.WriteString("-A " + chainMachine + " -j DROP\n")
	b.WriteString("-A " + chainIn + " -m connlimit --connlimit-above " + limit + " --connlimit-mask 32 --connlimit-daddr -j DROP\n")
	// Between bridges is between leases; what stays on one bridge is between services of one lease.
	b.WriteString("-A " + chainOut + " -o " + bridges + " -m physdev ! --physdev-is-bridged -j DROP\n")
	b.WriteString("-A " + chainOut + " -o " + bridges + " -j RETURN\n")
	b.WriteString("-A " + chainOut + " -m connlimit --connlimit-above " + limit + " --connlimit-mask 32 --connlimit-saddr -j DROP\n")
	for _, resolver := range resolvers {
		for _, proto := range []string{"tcp", "udp"} {
			fmt.Fprintf(&b, "-A %s -d %s -p %s --dport 53 -j RETURN\n", chainOut, resolver, proto)
		}
	}
	for _, prefix := range private {
		fmt.Fprintf(&b, "-A %s -d %s -j DROP\n", chainOut, prefix)
	}
	b.WriteString("COMMIT\n")
	return b.String()
}

// resolvers are the machine's, of those that a workload can't reach otherwise.
func resolvers() []netip.Addr {
	var out []netip.Addr
	for _, file := range resolverFiles {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			f := strings.Fields(line)
			if len(f) < 2 || f[0] != "nameserver" {
				continue
			}
			if addr, err := netip.ParseAddr(f[1]); err == nil && addr.Is4() && !addr.IsLoopback() && !slices.Contains(out, addr) {
				out = append(out, addr)
			}
		}
	}
	slices.SortFunc(out, netip.Addr.Compare)
	return out
}

// guard writes the rules unless they stand; something else may have flushed them since.
func (e *egress) guard(ctx context.Context) error {
	if !e.active {
		return nil
	}
	for _, j := range jumps {
		if j.do(ctx, "-C") != nil {
			return e.write(ctx)
		}
	}
	return nil
}

func (e *egress) write(ctx context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	cmd := exec.CommandContext(ctx, "iptables-restore", "-w", "5", "--noflush")
	cmd.Stdin = strings.NewReader(script(resolvers(), e.flows, e.mbps))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("egress: iptables-restore: %w: %s", err, strings.TrimSpace(string(out)))
	}
	for _, j := range jumps {
		if j.do(ctx, "-C") == nil {
			continue
		}
		if err := j.do(ctx, "-I"); err != nil {
			return fmt.Errorf("egress: %w", err)
		}
	}
	return nil
}

// lockFile is held over making a bridge and writing the rules for it, and over looking for bridges and taking the rules away: the rules
// are the machine's, for all workers and engines on it.
const lockFile = "/run/ath-egress.lock"

// hold returns what lets go of the lock.
func (e *egress) hold() (func(), error) {
	if !e.active {
		return func() {}, nil
	}
	f, err := os.OpenFile(lockFile, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("egress: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		return nil, errors.Join(fmt.Errorf("egress: lock %s: %w", lockFile, err), f.Close())
	}
	return func() { _ = f.Close() }, nil // the lock goes with the file
}

// needed says whether a bridge of any worker stands, on whatever engine.
func needed() (bool, error) {
	all, err := net.Interfaces()
	if err != nil {
		return true, err
	}
	return slices.ContainsFunc(all, func(i net.Interface) bool { return strings.HasPrefix(i.Name, strings.TrimSuffix(bridges, "+")) }), nil
}

// release takes the rules away where no bridge needs them.
func (e *egress) release(ctx context.Context) error {
	if !e.active {
		return nil
	}
	free, err := e.hold()
	if err != nil {
		return err
	}
	defer free()
	if yes, err := needed(); yes || err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, j := range jumps {
		if j.do(ctx, "-C") == nil {
			if err := j.do(ctx, "-D"); err != nil {
				return fmt.Errorf("egress: %w", err)
			}
		}
		chain := j.match[len(j.match)-1]
		if iptables(ctx, "-t", j.table, "-n", "-L", chain) != nil {
			continue
		}
		for _, verb := range []string{"-F", "-X"} {
			if err := iptables(ctx, "-t", j.table, verb, chain); err != nil {
				return fmt.Errorf("egress: %w", err)
			}
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
