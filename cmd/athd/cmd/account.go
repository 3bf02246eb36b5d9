// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/offchain/chain"
	"github.com/athnet/ath/offchain/deploy"
	athtypes "github.com/athnet/ath/x/ath/types"
	leases "github.com/athnet/ath/x/leases/types"
)

// accountCommand holds what is done with prepaid accounts: one's own, and those that one pays for.
func accountCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "account", Short: "Prepaid balance: yours, and of those that you pay for",
		Long: "All leases of a tenant stream from its prepaid balance. What you deposit for somebody else is spent before their own money, and you can " +
			"take back what is left. A grant lets somebody deposit out of your wallet; a sub-account gets a part of your prepaid balance.",
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(accountShowCommand(), accountDepositCommand(), accountWithdrawCommand(), accountReclaimCommand(),
		accountGrantCommand(), accountGrantsCommand(), accountRevokeCommand(), accountRefillCommand(),
		accountSubCommand(), accountFundCommand(), accountSubsCommand())
	return cmd
}

// coinOf reads an amount of what pays, such as 2ath, or 2usd where that is a stable denom; nothing where there is none.
func coinOf(args []string, i int, pays string) (sdk.Coin, error) {
	if len(args) <= i {
		if pays == "" {
			pays = athtypes.Denom
		}
		return sdk.NewInt64Coin(pays, 0), sdk.ValidateDenom(pays)
	}
	coin, err := deploy.ParseCoin(args[i], pays)
	if err != nil {
		return coin, fmt.Errorf("AMOUNT: %w", err)
	}
	return coin, nil
}

// denomFlag chooses the prepaid account that a command is about.
func denomFlag(cmd *cobra.Command, denom *string) *cobra.Command {
	cmd.Flags().StringVar(denom, "denom", "", "the account in this stable denom (athd query leases params lists stable_denoms), where 1usd is a dollar of it; the one in ATH where empty")
	return cmd
}

// amountOf reads an amount such as 2ath; nothing where there is none.
func amountOf(name string, args []string, i int) (sdk.Coin, error) {
	if len(args) <= i {
		return sdk.NewInt64Coin(athtypes.Denom, 0), nil
	}
	amount, err := deploy.ParseAmount(args[i])
	if err != nil {
		return sdk.Coin{}, fmt.Errorf("%s: %w", name, err)
	}
	return sdk.NewCoin(athtypes.Denom, amount), nil
}

// optional is the only argument of a command, or what it means to leave it out.
func optional(args []string, otherwise string) string {
	if len(args) == 0 {
		return otherwise
	}
	return args[0]
}

// done is the answer of the commands that change an account.
type done struct {
	Tx     string `json:"tx"`
	Amount string `json:"amount,omitempty"`
}

// send sends a message and prints what it did; amount reads it out of the response, where there is one.
func (t *tenant) send(cmd *cobra.Command, asJSON bool, msg sdk.Msg, what string, amount func(chain.TxResult) (sdk.Coin, error)) error {
	tx, err := t.Sender.Send(cmd.Context(), msg)
	if err != nil {
		return err
	}
	answer := done{Tx: tx.Hash}
	if amount != nil {
		coin, err := amount(tx)
		if err != nil {
			return err
		}
		answer.Amount = coin.String()
		what += " " + deploy.FormatIn(coin.Denom, coin.Amount)
	}
	if asJSON {
		return printJSON(cmd.OutOrStdout(), answer)
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s (transaction %s)\n", what, tx.Hash)
	return err
}

// accountView is the answer of `account show`.
type accountView struct {
	Account    *leases.QueryAccountResponse    `json:"account"`
	Depositors *leases.QueryDepositorsResponse `json:"depositors"`
}

func accountShowCommand() *cobra.Command {
	var denom string
	return denomFlag(withTenant(&cobra.Command{
		Use: "show [TENANT]", Short: "Show a prepaid account: how long it lasts, and whose money is in it",
		Example: "  athd account show\n  athd account show ath1… --output json", Args: cobra.MaximumNArgs(1),
	}, func(cmd *cobra.Command, t *tenant, args []string, asJSON bool) error {
		who := optional(args, t.signer.address)
		q := leases.NewQueryClient(t.node.Conn())
		account, err := q.Account(cmd.Context(), &leases.QueryAccountRequest{Tenant: who, Denom: denom})
		if err != nil {
			return fmt.Errorf("account of %s: %w", who, err)
		}
		depositors, err := q.Depositors(cmd.Context(), &leases.QueryDepositorsRequest{Tenant: who, Denom: denom})
		if err != nil {
			return fmt.Errorf("depositors of %s: %w", who, err)
		}
		if asJSON {
			return printJSON(cmd.OutOrStdout(), accountView{account, depositors})
		}
		return printAccount(cmd, account, depositors)
	}), &denom)
}

func printAccount(cmd *cobra.Command, a *leases.QueryAccountResponse, d *leases.QueryDepositorsResponse) error {
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	show := func(c sdk.Coin) string { return deploy.FormatIn(c.Denom, c.Amount) }
	fmt.Fprintf(w, "balance\t%s\t(%s)\n", show(a.Balance), a.Balance)
	fmt.Fprintf(w, "free\t%s\tcan be leased with\n", show(a.Free))
	fmt.Fprintf(w, "yours\t%s\t%s can be withdrawn\n", show(d.Own), show(d.Withdrawable))
	if a.ExhaustedAt != nil {
		fmt.Fprintf(w, "lasts\t%s\tuntil %s\n", span(time.Until(*a.ExhaustedAt)), a.ExhaustedAt.UTC().Format(time.RFC3339))
	}
	if a.Account.Refill != "" {
		fmt.Fprintf(w, "refilled by\t%s\n", a.Account.Refill)
	}
	for _, p := range d.Places {
		fmt.Fprintf(w, "of %s\t%s\t%s can be reclaimed (%s)\n", p.Place.Depositor, deploy.FormatIn(a.Balance.Denom, p.Place.Left),
			show(p.Reclaimable), word(p.Place.Source.String(), "DEPOSIT_SOURCE_"))
	}
	return w.Flush()
}

func accountDepositCommand() *cobra.Command {
	var tenantFlag, granter, denom string
	cmd := withTenant(&cobra.Command{
		Use: "deposit AMOUNT", Short: "Add to your prepaid balance, or to somebody else's",
		Example: "  athd account deposit 20ath\n  athd account deposit 20ath --tenant ath1…\n  athd account deposit 20ath --granter ath1…\n  athd account deposit 20usd --denom ibc/27394F…", Args: cobra.ExactArgs(1),
	}, func(cmd *cobra.Command, t *tenant, args []string, asJSON bool) error {
		amount, err := coinOf(args, 0, denom)
		if err != nil {
			return err
		}
		msg := &leases.MsgDeposit{Depositor: t.signer.address, Tenant: tenantFlag, Granter: granter, Amount: amount}
		return t.send(cmd, asJSON, msg, "the account holds", func(tx chain.TxResult) (sdk.Coin, error) {
			var answer leases.MsgDepositResponse
			err := tx.Response(0, &answer)
			return answer.Balance, err
		})
	})
	cmd.Flags().StringVar(&tenantFlag, "tenant", "", "whose account; yours where empty")
	cmd.Flags().StringVar(&granter, "granter", "", "who pays, under a grant to you")
	cmd.MarkFlagsMutuallyExclusive("tenant", "granter")
	return denomFlag(cmd, &denom)
}

func accountWithdrawCommand() *cobra.Command {
	var denom string
	return denomFlag(withTenant(&cobra.Command{
		Use: "withdraw [AMOUNT]", Short: "Take your own free balance back; all of it without an amount",
		Example: "  athd account withdraw\n  athd account withdraw 5ath", Args: cobra.MaximumNArgs(1),
	}, func(cmd *cobra.Command, t *tenant, args []string, asJSON bool) error {
		amount, err := coinOf(args, 0, denom)
		if err != nil {
			return err
		}
		return t.send(cmd, asJSON, &leases.MsgWithdrawDeposit{Tenant: t.signer.address, Amount: amount}, "withdrew", func(tx chain.TxResult) (sdk.Coin, error) {
			var answer leases.MsgWithdrawDepositResponse
			err := tx.Response(0, &answer)
			return answer.Amount, err
		})
	}), &denom)
}

// sourceOf reads where money came from; empty means everywhere.
func sourceOf(flag string) (leases.DepositSource, error) {
	if flag == "" {
		return leases.DepositSource_DEPOSIT_SOURCE_UNSPECIFIED, nil
	}
	source, ok := leases.DepositSource_value["DEPOSIT_SOURCE_"+strings.ToUpper(flag)]
	if !ok || source == 0 {
		return 0, fmt.Errorf("--source %q: want bank, grant or parent", flag)
	}
	return leases.DepositSource(source), nil
}

func accountReclaimCommand() *cobra.Command {
	var depositor, source, denom string
	cmd := withTenant(&cobra.Command{
		Use: "reclaim TENANT [AMOUNT]", Short: "Take back what you deposited for a tenant, or give back what somebody deposited for you",
		Long: "It goes to where it came from: the depositor's wallet, or its prepaid account if that is a sub-account's parent. Under a grant that still stands, it can " +
			"be deposited again. Without an amount all that is neither spent nor reserved.",
		Example: "  athd account reclaim ath1…\n  athd account reclaim ath1… 5ath --source parent\n  athd account reclaim me --depositor ath1…", Args: cobra.RangeArgs(1, 2),
	}, func(cmd *cobra.Command, t *tenant, args []string, asJSON bool) error {
		amount, err := coinOf(args, 1, denom)
		if err != nil {
			return err
		}
		msg := &leases.MsgReclaimDeposit{Signer: t.signer.address, Tenant: args[0], Depositor: depositor, Amount: amount}
		if args[0] == "me" {
			msg.Tenant = t.signer.address
		}
		if msg.Source, err = sourceOf(source); err != nil {
			return err
		}
		return t.send(cmd, asJSON, msg, "gave back", func(tx chain.TxResult) (sdk.Coin, error) {
			var answer leases.MsgReclaimDepositResponse
			err := tx.Response(0, &answer)
			return answer.Amount, err
		})
	})
	cmd.Flags().StringVar(&depositor, "depositor", "", "whose deposit, where you are the tenant (me); yours where empty")
	cmd.Flags().StringVar(&source, "source", "", "only what came from there: bank, grant or parent")
	return denomFlag(cmd, &denom)
}
