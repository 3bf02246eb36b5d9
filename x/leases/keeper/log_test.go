// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"testing"
	"time"

	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/athnet/ath/x/leases/types"
)

func (w *world) log() types.ReceiptLog {
	w.tb.Helper()
	log, err := w.k.log.Get(w.ctx)
	require.NoError(w.tb, err)
	return log
}

// history keeps the hashes of receipts in the order of the log, as an Indexer does.
type logbook struct {
	*world
	hashes [][]byte
}

// closeSome opens and closes n leases of container 1 in one block, each in a transaction of its own, and ends the block.
func (b *logbook) closeSome(n int) (ids []types.LeaseID) {
	b.tb.Helper()
	for tx := range n {
		id := b.open(orderFunded(b.world, tenant(1), 10_000, 1))
		ctx := b.ctx
		b.ctx = b.ctx.WithTxIndex(tx)
		_, err := b.k.CloseLease(b.ctx, tenant(1), id, 0, nil)
		require.NoError(b.tb, err)
		b.check()
		b.ctx = ctx
		hash, err := b.receipt(id).Hash(chainID)
		require.NoError(b.tb, err)
		b.hashes, ids = append(b.hashes, hash), append(ids, id)
	}
	b.pass(time.Second)
	b.check()
	return ids
}

func (b *logbook) proof(index int, root types.ReceiptRoot) types.ReceiptProof {
	b.tb.Helper()
	proof, err := types.Prove(uint64(index), root.Count, types.NodesOf(func(i uint64) ([]byte, error) { return b.hashes[i], nil }))
	require.NoError(b.tb, err)
	return proof
}

// TestReceiptsAreLoggedAndForgotten: every receipt can be proven against the root of an epoch, also long after the state has lost it.
func TestReceiptsAreLoggedAndForgotten(t *testing.T) {
	b := &logbook{world: newWorld(t)}
	b.addOffer(1, 1, 10)
	b.vault.epoch = 4
	b.pass(time.Second)
	first := b.closeSome(3)
	require.Equal(t, uint64(3), b.log().Count)
	b.vault.epoch = 5
	b.closeSome(2) // they end in epoch 5
	res, err := b.queries.ReceiptRoot(b.ctx, &types.QueryReceiptRootRequest{Epoch: 4})
	require.NoError(t, err)
	require.Equal(t, uint64(3), res.Root.Count)
	for i := range first {
		require.NoError(t, b.proof(i, res.Root).Verify(b.hashes[i], res.Root.Root))
	}
	_, err = b.queries.ReceiptRoot(b.ctx, &types.QueryReceiptRootRequest{Epoch: 3})
	require.Error(t, err, "nothing had ended")

	params := types.DefaultParams()
	b.vault.epoch = 4 + uint64(params.ReceiptHorizon)
	b.pass(time.Second)
	b.receipt(first[0])
	b.vault.epoch++
	b.pass(time.Second)
	b.check()
	_, err = b.k.Receipt(b.ctx, first[0])
	require.ErrorIs(t, err, types.ErrLeaseNotFound)
	_, err = b.k.Lease(b.ctx, first[0])
	require.ErrorIs(t, err, types.ErrLeaseClosed, "it is known to have been")
	_, err = b.queries.Lease(b.ctx, &types.QueryLeaseRequest{Tenant: first[0].Tenant.String(), Number: first[0].Number})
	require.Equal(t, codes.NotFound, status.Code(err), "a worker that was away for so long must not take it for a node that is broken")
	_, err = b.k.Lease(b.ctx, types.LeaseID{Tenant: tenant(1), Number: 99})
	require.ErrorIs(t, err, types.ErrLeaseNotFound)
	paid, err := b.k.Settle(b.ctx, first[0])
	require.NoError(t, err)
	require.True(t, paid.IsZero())
	_, err = b.k.CloseLease(b.ctx, tenant(1), first[0], 0, nil)
	require.ErrorIs(t, err, types.ErrLeaseClosed)
	left, err := values(b.ctx, b.k.receipts)
	require.NoError(t, err)
	require.Len(t, left, 2)

	later, err := b.queries.ReceiptRoot(b.ctx, &types.QueryReceiptRootRequest{})
	require.NoError(t, err)
	require.Equal(t, uint64(5), later.Root.Count)
	require.NoError(t, b.proof(0, later.Root).Verify(b.hashes[0], later.Root.Root), "and against every later root")
	next := b.open(orderFunded(b.world, tenant(1), 10_000, 1))
	require.Equal(t, uint64(6), next.Number, "numbers are never used again")
}

// TestPruningIsBounded: a block forgets as many receipts as it may close leases.
func TestPruningIsBounded(t *testing.T) {
	b := &logbook{world: newWorld(t)}
	b.addOffer(1, 1, 10)
	params := types.DefaultParams()
	params.MaxClosesPerBlock = 2
	require.NoError(t, b.k.params.Set(b.ctx, params))
	b.closeSome(5)
	b.vault.epoch = 1_000
	for _, want := range []int{3, 1, 0, 0} {
		b.pass(time.Second)
		left, err := values(b.ctx, b.k.receipts)
		require.NoError(t, err)
		require.Len(t, left, want)
		b.check()
	}
}

// TestFailedCloseIsNotLogged: what a transaction has noted goes with it.
func TestFailedCloseIsNotLogged(t *testing.T) {
	w := newWorld(t)
	w.addOffer(1, 1, 10)
	id := w.open(orderFunded(w, tenant(1), 10_000, 1))
	require.Error(t, w.try(func(ctx sdk.Context) error {
		if _, err := w.k.CloseLease(ctx, tenant(1), id, 0, nil); err != nil {
			return err
		}
		return types.ErrInvalidField
	}))
	w.pass(time.Second)
	require.Zero(t, w.log().Count)
	w.check()
}

// BenchmarkFigureReceiptState closes leases until pruning has come to rest, and counts what the state holds more than before for each.
func BenchmarkFigureReceiptState(b *testing.B) {
	const leases = 50_000
	for b.Loop() {
		book := &logbook{world: newWorld(b)}
		book.addOffer(1, 1, 10)
		book.closeSome(1)
		book.vault.epoch = 1_000
		book.pass(time.Second)
		before := book.stateBytes()
		for day := range leases / 500 {
			book.vault.epoch = uint64(1_001 + day)
			for tx := range 500 {
				id := book.open(orderFunded(book.world, tenant(1), 10_000, 1))
				_, err := book.k.CloseLease(book.ctx.WithTxIndex(tx), tenant(1), id, 0, nil)
				require.NoError(b, err)
			}
			book.pass(time.Second)
		}
		book.vault.epoch = 5_000
		for range leases {
			book.pass(time.Second)
			left := 0
			require.NoError(b, book.k.kept.Walk(book.ctx, nil, func(keptKey, leaseKey) (bool, error) { left++; return true, nil }))
			if left == 0 {
				break
			}
		}
		b.ReportMetric(float64(book.stateBytes()-before)/leases, "receipt_state_bytes")
	}
}

// stateBytes are all keys and values of the module's store.
func (w *world) stateBytes() int {
	w.tb.Helper()
	it, err := w.writes.OpenKVStore(w.ctx).Iterator(nil, nil)
	require.NoError(w.tb, err)
	sum := 0
	for ; it.Valid(); it.Next() {
		sum += len(it.Key()) + len(it.Value())
	}
	require.NoError(w.tb, it.Close())
	return sum
}

// TestReceiptsAreProvenAfterARestart: a chain that begins anew from an export goes on with the log. Receipts from before it are proven
// against roots from before and after it, those that the state still holds are forgotten in time, and no number is used twice.
func TestReceiptsAreProvenAfterARestart(t *testing.T) {
	b := &logbook{world: newWorld(t)}
	b.addOffer(1, 1, 10)
	b.vault.epoch = 4
	b.pass(time.Second)
	before := b.closeSome(5)
	b.vault.epoch = 5
	b.pass(time.Second)
	old, err := b.k.lastRoot(b.ctx, 4)
	require.NoError(t, err)
	exported, err := b.k.ExportGenesis(b.ctx)
	require.NoError(t, err)
	require.NoError(t, exported.Validate())

	fresh := &logbook{world: newWorld(t), hashes: b.hashes}
	fresh.ctx = fresh.ctx.WithBlockTime(b.ctx.BlockTime())
	fresh.copyFrom(b.world)
	require.NoError(t, fresh.k.InitGenesis(fresh.ctx, *exported))
	require.Equal(t, b.log(), fresh.log())
	after := fresh.closeSome(4)
	require.Equal(t, before[len(before)-1].Number+1, after[0].Number, "numbers go on")
	for _, id := range before {
		_, err = fresh.k.Lease(fresh.ctx, id)
		require.ErrorIs(t, err, types.ErrLeaseClosed)
	}
	fresh.vault.epoch = 6
	fresh.pass(time.Second)
	later, err := fresh.k.lastRoot(fresh.ctx, 5)
	require.NoError(t, err)
	require.Equal(t, uint64(9), later.Count)
	kept, err := fresh.k.lastRoot(fresh.ctx, 4)
	require.NoError(t, err)
	require.Equal(t, old, kept)
	for i := range before {
		require.NoError(t, fresh.proof(i, kept).Verify(fresh.hashes[i], kept.Root))
	}
	for i := range fresh.hashes {
		require.NoError(t, fresh.proof(i, later).Verify(fresh.hashes[i], later.Root))
	}
	receipt := fresh.receipt(before[2])
	hash, err := receipt.Hash(chainID)
	require.NoError(t, err)
	require.Equal(t, b.hashes[2], hash, "a receipt's hash is the same before and after")
	fresh.vault.epoch = 1_000
	fresh.pass(time.Second)
	fresh.check()
	_, err = fresh.k.Receipt(fresh.ctx, before[0])
	require.ErrorIs(t, err, types.ErrLeaseNotFound)
	_, err = fresh.k.CloseLease(fresh.ctx, tenant(1), before[0], 0, nil)
	require.ErrorIs(t, err, types.ErrLeaseClosed)
}
