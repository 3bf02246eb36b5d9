// SPDX-License-Identifier: Apache-2.0

// Package runtime is what a worker needs of the thing that runs OCI containers.
//
//	        Pull          Create           Start
//	(none) ──────▶ image ────────▶ created ──────▶ running ⇄ restarting
//	                                                  │ ends by itself, or Stop
//	                                                  ▼
//	                     (none) ◀── Remove ── exited (code, OOM)
//
// An instance is one service of one lease and is known by what is written on it, never by the worker's memory: a worker that
// lost everything finds its instances through List. There is at most one instance per Key; Create of an existing Key returns it.
// Every method may be called again after a crash at any point and then has the same effect.
package runtime

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/athnet/ath/offchain/manifest"
)

// What a caller can act upon; everything else is worth a retry.
var (
	// ErrImage: the image does not exist, may not be read, or can't be run. A retry won't help; its tenant must change it.
	ErrImage = errors.New("image can't be used")
	// ErrUnavailable: the engine does not answer. Nothing is known about instances.
	ErrUnavailable = errors.New("container engine does not answer")
	// ErrPortTaken: a host port is in use by something else; choose another.
	ErrPortTaken = errors.New("host port is taken")
	// ErrNotFound: there is no such instance.
	ErrNotFound = errors.New("no such instance")
	// ErrOffline: this machine can't do that while instances of the lease run.
	ErrOffline = errors.New("not while instances run")
	// ErrConflict: an instance with this Key exists and has another definition.
	ErrConflict = errors.New("an instance of another definition is in the way")
)

// Key names an instance within one worker and chain.
type Key struct {
	Lease   string // "tenant/number"
	Service string
}

// Spec is an instance to be made. Isolation that is not mentioned here is on.
type Spec struct {
	Key
	// Container is the id of the Container on chain; ManifestHash the lease's, in hex. Both are written on the instance.
	Container    uint64
	ManifestHash string
	// Definition is written on it as well: two Specs of a Key with the same one differ in nothing but limits of CPU, memory and storage.
	Definition string
	// Image is a reference by digest.
	Image         string
	Command, Args []string
	Env           []string
	CPUMilli      uint64
	MemoryMiB     uint64
	Pids          int64
	Ports         []Port
	Restart       manifest.Restart
	ReadOnly      bool
	Disk          Disk
	// Volumes of the instance. Alias is a second name by which other services find it; none where empty.
	Volumes []manifest.Volume
	Alias   string
	// GPUs are device ids for the engine's GPU support; none where empty.
	GPUs []string
}

// Disk is storage that services of a lease share: what they write, their volumes and their logs lie within it.
type Disk struct {
	// LeaseMiB is all of the lease's, in MiB, for this many Services; ServiceMiB the instance's part, which bounds its log.
	LeaseMiB, ServiceMiB uint64
	Services             int
}

// Port publishes a port of the instance on the machine.
type Port struct {
	Port  uint16 // inside
	Host  uint16 // outside; > 0
	Proto string // tcp or udp
}

// State is where an instance is in its life.
type State string

// States of an instance.
const (
	StateCreated    State = "created"
	StateRunning    State = "running"
	StateRestarting State = "restarting"
	StateExited     State = "exited"
)

// Instance is what the engine says of an instance.
type Instance struct {
	ID string
	Key
	Container    uint64
	ManifestHash string // of the manifest that it was made for; it may have outlived that one
	Definition   string
	CPUMilli     uint64
	MemoryMiB    uint64
	GPUs         []string
	Image        string
	State        State
	Restart      manifest.Restart
	ExitCode     int
	OOMKilled    bool
	Restarts     int
	StartedAt    time.Time
	FinishedAt   time.Time
	Ports        []Port
}

// Ended says that the instance has ended by itself and that its restart policy leaves it so.
func (i Instance) Ended() bool {
	switch {
	case i.State != StateExited || i.FinishedAt.IsZero():
		return false
	case i.Restart == manifest.RestartNever:
		return true
	default:
		return i.Restart == manifest.RestartOnFailure && i.ExitCode == 0
	}
}

// Stats are what an instance used since it was last started.
type Stats struct {
	CPU       time.Duration
	MemoryMiB uint64 // peak where the engine knows it, else now
	HeldMiB   uint64 // now, without what the kernel would take back
	RxBytes   uint64
	TxBytes   uint64
}

// LogOptions choose what of an instance's output is wanted.
type LogOptions struct {
	Follow bool      // until the instance ends
	Since  time.Time // not before
}

// Output is a line that an instance wrote, or a part of a long one.
type Output struct {
	Time    time.Time // as the engine noted it; the same whenever it is asked
	Stderr  bool
	Partial bool // the line goes on in the next Output of the same stream
	Text    []byte
}

// Lifecycle makes and ends instances.
type Lifecycle interface {
	// Pull makes an image available, credentials nil for a public one. ErrImage if a retry is pointless.
	Pull(ctx context.Context, image string, credentials *manifest.Credentials) error
	// Create makes an instance and whatever its lease shares (a network on which services find each other by name) without
	// starting it. An existing instance of the same Key and Definition is left as it is. ErrConflict, ErrImage.
	Create(ctx context.Context, spec Spec) error
	// Start starts an instance that is created or exited; one that runs is left alone. ErrNotFound, ErrPortTaken, ErrImage.
	Start(ctx context.Context, key Key) error
	// Stop ends all instances of a lease, by force after grace, and keeps them and their output.
	Stop(ctx context.Context, lease string, grace time.Duration) error
	// End ends one instance, by force after grace, and keeps it and its output. None is fine.
	End(ctx context.Context, key Key, grace time.Duration) error
	// Discard ends and removes one instance and what was its own but for persistent volumes: the next instance of the service finds them
	// again by name. None is fine.
	Discard(ctx context.Context, key Key) error
	// Resize gives an instance other limits; one that runs goes on. ErrNotFound.
	Resize(ctx context.Context, key Key, cpuMilli, memoryMiB uint64) error
	// Room says whether a lease's storage could be as little as disk: ErrStorage where persistent volumes and the instances of the
	// services named take more.
	Room(ctx context.Context, lease string, disk Disk, staying []string) error
	// Enlarge makes a lease's storage as large as disk; it never gets smaller. None is fine. ErrOffline where its instances have to be
	// stopped for that.
	Enlarge(ctx context.Context, lease string, disk Disk) error
	// Remove ends and removes all instances of a lease and what they shared, volumes too. None is fine.
	Remove(ctx context.Context, lease string) error
}

// Observer looks at instances.
type Observer interface {
	// List returns all instances of this worker and chain, in order of lease and service.
	List(ctx context.Context) ([]Instance, error)
	// Watch returns a channel that gets a value soon after an instance changed, until ctx ends. It may give values for no
	// reason and may miss changes: it makes a worker quick, List makes it right.
	Watch(ctx context.Context) <-chan struct{}
	// Logs hands on what an instance wrote, in the order of the engine's own log, until its end or an error of take.
	Logs(ctx context.Context, key Key, options LogOptions, take func(Output) error) error
	// Stats measures a running instance. ErrNotFound where it does not run.
	Stats(ctx context.Context, key Key) (Stats, error)
}

// Runtime is all of it.
type Runtime interface {
	Lifecycle
	Observer
	Entrance
	Files
}

// Validate refuses what no runtime should be asked for.
func (s Spec) Validate() error {
	switch {
	case s.Lease == "" || s.Service == "":
		return fmt.Errorf("instance: lease and service are required")
	case !strings.Contains(s.Image, "@sha256:"):
		return fmt.Errorf("%w: %q is not by digest; want host/path@sha256:…", ErrImage, s.Image)
	case s.CPUMilli == 0 || s.MemoryMiB == 0 || s.Pids <= 0:
		return fmt.Errorf("service %s: CPU, memory and pids need limits", s.Service)
	case s.Disk.LeaseMiB == 0 || s.Disk.LeaseMiB < s.Disk.ServiceMiB || s.Disk.Services < 1:
		return fmt.Errorf("service %s: the storage of its lease needs a limit", s.Service)
	}
	if err := manifest.CheckVolumes(s.Volumes); err != nil {
		return fmt.Errorf("service %s: %w", s.Service, err)
	}
	for _, p := range s.Ports {
		if p.Host == 0 || p.Port == 0 || (p.Proto != "tcp" && p.Proto != "udp") {
			return fmt.Errorf("service %s: port %d/%s on host port %d is not valid", s.Service, p.Port, p.Proto, p.Host)
		}
	}
	return nil
}
