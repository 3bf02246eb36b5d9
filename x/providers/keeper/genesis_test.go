// SPDX-License-Identifier: Apache-2.0

package keeper_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	"github.com/athnet/ath/x/providers/types"
)

// busy is a state with Containers in every state that lives, a fault, a suspension and a shard with all kinds of bits.
func busy(t *testing.T) *fixture {
	f := newFixture(t)
	ids := f.ready(t, 8)
	for _, id := range ids[:4] {
		require.NoError(t, bind(f.k, f.ctx, id, "tenant/1"))
	}
	f.verdict(t, 4, types.BitmapOf(ids[1:7]...), types.BitmapOf(ids[0]), types.BitmapOf(ids[7]))
	require.NoError(t, f.k.Release(f.ctx, ids[1], "tenant/1", true))
	_, err := f.msgs.SetMaintenance(f.ctx, &types.MsgSetMaintenance{Operator: operator.String(), Ids: []uint64{ids[2], ids[4]}, On: true, Reason: "fans"})
	require.NoError(t, err)
	f.verdict(t, 5, types.BitmapOf(ids[0]), types.BitmapOf(ids[5]), nil)
	m := &types.MsgRegisterContainers{Owner: owner.String(), MaxStake: f.vault.balance(owner.String()), Containers: consented(owner, 50)}
	_, err = f.msgs.RegisterContainers(f.ctx, m)
	require.NoError(t, err)
	// Tickets of all kinds: one that runs out and leaves its Container below its stake, an open one, a contested one, and one
	// over the stake of a Container that has retired.
	f.vest(70)
	late := f.openTicket(t, ids[3], 100)
	f.advance(week)
	_, err = f.msgs.SettleTickets(f.ctx, &types.MsgSettleTickets{Signer: stranger.String(), Ids: []uint64{late.Id}})
	require.NoError(t, err)
	f.openTicket(t, ids[5], 50)
	contested := f.openTicket(t, ids[5], 60)
	_, err = f.k.HoldTicket(f.ctx, contested.Id)
	require.NoError(t, err)
	res, err := f.msgs.RegisterContainers(f.ctx, &types.MsgRegisterContainers{
		Owner: owner.String(), MaxStake: math.NewInt(capital), Containers: consented(owner, 51),
	})
	require.NoError(t, err)
	f.openTicket(t, res.Ids[0], 500)
	_, err = f.msgs.RetireContainers(f.ctx, &types.MsgRetireContainers{Owner: owner.String(), Ids: res.Ids})
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
		"params":      func(g *types.GenesisState) { g.Params.MaxBatch = 0 },
		"class twice": func(g *types.GenesisState) { g.Classes = append(g.Classes, g.Classes[0]) },
		"class missing": func(g *types.GenesisState) {
			g.Classes = slices.DeleteFunc(g.Classes, func(c types.Class) bool { return c.Name == "cpu" })
		},
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
		"weight without stake":    func(g *types.GenesisState) { g.Statuses[6].UnderStaked = true },
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
		"ticket order":            func(g *types.GenesisState) { g.Tickets[1].Id = g.Tickets[0].Id },
		"ticket beyond next":      func(g *types.GenesisState) { g.NextTicket = g.Tickets[2].Id },
		"no next ticket":          func(g *types.GenesisState) { g.NextTicket = 0 },
		"ticket malformed":        func(g *types.GenesisState) { g.Tickets[0].Evidence = nil },
		"ticket of nobody":        func(g *types.GenesisState) { g.Tickets[0].Provider = stranger.String() },
		"ticket over another's": func(g *types.GenesisState) {
			g.Providers = append(g.Providers, types.Provider{Owner: stranger.String(), Payout: stranger.String(), Tier: types.Tier_TIER_EDGE})
			g.Tickets[0].Provider = stranger.String()
			for i := range g.Tickets[0].Sources {
				g.Tickets[0].Sources[i].Row.Owner = stranger.String()
			}
		},
		"ticket missing":        func(g *types.GenesisState) { g.Tickets = g.Tickets[:2] },
		"stake missing":         func(g *types.GenesisState) { g.Stakes = g.Stakes[1:] },
		"stake order":           func(g *types.GenesisState) { g.Stakes[0], g.Stakes[1] = g.Stakes[1], g.Stakes[0] },
		"stake of nothing":      func(g *types.GenesisState) { g.Stakes[0].Required = math.ZeroInt() },
		"stake held by nobody":  func(g *types.GenesisState) { g.Stakes[0].Held = math.OneInt() },
		"stake ripens early":    func(g *types.GenesisState) { g.Stakes[5].Ripe = 1 },
		"coefficient's base":    func(g *types.GenesisState) { g.Coefficient.Base = g.Coefficient.Base.AddRaw(1) },
		"coefficient's bounds":  func(g *types.GenesisState) { g.Coefficient.IndexPpm = 1 },
		"coefficient's epoch":   func(g *types.GenesisState) { g.Coefficient.Epoch = 0 },
		"coefficient's revenue": func(g *types.GenesisState) { g.Coefficient.Revenue = math.Int{} },
		"stake beyond its life": func(g *types.GenesisState) { g.Stakes[len(g.Stakes)-1].Ripe = 0 },
		"fault bit missing":     func(g *types.GenesisState) { g.Shards[0].Faulty = nil },
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
	require.ErrorContains(t, f.k.CheckInvariants(f.ctx), "must bond 10000000, has 0")
}
