// SPDX-License-Identifier: Apache-2.0

package types

import (
	"encoding/binary"
	"math/bits"

	providertypes "github.com/athnet/ath/x/providers/types"
)

// Bitmap holds one bit for each slot of a shard, bit i of byte i/8, low bit first.
type Bitmap [providertypes.ShardSize / 64]uint64

// NewBitmap reads the stored form; missing bytes are zero, bytes beyond the last slot are ignored.
func NewBitmap(stored []byte) Bitmap {
	var buf [BitmapSize]byte
	copy(buf[:], stored)
	var b Bitmap
	for i := range b {
		b[i] = binary.LittleEndian.Uint64(buf[8*i:])
	}
	return b
}

// Bytes returns the stored form, without trailing zero bytes; nil when no bit is set.
func (b Bitmap) Bytes() []byte {
	buf := make([]byte, BitmapSize)
	for i, w := range b {
		binary.LittleEndian.PutUint64(buf[8*i:], w)
	}
	n := len(buf)
	for n > 0 && buf[n-1] == 0 {
		n--
	}
	if n == 0 {
		return nil
	}
	return buf[:n]
}

// With returns the bitmap with a slot's bit set.
func (b Bitmap) With(slot int) Bitmap {
	b[slot/64] |= 1 << (slot % 64)
	return b
}

// Has says whether a slot's bit is set.
func (b Bitmap) Has(slot int) bool { return b[slot/64]>>(slot%64)&1 == 1 }

// And keeps the bits that both have.
func (b Bitmap) And(o Bitmap) Bitmap {
	for i := range b {
		b[i] &= o[i]
	}
	return b
}

// Or joins the bits of both.
func (b Bitmap) Or(o Bitmap) Bitmap {
	for i := range b {
		b[i] |= o[i]
	}
	return b
}

// Without removes the bits of the other.
func (b Bitmap) Without(o Bitmap) Bitmap {
	for i := range b {
		b[i] &^= o[i]
	}
	return b
}

// Xor keeps the bits in which the two differ.
func (b Bitmap) Xor(o Bitmap) Bitmap {
	for i := range b {
		b[i] ^= o[i]
	}
	return b
}

// Count is the number of bits that are set.
func (b Bitmap) Count() int {
	n := 0
	for _, w := range b {
		n += bits.OnesCount64(w)
	}
	return n
}
