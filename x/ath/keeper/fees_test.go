// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/ath/types"
)

func (f *fixture) providerFee(provider sdk.AccAddress, epoch uint64) int64 {
	fee, err := f.k.providerFee(f.ctx, collections.Join3([]byte(provider), usd, epoch))
	require.NoError(f.t, err)
	return fee.Int64()
}

// TestRefundOfAStableDenom: a payment in another denom than uath comes back as one in uath does, out of its own rows; what others paid in it
// stays, and nobody's weight or revenue moves.
func TestRefundOfAStableDenom(t *testing.T) {
	f := newFixture(t, shortParams())
	tenant, provider, other, indexer := user(0), user(1), user(2), user(3)
	row, uath := prepaid(tenant, usd), prepaid(tenant, types.Denom)
	f.block(time.Second, deposit(f.k, tenant, row, 10_000), deposit(f.k, tenant, uath, 10_000))
	f.block(time.Second, pay(f.k, row, provider, indexer, 1_000), pay(f.k, row, other, nil, 3_000), pay(f.k, uath, provider, indexer, 2_000))
	require.Equal(t, []int64{200, 600}, []int64{f.providerFee(provider, 1), f.providerFee(other, 1)})
	require.Equal(t, int64(400), f.weight(types.Pool_POOL_DELIVERY, provider, 1), "weight is for uath alone")
	require.Equal(t, int64(400), f.weight(types.Pool_POOL_INDEXER, indexer, 1))

	f.block(time.Second, refund(f.k, provider, indexer, row, 400, 400), refund(f.k, provider, indexer, row, 5_000, 600), refund(f.k, provider, indexer, row, 5_000, 0))
	require.Equal(t, int64(7_000), f.row(row))
	require.Equal(t, int64(600), f.row(types.FeesPendingRow(1, usd)))
	require.Equal(t, []int64{0, 600}, []int64{f.providerFee(provider, 1), f.providerFee(other, 1)})
	require.Equal(t, int64(8_000), f.row(uath))
	require.Equal(t, int64(400), f.weight(types.Pool_POOL_DELIVERY, provider, 1))
	require.Equal(t, int64(400), f.weight(types.Pool_POOL_INDEXER, indexer, 1))
	revenue, err := f.k.revenueOf(f.ctx, 1)
	require.NoError(t, err)
	require.Equal(t, int64(2_000), revenue.Amount.Int64())
}

// TestStableFeesAreForgotten: what was distributed is refunded no more, and its entry goes with the provider's next payment.
func TestStableFeesAreForgotten(t *testing.T) {
	f := newFixture(t, shortParams())
	tenant, provider := user(0), user(1)
	row := prepaid(tenant, usd)
	f.block(time.Second, deposit(f.k, tenant, row, 10_000))
	f.block(time.Second, pay(f.k, row, provider, nil, 1_000))
	for range 5 {
		f.block(time.Minute)
	}
	require.Zero(t, f.row(types.FeesPendingRow(1, usd)))
	require.Equal(t, int64(200), f.providerFee(provider, 1))
	f.block(time.Second, refund(f.k, provider, nil, row, 500, 400))
	f.block(time.Second, pay(f.k, row, provider, nil, 500))
	require.Zero(t, f.providerFee(provider, 1))
	epoch, err := f.k.Epoch(f.ctx)
	require.NoError(t, err)
	require.Equal(t, int64(100), f.providerFee(provider, epoch.Number))
}

// TestStableFeesAreDivided as those in uath are, but that nothing of them is burnt: that part is the treasury's.
func TestStableFeesAreDivided(t *testing.T) {
	f := newFixture(t, shortParams())
	tenant, provider := user(0), user(1)
	row := prepaid(tenant, usd)
	supply := f.bank.GetSupply(f.ctx, usd).Amount
	f.block(time.Second, deposit(f.k, tenant, row, 1_000_000))
	f.block(time.Second, pay(f.k, row, provider, nil, 1_000_000))
	for range 5 {
		f.block(time.Minute)
	}
	fee := f.params.ServiceFeeRoundedDown(math.NewInt(1_000_000))
	parts := f.params.FeeSplit.Divide(fee, usd)
	require.True(t, parts.Burn.IsZero())
	require.True(t, parts.Treasury.GT(types.PartRoundedDown(fee, f.params.FeeSplit.TreasuryPpm)))
	require.Equal(t, parts.SLAFund.Int64(), f.row(types.Row{Kind: types.RowKind_ROW_KIND_SLA_FUND, Denom: usd}))
	require.Equal(t, parts.Treasury.Int64(), f.row(types.TreasuryRow(usd)))
	require.Equal(t, supply, f.bank.GetSupply(f.ctx, usd).Amount)
	f.block(2 * f.params.FeeVesting)
	before := f.bank.GetBalance(f.ctx, provider, usd).Amount
	f.block(time.Second, func(ctx sdk.Context) error {
		_, _, err := f.k.WithdrawIncome(ctx, provider)
		return err
	})
	require.Equal(t, int64(1_000_000)-fee.Int64(), f.bank.GetBalance(f.ctx, provider, usd).Amount.Sub(before).Int64())
}

// TestDustOfOtherDenomsHidesNothing from a hold or an exit.
func TestDustOfOtherDenomsHidesNothing(t *testing.T) {
	f := newFixture(t, shortParams())
	provider := user(1)
	f.open(time.Second)
	now := uint64(f.now.Unix())
	for i := range uint64(types.MaxHoldReads + 100) {
		key := newRowKey(types.RowKind_ROW_KIND_VESTING_FEES, provider, now+10_000+i, usd)
		require.NoError(t, f.k.rows.Set(f.ctx, key, math.OneInt()))
	}
	uath := newRowKey(types.RowKind_ROW_KIND_VESTING_FEES, provider, now+1_000, types.Denom)
	require.NoError(t, f.k.rows.Set(f.ctx, uath, math.NewInt(500)))
	rows, more, err := f.k.exitRows(f.ctx, provider, types.Ledger_LEDGER_FEES, f.params.FeeExits[0], types.Denom)
	require.NoError(t, err)
	require.False(t, more)
	require.Len(t, rows, 1)
	taken, err := f.k.Hold(f.ctx, provider, 1, math.NewInt(300), nil)
	require.NoError(t, err)
	require.Equal(t, int64(300), types.SumRows(taken).Int64())
}

// TestProviderFeesInvariantSeesDamage: A21 fails on a state that breaks it.
func TestProviderFeesInvariantSeesDamage(t *testing.T) {
	for name, damage := range map[string]func(*fixture) error{
		"more": func(f *fixture) error {
			return f.k.providerFees.Set(f.ctx, collections.Join3([]byte(user(1)), usd, uint64(1)), math.NewInt(201))
		},
		"nobody's": func(f *fixture) error {
			return f.k.providerFees.Remove(f.ctx, collections.Join3([]byte(user(1)), usd, uint64(1)))
		},
		"in no row": func(f *fixture) error {
			return f.k.providerFees.Set(f.ctx, collections.Join3([]byte(user(1)), "ibc/other", uint64(1)), math.NewInt(1))
		},
		"of uath": func(f *fixture) error {
			return f.k.providerFees.Set(f.ctx, collections.Join3([]byte(user(1)), types.Denom, uint64(1)), math.NewInt(1))
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, shortParams())
			row := prepaid(user(0), usd)
			f.block(time.Second, deposit(f.k, user(0), row, 10_000))
			f.block(time.Second, pay(f.k, row, user(1), nil, 1_000))
			require.NoError(t, damage(f))
			require.ErrorIs(t, f.k.checkProviderFees(f.ctx), types.ErrInvariant)
		})
	}
}

// TestGenesisRefusesBadProviderFees: out of order, or of a kind that can't be.
func TestGenesisRefusesBadProviderFees(t *testing.T) {
	good := types.ProviderFee{Provider: bech(user(1)), Denom: usd, Epoch: 1, Amount: math.OneInt()}
	for name, change := range map[string]func(*types.ProviderFee){
		"denom":  func(f *types.ProviderFee) { f.Denom = types.Denom },
		"epoch":  func(f *types.ProviderFee) { f.Epoch = 9 },
		"amount": func(f *types.ProviderFee) { f.Amount = math.ZeroInt() },
	} {
		t.Run(name, func(t *testing.T) {
			state := types.DefaultGenesis()
			state.Epoch.Number = 1
			bad := good
			change(&bad)
			state.ProviderFees = []types.ProviderFee{bad}
			require.ErrorIs(t, state.Validate(), types.ErrInvalidGenesis)
		})
	}
	f := newFixture(t, shortParams())
	require.ErrorIs(t, f.k.importFees(f.ctx, &types.GenesisState{ProviderFees: []types.ProviderFee{good, good}}), types.ErrInvalidGenesis)
}
