// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
)

// Copied is what came of files that were handed in.
type Copied struct {
	Path  string `json:"path"` // where they are now
	Files int    `json:"files"`
	Bytes int64  `json:"bytes"`
}

// Size is a terminal's.
type Size struct{ Rows, Columns uint16 }

// Streams are this side of a command.
type Streams struct {
	In       io.Reader // nil where there is no input; it may be read from after the session's end
	Out, Err io.Writer
	Resize   <-chan Size // new sizes of the terminal; may be nil
}

// sender writes the frames of a session, one at a time.
type sender struct {
	mu sync.Mutex
	w  *io.PipeWriter
}

func (s *sender) send(kind byte, payload []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return WriteFrame(s.w, kind, payload)
}

// input sends what a reader has, and its end.
func (s *sender) input(r io.Reader) error {
	buf := make([]byte, Chunk)
	for {
		n, err := r.Read(buf)
		if n > 0 {
			if err := s.send(FrameInput, buf[:n]); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return s.send(FrameInputEnd, nil)
		}
		if err != nil {
			return err
		}
	}
}

// open begins a session; first is the frame that the worker waits for, if any.
func (c *Client) open(ctx context.Context, path string, first func(*sender) error) (*sender, io.ReadCloser, error) {
	body, w := io.Pipe()
	s := &sender{w: w}
	// HTTP/2 does not look at ctx while it waits for the body.
	context.AfterFunc(ctx, func() { w.CloseWithError(context.Cause(ctx)) })
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+path, body)
	if err != nil {
		return nil, nil, fmt.Errorf("ask worker: %w", err)
	}
	if first != nil {
		go func() { _ = first(s) }() // fails when the worker refuses, and then that is the answer
	}
	answer, err := c.roundTrip(req)
	if err != nil {
		_ = body.CloseWithError(io.ErrClosedPipe) // always nil
		return nil, nil, err
	}
	return s, answer, nil
}

// Exec runs a command in a service and returns its exit code. Where the session ends before the command has, the error says why:
// an *Error from the worker, or ErrBroken.
func (c *Client) Exec(ctx context.Context, lease, service string, start Start, streams Streams) (int, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	start.Stdin = streams.In != nil
	s, answer, err := c.open(ctx, leasePath(lease, "exec", url.Values{"service": {service}}), func(s *sender) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		return WriteJSON(s.w, FrameStart, start)
	})
	if err != nil {
		return 0, err
	}
	defer answer.Close()
	defer s.w.Close()
	if streams.In != nil {
		go func() {
			if err := s.input(streams.In); err != nil {
				_ = s.send(FrameInputEnd, nil) // input that can't be read has ended, too
			}
		}()
	}
	if streams.Resize != nil {
		go func() {
			for {
				select {
				case size := <-streams.Resize:
					if s.send(FrameResize, EncodeSize(size.Rows, size.Columns)) != nil {
						return
					}
				case <-ctx.Done():
					return
				}
			}
		}()
	}
	exit, err := receive(answer, func(kind byte, payload []byte) error {
		switch kind {
		case FrameOutput:
			_, err := streams.Out.Write(payload)
			return err
		case FrameErrors:
			_, err := streams.Err.Write(payload)
			return err
		default:
			return fmt.Errorf("%w: kind %d from a worker", ErrFrame, kind)
		}
	})
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return exit.Code, err
}

// receive hands frames on until the session's exit.
func receive(r io.Reader, take func(kind byte, payload []byte) error) (Exit, error) {
	buf := make([]byte, MaxFrame)
	for {
		kind, payload, err := ReadFrame(r, buf)
		if errors.Is(err, ErrFrame) {
			return Exit{}, err
		}
		if err != nil {
			return Exit{}, fmt.Errorf("%w: %w", ErrBroken, err)
		}
		if kind != FrameExit {
			if err := take(kind, payload); err != nil {
				return Exit{}, err
			}
			continue
		}
		var exit Exit
		if err := json.Unmarshal(payload, &exit); err != nil {
			return exit, fmt.Errorf("%w: exit: %w", ErrFrame, err)
		}
		if exit.Error != nil {
			return exit, exit.Error
		}
		return exit, nil
	}
}

// Forward joins a connection to a port inside a service until both sides have ended, and closes it. ready, if not nil, is called when
// the port has taken the connection.
func (c *Client) Forward(ctx context.Context, lease, service string, port uint16, conn net.Conn, ready func()) error {
	defer conn.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	q := url.Values{"service": {service}, "port": {strconv.Itoa(int(port))}}
	s, answer, err := c.open(ctx, leasePath(lease, "forward", q), nil)
	if err != nil {
		return err
	}
	defer answer.Close()
	defer s.w.Close()
	if ready != nil {
		ready()
	}
	go func() {
		if s.input(conn) != nil {
			cancel() // the near side broke
		}
	}()
	_, err = receive(answer, func(kind byte, payload []byte) error {
		switch kind {
		case FrameOutput:
			_, err := conn.Write(payload)
			return err
		case FrameOutputEnd:
			if half, ok := conn.(interface{ CloseWrite() error }); ok {
				return half.CloseWrite()
			}
			return conn.Close()
		default:
			return fmt.Errorf("%w: kind %d from a worker", ErrFrame, kind)
		}
	})
	return err
}

// PutFiles unpacks an archive whose names begin with name in a service: within path where that is a directory, else as path.
func (c *Client) PutFiles(ctx context.Context, lease, service, path, name string, tar io.Reader) (Copied, error) {
	q := url.Values{"service": {service}, "path": {path}, "name": {name}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, c.base+leasePath(lease, "files", q), tar)
	if err != nil {
		return Copied{}, fmt.Errorf("ask worker: %w", err)
	}
	body, err := c.roundTrip(req)
	if err != nil {
		return Copied{}, err
	}
	defer body.Close()
	var out Copied
	if err := json.NewDecoder(io.LimitReader(body, 64<<10)).Decode(&out); err != nil {
		return Copied{}, fmt.Errorf("decode answer of the worker: %w", err)
	}
	return out, nil
}

// GetFiles packs a path of a service; names in the archive begin with one element. The caller closes it. A stream that broke ends
// with another error than io.EOF.
func (c *Client) GetFiles(ctx context.Context, lease, service, path string) (io.ReadCloser, error) {
	return c.do(ctx, http.MethodGet, leasePath(lease, "files", url.Values{"service": {service}, "path": {path}}), nil)
}

func leasePath(lease, what string, q url.Values) string {
	return "/v1/leases/" + lease + "/" + what + "?" + q.Encode()
}
