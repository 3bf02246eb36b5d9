// SPDX-License-Identifier: Apache-2.0

//go:build !cgo || !linux

// Package nvml sees NVIDIA GPUs through the driver's own library, which is opened at run time. Builds without cgo have none.
package nvml

import (
	"context"
	"fmt"

	"github.com/athnet/ath/offchain/worker/gpu"
)

// Source implements gpu.Source.
type Source struct{}

var _ gpu.Source = (*Source)(nil)

// New returns a source without devices.
func New() *Source { return &Source{} }

var errBuild = fmt.Errorf("%w: NVML: this build has no cgo", gpu.ErrUnavailable)

// Devices implements gpu.Source.
func (*Source) Devices(context.Context) ([]gpu.Device, error) { return nil, errBuild }

// Stats implements gpu.Source.
func (*Source) Stats(context.Context) ([]gpu.Stat, error) { return nil, errBuild }
