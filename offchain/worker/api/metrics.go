// SPDX-License-Identifier: Apache-2.0

package api

import (
	"fmt"
	"strings"
	"time"
)

// Metrics are what a lease uses now. Counters of a service begin anew when it is started.
type Metrics struct {
	Lease    string           `json:"lease"`
	Time     time.Time        `json:"time"`
	Services []ServiceMetrics `json:"services"` // in order of name
	// Devices are the lease's, all of them; several services of a lease may have one each.
	Devices []DeviceMetrics `json:"devices,omitempty"`
}

// ServiceMetrics are one service's; all but Up and Restarts are 0 while it does not run.
type ServiceMetrics struct {
	Name        string  `json:"name"`
	Up          bool    `json:"up"`
	Restarts    int     `json:"restarts"`
	CPUSeconds  float64 `json:"cpu_seconds"`
	MemoryBytes uint64  `json:"memory_bytes"`
	RxBytes     uint64  `json:"network_receive_bytes"`
	TxBytes     uint64  `json:"network_transmit_bytes"`
}

// DeviceMetrics are one GPU's, as last sampled.
type DeviceMetrics struct {
	Device      string  `json:"device"`
	Busy        float64 `json:"busy_ratio"` // 0 to 1, over the driver's window
	MemoryBytes uint64  `json:"memory_bytes"`
}

// Prometheus writes metrics in Prometheus' text format 0.0.4.
func (m Metrics) Prometheus() string {
	var b strings.Builder
	family := func(name, kind, help string) { fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind) }
	services := func(name, kind, help string, value func(ServiceMetrics) any) {
		family(name, kind, help)
		for _, s := range m.Services {
			fmt.Fprintf(&b, "%s{lease=%s,service=%s} %v\n", name, label(m.Lease), label(s.Name), value(s))
		}
	}
	services("ath_lease_service_up", "gauge", "1 while the service runs.", func(s ServiceMetrics) any {
		if s.Up {
			return 1
		}
		return 0
	})
	services("ath_lease_service_restarts_total", "counter", "Restarts of the service.", func(s ServiceMetrics) any { return s.Restarts })
	services("ath_lease_cpu_seconds_total", "counter", "CPU time since the service was started.", func(s ServiceMetrics) any { return s.CPUSeconds })
	services("ath_lease_memory_bytes", "gauge", "Memory; the peak where the kernel knows it.", func(s ServiceMetrics) any { return s.MemoryBytes })
	services("ath_lease_network_receive_bytes_total", "counter", "Bytes received since the service was started.", func(s ServiceMetrics) any { return s.RxBytes })
	services("ath_lease_network_transmit_bytes_total", "counter", "Bytes sent since the service was started.", func(s ServiceMetrics) any { return s.TxBytes })
	if len(m.Devices) == 0 {
		return b.String()
	}
	family("ath_lease_gpu_busy_ratio", "gauge", "Share of time in which the device computed.")
	for _, d := range m.Devices {
		fmt.Fprintf(&b, "ath_lease_gpu_busy_ratio{lease=%s,device=%s} %v\n", label(m.Lease), label(d.Device), d.Busy)
	}
	family("ath_lease_gpu_memory_bytes", "gauge", "Memory in use on the device.")
	for _, d := range m.Devices {
		fmt.Fprintf(&b, "ath_lease_gpu_memory_bytes{lease=%s,device=%s} %v\n", label(m.Lease), label(d.Device), d.MemoryBytes)
	}
	return b.String()
}

var escapes = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)

func label(s string) string { return `"` + escapes.Replace(s) + `"` }
