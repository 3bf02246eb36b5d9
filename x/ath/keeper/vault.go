// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"errors"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/ath/types"
)

// Deposit moves coins from a bank account into a row; visible in the row at once.
//
// x/bank credits the vault's account virtually, at the end of the block, so that deposits of different users write no
// common key. Until then the account holds less than the sum of its rows. Within the block that matters to Withdraw
// only, which checks it; x/ath's own EndBlock, which burns and distributes, must run after x/bank's.
func (k *Keeper) Deposit(ctx sdk.Context, from sdk.AccAddress, to types.Row, amount math.Int) error {
	key, err := k.amountOfRow(to, amount)
	if err != nil {
		return err
	}
	coins := sdk.NewCoins(sdk.NewCoin(to.Denom, amount))
	if err := k.bank.SendCoinsFromAccountToModuleVirtual(ctx, from, types.ModuleName, coins); err != nil {
		return err
	}
	return k.creditRow(ctx, to.Kind, key, amount)
}

// DepositRows is Deposit of many rows of uath at once: the account is debited a single time.
func (k *Keeper) DepositRows(ctx sdk.Context, from sdk.AccAddress, rows []types.RowBalance) error {
	sum := math.ZeroInt()
	for i, row := range rows {
		key, err := k.amountOfRow(row.Row, row.Amount)
		if err == nil && row.Row.Denom != types.Denom {
			err = types.ErrInvalidRow.Wrapf("denom is %s; want %s", row.Row.Denom, types.Denom)
		}
		if err != nil {
			return types.ErrInvalidRow.Wrapf("rows[%d]: %s", i, err)
		}
		if err := k.creditRow(ctx, row.Row.Kind, key, row.Amount); err != nil {
			return err
		}
		sum = sum.Add(row.Amount)
	}
	if err := types.ValidateAmount(sum); err != nil {
		return err
	}
	return k.bank.SendCoinsFromAccountToModuleVirtual(ctx, from, types.ModuleName, sdk.NewCoins(sdk.NewCoin(types.Denom, sum)))
}

// Withdraw pays coins of a row to a bank account. Coins that somebody deposited in this very block are in the row, but
// not yet in the vault's account: where the account is short for that reason the answer is ErrCoinsInFlight.
func (k *Keeper) Withdraw(ctx sdk.Context, from types.Row, to sdk.AccAddress, amount math.Int) error {
	key, err := k.amountOfRow(from, amount)
	if err != nil {
		return err
	}
	if err := k.debitRow(ctx, key, amount); err != nil {
		return err
	}
	return k.payOut(ctx, to, sdk.NewCoins(sdk.NewCoin(from.Denom, amount)))
}

// Move moves coins between two rows. The row that it takes from, and an owned row that it gives to, change at once;
// a row of the protocol is credited at the end of the block.
func (k *Keeper) Move(ctx sdk.Context, from, to types.Row, amount math.Int) error {
	fromKey, err := k.amountOfRow(from, amount)
	if err != nil {
		return err
	}
	toKey, err := k.rowKey(to)
	if err != nil {
		return err
	}
	if from.Denom != to.Denom {
		return types.ErrInvalidRow.Wrapf("can't move %s into a row of %s", from.Denom, to.Denom)
	}
	if err := k.debitRow(ctx, fromKey, amount); err != nil {
		return err
	}
	return k.creditRow(ctx, to.Kind, toKey, amount)
}

// RowAmount is what a row holds; zero for a row that does not exist. Credits of this block that EndBlock folds don't
// count yet.
func (k *Keeper) RowAmount(ctx sdk.Context, row types.Row) (math.Int, error) {
	key, err := k.rowKey(row)
	if err != nil {
		return math.Int{}, err
	}
	return k.rowAmount(ctx, key)
}

// HasRows says whether an owner has any row of a kind.
func (k *Keeper) HasRows(ctx sdk.Context, kind types.RowKind, owner sdk.AccAddress) (bool, error) {
	found := false
	err := k.rows.Walk(ctx, ownerRange(kind, owner), func(rowKey, math.Int) (bool, error) {
		found = true
		return true, nil
	})
	return found, err
}

// WithdrawRipe pays up to MaxWithdrawRows rows (kind, owner, bucket <= now), whose bucket is the unix second of their
// ripeness, to the bank account of `to`. It returns the uath that it paid and whether ripe rows are left.
func (k *Keeper) WithdrawRipe(ctx sdk.Context, kind types.RowKind, owner, to sdk.AccAddress) (math.Int, bool, error) {
	switch kind {
	case types.RowKind_ROW_KIND_UNBONDING, types.RowKind_ROW_KIND_LICENCE_UNBONDING:
	default:
		return math.Int{}, false, types.ErrInvalidRow.Wrapf("rows of %s don't ripen for this message", kind)
	}
	coins, more, err := k.withdrawRipe(ctx, []types.RowKind{kind}, owner, to)
	if err != nil {
		return math.Int{}, false, err
	}
	return coins.AmountOf(types.Denom), more, nil
}

// withdrawRipe pays ripe rows of several kinds, at most MaxWithdrawRows together.
func (k *Keeper) withdrawRipe(ctx sdk.Context, kinds []types.RowKind, owner, to sdk.AccAddress) (sdk.Coins, bool, error) {
	now, more := ripeSecond(ctx), false
	var keys []rowKey
	coins := sdk.NewCoins()
	for _, kind := range kinds {
		err := k.rows.Walk(ctx, ownerRange(kind, owner), func(key rowKey, amount math.Int) (bool, error) {
			if key.K3() > now {
				return true, nil
			}
			if len(keys) == types.MaxWithdrawRows {
				more = true
				return true, nil
			}
			keys, coins = append(keys, key), coins.Add(sdk.NewCoin(key.K4(), amount))
			return false, nil
		})
		if err != nil {
			return nil, false, err
		}
	}
	if len(keys) == 0 {
		return coins, false, nil
	}
	for _, key := range keys {
		if err := k.rows.Remove(ctx, key); err != nil {
			return nil, false, err
		}
	}
	return coins, more, k.payOut(ctx, to, coins)
}

// SetPayout redirects withdrawals of a beneficiary's income; an empty or equal payout removes the redirection.
func (k *Keeper) SetPayout(ctx sdk.Context, beneficiary, payout sdk.AccAddress) error {
	if beneficiary.Empty() {
		return types.ErrInvalidAddress.Wrap("beneficiary is empty")
	}
	var err error
	if payout.Empty() || payout.Equals(beneficiary) {
		payout = beneficiary
		err = k.payouts.Remove(ctx, beneficiary)
	} else {
		err = k.payouts.Set(ctx, beneficiary, payout)
	}
	if err != nil {
		return err
	}
	event := types.EventPayoutSet{}
	if event.Beneficiary, err = k.addresses.BytesToString(beneficiary); err != nil {
		return err
	}
	if event.Payout, err = k.addresses.BytesToString(payout); err != nil {
		return err
	}
	return types.Emit(ctx, &event)
}

func (k *Keeper) payout(ctx sdk.Context, beneficiary sdk.AccAddress) (sdk.AccAddress, error) {
	payout, err := k.payouts.Get(ctx, beneficiary)
	if errors.Is(err, collections.ErrNotFound) {
		return beneficiary, nil
	}
	return payout, err
}

// PayProvider takes amount from a prepaid row: the service fee is booked for the running epoch, the rest vests in the
// provider's fee ledger; delivery weight (and, with an indexer, Indexer weight) grows by the fee, where it is uath. All credits are deltas
// that EndBlock folds: the prepaid row is the only persistent key that a payment writes.
func (k *Keeper) PayProvider(ctx sdk.Context, from types.Row, provider, indexer sdk.AccAddress, amount math.Int) (math.Int, error) {
	zero := math.ZeroInt()
	if !amount.IsNil() && amount.IsZero() {
		return zero, nil
	}
	key, err := k.amountOfRow(from, amount)
	if err != nil {
		return zero, err
	}
	if provider.Empty() {
		return zero, types.ErrInvalidAddress.Wrap("provider is empty")
	}
	params, err := k.params.Get(ctx)
	if err != nil {
		return zero, err
	}
	epoch, err := k.epoch.Get(ctx)
	if err != nil {
		return zero, err
	}
	if err := k.debitRow(ctx, key, amount); err != nil {
		return zero, err
	}
	fee := params.ServiceFeeRoundedDown(amount)
	fees := newRowKey(types.RowKind_ROW_KIND_FEES_PENDING, nil, epoch.Number, from.Denom)
	if err := k.addRowDelta(ctx, fees, fee); err != nil {
		return zero, err
	}
	ripe := types.RipeBucket(ctx.BlockTime(), params.FeeVesting)
	income := newRowKey(types.RowKind_ROW_KIND_VESTING_FEES, provider, ripe, from.Denom)
	if err := k.addRowDelta(ctx, income, amount.Sub(fee)); err != nil {
		return zero, err
	}
	// Revenue is counted and rewards are weighed in uath; payments in another denom are neither.
	if from.Denom != types.Denom {
		return fee, k.addFeeDelta(ctx, provider, from.Denom, epoch.Number, fee)
	}
	if err := k.addDelta(ctx, []byte{types.DeltaRevenue}, amount); err != nil {
		return zero, err
	}
	if fee.IsZero() {
		return fee, nil
	}
	if err := k.addShareDelta(ctx, types.Pool_POOL_DELIVERY, provider, epoch.Number, fee); err != nil {
		return zero, err
	}
	if indexer.Empty() {
		return fee, nil
	}
	return fee, k.addShareDelta(ctx, types.Pool_POOL_INDEXER, indexer, epoch.Number, fee)
}

// payOut moves coins that rows no longer hold out of the vault's account.
func (k *Keeper) payOut(ctx sdk.Context, to sdk.AccAddress, coins sdk.Coins) error {
	if to.Empty() {
		return types.ErrInvalidAddress.Wrap("recipient is empty")
	}
	for _, coin := range coins {
		if held := k.bank.GetBalance(ctx, k.account, coin.Denom); held.IsLT(coin) {
			return types.ErrCoinsInFlight.Wrapf("%s are to be paid and %s are credited", coin, held)
		}
	}
	return k.bank.SendCoinsFromModuleToAccount(ctx, types.ModuleName, to, coins)
}
