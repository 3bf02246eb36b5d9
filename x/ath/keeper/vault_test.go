// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"
	sdkerrors "github.com/cosmos/cosmos-sdk/types/errors"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"

	"github.com/athnet/ath/x/ath/types"
)

func TestDepositIsInTheRowAtOnceAndInTheAccountAtTheEnd(t *testing.T) {
	f := newFixture(t, shortParams())
	row := prepaid(user(0), usd)
	f.open(time.Second)
	require.NoError(t, f.tx(0, deposit(f.k, user(0), row, 100)))
	require.Equal(t, int64(100), f.row(row))
	require.Zero(t, f.balance(f.k.account, usd))
	f.close()
	require.Equal(t, int64(100), f.balance(f.k.account, usd))
	require.Equal(t, int64(testFund-100), f.balance(user(0), usd))
}

// A deposit's coins can't leave in its own block if the vault has no others; the transaction says so and changes nothing.
func TestWithdrawInTheBlockOfTheDeposit(t *testing.T) {
	f := newFixture(t, shortParams())
	withdraw := func(row types.Row, to sdk.AccAddress, amount int64) func(sdk.Context) error {
		return func(ctx sdk.Context) error { return f.k.Withdraw(ctx, row, to, math.NewInt(amount)) }
	}
	foreign, own := prepaid(user(0), usd), prepaid(user(0), types.Denom)
	f.open(time.Second)
	require.NoError(t, f.tx(0, deposit(f.k, user(0), foreign, 100)))
	require.ErrorIs(t, f.tx(1, withdraw(foreign, user(0), 60)), types.ErrCoinsInFlight)
	require.Equal(t, int64(100), f.row(foreign))
	// Of uath the vault always holds the pools, so it can pay at once.
	require.NoError(t, f.tx(2, deposit(f.k, user(0), own, 100)))
	require.NoError(t, f.tx(3, withdraw(own, user(1), 60)))
	f.close()
	require.Equal(t, int64(40), f.row(own))
	require.Equal(t, int64(testFund+60), f.balance(user(1), types.Denom))

	f.block(time.Second, withdraw(foreign, user(0), 60), withdraw(foreign, user(1), 40))
	require.Zero(t, f.row(foreign))
	require.Equal(t, int64(testFund+40), f.balance(user(1), usd))
	has, err := f.k.HasRows(f.ctx, types.RowKind_ROW_KIND_PREPAID, user(0))
	require.NoError(t, err)
	require.True(t, has, "the uath row is left")
}

func TestVaultRefuses(t *testing.T) {
	f := newFixture(t, shortParams())
	row, other := prepaid(user(0), types.Denom), prepaid(user(1), types.Denom)
	f.block(time.Second, deposit(f.k, user(0), row, 1_000))
	k, one, to := f.k, math.OneInt(), user(2)
	for name, tc := range map[string]struct {
		run  func(sdk.Context) error
		want error
	}{
		"deposit of zero":      {deposit(k, user(0), row, 0), types.ErrInvalidAmount},
		"deposit below zero":   {deposit(k, user(0), row, -1), types.ErrInvalidAmount},
		"deposit of too much":  {func(ctx sdk.Context) error { return k.Deposit(ctx, user(0), row, types.MaxAmount.AddRaw(1)) }, types.ErrInvalidAmount},
		"deposit of no amount": {func(ctx sdk.Context) error { return k.Deposit(ctx, user(0), row, math.Int{}) }, types.ErrInvalidAmount},
		"deposit without coins": {
			func(ctx sdk.Context) error { return k.Deposit(ctx, user(42), row, one) }, sdkerrors.ErrInsufficientFunds,
		},
		"deposit into no kind": {
			func(ctx sdk.Context) error {
				return k.Deposit(ctx, user(0), types.Row{Owner: bech(to), Denom: types.Denom}, one)
			}, types.ErrInvalidRow,
		},
		"deposit for no address": {
			func(ctx sdk.Context) error {
				return k.Deposit(ctx, user(0), types.Row{Kind: types.RowKind_ROW_KIND_PREPAID, Owner: "cosmos1x", Denom: types.Denom}, one)
			}, types.ErrInvalidRow,
		},
		"withdraw too much":    {func(ctx sdk.Context) error { return k.Withdraw(ctx, row, to, math.NewInt(1_001)) }, types.ErrInsufficientRow},
		"withdraw nothing":     {func(ctx sdk.Context) error { return k.Withdraw(ctx, row, to, math.ZeroInt()) }, types.ErrInvalidAmount},
		"withdraw from no row": {func(ctx sdk.Context) error { return k.Withdraw(ctx, other, to, one) }, types.ErrInsufficientRow},
		"withdraw to nobody":   {func(ctx sdk.Context) error { return k.Withdraw(ctx, row, nil, one) }, types.ErrInvalidAddress},
		"withdraw to a blocked account": {
			func(ctx sdk.Context) error {
				return k.Withdraw(ctx, row, authtypes.NewModuleAddress(authtypes.FeeCollectorName), one)
			}, sdkerrors.ErrUnauthorized,
		},
		"move too much":          {func(ctx sdk.Context) error { return k.Move(ctx, row, other, math.NewInt(1_001)) }, types.ErrInsufficientRow},
		"move less than nothing": {func(ctx sdk.Context) error { return k.Move(ctx, row, other, math.NewInt(-1)) }, types.ErrInvalidAmount},
		"move to another denom":  {func(ctx sdk.Context) error { return k.Move(ctx, row, prepaid(user(1), usd), one) }, types.ErrInvalidRow},
		"pay too much":           {pay(k, row, to, nil, 1_001), types.ErrInsufficientRow},
		"pay less than nothing":  {pay(k, row, to, nil, -1), types.ErrInvalidAmount},
		"pay nobody":             {pay(k, row, nil, nil, 1), types.ErrInvalidAddress},
		"ripen what never does": {
			func(ctx sdk.Context) error {
				_, _, err := k.WithdrawRipe(ctx, types.RowKind_ROW_KIND_PREPAID, user(0), to)
				return err
			}, types.ErrInvalidRow,
		},
		"weight in a pool without weights": {
			func(ctx sdk.Context) error { return k.AddWeight(ctx, types.Pool_POOL_CAPACITY, to, one) }, types.ErrInvalidPool,
		},
		"weight below zero": {
			func(ctx sdk.Context) error { return k.AddWeight(ctx, types.Pool_POOL_CHECKER_BASE, to, one.Neg()) }, types.ErrInvalidWeight,
		},
		"weight without limit": {
			func(ctx sdk.Context) error {
				return k.AddWeight(ctx, types.Pool_POOL_CHECKER_BASE, to, types.MaxWeight.AddRaw(1))
			}, types.ErrInvalidWeight,
		},
		"payout of nobody": {func(ctx sdk.Context) error { return k.SetPayout(ctx, nil, to) }, types.ErrInvalidAddress},
	} {
		t.Run(name, func(t *testing.T) {
			before := export(t, f)
			f.open(time.Nanosecond)
			require.ErrorIs(t, f.tx(0, tc.run), tc.want)
			f.close()
			after := export(t, f)
			after.Beacon, after.Beacons = before.Beacon, before.Beacons
			require.Equal(t, before, after)
		})
	}
}

func TestMove(t *testing.T) {
	f := newFixture(t, shortParams())
	row, other := prepaid(user(0), types.Denom), prepaid(user(1), types.Denom)
	fund := types.Row{Kind: types.RowKind_ROW_KIND_SLA_FUND, Denom: types.Denom}
	f.block(time.Second, deposit(f.k, user(0), row, 1_000))
	f.open(time.Second)
	require.NoError(t, f.tx(0, func(ctx sdk.Context) error {
		if err := f.k.Move(ctx, row, other, math.NewInt(300)); err != nil {
			return err
		}
		return f.k.Move(ctx, row, fund, math.NewInt(200))
	}))
	require.Equal(t, []int64{500, 300, 0}, []int64{f.row(row), f.row(other), f.row(fund)}, "the protocol's rows change at the end")
	require.NoError(t, f.tx(1, func(ctx sdk.Context) error { return f.k.Move(ctx, row, row, math.NewInt(500)) }), "a row into itself")
	f.close()
	require.Equal(t, []int64{500, 300, 200}, []int64{f.row(row), f.row(other), f.row(fund)})
}

func TestPayProvider(t *testing.T) {
	f := newFixture(t, shortParams())
	tenant, provider, indexer := user(0), user(1), user(2)
	row := prepaid(tenant, types.Denom)
	f.block(time.Second, deposit(f.k, tenant, row, 10_000))
	f.block(time.Second, pay(f.k, row, provider, indexer, 1_001), pay(f.k, row, provider, nil, 500), pay(f.k, row, provider, nil, 0))
	require.Equal(t, int64(10_000-1_501), f.row(row))
	require.Equal(t, int64(200+100), f.row(types.FeesPendingRow(1, types.Denom)))
	ripe := types.RipeBucket(f.now, f.params.FeeVesting)
	require.Equal(t, int64(801+400), f.row(types.VestingRow(bech(provider), types.Ledger_LEDGER_FEES, ripe, types.Denom)))
	require.Equal(t, int64(300), f.weight(types.Pool_POOL_DELIVERY, provider, 1))
	require.Equal(t, int64(200), f.weight(types.Pool_POOL_INDEXER, indexer, 1))
}

func TestPayProviderInAnotherDenomEarnsNoReward(t *testing.T) {
	f := newFixture(t, shortParams())
	row := prepaid(user(0), usd)
	f.block(time.Second, deposit(f.k, user(0), row, 10_000))
	f.block(time.Second, pay(f.k, row, user(1), user(2), 1_000))
	require.Equal(t, int64(200), f.row(types.FeesPendingRow(1, usd)))
	require.Zero(t, f.weight(types.Pool_POOL_DELIVERY, user(1), 1))
	for range 3 {
		f.nextEpoch()
	}
	require.Zero(t, f.row(types.FeesPendingRow(1, usd)))
	require.Equal(t, int64(60), f.balance(authtypes.NewModuleAddress(authtypes.FeeCollectorName), usd))
	require.Equal(t, int64(40), f.row(types.Row{Kind: types.RowKind_ROW_KIND_SLA_FUND, Denom: usd}))
	require.Equal(t, int64(40+60), f.row(types.Row{Kind: types.RowKind_ROW_KIND_TREASURY, Denom: usd}), "not burnt")
}

// Block-STM runs transactions that write no common key in parallel. Two tenants that pay one provider through one
// Indexer, and one that only deposits, must be such transactions, in x/ath as in x/bank.
func TestTenantsOfOneProviderWriteNoCommonKey(t *testing.T) {
	f := newFixture(t, shortParams())
	f.block(time.Second, deposit(f.k, user(0), prepaid(user(0), types.Denom), 1_000), deposit(f.k, user(1), prepaid(user(1), types.Denom), 1_000))
	f.open(time.Second)
	var written [][]string
	for i := range 3 {
		row := prepaid(user(i), types.Denom)
		written = append(written, f.writes.record(func() {
			require.NoError(t, f.tx(i, deposit(f.k, user(i), row, 1_000)))
			require.NoError(t, f.tx(i, pay(f.k, row, user(8), user(9), 500)))
		}))
	}
	f.close()
	seen := make(map[string]int)
	for i, keys := range written {
		require.NotEmpty(t, keys)
		for _, key := range keys {
			other, shared := seen[key]
			require.False(t, shared, "users %d and %d both wrote %s", other, i, key)
			seen[key] = i
		}
	}
	require.Equal(t, int64(300), f.row(types.FeesPendingRow(1, types.Denom)))
}

// One payment writes one persistent key: the tenant's row.
func TestPayProviderWritesOneKey(t *testing.T) {
	f := newFixture(t, shortParams())
	row := prepaid(user(0), types.Denom)
	f.block(time.Second, deposit(f.k, user(0), row, 1_000))
	f.open(time.Second)
	keys := f.writes.record(func() { require.NoError(t, f.tx(0, pay(f.k, row, user(8), user(9), 500))) })
	f.close()
	require.Len(t, keys, 1)
}

func TestFailedTransactionLeavesNoDelta(t *testing.T) {
	f := newFixture(t, shortParams())
	row := prepaid(user(0), types.Denom)
	f.block(time.Second, deposit(f.k, user(0), row, 1_000))
	f.open(time.Second)
	require.Error(t, f.tx(0, func(ctx sdk.Context) error {
		if err := pay(f.k, row, user(8), nil, 500)(ctx); err != nil {
			return err
		}
		return sdkerrors.ErrOutOfGas
	}))
	f.close()
	require.Equal(t, int64(1_000), f.row(row))
	require.Zero(t, f.row(types.FeesPendingRow(1, types.Denom)))
}

func TestWithdrawRipePaysABoundedNumberOfRows(t *testing.T) {
	f := newFixture(t, shortParams())
	row := prepaid(user(0), types.Denom)
	f.block(time.Second, deposit(f.k, user(0), row, 1_000_000))
	unbonding := func(ripe int64) types.Row {
		return types.Row{Kind: types.RowKind_ROW_KIND_UNBONDING, Owner: bech(user(0)), Bucket: uint64(ripe), Denom: types.Denom}
	}
	start := f.now.Unix() + 2
	f.block(time.Second, func(ctx sdk.Context) error {
		for i := range int64(types.MaxWithdrawRows + 20) {
			if err := f.k.Move(ctx, row, unbonding(start+i), math.NewInt(10)); err != nil {
				return err
			}
		}
		return nil
	})
	withdraw := func(wantPaid int64, wantMore bool) func(sdk.Context) error {
		return func(ctx sdk.Context) error {
			paid, more, err := f.k.WithdrawRipe(ctx, types.RowKind_ROW_KIND_UNBONDING, user(0), user(1))
			require.Equal(t, wantPaid, paid.Int64())
			require.Equal(t, wantMore, more)
			return err
		}
	}
	f.block(0, withdraw(0, false))
	f.block(time.Second, withdraw(10, false), withdraw(0, false))
	f.block(time.Hour, withdraw(10*types.MaxWithdrawRows, true), withdraw(10*19, false), withdraw(0, false))
	require.Equal(t, int64(testFund+10*(types.MaxWithdrawRows+20)), f.balance(user(1), types.Denom))
}
