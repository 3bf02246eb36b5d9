// SPDX-License-Identifier: Apache-2.0

package types

import (
	"testing"

	"cosmossdk.io/errors"
	"github.com/stretchr/testify/require"
)

// errors.Register only prints on a duplicate, and a code of 0 or 1 would make a failed transaction look well or internal.
func TestErrorCodesAreUniqueAndAboveOne(t *testing.T) {
	seen := map[uint32]string{}
	for _, err := range []*errors.Error{
		ErrInvalidLeaseID, ErrLeaseNotFound, ErrLeaseClosed, ErrReasonNotAllowed, ErrUnauthorized, ErrNoMatch, ErrTooManyLeases,
		ErrOfferNotFound, ErrInvalidOffer, ErrContainerRetired, ErrInsufficientDeposit, ErrForeignDenom, ErrInvalidAmount,
		ErrInsufficientFree, ErrAccountExhausted, ErrInvalidQuote, ErrQuoteExpired, ErrQuoteUsed, ErrInvalidUsage, ErrUsageSequence,
		ErrUsageSignature, ErrInvalidParams, ErrInvalidGenesis, ErrInvariant, ErrInvalidField,
	} {
		require.Equal(t, ModuleName, err.Codespace())
		require.Greater(t, err.ABCICode(), uint32(1), err.Error())
		require.Empty(t, seen[err.ABCICode()], err.Error())
		seen[err.ABCICode()] = err.Error()
	}
}
