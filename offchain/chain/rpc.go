// SPDX-License-Identifier: Apache-2.0

package chain

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// maxResponse bounds what is read of one answer, so that a broken node cannot exhaust the daemon's memory.
const maxResponse = 256 << 20

// rpc speaks the part of CometBFT's JSON interface that the package needs. The interface is public and stable, and its Go
// client would bring a node's worth of packages.
type rpc struct {
	base string
	http *http.Client
}

// rpcError is an error that the node itself reported.
type rpcError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Data    string `json:"data"`
}

func (e *rpcError) Error() string { return strings.TrimSpace(e.Message + ": " + e.Data) }

func (r rpc) get(ctx context.Context, method string, params url.Values, out any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.base+"/"+method+"?"+params.Encode(), nil)
	if err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	return r.do(req, method, out)
}

// post is for parameters that are too long for a URL.
func (r rpc) post(ctx context.Context, method string, params, out any) error {
	body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
	if err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.base, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	req.Header.Set("Content-Type", "application/json")
	return r.do(req, method, out)
}

func (r rpc) do(req *http.Request, method string, out any) error {
	resp, err := r.http.Do(req)
	if err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	defer resp.Body.Close()
	// The node answers its own errors with status 500 and a JSON body, so that the body decides.
	var envelope struct {
		Result json.RawMessage `json:"result"`
		Error  *rpcError       `json:"error"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxResponse)).Decode(&envelope); err != nil {
		return fmt.Errorf("%s: status %d, not a CometBFT answer: %w", method, resp.StatusCode, err)
	}
	if envelope.Error != nil {
		return fmt.Errorf("%s: %w", method, envelope.Error)
	}
	if err := json.Unmarshal(envelope.Result, out); err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	return nil
}

type wireStatus struct {
	NodeInfo struct {
		Network string `json:"network"`
	} `json:"node_info"`
	SyncInfo struct {
		LatestHash     hexBytes  `json:"latest_block_hash"`
		LatestHeight   int64     `json:"latest_block_height,string"`
		LatestTime     time.Time `json:"latest_block_time"`
		EarliestHeight int64     `json:"earliest_block_height,string"`
		CatchingUp     bool      `json:"catching_up"`
	} `json:"sync_info"`
}

type wireBlockID struct {
	Hash hexBytes `json:"hash"`
}

type wireBlock struct {
	BlockID wireBlockID `json:"block_id"`
	Block   struct {
		Header struct {
			ChainID     string      `json:"chain_id"`
			Height      int64       `json:"height,string"`
			Time        time.Time   `json:"time"`
			LastBlockID wireBlockID `json:"last_block_id"`
		} `json:"header"`
		Data struct {
			Txs [][]byte `json:"txs"`
		} `json:"data"`
	} `json:"block"`
}

type wireEvent struct {
	Type       string `json:"type"`
	Attributes []struct {
		Key   string `json:"key"`
		Value string `json:"value"`
	} `json:"attributes"`
}

type wireResults struct {
	Height int64 `json:"height,string"`
	Txs    []struct {
		Code      uint32      `json:"code"`
		Codespace string      `json:"codespace"`
		Data      []byte      `json:"data"`
		Log       string      `json:"log"`
		GasUsed   int64       `json:"gas_used,string"`
		Events    []wireEvent `json:"events"`
	} `json:"txs_results"`
	Events []wireEvent `json:"finalize_block_events"`
}

// wireSimulation is what the application answers to a simulated transaction: an error with its code, or the gas in Value.
type wireSimulation struct {
	Response struct {
		Code      uint32 `json:"code"`
		Codespace string `json:"codespace"`
		Log       string `json:"log"`
		Value     []byte `json:"value"`
	} `json:"response"`
}

// simulate asks over ABCI and not over gRPC, because the gRPC service reduces a refusal to a text without code.
func (r rpc) simulate(ctx context.Context, tx []byte) (uint64, error) {
	var s wireSimulation
	err := r.post(ctx, "abci_query", map[string]any{"path": "/app/simulate", "data": hex.EncodeToString(tx)}, &s)
	if err != nil {
		return 0, &BroadcastError{Hash: txHash(tx), Err: err}
	}
	if s.Response.Code != 0 {
		return 0, &ExecutionError{Hash: txHash(tx), Codespace: s.Response.Codespace, Code: s.Response.Code, Log: s.Response.Log}
	}
	var gas struct {
		Info struct {
			Used uint64 `json:"gas_used,string"`
		} `json:"gas_info"`
	}
	if err := json.Unmarshal(s.Response.Value, &gas); err != nil || gas.Info.Used == 0 {
		return 0, fmt.Errorf("simulation: the node's answer holds no gas: %q", s.Response.Value)
	}
	return gas.Info.Used, nil
}

func (r rpc) status(ctx context.Context) (wireStatus, error) {
	var s wireStatus
	err := r.get(ctx, "status", nil, &s)
	return s, err
}

// block fetches a block with its results.
func (r rpc) block(ctx context.Context, height int64) (Block, error) {
	var (
		block   wireBlock
		results wireResults
		at      = url.Values{"height": {strconv.FormatInt(height, 10)}}
	)
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return r.get(gctx, "block", at, &block) })
	g.Go(func() error { return r.get(gctx, "block_results", at, &results) })
	if err := g.Wait(); err != nil {
		return Block{}, err
	}
	return assemble(height, block, results)
}

// assemble joins a block and its results, and refuses a pair that does not belong together.
func assemble(height int64, block wireBlock, results wireResults) (Block, error) {
	h := block.Block.Header
	if h.Height != height || results.Height != height || len(results.Txs) != len(block.Block.Data.Txs) {
		return Block{}, fmt.Errorf("block %d: the node answered with block %d, results %d, %d transactions and %d results",
			height, h.Height, results.Height, len(block.Block.Data.Txs), len(results.Txs))
	}
	b := Block{
		Head:   Head{Height: height, Hash: block.BlockID.Hash, Time: h.Time},
		Parent: h.LastBlockID.Hash,
	}
	end := make([]Event, 0, len(results.Events))
	for _, ev := range results.Events {
		e := ev.event(OutsideTx)
		if e.mode() == "BeginBlock" {
			b.Events = append(b.Events, e)
		} else {
			end = append(end, e)
		}
	}
	for i, tx := range results.Txs {
		b.Txs = append(b.Txs, Tx{
			Hash: txHash(block.Block.Data.Txs[i]), Code: tx.Code, Codespace: tx.Codespace, Log: tx.Log,
			GasUsed: tx.GasUsed, Data: tx.Data,
		})
		for _, ev := range tx.Events {
			b.Events = append(b.Events, ev.event(i))
		}
	}
	b.Events = append(b.Events, end...)
	return b, nil
}

func (e wireEvent) event(tx int) Event {
	ev := Event{Type: e.Type, Tx: tx, Attributes: make([]Attribute, len(e.Attributes))}
	for i, a := range e.Attributes {
		ev.Attributes[i] = Attribute{Key: a.Key, Value: a.Value}
	}
	return ev
}

// mode is where in a block the SDK says the event was emitted.
func (e Event) mode() string {
	for _, a := range e.Attributes {
		if a.Key == "mode" {
			return a.Value
		}
	}
	return ""
}

func txHash(tx []byte) string {
	sum := sha256.Sum256(tx)
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}

// hexBytes is how CometBFT writes hashes.
type hexBytes []byte

func (h *hexBytes) UnmarshalText(text []byte) error {
	b, err := hex.DecodeString(string(text))
	if err != nil {
		return err
	}
	*h = b
	return nil
}
