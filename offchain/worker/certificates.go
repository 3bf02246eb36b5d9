// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/athnet/ath/offchain/access"
	"github.com/athnet/ath/offchain/worker/api"
	"github.com/athnet/ath/offchain/worker/hostname"
	"github.com/athnet/ath/offchain/worker/ingress"
)

const (
	// maxCertificates is how many certificates one lease may have: they are on disk with all that is known of it.
	maxCertificates = 8
	// maxCertificate is the longest request that hands one in, in bytes.
	maxCertificate = 48 << 10
)

// servePutCertificate takes a certificate for a host name of the lease, in place of an earlier one.
func (w *Worker) servePutCertificate(rw http.ResponseWriter, req *http.Request) error {
	lease, host, err := w.nameFor(req)
	if err != nil {
		return err
	}
	if err := http.NewResponseController(rw).SetReadDeadline(time.Now().Add(answerTime)); err != nil {
		return fmt.Errorf("bound the upload: %w", err)
	}
	var cert api.Certificate
	body, err := io.ReadAll(http.MaxBytesReader(rw, req.Body, maxCertificate))
	if err == nil {
		err = json.Unmarshal(body, &cert)
	}
	if err != nil {
		return refuse(http.StatusBadRequest, "certificate: want JSON with chain and key in PEM, at most "+fmt.Sprint(maxCertificate)+" bytes", "hand it in with athd lease certificate")
	}
	if _, err := ingress.ReadCertificate([]byte(cert.Chain), []byte(cert.Key), host, w.clock.Now()); err != nil {
		return refuse(http.StatusUnprocessableEntity, err.Error(), "hand in the chain, the leaf first, and the key that belongs to it")
	}
	if err := w.book.update(lease, func(i *Intent) error {
		if i.Certificates == nil {
			i.Certificates = map[string]api.Certificate{}
		}
		if _, ok := i.Certificates[host]; !ok && len(i.Certificates) >= maxCertificates {
			return refuse(http.StatusConflict, fmt.Sprintf("the lease has %d certificates", maxCertificates), "use one for several names (*.domain), or take one back")
		}
		i.Certificates[host] = cert
		return nil
	}); err != nil {
		return err
	}
	w.route()
	rw.WriteHeader(http.StatusNoContent)
	return nil
}

// serveDeleteCertificate takes a certificate back.
func (w *Worker) serveDeleteCertificate(rw http.ResponseWriter, req *http.Request) error {
	lease, host, err := w.nameFor(req)
	if err != nil {
		return err
	}
	if err := w.book.update(lease, func(i *Intent) error { delete(i.Certificates, host); return nil }); err != nil {
		return err
	}
	w.route()
	rw.WriteHeader(http.StatusNoContent)
	return nil
}

// nameFor authorises a tenant for a host name of its own lease, which is open.
func (w *Worker) nameFor(req *http.Request) (lease, host string, err error) {
	if lease, err = w.leaseOf(req, access.ScopeNames); err != nil {
		return "", "", err
	}
	if w.ingress == nil {
		return "", "", refuse(http.StatusNotImplemented, "this worker has no ingress", "rent where there is one")
	}
	intent, ok := w.book.intent(lease)
	if !ok || !w.serves(lease) || !intent.ClosedAt.IsZero() {
		return "", "", refuse(http.StatusGone, "lease "+lease+" is not open on this worker", "ask for its status")
	}
	var hosts []string
	for _, c := range w.claims() {
		if c.lease == lease {
			hosts = append(hosts, c.host)
		}
	}
	host, err = hostname.Wanted(req.PathValue("host"))
	if err != nil || !slices.Contains(hosts, host) {
		return "", "", refuse(http.StatusNotFound, fmt.Sprintf("%.128q is no host name of the lease", req.PathValue("host")), fmt.Sprintf("it has %q; add it to accept: and update the lease", hosts))
	}
	return lease, host, nil
}
