// SPDX-License-Identifier: Apache-2.0

package runtime

import (
	"context"
	"errors"
	"io"
	"net"
)

var (
	// ErrNotRunning: the instance exists and does not run now.
	ErrNotRunning = errors.New("instance does not run")
	// ErrNoPath: there is no such file or directory in the instance, or it can't be what was asked for.
	ErrNoPath = errors.New("no such path")
	// ErrStorage: the instance's storage takes no more, or can't be written to there.
	ErrStorage = errors.New("storage takes nothing")
	// ErrRefused: nothing takes connections on that port of the instance.
	ErrRefused = errors.New("port takes no connections")
	// ErrCommand: the command can't be run: the image has no such program, or it is none.
	ErrCommand = errors.New("command can't be run")
)

// Size is a terminal's.
type Size struct{ Rows, Columns uint16 }

// Process is a command to run beside an instance's own.
type Process struct {
	Command []string
	Env     []string // beside the instance's own
	// TTY gives it a terminal, of Size; its output is then all on Stdout.
	TTY  bool
	Size Size
	// Resize brings new sizes of the terminal; nil where it keeps its size.
	Resize <-chan Size
	// Stdin is empty where nil. Its end is the end of the command's input; that of a terminal's is typed (ctrl-D).
	Stdin          io.Reader
	Stdout, Stderr io.Writer
}

// Entrance opens ways into running instances.
type Entrance interface {
	// Exec runs a command in an instance, with its user, limits and isolation, and returns its exit code when it has ended and
	// its output is written. When ctx ends or output can't be written, the command and what it started are killed. A read
	// of Stdin may outlast the call: its owner closes it. ErrNotFound, ErrNotRunning, ErrCommand.
	Exec(ctx context.Context, key Key, p Process) (int, error)
	// Dial connects to a TCP port inside an instance, published or not, on whatever address of it takes connections; the
	// connection has CloseWrite. ErrNotFound, ErrNotRunning, ErrRefused.
	Dial(ctx context.Context, key Key, port uint16) (net.Conn, error)
	// Reap kills what Exec left in instances before this process: a worker that was killed could not.
	Reap(ctx context.Context) error
}

// Files moves files in and out of instances, running or not.
type Files interface {
	// IsDir says whether an absolute path, symbolic links followed, is a directory. ErrNoPath where there is none.
	IsDir(ctx context.Context, key Key, path string) (bool, error)
	// CopyIn unpacks a tar stream into an existing directory, as the instance's user. Nothing of it can lead out of the instance.
	CopyIn(ctx context.Context, key Key, dir string, tar io.Reader) error
	// CopyOut packs a path into a tar stream; its entries begin with the last element of the path. The caller closes it.
	CopyOut(ctx context.Context, key Key, path string) (io.ReadCloser, error)
}
