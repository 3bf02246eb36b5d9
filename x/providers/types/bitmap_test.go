// SPDX-License-Identifier: Apache-2.0

package types_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/x/providers/types"
)

func TestBitmapOrder(t *testing.T) {
	require.Equal(t, types.Bitmap{0b0000_0011, 0b1000_0000}, types.BitmapOf(0, 1, 15))
	require.Equal(t, types.Bitmap(nil), types.BitmapOf())
	require.Equal(t, types.Bitmap(nil), types.BitmapOf(512))
	require.Len(t, types.BitmapOf(511), types.MaxBitmapBytes)
}

// set is the plain model.
func set(b []byte) map[uint64]bool {
	out := map[uint64]bool{}
	for i := range uint64(len(b)) * 8 {
		if b[i/8]&(1<<(i%8)) != 0 {
			out[i] = true
		}
	}
	return out
}

func FuzzBitmap(f *testing.F) {
	f.Add([]byte{}, []byte{1}, uint16(0))
	f.Add([]byte{0xff, 0, 0}, []byte{0x0f, 0xf0}, uint16(9))
	f.Add(make([]byte, 64), []byte{1, 0, 0, 0}, uint16(511))
	f.Fuzz(func(t *testing.T, x, y []byte, at uint16) {
		if len(x) > types.MaxBitmapBytes || len(y) > types.MaxBitmapBytes {
			t.Skip()
		}
		a, b, slot := types.Bitmap(x), types.Bitmap(y), uint64(at)%types.ShardSize
		was := [][]byte{slices.Clone(x), slices.Clone(y)}
		ma, mb := set(x), set(y)
		check := func(name string, got types.Bitmap, in func(uint64) bool) {
			var slots []uint64
			for i := range uint64(types.ShardSize) {
				require.Equal(t, in(i), got.Has(i), "%s: slot %d", name, i)
				if in(i) {
					slots = append(slots, i)
				}
			}
			require.Equal(t, slots, slices.Collect(got.Slots()), name)
			require.Equal(t, len(slots), got.Count(), name)
			require.Equal(t, len(slots) == 0, got.Empty(), name)
			require.Equal(t, types.BitmapOf(slots...), got, "%s is canonical", name)
		}
		check("and", a.And(b), func(i uint64) bool { return ma[i] && mb[i] })
		check("or", a.Or(b), func(i uint64) bool { return ma[i] || mb[i] })
		check("and not", a.AndNot(b), func(i uint64) bool { return ma[i] && !mb[i] })
		check("with", a.With(slot), func(i uint64) bool { return ma[i] || i == slot })
		check("without", a.Without(slot), func(i uint64) bool { return ma[i] && i != slot })
		check("canonical", a.Canonical(), func(i uint64) bool { return ma[i] })
		require.Equal(t, was, [][]byte{x, y}, "operands are not changed")
	})
}

func TestSlotsStops(t *testing.T) {
	for slot := range types.BitmapOf(3, 4, 400).Slots() {
		require.EqualValues(t, 3, slot)
		break
	}
}
