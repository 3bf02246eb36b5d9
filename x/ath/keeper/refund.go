// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"slices"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/ath/types"
)

// Refund undoes payments to a provider, up to amount, into a prepaid row or a float, and returns how much that was: the net part out of fees that
// have not vested, the latest to ripen first, and the service fee out of what waits for the verdict horizon, in epochs in which
// this provider earned it; all in the row's denom. Delivery and Indexer weight fall with a fee in uath, and so does revenue. What has vested
// or was distributed is not there; a ticket is for that. What was paid in this block is there after Fold.
//
// It writes rows that payments leave to EndBlock, so only verdicts may call it, in EndBlock and before x/ath's own.
func (k *Keeper) Refund(ctx sdk.Context, provider, indexer sdk.AccAddress, to types.Row, amount math.Int) (math.Int, error) {
	zero := math.ZeroInt()
	key, err := k.amountOfRow(to, amount)
	if err != nil {
		return zero, err
	}
	if to.Kind != types.RowKind_ROW_KIND_PREPAID && to.Kind != types.RowKind_ROW_KIND_FLOAT {
		return zero, types.ErrInvalidRow.Wrapf("%s: refunds go to prepaid rows and floats", to.Kind)
	}
	if provider.Empty() {
		return zero, types.ErrInvalidAddress.Wrap("provider is empty")
	}
	params, err := k.params.Get(ctx)
	if err != nil {
		return zero, err
	}
	fee := params.ServiceFeeRoundedDown(amount)
	net, err := k.takeUnvestedFees(ctx, provider, to.Denom, amount.Sub(fee))
	if err != nil {
		return zero, err
	}
	waived, err := k.waiveFees(ctx, provider, indexer, to.Denom, fee)
	if err != nil {
		return zero, err
	}
	refunded := net.Add(waived)
	if to.Denom == types.Denom {
		if err := k.addDelta(ctx, []byte{types.DeltaRevenue}, refunded.Neg()); err != nil {
			return zero, err
		}
	}
	return refunded, k.addRow(ctx, key, refunded)
}

// Fold adds up what the block's transactions have paid before EndBlock does, so that a refund finds it: who knows in which block a
// verdict falls would else settle there, and be out of its reach. Once per block with verdicts, in EndBlock.
func (k *Keeper) Fold(ctx sdk.Context) error {
	if err := k.foldRows(ctx); err != nil {
		return err
	}
	if err := k.foldFees(ctx); err != nil {
		return err
	}
	return k.foldShares(ctx)
}

// takeUnvestedFees takes up to amount out of a provider's fees in a denom that are not ripe, the last bucket first, at most MaxHoldReads rows. In
// other denoms than uath, of which tickets hold nothing, fees that leave early answer after them, the soonest first: who takes them out must not
// have them and let the uath of its ticket answer.
func (k *Keeper) takeUnvestedFees(ctx sdk.Context, provider []byte, denom string, amount math.Int) (math.Int, error) {
	taken := math.ZeroInt()
	rows, err := k.latestRows(ctx, types.RowKind_ROW_KIND_VESTING_FEES, provider, denom, ripeSecond(ctx)+1)
	if err != nil {
		return taken, err
	}
	if denom != types.Denom {
		exiting, err := k.latestRows(ctx, types.RowKind_ROW_KIND_EXITING, provider, denom, 0)
		if err != nil {
			return taken, err
		}
		slices.Reverse(exiting)
		rows = append(rows, exiting...)
	}
	for _, row := range rows {
		part := math.MinInt(row.Amount, amount.Sub(taken))
		if !part.IsPositive() {
			break
		}
		if err := k.debitRow(ctx, newRowKey(row.Row.Kind, provider, row.Row.Bucket, row.Row.Denom), part); err != nil {
			return taken, err
		}
		taken = taken.Add(part)
	}
	return taken, nil
}

// waiveFees takes up to amount out of service fees that are not distributed, the running epoch's first, and of each epoch no more
// than the provider earned in it: what others paid stays.
func (k *Keeper) waiveFees(ctx sdk.Context, provider, indexer sdk.AccAddress, denom string, amount math.Int) (math.Int, error) {
	waived := math.ZeroInt()
	epoch, err := k.epoch.Get(ctx)
	if err != nil {
		return waived, err
	}
	closed, err := k.closedEpoch.Get(ctx)
	if err != nil {
		return waived, err
	}
	for number := epoch.Number; number > closed && waived.LT(amount); number-- {
		earned, err := k.feeEarned(ctx, provider, denom, number)
		if err != nil {
			return waived, err
		}
		fees := newRowKey(types.RowKind_ROW_KIND_FEES_PENDING, nil, number, denom)
		pending, err := k.rowAmount(ctx, fees)
		if err != nil {
			return waived, err
		}
		part := math.MinInt(amount.Sub(waived), math.MinInt(earned, pending))
		if !part.IsPositive() {
			continue
		}
		if err := k.debitRow(ctx, fees, part); err != nil {
			return waived, err
		}
		// At once, so that a second refund of this block finds what is left.
		if err := k.unearnFee(ctx, provider, indexer, denom, number, part); err != nil {
			return waived, err
		}
		waived = waived.Add(part)
	}
	return waived, nil
}

// feeEarned is the service fee of a provider's payments of an epoch: in uath its delivery weight.
func (k *Keeper) feeEarned(ctx sdk.Context, provider []byte, denom string, epoch uint64) (math.Int, error) {
	if denom != types.Denom {
		return k.providerFee(ctx, collections.Join3(provider, denom, epoch))
	}
	return k.shareWeight(ctx, types.Pool_POOL_DELIVERY, provider, epoch)
}

// unearnFee takes a waived fee off what a provider and an Indexer have for it.
func (k *Keeper) unearnFee(ctx sdk.Context, provider, indexer sdk.AccAddress, denom string, epoch uint64, fee math.Int) error {
	if denom != types.Denom {
		return k.addProviderFee(ctx, collections.Join3([]byte(provider), denom, epoch), fee.Neg())
	}
	if err := k.addShareWeight(ctx, types.Pool_POOL_DELIVERY, provider, epoch, fee.Neg()); err != nil {
		return err
	}
	return k.waiveIndexer(ctx, indexer, epoch, fee)
}

// waiveIndexer takes up to a waived fee out of the weight of the Indexer whose quote led to it. In an epoch the provider may have earned
// more than by this Indexer's quotes, and then its weight is less.
func (k *Keeper) waiveIndexer(ctx sdk.Context, indexer sdk.AccAddress, epoch uint64, fee math.Int) error {
	if indexer.Empty() {
		return nil
	}
	weight, err := k.shareWeight(ctx, types.Pool_POOL_INDEXER, indexer, epoch)
	if err != nil {
		return err
	}
	part := math.MinInt(fee, weight)
	if !part.IsPositive() {
		return nil
	}
	return k.addShareWeight(ctx, types.Pool_POOL_INDEXER, indexer, epoch, part.Neg())
}
