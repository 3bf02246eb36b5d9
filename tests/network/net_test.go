// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package network

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	rpchttp "github.com/cometbft/cometbft/rpc/client/http"
	coretypes "github.com/cometbft/cometbft/rpc/core/types"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	"github.com/athnet/ath/offchain/chain"
	athtypes "github.com/athnet/ath/x/ath/types"
)

const (
	validators = 4
	// patience is the longest wait for anything; all is over in seconds on an idle machine.
	patience = 2 * time.Minute
	// maxGap between two blocks: a restarted validator, a proposer that is down and a busy machine at once.
	maxGap = 20 * time.Second
	// shift of ports keeps the network off those of `make run` and of tests/e2e.
	shift = 4_000
	// Programs that a node runs.
	honest = "athd"
	liar   = "liar/athd"
)

// network is four validators and two rich accounts, alice and bob, whose keys are in the first node's keyring.
type network struct {
	t        *testing.T
	dir      string
	bins     string
	chainID  string
	initial  int64 // height of the first block
	nodes    []*node
	accounts map[string]string
	conn     *grpc.ClientConn
	rpc      *rpchttp.HTTP
}

// newNetwork builds the programs and writes homes and genesis; nothing runs yet.
func newNetwork(t *testing.T, chainID string, genesis map[string]any) *network {
	t.Helper()
	athtypes.SetPrefixes()
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	n := &network{t: t, dir: filepath.Join(root, "build", "network"), chainID: chainID, accounts: map[string]string{}}
	require.NoError(t, os.RemoveAll(n.dir))
	n.bins = filepath.Join(n.dir, "bin")
	require.NoError(t, os.MkdirAll(n.bins, 0o755))
	// Both are called athd, because environment variables that configure a node begin with its program's name.
	for program, source := range map[string]string{honest: "./cmd/athd", liar: "./tests/network/liar"} {
		build := exec.Command("go", "build", "-o", filepath.Join(n.bins, program), source)
		build.Dir = root
		said, err := build.CombinedOutput()
		require.NoError(t, err, string(said))
	}

	homes := filepath.Join(n.dir, "homes")
	n.athd("testnet", "init-files", "--validators", strconv.Itoa(validators), "--chain-id", chainID, "--output-dir", homes)
	for i := range validators {
		n.nodes = append(n.nodes, newNode(n, i, filepath.Join(homes, fmt.Sprintf("node%d", i))))
	}
	first := n.nodes[0]
	for _, name := range []string{"alice", "bob"} {
		n.athd("keys", "add", name, "--home", first.home, "--keyring-backend", "test", "--output", "json")
		n.accounts[name] = n.address(first, name)
	}
	for i := range validators {
		n.accounts[n.nodes[i].name] = n.address(n.nodes[i], n.nodes[i].name)
	}
	n.writeGenesis(genesis)
	n.conn, err = grpc.NewClient(first.address(first.grpc), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(chain.Codec()), grpc.WaitForReady(true)))
	require.NoError(t, err)
	n.rpc, err = rpchttp.New("http://"+first.address(first.rpc), "/websocket")
	require.NoError(t, err)
	t.Cleanup(n.end)
	return n
}

// address of a key.
func (n *network) address(of *node, key string) string {
	return strings.TrimSpace(n.athd("keys", "show", key, "-a", "--home", of.home, "--keyring-backend", "test"))
}

// writeGenesis funds alice and bob, lays what the test wants over the genesis file, and gives it to all nodes.
func (n *network) writeGenesis(over map[string]any) {
	file := n.nodes[0].file("config", "genesis.json")
	var doc map[string]any
	read(n.t, file, &doc)
	state := doc["app_state"].(map[string]any)
	bank, auth := state["bank"].(map[string]any), state["auth"].(map[string]any)
	for i, name := range []string{"alice", "bob"} {
		bank["balances"] = append(bank["balances"].([]any), map[string]any{
			"address": n.accounts[name], "coins": []any{map[string]any{"denom": athtypes.Denom, "amount": "10000000000000"}},
		})
		auth["accounts"] = append(auth["accounts"].([]any), map[string]any{
			"@type": "/cosmos.auth.v1beta1.BaseAccount", "address": n.accounts[name], "account_number": strconv.Itoa(validators + i), "sequence": "0",
		})
	}
	overlay(doc, over)
	for _, node := range n.nodes {
		write(n.t, node.file("config", "genesis.json"), doc)
	}
}

// end stops what runs; after a failure it shows how every log ends, and leaves all files for a look.
func (n *network) end() {
	if n.t.Failed() {
		for _, node := range n.nodes {
			n.t.Logf("%s in consensus: %s\nthe end of %s:\n%s\nwhat consensus was doing:\n%s",
				node.name, node.consensus(), node.log, tail(node.log, 20), node.abort("consensus.(*State).receiveRoutine"))
		}
	}
	for _, node := range n.nodes {
		node.stop()
	}
	if err := n.conn.Close(); err != nil {
		n.t.Error(err)
	}
	if !n.t.Failed() {
		require.NoError(n.t, os.RemoveAll(n.dir))
	}
}

// athd runs a command to its end and returns what it wrote to stdout.
func (n *network) athd(args ...string) string {
	n.t.Helper()
	out, err := n.try(args...)
	require.NoError(n.t, err)
	return out
}

func (n *network) try(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(n.bins, honest), args...)
	var out, talk bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &talk
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("athd %s: %w: %s", strings.Join(args, " "), err, talk.String())
	}
	return out.String(), nil
}

// query runs athd query and reads its JSON.
func (n *network) query(into any, args ...string) {
	n.t.Helper()
	first := n.nodes[0]
	out := n.athd(slices.Concat([]string{"query"}, args, []string{"--home", first.home, "--node", first.url(), "--output", "json"})...)
	require.NoError(n.t, json.Unmarshal([]byte(out), into), out)
}

// tx sends a transaction of a key in a node's home without fee and returns it when it is in a block and has succeeded.
func (n *network) tx(of *node, key string, args ...string) *coretypes.ResultTx {
	n.t.Helper()
	return n.send(of, key, "0uath", slices.Concat([]string{"tx"}, args)...)
}

// send is tx with a fee, for commands that are not below `athd tx` too.
func (n *network) send(of *node, key, fee string, args ...string) *coretypes.ResultTx {
	n.t.Helper()
	out := n.athd(slices.Concat(args, []string{
		"--from", key, "--home", of.home, "--keyring-backend", "test", "--chain-id", n.chainID, "--node", n.nodes[0].url(),
		"--gas", "2000000", "--fees", fee, "--yes", "--output", "json",
	})...)
	var sent struct {
		Code   int    `json:"code"`
		Hash   string `json:"txhash"`
		RawLog string `json:"raw_log"`
	}
	require.NoError(n.t, json.Unmarshal([]byte(out), &sent), out)
	require.Zero(n.t, sent.Code, sent.RawLog)
	hash := unhex(n.t, sent.Hash)
	var found *coretypes.ResultTx
	n.await("transaction "+sent.Hash, func(ctx context.Context) (bool, error) {
		var err error
		found, err = n.rpc.Tx(ctx, hash, false)
		return err == nil, err
	})
	require.Zero(n.t, found.TxResult.Code, "%v: %s", args, found.TxResult.Log)
	return found
}

// await asks until it is so.
func (n *network) await(what string, done func(context.Context) (bool, error)) {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		ok, err := done(ctx)
		if ok && err == nil {
			return
		}
		for _, node := range n.nodes {
			if node.died() {
				require.FailNow(n.t, node.name+" has ended by itself while the test waited for "+what)
			}
		}
		select {
		case <-ctx.Done():
			require.FailNow(n.t, fmt.Sprintf("waited %s for %s", patience, what), "%v", err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// height of the newest block.
func (n *network) height() int64 {
	n.t.Helper()
	status, err := n.rpc.Status(context.Background())
	require.NoError(n.t, err)
	return status.SyncInfo.LatestBlockHeight
}

// awaitHeight waits for a block, and for the state behind it.
func (n *network) awaitHeight(height int64) {
	n.t.Helper()
	n.await(fmt.Sprintf("block %d", height), func(ctx context.Context) (bool, error) {
		status, err := n.rpc.Status(ctx)
		return err == nil && status.SyncInfo.LatestBlockHeight >= height, err
	})
}

// at makes queries read the state after a block.
func at(height int64) context.Context {
	return metadata.AppendToOutgoingContext(context.Background(), "x-cosmos-block-height", strconv.FormatInt(height, 10))
}

// powers of the validators that vote on a block, by hexadecimal consensus address.
func (n *network) powers(height int64) map[string]int64 {
	n.t.Helper()
	res, err := n.rpc.Validators(context.Background(), &height, nil, nil)
	require.NoError(n.t, err)
	powers := make(map[string]int64)
	for _, v := range res.Validators {
		powers[v.Address.String()] = v.VotingPower
	}
	return powers
}

// signed says whether a consensus key signed a block.
func (n *network) signed(ctx context.Context, height int64, key string) (bool, error) {
	res, err := n.rpc.Commit(ctx, &height)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(res.Commit.Signatures, func(s cmtSig) bool {
		return s.ValidatorAddress.String() == key && len(s.Signature) > 0
	}), nil
}

// awaitSigner waits until a consensus key signs.
func (n *network) awaitSigner(key string) {
	n.t.Helper()
	n.await(key+" to sign", func(ctx context.Context) (bool, error) {
		status, err := n.rpc.Status(ctx)
		if err != nil {
			return false, err
		}
		return n.signed(ctx, status.SyncInfo.LatestBlockHeight-1, key)
	})
}

// checkBlocks asserts that blocks followed each other without a long pause, and that all nodes have the same last one.
func (n *network) checkBlocks(from, to int64) {
	n.t.Helper()
	var before time.Time
	var longest time.Duration
	for height := from; height <= to; height++ {
		res, err := n.rpc.Header(context.Background(), &height)
		require.NoError(n.t, err)
		if height > from {
			gap := res.Header.Time.Sub(before)
			longest = max(longest, gap)
			require.Positive(n.t, gap, "time of block %d", height)
			require.Less(n.t, gap, maxGap, "pause before block %d", height)
		}
		before = res.Header.Time
		if height != to {
			continue
		}
		for _, node := range n.nodes {
			node.awaitBlock(height, res.Header.AppHash.String())
		}
	}
	n.t.Logf("%s: blocks %d to %d, longest pause %s", n.chainID, from, to, longest)
}

func overlay(a, b map[string]any) {
	for _, key := range slices.Sorted(maps.Keys(b)) {
		from, deeper := b[key].(map[string]any)
		into, ok := a[key].(map[string]any)
		if ok && deeper {
			overlay(into, from)
			continue
		}
		a[key] = b[key]
	}
}

func read(t *testing.T, path string, into any) {
	t.Helper()
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, into), path)
}

func write(t *testing.T, path string, doc any) {
	t.Helper()
	raw, err := json.MarshalIndent(doc, "", "  ")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, raw, 0o600))
}

// attribute of an event of a transaction.
func attribute(t *testing.T, tx *coretypes.ResultTx, kind, key string) string {
	t.Helper()
	for _, event := range tx.TxResult.Events {
		if event.Type != kind {
			continue
		}
		for _, a := range event.Attributes {
			if a.Key == key {
				return a.Value
			}
		}
	}
	require.FailNow(t, "there is no event "+kind+" with "+key)
	return ""
}
