// SPDX-License-Identifier: Apache-2.0

package ingress

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"
)

// limits keep clients and tenants from taking what is others'. The gateway has a port and a process's worth of its own.
type limits struct {
	conns        int     // of all clients
	addressConns int     // of one address; a v6 network of 64 bits counts as one
	addressRate  float64 // new connections of one address in a second, and at once
	addressBurst float64
	leaseConns   int // over TLS with a name of the lease
	requests     int // under way, of all leases
	leaseReqs    int // under way, of one lease; connections that were upgraded count
	addresses    int // that are remembered

	header time.Duration // what a handshake and the header of a request may take each
	keep   time.Duration // how long a connection waits for its next request
	body   time.Duration // how long a client may send nothing of a body that it has begun
	stall  time.Duration // how long a client may take nothing of what is sent to it
}

var defaultLimits = limits{
	conns: 4096, addressConns: 128, addressRate: 50, addressBurst: 200, leaseConns: 2048, requests: 1024, leaseReqs: 512, addresses: 10_000,
	header: 10 * time.Second, keep: 60 * time.Second, body: 30 * time.Second, stall: 60 * time.Second,
}

// Why a client is turned away.
var (
	errFull        = errors.New("too many connections")
	errLeaseFull   = errors.New("too many connections to the lease")
	errUnknownName = errors.New("no lease has this name")
)

// source is what one address has.
type source struct {
	open   int
	tokens float64
	at     time.Time
}

// share is what one lease has.
type share struct {
	conns map[*conn]struct{}
	reqs  int
}

// counts are all connections and requests. Nothing of it is held while anything waits.
type counts struct {
	limits limits
	now    func() time.Time

	mu      sync.Mutex
	conns   int
	reqs    int
	sources map[netip.Prefix]*source
	leases  map[string]*share
}

func newCounts(l limits) *counts {
	return &counts{limits: l, now: time.Now, sources: map[netip.Prefix]*source{}, leases: map[string]*share{}}
}

// connect takes a connection in.
func (c *counts) connect(from netip.Prefix) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	s := c.sources[from]
	if s == nil {
		if len(c.sources) >= c.limits.addresses {
			c.sweep()
		}
		s = &source{tokens: c.limits.addressBurst, at: now}
		c.sources[from] = s
	}
	s.tokens = min(c.limits.addressBurst, s.tokens+c.limits.addressRate*max(0, now.Sub(s.at).Seconds()))
	s.at = now
	if c.conns >= c.limits.conns || s.open >= c.limits.addressConns || s.tokens < 1 {
		return errFull
	}
	s.tokens--
	s.open++
	c.conns++
	return nil
}

// sweep forgets addresses that have nothing open: their number is bounded, that of those that have is the connections'.
func (c *counts) sweep() {
	for from, s := range c.sources {
		if s.open == 0 {
			delete(c.sources, from)
		}
	}
}

func (c *counts) disconnect(from netip.Prefix, lease string, one *conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conns--
	if s := c.sources[from]; s != nil {
		s.open--
	}
	if s := c.leases[lease]; s != nil {
		delete(s.conns, one)
		c.drop(lease, s)
	}
}

func (c *counts) share(lease string) *share {
	s := c.leases[lease]
	if s == nil {
		s = &share{conns: map[*conn]struct{}{}}
		c.leases[lease] = s
	}
	return s
}

func (c *counts) drop(lease string, s *share) {
	if len(s.conns) == 0 && s.reqs == 0 {
		delete(c.leases, lease)
	}
}

// bind counts a connection as a lease's.
func (c *counts) bind(lease string, one *conn) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.share(lease)
	if len(s.conns) >= c.limits.leaseConns {
		return errLeaseFull
	}
	s.conns[one] = struct{}{}
	return nil
}

// begin counts a request; the caller ends it where the answer is true.
func (c *counts) begin(lease string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.share(lease)
	if c.reqs >= c.limits.requests || s.reqs >= c.limits.leaseReqs {
		c.drop(lease, s)
		return false
	}
	c.reqs++
	s.reqs++
	return true
}

func (c *counts) end(lease string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.leases[lease]
	c.reqs--
	s.reqs--
	c.drop(lease, s)
}

// cut closes the connections of a lease.
func (c *counts) cut(lease string) {
	c.mu.Lock()
	var all []*conn
	if s := c.leases[lease]; s != nil {
		for one := range s.conns {
			all = append(all, one)
		}
	}
	c.mu.Unlock()
	for _, one := range all {
		_ = one.Close() // it may have closed meanwhile
	}
}

func (c *counts) open() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.conns
}

// conn is a client's connection; it is counted until it is closed.
type conn struct {
	net.Conn
	counts *counts
	from   netip.Prefix

	mu     sync.Mutex
	lease  string
	closed bool
}

// bind counts the connection as a lease's, once.
func (c *conn) bind(lease string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || c.lease != "" {
		return net.ErrClosed
	}
	if err := c.counts.bind(lease, c); err != nil {
		return err
	}
	c.lease = lease
	return nil
}

// Write bounds how long a client that reads nothing is waited for; whole answers may take as long as they do.
func (c *conn) Write(b []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(c.counts.limits.stall)); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}

// CloseWrite passes on the end of one direction of an upgraded connection.
func (c *conn) CloseWrite() error {
	if one, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return one.CloseWrite()
	}
	return nil
}

func (c *conn) Close() error {
	c.mu.Lock()
	first := !c.closed
	c.closed = true
	lease := c.lease
	c.mu.Unlock()
	if first {
		c.counts.disconnect(c.from, lease, c)
	}
	return c.Conn.Close()
}

// listener turns away who has too many connections.
type listener struct {
	net.Listener
	counts  *counts
	refused func(error)
}

func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from := prefix(c.RemoteAddr())
		if err := l.counts.connect(from); err != nil {
			l.refused(err)
			_ = c.Close() // it is not wanted
			continue
		}
		return &conn{Conn: c, counts: l.counts, from: from}, nil
	}
}

func prefix(a net.Addr) netip.Prefix {
	at, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.Prefix{}
	}
	addr := at.Addr().Unmap().WithZone("")
	bits := 32
	if addr.Is6() {
		bits = 64
	}
	p, err := addr.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}
