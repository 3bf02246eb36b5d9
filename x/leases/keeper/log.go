// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"encoding/binary"
	"errors"

	"cosmossdk.io/collections"

	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
	"github.com/athnet/ath/x/leases/types"
)

// keptKey is (epoch in which the lease ended, place in the log).
type keptKey = collections.Pair[uint64, uint64]

// note leaves the hash of a receipt for the end of the block: a log that every closing transaction wrote would make them wait for one
// another. Those of a block stand in the order of their transactions, and within one in that of their keys.
func (k *Keeper) note(ctx sdk.Context, tenant sdk.AccAddress, receipt types.Receipt) error {
	hash, err := receipt.Hash(ctx.ChainID())
	if err != nil {
		return err
	}
	id, err := collections.EncodeKeyWithPrefix(nil, leaseKeyCodec, collections.Join(tenant, receipt.Number))
	if err != nil {
		return err
	}
	key := append(binary.BigEndian.AppendUint64(nil, uint64(max(0, ctx.TxIndex()))), id...)
	ctx.ObjectStore(k.objects).Set(key, hash)
	return nil
}

// logReceipts adds what the block has noted to the log; once x/ath's epoch has changed, it keeps the root of the one that ended first.
func (k *Keeper) logReceipts(ctx sdk.Context) error {
	log, err := k.log.Get(ctx)
	if err != nil {
		return err
	}
	epoch, err := k.vault.Epoch(ctx)
	if err != nil {
		return err
	}
	before := log
	if log, err = k.turnEpoch(ctx, log, epoch.Number); err != nil {
		return err
	}
	if log, err = k.appendNoted(ctx, log); err != nil {
		return err
	}
	if log.Count == before.Count && log.Epoch == before.Epoch {
		return nil
	}
	return k.log.Set(ctx, log)
}

func (k *Keeper) turnEpoch(ctx sdk.Context, log types.ReceiptLog, epoch uint64) (types.ReceiptLog, error) {
	if epoch == log.Epoch {
		return log, nil
	}
	last, err := k.lastRoot(ctx, log.Epoch)
	switch {
	case errors.Is(err, types.ErrLeaseNotFound):
	case err != nil:
		return log, err
	}
	if log.Count > last.Count { // an epoch in which nothing ended has the root of the one before
		root := types.ReceiptRoot{Epoch: log.Epoch, Count: log.Count, Root: log.Root()}
		if err := k.roots.Set(ctx, root.Epoch, root); err != nil {
			return log, err
		}
		if err := athtypes.Emit(ctx, &types.EventReceiptRoot{Root: root}); err != nil {
			return log, err
		}
	}
	log.Epoch = epoch
	return log, nil
}

func (k *Keeper) appendNoted(ctx sdk.Context, log types.ReceiptLog) (_ types.ReceiptLog, err error) {
	store := ctx.ObjectStore(k.objects)
	it := store.Iterator(nil, nil)
	var keys [][]byte
	var hashes [][]byte
	for ; it.Valid(); it.Next() {
		hash, ok := it.Value().([]byte)
		if !ok {
			return log, errors.Join(types.ErrInvariant.Wrapf("the object store holds %T", it.Value()), it.Close())
		}
		keys, hashes = append(keys, it.Key()), append(hashes, hash)
	}
	if err := it.Close(); err != nil || len(keys) == 0 {
		return log, err
	}
	event := &types.EventReceiptsLogged{Epoch: log.Epoch, First: log.Count}
	for i, key := range keys {
		store.Delete(key)
		_, id, err := leaseKeyCodec.Decode(key[8:])
		if err != nil {
			return log, err
		}
		if err := k.kept.Set(ctx, collections.Join(log.Epoch, log.Count), id); err != nil {
			return log, err
		}
		event.LeaseIds = append(event.LeaseIds, types.LeaseID{Tenant: id.K1(), Number: id.K2()}.String())
		log = log.Append(hashes[i])
	}
	return log, athtypes.Emit(ctx, event)
}

// pruneReceipts forgets receipts whose horizon has passed, at most as many as a block may close leases: what ended together is forgotten
// together. Their tenants' next numbers stay, so nothing is ever used again.
func (k *Keeper) pruneReceipts(ctx sdk.Context, params types.Params) error {
	log, err := k.log.Get(ctx)
	if err != nil {
		return err
	}
	type entry struct {
		key keptKey
		id  leaseKey
	}
	var due []entry
	err = k.kept.Walk(ctx, nil, func(key keptKey, id leaseKey) (bool, error) {
		if key.K1()+uint64(params.ReceiptHorizon) >= log.Epoch {
			return true, nil
		}
		due = append(due, entry{key, id})
		return len(due) == int(params.MaxClosesPerBlock), nil
	})
	if err != nil {
		return err
	}
	for _, e := range due {
		if err := k.kept.Remove(ctx, e.key); err != nil {
			return err
		}
		receipt, err := k.receipts.Get(ctx, e.id)
		if err != nil {
			return err
		}
		if err := k.unremember(ctx, servedKeyOf(e.id.K1(), receipt)); err != nil {
			return err
		}
		if err := k.receipts.Remove(ctx, e.id); err != nil {
			return err
		}
	}
	return nil
}

// lastRoot is the root of an epoch, or of the last one before it in which a lease ended; ErrLeaseNotFound where there is none.
func (k *Keeper) lastRoot(ctx sdk.Context, epoch uint64) (types.ReceiptRoot, error) {
	var last *types.ReceiptRoot
	err := k.roots.Walk(ctx, new(collections.Range[uint64]).EndInclusive(epoch).Descending(), func(_ uint64, root types.ReceiptRoot) (bool, error) {
		last = &root
		return true, nil
	})
	if err != nil {
		return types.ReceiptRoot{}, err
	}
	if last == nil {
		return types.ReceiptRoot{}, types.ErrLeaseNotFound.Wrapf("epoch: no lease had ended by the end of epoch %d", epoch)
	}
	return *last, nil
}

func (k *Keeper) initLog(ctx sdk.Context, g types.GenesisState) error {
	if err := k.log.Set(ctx, g.ReceiptLog); err != nil {
		return err
	}
	for _, root := range g.ReceiptRoots {
		if err := k.roots.Set(ctx, root.Epoch, root); err != nil {
			return err
		}
	}
	for _, kept := range g.KeptReceipts {
		id, err := types.ParseLeaseID(kept.LeaseId)
		if err != nil {
			return err
		}
		if err := k.kept.Set(ctx, collections.Join(kept.Epoch, kept.Index), collections.Join(id.Tenant, id.Number)); err != nil {
			return err
		}
	}
	return nil
}

func (k *Keeper) exportLog(ctx sdk.Context, g *types.GenesisState) (err error) {
	if g.ReceiptLog, err = k.log.Get(ctx); err != nil {
		return err
	}
	if g.ReceiptRoots, err = values(ctx, k.roots); err != nil {
		return err
	}
	return k.kept.Walk(ctx, nil, func(key keptKey, id leaseKey) (bool, error) {
		g.KeptReceipts = append(g.KeptReceipts, types.KeptReceipt{
			Epoch: key.K1(), Index: key.K2(), LeaseId: types.LeaseID{Tenant: id.K1(), Number: id.K2()}.String(),
		})
		return false, nil
	})
}
