// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/athnet/ath/offchain/daemon/clock"
)

// maxAddresses bounds a limiter's memory; beyond it, full buckets are dropped first.
const maxAddresses = 10_000

// limiter is a token bucket per address; a v6 network of 64 bits counts as one.
type limiter struct {
	clock clock.Clock
	rate  float64 // tokens per second
	burst float64

	mu      sync.Mutex
	buckets map[netip.Prefix]bucket
}

type bucket struct {
	tokens float64
	at     time.Time
}

func newLimiter(c clock.Clock, rate, burst float64) *limiter {
	return &limiter{clock: c, rate: rate, burst: burst, buckets: map[netip.Prefix]bucket{}}
}

// allow takes one token of a remote address (host:port).
func (l *limiter) allow(remote string) error {
	source := prefixOf(remote)
	now := l.clock.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	b, ok := l.buckets[source]
	if !ok {
		if len(l.buckets) >= maxAddresses {
			l.sweep(now)
		}
		b = bucket{tokens: l.burst, at: now}
	}
	b.tokens = min(l.burst, b.tokens+l.rate*max(0, now.Sub(b.at).Seconds()))
	b.at = now
	if b.tokens < 1 {
		l.buckets[source] = b
		return refuse(http.StatusTooManyRequests, "too many requests", "wait a second")
	}
	b.tokens--
	l.buckets[source] = b
	return nil
}

// sweep drops buckets that are full again; if none is, all of them: memory is bounded whatever comes.
func (l *limiter) sweep(now time.Time) {
	for source, b := range l.buckets {
		if b.tokens+l.rate*now.Sub(b.at).Seconds() >= l.burst {
			delete(l.buckets, source)
		}
	}
	if len(l.buckets) >= maxAddresses {
		clear(l.buckets)
	}
}

func prefixOf(remote string) netip.Prefix {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		host = remote
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Prefix{}
	}
	addr = addr.Unmap().WithZone("")
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
