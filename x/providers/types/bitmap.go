// SPDX-License-Identifier: Apache-2.0

package types

import (
	"iter"
	"math/bits"
)

// MaxBitmapBytes holds one bit for every slot of a shard.
const MaxBitmapBytes = ShardSize / 8

// Bitmap is a set of slots: slot s is bit s%8 (low bit first) of byte s/8. The canonical form has no zero bytes at its end, so
// equal sets are equal bytes; every function here returns it and accepts any form. Values are never changed in place.
type Bitmap []byte

// BitmapOf returns the set of the given slots; slots beyond a shard are left out.
func BitmapOf(slots ...uint64) Bitmap {
	var out [MaxBitmapBytes]byte
	for _, s := range slots {
		if s < ShardSize {
			out[s/8] |= 1 << (s % 8)
		}
	}
	return trim(out[:])
}

// Has says whether a slot is in the set.
func (b Bitmap) Has(slot uint64) bool {
	return slot/8 < uint64(len(b)) && b[slot/8]>>(slot%8)&1 == 1
}

// With returns the set with a slot.
func (b Bitmap) With(slot uint64) Bitmap { return b.Or(BitmapOf(slot)) }

// Without returns the set without a slot.
func (b Bitmap) Without(slot uint64) Bitmap { return b.AndNot(BitmapOf(slot)) }

// And returns the intersection.
func (b Bitmap) And(o Bitmap) Bitmap { return b.merge(o, func(x, y byte) byte { return x & y }) }

// Or returns the union.
func (b Bitmap) Or(o Bitmap) Bitmap { return b.merge(o, func(x, y byte) byte { return x | y }) }

// AndNot returns the difference.
func (b Bitmap) AndNot(o Bitmap) Bitmap { return b.merge(o, func(x, y byte) byte { return x &^ y }) }

// Count returns how many slots are in the set.
func (b Bitmap) Count() int {
	n := 0
	for _, v := range b {
		n += bits.OnesCount8(v)
	}
	return n
}

// Empty says whether no slot is in the set.
func (b Bitmap) Empty() bool { return len(trim(b)) == 0 }

// Slots yields the slots of the set in ascending order.
func (b Bitmap) Slots() iter.Seq[uint64] {
	return func(yield func(uint64) bool) {
		for i, v := range b {
			for ; v != 0; v &= v - 1 {
				if !yield(uint64(i)*8 + uint64(bits.TrailingZeros8(v))) {
					return
				}
			}
		}
	}
}

// Canonical returns the set without zero bytes at its end; an empty set is nil.
func (b Bitmap) Canonical() Bitmap { return trim(append(Bitmap(nil), b...)) }

func (b Bitmap) merge(o Bitmap, f func(x, y byte) byte) Bitmap {
	out := make(Bitmap, max(len(b), len(o)))
	for i := range out {
		var x, y byte
		if i < len(b) {
			x = b[i]
		}
		if i < len(o) {
			y = o[i]
		}
		out[i] = f(x, y)
	}
	return trim(out)
}

func trim(b Bitmap) Bitmap {
	n := len(b)
	for n > 0 && b[n-1] == 0 {
		n--
	}
	if n == 0 {
		return nil
	}
	return b[:n]
}
