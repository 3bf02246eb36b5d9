// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/athnet/ath/offchain/access"
	"github.com/athnet/ath/offchain/worker/api"
	"github.com/athnet/ath/offchain/worker/journal"
	"github.com/athnet/ath/offchain/worker/runtime"
)

// eventsName is the journal of a lease's events beside those of its services; no service can have this name.
const eventsName = ".events"

// noted is one entry of that journal: what changed, and the whole state, which the next change is told from. As both are one record, a
// crash can neither lose a change that is still to be seen nor tell one twice.
type noted struct {
	State  api.Status  `json:"state"`
	Events []api.Event `json:"events"`
}

// noteChanges writes down how the leases are, where that is news.
func (w *Worker) noteChanges() {
	for _, now := range w.Statuses() {
		now.Usage, now.Ingress = api.Usage{}, nil // one grows all the time, the other is no news
		if err := w.noteChange(now); err != nil {
			w.log.Warn("events can't be kept", "lease_id", now.Lease, "err", err)
		}
	}
}

func (w *Worker) noteChange(now api.Status) error {
	c, err := w.logs.of(runtime.Key{Lease: now.Lease, Service: eventsName})
	if err != nil {
		return err
	}
	c.busy.Lock()
	defer c.busy.Unlock()
	if c.noted == nil {
		if c.noted, err = lastNoted(c.Journal); err != nil {
			return err
		}
	}
	at := w.clock.Now().UTC()
	events := changes(*c.noted, now)
	if len(events) == 0 {
		return nil
	}
	for i := range events {
		events[i].Time, events[i].Source = at, "worker"
	}
	text, err := json.Marshal(noted{State: now, Events: events})
	if err != nil {
		return err
	}
	if err := c.Append(journal.Line{Time: at, Stream: journal.Note, Text: text}); err != nil {
		return err
	}
	c.noted = &now
	return nil
}

// lastNoted is the state that the journal's last entry left.
func lastNoted(j *journal.Journal) (*api.Status, error) {
	oldest, next := j.Range()
	if oldest == next {
		return &api.Status{}, nil
	}
	r := j.Reader(next - 1)
	defer r.Close()
	l, _, err := r.Read()
	if err != nil {
		return nil, err
	}
	var n noted
	if json.Unmarshal(l.Text, &n) != nil {
		return &api.Status{}, nil // told again rather than not at all
	}
	return &n.State, nil
}

// changes says in words what happened between two looks at a lease.
func changes(before, now api.Status) []api.Event {
	var out []api.Event
	say := func(kind, service, format string, args ...any) {
		out = append(out, api.Event{Kind: kind, Service: service, Text: fmt.Sprintf(format, args...)})
	}
	if before.ContainerID == 0 {
		say("assigned", "", "the lease came to Container %d", now.ContainerID)
	}
	if before.Phase == api.PhaseManifest && now.Phase != api.PhaseManifest && now.CloseReason == "" {
		say("manifest", "", "the manifest was received")
	}
	if before.ManifestHash != "" && before.ManifestHash != now.ManifestHash {
		say("update", "", "the services of a new manifest take over")
	}
	if before.ReclaimAt.IsZero() && !now.ReclaimAt.IsZero() {
		say("reclaimed", "", "its provider takes Container %d back at %s: move the lease, close it, or let it run until then",
			now.ContainerID, now.ReclaimAt.UTC().Format(time.RFC3339))
	}
	if now.Refused != "" && now.Refused != before.Refused {
		say("refused", "", "the new manifest is not taken, and what runs goes on: %s", now.Refused)
	}
	for _, s := range now.Services {
		out = append(out, serviceChanges(s, before.Services)...)
		out = append(out, limitChanges(s, before.Services)...)
		out = append(out, nameChanges(s, before.Services)...)
	}
	if now.Detail != "" && now.Detail != before.Detail {
		say("fault", "", "%s", now.Detail)
	}
	if now.Phase != before.Phase {
		say(string(now.Phase), "", "%s", phaseText(before, now))
	}
	return out
}

func phaseText(before, now api.Status) string {
	switch now.Phase {
	case api.PhaseManifest:
		return "waiting for the manifest"
	case api.PhasePulling:
		return "fetching images"
	case api.PhaseStarting:
		return "images are there; starting services"
	case api.PhaseRunning:
		if before.Phase == api.PhaseUpdating {
			return "the new services run"
		}
		return "all services run; billing runs"
	case api.PhaseStandby:
		return "held ready for a lease that runs elsewhere"
	case api.PhasePaused:
		return "paused by the chain: the money ran out; data stays, top the balance up"
	case api.PhaseUpdating:
		return "starting the services of the new manifest"
	case api.PhaseClosing:
		text := "the worker asked the chain to close the lease: " + now.CloseReason
		if now.Detail != "" {
			text += ": " + now.Detail
		}
		return text
	case api.PhaseClosed:
		if now.CloseReason == "" || now.CloseReason == "unspecified" {
			return "the lease left this worker"
		}
		return "the chain closed the lease: " + now.CloseReason
	default:
		return string(now.Phase)
	}
}

func serviceChanges(now api.Service, all []api.Service) []api.Event {
	before := api.Service{State: "absent"}
	if i := slices.IndexFunc(all, func(s api.Service) bool { return s.Name == now.Name }); i >= 0 {
		before = all[i]
	}
	ending := fmt.Sprintf("exit code %d", now.ExitCode)
	if now.OOMKilled {
		ending += ", it ran out of memory"
	}
	event := func(kind, text string) []api.Event {
		return []api.Event{{Kind: kind, Service: now.Name, ExitCode: now.ExitCode, OOMKilled: now.OOMKilled, Text: text}}
	}
	running := string(runtime.StateRunning)
	switch {
	case now.State == string(runtime.StateRestarting) && (before.State != now.State || before.Restarts != now.Restarts):
		return event("ended", "ended with "+ending+"; it is started again")
	case now.State == running && now.Restarts > before.Restarts && before.State != "absent":
		return event("restarted", fmt.Sprintf("started again, for the %s time", ordinal(now.Restarts)))
	case now.State == running && (before.State != running || !before.StartedAt.Equal(now.StartedAt)):
		return event("started", "started")
	case now.State == string(runtime.StateExited) && (before.State != now.State || !before.FinishedAt.Equal(now.FinishedAt)):
		return event("ended", "ended with "+ending)
	}
	return nil
}

// limitChanges tells of limits that changed while a service ran.
func limitChanges(now api.Service, all []api.Service) []api.Event {
	i := slices.IndexFunc(all, func(s api.Service) bool { return s.Name == now.Name })
	if i < 0 || all[i].MemoryMiB == 0 || now.MemoryMiB == 0 || all[i].CPUMilli == now.CPUMilli && all[i].MemoryMiB == now.MemoryMiB {
		return nil
	}
	return []api.Event{{Kind: "resized", Service: now.Name, Text: fmt.Sprintf("has %g CPU and %d MiB of memory now", float64(now.CPUMilli)/1000, now.MemoryMiB)}}
}

// nameChanges tells of host names that came, went, or wait for their owner.
func nameChanges(now api.Service, all []api.Service) []api.Event {
	before := map[string]string{}
	for _, s := range all {
		for _, n := range s.Names {
			before[n.Host] = n.State
		}
	}
	var out []api.Event
	for _, n := range now.Names {
		if n.State == before[n.Host] {
			continue
		}
		text := n.Host + ": " + n.Detail
		if n.State == api.NameReady {
			text = n.Host + " is served"
		}
		out = append(out, api.Event{Kind: "name-" + n.State, Service: now.Name, Text: text})
	}
	return out
}

func ordinal(n int) string {
	switch {
	case n%100/10 != 1 && n%10 == 1:
		return fmt.Sprintf("%dst", n)
	case n%100/10 != 1 && n%10 == 2:
		return fmt.Sprintf("%dnd", n)
	case n%100/10 != 1 && n%10 == 3:
		return fmt.Sprintf("%drd", n)
	}
	return fmt.Sprintf("%dth", n)
}

// serveEvents streams what happened to a lease, as JSON Lines.
func (w *Worker) serveEvents(rw http.ResponseWriter, req *http.Request) error {
	lease, err := w.leaseOf(req, access.ScopeStatus)
	if err != nil {
		return err
	}
	q, err := readLogQuery(req)
	if err != nil {
		return err
	}
	if _, ok := w.book.intent(lease); !ok {
		return refuse(http.StatusNotFound, "this worker does not know lease "+lease, "its events are kept for "+w.config.LogRetention.String()+" after it closed")
	}
	key := runtime.Key{Lease: lease, Service: eventsName}
	c, err := w.logs.of(key)
	if err != nil {
		return err
	}
	oldest, next := c.Range()
	q.json = true
	out := startStream(rw, c, "", true)
	out.events = true
	if err := out.flush(); err != nil {
		return err
	}
	return w.streamLog(req.Context(), out, c, key, q, oldest, next)
}

// event writes what one entry says; the last has the cursor, so that a break within goes on with the whole entry.
func (o *logWriter) event(l journal.Line) error {
	var n noted
	if err := json.Unmarshal(l.Text, &n); err != nil {
		n.Events = []api.Event{{Time: l.Time, Source: "worker", Kind: "gap", Text: strings.ToValidUTF8(string(l.Text), "?")}}
	}
	for i, e := range n.Events {
		if i == len(n.Events)-1 {
			e.Cursor = o.cursor(l.Number)
		}
		if err := o.encode(e); err != nil {
			return err
		}
	}
	return nil
}
