// SPDX-License-Identifier: Apache-2.0

// Command web is a sample workload: an HTTP service that shows the limits it runs under and multiplies matrices on request.
//
//	GET /                 what it is, with its limits, as JSON
//	GET /multiply?n=256   multiplies two n×n integer matrices and says how long it took
//	GET /healthz          "ok"
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// maxN bounds the work that one request can ask for: about a second of one core.
const maxN = 1024

var started = time.Now()

func main() {
	log.SetFlags(log.LstdFlags | log.LUTC)
	addr := os.Getenv("LISTEN")
	if addr == "" {
		addr = ":8080"
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", about)
	mux.HandleFunc("GET /multiply", multiply)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	server := &http.Server{Addr: addr, Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer cancel()
	go func() {
		<-stop.Done()
		// The engine kills after its own grace; open requests get a second.
		ctx, done := context.WithTimeout(context.Background(), time.Second)
		defer done()
		if err := server.Shutdown(ctx); err != nil {
			log.Print(err)
		}
	}()
	log.Printf("sample web service listens on %s", addr)
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		log.Fatal(err)
	}
	log.Print("stopped")
}

func about(w http.ResponseWriter, r *http.Request) {
	host, err := os.Hostname()
	if err != nil {
		host = err.Error()
	}
	answer(w, map[string]any{
		"service": "ath sample web", "host": host, "uptime_seconds": int(time.Since(started).Seconds()),
		"goos": runtime.GOOS, "goarch": runtime.GOARCH, "uid": os.Getuid(), "limits": limits(),
		"message": os.Getenv("MESSAGE"), "read_only_root": readOnly(), "client": r.RemoteAddr,
	})
}

// limits reads what the kernel holds this container to; both generations of cgroups are in use.
func limits() map[string]string {
	return map[string]string{
		"memory_bytes": first("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"),
		"cpu_quota":    first("/sys/fs/cgroup/cpu.max", "/sys/fs/cgroup/cpu/cpu.cfs_quota_us"),
		"pids":         first("/sys/fs/cgroup/pids.max", "/sys/fs/cgroup/pids/pids.max"),
	}
}

func first(paths ...string) string {
	for _, p := range paths {
		if b, err := os.ReadFile(p); err == nil {
			return strings.TrimSpace(string(b))
		}
	}
	return "unknown"
}

func readOnly() bool {
	f, err := os.CreateTemp("/", "probe")
	if err != nil {
		return true
	}
	name := f.Name()
	f.Close()
	return os.Remove(name) != nil
}

func multiply(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.Atoi(r.URL.Query().Get("n"))
	if err != nil || n < 1 || n > maxN {
		http.Error(w, fmt.Sprintf("n: want a whole number from 1 to %d", maxN), http.StatusBadRequest)
		return
	}
	begin := time.Now()
	trace, ok := product(r.Context(), n)
	if !ok {
		return
	}
	answer(w, map[string]any{"n": n, "trace": trace, "milliseconds": time.Since(begin).Milliseconds()})
}

// product multiplies two matrices that follow from n and returns the trace, which anyone can check: false when the caller
// has gone.
func product(ctx context.Context, n int) (int64, bool) {
	a, b := make([]int32, n*n), make([]int32, n*n)
	for i := range a {
		a[i], b[i] = int32(i*31%251)-125, int32(i*17%241)-120
	}
	var trace int64
	row := make([]int64, n)
	for i := range n {
		if ctx.Err() != nil {
			return 0, false
		}
		clear(row)
		for k := range n {
			x := int64(a[i*n+k])
			for j := range n {
				row[j] += x * int64(b[k*n+j])
			}
		}
		trace += row[i]
	}
	return trace, true
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		log.Print(err)
	}
}
