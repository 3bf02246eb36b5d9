// SPDX-License-Identifier: Apache-2.0

package types

import (
	"time"

	"cosmossdk.io/math"
)

const (
	// Million is one in parts per million.
	Million = 1_000_000
	// MaxFactorPPM bounds the stake's coefficient and factors at 1,000-fold: with the largest class stake and 64 units the
	// product stays below 10^33 uath, far from where math.Int overflows.
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
	// HeartbeatsMissed is how many intervals a Container may be silent before it is not leased.
	HeartbeatsMissed = 3
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
	if p.MaxBatch == 0 || p.MaxBatch > MaxBatchLimit {
		return ErrInvalidParams.Wrapf("max_batch: want 1 to %d, have %d", MaxBatchLimit, p.MaxBatch)
	}
	if p.MaxTicketsPerBlock == 0 || p.MaxTicketsPerBlock > MaxTicketsLimit {
		return ErrInvalidParams.Wrapf("max_tickets_per_block: want 1 to %d, have %d", MaxTicketsLimit, p.MaxTicketsPerBlock)
	}
	if p.NotStartedPpm > MaxNotStartedPPM {
		return ErrInvalidParams.Wrapf("not_started_ppm: want at most %d, have %d", MaxNotStartedPPM, p.NotStartedPpm)
	}
	return nil
}

// StakeRoundedUp is what a Container bonds: class stake x coefficient x count x tier factor. At least 1 uath for valid
// arguments, so that no Container lives without a stake.
func (p Params) StakeRoundedUp(class Class, tier Tier, count uint32) math.Int {
	factor := p.EdgeFactorPpm
	if tier == Tier_TIER_ENTERPRISE {
		factor = p.EnterpriseFactorPpm
	}
	product := class.Stake.
		Mul(math.NewIntFromUint64(p.StakeCoefficientPpm)).
		Mul(math.NewIntFromUint64(factor)).
		MulRaw(int64(count))
	one := math.NewInt(Million * Million)
	return product.Add(one).SubRaw(1).Quo(one)
}

// Silent says whether a Container that was last seen then counts as silent now.
func (p Params) Silent(lastSeen, now time.Time) bool {
	return now.Sub(lastSeen) > HeartbeatsMissed*p.HeartbeatInterval
}

// SecondRoundedUp is the first whole unix second that is not before t: the bucket of stake that is ripe at t.
func SecondRoundedUp(t time.Time) uint64 {
	s := t.Unix()
	if t.Nanosecond() > 0 {
		s++
	}
	return uint64(s)
}
