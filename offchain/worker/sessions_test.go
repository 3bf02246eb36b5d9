// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/offchain/access"
	"github.com/athnet/ath/offchain/manifest"
	"github.com/athnet/ath/offchain/worker/api"
	"github.com/athnet/ath/offchain/worker/pack"
	"github.com/athnet/ath/offchain/worker/runtime/runtimetest"

	leasetypes "github.com/athnet/ath/x/leases/types"
)

const patience = 10 * time.Second

// inside is a running lease, and its tenant.
type inside struct {
	*rig
	lease    string
	endpoint string
	client   *api.Client
}

func enterLease(t *testing.T, scopes ...string) inside {
	t.Helper()
	tenant = walletAddress()
	t.Cleanup(func() { tenant = address(1) })
	r := newRig(t)
	web := service("web", imageWeb, manifest.RestartAlways)
	web.Env = []string{"DO=echo", "PORT=7007"}
	m := workload(web)
	r.deliver(m)
	lease := r.chain.open(1, m)
	r.settle()
	if len(scopes) == 0 {
		scopes = []string{access.ScopeExec, access.ScopeForward, access.ScopeFiles}
	}
	i := inside{rig: r, lease: lease, endpoint: serve(t, r)}
	i.client = api.NewClient(i.endpoint, testPub, token(t, r.clock.Now(), scopes...))
	t.Cleanup(i.client.Close)
	return i
}

// over waits until no session is open and no command runs.
func (i inside) over(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool { return i.sessions.count() == 0 && i.runtime.Processes() == 0 }, patience, 5*time.Millisecond)
}

func start(words ...string) api.Start { return api.Start{Command: words} }

func TestExec(t *testing.T) {
	i := enterLease(t)
	var out, errs runtimetest.Collector
	code, err := i.client.Exec(t.Context(), i.lease, "web", start("/subject", "do", "cat"), api.Streams{In: strings.NewReader("hello"), Out: &out, Err: &errs})
	require.NoError(t, err)
	require.Equal(t, []any{3, "hello", "end\n"}, []any{code, out.String(), errs.String()})

	big := strings.Repeat("0123456789abcdef", 1<<17)
	var all runtimetest.Collector
	code, err = i.client.Exec(t.Context(), i.lease, "", start("/subject", "do", "cat"), api.Streams{In: strings.NewReader(big), Out: &all, Err: &errs})
	require.NoError(t, err)
	require.Equal(t, 3, code)
	require.True(t, big == all.String(), "two megabytes come back whole")

	_, err = i.client.Exec(t.Context(), i.lease, "web", start("/none"), api.Streams{Out: &out, Err: &errs})
	require.ErrorContains(t, err, "can't be run")
	_, err = i.client.Exec(t.Context(), i.lease, "other", start("/none"), api.Streams{Out: &out, Err: &errs})
	require.ErrorContains(t, err, "one of web")
	i.over(t)
}

func TestExecWithATerminal(t *testing.T) {
	i := enterLease(t)
	var out runtimetest.Collector
	in, keys := io.Pipe()
	resize := make(chan api.Size)
	ended := make(chan error, 1)
	go func() {
		_, err := i.client.Exec(context.Background(), i.lease, "web", api.Start{Command: []string{"/subject", "do", "size"}, TTY: true, Rows: 24, Columns: 80, Term: "xterm"},
			api.Streams{In: in, Out: &out, Err: io.Discard, Resize: resize})
		ended <- err
	}()
	out.Await(t, "24 x 80")
	resize <- api.Size{Rows: 10, Columns: 300}
	out.Await(t, "10 x 300")
	require.NoError(t, keys.Close())
	require.NoError(t, <-ended)
	i.over(t)
}

// asleep begins a command that never ends by itself.
func (i inside) asleep(t *testing.T, ctx context.Context, client *api.Client) <-chan error {
	t.Helper()
	var out runtimetest.Collector
	ended := make(chan error, 1)
	go func() {
		_, err := client.Exec(ctx, i.lease, "web", start("/subject", "do", "sleep"), api.Streams{Out: &out, Err: io.Discard})
		ended <- err
	}()
	out.Await(t, "asleep")
	return ended
}

func await(t *testing.T, ended <-chan error) error {
	t.Helper()
	select {
	case err := <-ended:
		return err
	case <-time.After(patience):
		t.Fatal("the session goes on")
		return nil
	}
}

// TestSessionsEnd: with their client, their lease, silence, and time; nothing of them is left.
func TestSessionsEnd(t *testing.T) {
	t.Run("client", func(t *testing.T) {
		i := enterLease(t)
		ctx, cancel := context.WithCancel(t.Context())
		ended := i.asleep(t, ctx, i.client)
		cancel()
		require.ErrorIs(t, await(t, ended), context.Canceled)
		i.over(t)
	})
	t.Run("connection", func(t *testing.T) {
		i := enterLease(t)
		through := cutter(t, i.endpoint)
		client := api.NewClient(through.address, testPub, token(t, i.clock.Now(), access.ScopeExec))
		defer client.Close()
		ended := i.asleep(t, t.Context(), client)
		through.cut()
		require.ErrorIs(t, await(t, ended), api.ErrBroken)
		i.over(t)
	})
	t.Run("closed lease", func(t *testing.T) {
		i := enterLease(t)
		ended := i.asleep(t, t.Context(), i.client)
		near, far := net.Pipe()
		defer near.Close()
		forwarded := make(chan error, 1)
		ready := make(chan struct{})
		go func() {
			forwarded <- i.client.Forward(context.Background(), i.lease, "web", 7007, far, func() { close(ready) })
		}()
		<-ready
		i.chain.close(i.lease, 1)
		i.takeBlock(i.chain.block())
		require.NoError(t, i.lookOnce(t.Context()))
		require.ErrorContains(t, await(t, ended), "not served here any more")
		require.ErrorContains(t, await(t, forwarded), "not served here any more")
		i.over(t)
		_, err := i.client.Exec(t.Context(), i.lease, "web", start("/subject", "do", "cat"), api.Streams{Out: io.Discard, Err: io.Discard})
		require.ErrorContains(t, err, "is not open on this worker")
	})
	t.Run("moved lease", func(t *testing.T) {
		i := enterLease(t)
		ended := i.asleep(t, t.Context(), i.client)
		i.chain.change(i.lease, func(l *leasetypes.Lease) { l.ContainerId = 8 })
		require.NoError(t, i.lookOnce(t.Context()))
		require.ErrorContains(t, await(t, ended), "not served here any more")
		i.over(t)
	})
	t.Run("silence", func(t *testing.T) {
		i := enterLease(t)
		i.sessions.idle = 50 * time.Millisecond
		ended := i.asleep(t, t.Context(), i.client)
		require.ErrorContains(t, await(t, ended), "nothing has passed")
		i.over(t)
	})
	t.Run("time", func(t *testing.T) {
		i := enterLease(t)
		i.sessions.life = 100 * time.Millisecond
		ended := i.asleep(t, t.Context(), i.client)
		require.ErrorContains(t, await(t, ended), "lasted too long")
		i.over(t)
	})
	t.Run("client that reads nothing", func(t *testing.T) {
		i := enterLease(t)
		i.sessions.idle = 50 * time.Millisecond
		ctx, cancel := context.WithCancel(t.Context())
		hold := make(chan struct{})
		ended := make(chan error, 1)
		go func() {
			_, err := i.client.Exec(ctx, i.lease, "web", start("/subject", "do", "flood"), api.Streams{Out: blocked(hold), Err: io.Discard})
			ended <- err
		}()
		require.Eventually(t, func() bool { return i.runtime.Processes() == 1 }, patience, time.Millisecond)
		// The worker gives up although its client is there and takes nothing.
		require.Eventually(t, func() bool { return i.sessions.count() == 0 && i.runtime.Processes() == 0 }, patience, 5*time.Millisecond)
		close(hold)
		cancel()
		require.Error(t, await(t, ended))
	})
}

type blocked chan struct{}

func (b blocked) Write(p []byte) (int, error) { <-b; return len(p), nil }

// TestSessionsAreBounded: per lease and per worker, and none before an earlier worker's are gone.
func TestSessionsAreBounded(t *testing.T) {
	s := newSessions()
	_, _, err := s.begin(t.Context(), "a/1")
	require.ErrorContains(t, err, "just started")
	s.reaped = true
	var ends []func()
	for n := range maxSessions {
		_, end, err := s.begin(t.Context(), fmt.Sprint(n/maxLeaseSessions))
		require.NoError(t, err)
		ends = append(ends, end)
	}
	_, _, err = s.begin(t.Context(), "0")
	require.ErrorContains(t, err, "the lease has 64 sessions open")
	_, _, err = s.begin(t.Context(), "9")
	require.ErrorContains(t, err, "too many sessions")
	ends[0]()
	ends[0]() // again is fine
	_, end, err := s.begin(t.Context(), "0")
	require.NoError(t, err)
	end()
	for _, e := range ends {
		e()
	}
	require.Zero(t, s.count())
}

func TestForward(t *testing.T) {
	i := enterLease(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _ = i.client.Forward(context.Background(), i.lease, "web", 7007, conn, nil) }()
		}
	}()
	var all sync.WaitGroup
	for n := range 20 { // at once, over one connection to the worker
		all.Go(func() {
			conn, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			text := strings.Repeat(fmt.Sprintf("stream %d ", n), 20_000)
			go func() {
				_, _ = io.WriteString(conn, text)
				_ = conn.(*net.TCPConn).CloseWrite()
			}()
			back, err := io.ReadAll(conn)
			if err != nil || string(back) != text {
				t.Errorf("stream %d: %d bytes of %d, %v", n, len(back), len(text), err)
			}
		})
	}
	all.Wait()
	near, far := net.Pipe()
	defer near.Close()
	require.ErrorContains(t, i.client.Forward(t.Context(), i.lease, "web", 7008, far, nil), "takes no connections: 7008")
	i.over(t)
}

func TestFiles(t *testing.T) {
	i := enterLease(t)
	src := filepath.Join(t.TempDir(), "data")
	require.NoError(t, os.MkdirAll(filepath.Join(src, "sub"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(src, "sub", "f"), []byte("text"), 0o600))
	put := func(path, name string) (api.Copied, error) {
		var wire bytes.Buffer
		_, err := pack.Pack(&wire, src, name)
		require.NoError(t, err)
		return i.client.PutFiles(t.Context(), i.lease, "web", path, name, &wire)
	}
	for path, want := range map[string]string{"/tmp": "/tmp/data", "/tmp/": "/tmp/data", "/tmp/other": "/tmp/other"} {
		got, err := put(path, "data")
		require.NoError(t, err)
		require.Equal(t, api.Copied{Path: want, Files: 3, Bytes: 4}, got)
	}
	_, err := put("/none/", "data")
	require.ErrorContains(t, err, "no such path")
	_, err = put("/none/x", "data")
	require.ErrorContains(t, err, "no such path")
	_, err = put("/tmp/other/sub/f/x", "data")
	require.ErrorContains(t, err, "no such path")
	_, err = put("tmp", "data")
	require.ErrorContains(t, err, "absolute")
	_, err = put("/tmp", "..")
	require.ErrorContains(t, err, "name of a file")
	stream, err := i.client.GetFiles(t.Context(), i.lease, "web", "/tmp/other")
	require.NoError(t, err)
	dst := filepath.Join(t.TempDir(), "back")
	sum, err := pack.Unpack(stream, dst)
	require.NoError(t, err)
	require.NoError(t, stream.Close())
	require.Equal(t, 3, sum.Files)
	text, err := os.ReadFile(filepath.Join(dst, "sub", "f"))
	require.NoError(t, err)
	require.Equal(t, "text", string(text))
	_, err = i.client.GetFiles(t.Context(), i.lease, "web", "/none")
	require.ErrorContains(t, err, "no such path")

	for name, h := range map[string]*tar.Header{
		"device": {Name: "data", Typeflag: tar.TypeBlock, Devmajor: 8},
		"up":     {Name: "../data", Typeflag: tar.TypeReg},
	} {
		var wire bytes.Buffer
		w := tar.NewWriter(&wire)
		require.NoError(t, w.WriteHeader(h))
		require.NoError(t, w.Close())
		_, err = i.client.PutFiles(t.Context(), i.lease, "web", "/tmp", "data", &wire)
		require.ErrorContains(t, err, "unsafe", name)
	}
	var wire bytes.Buffer // more than the service's 32 MiB
	w := tar.NewWriter(&wire)
	require.NoError(t, w.WriteHeader(&tar.Header{Name: "data", Typeflag: tar.TypeReg, Size: 33 << 20}))
	_, err = i.client.PutFiles(t.Context(), i.lease, "web", "/tmp", "data", &wire)
	require.ErrorContains(t, err, "too large")
	i.over(t)
}

// tries are the four ways into a service; each returns what its client was told.
func (i inside) tries(t *testing.T) map[string]func() error {
	return map[string]func() error{
		"exec": func() error {
			_, err := i.client.Exec(t.Context(), i.lease, "web", start("/subject", "do", "cat"), api.Streams{Out: io.Discard, Err: io.Discard})
			return err
		},
		"forward": func() error {
			near, far := net.Pipe()
			defer far.Close()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			err := i.client.Forward(ctx, i.lease, "web", 7007, near, cancel)
			if ctx.Err() != nil {
				return nil // it was ready
			}
			return err
		},
		"get": func() error {
			stream, err := i.client.GetFiles(t.Context(), i.lease, "web", "/tmp")
			if err == nil {
				err = stream.Close()
			}
			return err
		},
		"put": func() error {
			var wire bytes.Buffer
			w := tar.NewWriter(&wire)
			require.NoError(t, w.WriteHeader(&tar.Header{Name: "data", Typeflag: tar.TypeReg}))
			require.NoError(t, w.Close())
			_, err := i.client.PutFiles(t.Context(), i.lease, "web", "/tmp", "data", &wire)
			return err
		},
	}
}

// TestSessionsWaitForTheirService: one that is being made or started is waited for, and where that takes long, it is said that it is.
func TestSessionsWaitForTheirService(t *testing.T) {
	for name, tc := range map[string]struct {
		fails string // what the engine can't do until later
		by    func(i inside, m manifest.Manifest)
		says  string
	}{
		"lost": {"create", func(i inside, _ manifest.Manifest) {
			require.NoError(t, i.runtime.Discard(t.Context(), key(i.lease, "web")))
		}, "it is being made"},
		"created": {"start", func(i inside, _ manifest.Manifest) {
			require.NoError(t, i.runtime.Discard(t.Context(), key(i.lease, "web")))
		}, "it is being started"},
		"ended while its engine was down": {"start", func(i inside, _ manifest.Manifest) {
			require.NoError(t, i.runtime.End(t.Context(), key(i.lease, "web"), 0))
		}, "it is being started"},
		"new manifest": {"end", func(i inside, m manifest.Manifest) {
			m.Services[0].Env = append(m.Services[0].Env, "MORE=1")
			i.deliver(m)
			i.name(i.lease, m)
		}, "it is made anew by the lease's new manifest"},
		"more storage": {"stop", func(i inside, m manifest.Manifest) {
			i.runtime.Offline = true
			m.Services[0].Resources.DiskMiB *= 2
			i.deliver(m)
			i.name(i.lease, m)
		}, "the lease's storage is being enlarged"},
	} {
		t.Run(name, func(t *testing.T) {
			i := enterLease(t)
			intent, _ := i.book.intent(i.lease)
			m, known := i.book.manifest(intent.ManifestHash)
			require.True(t, known)
			m.Services = slices.Clone(m.Services)
			i.runtime.Fail = func(operation string) error {
				if operation == tc.fails {
					return errors.New("not yet")
				}
				return nil
			}
			tc.by(i, m)
			i.settle()
			i.sessions.start = 0
			for way, try := range i.tries(t) {
				var told *api.Error
				require.ErrorAs(t, try(), &told, way)
				require.Equal(t, []any{http.StatusServiceUnavailable, "service web is still starting: " + tc.says}, []any{told.Code, told.Message}, way)
				require.Contains(t, told.Remedy, "athd lease status", way)
			}
			if tc.fails == "create" {
				i.mu.Lock()
				i.images[imageWeb] = imagePulling
				i.mu.Unlock()
				require.Equal(t, "its image is being pulled", i.starting(key(i.lease, "web")))
				i.mu.Lock()
				i.images[imageWeb] = imagePresent
				i.mu.Unlock()
			}
			i.sessions.start = patience
			done := make(chan string)
			for way, try := range i.tries(t) {
				go func() { done <- fmt.Sprint(way, ": ", try()) }()
			}
			require.Eventually(t, func() bool { return i.sessions.count() == 4 }, patience, time.Millisecond)
			select {
			case way := <-done:
				t.Fatalf("did not wait: %s", way)
			case <-time.After(3 * startPause):
			}
			i.runtime.Fail = nil
			i.clock.Advance(time.Minute)
			i.settle()
			var all []string
			for range 4 {
				all = append(all, <-done)
			}
			require.ElementsMatch(t, []string{"exec: <nil>", "forward: <nil>", "get: <nil>", "put: <nil>"}, all)
			i.over(t)
		})
	}
}

// TestSessionScopes: a token of one kind opens nothing of another, nor another tenant's lease.
func TestSessionScopes(t *testing.T) {
	all := []string{access.ScopeManifest, access.ScopeStatus, access.ScopeLogs, access.ScopeExec, access.ScopeForward, access.ScopeFiles}
	i := enterLease(t)
	for _, missing := range []string{access.ScopeExec, access.ScopeForward, access.ScopeFiles} {
		var have []string
		for _, s := range all {
			if s != missing {
				have = append(have, s)
			}
		}
		client := api.NewClient(i.endpoint, testPub, token(t, i.clock.Now(), have...))
		try := func(lease string) error {
			switch missing {
			case access.ScopeExec:
				_, err := client.Exec(t.Context(), lease, "web", start("/subject", "do", "cat"), api.Streams{Out: io.Discard, Err: io.Discard})
				return err
			case access.ScopeForward:
				near, far := net.Pipe()
				defer near.Close()
				return client.Forward(t.Context(), lease, "web", 7007, far, nil)
			default:
				_, err := client.GetFiles(t.Context(), lease, "web", "/tmp")
				_, perr := client.PutFiles(t.Context(), lease, "web", "/tmp", "x", strings.NewReader(""))
				require.Error(t, perr)
				require.Equal(t, err.Error(), perr.Error(), "both directions")
				return err
			}
		}
		require.ErrorContains(t, try(i.lease), "scope", missing)
		client.Close()
		client = api.NewClient(i.endpoint, testPub, token(t, i.clock.Now(), all...))
		require.ErrorContains(t, try(address(1)+"/1"), "the token is", missing)
		client.Close()
		client = api.NewClient(i.endpoint, testPub, token(t, i.clock.Now().Add(-2*time.Hour), all...))
		require.ErrorContains(t, try(i.lease), "clock", missing)
		client.Close()
		i.clock.Advance(time.Second)
	}
	i.over(t)
}

// TestSessionRefusals: what is no session of this protocol.
func TestSessionRefusals(t *testing.T) {
	i := enterLease(t)
	all := token(t, i.clock.Now(), access.ScopeExec, access.ScopeForward, access.ScopeFiles)
	post := func(h2 bool, path, body string) (int, string) {
		config := access.PinnedTLS(testPub)
		transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: h2}
		if !h2 {
			transport.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
		}
		defer transport.CloseIdleConnections()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+i.endpoint+"/v1/leases/"+i.lease+path, strings.NewReader(body))
		require.NoError(t, err)
		req.Header.Set("Authorization", all)
		resp, err := (&http.Client{Transport: transport}).Do(req)
		require.NoError(t, err)
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return resp.StatusCode, string(text)
	}
	frame := func(kind byte, payload string) string {
		var b bytes.Buffer
		require.NoError(t, api.WriteFrame(&b, kind, []byte(payload)))
		return b.String()
	}
	for _, tc := range []struct {
		name       string
		h2         bool
		path, body string
		code       int
		says       string
	}{
		{"HTTP/1", false, "/exec", "", 505, "HTTP/2"},
		{"no start", true, "/exec", "", 400, "EOF"},
		{"not a start", true, "/exec", frame(api.FrameInput, "x"), 400, "does not begin"},
		{"no frame", true, "/exec", "GET / HTTP/1.1\r\n", 400, "malformed"},
		{"not JSON", true, "/exec", frame(api.FrameStart, "x"), 400, "start"},
		{"no command", true, "/exec", frame(api.FrameStart, "{}"), 400, "no command"},
		{"worker's frame", true, "/exec", frame(api.FrameStart, `{"command":["/subject","do","sleep"]}`) + frame(api.FrameExit, "{}"), 200, "the tenant has gone"},
		{"no port", true, "/forward", "", 400, "port"},
		{"port 0", true, "/forward?port=0", "", 400, "port"},
		{"port too high", true, "/forward?port=65536", "", 400, "port"},
		{"client's end at once", true, "/forward?port=7007", "", 200, "the tenant has gone"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			code, text := post(tc.h2, tc.path, tc.body)
			require.Equal(t, tc.code, code, text)
			require.Contains(t, text, tc.says)
			i.over(t)
		})
	}
}

// proxy is a network that can fail.
type proxy struct {
	address string
	mu      sync.Mutex
	conns   []net.Conn
}

func cutter(t *testing.T, to string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &proxy{address: l.Addr().String()}
	t.Cleanup(func() { l.Close(); p.cut() })
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", to)
			if err != nil {
				near.Close()
				return
			}
			p.mu.Lock()
			p.conns = append(p.conns, near, far)
			p.mu.Unlock()
			go func() { _, _ = io.Copy(near, far) }()
			go func() { _, _ = io.Copy(far, near) }()
		}
	}()
	return p
}

func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		c.Close()
	}
}
