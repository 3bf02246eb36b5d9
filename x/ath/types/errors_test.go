// SPDX-License-Identifier: Apache-2.0

package types

import (
	"testing"

	"cosmossdk.io/errors"
	"github.com/stretchr/testify/require"
)

// A code of 0 makes a failed transaction report success, and errors.Register only prints on a duplicate.
func TestErrorCodesAreUniqueAndAboveOne(t *testing.T) {
	seen := make(map[uint32]*errors.Error)
	for _, err := range []*errors.Error{
		ErrInvalidParams, ErrInvalidAddress, ErrInvalidGenesis, ErrInvariant,
		ErrInvalidAmount, ErrInvalidRow, ErrInsufficientRow, ErrCoinsInFlight,
		ErrInvalidPool, ErrInvalidWeight, ErrRoundOrder, ErrRoundUnknown, ErrRoundConfirmed, ErrPositionNotFound, ErrPositionGroup,
		ErrInvalidLedger, ErrNotBeneficiary, ErrTooMany,
		ErrCapExceeded,
		ErrUnknownSigner, ErrNoPrice,
		ErrHold,
	} {
		require.Greater(t, err.ABCICode(), uint32(1), err)
		require.Equal(t, ModuleName, err.Codespace())
		require.NotContains(t, seen, err.ABCICode(), err)
		seen[err.ABCICode()] = err
	}
}
