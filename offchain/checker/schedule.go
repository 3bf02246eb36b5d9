// SPDX-License-Identifier: Apache-2.0

package checker

import "time"

// Round is the round that runs, as far as its times go.
type Round struct {
	Number     uint64
	Start      time.Time
	SubmitFrom time.Time
	EndsAt     time.Time
}

// Progress is what has been done in a round.
type Progress struct {
	// Shards to check in this round; with none there is nothing to probe or commit.
	Shards int
	// Sweeps that were started, and whether one is under way.
	Sweeps   int
	Sweeping bool
	// Measured: at least one sweep brought samples that say something.
	Measured bool
	// Sealed: the record of this round's commit is on disk.
	Sealed bool
	// Committed on chain, and whether a reveal of the round before is owed.
	Committed  bool
	OwesReveal bool
	// Sending: a transaction is under way.
	Sending bool
}

// Step is what to do next.
type Step int

const (
	// StepWait: nothing before the next block.
	StepWait Step = iota
	// StepSweep: probe all targets once.
	StepSweep
	// StepFinish: end the sweep that runs, it is time to report.
	StepFinish
	// StepSubmit: reveal the round before and commit to this one.
	StepSubmit
)

// plan decides by block time alone, so that a Checker whose clock is wrong still reports in time. Sweeps are spread evenly over the
// time before reports are taken; one that is late is made at once, but two never overlap. Pure: same inputs, same step.
func plan(r Round, p Progress, sweeps int, now time.Time) Step {
	if !now.Before(r.SubmitFrom) {
		commits := p.Shards > 0 && (p.Measured || p.Sealed) && !p.Committed
		switch {
		case p.Sending:
			return StepWait
		case p.Sweeping && !p.Committed && !p.Sealed:
			return StepFinish
		case commits || p.OwesReveal:
			return StepSubmit
		}
		return StepWait
	}
	if p.Shards == 0 || p.Sweeping || p.Sweeps >= sweeps {
		return StepWait
	}
	if due := sweepTime(r, p.Sweeps, sweeps); now.Before(due) {
		return StepWait
	}
	return StepSweep
}

// sweepTime is when the i-th of n sweeps is due: the first at the round's start, so that even a short round has one.
func sweepTime(r Round, i, n int) time.Time {
	return r.Start.Add(r.SubmitFrom.Sub(r.Start) * time.Duration(i) / time.Duration(n))
}
