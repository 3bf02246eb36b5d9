// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"context"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"
	stakingtypes "github.com/cosmos/cosmos-sdk/x/staking/types"

	"github.com/athnet/ath/x/ath/types"
)

// Delegator is the part of x/staking that takes a delegation: its message server.
type Delegator interface {
	Delegate(ctx context.Context, msg *stakingtypes.MsgDelegate) (*stakingtypes.MsgDelegateResponse, error)
}

// WithdrawAndStake pays ripe income to the beneficiary and delegates the uath of it to a validator. Coins that go to another
// address can't be staked for the beneficiary.
func (k *Keeper) WithdrawAndStake(ctx sdk.Context, beneficiary sdk.AccAddress, validator string) (coins sdk.Coins, staked math.Int, more bool, err error) {
	staked = math.ZeroInt()
	to, err := k.payout(ctx, beneficiary)
	if err != nil {
		return nil, staked, false, err
	}
	if !to.Equals(beneficiary) {
		return nil, staked, false, types.ErrStake.Wrap("the income is paid to another address; remove the payout address first")
	}
	if coins, more, err = k.WithdrawIncome(ctx, beneficiary); err != nil {
		return nil, staked, false, err
	}
	if staked = coins.AmountOf(types.Denom); staked.IsZero() {
		return coins, staked, more, nil
	}
	delegator, err := k.addresses.BytesToString(beneficiary)
	if err != nil {
		return nil, staked, false, err
	}
	_, err = k.staking.Delegate(ctx, &stakingtypes.MsgDelegate{
		DelegatorAddress: delegator, ValidatorAddress: validator, Amount: sdk.NewCoin(types.Denom, staked),
	})
	return coins, staked, more, err
}
