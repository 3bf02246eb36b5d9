// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/athnet/ath/offchain/worker/runtime"
)

// running returns an instance that runs.
func (r *Runtime) running(operation string, key runtime.Key) (*instance, error) {
	if err := r.enter(operation); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	i, ok := r.instances[key]
	switch {
	case !ok:
		return nil, runtime.ErrNotFound
	case i.State != runtime.StateRunning:
		return nil, runtime.ErrNotRunning
	}
	return i, nil
}

// Exec implements runtime.Entrance for the commands of the suite's test program; /bin/sh is there, and reads its input.
func (r *Runtime) Exec(ctx context.Context, key runtime.Key, p runtime.Process) (int, error) {
	if _, err := r.running("exec", key); err != nil {
		return 0, err
	}
	r.mu.Lock()
	r.processes++
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		r.processes--
		r.mu.Unlock()
	}()
	// As with an engine, a read of Stdin may outlast the call.
	in, feed := io.Pipe()
	defer in.Close()
	if p.Stdin == nil {
		feed.Close()
	} else {
		go func() {
			_, err := io.Copy(feed, p.Stdin)
			feed.CloseWithError(err)
		}()
	}
	stop := context.AfterFunc(ctx, func() { in.CloseWithError(ctx.Err()) })
	defer stop()
	code, err := act(ctx, p, in)
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	return code, err
}

func act(ctx context.Context, p runtime.Process, in io.Reader) (int, error) {
	switch words := strings.Join(p.Command, " "); {
	case words == "/subject do cat", p.Command[0] == "/bin/sh":
		if _, err := io.Copy(p.Stdout, in); err != nil {
			return 0, err
		}
		out := p.Stderr
		if p.TTY {
			out = p.Stdout
		}
		_, err := io.WriteString(out, "end\n")
		return 3, err
	case words == "/subject do env":
		_, err := fmt.Fprintln(p.Stdout, strings.Join(p.Env, "\n"))
		return 0, err
	case words == "/subject do size":
		fmt.Fprintf(p.Stdout, "%d x %d\r\n", p.Size.Rows, p.Size.Columns)
		ended := make(chan struct{})
		go func() { _, _ = io.Copy(io.Discard, in); close(ended) }()
		for {
			select {
			case s := <-p.Resize:
				fmt.Fprintf(p.Stdout, "%d x %d\r\n", s.Rows, s.Columns)
			case <-ended:
				return 0, nil
			}
		}
	case words == "/subject do sleep":
		_, err := io.WriteString(p.Stdout, "asleep\n")
		if err == nil {
			<-ctx.Done()
		}
		return 0, err
	case words == "/subject do flood":
		for {
			if _, err := p.Stdout.Write(make([]byte, 8<<10)); err != nil {
				return 0, err
			}
			if ctx.Err() != nil {
				return 0, ctx.Err()
			}
		}
	default:
		return 0, fmt.Errorf("%w: %s: not found", runtime.ErrCommand, p.Command[0])
	}
}

// Processes is how many commands run beside instances.
func (r *Runtime) Processes() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.processes
}

// Dial implements runtime.Entrance: an instance with DO=echo in its environment sends back what comes on the port PORT;
// one with DIAL8080=address leads to what listens at the address.
func (r *Runtime) Dial(_ context.Context, key runtime.Key, port uint16) (net.Conn, error) {
	i, err := r.running("dial", key)
	if err != nil {
		return nil, err
	}
	for _, e := range i.spec.Env {
		if at, ok := strings.CutPrefix(e, fmt.Sprintf("DIAL%d=", port)); ok {
			return net.Dial("tcp", at)
		}
	}
	if !slices.Contains(i.spec.Env, "DO=echo") || !slices.Contains(i.spec.Env, fmt.Sprintf("PORT=%d", port)) {
		return nil, fmt.Errorf("%w: %d", runtime.ErrRefused, port)
	}
	near, far := pipe(), pipe()
	go func() {
		_, err := io.Copy(far, near)
		_ = far.CloseWithError(err) // always nil
	}()
	return &conn{in: far, out: near}, nil
}

// Reap implements runtime.Entrance.
func (r *Runtime) Reap(context.Context) error { return r.enter("reap") }

// conn is both directions of a connection whose ends close apart.
type conn struct {
	net.Conn // for what nobody calls
	in, out  *pipeEnd
}

func (c *conn) Read(b []byte) (int, error)  { return c.in.Read(b) }
func (c *conn) Write(b []byte) (int, error) { return c.out.Write(b) }
func (c *conn) CloseWrite() error           { return c.out.CloseWithError(nil) }
func (c *conn) Close() error {
	return errors.Join(c.in.CloseWithError(net.ErrClosed), c.out.CloseWithError(net.ErrClosed))
}

// pipeEnd is an io.Pipe with both ends in one.
type pipeEnd struct {
	*io.PipeReader
	w *io.PipeWriter
}

func pipe() *pipeEnd {
	r, w := io.Pipe()
	return &pipeEnd{PipeReader: r, w: w}
}

func (p *pipeEnd) Write(b []byte) (int, error) { return p.w.Write(b) }

// CloseWithError ends the pipe for its reader; nil is a regular end.
func (p *pipeEnd) CloseWithError(err error) error {
	if err != nil {
		_ = p.PipeReader.CloseWithError(err) // always nil
	}
	return p.w.CloseWithError(err)
}

// files of an instance: text by path, directories end in a slash.
type files struct {
	mu sync.Mutex
	at map[string][]byte
}

func (r *Runtime) filesOf(operation string, key runtime.Key) (*files, error) {
	if err := r.enter(operation); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	i, ok := r.instances[key]
	if !ok {
		return nil, runtime.ErrNotFound
	}
	if i.files == nil {
		i.files = &files{at: map[string][]byte{"/": nil, "/tmp/": nil}}
	}
	return i.files, nil
}

// IsDir implements runtime.Files.
func (r *Runtime) IsDir(_ context.Context, key runtime.Key, name string) (bool, error) {
	f, err := r.filesOf("stat", key)
	if err != nil {
		return false, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := f.at[strings.TrimSuffix(name, "/")+"/"]; ok {
		return true, nil
	}
	if _, ok := f.at[name]; ok {
		return false, nil
	}
	return false, fmt.Errorf("%w: %s", runtime.ErrNoPath, name)
}

// CopyIn implements runtime.Files.
func (r *Runtime) CopyIn(_ context.Context, key runtime.Key, dir string, in io.Reader) error {
	f, err := r.filesOf("copy in", key)
	if err != nil {
		return err
	}
	for read := tar.NewReader(in); ; {
		h, err := read.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		text, err := io.ReadAll(read)
		if err != nil {
			return err
		}
		name := path.Join(dir, h.Name)
		if h.Typeflag == tar.TypeDir {
			name += "/"
		}
		f.mu.Lock()
		f.at[name] = text
		f.mu.Unlock()
	}
}

// CopyOut implements runtime.Files.
func (r *Runtime) CopyOut(ctx context.Context, key runtime.Key, from string) (io.ReadCloser, error) {
	isDir, err := r.IsDir(ctx, key, from)
	if err != nil {
		return nil, err
	}
	f, err := r.filesOf("copy out", key)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	var names []string
	for name := range f.at {
		if name == from || isDir && strings.HasPrefix(name, strings.TrimSuffix(from, "/")+"/") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		h := &tar.Header{Name: path.Base(from) + strings.TrimPrefix(name, strings.TrimSuffix(from, "/")), Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(f.at[name]))}
		if strings.HasSuffix(name, "/") {
			h.Typeflag, h.Mode = tar.TypeDir, 0o755
		}
		if err := w.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.at[name]); err != nil {
			return nil, err
		}
	}
	return io.NopCloser(&out), w.Close()
}
