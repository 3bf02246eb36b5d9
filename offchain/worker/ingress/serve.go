// SPDX-License-Identifier: Apache-2.0

package ingress

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"strconv"
	"sync"
	"time"

	"github.com/athnet/ath/offchain/daemon"
	"github.com/athnet/ath/offchain/worker/hostname"
	"github.com/athnet/ath/offchain/worker/runtime"
)

const (
	// maxRequestHeader bounds a request's header in bytes.
	maxRequestHeader = 64 << 10
	// maxStreams is how many requests of one HTTP/2 connection are under way at a time.
	maxStreams = 100
	// stopTime is what requests have that are under way when the worker stops.
	stopTime = 2 * time.Second
)

// Actors serve a TLS listener and, where it is not nil, a plain one, until they are stopped; what is under way then ends. They own the listeners.
func (g *Ingress) Actors(secure, plain net.Listener) []daemon.Actor {
	actors := []daemon.Actor{
		{Name: "ingress " + secure.Addr().String(), Run: func(ctx context.Context) error { return g.serve(ctx, secure, true) }},
		{Name: "ingress certificate", Run: g.watchPair},
	}
	if plain != nil {
		actors = append(actors, daemon.Actor{Name: "ingress " + plain.Addr().String(), Run: func(ctx context.Context) error { return g.serve(ctx, plain, false) }})
	}
	return actors
}

func (g *Ingress) watchPair(ctx context.Context) error {
	t := time.NewTicker(pairPause)
	defer t.Stop()
	for {
		if err := g.pair.look(); g.warn != nil {
			g.warn(err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-t.C:
		}
	}
}

func (g *Ingress) serve(ctx context.Context, l net.Listener, secure bool) error {
	base, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	srv := &http.Server{
		Handler: g.handler(secure), ReadHeaderTimeout: g.counts.limits.header, IdleTimeout: g.counts.limits.keep, MaxHeaderBytes: maxRequestHeader,
		BaseContext:                  func(net.Listener) context.Context { return base },
		ErrorLog:                     log.New(io.Discard, "", 0), // strangers' mistakes
		DisableGeneralOptionsHandler: true,
		Protocols:                    new(http.Protocols),
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: maxStreams, SendPingTimeout: 30 * time.Second, PingTimeout: 15 * time.Second, WriteByteTimeout: g.counts.limits.stall,
			MaxReceiveBufferPerConnection: 1 << 20, MaxReceiveBufferPerStream: 256 << 10,
		},
		TLSConfig: &tls.Config{MinVersion: tls.VersionTLS12, GetConfigForClient: g.hello, GetCertificate: g.certificate},
	}
	srv.Protocols.SetHTTP1(true)
	srv.Protocols.SetHTTP2(secure)
	l = &listener{Listener: l, counts: g.counts, refused: g.refused}
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		cancel()
		grace, done := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
		defer done()
		if err := srv.Shutdown(grace); err != nil {
			stopped <- srv.Close()
			return
		}
		stopped <- nil
	})
	start := srv.Serve
	if secure {
		start = func(l net.Listener) error { return srv.ServeTLS(l, "", "") }
	}
	err := start(l)
	if !errors.Is(err, http.ErrServerClosed) {
		stop()
		return err
	}
	return errors.Join(ctx.Err(), <-stopped)
}

// handler passes requests on. secure says that they came over TLS.
func (g *Ingress) handler(secure bool) http.Handler {
	port := "80"
	if secure {
		port = "443"
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = "http", "service" // the backend knows where that is
			r.Out.URL.RawQuery = r.In.URL.RawQuery               // as it came: the service reads it, nobody here does
			r.SetXForwarded()
			r.Out.Header.Set("X-Forwarded-Port", port)
			r.Out.Header.Set("X-Real-Ip", address(r.In.RemoteAddr))
		},
		// No FlushInterval: what has no length is flushed at once anyway. With -1, a timer may send the head of an answer before its empty
		// body has ended, and a gRPC error, whose status is in the head of a stream that ends with it, arrives as a stream without a status.
		Transport:    transport{},
		BufferPool:   buffers,
		ErrorLog:     log.New(io.Discard, "", 0),
		ErrorHandler: g.failed,
	}
	return http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
		rec := &recorder{ResponseWriter: rw}
		defer func() { g.requests.WithLabelValues(strconv.Itoa(rec.status()/100) + "xx").Inc() }()
		in := &body{ReadCloser: req.Body, ctl: http.NewResponseController(rw), pause: g.counts.limits.body}
		if whole := req.Body == nil || req.Body == http.NoBody; !whole && in.wait() != nil { // also of those that are turned away: the server reads their rest
			return
		}
		s, code, text := g.admit(req, secure)
		if s == nil {
			refuse(rec, code, text)
			return
		}
		if !g.counts.begin(s.route.Lease) {
			rec.Header().Set("Retry-After", "1")
			refuse(rec, http.StatusServiceUnavailable, "too many requests are under way")
			return
		}
		defer g.counts.end(s.route.Lease)
		most := int64(s.route.Options.MaxBody)
		if req.ContentLength > most {
			refuse(rec, http.StatusRequestEntityTooLarge, "the request is longer than the service takes")
			return
		}
		ctx, cancel := context.WithCancel(context.WithValue(req.Context(), siteKey{}, s))
		defer cancel()
		defer context.AfterFunc(s.ctx, cancel)()
		req = req.WithContext(ctx)
		if req.Body != nil && req.Body != http.NoBody {
			in.ReadCloser = http.MaxBytesReader(rw, req.Body, most)
			req.Body = in
			defer in.end()
		}
		proxy.ServeHTTP(rec, req)
	})
}

// admit finds the site that a request is for, or says why there is none.
func (g *Ingress) admit(req *http.Request, secure bool) (*site, int, string) {
	name, err := hostname.Parse(req.Host)
	switch {
	case err != nil:
		return nil, http.StatusBadRequest, "the request names no host that could be here"
	case req.Method == http.MethodConnect || req.URL.Path == "" || req.URL.Path[0] != '/':
		return nil, http.StatusBadRequest, "the request is not for a path"
	case secure:
		// A connection is one site's: what it may do was decided by the name that it began with.
		if sni, err := hostname.Parse(req.TLS.ServerName); err != nil || sni != name {
			return nil, http.StatusMisdirectedRequest, "the connection was made for another host"
		}
	}
	s := g.site(name)
	if s == nil {
		return nil, http.StatusNotFound, "no lease has this name"
	}
	return s, 0, ""
}

type siteKey struct{}

// transport hands a request to its site's backend.
type transport struct{}

func (transport) RoundTrip(req *http.Request) (*http.Response, error) {
	return req.Context().Value(siteKey{}).(*site).backend.RoundTrip(req)
}

// failed answers for a service that did not.
func (g *Ingress) failed(rw http.ResponseWriter, req *http.Request, err error) {
	var long *http.MaxBytesError
	var network net.Error
	code, text := http.StatusBadGateway, "the service does not answer"
	switch {
	case errors.As(err, &long):
		code, text = http.StatusRequestEntityTooLarge, "the request is longer than the service takes"
	case req.Context().Value(siteKey{}).(*site).ctx.Err() != nil:
		code, text = http.StatusServiceUnavailable, "the service has gone"
	case errors.Is(err, errSlow), req.Context().Err() != nil:
		code, text = http.StatusRequestTimeout, "the request was not finished in time"
	case errors.Is(err, runtime.ErrNotRunning), errors.Is(err, runtime.ErrNotFound):
		code, text = http.StatusServiceUnavailable, "the service does not run"
	case errors.As(err, &network) && network.Timeout(), errors.Is(err, context.DeadlineExceeded):
		code, text = http.StatusGatewayTimeout, "the service takes too long"
	}
	g.log.Debug("a request through the ingress failed", "host", req.Host, "code", code, "err", err)
	refuse(rw, code, text)
}

// refuse answers in the ingress's own words; nothing of the request is in them.
func refuse(rw http.ResponseWriter, code int, text string) {
	rw.Header().Set("X-Ath-Ingress", text)
	http.Error(rw, strconv.Itoa(code)+": "+text, code)
}

func address(remote string) string {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		return remote
	}
	return host
}

// errSlow: a client sent nothing of its body for too long.
var errSlow = errors.New("the request's body comes too slowly")

// body bounds how long a client may keep a request waiting for the rest of it.
type body struct {
	io.ReadCloser
	ctl   *http.ResponseController
	pause time.Duration

	mu    sync.Mutex
	ended bool
}

func (b *body) wait() error { return b.deadline(time.Now().Add(b.pause)) }

// deadline does nothing once the handler has returned: a transport may read on for a moment when a service answers before it has the
// whole request, and with HTTP/2 the controller of a request that has ended panics.
func (b *body) deadline(t time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended {
		return net.ErrClosed
	}
	return b.ctl.SetReadDeadline(t)
}

// end is called before the handler returns.
func (b *body) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = true
}

func (b *body) Read(p []byte) (int, error) {
	if err := b.wait(); err != nil {
		return 0, err
	}
	n, err := b.ReadCloser.Read(p)
	var network net.Error
	if errors.As(err, &network) && network.Timeout() {
		return n, errSlow
	}
	if err != nil && b.deadline(time.Time{}) != nil { // what follows on the connection has times of its own
		return n, net.ErrClosed
	}
	return n, err
}

// recorder remembers the status for the metrics.
type recorder struct {
	http.ResponseWriter
	code int
}

func (r *recorder) WriteHeader(code int) {
	if code >= 200 || code == http.StatusSwitchingProtocols {
		r.code = code
	}
	r.ResponseWriter.WriteHeader(code)
}

func (r *recorder) status() int {
	if r.code == 0 {
		return http.StatusOK
	}
	return r.code
}

// Unwrap lets http.ResponseController flush and take over the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// buffers are what bodies are copied with.
var buffers = pool{&sync.Pool{New: func() any { b := make([]byte, 32<<10); return &b }}}

type pool struct{ *sync.Pool }

func (p pool) Get() []byte  { return *p.Pool.Get().(*[]byte) }
func (p pool) Put(b []byte) { p.Pool.Put(&b) }
