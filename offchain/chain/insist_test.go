// SPDX-License-Identifier: Apache-2.0

package chain

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/athnet/ath/offchain/daemon/clock"
)

// TestInsist: a node that restarts is waited for; what it says counts at once.
func TestInsist(t *testing.T) {
	n := newFakeNode(t)
	c := n.dial()
	n.produce()
	silent := slog.New(slog.DiscardHandler)
	n.http.CloseClientConnections()
	n.http.Close()
	_, gone := c.Latest(t.Context())
	require.True(t, Unreachable(gone), "%v", gone)

	tries := 0
	require.NoError(t, Insist(t.Context(), clock.Real, time.Minute, silent, func() error {
		absences := []error{
			gone, status.Error(codes.Unavailable, "down"), &BroadcastError{Err: errors.New("down")},
			status.Error(codes.Unknown, "codespace sdk code 26: invalid height: context did not contain latest block height in either check state or finalize block state (117)"),
			status.Error(codes.Unknown, "codespace sdk code 26: invalid height: cannot query with height in the future; please provide a valid height"),
		}
		if tries++; tries <= len(absences) {
			return fmt.Errorf("of the node: %w", absences[tries-1])
		}
		return nil
	}))
	require.Equal(t, 6, tries)

	for _, answer := range []error{status.Error(codes.NotFound, "no"), &ExecutionError{}, ErrWrongChain} {
		tries = 0
		require.ErrorIs(t, Insist(t.Context(), clock.Real, time.Minute, silent, func() error { tries++; return answer }), answer)
		require.Equal(t, 1, tries)
	}
	require.ErrorIs(t, Insist(t.Context(), clock.Real, 0, silent, func() error { return gone }), gone, "patience is over")
	ctx, cancel := context.WithCancel(t.Context())
	require.Error(t, Insist(ctx, clock.Real, time.Minute, silent, func() error { cancel(); return gone }))
}
