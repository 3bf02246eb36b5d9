// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	errorsmod "cosmossdk.io/errors"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/ath/types"
)

// Claim moves what a beneficiary's ledgers have earned into vesting, after settling the capacity of the given
// containers and the ledgers' closed epochs. No ledgers means all. It returns what was claimed and what of it is ripe.
func (k *Keeper) Claim(ctx sdk.Context, beneficiary sdk.AccAddress, ledgers []types.Ledger, containers []uint64) (claimed, ripe math.Int, err error) {
	claimed, ripe = math.ZeroInt(), math.ZeroInt()
	params, err := k.params.Get(ctx)
	if err != nil {
		return claimed, ripe, err
	}
	if err := k.settleContainers(ctx, beneficiary, containers); err != nil {
		return claimed, ripe, err
	}
	if len(ledgers) == 0 {
		ledgers = types.ClaimableLedgers()
	}
	for _, ledger := range ledgers {
		if pool := ledger.Pool(); pool.Shared() {
			if err := k.settleShares(ctx, pool, beneficiary); err != nil {
				return claimed, ripe, err
			}
		}
		vests, err := k.vestLedger(ctx, params, beneficiary, ledger)
		if err != nil {
			return claimed, ripe, err
		}
		for _, vest := range vests {
			claimed = claimed.Add(vest.Amount)
			if vest.Bucket <= ripeSecond(ctx) {
				ripe = ripe.Add(vest.Amount)
			}
		}
	}
	return claimed, ripe, nil
}

// WithdrawIncome pays ripe income of a beneficiary to its payout address; true where ripe rows are left.
func (k *Keeper) WithdrawIncome(ctx sdk.Context, beneficiary sdk.AccAddress) (sdk.Coins, bool, error) {
	to, err := k.payout(ctx, beneficiary)
	if err != nil {
		return nil, false, err
	}
	coins, more, err := k.withdrawRipe(ctx, types.VestingKinds(), beneficiary, to)
	if err != nil || coins.IsZero() {
		return coins, more, err
	}
	address, err := k.addresses.BytesToString(beneficiary)
	if err != nil {
		return nil, false, err
	}
	return coins, more, ctx.EventManager().EmitTypedEvent(&types.EventWithdrawn{Beneficiary: address, Amount: coins.String()})
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

// vestLedger empties a ledger's row into vesting rows by the ledger's schedule.
func (k *Keeper) vestLedger(ctx sdk.Context, params types.Params, beneficiary sdk.AccAddress, ledger types.Ledger) ([]types.Vest, error) {
	owed := newRowKey(types.RowKind_ROW_KIND_OWED, beneficiary, uint64(ledger), types.Denom)
	amount, err := k.rowAmount(ctx, owed)
	if err != nil || amount.IsZero() {
		return nil, err
	}
	if err := k.rows.Remove(ctx, owed); err != nil {
		return nil, err
	}
	vests := types.VestClaim(params.Vesting(ledger), ctx.BlockTime(), amount)
	for _, vest := range vests {
		key := newRowKey(ledger.VestingKind(), beneficiary, vest.Bucket, types.Denom)
		if err := k.addRow(ctx, key, vest.Amount); err != nil {
			return nil, err
		}
	}
	address, err := k.addresses.BytesToString(beneficiary)
	if err != nil {
		return nil, err
	}
	return vests, ctx.EventManager().EmitTypedEvent(&types.EventClaimed{Beneficiary: address, Ledger: ledger, Amount: amount})
}
