// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	stdnet "net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
	"github.com/rogpeppe/go-internal/testscript"
)

const (
	// ingressAddress is where the network's worker serves names, all of those below ingressDomain among them.
	ingressAddress = "127.0.0.1:7646"
	ingressDomain  = "apps.example.org"
)

// texts is the DNS that the worker asks: what scripts have published.
type texts struct {
	mu  sync.Mutex
	txt map[string]string
}

var published = texts{txt: map[string]string{}}

// serveNames starts DNS, and tells the worker to come of it and of the ingress by its environment.
func serveNames() (func(), error) {
	conn, err := stdnet.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	server := &dns.Server{PacketConn: conn, Handler: &published}
	go func() { _ = server.ActivateAndServe() }()
	for name, value := range map[string]string{"INGRESS": ingressAddress, "INGRESS_DOMAIN": ingressDomain, "INGRESS_RESOLVER": conn.LocalAddr().String()} {
		err = errors.Join(err, os.Setenv("ATH_WORKER_"+name, value))
	}
	return func() { _ = server.Shutdown() }, err
}

// ServeDNS implements dns.Handler.
func (t *texts) ServeDNS(w dns.ResponseWriter, req *dns.Msg) {
	m := new(dns.Msg)
	m.SetReply(req)
	m.RecursionAvailable = true
	t.mu.Lock()
	value, ok := t.txt[strings.TrimSuffix(req.Question[0].Name, ".")]
	t.mu.Unlock()
	if !ok {
		m.Rcode = dns.RcodeNameError
	} else if rr, err := dns.NewRR(req.Question[0].Name + " 1 IN TXT " + strconv.Quote(value)); err == nil {
		m.Answer = []dns.RR{rr}
	}
	_ = w.WriteMsg(m)
}

// publish RECORD [VALUE]: sets a TXT record in the DNS that the worker asks, or takes it away.
func publish(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, "RECORD")
	published.mu.Lock()
	defer published.mu.Unlock()
	if len(args) > 1 {
		published.txt[args[0]] = args[1]
	} else {
		delete(published.txt, args[0])
	}
}

// site HOST PATH TEXT [LEASE-STATUS-FILE]: waits until the ingress serves a text for a host; with !, until it serves nothing there. The file is
// what `lease status --output json` printed, by which the ingress is known.
func site(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, false, args, "HOST", "PATH", "TEXT", "STATUS")
	var status struct {
		Worker struct {
			Ingress struct{ CA string } `json:"ingress"`
		} `json:"worker"`
	}
	b, err := os.ReadFile(ts.MkAbs(args[3]))
	ts.Check(err)
	ts.Check(json.Unmarshal(b, &status))
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(status.Worker.Ingress.CA)) {
		ts.Fatalf("%s has no certificate of the ingress", args[3])
	}
	c := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: pool},
		DialContext: func(ctx context.Context, _, _ string) (stdnet.Conn, error) {
			return new(stdnet.Dialer).DialContext(ctx, "tcp", ingressAddress)
		},
	}}
	ctx, cancel := scriptContext()
	defer cancel()
	ts.Check(net.Poll(ctx, 60*time.Second, args[0], func(ctx context.Context) (bool, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+args[0]+args[1], nil)
		if err != nil {
			return false, err
		}
		served := false
		resp, err := c.Do(req)
		if err == nil {
			defer resp.Body.Close()
			body, rerr := io.ReadAll(resp.Body)
			served = rerr == nil && resp.StatusCode == http.StatusOK && strings.Contains(string(body), args[2])
			err = fmt.Errorf("%s %s", resp.Status, body)
		}
		if served != neg {
			return true, nil
		}
		return false, err
	}))
}
