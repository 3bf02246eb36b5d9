// SPDX-License-Identifier: Apache-2.0

package indexer

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"cosmossdk.io/math"
	"github.com/cosmos/gogoproto/jsonpb"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/athnet/ath/offchain/chain"
	"github.com/athnet/ath/offchain/daemon"
	"github.com/athnet/ath/offchain/indexer/api"
	"github.com/athnet/ath/offchain/indexer/history"
	leasetypes "github.com/athnet/ath/x/leases/types"
	providertypes "github.com/athnet/ath/x/providers/types"
)

// maxBody of a request.
const maxBody = 64 << 10

// Handler serves gRPC, REST, server-sent events, health and metrics on one port.
func (x *Indexer) Handler(metrics *prometheus.Registry) http.Handler {
	s := Service{x}
	rpc := grpc.NewServer(grpc.ForceServerCodec(chain.Codec()))
	api.RegisterIndexerServer(rpc, s)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/match", answer(func(r *http.Request) (any, error) {
		req, err := matchQuery(r.URL.Query())
		if err != nil {
			return nil, err
		}
		return s.match(r.Context(), req)
	}))
	mux.HandleFunc("POST /v1/match", answer(func(r *http.Request) (any, error) {
		var req matchRequest
		if err := json.NewDecoder(http.MaxBytesReader(nil, r.Body, maxBody)).Decode(&req); err != nil {
			return nil, status.Errorf(codes.InvalidArgument, "body: %v", err)
		}
		return s.match(r.Context(), req)
	}))
	mux.HandleFunc("GET /v1/containers", answer(s.restContainers))
	mux.HandleFunc("GET /v1/containers/{id}", answer(s.restContainer))
	mux.HandleFunc("GET /v1/leases/{tenant}", answer(s.restLeases))
	mux.HandleFunc("GET /v1/receipts/{tenant}/{number}", answer(s.restReceipt))
	mux.HandleFunc("GET /v1/stats", answer(func(r *http.Request) (any, error) { return s.Stats(r.Context(), &api.StatsRequest{}) }))
	mux.HandleFunc("GET /v1/events", s.restEvents)
	mux.Handle("GET /healthz", x.Health)
	mux.Handle("GET /metrics", daemon.MetricsHandler(metrics))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor == 2 && strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc") {
			rpc.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// answer writes what fn returns as JSON, and an error as {"error": …} with the status that fits.
func answer(fn func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		out, err := fn(r)
		if err != nil {
			st := status.Convert(err)
			w.WriteHeader(httpStatus(st.Code()))
			out = map[string]string{"error": st.Message()}
		}
		// The client may have gone; there is nobody left to tell.
		_ = json.NewEncoder(w).Encode(out)
	}
}

func httpStatus(c codes.Code) int {
	switch c {
	case codes.InvalidArgument:
		return http.StatusBadRequest
	case codes.NotFound:
		return http.StatusNotFound
	case codes.Unavailable:
		return http.StatusServiceUnavailable
	default:
		return http.StatusInternalServerError
	}
}

// matchRequest is api.MatchRequest in JSON; a duration is text such as "2h", a mode on-demand or reserved.
type matchRequest struct {
	Requirement leasetypes.Requirement `json:"requirement"`
	MaxRate     math.Int               `json:"max_rate"`
	PriceDenom  string                 `json:"price_denom"`
	Tenant      string                 `json:"tenant"`
	Limit       uint32                 `json:"limit"`
	Duration    string                 `json:"duration"`
	Mode        string                 `json:"mode"`
}

func (s Service) match(ctx context.Context, req matchRequest) (any, error) {
	var duration time.Duration
	if req.Duration != "" {
		var err error
		if duration, err = time.ParseDuration(req.Duration); err != nil || duration < 0 {
			return nil, status.Errorf(codes.InvalidArgument, "duration: %q is not a duration such as 2h", req.Duration)
		}
	}
	mode, err := leasetypes.ParseMode(req.Mode)
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	return s.Match(ctx, &api.MatchRequest{
		Requirement: req.Requirement, MaxRate: req.MaxRate, PriceDenom: req.PriceDenom, Tenant: req.Tenant, Limit: req.Limit, Duration: duration, Mode: mode,
	})
}

// numbers reads whole numbers out of a query and remembers the first that is none.
type numbers struct {
	q   url.Values
	err error
}

func (n *numbers) get(name string, bits int) uint64 {
	text := n.q.Get(name)
	if text == "" {
		return 0
	}
	v, err := strconv.ParseUint(text, 10, bits)
	if err != nil && n.err == nil {
		n.err = status.Errorf(codes.InvalidArgument, "%s: %q is not a whole number", name, text)
	}
	return v
}

func matchQuery(q url.Values) (matchRequest, error) {
	n := numbers{q: q}
	req := matchRequest{
		Requirement: leasetypes.Requirement{
			Class: q.Get("class"), Region: q.Get("region"), Count: uint32(n.get("count", 32)), VramMib: n.get("vram_mib", 64),
			CpuMilli: n.get("cpu_milli", 64), MemoryMib: n.get("memory_mib", 64), DiskMib: n.get("disk_mib", 64),
		},
		MaxRate: math.NewIntFromUint64(n.get("max_rate", 64)), PriceDenom: q.Get("price_denom"), Tenant: q.Get("tenant"), Limit: uint32(n.get("limit", 32)), Duration: q.Get("duration"),
		Mode: q.Get("mode"),
	}
	return req, n.err
}

// containerView is a Container for people and scripts.
type containerView struct {
	ID           uint64             `json:"id"`
	Provider     string             `json:"provider"`
	Class        string             `json:"class"`
	Count        uint32             `json:"count"`
	Region       string             `json:"region"`
	Endpoint     string             `json:"endpoint"`
	Connectivity string             `json:"connectivity"`
	WorkerPubkey string             `json:"worker_pubkey"`
	Spec         providertypes.Spec `json:"spec"`
	State        string             `json:"state"`
	Lease        string             `json:"lease,omitempty"`
	Reason       string             `json:"reason,omitempty"`
	FaultAt      *time.Time         `json:"fault_at,omitempty"`
	LastSeen     time.Time          `json:"last_seen"`
	Offer        *offerView         `json:"offer,omitempty"`
}

// offerView is a standing price.
type offerView struct {
	Rate      math.Int `json:"rate"`
	Denom     string   `json:"denom"`
	MinCharge string   `json:"min_charge"`
	MaxTerm   string   `json:"max_term,omitempty"`
	Allowed   []string `json:"allowed,omitempty"`
	Denied    []string `json:"denied,omitempty"`
}

func offerOf(o *leasetypes.Offer) *offerView {
	if o == nil {
		return nil
	}
	v := &offerView{Rate: o.Rate, Denom: o.Denom, MinCharge: o.MinCharge.String(), Allowed: o.Allowed, Denied: o.Denied}
	if o.MaxTerm > 0 {
		v.MaxTerm = o.MaxTerm.String()
	}
	return v
}

func viewOf(r *api.ContainerResponse) containerView {
	c := r.Container
	return containerView{
		ID: c.Id, Provider: c.Provider, Class: c.Class, Count: c.Count, Region: c.Region, Endpoint: c.Endpoint,
		Connectivity: word(c.Connectivity.String(), "CONNECTIVITY_"), WorkerPubkey: hex.EncodeToString(c.WorkerPubkey), Spec: c.Spec,
		State: word(r.Status.State.String(), "CONTAINER_STATE_"), Lease: r.Status.Lease, Reason: r.Status.Reason, FaultAt: r.Status.FaultAt,
		LastSeen: r.LastSeen, Offer: offerOf(r.Offer),
	}
}

// word is the name of an enum's value as people write it.
func word(value, prefix string) string { return strings.ToLower(strings.TrimPrefix(value, prefix)) }

func (s Service) restContainer(r *http.Request) (any, error) {
	id, err := strconv.ParseUint(r.PathValue("id"), 10, 64)
	if err != nil {
		return nil, status.Errorf(codes.InvalidArgument, "id: %q is not a whole number", r.PathValue("id"))
	}
	resp, err := s.Container(r.Context(), &api.ContainerRequest{Id: id})
	if err != nil {
		return nil, err
	}
	return viewOf(resp), nil
}

func (s Service) restContainers(r *http.Request) (any, error) {
	q := r.URL.Query()
	n := numbers{q: q}
	req := &api.ContainersRequest{
		Class: q.Get("class"), Region: q.Get("region"), Provider: q.Get("provider"), After: n.get("after", 64), Limit: uint32(n.get("limit", 32)),
	}
	if n.err != nil {
		return nil, n.err
	}
	resp, err := s.Containers(r.Context(), req)
	if err != nil {
		return nil, err
	}
	out := struct {
		Containers []containerView `json:"containers"`
		Next       uint64          `json:"next,omitempty"`
	}{Containers: []containerView{}, Next: resp.Next}
	for i := range resp.Containers {
		out.Containers = append(out.Containers, viewOf(&resp.Containers[i]))
	}
	return out, nil
}

// leaseView is a lease for people and scripts.
type leaseView struct {
	api.LeaseRecord
	Reason string `json:"reason,omitempty"`
	State  string `json:"state"`
}

func (s Service) restLeases(r *http.Request) (any, error) {
	n := numbers{q: r.URL.Query()}
	req := &api.LeasesRequest{Tenant: r.PathValue("tenant"), Before: n.get("before", 64), Limit: uint32(n.get("limit", 32))}
	if n.err != nil {
		return nil, n.err
	}
	resp, err := s.Leases(r.Context(), req)
	if err != nil {
		return nil, err
	}
	out := struct {
		Leases      []leaseView `json:"leases"`
		Next        uint64      `json:"next,omitempty"`
		Height      int64       `json:"height"`
		FirstHeight int64       `json:"first_height"`
	}{Leases: []leaseView{}, Next: resp.Next, Height: resp.Height, FirstHeight: resp.FirstHeight}
	for _, l := range resp.Leases {
		v := leaseView{LeaseRecord: l, State: "active"}
		switch {
		case l.ClosedAt != nil:
			v.State, v.Reason = "closed", word(l.Reason.String(), "CLOSE_REASON_")
		case l.StartedAt != nil:
			v.State = "running"
		}
		out.Leases = append(out.Leases, v)
	}
	return out, nil
}

// restReceipt answers with a leasetypes.ReceiptBundle in protobuf's JSON, as `athd lease receipt verify` reads it.
func (s Service) restReceipt(r *http.Request) (any, error) {
	number, err := strconv.ParseUint(r.PathValue("number"), 10, 63)
	if err != nil {
		return nil, status.Errorf(codes.InvalidArgument, "number: %q is not the number of a lease", r.PathValue("number"))
	}
	bundle, err := s.History.Receipt(r.Context(), r.PathValue("tenant"), number)
	switch {
	case errors.Is(err, history.ErrNoReceipt), errors.Is(err, history.ErrNoProof):
		return nil, status.Error(codes.NotFound, err.Error())
	case err != nil:
		return nil, err
	}
	enc := jsonpb.Marshaler{OrigName: true, EmitDefaults: true}
	text, err := enc.MarshalToString(&bundle)
	return json.RawMessage(text), err
}

// restEvents streams every event of our modules as it happens.
func (s Service) restEvents(w http.ResponseWriter, r *http.Request) {
	flusher, ok := w.(http.Flusher)
	if !ok {
		http.Error(w, "this connection cannot stream", http.StatusNotImplemented)
		return
	}
	events, end := s.hub.listen()
	defer end()
	s.Metrics.Listeners.Inc()
	defer s.Metrics.Listeners.Dec()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
	flusher.Flush()
	for {
		select {
		case <-r.Context().Done():
			return
		case line, open := <-events:
			if !open {
				return
			}
			if _, err := fmt.Fprintf(w, "data: %s\n\n", line); err != nil {
				return
			}
			flusher.Flush()
		}
	}
}
