// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	sdk "github.com/cosmos/cosmos-sdk/types"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"

	"github.com/athnet/ath/x/ath/types"
)

// grantDAO remembers what the DAO's row holds when the chain begins: what streams is a part of that.
func (k *Keeper) grantDAO(ctx sdk.Context) error {
	granted, err := k.RowAmount(ctx, types.DAORow())
	if err != nil {
		return err
	}
	return k.daoGranted.Set(ctx, granted)
}

// streamDAO pays the DAO's part for the epoch that ends to stakers and treasury; without a grant it does nothing.
func (k *Keeper) streamDAO(ctx sdk.Context, params types.Params, ended uint64) error {
	granted, err := k.daoGranted.Get(ctx)
	if err != nil {
		return err
	}
	amount := types.DAOStream(granted, ended)
	if amount.IsZero() {
		return nil
	}
	key := newRowKey(types.RowKind_ROW_KIND_DAO, nil, 0, types.Denom)
	if err := k.debitRow(ctx, key, amount); err != nil {
		return err
	}
	stakers, treasury := params.DivideDAO(amount)
	if stakers.IsPositive() {
		coins := sdk.NewCoins(sdk.NewCoin(types.Denom, stakers))
		if err := k.bank.SendCoinsFromModuleToModule(ctx, types.ModuleName, authtypes.FeeCollectorName, coins); err != nil {
			return err
		}
	}
	if err := k.addRow(ctx, newRowKey(types.RowKind_ROW_KIND_TREASURY, nil, 0, types.Denom), treasury); err != nil {
		return err
	}
	return types.Emit(ctx, &types.EventDaoStreamed{Epoch: ended, Stakers: stakers, Treasury: treasury})
}

// checkDAO: the DAO's row holds what its schedule has not paid yet (A18).
func (k *Keeper) checkDAO(ctx sdk.Context) error {
	granted, err := k.daoGranted.Get(ctx)
	if err != nil {
		return err
	}
	epoch, err := k.epoch.Get(ctx)
	if err != nil {
		return err
	}
	held, err := k.RowAmount(ctx, types.DAORow())
	if err != nil {
		return err
	}
	if left := types.DAORemaining(granted, epoch.Number-1); !held.Equal(left) {
		return types.ErrInvariant.Wrapf("the DAO was granted %s and holds %s in epoch %d; it must be %s", granted, held, epoch.Number, left)
	}
	return nil
}
