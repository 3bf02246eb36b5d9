// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"cmp"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/athnet/ath/offchain/manifest"
	"github.com/athnet/ath/offchain/worker/api"
	"github.com/athnet/ath/offchain/worker/hostname"
	"github.com/athnet/ath/offchain/worker/ingress"
	"github.com/athnet/ath/offchain/worker/runtime"
	leasetypes "github.com/athnet/ath/x/leases/types"
)

// Proof is what DNS has said of a tenant's host name.
type Proof struct {
	// Since is when it was first proved without a break, Seen when it was last; Lost when DNS took it back, with which Since is zero.
	Since time.Time `json:"since,omitzero"`
	Seen  time.Time `json:"seen,omitzero"`
	Lost  time.Time `json:"lost,omitzero"`
}

// site is a port of a service that the ingress serves, and the host names for it.
type site struct {
	service string // of which the others are replicas
	port    uint16
	own     string // the name that the worker gives it
	hosts   []string
	targets []ingress.Target
	options manifest.HTTP
	asked   bool // the manifest has options or host names
}

// sitesOf lists what a manifest wants served, in its order. Host names beyond MaxHosts are left out; over all services.
func sitesOf(chainID, lease, domain string, m manifest.Manifest) []site {
	var out []site
	hosts := 0
	for _, s := range m.Services {
		if s.ReplicaOf != "" {
			continue
		}
		first := true
		for _, e := range s.Expose {
			if !e.IsHTTP() {
				continue
			}
			of := s.Name
			if !first {
				of += "/" + strconv.Itoa(int(e.Port))
			}
			first = false
			one := site{
				service: s.Name, port: e.Port, own: hostname.Label(chainID, lease, of) + "." + domain, options: e.Options(),
				asked: e.HTTP != nil || len(e.Hosts) > 0,
			}
			for _, r := range m.Services { // the service itself and its replicas, in order of name
				if r.Name == s.Name || r.ReplicaOf == s.Name {
					one.targets = append(one.targets, ingress.Target{Key: runtime.Key{Lease: lease, Service: r.Name}, Port: e.Port})
				}
			}
			for _, h := range e.Hosts {
				if hosts++; hosts <= manifest.MaxHosts {
					one.hosts = append(one.hosts, h)
				}
			}
			out = append(out, one)
		}
	}
	return out
}

// servedLocked says whether the ingress may serve a lease: it is open, this worker's, and not held ready for another one.
func (w *Worker) servedLocked(intent Intent) bool {
	at := w.standings[intent.Lease]
	return intent.ClosedAt.IsZero() && w.servesLocked(at) && at.lease.State != leasetypes.LeaseState_LEASE_STATE_STANDBY
}

// tenantOf is who a lease belongs to.
func tenantOf(lease string) string {
	tenant, _, _ := strings.Cut(lease, "/")
	return tenant
}

// wantsLocked are the sites of all leases that may be served, by lease.
func (w *Worker) wantsLocked(intents map[string]Intent, manifests map[string]manifest.Manifest) map[string][]site {
	out := map[string][]site{}
	for id, intent := range intents {
		if m, ok := manifests[intent.ManifestHash]; ok && w.servedLocked(intent) {
			out[id] = sitesOf(w.net.ChainID, id, w.config.IngressDomain, m)
		}
	}
	return out
}

// winners says which lease has a host name: of those that want it, the one that proved it first and whose proof is not old.
func winners(intents map[string]Intent, wants map[string][]site, now time.Time) map[string]string {
	out := map[string]string{}
	for _, id := range slices.Sorted(maps.Keys(wants)) {
		for _, s := range wants[id] {
			for _, h := range s.hosts {
				host, err := hostname.Wanted(h)
				p := intents[id].Proofs[host]
				if err != nil || p.Since.IsZero() || !now.Before(p.Seen.Add(proofGrace)) {
					continue
				}
				if has, ok := out[host]; !ok || p.Since.Before(intents[has].Proofs[host].Since) {
					out[host] = id
				}
			}
		}
	}
	return out
}

// reservedFor says why nobody may have a host name here; empty where a tenant may.
func (w *Worker) reservedFor(host string) string {
	gateway, _, err := net.SplitHostPort(w.config.Endpoint)
	if err != nil {
		gateway = w.config.Endpoint
	}
	name, _ := hostname.Parse(gateway) // an address is no name
	switch {
	case hostname.Within(host, w.config.IngressDomain):
		return "names of " + w.config.IngressDomain + " are the worker's to give"
	case name != "" && (host == name || strings.HasPrefix(host, "*.") && strings.HasSuffix(name, host[1:])):
		return "the name is the worker's own"
	}
	return ""
}

// routesLocked lists all that is to be served now.
func (w *Worker) routesLocked() map[string]ingress.Route {
	routes := map[string]ingress.Route{}
	intents, manifests := w.book.all()
	wants := w.wantsLocked(intents, manifests)
	has := winners(intents, wants, w.clock.Now())
	for id, sites := range wants {
		for _, s := range sites {
			route := ingress.Route{Lease: id, Service: s.service + "/" + strconv.Itoa(int(s.port)), Targets: s.targets, Options: s.options}
			routes[s.own] = route
			for _, h := range s.hosts {
				host, err := hostname.Wanted(h)
				if err != nil || has[host] != id || w.reservedFor(host) != "" {
					continue
				}
				if _, twice := routes[host]; twice {
					continue
				}
				r := route
				r.Cert = w.certs.of(id, host, intents[id].Certificates[host], w.clock.Now())
				routes[host] = r
			}
		}
	}
	return routes
}

// route tells the ingress what to serve. Under the lock, so that what learn has ended stays ended.
func (w *Worker) route() {
	if w.ingress == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ingress.Set(w.routesLocked())
}

// namesOf describes the names of a lease's services, by service. It is called with w.mu held.
func (w *Worker) namesOf(intent Intent) map[string][]api.Name {
	out := map[string][]api.Name{}
	intents, manifests := w.book.all()
	wants := w.wantsLocked(intents, manifests)
	has := winners(intents, wants, w.clock.Now())
	for _, s := range wants[intent.Lease] {
		if w.ingress == nil {
			if s.asked {
				out[s.service] = append(out[s.service], api.Name{Host: strings.Join(s.hosts, ", "), Port: s.port, State: api.NameOff,
					Detail: "this worker has no ingress: host names and http_options have no effect; use the published port, or rent where there is one"})
			}
			continue
		}
		out[s.service] = append(out[s.service], w.ready(api.Name{Host: s.own, Port: s.port}, intent))
		for _, h := range s.hosts {
			out[s.service] = append(out[s.service], w.nameOf(intent, s, h, has))
		}
	}
	return out
}

// ready fills in how a name is reached that is served.
func (w *Worker) ready(n api.Name, intent Intent) api.Name {
	n.State = api.NameReady
	if !strings.HasPrefix(n.Host, "*.") {
		n.URL = "https://" + n.Host + w.ingressPort() + "/"
	}
	n.Certificate = api.CertWorker
	if w.ingress.Covered(n.Host) {
		n.Certificate = api.CertProvider
	}
	if cert := w.certs.of(intent.Lease, n.Host, intent.Certificates[n.Host], w.clock.Now()); cert != nil {
		n.Certificate, n.Until = api.CertTenant, cert.Leaf.NotAfter.UTC()
	} else if intent.Certificates[n.Host].Chain != "" {
		n.Detail = "the certificate that you handed in is not valid any more; hand in a new one: athd lease certificate"
	}
	return n
}

func (w *Worker) ingressPort() string {
	port := strconv.FormatUint(w.config.IngressPort, 10)
	if w.config.IngressPort == 0 {
		_, port, _ = net.SplitHostPort(w.config.Ingress) // it was checked
	}
	if port == "443" {
		return ""
	}
	return ":" + port
}

// nameOf describes a tenant's host name.
func (w *Worker) nameOf(intent Intent, s site, h string, has map[string]string) api.Name {
	n := api.Name{Host: h, Port: s.port, Target: s.own}
	host, err := hostname.Wanted(h)
	if err != nil {
		n.State, n.Detail = api.NameRefused, "want a host name of at least two parts, no address"
		return n
	}
	if why := w.reservedFor(host); why != "" {
		n.State, n.Detail = api.NameRefused, why
		return n
	}
	n.Host = host
	n.Record, n.Value = api.Challenge(w.net.ChainID, tenantOf(intent.Lease), host)
	p := intent.Proofs[host]
	switch {
	case has[host] == intent.Lease:
		n.Since = p.Since
		n = w.ready(n, intent)
		if n.Detail == "" && p.Seen.Add(provedAgain*2).Before(w.clock.Now()) {
			n.Detail = "DNS does not answer; the name is lost when it does not until " + p.Seen.Add(proofGrace).UTC().Format(time.RFC3339)
		}
	case has[host] != "" && !p.Since.IsZero():
		n.State, n.Detail = api.NameTaken, "another lease on this worker proved the name first"
	case !p.Lost.IsZero():
		n.State, n.Since = api.NameLost, p.Lost
		n.Detail = fmt.Sprintf("the proof has gone; publish TXT %s = %s again", n.Record, n.Value)
	default:
		n.State = api.NamePending
		n.Detail = fmt.Sprintf("publish TXT %s = %s, and let %s be an alias (CNAME) of %s", n.Record, n.Value, host, n.Target)
	}
	if trouble := w.proofs.trouble(intent.Lease, host); trouble != "" && n.State != api.NameReady {
		n.Detail += "; last look: " + trouble
	}
	return n
}

// claim is a host name that is to be asked for in DNS.
type claim struct {
	lease, host string
	proof       Proof
}

// claims are the names of tenants that could be served, in order.
func (w *Worker) claims() []claim {
	intents, manifests := w.book.all()
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []claim
	for id, sites := range w.wantsLocked(intents, manifests) {
		for _, s := range sites {
			for _, h := range s.hosts {
				if host, err := hostname.Wanted(h); err == nil && w.reservedFor(host) == "" {
					out = append(out, claim{lease: id, host: host, proof: intents[id].Proofs[host]})
				}
			}
		}
	}
	slices.SortFunc(out, func(a, b claim) int { return cmp.Or(cmp.Compare(a.lease, b.lease), cmp.Compare(a.host, b.host)) })
	return slices.CompactFunc(out, func(a, b claim) bool { return a.lease == b.lease && a.host == b.host })
}
