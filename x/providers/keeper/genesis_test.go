// SPDX-License-Identifier: Apache-2.0

package keeper_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/x/providers/types"
)

// busy is a state with Containers in every state that lives, a fault, a suspension and a shard with all kinds of bits.
func busy(t *testing.T) *fixture {
	f := newFixture(t)
	ids := f.ready(t, 8)
	for _, id := range ids[:4] {
		require.NoError(t, f.k.Bind(f.ctx, id, "tenant/1"))
	}
	f.verdict(t, 4, types.BitmapOf(ids[1:7]...), types.BitmapOf(ids[0]), types.BitmapOf(ids[7]))
	require.NoError(t, f.k.Release(f.ctx, ids[1], "tenant/1", true))
	_, err := f.msgs.SetMaintenance(f.ctx, &types.MsgSetMaintenance{Operator: operator.String(), Ids: []uint64{ids[2], ids[4]}, On: true, Reason: "fans"})
	require.NoError(t, err)
	f.verdict(t, 5, types.BitmapOf(ids[0]), types.BitmapOf(ids[5]), nil)
	m := &types.MsgRegisterContainers{Owner: owner.String(), MaxStake: f.vault.balance(owner.String()), Containers: []types.NewContainer{cpu(50)}}
	_, err = f.msgs.RegisterContainers(f.ctx, m)
	require.NoError(t, err)
	return f
}

func TestGenesisRoundTrip(t *testing.T) {
	f := busy(t)
	require.NoError(t, f.k.CheckInvariants(f.ctx))
	first := f.export(t)

	var g types.GenesisState
	require.NoError(t, f.cdc.UnmarshalJSON(first, &g))
	seen := map[types.ContainerState]bool{}
	for _, s := range g.Statuses {
		seen[s.State] = true
	}
	require.Len(t, seen, 7, "all living states but QualityControl")

	other := newFixture(t)
	other.vault.rows = f.vault.rows
	require.NoError(t, other.k.InitGenesis(other.ctx, g))
	require.Equal(t, string(first), string(other.export(t)))
	require.NoError(t, other.k.CheckInvariants(other.ctx))
}

func TestGenesisIsRefused(t *testing.T) {
	f := busy(t)
	for name, spoil := range map[string]func(*types.GenesisState){
		"params":                  func(g *types.GenesisState) { g.Params.MaxBatch = 0 },
		"class twice":             func(g *types.GenesisState) { g.Classes = append(g.Classes, g.Classes[0]) },
		"class missing":           func(g *types.GenesisState) { g.Classes = g.Classes[2:] },
		"status missing":          func(g *types.GenesisState) { g.Statuses = g.Statuses[1:] },
		"status of another":       func(g *types.GenesisState) { g.Statuses[0].Id = 99 },
		"container order":         func(g *types.GenesisState) { g.Containers[1].Id = 1 },
		"container malformed":     func(g *types.GenesisState) { g.Containers[1].Endpoint = "" },
		"fingerprint twice":       func(g *types.GenesisState) { g.Containers[1].Fingerprint = g.Containers[0].Fingerprint },
		"count of containers":     func(g *types.GenesisState) { g.Providers[0].Containers-- },
		"container of nobody":     func(g *types.GenesisState) { g.Containers[0].Provider = stranger.String(); g.Providers[0].Containers-- },
		"provider twice":          func(g *types.GenesisState) { g.Providers = append(g.Providers, g.Providers[0]) },
		"provider's address":      func(g *types.GenesisState) { g.Providers[0].Payout = "x" },
		"provider's tier":         func(g *types.GenesisState) { g.Providers[0].Tier = 9 },
		"provider's country":      func(g *types.GenesisState) { g.Providers[0].Country = "germany" },
		"next id":                 func(g *types.GenesisState) { g.NextContainer = 9 },
		"retired":                 func(g *types.GenesisState) { g.Statuses[8].State = types.ContainerState_CONTAINER_STATE_RETIRED },
		"lease without state":     func(g *types.GenesisState) { g.Statuses[0].Lease = "" },
		"offline without fault":   func(g *types.GenesisState) { g.Statuses[5].FaultAt = nil },
		"ready with fault":        func(g *types.GenesisState) { g.Statuses[6].FaultAt = &start },
		"registered with fault":   func(g *types.GenesisState) { g.Statuses[8].FaultAt = &start },
		"negative outage":         func(g *types.GenesisState) { g.Statuses[6].Outage = -time.Second },
		"weight without offer":    func(g *types.GenesisState) { g.Statuses[6].Offered = false },
		"long reason":             func(g *types.GenesisState) { g.Statuses[6].Reason = string(make([]byte, 129)) },
		"heartbeat of nobody":     func(g *types.GenesisState) { g.Heartbeats[0].Id = 99 },
		"heartbeats out of order": func(g *types.GenesisState) { g.Heartbeats[0], g.Heartbeats[1] = g.Heartbeats[1], g.Heartbeats[0] },
		"shard missing":           func(g *types.GenesisState) { g.Shards = nil },
		"shard twice":             func(g *types.GenesisState) { g.Shards = append(g.Shards, g.Shards[0]) },
		"bit of nobody":           func(g *types.GenesisState) { g.Shards[0].Members = types.Bitmap(g.Shards[0].Members).With(400) },
		"member bit missing":      func(g *types.GenesisState) { g.Shards[0] = g.Shards[0].Leave(7) },
		"previous beyond members": func(g *types.GenesisState) { g.Shards[0].PreviousMembers = types.BitmapOf(400) },
		"joining member":          func(g *types.GenesisState) { g.Shards[0].Joining = g.Shards[0].Members },
		"healthy and faulty":      func(g *types.GenesisState) { g.Shards[0].Faulty = g.Shards[0].Healthy },
		"not canonical":           func(g *types.GenesisState) { g.Shards[0].Members = append(g.Shards[0].Members, 0) },
		"oversized bitmap":        func(g *types.GenesisState) { g.Shards[0].Members = make([]byte, 65) },
		"verdict beyond members":  func(g *types.GenesisState) { g.Shards[0].Suspect = types.BitmapOf(400) },
		"fault bit missing":       func(g *types.GenesisState) { g.Shards[0].Faulty = nil },
	} {
		t.Run(name, func(t *testing.T) {
			g, err := f.k.ExportGenesis(f.ctx)
			require.NoError(t, err)
			spoil(g)
			other := newFixture(t)
			require.Error(t, other.k.InitGenesis(other.ctx, *g))
		})
	}
}

// The vault is another module's: an invariant, not genesis, notices that stake is missing.
func TestInvariantNoticesMissingStake(t *testing.T) {
	f := busy(t)
	clear(f.vault.rows)
	require.ErrorContains(t, f.k.CheckInvariants(f.ctx), "no stake behind it")
}
