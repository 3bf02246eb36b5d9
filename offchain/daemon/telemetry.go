// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Version is set at build time with -ldflags "-X github.com/athnet/ath/offchain/daemon.Version=v1.2.3".
var Version = ""

// Build says what this binary is.
type Build struct {
	Version string `json:"version"`
	Commit  string `json:"commit"`
	Go      string `json:"go"`
}

// ReadBuild reads what the compiler left in the binary.
func ReadBuild() Build {
	b := Build{Version: Version, Go: runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				b.Commit = s.Value
			}
		}
		if b.Version == "" {
			b.Version = info.Main.Version
		}
	}
	return b
}

// NewRegistry is a registry with the figures of process and runtime, and what build it is.
func NewRegistry(name string) *prometheus.Registry {
	r := prometheus.NewRegistry()
	b := ReadBuild()
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "ath_build_info", Help: "Always 1; the labels say what runs.",
		ConstLabels: prometheus.Labels{"daemon": name, "version": b.Version, "commit": b.Commit},
	})
	info.Set(1)
	r.MustRegister(info, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// MetricsHandler serves a registry.
func MetricsHandler(r *prometheus.Registry) http.Handler {
	return promhttp.HandlerFor(r, promhttp.HandlerOpts{})
}

// ServeHTTP is an actor that serves a handler on a listener until the context ends; requests under way have five seconds.
func ServeHTTP(l net.Listener, h http.Handler) Actor {
	return Actor{Name: "http " + l.Addr().String(), Run: func(ctx context.Context) error {
		base, cancel := context.WithCancel(context.WithoutCancel(ctx))
		defer cancel()
		srv := &http.Server{
			Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
			BaseContext: func(net.Listener) context.Context { return base },
		}
		// gRPC comes over the same port, without TLS.
		srv.Protocols = new(http.Protocols)
		srv.Protocols.SetHTTP1(true)
		srv.Protocols.SetHTTP2(true)
		srv.Protocols.SetUnencryptedHTTP2(true)
		// A peer that vanished without a word is noticed, and what it had open ends. One stream that nobody reads leaves room
		// for fifteen others of its connection.
		srv.HTTP2 = &http.HTTP2Config{
			SendPingTimeout: 20 * time.Second, PingTimeout: 15 * time.Second,
			MaxReceiveBufferPerStream: 256 << 10, MaxReceiveBufferPerConnection: 4<<20 - 1,
		}
		stopped := make(chan error, 1)
		stop := context.AfterFunc(ctx, func() {
			// Streams never end by themselves.
			cancel()
			grace, done := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer done()
			stopped <- srv.Shutdown(grace)
		})
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			stop()
			return err
		}
		return errors.Join(ctx.Err(), <-stopped)
	}}
}

// Listen opens a TCP port and says what to do when it is taken.
func Listen(ctx context.Context, addr string) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w; stop what uses it or choose another address with --listen", addr, err)
	}
	return l, nil
}
