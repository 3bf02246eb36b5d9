// SPDX-License-Identifier: Apache-2.0

package types

import (
	"fmt"
	"time"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"
)

const (
	// MinSession and MaxSession bound sla_session and sla_session_reserved: less than a round of checks gives hardly more back than the outage itself, and
	// more than a day would let one fault cost more than a day's income.
	MinSession, MaxSession = time.Minute, 24 * time.Hour
	// MaxSLAHorizon bounds sla_horizon: fees are distributed after the verdict horizon, so later there is less to give back.
	MaxSLAHorizon = 7 * 24 * time.Hour
	// MaxCreditsPerBlock bounds max_credits_per_block: ten thousand credits take seconds of a block.
	MaxCreditsPerBlock = 10_000
)

// Session is the length of what a fault makes free as a whole, counted from the start: a quarter of an hour on demand, a day of what
// was reserved.
func (p Params) Session(mode LeaseMode) time.Duration {
	if mode == reserved {
		return p.SlaSessionReserved
	}
	return p.SlaSession
}

func (p Params) validateSLA() error {
	switch {
	case p.SlaSession < MinSession || p.SlaSession > MaxSession:
		return ErrInvalidParams.Wrapf("sla_session: %s: want %s to %s", p.SlaSession, MinSession, MaxSession)
	case p.SlaSessionReserved < MinSession || p.SlaSessionReserved > MaxSession:
		return ErrInvalidParams.Wrapf("sla_session_reserved: %s: want %s to %s", p.SlaSessionReserved, MinSession, MaxSession)
	case p.SlaHorizon < time.Minute || p.SlaHorizon > MaxSLAHorizon:
		return ErrInvalidParams.Wrapf("sla_horizon: %s: want 1m to %s", p.SlaHorizon, MaxSLAHorizon)
	case p.MaxCreditsPerBlock < 1 || p.MaxCreditsPerBlock > MaxCreditsPerBlock:
		return ErrInvalidParams.Wrapf("max_credits_per_block: %d: want 1 to %d", p.MaxCreditsPerBlock, MaxCreditsPerBlock)
	}
	return nil
}

// Credit is what a fault gives back of a lease's billed time.
type Credit struct {
	// From is where free time begins.
	From time.Time
	// Due is what was billed of it already, in whole units, rounded down.
	Due math.Int
}

// sessionStart is the start of the session at a time, of sessions counted from an anchor.
func sessionStart(anchor, at time.Time, session time.Duration) time.Time {
	since := max(0, at.Sub(anchor))
	return anchor.Add(since - since%session)
}

// anchor is from where a lease's sessions count.
func anchor(created time.Time, started *time.Time) time.Time {
	if started != nil {
		return *started
	}
	return created
}

// freeFrom is where the time begins that a fault makes free: at the start of the session that it falls into, but not what
// another Container served, what was not billed, or what was credited before.
func (l Lease) freeFrom(fault time.Time, session time.Duration) time.Time {
	from := sessionStart(anchor(l.CreatedAt, l.StartedAt), later(fault, *l.CreditableFrom), session)
	return later(from, *l.CreditableFrom)
}

// Fault settles a lease up to until where its Container is found faulty since fault. Time is billed up to the start of the session
// that the fault fell into and no further; what was settled of it before is due back. outage is the Container's outage index at
// until (Beyond), of which everything counts as seen. What it does not bill is forgiven at the lease's rate. A lease that bills nothing is only
// credited for what it billed before, a lease that never billed for nothing. Pure and total.
func (l Lease) Fault(fault, until time.Time, outage, session time.Duration, usd Clock) (Lease, Settlement, Credit) {
	none := Credit{From: fault, Due: math.ZeroInt()}
	if l.CreditableFrom == nil || l.State == LeaseState_LEASE_STATE_ACTIVE || !l.Bills() && !fault.Before(l.SettledUntil) {
		return l, Nothing(), none
	}
	before, from := l.SettledUntil, l.freeFrom(fault, session)
	credit := Credit{From: from, Due: l.dueFor(from, before, usd)}
	s := Nothing()
	if l.Bills() {
		l, s = l.Settle(earlier(later(before, from), until), l.OutageSeen, usd)
		lost := max(0, until.Sub(l.SettledUntil))
		s.Forgiven = s.Forgiven.Add(l.costs(l.SettledUntil, l.SettledUntil.Add(lost), usd))
		l = l.settledTo(l.SettledUntil.Add(lost), usd)
		l.Lost += lost
		l.OutageSeen = outage
		l.FreeUntil = nil
		l, s = l.drawn(s)
	}
	return l.CreditedUpTo(later(*l.CreditableFrom, l.SettledUntil)), s, credit
}

// Beyond is how much of a fault that stands lies beyond until, up to which an account has paid: the lease has not come there yet, and will if the
// fault's own credit, or a deposit, pays for more. It is no more billed then than what lies before.
func Beyond(fault, until, now time.Time) time.Duration {
	return max(0, now.Sub(later(until, fault)))
}

// CreditedUpTo notes that no later verdict credits anything before a time. What a fault had made free before it is over.
func (l Lease) CreditedUpTo(at time.Time) Lease {
	l.CreditableFrom = &at
	if l.FreeUntil != nil && !l.FreeUntil.Equal(at) {
		l.FreeUntil = nil
	}
	return l
}

// dueFor is what was paid for the time between two instants, and never more than was paid in all and not given back.
func (l Lease) dueFor(from, until time.Time, usd Clock) math.Int {
	units, _ := splitUnits(l.costs(from, later(from, until), usd))
	return math.MinInt(units, l.Billed.Sub(l.Credited))
}

// Recover makes the rest of the session free in which a lease's Container is healthy again, now. All of the outage has been forgiven or credited by
// then, or, where the lease's account has paid for less, lies in what becomes free.
func (l Lease) Recover(now time.Time, outage, session time.Duration) Lease {
	until := sessionStart(anchor(l.CreatedAt, l.StartedAt), now, session).Add(session)
	l.OutageSeen = outage
	l.FreeUntil, l.CreditableFrom = &until, &until
	return l
}

// free is how much of the time from settled_until to until, which is not before it, is free because of a fault that is over.
func (l Lease) free(until time.Time) time.Duration {
	if l.FreeUntil == nil {
		return 0
	}
	return max(0, earlier(*l.FreeUntil, until).Sub(l.SettledUntil))
}

// PauseUnder notes that a pause began while a fault stood: its verdict has given back what there was, and since then nothing was billed.
func (l Lease) PauseUnder() Lease {
	at := l.SettledUntil
	l.CreditableFrom, l.FreeUntil = &at, nil
	return l
}

// Left is what a lease was billed in a Container that it has left, or up to a pause, in the form of a receipt: the lease goes on, and a fault
// that is judged later may credit it for that time. minimum is what it paid for leaving early.
func (l Lease) Left(minimum math.Int) Receipt {
	return Receipt{
		Tenant: l.Tenant, Number: l.Number, ContainerId: l.ContainerId, Provider: l.Provider, CreatedAt: l.CreatedAt, StartedAt: l.StartedAt,
		EndedAt: l.SettledUntil, Denom: l.Denom, PriceDenom: l.PriceDenom, Rate: l.Rate, Billed: l.Billed, Fee: l.Fee, Refunded: math.ZeroInt(), Outage: l.Lost,
	}.served(l, minimum)
}

// served notes in a receipt what a fault that is judged later needs to know.
func (r Receipt) served(l Lease, minimum math.Int) Receipt {
	r.CreditableFrom, r.BilledUntil, r.Credited, r.Minimum, r.Indexer = l.CreditableFrom, l.SettledUntil, l.Credited, minimum, l.Indexer
	r.Mode = l.Mode
	return r
}

// Creditable says whether a fault that is judged later can give anything back.
func (r Receipt) Creditable() bool {
	return r.CreditableFrom != nil && r.CreditableFrom.Before(r.BilledUntil)
}

// Fault is what an ended lease gets back where its Container is found faulty since before its end: the session up to its end, and the rest
// of the minimum charge that it has paid for ending in it. It is credited once.
func (r Receipt) Fault(fault time.Time, session time.Duration, usd Clock) Credit {
	if !r.Creditable() || !fault.Before(r.BilledUntil) {
		return Credit{From: fault, Due: math.ZeroInt()}
	}
	l := Lease{CreatedAt: r.CreatedAt, StartedAt: r.StartedAt, CreditableFrom: r.CreditableFrom, PriceDenom: r.PriceDenom, Rate: r.Rate, Billed: r.Billed, Credited: r.Credited}
	credit := Credit{From: l.freeFrom(fault, session)}
	credit.Due = math.MinInt(l.dueFor(credit.From, r.BilledUntil, usd).Add(r.Minimum), r.Billed.Sub(r.Credited))
	return credit
}

func (l Lease) validateSLA() error {
	switch {
	case l.Credited.GT(l.Billed):
		return fmt.Errorf("credited: %s: want at most the billed %s", l.Credited, l.Billed)
	case (l.CreditableFrom == nil) != (l.State == LeaseState_LEASE_STATE_ACTIVE):
		return fmt.Errorf("creditable_from: does not go with state %s", l.State)
	case l.CreditableFrom != nil && (!validTime(*l.CreditableFrom) || l.CreditableFrom.Before(l.BoundAt)):
		return fmt.Errorf("creditable_from: %s with bound_at %s", l.CreditableFrom, l.BoundAt)
	case l.FreeUntil != nil && (l.CreditableFrom == nil || !l.FreeUntil.Equal(*l.CreditableFrom)):
		return fmt.Errorf("free_until: %s with creditable_from %v", l.FreeUntil, l.CreditableFrom)
	}
	return nil
}

func (r Receipt) validateSLA() error {
	if r.Billed.IsNil() || r.Billed.IsNegative() || r.Billed.GT(MaxAmount) {
		return fmt.Errorf("billed: %s: want 0 to %s", show(r.Billed), MaxAmount)
	}
	for _, amount := range []math.Int{r.Credited, r.Minimum} {
		if amount.IsNil() || amount.IsNegative() || amount.GT(r.Billed) {
			return fmt.Errorf("credited, minimum: %s: want 0 to the billed %s", show(amount), r.Billed)
		}
	}
	if !validTime(r.BilledUntil) || r.BilledUntil.Before(r.CreatedAt) || r.EndedAt.Before(r.BilledUntil) {
		return fmt.Errorf("billed_until: %s: want a time from created_at %s to ended_at %s", r.BilledUntil, r.CreatedAt, r.EndedAt)
	}
	if r.CreditableFrom != nil && !validTime(*r.CreditableFrom) {
		return fmt.Errorf("creditable_from: %s: want a time from 1970 to 2261", r.CreditableFrom)
	}
	return r.Credit.validate()
}

// validate checks what an ended lease cost its credit line; nil for none.
func (c *ReceiptCredit) validate() error {
	if c == nil {
		return nil
	}
	if _, err := sdk.AccAddressFromBech32(c.Gateway); err != nil {
		return fmt.Errorf("credit.gateway: %w", err)
	}
	if c.Billed.IsNil() || c.Billed.IsNegative() || c.Billed.GT(MaxAmount) {
		return fmt.Errorf("credit.billed: %s: want 0 to %s", show(c.Billed), MaxAmount)
	}
	for _, amount := range []math.Int{c.Minimum, c.Credited} {
		if amount.IsNil() || amount.IsNegative() || amount.GT(c.Billed) {
			return fmt.Errorf("credit.minimum, credited: %s: want 0 to the billed %s", show(amount), c.Billed)
		}
	}
	return nil
}

// ID names the lease.
func (r Receipt) ID() string { return idString(r.Tenant, r.Number) }

// validateServed checks what leases were billed in Containers that they have left, and the faults that wait.
func (g GenesisState) validateServed() error {
	open := make(map[string]Lease, len(g.Leases))
	for _, l := range g.Leases {
		open[l.ID()] = l
	}
	for i, r := range g.Left {
		if l, goesOn := open[r.ID()]; goesOn && (r.Denom != l.Denom || r.Gateway() != l.Gateway()) {
			return ErrInvalidGenesis.Wrapf("left[%d]: paid in %q by gateway %q, its lease in %q by %q", i, clip(r.Denom), clip(r.Gateway()), l.Denom, l.Gateway())
		}
		if _, err := ParseLeaseID(r.ID()); err != nil {
			return ErrInvalidGenesis.Wrapf("left[%d]: %v", i, err)
		}
		if _, err := sdk.AccAddressFromBech32(r.Provider); err != nil {
			return ErrInvalidGenesis.Wrapf("left[%d].provider: %v", i, err)
		}
		if err := validateRate("rate", r.Rate); err != nil {
			return ErrInvalidGenesis.Wrapf("left[%d]: %v", i, err)
		}
		if !validTime(r.CreatedAt) || r.StartedAt == nil || !validTime(*r.StartedAt) {
			return ErrInvalidGenesis.Wrapf("left[%d]: created_at %s, started_at %v", i, r.CreatedAt, r.StartedAt)
		}
		if err := r.validateSLA(); err != nil {
			return ErrInvalidGenesis.Wrapf("left[%d]: %v", i, err)
		}
		if !r.Creditable() {
			return ErrInvalidGenesis.Wrapf("left[%d]: %s was billed nothing that could be credited", i, r.ID())
		}
	}
	for i, f := range g.PendingFaults {
		if f.ContainerId == 0 || !validTime(f.FaultAt) || !validTime(f.JudgedAt) || f.JudgedAt.Before(f.FaultAt) {
			return ErrInvalidGenesis.Wrapf("pending_faults[%d]: container %d, faulty since %s, judged at %s", i, f.ContainerId, f.FaultAt, f.JudgedAt)
		}
	}
	return nil
}
