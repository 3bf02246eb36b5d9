// SPDX-License-Identifier: Apache-2.0

package runtimetest

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/offchain/worker/runtime"
)

// Collector takes a command's output and lets a test wait for some of it.
type Collector struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write implements io.Writer.
func (c *Collector) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.buf.Write(b)
}

func (c *Collector) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.buf.String()
}

// Await waits until the output holds a text.
func (c *Collector) Await(t testing.TB, text string) {
	t.Helper()
	require.Eventually(t, func() bool { return strings.Contains(c.String(), text) }, patience, 10*time.Millisecond, "%s", text)
}

func do(what string) []string { return []string{"/subject", "do", what} }

// sessions is the part of the contract about ways into instances.
func sessions(t *testing.T, s Subject, one runtime.Spec) {
	r := s.Runtime
	one.Env = []string{"DO=echo", "PORT=7007", "COLOUR=blue"}
	t.Cleanup(func() { require.NoError(t, r.Remove(context.Background(), one.Lease)) })
	require.NoError(t, r.Pull(t.Context(), one.Image, nil))
	none := runtime.Key{Lease: "ath1none/1", Service: "web"}
	for _, key := range []runtime.Key{none, one.Key} {
		want := runtime.ErrNotFound
		if key == one.Key {
			require.NoError(t, r.Create(t.Context(), one))
			want = runtime.ErrNotRunning
		}
		_, err := r.Exec(t.Context(), key, runtime.Process{Command: do("cat")})
		require.ErrorIs(t, err, want)
		_, err = r.Dial(t.Context(), key, 7007)
		require.ErrorIs(t, err, want)
	}
	_, err := r.IsDir(t.Context(), none, "/")
	require.ErrorIs(t, err, runtime.ErrNotFound)
	require.NoError(t, r.Start(t.Context(), one.Key))

	t.Run("exec", func(t *testing.T) {
		var out, errs Collector
		code, err := r.Exec(t.Context(), one.Key, runtime.Process{Command: do("cat"), Stdin: strings.NewReader("to and fro\n"), Stdout: &out, Stderr: &errs})
		require.NoError(t, err)
		require.Equal(t, []any{3, "to and fro\n", "end\n"}, []any{code, out.String(), errs.String()})
		big := strings.Repeat("0123456789abcdef", 1<<16)
		var all Collector
		code, err = r.Exec(t.Context(), one.Key, runtime.Process{Command: do("cat"), Stdin: strings.NewReader(big), Stdout: &all, Stderr: &errs})
		require.NoError(t, err)
		require.Equal(t, 3, code)
		require.True(t, big == all.String(), "a megabyte comes back whole, have %d bytes", len(all.String()))
		var none Collector
		code, err = r.Exec(t.Context(), one.Key, runtime.Process{Command: do("cat"), Stdout: &none, Stderr: &none})
		require.NoError(t, err)
		require.Equal(t, []any{3, "end\n"}, []any{code, none.String()}, "no input is an end of input")
		var env Collector
		_, err = r.Exec(t.Context(), one.Key, runtime.Process{Command: do("env"), Env: []string{"TERM=vt100"}, Stdout: &env, Stderr: &env})
		require.NoError(t, err)
		require.Contains(t, env.String(), "TERM=vt100\n")
		_, err = r.Exec(t.Context(), one.Key, runtime.Process{Command: []string{"/no/such/program"}, Stdout: &env, Stderr: &env})
		require.ErrorIs(t, err, runtime.ErrCommand)
	})
	t.Run("exec with a terminal", func(t *testing.T) {
		var out Collector
		in, type_ := io.Pipe()
		resize, ended := make(chan runtime.Size), make(chan error, 1)
		go func() {
			code, err := r.Exec(t.Context(), one.Key, runtime.Process{
				Command: do("size"), TTY: true, Size: runtime.Size{Rows: 31, Columns: 77}, Resize: resize, Stdin: in, Stdout: &out, Stderr: io.Discard,
			})
			if err == nil && code != 0 {
				out.Await(t, "exit code 0")
			}
			ended <- err
		}()
		out.Await(t, "31 x 77\r\n")
		resize <- runtime.Size{Rows: 50, Columns: 132}
		out.Await(t, "50 x 132\r\n")
		if s.Real {
			_, err := type_.Write([]byte("\n"))
			require.NoError(t, err)
		}
		require.NoError(t, type_.Close())
		require.NoError(t, <-ended)
		var script Collector
		code, err := r.Exec(t.Context(), one.Key, runtime.Process{Command: do("size"), TTY: true, Stdin: strings.NewReader("x\n"), Stdout: &script, Stderr: io.Discard})
		require.NoError(t, err)
		require.Zero(t, code)
		require.Contains(t, script.String(), " x ", "input that ends first takes no output away")
	})
	t.Run("a command ends with its context", func(t *testing.T) {
		for _, tty := range []bool{false, true} {
			ctx, cancel := context.WithCancel(t.Context())
			var out Collector
			ended := make(chan error, 1)
			go func() {
				_, err := r.Exec(ctx, one.Key, runtime.Process{Command: do("sleep"), TTY: tty, Stdout: &out, Stderr: &out})
				ended <- err
			}()
			out.Await(t, "asleep")
			cancel()
			select {
			case err := <-ended:
				require.ErrorIs(t, err, context.Canceled)
			case <-time.After(patience):
				t.Fatal("exec goes on")
			}
		}
		if s.Alone != nil {
			require.Eventually(t, func() bool { return s.Alone(t, one.Key) }, patience, 20*time.Millisecond, "the command and its child are gone")
		}
	})
	t.Run("a command ends when nobody takes its output", func(t *testing.T) {
		_, err := r.Exec(t.Context(), one.Key, runtime.Process{Command: do("flood"), Stdout: closed{}, Stderr: closed{}})
		require.ErrorIs(t, err, io.ErrClosedPipe)
		if s.Alone != nil {
			require.Eventually(t, func() bool { return s.Alone(t, one.Key) }, patience, 20*time.Millisecond)
		}
	})
	t.Run("dial", func(t *testing.T) {
		var conn net.Conn
		require.Eventually(t, func() bool {
			var err error
			conn, err = r.Dial(t.Context(), one.Key, 7007)
			return err == nil
		}, patience, 20*time.Millisecond)
		defer conn.Close()
		_, err := conn.Write([]byte("ping"))
		require.NoError(t, err)
		got := make([]byte, 4)
		_, err = io.ReadFull(conn, got)
		require.NoError(t, err)
		require.Equal(t, "ping", string(got))
		require.NoError(t, conn.(interface{ CloseWrite() error }).CloseWrite())
		rest, err := io.ReadAll(conn)
		require.NoError(t, err)
		require.Empty(t, rest)
		_, err = r.Dial(t.Context(), one.Key, 7008)
		require.ErrorIs(t, err, runtime.ErrRefused)
	})
	t.Run("files", func(t *testing.T) {
		var wire bytes.Buffer
		w := tar.NewWriter(&wire)
		require.NoError(t, w.WriteHeader(&tar.Header{Name: "d/", Typeflag: tar.TypeDir, Mode: 0o755}))
		require.NoError(t, w.WriteHeader(&tar.Header{Name: "d/f", Typeflag: tar.TypeReg, Mode: 0o644, Size: 4}))
		_, err := w.Write([]byte("text"))
		require.NoError(t, err)
		require.NoError(t, w.Close())
		require.NoError(t, r.CopyIn(t.Context(), one.Key, "/tmp", &wire))
		for path, want := range map[string]bool{"/": true, "/tmp": true, "/tmp/d": true, "/tmp/d/f": false} {
			isDir, err := r.IsDir(t.Context(), one.Key, path)
			require.NoError(t, err)
			require.Equal(t, want, isDir, path)
		}
		_, err = r.IsDir(t.Context(), one.Key, "/none")
		require.ErrorIs(t, err, runtime.ErrNoPath)
		_, err = r.CopyOut(t.Context(), one.Key, "/none")
		require.ErrorIs(t, err, runtime.ErrNoPath)
		for path, want := range map[string]string{"/tmp/d": "d/ d/f=text", "/tmp/d/f": "f=text"} {
			out, err := r.CopyOut(t.Context(), one.Key, path)
			require.NoError(t, err)
			require.Equal(t, want, listing(t, out), path)
			require.NoError(t, out.Close())
		}
	})
	t.Run("reap", func(t *testing.T) {
		require.NoError(t, r.Reap(t.Context()))
		require.Equal(t, runtime.StateRunning, get(t, r, one.Key).State, "the instance's own process stays")
	})
}

type closed struct{}

func (closed) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func listing(t testing.TB, r io.Reader) string {
	t.Helper()
	var out []string
	for in := tar.NewReader(r); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return strings.Join(out, " ")
		}
		require.NoError(t, err)
		text, err := io.ReadAll(in)
		require.NoError(t, err)
		line := h.Name
		if h.Typeflag == tar.TypeReg {
			line += "=" + string(text)
		}
		out = append(out, line)
	}
}
