// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	errorsmod "cosmossdk.io/errors"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/ath/types"
)

// Claim moves what a beneficiary's ledgers have earned into vesting, after settling the capacity of the given
// containers and the ledgers' closed epochs. No ledgers means all. What would ripen later than a chosen exit leaves early
// instead; only the beneficiary may choose one.
func (k *Keeper) Claim(
	ctx sdk.Context, beneficiary sdk.AccAddress, ledgers []types.Ledger, containers []uint64, exits []types.ClaimExit,
) (types.MsgClaimResponse, error) {
	zero := math.ZeroInt()
	sum := types.MsgClaimResponse{Claimed: zero, Ripe: zero, Exited: zero, Penalty: zero}
	params, err := k.params.Get(ctx)
	if err != nil {
		return sum, err
	}
	if err := k.settleContainers(ctx, beneficiary, containers); err != nil {
		return sum, err
	}
	if len(ledgers) == 0 {
		ledgers = types.ClaimableLedgers()
	}
	for _, ledger := range ledgers {
		for _, pool := range ledger.Pools() {
			if err := k.settleShares(ctx, pool, beneficiary); err != nil {
				return sum, err
			}
		}
		vests, err := k.takeOwed(ctx, params, beneficiary, ledger)
		if err != nil {
			return sum, err
		}
		for _, vest := range vests {
			sum.Claimed = sum.Claimed.Add(vest.Amount)
			if vest.Bucket <= ripeSecond(ctx) {
				sum.Ripe = sum.Ripe.Add(vest.Amount)
			}
		}
		for i, exit := range exits {
			if exit.Ledger != ledger || len(vests) == 0 {
				continue
			}
			left, kept, err := k.exitClaim(ctx, params, beneficiary, exit, vests)
			if err != nil {
				return sum, errorsmod.Wrapf(err, "exits[%d]", i)
			}
			vests, sum.Exited, sum.Penalty = kept, sum.Exited.Add(left.Amount), sum.Penalty.Add(left.Penalty)
		}
		for _, vest := range vests {
			if err := k.addRow(ctx, newRowKey(ledger.VestingKind(), beneficiary, vest.Bucket, types.Denom), vest.Amount); err != nil {
				return sum, err
			}
		}
	}
	return sum, nil
}

// exitClaim lets a part of a claim leave early and returns what still vests.
func (k *Keeper) exitClaim(
	ctx sdk.Context, params types.Params, beneficiary sdk.AccAddress, chosen types.ClaimExit, vests []types.Vest,
) (types.Exit, []types.Vest, error) {
	option, err := params.Exit(chosen.Ledger, chosen.Delay, chosen.PenaltyPpm)
	if err != nil {
		return types.Exit{}, nil, err
	}
	exit, kept := types.ExitClaim(vests, option, ctx.BlockTime())
	if exit.Amount.IsZero() {
		return exit, nil, types.ErrNothingToExit.Wrapf("all that %s claims ripens before an exit would pay", chosen.Ledger)
	}
	return exit, kept, k.bookExit(ctx, beneficiary, chosen.Ledger, types.Denom, exit)
}

// WithdrawIncome pays ripe income of a beneficiary to its payout address; true where ripe rows are left.
func (k *Keeper) WithdrawIncome(ctx sdk.Context, beneficiary sdk.AccAddress) (sdk.Coins, bool, error) {
	to, err := k.payout(ctx, beneficiary)
	if err != nil {
		return nil, false, err
	}
	coins, more, err := k.withdrawRipe(ctx, append(types.VestingKinds(), types.RowKind_ROW_KIND_EXITING), beneficiary, to)
	if err != nil || coins.IsZero() {
		return coins, more, err
	}
	address, err := k.addresses.BytesToString(beneficiary)
	if err != nil {
		return nil, false, err
	}
	return coins, more, types.Emit(ctx, &types.EventWithdrawn{Beneficiary: address, Amount: coins.String()})
}

func (k *Keeper) settleContainers(ctx sdk.Context, beneficiary sdk.AccAddress, containers []uint64) error {
	address, err := k.addresses.BytesToString(beneficiary)
	if err != nil {
		return err
	}
	for i, container := range containers {
		position, err := k.settlePosition(ctx, container)
		if err != nil {
			return errorsmod.Wrapf(err, "containers[%d]", i)
		}
		if position.Beneficiary != address {
			return types.ErrNotBeneficiary.Wrapf("containers[%d]: container %d earns for %s", i, container, position.Beneficiary)
		}
		if err := k.savePosition(ctx, position); err != nil {
			return err
		}
	}
	return nil
}

// takeOwed empties a ledger's row and divides what it held by the ledger's schedule.
func (k *Keeper) takeOwed(ctx sdk.Context, params types.Params, beneficiary sdk.AccAddress, ledger types.Ledger) ([]types.Vest, error) {
	owed := newRowKey(types.RowKind_ROW_KIND_OWED, beneficiary, uint64(ledger), types.Denom)
	amount, err := k.rowAmount(ctx, owed)
	if err != nil || amount.IsZero() {
		return nil, err
	}
	if err := k.rows.Remove(ctx, owed); err != nil {
		return nil, err
	}
	address, err := k.addresses.BytesToString(beneficiary)
	if err != nil {
		return nil, err
	}
	event := types.EventClaimed{Beneficiary: address, Ledger: ledger, Amount: amount}
	return types.VestClaim(params.Vesting(ledger), ctx.BlockTime(), amount), types.Emit(ctx, &event)
}
