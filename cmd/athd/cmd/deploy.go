// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/offchain/deploy"
	"github.com/athnet/ath/offchain/manifest"
	athtypes "github.com/athnet/ath/x/ath/types"
	leases "github.com/athnet/ath/x/leases/types"
)

// deployCommand rents a Container for a file's workload.
func deployCommand() *cobra.Command {
	var o deployFlags
	cmd := &cobra.Command{
		Use:   "deploy FILE",
		Short: "Rent a Container and run a workload on it",
		Long: "deploy reads an SDL file (2.0 or 2.1), finds a Container, leases it in one transaction, hands the manifest to its\n" +
			"worker and waits until the workload answers. An image that the file names by a tag is looked up once; what runs is the\n" +
			"digest that the registry names. Progress goes to stderr, the answer to stdout.",
		Example: "  athd deploy app.yaml --from alice\n" +
			"  athd deploy app.yaml --max-price 0.5ath/h --duration 2h\n" +
			"  athd deploy app.yaml --max-price 0.35usd/h --price-in usd\n" +
			"  athd deploy app.yaml --max-price 0.35usd/h --pay-with ibc/27394F… --deposit 20usd\n" +
			"  athd deploy train.yaml --class h100-sxm-80 --region eu-de-fra --output json\n" +
			"  athd deploy serve.yaml --reserved --duration 720h",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return runDeploy(cmd, args[0], o) },
	}
	addTenantFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&o.class, "class", "", "class of the hardware catalogue; follows from the file where empty")
	f.StringVar(&o.region, "region", "", "only in this region")
	f.StringVar(&o.priceIn, "price-in", "", "take only offers priced in ath (the price stands) or usd (paid in ATH at the price of the hour); the cheaper now where empty")
	f.StringVar(&o.maxPrice, "max-price", "", "most to pay, such as 0.5ath/h or 0.35usd/h, whichever an offer is priced in; a tenth above the cheapest where empty")
	f.StringVar(&o.payWith, "pay-with", "", "pay in this stable denom, for offers in it or in usd, one to one; in ATH where empty (athd query leases params lists stable_denoms)")
	f.StringVar(&o.deposit, "deposit", "", "added to the prepaid balance, such as 2ath, or 2usd with --pay-with; what is missing for the duration or a day where empty")
	f.StringVar(&o.granter, "granter", "", "address that pays the deposit, under a grant to you (athd account grant)")
	f.StringVar(&o.gateway, "gateway", "", "gateway that pays, on the credit that it gives you, for offers priced in usd (athd gateway credit)")
	f.DurationVar(&o.duration, "duration", 0, "end the lease after this time; 0 lets it run until it is closed")
	f.BoolVar(&o.reserved, "reserved", false, "reserve for the whole --duration: paid in advance at the offer's reserved price, never paused, and its provider answers for ending it earlier")
	f.UintSliceVar(&o.containers, "container", nil, "try these Containers in this order, ask no market")
	f.UintSliceVar(&o.exclude, "exclude", nil, "never take these Containers")
	f.DurationVar(&o.maxMinCharge, "max-min-charge", 5*time.Minute, "longest minimum charge to accept on demand; 0 for any")
	f.Uint32Var(&o.standbys, "standbys", 0, "Containers that stand by to take over, at most 4; each costs its standby price")
	f.StringVar(&o.failover, "failover", "ask", "who moves the lease to a standby: ask (only you) or automatic (anyone, once Checkers find its Container faulty)")
	f.DurationVar(&o.grace, "grace", 0, "keep the data so long when the money runs out; held back at the offer's storage price")
	f.Uint32Var(&o.priority, "priority", 0, "0 to 100: of your leases, the lowest pause or end first when money runs out")
	f.DurationVar(&o.timeout, "timeout", deploy.DefaultTimeout, "how long to wait until the workload answers")
	f.BoolVar(&o.noWait, "no-wait", false, "return once the worker has the manifest")
	f.BoolVar(&o.timings, "timings", false, "print what took how long")
	return cmd
}

type deployFlags struct {
	class, region, deposit, failover string
	granter, gateway                 string
	maxPrice, priceIn, payWith       string
	duration, timeout                time.Duration
	containers, exclude              []uint
	noWait, timings, reserved        bool
	maxMinCharge, grace              time.Duration
	standbys, priority               uint32
}

func (o deployFlags) options() (deploy.Options, error) {
	opts := deploy.Options{
		Class: o.class, Region: o.region, Duration: o.duration, Timeout: o.timeout, NoWait: o.noWait,
		Granter: o.granter, MaxMinCharge: o.maxMinCharge, Grace: o.grace, Standbys: o.standbys, Priority: o.priority, PayWith: o.payWith,
	}
	if opts.Reserved = o.reserved; o.reserved {
		if o.duration < leases.MinReservedTerm {
			return opts, fmt.Errorf("--reserved: want a --duration from %s on, which is paid in advance", leases.MinReservedTerm)
		}
		if o.grace > 0 {
			return opts, fmt.Errorf("--grace %s: a reserved lease is paid in advance and never paused", o.grace)
		}
		opts.MaxMinCharge = 0 // what it costs at least is within the duration, which is paid anyway
	}
	policy, err := failoverPolicy(o.failover)
	if err != nil {
		return opts, err
	}
	opts.Failover = policy
	for _, id := range o.containers {
		opts.Containers = append(opts.Containers, uint64(id))
	}
	for _, id := range o.exclude {
		opts.Exclude = append(opts.Exclude, uint64(id))
	}
	if o.maxPrice != "" {
		rate, err := deploy.ParsePrice(o.maxPrice)
		if err != nil {
			return opts, fmt.Errorf("--max-price: %w", err)
		}
		opts.MaxPrice = rate
	}
	switch o.priceIn {
	case "":
	case "ath":
		opts.PriceDenom = athtypes.Denom
	case "usd":
		opts.PriceDenom = leases.MicroUSD
	default:
		return opts, fmt.Errorf("--price-in %s: want ath or usd", o.priceIn)
	}
	if opts.Gateway = o.gateway; o.gateway != "" {
		if _, err := sdk.AccAddressFromBech32(o.gateway); err != nil {
			return opts, fmt.Errorf("--gateway %s: want an address: %w", o.gateway, err)
		}
		if o.priceIn == "" {
			opts.PriceDenom = leases.MicroUSD
		}
	}
	if o.deposit != "" {
		pays := o.payWith
		if pays == "" {
			pays = athtypes.Denom
		}
		amount, err := deploy.ParseCoin(o.deposit, pays)
		if err != nil {
			return opts, fmt.Errorf("--deposit: %w", err)
		}
		opts.Deposit = &amount.Amount
	}
	if o.granter != "" {
		if _, err := sdk.AccAddressFromBech32(o.granter); err != nil {
			return opts, fmt.Errorf("--granter %s: want an address: %w", o.granter, err)
		}
	}
	if o.duration < 0 {
		return opts, fmt.Errorf("--duration %s: want a time from 1s, or 0", o.duration)
	}
	if err := opts.Validate(); err != nil {
		if o.gateway != "" {
			return opts, fmt.Errorf("--gateway: %w", err)
		}
		return opts, fmt.Errorf("--pay-with: %w", err)
	}
	return opts, nil
}

// interruptLinger is how long an interrupted deploy waits for a transaction that it has handed in: a block or two.
const interruptLinger = 10 * time.Second

// runDeploy is deploy under a signal: whoever stops it is told whether a lease is open, which bills.
func runDeploy(cmd *cobra.Command, path string, o deployFlags) error {
	ctx, stop := cmd.Context(), context.CancelFunc(func() {})
	// What is ignored already stays so: nohup, or a script's job in the background.
	if signals := slices.DeleteFunc([]os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP}, signal.Ignored); len(signals) > 0 {
		ctx, stop = signal.NotifyContext(cmd.Context(), signals...)
	}
	defer stop()
	over := context.AfterFunc(ctx, func() {
		stop()
		fmt.Fprintln(cmd.ErrOrStderr(), "athd: interrupted; looking what there is of a lease (once more stops at once)")
	})
	defer over()
	cmd.SetContext(ctx)
	err := deployFile(cmd, path, o)
	var known *deploy.InterruptedError
	if err != nil && ctx.Err() != nil && !errors.As(err, &known) { // it had not come so far
		return &deploy.InterruptedError{Err: err}
	}
	return err
}

func deployFile(cmd *cobra.Command, path string, o deployFlags) error {
	start, talk := time.Now(), cmd.ErrOrStderr()
	asJSON, err := wantsJSON(cmd)
	if err != nil {
		return err
	}
	opts, err := o.options()
	if err != nil {
		return err
	}
	file, err := readManifest(path, cmd.InOrStdin(), talk)
	if err != nil {
		return err
	}
	say := func(line string) { fmt.Fprintf(talk, "%6.2fs  %s\n", time.Since(start).Seconds(), line) }
	if err := deploy.Pin(cmd.Context(), file, say); err != nil {
		return err
	}
	t, err := openTenant(cmd)
	if err != nil {
		return err
	}
	defer t.close()
	t.Say = say
	result, err := t.Deploy(cmd.Context(), file, opts)
	if result != nil && result.LeaseID != "" {
		if asJSON {
			if perr := printJSON(cmd.OutOrStdout(), result); perr != nil {
				return perr
			}
		} else if cmd.Context().Err() == nil { // else there is only what the error says
			printDeployed(cmd.OutOrStdout(), result, o.timings)
		}
	}
	return err
}

// readManifest parses a file and says its warnings.
func readManifest(path string, in io.Reader, talk io.Writer) (*manifest.File, error) {
	data, err := manifestBytes(path, in)
	if err != nil {
		return nil, err
	}
	file, err := manifest.Parse(path, data)
	if err != nil {
		return nil, manifestError(err)
	}
	for _, w := range file.Warnings {
		fmt.Fprintln(talk, "warning:", w)
	}
	return file, nil
}

// lasts says how long the free balance lasts, or what pays instead.
func lasts(r *deploy.Result) string {
	switch {
	case r.Gateway != "":
		return "not touched: gateway " + r.Gateway + " pays (athd gateway credit says how long)"
	case r.LastsSeconds != nil:
		return "lasts " + span(time.Duration(*r.LastsSeconds)*time.Second)
	case r.Mode == leases.LeaseMode_LEASE_MODE_RESERVED.Word():
		return "beside the whole term, which is paid"
	default:
		return "of which nothing is taken yet"
	}
}

func printDeployed(out io.Writer, r *deploy.Result, timings bool) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "lease\t%s\n", r.LeaseID)
	for _, e := range r.Endpoints {
		at := e.URL
		if at == "" {
			at = e.Proto + "://" + e.Address
		}
		fmt.Fprintf(w, "endpoint\t%s\t(%s port %d)\n", at, e.Service, e.Port)
	}
	for _, s := range r.Standbys {
		ready := "ready"
		if !s.Ready {
			ready = "not ready: " + s.Problem
		}
		fmt.Fprintf(w, "standby\tcontainer %d\t%s, %s\n", s.ContainerID, s.PerHour, ready)
	}
	fmt.Fprintf(w, "container\t%d\t(%s, %s)\n", r.ContainerID, r.Class, r.Region)
	fmt.Fprintf(w, "price\t%s\t(%s × 10⁻⁶ %s per second, paid in %s)\n", r.PerHour, r.Rate, r.PriceDenom, r.PayDenom)
	if r.Deposited.IsPositive() {
		fmt.Fprintf(w, "deposited\t%s\tinto the prepaid account, of which the lease takes what it uses\n", deploy.FormatIn(r.PayDenom, r.Deposited))
	}
	fmt.Fprintf(w, "balance\t%s\t%s\n", deploy.FormatIn(r.PayDenom, r.Free), lasts(r))
	fmt.Fprintf(w, "transactions\t%d\t%s in block %d\n", len(r.Txs), r.Txs[0], r.Height)
	if timings {
		for _, t := range r.Timings {
			fmt.Fprintf(w, "%s\t%d ms\n", t.Step, t.MS)
		}
	}
	w.Flush()
}
