// SPDX-License-Identifier: Apache-2.0

// Package gpu finds the accelerators of a machine and measures them. What can't be measured is left empty: nothing is guessed.
package gpu

import (
	"context"
	"errors"
)

// ErrUnavailable says that a driver's library is not on this machine, or not in this build. There are no devices of its kind.
var ErrUnavailable = errors.New("driver is not available")

// Kind of a device.
type Kind string

// Kinds of devices.
const (
	KindGPU Kind = "gpu"
	KindCPU Kind = "cpu" // a CPU that a compute interface offers as a device, such as PoCL's
)

// Device is one accelerator as its driver describes it.
type Device struct {
	ID      string `json:"id"` // stable over restarts: the driver's UUID, or name and place
	Kind    Kind   `json:"kind"`
	Vendor  string `json:"vendor"`
	Model   string `json:"model"`
	VRAMMiB uint64 `json:"vram_mib"`
	Driver  string `json:"driver"`  // driver and version
	Compute string `json:"compute"` // compute interface and version, such as "CUDA 12.8"
	Bus     string `json:"bus,omitempty"`
	ECC     bool   `json:"ecc,omitempty"`
}

// Stat is what a device does now.
type Stat struct {
	ID            string
	BusyPPM       uint64 // share of time in which it computed, over the driver's own window
	MemoryUsedMiB uint64
	TemperatureC  uint32
	Faults        []Fault // what the driver says is broken now; empty while nothing is
}

// FaultKind says what is wrong with a device.
type FaultKind string

// Kinds of faults.
const (
	FaultXID      FaultKind = "xid"       // critical error of NVIDIA's driver; the code is its XID
	FaultECC      FaultKind = "ecc"       // memory errors that were not corrected; the code is how many
	FaultRowRemap FaultKind = "row-remap" // memory rows that could not be remapped
	FaultLost     FaultKind = "lost"      // the device does not answer
)

// Fault is something broken on a device.
type Fault struct {
	Kind FaultKind
	Code uint64
}

// Forgetful is a source whose driver tells a critical error once: what an earlier process heard it does not hear again.
type Forgetful interface {
	// Remember takes the critical errors by device that are known, and what keeps new ones: keep is called before Stats says them,
	// and again with each Stats until it succeeds.
	Remember(known map[string]uint64, keep func(device string, xid uint64) error)
}

// Source is one way to see devices.
type Source interface {
	// Devices lists them in order of their ids. ErrUnavailable where there is no such driver.
	Devices(ctx context.Context) ([]Device, error)
	// Stats measures them now; empty where the driver can't.
	Stats(ctx context.Context) ([]Stat, error)
}
