// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/athnet/ath/offchain/chain"
	"github.com/athnet/ath/offchain/daemon"
	"github.com/athnet/ath/offchain/worker"
	"github.com/athnet/ath/offchain/worker/api"
	"github.com/athnet/ath/offchain/worker/machine"
	"github.com/athnet/ath/offchain/worker/runtime/docker"
)

func leaseCommand(a *app) *cobra.Command {
	list := &cobra.Command{
		Use: "list", Short: "List the leases that a running worker knows", Args: cobra.NoArgs, Example: "  ath-worker lease list --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), nodeWait)
			defer cancel()
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+a.Worker.Local+"/leases", nil)
			if err != nil {
				return fmt.Errorf("local %q: %w", a.Worker.Local, err)
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				return fmt.Errorf("no worker answers at %s: start it, or say where it is with --local: %w", a.Worker.Local, err)
			}
			defer resp.Body.Close()
			var leases []api.Status
			if err := json.NewDecoder(io.LimitReader(resp.Body, 64<<20)).Decode(&leases); err != nil {
				return fmt.Errorf("leases: %w", err)
			}
			return a.print(cmd, leases, func(w io.Writer) {
				for _, l := range leases {
					fmt.Fprintf(w, "%-60s %-20s %s\n", l.Lease, l.Phase, l.Detail)
					for _, s := range l.Services {
						fmt.Fprintf(w, "    %-20s %-10s exit %d, %d restarts\n", s.Name, s.State, s.ExitCode, s.Restarts)
					}
				}
			})
		},
	}
	cmd := &cobra.Command{Use: "lease", Short: "Look at leases, give notice to one"}
	cmd.AddCommand(list, reclaimCommand(a))
	return cmd
}

func healthCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "health", Short: "Say what is wrong with a running worker; exits 1 if anything serious is", Args: cobra.NoArgs, Example: "  ath-worker health --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			report, err := daemon.FetchHealth(cmd.Context(), a.Worker.Local, "--local")
			if err != nil {
				return err
			}
			if err := a.print(cmd, report, report.Print); err != nil {
				return err
			}
			if !report.Healthy {
				return errors.New("not healthy")
			}
			return nil
		},
	}
}

func versionCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Say what this program is", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			b := daemon.ReadBuild()
			return a.print(cmd, b, func(w io.Writer) { fmt.Fprintf(w, "ath-worker %s %s %s\n", b.Version, b.Commit, b.Go) })
		},
	}
}

// finding is one line of check.
type finding struct {
	What   string `json:"what"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
}

func checkCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "check", Short: "Check keys, node, clock, engine, ports and registration before start; exits 1 if something is missing", Args: cobra.NoArgs,
		Example: "  ath-worker check --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			found := a.check(cmd.Context())
			failed := 0
			for _, f := range found {
				if !f.OK {
					failed++
				}
			}
			if err := a.print(cmd, found, func(w io.Writer) {
				for _, f := range found {
					mark := "ok  "
					if !f.OK {
						mark = "FAIL"
					}
					fmt.Fprintf(w, "%s  %-14s %s\n", mark, f.What, f.Detail)
				}
			}); err != nil {
				return err
			}
			if failed > 0 {
				return fmt.Errorf("%d of %d checks failed", failed, len(found))
			}
			return nil
		},
	}
}

func (a *app) check(ctx context.Context) []finding {
	var out []finding
	note := func(what string, err error, detail string) {
		f := finding{What: what, OK: err == nil, Detail: detail}
		if err != nil {
			f.Detail = err.Error()
		}
		out = append(out, f)
	}
	note("configuration", a.Worker.Validate(), a.path(worker.FileConfig))
	key, err := a.workerKey()
	note("worker key", err, a.path(worker.FileWorkerKey))
	operator, oerr := a.operatorKey()
	detail := ""
	if oerr == nil {
		detail = operator.Address()
	}
	note("operator key", oerr, detail)
	rt, err := docker.New(ctx, docker.Config{
		Host: a.Worker.DockerHost, Worker: "check", NetworkMbps: a.Worker.NetworkMbps, Egress: docker.Mode(a.Worker.Egress), Disk: docker.Mode(a.Worker.DiskLimit), Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		note("engine", err, "")
	} else {
		detail, err = rt.Version(ctx)
		note("engine", err, detail)
		for _, guard := range rt.Guards() {
			if guard.Off {
				guard.Detail, guard.Err = "off, by this worker's configuration", nil
			}
			note(guard.Name, guard.Err, guard.Detail)
		}
		if err := rt.Close(); err != nil {
			note("engine", err, "")
		}
	}
	note("priority", machine.Prefer(), "this worker comes before workloads")
	note("gateway", free(ctx, a.Worker.Listen), "can listen on "+a.Worker.Listen)
	client, err := a.dial(ctx, 0)
	note("node", err, a.Worker.RPC)
	if err != nil {
		return out
	}
	defer client.Close()
	note("clock", skew(ctx, client), "agrees with block time")
	if key == nil || oerr != nil {
		return out
	}
	r, _, err := a.registrar(client, "")
	if err == nil {
		var view, ferr = r.Find(ctx)
		err, detail = ferr, fmt.Sprintf("container %d, %s", view.Container.Id, view.Status.State)
	}
	note("registration", err, detail)
	return out
}

// free says whether an address can be listened on, or a worker is already there.
func free(ctx context.Context, address string) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("listen on %s: %w; stop what uses it, or choose another address with --listen", address, err)
	}
	return l.Close()
}

// maxSkew is more than a slow network's blocks are behind.
const maxSkew = 30 * time.Second

func skew(ctx context.Context, client *chain.Client) error {
	head, err := client.Latest(ctx)
	if err != nil {
		return err
	}
	if d := time.Since(head.Time); d < -2*time.Second || d > maxSkew {
		return fmt.Errorf("this machine's clock is %s away from block time; synchronise it, or check that the network makes blocks", d.Round(time.Second))
	}
	return nil
}
