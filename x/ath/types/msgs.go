// SPDX-License-Identifier: Apache-2.0

package types

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
	if len(m.Containers) > MaxClaimContainers {
		return ErrTooMany.Wrapf("containers: %d; at most %d per message", len(m.Containers), MaxClaimContainers)
	}
	return nil
}
