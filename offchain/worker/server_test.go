// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cosmos/cosmos-sdk/crypto/keys/secp256k1"
	sdk "github.com/cosmos/cosmos-sdk/types"

	checktypes "github.com/athnet/ath/x/checks/types"
	leasetypes "github.com/athnet/ath/x/leases/types"

	"github.com/athnet/ath/offchain/access"
	"github.com/athnet/ath/offchain/manifest"
	"github.com/athnet/ath/offchain/worker/api"
	"github.com/athnet/ath/offchain/worker/gpu"
	"github.com/athnet/ath/offchain/worker/gpu/sim"
)

var wallet = &secp256k1.PrivKey{Key: bytes.Repeat([]byte{7}, 32)}

func walletAddress() string { return sdk.AccAddress(wallet.PubKey().Address()).String() }

func token(t testing.TB, now time.Time, scopes ...string) string {
	t.Helper()
	header, err := access.Mint(access.NewClaims(testChainID, walletAddress(), testPub, now, time.Hour, scopes...),
		func(doc []byte) ([]byte, []byte, error) {
			sig, err := wallet.Sign(doc)
			return sig, wallet.PubKey().Bytes(), err
		})
	require.NoError(t, err)
	return header
}

// serve puts a worker's gateway behind its TLS and returns host:port.
func serve(t testing.TB, r *rig) string {
	t.Helper()
	server := httptest.NewUnstartedServer(r.Gateway())
	var err error
	server.TLS, err = access.ServerTLS(testKey)
	require.NoError(t, err)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

func TestGatewayServesATenant(t *testing.T) {
	tenant = walletAddress()
	t.Cleanup(func() { tenant = address(1) })
	r := newRig(t)
	endpoint := serve(t, r)
	client := api.NewClient(endpoint, testPub, token(t, r.clock.Now(), access.ScopeManifest, access.ScopeStatus, access.ScopeLogs))
	defer client.Close()
	m := workload(service("web", imageWeb, manifest.RestartAlways))
	canonical, err := m.Canonical()
	require.NoError(t, err)

	for range 2 { // again is fine
		require.NoError(t, client.PutManifest(t.Context(), canonical))
	}
	lease := r.chain.open(1, m)
	_, err = client.Status(t.Context(), lease)
	var answer *api.Error
	require.ErrorAs(t, err, &answer)
	require.Equal(t, http.StatusNotFound, answer.Code)
	r.settle()
	status, err := client.Status(t.Context(), lease)
	require.NoError(t, err)
	require.Equal(t, api.PhaseRunning, status.Phase)
	stream, err := client.Logs(t.Context(), lease, api.LogOptions{Tail: 5})
	require.NoError(t, err)
	require.Equal(t, "started web\n", output(t, stream))
	_, err = client.Logs(t.Context(), lease, api.LogOptions{Service: "none"})
	require.ErrorContains(t, err, "one of web")

	stranger := api.NewClient(endpoint, bytes.Repeat([]byte{1}, 32), "")
	defer stranger.Close()
	_, err = stranger.Status(t.Context(), lease)
	require.ErrorIs(t, err, access.ErrWrongKey)
}

func TestGatewayRefusals(t *testing.T) {
	r := newRig(t)
	r.takeBlock(r.chain.block())
	handler := r.Gateway()
	good := workload(service("web", imageWeb, manifest.RestartAlways))
	body, err := good.Canonical()
	require.NoError(t, err)
	hash := hex.EncodeToString(manifest.Hash(body))
	big := good
	big.Services = []manifest.Service{service("web", imageWeb, manifest.RestartAlways)}
	big.Services[0].Resources.MemoryMiB = 1 << 40
	bigBody, err := big.Canonical()
	require.NoError(t, err)
	spaced := bytes.Replace(body, []byte(":"), []byte(": "), 1)
	all := token(t, r.clock.Now(), access.ScopeManifest, access.ScopeStatus, access.ScopeLogs)
	own := "/v1/leases/" + walletAddress() + "/1"
	for _, tc := range []struct {
		name, method, path, token string
		body                      []byte
		code                      int
		says                      string
	}{
		{"no token", "PUT", "/v1/manifests/" + hash, "", body, 401, "no token"},
		{"bad token", "PUT", "/v1/manifests/" + hash, "ATH x.y.z", body, 401, "malformed"},
		{"expired token", "PUT", "/v1/manifests/" + hash, token(t, r.clock.Now().Add(-2*time.Hour), access.ScopeManifest), body, 401, "clock"},
		{"wrong scope", "PUT", "/v1/manifests/" + hash, token(t, r.clock.Now(), access.ScopeLogs), body, 403, "scope"},
		{"wrong hash", "PUT", "/v1/manifests/" + strings.Repeat("0", 64), all, body, 400, hash},
		{"too long", "PUT", "/v1/manifests/" + hash, all, make([]byte, manifest.MaxBytes+1), 413, "at most"},
		{"not JSON", "PUT", "/v1/manifests/" + hex.EncodeToString(manifest.Hash([]byte("x"))), all, []byte("x"), 422, "manifest"},
		{"not canonical", "PUT", "/v1/manifests/" + hex.EncodeToString(manifest.Hash(spaced)), all, spaced, 422, "canonical"},
		{"too big for the container", "PUT", "/v1/manifests/" + hex.EncodeToString(manifest.Hash(bigBody)), all, bigBody, 422, "memory"},
		{"somebody else's lease", "GET", "/v1/leases/" + address(1) + "/1/status", all, nil, 403, "tenant"},
		{"odd number", "GET", "/v1/leases/" + walletAddress() + "/01/status", all, nil, 400, "number"},
		{"unknown lease", "GET", own + "/status", all, nil, 404, "does not know"},
		{"logs of an unknown lease", "GET", own + "/logs", all, nil, 404, "does not know"},
		{"bad tail", "GET", own + "/logs?tail=-1", all, nil, 400, "tail"},
		{"bad since", "GET", own + "/logs?since=yesterday", all, nil, 400, "since"},
		{"unknown path", "GET", "/v2/x", all, nil, 404, "no such endpoint"},
		{"probe of another container", "GET", "/v1/containers/8/probe?nonce=" + strings.Repeat("0", 64), "", nil, 404, "serves 7"},
		{"probe without nonce", "GET", "/v1/containers/7/probe?nonce=00", "", nil, 400, "64 hex"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r.clock.Advance(time.Second) // refills the buckets
			req := httptest.NewRequest(tc.method, tc.path, bytes.NewReader(tc.body))
			req.Header.Set("Authorization", tc.token)
			if tc.token == "" {
				req.Header.Del("Authorization")
			}
			rec := httptest.NewRecorder()
			handler.ServeHTTP(deadliner{rec}, req)
			require.Equal(t, tc.code, rec.Code, rec.Body.String())
			var answer api.Error
			require.NoError(t, json.Unmarshal(rec.Body.Bytes(), &answer))
			require.Contains(t, answer.Error(), tc.says)
			require.Empty(t, r.book.manifests)
		})
	}
}

// deadliner lets a recorder stand for a connection.
type deadliner struct{ *httptest.ResponseRecorder }

func (deadliner) SetReadDeadline(time.Time) error  { return nil }
func (deadliner) SetWriteDeadline(time.Time) error { return nil }

func TestProbe(t *testing.T) {
	r := newRig(t)
	endpoint := serve(t, r)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: access.PinnedTLS(testPub)}}
	defer client.CloseIdleConnections()
	nonce := strings.Repeat("ab", 32)
	ask := func() (int, checktypes.ProbeReply) {
		resp, err := client.Get("https://" + endpoint + "/v1/containers/7/probe?nonce=" + nonce)
		require.NoError(t, err)
		defer resp.Body.Close()
		var reply checktypes.ProbeReply
		require.NoError(t, json.NewDecoder(resp.Body).Decode(&reply))
		return resp.StatusCode, reply
	}
	code, _ := ask()
	require.Equal(t, http.StatusServiceUnavailable, code, "no block seen: nothing to prove")
	m := workload(service("web", imageWeb, manifest.RestartAlways))
	r.deliver(m)
	lease := r.chain.open(1, m)
	r.settle()
	code, reply := ask()
	require.Equal(t, http.StatusOK, code)
	require.NoError(t, reply.Verify(testChainID, testPub))
	require.Equal(t, nonce, hex.EncodeToString(reply.Nonce))
	require.Equal(t, lease, reply.LeaseID)
	require.True(t, reply.Running)
	require.Equal(t, int64(42), reply.BlockHeight)
	r.runtime.Fail = func(string) error { return errors.New("engine is gone") }
	code, _ = ask()
	require.Equal(t, http.StatusOK, code, "the probe does not depend on the engine")
}

// A tenant that floods the gateway uses up its own bucket, never that of probes.
func TestTenantsDoNotStarveProbes(t *testing.T) {
	r := newRig(t)
	r.takeBlock(r.chain.block())
	handler := r.Gateway()
	get := func(path string) int {
		rec := httptest.NewRecorder()
		handler.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, path, nil))
		return rec.Code
	}
	for range 200 {
		get("/v1/leases/x/1/status")
	}
	require.Equal(t, http.StatusTooManyRequests, get("/v1/leases/x/1/status"))
	require.Equal(t, http.StatusOK, get("/v1/containers/7/probe?nonce="+strings.Repeat("00", 32)))
}

// Every request takes a token of its kind's bucket: what a burst leaves for the others of its kind is nothing, and each second brings some back.
func TestEveryRequestIsLimited(t *testing.T) {
	r := newRig(t)
	r.takeBlock(r.chain.block())
	lease := "/v1/leases/x/1"
	for name, kind := range map[string]struct {
		rate, burst int
		requests    []string
	}{
		"probes":   {5, 30, []string{"GET /v1/containers/7/probe?nonce=" + strings.Repeat("00", 32)}},
		"sessions": {20, 120, []string{"POST " + lease + "/exec", "POST " + lease + "/forward", "PUT " + lease + "/files?path=/", "GET " + lease + "/files?path=/"}},
		"metrics":  {1, 10, []string{"GET " + lease + "/metrics"}},
		"tenants": {10, 40, []string{
			"PUT /v1/manifests/00", "GET " + lease + "/manifest", "GET " + lease + "/status", "GET " + lease + "/statement", "GET " + lease + "/logs",
			"GET " + lease + "/events", "PUT " + lease + "/certificates/x.example", "DELETE " + lease + "/certificates/x.example",
		}},
	} {
		for _, request := range kind.requests {
			t.Run(name+" "+request, func(t *testing.T) {
				handler := r.Gateway() // with full buckets
				ask := func(request string) int {
					method, path, _ := strings.Cut(request, " ")
					rec := httptest.NewRecorder()
					handler.ServeHTTP(rec, httptest.NewRequest(method, path, nil))
					return rec.Code
				}
				for range kind.burst {
					require.NotEqual(t, http.StatusTooManyRequests, ask(request))
				}
				for _, other := range kind.requests {
					require.Equal(t, http.StatusTooManyRequests, ask(other), other)
				}
				r.clock.Advance(time.Second)
				for range kind.rate {
					require.NotEqual(t, http.StatusTooManyRequests, ask(request))
				}
				require.Equal(t, http.StatusTooManyRequests, ask(request))
			})
		}
	}
}

// Followers of logs and of events are bounded together, over all tenants; one that leaves makes room.
func TestFollowersAreBounded(t *testing.T) {
	tenant = walletAddress()
	t.Cleanup(func() { tenant = address(1) })
	r := newRig(t)
	lease := running(r, 1, service("web", imageWeb, manifest.RestartAlways))
	server := httptest.NewServer(r.Gateway())
	t.Cleanup(server.Close) // when all followers have left
	header := token(t, r.clock.Now(), access.ScopeLogs, access.ScopeStatus)
	follow := func(ctx context.Context, what string) *http.Response {
		r.clock.Advance(time.Second) // refills the bucket
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/v1/leases/"+lease+"/"+what+"?follow=1", nil)
		require.NoError(t, err)
		req.Header.Set("Authorization", header)
		resp, err := server.Client().Do(req)
		require.NoError(t, err)
		return resp
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var open []*http.Response
	for n := range 64 {
		resp := follow(ctx, []string{"logs", "events"}[n%2])
		require.Equal(t, http.StatusOK, resp.StatusCode)
		open = append(open, resp)
	}
	for _, what := range []string{"logs", "events"} {
		resp := follow(ctx, what)
		require.Equal(t, http.StatusServiceUnavailable, resp.StatusCode, "the 65th")
		resp.Body.Close()
	}
	open[0].Body.Close()
	require.Eventually(t, func() bool {
		resp := follow(ctx, "events")
		defer resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	}, patience, 10*time.Millisecond)
	cancel()
	for _, resp := range open[1:] {
		resp.Body.Close()
	}
}

// stuck is a source whose driver does not come back.
type stuck struct {
	*sim.Source
	asked chan struct{}
}

func (s stuck) Stats(ctx context.Context) ([]gpu.Stat, error) {
	close(s.asked)
	<-ctx.Done()
	return nil, ctx.Err()
}

// A tenant that has its devices compute all the time makes nothing wrong with them: no fault is told, and probes are answered at once, also
// while the driver does not answer the worker at all.
func TestABusyDeviceIsNoFault(t *testing.T) {
	source := sim.New()
	source.Set(nil, gpu.Stat{ID: "GPU-1", BusyPPM: 1_000_000, MemoryUsedMiB: 80 << 10, TemperatureC: 95})
	r := newRig(t)
	w, err := r.process(r.chain, r.runtime, r.store, func(d *Deps) { d.Devices, d.DeviceIDs = source, []string{"GPU-1"} })
	require.NoError(t, err)
	r.Worker = w
	lease := running(r, 1, service("web", imageWeb, manifest.RestartAlways))
	measured := func(until func() bool) {
		t.Helper()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- w.gpu.run(ctx, r.clock, w.log) }()
		require.Eventually(t, func() bool { r.clock.Advance(gpuSample); return until() }, patience, time.Millisecond)
		require.NoError(t, w.heartbeat(t.Context()))
		require.Empty(t, r.chain.faults)
		reply := probed(t, w)
		require.Equal(t, lease, reply.LeaseID)
		require.True(t, reply.Running)
		cancel()
		require.ErrorIs(t, <-done, context.Canceled)
	}
	measured(func() bool { return len(w.gpu.devices()) == 1 })
	hangs := stuck{source, make(chan struct{})}
	w.gpu.source = hangs
	measured(func() bool {
		select {
		case <-hangs.asked:
			return true
		default:
			return false
		}
	})
}

// A worker that is back and could not ask the chain yet does not deny the lease that it is paid for; one that has ended, or moved away,
// it does not claim.
func TestAWorkerThatIsBackNamesItsLease(t *testing.T) {
	r := newRig(t)
	again := func() string {
		r.restart(r.chain, r.runtime, r.store)
		r.takeBlock(r.chain.block())
		return probed(t, r.Worker).LeaseID
	}
	require.Empty(t, again())
	require.Len(t, r.look, 1, "blocks begin after the first look: another one closes the gap")
	lease := running(r, 1, service("web", imageWeb, manifest.RestartAlways))
	require.Equal(t, lease, probed(t, r.Worker).LeaseID)
	require.Equal(t, lease, again())
	r.chain.setDown(true)
	require.Error(t, r.lookOnce(t.Context()))
	require.Equal(t, lease, probed(t, r.Worker).LeaseID, "however long that lasts")
	r.chain.setDown(false)
	r.chain.close(lease, leasetypes.CloseReason_CLOSE_REASON_TENANT)
	require.NoError(t, r.lookOnce(t.Context()))
	require.Empty(t, probed(t, r.Worker).LeaseID)
	r.settle()
	require.Empty(t, again())

	second := running(r, 2, service("web", imageWeb, manifest.RestartAlways))
	again()
	r.chain.change(second, func(l *leasetypes.Lease) { l.ContainerId = 8 })
	require.NoError(t, r.lookOnce(t.Context()))
	require.Empty(t, probed(t, r.Worker).LeaseID)
	r.settle()
	require.Empty(t, again())
}

// probed is what a worker answers a Checker.
func probed(t *testing.T, w *Worker) checktypes.ProbeReply {
	t.Helper()
	rec := httptest.NewRecorder()
	w.Gateway().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/v1/containers/7/probe?nonce="+strings.Repeat("00", 32), nil))
	require.Equal(t, http.StatusOK, rec.Code, rec.Body.String())
	var reply checktypes.ProbeReply
	require.NoError(t, json.Unmarshal(rec.Body.Bytes(), &reply))
	require.NoError(t, reply.Verify(testChainID, testPub))
	return reply
}

func TestLimiterIsBounded(t *testing.T) {
	r := newRig(t)
	l := newLimiter(r.clock, 1, 2)
	for i := range 3 * maxAddresses {
		_ = l.allow(strings.Join([]string{"10", itoa(i >> 16), itoa(i >> 8 & 255), itoa(i & 255)}, ".") + ":1")
	}
	require.LessOrEqual(t, len(l.buckets), maxAddresses)
	require.Equal(t, prefixOf("[2001:db8::1]:1"), prefixOf("[2001:db8::2]:9"), "a network counts as one")
}

func itoa(i int) string {
	b, _ := json.Marshal(i)
	return string(b)
}

func TestLogsOfARemovedServiceComeFromTheFile(t *testing.T) {
	tenant = walletAddress()
	t.Cleanup(func() { tenant = address(1) })
	r := newRig(t)
	client := api.NewClient(serve(t, r), testPub, token(t, r.clock.Now(), access.ScopeLogs))
	defer client.Close()
	m := workload(service("web", imageWeb, manifest.RestartAlways))
	r.deliver(m)
	lease := r.chain.open(1, m)
	r.settle()
	r.chain.close(lease, 1)
	r.settle()
	stream, err := client.Logs(context.Background(), lease, api.LogOptions{})
	require.NoError(t, err)
	b, err := io.ReadAll(stream)
	require.NoError(t, err)
	require.NoError(t, stream.Close())
	require.Equal(t, "started web\n", string(b))
}

// FuzzManifest: whatever bytes come, what is accepted has one meaning and is within the Container.
func FuzzManifest(f *testing.F) {
	s := service("web", imageWeb, manifest.RestartAlways)
	s.Expose = []manifest.Expose{{Port: 80, As: 80, Proto: "tcp", Global: true}}
	good, err := workload(s).Canonical()
	require.NoError(f, err)
	f.Add(good)
	f.Add([]byte(`{"version":"ath/1","services":[]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := parseManifest(body)
		if err != nil || fits(m, Capacity{CPUMilli: 2000, MemoryMiB: 1024, DiskMiB: 1024}) != nil {
			return
		}
		again, err := m.Canonical()
		require.NoError(t, err)
		require.Equal(t, body, again)
		sum := uint64(0)
		for _, s := range m.Services {
			sum += s.Resources.MemoryMiB
			require.Contains(t, s.Image, "@sha256:")
		}
		require.LessOrEqual(t, sum, uint64(1024))
	})
}
