// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"errors"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/ath/types"
)

// InitGenesis loads a state; that of a new chain opens epoch 1 and mints its emission here, so that the first block finds
// pools, Shares and stream as every later one does. x/bank's genesis must have run before: the rows are checked against
// the vault's account.
func (k *Keeper) InitGenesis(ctx sdk.Context, state *types.GenesisState) error {
	if err := state.Validate(); err != nil {
		return err
	}
	if err := k.importItems(ctx, state); err != nil {
		return err
	}
	if err := k.importRows(ctx, state); err != nil {
		return err
	}
	if err := k.importShares(ctx, state); err != nil {
		return err
	}
	if err := k.importStream(ctx, state); err != nil {
		return err
	}
	if err := k.importSigners(ctx, state); err != nil {
		return err
	}
	if err := k.importPrice(ctx, state); err != nil {
		return err
	}
	if state.New() {
		if err := k.begin(ctx, state); err != nil {
			return err
		}
	}
	return k.CheckInvariants(ctx)
}

// begin opens epoch 1.
func (k *Keeper) begin(ctx sdk.Context, state *types.GenesisState) error {
	epoch := types.Epoch{Number: 1, Start: state.Epoch.Start, Duration: state.Params.EpochDuration}
	if epoch.Start.IsZero() {
		epoch.Start = ctx.BlockTime()
	}
	if err := k.epoch.Set(ctx, epoch); err != nil {
		return err
	}
	if err := k.stream.Set(ctx, types.NewStream(epoch.Start)); err != nil {
		return err
	}
	for _, pool := range types.Pools() {
		if err := k.pools.Set(ctx, uint32(pool), types.NewPoolState(pool)); err != nil {
			return err
		}
	}
	if _, err := k.emit(ctx, state.Params, epoch); err != nil {
		return err
	}
	if err := k.grantDAO(ctx); err != nil {
		return err
	}
	// Rows of pools that genesis filled count as emitted; otherwise the pools' totals would not add up.
	for _, pool := range types.Pools() {
		if err := k.bookGrant(ctx, pool, state.Rows); err != nil {
			return err
		}
	}
	return nil
}

func (k *Keeper) bookGrant(ctx sdk.Context, pool types.Pool, rows []types.RowBalance) error {
	for _, balance := range rows {
		if balance.Row != types.PoolRow(pool) && balance.Row != types.EarnedRow(pool) {
			continue
		}
		totals, err := k.pools.Get(ctx, uint32(pool))
		if err != nil {
			return err
		}
		totals.Emitted = totals.Emitted.Add(balance.Amount)
		if err := k.pools.Set(ctx, uint32(pool), totals); err != nil {
			return err
		}
	}
	return nil
}

func (k *Keeper) importItems(ctx sdk.Context, state *types.GenesisState) error {
	minted := state.Minted
	if minted.IsZero() {
		minted = k.bank.GetSupply(ctx, types.Denom).Amount
	}
	if room := types.RemainingEmission(state.Epoch.Number); minted.Add(room).GT(math.NewInt(types.Cap)) {
		return types.ErrCapExceeded.Wrapf("%s are minted and %s will be; the cap is %d", minted, room, types.Cap)
	}
	for _, set := range []error{
		k.params.Set(ctx, state.Params),
		k.epoch.Set(ctx, state.Epoch),
		k.stream.Set(ctx, state.Stream),
		k.minted.Set(ctx, minted),
		k.burnt.Set(ctx, state.Burnt),
		k.closedEpoch.Set(ctx, state.ClosedEpoch),
		k.bonusUntil.Set(ctx, state.BonusUntil),
		k.daoGranted.Set(ctx, state.DaoGranted),
	} {
		if set != nil {
			return set
		}
	}
	if err := k.importRevenue(ctx, state); err != nil {
		return err
	}
	if err := k.importFees(ctx, state); err != nil {
		return err
	}
	return k.importBeacon(ctx, state)
}

func (k *Keeper) importRows(ctx sdk.Context, state *types.GenesisState) error {
	for i, balance := range state.Rows {
		key, err := k.rowKey(balance.Row)
		if err != nil {
			return types.ErrInvalidGenesis.Wrapf("rows[%d]: %s", i, err)
		}
		if err := k.rows.Set(ctx, key, balance.Amount); err != nil {
			return err
		}
	}
	for i, payout := range state.Payouts {
		beneficiary, err := k.addresses.StringToBytes(payout.Beneficiary)
		if err != nil {
			return types.ErrInvalidGenesis.Wrapf("payouts[%d].beneficiary: %s", i, err)
		}
		to, err := k.addresses.StringToBytes(payout.Payout)
		if err != nil {
			return types.ErrInvalidGenesis.Wrapf("payouts[%d].payout: %s", i, err)
		}
		if err := k.payouts.Set(ctx, beneficiary, to); err != nil {
			return err
		}
	}
	return nil
}

func (k *Keeper) importShares(ctx sdk.Context, state *types.GenesisState) error {
	for _, pool := range state.Pools {
		if err := k.pools.Set(ctx, uint32(pool.Pool), pool); err != nil {
			return err
		}
	}
	for _, share := range state.Shares {
		if err := k.shares.Set(ctx, collections.Join(uint32(share.Pool), share.Epoch), share); err != nil {
			return err
		}
	}
	for i, bar := range state.Bars {
		beneficiary, err := k.addresses.StringToBytes(bar.Beneficiary)
		if err != nil {
			return types.ErrInvalidGenesis.Wrapf("bars[%d].beneficiary: %s", i, err)
		}
		if err := k.bars.Set(ctx, collections.Join(uint32(bar.Pool), beneficiary), bar.Returned); err != nil {
			return err
		}
	}
	for i, position := range state.SharePositions {
		beneficiary, err := k.addresses.StringToBytes(position.Beneficiary)
		if err != nil {
			return types.ErrInvalidGenesis.Wrapf("share_positions[%d].beneficiary: %s", i, err)
		}
		if err := k.sharePositions.Set(ctx, collections.Join3(uint32(position.Pool), beneficiary, position.Epoch), position.Weight); err != nil {
			return err
		}
	}
	return nil
}

func (k *Keeper) importStream(ctx sdk.Context, state *types.GenesisState) error {
	for _, mark := range state.StreamMarks {
		if err := k.marks.Set(ctx, mark.Round, mark); err != nil {
			return err
		}
	}
	for _, group := range state.StreamGroups {
		if err := k.groups.Set(ctx, group.Group, group); err != nil {
			return err
		}
	}
	for i, position := range state.StreamPositions {
		beneficiary, err := k.addresses.StringToBytes(position.Beneficiary)
		if err != nil {
			return types.ErrInvalidGenesis.Wrapf("stream_positions[%d].beneficiary: %s", i, err)
		}
		if err := k.holders.Set(ctx, collections.Join(beneficiary, position.Holder)); err != nil {
			return err
		}
		if err := k.savePosition(ctx, position); err != nil {
			return err
		}
	}
	return nil
}

// ExportGenesis returns the whole state, every list in the order of its keys.
func (k *Keeper) ExportGenesis(ctx sdk.Context) (*types.GenesisState, error) {
	state := &types.GenesisState{}
	for _, export := range []func(sdk.Context, *types.GenesisState) error{k.exportItems, k.exportRows, k.exportShares, k.exportStream, k.exportBeacon, k.exportSigners, k.exportPrice, k.exportRevenue, k.exportFees} {
		if err := export(ctx, state); err != nil {
			return nil, err
		}
	}
	return state, nil
}

func (k *Keeper) exportItems(ctx sdk.Context, state *types.GenesisState) error {
	var errs [8]error
	state.Params, errs[0] = k.params.Get(ctx)
	state.Epoch, errs[1] = k.epoch.Get(ctx)
	state.Stream, errs[2] = k.stream.Get(ctx)
	state.Minted, errs[3] = k.minted.Get(ctx)
	state.Burnt, errs[4] = k.burnt.Get(ctx)
	state.ClosedEpoch, errs[5] = k.closedEpoch.Get(ctx)
	state.BonusUntil, errs[6] = k.bonusUntil.Get(ctx)
	state.DaoGranted, errs[7] = k.daoGranted.Get(ctx)
	return errors.Join(errs[:]...)
}

func (k *Keeper) exportRows(ctx sdk.Context, state *types.GenesisState) error {
	err := k.rows.Walk(ctx, nil, func(key rowKey, amount math.Int) (bool, error) {
		balance, err := k.rowBalance(key, amount)
		state.Rows = append(state.Rows, balance)
		return false, err
	})
	if err != nil {
		return err
	}
	return k.payouts.Walk(ctx, nil, func(beneficiary, to []byte) (bool, error) {
		payout := types.Payout{}
		var err error
		if payout.Beneficiary, err = k.addresses.BytesToString(beneficiary); err != nil {
			return true, err
		}
		payout.Payout, err = k.addresses.BytesToString(to)
		state.Payouts = append(state.Payouts, payout)
		return false, err
	})
}

func (k *Keeper) exportShares(ctx sdk.Context, state *types.GenesisState) error {
	err := k.pools.Walk(ctx, nil, func(_ uint32, pool types.PoolState) (bool, error) {
		state.Pools = append(state.Pools, pool)
		return false, nil
	})
	if err != nil {
		return err
	}
	err = k.shares.Walk(ctx, nil, func(_ shareKey, share types.Share) (bool, error) {
		state.Shares = append(state.Shares, share)
		return false, nil
	})
	if err != nil {
		return err
	}
	err = k.bars.Walk(ctx, nil, func(key barKey, returned math.Int) (bool, error) {
		beneficiary, err := k.addresses.BytesToString(key.K2())
		state.Bars = append(state.Bars, types.Bar{Pool: types.Pool(key.K1()), Beneficiary: beneficiary, Returned: returned})
		return false, err
	})
	if err != nil {
		return err
	}
	return k.sharePositions.Walk(ctx, nil, func(key stakeKey, weight math.Int) (bool, error) {
		beneficiary, err := k.addresses.BytesToString(key.K2())
		state.SharePositions = append(state.SharePositions, types.SharePosition{
			Pool: types.Pool(key.K1()), Beneficiary: beneficiary, Epoch: key.K3(), Weight: weight,
		})
		return false, err
	})
}

func (k *Keeper) exportStream(ctx sdk.Context, state *types.GenesisState) error {
	err := k.marks.Walk(ctx, nil, func(_ uint64, mark types.StreamMark) (bool, error) {
		state.StreamMarks = append(state.StreamMarks, mark)
		return false, nil
	})
	if err != nil {
		return err
	}
	err = k.groups.Walk(ctx, nil, func(_ uint64, group types.StreamGroup) (bool, error) {
		state.StreamGroups = append(state.StreamGroups, group)
		return false, nil
	})
	if err != nil {
		return err
	}
	return k.positions.Walk(ctx, nil, func(_ uint64, position types.StreamPosition) (bool, error) {
		state.StreamPositions = append(state.StreamPositions, position)
		return false, nil
	})
}

func (k *Keeper) importSigners(ctx sdk.Context, state *types.GenesisState) error {
	for i, signer := range state.Signers {
		if _, err := k.validators.ValidatorAddressCodec().StringToBytes(signer.Operator); err != nil {
			return types.ErrInvalidGenesis.Wrapf("signers[%d].operator: %s", i, err)
		}
		if err := k.saveSigner(ctx, signer); err != nil {
			return err
		}
	}
	return nil
}

func (k *Keeper) exportSigners(ctx sdk.Context, state *types.GenesisState) error {
	return k.signers.Walk(ctx, nil, func(_ []byte, signer types.Signer) (bool, error) {
		state.Signers = append(state.Signers, signer)
		return false, nil
	})
}
