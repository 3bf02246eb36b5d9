// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"context"
	"encoding/hex"
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/athnet/ath/offchain/manifest"
	"github.com/athnet/ath/offchain/worker/api"
	"github.com/athnet/ath/offchain/worker/runtime"
	leasetypes "github.com/athnet/ath/x/leases/types"
)

// status describes a lease to its tenant.
func (w *Worker) status(lease string) (api.Status, bool) {
	intent, ok := w.book.intent(lease)
	if !ok {
		return api.Status{}, false
	}
	m, hasManifest := w.book.manifest(intent.ManifestHash)
	w.mu.Lock()
	defer w.mu.Unlock()
	s := api.Status{
		Lease: lease, ContainerID: intent.ContainerID, ManifestHash: intent.ManifestHash, RunningSince: intent.Started,
		Detail: w.errors[lease],
		Usage:  api.Usage{Sequence: intent.Head.Sequence, Until: intent.Head.Until, Confirmed: intent.Confirmed},
	}
	if at := w.standings[lease]; at.open() && at.lease.ReclaimAt != nil {
		s.ReclaimAt = *at.lease.ReclaimAt
	}
	s.Refused = w.refusal(lease, intent)
	if w.ingress != nil {
		s.Ingress = &api.Ingress{CA: w.ingress.CA()}
	}
	names := w.namesOf(intent)
	ready := hasManifest
	for _, service := range m.Services {
		ready = ready && w.images[service.Image] == imagePresent
		one := w.serviceStatus(lease, service, intent)
		one.Names = names[service.Name]
		s.Services = append(s.Services, one)
	}
	switch {
	case !intent.ClosedAt.IsZero():
		s.Phase, s.CloseReason = api.PhaseClosed, reasonWord(intent.CloseReason.String())
	case intent.Closing != nil:
		s.Phase, s.CloseReason = api.PhaseClosing, reasonWord(intent.Closing.Reason.String())
	case w.standings[lease].open() && w.standings[lease].lease.State == leasetypes.LeaseState_LEASE_STATE_STANDBY:
		s.Phase = api.PhaseStandby
	case intent.Paused:
		s.Phase = api.PhasePaused
	case intent.Renewed:
		s.Phase = api.PhaseUpdating
	case !intent.Started.IsZero():
		s.Phase = api.PhaseRunning
	case !hasManifest:
		s.Phase = api.PhaseManifest
	case ready:
		s.Phase = api.PhaseStarting
	default:
		s.Phase = api.PhasePulling
	}
	if intent.Closing != nil && intent.Closing.Detail != "" {
		s.Detail = intent.Closing.Detail
	}
	return s, true
}

// refusal says why a lease's new manifest is not taken. Called with w.mu held.
func (w *Worker) refusal(lease string, intent Intent) string {
	at, p := w.standings[lease], w.problems[lease]
	if !at.open() || p.detail == "" || p.manifest == intent.ManifestHash || p.manifest != hex.EncodeToString(at.lease.ManifestHash) {
		return ""
	}
	return p.detail
}

// Statuses describes every lease that the worker knows, in order of id: for the machine's owner.
func (w *Worker) Statuses() []api.Status {
	intents, _ := w.book.all()
	out := make([]api.Status, 0, len(intents))
	for _, id := range sortedIDs(intents) {
		if s, ok := w.status(id); ok {
			out = append(out, s)
		}
	}
	return out
}

// reasonWord turns CLOSE_REASON_TENANT_IMAGE into tenant-image.
func reasonWord(name string) string {
	return strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(name, "CLOSE_REASON_")), "_", "-")
}

// serviceStatus is called with w.mu held.
func (w *Worker) serviceStatus(lease string, service manifest.Service, intent Intent) api.Service {
	out := api.Service{Name: service.Name, Image: service.Image, State: "absent"}
	if i, ok := find(w.have, runtime.Key{Lease: lease, Service: service.Name}); ok {
		out.State, out.ExitCode, out.OOMKilled, out.Restarts = string(i.State), i.ExitCode, i.OOMKilled, i.Restarts
		out.StartedAt, out.FinishedAt, out.CPUMilli, out.MemoryMiB = i.StartedAt, i.FinishedAt, i.CPUMilli, i.MemoryMiB
	} else if e, ok := intent.Endings[service.Name]; ok {
		out.State, out.ExitCode, out.OOMKilled, out.Restarts = string(runtime.StateExited), e.ExitCode, e.OOMKilled, e.Restarts
		out.StartedAt, out.FinishedAt = e.StartedAt, e.FinishedAt
	}
	host, _, err := net.SplitHostPort(w.config.Endpoint)
	if err != nil {
		host = w.config.Endpoint
	}
	for _, e := range service.Expose {
		port := intent.Ports[portKey(service.Name, e)]
		if !w.published(e) || port == 0 {
			continue
		}
		out.Ports = append(out.Ports, api.Port{
			Port: e.Port, As: e.As, Proto: e.Proto, Host: port, Address: net.JoinHostPort(host, strconv.Itoa(int(port))),
		})
	}
	return out
}

// prefetch pulls a manifest's images before its lease is there, while the Container is free.
func (w *Worker) prefetch(ctx context.Context, m manifest.Manifest) {
	if lease, _, _ := w.bound(); lease != "" {
		return
	}
	w.mu.Lock()
	var want []manifest.Service
	for _, s := range m.Services {
		if w.images[s.Image] == imageUnknown {
			want = append(want, s)
		}
	}
	w.mu.Unlock()
	for _, s := range want {
		w.fetch(ctx, "", "", s.Image, s.Credentials)
	}
}

// serviceFor returns the named service, or the only one.
func (w *Worker) serviceFor(lease, name string) (string, error) {
	intent, ok := w.book.intent(lease)
	if !ok {
		return "", refuse(http.StatusNotFound, "this worker does not know lease "+lease, "its output is kept for "+w.config.LogRetention.String()+" after it closed")
	}
	m, ok := w.book.manifest(intent.ManifestHash)
	if !ok {
		return "", refuse(http.StatusConflict, "the lease waits for its manifest", "hand it in with athd deploy")
	}
	names := make([]string, 0, len(m.Services))
	for _, s := range m.Services {
		if s.Name == name || (name == "" && len(m.Services) == 1) {
			return s.Name, nil
		}
		names = append(names, s.Name)
	}
	if name == "" {
		return "", refuse(http.StatusBadRequest, "the lease has several services", "name one of "+strings.Join(names, ", "))
	}
	return "", refuse(http.StatusBadRequest, "service "+strconv.Quote(name)+" is not in the lease", "name one of "+strings.Join(names, ", "))
}
