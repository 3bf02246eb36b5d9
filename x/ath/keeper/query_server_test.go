// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/cosmos/cosmos-sdk/types/query"

	"github.com/athnet/ath/x/ath/types"
)

func TestScheduleQueryShowsTheWholeFuture(t *testing.T) {
	f := newFixture(t, shortParams())
	res, err := f.query.Schedule(f.ctx, &types.QueryScheduleRequest{Count: maxScheduleCount})
	require.NoError(t, err)
	require.Len(t, res.Entries, int(types.LastEpoch))
	sum := math.ZeroInt()
	for _, entry := range res.Entries {
		require.Len(t, entry.Pools, len(types.Pools()))
		for _, amount := range entry.Pools {
			sum = sum.Add(amount)
		}
	}
	require.Equal(t, types.Cap/2, sum.Int64())

	res, err = f.query.Schedule(f.ctx, &types.QueryScheduleRequest{From: types.LastEpoch})
	require.NoError(t, err)
	require.Len(t, res.Entries, 1)
	res, err = f.query.Schedule(f.ctx, &types.QueryScheduleRequest{From: ^uint64(0), Count: 10})
	require.NoError(t, err)
	require.Empty(t, res.Entries)
	_, err = f.query.Schedule(f.ctx, &types.QueryScheduleRequest{Count: maxScheduleCount + 1})
	require.ErrorContains(t, err, "count")
}

func TestQueriesOfState(t *testing.T) {
	f := newFixture(t, shortParams())
	params, err := f.query.Params(f.ctx, &types.QueryParamsRequest{})
	require.NoError(t, err)
	require.Equal(t, f.params, params.Params)

	supply, err := f.query.Supply(f.ctx, &types.QuerySupplyRequest{})
	require.NoError(t, err)
	require.Equal(t, types.Cap, supply.Cap.Int64())
	require.Equal(t, supply.Minted.String(), supply.Total.String())
	require.Equal(t, types.Emission(1).Total().String(), supply.Vault.String())

	pools, err := f.query.Pools(f.ctx, &types.QueryPoolsRequest{})
	require.NoError(t, err)
	require.Len(t, pools.Pools, 6)
	for _, pool := range pools.Pools {
		require.Equal(t, pool.State.Emitted.String(), pool.Balance.String())
		require.True(t, pool.Earned.IsZero())
	}

	epoch, err := f.query.Epoch(f.ctx, &types.QueryEpochRequest{})
	require.NoError(t, err)
	require.Equal(t, f.now.Add(time.Minute), epoch.EndsAt)

	beacon, err := f.query.Beacon(f.ctx, &types.QueryBeaconRequest{})
	require.NoError(t, err)
	require.Equal(t, f.height, beacon.Height)
	require.Len(t, beacon.Value, types.BeaconSize)
}

func TestRewardsQueryAgreesWithClaimAndWithdraw(t *testing.T) {
	f := newFixture(t, shortParams())
	row := prepaid(user(0), types.Denom)
	f.block(0, deposit(f.k, user(0), row, 10_000_000), f.position(1, user(1), 10), f.markRound(1))
	f.block(time.Second, pay(f.k, row, user(1), nil, 5_000_000))
	f.block(10*time.Second, f.markRound(2), f.confirm(0, 2))
	for range 3 {
		f.nextEpoch()
	}
	rewards, err := f.query.Rewards(f.ctx, &types.QueryRewardsRequest{Beneficiary: bech(user(1))})
	require.NoError(t, err)
	require.Len(t, rewards.Vesting, 1)
	require.True(t, rewards.Ripe.IsZero())
	claimable := math.ZeroInt()
	for _, ledger := range rewards.Ledgers {
		claimable = claimable.Add(ledger.Claimable)
		require.Equal(t, ledger.Ledger == types.Ledger_LEDGER_CAPACITY || ledger.Ledger == types.Ledger_LEDGER_DELIVERY, ledger.Claimable.IsPositive())
	}
	var claimed types.MsgClaimResponse
	f.block(0, claim(f, user(1), &claimed, 1))
	require.Equal(t, claimable.String(), claimed.Claimed.String())

	rewards, err = f.query.Rewards(f.ctx, &types.QueryRewardsRequest{Beneficiary: bech(user(1))})
	require.NoError(t, err)
	require.Equal(t, claimed.Ripe.String(), rewards.Ripe.String())
	f.block(0, func(ctx sdk.Context) error {
		res, err := f.msgs.Withdraw(ctx, &types.MsgWithdraw{Signer: bech(user(1))})
		require.Equal(t, rewards.Ripe.String(), res.Amount.AmountOf(types.Denom).String())
		return err
	})
	_, err = f.query.Rewards(f.ctx, &types.QueryRewardsRequest{Beneficiary: "x"})
	require.ErrorContains(t, err, "beneficiary")
}

func TestVaultQueryPages(t *testing.T) {
	f := newFixture(t, shortParams())
	me := prepaid(user(0), types.Denom)
	var want []types.Row
	f.block(0, deposit(f.k, user(0), me, 1_000), deposit(f.k, user(0), prepaid(user(0), usd), 5), deposit(f.k, user(1), prepaid(user(1), usd), 5))
	f.block(0, func(ctx sdk.Context) error {
		for i := range uint64(5) {
			stake := types.Row{Kind: types.RowKind_ROW_KIND_STAKE, Owner: bech(user(0)), Bucket: i * 100, Denom: types.Denom}
			want = append(want, stake)
			if err := f.k.Move(ctx, me, stake, math.NewInt(10)); err != nil {
				return err
			}
		}
		return nil
	})
	want = append([]types.Row{prepaid(user(0), usd), me}, want...)
	for _, limit := range []uint64{1, 2, 3, 7, 100} {
		var got []types.Row
		page := &query.PageRequest{Limit: limit}
		for range 10 {
			res, err := f.query.Vault(f.ctx, &types.QueryVaultRequest{Owner: bech(user(0)), Pagination: page})
			require.NoError(t, err)
			require.LessOrEqual(t, len(res.Rows), int(limit))
			for _, balance := range res.Rows {
				got = append(got, balance.Row)
			}
			if page.Key = res.Pagination.NextKey; page.Key == nil {
				break
			}
		}
		require.Equal(t, want, got, "limit %d", limit)
	}
	all, err := f.query.Vault(f.ctx, &types.QueryVaultRequest{})
	require.NoError(t, err)
	require.Len(t, all.Rows, len(want)+1+len(types.Pools()))

	for field, req := range map[string]*types.QueryVaultRequest{
		"owner":             {Owner: "x"},
		"pagination.limit":  {Owner: bech(user(0)), Pagination: &query.PageRequest{Limit: maxVaultPage + 1}},
		"pagination.key":    {Owner: bech(user(0)), Pagination: &query.PageRequest{Key: []byte{1}}},
		"by key and limit ": {Owner: bech(user(0)), Pagination: &query.PageRequest{Offset: 1}},
	} {
		_, err := f.query.Vault(f.ctx, req)
		require.ErrorContains(t, err, field)
	}
	_, err = f.query.Vault(f.ctx, &types.QueryVaultRequest{Pagination: &query.PageRequest{Limit: maxVaultPage + 1}})
	require.ErrorContains(t, err, "pagination.limit", "all rows are too many for one answer")
}

// A page key comes from whoever asks.
func FuzzVaultPageKey(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0, 0, 0, 1})
	key, err := collections.EncodeKeyWithPrefix(nil, rowKeyCodec, newRowKey(types.RowKind_ROW_KIND_STAKE, user(0), 7, usd))
	require.NoError(f, err)
	f.Add(key)
	f.Fuzz(func(t *testing.T, key []byte) {
		limit, _, err := vaultPage(&query.PageRequest{Key: key})
		require.True(t, err != nil || limit > 0)
	})
}
