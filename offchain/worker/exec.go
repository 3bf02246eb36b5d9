// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/athnet/ath/offchain/access"
	"github.com/athnet/ath/offchain/worker/api"
	"github.com/athnet/ath/offchain/worker/runtime"
)

const typeFrames = "application/x-ath-frames"

// serveExec runs a tenant's command in its workload.
func (w *Worker) serveExec(rw http.ResponseWriter, req *http.Request) error {
	e, err := w.enter(req, access.ScopeExec)
	if err != nil {
		return err
	}
	defer e.end()
	ctx, cancel := context.WithCancelCause(e.ctx)
	defer cancel(nil)
	d, err := w.newDuplex(ctx, cancel, rw, req)
	if err != nil {
		return err
	}
	defer d.close()
	buf := make([]byte, api.MaxFrame)
	if err := d.ctl.SetReadDeadline(time.Now().Add(answerTime)); err != nil {
		return fmt.Errorf("bound the start of a session: %w", err)
	}
	kind, payload, err := d.read(buf)
	if err == nil && kind != api.FrameStart {
		err = fmt.Errorf("%w: it does not begin with a start", api.ErrFrame)
	}
	if err != nil {
		return refuse(http.StatusBadRequest, "exec: "+err.Error(), "send a start frame first")
	}
	start, err := api.DecodeStart(payload)
	if err != nil {
		return refuse(http.StatusBadRequest, "exec: "+err.Error(), "correct the command")
	}
	if err := d.ctl.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	if err := w.whenUp(ctx, e.key, func() error { return nil }); err != nil {
		return wordsFor(err)
	}
	if err := d.accept(typeFrames); err != nil {
		return err
	}
	code, err := w.runCommand(ctx, cancel, d, e.key, start, buf)
	err = w.whyEnded(e.key, err)
	if err != nil && wordsFor(err).Code == http.StatusInternalServerError {
		w.log.Warn("a tenant's command failed", "lease_id", e.key.Lease, "err", err)
	}
	d.exit(code, err)
	return nil
}

// runCommand runs one command with its input from frames and its output to them.
func (w *Worker) runCommand(ctx context.Context, cancel context.CancelCauseFunc, d *duplex, key runtime.Key, start api.Start, buf []byte) (int, error) {
	in, feed := io.Pipe()
	resize := make(chan runtime.Size, 1)
	p := runtime.Process{
		Command: start.Command, TTY: start.TTY, Size: runtime.Size{Rows: start.Rows, Columns: start.Columns},
		Stdout: frameWriter{d, api.FrameOutput}, Stderr: frameWriter{d, api.FrameErrors},
	}
	if start.TTY {
		p.Resize = resize
	}
	if start.TTY && start.Term != "" {
		p.Env = []string{"TERM=" + start.Term}
	}
	if start.Stdin {
		p.Stdin = in
	} else {
		in.CloseWithError(io.ErrClosedPipe) // what comes all the same is dropped
	}
	var reader sync.WaitGroup
	reader.Go(func() {
		err := takeInput(d, buf, feed, resize)
		feed.CloseWithError(err)
		cancel(errors.Join(errSessionGone, err))
	})
	code, err := w.runtime.Exec(ctx, key, p)
	// The reader waits for the client, or for the command to take its input.
	in.CloseWithError(io.ErrClosedPipe)
	why := cause(ctx, err) // before the reader's own end becomes one
	if derr := d.ctl.SetReadDeadline(time.Unix(1, 0)); derr != nil {
		w.log.Debug("a session's input was not stopped", "err", derr)
	}
	reader.Wait()
	if err != nil {
		return code, why
	}
	return code, nil
}

// takeInput hands a client's frames on until it has gone, which is always an error; a command that takes no more input may go on.
func takeInput(d *duplex, buf []byte, feed *io.PipeWriter, resize chan runtime.Size) error {
	for {
		kind, payload, err := d.read(buf)
		if err != nil {
			return err
		}
		switch kind {
		case api.FrameInput:
			_, _ = feed.Write(payload) // fails when nobody reads any more
		case api.FrameInputEnd:
			_ = feed.Close() // always nil
		case api.FrameResize:
			rows, columns, err := api.DecodeSize(payload)
			if err != nil {
				return err
			}
			select {
			case <-resize: // only the newest counts
			default:
			}
			resize <- runtime.Size{Rows: rows, Columns: columns}
		default:
			return fmt.Errorf("%w: kind %d from a client", api.ErrFrame, kind)
		}
	}
}

// serveForward connects a tenant to a port inside its workload.
func (w *Worker) serveForward(rw http.ResponseWriter, req *http.Request) error {
	port, err := strconv.ParseUint(req.URL.Query().Get("port"), 10, 16)
	if err != nil || port == 0 {
		return refuse(http.StatusBadRequest, "port: want a number from 1 to 65535", "")
	}
	e, err := w.enter(req, access.ScopeForward)
	if err != nil {
		return err
	}
	defer e.end()
	ctx, cancel := context.WithCancelCause(e.ctx)
	defer cancel(nil)
	d, err := w.newDuplex(ctx, cancel, rw, req)
	if err != nil {
		return err
	}
	defer d.close()
	var conn net.Conn
	err = w.whenUp(ctx, e.key, func() (err error) {
		conn, err = w.runtime.Dial(ctx, e.key, uint16(port))
		return err
	})
	if errors.Is(err, runtime.ErrRefused) {
		w.log.Debug("a forwarded port takes no connections", "lease_id", e.key.Lease, "err", err)
		err = fmt.Errorf("service %s: %w: %d", e.key.Service, runtime.ErrRefused, port)
	}
	if err != nil {
		return wordsFor(cause(ctx, err))
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	if err := d.accept(typeFrames); err != nil {
		return err
	}
	var up sync.WaitGroup
	up.Go(func() {
		if err := pushUp(d, conn); err != nil {
			cancel(errors.Join(errSessionGone, err))
		}
	})
	err = pullDown(d, conn)
	if err != nil {
		cancel(fmt.Errorf("%w: the connection broke", runtime.ErrRefused))
	}
	up.Wait()
	if ctx.Err() != nil {
		err = cause(ctx, err)
	}
	d.exit(0, err)
	return nil
}

// pushUp moves a client's bytes to a port until the client ends them.
func pushUp(d *duplex, conn net.Conn) error {
	buf := make([]byte, api.MaxFrame)
	for {
		kind, payload, err := d.read(buf)
		switch {
		case err != nil:
			return err
		case kind == api.FrameInput:
			if _, err := conn.Write(payload); err != nil {
				return err
			}
		case kind == api.FrameInputEnd:
			if half, ok := conn.(interface{ CloseWrite() error }); ok {
				return half.CloseWrite()
			}
			return nil
		default:
			return fmt.Errorf("%w: kind %d from a client", api.ErrFrame, kind)
		}
	}
}

// pullDown moves a port's bytes to a client until the port ends them.
func pullDown(d *duplex, conn net.Conn) error {
	buf := make([]byte, api.Chunk)
	for {
		n, err := conn.Read(buf)
		if n > 0 {
			if err := d.write(api.FrameOutput, buf[:n]); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return d.write(api.FrameOutputEnd, nil)
		}
		if err != nil {
			return err
		}
	}
}
