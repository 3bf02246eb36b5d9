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
	// MaxReceiptHorizon bounds receipt_horizon: ten years of days.
	MaxReceiptHorizon = 3_660
	// MaxUsageBatch bounds max_usage_batch: each record is a signature to verify.
	MaxUsageBatch = 1_000
	// MinChallenge and MaxChallenge bound channel_challenge: an hour is the least in which a worker that was cut off comes back, and a
	// tenant's money is not kept for longer than a month.
	MinChallenge, MaxChallenge = time.Hour, 30 * 24 * time.Hour
	// MaxChannelTerm bounds max_channel_term.
	MaxChannelTerm = 366 * 24 * time.Hour
	// MaxMinChannelCap bounds min_channel_cap: 1,000 ATH would lock small tenants out.
	MaxMinChannelCap = 1_000_000_000
	// MaxVouchers bounds max_vouchers: 10,000 are 1.4 MB and half a second of signatures.
	MaxVouchers = 10_000
	// MinVoucherGas and MaxVoucherGas bound voucher_gas: half of what the SDK asks for a secp256k1 signature, and far more than any
	// machine needs.
	MinVoucherGas, MaxVoucherGas = 500, 100_000
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
		MaxGrace:          24 * time.Hour,
		MinForeignDeposit: 1_000_000,

		ChannelChallenge:       24 * time.Hour,
		MaxChannelTerm:         90 * 24 * time.Hour,
		MinChannelCap:          10_000,
		MaxVouchers:            1_000,
		VoucherGas:             1_000,
		MaxChannelEndsPerBlock: 1_000,
		ReceiptHorizon:         30,

		SlaSession:         15 * time.Minute,
		SlaSessionReserved: 24 * time.Hour,
		SlaHorizon:         2 * time.Hour,

		MaxCreditsPerBlock: 1_000,

		ReclaimNotice:         time.Hour,
		ReclaimNoticeReserved: 24 * time.Hour,
		ReclaimCap:            30 * 24 * time.Hour,

		FloatHorizon:     24 * time.Hour,
		FloatRatioPpm:    1_500_000,
		MaxGatewayLeases: 2 * MaxGang,
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
	case p.ReceiptHorizon < 1 || p.ReceiptHorizon > MaxReceiptHorizon:
		return ErrInvalidParams.Wrapf("receipt_horizon: %d: want 1 to %d", p.ReceiptHorizon, MaxReceiptHorizon)
	case p.MinForeignDeposit < 1 || p.MinForeignDeposit > MaxMinForeignDeposit:
		return ErrInvalidParams.Wrapf("min_foreign_deposit: %d: want 1 to %d", p.MinForeignDeposit, MaxMinForeignDeposit)
	case p.MaxUsageBatch < 1 || p.MaxUsageBatch > MaxUsageBatch:
		return ErrInvalidParams.Wrapf("max_usage_batch: %d: want 1 to %d", p.MaxUsageBatch, MaxUsageBatch)
	}
	return p.validateChannels()
}

func (p Params) validateChannels() error {
	switch {
	case p.ChannelChallenge < MinChallenge || p.ChannelChallenge > MaxChallenge:
		return ErrInvalidParams.Wrapf("channel_challenge: %s: want %s to %s", p.ChannelChallenge, MinChallenge, MaxChallenge)
	case p.MaxChannelTerm < time.Hour || p.MaxChannelTerm > MaxChannelTerm:
		return ErrInvalidParams.Wrapf("max_channel_term: %s: want 1h to %s", p.MaxChannelTerm, MaxChannelTerm)
	case p.MinChannelCap < 1 || p.MinChannelCap > MaxMinChannelCap:
		return ErrInvalidParams.Wrapf("min_channel_cap: %d: want 1 to %d", p.MinChannelCap, MaxMinChannelCap)
	case p.MaxVouchers < 1 || p.MaxVouchers > MaxVouchers:
		return ErrInvalidParams.Wrapf("max_vouchers: %d: want 1 to %d", p.MaxVouchers, MaxVouchers)
	case p.VoucherGas < MinVoucherGas || p.VoucherGas > MaxVoucherGas:
		return ErrInvalidParams.Wrapf("voucher_gas: %d: want %d to %d", p.VoucherGas, MinVoucherGas, MaxVoucherGas)
	case p.MaxChannelEndsPerBlock < 1 || p.MaxChannelEndsPerBlock > MaxClosesPerBlock:
		return ErrInvalidParams.Wrapf("max_channel_ends_per_block: %d: want 1 to %d", p.MaxChannelEndsPerBlock, MaxClosesPerBlock)
	}
	if err := p.validateStable(); err != nil {
		return err
	}
	if err := p.validateReclaim(); err != nil {
		return err
	}
	if err := p.validateGateways(); err != nil {
		return err
	}
	return p.validateSLA()
}
