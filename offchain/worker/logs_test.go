// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/offchain/access"
	"github.com/athnet/ath/offchain/manifest"
	"github.com/athnet/ath/offchain/worker/api"
	"github.com/athnet/ath/offchain/worker/gpu"
	"github.com/athnet/ath/offchain/worker/journal"
	"github.com/athnet/ath/offchain/worker/runtime"
	leasetypes "github.com/athnet/ath/x/leases/types"
)

// kept is what the journal has of a service.
func (r *rig) kept(lease, service string) string {
	r.t.Helper()
	c, err := r.logs.of(key(lease, service))
	require.NoError(r.t, err)
	oldest, _ := c.Range()
	reader := c.Reader(oldest)
	defer reader.Close()
	var b strings.Builder
	for {
		l, lost, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return b.String()
		}
		require.NoError(r.t, err)
		require.Zero(r.t, lost)
		if l.Stream == journal.Note {
			b.WriteString("note: ")
		}
		fmt.Fprintln(&b, string(l.Text))
	}
}

// copyNow copies what a service has said, as far as take lets it: a worker that is killed copies no further.
func (r *rig) copyNow(lease, service string) error {
	r.t.Helper()
	i, ok := r.instance(key(lease, service))
	require.True(r.t, ok)
	return r.copyRest(context.Background(), i)
}

// lines of one engine: several in the same nanosecond, the same text twice, times that go back a little.
func spoken(from, n int) []runtime.Output {
	var out []runtime.Output
	for k := from; k < from+n; k++ {
		at := testStart.Add(time.Minute + time.Duration(k/3)*time.Millisecond)
		if k%5 == 4 {
			at = at.Add(-500 * time.Microsecond)
		}
		text := fmt.Sprint("line ", k)
		if k%3 != 0 {
			text = "tick"
		}
		out = append(out, runtime.Output{Time: at, Stderr: k%2 == 1, Text: []byte(text)})
	}
	return out
}

func words(lines []runtime.Output) string {
	var b strings.Builder
	b.WriteString("started web\n")
	for _, l := range lines {
		b.WriteString(string(l.Text) + "\n")
	}
	return b.String()
}

// TestOutputIsKeptOnce: killed after any number of lines, a worker goes on with the next one.
func TestOutputIsKeptOnce(t *testing.T) {
	const all = 40
	for cut := range all {
		r := newRig(t)
		lease := running(r, 1, service("web", imageWeb, manifest.RestartAlways))
		web := key(lease, "web")
		r.runtime.Print(web, spoken(0, cut)...)
		require.NoError(t, r.copyNow(lease, "web"))
		require.NoError(t, r.logs.open[web].Close()) // what a kill leaves: lines, and nothing else
		r.restart(r.chain, r.runtime, r.store)
		r.settle()
		r.runtime.Print(web, spoken(cut, all-cut)...)
		require.NoError(t, r.copyNow(lease, "web"))
		require.NoError(t, r.copyNow(lease, "web"), "again is nothing new")
		require.Equal(t, words(spoken(0, all)), r.kept(lease, "web"), "killed after %d lines", cut)
	}
}

// TestOutputThatTheEngineDroppedIsSaid: while the worker was down the engine's own log ran over.
func TestOutputThatTheEngineDroppedIsSaid(t *testing.T) {
	r := newRig(t)
	lease := running(r, 1, service("web", imageWeb, manifest.RestartAlways))
	web := key(lease, "web")
	r.runtime.Print(web, spoken(0, 10)...)
	require.NoError(t, r.copyNow(lease, "web"))
	r.restart(r.chain, r.runtime, r.store)
	r.settle()
	r.runtime.Print(web, spoken(10, 1000)...)
	r.runtime.CutLog(web, 3)
	require.NoError(t, r.copyNow(lease, "web"))
	kept := r.kept(lease, "web")
	require.Equal(t, 1, strings.Count(kept, "note: output between "), kept)
	require.True(t, strings.HasSuffix(kept, "the engine had dropped it\ntick\nline 1008\ntick\n"), kept)
}

// follower runs the worker's loop of logs until the test ends.
func (r *rig) follower(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = r.logLoop(ctx)
	}()
	t.Cleanup(func() { cancel(); <-done })
}

func collect(t *testing.T, client *api.Client, lease string, o api.LogOptions) ([]api.LogLine, error) {
	t.Helper()
	var out []api.LogLine
	err := client.LogLines(t.Context(), lease, o, func(l api.LogLine) error { out = append(out, l); return nil })
	return out, err
}

// TestLogsByCursor reads over the gateway: every line has a place to go on from, over a restart and after the lease's end.
func TestLogsByCursor(t *testing.T) {
	tenant = walletAddress()
	t.Cleanup(func() { tenant = address(1) })
	r := newRig(t)
	lease := running(r, 1, service("web", imageWeb, manifest.RestartAlways))
	web := key(lease, "web")
	client := api.NewClient(serve(t, r), testPub, token(t, r.clock.Now(), access.ScopeLogs))
	defer client.Close()
	r.runtime.Print(web, spoken(0, 20)...)
	r.runtime.Print(web, runtime.Output{Time: testStart.Add(2 * time.Minute), Text: []byte{0xff, 0xfe}})
	lines, err := collect(t, client, lease, api.LogOptions{})
	require.NoError(t, err)
	require.Len(t, lines, 22)
	require.Equal(t, "stderr", lines[2].Stream)
	require.Equal(t, []byte{0xff, 0xfe}, lines[21].Raw)

	rest, err := collect(t, client, lease, api.LogOptions{Cursor: lines[7].Cursor})
	require.NoError(t, err)
	require.Equal(t, lines[8:], rest)
	rest, err = collect(t, client, lease, api.LogOptions{Tail: 3})
	require.NoError(t, err)
	require.Equal(t, lines[19:], rest)
	rest, err = collect(t, client, lease, api.LogOptions{Since: testStart.Add(2 * time.Minute)})
	require.NoError(t, err)
	require.Equal(t, lines[21:], rest)
	rest, err = collect(t, client, lease, api.LogOptions{Cursor: lines[21].Cursor})
	require.NoError(t, err)
	require.Empty(t, rest)
	rest, err = collect(t, client, lease, api.LogOptions{Cursor: "0000000000000001.3"})
	require.NoError(t, err)
	require.Equal(t, "note", rest[0].Stream)
	require.Equal(t, lines, rest[1:], "a cursor of another worker: all, and that is said")
	_, err = collect(t, client, lease, api.LogOptions{Cursor: "x"})
	require.ErrorContains(t, err, "cursor: want")

	// A reader that follows sees what comes, and the end.
	r.follower(t)
	got, ended := make(chan api.LogLine, 16), make(chan error, 1)
	go func() {
		ended <- client.LogLines(context.Background(), lease, api.LogOptions{Follow: true, Cursor: lines[20].Cursor}, func(l api.LogLine) error { got <- l; return nil })
	}()
	require.Equal(t, lines[21], <-got)
	r.runtime.Print(web, runtime.Output{Time: testStart.Add(3 * time.Minute), Text: []byte("more")})
	require.Equal(t, "more", (<-got).Text)
	r.runtime.Print(web, runtime.Output{Time: testStart.Add(4 * time.Minute), Text: []byte("last words")})
	r.chain.close(lease, leasetypes.CloseReason_CLOSE_REASON_TENANT)
	r.settle()
	require.Empty(t, r.states(lease))
	require.Equal(t, "last words", (<-got).Text)
	require.NoError(t, <-ended)
	after, err := collect(t, client, lease, api.LogOptions{Tail: 1})
	require.NoError(t, err)
	require.Equal(t, "last words", after[0].Text)
}

// TestDroppedLinesAreSaid: a journal that ran over tells its reader how much is gone.
func TestDroppedLinesAreSaid(t *testing.T) {
	tenant = walletAddress()
	t.Cleanup(func() { tenant = address(1) })
	r := newRig(t)
	lease := running(r, 1, service("web", imageWeb, manifest.RestartAlways))
	client := api.NewClient(serve(t, r), testPub, token(t, r.clock.Now(), access.ScopeLogs))
	defer client.Close()
	first, err := collect(t, client, lease, api.LogOptions{})
	require.NoError(t, err)
	const all = 3000
	long := strings.Repeat("x", 1000)
	var more []runtime.Output
	for n := range all {
		more = append(more, runtime.Output{Time: testStart.Add(time.Minute + time.Duration(n)*time.Millisecond), Text: []byte(long)})
	}
	r.runtime.Print(key(lease, "web"), more...)
	lines, err := collect(t, client, lease, api.LogOptions{Cursor: first[0].Cursor})
	require.NoError(t, err)
	require.Equal(t, "note", lines[0].Stream)
	require.Contains(t, lines[0].Text, "are not kept any more")
	require.Equal(t, uint64(all), lines[0].Lost+uint64(len(lines)-1))
}

func TestMetricsOfALease(t *testing.T) {
	tenant = walletAddress()
	t.Cleanup(func() { tenant = address(1) })
	r := newRig(t)
	lease := running(r, 1, service("job", imageJob, manifest.RestartNever), service("web", imageWeb, manifest.RestartAlways))
	r.runtime.Use(key(lease, "web"), runtime.Stats{CPU: 1500 * time.Millisecond, MemoryMiB: 3, RxBytes: 7, TxBytes: 9})
	r.runtime.Exit(key(lease, "job"), 0, false)
	r.settle()
	r.gpu.ids = []string{"gpu0"}
	r.gpu.add([]gpu.Stat{{ID: "gpu0", BusyPPM: 250_000, MemoryUsedMiB: 2}, {ID: "other", BusyPPM: 1}}, time.Second)
	endpoint := serve(t, r)
	client := api.NewClient(endpoint, testPub, token(t, r.clock.Now(), access.ScopeMetrics))
	defer client.Close()
	m, err := client.Metrics(t.Context(), lease)
	require.NoError(t, err)
	require.Equal(t, []api.ServiceMetrics{{Name: "job"}, {Name: "web", Up: true, CPUSeconds: 1.5, MemoryBytes: 3 << 20, RxBytes: 7, TxBytes: 9}}, m.Services)
	require.Equal(t, []api.DeviceMetrics{{Device: "gpu0", Busy: 0.25, MemoryBytes: 2 << 20}}, m.Devices)

	text := m.Prometheus()
	id := `{lease="` + lease + `",service="web"} `
	for _, want := range []string{
		"# TYPE ath_lease_cpu_seconds_total counter\n", "\nath_lease_cpu_seconds_total" + id + "1.5\n", "\nath_lease_service_up" + id + "1\n",
		"\nath_lease_memory_bytes" + id + "3145728\n", "\nath_lease_network_transmit_bytes_total" + id + "9\n",
		"\nath_lease_gpu_busy_ratio{lease=\"" + lease + "\",device=\"gpu0\"} 0.25\n",
	} {
		require.Contains(t, text, want)
	}

	other := api.NewClient(endpoint, testPub, token(t, r.clock.Now(), access.ScopeLogs, access.ScopeStatus))
	defer other.Close()
	_, err = other.Metrics(t.Context(), lease)
	require.ErrorContains(t, err, "scope", "a scope of its own")
	for range metricsBurst {
		_, err = client.Metrics(t.Context(), lease)
	}
	require.ErrorContains(t, err, "too many requests")
}
