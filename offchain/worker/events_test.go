// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/offchain/access"
	"github.com/athnet/ath/offchain/manifest"
	"github.com/athnet/ath/offchain/worker/api"
)

func kinds(events []api.Event) []string {
	var out []string
	for _, e := range events {
		if e.Service != "" {
			e.Kind += " " + e.Service
		}
		out = append(out, e.Kind)
	}
	return out
}

// TestEventsTellALeasesLife: from the first block to the reason of its end, each once, over restarts of the worker.
func TestEventsTellALeasesLife(t *testing.T) {
	tenant = walletAddress()
	t.Cleanup(func() { tenant = address(1) })
	r := newRig(t)
	m := workload(service("web", imageWeb, manifest.RestartOnFailure))
	lease := r.chain.open(1, m)
	r.settle()
	r.deliver(m)
	r.settle()
	read := func(o api.LogOptions) []api.Event {
		t.Helper()
		client := api.NewClient(serve(t, r), testPub, token(t, r.clock.Now(), access.ScopeStatus))
		defer client.Close()
		var out []api.Event
		require.NoError(t, client.Events(t.Context(), lease, o, func(e api.Event) error { out = append(out, e); return nil }))
		return out
	}
	first := read(api.LogOptions{})
	require.Equal(t, "assigned", first[0].Kind)
	require.Subset(t, kinds(first), []string{"waiting-for-manifest", "manifest", "started web", "running"})

	again := func() {
		require.NoError(t, r.logs.open[key(lease, eventsName)].Close())
		r.restart(r.chain, r.runtime, r.store)
		r.settle()
	}
	again()
	require.Equal(t, first, read(api.LogOptions{}), "a restart of the worker is no event of the lease")

	r.clock.Advance(time.Minute)
	r.runtime.Exit(key(lease, "web"), 137, true)
	r.settle()
	r.runtime.Exit(key(lease, "web"), 0, false)
	r.settle()
	again()
	rest := read(api.LogOptions{Cursor: first[len(first)-1].Cursor, Follow: true})
	require.Contains(t, kinds(rest), "restarted web")
	require.Contains(t, kinds(rest), "ended web")
	last := rest[len(rest)-1]
	require.Equal(t, "closed", last.Kind)
	require.Contains(t, last.Text, "the chain closed the lease: completed")
	for _, e := range append(first, rest...) {
		require.NotEmpty(t, e.Text)
		require.False(t, e.Time.IsZero())
	}
}

func TestEventsNameTheCause(t *testing.T) {
	before := api.Status{ContainerID: 7, Phase: api.PhaseRunning, Services: []api.Service{{Name: "web", State: "running"}}}
	now := before
	now.Services = []api.Service{{Name: "web", State: "restarting", ExitCode: 137, OOMKilled: true, Restarts: 1}}
	events := changes(before, now)
	require.Len(t, events, 1)
	require.Equal(t, "ended with exit code 137, it ran out of memory; it is started again", events[0].Text)
	require.True(t, events[0].OOMKilled)
	now.Phase, now.CloseReason, now.Detail = api.PhaseClosing, "tenant-image", "no such image"
	events = changes(before, now)
	require.Equal(t, "the worker asked the chain to close the lease: tenant-image: no such image", events[len(events)-1].Text)
	require.Empty(t, changes(now, now))
	now.Services = []api.Service{{Name: "web", State: "running", CPUMilli: 500, MemoryMiB: 128}}
	before = now
	now.Services = []api.Service{{Name: "web", State: "running", CPUMilli: 1200, MemoryMiB: 256}}
	events = changes(before, now)
	require.Len(t, events, 1)
	require.Equal(t, "resized", events[0].Kind)
	require.Equal(t, "has 1.2 CPU and 256 MiB of memory now", events[0].Text)
	require.Equal(t, []string{"1st", "2nd", "3rd", "4th", "11th", "12th", "21st", "112th"},
		[]string{ordinal(1), ordinal(2), ordinal(3), ordinal(4), ordinal(11), ordinal(12), ordinal(21), ordinal(112)})
}
