// SPDX-License-Identifier: Apache-2.0

package types

import (
	"time"

	"cosmossdk.io/math"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// requireInt compares values: the same number can have two representations.
func requireInt(t require.TestingT, want, got math.Int, msg ...any) {
	require.Equal(t, want.String(), got.String(), msg...)
}

func genInt(low, high int64) *rapid.Generator[math.Int] {
	return rapid.Map(rapid.Int64Range(low, high), math.NewInt)
}

// genParts draws n parts of one, in ppm.
func genParts(t *rapid.T, n int, label string) []uint32 {
	parts, left := make([]uint32, n), uint32(PPM)
	for i := range n - 1 {
		parts[i] = rapid.Uint32Range(0, left).Draw(t, label)
		left -= parts[i]
	}
	parts[n-1] = left
	return parts
}

func genParams(t *rapid.T) Params {
	p := DefaultParams()
	p.EpochDuration = time.Duration(rapid.Int64Range(int64(time.Second), int64(MaxEpochDuration)).Draw(t, "epoch_duration"))
	p.ServiceFeePpm = rapid.Uint32Range(0, MaxServiceFeePPM).Draw(t, "service_fee_ppm")
	split := genParts(t, 4, "fee_split")
	if split[0] > PPM-MinSelfDealingLossPPM {
		split[0], split[3] = PPM-MinSelfDealingLossPPM, split[3]+split[0]-(PPM-MinSelfDealingLossPPM)
	}
	p.FeeSplit = FeeSplit{StakersPpm: split[0], SlaFundPpm: split[1], TreasuryPpm: split[2], BurnPpm: split[3]}
	p.VerdictHorizonEpochs = rapid.Uint64Range(1, MaxVerdictHorizonEpochs).Draw(t, "verdict_horizon_epochs")
	p.CapacityPpm = rapid.Uint32Range(0, PPM).Draw(t, "capacity_ppm")
	p.IndexerGrantsPpm = rapid.Uint32Range(0, PPM).Draw(t, "indexer_grants_ppm")
	p.IndexerPpm = rapid.Uint32Range(0, PPM).Draw(t, "indexer_ppm")
	kappa := PPM - MinSelfDealingLossPPM - split[0]
	p.KappaDeliveryPpm = rapid.Uint32Range(0, kappa).Draw(t, "kappa_delivery_ppm")
	p.KappaIndexerPpm = rapid.Uint32Range(0, kappa-p.KappaDeliveryPpm).Draw(t, "kappa_indexer_ppm")
	return p
}
