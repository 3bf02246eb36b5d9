// SPDX-License-Identifier: Apache-2.0

package types

import (
	"time"

	"cosmossdk.io/math"

	athtypes "github.com/athnet/ath/x/ath/types"
)

// The methods of this file are the only ones that change a ContainerStatus. Each returns the new value; the keeper stores it
// and applies what follows from the difference: shard bits, stream weight, event.

// NewStatus is the status of a Container that was just registered.
func NewStatus(id uint64) ContainerStatus {
	return ContainerStatus{Id: id, State: registered}
}

// Faulty says whether a fault stands.
func (s ContainerStatus) Faulty() bool { return s.FaultAt != nil }

// Earns says whether the Container's capacity earns: offered in public, free or leased, healthy with sound devices, not
// suspended, with the stake that it must have. It is alike in Ready and Leased, so that a lease never writes the stream.
func (s ContainerStatus) Earns() bool {
	return (s.State == ready || s.State == leased) && s.Offered && !s.Faulty() && s.SuspendedUntil == nil && !s.UnderStaked && s.DeviceFault == ""
}

// EarnsUntil is up to when the Container's service earns for a lease: the running fault ends it.
func (s ContainerStatus) EarnsUntil(now time.Time) time.Time {
	if s.FaultAt != nil && s.FaultAt.Before(now) {
		return *s.FaultAt
	}
	return now
}

// OutageAt is the outage index: the sum of all outages up to now, the running one included. It never decreases, and grows
// between two instants by at most the time between them plus the time that a fault is found late. What a lease sees of
// it never exceeds the time since Bind.
func (s ContainerStatus) OutageAt(now time.Time) time.Duration {
	if s.FaultAt == nil || !now.After(*s.FaultAt) {
		return s.Outage
	}
	return s.Outage + now.Sub(*s.FaultAt)
}

// Hear notes a heartbeat and what it says of broken devices: a Registered Container is checked from now on, a suspension
// that is over ends. One with a broken device leaves the market at once, or when its lease has ended; it comes back when
// a heartbeat finds its devices sound and Checkers find it healthy after that.
func (s ContainerStatus) Hear(now time.Time, deviceFault string) (ContainerStatus, error) {
	if s.SuspendedUntil != nil && !now.Before(*s.SuspendedUntil) {
		s.SuspendedUntil = nil
	}
	if s.State == registered {
		var err error
		if s, err = s.step(TriggerHeartbeat); err != nil {
			return s, err
		}
	}
	// What was broken during a lease stays noted until the lease has ended: then the Container must be checked anew.
	if s.DeviceFault == deviceFault || deviceFault == "" && s.State.Bound() {
		return s, nil
	}
	s.DeviceFault = deviceFault
	if deviceFault == "" {
		return s, nil
	}
	s, err := s.leave(TriggerDeviceFault, now)
	if err == nil && s.State == quality {
		s.Reason = deviceFault
	}
	return s, err
}

// Silence takes the time back in which a free Container earned capacity and could not be leased, because its worker was silent: it
// earns nothing for as long. Otherwise who is never heard of again earns by being found healthy, and never has to serve.
func (s ContainerStatus) Silence(now time.Time, silent time.Duration) ContainerStatus {
	if s.State == ready && s.Earns() && silent > 0 {
		until := now.Add(silent)
		s.SuspendedUntil = &until
	}
	return s
}

// Figures is what one Container counts for in the figures of its class, but for its stake.
func (s ContainerStatus) Figures(c Container) athtypes.ClassFigures {
	f := athtypes.NewClassFigures(c.Class)
	f.Containers, f.Units, f.Weight = 1, int64(c.Count), math.NewIntFromUint64(s.Weight)
	if s.State == ready {
		f.Ready, f.ReadyUnits = f.Containers, f.Units
	}
	if s.State.Bound() {
		f.Bound, f.BoundUnits = f.Containers, f.Units
	}
	return f
}

// CountsLike says whether figures are the same with another status of the same Container.
func (s ContainerStatus) CountsLike(other ContainerStatus) bool {
	return s.Weight == other.Weight && (s.State == ready) == (other.State == ready) && s.State.Bound() == other.State.Bound()
}

// AwaitsDevices says whether the Container can't become Ready before its worker finds its devices sound.
func (s ContainerStatus) AwaitsDevices() bool { return s.State == quality && s.DeviceFault != "" }

// Bind gives a free Container to a lease.
func (s ContainerStatus) Bind(lease string, now time.Time) (ContainerStatus, error) {
	if s.State != ready {
		return s, ErrContainerNotFree.Wrapf("container %d is %s%s", s.Id, s.State.Label(), s.because())
	}
	if s.Faulty() {
		return s, ErrContainerNotFree.Wrapf("container %d is faulty since %s", s.Id, s.FaultAt.Format(time.RFC3339))
	}
	if s.UnderStaked {
		return s, ErrContainerNotFree.Wrapf("container %d: its stake was slashed; its owner must top it up", s.Id)
	}
	s, err := s.step(TriggerBind)
	if err != nil {
		return s, err
	}
	s.Lease = lease
	s.OutageFloor = &now
	return s, nil
}

// Vacancy is a Container that can be leased, as a transaction has found it.
type Vacancy struct {
	Container Container
	Status    ContainerStatus
}

// Rebind hands a leased Container to another lease. One that is faulty, broken or on its way out of the market takes no new work.
func (s ContainerStatus) Rebind(from, to string) (ContainerStatus, error) {
	switch {
	case from == "" || s.Lease != from:
		return s, ErrWrongLease.Wrapf("container %d serves %q, not %q", s.Id, s.Lease, from)
	case s.State != leased || s.Faulty() || s.DeviceFault != "":
		return s, ErrContainerNotFree.Wrapf("container %d is %s%s, and takes over no lease", s.Id, s.State.Label(), s.because())
	}
	s.Lease = to
	return s, nil
}

// Release takes the Container back from its lease. Where the workload was never started, the Container must be checked anew
// and earns no capacity until suspendUntil.
func (s ContainerStatus) Release(lease string, notStarted bool, suspendUntil, now time.Time) (ContainerStatus, error) {
	if lease == "" || s.Lease != lease {
		return s, ErrWrongLease.Wrapf("container %d serves %q, not %q", s.Id, s.Lease, lease)
	}
	trigger := TriggerRelease
	if notStarted {
		trigger = TriggerReleaseNotStarted
		if s.State == leased {
			s.Reason = "its last lease was not started"
		}
		if suspendUntil.After(now) {
			s.SuspendedUntil = &suspendUntil
		}
	}
	// A fault outweighs a missing start, and a broken device both: all three need a new healthy verdict.
	if s.Faulty() {
		trigger = TriggerReleaseFaulty
	}
	if s.DeviceFault != "" {
		trigger = TriggerReleaseDefective
		if s.State == leased {
			s.Reason = s.DeviceFault
		}
	}
	s.Lease = ""
	return s.leave(trigger, now)
}

// Maintain takes the Container off the market, after its lease if it has one, or brings it back to be checked.
func (s ContainerStatus) Maintain(on bool, reason string, now time.Time) (ContainerStatus, error) {
	if !on {
		if s.DeviceFault != "" && s.State == maintenance {
			return s, ErrWrongState.Wrapf("container %d: its worker says %q; repair it, and let the worker run", s.Id, s.DeviceFault)
		}
		s.Reason = ""
		return s.step(TriggerMaintenanceOff)
	}
	s.Reason = reason
	return s.leave(TriggerMaintenanceOn, now)
}

// Fail notes a fault that the chain has confirmed. It counts from since, but neither into the outage before nor into the
// time before the lease, and never from the future.
func (s ContainerStatus) Fail(since, now time.Time, reason string) (ContainerStatus, error) {
	s, err := s.step(TriggerFault)
	if err != nil || s.Faulty() {
		return s, err
	}
	if s.OutageFloor != nil && since.Before(*s.OutageFloor) {
		since = *s.OutageFloor
	}
	if since.After(now) {
		since = now
	}
	s.FaultAt = &since
	s.OutageFloor = nil
	if s.State != draining { // whose reason is its provider's
		s.Reason = reason
	}
	return s, nil
}

// Heal notes a healthy verdict on a Container that was not known to be healthy. The outage ends in the block in which the
// chain learns it, not with the round that was checked: leases have settled on the index meanwhile, and it must not
// decrease.
func (s ContainerStatus) Heal(now time.Time) (ContainerStatus, error) {
	if s.AwaitsDevices() { // what Checkers find from outside while a device is broken ends the outage and nothing else
		return s.endOutage(now), nil
	}
	s, err := s.step(TriggerHealthy)
	if err != nil {
		return s, err
	}
	if s.State != draining {
		s.Reason = ""
	}
	return s.endOutage(now), nil
}

// Reweigh recomputes the capacity weight from the catalogue and the measured throughput.
func (s ContainerStatus) Reweigh(class Class, c Container) ContainerStatus {
	s.Weight = 0
	if s.Earns() {
		s.Weight = OpenRoundedDown(c.Windows, class.CapacityRoundedDown(c.Count, c.Spec.Throughput))
	}
	return s
}

// leave takes a step after which the Container may no longer be checked, or must be found healthy anew; then its outage ends,
// since nobody would end it.
func (s ContainerStatus) leave(trigger Trigger, now time.Time) (ContainerStatus, error) {
	before := s.State
	s, err := s.step(trigger)
	if err != nil {
		return s, err
	}
	if !s.State.Checked() || s.State != before && s.State.Joins() {
		s = s.endOutage(now)
	}
	return s, nil
}

func (s ContainerStatus) endOutage(now time.Time) ContainerStatus {
	if s.FaultAt != nil {
		s.Outage = s.OutageAt(now)
		s.FaultAt = nil
		s.OutageFloor = &now
	}
	return s
}

// step takes an edge of the table.
func (s ContainerStatus) step(trigger Trigger) (ContainerStatus, error) {
	next, err := NextState(s.State, trigger)
	if err != nil {
		return s, err
	}
	s.State = next
	return s, nil
}

func (s ContainerStatus) because() string {
	if s.Reason == "" {
		return ""
	}
	return ": " + s.Reason
}

// Retire ends a Container that serves no lease. What remains is only what its last event says.
func (s ContainerStatus) Retire() (ContainerStatus, error) {
	if s.State.Bound() {
		return s, ErrWrongState.Wrapf("container %d serves lease %s: set maintenance, and retire it when the lease has ended", s.Id, s.Lease)
	}
	s, err := s.step(TriggerRetire)
	if err != nil {
		return s, err
	}
	return ContainerStatus{Id: s.Id, State: s.State}, nil
}
