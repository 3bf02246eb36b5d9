// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/athnet/ath/offchain/access"
	"github.com/athnet/ath/offchain/deploy"
	"github.com/athnet/ath/offchain/worker/api"
)

// remoteError is how a remote command ended; there is nothing to say about it.
type remoteError int

func (e remoteError) Error() string {
	return fmt.Sprintf("the command ended with exit code %d", int(e))
}
func (e remoteError) ExitCode() int { return int(e) }

// unknownExit is the exit code where nobody knows how the remote command ended.
const unknownExit = 255

// lostError is a session that ended before its command did.
type lostError struct{ error }

func (e lostError) Unwrap() error { return e.error }
func (e lostError) ExitCode() int { return unknownExit }

func leaseExecCommand() *cobra.Command {
	var stdin, tty bool
	cmd := withTenant(&cobra.Command{
		Use:   "exec LEASE [SERVICE] [-i] [-t] -- COMMAND [ARG…]",
		Short: "Run a command in a workload",
		Long: "Run a command in a service of a lease, beside what runs there, with its user and within its limits. Its exit code is this command's;\n" +
			"255 means that it is not known. The command is killed when the connection breaks or the lease ends.",
		Example: "  athd lease exec 1 -- /app/migrate --dry-run\n  athd lease exec 1 web -it -- /bin/bash\n  athd lease exec 1 -i -- tar xf - -C /data < data.tar",
		Args:    checkExecArgs,
	}, func(cmd *cobra.Command, t *tenant, args []string, _ bool) error {
		dash := cmd.ArgsLenAtDash()
		return runIn(cmd, t, args[:dash], args[dash:], stdin, tty)
	})
	f := cmd.Flags()
	f.BoolVarP(&stdin, "stdin", "i", false, "hand this command's input on")
	f.BoolVarP(&tty, "tty", "t", false, "give the command a terminal")
	return cmd
}

func checkExecArgs(cmd *cobra.Command, args []string) error {
	dash := cmd.ArgsLenAtDash()
	switch {
	case dash < 0 || dash == len(args):
		return errors.New("no command; write it behind --, such as: athd lease exec 1 -- ls /")
	case dash < 1 || dash > 2:
		return errors.New("want LEASE or LEASE SERVICE before --, such as: athd lease exec 1 web -- ls /")
	}
	return nil
}

// shell takes bash where there is one.
var shell = []string{"/bin/sh", "-c", "if command -v bash >/dev/null 2>&1; then exec bash; else exec sh; fi"}

func leaseShellCommand() *cobra.Command {
	return withTenant(&cobra.Command{
		Use:     "shell LEASE [SERVICE]",
		Short:   "Open a shell in a workload: bash, or sh where there is none",
		Example: "  athd lease shell 1\n  athd lease shell 1 web",
		Args:    cobra.RangeArgs(1, 2),
	}, func(cmd *cobra.Command, t *tenant, args []string, _ bool) error {
		return runIn(cmd, t, args, shell, true, true)
	})
}

// terminalOf returns the descriptor of a terminal, if a stream is one.
func terminalOf(stream any) (int, bool) {
	f, ok := stream.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	return int(f.Fd()), true
}

// runIn runs a command in the service that target (LEASE [SERVICE]) names.
func runIn(cmd *cobra.Command, t *tenant, target, command []string, stdin, tty bool) (err error) {
	id, err := t.leaseID(target[0])
	if err != nil {
		return err
	}
	service := ""
	if len(target) > 1 {
		service = target[1]
	}
	container, err := t.containerOf(cmd.Context(), id)
	if err != nil {
		return err
	}
	client, err := t.Worker(container, access.ScopeExec)
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	start := api.Start{Command: command, TTY: tty}
	streams := api.Streams{Out: cmd.OutOrStdout(), Err: cmd.ErrOrStderr()}
	if stdin {
		streams.In = cmd.InOrStdin()
	}
	if tty {
		start.Term = os.Getenv("TERM")
		leave, err := useTerminal(ctx, cmd, &start, &streams)
		if err != nil {
			return err
		}
		defer leave()
	}
	code, err := client.Exec(ctx, id.String(), service, start, streams)
	if err != nil {
		return lostError{sessionProblem(err)}
	}
	if code != 0 {
		return remoteError(code)
	}
	return nil
}

// useTerminal joins the local terminal to the remote one, if there is one here. Without, a script's input is typed, and its end is
// the terminal's.
func useTerminal(ctx context.Context, cmd *cobra.Command, start *api.Start, streams *api.Streams) (leave func(), err error) {
	fd, ok := terminalOf(cmd.InOrStdin())
	if !ok || streams.In == nil {
		if streams.In != nil {
			streams.In = io.MultiReader(streams.In, endOfInput())
		}
		return func() {}, nil
	}
	sized := fd
	if out, ok := terminalOf(cmd.OutOrStdout()); ok {
		sized = out
	}
	size := func() api.Size {
		columns, rows, err := term.GetSize(sized)
		if err != nil {
			return api.Size{}
		}
		return api.Size{Rows: uint16(rows), Columns: uint16(columns)}
	}
	now := size()
	start.Rows, start.Columns = now.Rows, now.Columns
	before, err := term.MakeRaw(fd)
	if err != nil {
		return nil, fmt.Errorf("use the terminal: %w; leave -t away where there is none", err)
	}
	resize, changed := make(chan api.Size), make(chan os.Signal, 1)
	signal.Notify(changed, syscall.SIGWINCH)
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		for {
			select {
			case <-changed:
			case <-ctx.Done():
				return
			}
			select {
			case resize <- size():
			case <-ctx.Done():
				return
			}
		}
	}()
	streams.Resize = resize
	return func() {
		cancel()
		signal.Stop(changed)
		_ = term.Restore(fd, before) // the command is over; the shell puts its own settings
	}, nil
}

// endOfInput is ctrl-D: a terminal's input has no other end.
func endOfInput() io.Reader { return &oneByte{4} }

type oneByte struct{ b byte }

func (o *oneByte) Read(p []byte) (int, error) {
	if o.b == 0 || len(p) == 0 {
		return 0, io.EOF
	}
	p[0], o.b = o.b, 0
	return 1, nil
}

// sessionProblem says what to do about a session that did not come to its end.
func sessionProblem(err error) error {
	var answer *api.Error
	switch {
	case errors.As(err, &answer):
		return answer
	case errors.Is(err, context.Canceled):
		return errors.New("interrupted")
	case errors.Is(err, access.ErrWrongKey):
		return err
	default:
		return &deploy.Problem{Text: "the connection to the worker broke", Remedy: "try again; athd lease status says whether the lease still runs", Err: err}
	}
}
