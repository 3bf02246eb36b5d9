// SPDX-License-Identifier: Apache-2.0

package types_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/x/providers/types"
)

func TestParseWindows(t *testing.T) {
	for text, want := range map[string][]types.Window{
		"Mon 20:00-21:00 UTC":                      {{Days: 1, From: 20 * 60, To: 21 * 60}},
		"always":                                   nil,
		"Mon-Fri 20:00-06:00":                      {{Days: 0b0011111, From: 20 * 60, To: 6 * 60}},
		"sat,SUN 00:00-24:00":                      {{Days: 0b1100000, From: 0, To: 24 * 60}},
		"Fri-Mon 22:00-00:00":                      {{Days: 0b1110001, From: 22 * 60, To: 24 * 60}},
		"Wed 08:30-08:30":                          {{Days: 0b0000100, From: 510, To: 510}},
		" Mon , Thu-Fri 01:00-02:00":               {{Days: 0b0011001, From: 60, To: 120}},
		"Mon-Fri 20:00-06:00, Sat,Sun 00:00-24:00": {{Days: 0b0011111, From: 1200, To: 360}, {Days: 0b1100000, From: 0, To: 1440}},
	} {
		got, err := types.ParseWindows(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for text, want := range map[string]string{
		"":                        "windows",
		"Mon":                     "has no times",
		"Mon 20:00":               "want begin-end",
		"Mon-Fri 20:00-25:00":     `time "25:00"`,
		"Mon 24:00-01:00":         "from",
		"Mon 2:00-03:00":          `time "2:00"`,
		"Mon +1:00-03:00":         `time "+1:00"`,
		"Day 20:00-21:00":         `day "Day"`,
		"Mon 20:00-21:00 CET":     "want days and times",
		"Mon 01:00-02:00, ":       "windows",
		"Mon--Tue 01:00-02:00":    `day "-Tue"`,
		"Mon 01:00-02:60":         `time "02:60"`,
		"Mon 01:00-02:00,01:00-2": "has no times",
	} {
		_, err := types.ParseWindows(text)
		require.ErrorContains(t, err, want, text)
		require.ErrorIs(t, err, types.ErrInvalidField, text)
	}
}

// FuzzParseWindows: what is read is valid and is read again from what is written of it.
func FuzzParseWindows(f *testing.F) {
	f.Add("Mon-Fri 20:00-06:00, Sat,Sun 00:00-24:00")
	f.Add("always")
	f.Fuzz(func(t *testing.T, text string) {
		windows, err := types.ParseWindows(text)
		if err != nil {
			return
		}
		for _, w := range windows {
			require.NoError(t, w.Validate())
		}
		again, err := types.ParseWindows(types.FormatWindows(windows))
		require.NoError(t, err)
		require.Equal(t, windows, again)
	})
}
