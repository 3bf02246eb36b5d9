// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/offchain/manifest"
	"github.com/athnet/ath/offchain/worker/runtime"
	"github.com/athnet/ath/offchain/worker/runtime/runtimetest"
)

func TestMain(m *testing.M) { runtimetest.Main(m) }

const patience = 20 * time.Second

func open(t testing.TB) *Runtime {
	t.Helper()
	r, err := New(t.Context(), Config{
		Host: runtimetest.Engine(t), Chain: "ath-test", Worker: strings.ReplaceAll(t.Name(), "/", "-"), PublishIP: "127.0.0.1",
		Log: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close()) })
	return r
}

// subject returns a runtime with the test image on its engine, and a Spec to change.
func subject(t testing.TB) (*Runtime, runtime.Spec) {
	t.Helper()
	r := open(t)
	image := runtimetest.SubjectImage(t, runtimetest.Registry(t))
	require.NoError(t, r.Pull(t.Context(), image, nil))
	t.Cleanup(func() { require.NoError(t, r.Remove(context.Background(), "ath1t/1")) })
	return r, runtime.Spec{
		Key: runtime.Key{Lease: "ath1t/1", Service: "one"}, ManifestHash: "aa", Image: image,
		CPUMilli: 500, MemoryMiB: 32, Pids: 32, Disk: runtime.Disk{LeaseMiB: 32, ServiceMiB: 32, Services: 1}, Restart: manifest.RestartNever,
	}
}

func run(t testing.TB, r *Runtime, s runtime.Spec) {
	t.Helper()
	require.NoError(t, r.Create(t.Context(), s))
	require.NoError(t, r.Start(t.Context(), s.Key))
}

func instance(t testing.TB, r *Runtime, key runtime.Key) runtime.Instance {
	t.Helper()
	all, err := r.List(t.Context())
	require.NoError(t, err)
	for _, i := range all {
		if i.Key == key {
			return i
		}
	}
	t.Fatalf("no instance %v", key)
	return runtime.Instance{}
}

func ended(t *testing.T, r *Runtime, key runtime.Key) runtime.Instance {
	t.Helper()
	require.Eventually(t, func() bool { return instance(t, r, key).Ended() }, patience, 50*time.Millisecond)
	return instance(t, r, key)
}

func TestContract(t *testing.T) {
	r := open(t)
	registry := runtimetest.Registry(t)
	runtimetest.Suite(t, runtimetest.Subject{
		Runtime: r, Image: runtimetest.SubjectImage(t, registry), Missing: registry + "/missing@sha256:" + strings.Repeat("0", 64), Real: true,
		Alone: func(t testing.TB, key runtime.Key) bool { return len(processes(t, r, key)) == 1 },
	})
}

func TestMemoryLimitEndsTheService(t *testing.T) {
	r, s := subject(t)
	s.Env = []string{"DO=eat"}
	run(t, r, s)
	i := ended(t, r, s.Key)
	require.Equal(t, 137, i.ExitCode)
	require.True(t, i.OOMKilled)
}

func TestPidsLimitHolds(t *testing.T) {
	r, s := subject(t)
	s.Env, s.MemoryMiB, s.CPUMilli = []string{"DO=fork"}, 256, 1000
	run(t, r, s)
	ended(t, r, s.Key)
	out := runtimetest.Output(t, r, s.Key, runtime.LogOptions{})
	require.Contains(t, out, "refused after ")
	var n int
	_, err := fmt.Sscanf(out[strings.Index(out, "refused"):], "refused after %d", &n)
	require.NoError(t, err)
	require.Less(t, n, 32)
}

func TestCPUQuotaHolds(t *testing.T) {
	r, s := subject(t)
	s.Env, s.CPUMilli = []string{"DO=spin"}, 250
	run(t, r, s)
	const window = 2 * time.Second
	before, err := r.Stats(t.Context(), s.Key)
	require.NoError(t, err)
	start := time.Now()
	time.Sleep(window) // the engine's accounting needs real time to pass
	after, err := r.Stats(t.Context(), s.Key)
	require.NoError(t, err)
	share := float64(after.CPU-before.CPU) / float64(time.Since(start))
	t.Logf("share of a core: %.3f", share)
	require.Positive(t, share)
	require.Less(t, share, 0.35, "two spinning threads within a quarter of a core")
}

func TestReadOnlyRoot(t *testing.T) {
	r, s := subject(t)
	s.Env, s.ReadOnly = []string{"DO=write"}, true
	run(t, r, s)
	ended(t, r, s.Key)
	require.Equal(t, "hello\nroot: false\ntmp: true\n", runtimetest.Output(t, r, s.Key, runtime.LogOptions{}))
}

func freePort(t testing.TB) uint16 {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return uint16(l.Addr().(*net.TCPAddr).Port)
}

func fetch(url string) string {
	resp, err := (&http.Client{Timeout: time.Second}).Get(url)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	return string(b)
}

func TestPublishedPortAndNeighbourByName(t *testing.T) {
	r, s := subject(t)
	port := freePort(t)
	s.Env, s.Ports = []string{"DO=serve"}, []runtime.Port{{Port: 8080, Host: port, Proto: "tcp"}}
	run(t, r, s)
	url := fmt.Sprintf("http://127.0.0.1:%d/", port)
	require.Eventually(t, func() bool { return fetch(url) == "served\n" }, patience, 20*time.Millisecond)
	require.Equal(t, s.Ports, instance(t, r, s.Key).Ports)

	second := s
	second.Service, second.Ports, second.Env = "two", nil, []string{"DO=dial", "ADDRESS=one:8080"}
	run(t, r, second)
	ended(t, r, second.Key)
	require.Contains(t, runtimetest.Output(t, r, second.Key, runtime.LogOptions{}), "reached: true")

	third := s
	third.Service = "three"
	require.NoError(t, r.Create(t.Context(), third))
	require.ErrorIs(t, r.Start(t.Context(), third.Key), runtime.ErrPortTaken)
}

func TestInstanceKnowsItsOwnName(t *testing.T) {
	r, s := subject(t)
	out := attempt(t, r, s, "DO=name")
	require.Contains(t, out, "name one <nil> 1 <nil>\n")
	require.Contains(t, out, "localhost [127.0.0.1] <nil>\n")
}

func TestMachineIsOutOfReach(t *testing.T) {
	r, s := subject(t)
	guarded(t, r, "egress")
	listener, err := net.Listen("tcp", "0.0.0.0:0")
	require.NoError(t, err)
	defer listener.Close()
	port := listener.Addr().(*net.TCPAddr).Port
	require.NoError(t, r.Create(t.Context(), s)) // makes the network
	gateway := gatewayOf(t, r, s.Lease)
	s.Service, s.Env = "two", []string{"DO=dial", fmt.Sprintf("ADDRESS=%s:%d", gateway, port)}
	run(t, r, s)
	ended(t, r, s.Key)
	require.Contains(t, runtimetest.Output(t, r, s.Key, runtime.LogOptions{}), "reached: false")
}

func gatewayOf(t *testing.T, r *Runtime, lease string) string {
	t.Helper()
	found, err := r.engine.NetworkInspect(t.Context(), "ath-"+r.slug(lease), client.NetworkInspectOptions{})
	require.NoError(t, err)
	return found.Network.IPAM.Config[0].Gateway.String()
}

func TestImageThatCannotRunIsItsTenantsFault(t *testing.T) {
	r, s := subject(t)
	s.Command = []string{"/absent"}
	require.NoError(t, r.Create(t.Context(), s))
	require.ErrorIs(t, r.Start(t.Context(), s.Key), runtime.ErrImage)
}

func TestIsolationIsAsked(t *testing.T) {
	r, s := subject(t)
	require.NoError(t, r.Create(t.Context(), s))
	c, err := r.find(t.Context(), s.Key)
	require.NoError(t, err)
	h := c.HostConfig
	require.False(t, h.Privileged)
	require.Equal(t, []string{"ALL"}, h.CapDrop)
	require.NotContains(t, h.CapAdd, "CAP_NET_RAW")
	require.NotContains(t, h.CapAdd, "CAP_SYS_ADMIN")
	require.Equal(t, []string{"no-new-privileges:true"}, h.SecurityOpt, "and the engine's own seccomp profile")
	require.Equal(t, int64(32<<20), h.Memory)
	require.Equal(t, int64(32), *h.PidsLimit)
	require.Equal(t, int64(500_000_000), h.NanoCPUs)
	require.Equal(t, "1365k", h.LogConfig.Config["max-size"], "an eighth of its storage in three files")
	require.False(t, h.NetworkMode.IsHost())
	require.Empty(t, h.Binds)
}

func TestNoEngine(t *testing.T) {
	_, err := New(t.Context(), Config{Host: "unix:///nowhere.sock", Log: slog.New(slog.DiscardHandler)})
	require.ErrorIs(t, err, runtime.ErrUnavailable)
	require.ErrorContains(t, err, "is dockerd running")
}

func TestPullErrorsAreToldApart(t *testing.T) {
	r := &Runtime{}
	require.ErrorIs(t, r.failPull("x", errors.New("manifest unknown: manifest unknown")), runtime.ErrImage)
	require.ErrorIs(t, r.failPull("x", errors.New("no basic auth credentials")), runtime.ErrImage)
	require.NotErrorIs(t, r.failPull("x", errors.New("dial tcp: i/o timeout")), runtime.ErrImage)
}

// BenchmarkToRunning is the time from Create to the first answer of a service whose image is present.
func BenchmarkToRunning(b *testing.B) {
	r, s := subject(b)
	port := freePort(b)
	s.Env, s.Ports = []string{"DO=serve"}, []runtime.Port{{Port: 8080, Host: port, Proto: "tcp"}}
	url := fmt.Sprintf("http://127.0.0.1:%d/", port)
	var created, started, answered time.Duration
	for b.Loop() {
		begin := time.Now()
		require.NoError(b, r.Create(b.Context(), s))
		created += time.Since(begin)
		require.NoError(b, r.Start(b.Context(), s.Key))
		started += time.Since(begin)
		for fetch(url) != "served\n" {
			time.Sleep(time.Millisecond)
		}
		answered += time.Since(begin)
		b.StopTimer()
		require.NoError(b, r.Remove(b.Context(), s.Lease))
		b.StartTimer()
	}
	for name, d := range map[string]time.Duration{"created-ms": created, "started-ms": started, "answered-ms": answered} {
		b.ReportMetric(float64(d.Microseconds())/1000/float64(b.N), name)
	}
}
