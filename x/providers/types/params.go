// SPDX-License-Identifier: Apache-2.0

package types

import (
	"time"

	athtypes "github.com/athnet/ath/x/ath/types"
)

const (
	// Million is one in parts per million.
	Million = 1_000_000
	// MaxFactorPPM bounds governance's part of the stake's coefficient and the factors at 1,000-fold: with the largest class
	// stake, 64 units and the largest index the product stays below 10^44, far from where math.Int overflows.
	MaxFactorPPM = 1_000 * Million
	// MaxUnbonding keeps a mistaken vote from locking stake for a lifetime.
	MaxUnbonding = 3 * 365 * 24 * time.Hour
	// MaxHeartbeatInterval keeps Containers that died from being offered for days.
	MaxHeartbeatInterval = 24 * time.Hour
	// MaxCapacitySuspension keeps a mistaken vote from ending a Container's rewards for good.
	MaxCapacitySuspension = 30 * 24 * time.Hour
	// MaxBatchLimit bounds the work of one registration.
	MaxBatchLimit = 1_000
	// MaxTicketDeadline is the most that the design grants: nothing leaves x/ath before it.
	MaxTicketDeadline = 7 * 24 * time.Hour
	// MaxContestLimit keeps coins from being held for ever by a contest that nobody decides.
	MaxContestLimit = 90 * 24 * time.Hour
	// MaxTicketsLimit bounds the work of a block: a ticket that runs out moves at most 128 rows and a few more.
	MaxTicketsLimit = 1_000
	// MaxNotStartedPPM keeps one lease that was not started from costing more than a tenth of the stake: who opened it may
	// mean harm.
	MaxNotStartedPPM = 100_000
	// MaxReclaimedPPM keeps the least that a broken lease costs below a tenth of the stake: a machine may break for good, and its
	// provider has then no way to keep its word.
	MaxReclaimedPPM = 100_000
	// MaxCoefficientEpochs is how many epochs x/ath remembers the revenue of.
	MaxCoefficientEpochs = 31
	// MaxCoefficientStepPPM keeps one good or bad month from halving or doubling what newcomers pay.
	MaxCoefficientStepPPM = 500_000
	// MinRevenueReferencePPM and MaxFactorPPM bound the reference: from a thousandth to a thousand times the base stake.
	MinRevenueReferencePPM = 1_000
	// HeartbeatsMissed is how many intervals a Container may be silent before it is not leased.
	HeartbeatsMissed = 3
	// SilenceRounds is how many rounds it takes to look once at the heartbeats of all Containers of a shard: a verdict looks at a
	// sixteenth of them, which is far less work than the verdict.
	SilenceRounds = 16
)

// DefaultParams are those of a public network.
func DefaultParams() Params {
	return Params{
		StakeCoefficientPpm: Million,
		EdgeFactorPpm:       Million,
		EnterpriseFactorPpm: 2 * Million,
		UnbondingTime:       180 * 24 * time.Hour,
		HeartbeatInterval:   5 * time.Minute,
		MaxBatch:            500,
		CapacitySuspension:  24 * time.Hour,
		TicketDeadline:      7 * 24 * time.Hour,
		ContestLimit:        30 * 24 * time.Hour,
		MaxTicketsPerBlock:  100,
		NotStartedPpm:       10_000,
		CoefficientEpochs:   30,
		CoefficientStepPpm:  100_000,
		RevenueReferencePpm: Million,
		ReclaimedPpm:        10_000,
	}
}

// Validate refuses values that would stop the module or overflow; every combination of valid values is safe.
func (p Params) Validate() error {
	for _, f := range []struct {
		name string
		ppm  uint64
	}{
		{"stake_coefficient_ppm", p.StakeCoefficientPpm},
		{"edge_factor_ppm", p.EdgeFactorPpm},
		{"enterprise_factor_ppm", p.EnterpriseFactorPpm},
	} {
		// Zero would make Containers without stake.
		if f.ppm == 0 || f.ppm > MaxFactorPPM {
			return ErrInvalidParams.Wrapf("%s: want 1 to %d, have %d", f.name, MaxFactorPPM, f.ppm)
		}
	}
	for _, f := range []struct {
		name     string
		value    time.Duration
		min, max time.Duration
	}{
		{"unbonding_time", p.UnbondingTime, time.Second, MaxUnbonding},
		{"heartbeat_interval", p.HeartbeatInterval, time.Second, MaxHeartbeatInterval},
		{"capacity_suspension", p.CapacitySuspension, 0, MaxCapacitySuspension},
		{"ticket_deadline", p.TicketDeadline, time.Second, MaxTicketDeadline},
		{"contest_limit", p.ContestLimit, time.Second, MaxContestLimit},
	} {
		if f.value < f.min || f.value > f.max {
			return ErrInvalidParams.Wrapf("%s: want %s to %s, have %s", f.name, f.min, f.max, f.value)
		}
	}
	for _, f := range []struct {
		name            string
		value, min, max uint64
	}{
		{"max_batch", uint64(p.MaxBatch), 1, MaxBatchLimit},
		{"max_tickets_per_block", uint64(p.MaxTicketsPerBlock), 1, MaxTicketsLimit},
		{"not_started_ppm", p.NotStartedPpm, 0, MaxNotStartedPPM},
		{"reclaimed_ppm", p.ReclaimedPpm, 0, MaxReclaimedPPM},
		{"coefficient_epochs", uint64(p.CoefficientEpochs), 1, MaxCoefficientEpochs},
		{"coefficient_step_ppm", p.CoefficientStepPpm, 0, MaxCoefficientStepPPM},
		{"revenue_reference_ppm", p.RevenueReferencePpm, MinRevenueReferencePPM, MaxFactorPPM},
	} {
		if f.value < f.min || f.value > f.max {
			return ErrInvalidParams.Wrapf("%s: want %d to %d, have %d", f.name, f.min, f.max, f.value)
		}
	}
	return nil
}

// Silent says whether a Container that was last seen then counts as silent now.
func (p Params) Silent(lastSeen, now time.Time) bool {
	return now.Sub(lastSeen) > HeartbeatsMissed*p.HeartbeatInterval
}

// SilentFor is how long a Container counts as silent: since it was last seen, or the network resumed; zero while it does not.
func (p Params) SilentFor(lastSeen, resumed, now time.Time) time.Duration {
	if resumed.After(lastSeen) {
		lastSeen = resumed
	}
	if !p.Silent(lastSeen, now) {
		return 0
	}
	return now.Sub(lastSeen)
}

// unbondingBuckets bounds how many rows of an owner unbond at once: fewer than a hold for a ticket looks at. Otherwise many small
// stakes, retired one by one, would hide a large one from it.
const unbondingBuckets = athtypes.MaxHoldReads / 2

// RipeRoundedUp is the unix second at which stake that unbonds from now on is ripe: rounded up to a 256th of the
// unbonding time, at least to a whole second.
func (p Params) RipeRoundedUp(now time.Time) uint64 {
	ripe := now.Add(p.UnbondingTime)
	second := ripe.Unix()
	if ripe.Nanosecond() > 0 {
		second++
	}
	width := max(1, int64(p.UnbondingTime/time.Second)/unbondingBuckets)
	return uint64((second + width - 1) / width * width)
}
