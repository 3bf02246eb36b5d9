// SPDX-License-Identifier: Apache-2.0

package types

// MaxSeatChanges bounds how many licences are reseated when an odd round starts: at most 5 written keys each, so half a
// second of writes in a block that comes twice an hour. The rest waits in the queue for the next odd round.
const MaxSeatChanges = 1000

// SeatsMayChange says whether seats change when a round starts. Only odd rounds do, so that a seat keeps its value for two
// rounds at least and Seat, which remembers one value before the present one, answers for three rounds: the one that runs,
// the one that is being revealed and the one that is being judged.
func SeatsMayChange(round uint64) bool { return round%2 == 1 }

// Replace gives a seat to a licence from a round on; licence 0 leaves it empty. Within one boundary the last one counts.
func (s Seat) Replace(round, licence uint64, operator string) Seat {
	if s.SinceRound != round {
		s.PreviousLicence, s.PreviousOperator = s.Licence, s.Operator
	}
	s.Licence, s.Operator, s.SinceRound = licence, operator, round
	return s
}

// At returns who sits in a round; ok is false when the seat was empty. It is exact for the running round and the two before.
func (s Seat) At(round uint64) (m Member, ok bool) {
	m = Member{Licence: s.Licence, Operator: s.Operator}
	if round < s.SinceRound {
		m = Member{Licence: s.PreviousLicence, Operator: s.PreviousOperator}
	}
	return m, m.Licence != 0
}

// SeatTable stores seats by position and finds a licence's position.
type SeatTable interface {
	// Seat returns the seat at a position; a zero seat where there never was one.
	Seat(position uint64) (Seat, error)
	// SetSeat stores a seat. The licence in it, if any, has its position there from now on.
	SetSeat(position uint64, seat Seat) error
	// Position returns where a licence sits now.
	Position(licence uint64) (position uint64, seated bool, err error)
}

// Reseat brings a licence's seat in line with the operator who shall sit for it from a round on; an empty operator means
// that it shall have none. It returns the number of seats, which stay dense: a freed position is filled by the last one.
func Reseat(t SeatTable, seats, round, licence uint64, operator string) (uint64, error) {
	position, seated, err := t.Position(licence)
	if err != nil {
		return seats, err
	}
	switch {
	case !seated && operator == "":
		return seats, nil
	case !seated:
		return seats + 1, replaceSeat(t, seats, round, licence, operator)
	case operator != "":
		seat, err := t.Seat(position)
		if err != nil || seat.Operator == operator {
			return seats, err
		}
		return seats, t.SetSeat(position, seat.Replace(round, licence, operator))
	}
	last := seats - 1
	if position != last {
		moved, err := t.Seat(last)
		if err != nil {
			return seats, err
		}
		if err := replaceSeat(t, position, round, moved.Licence, moved.Operator); err != nil {
			return seats, err
		}
	}
	return last, replaceSeat(t, last, round, 0, "")
}

func replaceSeat(t SeatTable, position, round, licence uint64, operator string) error {
	seat, err := t.Seat(position)
	if err != nil {
		return err
	}
	return t.SetSeat(position, seat.Replace(round, licence, operator))
}
