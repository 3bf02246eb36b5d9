// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/offchain/access"
	"github.com/athnet/ath/offchain/manifest"
	"github.com/athnet/ath/offchain/worker/api"
	"github.com/athnet/ath/offchain/worker/hostname"
	"github.com/athnet/ath/offchain/worker/ingress"

	leasetypes "github.com/athnet/ath/x/leases/types"
)

// fakeDNS answers with what a test has published.
type fakeDNS struct {
	mu    sync.Mutex
	texts map[string][]string
	down  bool
	asked []string
}

func (d *fakeDNS) lookup(_ context.Context, name string) ([]string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked = append(d.asked, name)
	if d.down {
		return nil, errors.New("no resolver answers")
	}
	return d.texts[name], nil
}

func (d *fakeDNS) set(down bool, record string, values ...string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.down = down
	d.texts = map[string][]string{record: values}
}

// front is a worker with an ingress, before a service that says who it is.
type front struct {
	*rig
	dns     *fakeDNS
	gate    *ingress.Ingress
	address string
	backend string // of the service
}

func newFront(t testing.TB) *front {
	t.Helper()
	f := &front{rig: newRig(t), dns: &fakeDNS{}}
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) { _, _ = io.WriteString(rw, "service "+req.Host) }))
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	f.backend = server.Listener.Addr().String()
	f.reopen()
	f.address = serveIngress(t, f.gate)
	return f
}

// reopen is a new process of the worker; the ingress stays, and its routes are what the worker makes of what it remembers.
func (f *front) reopen() {
	f.t.Helper()
	if f.gate == nil {
		g, err := ingress.New(ingress.Config{Key: testKey, Log: slog.New(slog.DiscardHandler), Dial: func(ctx context.Context, t ingress.Target) (net.Conn, error) {
			return f.runtime.Dial(ctx, t.Key, t.Port)
		}})
		require.NoError(f.t, err)
		f.gate = g
	}
	w, err := f.process(f.chain, f.runtime, f.store, func(d *Deps) {
		d.Config.Ingress, d.Config.IngressDomain = "0.0.0.0:8443", "apps.example"
		d.Ingress, d.Resolver = f.gate, f.dns.lookup
	})
	require.NoError(f.t, err)
	f.Worker = w
}

// web is a service that is served, under host names of its tenant.
func (f *front) web(hosts ...string) manifest.Service {
	s := service("web", imageWeb, manifest.RestartAlways)
	s.Env = []string{"DIAL3000=" + f.backend}
	s.Expose = []manifest.Expose{{Port: 3000, As: 80, Proto: "tcp", Global: true, Hosts: hosts}}
	return s
}

func (f *front) run(number uint64, services ...manifest.Service) string {
	f.t.Helper()
	m := workload(services...)
	f.deliver(m)
	lease := f.chain.open(number, m)
	f.settle()
	return lease
}

// ask sends a request for a name, and returns what came, or "" where no handshake did.
func (f *front) ask(host string) string {
	f.t.Helper()
	resp, err := siteClient(f.t, f.gate, f.address).Get("https://" + host + "/")
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(f.t, err)
	return string(b)
}

func (f *front) names(lease string) []api.Name {
	f.t.Helper()
	s, ok := f.status(lease)
	require.True(f.t, ok)
	var out []api.Name
	for _, svc := range s.Services {
		out = append(out, svc.Names...)
	}
	return out
}

func (f *front) nameOf(lease, host string) api.Name {
	f.t.Helper()
	for _, n := range f.names(lease) {
		if n.Host == host {
			return n
		}
	}
	f.t.Fatalf("no name %s", host)
	return api.Name{}
}

// later lets time pass, in which names are asked for.
func (f *front) later(d time.Duration) {
	f.clock.Advance(d)
	f.prove(context.Background())
}

func TestALeasesServicesAreServedByName(t *testing.T) {
	f := newFront(t)
	other := service("other", imageWeb, manifest.RestartAlways)
	other.Env, other.Expose = []string{"DIAL80=" + f.backend}, []manifest.Expose{expose("tcp", 80, 8080), {Port: 81, As: 80, Proto: "tcp"}}
	two := f.web()
	two.Name, two.ReplicaOf = "web-2", "web"
	web := f.web()
	options := manifest.DefaultHTTP()
	web.Expose = append(web.Expose, manifest.Expose{Port: 3001, As: 80, Proto: "tcp", Global: true, HTTP: &options})
	lease := f.run(1, other, web, two)

	names := f.names(lease)
	require.Len(t, names, 2, "ports that are HTTP, and no name for a replica of its own")
	own := hostname.Label(testChainID, lease, "web") + ".apps.example"
	require.Equal(t, api.Name{Host: own, Port: 3000, State: api.NameReady, URL: "https://" + own + ":8443/", Certificate: api.CertWorker}, names[0])
	require.NotEqual(t, own, names[1].Host)
	require.Equal(t, "service "+own, f.ask(own))
	require.Contains(t, f.ask(names[1].Host), "502", "nothing listens there")
	routes := f.routesLocked()
	require.Equal(t, []ingress.Target{{Key: key(lease, "web"), Port: 3000}, {Key: key(lease, "web-2"), Port: 3000}}, routes[own].Targets)

	status, _ := f.status(lease)
	require.Equal(t, f.gate.CA(), status.Ingress.CA)
	i := slices.IndexFunc(status.Services, func(s api.Service) bool { return s.Name == "web" })
	require.Len(t, status.Services[i].Ports, 1, "a port with options has no host port: they would not hold there")
	require.Equal(t, uint16(3000), status.Services[i].Ports[0].Port)

	f.chain.close(lease, leasetypes.CloseReason_CLOSE_REASON_TENANT)
	f.takeBlock(f.chain.block(LeaseEvent{Closed: f.chain.receipts[lease]}))
	require.Empty(t, f.ask(own), "before anything else is done about the lease")
	f.route()
	require.Empty(t, f.ask(own), "and it does not come back")
	f.settle()
	require.Empty(t, f.names(lease))
}

// TestRoutesFollowTheLease: none while it is another's, held ready, or gone; again when it is back.
func TestRoutesFollowTheLease(t *testing.T) {
	f := newFront(t)
	lease := f.run(1, f.web())
	own := f.names(lease)[0].Host
	require.NotEmpty(t, f.ask(own))
	f.chain.change(lease, func(l *leasetypes.Lease) { l.State = leasetypes.LeaseState_LEASE_STATE_STANDBY })
	f.settle()
	require.Empty(t, f.ask(own))
	f.chain.change(lease, func(l *leasetypes.Lease) { l.State = leasetypes.LeaseState_LEASE_STATE_RUNNING })
	f.settle()
	require.NotEmpty(t, f.ask(own))
	f.chain.change(lease, func(l *leasetypes.Lease) { l.ContainerId = 8 })
	f.takeBlock(f.chain.block(LeaseEvent{Open: f.chain.leases[lease]}))
	require.Empty(t, f.ask(own))
	f.settle()
	require.Empty(t, f.ask(own))
}

// TestHostNamesAreProved: a tenant gets a name by what it publishes, keeps it as long as it does, and loses it after.
func TestHostNamesAreProved(t *testing.T) {
	f := newFront(t)
	const host = "www.tenant.example"
	lease := f.run(1, f.web(host))
	f.later(time.Second)
	n := f.nameOf(lease, host)
	record, value := api.Challenge(testChainID, tenant, host)
	require.Equal(t, "_ath-challenge.www.tenant.example", record)
	require.Equal(t, []any{api.NamePending, record, value, f.names(lease)[0].Host}, []any{n.State, n.Record, n.Value, n.Target})
	require.Contains(t, n.Detail, "publish TXT "+record+" = "+value)
	require.Contains(t, n.Detail, "there is no TXT")
	require.Empty(t, f.ask(host))

	for _, wrong := range []struct{ chain, tenant, host string }{{"other", tenant, host}, {testChainID, address(9), host}, {testChainID, tenant, "tenant.example"}, {testChainID, tenant, "*.tenant.example"}} {
		_, another := api.Challenge(wrong.chain, wrong.tenant, wrong.host)
		f.dns.set(false, record, another)
		f.later(proofAgain)
		require.Equal(t, api.NamePending, f.nameOf(lease, host).State, "%v", wrong)
	}
	require.Contains(t, f.nameOf(lease, host).Detail, "another value")
	require.Empty(t, f.ask(host))

	f.dns.set(false, record, "something else", value)
	f.later(proofAgain)
	n = f.nameOf(lease, host)
	require.Equal(t, []any{api.NameReady, "https://" + host + ":8443/", ""}, []any{n.State, n.URL, n.Detail})
	require.Equal(t, "service "+host, f.ask(host))

	// Another process knows it at once.
	f.reopen()
	f.settle()
	require.Equal(t, "service "+host, f.ask(host))
	f.later(time.Second)

	// No answer is not the answer no, for an hour.
	f.dns.set(true, "")
	for range 5 {
		f.later(provedAgain)
	}
	require.Equal(t, "service "+host, f.ask(host))
	require.Contains(t, f.nameOf(lease, host).Detail, "DNS does not answer")
	f.later(provedAgain)
	require.Equal(t, api.NameLost, f.nameOf(lease, host).State)
	require.Empty(t, f.ask(host))
	f.dns.set(false, record, value)
	f.later(proofAgain)
	require.Equal(t, "service "+host, f.ask(host))

	// The owner takes it back.
	f.dns.set(false, record)
	f.later(provedAgain)
	n = f.nameOf(lease, host)
	require.Equal(t, api.NameLost, n.State)
	require.Contains(t, n.Detail, "publish TXT "+record+" = "+value+" again")
	require.Empty(t, f.ask(host))

	var kinds []string
	for _, e := range f.told(lease) {
		if strings.HasPrefix(e.Kind, "name-") && strings.HasPrefix(e.Text, host) {
			kinds = append(kinds, e.Kind)
		}
	}
	require.Equal(t, []string{"name-pending", "name-ready", "name-lost", "name-ready", "name-lost"}, kinds)
}

// told are the events of a lease.
func (f *front) told(lease string) []api.Event {
	f.t.Helper()
	c, err := f.logs.of(key(lease, eventsName))
	require.NoError(f.t, err)
	var out []api.Event
	oldest, next := c.Range()
	r := c.Reader(oldest)
	defer r.Close()
	for range next - oldest {
		l, _, err := r.Read()
		require.NoError(f.t, err)
		var n noted
		require.NoError(f.t, json.Unmarshal(l.Text, &n))
		out = append(out, n.Events...)
	}
	return out
}

// TestAnOldProofIsNoProof: what was proved before the worker was down for long is asked for first.
func TestAnOldProofIsNoProof(t *testing.T) {
	f := newFront(t)
	const host = "www.tenant.example"
	lease := f.run(1, f.web(host))
	record, value := api.Challenge(testChainID, tenant, host)
	f.dns.set(false, record, value)
	f.later(time.Second)
	require.NotEmpty(t, f.ask(host))
	f.clock.Advance(proofGrace)
	f.reopen()
	f.settle()
	require.Empty(t, f.ask(host))
	f.later(time.Second)
	require.NotEmpty(t, f.ask(host))
	require.Equal(t, api.NameReady, f.nameOf(lease, host).State)
}

// TestFirstProofWins, and another tenant's name is not taken by asking for it.
func TestFirstProofWins(t *testing.T) {
	f := newFront(t)
	const host = "www.tenant.example"
	record, value := api.Challenge(testChainID, tenant, host)
	f.dns.set(false, record, value)
	first := f.run(1, f.web(host))
	f.later(time.Second)
	require.Equal(t, api.NameReady, f.nameOf(first, host).State)
	// A second lease, which the same tenant could prove as well, and one of another tenant, which can't.
	second := f.run(2, f.web(host))
	old := tenant
	tenant = address(9)
	t.Cleanup(func() { tenant = old })
	stranger := f.run(3, f.web(host))
	tenant = old
	f.later(time.Second)
	require.Equal(t, api.NameTaken, f.nameOf(second, host).State)
	require.Equal(t, api.NamePending, f.nameOf(stranger, host).State)
	require.Equal(t, first, f.routesLocked()[host].Lease)
	// The first one goes; the name is the second's.
	f.chain.close(first, leasetypes.CloseReason_CLOSE_REASON_TENANT)
	f.settle()
	require.Equal(t, api.NameReady, f.nameOf(second, host).State)
	require.Equal(t, second, f.routesLocked()[host].Lease)
	require.Equal(t, api.NamePending, f.nameOf(stranger, host).State)
}

// TestNamesThatNobodyGets: the worker's own and those below its domain, and what is no name. DNS is not asked for them.
func TestNamesThatNobodyGets(t *testing.T) {
	f := newFront(t)
	lease := f.run(1, f.web("apps.example", "x.apps.example", "*.apps.example", "worker.example", "*.example", "localhost", "10.0.0.1"))
	f.later(time.Second)
	require.Empty(t, f.dns.asked)
	for _, n := range f.names(lease)[1:] {
		require.Equal(t, api.NameRefused, n.State, n.Host)
		require.NotEmpty(t, n.Detail)
	}
	require.Len(t, f.routesLocked(), 1)
}

// TestWithoutAnIngress: the same file runs, and the tenant is told what has no effect.
func TestWithoutAnIngress(t *testing.T) {
	f := &front{rig: newRig(t)}
	options := manifest.DefaultHTTP()
	web := f.web("www.tenant.example")
	web.Expose[0].HTTP = &options
	lease := f.run(1, web)
	n := f.names(lease)
	require.Len(t, n, 1)
	require.Equal(t, []string{api.NameOff, "www.tenant.example"}, []string{n[0].State, n[0].Host})
	require.Contains(t, n[0].Detail, "no ingress")
	status, _ := f.status(lease)
	require.Len(t, status.Services[0].Ports, 1)
}

// selfSigned is a certificate for names, and its key.
func selfSigned(t testing.TB, until time.Time, names ...string) *api.Certificate {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := x509.Certificate{SerialNumber: big.NewInt(7), DNSNames: names, NotBefore: until.Add(-48 * time.Hour), NotAfter: until}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, private.Public(), private)
	require.NoError(t, err)
	pkcs, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	return &api.Certificate{
		Chain: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		Key:   string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs})),
	}
}

// TestTenantsHandInCertificates for names of their own leases, and for nothing else; none outlives its lease.
func TestTenantsHandInCertificates(t *testing.T) {
	tenant = walletAddress()
	t.Cleanup(func() { tenant = address(1) })
	f := newFront(t)
	const host = "www.tenant.example"
	lease := f.run(1, f.web(host))
	record, value := api.Challenge(testChainID, tenant, host)
	f.dns.set(false, record, value)
	f.later(time.Second)
	client := api.NewClient(serve(t, f.rig), testPub, token(t, f.clock.Now(), access.ScopeNames))
	t.Cleanup(client.Close)
	until := f.clock.Now().Add(24 * time.Hour)
	presented := func() *x509.Certificate {
		c, err := tls.Dial("tcp", f.address, &tls.Config{ServerName: host, InsecureSkipVerify: true})
		require.NoError(t, err)
		defer c.Close()
		return c.ConnectionState().PeerCertificates[0]
	}
	require.NotEqual(t, big.NewInt(7), presented().SerialNumber)
	require.NoError(t, client.PutCertificate(t.Context(), lease, host, selfSigned(t, until, host)))
	require.Equal(t, big.NewInt(7), presented().SerialNumber)
	n := f.nameOf(lease, host)
	require.Equal(t, api.CertTenant, n.Certificate)
	require.WithinDuration(t, until, n.Until, time.Second)

	for name, try := range map[string]func() error{
		"is for": func() error {
			return client.PutCertificate(t.Context(), lease, host, selfSigned(t, until, "other.example"))
		},
		"valid from": func() error {
			return client.PutCertificate(t.Context(), lease, host, selfSigned(t, f.clock.Now().Add(-time.Hour), host))
		},
		"no host name": func() error {
			return client.PutCertificate(t.Context(), lease, "other.example", selfSigned(t, until, "other.example"))
		},
		"can't be used": func() error {
			return client.PutCertificate(t.Context(), lease, host, &api.Certificate{Chain: "x", Key: "y"})
		},
		"JSON": func() error {
			return client.PutCertificate(t.Context(), lease, host, &api.Certificate{Chain: strings.Repeat("x", maxCertificate)})
		},
		"token is": func() error {
			return client.PutCertificate(t.Context(), address(9)+"/1", host, selfSigned(t, until, host))
		},
		"is not open on": func() error { return client.PutCertificate(t.Context(), tenant+"/9", host, selfSigned(t, until, host)) },
	} {
		require.ErrorContains(t, try(), name)
	}
	require.Equal(t, big.NewInt(7), presented().SerialNumber)

	// Another process has it, too; an old one is not served, and the tenant is told.
	f.reopen()
	f.settle()
	require.Equal(t, big.NewInt(7), presented().SerialNumber)
	f.clock.Advance(25 * time.Hour)
	f.dns.set(false, record, value)
	f.later(time.Second)
	require.NotEqual(t, big.NewInt(7), presented().SerialNumber)
	require.Contains(t, f.nameOf(lease, host).Detail, "not valid any more")

	client2 := api.NewClient(serve(t, f.rig), testPub, token(t, f.clock.Now(), access.ScopeNames))
	t.Cleanup(client2.Close)
	require.NoError(t, client2.PutCertificate(t.Context(), lease, host, nil))
	require.Empty(t, f.nameOf(lease, host).Detail)
	require.NoError(t, client2.PutCertificate(t.Context(), lease, host, selfSigned(t, f.clock.Now().Add(time.Hour), host)))
	f.chain.close(lease, leasetypes.CloseReason_CLOSE_REASON_TENANT)
	f.settle()
	intent, _ := f.book.intent(lease)
	require.Empty(t, intent.Certificates)
}
