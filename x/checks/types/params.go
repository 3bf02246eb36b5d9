// SPDX-License-Identifier: Apache-2.0

package types

import (
	"time"

	"cosmossdk.io/math"
)

// Bounds of the parameters. Every combination within them is safe; the reason of each says what lies beyond.
const (
	// MaxBatch bounds the licences of one message and so a transaction's work.
	MaxBatch = 100

	// MinRoundDuration: below it a round has no room for one block in its submit window at one second per block.
	MinRoundDuration = 2 * time.Second
	// MaxRoundDuration: a fault must not stay unseen for longer than a day.
	MaxRoundDuration = 24 * time.Hour
	// MinSubmitWindowPPM and MaxSubmitWindowPPM leave time to report, and time to check.
	MinSubmitWindowPPM = 50_000
	MaxSubmitWindowPPM = 800_000
	// MaxCommitteeSize bounds the reveals that one shard's verdict reads.
	MaxCommitteeSize = 31
	// MaxLicencesLimit bounds the seat list and keeps the bias of a draw negligible.
	MaxLicencesLimit = 1_000_000
	// MaxBanAfter bounds the mistakes that a licence carries.
	MaxBanAfter = 32
	// MaxTime bounds unbonding and bans: a bond that can't be got back for more than two years is confiscation.
	MaxTime = 2 * 365 * 24 * time.Hour
	// MaxShardsPerBlockLimit bounds a block's verdicts: a thousand take most of a second.
	MaxShardsPerBlockLimit = 1_000

	ppm = 1_000_000
)

// MaxLicenceBond is the whole supply that will ever be, in uath; more could never be bonded.
var MaxLicenceBond = math.NewInt(42_000_000_000).MulRaw(1_000_000)

// DefaultParams are those of a public network.
func DefaultParams() Params {
	return Params{
		RoundDuration:     15 * time.Minute,
		SubmitWindowPpm:   200_000,
		CommitteeSize:     7,
		LicenceBond:       math.NewInt(1_000_000_000),
		UnbondingTime:     21 * 24 * time.Hour,
		MaxLicences:       100_000,
		BanAfter:          2,
		BanWindow:         7 * 24 * time.Hour,
		BanTime:           30 * 24 * time.Hour,
		MaxShardsPerBlock: 100,
		BonusUptimePpm:    950_000,
	}
}

// SubmitWindow is the length of the part of a round in which reports are taken. It divides first: a day in nanoseconds
// times a million does not fit, and what is lost is below a millionth of the round.
func (p Params) SubmitWindow() time.Duration {
	return p.RoundDuration / ppm * time.Duration(p.SubmitWindowPpm)
}

// Validate checks every parameter against its bounds.
func (p Params) Validate() error {
	if p.LicenceBond.IsNil() || !p.LicenceBond.IsPositive() || p.LicenceBond.GT(MaxLicenceBond) {
		return ErrInvalidParams.Wrapf("licence_bond: want 1 to %s uath, have %s", MaxLicenceBond, p.LicenceBond)
	}
	for _, b := range []struct {
		name           string
		have, min, max time.Duration
	}{
		{"round_duration", p.RoundDuration, MinRoundDuration, MaxRoundDuration},
		{"unbonding_time", p.UnbondingTime, time.Second, MaxTime},
		{"ban_window", p.BanWindow, time.Second, MaxTime},
		{"ban_time", p.BanTime, time.Second, MaxTime},
	} {
		if b.have < b.min || b.have > b.max {
			return ErrInvalidParams.Wrapf("%s: want %s to %s, have %s", b.name, b.min, b.max, b.have)
		}
	}
	for _, b := range []struct {
		name           string
		have, min, max uint64
	}{
		{"submit_window_ppm", uint64(p.SubmitWindowPpm), MinSubmitWindowPPM, MaxSubmitWindowPPM},
		{"committee_size", uint64(p.CommitteeSize), 1, MaxCommitteeSize},
		{"max_licences", p.MaxLicences, 1, MaxLicencesLimit},
		{"ban_after", uint64(p.BanAfter), 1, MaxBanAfter},
		{"bonus_uptime_ppm", uint64(p.BonusUptimePpm), MinBonusUptimePPM, ppm - 1},
		{"max_shards_per_block", uint64(p.MaxShardsPerBlock), 1, MaxShardsPerBlockLimit},
	} {
		if b.have < b.min || b.have > b.max {
			return ErrInvalidParams.Wrapf("%s: want %d to %d, have %d", b.name, b.min, b.max, b.have)
		}
	}
	return nil
}
