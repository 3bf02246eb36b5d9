// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	checktypes "github.com/athnet/ath/x/checks/types"

	"github.com/athnet/ath/offchain/access"
	"github.com/athnet/ath/offchain/daemon/clock"
	"github.com/athnet/ath/offchain/manifest"
	"github.com/athnet/ath/offchain/worker/machine"
	"github.com/athnet/ath/offchain/worker/runtime"
	"github.com/athnet/ath/offchain/worker/runtime/docker"
	"github.com/athnet/ath/offchain/worker/runtime/runtimetest"
)

// gatewayMain is a worker's gateway alone, in a process of its own as on a provider's machine. It prints its address.
func gatewayMain() {
	fail := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	if os.Getenv("ATH_PREFER") != "" {
		fail(machine.Prefer())
	}
	r := newRig(gatewayTB{})
	w, err := r.process(r.chain, r.runtime, r.store, func(d *Deps) { d.Clock = clock.Real })
	fail(err)
	w.takeBlock(r.chain.block())
	config, err := access.ServerTLS(testKey)
	fail(err)
	l, err := machine.ListenFirst(context.Background(), "0.0.0.0:0")
	fail(err)
	fmt.Println(l.Addr().(*net.TCPAddr).Port)
	fail(http.Serve(tls.NewListener(l, config), w.Gateway()))
}

// gatewayTB lets a process that is no test make a rig.
type gatewayTB struct{ testing.TB }

func (gatewayTB) Helper()                           {}
func (gatewayTB) TempDir() string                   { return os.TempDir() }
func (gatewayTB) Errorf(format string, args ...any) { fmt.Fprintf(os.Stderr, format, args...) }
func (gatewayTB) FailNow()                          { os.Exit(1) }

// TestProbeIsAnsweredInAStorm asks a worker as a Checker does while a workload takes all that it can get of processors, memory, disk,
// processes, connections and log. Every answer comes far within a Checker's time, which is 5 s.
func TestProbeIsAnsweredInAStorm(t *testing.T) {
	host := runtimetest.Engine(t)
	gateway := exec.Command(os.Args[0])
	gateway.Env = append(os.Environ(), "ATH_GATEWAY_CHILD=1")
	if os.Geteuid() == 0 {
		gateway.Env = append(gateway.Env, "ATH_PREFER=1")
	}
	gateway.Stderr = os.Stderr
	out, err := gateway.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, gateway.Start())
	t.Cleanup(func() {
		_ = gateway.Process.Kill()
		_ = gateway.Wait() // says that it was killed
	})
	var port int
	_, err = fmt.Fscan(out, &port)
	require.NoError(t, err)

	image := runtimetest.SubjectImage(t, runtimetest.Registry(t))
	rt, err := docker.New(t.Context(), docker.Config{Host: host, Chain: testChainID, Worker: "storm", PublishIP: "127.0.0.1", Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	s := runtime.Spec{
		Key: runtime.Key{Lease: "ath1storm/1", Service: "storm"}, ManifestHash: "aa", Image: image, Restart: manifest.RestartAlways,
		// All that two processors have: more than a Container promises, which keeps half of one back.
		Env:      []string{"DO=storm", fmt.Sprintf("ADDRESS=%s:%d,198.51.100.2:80", machineAddress(t), port)},
		CPUMilli: 2000, MemoryMiB: 256, Pids: 128, Disk: runtime.Disk{LeaseMiB: 128, ServiceMiB: 128, Services: 1},
	}
	t.Cleanup(func() {
		require.NoError(t, rt.Remove(context.Background(), s.Lease))
		require.NoError(t, rt.Close())
	})
	require.NoError(t, rt.Pull(t.Context(), image, nil))
	require.NoError(t, rt.Create(t.Context(), s))
	require.NoError(t, rt.Start(t.Context(), s.Key))

	url := fmt.Sprintf("https://127.0.0.1:%d/v1/containers/7/probe?nonce=%s", port, strings.Repeat("ab", 32))
	var took []time.Duration
	var last runtime.Stats
	most, at := 0.0, time.Now()
	pace := time.NewTicker(200 * time.Millisecond) // a probe's own limit is five a second
	defer pace.Stop()
	for n := range 50 {
		took = append(took, ask(t, url))
		<-pace.C
		if n%10 != 0 {
			continue
		}
		if now, err := rt.Stats(t.Context(), s.Key); err == nil { // there are none while it is started anew
			most = max(most, float64(now.CPU-last.CPU)/float64(time.Since(at)))
			last, at = now, time.Now()
		}
	}
	slices.Sort(took)
	t.Logf("answers: median %s, slowest %s; the storm had %.2f processors", took[len(took)/2], took[len(took)-1], most)
	require.Greater(t, most, 0.5, "it is a storm")
	require.Less(t, took[len(took)-1], time.Second)

	if os.Geteuid() == 0 {
		priority, err := unix.Getpriority(unix.PRIO_PROCESS, gateway.Process.Pid)
		require.NoError(t, err)
		require.Equal(t, 30, priority, "the worker comes first: the kernel counts from 20, higher is more")
	}
	engine, err := client.New(client.WithHost(host))
	require.NoError(t, err)
	defer engine.Close()
	found, err := engine.ContainerList(t.Context(), client.ContainerListOptions{Filters: client.Filters{}.Add("label", "ath.lease="+s.Lease)})
	require.NoError(t, err)
	require.Len(t, found.Items, 1)
	c, err := engine.ContainerInspect(t.Context(), found.Items[0].ID, client.ContainerInspectOptions{})
	require.NoError(t, err)
	require.Positive(t, c.Container.HostConfig.CPUShares, "0 would be an ordinary program's")
	require.Less(t, c.Container.HostConfig.CPUShares, int64(1024)/8, "workloads come last where processors are short")
}

// ask asks on a new connection, and says how long it took.
func ask(t *testing.T, url string) time.Duration {
	t.Helper()
	begin := time.Now()
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true} // the worker's key is not the point
	resp, err := (&http.Client{Transport: transport, Timeout: 5 * time.Second}).Get(url)
	require.NoError(t, err, "a probe missed its answer")
	defer resp.Body.Close()
	require.Equal(t, http.StatusOK, resp.StatusCode)
	var reply checktypes.ProbeReply
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&reply))
	return time.Since(begin)
}

// machineAddress is one of this machine that is not loopback.
func machineAddress(t *testing.T) string {
	t.Helper()
	conn, err := net.Dial("udp", "198.51.100.2:9") // sends nothing
	if err != nil {
		return "127.0.0.1"
	}
	defer conn.Close()
	return conn.LocalAddr().(*net.UDPAddr).IP.String()
}
