// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/cosmos/cosmos-sdk/types/query"

	"github.com/athnet/ath/x/ath/types"
)

func (f *fixture) revenueQuery() *types.QueryRevenueResponse {
	res, err := f.query.Revenue(f.ctx, &types.QueryRevenueRequest{})
	require.NoError(f.t, err)
	return res
}

// An epoch is eight hours: three fill a day. 20% of what is paid is fee; it is known before it is distributed, two epochs later.
func TestRevenueQuery(t *testing.T) {
	params := shortParams()
	params.EpochDuration = 8 * time.Hour
	f := newFixture(t, params)
	require.Zero(t, f.revenueQuery().Month.Epochs, "nothing is complete")
	require.True(t, f.revenueQuery().Day.PaymentsPerYear.IsZero())

	row, foreign := prepaid(user(0), types.Denom), prepaid(user(0), usd)
	f.block(time.Second, deposit(f.k, user(0), row, 1_000_000), deposit(f.k, user(0), foreign, 1_000))
	for _, amount := range []int64{10_000, 200, 3_000, 5_000} { // epochs 1 to 4
		f.block(time.Second, pay(f.k, row, user(1), nil, amount), pay(f.k, foreign, user(1), nil, 100))
		f.nextEpoch()
	}
	want := &types.QueryRevenueResponse{
		Day: types.RevenueFigures{ // of epochs 2 to 4, of which 3 and 4 are not distributed
			Epochs: 3, Period: 24 * time.Hour, Payments: math.NewInt(8_200), Fees: math.NewInt(1_640),
			PaymentsPerYear: math.NewInt(8_200 * 365), FeesPerYear: math.NewInt(1_640 * 365),
		},
		Month: types.RevenueFigures{
			Epochs: 4, Period: 32 * time.Hour, Payments: math.NewInt(18_200), Fees: math.NewInt(3_640),
			PaymentsPerYear: math.NewInt(18_200 * 365 * 24 / 32), FeesPerYear: math.NewInt(3_640 * 365 * 24 / 32),
		},
	}
	require.Equal(t, want, f.revenueQuery())
	require.Equal(t, int64(2_040), export(t, f).Revenue[0].Fees.Int64()+export(t, f).Revenue[1].Fees.Int64(), "two are distributed")
	f.nextEpoch()
	f.nextEpoch() // all are distributed
	require.Equal(t, "3640", f.revenueQuery().Month.Fees.String())
	require.Equal(t, "1000", f.revenueQuery().Day.Fees.String(), "epoch 4")
	requireSameExport(t, f, f.reload(t))
	for range 30 {
		f.nextEpoch()
	}
	require.Equal(t, uint64(30), f.revenueQuery().Month.Epochs)
	require.True(t, f.revenueQuery().Month.Fees.IsZero())
}

func TestDayEpochs(t *testing.T) {
	for duration, want := range map[time.Duration]uint64{
		24 * time.Hour: 1, 7 * time.Hour: 4, 31 * 24 * time.Hour: 1, time.Second: types.MaxRevenueEpochs, 0: 1,
	} {
		require.Equal(t, want, types.Epoch{Duration: duration}.DayEpochs(), duration)
	}
}

// Fees of 2,040 uath and 21 of another denom: 30% to stakers, 20% each to the SLA fund and the treasury, and what is left is
// burnt, or goes to the treasury where it can't be.
func TestFeesQuery(t *testing.T) {
	f := newFixture(t, shortParams())
	row, foreign := prepaid(user(0), types.Denom), prepaid(user(0), usd)
	f.block(time.Second, deposit(f.k, user(0), row, 1_000_000), deposit(f.k, user(0), foreign, 1_000))
	f.block(time.Second, pay(f.k, row, user(1), nil, 10_000), pay(f.k, foreign, user(1), nil, 105))
	f.nextEpoch()
	f.block(time.Second, pay(f.k, row, user(1), nil, 200))
	f.nextEpoch()
	res, err := f.query.Fees(f.ctx, &types.QueryFeesRequest{})
	require.NoError(t, err)
	require.Empty(t, res.Totals, "within the horizon")
	f.nextEpoch()
	f.nextEpoch()
	res, err = f.query.Fees(f.ctx, &types.QueryFeesRequest{})
	require.NoError(t, err)
	require.Len(t, res.Totals, 2)
	require.Equal(t, `denom:"`+usd+`" stakers:"6" sla_fund:"4" treasury:"11" burnt:"0" `, res.Totals[0].String())
	require.Equal(t, `denom:"uath" stakers:"612" sla_fund:"408" treasury:"408" burnt:"612" `, res.Totals[1].String())
	requireSameExport(t, f, f.reload(t))

	page, err := f.query.Fees(f.ctx, &types.QueryFeesRequest{Pagination: &query.PageRequest{Limit: 1}})
	require.NoError(t, err)
	require.Len(t, page.Totals, 1)
	require.NotEmpty(t, page.Pagination.NextKey)
	_, err = f.query.Fees(f.ctx, &types.QueryFeesRequest{Pagination: &query.PageRequest{Limit: maxFeesPage + 1}})
	require.ErrorContains(t, err, "pagination.limit")

	// What the invariant and genesis notice.
	totals, err := f.k.fees.Get(f.ctx, types.Denom)
	require.NoError(t, err)
	totals.Burnt = totals.Burnt.AddRaw(1)
	require.NoError(t, f.k.fees.Set(f.ctx, types.Denom, totals))
	require.ErrorIs(t, f.k.CheckInvariants(f.ctx), types.ErrInvariant)
	for name, change := range map[string]func(fees []types.FeeTotals){
		"order":    func(fees []types.FeeTotals) { fees[0], fees[1] = fees[1], fees[0] },
		"denom":    func(fees []types.FeeTotals) { fees[0].Denom = "" },
		"negative": func(fees []types.FeeTotals) { fees[1].Treasury = math.NewInt(-1) },
		"burnt":    func(fees []types.FeeTotals) { fees[0].Burnt = math.OneInt() },
		"missing":  func(fees []types.FeeTotals) { fees[1].Stakers = math.Int{} },
	} {
		state := export(t, f)
		require.NoError(t, state.Validate())
		change(state.Fees)
		require.ErrorIs(t, state.Validate(), types.ErrInvalidGenesis, name)
	}
}

// Epochs of a minute are 525,600 a year. Of the DAO's 1,000,003 uath an epoch streams 684, a quarter of it to stakers; in
// one of two epochs a fee of 2,000 was paid, of which they get 30%.
func TestAprQuery(t *testing.T) {
	f := newDAO(t, 1_000_003)
	apr := func() *types.QueryAprResponse {
		res, err := f.query.Apr(f.ctx, &types.QueryAprRequest{})
		require.NoError(t, err)
		return res
	}
	require.Equal(t, types.NoApr(), apr().Apr, "nothing is bonded")
	require.True(t, apr().FeesPerYear.IsZero())
	require.Equal(t, int64(171*525_600), apr().DaoPerYear.Int64())

	f.open(time.Second)
	f.fund(user(0), coin(types.Denom, 10_000))
	f.fund(bonded, coin(types.Denom, 1_000_000_000))
	minted, err := f.k.minted.Get(f.ctx) // what the faucet mints
	require.NoError(t, err)
	require.NoError(t, f.k.minted.Set(f.ctx, minted.AddRaw(1_000_010_000)))
	row := prepaid(user(0), types.Denom)
	require.NoError(t, f.tx(0, deposit(f.k, user(0), row, 10_000)))
	f.close()
	require.Equal(t, int64(89_877), apr().Apr.Ppm.Int64(), "171 x 525,600 / 10^9 = 8.98%")
	f.block(time.Second, pay(f.k, row, user(1), nil, 10_000))
	f.nextEpoch()
	f.nextEpoch()
	require.Equal(t, int64(1_000*525_600*3/10), apr().FeesPerYear.Int64())
	require.Equal(t, types.Apr{Available: true, Ppm: math.NewInt(89_877 + 157_680)}, apr().Apr)
}

func (f *fixture) spend(source types.SpendSource, to string, amount sdk.Coin) error {
	return f.tx(1, func(ctx sdk.Context) error {
		_, err := f.msgs.Spend(ctx, &types.MsgSpend{Authority: f.k.authority, Source: source, Recipient: to, Amount: amount})
		return err
	})
}

// Governance spends what the grants pool and the treasury hold, and no more; the vault and the pool's totals add up.
func TestSpend(t *testing.T) {
	const grants, treasury = types.SpendSource_SPEND_SOURCE_GRANTS, types.SpendSource_SPEND_SOURCE_TREASURY
	f := newFixture(t, shortParams())
	row, foreign := prepaid(user(0), types.Denom), prepaid(user(0), usd)
	f.block(time.Second, deposit(f.k, user(0), row, 1_000_000), deposit(f.k, user(0), foreign, 1_000))
	f.block(time.Second, pay(f.k, row, user(1), nil, 10_000), pay(f.k, foreign, user(1), nil, 105))
	for range 3 {
		f.nextEpoch()
	}
	require.Equal(t, int64(400), f.row(types.TreasuryRow(types.Denom)))
	require.Equal(t, int64(11), f.row(types.TreasuryRow(usd)))
	pool, held := f.pool(types.Pool_POOL_GRANTS), f.row(types.PoolRow(types.Pool_POOL_GRANTS))
	require.Positive(t, held)
	to := sdk.AccAddress("the winner of a grant")

	f.open(time.Second)
	require.NoError(t, f.spend(grants, bech(to), coin(types.Denom, 1_000_000)))
	require.NoError(t, f.spend(treasury, bech(to), coin(types.Denom, 150)))
	require.NoError(t, f.spend(treasury, bech(to), coin(usd, 11)))
	require.Contains(t, lastEvent(f.ctx), "EventSpent")
	f.close()
	require.Equal(t, int64(1_000_150), f.balance(to, types.Denom))
	require.Equal(t, int64(11), f.balance(to, usd))
	require.Equal(t, held-1_000_000, f.row(types.PoolRow(types.Pool_POOL_GRANTS)))
	require.Equal(t, pool.Paid.AddRaw(1_000_000), f.pool(types.Pool_POOL_GRANTS).Paid)
	require.Equal(t, int64(250), f.row(types.TreasuryRow(types.Denom)))

	f.open(time.Second)
	for name, c := range map[string]struct {
		source types.SpendSource
		to     string
		amount sdk.Coin
		err    error
	}{
		"more than the pool":     {grants, bech(to), coin(types.Denom, held-999_999), types.ErrSpend},
		"more than the treasury": {treasury, bech(to), coin(types.Denom, 251), types.ErrSpend},
		"spent already":          {treasury, bech(to), coin(usd, 1), types.ErrSpend},
		"grants of usd":          {grants, bech(to), coin(usd, 1), types.ErrSpend},
		"no source":              {0, bech(to), coin(types.Denom, 1), types.ErrSpend},
		"other source":           {3, bech(to), coin(types.Denom, 1), types.ErrSpend},
		"nothing":                {treasury, bech(to), coin(types.Denom, 0), types.ErrInvalidAmount},
		"less than nothing":      {treasury, bech(to), sdk.Coin{Denom: types.Denom, Amount: math.NewInt(-1)}, types.ErrInvalidAmount},
		"no amount":              {treasury, bech(to), sdk.Coin{Denom: types.Denom}, types.ErrInvalidAmount},
		"no coin":                {treasury, bech(to), sdk.Coin{}, types.ErrSpend},
		"nobody":                 {treasury, "", coin(types.Denom, 1), types.ErrInvalidAddress},
		"the vault":              {treasury, bech(f.k.account), coin(types.Denom, 1), types.ErrInvalidAddress},
	} {
		require.ErrorIs(t, f.spend(c.source, c.to, c.amount), c.err, name)
	}
	require.ErrorContains(t, f.spend(treasury, bech(feeCollector), coin(types.Denom, 1)), "not allowed", "a module account")
	_, err := f.msgs.Spend(f.ctx, &types.MsgSpend{Authority: bech(user(0)), Source: treasury, Recipient: bech(to), Amount: coin(types.Denom, 1)})
	require.ErrorContains(t, err, "invalid authority")
	require.NoError(t, f.spend(treasury, bech(to), coin(types.Denom, 250)), "all of it")
	f.close()
	require.Zero(t, f.row(types.TreasuryRow(types.Denom)))
	requireSameExport(t, f, f.reload(t))
}

func lastEvent(ctx sdk.Context) string {
	events := ctx.EventManager().Events()
	return events[len(events)-1].Type
}
