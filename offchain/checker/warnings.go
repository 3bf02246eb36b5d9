// SPDX-License-Identifier: Apache-2.0

package checker

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/athnet/ath/offchain/daemon"
)

const (
	warnQuery   = "chain-unreachable"
	warnIdle    = "nothing-assigned"
	warnNetwork = "own-network"
	warnSend    = "report-refused"
	warnReveal  = "reveal-lost"
)

// Warnables is everything that can be wrong with a Checker.
func Warnables() []daemon.Warnable {
	return []daemon.Warnable{
		{Code: warnQuery, Title: "the chain does not answer", Severity: daemon.SeverityHigh, After: 15 * time.Second,
			Text: "Rounds pass without a report.", Remedy: "Start the node, or correct --grpc and --rpc."},
		{Code: warnIdle, Title: "nothing to check", Severity: daemon.SeverityLow,
			Text:   "The operator was not drawn in this round.",
			Remedy: "Normal now and then; if it stays so, see `ath-checker licence status`: licences must be active."},
		{Code: warnNetwork, Title: "this machine could not probe", Severity: daemon.SeverityHigh,
			Text:   "Most Containers could not be probed for reasons on this side, so no report was made for the round.",
			Remedy: "Look at this machine's network and its limit of open files."},
		{Code: warnSend, Title: "the chain refuses the report", Severity: daemon.SeverityHigh,
			Text: "The round counts as missed unless a report is accepted before it ends.", Remedy: "See the detail; often fees or the clock."},
		{Code: warnReveal, Title: "a reveal is lost", Severity: daemon.SeverityHigh,
			Text:   "The chain has a commit of this key whose salt is not in this home. The task counts as wrong.",
			Remedy: "Run one Checker per key, and keep its home."},
	}
}

// Metrics of a Checker.
type Metrics struct {
	Rounds   prometheus.Counter
	Assigned prometheus.Gauge
	Probes   *prometheus.CounterVec
	Latency  prometheus.Histogram
	Reports  *prometheus.CounterVec
}

// NewMetrics registers them.
func NewMetrics(r prometheus.Registerer) *Metrics {
	m := &Metrics{
		Rounds:   prometheus.NewCounter(prometheus.CounterOpts{Name: "ath_checker_rounds_total", Help: "Rounds seen."}),
		Assigned: prometheus.NewGauge(prometheus.GaugeOpts{Name: "ath_checker_assigned_containers", Help: "Containers to check in this round."}),
		Probes: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "ath_checker_probes_total",
			Help: "Probes by outcome."}, []string{"kind"}),
		Latency: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "ath_checker_probe_seconds",
			Help: "Time of good probes.", Buckets: prometheus.ExponentialBuckets(0.001, 2, 14)}),
		Reports: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "ath_checker_reports_total",
			Help: "Transactions with a report, by outcome."}, []string{"outcome"}),
	}
	r.MustRegister(m.Rounds, m.Assigned, m.Probes, m.Latency, m.Reports)
	return m
}
