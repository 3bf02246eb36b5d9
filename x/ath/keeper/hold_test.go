// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/ath/types"
)

func stakeOf(owner sdk.AccAddress, container uint64) types.Row {
	return types.Row{Kind: types.RowKind_ROW_KIND_STAKE, Owner: bech(owner), Bucket: container, Denom: types.Denom}
}

func unbonding(owner sdk.AccAddress, ripe uint64) types.Row {
	return types.Row{Kind: types.RowKind_ROW_KIND_UNBONDING, Owner: bech(owner), Bucket: ripe, Denom: types.Denom}
}

func (f *fixture) hold(owner sdk.AccAddress, id uint64, amount int64, stake ...types.Row) []types.RowBalance {
	taken, err := f.k.Hold(f.ctx, owner, id, math.NewInt(amount), stake)
	require.NoError(f.t, err)
	return taken
}

// slashed is a chain on which user 1 has 1,000 ripe and 2,000 unripe income, 300 unclaimed, 500 unbonding, and a stake of
// 5,000.
func slashed(t require.TestingT) *fixture {
	f := newFixture(t, shortParams())
	f.open(time.Second)
	now := uint64(f.now.Unix())
	who := user(1)
	for row, amount := range map[types.Row]int64{
		types.VestingRow(bech(who), types.Ledger_LEDGER_FEES, now-60, types.Denom):      1_000,
		types.VestingRow(bech(who), types.Ledger_LEDGER_CAPACITY, now+60, types.Denom):  800,
		types.VestingRow(bech(who), types.Ledger_LEDGER_DELIVERY, now+120, types.Denom): 1_200,
		types.VestingRow(bech(who), types.Ledger_LEDGER_FEES, now+90, usd):              9_999,
		types.OwedRow(bech(who), types.Ledger_LEDGER_CAPACITY):                          300,
		unbonding(who, now-1): 500,
		stakeOf(who, 7):       5_000,
	} {
		require.NoError(t, f.k.Deposit(f.ctx, who, row, math.NewInt(amount)))
	}
	f.close()
	f.open(0)
	return f
}

// What has not vested goes first, then what is not claimed, then unbonding stake even where it is ripe, then bonded stake;
// what has ripened and what is not uath stays.
func TestHoldTakesInOrder(t *testing.T) {
	f := slashed(t)
	who, now := user(1), uint64(f.now.Unix())
	taken := f.hold(who, 1, 3_000, stakeOf(who, 7))
	amounts := make([]int64, len(taken))
	for i, part := range taken {
		amounts[i] = part.Amount.Int64()
	}
	require.Equal(t, []int64{1_200, 800, 300, 500, 200}, amounts)
	require.Equal(t, int64(3_000), f.row(types.HeldRow(bech(who), 1)))
	require.Equal(t, int64(4_800), f.row(stakeOf(who, 7)))
	require.Equal(t, int64(1_000), f.row(types.VestingRow(bech(who), types.Ledger_LEDGER_FEES, now-60, types.Denom)))
	require.Equal(t, int64(9_999), f.row(types.VestingRow(bech(who), types.Ledger_LEDGER_FEES, now+90, usd)))
	f.close()
}

// What leaves vesting early answers before what is locked, in however many rows its owner has hidden it: dust before it, which is ripe and was
// never withdrawn, takes no place from it, and what is cut into more rows than one plan takes is taken by a second.
func TestHoldFindsWhatLeavesBehindDust(t *testing.T) {
	for name, tc := range map[string]struct{ dust, rows, each int64 }{
		"one behind dust": {3 * types.MaxHoldRows, 1, 64_000},
		"cut":             {0, 2 * types.MaxHoldRows, 500},
	} {
		t.Run(name, func(t *testing.T) {
			f := slashed(t)
			who, now := user(1), f.now.Unix()
			put := func(at, amount int64) {
				row := types.Row{Kind: types.RowKind_ROW_KIND_EXITING, Owner: bech(who), Bucket: uint64(at), Denom: types.Denom}
				require.NoError(t, f.k.Deposit(f.ctx, who, row, math.NewInt(amount)))
			}
			for i := range tc.dust {
				put(now-1_000+i, 1)
			}
			for i := range tc.rows {
				put(now+60+i, tc.each)
			}
			f.close()
			f.open(0)
			for _, part := range f.hold(who, 1, tc.rows*tc.each, stakeOf(who, 7)) {
				require.Equal(t, types.RowKind_ROW_KIND_EXITING, part.Row.Kind, "%s of %s", part.Amount, part.Row.Kind)
			}
			require.Equal(t, tc.rows*tc.each, f.row(types.HeldRow(bech(who), 1)))
			f.close()
		})
	}
}

// A hold takes what is there and no more; nothing at all is no error.
func TestHoldTakesAtMostWhatIsThere(t *testing.T) {
	f := slashed(t)
	require.Equal(t, "7800", types.SumRows(f.hold(user(1), 1, 1_000_000, stakeOf(user(1), 7))).String())
	require.Empty(t, f.hold(user(1), 2, 1_000_000, stakeOf(user(1), 7)))
	require.Zero(t, f.row(types.HeldRow(bech(user(1)), 2)))
	f.close()
}

func TestReleasePutsBack(t *testing.T) {
	f := slashed(t)
	before := export(t, f)
	taken := f.hold(user(1), 1, 3_000, stakeOf(user(1), 7))
	require.NoError(t, f.k.EndHold(f.ctx, user(1), 1, taken))
	require.Equal(t, before.Rows, export(t, f).Rows)
	f.close()
}

func TestEndHoldGivesAllAway(t *testing.T) {
	f := slashed(t)
	f.hold(user(1), 1, 3_000, stakeOf(user(1), 7))
	fund := types.Row{Kind: types.RowKind_ROW_KIND_SLA_FUND, Denom: types.Denom}
	owed := types.ProceedsRow(bech(user(2)), 1)
	require.NoError(t, f.k.EndHold(f.ctx, user(1), 1, []types.RowBalance{
		{Row: owed, Amount: math.NewInt(1_000)}, {Row: fund, Amount: math.NewInt(2_000)},
	}))
	f.close()
	require.Equal(t, int64(2_000), f.row(fund))
	require.Equal(t, int64(1_000), f.row(owed))
	require.Zero(t, f.row(types.HeldRow(bech(user(1)), 1)))
}

func TestHoldRefuses(t *testing.T) {
	f := slashed(t)
	taken := f.hold(user(1), 1, 3_000, stakeOf(user(1), 7))
	fund := types.Row{Kind: types.RowKind_ROW_KIND_SLA_FUND, Denom: types.Denom}
	spend := func(id uint64, to types.Row) error {
		cached, _ := f.ctx.CacheContext()
		return f.k.EndHold(cached, user(1), id, []types.RowBalance{{Row: to, Amount: math.NewInt(3_000)}})
	}
	hold := func(owner sdk.AccAddress, id uint64, amount math.Int, stake ...types.Row) error {
		_, err := f.k.Hold(f.ctx, owner, id, amount, stake)
		return err
	}
	for name, tc := range map[string]struct{ err, want error }{
		"the same id":          {hold(user(1), 1, math.OneInt()), types.ErrHold},
		"nobody":               {hold(nil, 2, math.OneInt()), types.ErrInvalidAddress},
		"no amount":            {hold(user(1), 2, math.ZeroInt()), types.ErrInvalidAmount},
		"no row":               {hold(user(1), 2, math.NewInt(100_000), types.Row{}), types.ErrInvalidRow},
		"release of less":      {f.k.EndHold(f.ctx, user(1), 1, taken[1:]), types.ErrHold},
		"release of no hold":   {f.k.EndHold(f.ctx, user(1), 3, taken), types.ErrHold},
		"release of another's": {f.k.EndHold(f.ctx, user(2), 1, taken), types.ErrHold},
		"spend no hold":        {spend(3, fund), types.ErrHold},
		"spend into usd":       {spend(1, types.Row{Kind: types.RowKind_ROW_KIND_SLA_FUND, Denom: usd}), types.ErrInvalidRow},
	} {
		t.Run(name, func(t *testing.T) { require.ErrorIs(t, tc.err, tc.want) })
	}
}

// No withdrawal, claim or passage of time reaches what is held, and what comes back is what went, whatever was done meanwhile.
func TestHeldCoinsStay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := slashed(t)
		who := user(1)
		asked := rapid.Int64Range(1, 9_000).Draw(t, "amount")
		taken := f.hold(who, 1, asked, stakeOf(who, 7))
		held := min(asked, 7_800)
		f.close()
		for range rapid.IntRange(0, 6).Draw(t, "steps") {
			f.open(time.Duration(rapid.Int64Range(0, int64(2*time.Minute)).Draw(t, "after")))
			switch rapid.IntRange(0, 2).Draw(t, "what") {
			case 0:
				require.NoError(t, f.tx(0, claim(f, who, nil)))
			case 1:
				_, _, err := f.k.WithdrawIncome(f.ctx, who)
				require.NoError(t, err)
			case 2:
				_, _, err := f.k.WithdrawRipe(f.ctx, types.RowKind_ROW_KIND_UNBONDING, who, who)
				require.NoError(t, err)
			}
			f.close()
			require.Equal(t, held, f.row(types.HeldRow(bech(who), 1)))
		}
		f.open(time.Second)
		requireSameExport(t, f, f.reload(t))
		require.NoError(t, f.k.EndHold(f.ctx, who, 1, taken))
		for _, part := range taken {
			require.GreaterOrEqual(t, f.row(part.Row), part.Amount.Int64())
		}
		f.close()
	})
}
