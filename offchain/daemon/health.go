// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/athnet/ath/offchain/daemon/clock"
)

// Severity of a warning.
type Severity string

const (
	// SeverityLow: worth knowing.
	SeverityLow Severity = "low"
	// SeverityMedium: part of the work is not done.
	SeverityMedium Severity = "medium"
	// SeverityHigh: the daemon does not do what it is for.
	SeverityHigh Severity = "high"
)

// Warnable is something that can be wrong. A daemon lists all of them once; CLI, /healthz and console show the same words.
type Warnable struct {
	// Code is stable and machine-readable, such as "node-unreachable".
	Code string `json:"code"`
	// Title in a few words.
	Title string `json:"title"`
	// Severity decides whether /healthz answers 200 or 503.
	Severity Severity `json:"severity"`
	// Text says what it means for the operator.
	Text string `json:"text"`
	// Remedy says what to do.
	Remedy string `json:"remedy"`
	// After is how long it must last before it is shown.
	After time.Duration `json:"-"`
}

// Warning is a Warnable that is wrong now.
type Warning struct {
	Warnable
	// Detail is what was observed.
	Detail string `json:"detail,omitempty"`
	// Since when.
	Since time.Time `json:"since"`
}

// Report is a daemon's health.
type Report struct {
	Daemon   string    `json:"daemon"`
	Healthy  bool      `json:"healthy"`
	Build    Build     `json:"build"`
	Warnings []Warning `json:"warnings"`
	// Facts are what an operator looks at first, such as the height.
	Facts map[string]string `json:"facts,omitempty"`
}

// Health is what is wrong now. Safe for concurrent use.
type Health struct {
	daemon string
	clock  clock.Clock
	table  map[string]Warnable

	mu       sync.Mutex
	warnings map[string]Warning
	facts    map[string]string
}

// NewHealth knows the warnings of one daemon; a code that is not in the table is a programming error and panics in Set.
func NewHealth(daemon string, c clock.Clock, table ...Warnable) *Health {
	h := &Health{daemon: daemon, clock: c, table: map[string]Warnable{}, warnings: map[string]Warning{}, facts: map[string]string{}}
	for _, w := range table {
		h.table[w.Code] = w
	}
	return h
}

// Set says that something is wrong; setting it again keeps its beginning.
func (h *Health) Set(code, detail string) {
	w, ok := h.table[code]
	if !ok {
		panic("health: no warnable " + code)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	since := h.clock.Now()
	if old, ok := h.warnings[code]; ok {
		since = old.Since
	}
	h.warnings[code] = Warning{Warnable: w, Detail: detail, Since: since}
}

// Clear says that it is right again.
func (h *Health) Clear(code string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.warnings, code)
}

// Check sets the code where err is not nil, and clears it otherwise.
func (h *Health) Check(code string, err error) {
	if err != nil {
		h.Set(code, err.Error())
		return
	}
	h.Clear(code)
}

// Fact notes a value for the report.
func (h *Health) Fact(name, value string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.facts[name] = value
}

// Report is the state now; warnings in order of code.
func (h *Health) Report() Report {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := Report{Daemon: h.daemon, Healthy: true, Build: ReadBuild(), Warnings: []Warning{}, Facts: map[string]string{}}
	now := h.clock.Now()
	for _, w := range h.warnings {
		if now.Sub(w.Since) < w.After {
			continue
		}
		r.Warnings = append(r.Warnings, w)
		if w.Severity == SeverityHigh {
			r.Healthy = false
		}
	}
	slices.SortFunc(r.Warnings, func(a, b Warning) int { return strings.Compare(a.Code, b.Code) })
	for k, v := range h.facts {
		r.Facts[k] = v
	}
	return r
}

// ServeHTTP answers with the report; 503 where the daemon is not healthy.
func (h *Health) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	r := h.Report()
	w.Header().Set("Content-Type", "application/json")
	if !r.Healthy {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	// The client may have gone; there is nobody left to tell.
	_ = json.NewEncoder(w).Encode(r)
}

// FetchHealth asks a running daemon at host:port, which its flag would name.
func FetchHealth(ctx context.Context, addr, flag string) (Report, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/healthz", nil)
	if err != nil {
		return Report{}, fmt.Errorf("health: %w", err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return Report{}, fmt.Errorf("no daemon answers at %s: start it, or give its address with %s: %w", addr, flag, err)
	}
	defer resp.Body.Close()
	var r Report
	if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&r); err != nil {
		return Report{}, fmt.Errorf("health: %s is not one of our daemons: %w", addr, err)
	}
	return r, nil
}

// Print writes a report for people.
func (r Report) Print(w io.Writer) {
	state := "healthy"
	if !r.Healthy {
		state = "NOT healthy"
	}
	fmt.Fprintf(w, "%s %s: %s\n", r.Daemon, r.Build.Version, state)
	for _, k := range slices.Sorted(maps.Keys(r.Facts)) {
		fmt.Fprintf(w, "  %-18s %s\n", k, r.Facts[k])
	}
	for _, x := range r.Warnings {
		fmt.Fprintf(w, "  [%s] %s (%s, since %s)\n      %s\n      remedy: %s\n", x.Severity, x.Title, x.Code,
			x.Since.UTC().Format(time.RFC3339), strings.TrimSpace(x.Text+" "+x.Detail), x.Remedy)
	}
}
