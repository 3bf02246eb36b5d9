// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/athnet/ath/offchain/daemon/clock"
	"github.com/athnet/ath/offchain/worker/gpu"
	providertypes "github.com/athnet/ath/x/providers/types"
)

// gpuSample is how often devices are looked at; drivers report a share of the last second or so.
const gpuSample = time.Second

// gpuMeter sums busy time of the rented devices; a driver speaks of every card in the machine. A Container holds one lease, so all of it is
// that lease's. What is summed and not yet in a record is lost in a crash, in the tenant's favour.
type gpuMeter struct {
	source gpu.Source
	ids    []string // devices that services are given
	lost   []string // those that were gone at the start; a driver does not speak of them

	changed func() // what is broken is not what it was

	mu     sync.Mutex
	busy   time.Duration
	last   []gpu.Stat // the newest sample
	broken []providertypes.DeviceFault
}

// rents says whether a device is one that services are given.
func (g *gpuMeter) rents(id string) bool { return slices.Contains(g.ids, id) }

// faults are what the rented devices' drivers say is broken now.
func (g *gpuMeter) faults() []providertypes.DeviceFault {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.broken)
}

// note keeps the faults of rented devices; it says whether they are others than before.
func (g *gpuMeter) note(stats []gpu.Stat) bool {
	var broken []providertypes.DeviceFault
	for _, id := range g.lost {
		if !slices.ContainsFunc(stats, func(s gpu.Stat) bool { return s.ID == id }) && len(broken) < providertypes.MaxDeviceFaults {
			broken = append(broken, providertypes.DeviceFault{Kind: faultKinds[gpu.FaultLost], Device: id})
		}
	}
	for _, s := range stats {
		if !g.rents(s.ID) {
			continue
		}
		for _, f := range s.Faults {
			if len(broken) < providertypes.MaxDeviceFaults {
				broken = append(broken, providertypes.DeviceFault{Kind: faultKinds[f.Kind], Code: f.Code, Device: s.ID})
			}
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	same := slices.EqualFunc(broken, g.broken, func(a, b providertypes.DeviceFault) bool {
		// Another XID is news; another count of memory errors would be that all the time.
		return a.Kind == b.Kind && a.Device == b.Device && (a.Kind != faultKinds[gpu.FaultXID] || a.Code == b.Code)
	})
	g.broken = broken
	return !same
}

var faultKinds = map[gpu.FaultKind]providertypes.DeviceFaultKind{
	gpu.FaultXID:      providertypes.DeviceFaultKind_DEVICE_FAULT_KIND_XID,
	gpu.FaultECC:      providertypes.DeviceFaultKind_DEVICE_FAULT_KIND_ECC,
	gpu.FaultRowRemap: providertypes.DeviceFaultKind_DEVICE_FAULT_KIND_ROW_REMAP,
	gpu.FaultLost:     providertypes.DeviceFaultKind_DEVICE_FAULT_KIND_LOST,
}

func newGPUMeter(source gpu.Source) *gpuMeter { return &gpuMeter{source: source} }

// take returns what was summed since the last take.
func (g *gpuMeter) take() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	d := g.busy
	g.busy = 0
	return d
}

func (g *gpuMeter) run(ctx context.Context, c clock.Clock, log *slog.Logger) error {
	last := c.Now()
	for {
		t := c.NewTimer(gpuSample)
		select {
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		case <-t.C():
		}
		now := c.Now()
		stats, err := g.source.Stats(ctx)
		if err != nil {
			log.Warn("devices could not be measured", "err", err)
		}
		g.add(stats, now.Sub(last))
		last = now
		if err == nil && g.note(stats) {
			log.Warn("devices changed their health", "faults", providertypes.DescribeFaults(g.faults()))
			g.changed()
		}
	}
}

func (g *gpuMeter) add(stats []gpu.Stat, window time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.last = stats
	for _, s := range stats {
		if !g.rents(s.ID) {
			continue
		}
		g.busy += window * time.Duration(min(s.BusyPPM, 1_000_000)) / 1_000_000
	}
}
