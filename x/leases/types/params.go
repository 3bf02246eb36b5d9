// SPDX-License-Identifier: Apache-2.0

package types

import "time"

const (
	// MaxRunway bounds min_runway: more than a day in advance would lock small tenants out.
	MaxRunway = 24 * time.Hour
	// MaxClosesPerBlock bounds max_closes_per_block: ten thousand closes take seconds of a block.
	MaxClosesPerBlock = 10_000
	// MaxOpenLeases bounds max_open_leases: an exhausted account is settled as a whole in one block. Two of the largest gangs fit.
	MaxOpenLeases = 2 * MaxGang
	// MaxScan bounds max_scan: each entry is a handful of reads in a tenant's transaction.
	MaxScan = 1_000
	// MaxClockSkew bounds max_clock_skew: a worker further ahead could start leases in the future.
	MaxClockSkew = time.Minute
	// MaxUsageBatch bounds max_usage_batch: each record is a signature to verify.
	MaxUsageBatch = 1_000
)

// DefaultParams are those of a public network.
func DefaultParams() Params {
	return Params{
		MinCharge:         time.Minute,
		MinRunway:         5 * time.Minute,
		MaxClosesPerBlock: 1_000,
		MaxOpenLeases:     2 * MaxGang,
		MaxUnstarted:      MaxGang,
		MaxScan:           100,
		MaxClockSkew:      10 * time.Second,
		MaxUsageBatch:     100,
		MaxGrace:          7 * 24 * time.Hour,
	}
}

// Validate checks the bounds; every combination within them is safe.
func (p Params) Validate() error {
	switch {
	case p.MinCharge < 0 || p.MinCharge > MaxMinCharge:
		return ErrInvalidParams.Wrapf("min_charge: %s: want 0 to %s", p.MinCharge, MaxMinCharge)
	case p.MinRunway < p.MinCharge || p.MinRunway > MaxRunway:
		return ErrInvalidParams.Wrapf("min_runway: %s: want min_charge %s to %s", p.MinRunway, p.MinCharge, MaxRunway)
	case p.MaxClosesPerBlock < 1 || p.MaxClosesPerBlock > MaxClosesPerBlock:
		return ErrInvalidParams.Wrapf("max_closes_per_block: %d: want 1 to %d", p.MaxClosesPerBlock, MaxClosesPerBlock)
	case p.MaxOpenLeases < 1 || p.MaxOpenLeases > MaxOpenLeases:
		return ErrInvalidParams.Wrapf("max_open_leases: %d: want 1 to %d", p.MaxOpenLeases, MaxOpenLeases)
	case p.MaxUnstarted < 1 || p.MaxUnstarted > p.MaxOpenLeases:
		return ErrInvalidParams.Wrapf("max_unstarted: %d: want 1 to max_open_leases %d", p.MaxUnstarted, p.MaxOpenLeases)
	case p.MaxScan < 1 || p.MaxScan > MaxScan:
		return ErrInvalidParams.Wrapf("max_scan: %d: want 1 to %d", p.MaxScan, MaxScan)
	case p.MaxClockSkew < 0 || p.MaxClockSkew > MaxClockSkew:
		return ErrInvalidParams.Wrapf("max_clock_skew: %s: want 0 to %s", p.MaxClockSkew, MaxClockSkew)
	case p.MaxGrace < 0 || p.MaxGrace > MaxGrace:
		return ErrInvalidParams.Wrapf("max_grace: %s: want 0 to %s", p.MaxGrace, MaxGrace)
	case p.MaxUsageBatch < 1 || p.MaxUsageBatch > MaxUsageBatch:
		return ErrInvalidParams.Wrapf("max_usage_batch: %d: want 1 to %d", p.MaxUsageBatch, MaxUsageBatch)
	}
	return nil
}
