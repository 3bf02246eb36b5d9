// SPDX-License-Identifier: Apache-2.0

package access

import (
	"bytes"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"time"
)

// ErrWrongKey means that the peer holds another key than the one that is on chain for its Container. Nothing was sent to it.
var ErrWrongKey = errors.New("endpoint does not hold the worker key that is on chain")

// ServerCert wraps a worker key into the self-signed certificate that its endpoint presents. Only the key in it counts: names,
// dates and issuer are the same for every worker.
func ServerCert(key ed25519.PrivateKey) (tls.Certificate, error) {
	if len(key) != ed25519.PrivateKeySize {
		return tls.Certificate{}, fmt.Errorf("worker key: want %d bytes, have %d", ed25519.PrivateKeySize, len(key))
	}
	template := x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "ath-worker"},
		DNSNames:     []string{"ath-worker"},
		NotBefore:    time.Unix(0, 0),
		NotAfter:     time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), // RFC 5280: no well-defined expiry
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(nil, &template, &template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

// ServerTLS is the configuration of a worker's endpoint.
func ServerTLS(key ed25519.PrivateKey) (*tls.Config, error) {
	cert, err := ServerCert(key)
	if err != nil {
		return nil, err
	}
	return &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS13, NextProtos: []string{"h2", "http/1.1"}}, nil
}

// PinnedTLS is a client configuration that talks to the holder of one worker key (32 bytes) and to nobody else. The handshake
// proves possession of the key; certificate authorities and host names play no part.
func PinnedTLS(workerKey []byte) *tls.Config {
	want := bytes.Clone(workerKey)
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		// The chain of trust is replaced, not dropped: VerifyConnection runs on every handshake, resumed ones included.
		InsecureSkipVerify: true,
		VerifyConnection: func(state tls.ConnectionState) error {
			if len(state.PeerCertificates) != 1 {
				return fmt.Errorf("%w: want one certificate, have %d", ErrWrongKey, len(state.PeerCertificates))
			}
			have, ok := state.PeerCertificates[0].PublicKey.(ed25519.PublicKey)
			if !ok || len(want) != ed25519.PublicKeySize || !bytes.Equal(have, want) {
				return fmt.Errorf("%w: want %s, have %s", ErrWrongKey, hex.EncodeToString(want), hex.EncodeToString(have))
			}
			return nil
		},
	}
}
