// SPDX-License-Identifier: Apache-2.0

package indexer

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/athnet/ath/offchain/daemon"
)

const (
	warnNode = "chain-unreachable"
	warnGap  = "history-gap"
)

// Warnables is everything that can be wrong with an Indexer.
func Warnables() []daemon.Warnable {
	return []daemon.Warnable{
		{Code: warnNode, Title: "the chain cannot be followed", Severity: daemon.SeverityHigh, After: 5 * time.Second,
			Text:   "Answers grow old; the chain refuses Containers that were leased meanwhile.",
			Remedy: "Start the node, or correct --grpc and --rpc."},
		{Code: warnGap, Title: "history does not begin with the chain", Severity: daemon.SeverityLow,
			Text: "The node had pruned its first blocks.", Remedy: "For complete history start once with an archive node and an empty home."},
	}
}

// Watch is an actor that keeps the warning about the node current.
func (x *Indexer) Watch(trouble func() error) daemon.Actor {
	return daemon.Actor{Name: "watch", Run: func(ctx context.Context) error {
		for {
			x.Health.Check(warnNode, trouble())
			t := x.Clock.NewTimer(time.Second)
			select {
			case <-ctx.Done():
				t.Stop()
				return ctx.Err()
			case <-t.C():
			}
		}
	}}
}

// Metrics of an Indexer.
type Metrics struct {
	Height        prometheus.Gauge
	HistoryHeight prometheus.Gauge
	Matches       *prometheus.CounterVec
	MatchTime     prometheus.Histogram
	Listeners     prometheus.Gauge
}

// NewMetrics registers them.
func NewMetrics(r prometheus.Registerer) *Metrics {
	m := &Metrics{
		Height:        prometheus.NewGauge(prometheus.GaugeOpts{Name: "ath_indexer_height", Help: "Block up to which the market is current."}),
		HistoryHeight: prometheus.NewGauge(prometheus.GaugeOpts{Name: "ath_indexer_history_height", Help: "Last block in history."}),
		Matches: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "ath_indexer_matches_total",
			Help: "Matches by outcome."}, []string{"outcome"}),
		MatchTime: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "ath_indexer_match_seconds",
			Help: "Time of a match.", Buckets: prometheus.ExponentialBuckets(1e-6, 4, 12)}),
		Listeners: prometheus.NewGauge(prometheus.GaugeOpts{Name: "ath_indexer_listeners", Help: "Streams of events that are open."}),
	}
	r.MustRegister(m.Height, m.HistoryHeight, m.Matches, m.MatchTime, m.Listeners)
	return m
}
