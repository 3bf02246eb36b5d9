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

// summand is what parts are made of.
type summand[T any] interface{ Add(T) T }

// addPart adds to what a transaction leaves for a target.
func addPart[T summand[T]](store storetypes.ObjKVStore, target []byte, tx int, part T) error {
	key := binary.BigEndian.AppendUint64(target, uint64(tx))
	if value := store.Get(key); value != nil {
		before, err := partOf[T](value)
		if err != nil {
			return err
		}
		part = before.Add(part)
	}
	store.Set(key, part)
	return nil
}

func (k *Keeper) addDelta(ctx sdk.Context, target []byte, amount math.Int) error {
	if amount.IsZero() {
		return nil
	}
	return addPart(ctx.ObjectStore(k.objects), target, ctx.TxIndex(), amount)
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
	for _, fold := range []func(sdk.Context) error{k.foldRows, k.foldWeight, k.foldShares, k.foldReturned, k.foldPaid, k.foldRevenue, k.foldFees, k.foldFigures} {
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

type delta[T any] struct {
	target []byte
	sum    T
}

// fold takes the amounts of one kind out of the object store and applies their sum per target, in order of target.
func (k *Keeper) fold(ctx sdk.Context, kind byte, apply func(target []byte, sum math.Int) error) error {
	return foldParts(ctx.ObjectStore(k.objects), kind, apply)
}

func foldParts[T summand[T]](store storetypes.ObjKVStore, kind byte, apply func(target []byte, sum T) error) error {
	keys, deltas, err := collectDeltas[T](store, kind)
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

func collectDeltas[T summand[T]](store storetypes.ObjKVStore, kind byte) (keys [][]byte, deltas []delta[T], err error) {
	it := store.Iterator([]byte{kind}, []byte{kind + 1})
	defer func() { err = errors.Join(err, it.Close()) }()
	for ; it.Valid(); it.Next() {
		key := it.Key()
		keys = append(keys, key)
		part, err := partOf[T](it.Value())
		if err != nil {
			return nil, nil, err
		}
		target := key[1 : len(key)-txIndexLen]
		if n := len(deltas); n > 0 && bytes.Equal(deltas[n-1].target, target) {
			deltas[n-1].sum = deltas[n-1].sum.Add(part)
			continue
		}
		deltas = append(deltas, delta[T]{target: target, sum: part})
	}
	return keys, deltas, nil
}

func partOf[T any](value any) (T, error) {
	part, ok := value.(T)
	if !ok {
		return part, types.ErrInvariant.Wrapf("the object store holds a %T", value)
	}
	return part, nil
}
