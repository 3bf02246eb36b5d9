// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"errors"
	"strings"
	"time"

	"cosmossdk.io/collections"

	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
	"github.com/athnet/ath/x/leases/types"
)

// exhaustCredit is exhaust for the entry of a float or of a credit line.
func (k *Keeper) exhaustCredit(ctx sdk.Context, key exhaustionKey, budget int) (touched int, err error) {
	entry := strings.TrimPrefix(key.K3(), creditMark)
	if entry == "" {
		return k.exhaustFloat(ctx, key.K2(), budget)
	}
	p, err := k.openFloat(ctx, sdk.AccAddress(entry))
	if err != nil {
		return 0, err
	}
	if err := k.bind(ctx, p, key.K2()); err != nil {
		return 0, err
	}
	if p.lineExhausted(ctx) {
		if _, touched, err = k.shedCredit(ctx, p, budget); err != nil {
			return touched, err
		}
	}
	if !p.credit.bound { // forgotten with its last lease
		return touched, nil
	}
	line := &p.credit.line
	if err := k.requeue(ctx, p.tenant, key.K3(), line.Account.QueuedAt, 0); err != nil {
		return touched, err
	}
	line.Account.QueuedAt = 0
	var hours uint32
	if *line, hours = line.Warn(ctx.BlockTime()); hours != 0 {
		end, _ := line.ExhaustedAt()
		if err := athtypes.Emit(ctx, &types.EventCreditLow{Gateway: line.Gateway, Customer: line.Customer(), Hours: hours, ExhaustedAt: end}); err != nil {
			return touched, err
		}
	}
	return touched, k.savePurse(ctx, p)
}

// exhaustFloat looks at a float. Nobody's leases pause ahead of time in favour of others', as they do in a tenant's own account: which of
// its customers a gateway would rather keep it says by funding the float, and by their priorities once it is used up.
func (k *Keeper) exhaustFloat(ctx sdk.Context, address sdk.AccAddress, budget int) (touched int, err error) {
	p, err := k.openFloat(ctx, address)
	if err != nil {
		return 0, err
	}
	if p.floatExhausted(ctx) {
		if _, touched, err = k.shedFloat(ctx, p, budget); err != nil {
			return touched, err
		}
	}
	if err := k.requeue(ctx, address, floatEntry, p.account.QueuedAt, 0); err != nil {
		return touched, err
	}
	p.account.QueuedAt = 0
	var hours uint32
	if p.account, hours = p.account.Warn(p.balance, ctx.BlockTime(), p.usd); hours != 0 {
		end, _ := p.account.ExhaustedAt(p.balance, p.usd)
		if err := athtypes.Emit(ctx, &types.EventFloatLow{Gateway: p.account.Tenant, Hours: hours, ExhaustedAt: end}); err != nil {
			return touched, err
		}
	}
	return touched, k.savePurse(ctx, p)
}

// shedCredit sheds what stands in the way of a lease on credit: what its line can't pay for, and what the float can't.
func (k *Keeper) shedCredit(ctx sdk.Context, p *purse, budget int) (closed, touched int, err error) {
	customer := p.tenant
	if p.lineBinds(ctx) {
		if closed, touched, err = k.shedLine(ctx, p, budget); err != nil {
			return closed, touched, err
		}
	}
	if !p.floatExhausted(ctx) || closed >= budget {
		return closed, touched, nil
	}
	n, looked, err := k.shedFloat(ctx, p, budget-closed)
	if err != nil {
		return closed + n, touched + looked, err
	}
	return closed + n, touched + looked, k.bind(ctx, p, customer)
}

// lineBinds says whether the credit line pays no longer, and ended no later than the float.
func (p *purse) lineBinds(ctx sdk.Context) bool {
	return p.lineExhausted(ctx) && !p.credit.line.Account.TouchedAt.After(p.account.TouchedAt)
}

// shedLine is shed for a credit line that pays no longer.
func (k *Keeper) shedLine(ctx sdk.Context, p *purse, budget int) (closed, touched int, err error) {
	leases, err := k.lineLeases(ctx, p)
	if err != nil {
		return 0, 0, err
	}
	closed, err = k.shedLeases(ctx, p, leases, budget, p.lineBinds)
	return closed, len(leases), err
}

// lineEnd is when a customer's line ended; zero where it pays.
type lineEnd struct {
	customer string
	at       time.Time
}

// shedFloat is shed for a float that is used up. Lines that ended before it come first, for what their leases did not run for prolongs the
// float; then leases pause or end in the order of types.ShedOrder until the rest is paid for. Before each, leases whose settlement may set
// money free are settled. That is work too: what goes beyond the budget waits for the next block, which goes on from what it finds.
func (k *Keeper) shedFloat(ctx sdk.Context, p *purse, budget int) (closed, touched int, err error) {
	leases, err := k.carriedLeases(ctx, p.credit.address)
	if err != nil {
		return 0, 0, err
	}
	touched = len(leases)
	unsettled, order, work := leases, types.ShedOrder(leases), budget+len(leases)
	var lines []lineEnd
	for closed < budget && work >= 0 {
		work -= len(unsettled)
		var more bool
		if unsettled, more, err = k.catchUpFloat(ctx, p, unsettled); err != nil || more || !p.floatExhausted(ctx) {
			return closed, touched, err
		}
		if lines == nil {
			if lines, err = k.lineEnds(ctx, p, leases); err != nil {
				return closed, touched, err
			}
		}
		var n int
		customer := firstEnd(lines, p.account.TouchedAt)
		if customer != "" {
			if err := k.bindName(ctx, p, customer); err != nil {
				return closed, touched, err
			}
			n, _, err = k.shedLine(ctx, p, budget-closed)
			if err == nil && n == 0 && p.lineBinds(ctx) { // its rounds did not suffice
				return closed, touched, nil
			}
		} else if len(order) > 0 {
			customer = order[0].Tenant
			n, err = k.shedCarried(ctx, p, order[0])
			order = order[1:]
		} else {
			break
		}
		if closed += n; err != nil {
			return closed, touched, err
		}
		p.touch(ctx)
		if err := k.lineEndOf(ctx, p, lines, customer); err != nil {
			return closed, touched, err
		}
	}
	return closed, touched, nil
}

// lineEnds looks at the lines of all customers with leases, which are in their order.
func (k *Keeper) lineEnds(ctx sdk.Context, p *purse, leases []types.CarriedLease) ([]lineEnd, error) {
	lines := make([]lineEnd, 0, len(leases))
	for i, c := range leases {
		if i > 0 && leases[i-1].Lease.Tenant == c.Lease.Tenant {
			continue
		}
		lines = append(lines, lineEnd{customer: c.Lease.Tenant})
		if err := k.lineEndOf(ctx, p, lines, c.Lease.Tenant); err != nil {
			return nil, err
		}
	}
	return lines, nil
}

// lineEndOf brings a customer's entry up to date.
func (k *Keeper) lineEndOf(ctx sdk.Context, p *purse, lines []lineEnd, customer string) error {
	if err := k.bindName(ctx, p, customer); err != nil {
		return err
	}
	at := time.Time{}
	if p.lineExhausted(ctx) {
		at = p.credit.line.Account.TouchedAt
	}
	for i := range lines {
		if lines[i].customer == customer {
			lines[i].at = at
		}
	}
	return nil
}

// firstEnd is whose line ended first, not after a time; nobody's where none did.
func firstEnd(lines []lineEnd, until time.Time) string {
	first := lineEnd{}
	for _, l := range lines {
		if !l.at.IsZero() && !l.at.After(until) && (first.customer == "" || l.at.Before(first.at)) {
			first = l
		}
	}
	return first.customer
}

// shedCarried takes one lease off a dry float; none where it ended with its line, or with what it stood by for.
func (k *Keeper) shedCarried(ctx sdk.Context, p *purse, old types.Lease) (int, error) {
	if err := k.bindName(ctx, p, old.Tenant); err != nil {
		return 0, err
	}
	lease, err := k.leases.Get(ctx, collections.Join(p.tenant, old.Number))
	if errors.Is(err, collections.ErrNotFound) || err == nil && lease.PausedAt != nil {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return 1, k.pauseOrEnd(ctx, p, lease)
}

// catchUpFloat is catchUp for a float: it settles leases of all its customers while that pays for more time. It returns those that may set
// more free when they are settled further; more says that the rounds did not suffice, as of catchUp.
func (k *Keeper) catchUpFloat(ctx sdk.Context, p *purse, leases []types.CarriedLease) (_ []types.CarriedLease, more bool, err error) {
	before := p.account.TouchedAt
	for range maxCatchUp {
		if !p.floatExhausted(ctx) {
			return leases, false, nil
		}
		var again []types.CarriedLease
		freed := false
		for _, c := range leases {
			if err := k.bindName(ctx, p, c.Lease.Tenant); err != nil {
				return nil, false, err
			}
			lease, err := k.leases.Get(ctx, collections.Join(p.tenant, c.Lease.Number))
			if errors.Is(err, collections.ErrNotFound) || err == nil && lease.PausedAt != nil {
				continue
			}
			if err != nil {
				return nil, false, err
			}
			lease, s, err := k.settle(ctx, p, lease)
			if err != nil {
				return nil, false, err
			}
			frees := p.freed(s)
			if freed = freed || frees; frees || lease.Reserve.IsPositive() || lease.Credit.Reserve.IsPositive() {
				again = append(again, c)
			}
		}
		if leases = again; !freed {
			return leases, false, nil
		}
		p.touch(ctx)
	}
	return leases, p.floatExhausted(ctx) && p.account.TouchedAt.Sub(before) >= minCatchUp, nil
}

// bindName is bind by the customer's name.
func (k *Keeper) bindName(ctx sdk.Context, p *purse, customer string) error {
	address, err := k.addresses.StringToBytes(customer)
	if err != nil {
		return err
	}
	return k.bind(ctx, p, address)
}

// unqueueCredit takes a parked float or line out of the queue without touching it; its next message puts it back.
func (k *Keeper) unqueueCredit(ctx sdk.Context, key exhaustionKey) error {
	if err := k.exhaustion.Remove(ctx, key); err != nil {
		return err
	}
	entry := strings.TrimPrefix(key.K3(), creditMark)
	if entry == "" {
		gateway, err := k.gateways.Get(ctx, key.K2())
		if err != nil {
			return err
		}
		if err := k.requeue(ctx, key.K2(), key.K3(), gateway.Float.QueuedAt, 0); err != nil {
			return err
		}
		gateway.Float.QueuedAt = 0
		return k.gateways.Set(ctx, key.K2(), gateway)
	}
	at := collections.Join(key.K2(), sdk.AccAddress(entry))
	line, err := k.lines.Get(ctx, at)
	if errors.Is(err, collections.ErrNotFound) { // forgotten in this block, with its entry
		return nil
	}
	if err != nil {
		return err
	}
	if err := k.requeue(ctx, key.K2(), key.K3(), line.Account.QueuedAt, 0); err != nil {
		return err
	}
	line.Account.QueuedAt = 0
	return k.lines.Set(ctx, at, line)
}
