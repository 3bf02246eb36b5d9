// SPDX-License-Identifier: Apache-2.0

package market

import (
	"math/bits"

	"github.com/RoaringBitmap/roaring/v2"

	leasetypes "github.com/athnet/ath/x/leases/types"
	providertypes "github.com/athnet/ath/x/providers/types"
)

// dimension is a size of which a requirement names the least.
type dimension int

const (
	dimCount dimension = iota
	dimVRAM
	dimCPU
	dimMemory
	dimDisk
	dimensions
)

// misfits is what the chain calls a requirement that a dimension fails.
var misfits = [dimensions]leasetypes.Misfit{
	leasetypes.MisfitCount, leasetypes.MisfitVRAM, leasetypes.MisfitCPU, leasetypes.MisfitMemory, leasetypes.MisfitDisk,
}

func sizeOf(c providertypes.Container, d dimension) uint64 {
	return [dimensions]uint64{uint64(c.Count), c.Spec.VramMib, c.Spec.CpuMilli, c.Spec.MemoryMib, c.Spec.DiskMib}[d]
}

func leastOf(r leasetypes.Requirement, d dimension) uint64 {
	return [dimensions]uint64{uint64(r.Count), r.VramMib, r.CpuMilli, r.MemoryMib, r.DiskMib}[d]
}

// levels are sets of Containers by size: set b holds those of at least 2^b. A requirement of v is answered by set floor(log2 v),
// which holds all that fit and at most those of half the size besides.
type levels [64]*roaring.Bitmap

func (l *levels) add(id uint32, size uint64) {
	for b := range bits.Len64(size) {
		if l[b] == nil {
			l[b] = roaring.New()
		}
		l[b].Add(id)
	}
}

func (l *levels) remove(id uint32, size uint64) {
	for b := range bits.Len64(size) {
		l[b].Remove(id)
	}
}

// atLeast returns a set that holds every Container of at least the size; nil where there is none.
func (l *levels) atLeast(size uint64) *roaring.Bitmap { return l[bits.Len64(size)-1] }
