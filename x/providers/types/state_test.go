// SPDX-License-Identifier: Apache-2.0

package types_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/x/providers/types"
)

const (
	stRegistered  = types.ContainerState_CONTAINER_STATE_REGISTERED
	stChecking    = types.ContainerState_CONTAINER_STATE_CHECKING
	stReady       = types.ContainerState_CONTAINER_STATE_READY
	stLeased      = types.ContainerState_CONTAINER_STATE_LEASED
	stDraining    = types.ContainerState_CONTAINER_STATE_DRAINING
	stMaintenance = types.ContainerState_CONTAINER_STATE_MAINTENANCE
	stOffline     = types.ContainerState_CONTAINER_STATE_OFFLINE
	stQuality     = types.ContainerState_CONTAINER_STATE_QUALITY_CONTROL
	stRetired     = types.ContainerState_CONTAINER_STATE_RETIRED
)

var (
	allStates = []types.ContainerState{
		stRegistered, stChecking, stReady, stLeased, stDraining, stMaintenance, stOffline, stQuality, stRetired,
	}
	allTriggers = []types.Trigger{
		types.TriggerHeartbeat, types.TriggerHealthy, types.TriggerFault, types.TriggerFailedQuality, types.TriggerBind,
		types.TriggerRelease, types.TriggerReleaseFaulty, types.TriggerReleaseNotStarted, types.TriggerMaintenanceOn,
		types.TriggerMaintenanceOff, types.TriggerRetire, types.TriggerDeviceFault, types.TriggerReleaseDefective,
	}
)

// The table once more, in another shape and by hand: one row per state, one column per trigger, "" where refused.
var expected = map[types.ContainerState][13]types.ContainerState{
	//              heartbeat   healthy     fault       quality    lease     release        rel. faulty    not started    on             off         retire       device     rel. def.
	stRegistered:  {stChecking, 0, 0, 0, 0, 0, 0, 0, 0, 0, stRetired, 0, 0},
	stChecking:    {0, stReady, stOffline, stQuality, 0, 0, 0, 0, stMaintenance, 0, stRetired, stQuality, 0},
	stReady:       {0, stReady, stOffline, stQuality, stLeased, 0, 0, 0, stMaintenance, 0, stRetired, stQuality, 0},
	stLeased:      {0, stLeased, stLeased, 0, 0, stReady, stOffline, stChecking, stDraining, 0, 0, stLeased, stQuality},
	stDraining:    {0, stDraining, stDraining, 0, 0, stMaintenance, stMaintenance, stMaintenance, 0, stLeased, 0, stDraining, stMaintenance},
	stMaintenance: {0, 0, 0, 0, 0, 0, 0, 0, 0, stChecking, stRetired, stMaintenance, 0},
	stOffline:     {0, stReady, stOffline, stQuality, 0, 0, 0, 0, stMaintenance, 0, stRetired, stQuality, 0},
	stQuality:     {0, stReady, stQuality, 0, 0, 0, 0, 0, 0, 0, stRetired, stQuality, 0},
	stRetired:     {},
}

func TestNextState(t *testing.T) {
	for _, from := range allStates {
		for i, trigger := range allTriggers {
			t.Run(from.Label()+"/"+string(trigger), func(t *testing.T) {
				next, err := types.NextState(from, trigger)
				if want := expected[from][i]; want != 0 {
					require.NoError(t, err)
					require.Equal(t, want.Label(), next.Label())
					return
				}
				require.ErrorIs(t, err, types.ErrWrongState)
				require.Equal(t, from, next)
				require.ErrorContains(t, err, string(trigger))
				require.ErrorContains(t, err, from.Label())
			})
		}
	}
}

func TestEdgesAreUnique(t *testing.T) {
	seen := map[string]bool{}
	for _, e := range types.Edges {
		key := e.From.Label() + string(e.Trigger)
		require.False(t, seen[key], key)
		seen[key] = true
	}
}

// A verdict must apply to whatever is checked, or one Container could stop a shard.
func TestVerdictsApplyToAllCheckedStates(t *testing.T) {
	for _, s := range allStates {
		for _, trigger := range []types.Trigger{types.TriggerHealthy, types.TriggerFault} {
			_, err := types.NextState(s, trigger)
			require.Equal(t, s.Checked(), err == nil, "%s: %s", s.Label(), trigger)
		}
	}
}

// Nothing but the end of the lease itself takes a Container away from it, and nothing but a verdict or a good lease's end
// makes one Ready.
func TestSafetyOfEdges(t *testing.T) {
	for _, e := range types.Edges {
		if e.From.Bound() && !e.To.Bound() {
			require.Contains(t, []types.Trigger{
				types.TriggerRelease, types.TriggerReleaseFaulty, types.TriggerReleaseNotStarted, types.TriggerReleaseDefective,
			}, e.Trigger)
		}
		if e.To == stReady {
			require.Contains(t, []types.Trigger{types.TriggerHealthy, types.TriggerRelease}, e.Trigger)
		}
		require.NotEqual(t, stRetired, e.From)
	}
}

// The README's diagram is this table.
func TestDiagramInReadme(t *testing.T) {
	var b strings.Builder
	b.WriteString("```mermaid\nstateDiagram-v2\n    [*] --> Registered\n")
	for _, e := range types.Edges {
		if e.From == e.To {
			continue // what changes only health is said in the text
		}
		fmt.Fprintf(&b, "    %s --> %s: %s\n", e.From.Label(), e.To.Label(), e.Trigger)
	}
	b.WriteString("    Retired --> [*]\n```")
	readme, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	require.Contains(t, string(readme), b.String(), "want this diagram:\n%s", b.String())
}
