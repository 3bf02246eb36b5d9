// SPDX-License-Identifier: Apache-2.0

package app

import (
	"fmt"

	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
	checkstypes "github.com/athnet/ath/x/checks/types"
	leasestypes "github.com/athnet/ath/x/leases/types"
	providerstypes "github.com/athnet/ath/x/providers/types"
)

// CheckInvariants checks the complete invariants of our modules, lowest first. They read whole stores: for tests and for
// `athd debug invariants`, never in a block.
func (k *Keepers) CheckInvariants(ctx sdk.Context) error {
	for _, m := range []struct {
		name  string
		check func(sdk.Context) error
	}{
		{athtypes.ModuleName, k.Ath.CheckInvariants},
		{providerstypes.ModuleName, k.Providers.CheckInvariants},
		{leasestypes.ModuleName, k.Leases.CheckInvariants},
		{checkstypes.ModuleName, k.Checks.CheckInvariants},
	} {
		if err := m.check(ctx); err != nil {
			return fmt.Errorf("invariants of x/%s: %w", m.name, err)
		}
	}
	return nil
}
