// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/athnet/ath/offchain/access"
	"github.com/athnet/ath/offchain/worker/api"
	"github.com/athnet/ath/offchain/worker/journal"
	"github.com/athnet/ath/offchain/worker/runtime"
)

// logQuery is what a reader wants.
type logQuery struct {
	follow, json bool
	tail         uint64
	since        time.Time
	journal      uint64 // with after: go on behind this line
	after        uint64
}

func readLogQuery(req *http.Request) (logQuery, error) {
	q := req.URL.Query()
	o := logQuery{follow: q.Get("follow") == "1" || q.Get("follow") == "true", json: q.Get("format") == "json"}
	if s := q.Get("tail"); s != "" {
		n, err := strconv.ParseUint(s, 10, 32)
		if err != nil || n < 1 {
			return o, refuse(http.StatusBadRequest, "tail: want a number of lines from 1", "")
		}
		o.tail = n
	}
	if s := q.Get("since"); s != "" {
		t, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			return o, refuse(http.StatusBadRequest, "since: want a time such as 2026-01-02T15:04:05Z", "")
		}
		o.since = t
	}
	if s := q.Get("cursor"); s != "" {
		id, number, ok := strings.Cut(s, ".")
		var err1, err2 error
		o.journal, err1 = strconv.ParseUint(id, 16, 64)
		o.after, err2 = strconv.ParseUint(number, 10, 64)
		if !ok || err1 != nil || err2 != nil {
			return o, refuse(http.StatusBadRequest, "cursor: want that of a line of this service's output", "leave it out to read from the beginning")
		}
	}
	return o, nil
}

// serveLogs streams the output of a service from its journal.
func (w *Worker) serveLogs(rw http.ResponseWriter, req *http.Request) error {
	lease, err := w.leaseOf(req, access.ScopeLogs)
	if err != nil {
		return err
	}
	q, err := readLogQuery(req)
	if err != nil {
		return err
	}
	service, err := w.serviceFor(lease, req.URL.Query().Get("service"))
	if err != nil {
		return err
	}
	key := runtime.Key{Lease: lease, Service: service}
	c, err := w.logs.of(key)
	if err != nil {
		return err
	}
	w.refresh(req.Context(), c, key)
	oldest, next := c.Range()
	if oldest == next && !q.follow && q.after == 0 {
		return refuse(http.StatusNotFound, "service "+service+" has no output yet", "ask for the lease's status")
	}
	out := startStream(rw, c, service, q.json)
	if err := out.flush(); err != nil {
		return err
	}
	return w.streamLog(req.Context(), out, c, key, q, oldest, next)
}

func startStream(rw http.ResponseWriter, c *copied, service string, asJSON bool) *logWriter {
	kind := "text/plain; charset=utf-8"
	if asJSON {
		kind = "application/x-ndjson"
	}
	rw.Header().Set("Content-Type", kind)
	rw.Header().Set("X-Content-Type-Options", "nosniff")
	rw.WriteHeader(http.StatusOK)
	return &logWriter{rw: rw, ctl: http.NewResponseController(rw), service: service, journal: c.ID(), json: asJSON}
}

// streamLog writes lines until all are read, or the service has ended for good.
func (w *Worker) streamLog(ctx context.Context, out *logWriter, c *copied, key runtime.Key, q logQuery, oldest, next uint64) error {
	from := oldest
	if q.journal == c.ID() {
		from = min(q.after+1, next)
	} else if q.journal != 0 {
		if err := out.note("another worker's output begins here; what the one before it said since can't be read any more"); err != nil {
			return err
		}
	}
	if q.tail > 0 && next-from > q.tail {
		from = next - q.tail
	}
	r := c.Reader(from)
	defer r.Close()
	quiet := time.Now()
	for {
		changed, over := c.Changed(), !q.follow || w.silent(c, key)
		wrote := false
		for {
			l, lost, err := r.Read()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return err
			}
			if lost > 0 {
				if err := out.gap(lost, l); err != nil {
					return err
				}
			}
			if l.Time.Before(q.since) {
				continue
			}
			if err := out.line(l); err != nil {
				return err
			}
			wrote = true
		}
		if over {
			return out.end()
		}
		if wrote || time.Since(quiet) > keepAlive {
			if err := out.alive(!wrote); err != nil {
				return err
			}
			quiet = time.Now()
		}
		t := time.NewTimer(followPause)
		select {
		case <-ctx.Done():
			t.Stop()
			return nil
		case <-changed:
		case <-t.C:
			w.refresh(ctx, c, key)
		}
		t.Stop()
	}
}

// instance is what the engine had of a service when it was last asked.
func (w *Worker) instance(key runtime.Key) (runtime.Instance, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return find(w.have, key)
}

// refresh copies what a service has said, where nobody follows it.
func (w *Worker) refresh(ctx context.Context, c *copied, key runtime.Key) {
	i, ok := w.instance(key)
	c.mu.Lock()
	idle := c.cancel == nil && c.waiting == 0 && c.life != lifeOf(i)
	c.mu.Unlock()
	if !ok || !idle || i.State == runtime.StateCreated {
		return
	}
	if err := w.copyRest(ctx, i); err != nil && ctx.Err() == nil {
		w.log.Debug("output could not be brought up to date", "lease_id", key.Lease, "service", key.Service, "err", err)
	}
}

// silent says that nothing more will come of a service: its lease has ended and its output is kept, or it has ended for good.
func (w *Worker) silent(c *copied, key runtime.Key) bool {
	intent, ok := w.book.intent(key.Lease)
	if !ok || intent.Archived {
		return true
	}
	i, ok := w.instance(key)
	c.mu.Lock()
	defer c.mu.Unlock()
	return ok && i.Ended() && c.life == lifeOf(i)
}

// logWriter hands every piece on at once: a reader follows, and may be slow, but not for ever.
type logWriter struct {
	rw      http.ResponseWriter
	ctl     *http.ResponseController
	service string
	journal uint64
	json    bool
	events  bool // lines are entries of a journal of events
}

func (o *logWriter) encode(v any) error {
	if err := o.ctl.SetWriteDeadline(time.Now().Add(answerTime)); err != nil {
		return err
	}
	return json.NewEncoder(o.rw).Encode(v)
}

func (o *logWriter) flush() error { return o.ctl.Flush() }

func (o *logWriter) write(v api.LogLine, text []byte) error {
	if o.events {
		return o.encode(api.Event{Cursor: v.Cursor, Time: v.Time, Source: "worker", Kind: "note", Text: v.Text, End: v.End})
	}
	if o.json {
		v.Service = o.service
		return o.encode(v)
	}
	if err := o.ctl.SetWriteDeadline(time.Now().Add(answerTime)); err != nil {
		return err
	}
	_, err := o.rw.Write(text)
	return err
}

func (o *logWriter) line(l journal.Line) error {
	if o.events {
		return o.event(l)
	}
	v := api.LogLine{Cursor: o.cursor(l.Number), Time: l.Time, Stream: l.Stream.String(), Partial: l.Partial}
	if utf8.Valid(l.Text) {
		v.Text = string(l.Text)
	} else {
		v.Raw = l.Text
	}
	text := l.Text
	if l.Stream == journal.Note {
		text = []byte("--- " + string(l.Text) + " ---")
	}
	if !l.Partial {
		text = append(text, '\n')
	}
	return o.write(v, text)
}

func (o *logWriter) cursor(number uint64) string { return fmt.Sprintf("%016x.%d", o.journal, number) }

// gap says that lines were dropped before the next one.
func (o *logWriter) gap(lost uint64, next journal.Line) error {
	text := fmt.Sprintf("%d lines before %s are not kept any more", lost, next.Time.Format(time.RFC3339Nano))
	return o.write(api.LogLine{Cursor: o.cursor(next.Number - 1), Time: next.Time, Stream: journal.Note.String(), Text: text, Lost: lost}, []byte("--- "+text+" ---\n"))
}

func (o *logWriter) note(text string) error {
	return o.write(api.LogLine{Stream: journal.Note.String(), Text: text}, []byte("--- "+text+" ---\n"))
}

// end tells a whole stream from one that broke.
func (o *logWriter) end() error {
	if !o.json {
		return o.flush()
	}
	return errors.Join(o.write(api.LogLine{End: true}, nil), o.flush())
}

// alive hands on what was written; a silent stream shows that it is there.
func (o *logWriter) alive(silent bool) error {
	if silent && o.json {
		if err := o.ctl.SetWriteDeadline(time.Now().Add(answerTime)); err != nil {
			return err
		}
		if _, err := io.WriteString(o.rw, "\n"); err != nil {
			return err
		}
	}
	return o.flush()
}
