// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/cosmos/cosmos-sdk/types/query"
	"github.com/spf13/cobra"

	"github.com/athnet/ath/offchain/daemon"
	"github.com/athnet/ath/offchain/daemon/verb"
	checktypes "github.com/athnet/ath/x/checks/types"
)

// acceptBatch is how many licences one message accepts.
const acceptBatch = 100

func licenceCommand(c *Config) *cobra.Command {
	licence := &cobra.Command{Use: "licence", Short: "The licences that this operator works"}
	var all bool
	accept := &cobra.Command{
		Use: "accept [id…]", Short: "Accept licences that were offered to this operator",
		Example: "  ath-checker licence accept 7 8\n  ath-checker licence accept --all",
		RunE:    func(cmd *cobra.Command, args []string) error { return accept(cmd, c, args, all) },
	}
	accept.Flags().BoolVar(&all, "all", false, "every licence that is offered")
	licence.AddCommand(
		&cobra.Command{Use: "list", Short: "List them", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error { return list(cmd, c) }},
		&cobra.Command{Use: "status", Short: "Say how the work goes", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error { return status(cmd, c) }},
		accept,
	)
	return licence
}

// licenceView is a licence in JSON.
type licenceView struct {
	ID          uint64     `json:"id"`
	Owner       string     `json:"owner"`
	State       string     `json:"state"`
	Reason      string     `json:"reason,omitempty"`
	BannedUntil *time.Time `json:"banned_until,omitempty"`
	// Wrong is in how many rounds a task was wrong.
	Wrong uint64 `json:"wrong"`
}

func licences(ctx context.Context, n *node) ([]licenceView, error) {
	var (
		out  []licenceView
		page = &query.PageRequest{Limit: 500}
	)
	for {
		resp, err := checktypes.NewQueryClient(n.client.Conn()).Licences(ctx, &checktypes.QueryLicencesRequest{Operator: n.key.Address(), Pagination: page})
		if err != nil {
			return nil, fmt.Errorf("query licences: %w", err)
		}
		for _, l := range resp.Licences {
			out = append(out, licenceView{
				ID: l.Id, Owner: l.Owner, State: strings.ToLower(strings.TrimPrefix(l.State.String(), "LICENCE_STATE_")), Reason: l.Reason,
				BannedUntil: l.BannedUntil, Wrong: l.Wrong,
			})
		}
		if resp.Pagination == nil || len(resp.Pagination.NextKey) == 0 {
			return out, nil
		}
		page = &query.PageRequest{Key: resp.Pagination.NextKey, Limit: 500}
	}
}

func list(cmd *cobra.Command, c *Config) error {
	n, err := c.open(cmd.Context(), 0, nil)
	if err != nil {
		return err
	}
	defer n.client.Close()
	ls, err := licences(cmd.Context(), n)
	if err != nil {
		return err
	}
	return c.Answer(cmd.OutOrStdout(), ls, func(w io.Writer) {
		t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
		fmt.Fprintln(t, "ID\tSTATE\tWRONG\tOWNER\tREASON")
		for _, l := range ls {
			fmt.Fprintf(t, "%d\t%s\t%d\t%s\t%s\n", l.ID, l.State, l.Wrong, l.Owner, l.Reason)
		}
		t.Flush()
	})
}

func accept(cmd *cobra.Command, c *Config, args []string, all bool) error {
	if all == (len(args) > 0) {
		return errors.New("licence accept: give ids, or --all")
	}
	n, err := c.open(cmd.Context(), 0, nil)
	if err != nil {
		return err
	}
	defer n.client.Close()
	var ids []uint64
	for _, a := range args {
		id, err := strconv.ParseUint(a, 10, 64)
		if err != nil {
			return fmt.Errorf("licence accept: %q is not an id", a)
		}
		ids = append(ids, id)
	}
	if all {
		ls, err := licences(cmd.Context(), n)
		if err != nil {
			return err
		}
		for _, l := range ls {
			if l.State == "offered" {
				ids = append(ids, l.ID)
			}
		}
	}
	if len(ids) == 0 {
		return fmt.Errorf("licence accept: nothing is offered to %s; the owner delegates with `athd tx checks delegate-licences`", n.key.Address())
	}
	for from := 0; from < len(ids); from += acceptBatch {
		batch := ids[from:min(from+acceptBatch, len(ids))]
		if _, err := n.sender.Send(cmd.Context(), &checktypes.MsgAcceptLicences{Operator: n.key.Address(), Ids: batch}); err != nil {
			return fmt.Errorf("licence accept: %w", err)
		}
	}
	return c.Answer(cmd.OutOrStdout(), map[string][]uint64{"accepted": ids}, func(w io.Writer) {
		fmt.Fprintf(w, "accepted %d: %s\n", len(ids), strings.Trim(fmt.Sprint(ids), "[]"))
	})
}

func status(cmd *cobra.Command, c *Config) error {
	n, err := c.open(cmd.Context(), 0, nil)
	if err != nil {
		return err
	}
	defer n.client.Close()
	ls, err := licences(cmd.Context(), n)
	if err != nil {
		return err
	}
	a, err := checktypes.NewQueryClient(n.client.Conn()).Assignment(cmd.Context(), &checktypes.QueryAssignmentRequest{Operator: n.key.Address()})
	if err != nil {
		return fmt.Errorf("query assignment: %w", err)
	}
	out := struct {
		Operator  string         `json:"operator"`
		States    map[string]int `json:"licences"`
		Wrong     uint64         `json:"wrong"`
		Round     uint64         `json:"round"`
		Shards    int            `json:"shards"`
		Committed bool           `json:"committed"`
		Owes      bool           `json:"owes_reveal"`
	}{Operator: n.key.Address(), States: map[string]int{}, Round: a.Round, Shards: len(a.Shards), Committed: a.Committed, Owes: a.OwesReveal}
	for _, l := range ls {
		out.States[l.State]++
		out.Wrong += l.Wrong
	}
	return c.Answer(cmd.OutOrStdout(), out, func(w io.Writer) {
		fmt.Fprintf(w, "operator  %s\nlicences  %d active, %d offered, %d banned\nwrong     %d rounds with a wrong task\nround     %d: %d shards, committed %t, owes a reveal %t\n",
			out.Operator, out.States["active"], out.States["offered"], out.States["banned"], out.Wrong, out.Round, out.Shards, out.Committed, out.Owes)
	})
}

func checkCommand(c *Config) *cobra.Command {
	return &cobra.Command{
		Use: "check", Short: "Check the setup and exit; code 1 where something is wrong", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return verb.RunChecks(&c.Settings, cmd, checks(cmd.Context(), c))
		},
	}
}

func checks(ctx context.Context, c *Config) []verb.Check {
	out := []verb.Check{verb.Of("config", "valid", c.validate())}
	l, err := daemon.Listen(ctx, c.Listen)
	if err == nil {
		err = l.Close()
	}
	out = append(out, verb.Of("listen", c.Listen+" is free", err))
	key, err := c.Key()
	out = append(out, verb.Of("key", c.KeyPath(), err))
	client, err := c.Node(ctx, 0, nil)
	if err != nil {
		return append(out, verb.Of("node", "", err))
	}
	defer client.Close()
	out = append(out, verb.Of("node", client.ChainID(), nil))
	head, err := client.Latest(ctx)
	if err == nil && time.Since(head.Time).Abs() > time.Minute {
		err = fmt.Errorf("its newest block differs from this machine's clock by %s; set the clock by NTP, or wait for the node", time.Since(head.Time).Round(time.Second))
	}
	out = append(out, verb.Of("clock", fmt.Sprintf("block %d", head.Height), err))
	if key == nil {
		return out
	}
	ls, err := licences(ctx, &node{key: key, client: client})
	active := 0
	for _, l := range ls {
		if l.State == "active" {
			active++
		}
	}
	if err == nil && active == 0 {
		err = fmt.Errorf("no licence of %s is active; see `ath-checker licence list`", key.Address())
	}
	return append(out, verb.Of("licences", fmt.Sprintf("%d active", active), err))
}
