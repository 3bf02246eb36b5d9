// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/athnet/ath/offchain/access"
	"github.com/athnet/ath/offchain/deploy"
	"github.com/athnet/ath/offchain/worker/api"
	"github.com/athnet/ath/offchain/worker/pack"
	leases "github.com/athnet/ath/x/leases/types"
)

func leaseCopyCommand() *cobra.Command {
	cmd := withTenant(&cobra.Command{
		Use:   "cp SRC DST",
		Short: "Copy files and directories into or out of a workload",
		Long: "Copy a file or directory, as cp -r does: into DST where that is a directory, else under its name. One side is in a workload:\n" +
			"LEASE:/path, or LEASE:SERVICE:/path where there are several services. Files that come out touch nothing but DST; links that lead\n" +
			"out of it are left out. Files that go in belong to the service's user. A copy that breaks off is partly there: copy it again.",
		Example: "  athd lease cp ./data 1:/data                 # becomes /data/data where /data is a directory\n" +
			"  athd lease cp 1:web:/var/log/app.log .\n  athd lease cp 1:/results ./results --output json",
		Args: cobra.ExactArgs(2),
	}, func(cmd *cobra.Command, t *tenant, args []string, asJSON bool) error {
		from, fromRemote := parseRemote(args[0])
		to, toRemote := parseRemote(args[1])
		if fromRemote == toRemote {
			return errors.New("one of SRC and DST must be in a workload: LEASE:/path or LEASE:SERVICE:/path; a local path that looks so is written ./1:/x")
		}
		ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		side, copyOne := from, download
		local := args[1]
		if toRemote {
			side, copyOne, local = to, upload, args[0]
		}
		id, err := t.leaseID(side.lease)
		if err != nil {
			return err
		}
		container, err := t.containerOf(ctx, id)
		if err != nil {
			return err
		}
		client, err := t.Worker(container, access.ScopeFiles)
		if err != nil {
			return err
		}
		defer client.Close()
		moved := newProgress(cmd.ErrOrStderr())
		result, err := copyOne(ctx, client, id, side, local, moved)
		moved.stop()
		if err != nil {
			return err
		}
		for _, line := range result.Skipped {
			fmt.Fprintf(cmd.ErrOrStderr(), "athd: left out %s\n", line)
		}
		if asJSON {
			return printJSON(cmd.OutOrStdout(), result)
		}
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "copied %d entries, %s, to %s\n", result.Files, sizeOf(result.Bytes), result.Path)
		return err
	})
	return cmd
}

// copyResult is the answer of `lease cp`.
type copyResult struct {
	Path    string   `json:"path"`
	Files   int      `json:"files"`
	Bytes   int64    `json:"bytes"`
	Skipped []string `json:"skipped,omitempty"`
}

// remotePath is LEASE:/path or LEASE:SERVICE:/path.
type remotePath struct{ lease, service, path string }

var remoteForm = regexp.MustCompile(`^([0-9]+|[a-z0-9]+/[0-9]+):(?:([a-z0-9][a-z0-9.-]*):)?(/.*)$`)

func parseRemote(s string) (remotePath, bool) {
	m := remoteForm.FindStringSubmatch(s)
	if m == nil {
		return remotePath{}, false
	}
	return remotePath{m[1], m[2], m[3]}, true
}

func upload(ctx context.Context, client *api.Client, id leases.LeaseID, to remotePath, local string, moved *progress) (copyResult, error) {
	if _, err := os.Stat(local); err != nil {
		return copyResult{}, &deploy.Problem{Text: fmt.Sprintf("%q can't be copied", local), Remedy: "give a file or directory of this machine", Err: err}
	}
	full, err := filepath.Abs(local)
	if err != nil {
		return copyResult{}, err
	}
	name := filepath.Base(full)
	if name == string(filepath.Separator) {
		return copyResult{}, errors.New("all of this machine can't be copied; name a directory")
	}
	archive, w := io.Pipe()
	type packed struct {
		sum pack.Sum
		err error
	}
	done := make(chan packed, 1)
	go func() {
		sum, err := pack.Pack(w, full, name)
		w.CloseWithError(err)
		done <- packed{sum, err}
	}()
	got, err := client.PutFiles(ctx, id.String(), to.service, to.path, name, moved.reader(archive))
	_ = archive.CloseWithError(io.ErrClosedPipe) // always nil
	p := <-done
	if p.err != nil && !errors.Is(p.err, io.ErrClosedPipe) {
		return copyResult{}, p.err // the cause, of which the worker saw the effect
	}
	if err != nil {
		return copyResult{}, sessionProblem(err)
	}
	return copyResult{Path: got.Path, Files: got.Files, Bytes: got.Bytes, Skipped: p.sum.Skipped}, nil
}

func download(ctx context.Context, client *api.Client, id leases.LeaseID, from remotePath, local string, moved *progress) (copyResult, error) {
	dst, err := destination(local, from)
	if err != nil {
		return copyResult{}, err
	}
	stream, err := client.GetFiles(ctx, id.String(), from.service, from.path)
	if err != nil {
		return copyResult{}, sessionProblem(err)
	}
	defer stream.Close()
	sum, err := pack.Unpack(moved.reader(stream), dst)
	if err == nil {
		// What follows the archive tells whether the worker sent it whole.
		_, err = io.Copy(io.Discard, io.LimitReader(stream, 1<<20))
	}
	if err != nil {
		var path *fs.PathError
		if errors.Is(err, pack.ErrUnsafe) || errors.Is(err, pack.ErrTooLarge) || errors.As(err, &path) {
			return copyResult{}, err
		}
		return copyResult{}, sessionProblem(err)
	}
	return copyResult{Path: dst, Files: sum.Files, Bytes: sum.Bytes, Skipped: sum.Skipped}, nil
}

// destination is what a copy becomes here: within a directory that is there, else by its new name.
func destination(local string, from remotePath) (string, error) {
	name := path.Base(path.Clean(from.path))
	if name == "/" {
		name = "root"
	}
	info, err := os.Stat(local)
	switch {
	case err == nil && info.IsDir():
		return filepath.Join(local, name), nil
	case err == nil:
		return local, nil
	case errors.Is(err, fs.ErrNotExist) && !strings.HasSuffix(local, string(filepath.Separator)):
		if _, err := os.Stat(filepath.Dir(local)); err == nil {
			return local, nil
		}
	}
	return "", &deploy.Problem{Text: fmt.Sprintf("there is no directory for %q", local), Remedy: "make it first", Err: err}
}

// progress shows a person how much has been moved.
type progress struct {
	bytes atomic.Int64
	done  chan struct{}
	ended chan struct{}
}

func newProgress(talk io.Writer) *progress {
	p := &progress{done: make(chan struct{}), ended: make(chan struct{})}
	_, person := terminalOf(talk)
	go func() {
		defer close(p.ended)
		tick := time.NewTicker(250 * time.Millisecond)
		defer tick.Stop()
		begin, shown := time.Now(), false
		for {
			select {
			case <-tick.C:
				if !person {
					continue
				}
				shown = true
				n := p.bytes.Load()
				fmt.Fprintf(talk, "\r\x1b[K%s, %s/s", sizeOf(n), sizeOf(int64(float64(n)/time.Since(begin).Seconds())))
			case <-p.done:
				if shown {
					fmt.Fprint(talk, "\r\x1b[K")
				}
				return
			}
		}
	}()
	return p
}

func (p *progress) stop() {
	close(p.done)
	<-p.ended
}

func (p *progress) reader(r io.Reader) io.Reader { return &counted{r, p} }

type counted struct {
	io.Reader
	p *progress
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.p.bytes.Add(int64(n))
	return n, err
}

// sizeOf writes bytes as people say them.
func sizeOf(n int64) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	value, units := float64(n), "KMGTPE"
	for i := range units {
		if value /= unit; value < unit || i == len(units)-1 {
			return fmt.Sprintf("%.1f %ciB", value, units[i])
		}
	}
	return ""
}
