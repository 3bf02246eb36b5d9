// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/athnet/ath/offchain/access"
	"github.com/athnet/ath/offchain/chain"
	"github.com/athnet/ath/offchain/deploy"
	leases "github.com/athnet/ath/x/leases/types"
)

// statementWait is how long a worker may take to sign the end of a lease: its tenant pays meanwhile, and a dead one signs nothing.
const statementWait = 3 * time.Second

func leaseCloseCommand() *cobra.Command {
	var unsigned bool
	cmd := withTenant(&cobra.Command{
		Use:   "close LEASE",
		Short: "End a lease; what it did not use stays in the prepaid balance",
		Long: "close asks the worker first to sign what it knows of the end, so that the receipt proves it; a worker that does not answer " +
			"within 3 s, or whose word is wrong, is not waited for.",
		Example: "  athd lease close 1\n  athd lease close 1 --unsigned",
		Args:    cobra.ExactArgs(1),
	}, func(cmd *cobra.Command, t *tenant, args []string, asJSON bool) error {
		id, err := t.leaseID(args[0])
		if err != nil {
			return err
		}
		why := errors.New("it was not asked")
		var said *leases.WorkerStatement
		if !unsigned {
			said, why = t.finalWord(cmd.Context(), id)
		}
		resp, refused, err := closeWith(cmd.Context(), t.Sender, &leases.MsgCloseLease{Signer: t.signer.address, LeaseId: id.String(), Statement: said})
		if err != nil {
			return err
		}
		if refused != nil {
			why = refused
		}
		if asJSON {
			return printJSON(cmd.OutOrStdout(), resp.Receipt)
		}
		r := resp.Receipt
		ran := time.Duration(0)
		if r.StartedAt != nil {
			ran = r.EndedAt.Sub(*r.StartedAt)
		}
		fmt.Fprintf(cmd.OutOrStdout(), "closed %s: ran %s, billed %s%s (%s)\n", id, span(ran), r.Billed, r.Denom, deploy.FormatIn(r.Denom, r.Billed))
		if c := r.Credit; c != nil {
			fmt.Fprintf(cmd.OutOrStdout(), "gateway %s pays, and has charged your credit %s\n", c.Gateway, deploy.FormatIn(leases.MicroUSD, c.Billed))
		}
		if r.Statement == nil {
			fmt.Fprintf(cmd.OutOrStdout(), "its worker has signed nothing of the end: %v\n", why)
		}
		return nil
	})
	cmd.Flags().BoolVar(&unsigned, "unsigned", false, "do not ask the worker to sign the end")
	return cmd
}

// finalWord is what the worker of an open lease signs of its end, or why there is nothing.
func (t *tenant) finalWord(ctx context.Context, id leases.LeaseID) (*leases.WorkerStatement, error) {
	ctx, cancel := context.WithTimeout(ctx, statementWait)
	defer cancel()
	resp, err := t.lease(ctx, id)
	if err != nil {
		return nil, err
	}
	if resp.Lease == nil {
		return nil, errors.New("the lease is closed")
	}
	container, err := t.serving(ctx, resp)
	if err != nil {
		return nil, err
	}
	client, err := t.Worker(container, access.ScopeStatus)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	s, err := client.Statement(ctx, id.String())
	if err != nil {
		return nil, err
	}
	if err := s.Validate(); err != nil {
		return nil, err
	}
	if err := s.Verify(t.node.ChainID(), id.String(), container.Id, container.WorkerPubkey); err != nil {
		return nil, err
	}
	return &s, nil
}

// closeWith closes a lease; where the chain refuses the statement (it may have got a usage record meanwhile) it closes without, and
// refused says why.
func closeWith(ctx context.Context, sender deploy.Sender, msg *leases.MsgCloseLease) (resp leases.MsgCloseLeaseResponse, refused, err error) {
	tx, err := sender.Send(ctx, msg)
	var no *chain.ExecutionError
	if msg.Statement != nil && errors.As(err, &no) && leases.AboutStatement(no.Codespace, no.Code) {
		refused = err
		tx, err = sender.Send(ctx, &leases.MsgCloseLease{Signer: msg.Signer, LeaseId: msg.LeaseId, Reason: msg.Reason, ExitCodes: msg.ExitCodes})
	}
	if err != nil {
		return resp, refused, err
	}
	return resp, refused, tx.Response(0, &resp)
}
