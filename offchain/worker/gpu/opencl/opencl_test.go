// SPDX-License-Identifier: Apache-2.0

package opencl

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/offchain/worker/gpu"
)

// On a machine with a loader and PoCL this sees its CPU; on one without it says so in words that a caller can act on.
func TestDevices(t *testing.T) {
	s := New()
	devices, err := s.Devices(t.Context())
	if errors.Is(err, gpu.ErrUnavailable) {
		t.Skipf("no OpenCL here: %v", err)
	}
	require.NoError(t, err)
	for _, d := range devices {
		t.Logf("%+v", d)
		require.NotEmpty(t, d.ID)
		require.NotEmpty(t, d.Model)
		require.NotEmpty(t, d.Compute)
		require.Positive(t, d.VRAMMiB)
	}
	again, err := New().Devices(t.Context())
	require.NoError(t, err)
	require.Equal(t, devices, again, "ids are stable")
	stats, err := s.Stats(t.Context())
	require.NoError(t, err)
	require.Empty(t, stats)
}
