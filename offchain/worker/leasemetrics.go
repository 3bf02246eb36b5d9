// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"errors"
	"io"
	"net/http"

	"github.com/athnet/ath/offchain/access"
	"github.com/athnet/ath/offchain/worker/api"
	"github.com/athnet/ath/offchain/worker/runtime"
)

// Requests for metrics per second and burst of one address: each asks the engine about every service.
const metricsRate, metricsBurst = 1, 10

// serveMetrics tells a tenant what its lease uses now.
func (w *Worker) serveMetrics(rw http.ResponseWriter, req *http.Request) error {
	lease, err := w.leaseOf(req, access.ScopeMetrics)
	if err != nil {
		return err
	}
	status, ok := w.status(lease)
	if !ok {
		return refuse(http.StatusNotFound, "this worker does not know lease "+lease, "a new lease is known once its block is; ask again")
	}
	m := api.Metrics{Lease: lease, Time: w.clock.Now().UTC()}
	for _, s := range status.Services {
		out := api.ServiceMetrics{Name: s.Name, Restarts: s.Restarts}
		if s.State == string(runtime.StateRunning) {
			stats, err := w.runtime.Stats(req.Context(), runtime.Key{Lease: lease, Service: s.Name})
			switch {
			case err == nil:
				out.Up, out.CPUSeconds, out.MemoryBytes = true, stats.CPU.Seconds(), stats.MemoryMiB<<20
				out.RxBytes, out.TxBytes = stats.RxBytes, stats.TxBytes
			case !errors.Is(err, runtime.ErrNotFound):
				return refuse(http.StatusServiceUnavailable, "the container engine does not answer", "try again in a few seconds")
			}
		}
		m.Services = append(m.Services, out)
	}
	if bound, _, _ := w.bound(); bound == lease { // whoever has the Container has its devices
		m.Devices = w.gpu.devices()
	}
	if req.URL.Query().Get("format") == "json" {
		return answer(rw, m)
	}
	rw.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_, err = io.WriteString(rw, m.Prometheus())
	return err
}

// devices are the last sample of those that services are given.
func (g *gpuMeter) devices() []api.DeviceMetrics {
	g.mu.Lock()
	defer g.mu.Unlock()
	var out []api.DeviceMetrics
	for _, s := range g.last {
		if g.rents(s.ID) {
			out = append(out, api.DeviceMetrics{Device: s.ID, Busy: float64(min(s.BusyPPM, 1_000_000)) / 1e6, MemoryBytes: s.MemoryUsedMiB << 20})
		}
	}
	return out
}
