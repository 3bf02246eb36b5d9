// SPDX-License-Identifier: Apache-2.0

package ingress

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/athnet/ath/offchain/manifest"
	"github.com/athnet/ath/offchain/worker/runtime"
)

const (
	// dialTime is what a connection to a service may take.
	dialTime = 10 * time.Second
	// maxTries bounds next_tries: each is a request to the tenant's service, made by this machine.
	maxTries = 10
	// roundPause is between two rounds over all replicas: a service that is being started takes no connection yet.
	roundPause = 100 * time.Millisecond
	// idleConns and idleTime bound what is kept open to a replica for the next request.
	idleConns, idleTime = 32, 30 * time.Second
)

// Target is a port of an instance.
type Target struct {
	Key  runtime.Key
	Port uint16
}

// Dial connects to a target.
type Dial func(ctx context.Context, t Target) (net.Conn, error)

// dialError is a request's that reached no service: nothing of it was sent.
type dialError struct{ error }

func (e dialError) Unwrap() error { return e.error }

// backend is one service: its replicas, and how requests are passed on to them.
type backend struct {
	options manifest.HTTP
	paths   []path // one for each replica
	next    atomic.Uint32
}

// path leads to one replica; over HTTP/2 without TLS for gRPC, which knows nothing else.
type path struct{ plain, grpc *http.Transport }

func newBackend(dial Dial, targets []Target, options manifest.HTTP) *backend {
	b := &backend{options: options}
	for _, t := range targets {
		// The address that a transport is asked for says nothing here: there is one place to go to.
		connect := func(ctx context.Context, _, _ string) (net.Conn, error) {
			ctx, cancel := context.WithTimeout(ctx, dialTime)
			defer cancel()
			c, err := dial(ctx, t)
			if err != nil {
				return nil, dialError{err}
			}
			return &upstream{Conn: c, send: milliseconds(options.SendTimeout)}, nil
		}
		transport := func() *http.Transport {
			return &http.Transport{
				DialContext: connect, DisableCompression: true, MaxIdleConnsPerHost: idleConns, IdleConnTimeout: idleTime,
				ResponseHeaderTimeout: milliseconds(options.ReadTimeout), ExpectContinueTimeout: time.Second,
				MaxResponseHeaderBytes: int64(options.MaxHeader), Protocols: new(http.Protocols),
			}
		}
		p := path{plain: transport(), grpc: transport()}
		p.plain.Protocols.SetHTTP1(true)
		p.grpc.Protocols.SetUnencryptedHTTP2(true)
		b.paths = append(b.paths, p)
	}
	return b
}

func milliseconds(n uint32) time.Duration { return time.Duration(n) * time.Millisecond }

func (b *backend) close() {
	for _, p := range b.paths {
		p.plain.CloseIdleConnections()
		p.grpc.CloseIdleConnections()
	}
}

// upstream is a connection to a service, which may take nothing for a while only.
type upstream struct {
	net.Conn
	send time.Duration
}

func (u *upstream) Write(b []byte) (int, error) {
	if err := u.SetWriteDeadline(time.Now().Add(u.send)); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return 0, err
	}
	return u.Conn.Write(b)
}

// CloseWrite passes on the end of one direction of an upgraded connection.
func (u *upstream) CloseWrite() error {
	if one, ok := u.Conn.(interface{ CloseWrite() error }); ok {
		return one.CloseWrite()
	}
	return nil
}

// errSilent: a service sent nothing for its read_timeout.
var errSilent = errors.New("the service sends nothing")

// RoundTrip passes a request on to a replica, and to the next ones as the options say.
func (b *backend) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	out := req.WithContext(ctx)
	if out.Body != nil {
		out.Body = io.NopCloser(out.Body) // a try that fails must not close it for the next
	}
	begin, first := time.Now(), int(b.next.Add(1))
	for try := 1; ; try++ {
		p := b.paths[(first+try)%len(b.paths)]
		transport := p.plain
		if isGRPC(req) {
			transport = p.grpc
		}
		resp, err := transport.RoundTrip(out)
		if b.again(req, resp, err, try, time.Since(begin)) && b.wait(ctx, try) {
			if resp != nil {
				_ = resp.Body.Close() // what it says is not wanted
			}
			continue
		}
		if err != nil {
			cancel(nil)
			return nil, err
		}
		resp.Body = newPaced(resp.Body, milliseconds(b.options.ReadTimeout), cancel)
		return resp, nil
	}
}

func isGRPC(req *http.Request) bool {
	return req.ProtoMajor == 2 && strings.HasPrefix(req.Header.Get("Content-Type"), "application/grpc")
}

// again says whether another replica is to be tried, as nginx does by the same options: never with a request that may have had an
// effect, or whose body has begun to be sent.
func (b *backend) again(req *http.Request, resp *http.Response, err error, try int, since time.Duration) bool {
	o := b.options
	if try >= int(min(o.NextTries, maxTries)) || o.NextTimeout > 0 && since >= milliseconds(o.NextTimeout) || req.Context().Err() != nil {
		return false
	}
	var network net.Error
	var unsent dialError
	what := "error"
	switch {
	case err == nil:
		what = strconv.Itoa(resp.StatusCode)
	case errors.As(err, &network) && network.Timeout(), errors.Is(err, context.DeadlineExceeded):
		what = "timeout"
	}
	if !slices.Contains(o.NextCases, what) {
		return false
	}
	if errors.As(err, &unsent) {
		return true
	}
	switch req.Method {
	case http.MethodPost, http.MethodPatch, "LOCK":
		return false
	}
	return req.Body == nil || req.Body == http.NoBody
}

// wait holds a try back when all replicas have had theirs.
func (b *backend) wait(ctx context.Context, try int) bool {
	if try%len(b.paths) != 0 {
		return true
	}
	t := time.NewTimer(roundPause)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// paced is an answer's body that ends when a read of it brings nothing for too long. A client that takes its time is not the service's fault.
type paced struct {
	io.ReadCloser
	limit  time.Duration
	cancel context.CancelCauseFunc

	mu      sync.Mutex
	timer   *time.Timer
	reading bool
}

// pacedDuplex is an upgraded connection; what passes either way counts.
type pacedDuplex struct {
	*paced
	io.Writer
}

func newPaced(body io.ReadCloser, limit time.Duration, cancel context.CancelCauseFunc) io.ReadCloser {
	p := &paced{ReadCloser: body, limit: limit, cancel: cancel}
	p.timer = time.AfterFunc(limit, p.expire)
	p.timer.Stop()
	if w, ok := body.(io.Writer); ok {
		return pacedDuplex{p, w}
	}
	return p
}

func (p *paced) expire() {
	p.cancel(errSilent)
	_ = p.ReadCloser.Close() // an upgraded connection does not hear of the context
}

// watch says whether a read is under way.
func (p *paced) watch(reading bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reading = reading
	if reading {
		p.timer.Reset(p.limit)
	} else {
		p.timer.Stop()
	}
}

func (p *paced) Read(b []byte) (int, error) {
	p.watch(true)
	defer p.watch(false)
	return p.ReadCloser.Read(b)
}

func (p *paced) Close() error {
	p.watch(false)
	err := p.ReadCloser.Close()
	p.cancel(nil)
	return err
}

func (d pacedDuplex) Write(b []byte) (int, error) {
	n, err := d.Writer.Write(b)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.reading && n > 0 {
		d.timer.Reset(d.limit)
	}
	return n, err
}

// CloseWrite passes on the end of one direction.
func (d pacedDuplex) CloseWrite() error {
	if one, ok := d.Writer.(interface{ CloseWrite() error }); ok {
		return one.CloseWrite()
	}
	return errors.ErrUnsupported
}
