// SPDX-License-Identifier: Apache-2.0

package checker

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/athnet/ath/offchain/daemon"
	"github.com/athnet/ath/offchain/store"
)

// Handler serves health, metrics and evidence.
func (c *Checker) Handler(metrics *prometheus.Registry) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /healthz", c.Health)
	mux.Handle("GET /metrics", daemon.MetricsHandler(metrics))
	mux.HandleFunc("GET /v1/evidence/{round}/{shard}", c.serveEvidence)
	return mux
}

// serveEvidence hands out what the roots in this operator's reports stand for.
func (c *Checker) serveEvidence(w http.ResponseWriter, r *http.Request) {
	round, err := strconv.ParseUint(r.PathValue("round"), 10, 64)
	shard, err2 := strconv.ParseUint(r.PathValue("shard"), 10, 64)
	if err := errors.Join(err, err2); err != nil {
		http.Error(w, "want /v1/evidence/{round}/{shard}: "+err.Error(), http.StatusBadRequest)
		return
	}
	// Before commits are closed the evidence would let others report what they never checked.
	if round >= c.current.Load() {
		http.Error(w, fmt.Sprintf("round %d is not over; evidence is served once no more commits are taken", round), http.StatusForbidden)
		return
	}
	raw, err := c.records.evidence(round, shard)
	switch {
	case errors.Is(err, store.ErrNotFound):
		http.Error(w, fmt.Sprintf("no evidence of shard %d in round %d: not drawn for it, or more than %d rounds ago",
			shard, round, c.KeepRounds), http.StatusNotFound)
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	default:
		w.Header().Set("Content-Type", "application/json")
		// The client may have gone; there is nobody left to tell.
		_, _ = w.Write(raw)
	}
}
