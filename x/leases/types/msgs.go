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
	// MaxGang bounds the Containers of a gang, and the leases of a message: each costs about four writes.
	MaxGang = 1_024
	// MaxOrders bounds the orders of a batch.
	MaxOrders = 100
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
		if offer.Delisted {
			return ErrInvalidOffer.Wrapf("delisted: true for container %d: the chain says that, in RefreshOffers", offer.ContainerId)
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
	if m.Granter != "" && m.Tenant != "" && m.Tenant != m.Depositor {
		return ErrInvalidField.Wrap("tenant: a grant pays into the account of who signs: leave it empty")
	}
	if m.Granter != "" {
		return validatePositive("amount", m.Amount)
	}
	return positive("amount", m.Amount, validateCoin)
}

// Validate checks what can be checked without state.
func (m *MsgWithdrawDeposit) Validate() error { return validateCoin("amount", m.Amount) }

// Validate checks what can be checked without state.
func (m *MsgRefreshOffers) Validate() error {
	if len(m.ContainerIds) == 0 || len(m.ContainerIds) > MaxOffers {
		return ErrInvalidField.Wrapf("container_ids: %d: want 1 to %d", len(m.ContainerIds), MaxOffers)
	}
	return validateUnique("container_ids", m.ContainerIds)
}

// Validate checks what can be checked without state.
func (m *MsgCreateLease) Validate() error {
	if m.Count > MaxGang {
		return ErrInvalidField.Wrapf("count: %d: want at most %d Containers in a gang", m.Count, MaxGang)
	}
	if most := max(MaxCandidates, 2*m.Containers()); len(m.Candidates) > most {
		return ErrInvalidField.Wrapf("candidates: %d: want at most %d", len(m.Candidates), most)
	}
	if err := validateUnique("candidates", m.Candidates); err != nil {
		return err
	}
	if err := m.Wanted().Validate(); err != nil {
		return err
	}
	if m.Wanted().Class == "" && len(m.Candidates) < m.Containers() {
		return ErrInvalidField.Wrapf("requirement.class: empty, with %d candidates for %d Containers: name a class, or more candidates",
			len(m.Candidates), m.Containers())
	}
	if err := validatePriceDenom(m.PriceDenom); err != nil {
		return err
	}
	if err := m.validatePayer(); err != nil {
		return err
	}
	if err := m.validateGateway(); err != nil {
		return err
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
	if m.MaxMinCharge < 0 {
		return ErrInvalidField.Wrapf("max_min_charge: %s: want 0 (any) or more", m.MaxMinCharge)
	}
	if err := m.validateCare(); err != nil {
		return err
	}
	if err := m.validateMode(); err != nil {
		return err
	}
	if m.Quote != nil {
		return m.Quote.Validate()
	}
	return nil
}

// validateCare checks what the tenant wants to happen when a Container or the money fails.
func (m *MsgCreateLease) validateCare() error {
	switch {
	case m.Standbys > MaxStandbys:
		return ErrInvalidField.Wrapf("standbys: %d: want at most %d", m.Standbys, MaxStandbys)
	case m.Standbys > 0 && m.Containers() > 1:
		return ErrInvalidField.Wrapf("standbys: %d for a gang: lease single Containers with standbys, or a larger gang", m.Standbys)
	case m.Priority > MaxPriority:
		return ErrInvalidField.Wrapf("priority: %d: want 0 to %d", m.Priority, MaxPriority)
	case m.Grace < 0 || m.Grace > MaxGrace:
		return ErrInvalidField.Wrapf("grace: %s: want 0 to %s", m.Grace, MaxGrace)
	}
	return validatePolicy(m.Failover)
}

func validatePolicy(p FailoverPolicy) error {
	if _, known := FailoverPolicy_name[int32(p)]; !known {
		return ErrInvalidField.Wrapf("failover: %d is no policy", p)
	}
	return nil
}

// Validate checks what can be checked without state.
func (m *MsgUpdateLease) Validate() error {
	switch {
	case len(m.ManifestHash) != 0 && len(m.ManifestHash) != sha256.Size:
		return ErrInvalidField.Wrapf("manifest_hash: %d bytes: want none, or the SHA-256 of the canonical manifest, %d", len(m.ManifestHash), sha256.Size)
	case m.Completes && len(m.ManifestHash) == 0:
		return ErrInvalidField.Wrap("completes: says something of a new manifest: name its manifest_hash")
	case m.ExtendBy < 0 || m.ExtendBy > MaxTerm:
		return ErrInvalidField.Wrapf("extend_by: %s: want 0 to %s", m.ExtendBy, MaxTerm)
	case m.PriorityPlusOne > MaxPriority+1:
		return ErrInvalidField.Wrapf("priority_plus_one: %d: want 0 to %d", m.PriorityPlusOne, MaxPriority+1)
	case len(m.ManifestHash) == 0 && m.ExtendBy == 0 && m.PriorityPlusOne == 0 && m.Failover == FailoverPolicy_FAILOVER_POLICY_UNSPECIFIED:
		return ErrInvalidField.Wrap("nothing to change: name a manifest_hash, extend_by, failover or priority_plus_one")
	}
	return validatePolicy(m.Failover)
}

// Validate checks what can be checked without state.
func (m *MsgResumeLease) Validate() error {
	if !hasCoin(m.Deposit) {
		return nil
	}
	return validateCoin("deposit", m.Deposit)
}

// Containers is how many Containers the message asks for, from 1.
func (m *MsgCreateLease) Containers() int { return int(max(1, m.Count)) }

// Validate checks what can be checked without state.
func (m *MsgCreateLeases) Validate() error {
	if len(m.Orders) == 0 || len(m.Orders) > MaxOrders {
		return ErrInvalidField.Wrapf("orders: %d: want 1 to %d", len(m.Orders), MaxOrders)
	}
	total := 0
	for i := range m.Orders {
		order := &m.Orders[i]
		if order.Tenant != "" && order.Tenant != m.Tenant {
			return ErrInvalidField.Wrapf("orders[%d].tenant: %q: want none, or the message's", i, clip(order.Tenant))
		}
		if order.HasDeposit() {
			return ErrInvalidField.Wrapf("orders[%d].deposit: %s: the message carries the deposit of all", i, show(order.Deposit.Amount))
		}
		if err := order.Validate(); err != nil {
			return errors.Wrapf(err, "orders[%d]", i)
		}
		if order.Gateway != m.Orders[0].Gateway || order.Gateway != "" && positiveCoin(m.Deposit) {
			return ErrInvalidField.Wrapf("orders[%d].gateway: %q: want that of the others, and no deposit with one: send one message per payer", i, clip(order.Gateway))
		}
		if pays := order.PaysIn(); pays != m.Orders[0].PaysIn() || hasCoin(m.Deposit) && m.Deposit.Denom != pays {
			return ErrForeignDenom.Wrapf("orders[%d]: is paid in %q: want the denom of the others and of the deposit: send one message per denom", i, clip(pays))
		}
		total += order.Containers()
	}
	if total > MaxGang {
		return ErrInvalidField.Wrapf("orders: %d leases in all: want at most %d in one message", total, MaxGang)
	}
	if !hasCoin(m.Deposit) {
		return nil
	}
	return validateCoin("deposit", m.Deposit)
}

// Wanted is the requirement, the empty one where none was sent.
func (m *MsgCreateLease) Wanted() Requirement {
	if m.Requirement == nil {
		return Requirement{}
	}
	return *m.Requirement
}

// Demand is what the message asks for, for the tenant whose account pays.
func (m *MsgCreateLease) Demand(tenant string) Demand {
	return Demand{Tenant: tenant, Mode: m.Mode.Normal(), Denom: PriceDenom(m.PriceDenom), MaxRate: m.MaxRate, Duration: m.Duration, MaxMinCharge: m.MaxMinCharge, Requirement: m.Wanted()}
}

// HasDeposit says whether the message carries an amount, be it a bad one.
func (m *MsgCreateLease) HasDeposit() bool { return hasCoin(m.Deposit) }

func hasCoin(coin sdk.Coin) bool {
	return coin.Denom != "" || (!coin.Amount.IsNil() && !coin.Amount.IsZero())
}

// Validate checks what can be checked without state.
func (m *MsgCloseLease) Validate() error {
	if _, known := CloseReason_name[int32(m.Reason)]; !known {
		return ErrReasonNotAllowed.Wrapf("reason: %d is not a reason", m.Reason)
	}
	if len(m.ExitCodes) > MaxExitCodes {
		return ErrInvalidField.Wrapf("exit_codes: %d: want at most %d", len(m.ExitCodes), MaxExitCodes)
	}
	if m.Statement != nil {
		return m.Statement.Validate()
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

// PriceDenom is the denom that prices are in where it may be left out.
func PriceDenom(denom string) string {
	if denom == "" {
		return athtypes.Denom
	}
	return denom
}

func validatePriceDenom(denom string) error {
	if denom == MicroUSD {
		return nil
	}
	return validateDenom("price_denom", PriceDenom(denom))
}

func validateRate(field string, rate math.Int) error {
	if rate.IsNil() || !rate.IsPositive() || rate.GT(MaxRate) {
		return ErrInvalidField.Wrapf("%s: %s: want 1 to %s, in millionths per second", field, show(rate), MaxRate)
	}
	return nil
}

// validateCoin accepts amounts from 0 of whatever could pay for leases.
func validateCoin(field string, coin sdk.Coin) error {
	if err := validateDenom(field, coin.Denom); err != nil {
		return err
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
