// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/ath/types"
)

func (f *fixture) exit(who sdk.AccAddress, ledger types.Ledger, delay time.Duration, ppm uint32, most int64, res *types.MsgExitResponse) func(sdk.Context) error {
	return func(ctx sdk.Context) error {
		got, err := f.msgs.Exit(ctx, &types.MsgExit{
			Beneficiary: bech(who), Ledger: ledger, Delay: delay, PenaltyPpm: ppm, MaxAmount: math.NewInt(most),
		})
		if err == nil && res != nil {
			*res = *got
		}
		return err
	}
}

func (f *fixture) pool(pool types.Pool) types.PoolState {
	state, err := f.k.pools.Get(f.ctx, uint32(pool))
	require.NoError(f.t, err)
	return state
}

func withdrawAll(f *fixture, who sdk.AccAddress) func(sdk.Context) error {
	return func(ctx sdk.Context) error {
		_, _, err := f.k.WithdrawIncome(ctx, who)
		return err
	}
}

// Fees that vest for 16 minutes leave after one for 40%; the penalty comes back to the delivery pool.
func TestExitOfFees(t *testing.T) {
	f := newFixture(t, shortParams())
	who, row := user(1), prepaid(user(0), types.Denom)
	f.block(time.Second, deposit(f.k, user(0), row, 10_000_000))
	f.block(time.Second, pay(f.k, row, who, nil, 5_000_000)) // 4,000,000 income
	var res types.MsgExitResponse
	f.block(time.Second, f.exit(who, types.Ledger_LEDGER_FEES, time.Minute, 400_000, 1_000_001, &res))
	require.Equal(t, "1000001", res.Amount.String())
	require.Equal(t, "400001", res.Penalty.String(), "rounded up")
	delivery := f.pool(types.Pool_POOL_DELIVERY)
	require.Equal(t, "400001", delivery.Returned.String())
	bar, err := f.k.bar(f.ctx, types.Pool_POOL_DELIVERY, who)
	require.NoError(t, err)
	require.Equal(t, "400001", bar.String())

	rewards, err := f.query.Rewards(f.ctx, &types.QueryRewardsRequest{Beneficiary: bech(who)})
	require.NoError(t, err)
	require.Len(t, rewards.Exiting, 1)
	require.Equal(t, "600000", rewards.Exiting[0].Amount.String())
	require.Len(t, rewards.Bars, 1)

	f.block(50*time.Second, withdrawAll(f, who))
	require.Equal(t, int64(testFund), f.balance(who, types.Denom), "nothing leaves before the delay is over")
	f.block(15*time.Second, withdrawAll(f, who))
	require.Equal(t, int64(testFund+600_000), f.balance(who, types.Denom))
	requireSameExport(t, f, f.reload(t))
}

// Only a line of the table, only the beneficiary's own income, and nothing that ripens as soon without it.
func TestExitRefuses(t *testing.T) {
	f := newFixture(t, shortParams())
	who, row := user(1), prepaid(user(0), types.Denom)
	f.block(time.Second, deposit(f.k, user(0), row, 10_000_000))
	f.block(time.Second, pay(f.k, row, who, nil, 5_000_000))
	f.open(time.Second)
	for _, tc := range []struct {
		err error
		run func(sdk.Context) error
	}{
		{types.ErrExitOption, f.exit(who, types.Ledger_LEDGER_FEES, time.Minute, 399_999, 0, nil)},
		{types.ErrExitOption, f.exit(who, types.Ledger_LEDGER_FEES, time.Second, 400_000, 0, nil)},
		{types.ErrNothingToExit, f.exit(who, types.Ledger_LEDGER_CAPACITY, time.Minute, 800_000, 0, nil)},
		{types.ErrNothingToExit, f.exit(user(2), types.Ledger_LEDGER_FEES, time.Minute, 400_000, 0, nil)},
		{types.ErrInvalidLedger, f.exit(who, 42, time.Minute, 400_000, 0, nil)},
		{types.ErrExitByOther, claimMsg(f, types.MsgClaim{
			Signer: bech(user(2)), Beneficiary: bech(who),
			Exits: []types.ClaimExit{{Ledger: types.Ledger_LEDGER_CAPACITY, Delay: time.Minute, PenaltyPpm: 800_000}},
		})},
	} {
		require.ErrorIs(t, f.tx(0, tc.run), tc.err)
	}
	f.close()
	f.block(15 * time.Minute) // the income ripens within the next minute or so
	f.open(40 * time.Second)
	require.ErrorIs(t, f.tx(0, f.exit(who, types.Ledger_LEDGER_FEES, time.Minute, 400_000, 0, nil)), types.ErrNothingToExit)
	f.close()
}

// A claim that exits gives what a claim and an exit after it give; the tranche that ripens at once is no part of it.
func TestClaimThatExits(t *testing.T) {
	f := newFixture(t, shortParams())
	who := user(1)
	f.block(time.Second, f.owe(who, types.Ledger_LEDGER_CAPACITY, 1_000_000), f.owe(user(2), types.Ledger_LEDGER_CAPACITY, 1_000_000))
	var res types.MsgClaimResponse
	f.block(time.Second, func(ctx sdk.Context) error {
		got, err := f.msgs.Claim(ctx, &types.MsgClaim{
			Signer: bech(who), Exits: []types.ClaimExit{{Ledger: types.Ledger_LEDGER_CAPACITY, Delay: time.Minute, PenaltyPpm: 800_000}},
		})
		if err == nil {
			res = *got
		}
		return err
	}, claim(f, user(2), nil), f.exit(user(2), types.Ledger_LEDGER_CAPACITY, time.Minute, 800_000, 0, nil))
	require.Equal(t, "1000000", res.Claimed.String())
	require.Equal(t, "300000", res.Ripe.String())
	require.Equal(t, "700000", res.Exited.String())
	require.Equal(t, "560000", res.Penalty.String())
	f.block(2*time.Minute, withdrawAll(f, who), withdrawAll(f, user(2)))
	require.Equal(t, int64(testFund-1_000_000+440_000), f.balance(who, types.Denom))
	require.Equal(t, f.balance(who, types.Denom), f.balance(user(2), types.Denom))
	require.Equal(t, "1120000", f.pool(types.Pool_POOL_DELIVERY).Returned.String(), "of capacity too")
}

// Fees in another denom leave too; their penalty is the treasury's, since no pool pays that denom, and bars nobody.
func TestExitInAnotherDenom(t *testing.T) {
	f := newFixture(t, shortParams())
	who, row := user(1), prepaid(user(0), usd)
	f.block(time.Second, deposit(f.k, user(0), row, 10_000))
	f.block(time.Second, pay(f.k, row, who, nil, 10_000))
	f.block(time.Second, func(ctx sdk.Context) error {
		_, err := f.msgs.Exit(ctx, &types.MsgExit{
			Beneficiary: bech(who), Ledger: types.Ledger_LEDGER_FEES, Delay: time.Minute, PenaltyPpm: 400_000, Denom: usd,
		})
		return err
	})
	require.Equal(t, int64(3_200), f.row(types.Row{Kind: types.RowKind_ROW_KIND_TREASURY, Denom: usd}))
	require.Empty(t, export(t, f).Bars)
	f.block(2*time.Minute, withdrawAll(f, who))
	require.Equal(t, int64(testFund+4_800), f.balance(who, usd))
}

// What exits can be held for a ticket until it is paid out, even when it is ripe.
func TestExitingCoinsCanBeHeld(t *testing.T) {
	f := newFixture(t, shortParams())
	who, row := user(1), prepaid(user(0), types.Denom)
	f.block(time.Second, deposit(f.k, user(0), row, 10_000_000))
	f.block(time.Second, pay(f.k, row, who, nil, 5_000_000))
	f.block(time.Second, f.exit(who, types.Ledger_LEDGER_FEES, time.Minute, 400_000, 0, nil))
	f.open(5 * time.Minute)
	taken, err := f.k.Hold(f.ctx, who, 1, math.NewInt(1_000), nil)
	require.NoError(t, err)
	require.Len(t, taken, 1)
	require.Equal(t, types.RowKind_ROW_KIND_EXITING, taken[0].Row.Kind)
	f.close()
}

// Who gave up a part of its income takes no part when it is given away; others get it, and once all of it is out the bar is
// gone.
func TestExiterIsBarredUntilItsPenaltyIsOut(t *testing.T) {
	f := newFixture(t, shortParams())
	exiter, other := user(1), user(2)
	f.block(time.Second, f.owe(exiter, types.Ledger_LEDGER_CHECKER, 9_000_000))
	f.block(time.Second, claim(f, exiter, nil), f.exit(exiter, types.Ledger_LEDGER_CHECKER, 2*time.Minute, 750_000, 0, nil))
	base := types.Pool_POOL_CHECKER_BASE
	require.Equal(t, "6750000", f.pool(base).Returned.String())
	for epoch := 0; len(export(t, f).Bars) > 0; epoch++ {
		require.Less(t, epoch, 100, "the bar is lifted")
		f.block(time.Second, f.checked(exiter, 1), f.checked(other, 1))
		f.nextEpoch()
		for _, share := range export(t, f).Shares {
			if share.Pool == base && share.Closed && share.ReturnedAmount.IsPositive() {
				require.True(t, share.ReturnedWeight.IsPositive())
				require.Equal(t, share.Weight.QuoRaw(2).String(), share.ReturnedWeight.String(), "one of two")
			}
		}
	}
	require.Equal(t, "6750000", f.pool(base).ReturnedSpent.String())
	f.nextEpoch()
	f.nextEpoch()
	f.nextEpoch()
	f.block(time.Second, claim(f, exiter, nil), claim(f, other, nil))
	gap := f.vesting(other, types.Ledger_LEDGER_CHECKER) - f.vesting(exiter, types.Ledger_LEDGER_CHECKER)
	require.Equal(t, int64(6_750_000), gap, "all of the penalty went to the other one")
}

// owe puts an income of a ledger there, as if it had been earned; the beneficiary pays for it.
func (f *fixture) owe(who sdk.AccAddress, ledger types.Ledger, amount int64) func(sdk.Context) error {
	return func(ctx sdk.Context) error {
		return f.k.Deposit(ctx, who, types.OwedRow(bech(who), ledger), math.NewInt(amount))
	}
}

func (f *fixture) checked(who sdk.AccAddress, weight int64) func(sdk.Context) error {
	return func(ctx sdk.Context) error {
		return f.k.AddWeight(ctx, types.Pool_POOL_CHECKER_BASE, who, math.NewInt(weight))
	}
}

// vesting is what a ledger has in vesting, ripe or not.
func (f *fixture) vesting(who sdk.AccAddress, ledger types.Ledger) int64 {
	sum := int64(0)
	for _, balance := range export(f.t, f).Rows {
		if balance.Row.Kind == ledger.VestingKind() && balance.Row.Owner == bech(who) {
			sum += balance.Amount.Int64()
		}
	}
	return sum
}

// Ripe coins are staked in the message that pays them, by their beneficiary only.
func TestWithdrawAndStake(t *testing.T) {
	f := newFixture(t, shortParams())
	who, row := user(1), prepaid(user(0), types.Denom)
	f.block(time.Second, deposit(f.k, user(0), row, 10_000_000))
	f.block(time.Second, pay(f.k, row, who, nil, 5_000_000))
	f.block(20 * time.Minute)
	withdraw := func(signer sdk.AccAddress, validator string) func(sdk.Context) error {
		return func(ctx sdk.Context) error {
			_, err := f.msgs.Withdraw(ctx, &types.MsgWithdraw{Signer: bech(signer), Beneficiary: bech(who), Stake: validator})
			return err
		}
	}
	f.open(time.Second)
	require.ErrorIs(t, f.tx(0, withdraw(user(2), "valoper")), types.ErrStake)
	require.ErrorContains(t, f.tx(1, withdraw(who, "nobody")), "validator")
	require.NoError(t, f.tx(2, func(ctx sdk.Context) error { return f.k.SetPayout(ctx, who, user(3)) }))
	require.ErrorIs(t, f.tx(3, withdraw(who, "valoper")), types.ErrStake)
	require.NoError(t, f.tx(4, func(ctx sdk.Context) error { return f.k.SetPayout(ctx, who, nil) }))
	require.NoError(t, f.tx(5, withdraw(who, "valoper")))
	require.NoError(t, f.tx(6, withdraw(who, "valoper")), "nothing is ripe any more, and nothing is staked")
	f.close()
	require.Equal(t, int64(4_000_000), f.balance(bonded, types.Denom))
	require.Equal(t, int64(testFund), f.balance(who, types.Denom))
}

// A quarter of the bonus pays what its epochs brought in, to the weights that are left at its end.
func TestBonusIsPaidPerQuarter(t *testing.T) {
	f := newFixture(t, shortParams()) // a quarter is three epochs
	bonus := func(who int, change int64) func(sdk.Context) error {
		return func(ctx sdk.Context) error { return f.k.ChangeBonus(ctx, user(who), math.NewInt(change)) }
	}
	quarter, err := f.k.BonusQuarter(f.ctx)
	require.NoError(t, err)
	require.Equal(t, uint64(3), quarter)
	f.block(time.Second, bonus(1, 3), bonus(2, 5))
	f.nextEpoch()
	f.block(time.Second, bonus(2, -5), bonus(3, 1), bonus(4, -7))
	require.Zero(t, f.weight(types.Pool_POOL_CHECKER_BONUS, user(2), 3))
	require.Zero(t, f.weight(types.Pool_POOL_CHECKER_BONUS, user(4), 3), "less than nothing is nothing")
	emitted := f.pool(types.Pool_POOL_CHECKER_BONUS).Emitted
	for range 4 {
		f.nextEpoch()
		if epoch, err := f.k.Epoch(f.ctx); err == nil && epoch.Number == 3 {
			emitted = f.pool(types.Pool_POOL_CHECKER_BONUS).Emitted
		}
	}
	f.block(time.Second, claim(f, user(1), nil), claim(f, user(2), nil), claim(f, user(3), nil))
	one, three := f.vesting(user(1), types.Ledger_LEDGER_CHECKER), f.vesting(user(3), types.Ledger_LEDGER_CHECKER)
	require.InDelta(t, one, 3*three, 3)
	require.InDelta(t, emitted.Int64(), one+three, 2, "three epochs' emission")
	require.Zero(t, f.vesting(user(2), types.Ledger_LEDGER_CHECKER))
	quarter, err = f.k.BonusQuarter(f.ctx)
	require.NoError(t, err)
	require.Equal(t, uint64(6), quarter)
	require.ErrorIs(t, f.k.AddWeight(f.ctx, types.Pool_POOL_CHECKER_BONUS, user(1), math.OneInt()), types.ErrInvalidPool)
	requireSameExport(t, f, f.reload(t))
}

// Exits of different people write no common key, though their penalties go to one pool.
func TestExitersWriteNoCommonKey(t *testing.T) {
	f := newFixture(t, shortParams())
	ledger := types.Ledger_LEDGER_CAPACITY
	f.block(time.Second, f.owe(user(1), ledger, 1_000_000), f.owe(user(2), ledger, 1_000_000))
	f.block(time.Second, claim(f, user(1), nil), claim(f, user(2), nil))
	f.open(time.Second)
	seen := make(map[string]int)
	for i := 1; i <= 2; i++ {
		for _, key := range f.writes.record(func() {
			require.NoError(t, f.tx(i, f.exit(user(i), ledger, time.Minute, 800_000, 0, nil)))
		}) {
			require.NotContains(t, seen, key)
			seen[key] = i
		}
	}
	require.Len(t, seen, 6, "two vesting rows and the exiting one of each")
	f.close()
}
