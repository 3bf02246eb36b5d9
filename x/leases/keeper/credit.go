// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"errors"
	"time"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
	"github.com/athnet/ath/x/leases/types"
)

// onCredit is the second meter of a purse that is a gateway's float: the credit line of one of its customers, whose leases the purse is opened
// for.
type onCredit struct {
	// gateway is whose float it is. Its float is the purse's account while the purse is open.
	gateway types.Gateway
	address sdk.AccAddress
	// line is the customer's, touched; bound says that there is one. Where there is none, what comes back of leases that ended goes to the
	// float alone.
	line  types.CreditLine
	bound bool
	// seen and next are what the customer's uath account counts and numbers as of the line's last save.
	seen types.Counts
	next uint64
	// charged is what the last step has charged the line, in musd.
	charged math.Int
	// freed says whether the last step has set something of the line free.
	freed bool
}

// A meter is what a step of a lease is taken on: up to when it was counted, and the clock of its prices.
type meter struct {
	touched time.Time
	usd     types.Clock
}

// step takes a step of a lease on what pays for it, and on its credit line where it has one. The caller applies the settlement to the purse;
// to the line it is applied here.
func (p *purse) step(lease types.Lease, do func(types.Lease, meter) (types.Lease, types.Settlement)) (types.Lease, types.Settlement) {
	after, s := do(lease, meter{p.account.TouchedAt, p.usd})
	if p.credit == nil {
		return after, s
	}
	seen, charged := do(lease.OnCredit(), meter{touched: p.credit.line.Account.TouchedAt})
	p.credit.line = p.credit.line.Settled(charged)
	p.credit.charged, p.credit.freed = charged.Total(), charged.Frees()
	return after.WithCredit(lease.Gateway(), seen), s
}

// freed says whether a settlement has set money free that pays for more time, of what pays or of the credit line.
func (p *purse) freed(s types.Settlement) bool {
	return s.Frees() || p.credit != nil && p.credit.freed
}

// paidUntil is up to when the purse pays for its tenant's leases: how far it was touched, and its credit line.
func (p *purse) paidUntil() time.Time {
	if p.credit != nil && p.credit.line.Account.TouchedAt.Before(p.account.TouchedAt) {
		return p.credit.line.Account.TouchedAt
	}
	return p.account.TouchedAt
}

// dryReason is why a lease pauses or ends that the purse pays for no longer.
func (p *purse) dryReason() types.CloseReason {
	if p.credit == nil {
		return types.CloseReason_CLOSE_REASON_EXHAUSTED
	}
	return p.credit.line.DryReason(p.account)
}

// touch counts what was spent up to now, as far as it can be paid.
func (p *purse) touch(ctx sdk.Context) {
	p.account = p.account.Touch(ctx.BlockTime(), p.balance, p.usd)
	if p.credit != nil {
		p.credit.line = p.credit.line.Touch(ctx.BlockTime())
	}
}

// lineExhausted says whether the credit line pays no longer.
func (p *purse) lineExhausted(ctx sdk.Context) bool {
	if p.credit == nil {
		return false
	}
	end, ok := p.credit.line.ExhaustedAt()
	return ok && !end.After(ctx.BlockTime())
}

// opened, closed, started and changed put a lease on what pays for it, take it off, or change it there.
func (p *purse) opened(l types.Lease) {
	p.account = p.account.Opened(l)
	if p.credit != nil {
		p.account.NextNumber = 1 // numbers are the tenant's, not the float's
		p.credit.line.Account = p.credit.line.Account.Opened(l.OnCredit())
	}
}

func (p *purse) closed(l types.Lease) {
	p.account = p.account.Closed(l)
	if p.credit != nil {
		p.credit.line.Account = p.credit.line.Account.Closed(l.OnCredit())
	}
}

func (p *purse) started() {
	p.account = p.account.Started()
	if p.credit != nil {
		p.credit.line.Account = p.credit.line.Account.Started()
	}
}

func (p *purse) changed(before, after types.Lease) {
	p.account = p.account.Changed(before, after)
	if p.credit != nil {
		p.credit.line.Account = p.credit.line.Account.Changed(before.OnCredit(), after.OnCredit())
	}
}

// numbering is the account that names a new lease's tenant, its number and the denom that pays.
func (p *purse) numbering() types.Account {
	if p.credit == nil {
		return p.account
	}
	account := p.credit.line.Account
	account.Denom = p.account.Denom
	return account
}

// fork is a copy of the purse that shares nothing with it.
func (p *purse) fork() purse {
	copied := *p
	if p.credit != nil {
		side := *p.credit
		copied.credit = &side
	}
	return copied
}

// purseOf opens what pays for a lease: its tenant's account, or the float of its gateway with the tenant's credit line; gateway is empty for
// the first.
func (k *Keeper) purseOf(ctx sdk.Context, tenant sdk.AccAddress, denom, gateway string) (*purse, error) {
	if gateway == "" {
		return k.openPurse(ctx, tenant, denom)
	}
	address, err := k.addresses.StringToBytes(gateway)
	if err != nil {
		return nil, types.ErrInvalidField.Wrapf("gateway: %v", err)
	}
	p, err := k.openFloat(ctx, address)
	if err != nil {
		return nil, err
	}
	return p, k.bind(ctx, p, tenant)
}

// openFloat opens a gateway's float for no customer.
func (k *Keeper) openFloat(ctx sdk.Context, address sdk.AccAddress) (*purse, error) {
	gateway, err := k.gateway(ctx, address)
	if err != nil {
		return nil, err
	}
	p := &purse{account: gateway.Float, usd: k.usdClock(ctx), credit: &onCredit{gateway: gateway, address: address, charged: math.ZeroInt()}}
	if p.balance, err = k.vault.RowAmount(ctx, p.row()); err != nil {
		return nil, err
	}
	p.account = p.account.Touch(ctx.BlockTime(), p.balance, p.usd)
	p.credit.line = gateway.Line("", p.account.TouchedAt)
	return p, p.usd.err
}

// bind makes an open float pay for the leases of one customer, whose line it touches: also where it was bound to it, for what has been set free
// since may pay for more time. What it has changed for another is saved.
func (k *Keeper) bind(ctx sdk.Context, p *purse, customer sdk.AccAddress) error {
	if p.credit.bound && p.tenant.Equals(customer) {
		p.credit.line = p.credit.line.Touch(ctx.BlockTime())
		return nil
	}
	side := *p.credit
	name, err := k.addresses.BytesToString(customer)
	if err != nil {
		return err
	}
	side.line, err = k.lines.Get(ctx, collections.Join(customer, side.address))
	side.bound = err == nil
	switch {
	case errors.Is(err, collections.ErrNotFound):
		side.line = side.gateway.Line(name, ctx.BlockTime())
	case err != nil:
		return err
	}
	side.line = side.line.Touch(ctx.BlockTime())
	side.seen, side.next = side.line.Account.Own(), side.line.Account.NextNumber
	p.tenant, p.credit = customer, &side
	return nil
}

// saveCredit writes a float and its customer's line, sees to it that the exhaustion queue looks at both in time, and tells the customer's uath
// account what has changed. A line that was revoked is forgotten with its last lease.
func (k *Keeper) saveCredit(ctx sdk.Context, p *purse) error {
	side := p.credit
	if p.usd.err != nil {
		return p.usd.err
	}
	if side.bound {
		if err := k.saveLine(ctx, p); err != nil {
			return err
		}
	}
	if !p.account.QueuedInTime(p.balance, p.usd) {
		at := p.account.QueueAt(p.balance, ctx.BlockTime(), p.usd)
		if err := k.requeue(ctx, side.address, floatEntry, p.account.QueuedAt, at); err != nil {
			return err
		}
		p.account.QueuedAt = at
	}
	if p.usd.err != nil {
		return p.usd.err
	}
	side.gateway.Float = p.account
	return k.gateways.Set(ctx, side.address, side.gateway)
}

func (k *Keeper) saveLine(ctx sdk.Context, p *purse) error {
	side := p.credit
	if own := side.line.Account.Own(); own != side.seen || side.line.Account.NextNumber != side.next {
		main, err := k.uathAccount(ctx, p.tenant)
		if err != nil {
			return err
		}
		if err := k.accounts.Set(ctx, collections.Join(p.tenant, athtypes.Denom), main.Follow(side.line.Account, side.seen)); err != nil {
			return err
		}
		side.seen, side.next = own, side.line.Account.NextNumber
	}
	if side.line.Forgettable() {
		return k.forgetLine(ctx, p)
	}
	if !side.line.QueuedInTime() {
		at := side.line.QueueAt(ctx.BlockTime())
		if err := k.requeue(ctx, p.tenant, lineEntry(side.address), side.line.Account.QueuedAt, at); err != nil {
			return err
		}
		side.line.Account.QueuedAt = at
	}
	return k.lines.Set(ctx, collections.Join(p.tenant, side.address), side.line)
}

// forgetLine takes a line out of the state.
func (k *Keeper) forgetLine(ctx sdk.Context, p *purse) error {
	side := p.credit
	if err := k.requeue(ctx, p.tenant, lineEntry(side.address), side.line.Account.QueuedAt, 0); err != nil {
		return err
	}
	side.bound, side.line.Account.QueuedAt = false, 0
	side.gateway.Customers--
	if err := k.customers.Remove(ctx, collections.Join(side.address, p.tenant)); err != nil {
		return err
	}
	return k.lines.Remove(ctx, collections.Join(p.tenant, side.address))
}

// The exhaustion queue holds accounts under their denom; floats and credit lines stand there under what is no denom.
const (
	creditMark = "@"
	floatEntry = creditMark
)

func lineEntry(gateway sdk.AccAddress) string { return creditMark + string(gateway) }

// requeue moves an entry of the exhaustion queue from one second to another; 0 is none.
func (k *Keeper) requeue(ctx sdk.Context, owner sdk.AccAddress, entry string, from, to int64) error {
	if from != 0 {
		if err := k.exhaustion.Remove(ctx, collections.Join3(from, owner, entry)); err != nil {
			return err
		}
	}
	if to == 0 {
		return nil
	}
	return k.exhaustion.Set(ctx, collections.Join3(to, owner, entry))
}

// carry notes that a float pays for a lease; drop that it does no longer. Of leases that their tenant pays for itself nothing is written.
func (k *Keeper) carry(ctx sdk.Context, p *purse, lease types.Lease) error {
	if p.credit == nil {
		return nil
	}
	return k.carried.Set(ctx, collections.Join3(p.credit.address, p.tenant, lease.Number))
}

func (k *Keeper) drop(ctx sdk.Context, p *purse, lease types.Lease) error {
	if p.credit == nil {
		return nil
	}
	return k.carried.Remove(ctx, collections.Join3(p.credit.address, p.tenant, lease.Number))
}

// onCredit says whether a purse's float and credit line carry leases, with the rates and reserves that they add; how many of them are new.
func (o *opening) onCredit(ctx sdk.Context, p *purse, leases []types.Lease, opened int, rate, reserve func(types.Lease) math.Int) error {
	side := p.credit
	if !side.bound {
		return types.ErrCreditNotFound.Wrapf("gateway: %s (%s) gives %s no credit: ask it, or lease with your own account",
			side.gateway.Name, side.gateway.Address, side.line.Customer())
	}
	rates, held, onLine := math.ZeroInt(), math.ZeroInt(), math.ZeroInt()
	for _, l := range leases {
		rates, held, onLine = rates.Add(rate(l)), held.Add(reserve(l)), onLine.Add(reserve(l.OnCredit()))
	}
	if err := side.line.Carries(rates, onLine, o.params.MinRunway, ctx.BlockTime()); err != nil {
		return err
	}
	return p.float().Carries(p.balance, opened, rates, held, o.params, ctx.BlockTime(), p.usd)
}

// creditBack gives a credit line back of what is due to it in musd as much as of what is due in uath has come, rounded down; never more than was
// spent of it, since the line that paid may be forgotten and this another.
func (p *purse) creditBack(credited, due, onLine math.Int) math.Int {
	if p.credit == nil || !due.IsPositive() {
		return math.ZeroInt()
	}
	back := math.MinInt(onLine.Mul(credited).Quo(due), p.credit.line.Spent)
	p.credit.line = p.credit.line.Credit(back)
	return back
}

// charged is what the last step has charged a credit line, for events; nothing where there is none.
func (p *purse) charged() string {
	if p.credit == nil {
		return ""
	}
	return musd(p.credit.charged)
}

// onLine is what went back to a credit line, for events; nothing where there is none.
func (p *purse) onLine(amount math.Int) string {
	if p.credit == nil {
		return ""
	}
	return musd(amount)
}

func musd(amount math.Int) string { return sdk.Coin{Denom: types.MicroUSD, Amount: amount}.String() }
