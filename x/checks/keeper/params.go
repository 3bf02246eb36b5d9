// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/checks/types"
)

// Params returns the parameters.
func (k *Keeper) Params(ctx sdk.Context) (types.Params, error) { return k.params.Get(ctx) }

// SetParams validates and replaces the parameters. The running round keeps its committee size.
func (k *Keeper) SetParams(ctx sdk.Context, params types.Params) error {
	if err := params.Validate(); err != nil {
		return err
	}
	return k.params.Set(ctx, params)
}
