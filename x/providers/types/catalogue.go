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

// armReference is a phone of 2024 by the same measure: its one or two large cores at half of a server's core, because a phone that
// computes for minutes runs into its thermal limit. No maker publishes an int8 rate of a phone's GPU that a portable program
// would reach, so this is a choice and not a measurement; whoever is faster is worth as much.
const armReference = 500

// DefaultClasses is the catalogue of a new network, in order of name; governance extends it.
//
// Rates are published dense int8 rates of the matrix units, without sparsity, in 10^9 operations per second; a multiply-add is
// two. Where a maker publishes the rate with sparsity only it is halved. Sources, by maker's document:
//   - B200: HGX B200 platform data sheet, 72 POPS for eight with sparsity. H200, H100 SXM, PCIe and NVL: H200 and H100
//     data sheets, 3,958, 3,026 and 3,341 TOPS with sparsity.
//   - A100: A100 data sheet, 624. A40, A30, A10: their data sheets, 299.3, 330 and 250. T4: T4 data sheet, 130.
//   - L40S, L40, L4: their data sheets, 1,466, 724 and 485 with sparsity. RTX 6000 Ada: its data sheet, 1,457 with
//     sparsity. RTX A6000: its data sheet, 309.7.
//   - V100 has no int8 matrix units: four times its 15.7 TFLOPS in fp32 (Volta whitepaper), which its four-way dot product gives.
//   - RTX 3090, 3080, 3070: Ampere GA102 whitepaper, 284, 238 and 162.6. RTX 4090, 4080: Ada whitepaper, 660.6 and 389.9.
//   - RTX 4070 Ti: 641 TOPS with sparsity on NVIDIA's comparison page. RTX 5090 and 5080: a quarter of the 3,352 and 1,801 "AI
//     TOPS" there, which are fp4 with sparsity.
//   - MI325X, MI300X, MI250X, MI210, MI100: AMD Instinct data sheets, 2,614.9, 2,614.9, 383, 181 and 184.6;
//     an MI250X is two devices of half of that and 64 GB each to its driver, so its unit here is one of them.
//   - RX 7900 XTX: 122.8 TFLOPS in fp16 on AMD's page; int8 runs at the same rate (AMD GPUOpen on WMMA for RDNA 3).
//   - Flex 170, Arc A770, Arc B580: Intel's product pages, 250, 262 and 233.
//
// Drivers report less memory than the round figure, most of all where ECC keeps a sixteenth of it for itself (A10, L4, L40, T4), so
// the least that is accepted is 7 % below it.
//
// Weights are relative, H100 SXM = 1,000,000. Weights, stakes and ceilings follow what such machines rent for; they are choices
// of a network, not measurements.
func DefaultClasses() []Class {
	return []Class{
		class("a10", "NVIDIA A10 24GB", 160_000, sustained(250_000), 24, 960, 7_000),
		class("a100-40", "NVIDIA A100 40GB", 400_000, sustained(624_000), 40, 2_400, 16_000),
		class("a100-80", "NVIDIA A100 80GB", 500_000, sustained(624_000), 80, 3_000, 20_000),
		class("a30", "NVIDIA A30 24GB", 200_000, sustained(330_000), 24, 1_200, 8_000),
		class("a40", "NVIDIA A40 48GB", 220_000, sustained(299_300), 48, 1_320, 9_000),
		class("a770", "Intel Arc A770 16GB", 50_000, sustained(262_000), 16, 310, 3_500),
		class("arm-phone", "ARM phone SoC", 250, armReference, 0, 10, 500),
		class("b200", "NVIDIA B200 180GB HBM3e", 2_000_000, sustained(4_500_000), 180, 12_000, 80_000),
		class("b580", "Intel Arc B580 12GB", 40_000, sustained(233_000), 12, 250, 3_000),
		class("cpu", "CPU without accelerator", 1_000, cpuReference, 0, 10, 2_000),
		class("flex170", "Intel Data Center GPU Flex 170 16GB", 100_000, sustained(250_000), 16, 600, 5_000),
		class("h100-nvl-94", "NVIDIA H100 NVL 94GB", 900_000, sustained(1_670_500), 94, 5_400, 36_000),
		class("h100-pcie-80", "NVIDIA H100 PCIe 80GB", 800_000, sustained(1_513_000), 80, 4_800, 32_000),
		class("h100-sxm-80", "NVIDIA H100 80GB HBM3 (SXM)", 1_000_000, sustained(1_979_000), 80, 6_000, 40_000),
		class("h200", "NVIDIA H200 141GB HBM3e", 1_300_000, sustained(1_979_000), 141, 7_800, 52_000),
		class("l4", "NVIDIA L4 24GB", 180_000, sustained(242_500), 24, 1_080, 8_000),
		class("l40", "NVIDIA L40 48GB", 300_000, sustained(362_000), 48, 1_800, 12_000),
		class("l40s", "NVIDIA L40S 48GB", 350_000, sustained(733_000), 48, 2_100, 14_000),
		class("mi100", "AMD Instinct MI100 32GB", 120_000, sustained(184_600), 32, 720, 6_000),
		class("mi210", "AMD Instinct MI210 64GB", 220_000, sustained(181_000), 64, 1_320, 9_000),
		class("mi250x", "AMD Instinct MI250X, one of its two dies, 64GB", 200_000, sustained(191_500), 64, 1_200, 8_000),
		class("mi300x", "AMD Instinct MI300X 192GB", 1_100_000, sustained(2_614_900), 192, 6_600, 44_000),
		class("mi325x", "AMD Instinct MI325X 256GB", 1_300_000, sustained(2_614_900), 256, 7_800, 52_000),
		class("rtx3070", "NVIDIA GeForce RTX 3070", 30_000, sustained(162_600), 8, 190, 2_500),
		class("rtx3080", "NVIDIA GeForce RTX 3080", 50_000, sustained(238_000), 10, 310, 3_500),
		class("rtx3090", "NVIDIA GeForce RTX 3090", 80_000, sustained(284_000), 24, 500, 5_000),
		class("rtx4070ti", "NVIDIA GeForce RTX 4070 Ti", 70_000, sustained(320_500), 12, 440, 4_500),
		class("rtx4080", "NVIDIA GeForce RTX 4080", 100_000, sustained(389_900), 16, 620, 6_000),
		class("rtx4090", "NVIDIA GeForce RTX 4090", 160_000, sustained(660_600), 24, 1_000, 8_000),
		class("rtx5080", "NVIDIA GeForce RTX 5080", 140_000, sustained(450_250), 16, 850, 8_000),
		class("rtx5090", "NVIDIA GeForce RTX 5090", 250_000, sustained(838_000), 32, 1_500, 12_000),
		class("rtx6000ada", "NVIDIA RTX 6000 Ada Generation 48GB", 350_000, sustained(728_500), 48, 2_100, 14_000),
		class("rtxa6000", "NVIDIA RTX A6000 48GB", 220_000, sustained(309_700), 48, 1_320, 10_000),
		class("rx7900xtx", "AMD Radeon RX 7900 XTX", 90_000, sustained(122_800), 24, 560, 5_000),
		class("t4", "NVIDIA T4 16GB", 70_000, sustained(130_000), 16, 420, 4_000),
		class("v100-32", "NVIDIA V100 32GB", 90_000, sustained(62_800), 32, 540, 5_000),
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
		VramMib:      memoryGB * 1_024 * 93 / 100,
		Stake:        math.NewInt(stakeATH * Million),
		PriceCeiling: math.NewInt(ceiling * Million),
		StartLimit:   10 * time.Minute,
	}
}
