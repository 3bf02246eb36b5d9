// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	leasetypes "github.com/athnet/ath/x/leases/types"

	"github.com/athnet/ath/offchain/manifest"
	"github.com/athnet/ath/offchain/worker/runtime"
)

// Verb is what an Action does.
type Verb string

// Verbs, in the order in which a lease meets them.
const (
	// Adopt writes down that a lease is this worker's.
	Adopt Verb = "adopt"
	// Pull fetches an image, in the background.
	Pull Verb = "pull"
	// Create makes an instance of a service.
	Create Verb = "create"
	// Start starts an instance.
	Start Verb = "start"
	// Begin signs the first usage record: billing may run.
	Begin Verb = "begin"
	// Record signs the next usage record.
	Record Verb = "record"
	// Finish writes down that the chain is to be asked to close the lease.
	Finish Verb = "finish"
	// NoteClosed writes down that the chain has closed the lease.
	NoteClosed Verb = "note-closed"
	// Stop ends the instances of a lease that the chain has closed.
	Stop Verb = "stop"
	// Archive keeps the output of ended instances.
	Archive Verb = "archive"
	// Remove removes instances whose output is kept.
	Remove Verb = "remove"
	// Forget deletes what was kept of a closed lease.
	Forget Verb = "forget"
	// Pause stops the instances of a lease that the chain has paused, and notes which ran.
	Pause Verb = "pause"
	// Resume writes down that a pause has ended.
	Resume Verb = "resume"
	// Replace takes a lease's new manifest.
	Replace Verb = "replace"
	// Discard ends and removes an instance that the new manifest does not have, or has otherwise.
	Discard Verb = "discard"
	// Grow stops a lease's services and enlarges its storage.
	Grow Verb = "grow"
	// Resize gives an instance the limits of the new manifest.
	Resize Verb = "resize"
)

// Action is one step. It says all that executing it needs to decide.
type Action struct {
	Verb    Verb
	Lease   string
	Service string
	Image   string
	Reason  leasetypes.CloseReason
	Codes   []int32
	Detail  string
}

// imageState is what is known of an image on this machine.
type imageState int

const (
	imageUnknown imageState = iota
	imagePulling
	imagePresent
)

// standing is what the chain last said of a lease; nothing set means that it has not said anything yet, or could not be asked.
type standing struct {
	lease   *leasetypes.Lease
	receipt *leasetypes.Receipt
	// forgotten says that the worker has seen the lease closed, and that the chain knows its receipt no longer.
	forgotten bool
}

func (s standing) open() bool   { return s.lease != nil }
func (s standing) closed() bool { return s.receipt != nil || s.forgotten }

// situation is everything that a plan depends on.
type situation struct {
	now time.Time
	// container is the one that this worker serves.
	container uint64
	standings map[string]standing
	intents   map[string]Intent
	have      []runtime.Instance
	manifests map[string]manifest.Manifest // by hash in hex
	images    map[string]imageState
	problems  map[string]problem   // by lease: why a manifest or an image of it can't be run
	hold      map[string]time.Time // by lease: not before, after a failure
	limits    limits
}

// limits are how long the worker waits.
type limits struct {
	manifest  time.Duration // for the manifest, from the lease's block
	start     time.Duration // for images to be pulled, from the lease's block
	usage     time.Duration // between usage records
	retention time.Duration // of what is kept of a closed lease
	refuse    time.Duration // for all services to run, from the lease's block; 0 where the chain's limit is unknown
	overdue   time.Duration // after which the chain charges for a lease that has not started; there is no use in refusing it then
}

// plan compares what the chain says this machine owes with what it runs, and returns the steps that can be taken now, in order.
// Pure: same inputs, same steps. execute may crash between any two of them. It holds that
//   - a service that has an instance never gets a second one,
//   - instances of a lease are stopped or removed only when the chain has said that the lease is closed, paused, changed or moved away,
//   - of a lease that is changed, an instance stays whose service did not change but for its limits,
//   - nothing is created for a lease that is not open, nor beside living instances of another lease,
//   - with a chain and a runtime that answer, planning and executing in turn comes to an end.
func plan(s situation) []Action {
	var out []Action
	for _, id := range s.leases() {
		if s.now.Before(s.hold[id]) {
			continue
		}
		switch at := s.standings[id]; {
		case at.closed():
			out = append(out, s.wind(id)...)
		case at.open():
			out = append(out, s.serve(id, *at.lease)...)
		}
	}
	return out
}

// leases in order of opening, so that an older lease is dealt with first.
func (s situation) leases() []string {
	seen := map[string]bool{}
	for id := range s.standings {
		seen[id] = true
	}
	for id := range s.intents {
		seen[id] = true
	}
	ids := make([]string, 0, len(seen))
	for id := range seen {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b string) int {
		if c := s.intents[a].OpenedAt.Compare(s.intents[b].OpenedAt); c != 0 {
			return c
		}
		return cmp.Compare(a, b)
	})
	return ids
}

func (s situation) instances(lease string) []runtime.Instance {
	var out []runtime.Instance
	for _, i := range s.have {
		if i.Lease == lease {
			out = append(out, i)
		}
	}
	return out
}

func alive(i runtime.Instance) bool {
	return i.State == runtime.StateRunning || i.State == runtime.StateRestarting
}

// wind takes down what is left of a closed lease, a step at a time.
func (s situation) wind(id string) []Action {
	intent, known := s.intents[id]
	have := s.instances(id)
	switch {
	case known && intent.ClosedAt.IsZero():
		// A lease that moved to another worker has no reason to be closed: it goes on there.
		var reason leasetypes.CloseReason
		if receipt := s.standings[id].receipt; receipt != nil {
			reason = receipt.Reason
		}
		return []Action{{Verb: NoteClosed, Lease: id, Reason: reason}}
	case slices.ContainsFunc(have, alive):
		return []Action{{Verb: Stop, Lease: id}}
	case known && !intent.Archived:
		return []Action{{Verb: Archive, Lease: id}}
	case len(have) > 0 || known && !intent.Removed:
		return []Action{{Verb: Remove, Lease: id}} // without instances too: a network or a disk may be left
	case known && !s.now.Before(intent.ClosedAt.Add(s.limits.retention)):
		return []Action{{Verb: Forget, Lease: id}}
	}
	return nil
}

// serve brings an open lease to run and keeps it there.
func (s situation) serve(id string, lease leasetypes.Lease) []Action {
	intent, known := s.intents[id]
	switch {
	case lease.ContainerId != s.container && !known:
		return nil // another worker's, whatever its instances do here
	case lease.ContainerId != s.container:
		return s.wind(id) // it has moved away
	case !known:
		return []Action{{Verb: Adopt, Lease: id}}
	case !intent.ClosedAt.IsZero():
		return s.clear(id)
	case lease.State == leasetypes.LeaseState_LEASE_STATE_PAUSED:
		if !intent.Paused || slices.ContainsFunc(s.instances(id), alive) {
			return []Action{{Verb: Pause, Lease: id}}
		}
		return nil
	case intent.Closing != nil:
		return nil // the outbox asks until the chain has closed it
	case lease.State == leasetypes.LeaseState_LEASE_STATE_STANDBY:
		return s.standBy(id, intent, lease)
	case intent.Paused:
		return []Action{{Verb: Resume, Lease: id}}
	}
	detail, bad := s.problem(id, intent, lease)
	if bad && intent.Started.IsZero() {
		return []Action{finish(id, leasetypes.CloseReason_CLOSE_REASON_TENANT_IMAGE, nil, detail)}
	}
	if bad { // of the new manifest: the old one runs on
		return s.run(id, intent)
	}
	pulls, ready := s.renewal(id, intent, lease)
	if ready {
		return []Action{{Verb: Replace, Lease: id}}
	}
	return append(pulls, s.run(id, intent)...)
}

// run brings a lease up or keeps it up.
func (s situation) run(id string, intent Intent) []Action {
	m, ok := s.manifests[intent.ManifestHash]
	if !ok {
		if intent.Started.IsZero() && !s.now.Before(intent.OpenedAt.Add(s.limits.manifest)) {
			return []Action{finish(id, leasetypes.CloseReason_CLOSE_REASON_TENANT_IMAGE, nil, "no manifest came within "+s.limits.manifest.String())}
		}
		return nil // what runs goes on: an engine restarts it without a manifest
	}
	if intent.Started.IsZero() || intent.Renewed {
		return s.bringUp(id, intent, m)
	}
	return s.keepUp(id, intent, m)
}

func finish(id string, reason leasetypes.CloseReason, codes []int32, detail string) Action {
	return Action{Verb: Finish, Lease: id, Reason: reason, Codes: codes, Detail: detail}
}

// bringUp leads to the moment at which every service has run: images first, so that a lease starts whole or not at all.
func (s situation) bringUp(id string, intent Intent, m manifest.Manifest) []Action {
	if out, ready := s.imagesFor(id, m); !ready {
		if intent.Started.IsZero() && !s.now.Before(intent.OpenedAt.Add(s.limits.start)) {
			return []Action{finish(id, leasetypes.CloseReason_CLOSE_REASON_TENANT_IMAGE, nil, "images could not be pulled within "+s.limits.start.String())}
		}
		return out
	}
	if open := s.now.Sub(intent.OpenedAt); intent.Started.IsZero() && !s.ran(id, m) && open >= s.limits.refuse && open < s.limits.overdue {
		return []Action{finish(id, leasetypes.CloseReason_CLOSE_REASON_PROVIDER, nil, "services did not start within "+s.limits.refuse.String())}
	}
	if out := s.adjust(id, intent, m); len(out) > 0 {
		return out
	}
	if s.occupied(id) {
		return nil
	}
	out, ran := []Action(nil), true
	for _, service := range startOrder(m) {
		i, ok := find(s.have, runtime.Key{Lease: id, Service: service.Name})
		switch {
		case !ok:
			return append(out, Action{Verb: Create, Lease: id, Service: service.Name})
		case i.State == runtime.StateCreated, i.State == runtime.StateExited && slices.Contains(intent.Stopped, service.Name):
			return append(out, Action{Verb: Start, Lease: id, Service: service.Name})
		default:
			ran = ran && !i.StartedAt.IsZero()
		}
	}
	if ran {
		out = append(out, Action{Verb: Begin, Lease: id})
	}
	return out
}

// ran says whether every service of a lease has run.
func (s situation) ran(id string, m manifest.Manifest) bool {
	return !slices.ContainsFunc(m.Services, func(service manifest.Service) bool {
		i, ok := find(s.have, runtime.Key{Lease: id, Service: service.Name})
		return !ok || i.StartedAt.IsZero()
	})
}

// keepUp puts back what got lost, ends what is done where its tenant expects that, and meters.
func (s situation) keepUp(id string, intent Intent, m manifest.Manifest) []Action {
	var out []Action
	codes, done := make([]int32, 0, len(m.Services)), true
	for _, service := range m.Services { // in order of name, as the receipt wants exit codes
		i, ok := find(s.have, runtime.Key{Lease: id, Service: service.Name})
		switch {
		case !ok && service.Restart == manifest.RestartNever:
			codes = append(codes, lostExitCode) // it ran, and is gone: a job is not run twice
		case !ok:
			done = false
			if pull, ready := s.imagesFor(id, manifest.Manifest{Services: []manifest.Service{service}}); !ready {
				out = append(out, pull...)
			} else if !s.occupied(id) && !slices.ContainsFunc(out, func(a Action) bool { return a.Verb == Create }) { // one at a time: each takes devices that are free
				out = append(out, Action{Verb: Create, Lease: id, Service: service.Name})
			}
		case i.Ended():
			codes = append(codes, int32(i.ExitCode))
		default:
			done = false
			if !alive(i) && !s.occupied(id) { // the engine was down when it ended
				out = append(out, Action{Verb: Start, Lease: id, Service: service.Name})
			}
		}
	}
	switch {
	case done && s.standings[id].lease.Completes:
		return []Action{finish(id, leasetypes.CloseReason_CLOSE_REASON_COMPLETED, codes, "all services have ended")}
	case len(intent.Pending) == 0 && !s.now.Before(intent.Head.Until.Add(s.limits.usage)):
		// One record at a time: while the chain can't be reached the next one grows instead of a heap of them.
		out = append(out, Action{Verb: Record, Lease: id})
	}
	return out
}

// lostExitCode stands for a job's exit code that nobody can tell any more.
const lostExitCode = -1

// imagesFor returns the pulls that a manifest still needs, and whether all its images are present.
func (s situation) imagesFor(id string, m manifest.Manifest) (out []Action, ready bool) {
	ready = true
	asked := map[string]bool{}
	for _, service := range m.Services {
		switch s.images[service.Image] {
		case imagePresent:
			continue
		case imageUnknown:
			if !asked[service.Image] {
				out = append(out, Action{Verb: Pull, Lease: id, Service: service.Name, Image: service.Image})
			}
			asked[service.Image] = true
		case imagePulling:
		}
		ready = false
	}
	return out, ready
}

// occupied says that something of another lease lives: a Container holds one lease, and what it promises it promises whole.
func (s situation) occupied(id string) bool {
	return slices.ContainsFunc(s.have, func(i runtime.Instance) bool {
		return i.Lease != id && i.Container == s.container && alive(i)
	})
}

func find(have []runtime.Instance, key runtime.Key) (runtime.Instance, bool) {
	for _, i := range have {
		if i.Key == key {
			return i, true
		}
	}
	return runtime.Instance{}, false
}

// String is for logs and test failures.
func (a Action) String() string {
	return fmt.Sprintf("%s %s %s%s %s", a.Verb, a.Lease, a.Service, a.Image, a.Detail)
}
