// SPDX-License-Identifier: Apache-2.0

package indexer

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"cosmossdk.io/math"
	"github.com/cosmos/cosmos-sdk/types/query"
	gogoproto "github.com/cosmos/gogoproto/proto"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/athnet/ath/offchain/chain"
	"github.com/athnet/ath/offchain/chain/chaintest"
	"github.com/athnet/ath/offchain/daemon"
	"github.com/athnet/ath/offchain/daemon/clock"
	"github.com/athnet/ath/offchain/indexer/api"
	"github.com/athnet/ath/offchain/indexer/history"
	"github.com/athnet/ath/offchain/indexer/market"
	athtypes "github.com/athnet/ath/x/ath/types"
	leasetypes "github.com/athnet/ath/x/leases/types"
	providertypes "github.com/athnet/ath/x/providers/types"
)

func TestMain(m *testing.M) {
	athtypes.SetPrefixes()
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("database/sql.(*DB).connectionOpener"))
}

// TestEveryEventHasAProjector: a new event must be projected, or be called unused with a reason.
func TestEveryEventHasAProjector(t *testing.T) {
	var events []string
	gogoproto.HybridResolver.RangeFiles(func(f protoreflect.FileDescriptor) bool {
		if strings.HasPrefix(string(f.Package()), "athd.") {
			for i := range f.Messages().Len() {
				if m := f.Messages().Get(i); strings.HasPrefix(string(m.Name()), "Event") {
					events = append(events, string(m.FullName()))
				}
			}
		}
		return true
	})
	require.Greater(t, len(events), 25)
	for _, name := range events {
		require.Contains(t, projectors, name)
	}
	require.Len(t, projectors, len(events), "a projector of an event that is gone")
}

// network is a chain that answers an Indexer's snapshot.
type network struct {
	*chaintest.Chain
	containers []providertypes.ContainerView
	offers     []leasetypes.Offer
}

type providersServer struct {
	*providertypes.UnimplementedQueryServer
	n *network
}

type leasesServer struct {
	*leasetypes.UnimplementedQueryServer
	n *network
}

func (s providersServer) Params(context.Context, *providertypes.QueryParamsRequest) (*providertypes.QueryParamsResponse, error) {
	return &providertypes.QueryParamsResponse{Params: providertypes.DefaultParams()}, nil
}

// Containers pages by two, so that paging is exercised.
func (s providersServer) Containers(_ context.Context, req *providertypes.QueryContainersRequest) (*providertypes.QueryContainersResponse, error) {
	from := 0
	if len(req.Pagination.Key) > 0 {
		from = int(req.Pagination.Key[0])
	}
	to := min(from+2, len(s.n.containers))
	resp := &providertypes.QueryContainersResponse{Containers: s.n.containers[from:to], Pagination: &query.PageResponse{}}
	if to < len(s.n.containers) {
		resp.Pagination.NextKey = []byte{byte(to)}
	}
	return resp, nil
}

func (s leasesServer) Offers(context.Context, *leasetypes.QueryOffersRequest) (*leasetypes.QueryOffersResponse, error) {
	return &leasetypes.QueryOffersResponse{Offers: s.n.offers}, nil
}

func newNetwork() *network {
	n := &network{Chain: chaintest.New("ath-test")}
	providertypes.RegisterQueryServer(n, providersServer{n: n})
	leasetypes.RegisterQueryServer(n, leasesServer{n: n})
	for id := uint64(1); id <= 5; id++ {
		n.containers = append(n.containers, providertypes.ContainerView{
			Container: testContainer(id), LastSeen: chaintest.Genesis, Stake: math.NewInt(1),
			Status: providertypes.ContainerStatus{Id: id, State: providertypes.ContainerState_CONTAINER_STATE_READY},
		})
		n.offers = append(n.offers, leasetypes.Offer{ContainerId: id, Denom: "uath", Rate: math.NewIntFromUint64(id * 10)})
	}
	return n
}

func testContainer(id uint64) providertypes.Container {
	return providertypes.Container{
		Id: id, Provider: "ath1provider", Class: "cpu", Count: 1, Region: "eu", Endpoint: fmt.Sprintf("host:%d", id),
		WorkerPubkey: make([]byte, 32), Fingerprint: make([]byte, 32), RegisteredAt: chaintest.Genesis,
		Spec: providertypes.Spec{MemoryMib: 1024},
	}
}

// running is a started Indexer.
type running struct {
	*Indexer
	t      *testing.T
	n      *network
	db     *history.Store
	stop   func()
	client *httptest.Server
}

func (n *network) start(t *testing.T, path string, key chain.Signer) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	db, err := history.Open(ctx, path)
	require.NoError(t, err)
	registry := prometheus.NewRegistry()
	x, err := New(ctx, Options{
		Chain: n, Market: market.New(n.Clock, 3*time.Second), History: db, Key: key, Clock: n.Clock, Log: slog.New(slog.DiscardHandler),
		Health: daemon.NewHealth("ath-indexer", n.Clock, Warnables()...), Metrics: NewMetrics(registry),
	})
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- daemon.Run(ctx, x.Log, x.Actors()...) }()
	r := &running{Indexer: x, t: t, n: n, db: db, client: httptest.NewServer(x.Handler(registry))}
	r.stop = func() {
		cancel()
		r.client.Close()
		require.NoError(t, <-done)
		require.NoError(t, db.Close())
	}
	<-x.ready
	return r
}

// block makes a block and waits until market and history have it.
func (r *running) block(events ...gogoproto.Message) {
	r.t.Helper()
	b := r.n.Next(events...)
	require.Eventually(r.t, func() bool {
		height, _ := r.Market.Head()
		p, err := r.db.Position(context.Background())
		return err == nil && height == b.Height && p.Height == b.Height
	}, 10*time.Second, time.Millisecond)
}

func (r *running) get(path string, into any) int {
	r.t.Helper()
	resp, err := http.Get(r.client.URL + path)
	require.NoError(r.t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(r.t, err)
	require.NoError(r.t, json.Unmarshal(body, into), "%s", body)
	return resp.StatusCode
}

type matchAnswer struct {
	Candidates []struct {
		ContainerID uint64   `json:"container_id"`
		Rate        math.Int `json:"rate"`
		Endpoint    string   `json:"endpoint"`
	} `json:"candidates"`
	Quote  *leasetypes.Quote `json:"quote"`
	Reason string            `json:"reason"`
	Height int64             `json:"height"`
	Error  string            `json:"error"`
}

func statusOf(id uint64, state providertypes.ContainerState) *providertypes.EventContainerStatusChanged {
	return &providertypes.EventContainerStatusChanged{Status: providertypes.ContainerStatus{Id: id, State: state}}
}

func TestMarketFollowsTheChain(t *testing.T) {
	n := newNetwork()
	r := n.start(t, filepath.Join(t.TempDir(), "db"), nil)
	defer r.stop()
	var a matchAnswer
	require.Equal(t, 200, r.get("/v1/match?class=cpu&limit=3", &a))
	require.Len(t, a.Candidates, 3)
	require.EqualValues(t, 1, a.Candidates[0].ContainerID)
	require.Equal(t, "host:1", a.Candidates[0].Endpoint)

	c := testContainer(6)
	r.block(statusOf(1, providertypes.ContainerState_CONTAINER_STATE_LEASED),
		&providertypes.EventContainerRegistered{Container: c, State: providertypes.ContainerState_CONTAINER_STATE_READY, Stake: math.NewInt(1)},
		&providertypes.EventHeartbeat{Ids: []uint64{6}},
		&leasetypes.EventOfferSet{Offer: leasetypes.Offer{ContainerId: 6, Denom: "uath", Rate: math.NewInt(1)}},
		&leasetypes.EventOfferRemoved{ContainerId: 2})
	require.Equal(t, 200, r.get("/v1/match?class=cpu", &a))
	var got []uint64
	for _, c := range a.Candidates {
		got = append(got, c.ContainerID)
	}
	require.Equal(t, []uint64{6, 3, 4, 5}, got)
	a = matchAnswer{}
	require.Equal(t, 200, r.get("/v1/match?class=cpu&region=us", &a))
	require.Contains(t, a.Reason, "region")

	var stats api.StatsResponse
	require.Equal(t, 200, r.get("/v1/stats", &stats))
	require.EqualValues(t, 6, stats.Containers)
	require.EqualValues(t, 4, stats.Classes[0].Free)
	require.EqualValues(t, 1, stats.Classes[0].Leased)
	var view containerView
	require.Equal(t, 200, r.get("/v1/containers/1", &view))
	require.Equal(t, "leased", view.State)
	var page struct {
		Containers []containerView `json:"containers"`
		Next       uint64          `json:"next"`
	}
	require.Equal(t, 200, r.get("/v1/containers?limit=2&class=cpu&after=1", &page))
	require.EqualValues(t, 3, page.Next)
}

func TestRESTSaysWhatIsWrong(t *testing.T) {
	n := newNetwork()
	r := n.start(t, filepath.Join(t.TempDir(), "db"), nil)
	defer r.stop()
	for path, want := range map[string]struct {
		code int
		says string
	}{
		"/v1/match?class=cpu&limit=x":      {400, "limit"},
		"/v1/match?class=cpu&limit=65":     {400, "limit: at most 64"},
		"/v1/match?class=cpu&duration=2":   {400, "duration"},
		"/v1/match?class=cpu&memory_mib=a": {400, "memory_mib"},
		"/v1/containers/99":                {404, "container 99"},
		"/v1/containers/x":                 {400, "id"},
		"/v1/containers?limit=1001":        {400, "limit"},
		"/v1/leases/ath1x?before=-1":       {400, "before"},
	} {
		var a matchAnswer
		require.Equal(t, want.code, r.get(path, &a), path)
		require.Contains(t, a.Error, want.says)
	}
	resp, err := http.Post(r.client.URL+"/v1/match", "application/json", strings.NewReader(`{"requirement":`))
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, 400, resp.StatusCode)
}

// TestQuotesAreTheChains: what the Indexer signs, the chain's own rule accepts.
func TestQuotesAreTheChains(t *testing.T) {
	key, err := chain.NewKey()
	require.NoError(t, err)
	tenant, err := chain.NewKey()
	require.NoError(t, err)
	n := newNetwork()
	r := n.start(t, filepath.Join(t.TempDir(), "db"), key)
	defer r.stop()
	requirement := leasetypes.Requirement{Class: "cpu", Region: "eu"}
	body, err := json.Marshal(map[string]any{"requirement": requirement, "max_rate": "25", "tenant": tenant.Address(), "limit": 8})
	require.NoError(t, err)
	resp, err := http.Post(r.client.URL+"/v1/match", "application/json", strings.NewReader(string(body)))
	require.NoError(t, err)
	defer resp.Body.Close()
	var a matchAnswer
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&a))
	require.Len(t, a.Candidates, 2)
	require.NotNil(t, a.Quote)
	require.NoError(t, a.Quote.Validate())
	signer, err := a.Quote.Verify("ath-test", tenant.Address(), requirement, n.Clock.Now())
	require.NoError(t, err)
	require.Equal(t, key.Address(), signer.String())
	require.True(t, a.Quote.Counts(leasetypes.Offer{ContainerId: 1, Denom: "uath", Rate: math.NewInt(10)}))
	_, err = a.Quote.Verify("ath-test", key.Address(), requirement, n.Clock.Now())
	require.Error(t, err, "it is for one tenant only")
}

func TestGRPCOnTheSamePort(t *testing.T) {
	n := newNetwork()
	r := n.start(t, filepath.Join(t.TempDir(), "db"), nil)
	defer r.stop()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- daemon.ServeHTTP(l, r.Handler(prometheus.NewRegistry())).Run(ctx) }()
	conn, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(chain.Codec())))
	require.NoError(t, err)
	resp, err := api.NewIndexerClient(conn).Match(ctx, &api.MatchRequest{Requirement: leasetypes.Requirement{Class: "cpu"}, MaxRate: math.NewInt(15)})
	require.NoError(t, err)
	require.Len(t, resp.Candidates, 1)
	got, err := api.NewIndexerClient(conn).Container(ctx, &api.ContainerRequest{Id: 2})
	require.NoError(t, err)
	require.Equal(t, "host:2", got.Container.Endpoint)
	require.NoError(t, conn.Close())
	cancel()
	require.ErrorIs(t, <-served, context.Canceled)
}

func lifecycle(tenant string, number uint64) (opened, started, settled, recorded, closed gogoproto.Message) {
	at := chaintest.Genesis.Add(time.Minute)
	l := leasetypes.Lease{
		Tenant: tenant, Number: number, ContainerId: 3, Provider: "ath1provider", Denom: "uath", Rate: math.NewInt(30), CreatedAt: at,
		SettledUntil: at, Remainder: math.ZeroInt(), Billed: math.ZeroInt(), Reserve: math.ZeroInt(), ManifestHash: make([]byte, 32),
	}
	opened = &leasetypes.EventLeaseOpened{Lease: l}
	begin := at.Add(2 * time.Second)
	l.StartedAt = &begin
	id := fmt.Sprintf("%s/%d", tenant, number)
	return opened, &leasetypes.EventLeaseStarted{Lease: l},
		&leasetypes.EventLeaseSettled{LeaseId: id, Provider: "ath1provider", Paid: "70uath", Fee: "14uath"},
		&leasetypes.EventUsageRecorded{Record: leasetypes.UsageRecord{LeaseId: id, Sequence: 1, From: begin, Until: begin.Add(time.Second)}},
		&leasetypes.EventLeaseClosed{Receipt: leasetypes.Receipt{
			Tenant: tenant, Number: number, ContainerId: 3, Provider: "ath1provider", ClosedBy: tenant, Reason: leasetypes.CloseReason_CLOSE_REASON_TENANT,
			CreatedAt: at, StartedAt: &begin, EndedAt: begin.Add(time.Minute), Denom: "uath", Rate: math.NewInt(30), Billed: math.NewInt(140),
			ExitCodes: []int32{0, 137},
		}}
}

type leasesAnswer struct {
	Leases []struct {
		LeaseID   string     `json:"lease_id"`
		State     string     `json:"state"`
		Reason    string     `json:"reason"`
		Billed    math.Int   `json:"billed"`
		Fee       math.Int   `json:"fee"`
		Usage     uint64     `json:"usage_records"`
		ExitCodes []int32    `json:"exit_codes"`
		ClosedAt  *time.Time `json:"closed_at"`
	} `json:"leases"`
	Next        uint64 `json:"next"`
	Height      int64  `json:"height"`
	FirstHeight int64  `json:"first_height"`
}

// TestHistorySurvivesARestart follows a lease from its opening to its receipt over a restart in the middle, with blocks made while the
// Indexer was down.
func TestHistorySurvivesARestart(t *testing.T) {
	key, err := chain.NewKey()
	require.NoError(t, err)
	tenant := key.Address()
	n := newNetwork()
	path := filepath.Join(t.TempDir(), "db")
	r := n.start(t, path, nil)
	opened, started, settled, recorded, closed := lifecycle(tenant, 1)
	second, _, _, _, _ := lifecycle(tenant, 2)
	r.block(opened, second)
	r.block(started, recorded, settled)
	var a leasesAnswer
	require.Equal(t, 200, r.get("/v1/leases/"+tenant, &a))
	require.Len(t, a.Leases, 2)
	require.Equal(t, tenant+"/2", a.Leases[0].LeaseID)
	require.Equal(t, "active", a.Leases[0].State)
	require.Equal(t, "running", a.Leases[1].State)
	require.Equal(t, "70", a.Leases[1].Billed.String())
	require.Equal(t, "14", a.Leases[1].Fee.String())
	r.stop()

	n.Next(settled)
	n.Next(closed)
	r = n.start(t, path, nil)
	defer r.stop()
	r.block()
	a = leasesAnswer{}
	require.Equal(t, 200, r.get("/v1/leases/"+tenant+"?before=2", &a))
	require.Len(t, a.Leases, 1)
	l := a.Leases[0]
	require.Equal(t, "closed", l.State)
	require.Equal(t, "tenant", l.Reason)
	require.Equal(t, "140", l.Billed.String())
	require.Equal(t, "28", l.Fee.String(), "both settlements, each once")
	require.EqualValues(t, 1, l.Usage)
	require.Equal(t, []int32{0, 137}, l.ExitCodes)
	require.EqualValues(t, 1, a.FirstHeight)

	a = leasesAnswer{}
	require.Equal(t, 200, r.get("/v1/leases/"+tenant+"?limit=1", &a))
	require.EqualValues(t, 2, a.Next)
}

func TestHistoryOfAnotherChainIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	n := newNetwork()
	r := n.start(t, path, nil)
	r.block()
	r.stop()
	open := func(n *network) error {
		db, err := history.Open(context.Background(), path)
		require.NoError(t, err)
		defer db.Close()
		_, err = New(context.Background(), Options{Chain: n, History: db, Clock: clock.Real, Log: slog.New(slog.DiscardHandler)})
		return err
	}
	require.NoError(t, open(n))
	other := newNetwork()
	require.ErrorIs(t, open(other), history.ErrOtherChain, "the same chain-id, but a node that is behind")
	other.Chain = chaintest.New("other")
	err := open(other)
	require.ErrorIs(t, err, history.ErrOtherChain)
	require.ErrorContains(t, err, "move "+path+" away")
}

func TestHistoryOfAPrunedNode(t *testing.T) {
	n := newNetwork()
	for range 5 {
		n.Next()
	}
	n.Prune(4)
	r := n.start(t, filepath.Join(t.TempDir(), "db"), nil)
	defer r.stop()
	// The market may be there before history has begun, which it does with the block that is the last then.
	require.Eventually(t, func() bool {
		p, err := r.db.Position(context.Background())
		return err == nil && p.First != 0
	}, 10*time.Second, time.Millisecond)
	r.block()
	var a leasesAnswer
	require.Equal(t, 200, r.get("/v1/leases/ath1x", &a))
	require.EqualValues(t, 6, a.FirstHeight)
	require.Equal(t, "history-gap", r.Health.Report().Warnings[0].Code)
}

func TestEventsAreStreamed(t *testing.T) {
	n := newNetwork()
	r := n.start(t, filepath.Join(t.TempDir(), "db"), nil)
	defer r.stop()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.client.URL+"/v1/events", nil)
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	r.block(&providertypes.EventHeartbeat{Ids: []uint64{7}})
	line, err := bufio.NewReader(resp.Body).ReadString('\n')
	require.NoError(t, err)
	var got notice
	require.NoError(t, json.Unmarshal([]byte(strings.TrimPrefix(line, "data: ")), &got))
	require.Equal(t, "athd.providers.v1.EventHeartbeat", got.Type)
	require.JSONEq(t, `{"ids":["7"]}`, string(got.Event))
}

func TestASlowListenerIsCutOff(t *testing.T) {
	h := newHub()
	ch, end := h.listen()
	defer end()
	for range hubBuffer + 1 {
		h.publish(chain.Head{}, &providertypes.EventHeartbeat{})
	}
	require.Len(t, slices.Collect(func(yield func([]byte) bool) {
		for line := range ch {
			if !yield(line) {
				return
			}
		}
	}), hubBuffer)
}

func TestAnEventThatCannotBeReadStopsTheIndexer(t *testing.T) {
	b := chain.Block{Events: []chain.Event{{Type: "athd.leases.v1.EventLeaseOpened", Attributes: []chain.Attribute{{Key: "lease", Value: "{"}}}}}
	require.Error(t, project(view{}, b, nil))
	b.Events[0].Type = "transfer"
	require.NoError(t, project(view{}, b, nil))
}
