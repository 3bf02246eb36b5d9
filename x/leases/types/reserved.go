// SPDX-License-Identifier: Apache-2.0

package types

import (
	"fmt"
	"time"

	"cosmossdk.io/math"
)

// MinReservedTerm is the shortest term that may be reserved; what is shorter is on demand.
const MinReservedTerm = time.Hour

const (
	onDemand = LeaseMode_LEASE_MODE_ON_DEMAND
	reserved = LeaseMode_LEASE_MODE_RESERVED
)

// Normal is the mode with what was left out said.
func (m LeaseMode) Normal() LeaseMode {
	if m == LeaseMode_LEASE_MODE_UNSPECIFIED {
		return onDemand
	}
	return m
}

// Word names the mode for people: "on-demand" or "reserved".
func (m LeaseMode) Word() string {
	if m == reserved {
		return "reserved"
	}
	return "on-demand"
}

// ParseMode reads a mode's word; none is on demand.
func ParseMode(word string) (LeaseMode, error) {
	switch word {
	case "", onDemand.Word():
		return onDemand, nil
	case reserved.Word():
		return reserved, nil
	}
	return 0, ErrInvalidField.Wrapf("mode: %q: want on-demand or reserved", clip(word))
}

func (m LeaseMode) validate() error {
	if _, known := LeaseMode_name[int32(m)]; !known {
		return ErrInvalidField.Wrapf("mode: %d is no mode", m)
	}
	return nil
}

// In is the offer as one mode sees it: with that mode's rate and terms, of which the shortest reserved term is what is charged at least.
// False where it has none of the mode.
func (o Offer) In(mode LeaseMode) (Offer, bool) {
	if mode != reserved {
		return o, !o.ReservedOnly
	}
	if o.Reserved == nil {
		return o, false
	}
	o.Rate, o.MinTerm, o.MaxTerm = o.Reserved.Rate, o.Reserved.MinTerm, o.Reserved.MaxTerm
	o.MinCharge = o.MinTerm
	o.StandbyRate, o.StorageRate = math.ZeroInt(), math.ZeroInt()
	return o, true
}

// validateTerms checks the bounds of terms, and what is asked for reserved ones.
func (o Offer) validateTerms() error {
	if o.ReservedOnly {
		for _, rate := range []math.Int{o.Rate, o.StandbyRate, o.StorageRate} {
			if !rate.IsNil() && !rate.IsZero() {
				return ErrInvalidOffer.Wrapf("reserved_only: container %d asks %s on demand: leave rate, standby_rate and storage_rate out", o.ContainerId, show(rate))
			}
		}
		if o.Reserved == nil || o.MinTerm != 0 || o.MaxTerm != 0 {
			return ErrInvalidOffer.Wrapf("reserved_only: container %d: want terms in reserved, and no min_term or max_term beside them", o.ContainerId)
		}
	}
	if o.MaxTerm < 0 || o.MaxTerm > MaxTerm || (o.MaxTerm > 0 && o.MaxTerm < o.MinCharge) {
		return ErrInvalidOffer.Wrapf("max_term: %s of container %d: want 0, or min_charge to %s", o.MaxTerm, o.ContainerId, MaxTerm)
	}
	if longest := orMax(o.MaxTerm); o.MinTerm < 0 || o.MinTerm > longest {
		return ErrInvalidOffer.Wrapf("min_term: %s of container %d: want 0 to %s", o.MinTerm, o.ContainerId, longest)
	}
	r := o.Reserved
	if r == nil {
		return nil
	}
	if o.Denom != o.PaidIn() { // held back in advance, it would not stay what it was
		return ErrInvalidOffer.Wrapf("reserved: container %d is priced in %s: a term that is paid in advance has its price in %s", o.ContainerId, o.Denom, o.PaidIn())
	}
	if err := validateRate("reserved.rate", r.Rate); err != nil {
		return ErrInvalidOffer.Wrapf("container %d: %v", o.ContainerId, err)
	}
	if r.MaxTerm < 0 || r.MaxTerm > MaxTerm {
		return ErrInvalidOffer.Wrapf("reserved.max_term: %s of container %d: want 0 to %s", r.MaxTerm, o.ContainerId, MaxTerm)
	}
	if longest := orMax(r.MaxTerm); r.MinTerm < MinReservedTerm || r.MinTerm > longest {
		return ErrInvalidOffer.Wrapf("reserved.min_term: %s of container %d: want %s to %s", r.MinTerm, o.ContainerId, MinReservedTerm, longest)
	}
	return nil
}

// orMax is a longest term, of which 0 says that it is that of any lease.
func orMax(term time.Duration) time.Duration {
	if term == 0 {
		return MaxTerm
	}
	return term
}

// validateMode checks what goes with the mode of an order.
func (m *MsgCreateLease) validateMode() error {
	if err := m.Mode.validate(); err != nil || m.Mode != reserved {
		return err
	}
	switch {
	case m.Duration < MinReservedTerm:
		return ErrInvalidField.Wrapf("duration: %s for a reserved lease: want %s or more, within the offer's reserved terms", m.Duration, MinReservedTerm)
	case m.Grace != 0:
		return ErrInvalidField.Wrapf("grace: %s for a reserved lease: it is paid in advance and never paused", m.Grace)
	case m.Completes:
		return ErrInvalidField.Wrap("completes: a reserved lease ends with its term, or when its tenant closes it")
	}
	return nil
}

// Prepaid says whether the lease is paid out of what was held back for it, up to its agreed end, and not by its account as time passes.
// What of that time is not billed is let go: the account gets it back.
func (l Lease) Prepaid() bool { return l.Mode == reserved }

// Prepay makes a lease that was just opened a reserved one: its whole term is held back, and who leaves before the offer's shortest
// term pays up to that.
func (l Lease) Prepay(terms Offer) Lease {
	until := l.CreatedAt.Add(terms.MinTerm)
	l.Mode, l.MinUntil = reserved, &until
	l.Reserve = l.held()
	return l
}

// held is what a reserved lease needs up to its agreed end.
func (l Lease) held() math.Int {
	return UnitsRoundedUp(l.Remainder.Add(Accrued(l.Rate, max(0, l.EndsAt.Sub(l.SettledUntil)))))
}

// drawn turns a settlement that was computed as if the account had paid into one that is drawn from what a reserved lease holds back.
// Whatever the lease went forward by without being billed is no longer needed and is released. It may be applied more than once.
func (l Lease) drawn(s Settlement) (Lease, Settlement) {
	if !l.Prepaid() {
		return l, s
	}
	before := l.Reserve.Add(s.Released)
	l.Reserve = l.held()
	s.Released = before.Sub(l.Reserve)
	s.Prepaid, s.Earned, s.Forgiven = s.Prepaid.Add(s.Earned), math.ZeroInt(), math.ZeroInt()
	return l, s
}

// minimum is what a tenant who leaves at a time owes for having come, of what is held back: on demand the rest of the minimum charge,
// reserved the time up to the shortest term, less what a fault has made free of it. Nobody owes it to a provider that has given notice.
func (l Lease) minimum(at time.Time) math.Int {
	switch {
	case l.ReclaimAt != nil:
		return math.ZeroInt()
	case !l.Prepaid():
		return l.Reserve
	}
	if l.FreeUntil != nil {
		at = later(at, *l.FreeUntil)
	}
	return math.MinInt(l.Reserve, UnitsRoundedUp(Accrued(l.Rate, max(0, l.MinUntil.Sub(later(at, l.SettledUntil))))))
}

// Prolong moves the agreed end of a lease. It says how much more a reserved one holds back for that.
func (l Lease) Prolong(end time.Time) (Lease, math.Int) {
	before := l.Reserve
	l.EndsAt = &end
	if l.Prepaid() {
		l.Reserve = l.held()
	}
	return l, l.Reserve.Sub(before)
}

func (l Lease) validateMode() error {
	if l.Mode != onDemand && l.Mode != reserved {
		return fmt.Errorf("mode: %s: want ON_DEMAND or RESERVED", l.Mode)
	}
	if l.ReclaimAt != nil && (!validTime(*l.ReclaimAt) || l.ReclaimAt.Before(l.SettledUntil)) {
		return fmt.Errorf("reclaim_at: %s with settled_until %s", l.ReclaimAt, l.SettledUntil)
	}
	if !l.Prepaid() {
		if l.MinUntil != nil {
			return fmt.Errorf("min_until: %s does not go with mode %s", l.MinUntil, l.Mode)
		}
		return nil
	}
	switch {
	case l.EndsAt == nil || l.MinUntil == nil || !validTime(*l.MinUntil) || l.MinUntil.After(*l.EndsAt):
		return fmt.Errorf("ends_at, min_until: %v, %v: want both of a reserved lease, min_until not the later", l.EndsAt, l.MinUntil)
	case l.State != LeaseState_LEASE_STATE_ACTIVE && l.State != LeaseState_LEASE_STATE_RUNNING || l.GraceReserve.IsPositive() || l.Completes:
		return fmt.Errorf("state, grace_reserve, completes: %s, %s, %t of a reserved lease", l.State, show(l.GraceReserve), l.Completes)
	case !l.Reserve.Equal(l.held()):
		return fmt.Errorf("reserve: %s: a reserved lease up to %s needs %s", l.Reserve, l.EndsAt, l.held())
	}
	return nil
}

// HoldBack reserves more for a lease that the account has; the caller has seen that it is free.
func (a Account) HoldBack(more math.Int) Account {
	a.Reserved = a.Reserved.Add(more)
	return a
}
