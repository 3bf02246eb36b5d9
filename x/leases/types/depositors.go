// SPDX-License-Identifier: Apache-2.0

package types

import (
	"slices"

	"cosmossdk.io/math"
)

// Other people's money in an account is a stack of places above the tenant's own. What leaves the account is taken off the top, the
// tenant's own last. Leases are paid without looking at it: how far the balance has fallen says what that took, whenever somebody
// asks. Three invariants hold after every method (depositors_test.go, keeper/model_test.go):
//
//	D1  the places hold no more than the balance; the rest is the tenant's own
//	D2  a place holds, has in channels, has spent and has given back exactly what was deposited in it
//	D3  a place has in channels what open channels say that they took from it

const (
	// MaxDepositors bounds the places of an account, and so the work of whatever looks at them.
	MaxDepositors = 16
	// MaxUninvited bounds the places that were taken without the tenant's doing: half of all, so that strangers can't keep out the grants
	// that the tenant draws on.
	MaxUninvited = 8
	// MaxMinForeignDeposit bounds min_foreign_deposit: 1,000 ATH would lock small depositors out.
	MaxMinForeignDeposit = 1_000_000_000
)

// A Payer is who deposits, from where, and so which place it is.
type Payer struct {
	Depositor string
	Source    DepositSource
	// Nonce of the grant; 0 for other sources.
	Nonce uint64
}

// Payer says whose place it is.
func (p Place) Payer() Payer { return Payer{p.Depositor, p.Source, p.Nonce} }

// Payer says which place the money came out of.
func (s ChannelSource) Payer() Payer { return Payer{s.Depositor, s.Source, s.Nonce} }

// uninvited says whether the place was taken without the tenant's doing.
func (p Place) uninvited() bool { return p.Source != DepositSource_DEPOSIT_SOURCE_GRANT }

// empty says whether the place holds nothing any more: what is in channels may come back.
func (p Place) empty() bool { return p.Left.IsZero() && p.Held.IsZero() }

// over says whether the place is of no use any more: empty, and no credit is due to it.
func (p Place) over() bool { return p.empty() && p.Spent.IsZero() }

// NewDepositors is an account that holds nothing of others.
func NewDepositors(tenant, denom string, balance math.Int) Depositors {
	return Depositors{Tenant: tenant, Denom: denom, Balance: balance, OwnSpent: math.ZeroInt()}
}

// others is what of the balance is not the tenant's.
func (d Depositors) others() math.Int {
	sum := math.ZeroInt()
	for _, p := range d.Places {
		sum = sum.Add(p.Left)
	}
	return sum
}

// Own is the tenant's part of the balance; the stack is counted.
func (d Depositors) Own() math.Int { return d.Balance.Sub(d.others()) }

// Count takes what has left the balance since it was counted last off the stack. More than there was is a credit. A place with nothing
// left waits for credits until the tenant has spent as much of its own since.
func (d Depositors) Count(balance math.Int) Depositors {
	if more := balance.Sub(d.Balance); more.IsPositive() {
		return d.Credit(more)
	}
	paid := d.Balance.Sub(balance)
	d.Places, d.Balance = slices.Clone(d.Places), balance
	for i := len(d.Places) - 1; i >= 0 && paid.IsPositive(); i-- {
		p := &d.Places[i]
		took := math.MinInt(p.Left, paid)
		p.Left, p.Spent, paid = p.Left.Sub(took), p.Spent.Add(took), paid.Sub(took)
	}
	return d.trim(paid)
}

// Credit gives back an amount that was paid once: to the places that hold money, from the top, at most what was paid out of each; then to
// the tenant, what it has spent of its own since others' money was used up; then to those others, from the top; the rest is the tenant's.
// Nobody is given more than what he paid, and who has deposited a moment ago gets nothing of it.
func (d Depositors) Credit(amount math.Int) Depositors {
	d.Places, d.Balance = slices.Clone(d.Places), d.Balance.Add(amount)
	for _, usedUp := range []bool{false, true} {
		if usedUp {
			own := math.MinInt(d.OwnSpent, amount)
			d.OwnSpent, amount = d.OwnSpent.Sub(own), amount.Sub(own)
		}
		for i := len(d.Places) - 1; i >= 0 && amount.IsPositive(); i-- {
			p := &d.Places[i]
			if p.empty() != usedUp {
				continue
			}
			got := math.MinInt(p.Spent, amount)
			p.Left, p.Spent, amount = p.Left.Add(got), p.Spent.Sub(got), amount.Sub(got)
		}
	}
	return d
}

// trim gives up places that are over, after the tenant has spent some of its own money, and all that are empty once that is as much as was
// spent of theirs.
func (d Depositors) trim(own math.Int) Depositors {
	d.Places = slices.DeleteFunc(d.Places, Place.over)
	usedUp := math.ZeroInt()
	for _, p := range d.Places {
		if p.empty() {
			usedUp = usedUp.Add(p.Spent)
		}
	}
	if d.OwnSpent = d.OwnSpent.Add(own); d.OwnSpent.GTE(usedUp) {
		d.Places, d.OwnSpent = slices.DeleteFunc(d.Places, Place.empty), math.ZeroInt()
	}
	return d
}

// find returns the index of a payer's place, or -1.
func (d Depositors) find(who Payer) int {
	return slices.IndexFunc(d.Places, func(p Place) bool { return p.Payer() == who })
}

// Outstanding is what of a payer's money is in the account, or in its open channels.
func (d Depositors) Outstanding(who Payer) math.Int {
	i := d.find(who)
	if i < 0 {
		return math.ZeroInt()
	}
	return d.Places[i].Left.Add(d.Places[i].Held)
}

// Deposit adds a payer's money on top of the stack; who has a place takes it along. A new place has to be worth least, and to be had.
func (d Depositors) Deposit(who Payer, amount, least math.Int) (Depositors, error) {
	place := Place{
		Depositor: who.Depositor, Source: who.Source, Nonce: who.Nonce, Left: math.ZeroInt(), Held: math.ZeroInt(), Spent: math.ZeroInt(),
	}
	d.Places = slices.Clone(d.Places)
	if i := d.find(who); i >= 0 {
		place = d.Places[i]
		d.Places = slices.Delete(d.Places, i, i+1)
	}
	if place.empty() {
		if err := d.admit(place, amount, least); err != nil {
			return d, err
		}
		if i := slices.IndexFunc(d.Places, Place.empty); len(d.Places) >= MaxDepositors {
			d.Places = slices.Delete(d.Places, i, i+1)
		}
	}
	place.Left = place.Left.Add(amount)
	d.Places, d.Balance = append(d.Places, place), d.Balance.Add(amount)
	return d, nil
}

// admit says whether there may be a new place.
func (d Depositors) admit(place Place, amount, least math.Int) error {
	if amount.LT(least) {
		return ErrDepositTooSmall.Wrapf("amount: %s: the first deposit into somebody else's account is at least %s",
			ReadableIn(d.Denom, amount), ReadableIn(d.Denom, least))
	}
	taken, uninvited := 0, 0
	for _, p := range d.Places {
		if p.empty() { // it makes way
			continue
		}
		taken++
		if p.uninvited() {
			uninvited++
		}
	}
	const remedy = "wait until some of it is spent, or let the tenant give some back (reclaim-deposit)"
	switch {
	case taken >= MaxDepositors:
		return ErrTooManyDepositors.Wrapf("tenant: %s has %d depositors, which is as many as may be: %s", d.Tenant, taken, remedy)
	case place.uninvited() && uninvited >= MaxUninvited:
		return ErrTooManyDepositors.Wrapf("tenant: %s has %d depositors that it did not ask: use a grant, %s", d.Tenant, uninvited, remedy)
	}
	return nil
}

// Claims is what each place, and the tenant, could take out now, if free is what of the balance is neither spent nor reserved: what is
// not free lies on top of the stack, as it would be paid.
func (d Depositors) Claims(free math.Int) (places []math.Int, own math.Int) {
	own = math.MaxInt(math.ZeroInt(), math.MinInt(d.Own(), free))
	below := d.Own()
	places = make([]math.Int, len(d.Places))
	for i, p := range d.Places {
		places[i] = math.MaxInt(math.ZeroInt(), math.MinInt(p.Left, free.Sub(below)))
		below = below.Add(p.Left)
	}
	return places, own
}

// Claim is what a payer could take out now.
func (d Depositors) Claim(who Payer, free math.Int) math.Int {
	if i := d.find(who); i >= 0 {
		claims, _ := d.Claims(free)
		return claims[i]
	}
	return math.ZeroInt()
}

// Reclaimed is what goes back to a payer.
type Reclaimed struct {
	Payer
	Amount math.Int
}

// Reclaim takes an amount out of the places of a depositor, of one source or of all (unspecified), the top first; all of what is free there
// where the amount is zero.
func (d Depositors) Reclaim(depositor string, source DepositSource, amount, free math.Int) (Depositors, []Reclaimed, error) {
	claims, _ := d.Claims(free)
	found, sum := false, math.ZeroInt()
	for i, p := range d.Places {
		if p.empty() || p.Depositor != depositor || source != DepositSource_DEPOSIT_SOURCE_UNSPECIFIED && source != p.Source {
			claims[i] = math.ZeroInt()
			continue
		}
		found, sum = true, sum.Add(claims[i])
	}
	if !found {
		return d, nil, ErrDepositorNotFound.Wrapf("depositor: %s has no such money in the account of %s, or all of it is spent", clip(depositor), d.Tenant)
	}
	if amount.IsZero() {
		amount = sum
	}
	if amount.GT(sum) || sum.IsZero() {
		return d, nil, ErrInsufficientFree.Wrapf("amount: %s of %s that can be taken: the rest is used or reserved by leases and channels of %s",
			ReadableIn(d.Denom, amount), ReadableIn(d.Denom, sum), d.Tenant)
	}
	var back []Reclaimed
	d.Places, d.Balance = slices.Clone(d.Places), d.Balance.Sub(amount)
	for i := len(d.Places) - 1; i >= 0; i-- {
		take := math.MinInt(claims[i], amount)
		if !take.IsPositive() {
			continue
		}
		d.Places[i].Left = d.Places[i].Left.Sub(take)
		amount = amount.Sub(take)
		back = append(back, Reclaimed{d.Places[i].Payer(), take})
	}
	return d.trim(math.ZeroInt()), back, nil
}

// Draw takes a channel's cap off the top of the stack and says out of which places; what they don't cover is the tenant's own.
func (d Depositors) Draw(amount math.Int) (Depositors, []ChannelSource) {
	var sources []ChannelSource
	d.Places, d.Balance = slices.Clone(d.Places), d.Balance.Sub(amount)
	for i := len(d.Places) - 1; i >= 0 && amount.IsPositive(); i-- {
		p := &d.Places[i]
		took := math.MinInt(p.Left, amount)
		if !took.IsPositive() {
			continue
		}
		p.Left, p.Held, amount = p.Left.Sub(took), p.Held.Add(took), amount.Sub(took)
		sources = append(sources, ChannelSource{Depositor: p.Depositor, Source: p.Source, Nonce: p.Nonce, Amount: took})
	}
	slices.Reverse(sources)
	return d, sources
}

// Restore is the end of a channel with a cap, of which some is left: the tenant's own part of the cap comes back first, then the places'
// in their order, as if what was paid had been taken off the top.
func (d Depositors) Restore(sources []ChannelSource, limit, left math.Int) Depositors {
	d.Places, d.Balance = slices.Clone(d.Places), d.Balance.Add(left)
	own := limit.Sub(sourced(sources))
	ownSpent := math.MaxInt(math.ZeroInt(), own.Sub(left))
	left = math.MaxInt(math.ZeroInt(), left.Sub(own))
	for _, s := range sources {
		back := math.MinInt(left, s.Amount)
		left = left.Sub(back)
		i := d.find(s.Payer())
		if i < 0 { // never: a place is kept while it has money in channels
			continue
		}
		p := &d.Places[i]
		p.Held, p.Left, p.Spent = p.Held.Sub(s.Amount), p.Left.Add(back), p.Spent.Add(s.Amount.Sub(back))
	}
	return d.trim(ownSpent)
}

// sourced is how much of a channel's cap is other people's.
func sourced(sources []ChannelSource) math.Int {
	sum := math.ZeroInt()
	for _, s := range sources {
		sum = sum.Add(s.Amount)
	}
	return sum
}

// AddSources adds what a channel was topped up with; one entry per place.
func (c Channel) AddSources(more []ChannelSource) Channel {
	if len(more) == 0 {
		return c
	}
	c.Sources = slices.Clone(c.Sources)
	for _, s := range more {
		i := slices.IndexFunc(c.Sources, func(old ChannelSource) bool { return old.Payer() == s.Payer() })
		if i < 0 {
			c.Sources = append(c.Sources, s)
			continue
		}
		c.Sources[i].Amount = c.Sources[i].Amount.Add(s.Amount)
	}
	return c
}

// validateSources checks a channel of a genesis; the places say the same (Depositors.Validate).
func (c Channel) validateSources() error {
	if len(c.Sources) > MaxDepositors {
		return ErrInvalidChannel.Wrapf("sources: %d: want at most %d", len(c.Sources), MaxDepositors)
	}
	for i, s := range c.Sources {
		if s.Amount.IsNil() || !s.Amount.IsPositive() {
			return ErrInvalidChannel.Wrapf("sources[%d].amount: %s: want more than nothing", i, show(s.Amount))
		}
	}
	if sum := sourced(c.Sources); sum.GT(Uath(c.Cap)) {
		return ErrInvalidChannel.Wrapf("sources: %s in all: want at most the cap, %d", sum, c.Cap)
	}
	return nil
}
