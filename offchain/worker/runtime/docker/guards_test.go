// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestGuardsTellOfAnEngineThatTakesWorkloadsAlong: `ath-worker check` fails and the worker warns where live-restore is off.
func TestGuardsTellOfAnEngineThatTakesWorkloadsAlong(t *testing.T) {
	var r Runtime
	guard := func() error {
		for _, g := range r.Guards() {
			if g.Name == "restore" {
				return g.Err
			}
		}
		t.Fatal("no such guard")
		return nil
	}
	require.ErrorContains(t, guard(), `"live-restore": true`)
	r.info.LiveRestoreEnabled = true
	require.NoError(t, guard())
}
