// SPDX-License-Identifier: Apache-2.0

package types

import (
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"
)

// MaxAmount bounds what one deposit can bring in. A foreign chain may mint up to 2^256-1 of its denom; with this bound
// no product of a row with parts per million can leave math.Int's 256 bits, which would panic.
var MaxAmount = math.NewIntFromUint64(1 << 63).Mul(math.NewIntFromUint64(1 << 63))

// ValidateAmount says whether an amount may be moved: positive and at most MaxAmount.
func ValidateAmount(amount math.Int) error {
	if amount.IsNil() || !amount.IsPositive() {
		return ErrInvalidAmount.Wrapf("amount is %s; it must be positive", amount)
	}
	if amount.GT(MaxAmount) {
		return ErrInvalidAmount.Wrapf("amount is %s; at most %s", amount, MaxAmount)
	}
	return nil
}

// Owned says whether rows of this kind belong to one account; all others belong to the protocol.
func (k RowKind) Owned() bool {
	switch k {
	case RowKind_ROW_KIND_FEES_PENDING, RowKind_ROW_KIND_POOL, RowKind_ROW_KIND_SLA_FUND, RowKind_ROW_KIND_TREASURY, RowKind_ROW_KIND_EARNED,
		RowKind_ROW_KIND_DAO:
		return false
	default:
		return true
	}
}

// Valid says whether the kind exists.
func (k RowKind) Valid() bool {
	_, known := RowKind_name[int32(k)]
	return known && k != RowKind_ROW_KIND_UNSPECIFIED
}

// Validate checks a row's form; whether owner is an address of this chain is the keeper's to say.
func (r Row) Validate() error {
	if !r.Kind.Valid() {
		return ErrInvalidRow.Wrapf("kind %d does not exist", r.Kind)
	}
	if r.Kind.Owned() != (r.Owner != "") {
		return ErrInvalidRow.Wrapf("owner %q does not go with %s", r.Owner, r.Kind)
	}
	if err := sdk.ValidateDenom(r.Denom); err != nil {
		return ErrInvalidRow.Wrapf("denom: %s", err)
	}
	return nil
}

// PoolRow holds what was emitted into a pool and is not promised to anybody yet.
func PoolRow(pool Pool) Row {
	return Row{Kind: RowKind_ROW_KIND_POOL, Bucket: uint64(pool), Denom: Denom}
}

// EarnedRow holds what a pool has promised and not yet credited.
func EarnedRow(pool Pool) Row {
	return Row{Kind: RowKind_ROW_KIND_EARNED, Bucket: uint64(pool), Denom: Denom}
}

// DAORow holds what the DAO's allocation has not streamed yet.
func DAORow() Row { return Row{Kind: RowKind_ROW_KIND_DAO, Denom: Denom} }

// TreasuryRow holds the treasury's coins of a denom.
func TreasuryRow(denom string) Row { return Row{Kind: RowKind_ROW_KIND_TREASURY, Denom: denom} }

// FeesPendingRow holds the service fees of an epoch.
func FeesPendingRow(epoch uint64, denom string) Row {
	return Row{Kind: RowKind_ROW_KIND_FEES_PENDING, Bucket: epoch, Denom: denom}
}

// OwedRow holds what a beneficiary has earned in a ledger and not yet claimed.
func OwedRow(beneficiary string, ledger Ledger) Row {
	return Row{Kind: RowKind_ROW_KIND_OWED, Owner: beneficiary, Bucket: uint64(ledger), Denom: Denom}
}

// VestingRow holds income of a ledger that ripens at a unix second.
func VestingRow(beneficiary string, ledger Ledger, ripe uint64, denom string) Row {
	return Row{Kind: ledger.VestingKind(), Owner: beneficiary, Bucket: ripe, Denom: denom}
}
