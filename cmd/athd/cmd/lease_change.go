// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/offchain/access"
	"github.com/athnet/ath/offchain/deploy"
	"github.com/athnet/ath/offchain/manifest"
	athtypes "github.com/athnet/ath/x/ath/types"
	leases "github.com/athnet/ath/x/leases/types"
)

// failoverPolicy reads the word for who may move a lease; empty says nothing.
func failoverPolicy(word string) (leases.FailoverPolicy, error) {
	switch word {
	case "":
		return leases.FailoverPolicy_FAILOVER_POLICY_UNSPECIFIED, nil
	case "ask":
		return leases.FailoverPolicy_FAILOVER_POLICY_ASK, nil
	case "automatic":
		return leases.FailoverPolicy_FAILOVER_POLICY_AUTOMATIC, nil
	}
	return 0, fmt.Errorf("--failover %q: want automatic or ask", word)
}

// changed is the answer of the commands that change a lease.
type changed struct {
	Lease leases.Lease `json:"lease"`
	Tx    string       `json:"tx"`
}

func leaseUpdateCommand() *cobra.Command {
	var (
		file, failover string
		extend         time.Duration
		priority       int
	)
	cmd := withTenant(&cobra.Command{
		Use:   "update LEASE",
		Short: "Change what a lease runs, prolong it, or say what happens when money or machine fail",
		Long: "A new file takes the place of the old one once the worker has it and its images; until then everything runs on. It has to fit into the " +
			"Container. Services that it has as before run on, and those of which only CPU or memory changes do where they have no GPU; others are " +
			"made anew. Persistent volumes keep their data. A longer term needs the provider's offer to stand at no more than the lease's price.",
		Example: "  athd lease update 1 --file app.yaml\n  athd lease update 1 --extend 24h\n  athd lease update 1 --priority 10 --failover automatic",
		Args:    cobra.ExactArgs(1),
	}, func(cmd *cobra.Command, t *tenant, args []string, asJSON bool) error {
		id, err := t.leaseID(args[0])
		if err != nil {
			return err
		}
		policy, err := failoverPolicy(failover)
		if err != nil {
			return err
		}
		msg := &leases.MsgUpdateLease{Tenant: t.signer.address, LeaseId: id.String(), ExtendBy: extend, Failover: policy}
		if cmd.Flags().Changed("priority") {
			if priority < 0 || priority > leases.MaxPriority {
				return fmt.Errorf("--priority %d: want 0 to %d", priority, leases.MaxPriority)
			}
			msg.PriorityPlusOne = uint32(priority) + 1
		}
		var canonical []byte
		if file != "" {
			if canonical, msg.Completes, err = t.handManifest(cmd, id, file); err != nil {
				return err
			}
			msg.ManifestHash = manifest.Hash(canonical)
		}
		if err := msg.Validate(); err != nil {
			return &deploy.Problem{Text: "the lease stays as it is", Err: err, Remedy: "see athd lease update --help"}
		}
		tx, err := t.Sender.Send(cmd.Context(), msg)
		if err != nil {
			return err
		}
		var answer leases.MsgUpdateLeaseResponse
		if err := tx.Response(0, &answer); err != nil {
			return err
		}
		what := "updated"
		if file != "" {
			what += "; the old services run on until the worker has the new images; athd lease status says once it is done"
		}
		return printChanged(cmd, asJSON, answer.Lease, tx.Hash, what)
	})
	f := cmd.Flags()
	f.StringVar(&file, "file", "", "new SDL file")
	f.DurationVar(&extend, "extend", 0, "add this to the agreed end")
	f.IntVar(&priority, "priority", 0, "0 to 100: of your leases, the lowest pause or end first when money runs out")
	f.StringVar(&failover, "failover", "", "who moves the lease to a standby: automatic (anyone, once its machine is faulty) or ask (only you)")
	return cmd
}

// handManifest parses, pins and gives a lease's worker a new manifest, before the chain names it. It says whether its workload may end the
// lease by ending.
func (t *tenant) handManifest(cmd *cobra.Command, id leases.LeaseID, path string) (canonical []byte, completes bool, err error) {
	file, err := readManifest(path, cmd.InOrStdin(), cmd.ErrOrStderr())
	if err != nil {
		return nil, false, err
	}
	if err := deploy.Pin(cmd.Context(), file, func(line string) { fmt.Fprintln(cmd.ErrOrStderr(), line) }); err != nil {
		return nil, false, err
	}
	s, err := t.status(cmd.Context(), id)
	if err != nil {
		return nil, false, err
	}
	if s.Lease == nil {
		return nil, false, fmt.Errorf("lease %s has ended: deploy anew", id)
	}
	return t.hand(cmd.Context(), cmd.ErrOrStderr(), id, s, file.Manifest)
}

// hand gives a lease's worker a new manifest. One that the Container can't carry is refused here, and one that the lease can't go over to
// now by the worker: then nothing has changed. Workers that stand by for it get it as well; where one can't, that is said to talk.
func (t *tenant) hand(ctx context.Context, talk io.Writer, id leases.LeaseID, s leaseStatus, m manifest.Manifest) (canonical []byte, completes bool, err error) {
	spec := s.Container.Spec
	has := manifest.Capacity{CPUMilli: spec.CpuMilli, MemoryMiB: spec.MemoryMib, DiskMiB: spec.DiskMib, GPUs: spec.Gpus}
	if err := has.Over(m.Services); err != nil {
		return nil, false, fmt.Errorf("container %d: %w; nothing has changed: ask for less, or deploy on another Container", s.Container.Id, err)
	}
	if canonical, err = m.Canonical(); err != nil {
		return nil, false, err
	}
	client, err := t.Worker(s.Container, access.ScopeManifest)
	if err != nil {
		return nil, false, err
	}
	defer client.Close()
	if err := client.PutManifestFor(ctx, s.ID, canonical); err != nil {
		return nil, false, err
	}
	for _, number := range s.Lease.Standbys {
		if err := t.handStandby(ctx, leases.LeaseID{Tenant: id.Tenant, Number: number}, canonical); err != nil {
			fmt.Fprintf(talk, "standby %d can't take over with this manifest: %v\n", number, err)
		}
	}
	return canonical, m.Ends() && !s.Lease.Prepaid(), nil
}

// handStandby gives the manifest to a worker that may take over.
func (t *tenant) handStandby(ctx context.Context, id leases.LeaseID, canonical []byte) error {
	container, err := t.containerOf(ctx, id)
	if err != nil {
		return err
	}
	client, err := t.Worker(container, access.ScopeManifest)
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, standbyTime)
	defer cancel()
	return client.PutManifest(ctx, canonical)
}

// standbyTime is how long a worker that stands by is waited for.
const standbyTime = 10 * time.Second

func leaseFailoverCommand() *cobra.Command {
	var standby uint64
	cmd := withTenant(&cobra.Command{
		Use:     "failover LEASE",
		Short:   "Move a lease to a machine that stands by for it",
		Example: "  athd lease failover 1\n  athd lease failover 1 --standby 2",
		Args:    cobra.ExactArgs(1),
	}, func(cmd *cobra.Command, t *tenant, args []string, asJSON bool) error {
		id, err := t.leaseID(args[0])
		if err != nil {
			return err
		}
		tx, err := t.Sender.Send(cmd.Context(), &leases.MsgFailover{Signer: t.signer.address, LeaseId: id.String(), Standby: standby})
		if err != nil {
			return err
		}
		resp, err := leases.NewQueryClient(t.node.Conn()).Lease(cmd.Context(), &leases.QueryLeaseRequest{Tenant: id.Tenant.String(), Number: id.Number})
		if err != nil {
			return fmt.Errorf("the lease was moved (%s), and can't be looked up: %w", tx.Hash, err)
		}
		if resp.Lease == nil {
			return fmt.Errorf("the lease was moved (%s), and has ended since", tx.Hash)
		}
		return printChanged(cmd, asJSON, *resp.Lease, tx.Hash, fmt.Sprintf("moved to container %d", resp.Lease.ContainerId))
	})
	cmd.Flags().Uint64Var(&standby, "standby", 0, "number of the standby's lease; the first that can take over where 0")
	return cmd
}

func leaseResumeCommand() *cobra.Command {
	var deposit string
	cmd := withTenant(&cobra.Command{
		Use:     "resume LEASE",
		Short:   "Go on with a lease that was paused when the money ran out",
		Example: "  athd lease resume 1 --deposit 20ath",
		Args:    cobra.ExactArgs(1),
	}, func(cmd *cobra.Command, t *tenant, args []string, asJSON bool) error {
		id, err := t.leaseID(args[0])
		if err != nil {
			return err
		}
		msg := &leases.MsgResumeLease{Tenant: t.signer.address, LeaseId: id.String(), Deposit: sdk.NewInt64Coin(athtypes.Denom, 0)}
		if deposit != "" {
			paused, err := leases.NewQueryClient(t.node.Conn()).Lease(cmd.Context(), &leases.QueryLeaseRequest{Tenant: id.Tenant.String(), Number: id.Number})
			if err != nil {
				return fmt.Errorf("look up %s: %w", id, err)
			}
			if paused.Lease == nil {
				return fmt.Errorf("lease %s has ended: lease anew with athd deploy", id)
			}
			if msg.Deposit, err = deploy.ParseCoin(deposit, paused.Lease.Denom); err != nil {
				return fmt.Errorf("--deposit: %w", err)
			}
		}
		tx, err := t.Sender.Send(cmd.Context(), msg)
		if err != nil {
			return err
		}
		var answer leases.MsgResumeLeaseResponse
		if err := tx.Response(0, &answer); err != nil {
			return err
		}
		resp, err := leases.NewQueryClient(t.node.Conn()).Lease(cmd.Context(), &leases.QueryLeaseRequest{Tenant: id.Tenant.String(), Number: id.Number})
		if err != nil || resp.Lease == nil {
			return fmt.Errorf("the lease goes on (%s), and can't be looked up: %w", tx.Hash, err)
		}
		return printChanged(cmd, asJSON, *resp.Lease, tx.Hash, "resumed; the pause cost "+answer.Paid.String())
	})
	cmd.Flags().StringVar(&deposit, "deposit", "", "added to the prepaid balance first, such as 20ath, or 20usd where a stable denom pays")
	return cmd
}

func printChanged(cmd *cobra.Command, asJSON bool, lease leases.Lease, tx, what string) error {
	if asJSON {
		return printJSON(cmd.OutOrStdout(), changed{Lease: lease, Tx: tx})
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s %s (transaction %s)\n", lease.ID(), what, tx)
	return err
}
