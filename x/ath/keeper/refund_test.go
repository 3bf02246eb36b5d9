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

func refund(k *Keeper, provider, indexer sdk.AccAddress, to types.Row, amount, want int64) func(sdk.Context) error {
	return func(ctx sdk.Context) error {
		got, err := k.Refund(ctx, provider, indexer, to, math.NewInt(amount))
		if err == nil && got.Int64() != want {
			err = types.ErrInvariant.Wrapf("refunded %s, want %d", got, want)
		}
		return err
	}
}

// TestRefundUndoesAPayment: a payment that is given back leaves nothing behind, neither coins nor weight nor revenue; the fixture
// checks conservation after every block.
func TestRefundUndoesAPayment(t *testing.T) {
	f := newFixture(t, shortParams())
	tenant, provider, indexer := user(0), user(1), user(2)
	row := prepaid(tenant, types.Denom)
	f.block(time.Second, deposit(f.k, tenant, row, 10_000))
	f.block(time.Second, pay(f.k, row, provider, indexer, 1_001))
	f.block(time.Second, refund(f.k, provider, indexer, row, 1_001, 1_001))
	require.Equal(t, int64(10_000), f.row(row))
	require.Zero(t, f.row(types.FeesPendingRow(1, types.Denom)))
	ripe := types.RipeBucket(f.now, f.params.FeeVesting)
	require.Zero(t, f.row(types.VestingRow(bech(provider), types.Ledger_LEDGER_FEES, ripe, types.Denom)))
	require.Zero(t, f.weight(types.Pool_POOL_DELIVERY, provider, 1))
	require.Zero(t, f.weight(types.Pool_POOL_INDEXER, indexer, 1))
	revenue, err := f.k.revenueOf(f.ctx, 1)
	require.NoError(t, err)
	require.True(t, revenue.Amount.IsZero())
}

// TestRefundLeavesWhatOthersPaid: no more comes back than this provider was paid and has not vested, however much is asked, and twice in
// a block as little as once.
func TestRefundLeavesWhatOthersPaid(t *testing.T) {
	f := newFixture(t, shortParams())
	tenant, provider, other := user(0), user(1), user(2)
	row := prepaid(tenant, types.Denom)
	f.block(time.Second, deposit(f.k, tenant, row, 10_000))
	f.block(time.Second, pay(f.k, row, provider, nil, 1_000), pay(f.k, row, other, nil, 3_000))
	f.block(time.Second, refund(f.k, provider, nil, row, 400, 400), refund(f.k, provider, nil, row, 5_000, 600), refund(f.k, provider, nil, row, 5_000, 0))
	require.Equal(t, int64(7_000), f.row(row))
	require.Equal(t, int64(600), f.row(types.FeesPendingRow(1, types.Denom)))
	require.Equal(t, int64(600), f.weight(types.Pool_POOL_DELIVERY, other, 1))
	require.Zero(t, f.weight(types.Pool_POOL_DELIVERY, provider, 1))
}

// TestRefundTakesNoWeightThatIsNotThere: of an Indexer that led to a small part of what its provider earned, no weight falls below nothing.
func TestRefundTakesNoWeightThatIsNotThere(t *testing.T) {
	f := newFixture(t, shortParams())
	tenant, provider, indexer := user(0), user(1), user(2)
	row := prepaid(tenant, types.Denom)
	f.block(time.Second, deposit(f.k, tenant, row, 10_000))
	f.block(time.Second, pay(f.k, row, provider, indexer, 100), pay(f.k, row, provider, nil, 1_000))
	f.block(time.Second, refund(f.k, provider, indexer, row, 900, 900))
	require.Zero(t, f.weight(types.Pool_POOL_INDEXER, indexer, 1))
	require.Equal(t, int64(40), f.weight(types.Pool_POOL_DELIVERY, provider, 1))
	for range 5 {
		f.block(time.Minute)
	}
}

// TestRefundAfterTheVerdictHorizon: a service fee that was distributed is not taken from later ones, and what has vested is the
// provider's.
func TestRefundAfterTheVerdictHorizon(t *testing.T) {
	f := newFixture(t, shortParams())
	tenant, provider := user(0), user(1)
	row := prepaid(tenant, types.Denom)
	f.block(time.Second, deposit(f.k, tenant, row, 10_000))
	f.block(time.Second, pay(f.k, row, provider, nil, 1_000))
	for range 5 {
		f.block(time.Minute)
	}
	f.block(time.Second, refund(f.k, provider, nil, row, 500, 400))
	require.Equal(t, int64(9_400), f.row(row))
	f.block(2 * f.params.FeeVesting)
	f.block(time.Second, refund(f.k, provider, nil, row, 500, 0))
	require.Equal(t, int64(9_400), f.row(row))
}

// TestRefundTakesTheLatestFirst, so that the provider misses what it would have had last.
func TestRefundTakesTheLatestFirst(t *testing.T) {
	f := newFixture(t, shortParams())
	tenant, provider := user(0), user(1)
	row := prepaid(tenant, types.Denom)
	f.block(time.Second, deposit(f.k, tenant, row, 10_000))
	f.block(time.Second, pay(f.k, row, provider, nil, 1_000))
	first := types.RipeBucket(f.now, f.params.FeeVesting)
	f.block(2*time.Minute, pay(f.k, row, provider, nil, 1_000))
	second := types.RipeBucket(f.now, f.params.FeeVesting)
	require.NotEqual(t, first, second)
	f.block(time.Second, refund(f.k, provider, nil, row, 1_250, 1_250))
	vesting := func(ripe uint64) int64 {
		return f.row(types.VestingRow(bech(provider), types.Ledger_LEDGER_FEES, ripe, types.Denom))
	}
	require.Equal(t, []int64{600, 0}, []int64{vesting(first), vesting(second)})
}

func TestRefundRefuses(t *testing.T) {
	f := newFixture(t, shortParams())
	row := prepaid(user(0), types.Denom)
	f.open(time.Second)
	for _, c := range []struct {
		to       types.Row
		provider sdk.AccAddress
		amount   int64
		want     error
	}{
		{types.Row{Kind: types.RowKind_ROW_KIND_SLA_FUND, Denom: types.Denom}, user(1), 1, types.ErrInvalidRow},
		{row, nil, 1, types.ErrInvalidAddress},
		{row, user(1), -1, types.ErrInvalidAmount},
	} {
		require.ErrorIs(t, f.tx(0, refund(f.k, c.provider, nil, c.to, c.amount, 0)), c.want)
	}
	f.close()
}

// TestRefundFindsWhatTheBlockHasPaid: after Fold, and then once: EndBlock adds it up no second time.
func TestRefundFindsWhatTheBlockHasPaid(t *testing.T) {
	f := newFixture(t, shortParams())
	tenant, provider, indexer := user(0), user(1), user(2)
	row := prepaid(tenant, types.Denom)
	f.block(time.Second, deposit(f.k, tenant, row, 10_000))
	f.block(time.Second,
		pay(f.k, row, provider, indexer, 1_000), refund(f.k, provider, indexer, row, 500, 0), f.k.Fold, refund(f.k, provider, indexer, row, 600, 600), f.k.Fold)
	require.Equal(t, int64(10_000-400), f.row(row))
	require.Equal(t, int64(80), f.weight(types.Pool_POOL_DELIVERY, provider, 1))
	require.Equal(t, int64(80), f.weight(types.Pool_POOL_INDEXER, indexer, 1))
}

// TestRefundFindsOtherDenomsOnTheirWayOut: fees in another denom that leave early answer for a refund as well, since no ticket holds them; those
// in uath are for the ticket.
func TestRefundFindsOtherDenomsOnTheirWayOut(t *testing.T) {
	for denom, want := range map[string]int64{usd: 900, types.Denom: 200} {
		t.Run(denom, func(t *testing.T) {
			f := newFixture(t, shortParams())
			tenant, provider := user(0), user(1)
			row := prepaid(tenant, denom)
			f.block(time.Second, deposit(f.k, tenant, row, 10_000))
			f.block(time.Second, pay(f.k, row, provider, nil, 1_000))
			option := f.params.FeeExits[0]
			f.block(time.Second, func(ctx sdk.Context) error {
				_, _, err := f.k.Exit(ctx, provider, types.Ledger_LEDGER_FEES, option, denom, math.ZeroInt())
				return err
			})
			out := types.Row{
				Kind: types.RowKind_ROW_KIND_EXITING, Owner: bech(provider), Bucket: types.NewExit(option, f.now).Ripe, Denom: denom,
			}
			left := f.row(out)
			require.Positive(t, left)
			want := min(want, 200+left)
			f.block(time.Second, refund(f.k, provider, nil, row, 1_000, want))
			require.Equal(t, 9_000+want, f.row(row))
			require.Equal(t, left-(want-200), f.row(out))
		})
	}
}
