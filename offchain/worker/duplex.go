// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"context"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/athnet/ath/offchain/worker/api"
)

// duplex is both directions of a session over one HTTP/2 stream, with a watch for silence.
type duplex struct {
	in    io.Reader
	out   http.ResponseWriter
	ctl   *http.ResponseController
	idle  time.Duration
	watch *time.Timer
	mu    sync.Mutex // one frame at a time
	end   *ender
}

// ender ends the reads and writes of a request from outside its handler, for as long as that runs.
type ender struct {
	ctl  *http.ResponseController
	mu   sync.Mutex
	over bool
}

func (e *ender) expire() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.over {
		return // nothing may touch a response that its handler has left
	}
	// Both fail only where the connection has gone, which ends reads and writes, too.
	_ = e.ctl.SetReadDeadline(time.Unix(1, 0))
	_ = e.ctl.SetWriteDeadline(time.Now().Add(lastWords))
}

func (e *ender) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.over = true
}

// newDuplex takes a request over. Its context's end, for whatever reason, ends reads at once and writes soon.
func (w *Worker) newDuplex(ctx context.Context, cancel context.CancelCauseFunc, rw http.ResponseWriter, req *http.Request) (*duplex, error) {
	d := &duplex{in: req.Body, out: rw, ctl: http.NewResponseController(rw), idle: w.sessions.idle}
	if req.ProtoMajor < 2 {
		return nil, refuse(http.StatusHTTPVersionNotSupported, "sessions need HTTP/2", "connect with a newer athd, and without a proxy that speaks HTTP/1")
	}
	d.watch = time.AfterFunc(d.idle, func() { cancel(errSessionIdle) })
	d.end = &ender{ctl: d.ctl}
	context.AfterFunc(ctx, d.end.expire)
	return d, nil
}

func (d *duplex) close() {
	d.watch.Stop()
	d.end.close()
}

// accept tells the client that its session stands.
func (d *duplex) accept(kind string) error {
	d.out.Header().Set("Content-Type", kind)
	d.out.Header().Set("X-Content-Type-Options", "nosniff")
	d.out.WriteHeader(http.StatusOK)
	return d.ctl.Flush()
}

func (d *duplex) read(buf []byte) (byte, []byte, error) {
	kind, payload, err := api.ReadFrame(d.in, buf)
	if err == nil {
		d.watch.Reset(d.idle)
	}
	return kind, payload, err
}

func (d *duplex) write(kind byte, payload []byte) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := api.WriteFrame(d.out, kind, payload); err != nil {
		return err
	}
	if err := d.ctl.Flush(); err != nil {
		return err
	}
	d.watch.Reset(d.idle)
	return nil
}

// exit says how the session ended. That a client who has gone does not hear it is fine.
func (d *duplex) exit(code int, err error) {
	e := api.Exit{Code: code}
	if err != nil {
		e.Error = wordsFor(err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if api.WriteJSON(d.out, api.FrameExit, e) == nil {
		_ = d.ctl.Flush()
	}
}

// frameWriter sends one of a command's outputs as frames.
type frameWriter struct {
	to   *duplex
	kind byte
}

func (o frameWriter) Write(b []byte) (int, error) {
	for rest := b; len(rest) > 0; {
		n := min(len(rest), api.Chunk)
		if err := o.to.write(o.kind, rest[:n]); err != nil {
			return len(b) - len(rest), err
		}
		rest = rest[n:]
	}
	return len(b), nil
}
