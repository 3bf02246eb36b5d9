// SPDX-License-Identifier: Apache-2.0

package types

import "cosmossdk.io/errors"

// Codes are hashed into block results: append only, one decade per topic, never 0 or 1.
var (
	// ErrInvalidLeaseID: a lease id is not "tenant/number".
	ErrInvalidLeaseID = errors.Register(ModuleName, 2, "invalid lease id")
)
