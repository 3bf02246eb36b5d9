// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"slices"
	"testing"
	"time"

	dbm "github.com/cosmos/cosmos-db"
	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	storetypes "github.com/cosmos/cosmos-sdk/store/v2/types"
	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/ath/types"
)

// BenchmarkFigureClaim10kEpochs compares the gas of two claims: of an account that earned in every pool for 10,000 epochs and
// never claimed, and of one that earned the same, after one epoch since its last claim. That one is taken from the chain's
// first days: after 3,652 epochs there is no emission left to claim. Gas is what stores charge, so it is exact.
func BenchmarkFigureClaim10kEpochs(b *testing.B) {
	const epochs, early = 10_000, 20
	late, regular := user(1), user(2)
	var lateGas, regularGas uint64
	for b.Loop() {
		params := shortParams()
		params.VerdictHorizonEpochs = types.DefaultParams().VerdictHorizonEpochs
		f := newFixture(b, params)
		f.unchecked = true
		row := prepaid(user(0), types.Denom)
		f.block(time.Second, deposit(f.k, user(0), row, 10_000_000_000), f.position(1, late, 1_000), f.position(2, regular, 1_000), f.markRound(1))
		for i := range epochs {
			switch i {
			case early - 1:
				f.block(time.Second, claim(f, regular, nil, 2))
			case early:
				regularGas = f.claimGas(regular, 2)
			}
			round := uint64(i + 2)
			f.block(time.Second, f.earnEverything(row, late), f.earnEverything(row, regular), f.markRound(round), f.confirm(0, round))
			f.nextEpoch()
		}
		lateGas = f.claimGas(late, 1)
	}
	b.ReportMetric(float64(lateGas)/float64(regularGas), "claim_gas_10k_epochs_ratio")
}

// earnEverything gives an account weight in all pools that are paid by weight.
func (f *fixture) earnEverything(from types.Row, who sdk.AccAddress) func(sdk.Context) error {
	return func(ctx sdk.Context) error {
		if err := pay(f.k, from, who, who, 50_000)(ctx); err != nil {
			return err
		}
		return f.k.AddWeight(ctx, types.Pool_POOL_CHECKER_BASE, who, math.OneInt())
	}
}

func (f *fixture) claimGas(who sdk.AccAddress, container uint64) (gas uint64) {
	var res types.MsgClaimResponse
	f.block(time.Second, func(ctx sdk.Context) error {
		ctx = ctx.WithGasMeter(storetypes.NewInfiniteGasMeter()).WithKVGasConfig(storetypes.KVGasConfig())
		err := claim(f, who, &res, container)(ctx)
		gas = ctx.GasMeter().GasConsumed()
		return err
	})
	require.True(f.t, res.Claimed.IsPositive())
	return gas
}

// BenchmarkFigureEpochEnd compares blocks that end an epoch, from their begin to the commit on disk, on a chain with a
// million Containers in the capacity stream and on one with a hundred; both have 50,000 tenants besides. Blocks of both
// alternate, so that what else the machine does falls on both; the medians are compared.
func BenchmarkFigureEpochEnd(b *testing.B) {
	const epochs = 41
	var few, many []time.Duration
	for b.Loop() {
		small, large := streamOf(b, 100), streamOf(b, 1_000_000)
		few, many = nil, nil
		for i := range epochs + 5 {
			s, l := small.timeEpochEnd(), large.timeEpochEnd()
			if i >= 5 { // the first warm the caches
				few, many = append(few, s), append(many, l)
			}
		}
	}
	b.ReportMetric(float64(median(many))/float64(median(few)), "epoch_end_1m_containers_ratio")
	b.ReportMetric(float64(median(many).Microseconds())/1_000, "epoch_end_1m_containers_ms")
}

// streamOf is a chain on disk on which Containers earn.
func streamOf(b *testing.B, containers uint64) *fixture {
	b.Helper()
	db, err := dbm.NewGoLevelDB("application", b.TempDir(), nil)
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, db.Close()) })
	f := newStoresOn(b, db).begin(shortParams())
	f.unchecked = true
	for i := range 50_000 {
		if i%10_000 == 0 {
			f.open(time.Millisecond)
		}
		require.NoError(b, deposit(f.k, user(0), prepaid(user(i), types.Denom), 1_000_000)(f.ctx))
		if i%10_000 == 9_999 {
			f.close()
		}
	}
	for first := uint64(0); first < containers; first += 20_000 {
		f.open(time.Millisecond)
		for id := first; id < min(first+20_000, containers); id++ {
			require.NoError(b, f.position(id, user(int(id%1_000)), 1_000)(f.ctx))
		}
		f.close()
	}
	// What a database does in the background after a million writes would fall on one of the two chains only.
	require.NoError(b, db.ForceCompact(nil, nil))
	return f
}

// timeEpochEnd runs the block that ends an epoch; fees and weights of every kind were earned in it.
func (f *fixture) timeEpochEnd() time.Duration {
	row := prepaid(user(0), types.Denom)
	f.block(time.Second,
		deposit(f.k, user(0), row, 10_000), pay(f.k, row, user(1), user(2), 10_000),
		func(ctx sdk.Context) error {
			return f.k.AddWeight(ctx, types.Pool_POOL_CHECKER_BASE, user(3), math.OneInt())
		},
	)
	epoch, err := f.k.Epoch(f.ctx)
	require.NoError(f.t, err)
	begin := time.Now()
	f.block(epoch.End().Sub(f.now))
	return time.Since(begin)
}

func median(times []time.Duration) time.Duration {
	return slices.Sorted(slices.Values(times))[len(times)/2]
}
