// SPDX-License-Identifier: Apache-2.0

// Package manifest is what a tenant asks a Container to run: the canonical form of an SDL file. Only its SHA-256 is on
// chain; the body goes to the worker.
package manifest

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
)

// Version of the canonical form.
const Version = "ath/1"

// What a worker takes: the longest canonical form, the most ports that a lease publishes, and the least memory that an engine
// gives a service.
const (
	MaxBytes     = 256 << 10
	MaxPublished = 32
	MinMemoryMiB = 6
)

// Manifest is a workload. Its canonical form is the JSON of this struct: fields in this order, services by name.
type Manifest struct {
	Version  string    `json:"version"`
	Services []Service `json:"services"`
}

// Service is one OCI container of the workload.
type Service struct {
	// Name is unique in the manifest: 1 to 63 of [a-z0-9-].
	Name string `json:"name"`
	// Image is a reference by digest: host[:port]/path@sha256:… ; of a file that was not pinned yet perhaps host[:port]/path:tag.
	Image string `json:"image"`
	// Command replaces the image's entry point, Args its command; the image's own where empty.
	Command []string `json:"command,omitempty"`
	Args    []string `json:"args,omitempty"`
	// Env entries are "KEY=value", in order of the file.
	Env []string `json:"env,omitempty"`
	// Expose lists ports that are published or reachable by other services.
	Expose []Expose `json:"expose,omitempty"`
	// Resources are limits that hold.
	Resources Resources `json:"resources"`
	// Restart says what happens when the service ends.
	Restart Restart `json:"restart"`
	// ReadOnly makes the root file system read-only.
	ReadOnly bool `json:"read_only,omitempty"`
	// DependsOn names services that are started first.
	DependsOn []string `json:"depends_on,omitempty"`
	// Volumes are mounted at paths of their own; storage that isn't lies in the root file system.
	Volumes []Volume `json:"volumes,omitempty"`
	// ReplicaOf is the service whose name this one answers to as well; empty for a service of its own.
	ReplicaOf string `json:"replica_of,omitempty"`
	// Credentials of a private registry; nil for a public image.
	Credentials *Credentials `json:"credentials,omitempty"`
}

// Expose is one port of a service.
type Expose struct {
	// Port inside the container.
	Port uint16 `json:"port"`
	// As is the port under which it is exposed; equal to Port where the file says nothing.
	As uint16 `json:"as"`
	// Proto is "tcp" or "udp".
	Proto string `json:"proto"`
	// Global ports are published on the worker's machine; others are for services of the same lease.
	Global bool `json:"global,omitempty"`
	// Hosts are the host names that the file accepts.
	Hosts []string `json:"hosts,omitempty"`
	// HTTP is set where the file has http_options for a port that IsHTTP.
	HTTP *HTTP `json:"http,omitempty"`
}

// Class is what a volume is made of.
const (
	// ClassDisk is the lease's storage.
	ClassDisk = "disk"
	// ClassRAM is memory of the service, within its limit.
	ClassRAM = "ram"
)

// Volume is storage of one service at a path of its own.
type Volume struct {
	// Name is unique in the service, Mount an absolute path that no other volume of it has.
	Name  string `json:"name"`
	Mount string `json:"mount"`
	// Class is ClassDisk or ClassRAM.
	Class string `json:"class"`
	// SizeMiB bounds a volume in memory. Those on disk share the lease's storage, of which it is a part.
	SizeMiB uint64 `json:"size_mib"`
	// Persistent volumes are kept while the lease lives, over a change of its manifest too; others go with their instance.
	Persistent bool `json:"persistent,omitempty"`
	ReadOnly   bool `json:"read_only,omitempty"`
}

// mountTaken are paths that are the engine's or the kernel's.
var mountTaken = []string{"/proc", "/sys", "/dev", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf"}

// MountOffered says whether a volume can be mounted at a path: absolute, clean, at most 255 bytes, and neither the root nor
// the system's own. /dev/shm is offered.
func MountOffered(at string) bool {
	if !path.IsAbs(at) || path.Clean(at) != at || at == "/" || len(at) > 255 || strings.ContainsAny(at, "\x00\n,:") {
		return false
	}
	for _, taken := range mountTaken {
		if (at == taken || strings.HasPrefix(at, taken+"/")) && at != "/dev/shm" {
			return false
		}
	}
	return at != "/etc" // it would hide the engine's files
}

// CheckVolumes refuses volumes that no worker mounts.
func CheckVolumes(volumes []Volume) error {
	if len(volumes) > maxVolumes {
		return fmt.Errorf("%d volumes, at most %d", len(volumes), maxVolumes)
	}
	for i, v := range volumes {
		switch {
		case v.Name == "" || !MountOffered(v.Mount):
			return fmt.Errorf("volume %q at %q: want a name, and a path that is not the system's", v.Name, v.Mount)
		case v.Class != ClassDisk && (v.Class != ClassRAM || v.Persistent):
			return fmt.Errorf("volume %q: class %q, want %s, or %s and not persistent", v.Name, v.Class, ClassDisk, ClassRAM)
		case v.SizeMiB == 0 || v.SizeMiB > maxMiB:
			return fmt.Errorf("volume %q: %d MiB, want 1 to %d", v.Name, v.SizeMiB, uint64(maxMiB))
		}
		for _, o := range volumes[:i] {
			if o.Name == v.Name || o.Mount == v.Mount {
				return fmt.Errorf("volume %q at %q: another has the same name or path", v.Name, v.Mount)
			}
		}
	}
	return nil
}

// Resources of one service.
type Resources struct {
	// CPUMilli is CPU time in thousandths of a core.
	CPUMilli uint64 `json:"cpu_milli"`
	// MemoryMiB and DiskMiB are in MiB.
	MemoryMiB uint64 `json:"memory_mib"`
	DiskMiB   uint64 `json:"disk_mib"`
	// GPUs is how many devices of the Container the service sees.
	GPUs uint32 `json:"gpus,omitempty"`
	// GPUVendor and GPUModels narrow what fits; empty for any.
	GPUVendor string   `json:"gpu_vendor,omitempty"`
	GPUModels []string `json:"gpu_models,omitempty"`
	// GPUVRAMMiB is the least memory of one device in MiB.
	GPUVRAMMiB uint64 `json:"gpu_vram_mib,omitempty"`
}

// Ends says whether the workload ends by itself: no service of it is always started again.
func (m Manifest) Ends() bool {
	return !slices.ContainsFunc(m.Services, func(s Service) bool { return s.Restart == RestartAlways })
}

// Restart is a restart policy.
type Restart string

const (
	// RestartAlways keeps the service up; what an SDL file means when it says nothing.
	RestartAlways Restart = "always"
	// RestartOnFailure restarts it while it exits with another code than 0.
	RestartOnFailure Restart = "on-failure"
	// RestartNever runs it once: a batch job.
	RestartNever Restart = "never"
)

// Canonical returns the canonical bytes: compact JSON without HTML escaping and without a final newline.
func (m Manifest) Canonical() ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(m); err != nil {
		return nil, fmt.Errorf("encode manifest: %w", err)
	}
	return bytes.TrimRight(buf.Bytes(), "\n"), nil
}

// Hash is the SHA-256 of canonical bytes, as MsgCreateLease carries it.
func Hash(canonical []byte) []byte {
	sum := sha256.Sum256(canonical)
	return sum[:]
}
