// SPDX-License-Identifier: Apache-2.0

package types

import (
	"testing"

	"cosmossdk.io/math"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestDAOStreamSumsToTheGrantToTheLastUath(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		granted := math.NewInt(rapid.OneOf(rapid.Just(DAOTotal), rapid.Int64Range(0, Cap), rapid.Int64Range(0, 5_000)).Draw(t, "granted"))
		params := DefaultParams()
		params.DaoStakersPpm = rapid.Uint32Range(0, PPM).Draw(t, "stakers ppm")
		step, sum := granted.QuoRaw(DAOEpochs), math.ZeroInt()
		for epoch := uint64(0); epoch <= DAOEpochs+10; epoch++ {
			amount := DAOStream(granted, epoch)
			switch {
			case epoch == 0 || epoch > DAOEpochs:
				require.True(t, amount.IsZero(), "epoch %d", epoch)
			default:
				require.True(t, amount.Equal(step) || amount.Equal(step.AddRaw(1)), "epoch %d pays %s", epoch, amount)
			}
			stakers, treasury := params.DivideDAO(amount)
			require.False(t, stakers.IsNegative() || treasury.IsNegative())
			requireInt(t, amount, stakers.Add(treasury))
			sum = sum.Add(amount)
			requireInt(t, granted, sum.Add(DAORemaining(granted, epoch)))
		}
		requireInt(t, granted, sum)
	})
	require.Equal(t, int64(3_150_000_000_000_000), DAOTotal, "7.5%% of 42e9 ATH")
}
