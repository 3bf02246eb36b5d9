// SPDX-License-Identifier: Apache-2.0

package api

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/cosmos/gogoproto/jsonpb"

	"github.com/athnet/ath/offchain/access"
	"github.com/athnet/ath/offchain/manifest"
	leasetypes "github.com/athnet/ath/x/leases/types"
)

// Client talks to one worker: the holder of the key that is on chain for its Container.
type Client struct {
	base  string
	token string
	http  *http.Client
}

// NewClient talks to endpoint (host:port) pinned to workerKey. The token is the value of an Authorization header as of
// access.Mint; it may be empty for probes.
func NewClient(endpoint string, workerKey []byte, token string) *Client {
	dialer := net.Dialer{Timeout: 10 * time.Second}
	return &Client{base: "https://" + endpoint, token: token, http: &http.Client{Transport: &http.Transport{
		DialContext:           dialer.DialContext,
		TLSClientConfig:       access.PinnedTLS(workerKey),
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: 30 * time.Second,
		ForceAttemptHTTP2:     true,
		// A worker that vanished without a word is noticed.
		HTTP2: &http.HTTP2Config{SendPingTimeout: 20 * time.Second, PingTimeout: 15 * time.Second},
	}}}
}

// Close drops idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// PutManifest hands in the canonical form of a manifest. It may be called before the lease is there, and again.
func (c *Client) PutManifest(ctx context.Context, canonical []byte) error {
	return c.put(ctx, canonical, "")
}

// PutManifestFor hands in what a lease ("tenant/number") is to run next: refused where it could not, and nothing changes.
func (c *Client) PutManifestFor(ctx context.Context, lease string, canonical []byte) error {
	return c.put(ctx, canonical, "?lease="+url.QueryEscape(lease))
}

func (c *Client) put(ctx context.Context, canonical []byte, query string) error {
	body, err := c.do(ctx, http.MethodPut, "/v1/manifests/"+hex.EncodeToString(manifest.Hash(canonical))+query, canonical)
	if err != nil {
		return err
	}
	return body.Close()
}

// Manifest returns the canonical form of what a lease ("tenant/number") is to run.
func (c *Client) Manifest(ctx context.Context, lease string) ([]byte, error) {
	body, err := c.do(ctx, http.MethodGet, "/v1/leases/"+lease+"/manifest", nil)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return io.ReadAll(io.LimitReader(body, manifest.MaxBytes))
}

// Status returns what the worker knows of a lease ("tenant/number").
func (c *Client) Status(ctx context.Context, lease string) (Status, error) {
	body, err := c.do(ctx, http.MethodGet, "/v1/leases/"+lease+"/status", nil)
	if err != nil {
		return Status{}, err
	}
	defer body.Close()
	var s Status
	if err := json.NewDecoder(io.LimitReader(body, 1<<20)).Decode(&s); err != nil {
		return Status{}, fmt.Errorf("decode status of lease %s: %w", lease, err)
	}
	return s, nil
}

// Statement returns what the worker signs of a lease's end, if it ends now, or has ended. Who asks checks it.
func (c *Client) Statement(ctx context.Context, lease string) (leasetypes.WorkerStatement, error) {
	body, err := c.do(ctx, http.MethodGet, "/v1/leases/"+lease+"/statement", nil)
	if err != nil {
		return leasetypes.WorkerStatement{}, err
	}
	defer body.Close()
	var s leasetypes.WorkerStatement
	if err := jsonpb.Unmarshal(io.LimitReader(body, 64<<10), &s); err != nil {
		return s, fmt.Errorf("decode the worker's statement on lease %s: %w", lease, err)
	}
	return s, nil
}

// PutCertificate hands in a certificate for a host name of a lease; nil takes it back.
func (c *Client) PutCertificate(ctx context.Context, lease, host string, cert *Certificate) error {
	path, method, payload := "/v1/leases/"+lease+"/certificates/"+url.PathEscape(host), http.MethodDelete, []byte(nil)
	if cert != nil {
		var err error
		if payload, err = json.Marshal(cert); err != nil {
			return fmt.Errorf("encode certificate: %w", err)
		}
		method = http.MethodPut
	}
	body, err := c.do(ctx, method, path, payload)
	if err != nil {
		return err
	}
	return body.Close()
}

// Metrics returns what a lease uses now.
func (c *Client) Metrics(ctx context.Context, lease string) (Metrics, error) {
	body, err := c.do(ctx, http.MethodGet, "/v1/leases/"+lease+"/metrics?format=json", nil)
	if err != nil {
		return Metrics{}, err
	}
	defer body.Close()
	var m Metrics
	if err := json.NewDecoder(io.LimitReader(body, 1<<20)).Decode(&m); err != nil {
		return Metrics{}, fmt.Errorf("decode metrics of lease %s: %w", lease, err)
	}
	return m, nil
}

// LogOptions choose what of the output is wanted.
type LogOptions struct {
	Service string    // the only one where empty
	Follow  bool      // go on until the service ends for good
	Tail    int       // last lines only; all where 0
	Since   time.Time // not before
	Cursor  string    // behind this line
}

// silence is how long a stream may say nothing: the worker shows every 15 s that it is there.
const silence = time.Minute

// Logs streams the output of a service as text; the caller closes it.
func (c *Client) Logs(ctx context.Context, lease string, o LogOptions) (io.ReadCloser, error) {
	return c.do(ctx, http.MethodGet, "/v1/leases/"+lease+"/logs?"+o.query().Encode(), nil)
}

func (o LogOptions) query() url.Values {
	q := url.Values{}
	if o.Service != "" {
		q.Set("service", o.Service)
	}
	if o.Follow {
		q.Set("follow", "1")
	}
	if o.Tail > 0 {
		q.Set("tail", strconv.Itoa(o.Tail))
	}
	if !o.Since.IsZero() {
		q.Set("since", o.Since.UTC().Format(time.RFC3339Nano))
	}
	if o.Cursor != "" {
		q.Set("cursor", o.Cursor)
	}
	return q
}

// ErrBroken means that a stream ended before its end; ask again with the last cursor.
var ErrBroken = errors.New("the connection to the worker broke")

// LogLines hands on the lines of a service's output. nil: they are all. ErrBroken, an *Error, or one of take.
func (c *Client) LogLines(ctx context.Context, lease string, o LogOptions, take func(LogLine) error) error {
	q := o.query()
	q.Set("format", "json")
	return stream(ctx, c, "/v1/leases/"+lease+"/logs?"+q.Encode(), func(l LogLine) bool { return l.End }, take)
}

// Events hands on what the worker has to tell of a lease; as LogLines. Service and Tail mean nothing here.
func (c *Client) Events(ctx context.Context, lease string, o LogOptions, take func(Event) error) error {
	return stream(ctx, c, "/v1/leases/"+lease+"/events?"+o.query().Encode(), func(e Event) bool { return e.End }, take)
}

func stream[T any](ctx context.Context, c *Client, path string, end func(T) bool, take func(T) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	body, err := c.do(ctx, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	defer body.Close()
	watch := time.AfterFunc(silence, cancel)
	defer watch.Stop()
	in := json.NewDecoder(watched{body, func() { watch.Reset(silence) }})
	for {
		var v T
		if err := in.Decode(&v); err != nil {
			return fmt.Errorf("%w: %w", ErrBroken, err)
		}
		if end(v) {
			return nil
		}
		if err := take(v); err != nil {
			return err
		}
	}
}

// watched tells of every read that brought something.
type watched struct {
	io.Reader
	alive func()
}

func (w watched) Read(b []byte) (int, error) {
	n, err := w.Reader.Read(b)
	if n > 0 {
		w.alive()
	}
	return n, err
}

func (c *Client) do(ctx context.Context, method, path string, payload []byte) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(payload))
	if err != nil {
		return nil, fmt.Errorf("ask worker: %w", err)
	}
	return c.roundTrip(req)
}

// roundTrip returns the body of a good answer.
func (c *Client) roundTrip(req *http.Request) (io.ReadCloser, error) {
	if c.token != "" {
		req.Header.Set("Authorization", c.token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask worker: %w", err)
	}
	if resp.StatusCode < 300 {
		return resp.Body, nil
	}
	defer resp.Body.Close()
	answer := &Error{Code: resp.StatusCode}
	if json.NewDecoder(io.LimitReader(resp.Body, 64<<10)).Decode(answer) != nil || answer.Message == "" {
		answer.Message = "worker answered " + resp.Status
	}
	return nil, answer
}
