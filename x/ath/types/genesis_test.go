// SPDX-License-Identifier: Apache-2.0

package types

import (
	"testing"
	"time"

	"cosmossdk.io/math"
	"github.com/stretchr/testify/require"
)

func runningGenesis() GenesisState {
	one := math.OneInt()
	g := *DefaultGenesis()
	g.Epoch = Epoch{Number: 9, Start: time.Unix(1, 0), Duration: time.Hour}
	g.ClosedEpoch = 2
	for _, pool := range Pools() {
		g.Pools = append(g.Pools, NewPoolState(pool))
	}
	g.Rows = []RowBalance{{Row: PoolRow(Pool_POOL_GRANTS), Amount: one}, {Row: OwedRow("ath1x", Ledger_LEDGER_CHECKER), Amount: one}}
	open := NewShare(NewPoolState(Pool_POOL_DELIVERY), 3, one, math.ZeroInt())
	closed := NewShare(NewPoolState(Pool_POOL_DELIVERY), 2, one, math.ZeroInt()).Close(Kappa{})
	g.Shares = []Share{closed, open}
	g.SharePositions = []SharePosition{{Pool: Pool_POOL_DELIVERY, Beneficiary: "ath1x", Epoch: 3, Weight: one}}
	g.StreamMarks = []StreamMark{{Round: 1, Ordinal: 1, Index: one, Growth: one}, {Round: 4, Ordinal: 2, Index: one, Growth: one}}
	g.StreamGroups = []StreamGroup{NewStreamGroup(0), NewStreamGroup(1)}
	g.StreamPositions = []StreamPosition{NewStreamPosition(1, 0, "ath1x").SetWeight(3, one)}
	g.Payouts = []Payout{{Beneficiary: "ath1x", Payout: "ath1y"}}
	g.Pools[3].Returned = math.NewInt(5)
	g.Bars = []Bar{{Pool: Pool_POOL_DELIVERY, Beneficiary: "ath1x", Returned: math.NewInt(5)}}
	g.BonusUntil = 9
	return g
}

func TestGenesisValidate(t *testing.T) {
	require.NoError(t, DefaultGenesis().Validate())
	require.NoError(t, runningGenesis().Validate())
	minus := math.NewInt(-1)
	for name, spoil := range map[string]func(*GenesisState){
		"verdict_horizon":           func(g *GenesisState) { g.Params.VerdictHorizonEpochs = 0 },
		"minted is -1":              func(g *GenesisState) { g.Minted = minus },
		"burnt is -1":               func(g *GenesisState) { g.Burnt = minus },
		"beacon has 3 bytes":        func(g *GenesisState) { g.Beacon = []byte{1, 2, 3} },
		"epoch.number is 0":         func(g *GenesisState) { g.Epoch.Number = 0 },
		"epoch.duration":            func(g *GenesisState) { g.Epoch.Duration = 0 },
		"closed_epoch":              func(g *GenesisState) { g.ClosedEpoch = 9 },
		"rows[0]: kind":             func(g *GenesisState) { g.Rows[0].Row.Kind = 0 },
		"rows[0]: owner":            func(g *GenesisState) { g.Rows[0].Row.Owner = "ath1x" },
		"rows[0]: denom":            func(g *GenesisState) { g.Rows[0].Row.Denom = "!" },
		"rows[1]: amount is 0":      func(g *GenesisState) { g.Rows[1].Amount = math.ZeroInt() },
		"rows[1]: owner":            func(g *GenesisState) { g.Rows[1].Row.Owner = "" },
		"rows[1]: kind:":            func(g *GenesisState) { g.Rows[1] = g.Rows[0]; g.Rows[1].Row.Kind = RowKind_ROW_KIND_POOL },
		"payouts[1]":                func(g *GenesisState) { g.Payouts = append(g.Payouts, g.Payouts[0]) },
		"pools has 5":               func(g *GenesisState) { g.Pools = g.Pools[:5] },
		"pools[0]: 1 of 0 returned": func(g *GenesisState) { g.Pools[0].ReturnedSpent = math.OneInt() },
		"rows[0]: the DAO has one":  func(g *GenesisState) { g.Rows[0].Row = Row{Kind: RowKind_ROW_KIND_DAO, Bucket: 1, Denom: Denom} },
		"dao_granted is -1":         func(g *GenesisState) { g.DaoGranted = minus },
		"bonus_until is 8":          func(g *GenesisState) { g.BonusUntil = 8 },
		"bars[0]: no penalty":       func(g *GenesisState) { g.Bars[0].Pool, g.Pools[1].Returned = Pool_POOL_CHECKER_BONUS, math.NewInt(5) },
		"returned_floor 6; 0 are":   func(g *GenesisState) { g.Shares[1].ReturnedFloor = math.NewInt(6) },
		"returned_floor 0; that of": func(g *GenesisState) {
			g.Pools[3].ReturnedSpent, g.Shares[0].ReturnedFloor = math.OneInt(), math.OneInt()
			g.Shares[0], g.Shares[1] = g.Shares[1], g.Shares[0]
		},
		"bars[0]: 6 is not":          func(g *GenesisState) { g.Bars[0].Returned = math.NewInt(6) },
		"bars[0]: 5 is not":          func(g *GenesisState) { g.Bars[0].Pool = Pool_POOL_INDEXER },
		"bars[0]: 0 is not":          func(g *GenesisState) { g.Bars[0].Returned = math.ZeroInt() },
		"bars[1]: beneficiary":       func(g *GenesisState) { g.Bars = append(g.Bars, g.Bars[0]) },
		"pools[0]":                   func(g *GenesisState) { g.Pools[0].Paid = minus },
		"shares[0]: POOL_CAPACITY":   func(g *GenesisState) { g.Shares[0].Pool = Pool_POOL_CAPACITY },
		"shares[0]: a figure":        func(g *GenesisState) { g.Shares[0].Budget = minus },
		"shares[0]: epoch 2":         func(g *GenesisState) { g.Shares[0].Closed = false },
		"shares[1]: POOL_DELIVERY":   func(g *GenesisState) { g.Shares[1] = g.Shares[0] },
		"share_positions[0]: no":     func(g *GenesisState) { g.SharePositions[0].Epoch = 8 },
		"share_positions[0]: weigh":  func(g *GenesisState) { g.SharePositions[0].Weight = minus },
		"share_positions[1]":         func(g *GenesisState) { g.SharePositions = append(g.SharePositions, g.SharePositions[0]) },
		"stream: a figure":           func(g *GenesisState) { g.Stream.Marked = minus },
		"stream_marks[0]":            func(g *GenesisState) { g.StreamMarks[0].Growth = minus },
		"stream: a figure is":        func(g *GenesisState) { g.Stream.Index = maxIndex.AddRaw(1) },
		"stream_marks[0]: a figure":  func(g *GenesisState) { g.StreamMarks[0].Growth = maxIndex.AddRaw(1) },
		"share_positions[0]: weight": func(g *GenesisState) { g.SharePositions[0].Weight = MaxWeight.AddRaw(1) },
		"stream_marks[1]":            func(g *GenesisState) { g.StreamMarks[1].Ordinal = 1 },
		"stream_groups[0]":           func(g *GenesisState) { g.StreamGroups[0].Weight = minus },
		"stream_groups[1]":           func(g *GenesisState) { g.StreamGroups[1].Group = 0 },
		"stream_positions[0]":        func(g *GenesisState) { g.StreamPositions[0].Snapshot = minus },
		"stream_positions[0]: step":  func(g *GenesisState) { g.StreamPositions[0].Steps = make([]StreamStep, 9) },
		"stream_positions[0]: weig":  func(g *GenesisState) { g.StreamPositions[0].Weight = MaxWeight.AddRaw(1) },
		"stream_positions[1]":        func(g *GenesisState) { g.StreamPositions = append(g.StreamPositions, g.StreamPositions[0]) },
	} {
		t.Run(name, func(t *testing.T) {
			g := runningGenesis()
			spoil(&g)
			require.ErrorContains(t, g.Validate(), name)
		})
	}
}
