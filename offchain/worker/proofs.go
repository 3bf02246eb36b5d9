// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"context"
	"crypto/tls"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/athnet/ath/offchain/worker/api"
	"github.com/athnet/ath/offchain/worker/ingress"
)

const (
	// proofAgain is between two looks for a proof that is not there, provedAgain between two for one that was: an owner who takes it back
	// waits for as long.
	proofAgain, provedAgain = 30 * time.Second, 10 * time.Minute
	// proofTick is between two looks for names that are to be asked for.
	proofTick = 5 * time.Second
	// proofGrace is how long a proof holds while DNS says nothing at all.
	proofGrace = time.Hour
	// proofsAtOnce is how many questions are asked at one time.
	proofsAtOnce = 8
)

// proofs is what is known of the questions, in memory: after a restart all of them are asked again.
type proofs struct {
	resolver ingress.Resolver

	mu     sync.Mutex
	asked  map[string]time.Time // by lease and host
	detail map[string]string    // why the last look did not find the proof
}

func newProofs(r ingress.Resolver) *proofs {
	return &proofs{resolver: r, asked: map[string]time.Time{}, detail: map[string]string{}}
}

func (p *proofs) trouble(lease, host string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.detail[lease+" "+host]
}

// due picks the claims to ask for now, and forgets what nobody claims any more.
func (p *proofs) due(all []claim, now time.Time) []claim {
	p.mu.Lock()
	defer p.mu.Unlock()
	known := map[string]bool{}
	var out []claim
	for _, c := range all {
		key := c.lease + " " + c.host
		known[key] = true
		pause := proofAgain
		if !c.proof.Since.IsZero() && p.detail[key] == "" {
			pause = provedAgain
		}
		if last, ok := p.asked[key]; !ok || !now.Before(last.Add(pause)) {
			p.asked[key] = now
			out = append(out, c)
		}
	}
	for key := range p.asked {
		if !known[key] {
			delete(p.asked, key)
			delete(p.detail, key)
		}
	}
	return out
}

// look asks DNS for one claim, and returns the proof as it is now.
func (p *proofs) look(ctx context.Context, c claim, chainID string, now func() time.Time) Proof {
	record, value := api.Challenge(chainID, tenantOf(c.lease), c.host)
	texts, silent := p.resolver(ctx, record)
	after, detail := c.proof, ""
	switch {
	case silent == nil && slices.Contains(texts, value):
		after.Seen, after.Lost = now().UTC(), time.Time{}
		if after.Since.IsZero() {
			after.Since = after.Seen
		}
	case silent != nil:
		detail = "DNS does not answer for " + record
		if !after.Since.IsZero() && !now().Before(after.Seen.Add(proofGrace)) {
			after = Proof{Lost: now().UTC()}
		}
	default:
		detail = "there is no TXT " + record
		if len(texts) > 0 {
			detail = fmt.Sprintf("TXT %s has another value", record)
		}
		if !after.Since.IsZero() {
			after = Proof{Lost: now().UTC()}
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.detail[c.lease+" "+c.host] = detail
	return after
}

// proofLoop looks after tenants' host names.
func (w *Worker) proofLoop(ctx context.Context) error {
	for {
		w.prove(ctx)
		if err := w.pause(ctx, w.ask, proofTick); err != nil {
			return err
		}
	}
}

// prove asks for the names whose time has come, and serves or drops what the answers change.
func (w *Worker) prove(ctx context.Context) {
	due := w.proofs.due(w.claims(), w.clock.Now())
	if len(due) == 0 {
		return
	}
	chainID := w.network().ChainID
	var asking errgroup.Group
	asking.SetLimit(proofsAtOnce)
	for _, c := range due {
		asking.Go(func() error {
			after := w.proofs.look(ctx, c, chainID, w.clock.Now)
			if err := ctx.Err(); err != nil {
				return err
			}
			if after == c.proof {
				return nil
			}
			if err := w.book.update(c.lease, func(i *Intent) error {
				if i.Proofs == nil {
					i.Proofs = map[string]Proof{}
				}
				i.Proofs[c.host] = after
				return nil
			}); err != nil {
				w.log.Warn("the proof of a host name can't be kept", "lease_id", c.lease, "host", c.host, "err", err)
			}
			if after.Since.IsZero() != c.proof.Since.IsZero() {
				w.log.Info("host name", "lease_id", c.lease, "host", c.host, "proved", !after.Since.IsZero())
			}
			return nil
		})
	}
	_ = asking.Wait() // the end of ctx, which is its owner's to see
	w.route()
	w.noteChanges()
}

// certs are tenants' certificates as they were read, so that each is read once.
type certs struct {
	mu   sync.Mutex
	read map[string]readCert // by lease and host
}

type readCert struct {
	from api.Certificate
	cert *tls.Certificate // nil where it can't be used
}

func newCerts() *certs { return &certs{read: map[string]readCert{}} }

// of returns a certificate that is valid now; nil where there is none.
func (c *certs) of(lease, host string, from api.Certificate, now time.Time) *tls.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := lease + " " + host
	if from.Chain == "" {
		delete(c.read, key)
		return nil
	}
	have, ok := c.read[key]
	if !ok || have.from != from {
		have = readCert{from: from}
		if cert, err := ingress.ReadCertificate([]byte(from.Chain), []byte(from.Key), host, now); err == nil {
			have.cert = cert
		}
		c.read[key] = have
	}
	if have.cert == nil || now.After(have.cert.Leaf.NotAfter) {
		return nil
	}
	return have.cert
}

// forget drops what was read of a lease.
func (c *certs) forget(lease string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key := range c.read {
		if strings.HasPrefix(key, lease+" ") {
			delete(c.read, key)
		}
	}
}
