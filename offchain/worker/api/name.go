// SPDX-License-Identifier: Apache-2.0

package api

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"time"
)

// What a name's state can be.
const (
	// NameReady: requests for the name reach the service.
	NameReady = "ready"
	// NamePending: the tenant has not proved yet that the name is its own.
	NamePending = "pending"
	// NameLost: it had, and the proof has gone.
	NameLost = "lost"
	// NameTaken: another lease on this worker proved it first.
	NameTaken = "taken"
	// NameRefused: nobody can have this name here.
	NameRefused = "refused"
	// NameOff: the worker has no ingress.
	NameOff = "off"
)

// Who vouches for a name over TLS.
const (
	CertTenant   = "tenant"   // a certificate that the tenant handed in
	CertProvider = "provider" // the provider's
	CertWorker   = "worker"   // one that the worker key has signed: Ingress.CA
)

// Name is a host name of a service.
type Name struct {
	Host  string `json:"host"`
	Port  uint16 `json:"port"` // inside the service
	State string `json:"state"`
	// Detail says in words why, and what to do next.
	Detail string    `json:"detail,omitempty"`
	URL    string    `json:"url,omitempty"` // where requests go, once the state is ready
	Since  time.Time `json:"since,omitzero"`
	// Record and Value are what its owner publishes in DNS as TXT; Target is the name that it lets the host be an alias of.
	Record string `json:"record,omitempty"`
	Value  string `json:"value,omitempty"`
	Target string `json:"target,omitempty"`
	// Certificate is who vouches for it, Until when that ends for a tenant's own.
	Certificate string    `json:"certificate,omitempty"`
	Until       time.Time `json:"certificate_until,omitzero"`
}

// Ingress is what a client of a lease's names needs to know.
type Ingress struct {
	// CA is the certificate in PEM by which names are known whose Certificate is CertWorker.
	CA string `json:"ca"`
}

// Certificate is a chain and its key in PEM.
type Certificate struct {
	Chain string `json:"chain"`
	Key   string `json:"key"`
}

// Challenge is what the owner of a host name (or of a wildcard) publishes in DNS as TXT so that a tenant may have the name on a chain. The
// value is bound to all three: it is no use to another tenant, nor to this one for another name.
func Challenge(chainID, tenant, host string) (record, value string) {
	sum := sha256.Sum256([]byte("ath/domain/1\x00" + chainID + "\x00" + tenant + "\x00" + host))
	return "_ath-challenge." + strings.TrimPrefix(host, "*."), "ath-domain=" + base64.RawURLEncoding.EncodeToString(sum[:])
}
