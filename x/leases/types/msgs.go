// SPDX-License-Identifier: Apache-2.0

package types

import (
	"crypto/sha256"
	"slices"

	"cosmossdk.io/errors"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
)

const (
	// MaxOffers bounds offers per message; each costs about three writes.
	MaxOffers = 500
	// MaxSettle bounds leases per MsgSettle; each costs about five writes.
	MaxSettle = 100
	// MaxExitCodes bounds exit codes, which are kept in the receipt.
	MaxExitCodes = 16
	// maxShown bounds foreign text in errors.
	maxShown = 64
)

// Validate checks what can be checked without state; minCharge is the parameter.
func (m *MsgSetOffers) Validate(p Params) error {
	if len(m.Offers) == 0 || len(m.Offers) > MaxOffers {
		return ErrInvalidField.Wrapf("offers: %d: want 1 to %d", len(m.Offers), MaxOffers)
	}
	ids := make([]uint64, len(m.Offers))
	for i, offer := range m.Offers {
		if err := offer.Validate(p.MinCharge); err != nil {
			return err
		}
		ids[i] = offer.ContainerId
	}
	return validateUnique("offers", ids)
}

// Validate checks what can be checked without state.
func (m *MsgRemoveOffers) Validate() error {
	if len(m.ContainerIds) == 0 || len(m.ContainerIds) > MaxOffers {
		return ErrInvalidField.Wrapf("container_ids: %d: want 1 to %d", len(m.ContainerIds), MaxOffers)
	}
	return validateUnique("container_ids", m.ContainerIds)
}

// Validate checks what can be checked without state.
func (m *MsgDeposit) Validate() error {
	if err := validateCoin("amount", m.Amount); err != nil {
		return err
	}
	if !m.Amount.Amount.IsPositive() {
		return ErrInvalidAmount.Wrap("amount: 0: want more than nothing")
	}
	return nil
}

// Validate checks what can be checked without state.
func (m *MsgWithdrawDeposit) Validate() error { return validateCoin("amount", m.Amount) }

// Validate checks what can be checked without state.
func (m *MsgCreateLease) Validate() error {
	if len(m.Candidates) > MaxCandidates {
		return ErrInvalidField.Wrapf("candidates: %d: want at most %d", len(m.Candidates), MaxCandidates)
	}
	if err := validateUnique("candidates", m.Candidates); err != nil {
		return err
	}
	if err := m.Wanted().Validate(); err != nil {
		return err
	}
	if len(m.Candidates) == 0 && m.Wanted().Class == "" {
		return ErrInvalidField.Wrap("requirement.class: empty: name a class, or candidates")
	}
	if err := validateRate("max_rate", m.MaxRate); err != nil {
		return err
	}
	if m.HasDeposit() {
		if err := validateCoin("deposit", m.Deposit); err != nil {
			return err
		}
	}
	if len(m.ManifestHash) != sha256.Size {
		return ErrInvalidField.Wrapf("manifest_hash: %d bytes: want the SHA-256 of the canonical manifest, %d", len(m.ManifestHash), sha256.Size)
	}
	if m.Duration < 0 || m.Duration > MaxTerm {
		return ErrInvalidField.Wrapf("duration: %s: want 0 (until closed) to %s", m.Duration, MaxTerm)
	}
	if m.Quote != nil {
		return m.Quote.Validate()
	}
	return nil
}

// Wanted is the requirement, the empty one where none was sent.
func (m *MsgCreateLease) Wanted() Requirement {
	if m.Requirement == nil {
		return Requirement{}
	}
	return *m.Requirement
}

// HasDeposit says whether the message carries an amount, be it a bad one.
func (m *MsgCreateLease) HasDeposit() bool {
	return m.Deposit.Denom != "" || (!m.Deposit.Amount.IsNil() && !m.Deposit.Amount.IsZero())
}

// Validate checks what can be checked without state.
func (m *MsgCloseLease) Validate() error {
	if _, known := CloseReason_name[int32(m.Reason)]; !known {
		return ErrReasonNotAllowed.Wrapf("reason: %d is not a reason", m.Reason)
	}
	if len(m.ExitCodes) > MaxExitCodes {
		return ErrInvalidField.Wrapf("exit_codes: %d: want at most %d", len(m.ExitCodes), MaxExitCodes)
	}
	return nil
}

// Validate checks what can be checked without state.
func (m *MsgSettle) Validate() error {
	if len(m.LeaseIds) == 0 || len(m.LeaseIds) > MaxSettle {
		return ErrInvalidField.Wrapf("lease_ids: %d: want 1 to %d", len(m.LeaseIds), MaxSettle)
	}
	return nil
}

// Validate checks what can be checked without state.
func (m *MsgSubmitUsage) Validate(p Params) error {
	if len(m.Records) == 0 || len(m.Records) > int(p.MaxUsageBatch) {
		return ErrInvalidField.Wrapf("records: %d: want 1 to %d", len(m.Records), p.MaxUsageBatch)
	}
	for i, record := range m.Records {
		if err := record.Validate(); err != nil {
			return errors.Wrapf(err, "records[%d]", i)
		}
	}
	return nil
}

func validateRate(field string, rate math.Int) error {
	if rate.IsNil() || !rate.IsPositive() || rate.GT(MaxRate) {
		return ErrInvalidField.Wrapf("%s: %s: want 1 to %s, in 10^-6 uath per second", field, show(rate), MaxRate)
	}
	return nil
}

// validateCoin accepts uath amounts from 0.
func validateCoin(field string, coin sdk.Coin) error {
	if coin.Denom != athtypes.Denom {
		return ErrForeignDenom.Wrapf("%s: %q: want %s", field, clip(coin.Denom), athtypes.Denom)
	}
	if coin.Amount.IsNil() || coin.Amount.IsNegative() || coin.Amount.GT(MaxAmount) {
		return ErrInvalidAmount.Wrapf("%s: %s: want 0 to %s", field, show(coin.Amount), MaxAmount)
	}
	return nil
}

func validateUnique(field string, ids []uint64) error {
	sorted := slices.Clone(ids)
	slices.Sort(sorted)
	for i, id := range sorted {
		if i > 0 && sorted[i-1] == id {
			return ErrInvalidField.Wrapf("%s: container %d stands twice", field, id)
		}
	}
	return nil
}

// show prints an amount that may be missing or huge.
func show(v math.Int) string {
	if v.IsNil() {
		return "nothing"
	}
	return clip(v.String())
}

// clip bounds foreign text.
func clip(s string) string {
	if len(s) > maxShown {
		return s[:maxShown] + "…"
	}
	return s
}
