// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"cosmossdk.io/math"
	"github.com/spf13/cobra"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/offchain/chain"
	"github.com/athnet/ath/offchain/price"
	"github.com/athnet/ath/offchain/worker"
	athtypes "github.com/athnet/ath/x/ath/types"
	leasetypes "github.com/athnet/ath/x/leases/types"
	providertypes "github.com/athnet/ath/x/providers/types"
)

// asked are prices and terms as they are typed.
type asked struct {
	price, reserved, denom   string
	minTerm, maxTerm         time.Duration
	reservedMin, reservedMax time.Duration
}

// none: nothing was asked for.
func (o asked) none() bool { return o.price == "" && o.reserved == "" }

// prices adds the flags that both `offer set` and `start` have.
func (o *asked) prices(cmd *cobra.Command, say string) {
	f := cmd.Flags()
	f.StringVar(&o.price, "price", "", "price on demand, such as 0.36ath/h, 100uath/s, or 0.25usd/h, which is paid in ATH at the price of the day"+say)
	f.StringVar(&o.denom, "denom", "", "stable denom in which prices in usd are paid, one to one, such as ibc/27394F…; without it a price in usd is paid in what the tenant chooses, ATH or any allowed stable denom"+say)
	f.StringVar(&o.reserved, "reserved-price", "", "price of a lease that is reserved and paid in advance, in ath, or in usd with --denom; without --price it can only be reserved"+say)
	f.DurationVar(&o.reservedMin, "reserved-min-term", 24*time.Hour, "shortest term that can be reserved, 1h or more; a tenant who leaves earlier pays up to it")
	f.DurationVar(&o.reservedMax, "reserved-max-term", 0, "longest term that can be reserved; no bound where 0")
}

// terms reads what was typed.
func (o asked) terms() (worker.Terms, error) {
	t := worker.Terms{Price: price.Price{Denom: athtypes.Denom, Rate: math.ZeroInt()}, MinTerm: o.minTerm, MaxTerm: o.maxTerm}
	if o.none() {
		return t, errors.New("nothing to offer for: give --price, --reserved-price, or both")
	}
	var err error
	if o.price != "" {
		if t.Price, err = o.parse(o.price); err != nil {
			return t, fmt.Errorf("--price: %w", err)
		}
	}
	if o.reserved == "" {
		return t, nil
	}
	p, err := o.parse(o.reserved)
	if err != nil {
		return t, fmt.Errorf("--reserved-price: %w", err)
	}
	if o.denom != "" {
		t.Price.Denom = o.denom // also where it can only be reserved
	} else if p.Denom != athtypes.Denom || t.Price.Denom != athtypes.Denom {
		return t, errors.New("--reserved-price: a term that is paid in advance has its price in ath, and so has the price beside it")
	}
	t.Reserved = &leasetypes.ReservedTerms{Rate: p.Rate, MinTerm: o.reservedMin, MaxTerm: o.reservedMax}
	return t, nil
}

// parse reads a price; with a stable denom it is one in USD, which is paid in that.
func (o asked) parse(text string) (price.Price, error) {
	p, err := price.Parse(text)
	if err != nil || o.denom == "" {
		return p, err
	}
	if err := sdk.ValidateDenom(o.denom); err != nil || o.denom == athtypes.Denom || o.denom == leasetypes.MicroUSD {
		return p, fmt.Errorf("--denom %q: want a stable denom: athd query leases params lists stable_denoms", o.denom)
	}
	if p.Denom != leasetypes.MicroUSD {
		return p, fmt.Errorf("price %q: want one in usd with --denom", text)
	}
	p.Denom = o.denom
	return p, nil
}

func offerCommand(a *app) *cobra.Command {
	var o asked
	set := &cobra.Command{
		Use: "set", Short: "Set the standing price; open leases keep theirs", Args: cobra.NoArgs,
		Long: `Sets what the Container costs: on demand, reserved, or both. A reserved lease is paid in advance for an agreed term; who ends it before,
without the notice and the damages that are due, is charged (docs/operators/provider.md).`,
		Example: `  ath-worker offer set --price 0.36ath/h
  ath-worker offer set --price 0.35usd/h --denom ibc/27394FB092D2ECCD56123C74F36E4C1F926001CEADA9CA97EA622B25F41E5EB2
  ath-worker offer set --price 0.36ath/h --reserved-price 0.25ath/h --reserved-min-term 168h --reserved-max-term 2160h`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := o.terms(); err != nil {
				return err
			}
			client, err := a.dial(cmd.Context(), nodeWait)
			if err != nil {
				return err
			}
			defer client.Close()
			return a.setOffer(cmd.Context(), cmd, client, o)
		},
	}
	o.prices(set, "")
	set.Flags().DurationVar(&o.minTerm, "min-term", 0, "shortest agreed duration on demand; any where 0, no capacity reward above 1h")
	set.Flags().DurationVar(&o.maxTerm, "max-term", 0, "longest lease on demand; no bound where 0, no capacity reward below 1h")
	remove := &cobra.Command{
		Use: "remove", Short: "Take the price back: nobody can rent the machine any more; a lease that runs goes on", Args: cobra.NoArgs,
		Example: "  ath-worker offer remove",
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := a.dial(cmd.Context(), nodeWait)
			if err != nil {
				return err
			}
			defer client.Close()
			return a.removeOffer(cmd.Context(), cmd, client)
		},
	}
	cmd := &cobra.Command{Use: "offer", Short: "Look after the standing price"}
	cmd.AddCommand(set, remove)
	return cmd
}

// seller is what a change of the offer needs: the operator's sender and this worker's Container.
func (a *app) seller(ctx context.Context, client *chain.Client) (r worker.Registrar, sender *chain.Sender, view providertypes.ContainerView, err error) {
	operator, err := a.operatorKey()
	if err != nil {
		return r, nil, view, err
	}
	if r, _, err = a.registrar(client, ""); err != nil {
		return r, nil, view, err
	}
	if view, err = r.Find(ctx); err != nil {
		return r, nil, view, err
	}
	sender, err = a.sender(client, operator)
	return r, sender, view, err
}

func (a *app) removeOffer(ctx context.Context, cmd *cobra.Command, client *chain.Client) error {
	r, sender, view, err := a.seller(ctx, client)
	if err != nil {
		return err
	}
	if err := r.RemoveOffer(ctx, sender, view.Container.Id); err != nil {
		return err
	}
	answer := struct {
		Container uint64 `json:"container"`
	}{view.Container.Id}
	return a.print(cmd, answer, func(w io.Writer) { fmt.Fprintf(w, "container %d is no longer offered\n", answer.Container) })
}

func (a *app) setOffer(ctx context.Context, cmd *cobra.Command, client *chain.Client, o asked) error {
	terms, err := o.terms()
	if err != nil {
		return err
	}
	r, sender, view, err := a.seller(ctx, client)
	if err != nil {
		return err
	}
	if err := r.SetOffer(ctx, sender, view.Container.Id, terms); err != nil {
		return err
	}
	answer := struct {
		Container uint64                    `json:"container"`
		Denom     string                    `json:"denom"`
		Rate      string                    `json:"rate"` // 10^-6 of the denom's smallest unit per second; 0 where it can only be reserved
		Reserved  *leasetypes.ReservedTerms `json:"reserved,omitempty"`
	}{view.Container.Id, terms.Price.Denom, terms.Price.Rate.String(), terms.Reserved}
	return a.print(cmd, answer, func(w io.Writer) {
		if o.price != "" {
			fmt.Fprintf(w, "container %d is offered for %s (%s × 10⁻⁶ %s/s)\n", answer.Container, o.price, answer.Rate, answer.Denom)
		}
		if r := terms.Reserved; r != nil {
			fmt.Fprintf(w, "container %d can be reserved for %s (%s × 10⁻⁶ %s/s), from %s on\n", answer.Container, o.reserved, r.Rate, answer.Denom, r.MinTerm)
		}
	})
}

// reclaimGasPercent of the estimate: the lease's own worker may send a usage record before the notice is in, which then has more to write.
const reclaimGasPercent = 250

// reclaimCommand gives notice to a tenant.
func reclaimCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "reclaim LEASE", Short: "Give a tenant notice that you take this machine back; the chain ends the lease when it is over", Args: cobra.ExactArgs(1),
		Long: `Tells the chain, and through it the tenant, that the lease ends after the notice that is due to it: an hour on demand, a day where it was
reserved (parameters of the network). On demand that costs nothing. A reserved lease was promised to its end, so notice to it opens a ticket for
what is left of the term. Ending a lease that runs without notice opens a ticket as well. Notice can't be taken back.`,
		Example: "  ath-worker lease reclaim ath1…/7",
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := leasetypes.ParseLeaseID(args[0])
			if err != nil {
				return fmt.Errorf("%q is no lease: want its tenant and its number, such as ath1…/7; `ath-worker lease list` says which there are", args[0])
			}
			operator, err := a.operatorKey()
			if err != nil {
				return err
			}
			client, err := a.dial(cmd.Context(), nodeWait)
			if err != nil {
				return err
			}
			defer client.Close()
			sender, err := chain.NewSender(client, operator, chain.SenderConfig{GasPrice: a.Worker.GasPrice, GasPercent: reclaimGasPercent})
			if err != nil {
				return err
			}
			tx, err := sender.Send(cmd.Context(), &leasetypes.MsgReclaimLease{Operator: sender.Address(), LeaseId: id.String()})
			if err != nil {
				return fmt.Errorf("reclaim %s: %w", id, err)
			}
			var resp leasetypes.MsgReclaimLeaseResponse
			if err := tx.Response(0, &resp); err != nil {
				return err
			}
			answer := struct {
				Lease     string    `json:"lease_id"`
				ReclaimAt time.Time `json:"reclaim_at"`
			}{id.String(), resp.ReclaimAt}
			return a.print(cmd, answer, func(w io.Writer) {
				fmt.Fprintf(w, "lease %s ends at %s\n", answer.Lease, answer.ReclaimAt.UTC().Format(time.RFC3339))
			})
		},
	}
}
