// SPDX-License-Identifier: Apache-2.0

// Package sim is a source of devices for tests.
package sim

import (
	"context"
	"sync"

	"github.com/athnet/ath/offchain/worker/gpu"
)

// Source holds devices that a test made up.
type Source struct {
	mu      sync.Mutex
	devices []gpu.Device
	stats   []gpu.Stat
	err     error
}

var _ gpu.Source = (*Source)(nil)

// New returns a source with these devices.
func New(devices ...gpu.Device) *Source { return &Source{devices: devices} }

// Set changes what the devices do.
func (s *Source) Set(err error, stats ...gpu.Stat) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats, s.err = stats, err
}

// Devices implements gpu.Source.
func (s *Source) Devices(context.Context) ([]gpu.Device, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.devices, s.err
}

// Stats implements gpu.Source.
func (s *Source) Stats(context.Context) ([]gpu.Stat, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats, s.err
}
