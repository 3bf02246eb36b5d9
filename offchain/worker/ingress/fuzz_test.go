// SPDX-License-Identifier: Apache-2.0

package ingress

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/offchain/manifest"
	"github.com/athnet/ath/offchain/worker/hostname"
	"github.com/athnet/ath/offchain/worker/runtime"
)

// FuzzHello: a handshake is for a site, or refused; no name makes the ingress make a certificate for another.
func FuzzHello(f *testing.F) {
	g, err := New(Config{Key: workerKey, Log: slog.New(slog.DiscardHandler)})
	require.NoError(f, err)
	route := Route{Lease: "a/1", Service: "web", Targets: []Target{{}}, Options: manifest.DefaultHTTP()}
	g.Set(map[string]Route{"one.example.org": route, "*.wild.example.org": route})
	f.Add("one.example.org")
	f.Add("x.wild.example.org")
	f.Add("..wild.example.org")
	f.Fuzz(func(t *testing.T, sni string) {
		one := &conn{counts: g.counts, Conn: nowhere{}}
		defer one.Close()
		h := &tls.ClientHelloInfo{ServerName: sni, Conn: one}
		g.counts.conns++ // what Accept does
		if _, err := g.hello(h); err != nil {
			require.Empty(t, one.lease)
			return
		}
		require.Equal(t, "a/1", one.lease)
		cert, err := g.certificate(h)
		require.NoError(t, err)
		name, err := hostname.Parse(sni)
		require.NoError(t, err)
		require.NoError(t, cert.Leaf.VerifyHostname(name))
		require.Contains(t, []string{"one.example.org", "*.wild.example.org"}, cert.Leaf.DNSNames[0])
	})
}

// FuzzRequest: whatever a request says, it reaches its site's own instance or nothing, under the name that it gave.
func FuzzRequest(f *testing.F) {
	errStop := errors.New("stop")
	own := Target{Key: runtime.Key{Lease: "a/1", Service: "web"}, Port: 80}
	var dialled []Target
	g, err := New(Config{Key: workerKey, Log: slog.New(slog.DiscardHandler), Dial: func(_ context.Context, t Target) (net.Conn, error) {
		dialled = append(dialled, t)
		return nil, errStop
	}})
	require.NoError(f, err)
	options := manifest.DefaultHTTP()
	options.NextTries = 1
	g.Set(map[string]Route{"one.example.org": {Lease: "a/1", Service: "web", Targets: []Target{own}, Options: options}})
	handler := g.handler(false)
	for _, s := range []string{
		"GET / HTTP/1.1\r\nHost: one.example.org\r\n\r\n", "GET http://127.0.0.1/ HTTP/1.1\r\nHost: one.example.org\r\n\r\n",
		"CONNECT one.example.org:80 HTTP/1.1\r\nHost: one.example.org\r\n\r\n", "POST //x/ HTTP/1.1\r\nHost: ONE.example.org:1\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
		"OPTIONS * HTTP/1.1\r\nHost: one.example.org\r\n\r\n", "GET /%00 HTTP/1.0\r\nHost: one.example.org.\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		dialled = nil
		req, err := http.ReadRequest(bufio.NewReader(strings.NewReader(s)))
		if err != nil {
			return
		}
		req.RemoteAddr = "192.0.2.1:1"
		rec := httptest.NewRecorder()
		handler.ServeHTTP(patient{rec}, req)
		require.GreaterOrEqual(t, rec.Code, 400)
		for _, d := range dialled {
			require.Equal(t, own, d)
			name, err := hostname.Parse(req.Host)
			require.NoError(t, err)
			require.Equal(t, "one.example.org", name)
		}
		require.NotContains(t, rec.Body.String(), "stop", "what goes wrong inside is not told outside")
	})
}

// patient is a recorder with deadlines.
type patient struct{ *httptest.ResponseRecorder }

func (patient) SetReadDeadline(time.Time) error { return nil }
