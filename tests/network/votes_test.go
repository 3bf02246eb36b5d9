// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package network

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	stakingtypes "github.com/cosmos/cosmos-sdk/x/staking/types"

	athtypes "github.com/athnet/ath/x/ath/types"
)

// setPrices changes what node0 and node1 say an ATH is worth, node1 first.
func (n *network) setPrices(node0, node1 string) {
	for _, v := range []struct {
		node  *node
		price string
	}{{n.nodes[1], node1}, {n.nodes[0], node0}} {
		file := v.node.file("price")
		require.NoError(n.t, os.WriteFile(file+".new", []byte(v.price+"\n"), 0o600))
		require.NoError(n.t, os.Rename(file+".new", file))
	}
}

// votesCount: from the block after `on` the blocks carry extensions.
//
// Of 3,044,500 ATH, node0 has 1,000,000, node1 800,000, node2, which says nothing of a price, 700,000, and the liar 544,500.
// More than two thirds say a price only where the liar does, and it says a million dollars: the half of the 2,344,500 that
// speak is reached with node1. So the price is that of node1, and a lie moves it no further than to what an honest validator
// says. In all other blocks it stands still.
//
// From 0.032 USD it goes to 0.042 in steps of 5 %: 33.6, 35.28, 37.044, 38.8962, 40.84101 (35.28 × 1.05³), 42 thousandths.
func (n *network) votesCount(on int64) {
	t := n.t
	n.awaitHeight(on + 1)
	require.False(t, n.carriesVotes(on))
	require.True(t, n.carriesVotes(on+1))

	n.awaitPrice(32_000_000)
	n.checkUsdIndex(on + 1)
	n.checkBeacon(on + 1)
	n.setPrices("0.040", "0.042")
	n.awaitPrice(42_000_000)
	require.Equal(t, []uint64{32_000_000, 33_600_000, 35_280_000, 37_044_000, 38_896_200, 40_841_010, 42_000_000}, n.prices(on+1, n.height()))
}

// carriesVotes says whether a block begins with what validators said.
func (n *network) carriesVotes(height int64) bool {
	n.t.Helper()
	res, err := n.rpc.Block(context.Background(), &height)
	require.NoError(n.t, err)
	return len(res.Block.Txs) > 0 && bytes.HasPrefix(res.Block.Txs[0], []byte("ath/votes/v1\x00"))
}

// checkBeacon waits for a block in which all four speak and the liar's forged proof is refused: three outputs are in its beacon.
// A verifier makes the same beacon from the block's votes, and a bundle of it is right without any node.
func (n *network) checkBeacon(from int64) {
	t := n.t
	client, height := athtypes.NewQueryClient(n.conn), from
	n.await("a block with every vote", func(context.Context) (bool, error) {
		for ; height <= n.height(); height++ {
			res, err := client.Beacon(at(height), &athtypes.QueryBeaconRequest{})
			if err != nil {
				return false, err
			}
			require.LessOrEqual(t, res.Contributors, uint32(3), "a forged proof counts at %d", height)
			if res.Voters == 4 && n.refusedProofs(height) == 1 {
				require.Equal(t, uint32(3), res.Contributors)
				require.Equal(t, athtypes.BeaconSource_BEACON_SOURCE_VRF, res.Source)
				return true, nil
			}
		}
		return false, nil
	})

	first, bundle := n.nodes[0], filepath.Join(n.dir, "beacon.json")
	type report struct {
		Right       bool     `json:"right"`
		Contributed []string `json:"contributed"`
		Refused     []string `json:"refused"`
	}
	for _, args := range [][]string{
		{strconv.FormatInt(height, 10), "--export", bundle, "--node", first.url()},
		{"--bundle", bundle, "--node", "tcp://127.0.0.1:1"},
	} {
		var said report
		out := n.athd(slices.Concat([]string{"verify", "beacon"}, args, []string{"--home", first.home, "--output", "json"})...)
		require.NoError(t, json.Unmarshal([]byte(out), &said), out)
		require.True(t, said.Right, out)
		require.Len(t, said.Contributed, 3, out)
		require.Equal(t, []string{n.nodes[3].operator()}, said.Refused)
	}
}

// refusedProofs counts the liar's proofs that a block refuses; there are no others.
func (n *network) refusedProofs(height int64) (count int) {
	n.t.Helper()
	res, err := n.rpc.BlockResults(context.Background(), &height)
	require.NoError(n.t, err)
	for _, event := range res.FinalizeBlockEvents {
		if event.Type != "athd.ath.v1.EventBeaconProofRefused" {
			continue
		}
		count++
		for _, a := range event.Attributes {
			if a.Key == "operator" {
				require.Equal(n.t, strconv.Quote(n.nodes[3].operator()), a.Value)
			}
		}
	}
	return count
}

func (n *network) awaitPrice(spot uint64) {
	n.t.Helper()
	n.await("a price of "+strconv.FormatUint(spot, 10), func(ctx context.Context) (bool, error) {
		res, err := athtypes.NewQueryClient(n.conn).Price(ctx, &athtypes.QueryPriceRequest{})
		return err == nil && res.Price.Spot == spot, err
	})
}

// prices after the blocks, without repetitions. Blocks before the first price have none.
func (n *network) prices(from, to int64) []uint64 {
	n.t.Helper()
	var all []uint64
	for height := from; height <= to; height++ {
		res, err := athtypes.NewQueryClient(n.conn).Price(at(height), &athtypes.QueryPriceRequest{})
		if err != nil {
			require.Empty(n.t, all, "a price that was known is known: %v", err)
			continue
		}
		if len(all) == 0 || all[len(all)-1] != res.Price.Spot {
			all = append(all, res.Price.Spot)
		}
	}
	return all
}

// checkUsdIndex: at 0.032 USD a micro-dollar is 31.25 uath. From the block with the first price the index grows by that for
// every nanosecond, until its first step.
func (n *network) checkUsdIndex(from int64) {
	t := n.t
	var first, stepped athtypes.UsdIndex
	n.await("a step of the UsdIndex", func(context.Context) (bool, error) {
		for height := from; height <= n.height(); height++ {
			res, err := athtypes.NewQueryClient(n.conn).UsdIndex(at(height), &athtypes.QueryUsdIndexRequest{})
			if err != nil {
				continue // before the first price
			}
			if first.SteppedAt.IsZero() {
				first, from = res.Step, height
			}
			if stepped = res.Step; stepped.SteppedAt.After(first.SteppedAt) {
				return true, nil
			}
		}
		return false, nil
	})
	header, err := n.rpc.Header(context.Background(), &from)
	require.NoError(t, err)
	require.Equal(t, header.Header.Time.UTC(), first.SteppedAt.UTC())
	require.Equal(t, "0", first.Index.String())
	require.Equal(t, "31250000000000", first.Slope.String())
	lasted := stepped.SteppedAt.Sub(first.SteppedAt)
	require.GreaterOrEqual(t, lasted, 3*time.Second)
	require.Equal(t, math.NewInt(31_250_000_000_000).MulRaw(int64(lasted)).String(), stepped.Index.String())
}

// priceIsAlive waits until the price is newer than now: with the votes of rotated keys, too.
func (n *network) priceIsAlive() {
	n.t.Helper()
	client := athtypes.NewQueryClient(n.conn)
	before, err := client.Price(context.Background(), &athtypes.QueryPriceRequest{})
	require.NoError(n.t, err)
	n.await("a newer price", func(ctx context.Context) (bool, error) {
		res, err := client.Price(ctx, &athtypes.QueryPriceRequest{})
		return err == nil && res.Price.ObservedAt.After(before.Price.ObservedAt), err
	})
}

// restart begins a new chain with the state of the old one, at the height after it.
func (n *network) restart(chainID string) {
	t, file := n.t, filepath.Join(n.dir, "exported.json")
	n.athd("export", "--new-chain-id", chainID, "--output-document", file, "--home", n.nodes[0].home)
	var exported struct {
		ChainID       string `json:"chain_id"`
		InitialHeight int64  `json:"initial_height"`
	}
	read(t, file, &exported)
	require.Equal(t, chainID, exported.ChainID)
	require.Greater(t, exported.InitialHeight, int64(100))
	n.chainID, n.initial = chainID, exported.InitialHeight
	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	for _, node := range n.nodes {
		n.athd("comet", "unsafe-reset-all", "--home", node.home)
		require.NoError(t, os.WriteFile(node.file("config", "genesis.json"), raw, 0o600))
	}
	n.start()
}

// again is the short story on the chain that goes on: its first block has no block before it whose votes it could carry.
// bob adds 100 ATH to node1's 800,000, and the price falls from 0.042 to 0.0399 USD in one step: 5 %.
func (n *network) again() {
	t, node := n.t, n.nodes[1]
	n.awaitHeight(n.initial + 1)
	require.False(t, n.carriesVotes(n.initial))
	require.True(t, n.carriesVotes(n.initial+1))

	n.tx(n.nodes[0], "bob", "staking", "delegate", node.operator(), uath(100))
	res, err := stakingtypes.NewQueryClient(n.conn).Validator(context.Background(), &stakingtypes.QueryValidatorRequest{ValidatorAddr: node.operator()})
	require.NoError(t, err)
	require.Equal(t, "800100000000", res.Validator.Tokens.String())
	n.await("bob's stake to vote", func(context.Context) (bool, error) { return n.powers(n.height())[node.key()] == 800_100, nil })

	n.setPrices("0.0390", "0.0399")
	n.awaitPrice(39_900_000)
	require.Equal(t, []uint64{42_000_000, 39_900_000}, n.prices(n.initial, n.height()))
}
