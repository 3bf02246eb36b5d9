// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	sdk "github.com/cosmos/cosmos-sdk/types"

	leasetypes "github.com/athnet/ath/x/leases/types"
	providertypes "github.com/athnet/ath/x/providers/types"

	"github.com/athnet/ath/offchain/daemon"
	"github.com/athnet/ath/offchain/daemon/clock"
	"github.com/athnet/ath/offchain/manifest"
	"github.com/athnet/ath/offchain/store"
	"github.com/athnet/ath/offchain/worker/runtime"
	"github.com/athnet/ath/offchain/worker/runtime/docker"
	"github.com/athnet/ath/offchain/worker/runtime/runtimetest"
)

// answerOf is what the test's chain tells a worker in another process.
type answerOf struct {
	Network Network
	View    providertypes.ContainerView
	Lease   *leasetypes.Lease
	Receipt *leasetypes.Receipt
	Block   Block
	Err     string
}

// remoteChain is the test's chain as a worker in another process sees it.
type remoteChain struct{ url string }

func (c remoteChain) ask(ctx context.Context, path string, body []byte) (answerOf, error) {
	var out answerOf
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+path, bytes.NewReader(body))
	if err != nil {
		return out, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return out, err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		return out, err
	}
	switch {
	case out.Err == ErrNoLease.Error():
		return out, ErrNoLease
	case strings.Contains(out.Err, "refused"):
		return out, refused("%s", out.Err)
	case out.Err != "":
		return out, errors.New(out.Err)
	}
	return out, nil
}

func (c remoteChain) Network(ctx context.Context) (Network, error) {
	a, err := c.ask(ctx, "/network", nil)
	return a.Network, err
}

func (c remoteChain) Container(ctx context.Context, _ uint64) (providertypes.ContainerView, error) {
	a, err := c.ask(ctx, "/container", nil)
	return a.View, err
}

func (c remoteChain) Lease(ctx context.Context, id string) (*leasetypes.Lease, *leasetypes.Receipt, error) {
	a, err := c.ask(ctx, "/lease", []byte(id))
	return a.Lease, a.Receipt, err
}

func (remoteChain) Delisted(context.Context, uint64) (bool, error) { return false, nil }

func (c remoteChain) Follow(ctx context.Context, fn func(Block)) error {
	for ctx.Err() == nil {
		if a, err := c.ask(ctx, "/block", nil); err == nil {
			fn(a.Block)
		}
		time.Sleep(50 * time.Millisecond)
	}
	return ctx.Err()
}

func (c remoteChain) Send(ctx context.Context, msgs ...sdk.Msg) error {
	for _, msg := range msgs {
		body, err := json.Marshal(msg)
		if err != nil {
			return err
		}
		if _, err := c.ask(ctx, "/send"+sdk.MsgTypeURL(msg), body); err != nil {
			return err
		}
	}
	return nil
}

// serveChain lets another process reach a fakeChain.
func serveChain(t *testing.T, f *fakeChain) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		var a answerOf
		ctx := req.Context()
		switch req.URL.Path {
		case "/network":
			a.Network, err = f.Network(ctx)
		case "/container":
			a.View, err = f.Container(ctx, 7)
		case "/lease":
			a.Lease, a.Receipt, err = f.Lease(ctx, string(body))
		case "/block":
			a.Block = f.block()
		case "/send/athd.leases.v1.MsgSubmitUsage":
			var m leasetypes.MsgSubmitUsage
			if err = json.Unmarshal(body, &m); err == nil {
				err = f.Send(ctx, &m)
			}
		case "/send/athd.leases.v1.MsgCloseLease":
			var m leasetypes.MsgCloseLease
			if err = json.Unmarshal(body, &m); err == nil {
				err = f.Send(ctx, &m)
			}
		}
		if err != nil {
			a.Err = err.Error()
		}
		_ = json.NewEncoder(w).Encode(a)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// childMain is a worker process: real engine, real disk, and a chain in the process that started it.
func childMain() {
	home := os.Getenv("ATH_WORKER_CHILD")
	fail := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	ctx := context.Background()
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	db, err := store.OpenBolt(filepath.Join(home, FileStore))
	fail(err)
	rt, err := docker.New(ctx, docker.Config{Host: os.Getenv("ATH_ENGINE"), Chain: testChainID, Worker: "child", PublishIP: "127.0.0.1", Log: log})
	fail(err)
	w, err := New(Deps{
		Config: Config{
			Home: home, Endpoint: "127.0.0.1:1", Ports: "42000-42099", PublishIP: "127.0.0.1", PidsLimit: 64, MaxManifests: 4,
			UsageInterval: time.Second, SettleInterval: time.Hour, ManifestWait: time.Minute, StartWait: time.Minute,
			StopGrace: time.Second, LogRetention: time.Hour, Resync: time.Second,
		},
		Chain: remoteChain{os.Getenv("ATH_CHAIN")}, Runtime: rt, Store: db, Key: testKey, Operator: operator, Container: 7,
		Capacity: Capacity{CPUMilli: 2000, MemoryMiB: 1024, DiskMiB: 1024}, Network: Network{ChainID: testChainID, MaxClockSkew: 5 * time.Second},
		Clock: clock.Real, Log: log, Health: daemon.NewHealth("ath-worker", clock.Real, Warnables()...), Metrics: NewMetrics(prometheus.NewRegistry()),
	})
	fail(err)
	fail(daemon.Run(ctx, log, w.Actors()...))
}

// nursery raises worker processes for one lease of a manifest that is there already.
type nursery struct {
	t       *testing.T
	chain   *fakeChain
	runtime *docker.Runtime // the workers' own, to look at
	lease   string
	home    string
	engine  string
	url     string
	stderr  bytes.Buffer
}

func newNursery(t *testing.T, engine string, m manifest.Manifest) *nursery {
	n := &nursery{t: t, home: t.TempDir(), chain: newFakeChain(clock.Real), engine: engine}
	n.url = serveChain(t, n.chain)
	canonical, err := m.Canonical()
	require.NoError(t, err)
	db, err := store.OpenBolt(filepath.Join(n.home, FileStore))
	require.NoError(t, err)
	b, err := openBook(db)
	require.NoError(t, err)
	require.NoError(t, b.keepManifest(fmt.Sprintf("%x", manifest.Hash(canonical)), held{Received: time.Now(), Body: canonical}, 4, nil))
	require.NoError(t, db.Close())
	n.runtime, err = docker.New(t.Context(), docker.Config{Host: engine, Chain: testChainID, Worker: "child", Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	n.lease = n.chain.open(1, m)
	t.Cleanup(func() {
		require.NoError(t, n.runtime.Remove(context.Background(), n.lease))
		require.NoError(t, n.runtime.Close())
	})
	return n
}

func (n *nursery) spawn() *exec.Cmd {
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), "ATH_WORKER_CHILD="+n.home, "ATH_ENGINE="+n.engine, "ATH_CHAIN="+n.url)
	c.Stderr = &n.stderr
	require.NoError(n.t, c.Start())
	return c
}

// TestKillNine kills a worker process again and again while its lease goes on in a real engine: the same container runs all the
// time, its usage has no gap, and at the end nothing is left.
func TestKillNine(t *testing.T) {
	engine := runtimetest.Engine(t)
	image := runtimetest.SubjectImage(t, runtimetest.Registry(t))
	web, job := service("web", image, manifest.RestartAlways), service("zjob", image, manifest.RestartNever)
	web.Env = []string{"DO=serve"}
	web.Expose = []manifest.Expose{{Port: 8080, As: 80, Proto: "tcp", Global: true}}
	m := workload(web, job)
	loops := runtimetest.Loops(t, "")
	n := newNursery(t, engine, m)
	f, rt, lease, home, stderr, spawn := n.chain, n.runtime, n.lease, n.home, &n.stderr, n.spawn
	kill := func(c *exec.Cmd) {
		require.NoError(t, c.Process.Kill())
		_ = c.Wait() // says that it was killed
	}
	// Killed early and often while the lease comes up, at moments that differ from run to run.
	for _, ms := range []int{80, 150, 250, 400, 600} {
		c := spawn()
		time.Sleep(time.Duration(ms) * time.Millisecond)
		kill(c)
	}
	c := spawn()
	ids := func() map[string]string {
		all, err := rt.List(t.Context())
		require.NoError(t, err)
		out := map[string]string{}
		for _, i := range all {
			require.Equal(t, lease, i.Lease)
			if i.State == runtime.StateRunning {
				out[i.Service] = i.ID
			}
		}
		return out
	}
	sequence := func() uint64 {
		l, _, err := f.Lease(t.Context(), lease)
		require.NoError(t, err)
		return l.UsageSequence
	}
	require.Eventually(t, func() bool { return sequence() >= 2 }, 30*time.Second, 50*time.Millisecond, "%s", stderr)
	before := ids()
	require.Len(t, before, 2)
	for range 3 {
		kill(c)
		require.Equal(t, before, ids(), "workloads don't notice")
		n := sequence()
		c = spawn()
		require.Eventually(t, func() bool { return sequence() > n }, 30*time.Second, 50*time.Millisecond, "%s", stderr)
	}
	require.Equal(t, before, ids(), "the same containers, not new ones")
	for i := 1; i < len(f.usage); i++ {
		require.True(t, f.usage[i].From.Equal(f.usage[i-1].Until), "no gap, no overlap")
	}
	kill(c)
	f.close(lease, leasetypes.CloseReason_CLOSE_REASON_TENANT) // while nobody looks
	c = spawn()
	defer kill(c)
	require.Eventually(t, func() bool { return len(ids()) == 0 }, 30*time.Second, 50*time.Millisecond, "%s", stderr)
	require.Eventually(t, func() bool {
		all, err := rt.List(t.Context())
		return err == nil && len(all) == 0
	}, 30*time.Second, 50*time.Millisecond)
	require.Eventually(t, func() bool { return len(runtimetest.Loops(t, "")) == len(loops) }, 30*time.Second, 50*time.Millisecond, "no disk is left: %v", runtimetest.Loops(t, ""))
	segments, err := filepath.Glob(filepath.Join(home, "logs", filepath.FromSlash(lease), "web", "*"))
	require.NoError(t, err)
	require.NotEmpty(t, segments, "its output is kept")
}
