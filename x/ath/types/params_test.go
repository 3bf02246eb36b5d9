// SPDX-License-Identifier: Apache-2.0

package types

import (
	"testing"
	"time"

	"cosmossdk.io/math"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestParamsValidate(t *testing.T) {
	require.NoError(t, DefaultParams().Validate())
	for name, spoil := range map[string]func(*Params){
		"epoch_duration is 0s":         func(p *Params) { p.EpochDuration = 0 },
		"epoch_duration is 745h":       func(p *Params) { p.EpochDuration = 745 * time.Hour },
		"service_fee_ppm":              func(p *Params) { p.ServiceFeePpm = MaxServiceFeePPM + 1 },
		"fee_split sums to 999999":     func(p *Params) { p.FeeSplit.BurnPpm-- },
		"fee_split sums to 4295967296": func(p *Params) { p.FeeSplit = FeeSplit{300_000, 1<<32 - 1, 700_001, 0} },
		"verdict_horizon_epochs is 0":  func(p *Params) { p.VerdictHorizonEpochs = 0 },
		"verdict_horizon_epochs is 3":  func(p *Params) { p.VerdictHorizonEpochs = 31 },
		"capacity_ppm":                 func(p *Params) { p.CapacityPpm = PPM + 1 },
		"indexer_grants_ppm":           func(p *Params) { p.IndexerGrantsPpm = PPM + 1 },
		"indexer_ppm":                  func(p *Params) { p.IndexerPpm = PPM + 1 },
		"dealing with oneself pays":    func(p *Params) { p.KappaDeliveryPpm = 550_001 },
		"kappa_delivery_ppm":           func(p *Params) { p.KappaDeliveryPpm, p.KappaIndexerPpm = ^uint32(0), ^uint32(0) },
		"fee_vesting":                  func(p *Params) { p.FeeVesting = 0 },
		"reward_vesting has 0":         func(p *Params) { p.RewardVesting = nil },
		"reward_vesting[0].delay":      func(p *Params) { p.RewardVesting = []Tranche{{Delay: -1, Ppm: PPM}} },
		"checker_vesting[0].delay":     func(p *Params) { p.CheckerVesting = []Tranche{{Delay: 366 * day, Ppm: PPM}} },
		"checker_vesting[1].ppm":       func(p *Params) { p.CheckerVesting = []Tranche{{Ppm: PPM}, {Ppm: 0}} },
		"checker_vesting sums":         func(p *Params) { p.CheckerVesting = []Tranche{{Ppm: PPM}, {Ppm: 1}} },
		"min_exit_delay is 0s":         func(p *Params) { p.MinExitDelay = 0 },
		"min_exit_delay is 721h":       func(p *Params) { p.MinExitDelay = 721 * time.Hour },
		"reward_exits[0].delay":        func(p *Params) { p.MinExitDelay = 8 * day },
		"fee_exits[0].penalty_ppm":     func(p *Params) { p.FeeExits[0].PenaltyPpm = PPM },
		"fee_exits[0].penalty_ppm is":  func(p *Params) { p.FeeExits[0].PenaltyPpm = 0 },
		"reward_exits[1]: delays":      func(p *Params) { p.RewardExits[1].PenaltyPpm = 800_000 },
		"checker_exits has 5":          func(p *Params) { p.CheckerExits = make([]ExitOption, 5) },
		"dao_stakers_ppm is 1000001":   func(p *Params) { p.DaoStakersPpm = PPM + 1 },
		"bonus_epochs is 0":            func(p *Params) { p.BonusEpochs = 0 },
		"bonus_epochs is 401":          func(p *Params) { p.BonusEpochs = 401 },
		"checker_vesting has 9":        func(p *Params) { p.CheckerVesting = make([]Tranche, 9) },
	} {
		t.Run(name, func(t *testing.T) {
			p := DefaultParams()
			spoil(&p)
			err := p.Validate()
			require.ErrorIs(t, err, ErrInvalidParams)
			require.ErrorContains(t, err, name)
		})
	}
}

// Whoever pays itself as tenant, provider, Indexer and only staker at once, and gets the highest reward that any valid
// parameters allow, has less than before.
func TestDealingWithOneselfLosesAtEverySetting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := genParams(t)
		require.NoError(t, p.Validate())
		paid := genInt(1, 1<<55).Draw(t, "paid")
		fee := p.ServiceFeeRoundedDown(paid)
		parts := p.FeeSplit.Divide(fee, Denom)
		back := paid.Sub(fee).Add(parts.Stakers).
			Add(PartRoundedDown(fee, p.KappaDeliveryPpm)).
			Add(PartRoundedDown(fee, p.KappaIndexerPpm))
		lost := paid.Sub(back)
		require.True(t, lost.GTE(PartRoundedDown(fee, MinSelfDealingLossPPM)), "lost %s of a fee of %s", lost, fee)
		require.False(t, lost.IsNegative())
	})
}

func TestFeeSplitSumsToTheFee(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := genParams(t)
		fee := genInt(0, 1<<60).Draw(t, "fee")
		for _, denom := range []string{Denom, "ibc/usd"} {
			parts := p.FeeSplit.Divide(fee, denom)
			for _, part := range []math.Int{parts.Stakers, parts.SLAFund, parts.Treasury, parts.Burn} {
				require.False(t, part.IsNegative())
			}
			requireInt(t, fee, parts.Stakers.Add(parts.SLAFund).Add(parts.Treasury).Add(parts.Burn))
			require.True(t, denom == Denom || parts.Burn.IsZero(), "another denom is never burnt")
		}
	})
}

func TestServiceFeeIsRoundedDown(t *testing.T) {
	p := DefaultParams()
	for amount, fee := range map[int64]int64{0: 0, 1: 0, 4: 0, 5: 1, 9: 1, 10: 2, 1_000_003: 200_000} {
		requireInt(t, math.NewInt(fee), p.ServiceFeeRoundedDown(math.NewInt(amount)))
	}
	require.NotPanics(t, func() { p.ServiceFeeRoundedDown(MaxAmount) })
}
