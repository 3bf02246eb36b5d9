// SPDX-License-Identifier: Apache-2.0

package types

import (
	"cmp"
	"slices"
	"time"

	"cosmossdk.io/math"
)

const (
	// MaxWindows is two a day; more would be a calendar, which nobody could read.
	MaxWindows = 14

	minutesPerDay  = 24 * 60
	minutesPerWeek = 7 * minutesPerDay
	allDays        = 1<<7 - 1
)

// Validate checks a window.
func (w Window) Validate() error {
	switch {
	case w.Days < 1 || w.Days > allDays:
		return ErrInvalidField.Wrapf("days: want 1 to %d, a bit for each day from Monday, have %d", allDays, w.Days)
	case w.From >= minutesPerDay:
		return ErrInvalidField.Wrapf("from: want a minute of the day, 0 to %d, have %d", minutesPerDay-1, w.From)
	case w.To < 1 || w.To > minutesPerDay:
		return ErrInvalidField.Wrapf("to: want a minute of the day, 1 to %d, have %d", minutesPerDay, w.To)
	}
	return nil
}

func validateWindows(windows []Window) error {
	if len(windows) > MaxWindows {
		return ErrInvalidField.Wrapf("windows: want at most %d, have %d", MaxWindows, len(windows))
	}
	for i, w := range windows {
		if err := w.Validate(); err != nil {
			return ErrInvalidField.Wrapf("windows[%d].%s", i, err)
		}
	}
	return nil
}

// length of a window in minutes, 1 to 1,440.
func (w Window) length() int {
	if w.To > w.From {
		return int(w.To - w.From)
	}
	return int(w.To + minutesPerDay - w.From)
}

// starts are the minutes of the week, from Monday 0:00 UTC, at which the window begins.
func (w Window) starts() []int {
	var starts []int
	for day := range 7 {
		if w.Days&(1<<day) != 0 {
			starts = append(starts, day*minutesPerDay+int(w.From))
		}
	}
	return starts
}

// minuteOfWeek counts from Monday 0:00 UTC.
func minuteOfWeek(t time.Time) int {
	t = t.UTC()
	return (int(t.Weekday())+6)%7*minutesPerDay + t.Hour()*60 + t.Minute()
}

// Open says whether a Container with these windows may be leased at a time. None means always.
func Open(windows []Window, at time.Time) bool {
	minute := minuteOfWeek(at)
	return len(windows) == 0 || slices.ContainsFunc(windows, func(w Window) bool {
		return slices.ContainsFunc(w.starts(), func(start int) bool {
			return (minute-start+minutesPerWeek)%minutesPerWeek < w.length()
		})
	})
}

// OpenRoundedDown is the part of a weight that counts for a Container with these windows: that of the week in which it may be
// leased. Otherwise one minute a week would earn as much as all of it.
func OpenRoundedDown(windows []Window, weight uint64) uint64 {
	if len(windows) == 0 {
		return weight
	}
	type span struct{ from, to int }
	var spans []span
	for _, w := range windows {
		for _, start := range w.starts() {
			end := start + w.length()
			spans = append(spans, span{start, min(end, minutesPerWeek)})
			if end > minutesPerWeek { // into the next week, which is like this one
				spans = append(spans, span{0, end - minutesPerWeek})
			}
		}
	}
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	minutes, until := 0, 0
	for _, s := range spans {
		minutes += max(0, s.to-max(s.from, until))
		until = max(until, s.to)
	}
	return math.NewIntFromUint64(weight).MulRaw(int64(minutes)).QuoRaw(minutesPerWeek).Uint64()
}

// NextOpen is the next time at which a Container with these windows may be leased; now, if that is one.
func NextOpen(windows []Window, now time.Time) time.Time {
	if Open(windows, now) {
		return now
	}
	minute, wait := minuteOfWeek(now), minutesPerWeek
	for _, w := range windows {
		for _, start := range w.starts() {
			wait = min(wait, (start-minute+minutesPerWeek)%minutesPerWeek)
		}
	}
	return now.UTC().Truncate(time.Minute).Add(time.Duration(wait) * time.Minute)
}
