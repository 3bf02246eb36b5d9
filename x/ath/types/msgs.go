// SPDX-License-Identifier: Apache-2.0

package types

import (
	"cmp"
	"slices"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"
)

const (
	// MaxClaimContainers bounds the positions that one MsgClaim settles; the proto comment of the field says so too.
	MaxClaimContainers = 500
	// MaxWithdrawRows bounds the vesting rows that one MsgWithdraw pays; the response says whether there are more.
	MaxWithdrawRows = 200
)

// Validate checks what needs no state; addresses are the keeper's to parse.
func (m *MsgClaim) Validate() error {
	if len(m.Ledgers) > len(ClaimableLedgers()) {
		return ErrTooMany.Wrapf("ledgers: %d; there are %d", len(m.Ledgers), len(ClaimableLedgers()))
	}
	for i, ledger := range m.Ledgers {
		if ledger == Ledger_LEDGER_FEES {
			return ErrInvalidLedger.Wrapf("ledgers[%d]: %s vests from settlement; send MsgWithdraw when it is ripe", i, ledger)
		}
		if !ledger.Claimable() {
			return ErrInvalidLedger.Wrapf("ledgers[%d]: %d does not exist", i, ledger)
		}
		for _, other := range m.Ledgers[:i] {
			if other == ledger {
				return ErrInvalidLedger.Wrapf("ledgers[%d]: %s is named twice", i, ledger)
			}
		}
	}
	if err := m.validateExits(); err != nil {
		return err
	}
	if len(m.Containers) > MaxClaimContainers {
		return ErrTooMany.Wrapf("containers: %d; at most %d per message", len(m.Containers), MaxClaimContainers)
	}
	return nil
}

func (m *MsgClaim) validateExits() error {
	if len(m.Exits) > len(ClaimableLedgers()) {
		return ErrTooMany.Wrapf("exits: %d; there are %d ledgers", len(m.Exits), len(ClaimableLedgers()))
	}
	for i, exit := range m.Exits {
		if !exit.Ledger.Claimable() || len(m.Ledgers) > 0 && !slices.Contains(m.Ledgers, exit.Ledger) {
			return ErrInvalidLedger.Wrapf("exits[%d]: %s is not claimed", i, exit.Ledger)
		}
		for _, other := range m.Exits[:i] {
			if other.Ledger == exit.Ledger {
				return ErrInvalidLedger.Wrapf("exits[%d]: %s is named twice", i, exit.Ledger)
			}
		}
	}
	return nil
}

// Validate checks what needs no state.
func (m *MsgExit) Validate() error {
	if m.Ledger.VestingKind() == RowKind_ROW_KIND_UNSPECIFIED {
		return ErrInvalidLedger.Wrapf("ledger: %d does not exist", m.Ledger)
	}
	if m.Denom != "" {
		if err := sdk.ValidateDenom(m.Denom); err != nil {
			return ErrInvalidRow.Wrapf("denom: %s", err)
		}
	}
	if !m.MaxAmount.IsNil() && (m.MaxAmount.IsNegative() || m.MaxAmount.GT(MaxAmount)) {
		return ErrInvalidAmount.Wrapf("max_amount is %s; 0 to %s", m.MaxAmount, MaxAmount)
	}
	return nil
}

// Limit is the most that leaves; zero for everything.
func (m *MsgExit) Limit() math.Int {
	if m.MaxAmount.IsNil() {
		return math.ZeroInt()
	}
	return m.MaxAmount
}

// ExitDenom is the denom that leaves.
func (m *MsgExit) ExitDenom() string { return cmp.Or(m.Denom, Denom) }

// ValidateSpend checks what needs no state of a payment by governance.
func ValidateSpend(source SpendSource, amount sdk.Coin) error {
	if source != SpendSource_SPEND_SOURCE_GRANTS && source != SpendSource_SPEND_SOURCE_TREASURY {
		return ErrSpend.Wrapf("source: %d does not exist; want grants or treasury", source)
	}
	if err := sdk.ValidateDenom(amount.Denom); err != nil {
		return ErrSpend.Wrapf("amount: %s", err)
	}
	if source == SpendSource_SPEND_SOURCE_GRANTS && amount.Denom != Denom {
		return ErrSpend.Wrapf("amount: the grants pool holds %s, not %s", Denom, amount.Denom)
	}
	return ValidateAmount(amount.Amount)
}
