// SPDX-License-Identifier: Apache-2.0

package types

import (
	"time"

	"cosmossdk.io/math"

	athtypes "github.com/athnet/ath/x/ath/types"
)

const (
	// MaxEvidence bounds what a ticket keeps of its proof: a hash or a reference, not the proof.
	MaxEvidence = 256
	// MaxSettledTickets bounds the work of one message.
	MaxSettledTickets = 100
	// TicketRetry is when a ticket that could not run out is tried again.
	TicketRetry = time.Hour
)

const (
	ticketOpen      = TicketState_TICKET_STATE_OPEN
	ticketContested = TicketState_TICKET_STATE_CONTESTED
)

// Damage is what a ticket claims of a provider.
type Damage struct {
	// Provider is its owner's address.
	Provider string
	// Container that it is about; 0 for none.
	Container uint64
	// Reason of the ticket.
	Reason TicketReason
	// Evidence is a hash or a reference.
	Evidence []byte
	// Amount in uath.
	Amount math.Int
	// Claim on it, where somebody has one.
	Claim Claim
}

// Claim is what somebody is owed of a ticket's amount. Its zero value is nobody's.
type Claim struct {
	// Beneficiary is the account's address.
	Beneficiary string
	// Due is the most that it gets, in uath.
	Due math.Int
	// Advance is what the SLA fund pays ahead of the ticket, in uath: as far as the ticket holds something, the fund is repaid first.
	Advance math.Int
}

// Owed is what the claim is worth on a ticket that holds an amount: what is left of it once the fund has its advance back, at most what
// is due.
func (c Claim) Owed(held math.Int) math.Int {
	if c.Beneficiary == "" {
		return math.ZeroInt()
	}
	return math.MaxInt(math.ZeroInt(), math.MinInt(c.Due, held.Sub(c.Advance)))
}

func (c Claim) validate() error {
	if c.Beneficiary == "" {
		return nil
	}
	if c.Due.IsNil() || c.Due.IsNegative() || c.Advance.IsNil() || c.Advance.IsNegative() {
		return ErrInvalidField.Wrapf("claim: %s due, %s advanced: want no less than nothing", c.Due, c.Advance)
	}
	return nil
}

// Validate checks a claim's form.
func (d Damage) Validate() error {
	if _, ok := TicketReason_name[int32(d.Reason)]; !ok || d.Reason == TicketReason_TICKET_REASON_UNSPECIFIED {
		return ErrInvalidField.Wrapf("reason: %d is none", d.Reason)
	}
	if len(d.Evidence) == 0 || len(d.Evidence) > MaxEvidence {
		return ErrInvalidField.Wrapf("evidence: want 1 to %d bytes, have %d", MaxEvidence, len(d.Evidence))
	}
	if err := athtypes.ValidateAmount(d.Amount); err != nil {
		return ErrInvalidField.Wrapf("amount: %v", err)
	}
	return d.Claim.validate()
}

// NewTicket is a ticket that was just opened over what was held for it. One over nothing has run out at once.
func NewTicket(id uint64, d Damage, sources []athtypes.RowBalance, now time.Time, deadline time.Duration) Ticket {
	t := Ticket{
		Id: id, Provider: d.Provider, Container: d.Container, Reason: d.Reason, Evidence: d.Evidence, Asked: d.Amount,
		Amount: athtypes.SumRows(sources), Opened: now, Deadline: now.Add(deadline), State: ticketOpen, Sources: sources,
	}
	if t.Owed = d.Claim.Owed(t.Amount); t.Owed.IsPositive() {
		t.Beneficiary = d.Claim.Beneficiary
	}
	if !t.Amount.IsPositive() {
		t.State, t.Deadline = TicketState_TICKET_STATE_EXPIRED, now
	}
	return t
}

// TicketTime is how long an open ticket may be answered: the parameter, but never longer than the least time in which income
// leaves early, whatever governance has made of that meanwhile.
func (p Params) TicketTime(minExit time.Duration) time.Duration {
	return min(p.TicketDeadline, minExit)
}

// Over says whether the deadline has come.
func (t Ticket) Over(now time.Time) bool { return !now.Before(t.Deadline) }

// Answerable returns nil while the ticket may be paid or contested: open, before its deadline.
func (t Ticket) Answerable(now time.Time) error {
	if t.State != ticketOpen {
		return ErrTicketState.Wrapf("ticket %d is contested already: its decision is awaited until %s", t.Id, t.Deadline.Format(time.RFC3339))
	}
	if t.Over(now) {
		return ErrTicketDeadline.Wrapf("ticket %d ran out at %s", t.Id, t.Deadline.Format(time.RFC3339))
	}
	return nil
}

// Contest makes an open ticket wait for a decision, at most until limit has passed since its opening; never less than its
// deadline, so that a contest can't hasten its own end.
func (t Ticket) Contest(now time.Time, limit time.Duration) (Ticket, error) {
	if err := t.Answerable(now); err != nil {
		return t, err
	}
	t.State = ticketContested
	if last := t.Opened.Add(limit); last.After(t.Deadline) {
		t.Deadline = last
	}
	return t, nil
}

// Resolve ends a contested ticket: upheld it has run out, else it is dismissed.
func (t Ticket) Resolve(upheld bool) (Ticket, error) {
	if t.State != ticketContested {
		return t, ErrTicketState.Wrapf("ticket %d is not contested", t.Id)
	}
	t.State = TicketState_TICKET_STATE_DISMISSED
	if upheld {
		t.State = TicketState_TICKET_STATE_EXPIRED
	}
	return t, nil
}

// Pay ends an open ticket that its owner pays.
func (t Ticket) Pay(now time.Time) (Ticket, error) {
	if err := t.Answerable(now); err != nil {
		return t, err
	}
	t.State = TicketState_TICKET_STATE_PAID
	return t, nil
}

// RunOut ends a ticket whose deadline has come. For a contested one nobody decided in time, so what was found first stands.
func (t Ticket) RunOut(now time.Time) (Ticket, error) {
	if !t.Over(now) {
		return t, ErrTicketDeadline.Wrapf("ticket %d runs out at %s", t.Id, t.Deadline.Format(time.RFC3339))
	}
	t.State = TicketState_TICKET_STATE_EXPIRED
	return t, nil
}

// FromStake is what the ticket took of a Container's bonded stake.
func (t Ticket) FromStake() math.Int {
	sum := math.ZeroInt()
	for _, s := range t.Sources {
		if s.Row.Kind == athtypes.RowKind_ROW_KIND_STAKE {
			sum = sum.Add(s.Amount)
		}
	}
	return sum
}

// Returns are the rows that a release credits: those that were taken from, but the unbonding row of the stake where the
// Container has retired.
func (t Ticket) Returns(stake ContainerStake) []athtypes.RowBalance {
	rows := make([]athtypes.RowBalance, len(t.Sources))
	for i, s := range t.Sources {
		if s.Row.Kind == athtypes.RowKind_ROW_KIND_STAKE && stake.Ripe > 0 {
			s.Row = UnbondingRow(s.Row.Owner, stake.Ripe)
		}
		rows[i] = s
	}
	return rows
}

// Proceeds is where the amount of a ticket goes that is paid or has run out: what is owed to its beneficiary, the rest to the SLA fund.
func (t Ticket) Proceeds() []athtypes.RowBalance {
	var rows []athtypes.RowBalance
	for _, r := range []athtypes.RowBalance{
		{Row: athtypes.ProceedsRow(t.Beneficiary, t.Id), Amount: t.Owed},
		{Row: athtypes.Row{Kind: athtypes.RowKind_ROW_KIND_SLA_FUND, Denom: athtypes.Denom}, Amount: t.Amount.Sub(t.Owed)},
	} {
		if r.Amount.IsPositive() {
			rows = append(rows, r)
		}
	}
	return rows
}

// StakeRow holds a Container's stake.
func StakeRow(owner string, container uint64) athtypes.Row {
	return athtypes.Row{Kind: athtypes.RowKind_ROW_KIND_STAKE, Owner: owner, Bucket: container, Denom: athtypes.Denom}
}

// UnbondingRow holds stake that is ripe at a unix second.
func UnbondingRow(owner string, ripe uint64) athtypes.Row {
	return athtypes.Row{Kind: athtypes.RowKind_ROW_KIND_UNBONDING, Owner: owner, Bucket: ripe, Denom: athtypes.Denom}
}

// NotStartedRoundedUp is what a lease that was not started costs; zero where the parameter is.
func (p Params) NotStartedRoundedUp(required math.Int) math.Int {
	return required.Mul(math.NewIntFromUint64(p.NotStartedPpm)).AddRaw(Million - 1).QuoRaw(Million)
}

// ReclaimedRoundedUp is what it costs to end a lease without what was due to it: that, and at least a part of the stake, so that who
// leases cheaply can't break his word for next to nothing. Never more than an amount can be.
func (p Params) ReclaimedRoundedUp(required, due math.Int) math.Int {
	least := required.Mul(math.NewIntFromUint64(p.ReclaimedPpm)).AddRaw(Million - 1).QuoRaw(Million)
	return math.MinInt(math.MaxInt(least, due), athtypes.MaxAmount)
}

// Validate checks an open ticket of a genesis state.
func (t Ticket) Validate() error {
	fail := func(format string, args ...any) error {
		return ErrInvalidGenesis.Wrapf("ticket %d: "+format, append([]any{t.Id}, args...)...)
	}
	damage := Damage{Provider: t.Provider, Container: t.Container, Reason: t.Reason, Evidence: t.Evidence, Amount: t.Asked}
	if err := damage.Validate(); err != nil {
		return fail("%v", err)
	}
	switch {
	case t.State != ticketOpen && t.State != ticketContested:
		return fail("state %s is not kept", t.State)
	case t.Deadline.Before(t.Opened) || t.Opened.UnixNano() <= 0:
		return fail("opened at %s, runs out at %s", t.Opened, t.Deadline)
	case t.Amount.IsNil() || !t.Amount.IsPositive() || t.Amount.GT(t.Asked):
		return fail("holds %s of %s", t.Amount, t.Asked)
	}
	if t.Owed.IsNil() || t.Owed.IsNegative() || t.Owed.GT(t.Amount) || t.Owed.IsPositive() != (t.Beneficiary != "") {
		return fail("owes %q %s of %s", t.Beneficiary, t.Owed, t.Amount)
	}
	sum := math.ZeroInt()
	for i, s := range t.Sources {
		if err := s.Row.Validate(); err != nil {
			return fail("sources[%d]: %v", i, err)
		}
		if s.Row.Owner != t.Provider || s.Row.Denom != athtypes.Denom || s.Amount.IsNil() || !s.Amount.IsPositive() {
			return fail("sources[%d]: %s of %s", i, s.Amount, s.Row.Owner)
		}
		if s.Row.Kind == athtypes.RowKind_ROW_KIND_STAKE && (s.Row.Bucket != t.Container || t.Container == 0) {
			return fail("sources[%d]: stake of container %d", i, s.Row.Bucket)
		}
		sum = sum.Add(s.Amount)
	}
	if !sum.Equal(t.Amount) {
		return fail("holds %s, its sources sum to %s", t.Amount, sum)
	}
	return nil
}
