// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	"github.com/athnet/ath/offchain/worker/api"
	leases "github.com/athnet/ath/x/leases/types"
)

// Nothing closes for a reason that is not said.
func TestEveryCloseReasonHasWords(t *testing.T) {
	for n, name := range leases.CloseReason_name {
		if n == 0 {
			continue // never valid
		}
		require.NotEqual(t, word(name, "CLOSE_REASON_"), reasonText(leases.CloseReason(n)), name)
	}
}

// The chain's word comes, whether or not the worker answers.
func TestLastEvents(t *testing.T) {
	end := time.Unix(1_800_000_000, 0).UTC()
	resp := &leases.QueryLeaseResponse{Receipt: &leases.Receipt{
		EndedAt: end, Reason: leases.CloseReason_CLOSE_REASON_COMPLETED, Billed: math.NewInt(42), Denom: "uath", ExitCodes: []int32{3},
	}}
	var out strings.Builder
	require.NoError(t, lastEvents(resp, errors.New("connection refused"), end, printEvent(&out, false)))
	lines := strings.Split(out.String(), "\n")
	require.Contains(t, lines[0], "connection refused")
	require.Contains(t, lines[1], "chain")
	require.Contains(t, lines[1], "closed: all its services ended by themselves; billed 42uath, exit codes [3]")
	out.Reset()
	require.NoError(t, lastEvents(&leases.QueryLeaseResponse{Lease: &leases.Lease{}}, nil, end, printEvent(&out, true)))
	require.Empty(t, out.String())
	require.NoError(t, printEvent(&out, true)(api.Event{Kind: "started", Service: "web", Text: "started"}))
	require.Equal(t, `{"source":"","kind":"started","service":"web","text":"started"}`+"\n", out.String())
}
