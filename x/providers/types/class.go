// SPDX-License-Identifier: Apache-2.0

package types

import (
	"time"

	"cosmossdk.io/math"
)

const (
	// MaxLabel bounds names of classes and regions.
	MaxLabel = 32
	// MaxText bounds titles, reasons and the strings of a spec.
	MaxText = 128
	// MaxCount bounds the units of one Container: 64 accelerators are more than any one machine has.
	MaxCount = 64
	// MaxWeight keeps weight x count x throughput inside 256 bits and weights inside 64.
	MaxWeight = 1_000_000_000_000
	// MaxReference bounds throughputs likewise.
	MaxReference = 1 << 62
	// MaxClassesPerMsg bounds the work of one message.
	MaxClassesPerMsg = 100
	// MaxStartLimit keeps tenants from waiting for ever on a workload that will not start.
	MaxStartLimit = 24 * time.Hour
)

var (
	// maxClassStake is the token's cap in uath: no class can ask for more than there will ever be.
	maxClassStake = math.NewInt(42_000_000_000).MulRaw(Million)
	// maxCeiling is the cap per second, in 10^-6 uath.
	maxCeiling = maxClassStake.MulRaw(Million)
)

// Validate checks an entry of the catalogue.
func (c Class) Validate() error {
	if !isLabel(c.Name) {
		return ErrInvalidParams.Wrapf("name: want 1 to %d of [a-z0-9-], have %q", MaxLabel, c.Name)
	}
	fail := func(format string, args ...any) error {
		return ErrInvalidParams.Wrapf("class %s: "+format, append([]any{c.Name}, args...)...)
	}
	if !isText(c.Title, MaxText) {
		return fail("title: want at most %d bytes of UTF-8 without control characters", MaxText)
	}
	if c.Weight > MaxWeight {
		return fail("weight: want at most %d, have %d", uint64(MaxWeight), c.Weight)
	}
	if c.Reference == 0 || c.Reference > MaxReference {
		return fail("reference: want 1 to %d, have %d", uint64(MaxReference), c.Reference)
	}
	if c.VramMib > maxVRAM {
		return fail("vram_mib: want at most %d, have %d", uint64(maxVRAM), c.VramMib)
	}
	if c.Stake.IsNil() || !c.Stake.IsPositive() || c.Stake.GT(maxClassStake) {
		return fail("stake: want 1 to %s uath, have %s", maxClassStake, c.Stake)
	}
	if c.PriceCeiling.IsNil() || !c.PriceCeiling.IsPositive() || c.PriceCeiling.GT(maxCeiling) {
		return fail("price_ceiling: want 1 to %s, have %s", maxCeiling, c.PriceCeiling)
	}
	if c.StartLimit < time.Second || c.StartLimit > MaxStartLimit {
		return fail("start_limit: want 1s to %s, have %s", MaxStartLimit, c.StartLimit)
	}
	return nil
}

// CapacityRoundedDown is the capacity weight of units of this class: weight x count x min(1, throughput/reference).
func (c Class) CapacityRoundedDown(count uint32, throughput uint64) uint64 {
	return math.NewIntFromUint64(c.Weight).
		MulRaw(int64(count)).
		Mul(math.NewIntFromUint64(min(throughput, c.Reference))).
		Quo(math.NewIntFromUint64(c.Reference)).
		Uint64()
}
