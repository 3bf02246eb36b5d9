// SPDX-License-Identifier: Apache-2.0

package types

import "time"

// MaxEpochLag is how many epochs the chain may be behind the clock and still make up for all of them, one per block. A
// chain that stood still for longer starts its next epoch at the block's time: nothing of the schedule is lost, since it
// counts epochs, it only comes later.
const MaxEpochLag = 14

// End is the first instant after the epoch.
func (e Epoch) End() time.Time { return e.Start.Add(e.Duration) }

// Next is the epoch after this one, which now is past the end of. It starts where this one ended, not now, so that block
// times don't add up to a drift.
func (e Epoch) Next(now time.Time, duration time.Duration) Epoch {
	start := e.End()
	if now.Sub(start) >= MaxEpochLag*e.Duration {
		start = now
	}
	return Epoch{Number: e.Number + 1, Start: start, Duration: duration}
}
