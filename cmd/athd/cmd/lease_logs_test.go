// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/offchain/worker/api"
)

// TestLogsGoOnAfterEveryBreak: wherever the connection breaks, every line comes once and in order.
func TestLogsGoOnAfterEveryBreak(t *testing.T) {
	const all = 50
	for every := 1; every < 8; every++ {
		asked := 0
		source := func(_ context.Context, o api.LogOptions, take func(api.LogLine) error) error {
			asked++
			from := all - o.Tail
			if o.Cursor != "" {
				require.Zero(t, o.Tail, "a tail was had the first time")
				n, err := strconv.Atoi(o.Cursor)
				require.NoError(t, err)
				from = n + 1
			}
			for n := from; n < all; n++ {
				if n-from == every {
					return fmt.Errorf("%w: reset", api.ErrBroken)
				}
				if err := take(api.LogLine{Cursor: strconv.Itoa(n), Text: strconv.Itoa(n)}); err != nil {
					return err
				}
			}
			return nil
		}
		var out strings.Builder
		require.NoError(t, followLogs(t.Context(), api.LogOptions{Tail: 40}, source, printLog(&out, false), io.Discard, func(time.Duration) {}))
		lines := strings.Fields(out.String())
		require.Len(t, lines, 40)
		for i, l := range lines {
			require.Equal(t, strconv.Itoa(all-40+i), l)
		}
		require.GreaterOrEqual(t, asked, 40/every)
	}
}

func TestLogsGiveUp(t *testing.T) {
	asked := 0
	broken := func(context.Context, api.LogOptions, func(api.LogLine) error) error { asked++; return api.ErrBroken }
	none := func(time.Duration) {}
	require.ErrorIs(t, followLogs(t.Context(), api.LogOptions{}, broken, nil, io.Discard, none), api.ErrBroken)
	require.Equal(t, logAttempts+1, asked)
	refused := func(context.Context, api.LogOptions, func(api.LogLine) error) error {
		return &api.Error{Code: 400, Message: "no such service"}
	}
	require.ErrorContains(t, followLogs(t.Context(), api.LogOptions{Cursor: "1"}, refused, nil, io.Discard, none), "no such service")
	full := errors.New("the disk is full")
	one := func(_ context.Context, _ api.LogOptions, take func(api.LogLine) error) error {
		return take(api.LogLine{Cursor: "1"})
	}
	require.ErrorIs(t, followLogs(t.Context(), api.LogOptions{}, one, func(api.LogLine) error { return full }, io.Discard, none), full)
}

func TestSince(t *testing.T) {
	now := time.Unix(1_800_000_000, 0).UTC()
	at, err := sinceTime("10m", now)
	require.NoError(t, err)
	require.Equal(t, now.Add(-10*time.Minute), at)
	at, err = sinceTime("2026-01-02T15:04:05Z", now)
	require.NoError(t, err)
	require.Equal(t, time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC), at)
	for _, bad := range []string{"-5m", "yesterday", "2026-01-02"} {
		_, err := sinceTime(bad, now)
		require.ErrorContains(t, err, "want a time", bad)
	}
}

func TestPrintedLogs(t *testing.T) {
	var out strings.Builder
	p := printLog(&out, false)
	for _, l := range []api.LogLine{{Text: "a", Partial: true}, {Text: "b"}, {Raw: []byte{0xff}}, {Stream: "note", Text: "3 lines are gone"}} {
		require.NoError(t, p(l))
	}
	require.Equal(t, "ab\n\xff\n--- 3 lines are gone ---\n", out.String())
}
