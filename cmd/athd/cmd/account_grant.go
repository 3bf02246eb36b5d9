// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"context"
	"fmt"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/cosmos/cosmos-sdk/types/query"

	"github.com/athnet/ath/offchain/chain"
	"github.com/athnet/ath/offchain/deploy"
	leases "github.com/athnet/ath/x/leases/types"
)

// grantOptions are the flags of `account grant`.
type grantOptions struct {
	expires, period       time.Duration
	refill, below, atMost string
}

// message builds a grant of a limit; the refill's other figures have defaults.
func (o grantOptions) message(granter, grantee string, limit sdk.Coin, now time.Time) (*leases.MsgGrantDeposit, error) {
	msg := &leases.MsgGrantDeposit{Granter: granter, Grantee: grantee, Limit: limit}
	if o.expires != 0 {
		at := now.Add(o.expires).UTC()
		msg.ExpiresAt = &at
	}
	if o.refill == "" {
		if o.below != "" || o.atMost != "" {
			return nil, fmt.Errorf("--refill-below, --refill-cap: want --refill, the amount of one refill")
		}
		return msg, msg.Validate(now)
	}
	amount, err := deploy.ParseAmount(o.refill)
	if err != nil {
		return nil, fmt.Errorf("--refill: %w", err)
	}
	msg.Refill = &leases.AutoRefill{Keep: amount, Amount: amount, Cap: limit.Amount, Period: o.period}
	if o.below != "" {
		if msg.Refill.Keep, err = deploy.ParseAmount(o.below); err != nil {
			return nil, fmt.Errorf("--refill-below: %w", err)
		}
	}
	if o.atMost != "" {
		if msg.Refill.Cap, err = deploy.ParseAmount(o.atMost); err != nil {
			return nil, fmt.Errorf("--refill-cap: %w", err)
		}
	}
	return msg, msg.Validate(now)
}

func accountGrantCommand() *cobra.Command {
	var o grantOptions
	cmd := withTenant(&cobra.Command{
		Use: "grant TENANT LIMIT", Short: "Let a tenant deposit out of your wallet into its account, up to a limit",
		Long: "The tenant deposits with `athd account deposit --granter`. With --refill the chain does when less than a day is left, once the tenant has chosen your grant with " +
			"`athd account refill`. What you reclaim can be deposited again. A grant replaces the one that you gave before.",
		Example: "  athd account grant ath1… 100ath --expires 720h\n  athd account grant ath1… 100ath --refill 10ath --refill-below 5ath --refill-cap 50ath --refill-period 168h",
		Args:    cobra.ExactArgs(2),
	}, func(cmd *cobra.Command, t *tenant, args []string, asJSON bool) error {
		limit, err := amountOf("LIMIT", args, 1)
		if err != nil {
			return err
		}
		msg, err := o.message(t.signer.address, args[0], limit, time.Now())
		if err != nil {
			return err
		}
		return t.send(cmd, asJSON, msg, args[0]+" may deposit", func(chain.TxResult) (sdk.Coin, error) { return limit, nil })
	})
	f := cmd.Flags()
	f.DurationVar(&o.expires, "expires", 0, "how long it may be used; for ever where 0")
	f.StringVar(&o.refill, "refill", "", "deposit so much at a time when the tenant runs dry, such as 10ath")
	f.StringVar(&o.below, "refill-below", "", "only while less than this is free; the amount of one refill where empty")
	f.StringVar(&o.atMost, "refill-cap", "", "the most in a period; the grant's limit where empty")
	f.DurationVar(&o.period, "refill-period", 720*time.Hour, "length of a period")
	return cmd
}

// grantsOf reads all grants by granter or grantee.
func (t *tenant) grantsOf(ctx context.Context, granter, grantee string) (all []leases.DepositGrant, err error) {
	for page := (&query.PageRequest{Limit: 200}); ; {
		resp, err := leases.NewQueryClient(t.node.Conn()).DepositGrants(ctx, &leases.QueryDepositGrantsRequest{Granter: granter, Grantee: grantee, Pagination: page})
		if err != nil {
			return nil, fmt.Errorf("list grants: %w", err)
		}
		all = append(all, resp.Grants...)
		if resp.Pagination == nil || len(resp.Pagination.NextKey) == 0 {
			return all, nil
		}
		page = &query.PageRequest{Limit: 200, Key: resp.Pagination.NextKey}
	}
}

func accountGrantsCommand() *cobra.Command {
	return withTenant(&cobra.Command{
		Use: "grants", Short: "List the grants that you have, and those that you gave", Example: "  athd account grants", Args: cobra.NoArgs,
	}, func(cmd *cobra.Command, t *tenant, _ []string, asJSON bool) error {
		have, err := t.grantsOf(cmd.Context(), "", t.signer.address)
		if err != nil {
			return err
		}
		gave, err := t.grantsOf(cmd.Context(), t.signer.address, "")
		if err != nil {
			return err
		}
		all := slices.Concat(have, gave)
		if asJSON {
			return printJSON(cmd.OutOrStdout(), all)
		}
		w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "FROM\tTO\tLEFT\tEXPIRES\tREFILL")
		for _, g := range all {
			expires, refill := "never", "none"
			if g.ExpiresAt != nil {
				expires = g.ExpiresAt.UTC().Format(time.RFC3339)
			}
			if r := g.Refill; r != nil {
				refill = fmt.Sprintf("%s below %s, %s per %s", deploy.FormatATH(r.Amount), deploy.FormatATH(r.Keep), deploy.FormatATH(r.Cap), span(r.Period))
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", g.Granter, g.Grantee, deploy.FormatATH(g.Limit.Amount), expires, refill)
		}
		return w.Flush()
	})
}

func accountRevokeCommand() *cobra.Command {
	var granter string
	cmd := withTenant(&cobra.Command{
		Use: "revoke TENANT", Short: "End a grant; what was deposited under it stays until it is reclaimed",
		Example: "  athd account revoke ath1…", Args: cobra.ExactArgs(1),
	}, func(cmd *cobra.Command, t *tenant, args []string, asJSON bool) error {
		msg := &leases.MsgRevokeDepositGrant{Signer: t.signer.address, Granter: granter, Grantee: args[0]}
		if granter == "" {
			msg.Granter = t.signer.address
		}
		return t.send(cmd, asJSON, msg, "the grant is gone", nil)
	})
	cmd.Flags().StringVar(&granter, "granter", "", "whose grant; yours where empty")
	return cmd
}

func accountRefillCommand() *cobra.Command {
	return withTenant(&cobra.Command{
		Use: "refill [GRANTER]", Short: "Choose whose grant refills your account before it runs dry; nobody's without one",
		Example: "  athd account refill ath1…\n  athd account refill", Args: cobra.MaximumNArgs(1),
	}, func(cmd *cobra.Command, t *tenant, args []string, asJSON bool) error {
		msg := &leases.MsgSetRefill{Tenant: t.signer.address, Granter: optional(args, "")}
		what := "nobody refills your account"
		if msg.Granter != "" {
			what = msg.Granter + " refills your account"
		}
		return t.send(cmd, asJSON, msg, what, nil)
	})
}

func accountSubCommand() *cobra.Command {
	return withTenant(&cobra.Command{
		Use: "sub TENANT LIMIT", Short: "Name a sub-account, and the most of your balance that may be there unspent; 0ath ends it",
		Example: "  athd account sub ath1… 50ath", Args: cobra.ExactArgs(2),
	}, func(cmd *cobra.Command, t *tenant, args []string, asJSON bool) error {
		limit, err := amountOf("LIMIT", args, 1)
		if err != nil {
			return err
		}
		msg := &leases.MsgSetSubAccount{Parent: t.signer.address, Sub: args[0], Limit: limit}
		return t.send(cmd, asJSON, msg, "limit of "+args[0], func(chain.TxResult) (sdk.Coin, error) { return limit, nil })
	})
}

func accountFundCommand() *cobra.Command {
	return withTenant(&cobra.Command{
		Use: "fund TENANT AMOUNT", Short: "Move your own prepaid balance into a sub-account; reclaim takes it back",
		Example: "  athd account fund ath1… 20ath\n  athd account reclaim ath1… --source parent", Args: cobra.ExactArgs(2),
	}, func(cmd *cobra.Command, t *tenant, args []string, asJSON bool) error {
		amount, err := amountOf("AMOUNT", args, 1)
		if err != nil {
			return err
		}
		msg := &leases.MsgFundSubAccount{Parent: t.signer.address, Sub: args[0], Amount: amount}
		return t.send(cmd, asJSON, msg, "the sub-account holds", func(tx chain.TxResult) (sdk.Coin, error) {
			var answer leases.MsgFundSubAccountResponse
			err := tx.Response(0, &answer)
			return answer.Balance, err
		})
	})
}

func accountSubsCommand() *cobra.Command {
	return withTenant(&cobra.Command{
		Use: "subs", Short: "List your sub-accounts: limit, what is there, what you can take back", Example: "  athd account subs", Args: cobra.NoArgs,
	}, func(cmd *cobra.Command, t *tenant, _ []string, asJSON bool) error {
		all := []leases.SubAccountView{}
		for page := (&query.PageRequest{Limit: 200}); ; {
			resp, err := leases.NewQueryClient(t.node.Conn()).SubAccounts(cmd.Context(), &leases.QuerySubAccountsRequest{Parent: t.signer.address, Pagination: page})
			if err != nil {
				return fmt.Errorf("list sub-accounts: %w", err)
			}
			all = append(all, resp.SubAccounts...)
			if resp.Pagination == nil || len(resp.Pagination.NextKey) == 0 {
				break
			}
			page = &query.PageRequest{Limit: 200, Key: resp.Pagination.NextKey}
		}
		if asJSON {
			return printJSON(cmd.OutOrStdout(), all)
		}
		w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "SUB-ACCOUNT\tLIMIT\tTHERE\tRECLAIMABLE\tFREE THERE")
		for _, s := range all {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", s.SubAccount.Sub, deploy.FormatATH(s.SubAccount.Limit.Amount), deploy.FormatATH(s.Outstanding.Amount),
				deploy.FormatATH(s.Reclaimable.Amount), deploy.FormatATH(s.Free.Amount))
		}
		return w.Flush()
	})
}
