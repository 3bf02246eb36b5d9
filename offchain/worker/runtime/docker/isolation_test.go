// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/athnet/ath/offchain/manifest"
	"github.com/athnet/ath/offchain/worker/runtime"
	"github.com/athnet/ath/offchain/worker/runtime/runtimetest"
)

// Every test here is an attempt to get out with a real container on a real engine; docs/isolation.md says which rule each is for.

// guarded ends a test on a machine that can't enforce a rule. As root, every rule must be.
func guarded(t *testing.T, r *Runtime, name string) {
	t.Helper()
	for _, g := range r.Guards() {
		if g.Name != name || g.Err == nil {
			continue
		}
		if os.Geteuid() == 0 {
			t.Fatalf("%s: %v", name, g.Err)
		}
		t.Skipf("%s: %v", name, g.Err)
	}
}

func TestEveryRuleInTheDocumentHasItsTest(t *testing.T) {
	text, err := os.ReadFile("../../../../docs/isolation.md")
	require.NoError(t, err)
	named := regexp.MustCompile("`(Test\\w+)`").FindAllStringSubmatch(string(text), -1)
	require.Greater(t, len(named), 20)
	var code strings.Builder
	for _, pattern := range []string{"*_test.go", "../../*_test.go", "../../ingress/*_test.go"} {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		for _, f := range files {
			b, err := os.ReadFile(f)
			require.NoError(t, err)
			code.Write(b)
		}
	}
	for _, m := range named {
		require.True(t, strings.Contains(code.String(), "\nfunc "+m[1]+"(t *testing.T)"), "%s is named and not there", m[1])
	}
}

// attempt runs the test image with an environment and returns what it printed.
func attempt(t *testing.T, r *Runtime, s runtime.Spec, env ...string) string {
	t.Helper()
	s.Env = env
	run(t, r, s)
	ended(t, r, s.Key)
	return runtimetest.Output(t, r, s.Key, runtime.LogOptions{})
}

func TestNoWayOutOfAContainer(t *testing.T) {
	r, s := subject(t)
	guarded(t, r, "seccomp")
	out := attempt(t, r, s, "DO=escape")
	require.Contains(t, out, "mount=refused")
	require.NotContains(t, out, "=worked")

	for _, space := range []string{"pid", "ipc", "net", "uts", "mnt", "cgroup"} {
		host, err := os.Readlink("/proc/self/ns/" + space)
		require.NoError(t, err)
		require.NotEmpty(t, host)
		require.Contains(t, out, "ns "+space+":[")
		require.NotContains(t, out, "ns "+host, "the machine's own namespace")
	}
	// chown, dac_override, fowner, fsetid, kill, setgid, setuid, setpcap, net_bind_service and setfcap: nothing else, ever.
	require.Contains(t, out, "CapEff: 00000000800005fb\n")
	require.Contains(t, out, "CapBnd: 00000000800005fb\n")
	require.Contains(t, out, "Seccomp: 2\n", "a filter")
	require.Contains(t, out, "NoNewPrivs: 1\n")

	devices := regexp.MustCompile(`(?m)^dev (.*)$`).FindAllStringSubmatch(out, -1)
	require.NotEmpty(t, devices)
	for _, d := range devices {
		require.Contains(t, []string{"full", "null", "random", "tty", "urandom", "zero", "ptmx", "console"}, d[1], "a device of the machine")
	}
	mounts := regexp.MustCompile(`(?m)^mount (\S+) (\S+)$`).FindAllStringSubmatch(out, -1)
	require.NotEmpty(t, mounts)
	for _, m := range mounts {
		if !strings.HasPrefix(m[1], "/proc") && !strings.HasPrefix(m[1], "/sys") && !strings.HasPrefix(m[1], "/dev") {
			require.Contains(t, []string{"/", "/.ath", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf"}, m[1], "a mount of the machine")
		}
	}
}

func TestSetuidGainsNothing(t *testing.T) {
	r, s := subject(t)
	out := attempt(t, r, s, "DO=setuid")
	require.Contains(t, out, "ran: <nil>")
	require.Contains(t, out, "uid 1000\n")
}

func TestNoCoreDumps(t *testing.T) {
	r, s := subject(t)
	out := attempt(t, r, s, "DO=dump")
	require.Contains(t, out, "limit: <nil> 1 1\n", "with 0 a collector of the machine's is still started")
	require.Contains(t, out, "dumped: false\n")
	require.Contains(t, out, "cores: 0\n")
}

func TestWorkloadEndsBeforeTheMachine(t *testing.T) {
	r, s := subject(t)
	s.Env = []string{"DO=serve"}
	run(t, r, s)
	c, err := r.find(t.Context(), s.Key)
	require.NoError(t, err)
	score, err := os.ReadFile(fmt.Sprintf("/proc/%d/oom_score_adj", c.State.Pid))
	require.NoError(t, err)
	require.Equal(t, strconv.Itoa(oomScore), strings.TrimSpace(string(score)))
}

// freeMiB is what is free where the engine keeps its data.
func freeMiB(t *testing.T, r *Runtime) int64 {
	t.Helper()
	var s unix.Statfs_t
	require.NoError(t, unix.Statfs(r.info.DockerRootDir, &s))
	return int64(s.Bavail) * s.Bsize >> 20
}

// allocated is how much of the machine's disk a file takes, in bytes.
func allocated(t *testing.T, path string) int64 {
	t.Helper()
	var s unix.Stat_t
	require.NoError(t, unix.Stat(path, &s))
	return s.Blocks * 512
}

func TestDiskFillEndsInside(t *testing.T) {
	r, s := subject(t)
	guarded(t, r, "disk")
	s.Image = runtimetest.SubjectImage(t, runtimetest.Registry(t), "/data")
	require.NoError(t, r.Pull(t.Context(), s.Image, nil))
	s.Disk = runtime.Disk{LeaseMiB: 64, ServiceMiB: 64, Services: 1}
	s.Env = []string{"DO=fill", "FILES=/fill,/tmp/fill,/data/fill,/var/x,/.ath,/etc/hosts,/etc/hostname,/etc/resolv.conf"}
	require.NoError(t, r.Create(t.Context(), s))
	image := filepath.Join(r.disks.dir, r.slug(s.Lease), "disk.img")
	require.GreaterOrEqual(t, allocated(t, image), int64(56<<20), "all its storage is reserved before it runs")
	require.NoError(t, r.Start(t.Context(), s.Key))
	require.Eventually(t, func() bool {
		return strings.Contains(runtimetest.Output(t, r, s.Key, runtime.LogOptions{}), "/etc/resolv.conf: ")
	}, patience, 100*time.Millisecond)
	out := runtimetest.Output(t, r, s.Key, runtime.LogOptions{})
	var written int
	for _, path := range []string{"/fill", "/tmp/fill", "/data/fill", "/.ath", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf"} {
		m := regexp.MustCompile(`(?m)^` + path + `: (\d+) MiB, full: true`).FindStringSubmatch(out)
		require.Len(t, m, 2, "%s must be full:\n%s", path, out)
		n, err := strconv.Atoi(m[1])
		require.NoError(t, err)
		written += n
	}
	require.Greater(t, written, 40, "the rest is the file system's own and the log's")
	require.LessOrEqual(t, written, 64)
	require.LessOrEqual(t, allocated(t, image), int64(64<<20), "it never takes more of the machine's")

	// A second service of the lease shares the same storage, which is full: its tenant's fault, not the provider's.
	second := s
	second.Service = "two"
	err := r.Create(t.Context(), second)
	if err == nil { // small files find room where a large one does not
		err = r.Start(t.Context(), second.Key)
	}
	require.ErrorIs(t, err, runtime.ErrImage)
}

func TestDiskOutlivesARestartAndNothingElse(t *testing.T) {
	r, s := subject(t)
	guarded(t, r, "disk")
	s.Env = []string{"DO=fill", "FILES=/fill"}
	run(t, r, s)
	full := func() int {
		return strings.Count(runtimetest.Output(t, r, s.Key, runtime.LogOptions{}), "full: true")
	}
	require.Eventually(t, func() bool { return full() == 1 }, patience, 50*time.Millisecond)
	dir := filepath.Join(r.disks.dir, r.slug(s.Lease))
	require.NoError(t, r.Stop(t.Context(), s.Lease, 0))

	// A reboot takes the mounts, an engine that ends may take those of layers. The engine alone can't start the instance then: it would
	// be without its limit.
	c, err := r.find(t.Context(), s.Key)
	require.NoError(t, err)
	points, err := sharing(filepath.Join(dir, "tree"))
	require.NoError(t, err)
	require.Len(t, points, 2)
	require.Equal(t, []string{filepath.Dir(c.GraphDriver.Data["UpperDir"]), filepath.Join(dir, "tree")}, []string{points[0].at, points[1].at})
	for _, p := range points {
		require.NoError(t, unix.Unmount(p.at, 0))
		_, err = r.engine.ContainerStart(t.Context(), c.ID, client.ContainerStartOptions{})
		require.ErrorContains(t, err, "does not exist")
		require.NoError(t, r.Create(t.Context(), s), "what exists is left as it is")
	}

	require.NoError(t, r.Start(t.Context(), s.Key))
	require.Eventually(t, func() bool { return full() == 2 }, patience, 50*time.Millisecond, "what it wrote is there again")

	require.NoError(t, r.Remove(t.Context(), s.Lease))
	require.NoDirExists(t, dir)
	require.Empty(t, runtimetest.Loops(t, r.info.DockerRootDir))
}

// An engine starts what it restarts by itself with fewer questions than what it is told to start.
func TestEngineRestartsNothingWithoutItsDisk(t *testing.T) {
	r, s := subject(t)
	guarded(t, r, "disk")
	s.Env, s.Restart = []string{"DO=fill", "FILES=/fill"}, manifest.RestartAlways
	run(t, r, s)
	output := func() string { return runtimetest.Output(t, r, s.Key, runtime.LogOptions{}) }
	require.Eventually(t, func() bool { return strings.Contains(output(), "full: true") }, patience, 50*time.Millisecond)
	c, err := r.find(t.Context(), s.Key)
	require.NoError(t, err)
	require.NoError(t, unix.Unmount(filepath.Dir(c.GraphDriver.Data["UpperDir"]), unix.MNT_DETACH))
	require.NoError(t, unix.Kill(c.State.Pid, unix.SIGKILL))
	require.Eventually(t, func() bool { return instance(t, r, s.Key).State == runtime.StateExited }, patience, 50*time.Millisecond, "it does not come back")
	require.Equal(t, 1, strings.Count(output(), " MiB, "), output())
}

func TestDiskOutlivesAKilledEngine(t *testing.T) {
	r, s := subject(t)
	guarded(t, r, "disk")
	s.Env = []string{"DO=fill", "FILES=/fill"}
	full := func() int {
		return strings.Count(runtimetest.Output(t, r, s.Key, runtime.LogOptions{}), "full: true")
	}
	run(t, r, s)
	require.Eventually(t, func() bool { return full() == 1 }, patience, 50*time.Millisecond)
	before := instance(t, r, s.Key)
	runtimetest.KillEngine(t)
	after := instance(t, r, s.Key)
	require.Equal(t, before.StartedAt, after.StartedAt, "it never noticed")
	require.Equal(t, runtime.StateRunning, after.State)
	require.NoError(t, r.Stop(t.Context(), s.Lease, 0))
	require.NoError(t, r.Start(t.Context(), s.Key))
	require.Eventually(t, func() bool { return full() == 2 }, patience, 50*time.Millisecond, "on the same disk, which is full")
	require.NoError(t, r.Remove(t.Context(), s.Lease))
	require.Empty(t, runtimetest.Loops(t, r.info.DockerRootDir))
}

// TestKilledWithADiskInHand leaves a disk as a worker that is killed after each step of making one, and goes on.
func TestKilledWithADiskInHand(t *testing.T) {
	r, s := subject(t)
	guarded(t, r, "disk")
	dir := filepath.Join(r.disks.dir, r.slug(s.Lease))
	image, tree := filepath.Join(dir, "disk.img"), filepath.Join(dir, "tree")
	steps := map[string]func() error{
		"directory": func() error { return os.MkdirAll(dir, 0o700) },
		"reserved":  func() error { return os.WriteFile(image+".new", make([]byte, 1<<20), 0o600) },
		"formatted": func() error { return format(context.Background(), image, 16) },
		"mounted": func() error {
			_, err := r.disks.make(context.Background(), r.slug(s.Lease), 16)
			return err
		},
	}
	for _, name := range []string{"directory", "reserved", "formatted", "mounted"} {
		t.Run(name+", then removed", func(t *testing.T) {
			require.NoError(t, os.MkdirAll(tree, 0o700))
			require.NoError(t, steps[name]())
			require.NoError(t, r.Remove(t.Context(), s.Lease))
			require.NoDirExists(t, dir)
			require.Empty(t, runtimetest.Loops(t, dir))
		})
		t.Run(name+", then used", func(t *testing.T) {
			require.NoError(t, os.MkdirAll(tree, 0o700))
			require.NoError(t, steps[name]())
			require.Contains(t, attempt(t, r, s, "EXIT=0"), "hello")
			require.NoError(t, r.Remove(t.Context(), s.Lease))
			require.Empty(t, runtimetest.Loops(t, dir))
		})
	}
	t.Run("layer half taken", func(t *testing.T) {
		require.NoError(t, r.Create(t.Context(), s))
		c, err := r.find(t.Context(), s.Key)
		require.NoError(t, err)
		layer := filepath.Dir(c.GraphDriver.Data["UpperDir"])
		own := filepath.Join(tree, "root", s.Service+"."+filepath.Base(layer))
		require.NoError(t, os.MkdirAll(own+".new/diff", 0o700)) // a copy that did not end
		require.NoError(t, r.Start(t.Context(), s.Key))
		require.NoError(t, r.Remove(t.Context(), s.Lease))
		require.Empty(t, runtimetest.Loops(t, dir))
	})
}

func TestLogFloodIsBounded(t *testing.T) {
	r, s := subject(t)
	s.Disk = runtime.Disk{LeaseMiB: 32, ServiceMiB: 32, Services: 1}
	s.Env = []string{"DO=flood", "COUNT=40000"} // 40 MB
	run(t, r, s)
	ended(t, r, s.Key)
	c, err := r.find(t.Context(), s.Key)
	require.NoError(t, err)
	var size int64
	require.NoError(t, filepath.WalkDir(filepath.Dir(c.LogPath), func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		size += info.Size()
		return err
	}))
	require.Greater(t, size, int64(1<<20))
	require.Less(t, size, int64(32<<20/8)+1<<19, "an eighth of its storage")
}

// neighbour is a machine beside this one, on networks that a workload must not reach and on one that it may.
// It returns a function that lets that machine do something.
func neighbour(t *testing.T) func(env ...string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("network namespaces need root")
	}
	name := "ath-test-peer"
	ip := func(args ...string) {
		out, err := exec.Command("ip", args...).CombinedOutput()
		require.NoError(t, err, "ip %v: %s", args, out)
	}
	_ = exec.Command("ip", "netns", "del", name).Run() // of a run that was killed
	ip("netns", "add", name)
	t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", name).Run() })
	ip("link", "add", "peer-ath0", "type", "veth", "peer", "name", "eth0", "netns", name)
	ip("addr", "add", "198.51.100.1/24", "dev", "peer-ath0")
	ip("link", "set", "peer-ath0", "up")
	ip("-n", name, "addr", "add", publicPeer+"/24", "dev", "eth0")
	ip("-n", name, "link", "set", "eth0", "up")
	ip("-n", name, "link", "set", "lo", "up")
	ip("-n", name, "route", "add", "default", "via", "198.51.100.1")
	for _, address := range privatePeers {
		ip("-n", name, "addr", "add", address+"/32", "dev", "lo")
		ip("route", "add", address+"/32", "via", publicPeer)
	}
	program := filepath.Join(t.TempDir(), "subject")
	runtimetest.SubjectProgram(t, program)
	for _, port := range []string{"8080", "53"} {
		serve := exec.Command("ip", "netns", "exec", name, program)
		serve.Env = []string{"DO=serve", "PORT=" + port}
		require.NoError(t, serve.Start())
		t.Cleanup(func() {
			_ = serve.Process.Kill()
			_ = serve.Wait() // says that it was killed
		})
	}
	require.Eventually(t, func() bool {
		conn, err := net.DialTimeout("tcp", privatePeers[0]+":8080", time.Second)
		return err == nil && conn.Close() == nil
	}, patience, 20*time.Millisecond, "the machine itself reaches it")
	return func(env ...string) {
		c := exec.Command("ip", "netns", "exec", name, program)
		c.Env = env
		out, err := c.CombinedOutput()
		require.NoError(t, err, string(out))
	}
}

const publicPeer = "198.51.100.2" // of a range for documentation, which nobody routes

var privatePeers = []string{"10.99.99.99", "172.31.99.99", "192.168.199.99", "100.99.99.99", "169.254.169.254", "198.18.99.99"}

func addresses(hosts ...string) string { return "ADDRESS=" + strings.Join(hosts, ":8080,") + ":8080" }

func TestPrivateNetworksAreOutOfReach(t *testing.T) {
	r, s := subject(t)
	guarded(t, r, "egress")
	neighbour(t)
	out := attempt(t, r, s, "DO=reach", addresses(append(privatePeers, publicPeer)...))
	require.Contains(t, out, publicPeer+":8080 reached: true", "the way there is open")
	for _, address := range privatePeers {
		require.Contains(t, out, address+":8080 reached: false")
	}
}

func TestMetadataServiceIsOutOfReach(t *testing.T) {
	r, s := subject(t)
	guarded(t, r, "egress")
	neighbour(t)
	out := attempt(t, r, s, "DO=reach", addresses("169.254.169.254"))
	require.Contains(t, out, "169.254.169.254:8080 reached: false")
}

func TestReboundNameReachesNothing(t *testing.T) {
	r, s := subject(t)
	guarded(t, r, "egress")
	neighbour(t)
	out := attempt(t, r, s, "DO=rebind", "HOSTS="+privatePeers[0]+" rebound.test\n"+publicPeer+" honest.test", addresses("rebound.test", "honest.test"))
	require.Contains(t, out, "honest.test:8080 reached: true")
	require.Contains(t, out, "rebound.test:8080 reached: false")
}

func TestNamesAreAskedOfTheMachinesResolversAlone(t *testing.T) {
	r, s := subject(t)
	guarded(t, r, "egress")
	neighbour(t)
	files := resolverFiles
	t.Cleanup(func() {
		resolverFiles = files
		require.NoError(t, r.egress.write(context.Background()))
	})
	resolverFiles = []string{filepath.Join(t.TempDir(), "resolv.conf")}
	require.NoError(t, os.WriteFile(resolverFiles[0], []byte("search x\nnameserver "+privatePeers[1]+"\nnameserver ::1\n"), 0o600))
	require.NoError(t, r.egress.write(t.Context()))
	out := attempt(t, r, s, "DO=reach", "ADDRESS="+privatePeers[0]+":53,"+privatePeers[1]+":53,"+privatePeers[1]+":8080,169.254.169.254:53")
	require.Contains(t, out, privatePeers[1]+":53 reached: true", "its resolver")
	require.Contains(t, out, privatePeers[1]+":8080 reached: false", "but nothing else there")
	require.Contains(t, out, privatePeers[0]+":53 reached: false")
	require.Contains(t, out, "169.254.169.254:53 reached: false")
}

func TestOtherLeasesAreOutOfReach(t *testing.T) {
	r, s := subject(t)
	guarded(t, r, "egress")
	t.Cleanup(func() { require.NoError(t, r.Remove(context.Background(), "ath1other/1")) })
	other := s
	other.Lease, other.Env = "ath1other/1", []string{"DO=serve"}
	run(t, r, other)
	same := s
	same.Service, same.Env = "same", []string{"DO=serve"}
	run(t, r, same)
	c, err := r.find(t.Context(), other.Key)
	require.NoError(t, err)
	address := c.NetworkSettings.Networks[r.networkOf(other.Lease)].IPAddress.String()
	out := attempt(t, r, s, "DO=reach", "ADDRESS=same:8080,"+address+":8080,"+r.name(other.Key)+":8080")
	require.Contains(t, out, "same:8080 reached: true")
	require.Contains(t, out, address+":8080 reached: false")
	require.Contains(t, out, r.name(other.Key)+":8080 reached: false", "nor has it a name here")
	// The engine's own isolation of networks is a second wall; ours must hold alone.
	require.Contains(t, script(nil, 1, 0), "-o ath+ -m physdev ! --physdev-is-bridged -j DROP")
}

func TestBandwidthLeavesRoomForTheWorker(t *testing.T) {
	r, s := subject(t)
	guarded(t, r, "egress")
	neighbour(t)
	const mbps = 16
	r.egress.mbps = mbps
	require.NoError(t, r.egress.write(t.Context()))
	t.Cleanup(func() {
		r.egress.mbps = 0
		require.NoError(t, r.egress.write(context.Background()))
	})
	out := attempt(t, r, s, "DO=bandwidth", "ADDRESS="+publicPeer+":8080")
	for _, way := range []string{"sent", "received"} {
		m := regexp.MustCompile(way + ` (\d+) kbit/s`).FindStringSubmatch(out)
		require.Len(t, m, 2, out)
		kbits, err := strconv.Atoi(m[1])
		require.NoError(t, err)
		t.Logf("%s: %d kbit/s of %d Mbit/s", way, kbits, mbps)
		require.Greater(t, kbits, mbps*1000/10, "it is of use")
		require.Less(t, kbits, mbps*1000*2, "what it did not use for two seconds comes at once")
	}
}

func TestRulesStayWhileAnyBridgeDoes(t *testing.T) {
	r, s := subject(t)
	guarded(t, r, "egress")
	run(t, r, s)
	other, err := New(t.Context(), Config{Host: runtimetest.Engine(t), Chain: "ath-other", Worker: t.Name(), Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	stand := func() {
		for _, j := range jumps {
			require.NoError(t, j.do(t.Context(), "-C"))
		}
	}
	require.NoError(t, other.Close(), "as ath-worker check does")
	stand()
	require.NoError(t, iptables(t.Context(), "-F", "INPUT"))
	require.NoError(t, r.Start(t.Context(), s.Key))
	stand()
}

func TestFlowsAreBounded(t *testing.T) {
	r, s := subject(t)
	guarded(t, r, "egress")
	neighbour(t)
	r.egress.flows = 100
	require.NoError(t, r.egress.write(t.Context()))
	t.Cleanup(func() {
		r.egress.flows = maxFlows
		require.NoError(t, r.egress.write(context.Background()))
	})
	before := flowsTo(t, publicPeer)
	attempt(t, r, s, "DO=flows", "ADDRESS="+publicPeer, "COUNT=1000")
	after := flowsTo(t, publicPeer)
	require.Greater(t, after-before, 90)
	require.LessOrEqual(t, after-before, 100)
}

func TestFlowsFromOutsideAreBounded(t *testing.T) {
	r, s := subject(t)
	guarded(t, r, "egress")
	outside := neighbour(t)
	r.egress.flows, r.config.PublishIP = 100, "198.51.100.1"
	require.NoError(t, r.egress.write(t.Context()))
	t.Cleanup(func() {
		r.egress.flows = maxFlows
		require.NoError(t, r.egress.write(context.Background()))
	})
	port := freePort(t)
	s.Ports, s.Env = []runtime.Port{{Port: 9, Host: port, Proto: "udp"}}, []string{"DO=serve"}
	run(t, r, s)
	outside("DO=flows", "ADDRESS=198.51.100.1", fmt.Sprintf("PORT=%d", port), "COUNT=1000")
	n := flowsTo(t, "198.51.100.1")
	require.Greater(t, n, 90)
	require.LessOrEqual(t, n, 110)
}

// flowsTo counts UDP flows to an address in the kernel's table.
func flowsTo(t *testing.T, address string) int {
	t.Helper()
	table, err := os.ReadFile("/proc/net/nf_conntrack")
	if err != nil {
		t.Skipf("the table of connections can't be read here: %v", err)
	}
	n := 0
	for line := range strings.Lines(string(table)) {
		if strings.Contains(line, "udp") && strings.Contains(line, "dst="+address+" ") {
			n++
		}
	}
	return n
}
