// SPDX-License-Identifier: Apache-2.0

package ingress

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/athnet/ath/offchain/manifest"
	"github.com/athnet/ath/offchain/worker/runtime"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 10 * time.Second

var workerKey = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{5}, 32))

// rig is an ingress on two listeners, before services that a test makes.
type rig struct {
	*Ingress
	secure, plain string // addresses

	mu       sync.Mutex
	services map[Target]string // address
	dialled  []Target
}

func start(t testing.TB, edit ...func(*Ingress)) *rig {
	t.Helper()
	r := &rig{services: map[Target]string{}}
	g, err := New(Config{Key: workerKey, Dial: r.dialTo, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	for _, e := range edit {
		e(g)
	}
	r.Ingress = g
	secure, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	r.secure, r.plain = secure.Addr().String(), plain.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for _, a := range g.Actors(secure, plain) {
		all.Go(func() { _ = a.Run(ctx) })
	}
	t.Cleanup(func() {
		cancel()
		all.Wait()
		g.Set(nil)
	})
	return r
}

func (r *rig) dialTo(ctx context.Context, t Target) (net.Conn, error) {
	r.mu.Lock()
	r.dialled = append(r.dialled, t)
	at, ok := r.services[t]
	r.mu.Unlock()
	if !ok {
		return nil, runtime.ErrNotFound
	}
	return new(net.Dialer).DialContext(ctx, "tcp", at)
}

// serve makes a service of a lease, and the route to it.
func (r *rig) serve(t testing.TB, lease string, h http.HandlerFunc) Route {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return r.at(lease, server.Listener.Addr().String())
}

// at makes a replica of a lease's service of what listens somewhere.
func (r *rig) at(lease string, addresses ...string) Route {
	route := Route{Lease: lease, Service: "web", Options: manifest.DefaultHTTP()}
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, a := range addresses {
		target := Target{Key: runtime.Key{Lease: lease, Service: fmt.Sprintf("web-%d", i)}, Port: 8080}
		r.services[target] = a
		route.Targets = append(route.Targets, target)
	}
	return route
}

// client trusts the ingress's authority and finds every name there.
func (r *rig) client(t testing.TB) *http.Client {
	t.Helper()
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", r.secure)
		},
		TLSClientConfig: &tls.Config{RootCAs: r.roots(t)}, ForceAttemptHTTP2: true,
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func (r *rig) roots(t testing.TB) *x509.CertPool {
	t.Helper()
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM([]byte(r.CA())))
	return pool
}

// get returns status and body.
func get(t testing.TB, c *http.Client, url string) (int, string) {
	t.Helper()
	resp, err := c.Get(url)
	require.NoError(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(b)
}

// raw sends bytes to the plain listener and returns all that comes back.
func (r *rig) raw(t testing.TB, request string) string {
	t.Helper()
	conn, err := net.Dial("tcp", r.plain)
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.SetDeadline(time.Now().Add(patience)))
	_, err = io.WriteString(conn, request)
	require.NoError(t, err)
	b, err := io.ReadAll(conn)
	require.NoError(t, err)
	return string(b)
}

func isTimeout(err error) bool {
	var network net.Error
	return errors.As(err, &network) && network.Timeout()
}

func says(text string) http.HandlerFunc {
	return func(rw http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(rw, text) }
}

func TestRoutesByName(t *testing.T) {
	r := start(t)
	one, two := r.serve(t, "a/1", says("one")), r.serve(t, "b/1", says("two"))
	r.Set(map[string]Route{"one.example.org": one, "two.example.org": two, "*.wild.example.org": one, "own.wild.example.org": two})
	c := r.client(t)
	for url, want := range map[string]string{
		"https://one.example.org/": "one", "https://two.example.org/x?y": "two", "https://ONE.example.org./": "one",
		"https://any.wild.example.org/": "one", "https://own.wild.example.org/": "two",
	} {
		code, body := get(t, c, url)
		require.Equal(t, []any{200, want}, []any{code, body}, url)
	}
	for _, url := range []string{"https://three.example.org/", "https://example.org/", "https://wild.example.org/", "https://a.b.wild.example.org/", "https://localhost/"} {
		_, err := c.Get(url)
		require.ErrorContains(t, err, "tls:", url)
	}
	for host, want := range map[string]string{
		"one.example.org": "200", "one.example.org:8080": "200", "three.example.org": "404", "127.0.0.1": "400", "": "400", "[::1]": "400", "a b": "400",
	} {
		answer := r.raw(t, "GET / HTTP/1.1\r\nHost: "+host+"\r\nConnection: close\r\n\r\n")
		require.Contains(t, answer, "HTTP/1.1 "+want, host)
	}
}

// TestAConnectionIsOneSites: what a handshake was made for, its requests are for.
func TestAConnectionIsOneSites(t *testing.T) {
	r := start(t)
	r.Set(map[string]Route{"one.example.org": r.serve(t, "a/1", says("one")), "two.example.org": r.serve(t, "b/1", says("two"))})
	req, err := http.NewRequest(http.MethodGet, "https://one.example.org/", nil)
	require.NoError(t, err)
	req.Host = "two.example.org"
	resp, err := r.client(t).Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, http.StatusMisdirectedRequest, resp.StatusCode)
}

// TestForwardedHeaders: the service learns who asks from the ingress, whatever the client says.
func TestForwardedHeaders(t *testing.T) {
	r := start(t)
	var got http.Header
	var host, path string
	r.Set(map[string]Route{"one.example.org": r.serve(t, "a/1", func(_ http.ResponseWriter, req *http.Request) {
		got, host, path = req.Header.Clone(), req.Host, req.URL.RequestURI()
	})})
	req, err := http.NewRequest(http.MethodGet, "https://one.example.org/a%2Fb?x=%zz;y&z=1", nil)
	require.NoError(t, err)
	for _, h := range []string{"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Real-Ip", "Forwarded"} {
		req.Header.Set(h, "6.6.6.6")
	}
	req.Header.Set("Connection", "X-Forwarded-For, Secret")
	req.Header.Set("Secret", "for this hop")
	c := r.client(t)
	c.Transport.(*http.Transport).ForceAttemptHTTP2 = false
	resp, err := c.Do(req)
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, []string{"one.example.org", "/a%2Fb?x=%zz;y&z=1"}, []string{host, path})
	require.Equal(t, []string{"127.0.0.1", "one.example.org", "https", "443", "127.0.0.1", "", ""}, []string{
		got.Get("X-Forwarded-For"), got.Get("X-Forwarded-Host"), got.Get("X-Forwarded-Proto"), got.Get("X-Forwarded-Port"), got.Get("X-Real-Ip"), got.Get("Forwarded"), got.Get("Secret"),
	})
}

// TestARouteDiesWithItsLease: a stream that runs, a connection that is idle, and what comes next.
func TestARouteDiesWithItsLease(t *testing.T) {
	r := start(t)
	gone := make(chan struct{})
	one := r.serve(t, "a/1", func(rw http.ResponseWriter, req *http.Request) {
		_, _ = io.WriteString(rw, "begun\n")
		_ = http.NewResponseController(rw).Flush()
		<-req.Context().Done()
		close(gone)
	})
	two := r.serve(t, "b/1", says("two"))
	r.Set(map[string]Route{"one.example.org": one, "two.example.org": two})
	c := r.client(t)
	resp, err := c.Get("https://one.example.org/")
	require.NoError(t, err)
	defer resp.Body.Close()
	begun := make([]byte, 6)
	_, err = io.ReadFull(resp.Body, begun)
	require.NoError(t, err)
	other, err := tls.Dial("tcp", r.secure, &tls.Config{RootCAs: r.roots(t), ServerName: "one.example.org"})
	require.NoError(t, err)
	defer other.Close()

	r.Drop("a/1")
	_, err = io.ReadAll(resp.Body)
	require.Error(t, err)
	select {
	case <-gone:
	case <-time.After(patience):
		t.Fatal("the service was not told")
	}
	require.NoError(t, other.SetDeadline(time.Now().Add(patience)))
	_, err = other.Read(make([]byte, 1))
	require.Error(t, err)
	require.False(t, isTimeout(err), "%v", err)
	_, err = c.Get("https://one.example.org/")
	require.Error(t, err)
	code, body := get(t, c, "https://two.example.org/")
	require.Equal(t, []any{200, "two"}, []any{code, body}, "another lease's goes on")
	require.Eventually(t, func() bool {
		r.counts.mu.Lock()
		defer r.counts.mu.Unlock()
		return r.counts.leases["a/1"] == nil && r.counts.reqs == 0
	}, patience, 10*time.Millisecond)
}

// TestSetKeepsWhatIsTheSame: connections and requests of sites that stay are not touched.
func TestSetKeepsWhatIsTheSame(t *testing.T) {
	r := start(t)
	release := make(chan struct{})
	one := r.serve(t, "a/1", func(rw http.ResponseWriter, _ *http.Request) {
		<-release
		_, _ = io.WriteString(rw, "one")
	})
	r.Set(map[string]Route{"one.example.org": one})
	c := r.client(t)
	done := make(chan string, 1)
	go func() {
		_, body := get(t, c, "https://one.example.org/")
		done <- body
	}()
	require.Eventually(t, func() bool { r.mu.Lock(); defer r.mu.Unlock(); return len(r.dialled) == 1 }, patience, 5*time.Millisecond)
	again := r.at("a/1", r.services[one.Targets[0]])
	r.Set(map[string]Route{"one.example.org": again, "more.example.org": again})
	close(release)
	require.Equal(t, "one", <-done)
	_, body := get(t, c, "https://more.example.org/")
	require.Equal(t, "one", body)
	require.Len(t, r.dialled, 1, "both names share what is open to the service")
}

// TestNothingElseIsReached: whatever a client says, connections go to the site's own instances.
func TestNothingElseIsReached(t *testing.T) {
	r := start(t)
	secret := httptest.NewServer(says("secret"))
	defer secret.Close()
	at := secret.Listener.Addr().String()
	own := r.serve(t, "a/1", func(rw http.ResponseWriter, req *http.Request) {
		_, _ = fmt.Fprintf(rw, "own %s %s", req.Host, req.URL)
	})
	r.Set(map[string]Route{"one.example.org": own})
	for _, request := range []string{
		"GET http://" + at + "/ HTTP/1.1\r\nHost: one.example.org",
		"GET http://one.example.org@" + at + "/ HTTP/1.1\r\nHost: one.example.org",
		"CONNECT " + at + " HTTP/1.1\r\nHost: " + at,
		"CONNECT one.example.org:80 HTTP/1.1\r\nHost: one.example.org",
		"GET / HTTP/1.1\r\nHost: " + at,
		"GET / HTTP/1.1\r\nHost: one.example.org@" + at,
		"GET / HTTP/1.1\r\nHost: one.example.org\r\nHost: " + at,
		"GET / HTTP/1.1\r\nHost: one.example.org, " + at,
		"GET / HTTP/1.1\r\nHost: localhost",
		"OPTIONS * HTTP/1.1\r\nHost: one.example.org",
		"GET ws://" + at + "/ HTTP/1.1\r\nHost: one.example.org",
	} {
		answer := r.raw(t, request+"\r\nConnection: close\r\n\r\n")
		require.NotContains(t, answer, "secret", request)
		require.Contains(t, answer, "HTTP/1.1 4", request)
	}
	require.Empty(t, r.dialled)
	for _, request := range []string{
		"GET //" + at + "/ HTTP/1.1\r\nHost: one.example.org",
		"GET /\\" + at + " HTTP/1.1\r\nHost: one.example.org",
		"GET http://one.example.org/x HTTP/1.1\r\nHost: " + at, // the absolute form counts, as HTTP wants it
		"GET / HTTP/1.1\r\nHost: one.example.org\r\nX-Forwarded-Host: " + at + "\r\nX-Original-Url: http://" + at + "/",
	} {
		answer := r.raw(t, request+"\r\nConnection: close\r\n\r\n")
		require.NotContains(t, answer, "secret", request)
		require.Contains(t, answer, "own one.example.org", request)
	}
	for _, d := range r.dialled {
		require.Equal(t, own.Targets[0], d)
	}
}
