// SPDX-License-Identifier: Apache-2.0

package types

import (
	"fmt"
	"time"
)

// MaxReasonSize bounds why a licence is in its state, in bytes.
const MaxReasonSize = 128

// NewLicence is a licence that was just bought.
func NewLicence(id uint64, owner string) Licence {
	return Licence{Id: id, Owner: owner}.idle("bought; delegate it to an operator")
}

// idle takes a licence from its operator.
func (l Licence) idle(reason string) Licence {
	l.Operator, l.State, l.Reason = "", LicenceState_LICENCE_STATE_IDLE, reason
	return l
}

// TakeBack ends a delegation or an offer.
func (l Licence) TakeBack() (Licence, error) {
	if l.Operator == "" {
		return l, ErrLicenceState.Wrapf("licence %d has no operator to take it from", l.Id)
	}
	return l.idle("taken back by its owner"), nil
}

// Transfer gives a licence to a new owner. Mistakes and a running ban go with it, or they could be washed off.
func (l Licence) Transfer(recipient string) (Licence, error) {
	if l.Owner == recipient {
		return l, ErrLicenceState.Wrapf("licence %d is %s's already", l.Id, recipient)
	}
	l.Owner = recipient
	return l.idle("transferred; delegate it to an operator"), nil
}

// Offer offers a licence to an operator, who is no longer drawn for the old one. An owner who offers it to itself accepts
// it with that, unless it is banned.
func (l Licence) Offer(operator string, now time.Time) (Licence, error) {
	if l.Operator == operator && l.State != LicenceState_LICENCE_STATE_IDLE {
		return l, ErrLicenceState.Wrapf("licence %d is with operator %s already", l.Id, operator)
	}
	l.Operator, l.State = operator, LicenceState_LICENCE_STATE_OFFERED
	l.Reason = "offered; the operator has to accept it"
	if operator == l.Owner && !l.banned(now) {
		return l.Accept(operator, now)
	}
	return l, nil
}

// Accept makes an offered licence active, or one whose ban has ended.
func (l Licence) Accept(operator string, now time.Time) (Licence, error) {
	if l.Operator != operator {
		return l, ErrUnauthorized.Wrapf("licence %d is not offered to %s; ask its owner %s to delegate it", l.Id, operator, l.Owner)
	}
	if l.State != LicenceState_LICENCE_STATE_OFFERED && l.State != LicenceState_LICENCE_STATE_BANNED {
		return l, ErrLicenceState.Wrapf("licence %d is active already", l.Id)
	}
	if l.banned(now) {
		return l, ErrBanned.Wrapf("licence %d until %s: %s; accept it again then", l.Id, l.BannedUntil.UTC().Format(time.RFC3339), l.Reason)
	}
	l.State, l.Reason, l.BannedUntil = LicenceState_LICENCE_STATE_ACTIVE, "accepted by its operator", nil
	return l, nil
}

func (l Licence) banned(now time.Time) bool {
	return l.BannedUntil != nil && now.Before(*l.BannedUntil)
}

// Err notes a wrong task. A round counts once, however many shards it touched: one outage is one mistake. Enough mistakes
// within the window ban the licence.
func (l Licence) Err(round uint64, now time.Time, p Params, why string) (Licence, bool) {
	if n := len(l.Mistakes); n > 0 && l.Mistakes[n-1].Round == round {
		return l, false
	}
	if l.State == LicenceState_LICENCE_STATE_BANNED && l.banned(now) {
		return l, false // what it did before the ban was noticed is part of the ban
	}
	recent := make([]Mistake, 0, len(l.Mistakes)+1)
	for _, m := range l.Mistakes {
		if now.Sub(m.At) < p.BanWindow {
			recent = append(recent, m)
		}
	}
	l.Wrong++
	l.Mistakes = append(recent, Mistake{Round: round, At: now})
	if len(l.Mistakes) < int(p.BanAfter) {
		return l, true
	}
	until := now.Add(p.BanTime)
	reason := fmt.Sprintf("%d rounds with wrong tasks within %s, the last in round %d: %s", len(l.Mistakes), p.BanWindow, round, why)
	l.State, l.BannedUntil, l.Mistakes = LicenceState_LICENCE_STATE_BANNED, &until, nil
	l.Reason = reason[:min(len(reason), MaxReasonSize)]
	return l, true
}

// Sitter is the operator who shall sit for the licence; empty where nobody shall.
func (l Licence) Sitter() string {
	if l.State == LicenceState_LICENCE_STATE_ACTIVE {
		return l.Operator
	}
	return ""
}

// Validate checks a licence by itself, as genesis needs.
func (l Licence) Validate() error {
	if l.Id == 0 {
		return ErrInvalidGenesis.Wrap("licence: id must be at least 1")
	}
	if err := validateAddress("owner", l.Owner); err != nil {
		return ErrInvalidGenesis.Wrapf("licence %d: %v", l.Id, err)
	}
	if l.Operator != "" {
		if err := validateAddress("operator", l.Operator); err != nil {
			return ErrInvalidGenesis.Wrapf("licence %d: %v", l.Id, err)
		}
	}
	if len(l.Reason) > MaxReasonSize {
		return ErrInvalidGenesis.Wrapf("licence %d: reason: at most %d bytes, have %d", l.Id, MaxReasonSize, len(l.Reason))
	}
	switch l.State {
	case LicenceState_LICENCE_STATE_IDLE:
		if l.Operator != "" {
			return ErrInvalidGenesis.Wrapf("licence %d: operator: idle licences have none", l.Id)
		}
	case LicenceState_LICENCE_STATE_OFFERED, LicenceState_LICENCE_STATE_ACTIVE:
		if l.Operator == "" {
			return ErrInvalidGenesis.Wrapf("licence %d: operator: missing", l.Id)
		}
	case LicenceState_LICENCE_STATE_BANNED:
		if l.BannedUntil == nil {
			return ErrInvalidGenesis.Wrapf("licence %d: banned_until: missing", l.Id)
		}
	default:
		return ErrInvalidGenesis.Wrapf("licence %d: state: unknown value %d", l.Id, l.State)
	}
	for i := 1; i < len(l.Mistakes); i++ {
		if l.Mistakes[i].Round <= l.Mistakes[i-1].Round {
			return ErrInvalidGenesis.Wrapf("licence %d: mistakes: not in order of round", l.Id)
		}
	}
	return nil
}
