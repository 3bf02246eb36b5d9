// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"errors"
	"strings"

	"cosmossdk.io/collections"

	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
	"github.com/athnet/ath/x/leases/types"
)

const (
	// maxNoncesPerBlock bounds how many expired nonces a block forgets; what is left over goes with the next.
	maxNoncesPerBlock = 1_000
	// maxParkedError bounds the text of an error in an event.
	maxParkedError = 256
)

// EndBlock ends what has run out of time or money: at most max_closes_per_block leases, the rest in the next block. A lease
// that is only settled, because its account ran dry, counts like one that is closed. Agreed ends come first, because what a
// lease did not run for prolongs the account. A block in which nothing is due costs nine look-ups, however many leases are
// open. Channels that have ended are refunded, and leases credited for faults, by budgets of their own; credits come first: they may be what a
// lease goes on with.
func (k *Keeper) EndBlock(ctx sdk.Context) error {
	params, err := k.params.Get(ctx)
	if err != nil {
		return err
	}
	if err := k.creditPending(ctx, params); err != nil {
		return err
	}
	if err := k.settleBreaches(ctx, params); err != nil {
		return err
	}
	if err := k.payProceeds(ctx, params); err != nil {
		return err
	}
	left, err := k.popExpiry(ctx, int(params.MaxClosesPerBlock))
	if err != nil {
		return err
	}
	if err := k.popDry(ctx, left); err != nil {
		return err
	}
	if err := k.popChannels(ctx, int(params.MaxChannelEndsPerBlock)); err != nil {
		return err
	}
	if err := k.logReceipts(ctx); err != nil {
		return err
	}
	if err := k.forgetServed(ctx, params); err != nil {
		return err
	}
	if err := k.pruneReceipts(ctx, params); err != nil {
		return err
	}
	return k.pruneNonces(ctx)
}

// popExpiry ends up to budget leases whose agreed end has come and returns what is left of the budget.
func (k *Keeper) popExpiry(ctx sdk.Context, budget int) (int, error) {
	now := ctx.BlockTime().UnixNano()
	due, err := firstKeys(ctx, k.expiry, budget, func(key expiryKey) bool { return key.K1() <= now })
	if err != nil {
		return 0, err
	}
	for _, key := range due {
		if budget <= 0 {
			return 0, nil // still in the queue, and first in the next block
		}
		cost := 0
		failed := k.isolate(ctx, func(ctx sdk.Context) (err error) {
			cost, err = k.expire(ctx, key, budget)
			return err
		})
		budget -= max(1, cost)
		if failed == nil {
			continue
		}
		if err := k.expiry.Remove(ctx, key); err != nil {
			return 0, err
		}
		if err := k.park(ctx, "expiry", key.K2(), key.K3(), failed); err != nil {
			return 0, err
		}
	}
	return budget, nil
}

// expire ends a lease at its agreed end. Where the account did not pay for all of it, the account's newest leases end first,
// as they would have without the agreement. It closes at most budget leases and returns how many it touched.
func (k *Keeper) expire(ctx sdk.Context, key expiryKey, budget int) (int, error) {
	id := types.LeaseID{Tenant: key.K2(), Number: key.K3()}
	lease, err := k.leases.Get(ctx, collections.Join(id.Tenant, id.Number))
	if errors.Is(err, collections.ErrNotFound) {
		return 0, nil // closed earlier in this block, with the account that ran dry
	}
	if err != nil {
		return 0, err
	}
	p, err := k.purseOf(ctx, id.Tenant, lease.Denom, lease.Gateway())
	if err != nil {
		return 0, err
	}
	if err := k.refill(ctx, p); err != nil {
		return 0, err
	}
	if lease.DueBy(p.paidUntil(), ctx.BlockTime()) {
		return 1 + len(lease.Standbys), k.endDue(ctx, p, lease)
	}
	closed, touched, err := k.shed(ctx, p, budget)
	if err != nil {
		return touched, err
	}
	lease, err = k.leases.Get(ctx, collections.Join(id.Tenant, id.Number))
	switch {
	case errors.Is(err, collections.ErrNotFound):
		return touched, nil
	case err != nil:
		return touched, err
	case closed < budget && lease.DueBy(p.paidUntil(), ctx.BlockTime()):
		return touched + 1, k.endDue(ctx, p, lease)
	}
	return touched, nil
}

// popDry looks at accounts whose entry is due, and ends the pauses that have begun there and are over by now, as a block at their end would have:
// else a lease whose time is up would keep its Container until the next block, and be open to others' reasons.
func (k *Keeper) popDry(ctx sdk.Context, budget int) error {
	left, err := k.popExhaustion(ctx, budget)
	if err != nil || left == budget {
		return err
	}
	_, err = k.popExpiry(ctx, left)
	return err
}

// popExhaustion looks at up to budget accounts whose entry is due; settling or closing a lease costs one of the budget as
// well. Otherwise accounts with many leases, of which each block ends one, would be settled as a whole in every block. It returns what is left of the budget.
func (k *Keeper) popExhaustion(ctx sdk.Context, budget int) (int, error) {
	now := ctx.BlockTime().Unix()
	due, err := firstKeys(ctx, k.exhaustion, budget, func(key exhaustionKey) bool { return key.K1() <= now })
	if err != nil {
		return 0, err
	}
	for _, key := range due {
		if budget <= 0 {
			return 0, nil // still in the queue, and first in the next block
		}
		cost := 0
		failed := k.isolate(ctx, func(ctx sdk.Context) (err error) {
			cost, err = k.exhaust(ctx, key, budget)
			return err
		})
		budget -= max(1, cost)
		if failed == nil {
			continue
		}
		if err := k.unqueue(ctx, key); err != nil {
			return 0, err
		}
		if err := k.park(ctx, "exhaustion", key.K2(), 0, failed); err != nil {
			return 0, err
		}
	}
	return budget, nil
}

// exhaust settles all leases of an account whose balance is used up, which may free reserves and outage credits, and then pauses or
// ends leases until the rest is paid for: those of the lowest priority first, among them the newest. Each ends at the very instant at which
// the balance was used up, so that it does not matter in which block the chain gets to it. With less than an hour left, leases are
// paused in favour of more important ones. It takes at most budget leases off the account and returns how many it touched.
func (k *Keeper) exhaust(ctx sdk.Context, key exhaustionKey, budget int) (int, error) {
	if strings.HasPrefix(key.K3(), creditMark) {
		return k.exhaustCredit(ctx, key, budget)
	}
	p, err := k.openPurse(ctx, key.K2(), key.K3())
	if err != nil {
		return 0, err
	}
	if err := k.refill(ctx, p); err != nil {
		return 0, err
	}
	var touched int
	if p.exhausted(ctx) {
		_, touched, err = k.shed(ctx, p, budget)
	} else {
		touched, err = k.spare(ctx, p, budget)
	}
	if err != nil {
		return touched, err
	}
	// Not key: where the price of ATH has fallen, the end had come before it, and saving the purse has moved the entry.
	if err := k.exhaustion.Remove(ctx, collections.Join3(p.account.QueuedAt, p.tenant, p.account.Denom)); err != nil {
		return touched, err
	}
	p.account.QueuedAt = 0
	if err := k.warn(ctx, p); err != nil {
		return touched, err
	}
	return touched, k.savePurse(ctx, p)
}

// warn tells the tenant that the money runs out.
func (k *Keeper) warn(ctx sdk.Context, p *purse) error {
	var hours uint32
	if p.account, hours = p.account.Warn(p.balance, ctx.BlockTime(), p.usd); hours == 0 {
		return nil
	}
	end, _ := p.account.ExhaustedAt(p.balance, p.usd)
	return athtypes.Emit(ctx, &types.EventLowFunds{
		Tenant: p.account.Tenant, Denom: p.account.Denom, Hours: hours, ExhaustedAt: end,
	})
}

// shed is the work of exhaust on a purse that is used up. It returns how many leases it took off, and how many it touched: all of
// the purse.
func (k *Keeper) shed(ctx sdk.Context, p *purse, budget int) (closed, touched int, err error) {
	if p.credit != nil {
		return k.shedCredit(ctx, p, budget)
	}
	leases, err := k.leastImportant(ctx, p)
	if err != nil {
		return 0, 0, err
	}
	closed, err = k.shedLeases(ctx, p, leases, budget, p.exhausted)
	return closed, len(leases), err
}

// shedLeases takes leases of a purse's tenant off it, in their order, while it is dry.
func (k *Keeper) shedLeases(ctx sdk.Context, p *purse, leases []types.Lease, budget int, dry func(sdk.Context) bool) (closed int, err error) {
	if more, err := k.catchUp(ctx, p, leases); err != nil || more {
		return 0, err
	}
	for _, old := range leases {
		// What stands by for a lease may have ended with it, and a lease loses what stood by for it.
		lease, err := k.leases.Get(ctx, collections.Join(p.tenant, old.Number))
		if errors.Is(err, collections.ErrNotFound) {
			continue
		}
		if err != nil {
			return closed, err
		}
		next := []types.Lease{lease}
		if more, err := k.catchUp(ctx, p, next); err != nil || more {
			return closed, err
		}
		if closed == budget || !dry(ctx) {
			break
		}
		if err := k.pauseOrEnd(ctx, p, next[0]); err != nil {
			return closed, err
		}
		p.touch(ctx)
		closed++
	}
	return closed, nil
}

// spare pauses leases of an account that has less than an hour left, where others are more important: those of a lower priority than the
// highest, the least important first, until the rest has its hour. Leases that can't be paused run on.
func (k *Keeper) spare(ctx sdk.Context, p *purse, budget int) (touched int, err error) {
	if !p.account.Short(p.balance, ctx.BlockTime(), p.usd) {
		return 0, nil
	}
	leases, err := k.leastImportant(ctx, p)
	if err != nil || len(leases) == 0 {
		return 0, err
	}
	highest := leases[len(leases)-1].Priority
	for _, lease := range leases {
		if lease.Priority == highest || touched == budget || !p.account.Short(p.balance, ctx.BlockTime(), p.usd) {
			break
		}
		if !lease.Pausable() || lease.Expired(p.account.TouchedAt) {
			continue
		}
		touched++
		if err := k.pauseOrEnd(ctx, p, lease); err != nil {
			return touched, err
		}
	}
	return max(touched, len(leases)/sparedPerClose), nil
}

// sparedPerClose is how many leases may be read for the budget of one that is closed.
const sparedPerClose = 20

// leastImportant returns the leases of a purse that spend, at most max_open_leases: by priority, the newest first among equals.
func (k *Keeper) leastImportant(ctx sdk.Context, p *purse) ([]types.Lease, error) {
	var leases []types.Lease
	newest := collections.NewPrefixedPairRange[sdk.AccAddress, uint64](p.tenant).Descending()
	err := k.leases.Walk(ctx, newest, func(_ leaseKey, lease types.Lease) (bool, error) {
		if lease.Denom == p.account.Denom && lease.Credit == nil && lease.PausedAt == nil && !lease.Prepaid() {
			leases = append(leases, lease)
		}
		return false, nil
	})
	return types.LeastImportant(leases), err
}

// unqueue takes a parked account out of the queue without touching it; its next message puts it back. Its entry may have moved since the block
// found it: then it goes from there, too, or nothing would ever take it out.
func (k *Keeper) unqueue(ctx sdk.Context, key exhaustionKey) error {
	if strings.HasPrefix(key.K3(), creditMark) {
		return k.unqueueCredit(ctx, key)
	}
	if err := k.exhaustion.Remove(ctx, key); err != nil {
		return err
	}
	at := collections.Join(key.K2(), key.K3())
	account, err := k.accounts.Get(ctx, at)
	if err != nil {
		return err
	}
	if err := k.requeue(ctx, key.K2(), key.K3(), account.QueuedAt, 0); err != nil {
		return err
	}
	account.QueuedAt = 0
	return k.accounts.Set(ctx, at, account)
}

// pruneNonces forgets quotes that have expired.
func (k *Keeper) pruneNonces(ctx sdk.Context) error {
	now := ctx.BlockTime().UnixNano()
	due, err := firstKeys(ctx, k.nonces, maxNoncesPerBlock, func(key nonceKey) bool { return key.K1() <= now })
	if err != nil {
		return err
	}
	for _, key := range due {
		if err := k.nonces.Remove(ctx, key); err != nil {
			return err
		}
	}
	return nil
}

// isolate runs one item of a queue so that its failure changes nothing.
func (k *Keeper) isolate(ctx sdk.Context, item func(sdk.Context) error) error {
	cached, write := ctx.CacheContext()
	if err := item(cached); err != nil {
		return err
	}
	write()
	return nil
}

// park says that an item failed and was taken out of its queue: it must not fail again in every block from now on. Nothing
// is lost: accrual stops at the account's end and at the agreed end by itself.
func (k *Keeper) park(ctx sdk.Context, queue string, tenant sdk.AccAddress, number uint64, failed error) error {
	name, err := k.addresses.BytesToString(tenant)
	if err != nil {
		return err
	}
	k.logger.Error("queue item parked", "queue", queue, "tenant", name, "number", number, "err", failed)
	text := failed.Error()
	return athtypes.Emit(ctx, &types.EventQueueParked{
		Queue: queue, Tenant: name, Number: number, Error: text[:min(len(text), maxParkedError)],
	})
}

// firstKeys collects up to limit keys from the front of a queue while they are due. The iterator is closed before anything
// is written.
func firstKeys[K any](ctx sdk.Context, queue collections.KeySet[K], limit int, due func(K) bool) ([]K, error) {
	var keys []K
	if limit <= 0 {
		return nil, nil
	}
	err := queue.Walk(ctx, nil, func(key K) (bool, error) {
		if !due(key) {
			return true, nil
		}
		keys = append(keys, key)
		return len(keys) == limit, nil
	})
	return keys, err
}
