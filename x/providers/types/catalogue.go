// SPDX-License-Identifier: Apache-2.0

package types

import (
	"time"

	"cosmossdk.io/math"
)

// portableShare is the part of a vendor's published matrix-unit rate that counts as reference throughput: the worker's
// benchmark is portable integer arithmetic without the vendor's matrix units, which reaches about a tenth of it.
const portableShare = 10

// cpuReference is four cores at 0.5 x 10^9 multiply-adds per second each, which is about what the worker's pure Go matrix
// product reached on a core of a current cloud server. A machine with fewer cores weighs less.
const cpuReference = 2_000

// DefaultClasses is the catalogue of a new network, in order of name; governance extends it.
//
// Published dense int8 rates (without sparsity; a multiply-add is two operations) and memory: RTX 3090, 284 TOPS and 24 GB:
// NVIDIA Ampere GA102 GPU architecture whitepaper. RTX 4090, 660.6 TOPS and 24 GB: NVIDIA Ada GPU architecture whitepaper.
// A100 80GB, 624 TOPS: NVIDIA A100 data sheet. H100 SXM, 1,979 TOPS (half of the 3,958 with sparsity) and 80 GB: NVIDIA
// H100 data sheet. MI300X, 2,614.9 TOPS and 192 GB: AMD Instinct MI300X data sheet. Drivers report a little less memory
// than the round figure, so the least that is accepted is 3 % below it.
//
// Weights are relative, H100 = 1,000,000. Weights, stakes and ceilings follow what such machines rent for; they are choices
// of a network, not measurements.
func DefaultClasses() []Class {
	return []Class{
		class("a100-80", "NVIDIA A100 80GB", 500_000, sustained(624_000), 80, 3_000, 20_000),
		class("cpu", "CPU without accelerator", 1_000, cpuReference, 0, 10, 2_000),
		class("h100-sxm-80", "NVIDIA H100 SXM 80GB", 1_000_000, sustained(1_979_000), 80, 6_000, 40_000),
		class("mi300x", "AMD Instinct MI300X 192GB", 1_100_000, sustained(2_614_900), 192, 6_600, 44_000),
		class("rtx3090", "NVIDIA GeForce RTX 3090", 80_000, sustained(284_000), 24, 500, 5_000),
		class("rtx4090", "NVIDIA GeForce RTX 4090", 160_000, sustained(660_600), 24, 1_000, 8_000),
	}
}

// sustained turns a published rate in 10^9 operations per second into reference throughput.
func sustained(publishedGOPS uint64) uint64 { return publishedGOPS * 1_000 / 2 / portableShare }

// class builds an entry from memory in GB, stake in ATH and price ceiling in uath per second.
func class(name, title string, weight, reference, memoryGB uint64, stakeATH, ceiling int64) Class {
	return Class{
		Name:         name,
		Title:        title,
		Weight:       weight,
		Reference:    reference,
		VramMib:      memoryGB * 1_024 * 97 / 100,
		Stake:        math.NewInt(stakeATH * Million),
		PriceCeiling: math.NewInt(ceiling * Million),
		StartLimit:   10 * time.Minute,
	}
}
