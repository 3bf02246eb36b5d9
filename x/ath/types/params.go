// SPDX-License-Identifier: Apache-2.0

package types

import (
	"time"
)

const (
	// MaxEpochDuration keeps a mistyped epoch from stopping all distributions for good.
	MaxEpochDuration = 31 * day
	// MaxServiceFeePPM: a fee above half of what tenants pay would be a typing error or a robbery.
	MaxServiceFeePPM = 500_000
	// MaxVerdictHorizonEpochs bounds the Shares epochs that are open at once, and with them a claim's work.
	MaxVerdictHorizonEpochs = 30
	// MinSelfDealingLossPPM is what somebody who is tenant, provider, Indexer and the only staker at once loses at least
	// of every service fee that it pays to itself. The two kappas and the stakers' part may return the rest.
	MinSelfDealingLossPPM = 50_000
	// MaxVestingDelay bounds how far ahead vesting rows reach.
	MaxVestingDelay = 365 * day
	// MaxTranches bounds the rows that one claim of one ledger writes.
	MaxTranches = 8
	// MaxBonusEpochs: a quarter of more than a year would keep the Checkers' bonus from them for as long.
	MaxBonusEpochs = 400
)

// DefaultParams are those of the public network.
func DefaultParams() Params {
	return Params{
		EpochDuration:        day,
		ServiceFeePpm:        200_000,
		FeeSplit:             FeeSplit{StakersPpm: 300_000, SlaFundPpm: 200_000, TreasuryPpm: 200_000, BurnPpm: 300_000},
		VerdictHorizonEpochs: 7,
		CapacityPpm:          600_000,
		IndexerGrantsPpm:     50_000,
		IndexerPpm:           500_000,
		KappaDeliveryPpm:     400_000,
		KappaIndexerPpm:      100_000,
		FeeVesting:           45 * day,
		RewardVesting: []Tranche{
			{Delay: 0, Ppm: 300_000},
			{Delay: 90 * day, Ppm: 300_000},
			{Delay: 180 * day, Ppm: 400_000},
		},
		CheckerVesting: []Tranche{{Delay: 180 * day, Ppm: PPM}},
		RewardExits:    []ExitOption{{Delay: 7 * day, PenaltyPpm: 800_000}, {Delay: 60 * day, PenaltyPpm: 500_000}},
		FeeExits:       []ExitOption{{Delay: 7 * day, PenaltyPpm: 400_000}},
		CheckerExits:   []ExitOption{{Delay: 30 * day, PenaltyPpm: 750_000}},
		MinExitDelay:   7 * day,
		BonusEpochs:    91,

		DaoStakersPpm:      500_000,
		PriceMaxChangePpm:  10_000,
		PriceAverageBlocks: 300,
		PriceStaleAfter:    10 * time.Minute,
		PriceStep:          time.Hour,
	}
}

// Validate checks every bound; any parameters that pass are safe together.
func (p Params) Validate() error {
	if p.EpochDuration < time.Second || p.EpochDuration > MaxEpochDuration {
		return ErrInvalidParams.Wrapf("epoch_duration is %s; 1s to %s", p.EpochDuration, MaxEpochDuration)
	}
	if p.ServiceFeePpm > MaxServiceFeePPM {
		return ErrInvalidParams.Wrapf("service_fee_ppm is %d; at most %d", p.ServiceFeePpm, MaxServiceFeePPM)
	}
	if err := p.FeeSplit.Validate(); err != nil {
		return err
	}
	if p.VerdictHorizonEpochs < 1 || p.VerdictHorizonEpochs > MaxVerdictHorizonEpochs {
		return ErrInvalidParams.Wrapf("verdict_horizon_epochs is %d; 1 to %d", p.VerdictHorizonEpochs, MaxVerdictHorizonEpochs)
	}
	for _, part := range []struct {
		name string
		ppm  uint32
	}{
		{"capacity_ppm", p.CapacityPpm},
		{"indexer_grants_ppm", p.IndexerGrantsPpm},
		{"indexer_ppm", p.IndexerPpm},
		{"dao_stakers_ppm", p.DaoStakersPpm},
	} {
		if part.ppm > PPM {
			return ErrInvalidParams.Wrapf("%s is %d; at most %d", part.name, part.ppm, PPM)
		}
	}
	back := uint64(p.FeeSplit.StakersPpm) + uint64(p.KappaDeliveryPpm) + uint64(p.KappaIndexerPpm)
	if back > PPM-MinSelfDealingLossPPM {
		return ErrInvalidParams.Wrapf("kappa_delivery_ppm + kappa_indexer_ppm + stakers_ppm is %d; at most %d, or dealing with oneself pays",
			back, PPM-MinSelfDealingLossPPM)
	}
	if p.FeeVesting < time.Second || p.FeeVesting > MaxVestingDelay {
		return ErrInvalidParams.Wrapf("fee_vesting is %s; 1s to %s", p.FeeVesting, MaxVestingDelay)
	}
	if err := validateTranches("reward_vesting", p.RewardVesting); err != nil {
		return err
	}
	if err := validateTranches("checker_vesting", p.CheckerVesting); err != nil {
		return err
	}
	if err := p.validatePrice(); err != nil {
		return err
	}
	return p.validateExits()
}

func (p Params) validateExits() error {
	if p.MinExitDelay < time.Second || p.MinExitDelay > MaxMinExitDelay {
		return ErrInvalidParams.Wrapf("min_exit_delay is %s; 1s to %s", p.MinExitDelay, MaxMinExitDelay)
	}
	if err := validateExits("reward_exits", p.RewardExits, p.MinExitDelay); err != nil {
		return err
	}
	if err := validateExits("fee_exits", p.FeeExits, p.MinExitDelay); err != nil {
		return err
	}
	if err := validateExits("checker_exits", p.CheckerExits, p.MinExitDelay); err != nil {
		return err
	}
	if p.BonusEpochs < 1 || p.BonusEpochs > MaxBonusEpochs {
		return ErrInvalidParams.Wrapf("bonus_epochs is %d; 1 to %d", p.BonusEpochs, MaxBonusEpochs)
	}
	return nil
}

// Validate says whether the parts sum to one.
func (s FeeSplit) Validate() error {
	sum := uint64(s.StakersPpm) + uint64(s.SlaFundPpm) + uint64(s.TreasuryPpm) + uint64(s.BurnPpm)
	if sum != PPM {
		return ErrInvalidParams.Wrapf("fee_split sums to %d; it must be %d", sum, PPM)
	}
	return nil
}

func validateTranches(name string, tranches []Tranche) error {
	if len(tranches) < 1 || len(tranches) > MaxTranches {
		return ErrInvalidParams.Wrapf("%s has %d tranches; 1 to %d", name, len(tranches), MaxTranches)
	}
	var sum uint64
	for i, tranche := range tranches {
		if tranche.Delay < 0 || tranche.Delay > MaxVestingDelay {
			return ErrInvalidParams.Wrapf("%s[%d].delay is %s; 0s to %s", name, i, tranche.Delay, MaxVestingDelay)
		}
		if tranche.Ppm == 0 {
			return ErrInvalidParams.Wrapf("%s[%d].ppm is 0; leave the tranche out", name, i)
		}
		sum += uint64(tranche.Ppm)
	}
	if sum != PPM {
		return ErrInvalidParams.Wrapf("%s sums to %d ppm; it must be %d", name, sum, PPM)
	}
	return nil
}
