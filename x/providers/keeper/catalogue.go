// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"errors"

	"cosmossdk.io/collections"

	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
	"github.com/athnet/ath/x/providers/types"
)

// Params returns the parameters.
func (k *Keeper) Params(ctx sdk.Context) (types.Params, error) { return k.params.Get(ctx) }

// SetParams replaces the parameters.
func (k *Keeper) SetParams(ctx sdk.Context, p types.Params) error {
	if err := p.Validate(); err != nil {
		return err
	}
	return k.params.Set(ctx, p)
}

// Class returns an entry of the catalogue.
func (k *Keeper) Class(ctx sdk.Context, name string) (types.Class, error) {
	c, err := k.classes.Get(ctx, name)
	if errors.Is(err, collections.ErrNotFound) {
		return types.Class{}, types.ErrClassNotFound.Wrapf("class %.40q: see the catalogue with athd query providers classes", name)
	}
	return c, err
}

// SetClasses adds or replaces classes. The weight of a Container follows with its next heartbeat, so that nobody loops over
// Containers here; stakes that are bonded stay as they are.
func (k *Keeper) SetClasses(ctx sdk.Context, classes []types.Class) error {
	for _, c := range classes {
		if err := k.classes.Set(ctx, c.Name, c); err != nil {
			return err
		}
		if err := athtypes.Emit(ctx, &types.EventClassSet{Class: c}); err != nil {
			return err
		}
	}
	return nil
}
