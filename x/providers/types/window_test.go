// SPDX-License-Identifier: Apache-2.0

package types

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Monday, 4 January 2027.
var monday = time.Date(2027, time.January, 4, 0, 0, 0, 0, time.UTC)

func TestWindowsOverMidnight(t *testing.T) {
	nights := []Window{{Days: 0b0011111, From: 20 * 60, To: 7 * 60}} // Monday to Friday, 20:00 to 7:00
	for at, open := range map[time.Duration]bool{
		0:                              false, // the night from Sunday is none
		19*time.Hour + 59*time.Minute:  false,
		20 * time.Hour:                 true,
		24 * time.Hour:                 true,
		30*time.Hour + 59*time.Minute:  true,
		31 * time.Hour:                 false,
		5*24*time.Hour + 6*time.Hour:   true, // Saturday morning: Friday's night
		5*24*time.Hour + 21*time.Hour:  false,
		6*24*time.Hour + 23*time.Hour:  false,
		-7*24*time.Hour + 20*time.Hour: true,
	} {
		require.Equal(t, open, Open(nights, monday.Add(at)), at)
	}
	require.Equal(t, monday.Add(20*time.Hour), NextOpen(nights, monday.Add(90*time.Second)))
	require.Equal(t, monday.Add(7*24*time.Hour+20*time.Hour), NextOpen(nights, monday.Add(6*24*time.Hour)))
	sundays := []Window{{Days: 1 << 6, From: 23 * 60, To: 60}}
	require.True(t, Open(sundays, monday.Add(30*time.Minute)), "over the end of the week")
	require.True(t, Open(nil, monday))
	require.EqualValues(t, 7, OpenRoundedDown(nil, 7))
	require.EqualValues(t, 3_273, OpenRoundedDown(nights, 10_000), "55 of 168 hours")
	require.True(t, Open([]Window{{Days: allDays, From: 0, To: minutesPerDay}}, monday.Add(-time.Second)))
}

// Open and NextOpen say the same as counting every minute of a week.
func TestWindowsAgreeWithCounting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var windows []Window
		open := make([]bool, minutesPerWeek)
		for range rapid.IntRange(1, 4).Draw(t, "windows") {
			w := Window{
				Days: rapid.Uint32Range(1, allDays).Draw(t, "days"),
				From: rapid.Uint32Range(0, minutesPerDay-1).Draw(t, "from"), To: rapid.Uint32Range(1, minutesPerDay).Draw(t, "to"),
			}
			require.NoError(t, w.Validate())
			windows = append(windows, w)
			for day := range 7 {
				for minute := w.From; w.Days&(1<<day) != 0; {
					open[(day*minutesPerDay+int(minute))%minutesPerWeek] = true
					if minute++; minute%minutesPerDay == w.To%minutesPerDay {
						break
					}
				}
			}
		}
		now := monday.Add(time.Duration(rapid.Int64Range(-1_000_000, 1_000_000).Draw(t, "s")) * time.Second)
		minute := minuteOfWeek(now)
		require.Equal(t, open[minute], Open(windows, now))
		minutes := uint64(0)
		for _, is := range open {
			if is {
				minutes++
			}
		}
		require.Equal(t, minutes*MaxWeight/minutesPerWeek, OpenRoundedDown(windows, MaxWeight))
		wait := 0
		for !open[(minute+wait)%minutesPerWeek] {
			wait++
		}
		next := NextOpen(windows, now)
		require.True(t, Open(windows, next))
		require.Equal(t, wait, int(next.Truncate(time.Minute).Sub(now.Truncate(time.Minute))/time.Minute))
	})
}

func TestInvalidWindows(t *testing.T) {
	for _, w := range []Window{{Days: 0, To: 1}, {Days: 128, To: 1}, {Days: 1, From: 1440, To: 1}, {Days: 1, To: 0}, {Days: 1, To: 1441}} {
		require.ErrorIs(t, validateWindows([]Window{w}), ErrInvalidField)
	}
	require.ErrorIs(t, validateWindows(make([]Window, MaxWindows+1)), ErrInvalidField)
}
