// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"cmp"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"cosmossdk.io/math"
	"github.com/spf13/cobra"

	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/cosmos/cosmos-sdk/types/query"

	"github.com/athnet/ath/offchain/chain"
	"github.com/athnet/ath/offchain/deploy"
	leases "github.com/athnet/ath/x/leases/types"
)

// gatewayCommand holds what gateways do with their float and their customers' credit, and what a customer sees of it.
func gatewayCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "gateway", Short: "Credit in USD: your float and your customers as a gateway, or the credit that you have",
		Long: "A gateway takes fiat and pays for its customers' leases out of its float of ATH. Governance registers gateways; docs/operators/gateway.md says " +
			"how. `athd deploy --gateway` leases on credit.",
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(gatewayStatusCommand(), gatewayFundCommand(), gatewayWithdrawCommand(), gatewayGrantCommand(), gatewayRevokeCommand(),
		gatewayCustomersCommand(), gatewayCreditCommand())
	return cmd
}

func gatewayStatusCommand() *cobra.Command {
	return withTenant(&cobra.Command{
		Use: "status [GATEWAY]", Short: "Show a gateway: what its float holds, what of it is not needed, how long it lasts",
		Example: "  athd gateway status\n  athd gateway status ath1… --output json", Args: cobra.MaximumNArgs(1),
	}, func(cmd *cobra.Command, t *tenant, args []string, asJSON bool) error {
		who := optional(args, t.signer.address)
		res, err := leases.NewQueryClient(t.node.Conn()).Gateway(cmd.Context(), &leases.QueryGatewayRequest{Gateway: who})
		if err != nil {
			return fmt.Errorf("gateway %s: %w", who, err)
		}
		if asJSON {
			return printJSON(cmd.OutOrStdout(), res)
		}
		return printGateway(cmd.OutOrStdout(), res, time.Now())
	})
}

func printGateway(out io.Writer, g *leases.QueryGatewayResponse, now time.Time) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	name := g.Gateway.Name
	if g.Gateway.Removed {
		name += " (removed: no new leases)"
	}
	fmt.Fprintf(w, "name\t%s\n", name)
	fmt.Fprintf(w, "float\t%s\t%s can be withdrawn\n", deploy.FormatATH(g.Balance.Amount), deploy.FormatATH(g.Withdrawable.Amount))
	if g.Missing.IsPositive() {
		fmt.Fprintf(w, "missing\t%s\tbefore new leases open\n", deploy.FormatATH(g.Missing.Amount))
	}
	fmt.Fprintf(w, "leases\t%d\tof %d customers (at most %d)\n", g.Gateway.Float.OpenLeases, g.Gateway.Customers, g.Gateway.MaxCustomers)
	fmt.Fprintf(w, "rate\t%s\tof %s\n", deploy.PriceIn(leases.MicroUSD, g.Gateway.Float.Rates().USD), deploy.PriceIn(leases.MicroUSD, g.Gateway.MaxRate))
	if g.ExhaustedAt != nil {
		fmt.Fprintf(w, "lasts\t%s\tuntil %s, at the present price of ATH\n", span(g.ExhaustedAt.Sub(now)), g.ExhaustedAt.UTC().Format(time.RFC3339))
	}
	return w.Flush()
}

func gatewayFundCommand() *cobra.Command {
	var gateway string
	cmd := withTenant(&cobra.Command{
		Use: "fund AMOUNT", Short: "Add to your float, or to another gateway's", Example: "  athd gateway fund 5000ath\n  athd gateway fund 5000ath --gateway ath1…", Args: cobra.ExactArgs(1),
	}, func(cmd *cobra.Command, t *tenant, args []string, asJSON bool) error {
		amount, err := amountOf("AMOUNT", args, 0)
		if err != nil {
			return err
		}
		return t.send(cmd, asJSON, &leases.MsgFundFloat{Depositor: t.signer.address, Gateway: gateway, Amount: amount}, "the float holds", func(tx chain.TxResult) (sdk.Coin, error) {
			var answer leases.MsgFundFloatResponse
			err := tx.Response(0, &answer)
			return answer.Balance, err
		})
	})
	cmd.Flags().StringVar(&gateway, "gateway", "", "whose float, and whose the coins are then; yours where empty")
	return cmd
}

func gatewayWithdrawCommand() *cobra.Command {
	return withTenant(&cobra.Command{
		Use: "withdraw [AMOUNT]", Short: "Take out of your float what your customers' leases don't need; all of it without an amount",
		Example: "  athd gateway withdraw\n  athd gateway withdraw 100ath", Args: cobra.MaximumNArgs(1),
	}, func(cmd *cobra.Command, t *tenant, args []string, asJSON bool) error {
		amount, err := amountOf("AMOUNT", args, 0)
		if err != nil {
			return err
		}
		return t.send(cmd, asJSON, &leases.MsgWithdrawFloat{Gateway: t.signer.address, Amount: amount}, "withdrew", func(tx chain.TxResult) (sdk.Coin, error) {
			var answer leases.MsgWithdrawFloatResponse
			err := tx.Response(0, &answer)
			return answer.Amount, err
		})
	})
}

// creditOptions are the flags of `gateway grant`.
type creditOptions struct {
	expires  time.Duration
	maxPrice string
	priority uint32
}

// message builds a credit line of a limit such as 25usd.
func (o creditOptions) message(gateway, customer, limit string, now time.Time) (*leases.MsgGrantCredit, error) {
	amount, err := deploy.ParseCoin(limit, leases.MicroUSD)
	if err != nil {
		return nil, fmt.Errorf("LIMIT %q: want an amount such as 25usd", limit)
	}
	msg := &leases.MsgGrantCredit{Gateway: gateway, Customer: customer, Limit: amount.Amount, MaxRate: math.ZeroInt(), Priority: o.priority}
	if o.expires != 0 {
		at := now.Add(o.expires).UTC()
		msg.ExpiresAt = &at
	}
	if o.maxPrice != "" {
		rate, err := deploy.ParsePrice(o.maxPrice)
		if err != nil {
			return nil, fmt.Errorf("--max-price: %w", err)
		}
		if rate.Denom != leases.MicroUSD {
			return nil, fmt.Errorf("--max-price %s: want a price in USD, such as 2usd/h", o.maxPrice)
		}
		msg.MaxRate = rate.Rate
	}
	return msg, msg.Validate(now)
}

func gatewayGrantCommand() *cobra.Command {
	var o creditOptions
	cmd := withTenant(&cobra.Command{
		Use: "grant CUSTOMER LIMIT", Short: "Let a customer lease at your expense, up to a limit in USD",
		Long: "The limit is a sum for all time: a customer that pays for 25 USD again has one of 50. A line that stands gets the new bounds; what was spent stays spent, and what " +
			"is used can't be taken back.",
		Example: "  athd gateway grant ath1… 25usd --expires 720h\n  athd gateway grant ath1… 25usd --max-price 2usd/h --priority 10", Args: cobra.ExactArgs(2),
	}, func(cmd *cobra.Command, t *tenant, args []string, asJSON bool) error {
		msg, err := o.message(t.signer.address, args[0], args[1], time.Now())
		if err != nil {
			return err
		}
		return t.send(cmd, asJSON, msg, args[0]+" may spend", func(tx chain.TxResult) (sdk.Coin, error) {
			var answer leases.MsgGrantCreditResponse
			err := tx.Response(0, &answer)
			return sdk.Coin{Denom: leases.MicroUSD, Amount: answer.Line.Limit}, err
		})
	})
	f := cmd.Flags()
	f.DurationVar(&o.expires, "expires", 0, "how long it pays; for ever where 0")
	f.StringVar(&o.maxPrice, "max-price", "", "most that the customer's leases may cost together, such as 2usd/h; any where empty")
	f.Uint32Var(&o.priority, "priority", 0, "0 to 100: when the float runs dry, leases of the customers with the lowest pause or end first")
	return cmd
}

func gatewayRevokeCommand() *cobra.Command {
	return withTenant(&cobra.Command{
		Use: "revoke CUSTOMER", Short: "End a customer's credit: what runs on it pauses or ends at once", Example: "  athd gateway revoke ath1…", Args: cobra.ExactArgs(1),
	}, func(cmd *cobra.Command, t *tenant, args []string, asJSON bool) error {
		return t.send(cmd, asJSON, &leases.MsgRevokeCredit{Gateway: t.signer.address, Customer: args[0]}, "revoked the credit of "+args[0], nil)
	})
}

// creditsOf reads all lines by gateway or customer.
func (t *tenant) creditsOf(cmd *cobra.Command, gateway, customer string) (all []leases.CreditView, err error) {
	for page := (&query.PageRequest{Limit: 200}); ; {
		resp, err := leases.NewQueryClient(t.node.Conn()).Credits(cmd.Context(), &leases.QueryCreditsRequest{Gateway: gateway, Customer: customer, Pagination: page})
		if err != nil {
			return nil, fmt.Errorf("list credit: %w", err)
		}
		all = append(all, resp.Credits...)
		if resp.Pagination == nil || len(resp.Pagination.NextKey) == 0 {
			return all, nil
		}
		page = &query.PageRequest{Limit: 200, Key: resp.Pagination.NextKey}
	}
}

func gatewayCustomersCommand() *cobra.Command {
	return withTenant(&cobra.Command{
		Use: "customers", Short: "List your customers: limit, what they have spent, what is free", Example: "  athd gateway customers --output json", Args: cobra.NoArgs,
	}, func(cmd *cobra.Command, t *tenant, _ []string, asJSON bool) error {
		all, err := t.creditsOf(cmd, t.signer.address, "")
		if err != nil {
			return err
		}
		return printCredits(cmd.OutOrStdout(), all, leases.CreditLine.Customer, asJSON)
	})
}

func gatewayCreditCommand() *cobra.Command {
	return withTenant(&cobra.Command{
		Use: "credit [CUSTOMER]", Short: "List the credit that you have, or another customer", Example: "  athd gateway credit", Args: cobra.MaximumNArgs(1),
	}, func(cmd *cobra.Command, t *tenant, args []string, asJSON bool) error {
		all, err := t.creditsOf(cmd, "", optional(args, t.signer.address))
		if err != nil {
			return err
		}
		return printCredits(cmd.OutOrStdout(), all, func(l leases.CreditLine) string { return l.Gateway }, asJSON)
	})
}

// printCredits lists credit lines under whose they are.
func printCredits(out io.Writer, all []leases.CreditView, whose func(leases.CreditLine) string, asJSON bool) error {
	if asJSON {
		if all == nil {
			all = []leases.CreditView{}
		}
		return printJSON(out, all)
	}
	usd := func(amount math.Int) string { return deploy.FormatIn(leases.MicroUSD, amount) }
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "WHO\tLIMIT\tSPENT\tFREE\tLEASES\tPAYS UNTIL")
	for _, v := range all {
		until := "-" // nothing is spent, and it does not expire
		switch at := cmp.Or(v.ExhaustedAt, v.Line.ExpiresAt); {
		case at != nil:
			until = at.UTC().Format(time.RFC3339)
		case !v.Free.IsPositive():
			until = "used up"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%s\n", whose(v.Line), usd(v.Line.Limit), usd(v.Line.Spent), usd(v.Free), v.Line.Account.OpenLeases, until)
	}
	return w.Flush()
}
