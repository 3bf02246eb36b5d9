// SPDX-License-Identifier: Apache-2.0

package types_test

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	errorsmod "cosmossdk.io/errors"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
	"github.com/athnet/ath/x/checks/types"
)

var testOwner, testOperator, testOther string

func TestMain(m *testing.M) {
	athtypes.SetPrefixes()
	for i, a := range []*string{&testOwner, &testOperator, &testOther} {
		*a = sdk.AccAddress([]byte{byte(i + 1), 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20}).String()
	}
	os.Exit(m.Run())
}

func TestErrorCodesAreUnique(t *testing.T) {
	seen := map[uint32]string{}
	for _, err := range []error{
		types.ErrInvalidParams, types.ErrInvalidGenesis, types.ErrInvalidAddress, types.ErrInvariant,
		types.ErrLicenceNotFound, types.ErrUnauthorized, types.ErrLicenceState, types.ErrBanned, types.ErrInvalidBatch,
		types.ErrTooManyLicences, types.ErrNothingRipe,
		types.ErrInvalidReport, types.ErrWrongRound, types.ErrWindowClosed, types.ErrNoSeat, types.ErrNotDrawn,
		types.ErrNoCommit, types.ErrCommitMismatch, types.ErrAlreadySubmitted,
		types.ErrRoundNotFound, types.ErrShardNotFound,
	} {
		var e *errorsmod.Error
		require.True(t, errors.As(err, &e))
		require.Equal(t, types.ModuleName, e.Codespace())
		require.Greater(t, e.ABCICode(), uint32(1), "%s", err)
		require.Empty(t, seen[e.ABCICode()], "%s has the code of %s", err, seen[e.ABCICode()])
		seen[e.ABCICode()] = err.Error()
	}
}

func TestParamsBounds(t *testing.T) {
	require.NoError(t, types.DefaultParams().Validate())
	for name, change := range map[string]func(*types.Params){
		"round_duration":       func(p *types.Params) { p.RoundDuration = time.Second },
		"submit_window_ppm":    func(p *types.Params) { p.SubmitWindowPpm = 900_000 },
		"committee_size":       func(p *types.Params) { p.CommitteeSize = 32 },
		"licence_bond":         func(p *types.Params) { p.LicenceBond = math.ZeroInt() },
		"unbonding_time":       func(p *types.Params) { p.UnbondingTime = 0 },
		"max_licences":         func(p *types.Params) { p.MaxLicences = 0 },
		"ban_after":            func(p *types.Params) { p.BanAfter = 0 },
		"ban_window":           func(p *types.Params) { p.BanWindow = -1 },
		"ban_time":             func(p *types.Params) { p.BanTime = types.MaxTime + 1 },
		"max_shards_per_block": func(p *types.Params) { p.MaxShardsPerBlock = 1_001 },
	} {
		t.Run(name, func(t *testing.T) {
			p := types.DefaultParams()
			change(&p)
			err := p.Validate()
			require.ErrorIs(t, err, types.ErrInvalidParams)
			require.ErrorContains(t, err, name+":")
		})
	}
	var none types.Params
	require.ErrorIs(t, none.Validate(), types.ErrInvalidParams, "unset amounts don't panic")
}

func TestSubmitWindowOfLongRounds(t *testing.T) {
	p := types.DefaultParams()
	require.Equal(t, 3*time.Minute, p.SubmitWindow())
	p.RoundDuration, p.SubmitWindowPpm = types.MaxRoundDuration, types.MaxSubmitWindowPPM
	require.Equal(t, types.MaxRoundDuration/10*8, p.SubmitWindow(), "no overflow")
}

// A round ends when its time is over and reports were taken for a whole window, however far apart the blocks are.
func TestRoundWaitsForItsWindow(t *testing.T) {
	p := types.DefaultParams()
	r := types.Round{Number: 1, Start: start}
	require.False(t, r.Takes(start.Add(12*time.Minute-1), p))
	require.True(t, r.Takes(start.Add(12*time.Minute), p))

	halt := start.Add(5 * time.Hour)
	require.False(t, r.Due(halt, p), "nobody could report yet")
	r, changed := r.Open(halt, p)
	require.True(t, changed)
	again, changed := r.Open(halt.Add(time.Minute), p)
	require.False(t, changed)
	require.Equal(t, r, again)
	require.False(t, r.Due(halt.Add(3*time.Minute-1), p))
	require.True(t, r.Due(halt.Add(3*time.Minute), p))

	next := r.Close(halt.Add(3*time.Minute)).NextRound(halt.Add(3*time.Minute), []byte("beacon"), 9, 2, p)
	require.Equal(t, uint64(2), next.Number)
	require.Equal(t, types.RoundSeed([]byte("beacon"), 2), next.Seed)
	require.Equal(t, p.CommitteeSize, next.CommitteeSize)
}

func TestJudgedRound(t *testing.T) {
	for running, judged := range map[uint64]uint64{1: 0, 2: 0, 3: 1, 4: 2, 900: 898} {
		require.Equal(t, judged, types.JudgedRound(running))
	}
}

func TestGenesisValidate(t *testing.T) {
	end := start.Add(time.Minute)
	base := func() types.GenesisState {
		return types.GenesisState{
			Params: types.DefaultParams(), NextLicence: 3,
			Licences: []types.Licence{
				must(types.NewLicence(1, testOwner).Offer(testOwner, start)),
				types.NewLicence(2, testOwner),
			},
			Seats: []types.Seat{{Licence: 1, Operator: testOwner, SinceRound: 1}},
			Rounds: []types.Round{
				{Number: 1, Start: start, End: &end, Seed: make([]byte, 32), Seats: 1, CommitteeSize: 7},
				{Number: 2, Start: end, Seed: make([]byte, 32), Seats: 1, CommitteeSize: 7},
			},
			Pending:     []types.PendingSeat{{Round: 1, Licence: 2}},
			Submissions: []types.Submission{{Round: 1, Operator: testOwner, Hash: make([]byte, 32)}},
		}
	}
	require.NoError(t, types.DefaultGenesis().Validate())
	require.NoError(t, base().Validate())
	for name, change := range map[string]func(*types.GenesisState){
		"params":              func(g *types.GenesisState) { g.Params.BanAfter = 0 },
		"licence order":       func(g *types.GenesisState) { g.Licences[1].Id = 1 },
		"licence owner":       func(g *types.GenesisState) { g.Licences[0].Owner = "nobody" },
		"licence state":       func(g *types.GenesisState) { g.Licences[0].State = 9 },
		"licence operator":    func(g *types.GenesisState) { g.Licences[1].Operator = testOwner },
		"next licence":        func(g *types.GenesisState) { g.NextLicence = 2 },
		"round gap":           func(g *types.GenesisState) { g.Rounds[1].Number = 5 },
		"round seed":          func(g *types.GenesisState) { g.Rounds[0].Seed = nil },
		"running round ended": func(g *types.GenesisState) { g.Rounds[1].End = &end },
		"too many rounds":     func(g *types.GenesisState) { g.Rounds = make([]types.Round, 5) },
		"round too new": func(g *types.GenesisState) {
			g.Rounds[0].Number, g.Rounds[1].Number, g.Submissions = 8, 9, nil
		},
		"judging without the round before": func(g *types.GenesisState) {
			g.Rounds, g.Submissions = append(g.Rounds[:1:1], g.Rounds...), nil
			for i := range g.Rounds {
				g.Rounds[i].Number = uint64(7 + i)
			}
			g.Judging = types.Judging{Round: 7}
		},
		"licence waits twice": func(g *types.GenesisState) {
			g.Pending = append(g.Pending, types.PendingSeat{Round: 2, Licence: 2})
		},
		"seat missing":       func(g *types.GenesisState) { g.Seats = nil },
		"seat empty":         func(g *types.GenesisState) { g.Seats[0].Licence = 0 },
		"seat in the future": func(g *types.GenesisState) { g.Seats[0].SinceRound = 7 },
		"seat twice": func(g *types.GenesisState) {
			g.Seats, g.Rounds[1].Seats = append(g.Seats, g.Seats[0]), 2
		},
		"pending order":      func(g *types.GenesisState) { g.Pending = append(g.Pending, g.Pending[0]) },
		"submission hash":    func(g *types.GenesisState) { g.Submissions[0].Hash = []byte{1} },
		"submission round":   func(g *types.GenesisState) { g.Submissions[0].Round = 9 },
		"submission address": func(g *types.GenesisState) { g.Submissions[0].Operator = "nobody" },
		"submission report":  func(g *types.GenesisState) { g.Submissions[0].Report = &types.Report{} },
		"submission order":   func(g *types.GenesisState) { g.Submissions = append(g.Submissions, g.Submissions[0]) },
		"judging":            func(g *types.GenesisState) { g.Judging = types.Judging{Round: 1} },
		"judging shard":      func(g *types.GenesisState) { g.Judging = types.Judging{Shard: 1} },
	} {
		t.Run(name, func(t *testing.T) {
			g := base()
			change(&g)
			require.Error(t, g.Validate())
		})
	}
}
