// SPDX-License-Identifier: Apache-2.0

// Package api is the wire form of a worker's tenant gateway: what it answers, and a client for it. It depends on nothing but
// the token, the manifest's limits and the chain's types, so that a command line can use it without the worker's insides.
//
//	GET /v1/containers/{id}/probe?nonce=<64 hex>         → checks/types.ProbeReply, no token
//	PUT /v1/manifests/{hash}                             ← canonical manifest, scope "manifest"
//	                                                       lease=tenant/number: 409 where that lease can't go over to it now
//	GET /v1/leases/{tenant}/{number}/manifest            → canonical manifest that the lease is to run, scope "manifest"
//	GET /v1/leases/{tenant}/{number}/status              → Status, scope "status"
//	GET /v1/leases/{tenant}/{number}/statement           → leases/types.WorkerStatement as proto JSON, scope "status"
//	GET /v1/leases/{tenant}/{number}/logs?service=…      → text/plain, scope "logs"; follow=1, tail=100, since=RFC 3339;
//	                                                       format=json: LogLine per line, cursor= goes on behind one
//	GET /v1/leases/{tenant}/{number}/events              → Event per line, scope "status"; follow=1, cursor=, since=
//	PUT /v1/leases/{tenant}/{number}/certificates/{host} ← Certificate of a host name, scope "names"; DELETE takes it back
//	GET /v1/leases/{tenant}/{number}/metrics             → Prometheus text, scope "metrics"; format=json: Metrics
//	POST /v1/leases/{tenant}/{number}/exec?service=…     ↔ frames, scope "exec"; HTTP/2 as the next one: both directions at once
//	POST /v1/leases/{tenant}/{number}/forward?service=…&port=8080     ↔ frames, scope "forward"; one connection each
//	PUT /v1/leases/{tenant}/{number}/files?service=…&path=/data&name=results     ← tar, → Copied, scope "files"
//	GET /v1/leases/{tenant}/{number}/files?service=…&path=/data/results     → tar, scope "files"; a broken one is reset
package api

import "time"

// Phase is how far a lease has come on its worker.
type Phase string

// Phases, in the order of a lease that meets no trouble.
const (
	// PhaseManifest waits for the tenant to hand in the manifest.
	PhaseManifest Phase = "waiting-for-manifest"
	// PhasePulling fetches images.
	PhasePulling Phase = "pulling"
	// PhaseStarting creates and starts services.
	PhaseStarting Phase = "starting"
	// PhaseRunning means that all services ran at one time; billing runs.
	PhaseRunning Phase = "running"
	// PhaseStandby holds the Container ready for another lease.
	PhaseStandby Phase = "standby"
	// PhasePaused keeps the data of a lease whose money ran out.
	PhasePaused Phase = "paused"
	// PhaseUpdating replaces the services by those of a new manifest.
	PhaseUpdating Phase = "updating"
	// PhaseClosing means that the worker asked the chain to close the lease.
	PhaseClosing Phase = "closing"
	// PhaseClosed means that the chain has closed the lease; logs are kept for a while.
	PhaseClosed Phase = "closed"
)

// Status is what a worker knows of a lease.
type Status struct {
	Lease        string    `json:"lease"`
	ContainerID  uint64    `json:"container_id"`
	Phase        Phase     `json:"phase"`
	Detail       string    `json:"detail,omitempty"` // what it waits for, or the last error, in words
	ManifestHash string    `json:"manifest_hash"`    // hex
	RunningSince time.Time `json:"running_since,omitzero"`
	CloseReason  string    `json:"close_reason,omitempty"`
	Refused      string    `json:"refused,omitempty"`   // why the lease's new manifest is not taken; the old one runs on
	ReclaimAt    time.Time `json:"reclaim_at,omitzero"` // when the provider takes the Container back; zero without notice
	Services     []Service `json:"services,omitempty"`
	Usage        Usage     `json:"usage"`
	Ingress      *Ingress  `json:"ingress,omitempty"` // where the worker has one
}

// Service is one service of a lease, in order of name.
type Service struct {
	Name       string    `json:"name"`
	Image      string    `json:"image"`
	State      string    `json:"state"` // absent, created, running, restarting, exited
	ExitCode   int       `json:"exit_code"`
	OOMKilled  bool      `json:"oom_killed,omitempty"`
	Restarts   int       `json:"restarts"`
	StartedAt  time.Time `json:"started_at,omitzero"`
	FinishedAt time.Time `json:"finished_at,omitzero"`
	CPUMilli   uint64    `json:"cpu_milli,omitempty"`  // its limits now, in thousandths of a core and MiB
	MemoryMiB  uint64    `json:"memory_mib,omitempty"` // 0 of both where it is absent
	Ports      []Port    `json:"ports,omitempty"`
	Names      []Name    `json:"names,omitempty"` // of the service and its replicas
}

// Port is a published port.
type Port struct {
	Port    uint16 `json:"port"` // inside the service
	As      uint16 `json:"as"`   // as the tenant's file names it
	Proto   string `json:"proto"`
	Host    uint16 `json:"host"`    // on the worker's machine
	Address string `json:"address"` // host:port to connect to
}

// Usage is the end of the lease's chain of usage records.
type Usage struct {
	Sequence  uint64    `json:"sequence"`
	Until     time.Time `json:"until,omitzero"`
	Confirmed uint64    `json:"confirmed"` // sequence that the chain has confirmed
}

// LogLine is one line of a service's output, as JSON Lines.
type LogLine struct {
	// Cursor goes on behind this line; empty for what is no line of the journal.
	Cursor  string    `json:"cursor,omitempty"`
	Service string    `json:"service,omitempty"`
	Time    time.Time `json:"time,omitzero"`    // as the engine noted it, in ns
	Stream  string    `json:"stream,omitempty"` // stdout, stderr, or note: the worker's own word
	Text    string    `json:"text"`
	Raw     []byte    `json:"raw,omitempty"`     // in place of Text where that would not be UTF-8
	Partial bool      `json:"partial,omitempty"` // the line goes on in the next of the same stream
	Lost    uint64    `json:"lost,omitempty"`    // lines before this place that are not kept any more
	End     bool      `json:"end,omitempty"`     // nothing more will come; a stream without it broke
}

// Event is something that happened to a lease, as JSON Lines.
type Event struct {
	Cursor    string    `json:"cursor,omitempty"` // goes on behind this event; empty where several belong together
	Time      time.Time `json:"time,omitzero"`
	Source    string    `json:"source"` // chain or worker
	Kind      string    `json:"kind"`   // opened, assigned, manifest, pulling, started, ended, restarted, running, fault, paused, closed, …
	Service   string    `json:"service,omitempty"`
	ExitCode  int       `json:"exit_code,omitempty"`
	OOMKilled bool      `json:"oom_killed,omitempty"`
	Text      string    `json:"text"`          // the cause, in words
	End       bool      `json:"end,omitempty"` // nothing more will come
}

// Error is the body of every answer that is not a success.
type Error struct {
	Message string `json:"error"`
	Remedy  string `json:"remedy,omitempty"`
	Code    int    `json:"-"` // HTTP status
}

// Error implements error.
func (e *Error) Error() string {
	if e.Remedy == "" {
		return e.Message
	}
	return e.Message + "; " + e.Remedy
}
