// SPDX-License-Identifier: Apache-2.0

package ingress

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/offchain/access"
)

// issued is a chain of one and its key in PEM, for names, from another authority.
func issued(t testing.TB, until time.Time, names ...string) (chain, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	require.NoError(t, err)
	template := x509.Certificate{SerialNumber: serial, DNSNames: names, NotBefore: until.Add(-24 * time.Hour), NotAfter: until, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, private.Public(), private)
	require.NoError(t, err)
	pkcs, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs})
}

// presented is the certificate that a handshake for a name gets.
func (r *rig) presented(t testing.TB, name string) *x509.Certificate {
	t.Helper()
	c, err := tls.Dial("tcp", r.secure, &tls.Config{ServerName: name, InsecureSkipVerify: true})
	require.NoError(t, err)
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0]
}

func TestCertificates(t *testing.T) {
	soon := time.Now().Add(time.Hour)
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	write := func(names ...string) {
		chain, key := issued(t, soon, names...)
		require.NoError(t, os.WriteFile(certFile, chain, 0o600))
		require.NoError(t, os.WriteFile(keyFile, key, 0o600))
	}
	write("*.apps.example.org")
	var warned atomic.Bool
	r := start(t, func(g *Ingress) {
		g.pair, g.warn = &pair{certFile: certFile, keyFile: keyFile}, func(err error) { warned.Store(err != nil) }
		require.NoError(t, g.pair.look())
	})
	chain, key := issued(t, soon, "own.example.org")
	own, err := ReadCertificate(chain, key, "own.example.org", time.Now())
	require.NoError(t, err)
	one := r.serve(t, "a/1", says("one"))
	with := one
	with.Cert = own
	r.Set(map[string]Route{"one.apps.example.org": one, "own.example.org": with, "made.example.org": one, "*.wild.example.org": one})

	require.Equal(t, []string{"*.apps.example.org"}, r.presented(t, "one.apps.example.org").DNSNames)
	require.Equal(t, []string{"*.apps.example.org"}, r.presented(t, "gone.apps.example.org").DNSNames, "who comes too late is told so")
	require.Equal(t, []string{"own.example.org"}, r.presented(t, "own.example.org").DNSNames)
	made := r.presented(t, "made.example.org")
	require.Equal(t, []string{"made.example.org"}, made.DNSNames)
	_, err = made.Verify(x509.VerifyOptions{Roots: r.roots(t), DNSName: "made.example.org"})
	require.NoError(t, err)
	require.Equal(t, made.SerialNumber, r.presented(t, "made.example.org").SerialNumber, "it is kept")
	require.Equal(t, []string{"*.wild.example.org"}, r.presented(t, "x.wild.example.org").DNSNames)
	require.True(t, r.Covered("x.apps.example.org"))
	require.False(t, r.Covered("made.example.org"))

	// Made anew when it has a third of its life left.
	late := *r.authority
	late.now = func() time.Time { return time.Now().Add(61 * 24 * time.Hour) }
	next, err := r.site("made.example.org").certificate(&late)
	require.NoError(t, err)
	require.NotEqual(t, made.SerialNumber, next.Leaf.SerialNumber)

	// The provider renews its own; what can't be read changes nothing.
	write("*.apps.example.org", "again.apps.example.org")
	require.NoError(t, r.pair.look())
	require.Len(t, r.presented(t, "one.apps.example.org").DNSNames, 2)
	require.NoError(t, os.WriteFile(keyFile, []byte("half"), 0o600))
	require.Error(t, r.pair.look())
	require.Len(t, r.presented(t, "one.apps.example.org").DNSNames, 2)
	require.NoError(t, os.Remove(certFile))
	require.Error(t, r.pair.look())
	require.Len(t, r.presented(t, "one.apps.example.org").DNSNames, 2)
	require.False(t, warned.Load())
}

// TestTheAuthorityIsTheWorkerKey: its certificate is the same for every process, and no gateway client takes a site for the gateway.
func TestTheAuthorityIsTheWorkerKey(t *testing.T) {
	r := start(t)
	r.Set(map[string]Route{"one.example.org": r.serve(t, "a/1", says("one"))})
	block, _ := pem.Decode([]byte(r.CA()))
	ca, err := x509.ParseCertificate(block.Bytes)
	require.NoError(t, err)
	require.Equal(t, workerKey.Public(), ca.PublicKey)
	again, err := newAuthority(workerKey)
	require.NoError(t, err)
	require.Equal(t, r.CA(), again.pem())
	config := access.PinnedTLS(workerKey.Public().(ed25519.PublicKey))
	config.ServerName = "one.example.org"
	_, err = tls.Dial("tcp", r.secure, config)
	require.ErrorIs(t, err, access.ErrWrongKey)
}

func TestReadCertificate(t *testing.T) {
	now := time.Now()
	chain, key := issued(t, now.Add(time.Hour), "a.example.org", "*.b.example.org")
	late, lateKey := issued(t, now.Add(-time.Hour), "a.example.org")
	for _, name := range []string{"a.example.org", "x.b.example.org", "*.b.example.org"} {
		_, err := ReadCertificate(chain, key, name, now)
		require.NoError(t, err, name)
	}
	for name, err := range map[string]error{
		"another name":   second(ReadCertificate(chain, key, "c.example.org", now)),
		"wildcard":       second(ReadCertificate(chain, key, "*.example.org", now)),
		"expired":        second(ReadCertificate(late, lateKey, "a.example.org", now)),
		"another's key":  second(ReadCertificate(chain, lateKey, "a.example.org", now)),
		"no PEM":         second(ReadCertificate([]byte("x"), key, "a.example.org", now)),
		"too long":       second(ReadCertificate(append(chain, make([]byte, maxPEM)...), key, "a.example.org", now)),
		"too many":       second(ReadCertificate(bytes.Repeat(chain, maxChain+1), key, "a.example.org", now)),
		"key and no key": second(ReadCertificate(chain, nil, "a.example.org", now)),
	} {
		require.ErrorIs(t, err, ErrCertificate, name)
	}
}

func second[T any](_ T, err error) error { return err }
