// SPDX-License-Identifier: Apache-2.0

package ingress

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
)

// endless is a body that has no length and does not end.
type endless struct{ ctx context.Context }

func (e endless) Read(b []byte) (int, error) {
	if e.ctx.Err() != nil {
		return 0, e.ctx.Err()
	}
	return len(b), nil
}

func TestBodiesAreBounded(t *testing.T) {
	r := start(t)
	var most atomic.Int64
	one := r.serve(t, "a/1", func(rw http.ResponseWriter, req *http.Request) {
		n, _ := io.Copy(io.Discard, req.Body)
		most.Store(max(most.Load(), n))
		_, _ = fmt.Fprint(rw, n)
	})
	one.Options.MaxBody = 1 << 16
	r.Set(map[string]Route{"one.example.org": one})
	for _, v2 := range []bool{true, false} {
		c := r.client(t)
		c.Transport.(*http.Transport).ForceAttemptHTTP2 = v2
		post := func(body io.Reader) int {
			resp, err := c.Post("https://one.example.org/", "text/plain", body)
			if err != nil { // the rest of what is too long may find the connection closed
				return http.StatusRequestEntityTooLarge
			}
			defer resp.Body.Close()
			_, _ = io.Copy(io.Discard, resp.Body)
			return resp.StatusCode
		}
		require.Equal(t, 200, post(strings.NewReader(strings.Repeat("x", 1<<16))))
		require.Equal(t, 413, post(strings.NewReader(strings.Repeat("x", 1<<16+1))))
		require.Equal(t, 413, post(io.LimitReader(endless{t.Context()}, 1<<30)))
	}
	require.LessOrEqual(t, most.Load(), int64(1<<16))
	require.Contains(t, r.raw(t, "POST / HTTP/1.1\r\nHost: one.example.org\r\nContent-Length: 65537\r\nConnection: close\r\n\r\n"), "HTTP/1.1 413")
}

// TestSilentServices: read_timeout bounds the wait for an answer, for each part of it, and for an upgraded connection.
func TestSilentServices(t *testing.T) {
	r := start(t)
	one := r.serve(t, "a/1", func(rw http.ResponseWriter, req *http.Request) {
		switch req.URL.Path {
		case "/header":
			<-req.Context().Done()
		case "/body":
			_, _ = io.WriteString(rw, "begun")
			_ = http.NewResponseController(rw).Flush()
			<-req.Context().Done()
		case "/long": // longer than read_timeout, but never silent
			beat := time.NewTicker(50 * time.Millisecond)
			defer beat.Stop()
			for range 10 {
				_, _ = io.WriteString(rw, ".")
				_ = http.NewResponseController(rw).Flush()
				<-beat.C
			}
		case "/header-too-long":
			rw.Header().Set("X", strings.Repeat("x", 32<<10))
		case "/upgrade":
			echoUpgrade(t, rw)
		}
	})
	one.Options.ReadTimeout, one.Options.NextTries = 250, 1
	r.Set(map[string]Route{"one.example.org": one})
	c := r.client(t)
	code, body := get(t, c, "https://one.example.org/header")
	require.Equal(t, 504, code, body)
	resp, err := c.Get("https://one.example.org/body")
	require.NoError(t, err)
	defer resp.Body.Close()
	begin := time.Now()
	_, err = io.ReadAll(resp.Body)
	require.Error(t, err)
	require.Less(t, time.Since(begin), patience/2)
	code, body = get(t, c, "https://one.example.org/long")
	require.Equal(t, []any{200, ".........."}, []any{code, body})
	code, _ = get(t, c, "https://one.example.org/header-too-long")
	require.Equal(t, 502, code)

	conn, in := r.upgrade(t, "one.example.org")
	beat := time.NewTicker(50 * time.Millisecond)
	defer beat.Stop()
	for range 10 { // what passes keeps it open
		_, err := conn.Write([]byte("ping\n"))
		require.NoError(t, err)
		line, err := in.ReadString('\n')
		require.NoError(t, err)
		require.Equal(t, "ping\n", line)
		<-beat.C // real time, as the timeout that must not strike
	}
	_, err = in.ReadByte()
	require.Error(t, err, "silence ends it")
	require.False(t, isTimeout(err), "%v", err)
}

// echoUpgrade switches to a protocol that sends lines back.
func echoUpgrade(t testing.TB, rw http.ResponseWriter) {
	conn, buf, err := http.NewResponseController(rw).Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close()
	_, _ = buf.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	_ = buf.Flush()
	_, _ = io.Copy(conn, buf)
}

// upgrade opens a connection that speaks another protocol after its handshake, as a WebSocket does.
func (r *rig) upgrade(t testing.TB, host string) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := tls.Dial("tcp", r.secure, &tls.Config{RootCAs: r.roots(t), ServerName: host, NextProtos: []string{"http/1.1"}})
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	require.NoError(t, conn.SetDeadline(time.Now().Add(patience)))
	_, err = io.WriteString(conn, "GET /upgrade HTTP/1.1\r\nHost: "+host+"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	require.NoError(t, err)
	in := bufio.NewReader(conn)
	resp, err := http.ReadResponse(in, nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusSwitchingProtocols, resp.StatusCode)
	return conn, in
}

// TestUpgradedConnectionsDieWithTheirLease, too, and count until then.
func TestUpgradedConnectionsDieWithTheirLease(t *testing.T) {
	r := start(t)
	r.Set(map[string]Route{"one.example.org": r.serve(t, "a/1", func(rw http.ResponseWriter, _ *http.Request) { echoUpgrade(t, rw) })})
	_, in := r.upgrade(t, "one.example.org")
	r.counts.mu.Lock()
	require.Equal(t, 1, r.counts.leases["a/1"].reqs)
	r.counts.mu.Unlock()
	r.Set(nil)
	_, err := in.ReadByte()
	require.Error(t, err)
	require.False(t, isTimeout(err), "%v", err)
	require.Eventually(t, func() bool { r.counts.mu.Lock(); defer r.counts.mu.Unlock(); return r.counts.reqs == 0 }, patience, 10*time.Millisecond)
}

// TestAStalledServiceIsGivenUp: send_timeout bounds how long it may take nothing of a request.
func TestAStalledServiceIsGivenUp(t *testing.T) {
	r := start(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close() // connections are accepted by the kernel, and nothing reads
	one := r.at("a/1", l.Addr().String())
	one.Options.SendTimeout, one.Options.MaxBody = 200, 100<<20
	r.Set(map[string]Route{"one.example.org": one})
	begin := time.Now()
	resp, err := r.client(t).Post("https://one.example.org/", "text/plain", io.LimitReader(endless{t.Context()}, 64<<20))
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, http.StatusGatewayTimeout, resp.StatusCode)
	require.Less(t, time.Since(begin), patience/2)
}

// TestNextReplica: which failures send a request to the next replica, and which requests go there.
func TestNextReplica(t *testing.T) {
	for _, tc := range []struct {
		name, method, body string
		cases              []string
		tries, timeout     uint32
		status             int // of the bad replica; 0 takes no connection, -1 closes it, -2 does not answer
		want               int // of the answer
		asked              int // how often the bad replica
	}{
		{"refused", "GET", "", []string{"error"}, 3, 0, 0, 200, 0},
		{"refused, with a body that was not sent", "POST", "body", []string{"error"}, 3, 0, 0, 200, 0},
		{"refused, off", "GET", "", []string{"off"}, 3, 0, 0, 502, 0},
		{"refused, one try", "GET", "", []string{"error"}, 1, 0, 0, 502, 0},
		{"closed", "GET", "", []string{"error"}, 3, 0, -1, 200, 1},
		{"closed, with an effect perhaps", "POST", "", []string{"error"}, 3, 0, -1, 502, 1},
		{"closed, with a body", "PUT", "body", []string{"error"}, 3, 0, -1, 502, 1},
		{"closed, for timeouts only", "GET", "", []string{"timeout"}, 3, 0, -1, 502, 1},
		{"silent", "GET", "", []string{"timeout"}, 3, 0, -2, 200, 1},
		{"silent, for errors only", "GET", "", []string{"error"}, 3, 0, -2, 504, 1},
		{"silent for longer than tries may last", "GET", "", []string{"timeout"}, 3, 100, -2, 504, 1},
		{"503", "GET", "", []string{"503"}, 3, 0, 503, 200, 1},
		{"404", "GET", "", []string{"404", "429"}, 3, 0, 404, 200, 1},
		{"503, for others", "GET", "", []string{"500", "502"}, 3, 0, 503, 503, 1},
		{"503, with an effect perhaps", "PATCH", "", []string{"503"}, 3, 0, 503, 503, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := start(t)
			var asked atomic.Int64
			bad := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
				asked.Add(1)
				switch tc.status {
				case -1:
					conn, _, err := http.NewResponseController(rw).Hijack()
					if err == nil {
						_ = conn.Close()
					}
				case -2:
					_, _ = io.Copy(io.Discard, req.Body)
					<-req.Context().Done()
				default:
					rw.WriteHeader(tc.status)
				}
			}))
			defer bad.Close()
			defer bad.CloseClientConnections()
			good := httptest.NewServer(says("good"))
			defer good.Close()
			defer good.CloseClientConnections()
			at := bad.Listener.Addr().String()
			if tc.status == 0 {
				at = "127.0.0.1:1"
			}
			one := r.at("a/1", at, good.Listener.Addr().String())
			one.Options.NextCases, one.Options.NextTries, one.Options.NextTimeout, one.Options.ReadTimeout = tc.cases, tc.tries, tc.timeout, 150
			r.Set(map[string]Route{"one.example.org": one})
			r.site("one.example.org").backend.next.Store(^uint32(1)) // the bad one is first
			req, err := http.NewRequest(tc.method, "https://one.example.org/", strings.NewReader(tc.body))
			require.NoError(t, err)
			c := r.client(t)
			resp, err := c.Do(req)
			require.NoError(t, err)
			defer resp.Body.Close()
			require.Equal(t, tc.want, resp.StatusCode)
			require.Equal(t, tc.asked, int(asked.Load()))
		})
	}
}

// TestReplicasTakeTurns, and tries are bounded whatever a tenant says.
func TestReplicasTakeTurns(t *testing.T) {
	r := start(t)
	servers := make([]string, 3)
	for i := range servers {
		s := httptest.NewServer(says(fmt.Sprint(i)))
		defer s.Close()
		defer s.CloseClientConnections()
		servers[i] = s.Listener.Addr().String()
	}
	r.Set(map[string]Route{"one.example.org": r.at("a/1", servers...)})
	c := r.client(t)
	seen := map[string]int{}
	for range 9 {
		_, body := get(t, c, "https://one.example.org/")
		seen[body]++
	}
	require.Equal(t, map[string]int{"0": 3, "1": 3, "2": 3}, seen)

	dead := r.at("b/1", "127.0.0.1:1")
	dead.Options.NextTries = 1 << 31
	r.Set(map[string]Route{"two.example.org": dead})
	r.dialled = nil
	code, _ := get(t, c, "https://two.example.org/")
	require.Equal(t, 502, code)
	require.Len(t, r.dialled, maxTries)
}

func TestServiceThatDoesNotRun(t *testing.T) {
	r := start(t)
	route := r.at("a/1", "127.0.0.1:1")
	clear(r.services)
	route.Options.NextTries = 1
	r.Set(map[string]Route{"one.example.org": route})
	code, body := get(t, r.client(t), "https://one.example.org/")
	require.Equal(t, 503, code)
	require.Contains(t, body, "does not run")
}

// TestHTTP2AndGRPC: to the ingress with HTTP/2, to the service with HTTP/1, and with HTTP/2 for gRPC: calls, streams, errors in trailers.
func TestHTTP2AndGRPC(t *testing.T) {
	r := start(t)
	var proto string
	r.Set(map[string]Route{"one.example.org": r.serve(t, "a/1", func(_ http.ResponseWriter, req *http.Request) { proto = req.Proto })})
	resp, err := r.client(t).Get("https://one.example.org/")
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, []string{"HTTP/2.0", "HTTP/1.1"}, []string{resp.Proto, proto})

	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	service, state := grpc.NewServer(), health.NewServer()
	grpc_health_v1.RegisterHealthServer(service, state)
	go func() { _ = service.Serve(l) }()
	defer service.Stop()
	r.Set(map[string]Route{"grpc.example.org": r.at("b/1", l.Addr().String())})
	conn, err := grpc.NewClient("passthrough:///"+r.secure, grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{RootCAs: r.roots(t), ServerName: "grpc.example.org"})), grpc.WithAuthority("grpc.example.org"))
	require.NoError(t, err)
	defer conn.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c := grpc_health_v1.NewHealthClient(conn)
	answer, err := c.Check(ctx, &grpc_health_v1.HealthCheckRequest{})
	require.NoError(t, err)
	require.Equal(t, grpc_health_v1.HealthCheckResponse_SERVING, answer.Status)
	for range 100 { // an error's status is lost one time in fifty where a timer flushes its head
		_, err = c.Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: "none"})
		require.ErrorContains(t, err, "NotFound")
	}
	stream, err := c.Watch(ctx, &grpc_health_v1.HealthCheckRequest{})
	require.NoError(t, err)
	for _, want := range []grpc_health_v1.HealthCheckResponse_ServingStatus{1, 2} {
		got, err := stream.Recv()
		require.NoError(t, err)
		require.Equal(t, want, got.Status)
		state.Shutdown()
	}
}
