// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/cosmos/cosmos-sdk/types/query"

	"github.com/athnet/ath/offchain/access"
	"github.com/athnet/ath/offchain/deploy"
	"github.com/athnet/ath/offchain/worker/api"
	leases "github.com/athnet/ath/x/leases/types"
	providers "github.com/athnet/ath/x/providers/types"
)

// leaseCommand holds what a tenant does with leases.
func leaseCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "lease", Short: "Look at your leases, work in them, close them", RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	cmd.AddCommand(leaseListCommand(), leaseStatusCommand(), leaseLogsCommand(), leaseEventsCommand(), leaseMetricsCommand(), leaseCloseCommand(),
		leaseDomainCommand(), leaseCertificateCommand(), leaseExecCommand(), leaseShellCommand(), leaseForwardCommand(), leaseCopyCommand(),
		leaseUpdateCommand(), leaseResizeCommand(), leaseFailoverCommand(), leaseResumeCommand(), leaseReceiptCommand())
	completeLeases(cmd)
	return cmd
}

// withTenant makes a command that runs connected.
func withTenant(cmd *cobra.Command, fn func(cmd *cobra.Command, t *tenant, args []string, asJSON bool) error) *cobra.Command {
	addTenantFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		asJSON, err := wantsJSON(cmd)
		if err != nil {
			return err
		}
		t, err := openTenant(cmd)
		if err != nil {
			return err
		}
		defer t.close()
		return fn(cmd, t, args, asJSON)
	}
	return cmd
}

// listed is one line of `lease list`.
type listed struct {
	ID          string    `json:"lease_id"`
	State       string    `json:"state"`
	ContainerID uint64    `json:"container_id"`
	PerHour     string    `json:"per_hour"`
	Rate        string    `json:"rate"`
	Billed      string    `json:"billed"`
	Created     time.Time `json:"created_at"`
	Ended       time.Time `json:"ended_at,omitzero"`
	// Mode is on-demand or reserved.
	Mode string `json:"mode"`
	// EndsAt is the agreed end, ReclaimAt when the provider takes the Container back.
	EndsAt    *time.Time `json:"ends_at,omitempty"`
	ReclaimAt *time.Time `json:"reclaim_at,omitempty"`
}

// ends says when a lease ends, for people.
func (l listed) ends() string {
	switch {
	case !l.Ended.IsZero():
		return l.Ended.UTC().Format(time.RFC3339)
	case l.ReclaimAt != nil && (l.EndsAt == nil || l.ReclaimAt.Before(*l.EndsAt)):
		return l.ReclaimAt.UTC().Format(time.RFC3339) + " (taken back)"
	case l.EndsAt != nil:
		return l.EndsAt.UTC().Format(time.RFC3339)
	}
	return "-"
}

func leaseListCommand() *cobra.Command {
	var closed bool
	cmd := withTenant(&cobra.Command{
		Use:     "list",
		Short:   "List your open leases",
		Example: "  athd lease list\n  athd lease list --closed --output json",
		Args:    cobra.NoArgs,
	}, func(cmd *cobra.Command, t *tenant, _ []string, asJSON bool) error {
		lines, err := listLeases(cmd.Context(), t, closed)
		if err != nil {
			return err
		}
		if asJSON {
			return printJSON(cmd.OutOrStdout(), lines)
		}
		w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "LEASE\tSTATE\tMODE\tCONTAINER\tPRICE\tBILLED\tSINCE\tENDS")
		for _, l := range lines {
			fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\t%s\t%s\t%s\n", l.ID, l.State, l.Mode, l.ContainerID, l.PerHour, l.Billed, l.Created.UTC().Format(time.RFC3339), l.ends())
		}
		return w.Flush()
	})
	cmd.Flags().BoolVar(&closed, "closed", false, "list closed leases too")
	return cmd
}

func listLeases(ctx context.Context, t *tenant, closed bool) ([]listed, error) {
	q := leases.NewQueryClient(t.node.Conn())
	lines := []listed{}
	for page := (&query.PageRequest{Limit: 200}); ; {
		resp, err := q.Leases(ctx, &leases.QueryLeasesRequest{Tenant: t.signer.address, Pagination: page})
		if err != nil {
			return nil, fmt.Errorf("list leases: %w", err)
		}
		for _, l := range resp.Leases {
			lines = append(lines, listed{
				Mode: l.Mode.Word(), EndsAt: l.EndsAt, ReclaimAt: l.ReclaimAt,
				ID: fmt.Sprintf("%s/%d", l.Tenant, l.Number), State: word(l.State.String(), "LEASE_STATE_"), ContainerID: l.ContainerId,
				PerHour: deploy.PriceIn(l.PricedIn(), l.Rate), Rate: l.Rate.String(), Billed: l.Billed.String() + l.Denom, Created: l.CreatedAt,
			})
		}
		if resp.Pagination == nil || len(resp.Pagination.NextKey) == 0 {
			break
		}
		page = &query.PageRequest{Limit: 200, Key: resp.Pagination.NextKey}
	}
	for page := (&query.PageRequest{Limit: 200}); closed; {
		resp, err := q.Receipts(ctx, &leases.QueryReceiptsRequest{Tenant: t.signer.address, Pagination: page})
		if err != nil {
			return nil, fmt.Errorf("list receipts: %w", err)
		}
		for _, r := range resp.Receipts {
			lines = append(lines, listed{
				Mode: r.Mode.Word(),
				ID:   fmt.Sprintf("%s/%d", r.Tenant, r.Number), State: "closed: " + word(r.Reason.String(), "CLOSE_REASON_"), ContainerID: r.ContainerId,
				PerHour: deploy.PriceIn(r.PricedIn(), r.Rate), Rate: r.Rate.String(), Billed: r.Billed.String() + r.Denom, Created: r.CreatedAt, Ended: r.EndedAt,
			})
		}
		if resp.Pagination == nil || len(resp.Pagination.NextKey) == 0 {
			break
		}
		page = &query.PageRequest{Limit: 200, Key: resp.Pagination.NextKey}
	}
	return lines, nil
}

// word makes "not started" of CLOSE_REASON_NOT_STARTED.
func word(s, prefix string) string {
	return strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(s, prefix)), "_", " ")
}

// leaseStatus is the answer of `lease status`: the chain's word, and the worker's while the lease is open.
type leaseStatus struct {
	ID        string              `json:"lease_id"`
	Lease     *leases.Lease       `json:"lease,omitempty"`
	Receipt   *leases.Receipt     `json:"receipt,omitempty"`
	Unsettled string              `json:"unsettled"`
	Container providers.Container `json:"container"`
	Worker    *api.Status         `json:"worker,omitempty"`
	// WorkerError says why the worker's word is missing.
	WorkerError string `json:"worker_error,omitempty"`
}

func leaseStatusCommand() *cobra.Command {
	return withTenant(&cobra.Command{
		Use:     "status LEASE",
		Short:   "Say how a lease is: on chain and at its worker",
		Example: "  athd lease status 1\n  athd lease status ath1…/1 --output json",
		Args:    cobra.ExactArgs(1),
	}, func(cmd *cobra.Command, t *tenant, args []string, asJSON bool) error {
		id, err := t.leaseID(args[0])
		if err != nil {
			return err
		}
		s, err := t.status(cmd.Context(), id)
		if err != nil {
			return err
		}
		if asJSON {
			return printJSON(cmd.OutOrStdout(), s)
		}
		return printStatus(cmd.OutOrStdout(), s)
	})
}

func (t *tenant) status(ctx context.Context, id leases.LeaseID) (leaseStatus, error) {
	resp, err := t.lease(ctx, id)
	if err != nil {
		return leaseStatus{}, err
	}
	s := leaseStatus{ID: id.String(), Lease: resp.Lease, Receipt: resp.Receipt, Unsettled: resp.Unsettled.String()}
	if s.Container, err = t.serving(ctx, resp); err != nil {
		return s, err
	}
	client, err := t.Worker(s.Container, access.ScopeStatus)
	if err != nil {
		return s, err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if w, err := client.Status(ctx, id.String()); err == nil {
		s.Worker = &w
	} else {
		s.WorkerError = err.Error()
	}
	return s, nil
}

// serving is the Container of a lease, or the last one that a closed lease had.
func (t *tenant) serving(ctx context.Context, resp *leases.QueryLeaseResponse) (providers.Container, error) {
	id := uint64(0)
	if resp.Lease != nil {
		id = resp.Lease.ContainerId
	} else if resp.Receipt != nil {
		id = resp.Receipt.ContainerId
	}
	found, err := providers.NewQueryClient(t.node.Conn()).Container(ctx, &providers.QueryContainerRequest{Id: id})
	if err != nil {
		return providers.Container{}, fmt.Errorf("look up Container %d: %w", id, err)
	}
	return found.Container.Container, nil
}

func (t *tenant) containerOf(ctx context.Context, id leases.LeaseID) (providers.Container, error) {
	resp, err := t.lease(ctx, id)
	if err != nil {
		return providers.Container{}, err
	}
	return t.serving(ctx, resp)
}

// ended is the state of a service that has an exit code.
const ended = "exited"

func printStatus(out io.Writer, s leaseStatus) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "lease\t%s\n", s.ID)
	if l := s.Lease; l != nil {
		fmt.Fprintf(w, "state\t%s\n", word(l.State.String(), "LEASE_STATE_"))
		fmt.Fprintf(w, "mode\t%s\n", l.Mode.Word())
		fmt.Fprintf(w, "price\t%s\n", deploy.PriceIn(l.PricedIn(), l.Rate))
		fmt.Fprintf(w, "billed\t%s, and %s not yet settled\n", l.Billed.String()+l.Denom, s.Unsettled+l.Denom)
		if c := l.Credit; c != nil {
			fmt.Fprintf(w, "paid by\tgateway %s, which has charged your credit %s\n", c.Gateway, deploy.FormatIn(leases.MicroUSD, c.Billed))
		}
		if l.StartedAt != nil {
			fmt.Fprintf(w, "running since\t%s\n", l.StartedAt.UTC().Format(time.RFC3339))
		}
		if end := l.QueuedEnd(); l.PausedAt != nil {
			fmt.Fprintf(w, "paused since\t%s; data is kept until %s: athd lease resume %d --deposit …\n", l.PausedAt.UTC().Format(time.RFC3339), end.UTC().Format(time.RFC3339), l.Number)
		}
		for _, number := range l.Standbys {
			fmt.Fprintf(w, "standby\tlease %d\n", number)
		}
		if l.EndsAt != nil {
			fmt.Fprintf(w, "ends\t%s\n", l.EndsAt.UTC().Format(time.RFC3339))
		}
		if l.ReclaimAt != nil {
			fmt.Fprintf(w, "taken back\t%s by its provider: move it (athd lease failover %d), close it, or let it run until then\n", l.ReclaimAt.UTC().Format(time.RFC3339), l.Number)
		}
	}
	if r := s.Receipt; r != nil {
		fmt.Fprintf(w, "state\tclosed: %s\n", word(r.Reason.String(), "CLOSE_REASON_"))
		fmt.Fprintf(w, "billed\t%s, of it service fee %s\n", r.Billed.String()+r.Denom, r.Fee)
		if c := r.Credit; c != nil {
			fmt.Fprintf(w, "paid by\tgateway %s, which has charged your credit %s\n", c.Gateway, deploy.FormatIn(leases.MicroUSD, c.Billed))
		}
		fmt.Fprintf(w, "refunded\t%s\n", r.Refunded.String()+r.Denom)
		fmt.Fprintf(w, "ended\t%s\n", r.EndedAt.UTC().Format(time.RFC3339))
		if len(r.ExitCodes) > 0 {
			fmt.Fprintf(w, "exit codes\t%v\n", r.ExitCodes)
		}
	}
	fmt.Fprintf(w, "container\t%d (%s, %s)\n", s.Container.Id, s.Container.Class, s.Container.Region)
	if s.WorkerError != "" {
		fmt.Fprintf(w, "worker\t%s\n", s.WorkerError)
	}
	if s.Worker != nil {
		fmt.Fprintf(w, "worker\t%s\n", strings.TrimSpace(string(s.Worker.Phase)+" "+s.Worker.Detail))
		if s.Worker.Refused != "" {
			fmt.Fprintf(w, "new manifest\tnot taken, the old one runs on: %s\n", s.Worker.Refused)
		}
		for _, svc := range s.Worker.Services {
			fmt.Fprintf(w, "service %s\t%s, %d restarts", svc.Name, svc.State, svc.Restarts)
			if svc.State == ended {
				fmt.Fprintf(w, ", exit code %d", svc.ExitCode)
			}
			if svc.MemoryMiB > 0 {
				fmt.Fprintf(w, "; %g CPU, %d MiB", float64(svc.CPUMilli)/1000, svc.MemoryMiB)
			}
			fmt.Fprintln(w)
		}
		for _, svc := range s.Worker.Services {
			printNames(w, svc)
		}
		for _, p := range deploy.Ports(*s.Worker) {
			fmt.Fprintf(w, "port\t%s\n", p)
		}
	}
	return w.Flush()
}
