// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/athnet/ath/offchain/access"
	"github.com/athnet/ath/offchain/manifest"
	"github.com/athnet/ath/offchain/worker/api"

	checktypes "github.com/athnet/ath/x/checks/types"
)

const (
	// Requests per second and burst of one address. Probes have a bucket of their own, so that no tenant's traffic can make a
	// healthy Container look dead, and are bounded because anyone may ask and every answer costs a signature.
	tenantRate, tenantBurst = 10, 40
	probeRate, probeBurst   = 5, 30
	// maxStreams is how many logs are followed at one time, over all tenants.
	maxStreams = 64
	// answerTime is what a request that is no stream may take.
	answerTime = 30 * time.Second
)

// Gateway is what tenants and Checkers reach; it belongs behind the TLS of the worker key.
func (w *Worker) Gateway() http.Handler {
	tenants, probes := newLimiter(w.clock, tenantRate, tenantBurst), newLimiter(w.clock, probeRate, probeBurst)
	streams := make(chan struct{}, maxStreams)
	mux := http.NewServeMux()
	handle := func(pattern string, limit *limiter, fn func(http.ResponseWriter, *http.Request) error) {
		mux.HandleFunc(pattern, func(rw http.ResponseWriter, req *http.Request) {
			rec := &recorder{ResponseWriter: rw}
			defer func() { w.metrics.Requests.WithLabelValues(pattern, strconv.Itoa(rec.status())).Inc() }()
			err := limit.allow(req.RemoteAddr)
			if err == nil {
				err = fn(rec, req)
			}
			if err != nil {
				answerError(rec, err)
			}
		})
	}
	handle("GET /v1/containers/{id}/probe", probes, w.serveProbe)
	handle("PUT /v1/manifests/{hash}", tenants, w.serveManifest)
	handle("GET /v1/leases/{tenant}/{number}/manifest", tenants, w.serveGetManifest)
	handle("GET /v1/leases/{tenant}/{number}/status", tenants, w.serveStatus)
	handle("GET /v1/leases/{tenant}/{number}/statement", tenants, w.serveStatement)
	handle("GET /v1/leases/{tenant}/{number}/metrics", newLimiter(w.clock, metricsRate, metricsBurst), w.serveMetrics)
	stream := func(serve func(http.ResponseWriter, *http.Request) error) func(http.ResponseWriter, *http.Request) error {
		return func(rw http.ResponseWriter, req *http.Request) error {
			select {
			case streams <- struct{}{}:
				defer func() { <-streams }()
				return serve(rw, req)
			default:
				return refuse(http.StatusServiceUnavailable, "too many logs are followed at once", "try again later")
			}
		}
	}
	handle("GET /v1/leases/{tenant}/{number}/logs", tenants, stream(w.serveLogs))
	handle("GET /v1/leases/{tenant}/{number}/events", tenants, stream(w.serveEvents))
	handle("PUT /v1/leases/{tenant}/{number}/certificates/{host}", tenants, w.servePutCertificate)
	handle("DELETE /v1/leases/{tenant}/{number}/certificates/{host}", tenants, w.serveDeleteCertificate)
	enter := newLimiter(w.clock, sessionRate, sessionBurst)
	handle("POST /v1/leases/{tenant}/{number}/exec", enter, w.serveExec)
	handle("POST /v1/leases/{tenant}/{number}/forward", enter, w.serveForward)
	handle("PUT /v1/leases/{tenant}/{number}/files", enter, w.servePutFiles)
	handle("GET /v1/leases/{tenant}/{number}/files", enter, w.serveGetFiles)
	mux.HandleFunc("/", func(rw http.ResponseWriter, _ *http.Request) {
		answerError(rw, refuse(http.StatusNotFound, "no such endpoint", "see the documentation of the tenant gateway"))
	})
	return mux
}

// refuse is an answer that says what to do next.
func refuse(code int, message, remedy string) error {
	return &api.Error{Code: code, Message: message, Remedy: remedy}
}

func answerError(rw http.ResponseWriter, err error) {
	answer := &api.Error{Code: http.StatusInternalServerError, Message: "the worker failed to answer", Remedy: "try again; the provider's log says more"}
	if known := (&api.Error{}); errors.As(err, &known) {
		answer = known
	}
	if rec, ok := rw.(*recorder); ok && rec.code != 0 {
		return // a stream that broke: its end is all that can be said
	}
	rw.Header().Set("Content-Type", "application/json")
	rw.WriteHeader(answer.Code)
	_ = json.NewEncoder(rw).Encode(answer) // the client may have gone
}

// recorder remembers the status for the metrics.
type recorder struct {
	http.ResponseWriter
	code int
}

func (r *recorder) WriteHeader(code int) {
	r.code = code
	r.ResponseWriter.WriteHeader(code)
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.code == 0 {
		r.code = http.StatusOK
	}
	return r.ResponseWriter.Write(b)
}

func (r *recorder) status() int {
	if r.code == 0 {
		return http.StatusOK
	}
	return r.code
}

// Unwrap lets http.ResponseController flush.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func answer(rw http.ResponseWriter, v any) error {
	rw.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(rw).Encode(v)
}

// serveProbe proves that the holder of the worker key is here now and follows the chain.
func (w *Worker) serveProbe(rw http.ResponseWriter, req *http.Request) error {
	id, err := strconv.ParseUint(req.PathValue("id"), 10, 64)
	if err != nil || id != w.container {
		return refuse(http.StatusNotFound, "this worker does not serve container "+strconv.Quote(req.PathValue("id")), "it serves "+strconv.FormatUint(w.container, 10))
	}
	nonce, err := hex.DecodeString(req.URL.Query().Get("nonce"))
	if err != nil || len(nonce) != 32 {
		return refuse(http.StatusBadRequest, "nonce: want 64 hex digits", "ask with ?nonce=<64 hex digits>")
	}
	head := w.latest()
	if head.Height == 0 {
		return refuse(http.StatusServiceUnavailable, "the worker has not seen a block yet", "ask again in a few seconds")
	}
	reply := checktypes.ProbeReply{
		ContainerID: id, Nonce: nonce, BlockHeight: head.Height, BlockHash: head.Hash, Fingerprint: w.fingerprint,
	}
	reply.LeaseID, reply.Running, reply.Ports = w.bound()
	reply.Signature = ed25519.Sign(w.key, reply.SignBytes(w.network().ChainID))
	w.metrics.Probes.Inc()
	return answer(rw, reply)
}

// authorize returns the claims of a request that may use a scope.
func (w *Worker) authorize(req *http.Request, scope string) (access.Claims, error) {
	header := req.Header.Get("Authorization")
	if header == "" {
		return access.Claims{}, refuse(http.StatusUnauthorized, "no token", "send Authorization: ATH … as athd does")
	}
	claims, err := access.Verify(header, w.clock.Now(), w.network().ChainID, w.key.Public().(ed25519.PublicKey))
	switch {
	case errors.Is(err, access.ErrExpired):
		return claims, refuse(http.StatusUnauthorized, err.Error(), "compare this machine's clock with the network's and sign a new token")
	case err != nil:
		return claims, refuse(http.StatusUnauthorized, err.Error(), "sign a token for this chain and this worker")
	}
	if err := claims.Allows(scope); err != nil {
		return claims, refuse(http.StatusForbidden, err.Error(), "sign a token with this scope")
	}
	return claims, nil
}

// serveManifest takes a manifest, before or after its lease is there.
func (w *Worker) serveManifest(rw http.ResponseWriter, req *http.Request) error {
	claims, err := w.authorize(req, access.ScopeManifest)
	if err != nil {
		return err
	}
	ctl := http.NewResponseController(rw)
	if err := ctl.SetReadDeadline(time.Now().Add(answerTime)); err != nil {
		return fmt.Errorf("bound the upload: %w", err)
	}
	body, err := io.ReadAll(http.MaxBytesReader(rw, req.Body, manifest.MaxBytes))
	if err != nil {
		return refuse(http.StatusRequestEntityTooLarge, fmt.Sprintf("manifest: at most %d bytes within %s", manifest.MaxBytes, answerTime), "make it shorter: large data belongs into the image")
	}
	hash := hex.EncodeToString(manifest.Hash(body))
	if hash != req.PathValue("hash") {
		return refuse(http.StatusBadRequest, "manifest: its SHA-256 is "+hash+", not the one in the address", "send the canonical bytes whose hash the lease names")
	}
	m, err := parseManifest(body)
	if err == nil {
		err = fits(m, w.capacity)
	}
	if err != nil {
		return refuse(http.StatusUnprocessableEntity, err.Error(), "change the file and deploy again")
	}
	if lease := req.URL.Query().Get("lease"); lease != "" {
		if err := w.mayUpdate(req.Context(), claims.Tenant, lease, m); err != nil {
			return err
		}
	}
	switch err := w.book.keepManifest(hash, held{Tenant: claims.Tenant, Received: w.clock.Now().UTC(), Body: body}, w.config.MaxManifests, w.wantedManifests()); {
	case errors.Is(err, ErrBusy):
		return refuse(http.StatusServiceUnavailable, err.Error(), "open the lease first, or try again in two minutes")
	case err != nil:
		return err
	}
	if w.config.EarlyPull {
		select {
		case w.early <- m:
		default: // many come at once: then they wait for their leases
		}
	}
	w.forgive(hash)
	kick(w.wake)
	rw.WriteHeader(http.StatusNoContent)
	return nil
}

// serveGetManifest gives a tenant back what its lease is to run.
func (w *Worker) serveGetManifest(rw http.ResponseWriter, req *http.Request) error {
	lease, err := w.leaseOf(req, access.ScopeManifest)
	if err != nil {
		return err
	}
	m, _, ok := w.wanted(lease)
	if !ok {
		return refuse(http.StatusNotFound, "this worker has no manifest of lease "+lease, "hand it in with athd lease update --file")
	}
	canonical, err := m.Canonical()
	if err != nil {
		return err
	}
	rw.Header().Set("Content-Type", "application/json")
	_, err = rw.Write(canonical)
	return err
}

// serveStatus tells a tenant how its lease does.
func (w *Worker) serveStatus(rw http.ResponseWriter, req *http.Request) error {
	lease, err := w.leaseOf(req, access.ScopeStatus)
	if err != nil {
		return err
	}
	status, ok := w.status(lease)
	if !ok {
		return refuse(http.StatusNotFound, "this worker does not know lease "+lease, "a new lease is known once its block is; ask again")
	}
	return answer(rw, status)
}

// leaseOf authorises a tenant for its own lease.
func (w *Worker) leaseOf(req *http.Request, scope string) (string, error) {
	claims, err := w.authorize(req, scope)
	if err != nil {
		return "", err
	}
	if claims.Tenant != req.PathValue("tenant") {
		return "", refuse(http.StatusForbidden, "the token is "+claims.Tenant+"'s", "sign it with the key of the lease's tenant")
	}
	n, err := strconv.ParseUint(req.PathValue("number"), 10, 64)
	if err != nil || n == 0 || strconv.FormatUint(n, 10) != req.PathValue("number") {
		return "", refuse(http.StatusBadRequest, "lease number: want a whole number from 1", "")
	}
	return claims.Tenant + "/" + req.PathValue("number"), nil
}
