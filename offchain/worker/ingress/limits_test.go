// SPDX-License-Identifier: Apache-2.0

package ingress

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func with(edit func(*limits)) func(*Ingress) {
	return func(g *Ingress) { edit(&g.counts.limits) }
}

// held is a service that answers when it is let, and says how many requests have come.
func held() (http.HandlerFunc, chan struct{}, func()) {
	came, release := make(chan struct{}, 100), make(chan struct{})
	return func(rw http.ResponseWriter, req *http.Request) {
		came <- struct{}{}
		select {
		case <-release:
		case <-req.Context().Done():
		}
		_, _ = io.WriteString(rw, "at last")
	}, came, func() { close(release) }
}

// TestOneLeaseLeavesRoomForOthers: requests and connections of a lease are bounded below those of the ingress.
func TestOneLeaseLeavesRoomForOthers(t *testing.T) {
	r := start(t, with(func(l *limits) { l.leaseReqs, l.requests, l.leaseConns = 2, 3, 4 }))
	slow, came, release := held()
	r.Set(map[string]Route{"one.example.org": r.serve(t, "a/1", slow), "also.one.example.org": r.serve(t, "a/1", slow), "two.example.org": r.serve(t, "b/1", says("two"))})
	one := r.client(t)
	done := make(chan int, 2)
	for range 2 {
		go func() {
			code, _ := get(t, one, "https://one.example.org/")
			done <- code
		}()
	}
	<-came
	<-came
	resp, err := one.Get("https://also.one.example.org/")
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, []any{503, "1"}, []any{resp.StatusCode, resp.Header.Get("Retry-After")}, "a lease's requests count together, whatever its name")
	for range 3 { // one after the other: each has gone before the next
		code, body := get(t, r.client(t), "https://two.example.org/")
		require.Equal(t, []any{200, "two"}, []any{code, body})
	}
	release()
	require.Equal(t, []int{200, 200}, []int{<-done, <-done})

	dial := func(name string) error {
		c, err := tls.Dial("tcp", r.secure, &tls.Config{RootCAs: r.roots(t), ServerName: name})
		if err == nil {
			t.Cleanup(func() { _ = c.Close() })
		}
		return err
	}
	var refused error
	for range 5 {
		refused = dial("one.example.org")
	}
	require.Error(t, refused, "the lease's connections are taken")
	require.NoError(t, dial("two.example.org"))
}

// TestOneClientLeavesRoomForOthers: connections of one address, open and new, and of all.
func TestOneClientLeavesRoomForOthers(t *testing.T) {
	accepted := func(t *testing.T, edit func(*limits), n int) int {
		r := start(t, with(edit))
		r.Set(map[string]Route{"one.example.org": r.serve(t, "a/1", says("one"))})
		taken := 0
		for range n {
			conn, err := net.Dial("tcp", r.plain)
			require.NoError(t, err)
			t.Cleanup(func() { _ = conn.Close() })
			require.NoError(t, conn.SetDeadline(time.Now().Add(patience)))
			_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: one.example.org\r\n\r\n")
			if _, err := http.ReadResponse(bufio.NewReader(conn), nil); err == nil {
				taken++
			}
		}
		return taken
	}
	require.Equal(t, 3, accepted(t, func(l *limits) { l.addressConns = 3 }, 5))
	require.Equal(t, 4, accepted(t, func(l *limits) { l.conns = 4 }, 6))
	require.Equal(t, 2, accepted(t, func(l *limits) { l.addressRate, l.addressBurst = 0, 2 }, 5))
}

// TestCountsForget: memory does not grow with the number of clients and leases that came and went.
func TestCountsForget(t *testing.T) {
	l := defaultLimits
	l.addresses = 10
	c := newCounts(l)
	for i := range 1000 {
		addr := &net.TCPAddr{IP: net.IPv4(10, 0, byte(i>>8), byte(i)), Port: 1}
		require.NoError(t, c.connect(prefix(addr)))
		one := &conn{counts: c, from: prefix(addr), Conn: nowhere{}}
		require.NoError(t, one.bind("a/1"))
		require.True(t, c.begin("a/1"))
		c.end("a/1")
		require.NoError(t, one.Close())
		require.NoError(t, one.Close())
		require.ErrorIs(t, one.bind("a/1"), net.ErrClosed)
	}
	require.LessOrEqual(t, len(c.sources), 10)
	require.Empty(t, c.leases)
	require.Zero(t, c.conns+c.reqs)
	six := func(s string) *net.TCPAddr { return &net.TCPAddr{IP: net.ParseIP(s), Port: 1} }
	require.Equal(t, prefix(six("2001:db8::1")), prefix(six("2001:db8::ffff:2")), "a v6 network counts as one")
}

type nowhere struct{ net.Conn }

func (nowhere) Close() error { return nil }

// TestSlowClients: a header, a body, or the rest of a refused body that does not come, and an answer that is not read.
func TestSlowClients(t *testing.T) {
	r := start(t, with(func(l *limits) {
		l.header, l.body, l.keep, l.stall = 200*time.Millisecond, 200*time.Millisecond, 300*time.Millisecond, 300*time.Millisecond
	}))
	gone := make(chan struct{}, 1)
	one := r.serve(t, "a/1", func(rw http.ResponseWriter, req *http.Request) {
		if req.URL.Path == "/flood" {
			for block := make([]byte, 64<<10); ; {
				if _, err := rw.Write(block); err != nil {
					gone <- struct{}{}
					return
				}
			}
		}
		_, _ = io.Copy(rw, req.Body)
	})
	r.Set(map[string]Route{"one.example.org": one})
	for name, said := range map[string]string{
		"nothing":                "",
		"half a header":          "GET / HTTP/1.1\r\nHost: one.exa",
		"a header in small bits": "GET / HTTP/1.1\r\n",
		"no next request":        "GET / HTTP/1.1\r\nHost: one.example.org\r\n\r\n",
		"half a body":            "POST / HTTP/1.1\r\nHost: one.example.org\r\nContent-Length: 10\r\n\r\nhalf",
		"no body":                "POST / HTTP/1.1\r\nHost: one.example.org\r\nTransfer-Encoding: chunked\r\n\r\n",
		"no body, refused":       "POST / HTTP/1.1\r\nHost: two.example.org\r\nContent-Length: 10\r\n\r\n",
	} {
		begin := time.Now()
		answer := r.raw(t, said)
		require.Less(t, time.Since(begin), patience/2, name)
		if strings.HasPrefix(said, "POST") && strings.Contains(said, "one") {
			require.Contains(t, answer, "408", name)
		}
	}
	// No handshake.
	conn, err := net.Dial("tcp", r.secure)
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.SetDeadline(time.Now().Add(patience)))
	_, err = conn.Read(make([]byte, 1))
	require.Error(t, err)
	require.False(t, isTimeout(err), "%v", err)
	// An answer that nobody reads.
	other, err := net.Dial("tcp", r.plain)
	require.NoError(t, err)
	defer other.Close()
	_, err = io.WriteString(other, "GET /flood HTTP/1.1\r\nHost: one.example.org\r\n\r\n")
	require.NoError(t, err)
	select {
	case <-gone:
	case <-time.After(patience):
		t.Fatal("the ingress waits for a client that reads nothing")
	}
}
