// SPDX-License-Identifier: Apache-2.0

package ingress

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"errors"
	"log/slog"
	"reflect"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/athnet/ath/offchain/manifest"
	"github.com/athnet/ath/offchain/worker/hostname"
)

// Route says where requests for a name go.
type Route struct {
	Lease   string
	Service string
	// Targets are the service's replicas; at least one.
	Targets []Target
	Options manifest.HTTP
	// Cert is its tenant's own certificate for the name; nil for the provider's or one of the ingress.
	Cert *tls.Certificate
}

// Config is what an ingress is made of.
type Config struct {
	// Key is the worker key, which vouches for names that no other certificate covers.
	Key ed25519.PrivateKey
	// CertFile and KeyFile are the provider's certificate, of its domain and what is below; none where empty.
	CertFile, KeyFile string
	Dial              Dial
	Log               *slog.Logger
	Metrics           prometheus.Registerer // may be nil
	// Warn is told whether the provider's certificate can be read; nil is good.
	Warn func(error)
}

// Ingress passes requests on to the sites that it is given. Safe for concurrent use.
type Ingress struct {
	log       *slog.Logger
	dial      Dial
	counts    *counts
	authority *authority
	pair      *pair
	warn      func(error)
	requests  *prometheus.CounterVec // by class of status: no label is a client's or a tenant's to choose
	refusals  *prometheus.CounterVec // by reason

	mu    sync.RWMutex
	sites map[string]*site
}

// site is a name that is served.
type site struct {
	name    string
	route   Route
	backend *backend
	ctx     context.Context
	end     context.CancelFunc

	mu   sync.Mutex
	made *tls.Certificate
}

// New reads the provider's certificate. Nothing is served before a route is set.
func New(c Config) (*Ingress, error) {
	a, err := newAuthority(c.Key)
	if err != nil {
		return nil, err
	}
	g := &Ingress{
		log: c.Log, dial: c.Dial, counts: newCounts(defaultLimits), authority: a, pair: &pair{certFile: c.CertFile, keyFile: c.KeyFile},
		warn: c.Warn, sites: map[string]*site{},
	}
	g.requests = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "ath_worker_ingress_requests_total", Help: "Requests to workloads through the ingress, by class of status."}, []string{"code"})
	g.refusals = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "ath_worker_ingress_refused_total", Help: "Connections and handshakes that the ingress refused, by reason."}, []string{"reason"})
	open := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "ath_worker_ingress_connections", Help: "Connections of clients that are open."}, func() float64 { return float64(g.counts.open()) })
	if c.Metrics != nil {
		c.Metrics.MustRegister(g.requests, g.refusals, open)
	}
	return g, g.pair.look()
}

// CA is the certificate, in PEM, by which a client knows sites whose certificate the ingress made.
func (g *Ingress) CA() string { return g.authority.pem() }

// Covered says whether a public authority's certificate is there for a name, as far as the ingress can tell.
func (g *Ingress) Covered(name string) bool { return covers(g.pair.get(), name) }

// Set makes routes, by name as of hostname.Wanted, all that is served. What was the same before goes on; the rest ends now.
func (g *Ingress) Set(routes map[string]Route) {
	type kind struct{ lease, service string }
	g.mu.Lock()
	old := g.sites
	backends := map[kind]*site{}
	for _, s := range old {
		backends[kind{s.route.Lease, s.route.Service}] = s
	}
	next := make(map[string]*site, len(routes))
	fresh := map[kind]*backend{}
	for name, r := range routes {
		if s, ok := old[name]; ok && reflect.DeepEqual(s.route, r) {
			next[name] = s
			continue
		}
		k := kind{r.Lease, r.Service}
		b := fresh[k]
		if was := backends[k]; b == nil && was != nil && reflect.DeepEqual(was.route.Targets, r.Targets) && reflect.DeepEqual(was.route.Options, r.Options) {
			b = was.backend
		}
		if b == nil {
			b = newBackend(g.dial, r.Targets, r.Options)
		}
		fresh[k] = b
		s := &site{name: name, route: r, backend: b}
		s.ctx, s.end = context.WithCancel(context.Background())
		next[name] = s
	}
	g.sites = next
	g.mu.Unlock()

	used, leases := map[*backend]bool{}, map[string]bool{}
	for _, s := range next {
		used[s.backend], leases[s.route.Lease] = true, true
	}
	for name, s := range old {
		if next[name] == s {
			continue
		}
		s.end()
		if !used[s.backend] {
			s.backend.close()
		}
		if !leases[s.route.Lease] {
			g.counts.cut(s.route.Lease)
		}
	}
}

// Drop ends all that is served of a lease, at once.
func (g *Ingress) Drop(lease string) {
	g.mu.RLock()
	routes, found := map[string]Route{}, false
	for name, s := range g.sites {
		if s.route.Lease == lease {
			found = true
		} else {
			routes[name] = s.route
		}
	}
	g.mu.RUnlock()
	if found {
		g.Set(routes)
	}
}

// site returns what serves a name (as of hostname.Parse): the name itself, or the wildcard above it.
func (g *Ingress) site(name string) *site {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if s := g.sites[name]; s != nil {
		return s
	}
	return g.sites[hostname.Above(name)]
}

// hello decides over a connection before anything is spent on its handshake.
func (g *Ingress) hello(h *tls.ClientHelloInfo) (*tls.Config, error) {
	name, err := hostname.Parse(h.ServerName)
	if err != nil {
		g.refused(err)
		return nil, err
	}
	s := g.site(name)
	if s == nil {
		if covers(g.pair.get(), name) {
			return nil, nil // its clients may be told that it has gone
		}
		g.refused(errUnknownName)
		return nil, errUnknownName
	}
	c, ok := h.Conn.(*conn)
	if !ok {
		return nil, errors.New("a connection that was not counted")
	}
	if err := c.bind(s.route.Lease); err != nil {
		g.refused(err)
		return nil, err
	}
	return nil, nil
}

// certificate chooses for a name: its tenant's own, the provider's, or one that the ingress vouches for.
func (g *Ingress) certificate(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
	name, err := hostname.Parse(h.ServerName)
	if err != nil {
		return nil, err
	}
	s, own := g.site(name), g.pair.get()
	switch {
	case s != nil && covers(s.route.Cert, name):
		return s.route.Cert, nil
	case covers(own, name):
		return own, nil
	case s == nil:
		return nil, errUnknownName
	}
	return s.certificate(g.authority)
}

// certificate makes one for the site's name, and keeps it for most of its life.
func (s *site) certificate(a *authority) (*tls.Certificate, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.made == nil || a.now().After(s.made.Leaf.NotAfter.Add(-madeRest)) {
		made, err := a.issue(s.name)
		if err != nil {
			return nil, err
		}
		s.made = made
	}
	return s.made, nil
}

func (g *Ingress) refused(err error) {
	reason := "handshake"
	for _, known := range []error{errFull, errLeaseFull, errUnknownName, hostname.Err} {
		if errors.Is(err, known) {
			reason = known.Error()
		}
	}
	g.refusals.WithLabelValues(reason).Inc()
}

// pairPause is between two looks at the provider's certificate.
const pairPause = 30 * time.Second
