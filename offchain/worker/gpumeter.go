// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/athnet/ath/offchain/daemon/clock"
	"github.com/athnet/ath/offchain/worker/gpu"
)

// gpuSample is how often devices are looked at; drivers report a share of the last second or so.
const gpuSample = time.Second

// gpuMeter sums busy time of all devices. A Container holds one lease, so all of it is that lease's. What is summed and not yet
// in a record is lost in a crash, in the tenant's favour.
type gpuMeter struct {
	source gpu.Source
	ids    []string // devices that services are given

	mu   sync.Mutex
	busy time.Duration
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
	}
}

func (g *gpuMeter) add(stats []gpu.Stat, window time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, s := range stats {
		g.busy += window * time.Duration(min(s.BusyPPM, 1_000_000)) / 1_000_000
	}
}
