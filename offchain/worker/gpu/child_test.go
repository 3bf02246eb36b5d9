// SPDX-License-Identifier: Apache-2.0

package gpu

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestChild(t *testing.T) {
	devices, err := (&Child{Command: "echo", Args: []string{`[{"id":"a","kind":"gpu"}]`}}).Devices(t.Context())
	require.NoError(t, err)
	require.Equal(t, []Device{{ID: "a", Kind: KindGPU}}, devices)
	for _, bad := range []Child{{Command: "/nowhere"}, {Command: "false"}, {Command: "echo", Args: []string{"no list"}}} {
		_, err = bad.Devices(t.Context())
		require.ErrorIs(t, err, ErrUnavailable, "a driver that crashes is a driver that is not there")
	}
}
