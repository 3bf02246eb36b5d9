// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"testing"
	"time"

	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/x/leases/types"
	providertypes "github.com/athnet/ath/x/providers/types"
)

// TestUsageChain: records start billing, follow one another, and come from the worker.
func TestUsageChain(t *testing.T) {
	w := newWorld(t)
	w.addOffer(1, 1, 10)
	id := w.open(orderFunded(w, tenant(1), 50_000, 1))
	w.pass(10 * time.Second)
	now := w.ctx.BlockTime()
	first := w.record(id, now.Add(-3*time.Second), now)
	second := sign(types.UsageRecord{
		LeaseId: id.String(), Sequence: 2, From: now, Until: now.Add(time.Second), ImageDigest: make([]byte, 32),
		BlockHeight: w.ctx.BlockHeight(), BlockHash: make([]byte, 32), PrevHash: first.SignBytes(chainID),
	}, 1)
	submit := func(records ...types.UsageRecord) error {
		return w.try(func(ctx sdk.Context) error { return w.k.SubmitUsage(ctx, operator(1), records) })
	}
	require.ErrorIs(t, submit(second), types.ErrUsageSequence)
	require.ErrorIs(t, submit(first, first), types.ErrUsageSequence, "all or nothing")
	forged := first
	forged.CpuMs = 1
	require.ErrorIs(t, submit(forged), types.ErrUsageSignature)
	require.ErrorIs(t, submit(sign(forged, 2)), types.ErrUsageSignature)
	require.NoError(t, submit(first, second))
	require.ErrorIs(t, submit(first), types.ErrUsageSequence, "replay")

	lease, err := w.k.Lease(w.ctx, id)
	require.NoError(t, err)
	require.Equal(t, types.LeaseState_LEASE_STATE_RUNNING, lease.State)
	require.Equal(t, now.Add(-3*time.Second), *lease.StartedAt)
	require.Equal(t, uint64(2), lease.UsageSequence)
	for name, change := range map[string]func(*types.UsageRecord){
		"overlap": func(r *types.UsageRecord) { r.From = now },
		"future":  func(r *types.UsageRecord) { r.Until = now.Add(time.Hour) },
		"height":  func(r *types.UsageRecord) { r.BlockHeight = w.ctx.BlockHeight() + 1 },
	} {
		record := w.record(id, now.Add(time.Second), now.Add(2*time.Second))
		change(&record)
		require.ErrorIs(t, submit(sign(record, 1)), types.ErrInvalidUsage, name)
	}
	require.ErrorIs(t, w.k.SubmitUsage(w.ctx, tenant(1), []types.UsageRecord{w.record(id, now.Add(time.Second), now.Add(time.Second))}),
		providertypes.ErrUnauthorized)
	w.check()
}

// TestUsageStaysWithinTheLease: a record ends at the agreed end at the latest, up to the clock skew, whenever it is handed in.
func TestUsageStaysWithinTheLease(t *testing.T) {
	w := newWorld(t)
	skew := types.DefaultParams().MaxClockSkew
	w.addOffer(1, 1, 10)
	msg := orderFunded(w, tenant(1), 50_000, 1)
	msg.Duration = 10 * time.Minute
	id := w.open(msg)
	w.start(id)
	from, end := w.ctx.BlockTime(), *w.lease(id).AgreedEnd()
	w.ctx = w.ctx.WithBlockTime(end.Add(3 * skew)) // the block that ends it has not come to its end
	submit := func(until time.Time) error {
		return w.try(func(ctx sdk.Context) error {
			return w.k.SubmitUsage(ctx, operator(1), []types.UsageRecord{w.record(id, from, until)})
		})
	}
	require.ErrorIs(t, submit(end.Add(skew+1)), types.ErrInvalidUsage)
	require.NoError(t, submit(end.Add(skew)))
	w.check()
}

// TestUsageIsOfARecentBlock: who signed it when can be told for a day.
func TestUsageIsOfARecentBlock(t *testing.T) {
	w := newWorld(t)
	w.addOffer(1, 1, 10)
	id := w.open(orderFunded(w, tenant(1), 50_000, 1))
	height := int64(10 * types.MaxUsageBlockAge)
	w.ctx = w.ctx.WithBlockHeight(height)
	submit := func(of int64) error {
		record := w.record(id, w.ctx.BlockTime(), w.ctx.BlockTime())
		record.BlockHeight = of
		return w.try(func(ctx sdk.Context) error {
			return w.k.SubmitUsage(ctx, operator(1), []types.UsageRecord{sign(record, 1)})
		})
	}
	require.ErrorIs(t, submit(height-types.MaxUsageBlockAge-1), types.ErrInvalidUsage)
	require.NoError(t, submit(height-types.MaxUsageBlockAge))
	require.ErrorIs(t, submit(height+1), types.ErrInvalidUsage)
	require.NoError(t, submit(height))
	w.check()
}

// TestUsageIsCheaperTogether: the more records of a lease one message brings, the less gas each costs; records of many leases share what
// is read once.
func TestUsageIsCheaperTogether(t *testing.T) {
	const most = 100
	w := newWorld(t)
	var ids []types.LeaseID
	for n := uint64(1); n <= most; n++ {
		w.addOffer(n, 1, 10)
		ids = append(ids, w.open(orderFunded(w, tenant(n), 50_000, n)))
		w.start(ids[n-1])
	}
	now := w.ctx.BlockTime()
	perRecord := func(records []types.UsageRecord) float64 {
		cached, _ := w.ctx.CacheContext()
		used := gasOf(cached, func(ctx sdk.Context) { require.NoError(t, w.k.SubmitUsage(ctx, operator(1), records)) })
		return used / float64(len(records))
	}
	chain := []types.UsageRecord{w.record(ids[0], now, now)}
	for n := 1; n < most; n++ {
		next := chain[n-1]
		next.Sequence, next.PrevHash = next.Sequence+1, next.SignBytes(chainID)
		chain = append(chain, sign(next, 1))
	}
	var each []types.UsageRecord
	for _, id := range ids {
		each = append(each, w.record(id, now, now))
	}
	one := perRecord(chain[:1])
	require.Less(t, perRecord(chain[:10]), one/2, "of one lease")
	require.Less(t, perRecord(chain), perRecord(chain[:10]))
	require.Less(t, perRecord(each[:10]), one, "of as many leases")
	require.Less(t, perRecord(each), perRecord(each[:10]))
}

// TestUsageEndsWithTheFault: what was used while a fault stands is neither recorded nor starts billing, and the lease's query says
// up to when it earns. Records from before the fault still count, and so do those after it.
func TestUsageEndsWithTheFault(t *testing.T) {
	w := newWorld(t)
	params, err := w.k.params.Get(w.ctx)
	require.NoError(t, err)
	w.addOffer(1, 1, 10)
	id := w.open(orderFunded(w, tenant(1), 500_000, 1))
	earns := func() time.Time {
		res, err := NewQueryServer(w.k).Lease(w.ctx, &types.QueryLeaseRequest{Tenant: id.Tenant.String(), Number: id.Number})
		require.NoError(t, err)
		return *res.EarnsUntil
	}
	submit := func(from, until time.Time) error {
		return w.try(func(ctx sdk.Context) error {
			return w.k.SubmitUsage(ctx, operator(1), []types.UsageRecord{w.record(id, from, until)})
		})
	}
	require.Equal(t, w.ctx.BlockTime(), earns())
	require.NoError(t, w.providers.setFault(w.ctx, 1, true))
	fault := w.ctx.BlockTime()
	w.pass(params.MaxClockSkew + time.Minute)
	require.ErrorIs(t, submit(w.ctx.BlockTime(), w.ctx.BlockTime()), types.ErrInvalidUsage)
	lease, err := w.k.Lease(w.ctx, id)
	require.NoError(t, err)
	require.Equal(t, types.LeaseState_LEASE_STATE_ACTIVE, lease.State, "no start while faulty")
	require.Equal(t, fault, earns())
	require.NoError(t, submit(fault, fault.Add(time.Second)))
	require.ErrorIs(t, submit(w.ctx.BlockTime(), w.ctx.BlockTime()), types.ErrInvalidUsage)
	require.NoError(t, w.providers.setFault(w.ctx, 1, false))
	require.NoError(t, submit(w.ctx.BlockTime(), w.ctx.BlockTime()))
	require.Equal(t, w.ctx.BlockTime(), earns())
	w.check()
}
