// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"fmt"
	"math"
	"math/bits"
)

// Capacity is what a Container promised on chain, or what services want of one.
type Capacity struct {
	CPUMilli, MemoryMiB, DiskMiB uint64
	GPUs                         uint32
}

// Over says what services want more of than a Container has, all together; nil where they fit.
func (c Capacity) Over(services []Service) error {
	var sum Capacity
	for _, s := range services {
		for _, add := range []struct {
			to    *uint64
			n     uint64
			limit uint64
			what  string
		}{
			{&sum.CPUMilli, s.Resources.CPUMilli, c.CPUMilli, "CPU in thousandths of a core"},
			{&sum.MemoryMiB, s.Resources.MemoryMiB, c.MemoryMiB, "memory in MiB"},
			{&sum.DiskMiB, s.Resources.DiskMiB, c.DiskMiB, "disk in MiB"},
		} {
			total, carry := bits.Add64(*add.to, add.n, 0)
			if carry > 0 {
				total = math.MaxUint64
			}
			if total > add.limit {
				return fmt.Errorf("services want more than the container has: %s %d of %d", add.what, total, add.limit)
			}
			*add.to = total
		}
		if s.Resources.GPUs > c.GPUs-sum.GPUs {
			return fmt.Errorf("services want more than the container's %d GPUs", c.GPUs)
		}
		sum.GPUs += s.Resources.GPUs
	}
	return nil
}
