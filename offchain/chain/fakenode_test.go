// SPDX-License-Identifier: Apache-2.0

package chain

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	authv1beta1 "cosmossdk.io/api/cosmos/auth/v1beta1"
	cmtservice "cosmossdk.io/api/cosmos/base/tendermint/v1beta1"
	p2p "cosmossdk.io/api/tendermint/p2p"
	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	sdk "github.com/cosmos/cosmos-sdk/types"
	txtypes "github.com/cosmos/cosmos-sdk/types/tx"
)

const testChain = "ath-test-1"

// fakeNode answers like a CometBFT node with an application behind it; the test makes its blocks.
type fakeNode struct {
	t    *testing.T
	http *httptest.Server
	grpc *grpc.Server
	addr string

	cmtservice.UnimplementedServiceServer
	authv1beta1.UnimplementedQueryServer

	mu       sync.Mutex
	network  string
	blocks   []fakeBlock
	earliest int64
	mempool  [][]byte
	subs     map[*websocket.Conn]struct{}
	down     bool
	quiet    bool
	check    func(raw []byte) (codespace string, code uint32, log string)
	deliver  func(raw []byte) (code uint32, events []wireEvent)
	simulate func(raw []byte) (codespace string, code uint32, log string)
	account  uint64
	arrived  *sync.Cond
}

type fakeBlock struct {
	time    time.Time
	txs     [][]byte
	results []map[string]any
	events  []wireEvent
	parent  string
}

// txService is the part of the tx service that a sender uses.
type txService struct {
	*txtypes.UnimplementedServiceServer
	n *fakeNode
}

func newFakeNode(t *testing.T) *fakeNode {
	t.Helper()
	n := &fakeNode{t: t, network: testChain, earliest: 1, subs: map[*websocket.Conn]struct{}{}, account: 7}
	n.arrived = sync.NewCond(&n.mu)
	n.http = httptest.NewServer(n)
	n.grpc = grpc.NewServer(grpc.ForceServerCodec(wireCodec{}))
	cmtservice.RegisterServiceServer(n.grpc, n)
	authv1beta1.RegisterQueryServer(n.grpc, n)
	txtypes.RegisterServiceServer(n.grpc, txService{n: n})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	n.addr = l.Addr().String()
	go func() { _ = n.grpc.Serve(l) }()
	t.Cleanup(func() {
		n.grpc.Stop()
		n.dropSubscribers()
		n.http.Close()
	})
	n.produce()
	return n
}

func (n *fakeNode) config() Config { return Config{GRPC: n.addr, RPC: n.http.URL, ChainID: testChain} }

func (n *fakeNode) dial() *Client {
	n.t.Helper()
	c, err := Dial(context.Background(), n.config())
	require.NoError(n.t, err)
	n.t.Cleanup(func() { require.NoError(n.t, c.Close()) })
	return c
}

func (n *fakeNode) hash(height int64) string {
	if height < 1 {
		return ""
	}
	return fmt.Sprintf("%064X", height)
}

// produce makes a block of the mempool, with begin- and end-block events.
func (n *fakeNode) produce(events ...wireEvent) {
	n.mu.Lock()
	defer n.mu.Unlock()
	height := int64(len(n.blocks)) + 1
	b := fakeBlock{time: time.Now().UTC(), txs: n.mempool, events: events, parent: n.hash(height - 1)}
	for _, raw := range n.mempool {
		result := map[string]any{"code": 0, "gas_used": "4242", "log": "", "data": "", "events": []wireEvent{}}
		if n.deliver != nil {
			code, evs := n.deliver(raw)
			result["code"], result["events"] = code, evs
			if code != 0 {
				result["codespace"], result["log"] = "leases", "no free container"
			}
		}
		b.results = append(b.results, result)
	}
	n.mempool = nil
	n.blocks = append(n.blocks, b)
	if n.quiet {
		return
	}
	for ws := range n.subs {
		_ = ws.WriteMessage(websocket.TextMessage, []byte(fmt.Sprintf(
			`{"jsonrpc":"2.0","id":1,"result":{"data":{"type":"tendermint/event/NewBlockHeader","value":{"header":{"height":"%d"}}}}}`, height)))
	}
}

func (n *fakeNode) set(fn func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	fn()
}

func (n *fakeNode) awaitTx() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for len(n.mempool) == 0 {
		n.arrived.Wait()
	}
}

func (n *fakeNode) awaitSubscriber() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for len(n.subs) == 0 {
		n.arrived.Wait()
	}
}

func (n *fakeNode) dropSubscribers() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for ws := range n.subs {
		ws.Close()
	}
	n.subs = map[*websocket.Conn]struct{}{}
}

func (n *fakeNode) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/websocket" {
		n.websocket(w, r)
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.down {
		http.Error(w, "restarting", http.StatusBadGateway)
		return
	}
	var result any
	switch r.URL.Path {
	case "/status":
		result = n.status()
	case "/block", "/block_results":
		height, err := strconv.ParseInt(r.URL.Query().Get("height"), 10, 64)
		require.NoError(n.t, err)
		if height < n.earliest || height > int64(len(n.blocks)) {
			w.WriteHeader(http.StatusInternalServerError)
			fmt.Fprintf(w, `{"jsonrpc":"2.0","id":-1,"error":{"code":-32603,"message":"Internal error","data":"height %d is not available"}}`, height)
			return
		}
		result = n.block(r.URL.Path == "/block", height)
	case "/":
		result = n.abciQuery(r)
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"jsonrpc": "2.0", "id": -1, "result": result})
}

func (n *fakeNode) status() any {
	height := int64(len(n.blocks))
	return map[string]any{
		"node_info": map[string]any{"network": n.network},
		"sync_info": map[string]any{
			"latest_block_hash": n.hash(height), "latest_block_height": fmt.Sprint(height),
			"latest_block_time": n.blocks[height-1].time, "earliest_block_height": fmt.Sprint(n.earliest), "catching_up": false,
		},
	}
}

func (n *fakeNode) block(header bool, height int64) any {
	b := n.blocks[height-1]
	if header {
		return map[string]any{
			"block_id": map[string]any{"hash": n.hash(height)},
			"block": map[string]any{
				"header": map[string]any{
					"chain_id": n.network, "height": fmt.Sprint(height), "time": b.time,
					"last_block_id": map[string]any{"hash": b.parent},
				},
				"data": map[string]any{"txs": b.txs},
			},
		}
	}
	return map[string]any{"height": fmt.Sprint(height), "txs_results": b.results, "finalize_block_events": b.events}
}

func (n *fakeNode) abciQuery(r *http.Request) any {
	var req struct {
		Params struct {
			Path string `json:"path"`
			Data string `json:"data"`
		} `json:"params"`
	}
	require.NoError(n.t, json.NewDecoder(r.Body).Decode(&req))
	require.Equal(n.t, "/app/simulate", req.Params.Path)
	raw, err := hex.DecodeString(req.Params.Data)
	require.NoError(n.t, err)
	if n.simulate != nil {
		if codespace, code, log := n.simulate(raw); code != 0 {
			return map[string]any{"response": map[string]any{"code": code, "codespace": codespace, "log": log}}
		}
	}
	gas := base64.StdEncoding.EncodeToString([]byte(`{"gas_info":{"gas_wanted":"0","gas_used":"100000"},"result":null}`))
	return map[string]any{"response": map[string]any{"code": 0, "codespace": "sdk", "value": gas}}
}

func (n *fakeNode) websocket(w http.ResponseWriter, r *http.Request) {
	ws, err := new(websocket.Upgrader).Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer ws.Close()
	if _, msg, err := ws.ReadMessage(); err != nil || !strings.Contains(string(msg), "NewBlockHeader") {
		return
	}
	n.mu.Lock()
	_ = ws.WriteMessage(websocket.TextMessage, []byte(`{"jsonrpc":"2.0","id":1,"result":{}}`))
	n.subs[ws] = struct{}{}
	n.arrived.Broadcast()
	n.mu.Unlock()
	for {
		if _, _, err := ws.ReadMessage(); err != nil {
			n.mu.Lock()
			delete(n.subs, ws)
			n.mu.Unlock()
			return
		}
	}
}

func (n *fakeNode) GetNodeInfo(context.Context, *cmtservice.GetNodeInfoRequest) (*cmtservice.GetNodeInfoResponse, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return &cmtservice.GetNodeInfoResponse{DefaultNodeInfo: &p2p.DefaultNodeInfo{Network: n.network}}, nil
}

func (n *fakeNode) AccountInfo(_ context.Context, req *authv1beta1.QueryAccountInfoRequest) (*authv1beta1.QueryAccountInfoResponse, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.account == 0 {
		return nil, status.Errorf(codes.NotFound, "account %s not found", req.Address)
	}
	return &authv1beta1.QueryAccountInfoResponse{Info: &authv1beta1.BaseAccount{AccountNumber: n.account}}, nil
}

func (s txService) BroadcastTx(_ context.Context, req *txtypes.BroadcastTxRequest) (*txtypes.BroadcastTxResponse, error) {
	s.n.mu.Lock()
	defer s.n.mu.Unlock()
	if s.n.down {
		return nil, status.Error(codes.Unavailable, "restarting")
	}
	if s.n.check != nil {
		if codespace, code, log := s.n.check(req.TxBytes); code != 0 {
			return &txtypes.BroadcastTxResponse{TxResponse: &sdk.TxResponse{Codespace: codespace, Code: code, RawLog: log}}, nil
		}
	}
	s.n.mempool = append(s.n.mempool, req.TxBytes)
	s.n.arrived.Broadcast()
	return &txtypes.BroadcastTxResponse{TxResponse: &sdk.TxResponse{}}, nil
}
