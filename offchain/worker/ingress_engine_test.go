// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/offchain/manifest"
	"github.com/athnet/ath/offchain/worker/ingress"
	"github.com/athnet/ath/offchain/worker/runtime"
	"github.com/athnet/ath/offchain/worker/runtime/docker"
	"github.com/athnet/ath/offchain/worker/runtime/runtimetest"
)

// TestIngressReachesOnlyItsOwnLease runs two leases on a real engine and tries to get from the ingress of one to the other, to the machine,
// and to what the service itself points at.
func TestIngressReachesOnlyItsOwnLease(t *testing.T) {
	rt, err := docker.New(t.Context(), docker.Config{
		Host: runtimetest.Engine(t), Chain: testChainID, Worker: "ingress", PublishIP: "127.0.0.1", Egress: docker.ModeGuard, Disk: docker.ModeOff, Log: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, rt.Close()) })
	image := runtimetest.SubjectImage(t, runtimetest.Registry(t))
	require.NoError(t, rt.Pull(t.Context(), image, nil))

	// On the machine's loopback and on all its addresses listens what nobody may reach.
	secret := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(rw, "secret") }))
	defer secret.Close()
	wide, err := net.Listen("tcp", "0.0.0.0:0")
	require.NoError(t, err)
	everywhere := &http.Server{Handler: secret.Config.Handler, ReadHeaderTimeout: time.Second}
	go func() { _ = everywhere.Serve(wide) }()
	defer everywhere.Close()
	loop, all := portOf(t, secret.Listener.Addr()), portOf(t, wide.Addr())

	run := func(lease, name string, env ...string) {
		spec := runtime.Spec{
			Key: runtime.Key{Lease: lease, Service: name}, ManifestHash: "aa", Image: image, Env: env, CPUMilli: 500, MemoryMiB: 64, Pids: 64,
			Disk: runtime.Disk{LeaseMiB: 32, ServiceMiB: 32, Services: 1}, Restart: manifest.RestartNever,
		}
		t.Cleanup(func() { require.NoError(t, rt.Remove(context.Background(), lease)) })
		require.NoError(t, rt.Create(t.Context(), spec))
		require.NoError(t, rt.Start(t.Context(), spec.Key))
	}
	run("ath1a/1", "web", "DO=site", "NAME=one", fmt.Sprintf("TO=http://127.0.0.1:%d/", all))
	run("ath1b/1", "web", "DO=site", "NAME=two")

	g, err := ingress.New(ingress.Config{Key: testKey, Log: slog.New(slog.DiscardHandler), Dial: func(ctx context.Context, t ingress.Target) (net.Conn, error) {
		return rt.Dial(ctx, t.Key, t.Port)
	}})
	require.NoError(t, err)
	route := func(lease string, port uint16) ingress.Route {
		return ingress.Route{Lease: lease, Service: fmt.Sprint(port), Targets: []ingress.Target{{Key: runtime.Key{Lease: lease, Service: "web"}, Port: port}}, Options: manifest.DefaultHTTP()}
	}
	g.Set(map[string]ingress.Route{
		"one.example.org": route("ath1a/1", 8080), "two.example.org": route("ath1b/1", 8080),
		"loop.example.org": route("ath1a/1", loop), "all.example.org": route("ath1a/1", all), "gone.example.org": route("ath1c/1", 8080),
	})
	at := serveIngress(t, g)
	client := siteClient(t, g, at)
	get := func(host, path string) (int, string) {
		resp, err := client.Get("https://" + host + path)
		require.NoError(t, err)
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return resp.StatusCode, string(b)
	}
	for host, want := range map[string]string{"one.example.org": "one", "two.example.org": "two"} {
		require.Eventually(t, func() bool { code, body := get(host, "/"); return code == 200 && strings.HasPrefix(body, want+" ") }, patience, 100*time.Millisecond, host)
	}
	for host, want := range map[string]int{"loop.example.org": 502, "all.example.org": 502, "gone.example.org": 503} {
		code, body := get(host, "/")
		require.Equal(t, want, code, host)
		require.NotContains(t, body, "secret", host)
	}
	// Where the service points is the client's affair, and not the ingress's.
	resp, err := client.Get("https://one.example.org/redirect")
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, http.StatusFound, resp.StatusCode)
	require.Equal(t, fmt.Sprintf("http://127.0.0.1:%d/", all), resp.Header.Get("Location"))
	// A service that runs a proxy of its own gets no further than it does by itself.
	_, body := get("one.example.org", "/fetch")
	require.NotContains(t, body, "secret")

	// An upgraded connection passes both ways, and ends with the lease.
	conn, err := tls.Dial("tcp", at, &tls.Config{RootCAs: client.Transport.(*http.Transport).TLSClientConfig.RootCAs, ServerName: "one.example.org"})
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.SetDeadline(time.Now().Add(patience)))
	_, err = io.WriteString(conn, "GET /echo HTTP/1.1\r\nHost: one.example.org\r\nConnection: Upgrade\r\nUpgrade: lines\r\n\r\n")
	require.NoError(t, err)
	in := bufio.NewReader(conn)
	answer, err := http.ReadResponse(in, nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusSwitchingProtocols, answer.StatusCode)
	_, err = io.WriteString(conn, "ping\n")
	require.NoError(t, err)
	line, err := in.ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "ping\n", line)
	g.Drop("ath1a/1")
	_, err = in.ReadByte()
	require.Error(t, err)
	code, _ := get("two.example.org", "/")
	require.Equal(t, 200, code)
}

func portOf(t testing.TB, a net.Addr) uint16 {
	t.Helper()
	tcp, ok := a.(*net.TCPAddr)
	require.True(t, ok)
	return uint16(tcp.Port)
}

// serveIngress opens an ingress on a port of its own.
func serveIngress(t testing.TB, g *ingress.Ingress) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = g.Actors(l, nil)[0].Run(ctx)
	}()
	t.Cleanup(func() { cancel(); <-ended; g.Set(nil) })
	return l.Addr().String()
}

// siteClient finds every name at the ingress, and knows it by the worker key.
func siteClient(t testing.TB, g *ingress.Ingress, at string) *http.Client {
	t.Helper()
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM([]byte(g.CA())))
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", at)
		},
		TLSClientConfig: &tls.Config{RootCAs: pool},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}
