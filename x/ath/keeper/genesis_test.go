// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"encoding/json"
	"testing"
	"time"

	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	"github.com/stretchr/testify/require"

	"cosmossdk.io/log/v2"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"
	banktypes "github.com/cosmos/cosmos-sdk/x/bank/types"

	"github.com/athnet/ath/x/ath/types"
)

// reload starts another chain from an export and returns it.
func (f *fixture) reload(t require.TestingT) *fixture {
	state, bank := export(t, f), f.bank.ExportGenesis(f.ctx)
	g := newStores(t)
	g.params, g.now, g.height = f.params, f.now, f.height
	g.open(0)
	g.bank.InitGenesis(g.ctx, bank)
	// The first block's beacon went over an empty state; a chain that starts from an export has its InitGenesis first.
	require.NoError(t, g.k.beacon.Remove(g.ctx))
	require.NoError(t, g.k.beacons.Clear(g.ctx, nil))
	require.NoError(t, g.k.InitGenesis(g.ctx, state))
	return g
}

func requireSameExport(t require.TestingT, f, g *fixture) {
	want, err := json.Marshal(export(t, f))
	require.NoError(t, err)
	got, err := json.Marshal(export(t, g))
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
	wantBytes, err := export(t, f).Marshal()
	require.NoError(t, err)
	gotBytes, err := export(t, g).Marshal()
	require.NoError(t, err)
	require.Equal(t, wantBytes, gotBytes)
}

func TestExportInitExport(t *testing.T) {
	f := newFixture(t, shortParams())
	row := prepaid(user(0), types.Denom)
	f.block(0, deposit(f.k, user(0), row, 10_000_000), deposit(f.k, user(0), prepaid(user(0), usd), 7_000),
		f.position(1, user(1), 10), f.position(700, user(3), 5), f.markRound(1))
	f.block(time.Second, pay(f.k, row, user(1), user(2), 5_000_000),
		func(ctx sdk.Context) error { return f.k.SetPayout(ctx, user(1), user(5)) },
		func(ctx sdk.Context) error {
			return f.k.AddWeight(ctx, types.Pool_POOL_CHECKER_BASE, user(4), math.NewInt(3))
		})
	f.block(time.Second, f.markRound(2), f.confirm(0, 2), f.position(1, user(1), 3), f.setKey(0, f.key(0)), f.setKey(1, f.key(1)))
	for range 3 {
		f.nextEpoch()
	}
	f.block(time.Second, pay(f.k, row, user(1), user(2), 1_000_000), pay(f.k, prepaid(user(0), usd), user(1), user(2), 5_000), claim(f, user(2), nil), f.setKey(0, beaconSecret(t, "rotated")))
	require.Len(t, export(t, f).ProviderFees, 1)
	g := f.reload(t)
	requireSameExport(t, f, g)

	// And both go on alike.
	g.height = f.height
	for _, chain := range []*fixture{f, g} {
		if chain == g {
			g.close()
			g.height = f.height - 1
		}
		chain.block(time.Minute, chain.markRound(3), chain.confirm(0, 3), chain.confirm(1, 3), claim(chain, user(1), nil, 1))
	}
	want, got := export(t, f), export(t, g)
	got.Beacon, got.Beacons = want.Beacon, want.Beacons // the height is in them
	require.Equal(t, want, got)
}

func TestInitGenesisRefuses(t *testing.T) {
	for name, spoil := range map[string]func(*types.GenesisState){
		"the rows sum to": func(s *types.GenesisState) {
			s.Rows = []types.RowBalance{{Row: prepaid(user(0), types.Denom), Amount: math.OneInt()}}
		},
		"rows[0]": func(s *types.GenesisState) {
			s.Rows = []types.RowBalance{{Row: types.Row{Kind: types.RowKind_ROW_KIND_PREPAID, Owner: "x", Denom: types.Denom}, Amount: math.OneInt()}}
		},
		"payouts[0].beneficiary": func(s *types.GenesisState) { s.Payouts = []types.Payout{{Beneficiary: "x", Payout: "y"}} },
		"payouts[0].payout":      func(s *types.GenesisState) { s.Payouts = []types.Payout{{Beneficiary: bech(user(0)), Payout: "y"}} },
		"the cap is":             func(s *types.GenesisState) { s.Minted = math.NewInt(types.Cap) },
		"fee_split":              func(s *types.GenesisState) { s.Params.FeeSplit.BurnPpm = 0 },
	} {
		t.Run(name, func(t *testing.T) {
			f := newStores(t)
			f.open(0)
			require.NoError(t, f.bank.SetParams(f.ctx, banktypes.DefaultParams()))
			state := types.DefaultGenesis()
			spoil(state)
			require.ErrorContains(t, f.k.InitGenesis(f.ctx, state), name)
		})
	}
}

// A state is of the blocks before its chain: what is dated later would be taken for what the chain itself did.
func TestInitGenesisRefusesTheFuture(t *testing.T) {
	f := newFixture(t, shortParams())
	f.block(time.Second, func(ctx sdk.Context) error {
		return f.k.stepPrice(ctx, []types.Vote{{Operator: user(1), Power: 1, Price: 30_000_000}}, 1)
	})
	for range 4 {
		f.block(time.Second)
	}
	bank := f.bank.ExportGenesis(f.ctx)
	begin := func(height int64, now time.Time) error {
		g := newStores(t)
		g.ctx = sdk.NewContext(g.cms.CacheMultiStore(), cmtproto.Header{ChainID: chainID, Height: height, Time: now}, false, log.NewNopLogger())
		g.bank.InitGenesis(g.ctx, bank)
		return g.k.InitGenesis(g.ctx, export(t, f))
	}
	require.NoError(t, begin(f.height+1, f.now))
	require.ErrorContains(t, begin(f.height, f.now), "beacons[5] is of height 6 and the chain begins at 6")
	require.ErrorContains(t, begin(0, f.now), "beacons[0] is of height 1 and the chain begins at 1")
	require.ErrorContains(t, begin(f.height+1, f.now.Add(-time.Minute)), "the price is of")
}

// A network may begin with coins in the vault, such as a treasury, if x/bank's genesis gave them to its account.
func TestGenesisWithRows(t *testing.T) {
	f := newStores(t)
	f.open(0)
	bank := banktypes.DefaultGenesisState()
	bank.Balances = []banktypes.Balance{{Address: bech(f.k.account), Coins: sdk.NewCoins(coin(types.Denom, 900))}}
	f.bank.InitGenesis(f.ctx, bank)
	state := types.DefaultGenesis()
	state.Rows = []types.RowBalance{
		{Row: types.PoolRow(types.Pool_POOL_GRANTS), Amount: math.NewInt(400)},
		{Row: types.Row{Kind: types.RowKind_ROW_KIND_TREASURY, Denom: types.Denom}, Amount: math.NewInt(500)},
	}
	require.NoError(t, f.k.InitGenesis(f.ctx, state))
	f.close()
	grants := types.DefaultParams().Divide(types.Emission(1))[5].Amount.Int64()
	require.Equal(t, grants+400, f.row(types.PoolRow(types.Pool_POOL_GRANTS)))
}
