// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/ath/types"
)

func figures(class string, containers, bound, weight int64) types.ClassFigures {
	f := types.NewClassFigures(class)
	f.Containers, f.Units, f.Bound, f.BoundUnits, f.Weight = containers, 2*containers, bound, 2*bound, math.NewInt(weight)
	return f
}

func (f *fixture) count(change types.ClassFigures) func(sdk.Context) error {
	return func(ctx sdk.Context) error { return f.k.CountClass(ctx, change) }
}

func (f *fixture) figures() []types.ClassFigures {
	all, err := f.k.AllClassFigures(f.ctx)
	require.NoError(f.t, err)
	return all
}

// Transactions that change the same class write nothing; the end of the block adds their parts up, those of a failed one not.
func TestClassFigures(t *testing.T) {
	f := newFixture(t, shortParams())
	f.open(time.Second)
	keys := f.writes.record(func() {
		require.NoError(t, f.tx(0, f.count(figures("h100", 3, 0, 0))))
		require.NoError(t, f.tx(1, func(ctx sdk.Context) error { // two changes of one transaction
			return errors.Join(f.k.CountClass(ctx, figures("h100", 0, 1, 500)), f.k.CountClass(ctx, figures("h100-sxm", 1, 0, 7)))
		}))
		require.Error(t, f.tx(2, func(ctx sdk.Context) error {
			return errors.Join(f.k.CountClass(ctx, figures("h100", 100, 0, 0)), errors.New("failed"))
		}))
		require.NoError(t, f.tx(3, f.count(figures("h100", 0, 1, 500))))
		require.NoError(t, f.tx(4, f.count(types.NewClassFigures("nothing"))))
	})
	require.Empty(t, keys)
	require.Empty(t, f.figures(), "not before the block ends")
	require.ErrorIs(t, f.tx(5, f.count(figures("", 1, 0, 0))), types.ErrInvariant)
	f.close()
	require.Equal(t, []types.ClassFigures{figures("h100", 3, 2, 1_000), figures("h100-sxm", 1, 0, 7)}, f.figures())

	f.block(time.Second, f.count(figures("h100", 3, 2, 1_000).Neg()))
	require.Equal(t, []types.ClassFigures{figures("h100-sxm", 1, 0, 7)}, f.figures(), "what counts nothing is not kept")
	one, err := f.k.ClassFigures(f.ctx, "h100")
	require.NoError(t, err)
	require.Equal(t, types.NewClassFigures("h100"), one)
	require.NoError(t, f.k.SetClassFigures(f.ctx, figures("cpu", 4, 0, 0)))
	require.Equal(t, "cpu", f.figures()[0].Class)
}

// Whatever is counted in whatever order and blocks, figures are the sums.
func TestFiguresAreSums(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := newFixture(t, shortParams())
		f.unchecked = true
		want := make(map[string]types.ClassFigures)
		for range rapid.IntRange(1, 4).Draw(t, "blocks") {
			f.open(time.Second)
			for tx := range rapid.IntRange(0, 6).Draw(t, "txs") {
				class := rapid.SampledFrom([]string{"a", "ab", "b"}).Draw(t, "class")
				n := rapid.Int64Range(-3, 9)
				change := figures(class, n.Draw(t, "containers"), n.Draw(t, "bound"), n.Draw(t, "weight"))
				if f.tx(tx, f.count(change)) == nil {
					if _, ok := want[class]; !ok {
						want[class] = types.NewClassFigures(class)
					}
					want[class] = want[class].Add(change)
				}
			}
			f.close()
		}
		for class, sum := range want {
			have, err := f.k.ClassFigures(f.ctx, class)
			require.NoError(t, err)
			require.Equal(t, sum.String(), have.String())
		}
	})
}

// An epoch of a minute is 525,600 in a year.
func TestEmissionPerYear(t *testing.T) {
	f := newFixture(t, shortParams())
	sum := math.ZeroInt()
	for _, pool := range types.Pools() {
		perYear, err := f.k.EmissionPerYear(f.ctx, pool)
		require.NoError(t, err)
		require.Equal(t, f.pool(pool).Emitted.MulRaw(525_600), perYear, pool)
		sum = sum.Add(perYear)
	}
	require.Equal(t, types.Emission(1).Total().MulRaw(525_600), sum)
	_, err := f.k.EmissionPerYear(f.ctx, 0)
	require.ErrorIs(t, err, types.ErrInvalidPool)
}
