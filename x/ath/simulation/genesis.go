// SPDX-License-Identifier: Apache-2.0

// Package simulation makes states and messages of x/ath by chance.
package simulation

import (
	"math/rand"
	"time"

	"github.com/athnet/ath/x/ath/types"
)

// RandomGenesis is a new chain on which epochs, vesting and exits happen within minutes.
func RandomGenesis(r *rand.Rand) *types.GenesisState {
	g := types.DefaultGenesis()
	g.Params = RandomParams(r)
	return g
}

// RandomParams are valid ones with short times.
func RandomParams(r *rand.Rand) types.Params {
	p := types.DefaultParams()
	p.EpochDuration = seconds(r, 20, 90)
	p.VerdictHorizonEpochs = uint64(1 + r.Intn(3))
	p.ServiceFeePpm = uint32(r.Intn(types.MaxServiceFeePPM + 1))
	p.FeeSplit = randomSplit(r)
	p.CapacityPpm = uint32(r.Intn(types.PPM + 1))
	p.IndexerGrantsPpm = uint32(r.Intn(200_000))
	p.IndexerPpm = uint32(r.Intn(types.PPM + 1))
	back := types.PPM - types.MinSelfDealingLossPPM - int(p.FeeSplit.StakersPpm)
	p.KappaDeliveryPpm = uint32(r.Intn(back + 1))
	p.KappaIndexerPpm = uint32(r.Intn(back - int(p.KappaDeliveryPpm) + 1))
	p.MinExitDelay = seconds(r, 1, 10)
	p.FeeVesting = seconds(r, 20, 200)
	p.RewardVesting = []types.Tranche{{Delay: 0, Ppm: 300_000}, {Delay: seconds(r, 30, 100), Ppm: 300_000}, {Delay: seconds(r, 100, 300), Ppm: 400_000}}
	p.CheckerVesting = []types.Tranche{{Delay: seconds(r, 60, 240), Ppm: types.PPM}}
	early := p.MinExitDelay + seconds(r, 0, 10)
	p.RewardExits = []types.ExitOption{{Delay: early, PenaltyPpm: 800_000}, {Delay: early + 20*time.Second, PenaltyPpm: 500_000}}
	p.FeeExits = []types.ExitOption{{Delay: early, PenaltyPpm: 400_000}}
	p.CheckerExits = []types.ExitOption{{Delay: early, PenaltyPpm: 750_000}}
	p.DaoStakersPpm = uint32(r.Intn(types.PPM + 1))
	p.BonusEpochs = uint64(1 + r.Intn(5))
	return p
}

// randomSplit leaves stakers at most half, so that there is room for both kappas.
func randomSplit(r *rand.Rand) types.FeeSplit {
	stakers := r.Intn(types.PPM/2 + 1)
	fund := r.Intn(types.PPM - stakers + 1)
	treasury := r.Intn(types.PPM - stakers - fund + 1)
	return types.FeeSplit{
		StakersPpm: uint32(stakers), SlaFundPpm: uint32(fund), TreasuryPpm: uint32(treasury),
		BurnPpm: uint32(types.PPM - stakers - fund - treasury),
	}
}

func seconds(r *rand.Rand, from, to int) time.Duration {
	return time.Duration(from+r.Intn(to-from+1)) * time.Second
}
