// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/athnet/ath/offchain/access"
	"github.com/athnet/ath/offchain/daemon/clock"
	checktypes "github.com/athnet/ath/x/checks/types"
	leasetypes "github.com/athnet/ath/x/leases/types"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const chainID = "ath-test"

// worker is an endpoint whose answers can be bent.
type worker struct {
	key    ed25519.PrivateKey
	server *httptest.Server
	before func(*checktypes.ProbeReply) // before signing
	after  func(*checktypes.ProbeReply) // after signing
	raw    func(w http.ResponseWriter) bool
}

func newWorker(t *testing.T) *worker {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	w := &worker{key: key}
	w.server = httptest.NewUnstartedServer(w)
	w.server.TLS, err = access.ServerTLS(key)
	require.NoError(t, err)
	w.server.Config.ErrorLog = nil
	w.server.StartTLS()
	t.Cleanup(w.server.Close)
	return w
}

func (w *worker) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	if w.raw != nil && w.raw(rw) {
		return
	}
	nonce, err := hex.DecodeString(r.URL.Query().Get("nonce"))
	if err != nil || r.URL.Path != "/v1/containers/7/probe" {
		http.Error(rw, "bad request", http.StatusBadRequest)
		return
	}
	reply := checktypes.ProbeReply{ContainerID: 7, Nonce: nonce, BlockHeight: 5, BlockHash: make([]byte, 32), Fingerprint: []byte("fp")}
	if w.before != nil {
		w.before(&reply)
	}
	reply.Signature = ed25519.Sign(w.key, reply.SignBytes(chainID))
	if w.after != nil {
		w.after(&reply)
	}
	_ = json.NewEncoder(rw).Encode(reply)
}

func (w *worker) target() Target {
	return Target{
		ContainerID: 7, Endpoint: strings.TrimPrefix(w.server.URL, "https://"),
		WorkerKey: w.key.Public().(ed25519.PublicKey), Fingerprint: []byte("fp"),
	}
}

func prober() Prober { return Prober{ChainID: chainID, Timeout: 5 * time.Second, Clock: clock.Real} }

func TestProbe(t *testing.T) {
	open, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer open.Close()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	closed.Close()
	port := func(l net.Listener) uint16 { return uint16(l.Addr().(*net.TCPAddr).Port) }

	w := newWorker(t)
	w.before = func(r *checktypes.ProbeReply) { r.Ports, r.LeaseID = []uint16{port(open), port(closed)}, "a/5" }
	s := prober().Probe(context.Background(), w.target(), 6)
	require.Equal(t, OK, s.Kind, s.Detail)
	require.EqualValues(t, 5, s.Height)
	require.EqualValues(t, 6, s.Head)
	require.Equal(t, "a/5", s.LeaseID)
	require.Len(t, s.Nonce, 32)
	require.Positive(t, s.LatencyNS)
	require.Len(t, s.PortsNS, 2)
	require.Positive(t, s.PortsNS[0])
	require.EqualValues(t, -1, s.PortsNS[1], "a closed port is quality, not a fault")
	_, err = Check(s.Reply, w.target(), s.Nonce, chainID)
	require.NoError(t, err, "the raw reply is evidence that anyone can check again")
}

func TestProbeOfLiars(t *testing.T) {
	for name, tc := range map[string]struct {
		bend func(*worker, *Target)
		kind Kind
		says string
	}{
		"another key":          {func(_ *worker, tg *Target) { tg.WorkerKey = make([]byte, 32) }, WrongKey, "worker key"},
		"nobody there":         {func(w *worker, _ *Target) { w.server.Close() }, Unreachable, "connect"},
		"another container":    {func(w *worker, _ *Target) { w.before = func(r *checktypes.ProbeReply) { r.ContainerID = 8 } }, BadReply, "container_id"},
		"a replayed nonce":     {func(w *worker, _ *Target) { w.before = func(r *checktypes.ProbeReply) { r.Nonce = make([]byte, 32) } }, BadReply, "nonce"},
		"another machine":      {func(w *worker, _ *Target) { w.before = func(r *checktypes.ProbeReply) { r.Fingerprint = []byte("x") } }, BadReply, "fingerprint"},
		"no block":             {func(w *worker, _ *Target) { w.before = func(r *checktypes.ProbeReply) { r.BlockHeight = 0 } }, BadReply, "block"},
		"changed after signed": {func(w *worker, _ *Target) { w.after = func(r *checktypes.ProbeReply) { r.LeaseID = "a/1" } }, BadReply, "signature"},
		"no signature":         {func(w *worker, _ *Target) { w.after = func(r *checktypes.ProbeReply) { r.Signature = nil } }, BadReply, "signature"},
		"another path":         {func(_ *worker, tg *Target) { tg.ContainerID = 9 }, BadReply, "status 400"},
		"not JSON": {func(w *worker, _ *Target) {
			w.raw = func(rw http.ResponseWriter) bool { _, _ = rw.Write([]byte("<html>")); return true }
		}, BadReply, "not a probe reply"},
		"endless": {func(w *worker, _ *Target) {
			w.raw = func(rw http.ResponseWriter) bool { _, _ = rw.Write(make([]byte, 2*maxReply)); return true }
		}, BadReply, "413"},
		"redirect": {func(w *worker, _ *Target) {
			w.raw = func(rw http.ResponseWriter) bool {
				rw.Header().Set("Location", "https://example.invalid/")
				rw.WriteHeader(http.StatusFound)
				return true
			}
		}, Unreachable, "redirects"},
		"bad endpoint": {func(_ *worker, tg *Target) { tg.Endpoint = "::bad::" }, Unreachable, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorker(t)
			target := w.target()
			tc.bend(w, &target)
			s := prober().Probe(context.Background(), target, 1)
			require.Equal(t, tc.kind, s.Kind, s.Detail)
			require.Contains(t, s.Detail, tc.says)
		})
	}
}

// A worker is held to a lease that is billed and was bound long before the block that it has seen; to nothing else.
func TestRefute(t *testing.T) {
	bound := time.Unix(1_000_000, 0)
	lease := leasetypes.Lease{Tenant: "a", Number: 5, ContainerId: 7, State: leasetypes.LeaseState_LEASE_STATE_RUNNING, BoundAt: bound}
	late := bound.Add(leaseGrace)
	for name, tc := range map[string]struct {
		says string
		at   time.Time
		edit func(*leasetypes.Lease)
		kind Kind
	}{
		"it serves the lease":                       {"a/5", late, nil, OK},
		"it serves none":                            {"", late, nil, BadReply},
		"it serves another":                         {"a/4", late, nil, BadReply},
		"what it says is no lease":                  {strings.Repeat("x", 10_000), late, nil, BadReply},
		"it may not have heard of it yet":           {"", late.Add(-1), nil, OK},
		"it had not seen the block that binds it":   {"", bound.Add(-time.Hour), nil, OK},
		"nobody knows when its block was":           {"", time.Time{}, nil, OK},
		"the lease has not started":                 {"", late, func(l *leasetypes.Lease) { l.State = leasetypes.LeaseState_LEASE_STATE_ACTIVE }, OK},
		"the lease is paused":                       {"", late, func(l *leasetypes.Lease) { l.State = leasetypes.LeaseState_LEASE_STATE_PAUSED }, OK},
		"the lease stands by":                       {"", late, func(l *leasetypes.Lease) { l.State = leasetypes.LeaseState_LEASE_STATE_STANDBY }, OK},
		"the lease has moved to another Container":  {"", late, func(l *leasetypes.Lease) { l.ContainerId = 8 }, OK},
		"the lease came back, or was resumed since": {"", late, func(l *leasetypes.Lease) { l.BoundAt = bound.Add(time.Second) }, OK},
	} {
		t.Run(name, func(t *testing.T) {
			l := lease
			if tc.edit != nil {
				tc.edit(&l)
			}
			s := Sample{ContainerID: 7, Kind: OK, LeaseID: tc.says, LatencyNS: 1}.Refute(l, tc.at)
			require.Equal(t, tc.kind, s.Kind, s.Detail)
			if s.Kind == BadReply {
				require.Contains(t, s.Detail, "lease_id: a/5 is billed")
				require.Less(t, len(s.Detail), 256)
			}
			require.EqualValues(t, 1, s.LatencyNS)
		})
	}
	for _, kind := range []Kind{Unreachable, WrongKey, BadReply, Local} {
		require.Equal(t, Sample{ContainerID: 7, Kind: kind}, Sample{ContainerID: 7, Kind: kind}.Refute(lease, late), "it has said nothing of leases")
	}
}

func TestOwnFaultsAreNotTheWorkers(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s := prober().Probe(ctx, newWorker(t).target(), 1)
	require.Equal(t, Local, s.Kind)
	require.Equal(t, Local, classify(context.Background(), syscall.EMFILE))
	require.Equal(t, Local, classify(context.Background(), syscall.ENETUNREACH))
	require.Equal(t, Unreachable, classify(context.Background(), syscall.ECONNREFUSED))
}

func TestASlowWorkerIsUnreachable(t *testing.T) {
	w := newWorker(t)
	release := make(chan struct{})
	w.raw = func(http.ResponseWriter) bool { <-release; return true }
	p := prober()
	p.Timeout = 50 * time.Millisecond
	s := p.Probe(context.Background(), w.target(), 1)
	close(release)
	require.Equal(t, Unreachable, s.Kind)
}

func FuzzCheck(f *testing.F) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(f, err)
	good := checktypes.ProbeReply{ContainerID: 7, Nonce: []byte("n"), BlockHeight: 1, BlockHash: []byte("h"), Fingerprint: []byte("fp")}
	good.Signature = ed25519.Sign(key, good.SignBytes(chainID))
	raw, err := json.Marshal(good)
	require.NoError(f, err)
	f.Add(raw)
	f.Add([]byte(`{"container_id":7}`))
	f.Add([]byte(`null`))
	target := Target{ContainerID: 7, WorkerKey: key.Public().(ed25519.PublicKey), Fingerprint: []byte("fp")}
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := Check(raw, target, []byte("n"), chainID)
		if err == nil && r.Verify(chainID, target.WorkerKey) != nil {
			t.Fatal("accepted without signature")
		}
	})
}
