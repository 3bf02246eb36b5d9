// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"bytes"
	"encoding/binary"
	"errors"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	storetypes "github.com/cosmos/cosmos-sdk/store/v2/types"
	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/ath/types"
)

// What many transactions of a block add to, none of them writes: each leaves its part in the object store under
// (target, index of the transaction), as x/bank does with virtual credits, and EndBlock adds the parts up in the order of
// their keys. Parts of a failed transaction are discarded with its other writes.

const txIndexLen = 8

func (k *Keeper) addDelta(ctx sdk.Context, target []byte, amount math.Int) error {
	if amount.IsZero() {
		return nil
	}
	key := binary.BigEndian.AppendUint64(target, uint64(ctx.TxIndex()))
	store := ctx.ObjectStore(k.objects)
	if value := store.Get(key); value != nil {
		sum, err := deltaOf(value)
		if err != nil {
			return err
		}
		amount = amount.Add(sum)
	}
	store.Set(key, amount)
	return nil
}

func (k *Keeper) addRowDelta(ctx sdk.Context, row rowKey, amount math.Int) error {
	if amount.IsNegative() {
		return types.ErrInvalidAmount.Wrapf("credit of %s", amount)
	}
	target, err := collections.EncodeKeyWithPrefix([]byte{types.DeltaRow}, rowKeyCodec, row)
	if err != nil {
		return err
	}
	return k.addDelta(ctx, target, amount)
}

func (k *Keeper) addShareDelta(ctx sdk.Context, pool types.Pool, beneficiary []byte, epoch uint64, weight math.Int) error {
	target, err := collections.EncodeKeyWithPrefix([]byte{types.DeltaShare}, stakeKeyCodec, collections.Join3(uint32(pool), beneficiary, epoch))
	if err != nil {
		return err
	}
	return k.addDelta(ctx, target, weight)
}

func (k *Keeper) addWeightDelta(ctx sdk.Context, change math.Int) error {
	return k.addDelta(ctx, []byte{types.DeltaWeight}, change)
}

func (k *Keeper) addPaidDelta(ctx sdk.Context, pool types.Pool, amount math.Int) error {
	target, err := collections.EncodeKeyWithPrefix([]byte{types.DeltaPaid}, collections.Uint32Key, uint32(pool))
	if err != nil {
		return err
	}
	return k.addDelta(ctx, target, amount)
}

func (k *Keeper) addReturnedDelta(ctx sdk.Context, pool types.Pool, beneficiary []byte, penalty math.Int) error {
	target, err := collections.EncodeKeyWithPrefix([]byte{types.DeltaReturned}, barKeyCodec, collections.Join(uint32(pool), beneficiary))
	if err != nil {
		return err
	}
	return k.addDelta(ctx, target, penalty)
}

// foldDeltas adds up all parts of the block. Paid amounts come last: settling a beneficiary's older epochs, which its
// first weight in a new one and its penalties do, leaves more of them.
func (k *Keeper) foldDeltas(ctx sdk.Context) error {
	for _, fold := range []func(sdk.Context) error{k.foldRows, k.foldWeight, k.foldShares, k.foldReturned, k.foldPaid, k.foldRevenue} {
		if err := fold(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (k *Keeper) foldRows(ctx sdk.Context) error {
	return k.fold(ctx, types.DeltaRow, func(target []byte, sum math.Int) error {
		_, key, err := rowKeyCodec.Decode(target)
		if err != nil {
			return err
		}
		return k.addRow(ctx, key, sum)
	})
}

func (k *Keeper) foldWeight(ctx sdk.Context) error {
	return k.fold(ctx, types.DeltaWeight, func(_ []byte, sum math.Int) error {
		stream, err := k.stream.Get(ctx)
		if err != nil {
			return err
		}
		stream.NextWeight = stream.NextWeight.Add(sum)
		return k.stream.Set(ctx, stream)
	})
}

func (k *Keeper) foldShares(ctx sdk.Context) error {
	return k.fold(ctx, types.DeltaShare, func(target []byte, sum math.Int) error {
		_, key, err := stakeKeyCodec.Decode(target)
		if err != nil {
			return err
		}
		return k.addShareWeight(ctx, types.Pool(key.K1()), key.K2(), key.K3(), sum)
	})
}

func (k *Keeper) foldReturned(ctx sdk.Context) error {
	return k.fold(ctx, types.DeltaReturned, func(target []byte, sum math.Int) error {
		_, key, err := barKeyCodec.Decode(target)
		if err != nil {
			return err
		}
		return k.returnPenalty(ctx, types.Pool(key.K1()), key.K2(), sum)
	})
}

func (k *Keeper) foldPaid(ctx sdk.Context) error {
	return k.fold(ctx, types.DeltaPaid, func(target []byte, sum math.Int) error {
		_, number, err := collections.Uint32Key.Decode(target)
		if err != nil {
			return err
		}
		if err := k.debitRow(ctx, newRowKey(types.RowKind_ROW_KIND_EARNED, nil, uint64(number), types.Denom), sum); err != nil {
			return err
		}
		return k.countPaid(ctx, types.Pool(number), sum)
	})
}

type delta struct {
	target []byte
	sum    math.Int
}

// fold takes the parts of one kind out of the object store and applies their sum per target, in order of target.
func (k *Keeper) fold(ctx sdk.Context, kind byte, apply func(target []byte, sum math.Int) error) error {
	store := ctx.ObjectStore(k.objects)
	keys, deltas, err := collectDeltas(store, kind)
	if err != nil {
		return err
	}
	for _, key := range keys {
		store.Delete(key)
	}
	for _, d := range deltas {
		if err := apply(d.target, d.sum); err != nil {
			return err
		}
	}
	return nil
}

func collectDeltas(store storetypes.ObjKVStore, kind byte) (keys [][]byte, deltas []delta, err error) {
	it := store.Iterator([]byte{kind}, []byte{kind + 1})
	defer func() { err = errors.Join(err, it.Close()) }()
	for ; it.Valid(); it.Next() {
		key := it.Key()
		keys = append(keys, key)
		amount, err := deltaOf(it.Value())
		if err != nil {
			return nil, nil, err
		}
		target := key[1 : len(key)-txIndexLen]
		if n := len(deltas); n > 0 && bytes.Equal(deltas[n-1].target, target) {
			deltas[n-1].sum = deltas[n-1].sum.Add(amount)
			continue
		}
		deltas = append(deltas, delta{target: target, sum: amount})
	}
	return keys, deltas, nil
}

func deltaOf(value any) (math.Int, error) {
	amount, ok := value.(math.Int)
	if !ok {
		return math.Int{}, types.ErrInvariant.Wrapf("the object store holds a %T", value)
	}
	return amount, nil
}
