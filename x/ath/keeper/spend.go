// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/ath/types"
)

// Spend pays coins of the grants pool or the treasury to an account, at most what is there. What the grants pool pays counts as
// paid, like what every other pool credits to beneficiaries. ErrSpend, ErrInvalidAmount, ErrInvalidAddress.
func (k *Keeper) Spend(ctx sdk.Context, source types.SpendSource, recipient sdk.AccAddress, amount sdk.Coin) error {
	if err := types.ValidateSpend(source, amount); err != nil {
		return err
	}
	if recipient.Equals(k.account) {
		return types.ErrInvalidAddress.Wrap("recipient: is the vault, whose coins are all in rows")
	}
	text, err := k.addresses.BytesToString(recipient)
	if err != nil {
		return types.ErrInvalidAddress.Wrapf("recipient: %s", err)
	}
	row := types.TreasuryRow(amount.Denom)
	if source == types.SpendSource_SPEND_SOURCE_GRANTS {
		row = types.PoolRow(types.Pool_POOL_GRANTS)
	}
	held, err := k.RowAmount(ctx, row)
	if err != nil {
		return err
	}
	if amount.Amount.GT(held) {
		return types.ErrSpend.Wrapf("amount: %s are to be paid, %s holds %s%s; ask for less", amount, row.Kind, held, amount.Denom)
	}
	if source == types.SpendSource_SPEND_SOURCE_GRANTS {
		if err := k.countPaid(ctx, types.Pool_POOL_GRANTS, amount.Amount); err != nil {
			return err
		}
	}
	if err := k.Withdraw(ctx, row, recipient, amount.Amount); err != nil {
		return err
	}
	return types.Emit(ctx, &types.EventSpent{Source: source, Recipient: text, Amount: amount})
}

// countPaid counts what a pool paid. It writes the pool's totals at once: what users do in a block goes by addPaidDelta.
func (k *Keeper) countPaid(ctx sdk.Context, pool types.Pool, amount math.Int) error {
	state, err := k.pools.Get(ctx, uint32(pool))
	if err != nil {
		return err
	}
	state.Paid = state.Paid.Add(amount)
	return k.pools.Set(ctx, uint32(pool), state)
}
