// SPDX-License-Identifier: Apache-2.0

package nvml

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/offchain/worker/gpu"
)

func TestDevices(t *testing.T) {
	s := New()
	devices, err := s.Devices(t.Context())
	if errors.Is(err, gpu.ErrUnavailable) {
		_, err = s.Stats(t.Context())
		require.ErrorIs(t, err, gpu.ErrUnavailable)
		t.Skipf("no NVIDIA driver here: %v", err)
	}
	require.NoError(t, err)
	for _, d := range devices {
		require.NotEmpty(t, d.ID)
	}
}
