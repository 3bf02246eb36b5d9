// SPDX-License-Identifier: Apache-2.0

package types

// Trigger is what moves a Container from one state to another.
type Trigger string

const (
	// TriggerHeartbeat: its worker was heard of for the first time.
	TriggerHeartbeat Trigger = "heartbeat"
	// TriggerHealthy: Checkers found it healthy, and it was not before.
	TriggerHealthy Trigger = "healthy verdict"
	// TriggerFault: Checkers found it faulty in two rounds in a row.
	TriggerFault Trigger = "fault"
	// TriggerFailedQuality: a check of what it delivers failed.
	TriggerFailedQuality Trigger = "failed quality check"
	// TriggerBind: a lease took it.
	TriggerBind Trigger = "lease"
	// TriggerRelease: its lease ended while it was healthy.
	TriggerRelease Trigger = "release"
	// TriggerReleaseFaulty: its lease ended while it was faulty.
	TriggerReleaseFaulty Trigger = "release while faulty"
	// TriggerReleaseNotStarted: its lease ended because the workload was never started.
	TriggerReleaseNotStarted Trigger = "release, not started"
	// TriggerMaintenanceOn: its provider takes it off the market.
	TriggerMaintenanceOn Trigger = "maintenance on"
	// TriggerMaintenanceOff: its provider brings it back.
	TriggerMaintenanceOff Trigger = "maintenance off"
	// TriggerDeviceFault: its worker says that a device is broken.
	TriggerDeviceFault Trigger = "device fault"
	// TriggerReleaseDefective: its lease ended while a device was broken.
	TriggerReleaseDefective Trigger = "release with a device fault"
	// TriggerRetire: its provider ends it.
	TriggerRetire Trigger = "retire"
)

const (
	registered  = ContainerState_CONTAINER_STATE_REGISTERED
	checking    = ContainerState_CONTAINER_STATE_CHECKING
	ready       = ContainerState_CONTAINER_STATE_READY
	leased      = ContainerState_CONTAINER_STATE_LEASED
	draining    = ContainerState_CONTAINER_STATE_DRAINING
	maintenance = ContainerState_CONTAINER_STATE_MAINTENANCE
	offline     = ContainerState_CONTAINER_STATE_OFFLINE
	quality     = ContainerState_CONTAINER_STATE_QUALITY_CONTROL
	retired     = ContainerState_CONTAINER_STATE_RETIRED
)

// Edge is one line of the table of states.
type Edge struct {
	From    ContainerState
	Trigger Trigger
	To      ContainerState
}

// Edges is the whole life of a Container; what is not here is refused. Three rules shaped it:
//   - a lease ends by its own rules only: no doubt about the Container's health and no wish of its provider leaves Leased
//     or Draining, where a fault or a recovery changes only what is paid;
//   - nothing becomes Ready but by a healthy verdict or by the end of a lease that was healthy;
//   - Maintenance is no way round a failed quality check, so QualityControl has no edge to it.
var Edges = []Edge{
	{registered, TriggerHeartbeat, checking},
	{registered, TriggerRetire, retired},

	{checking, TriggerHealthy, ready},
	{checking, TriggerFault, offline},
	{checking, TriggerFailedQuality, quality},
	{checking, TriggerDeviceFault, quality},
	{checking, TriggerMaintenanceOn, maintenance},
	{checking, TriggerRetire, retired},

	{ready, TriggerBind, leased},
	{ready, TriggerHealthy, ready},
	{ready, TriggerFault, offline},
	{ready, TriggerFailedQuality, quality},
	{ready, TriggerDeviceFault, quality},
	{ready, TriggerMaintenanceOn, maintenance},
	{ready, TriggerRetire, retired},

	{leased, TriggerHealthy, leased},
	{leased, TriggerFault, leased},
	{leased, TriggerRelease, ready},
	{leased, TriggerReleaseFaulty, offline},
	{leased, TriggerReleaseNotStarted, checking},
	{leased, TriggerReleaseDefective, quality},
	{leased, TriggerDeviceFault, leased},
	{leased, TriggerMaintenanceOn, draining},

	{draining, TriggerHealthy, draining},
	{draining, TriggerFault, draining},
	{draining, TriggerRelease, maintenance},
	{draining, TriggerReleaseFaulty, maintenance},
	{draining, TriggerReleaseNotStarted, maintenance},
	{draining, TriggerReleaseDefective, maintenance},
	{draining, TriggerDeviceFault, draining},
	{draining, TriggerMaintenanceOff, leased},

	{maintenance, TriggerMaintenanceOff, checking},
	{maintenance, TriggerDeviceFault, maintenance},
	{maintenance, TriggerRetire, retired},

	{offline, TriggerHealthy, ready},
	{offline, TriggerFault, offline},
	{offline, TriggerFailedQuality, quality},
	{offline, TriggerDeviceFault, quality},
	{offline, TriggerMaintenanceOn, maintenance},
	{offline, TriggerRetire, retired},

	{quality, TriggerHealthy, ready},
	{quality, TriggerFault, quality},
	{quality, TriggerDeviceFault, quality},
	{quality, TriggerRetire, retired},
}

// NextState returns where a trigger leads from a state; ErrWrongState where the table has no such edge.
func NextState(state ContainerState, trigger Trigger) (ContainerState, error) {
	for _, e := range Edges {
		if e.From == state && e.Trigger == trigger {
			return e.To, nil
		}
	}
	return state, ErrWrongState.Wrapf("%s does not apply in state %s", trigger, state.Label())
}

// Label is the state's name for people: Ready, QualityControl.
func (s ContainerState) Label() string {
	switch s {
	case registered:
		return "Registered"
	case checking:
		return "Checking"
	case ready:
		return "Ready"
	case leased:
		return "Leased"
	case draining:
		return "Draining"
	case maintenance:
		return "Maintenance"
	case offline:
		return "Offline"
	case quality:
		return "QualityControl"
	case retired:
		return "Retired"
	default:
		return "Unspecified"
	}
}

// Checked says whether Checkers probe a Container in this state: then it has a bit in its shard.
func (s ContainerState) Checked() bool {
	switch s {
	case checking, ready, leased, draining, offline, quality:
		return true
	default:
		return false
	}
}

// Bound says whether a Container in this state serves a lease.
func (s ContainerState) Bound() bool { return s == leased || s == draining }

// Joins says whether a Container that enters this state must be found healthy anew.
func (s ContainerState) Joins() bool { return s == checking || s == quality }
