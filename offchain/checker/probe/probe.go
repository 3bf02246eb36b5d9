// SPDX-License-Identifier: Apache-2.0

// Package probe asks a worker's endpoint for a signed sign of life.
//
//	checker ── TLS pinned to the worker key on chain ──► GET /v1/containers/{id}/probe?nonce=…
//	        ◄── ProbeReply: nonce, recent block, fingerprint, lease, signature ──
//
// Only the worker's endpoint decides about health: nothing that a tenant does inside its workload can make it fail. The ports of
// the workload are tried as well, but only as quality of service.
package probe

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"syscall"
	"time"

	"github.com/athnet/ath/offchain/access"
	"github.com/athnet/ath/offchain/daemon/clock"
	checktypes "github.com/athnet/ath/x/checks/types"
	leasetypes "github.com/athnet/ath/x/leases/types"
)

const (
	// nonceSize of every probe.
	nonceSize = 32
	// maxReply bounds what is read of an answer; a real one has less than 1 KiB.
	maxReply = 16 << 10
	// maxPorts of a workload that are tried.
	maxPorts = 4
	// portTimeout bounds the try of one port.
	portTimeout = time.Second
)

// Kind is what a probe found.
type Kind string

const (
	// OK: a correct signed answer. Whether its block was recent is judged later, when the block is known.
	OK Kind = "ok"
	// Unreachable: no TLS connection, no answer, or not in time.
	Unreachable Kind = "unreachable"
	// WrongKey: the endpoint is held by another key than the Container's.
	WrongKey Kind = "wrong_key"
	// BadReply: an answer that is not what was asked for.
	// So is one that denies a lease which is billed (Refute).
	BadReply Kind = "bad_reply"
	// Local: the fault is on this side; it says nothing about the worker.
	Local Kind = "local"
)

// Target is a Container to probe.
type Target struct {
	ContainerID uint64
	Endpoint    string
	WorkerKey   []byte
	Fingerprint []byte
	// Lease that the chain had bound to it when it was looked up; empty where none was.
	Lease string
}

// Sample is the outcome of one probe. With the blocks of the chain anyone can judge it again.
type Sample struct {
	ContainerID uint64    `json:"container_id"`
	Endpoint    string    `json:"endpoint"`
	SentAt      time.Time `json:"sent_at"`
	// Head is the newest block that the prober had seen when it sent.
	Head int64 `json:"head"`
	// Nonce that was sent.
	Nonce []byte `json:"nonce"`
	Kind  Kind   `json:"kind"`
	// Detail says why it is not OK.
	Detail string `json:"detail,omitempty"`
	// LatencyNS from the first byte of the connection to the last of the answer.
	LatencyNS time.Duration `json:"latency_ns"`
	// Reply is the raw answer.
	Reply json.RawMessage `json:"reply,omitempty"`
	// PortsNS is how long each tried port of the workload took to connect; -1 where it did not.
	PortsNS []time.Duration `json:"ports_ns,omitempty"`

	// Block and lease that the worker named.
	Height    int64  `json:"-"`
	BlockHash []byte `json:"-"`
	LeaseID   string `json:"-"`
}

// Prober sends probes. Safe for concurrent use.
type Prober struct {
	// ChainID that workers sign for.
	ChainID string
	// Timeout of one probe.
	Timeout time.Duration
	// Clock measures latency.
	Clock clock.Clock
}

// Probe asks once. head is the newest block that the caller has seen.
func (p Prober) Probe(ctx context.Context, t Target, head int64) Sample {
	s := Sample{ContainerID: t.ContainerID, Endpoint: t.Endpoint, SentAt: p.Clock.Now().UTC(), Head: head, Nonce: make([]byte, nonceSize)}
	if _, err := rand.Read(s.Nonce); err != nil {
		return s.is(Local, err)
	}
	pctx, cancel := context.WithTimeout(ctx, p.Timeout)
	defer cancel()
	raw, err := p.fetch(pctx, t, s.Nonce)
	s.LatencyNS = p.Clock.Now().Sub(s.SentAt)
	if err != nil {
		return s.is(classify(ctx, err), err)
	}
	reply, err := Check(raw, t, s.Nonce, p.ChainID)
	if json.Valid(raw) {
		s.Reply = raw
	}
	if err != nil {
		return s.is(BadReply, err)
	}
	s.Kind, s.Height, s.BlockHash, s.LeaseID = OK, reply.BlockHeight, reply.BlockHash, reply.LeaseID
	s.PortsNS = p.tryPorts(ctx, t.Endpoint, reply.Ports)
	return s
}

func (s Sample) is(k Kind, err error) Sample {
	s.Kind, s.Detail = k, err.Error()
	return s
}

func (p Prober) fetch(ctx context.Context, t Target, nonce []byte) ([]byte, error) {
	// A connection per probe: the handshake is part of what is proven.
	transport := &http.Transport{TLSClientConfig: access.PinnedTLS(t.WorkerKey), DisableKeepAlives: true, MaxResponseHeaderBytes: maxReply}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
		return errors.New("the endpoint redirects; a worker answers itself")
	}}
	u := url.URL{
		Scheme: "https", Host: t.Endpoint, Path: "/v1/containers/" + strconv.FormatUint(t.ContainerID, 10) + "/probe",
		RawQuery: "nonce=" + hex.EncodeToString(nonce),
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxReply+1))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, &statusError{resp.StatusCode}
	}
	if len(raw) > maxReply {
		return nil, &statusError{http.StatusRequestEntityTooLarge}
	}
	return raw, nil
}

// statusError is an answer, though not the right one.
type statusError struct{ code int }

func (e *statusError) Error() string {
	return fmt.Sprintf("the endpoint answered with status %d", e.code)
}

// classify says whose fault an error is.
func classify(parent context.Context, err error) Kind {
	var status *statusError
	switch {
	case parent.Err() != nil:
		return Local
	case errors.Is(err, access.ErrWrongKey):
		return WrongKey
	case errors.As(err, &status):
		return BadReply
	// This machine has no network, no route at all or no file descriptors left.
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.ENETDOWN), errors.Is(err, syscall.EMFILE),
		errors.Is(err, syscall.ENFILE), errors.Is(err, syscall.EADDRNOTAVAIL):
		return Local
	default:
		return Unreachable
	}
}

// Check decodes an answer and checks everything that can be checked without the chain's blocks.
func Check(raw []byte, t Target, nonce []byte, chainID string) (checktypes.ProbeReply, error) {
	var r checktypes.ProbeReply
	if err := json.Unmarshal(raw, &r); err != nil {
		return r, fmt.Errorf("not a probe reply: %w", err)
	}
	switch {
	case r.ContainerID != t.ContainerID:
		return r, fmt.Errorf("container_id: asked for %d, the worker answered for %d", t.ContainerID, r.ContainerID)
	case !bytes.Equal(r.Nonce, nonce):
		return r, errors.New("nonce: the worker answered another question")
	case !bytes.Equal(r.Fingerprint, t.Fingerprint):
		return r, fmt.Errorf("fingerprint: the chain has %x, the machine has %x", t.Fingerprint, r.Fingerprint)
	case r.BlockHeight <= 0 || len(r.BlockHash) == 0:
		return r, errors.New("block: the worker has seen none")
	}
	return r, r.Verify(chainID, t.WorkerKey)
}

// leaseGrace is how long a worker may not know of a lease that was bound to it. It hears of one with the block that binds it, and asks
// the chain about all of them twice a minute.
const leaseGrace = 2 * time.Minute

// Refute holds a good answer against a lease that is billed on the Container: a worker that says it serves another one, or none, takes
// money for nothing. at is the time of the block that the worker says it has seen, so that nobody's clock matters, nor how long the answer
// took. lease must have been asked for after that block: BoundAt changes whenever a lease moves or is resumed, so one that runs by then was
// this Container's at every block since, and a worker that has seen such a block knows it. Whether its services run is not looked at: a
// tenant's program may end when it likes.
func (s Sample) Refute(lease leasetypes.Lease, at time.Time) Sample {
	switch {
	case s.Kind != OK, s.LeaseID == lease.ID():
	case lease.State != leasetypes.LeaseState_LEASE_STATE_RUNNING, lease.ContainerId != s.ContainerID:
	case at.Before(lease.BoundAt.Add(leaseGrace)):
	default:
		return s.is(BadReply, fmt.Errorf("lease_id: %s is billed and bound to it since %s, the worker serves %.128q",
			lease.ID(), lease.BoundAt.UTC().Format(time.RFC3339), s.LeaseID))
	}
	return s
}

// tryPorts connects to the workload's ports.
func (p Prober) tryPorts(ctx context.Context, endpoint string, ports []uint16) []time.Duration {
	host, _, err := net.SplitHostPort(endpoint)
	if err != nil || len(ports) == 0 {
		return nil
	}
	var out []time.Duration
	for _, port := range ports[:min(len(ports), maxPorts)] {
		dctx, cancel := context.WithTimeout(ctx, portTimeout)
		start := p.Clock.Now()
		conn, err := new(net.Dialer).DialContext(dctx, "tcp", net.JoinHostPort(host, strconv.Itoa(int(port))))
		cancel()
		took := p.Clock.Now().Sub(start)
		if err != nil {
			took = -1
		} else {
			conn.Close()
		}
		out = append(out, took)
	}
	return out
}
