// SPDX-License-Identifier: Apache-2.0

package types

import (
	"fmt"
	"slices"
	"strings"
)

// dayNames from Monday, as windows are written.
var dayNames = []string{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"}

// ParseWindows reads times of the week in UTC: "Mon-Fri 20:00-06:00, Sat,Sun 00:00-24:00". Days are one, a list or a range; a time
// that does not end after it begins ends on the next day. "always" is no windows at all.
func ParseWindows(text string) ([]Window, error) {
	if strings.EqualFold(strings.TrimSpace(text), "always") {
		return nil, nil
	}
	var windows []Window
	var days strings.Builder
	for _, part := range strings.Split(text, ",") {
		words := strings.Fields(part)
		if len(words) == 3 && words[2] == "UTC" { // which it is anyway
			words = words[:2]
		}
		switch len(words) {
		case 1: // a day of a list whose time is still to come
			days.WriteString(words[0] + ",")
			continue
		case 2:
		default:
			return nil, ErrInvalidField.Wrapf("windows: %q: want days and times, such as Mon-Fri 20:00-06:00", strings.TrimSpace(part))
		}
		w, err := parseWindow(days.String()+words[0], words[1])
		if err != nil {
			return nil, err
		}
		windows = append(windows, w)
		days.Reset()
	}
	if days.Len() > 0 {
		return nil, ErrInvalidField.Wrapf("windows: %q has no times; write such as Mon-Fri 20:00-06:00", strings.TrimSuffix(days.String(), ","))
	}
	return windows, validateWindows(windows)
}

func parseWindow(days, times string) (w Window, err error) {
	if w.Days, err = parseDays(days); err != nil {
		return w, err
	}
	from, to, ok := strings.Cut(times, "-")
	if !ok {
		return w, ErrInvalidField.Wrapf("windows: times %q: want begin-end, such as 20:00-06:00", times)
	}
	if w.From, err = parseMinute(from); err != nil {
		return w, err
	}
	if w.To, err = parseMinute(to); err != nil {
		return w, err
	}
	if w.To == 0 {
		w.To = minutesPerDay // midnight ends a day
	}
	return w, w.Validate()
}

// parseDays reads Mon, Mon-Fri, Fri-Mon (over the week's end), or several of these with commas.
func parseDays(text string) (uint32, error) {
	var days uint32
	for _, part := range strings.Split(text, ",") {
		first, last, ranged := strings.Cut(part, "-")
		from, err := parseDay(first)
		if err != nil {
			return 0, err
		}
		to := from
		if ranged {
			if to, err = parseDay(last); err != nil {
				return 0, err
			}
		}
		for day := from; ; day = (day + 1) % len(dayNames) {
			days |= 1 << day
			if day == to {
				break
			}
		}
	}
	return days, nil
}

func parseDay(text string) (int, error) {
	day := slices.IndexFunc(dayNames, func(name string) bool { return strings.EqualFold(name, text) })
	if day < 0 {
		return 0, ErrInvalidField.Wrapf("windows: day %q: want one of %s", text, strings.Join(dayNames, ", "))
	}
	return day, nil
}

// parseMinute reads HH:MM up to 24:00.
func parseMinute(text string) (uint32, error) {
	var hour, minute uint32
	if len(text) == 5 && text[2] == ':' {
		if n, err := fmt.Sscanf(text, "%2d:%2d", &hour, &minute); err == nil && n == 2 && minute < 60 && hour*60+minute <= minutesPerDay {
			return hour*60 + minute, nil
		}
	}
	return 0, ErrInvalidField.Wrapf("windows: time %q: want HH:MM from 00:00 to 24:00", text)
}

// FormatWindows writes what ParseWindows reads.
func FormatWindows(windows []Window) string {
	if len(windows) == 0 {
		return "always"
	}
	parts := make([]string, 0, len(windows))
	for _, w := range windows {
		var days []string
		for day, name := range dayNames {
			if w.Days&(1<<day) != 0 {
				days = append(days, name)
			}
		}
		parts = append(parts, fmt.Sprintf("%s %02d:%02d-%02d:%02d", strings.Join(days, ","), w.From/60, w.From%60, w.To/60, w.To%60))
	}
	return strings.Join(parts, ", ")
}
