// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/athnet/ath/offchain/access"
	"github.com/athnet/ath/offchain/deploy"
	"github.com/athnet/ath/offchain/worker/api"
	leases "github.com/athnet/ath/x/leases/types"
)

func leaseEventsCommand() *cobra.Command {
	var o api.LogOptions
	var since string
	cmd := withTenant(&cobra.Command{
		Use:   "events LEASE",
		Short: "Say what happened to a lease, and why",
		Long: "Say what happened to a lease, and why: the chain's word on its beginning and end, and between them the worker's, in order.\n" +
			"With --output json one JSON document per line.",
		Example: "  athd lease events 1\n  athd lease events 1 --follow --output json",
		Args:    cobra.ExactArgs(1),
	}, func(cmd *cobra.Command, t *tenant, args []string, asJSON bool) error {
		id, err := t.leaseID(args[0])
		if err != nil {
			return err
		}
		if o.Since, err = sinceTime(since, time.Now()); err != nil {
			return err
		}
		return t.events(cmd.Context(), id, o, printEvent(cmd.OutOrStdout(), asJSON), cmd.ErrOrStderr())
	})
	f := cmd.Flags()
	f.BoolVarP(&o.Follow, "follow", "f", false, "go on until the lease ends")
	f.StringVar(&since, "since", "", "only events from this time on, or of this long: 2026-01-02T15:04:05Z, 10m")
	f.StringVar(&o.Cursor, "cursor", "", "only the worker's events behind the one with this cursor")
	return cmd
}

// events hands on the events of a lease in order. A worker that does not answer is one of them: the chain's word comes all the same.
func (t *tenant) events(ctx context.Context, id leases.LeaseID, o api.LogOptions, take func(api.Event) error, talk io.Writer) error {
	resp, err := t.lease(ctx, id)
	if err != nil {
		return err
	}
	if opened := openedEvent(resp); o.Cursor == "" && !opened.Time.Before(o.Since) {
		if err := take(opened); err != nil {
			return err
		}
	}
	source := func(ctx context.Context, o api.LogOptions, take func(api.Event) error) error {
		container, err := t.containerOf(ctx, id)
		if err != nil {
			return err
		}
		client, err := t.Worker(container, access.ScopeStatus)
		if err != nil {
			return err
		}
		defer client.Close()
		return client.Events(ctx, id.String(), o, take)
	}
	for {
		cursor := func(e api.Event) string {
			if e.Cursor != "" {
				o.Cursor = e.Cursor
			}
			return e.Cursor
		}
		err := follow(ctx, o, source, cursor, take, talk, time.Sleep)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // being stopped is no failure
		}
		if resp, lerr := t.lease(ctx, id); lerr != nil {
			return lerr
		} else if resp.Receipt != nil || !o.Follow {
			return lastEvents(resp, err, time.Now(), take)
		} else if err != nil {
			return err
		}
		time.Sleep(followPause) // the lease moved, or its end is not in a block yet
	}
}

// followPause is between two looks for a lease's next worker.
const followPause = 2 * time.Second

// lastEvents are what the chain has to say in the end; failed is why the worker's word is missing.
func lastEvents(resp *leases.QueryLeaseResponse, failed error, now time.Time, take func(api.Event) error) error {
	if failed != nil {
		e := api.Event{Time: now.UTC(), Source: "athd", Kind: "unreachable", Text: "the worker's events can't be had: " + failed.Error()}
		if err := take(e); err != nil {
			return err
		}
	}
	if resp.Receipt == nil {
		return nil
	}
	return take(closedEvent(resp.Receipt))
}

func openedEvent(resp *leases.QueryLeaseResponse) api.Event {
	e := api.Event{Source: "chain", Kind: "opened"}
	if l := resp.Lease; l != nil {
		e.Time, e.Text = l.CreatedAt, fmt.Sprintf("opened at %s, now on Container %d", deploy.PriceIn(l.PricedIn(), l.Rate), l.ContainerId)
	} else if r := resp.Receipt; r != nil {
		e.Time, e.Text = r.CreatedAt, fmt.Sprintf("opened at %s", deploy.PriceIn(r.PricedIn(), r.Rate))
	}
	return e
}

func closedEvent(r *leases.Receipt) api.Event {
	text := fmt.Sprintf("closed: %s; billed %s%s", reasonText(r.Reason), r.Billed, r.Denom)
	if len(r.ExitCodes) > 0 {
		text += fmt.Sprintf(", exit codes %v", r.ExitCodes)
	}
	return api.Event{Time: r.EndedAt, Source: "chain", Kind: "closed", Text: text}
}

// reasonText says in words why a lease ended.
func reasonText(r leases.CloseReason) string {
	switch r {
	case leases.CloseReason_CLOSE_REASON_TENANT:
		return "its tenant closed it"
	case leases.CloseReason_CLOSE_REASON_PROVIDER:
		return "its provider ended it"
	case leases.CloseReason_CLOSE_REASON_EXHAUSTED:
		return "the prepaid balance, or the credit, was used up"
	case leases.CloseReason_CLOSE_REASON_GATEWAY_DRY:
		return "its gateway's float was used up"
	case leases.CloseReason_CLOSE_REASON_CREDIT_ENDED:
		return "its gateway's credit had expired, or was revoked"
	case leases.CloseReason_CLOSE_REASON_EXPIRED:
		return "its agreed time was over"
	case leases.CloseReason_CLOSE_REASON_NOT_STARTED:
		return "the provider did not start it in time; everything is credited"
	case leases.CloseReason_CLOSE_REASON_TENANT_IMAGE:
		return "its image could not be run, or its manifest never came"
	case leases.CloseReason_CLOSE_REASON_FAULT:
		return "Checkers found its Container faulty"
	case leases.CloseReason_CLOSE_REASON_COMPLETED:
		return "all its services ended by themselves"
	case leases.CloseReason_CLOSE_REASON_GOVERNANCE:
		return "governance closed it"
	case leases.CloseReason_CLOSE_REASON_PROMOTED:
		return "a standby: its Container has taken over the lease that it stood by for"
	case leases.CloseReason_CLOSE_REASON_NOT_NEEDED:
		return "a standby: the lease that it stood by for has ended"
	default:
		return word(r.String(), "CLOSE_REASON_")
	}
}

func printEvent(out io.Writer, asJSON bool) func(api.Event) error {
	if asJSON {
		enc := json.NewEncoder(out)
		return func(e api.Event) error { return enc.Encode(e) }
	}
	return func(e api.Event) error {
		who := e.Kind
		if e.Service != "" {
			who = e.Service
		}
		_, err := fmt.Fprintf(out, "%s  %-6s  %-20s  %s\n", e.Time.UTC().Format(time.RFC3339), e.Source, who, e.Text)
		return err
	}
}
