// SPDX-License-Identifier: Apache-2.0

package worker

import "github.com/prometheus/client_golang/prometheus"

// Metrics are the worker's figures.
type Metrics struct {
	Height       prometheus.Gauge
	Steps        *prometheus.HistogramVec
	Failures     *prometheus.CounterVec
	Pulls        prometheus.Histogram
	Started      prometheus.Counter
	Records      prometheus.Counter
	Refused      prometheus.Counter
	Settlements  prometheus.Counter
	Transactions *prometheus.CounterVec
	Probes       prometheus.Counter
	Requests     *prometheus.CounterVec
	Sessions     *prometheus.GaugeVec
}

// NewMetrics registers all of them.
func NewMetrics(r prometheus.Registerer) *Metrics {
	m := &Metrics{
		Height:       prometheus.NewGauge(prometheus.GaugeOpts{Name: "ath_worker_height", Help: "Height of the newest block that the worker has seen."}),
		Steps:        prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "ath_worker_step_seconds", Help: "Time that a step of a lease took, by step.", Buckets: prometheus.ExponentialBuckets(0.005, 2, 12)}, []string{"step"}),
		Failures:     prometheus.NewCounterVec(prometheus.CounterOpts{Name: "ath_worker_step_failures_total", Help: "Steps that failed and are tried again, by step."}, []string{"step"}),
		Pulls:        prometheus.NewHistogram(prometheus.HistogramOpts{Name: "ath_worker_pull_seconds", Help: "Time until an image was present.", Buckets: prometheus.ExponentialBuckets(0.01, 3, 10)}),
		Started:      prometheus.NewCounter(prometheus.CounterOpts{Name: "ath_worker_leases_started_total", Help: "Leases whose services all ran."}),
		Records:      prometheus.NewCounter(prometheus.CounterOpts{Name: "ath_worker_usage_records_total", Help: "Usage records signed."}),
		Refused:      prometheus.NewCounter(prometheus.CounterOpts{Name: "ath_worker_usage_refused_total", Help: "Usage records that the chain refused."}),
		Settlements:  prometheus.NewCounter(prometheus.CounterOpts{Name: "ath_worker_settlements_total", Help: "Settlements that the worker asked for."}),
		Transactions: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "ath_worker_transactions_total", Help: "Transactions by messages and result."}, []string{"messages", "result"}),
		Probes:       prometheus.NewCounter(prometheus.CounterOpts{Name: "ath_worker_probes_total", Help: "Probes answered."}),
		Requests:     prometheus.NewCounterVec(prometheus.CounterOpts{Name: "ath_worker_requests_total", Help: "Requests to the tenant gateway by route and status."}, []string{"route", "status"}),
		Sessions:     prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "ath_worker_sessions", Help: "Sessions of tenants that are open, by kind (exec, forward, files)."}, []string{"kind"}),
	}
	r.MustRegister(m.Height, m.Steps, m.Failures, m.Pulls, m.Started, m.Records, m.Refused, m.Settlements, m.Transactions, m.Probes, m.Requests, m.Sessions)
	return m
}
