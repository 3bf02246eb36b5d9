// SPDX-License-Identifier: Apache-2.0

package keeper_test

import (
	checktypes "github.com/athnet/ath/x/checks/types"
	leasetypes "github.com/athnet/ath/x/leases/types"
	"github.com/athnet/ath/x/providers/keeper"
)

var (
	_ leasetypes.Providers = (*keeper.Keeper)(nil)
	_ checktypes.Providers = (*keeper.Keeper)(nil)
)
