// SPDX-License-Identifier: Apache-2.0

package types

import "time"

// SubmitFrom is when a round starts to take reports.
func (r Round) SubmitFrom(p Params) time.Time {
	return r.EndsAt(p).Add(-p.SubmitWindow())
}

// EndsAt is when a round ends at the earliest.
func (r Round) EndsAt(p Params) time.Time { return r.Start.Add(p.RoundDuration) }

// Takes says whether a round takes reports at a time.
func (r Round) Takes(now time.Time, p Params) bool { return !now.Before(r.SubmitFrom(p)) }

// Open notes the first block in which reports are taken; changed is false when there is nothing new to note.
func (r Round) Open(now time.Time, p Params) (opened Round, changed bool) {
	if r.Opened != nil || !r.Takes(now, p) {
		return r, false
	}
	r.Opened = &now
	return r, true
}

// Due says whether a round may end: its time is over, and reports were taken for a whole submit window of block time. The
// second keeps a network that stood still, or whose blocks are longer than the window, from ending a round in which nobody
// could have reported.
func (r Round) Due(now time.Time, p Params) bool {
	return !now.Before(r.EndsAt(p)) && r.Opened != nil && !now.Before(r.Opened.Add(p.SubmitWindow()))
}

// Close ends a round.
func (r Round) Close(now time.Time) Round {
	r.End = &now
	return r
}

// NextRound is the round that starts when r ends; the first one where r is the zero Round.
func (r Round) NextRound(now time.Time, beacon []byte, seats, shards uint64, p Params) Round {
	number := r.Number + 1
	return Round{
		Number: number, Start: now, Seed: RoundSeed(beacon, number),
		Seats: seats, Shards: shards, CommitteeSize: p.CommitteeSize,
	}
}

// JudgedRound is the round whose reveals are complete when round n starts; 0 where there is none yet. Reports on round q
// are sealed in q, opened in q+1 and judged while q+2 runs.
func JudgedRound(n uint64) uint64 {
	if n < 3 {
		return 0
	}
	return n - 2
}
