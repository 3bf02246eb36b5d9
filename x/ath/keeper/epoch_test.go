// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"

	"github.com/athnet/ath/x/ath/types"
)

var feeCollector = authtypes.NewModuleAddress(authtypes.FeeCollectorName)

func TestGenesisOpensEpochOne(t *testing.T) {
	f := newFixture(t, shortParams())
	state := export(t, f)
	require.Equal(t, types.Epoch{Number: 1, Start: f.now, Duration: time.Minute}, state.Epoch)
	emission := types.Emission(1).Total().Int64()
	require.Equal(t, 10*testFund+emission, state.Minted.Int64())
	require.Equal(t, emission, f.balance(f.k.account, types.Denom))
	for i, part := range f.params.Divide(types.Emission(1)) {
		require.Equal(t, part.Amount.Int64(), f.row(types.PoolRow(part.Pool)), part.Pool)
		require.Equal(t, part.Amount.String(), state.Pools[i].Emitted.String())
	}
}

func TestEpochsAdvanceOnePerBlockAndCatchUp(t *testing.T) {
	f := newFixture(t, shortParams())
	start := f.now
	f.block(time.Minute - 1)
	epoch, err := f.k.Epoch(f.ctx)
	require.NoError(t, err)
	require.Equal(t, uint64(1), epoch.Number, "not yet")
	f.block(3*time.Minute + 30*time.Second) // the chain stood still for three epochs
	for number := uint64(2); number <= 4; number++ {
		epoch, err = f.k.Epoch(f.ctx)
		require.NoError(t, err)
		require.Equal(t, number, epoch.Number)
		require.Equal(t, start.Add(time.Duration(number-1)*time.Minute), epoch.Start, "no drift")
		f.block(time.Nanosecond)
	}
	f.block((types.MaxEpochLag + 5) * time.Minute)
	epoch, err = f.k.Epoch(f.ctx)
	require.NoError(t, err)
	require.Equal(t, f.now, epoch.Start, "too far behind to catch up")
	require.Equal(t, types.CumulativeEmission(epoch.Number).Total().Int64()+10*testFund, export(t, f).Minted.Int64())
}

func TestChangedDurationCountsFromTheNextEpoch(t *testing.T) {
	f := newFixture(t, shortParams())
	params := f.params
	params.EpochDuration = time.Hour
	f.block(time.Second, func(ctx sdk.Context) error {
		_, err := f.msgs.UpdateParams(ctx, &types.MsgUpdateParams{Authority: f.k.authority, Params: params})
		return err
	})
	f.block(time.Minute)
	epoch, err := f.k.Epoch(f.ctx)
	require.NoError(t, err)
	require.Equal(t, uint64(2), epoch.Number)
	require.Equal(t, time.Hour, epoch.Duration)
}

func TestFeesAreDistributedAfterTheVerdictHorizon(t *testing.T) {
	f := newFixture(t, shortParams())
	row := prepaid(user(0), types.Denom)
	f.block(time.Second, deposit(f.k, user(0), row, 100_000))
	f.block(time.Second, pay(f.k, row, user(1), nil, 5_005)) // a fee of 1,001
	supply := f.bank.GetSupply(f.ctx, types.Denom).Amount.Int64()
	f.nextEpoch()
	f.nextEpoch()
	require.Equal(t, int64(1_001), f.row(types.FeesPendingRow(1, types.Denom)), "two epochs later a verdict may still come")
	f.nextEpoch()
	require.Zero(t, f.row(types.FeesPendingRow(1, types.Denom)))
	require.Equal(t, int64(300), f.balance(feeCollector, types.Denom))
	require.Equal(t, int64(200), f.row(types.Row{Kind: types.RowKind_ROW_KIND_SLA_FUND, Denom: types.Denom}))
	require.Equal(t, int64(200), f.row(types.Row{Kind: types.RowKind_ROW_KIND_TREASURY, Denom: types.Denom}))
	state := export(t, f)
	require.Equal(t, int64(301), state.Burnt.Int64(), "the remainder is burnt")
	emitted := types.CumulativeEmission(4).Total().Sub(types.CumulativeEmission(1).Total()).Int64()
	require.Equal(t, supply+emitted-301, f.bank.GetSupply(f.ctx, types.Denom).Amount.Int64())
	require.Equal(t, uint64(1), state.ClosedEpoch)
}

func TestShorterHorizonClosesAllEpochsBehindIt(t *testing.T) {
	params := shortParams()
	params.VerdictHorizonEpochs = 5
	f := newFixture(t, params)
	for range 5 {
		f.nextEpoch()
	}
	require.Zero(t, export(t, f).ClosedEpoch)
	params.VerdictHorizonEpochs = 1
	f.block(time.Second, func(ctx sdk.Context) error { return f.k.params.Set(ctx, params) })
	f.nextEpoch()
	require.Equal(t, uint64(5), export(t, f).ClosedEpoch)
}

func TestSharesPayProRataUpToKappaAndRollOver(t *testing.T) {
	f := newFixture(t, shortParams())
	row := prepaid(user(0), types.Denom)
	budget := f.params.Divide(types.Emission(1))[3].Amount.Int64() // delivery
	f.block(time.Second, deposit(f.k, user(0), row, 100_000_000))
	f.block(time.Second,
		pay(f.k, row, user(1), user(3), 1_000_000), // fee 200,000
		pay(f.k, row, user(2), user(3), 3_000_000), // fee 600,000
		pay(f.k, row, user(1), nil, 1_000_000),     // fee 200,000
	)
	for range 3 {
		f.nextEpoch()
	}
	share, err := f.k.shares.Get(f.ctx, joinShare(types.Pool_POOL_DELIVERY, 1))
	require.NoError(t, err)
	require.True(t, share.Closed)
	require.Equal(t, int64(400_000), share.Amount.Int64(), "kappa x 1,000,000 and not the budget of %d", budget)
	require.Equal(t, int64(400_000), f.row(types.EarnedRow(types.Pool_POOL_DELIVERY)))

	var claimed types.MsgClaimResponse
	f.block(time.Second, claim(f, user(1), &claimed), claim(f, user(2), nil), claim(f, user(3), nil))
	require.Equal(t, int64(160_000), claimed.Claimed.Int64())
	require.Equal(t, int64(48_000), claimed.Ripe.Int64(), "30% at once")
	require.Zero(t, f.row(types.EarnedRow(types.Pool_POOL_DELIVERY)))
	require.Equal(t, int64(400_000), export(t, f).Pools[3].Paid.Int64())
	require.Equal(t, int64(80_000), export(t, f).Pools[4].Paid.Int64(), "the Indexer earned 0.1 x 800,000")

	// What was not paid comes back: the next epoch's budget has a ninetieth of what the closed one left.
	f.nextEpoch()
	share, err = f.k.shares.Get(f.ctx, joinShare(types.Pool_POOL_DELIVERY, 5))
	require.NoError(t, err)
	left := f.row(types.PoolRow(types.Pool_POOL_DELIVERY)) - 3*budget // less the budgets of open epochs
	require.InDelta(t, float64(budget+left/types.RolloverEpochs), float64(share.Budget.Int64()), float64(budget)/50)
	require.Greater(t, share.Budget.Int64(), budget)
}

func TestCheckersShareTheWholeBudget(t *testing.T) {
	f := newFixture(t, shortParams())
	add := func(who int, weight int64) func(sdk.Context) error {
		return func(ctx sdk.Context) error {
			return f.k.AddWeight(ctx, types.Pool_POOL_CHECKER_BASE, user(who), math.NewInt(weight))
		}
	}
	f.block(time.Second, add(1, 3), add(2, 1), add(1, 0))
	for range 3 {
		f.nextEpoch()
	}
	var one, two types.MsgClaimResponse
	f.block(time.Second, claim(f, user(1), &one), claim(f, user(2), &two))
	budget := f.params.Divide(types.Emission(1))[0].Amount.Int64()
	require.Equal(t, budget*3/4, one.Claimed.Int64())
	require.Equal(t, budget/4, two.Claimed.Int64())
	require.True(t, one.Ripe.IsZero())
}

// However many epochs a beneficiary worked in without claiming, it has only positions in epochs that are still open, and
// a claim costs the same.
func TestClaimCostsTheSameAfterManyEpochs(t *testing.T) {
	params := shortParams()
	params.VerdictHorizonEpochs = 1
	f := newFixture(t, params)
	gas := make(map[int]uint64)
	done := 0
	for _, epochs := range []int{1, 100} {
		for ; done < epochs; done++ {
			f.block(time.Second, func(ctx sdk.Context) error {
				return f.k.AddWeight(ctx, types.Pool_POOL_CHECKER_BASE, user(1), math.NewInt(7))
			})
			f.nextEpoch()
		}
		f.nextEpoch()
		f.nextEpoch()
		require.LessOrEqual(t, len(export(t, f).SharePositions), 3)
		f.open(time.Second)
		require.NoError(t, f.tx(0, func(ctx sdk.Context) error {
			before := ctx.GasMeter().GasConsumed()
			_, err := f.k.Claim(ctx, user(1), []types.Ledger{types.Ledger_LEDGER_CHECKER}, nil, nil)
			gas[epochs] = ctx.GasMeter().GasConsumed() - before
			return err
		}))
		f.close()
	}
	require.LessOrEqual(t, float64(gas[100]), 1.2*float64(gas[1]))
}

func TestMintRefusesMoreThanTheCap(t *testing.T) {
	f := newStores(t)
	f.open(0)
	require.NoError(t, f.k.minted.Set(f.ctx, math.NewInt(types.Cap-10)))
	require.ErrorIs(t, f.k.mint(f.ctx, math.NewInt(11)), types.ErrCapExceeded)
	require.NoError(t, f.k.mint(f.ctx, math.NewInt(10)))
	f.fund(user(0), coin(types.Denom, types.Cap/2))
	require.ErrorIs(t, f.k.InitGenesis(f.ctx, types.DefaultGenesis()), types.ErrCapExceeded, "no room for the emission")
}

func TestBeaconChangesEveryBlockAndDependsOnTheBlock(t *testing.T) {
	f, g := newFixture(t, shortParams()), newFixture(t, shortParams())
	seen := make(map[string]bool)
	for range 5 {
		f.block(time.Second)
		g.block(time.Second)
		value, err := f.k.Beacon(f.ctx)
		require.NoError(t, err)
		require.Len(t, value, types.BeaconSize)
		require.False(t, seen[string(value)])
		seen[string(value)] = true
		same, err := g.k.Beacon(g.ctx)
		require.NoError(t, err)
		require.Equal(t, value, same)
	}
	other := f.ctx.WithHeaderInfo(g.ctx.HeaderInfo())
	info := other.HeaderInfo()
	info.Hash = []byte("another block")
	require.NoError(t, f.k.stepBeacon(f.ctx, nil))
	require.NoError(t, g.k.stepBeacon(g.ctx.WithHeaderInfo(info), nil))
	a, err := f.k.Beacon(f.ctx)
	require.NoError(t, err)
	b, err := g.k.Beacon(g.ctx)
	require.NoError(t, err)
	require.NotEqual(t, a, b)
}

func joinShare(pool types.Pool, epoch uint64) shareKey { return collections.Join(uint32(pool), epoch) }

func claim(f *fixture, who sdk.AccAddress, into *types.MsgClaimResponse, containers ...uint64) func(sdk.Context) error {
	return func(ctx sdk.Context) error {
		res, err := f.msgs.Claim(ctx, &types.MsgClaim{Signer: bech(who), Containers: containers})
		if into != nil && res != nil {
			*into = *res
		}
		return err
	}
}
