// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	leasetypes "github.com/athnet/ath/x/leases/types"

	"github.com/athnet/ath/offchain/manifest"
	"github.com/athnet/ath/offchain/worker/api"
	"github.com/athnet/ath/offchain/worker/runtime"
)

const (
	// Requests per second and burst of one address that open sessions: a browser behind a forwarded port opens dozens at once.
	sessionRate, sessionBurst = 20, 120
	// maxLeaseSessions and maxSessions are how many are open at one time, of a lease and of the worker.
	maxLeaseSessions, maxSessions = 64, 128
	// sessionIdle is how long nothing may pass in either direction, sessionLife how long a session may last at all: the token
	// is looked at only when it begins.
	sessionIdle, sessionLife = time.Hour, 24 * time.Hour
	// lastWords is how long a session that is ended has to say why.
	lastWords = 5 * time.Second
	// startWait is how long a session waits for a service that is starting, well within what clients wait for an answer; startPause is between
	// two looks.
	startWait, startPause = 15 * time.Second, 100 * time.Millisecond
)

// Why sessions end before their tenant ends them.
var (
	errSessionIdle  = errors.New("nothing has passed for too long")
	errSessionLong  = errors.New("the session has lasted too long")
	errSessionLease = errors.New("the lease is not served here any more")
	errSessionGone  = errors.New("the tenant has gone")
)

// sessions are the ways into workloads that are open.
type sessions struct {
	idle, life, start time.Duration

	mu   sync.Mutex
	open map[*session]struct{}
	// reaped: what an earlier process has left in workloads is gone. Until then new commands could not be told from old ones.
	reaped bool
}

type session struct {
	lease  string
	cancel context.CancelCauseFunc
}

func newSessions() *sessions {
	return &sessions{idle: sessionIdle, life: sessionLife, start: startWait, open: map[*session]struct{}{}}
}

// begin opens a session; the caller ends it.
func (s *sessions) begin(ctx context.Context, lease string) (context.Context, func(), error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	of := 0
	for other := range s.open {
		if other.lease == lease {
			of++
		}
	}
	switch {
	case !s.reaped:
		return nil, nil, refuse(http.StatusServiceUnavailable, "the worker has just started", "try again in a few seconds")
	case of >= maxLeaseSessions:
		return nil, nil, refuse(http.StatusTooManyRequests, fmt.Sprintf("the lease has %d sessions open", of), "end some first")
	case len(s.open) >= maxSessions:
		return nil, nil, refuse(http.StatusServiceUnavailable, "too many sessions are open on this worker", "try again later")
	}
	ctx, stop := context.WithTimeoutCause(ctx, s.life, errSessionLong)
	ctx, cancel := context.WithCancelCause(ctx)
	one := &session{lease: lease, cancel: cancel}
	s.open[one] = struct{}{}
	return ctx, func() {
		cancel(errSessionGone)
		stop()
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.open, one)
	}, nil
}

// end ends the sessions of a lease.
func (s *sessions) end(lease string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for one := range s.open {
		if one.lease == lease {
			one.cancel(errSessionLease)
		}
	}
}

func (s *sessions) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open)
}

// reap makes the worker ready for sessions.
func (w *Worker) reap(ctx context.Context) {
	w.sessions.mu.Lock()
	done := w.sessions.reaped
	w.sessions.mu.Unlock()
	if done {
		return
	}
	if err := w.runtime.Reap(ctx); err != nil {
		w.log.Debug("commands of an earlier worker could not be looked for, trying again", "err", err)
		return
	}
	w.sessions.mu.Lock()
	defer w.sessions.mu.Unlock()
	w.sessions.reaped = true
}

// entry is a session that may begin: of a tenant, with a service of an open lease.
type entry struct {
	key runtime.Key
	ctx context.Context
	end func()
}

// enter lets a tenant in. What it returns is ended by the caller.
func (w *Worker) enter(req *http.Request, scope string) (entry, error) {
	lease, err := w.leaseOf(req, scope)
	if err != nil {
		return entry{}, err
	}
	service, err := w.serviceFor(lease, req.URL.Query().Get("service"))
	if err != nil {
		return entry{}, err
	}
	ctx, end, err := w.sessions.begin(req.Context(), lease)
	if err != nil {
		return entry{}, err
	}
	// Looked at after it was entered in the list: from here on, learn ends it.
	if !w.serves(lease) {
		end()
		return entry{}, refuse(http.StatusGone, "lease "+lease+" is not open on this worker", "ask for its status")
	}
	w.metrics.Sessions.WithLabelValues(scope).Inc()
	return entry{key: runtime.Key{Lease: lease, Service: service}, ctx: ctx, end: func() {
		end()
		w.metrics.Sessions.WithLabelValues(scope).Dec()
	}}, nil
}

// starting says why a service can't be entered yet although this worker is bringing it up; empty where it can be tried.
func (w *Worker) starting(key runtime.Key) string {
	intent, _ := w.book.intent(key.Lease)
	m, known := w.book.manifest(intent.ManifestHash)
	if !known || intent.Paused || intent.Closing != nil || !intent.ClosedAt.IsZero() {
		return ""
	}
	service := serviceOf(m, key.Service)
	w.mu.Lock()
	defer w.mu.Unlock()
	at := w.standings[key.Lease]
	if !at.open() || at.lease.State == leasetypes.LeaseState_LEASE_STATE_STANDBY {
		return ""
	}
	coming := intent.Started.IsZero() || intent.Renewed // as bringUp has it; keepUp afterwards
	i, there := find(w.have, key)
	why := ""
	switch {
	case service.Name == "", !there && !coming && service.Restart == manifest.RestartNever:
	case coming && intent.Grow:
		why = "the lease's storage is being enlarged"
	case coming && there && i.Definition != definition(service):
		why = "it is made anew by the lease's new manifest"
	case !there && w.images[service.Image] == imagePulling:
		why = "its image is being pulled"
	case !there:
		why = "it is being made"
	case i.State == runtime.StateCreated,
		i.State == runtime.StateExited && coming && slices.Contains(intent.Stopped, key.Service),
		i.State == runtime.StateExited && !coming && !i.Ended():
		why = "it is being started"
	}
	return why
}

// whenUp calls try once a service can be entered, and again where the service has gone meanwhile to come back. try has had no effect when it fails.
func (w *Worker) whenUp(ctx context.Context, key runtime.Key, try func() error) error {
	until := time.Now().Add(w.sessions.start)
	for {
		why := w.starting(key)
		if why == "" {
			err := try()
			if err == nil {
				return nil
			}
			if why = w.starting(key); why == "" {
				return err
			}
		}
		if !time.Now().Before(until) {
			return notUp(key, why)
		}
		select {
		case <-ctx.Done():
			return cause(ctx, ctx.Err())
		case <-time.After(startPause):
		}
	}
}

func notUp(key runtime.Key, why string) error {
	return refuse(http.StatusServiceUnavailable, "service "+key.Service+" is still starting: "+why, "try again in a few seconds; athd lease status says how far it is")
}

// whyEnded is what became of a session: that its service has gone to come back, if so.
func (w *Worker) whyEnded(key runtime.Key, err error) error {
	unknown := err != nil && wordsFor(err).Code == http.StatusInternalServerError
	if unknown || errors.Is(err, runtime.ErrNotRunning) || errors.Is(err, runtime.ErrNotFound) {
		if why := w.starting(key); why != "" {
			return notUp(key, why)
		}
	}
	return err
}

// serves says whether a lease is open and this Container's.
func (w *Worker) serves(lease string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.servesLocked(w.standings[lease])
}

func (w *Worker) servesLocked(s standing) bool {
	return s.open() && s.lease.ContainerId == w.container
}

// wordsFor says what a tenant can do about a failure.
func wordsFor(err error) *api.Error {
	answer := &api.Error{}
	if errors.As(err, &answer) {
		return answer
	}
	for _, of := range []struct {
		err    error
		code   int
		remedy string
	}{
		{errSessionIdle, http.StatusRequestTimeout, "open another one"},
		{errSessionLong, http.StatusRequestTimeout, "open another one"},
		{errSessionLease, http.StatusGone, "ask for the lease's status"},
		{errSessionGone, http.StatusGone, "open another one"},
		{api.ErrFrame, http.StatusBadRequest, "connect with the athd of this network"},
		{runtime.ErrCommand, http.StatusUnprocessableEntity, "give a program that the image has, by its path or from its PATH"},
		{runtime.ErrRefused, http.StatusBadGateway, "start what listens there, or give another port"},
		{runtime.ErrNoPath, http.StatusNotFound, "give an absolute path that the service has"},
		{runtime.ErrStorage, http.StatusInsufficientStorage, "make room, or write elsewhere"},
		{runtime.ErrNotRunning, http.StatusConflict, "wait until the service runs; the lease's status and logs say more"},
		{runtime.ErrNotFound, http.StatusConflict, "wait until the service runs; the lease's status says more"},
		{runtime.ErrUnavailable, http.StatusServiceUnavailable, "try again in a few seconds"},
	} {
		if errors.Is(err, of.err) {
			message := err.Error()
			if errors.Is(err, runtime.ErrUnavailable) || errors.Is(err, runtime.ErrNotFound) || errors.Is(err, runtime.ErrNotRunning) {
				message = of.err.Error() // the engine's own words are its owner's business
			}
			return &api.Error{Code: of.code, Message: message, Remedy: of.remedy}
		}
	}
	return &api.Error{Code: http.StatusInternalServerError, Message: "the worker failed", Remedy: "try again; the provider's log says more"}
}

// cause is why a session ended: its context's reason where that has one.
func cause(ctx context.Context, err error) error {
	if why := context.Cause(ctx); why != nil {
		if errors.Is(why, context.Canceled) {
			return errSessionGone
		}
		return why
	}
	return err
}
