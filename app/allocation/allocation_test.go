// SPDX-License-Identifier: Apache-2.0

package allocation_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"
	"github.com/cosmos/cosmos-sdk/x/auth/vesting/exported"
	banktypes "github.com/cosmos/cosmos-sdk/x/bank/types"

	"github.com/athnet/ath/app"
	"github.com/athnet/ath/app/allocation"
	"github.com/athnet/ath/testutil/gen"
	"github.com/athnet/ath/testutil/shadow"
	athtypes "github.com/athnet/ath/x/ath/types"
)

const dataFile = "../../docs/mainnet-allocation.yml"

func TestMain(m *testing.M) {
	athtypes.SetPrefixes()
	os.Exit(m.Run())
}

func placeholder(category string, number int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "ath-mainnet-placeholder/%s/%d", category, number))
	return sdk.AccAddress(sum[:20]).String()
}

func committed(t *testing.T) []byte {
	data, err := os.ReadFile(dataFile)
	require.NoError(t, err)
	return data
}

func TestCommittedAddressesArePlaceholders(t *testing.T) {
	table, err := allocation.Parse(dataFile, committed(t))
	require.NoError(t, err)
	for category, list := range table.Beneficiaries {
		for i, b := range list {
			require.Equal(t, placeholder(category, i+1), b.Address)
		}
	}
}

// Part of a category that is locked, in millionths, at dates around its cliffs and ends.
func TestGrantsVestAsDesigned(t *testing.T) {
	table, err := allocation.Parse(dataFile, committed(t))
	require.NoError(t, err)
	grants, err := table.Grants()
	require.NoError(t, err)
	amounts, locked := make(map[string]int64), func(category string, at time.Time) int64 {
		sum := int64(0)
		for _, g := range grants {
			if g.Category == category {
				account, ok := g.Account.(exported.VestingAccount)
				require.True(t, ok)
				require.NoError(t, g.Account.Validate())
				sum += account.LockedCoins(at).AmountOf(athtypes.Denom).Int64()
			}
		}
		return sum
	}
	for _, g := range grants {
		amounts[g.Category] += g.Amount.Int64()
	}
	for category, want := range map[string]struct {
		total  int64 // whole ATH
		locked map[int]int64
	}{
		"development": {3_150_000_000, map[int]int64{0: 500_000, 24: 0}},
		"team":        {5_250_000_000, map[int]int64{0: 1_000_000, 18: 1_000_000, 54: 0}},
		"advisors":    {2_100_000_000, map[int]int64{0: 1_000_000, 18: 1_000_000, 54: 0}},
		"investors":   {4_830_000_000, map[int]int64{0: 1_000_000, 12: 1_000_000, 36: 0}},
		"airdrop":     {2_520_000_000, map[int]int64{0: 750_000, 7: 750_000, 8: 500_000, 15: 500_000, 16: 0}},
	} {
		require.Equal(t, want.total*1_000_000, amounts[category], category)
		for month, ppm := range want.locked {
			require.InDelta(t, want.total*ppm, locked(category, table.Start.AddDate(0, month, 0)), 10, "%s in month %d", category, month)
		}
	}
	// Linear in between: 2029-07-01 is 365 of the team's 1,095 days after its cliff, 2028-07-01.
	team := locked("team", time.Date(2029, 7, 1, 0, 0, 0, 0, time.UTC))
	require.InDelta(t, 5_250_000_000_000_000/1095*(1095-365), team, 5_000)
	require.Positive(t, locked("airdrop", table.Start.AddDate(0, 16, 0).Add(-time.Second)))
}

// Whatever the shares: the amounts are the category's total to the last uath.
func TestSharesSumToTheLastUath(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		shares := rapid.SliceOfN(rapid.Uint64Range(1, 1_000_000), 1, 40).Draw(t, "shares")
		var text strings.Builder
		text.WriteString("start: 2027-01-01T00:00:00Z\n")
		for _, category := range []string{"development", "team", "advisors", "investors", "airdrop"} {
			fmt.Fprintf(&text, "%s:\n", category)
			for i, share := range shares {
				fmt.Fprintf(&text, "  - {address: %s, share: %d}\n", placeholder(category, i+1), share)
			}
		}
		table, err := allocation.Parse("table.yml", []byte(text.String()))
		require.NoError(t, err)
		grants, err := table.Grants()
		require.NoError(t, err)
		sum := math.NewInt(athtypes.DAOTotal)
		for _, g := range grants {
			require.NoError(t, g.Account.Validate())
			sum = sum.Add(g.Amount)
		}
		require.Equal(t, athtypes.Cap/2, sum.Int64())
	})
}

func TestParseSaysWhere(t *testing.T) {
	good := string(committed(t))
	for want, spoil := range map[string][2]string{
		`table.yml:11: start is "soon"`: {"2027-01-01T00:00:00Z", "soon"},
		`: no category "teem"`:          {"\nteam:", "\nteem:"},
		`: share is "x"`:                {"share: 40", "share: x"},
		`: share is 0`:                  {"share: 40", "share: 0"},
		`: no field "part"`:             {"share: 40", "part: 40"},
		`: address "`:                   {placeholder("team", 1), "ath1nobody"},
		` already; an account has one`:  {placeholder("team", 1), placeholder("team", 2)},
		`: team has no beneficiaries`:   {good[strings.Index(good, "\nteam:"):strings.Index(good, "\n# 5% =")], ""},
		`: want a list of`:              {"\nteam:", "\nteam: 3\nadvisers:"},
		`: development is listed twice`: {"\nteam:", "\ndevelopment:"},
		`: want a mapping`:              {good, "[]"},
	} {
		_, err := allocation.Parse("table.yml", []byte(strings.Replace(good, spoil[0], spoil[1], 1)))
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, "table.yml")
	}
}

func FuzzParse(f *testing.F) {
	data, err := os.ReadFile(dataFile)
	require.NoError(f, err)
	f.Add(data)
	f.Add([]byte("start: 2027-01-01T00:00:00Z\nteam: &a [*a]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		table, err := allocation.Parse("table.yml", data)
		if err == nil {
			_, _ = table.Grants()
		}
	})
}

// An application starts with the allocation, stakes locked coins of it, and has exactly the room that emission needs.
func TestChainStartsWithTheAllocation(t *testing.T) {
	operator := gen.NewValidator().Operator
	text := strings.Replace(string(committed(t)), placeholder("development", 1), operator.String(), 1)
	table, err := allocation.Parse("table.yml", []byte(text))
	require.NoError(t, err)
	client, err := app.NewClient()
	require.NoError(t, err)
	genesis, err := gen.Genesis(client.Encoding, client.Basics.DefaultGenesis(client.Codec), shadow.ChainID, math.OneInt())
	require.NoError(t, err)
	require.ErrorIs(t, table.Apply(client.Codec, genesis), allocation.ErrAllocated, "the fixture's own balances")
	defaults := client.Basics.DefaultGenesis(client.Codec)
	genesis[authtypes.ModuleName], genesis[banktypes.ModuleName] = defaults[authtypes.ModuleName], defaults[banktypes.ModuleName]
	require.NoError(t, table.Apply(client.Codec, genesis))
	require.ErrorIs(t, table.Apply(client.Codec, genesis), allocation.ErrAllocated)
	state, err := json.Marshal(genesis)
	require.NoError(t, err)

	chain := shadow.Resume(t, []shadow.Twin{shadow.Plain()}, state, 1, table.Start)
	ctx := chain.Context()
	require.NoError(t, chain.App().CheckInvariants(ctx))
	ath, err := chain.App().Ath.ExportGenesis(ctx)
	require.NoError(t, err)
	require.Equal(t, athtypes.DAOTotal, ath.DaoGranted.Int64())
	require.Equal(t, athtypes.Cap, ath.Minted.Add(athtypes.RemainingEmission(1)).Int64(), "exactly the room for emission")
	half := athtypes.DAOTotal / 2 // development gets what the DAO gets; 100 ATH are the validator's stake
	require.Equal(t, half, chain.App().Bank.LockedCoins(ctx, operator.Address()).AmountOf(athtypes.Denom).Int64()+100_000_000)

	chain.Block(24 * time.Hour)
	left, err := chain.App().Ath.RowAmount(chain.Context(), athtypes.DAORow())
	require.NoError(t, err)
	require.Equal(t, athtypes.DAOTotal-athtypes.DAOStream(math.NewInt(athtypes.DAOTotal), 1).Int64(), left.Int64())
	require.NoError(t, chain.App().CheckInvariants(chain.Context()))
}
