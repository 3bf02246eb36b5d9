// SPDX-License-Identifier: Apache-2.0

package ingress

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"sync"
	"time"
)

const (
	// madeLife is how long a certificate holds that the ingress made, madeRest when it makes the next.
	madeLife, madeRest = 90 * 24 * time.Hour, 30 * 24 * time.Hour
	// maxChain is how many certificates one may come with, maxPEM their length in bytes, the key's as well.
	maxChain, maxPEM = 8, 16 << 10
)

// authority vouches for sites that no public authority does. It is the worker key, which is on chain: who has the certificate from
// the worker's gateway knows by it whom he talks to. What it issues has another key, so the gateway's clients don't take it for the gateway.
type authority struct {
	key  ed25519.PrivateKey
	cert *x509.Certificate
	leaf *ecdsa.PrivateKey
	now  func() time.Time
}

func newAuthority(key ed25519.PrivateKey) (*authority, error) {
	template := x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ath-worker ingress"},
		NotBefore: time.Unix(0, 0), NotAfter: time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), // RFC 5280: no well-defined expiry
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(nil, &template, &template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("make the ingress's authority: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("make the ingress's authority: %w", err)
	}
	leaf, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the ingress's key: %w", err)
	}
	return &authority{key: key, cert: cert, leaf: leaf, now: time.Now}, nil
}

// pem is the certificate by which a client knows the sites.
func (a *authority) pem() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw}))
}

func (a *authority) issue(name string) (*tls.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	now := a.now()
	template := x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "ath-worker site"}, DNSNames: []string{name},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(madeLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, a.cert, a.leaf.Public(), a.key)
	if err != nil {
		return nil, fmt.Errorf("make a certificate for %s: %w", name, err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("make a certificate for %s: %w", name, err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: a.leaf, Leaf: leaf}, nil
}

// ErrCertificate says that a certificate can't be served, and why.
var ErrCertificate = errors.New("certificate can't be used")

// ReadCertificate reads a chain and its key in PEM, for a name (or a wildcard) that it must cover now.
func ReadCertificate(chain, key []byte, name string, now time.Time) (*tls.Certificate, error) {
	if len(chain) > maxPEM || len(key) > maxPEM {
		return nil, fmt.Errorf("%w: chain or key is longer than %d bytes", ErrCertificate, maxPEM)
	}
	cert, err := tls.X509KeyPair(chain, key)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCertificate, err)
	}
	switch leaf := cert.Leaf; {
	case len(cert.Certificate) > maxChain:
		return nil, fmt.Errorf("%w: %d certificates in the chain, at most %d", ErrCertificate, len(cert.Certificate), maxChain)
	case now.Before(leaf.NotBefore) || now.After(leaf.NotAfter):
		return nil, fmt.Errorf("%w: it is valid from %s to %s", ErrCertificate, leaf.NotBefore.UTC().Format(time.RFC3339), leaf.NotAfter.UTC().Format(time.RFC3339))
	case !covers(&cert, name):
		return nil, fmt.Errorf("%w: it is for %q, not for %s", ErrCertificate, leaf.DNSNames, name)
	}
	return &cert, nil
}

// covers says whether a certificate is for a name; that of a wildcard must be for the wildcard itself.
func covers(cert *tls.Certificate, name string) bool {
	if cert == nil || cert.Leaf == nil {
		return false
	}
	return cert.Leaf.VerifyHostname(name) == nil
}

// pair is the provider's own certificate, in files that something else renews.
type pair struct {
	certFile, keyFile string

	mu    sync.Mutex
	cert  *tls.Certificate
	stamp string // of the files that it was read from
}

// look reads the files anew where they have changed. What can't be read leaves the last certificate in place.
func (p *pair) look() error {
	if p.certFile == "" {
		return nil
	}
	stamp := ""
	for _, file := range []string{p.certFile, p.keyFile} {
		info, err := os.Stat(file)
		if err != nil {
			return fmt.Errorf("ingress certificate: %w", err)
		}
		stamp += fmt.Sprint(info.ModTime().UnixNano(), " ", info.Size(), " ")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if stamp == p.stamp {
		return nil
	}
	cert, err := tls.LoadX509KeyPair(p.certFile, p.keyFile)
	if err != nil {
		return fmt.Errorf("ingress certificate: %s and %s: %w", p.certFile, p.keyFile, err)
	}
	p.cert, p.stamp = &cert, stamp
	return nil
}

func (p *pair) get() *tls.Certificate {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cert
}
