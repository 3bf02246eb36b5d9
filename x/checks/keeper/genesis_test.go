// SPDX-License-Identifier: Apache-2.0

package keeper_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/x/checks/types"
)

// busy is a network in the middle of everything: sealed and opened reports, seats that wait, verdicts half applied.
func busy(t *testing.T) *fixture {
	f := newFixture(t)
	f.buy(alice, bob, carol)
	params := devParams()
	params.MaxShardsPerBlock = 2
	require.NoError(t, f.k.SetParams(f.ctx, params))
	for s := range uint64(5) {
		f.providers.register(s*512 + 1)
	}
	checkers := crew(alice, bob, carol)
	checkers[2].silent = true
	f.endBlock()
	for f.running().Number < 6 {
		f.playRound(checkers...)
	}
	require.NoError(t, call(f.ctx, f.msgs, &types.MsgBuyLicences{Owner: owner.String(), Count: 2, Operator: owner.String()}))
	require.NoError(t, call(f.ctx, f.msgs, &types.MsgEndLicences{Owner: alice.String(), Ids: []uint64{1}}))
	return f
}

func TestGenesisRoundTrip(t *testing.T) {
	for name, f := range map[string]*fixture{"default": newFixture(t), "busy": busy(t)} {
		t.Run(name, func(t *testing.T) {
			raw := f.export()
			var g types.GenesisState
			require.NoError(t, f.cdc.UnmarshalJSON(raw, &g))
			if name == "busy" {
				require.NotZero(t, g.Judging.Round, "half applied")
				require.NotEmpty(t, g.Pending)
				require.NotEmpty(t, g.Submissions)
				require.NotEmpty(t, g.Uptimes)
				require.Len(t, g.Rounds, 4)
			}
			again := newFixtureFrom(t, g, f.ctx.BlockTime())
			again.vault.rows = f.vault.rows
			require.Equal(t, string(raw), string(again.export()))
			require.NoError(t, again.k.CheckInvariants(again.ctx))
		})
	}
}

// An imported network goes on exactly as the one it came from.
func TestImportedNetworkGoesOn(t *testing.T) {
	f := busy(t)
	var g types.GenesisState
	require.NoError(t, f.cdc.UnmarshalJSON(f.export(), &g))
	again := newFixtureFrom(t, g, f.ctx.BlockTime())
	*again.vault, *again.providers = f.vault.clone(), f.providers.clone()
	for range 8 {
		f.endBlock()
		again.endBlock()
		require.Equal(t, f.snapshot(), again.snapshot())
	}
	require.Equal(t, f.providers.verdicts, again.providers.verdicts)
}

// Under a new chain-id nobody can open what was sealed under the old one, and nobody errs for it.
func TestNewChainIDDropsSealedReports(t *testing.T) {
	f, checkers := reportSetup(t)
	require.NoError(t, checkers[0].submit(f))
	var g types.GenesisState
	require.NoError(t, f.cdc.UnmarshalJSON(f.export(), &g))
	g.ChainId = "ath-old"
	again := newFixtureFrom(t, g, f.ctx.BlockTime())
	again.vault.rows = f.vault.rows
	exported, err := again.k.ExportGenesis(again.ctx)
	require.NoError(t, err)
	for _, s := range exported.Submissions {
		require.NotNil(t, s.Report, "%s sealed round %d", s.Operator, s.Round)
	}
	require.NotEmpty(t, exported.Submissions)
	for again.running().Number < 8 {
		again.playRound()
	}
	for id := range uint64(3) {
		require.Zero(t, again.licence(id+1).Wrong)
	}
}

// A hand-written genesis lists licences only; they sit from round one.
func TestGenesisSeatsActiveLicences(t *testing.T) {
	g := types.DefaultGenesis()
	g.NextLicence = 2
	l, err := types.NewLicence(1, alice.String()).Offer(alice.String(), start)
	require.NoError(t, err)
	g.Licences = []types.Licence{l}
	f := newFixtureFrom(t, *g, start)
	require.NoError(t, f.k.EndBlock(f.ctx))
	require.Equal(t, uint64(1), f.running().Seats)
}

func TestInitGenesisRefuses(t *testing.T) {
	f := newFixture(t)
	require.ErrorIs(t, f.k.InitGenesis(f.ctx, types.GenesisState{}), types.ErrInvalidParams)
}
