// SPDX-License-Identifier: Apache-2.0

package types

import "time"

const (
	// Pause is a time without blocks after which the network counts as having stood still: many times what a block takes, also
	// one whose proposers fail, and short next to every time within which somebody must act.
	Pause = 2 * time.Minute
	// PulseNoted is how often the time of a block is noted. A pause that is shorter by as much may count as one.
	PulseNoted = 30 * time.Second
)

// Paused says whether the network stood still between two blocks.
func Paused(last, now time.Time) bool { return now.Sub(last) > Pause }
