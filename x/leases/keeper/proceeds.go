// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
	"github.com/athnet/ath/x/leases/types"
)

// payProceeds adds to prepaid accounts what tickets have brought in for them, at most max_credits_per_block in a block. The vault's rows are
// the queue: they wait for who is not served in this block, and an exported state has them.
func (k *Keeper) payProceeds(ctx sdk.Context, params types.Params) error {
	rows, err := k.vault.Proceeds(ctx, int(params.MaxCreditsPerBlock))
	if err != nil {
		return err
	}
	for _, row := range rows {
		failed := k.isolate(ctx, func(ctx sdk.Context) error { return k.payProceed(ctx, row) })
		if failed == nil {
			continue
		}
		// An account that can't be counted now has its coins all the same, or they would stand before the others' in every block. The next
		// to count it finds a balance that has risen, as after a deposit.
		tenant, err := k.addresses.StringToBytes(row.Row.Owner)
		if err != nil {
			return err
		}
		if err := k.park(ctx, "proceeds", tenant, row.Row.Bucket, failed); err != nil {
			return err
		}
		to := athtypes.Row{Kind: athtypes.RowKind_ROW_KIND_PREPAID, Owner: row.Row.Owner, Denom: row.Row.Denom}
		if err := k.vault.Move(ctx, row.Row, to, row.Amount); err != nil {
			return err
		}
	}
	return nil
}

func (k *Keeper) payProceed(ctx sdk.Context, row athtypes.RowBalance) error {
	tenant, err := k.addresses.StringToBytes(row.Row.Owner)
	if err != nil {
		return err
	}
	p, err := k.openPurse(ctx, tenant, row.Row.Denom)
	if err != nil {
		return err
	}
	if err := k.vault.Move(ctx, row.Row, p.row(), row.Amount); err != nil {
		return err
	}
	if err := k.credited(ctx, p, row.Amount); err != nil {
		return err
	}
	return athtypes.Emit(ctx, &types.EventProceedsPaid{
		Tenant: row.Row.Owner, Ticket: row.Row.Bucket, Amount: p.coin(row.Amount).String(), Balance: p.coin(p.balance).String(),
	})
}
