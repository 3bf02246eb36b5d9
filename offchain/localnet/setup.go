// SPDX-License-Identifier: Apache-2.0

package localnet

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cosmossdk.io/math"

	"github.com/athnet/ath/offchain/chain"
	"github.com/athnet/ath/offchain/deploy"
	athtypes "github.com/athnet/ath/x/ath/types"
	checks "github.com/athnet/ath/x/checks/types"
	leases "github.com/athnet/ath/x/leases/types"
	providers "github.com/athnet/ath/x/providers/types"
)

// buyLicences makes every Checker account the owner and operator of one licence.
func (n *Network) buyLicences(ctx context.Context) error {
	errs := make(chan error, len(n.Config.Checkers))
	for _, account := range n.Config.Checkers {
		go func() {
			sender, err := n.Sender(account)
			if err == nil {
				_, err = sender.Send(ctx, &checks.MsgBuyLicences{Owner: sender.Address(), Count: 1, Operator: sender.Address()})
			}
			if err != nil {
				err = fmt.Errorf("buy a licence for %s: %w", account, err)
			}
			errs <- err
		}()
	}
	var all []error
	for range n.Config.Checkers {
		all = append(all, <-errs)
	}
	return errors.Join(all...)
}

// Containers of the network's providers that are not retired, this machine's first.
func (n *Network) Containers(ctx context.Context) ([]providers.ContainerView, error) {
	var out []providers.ContainerView
	for machine := range 1 + len(n.Config.Worker.Machines) {
		resp, err := providers.NewQueryClient(n.Chain().Conn()).Containers(ctx, &providers.QueryContainersRequest{Provider: n.Address(n.workerAccount(machine))})
		if err != nil {
			return nil, fmt.Errorf("list Containers: %w", err)
		}
		for _, c := range resp.Containers {
			if c.Status.State != providers.ContainerState_CONTAINER_STATE_RETIRED {
				out = append(out, c)
			}
		}
	}
	return out, nil
}

// Poll asks until done says so, a process of the network ends, or the time is over; then the error says what was awaited.
func (n *Network) Poll(ctx context.Context, patience time.Duration, what string, done func(context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		ok, err := done(ctx)
		if ok && err == nil {
			return nil
		}
		if ferr := n.Failed(); ferr != nil {
			return fmt.Errorf("waited for %s: %w", what, ferr)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waited %s for %s: %w", patience, what, errors.Join(err, ctx.Err()))
		case <-time.After(150 * time.Millisecond):
		}
	}
}

// awaitContainers returns this machine's Container once that of every worker is registered.
func (n *Network) awaitContainers(ctx context.Context) (providers.ContainerView, error) {
	var found providers.ContainerView
	err := n.Poll(ctx, 60*time.Second, "the workers to register their Containers", func(ctx context.Context) (bool, error) {
		all, err := n.Containers(ctx)
		if err != nil || len(all) < 1+len(n.Config.Worker.Machines) {
			return false, err
		}
		found = all[0]
		return true, nil
	})
	return found, err
}

// awaitReady returns when every Container is healthy, offered and found by the Indexer.
func (n *Network) awaitReady(ctx context.Context) error {
	err := n.Poll(ctx, 2*time.Minute, "the Checkers to find the Container healthy", func(ctx context.Context) (bool, error) {
		all, err := n.Containers(ctx)
		if err != nil || len(all) == 0 {
			return false, err
		}
		for _, c := range all {
			if c.Status.State != providers.ContainerState_CONTAINER_STATE_READY {
				return false, fmt.Errorf("container %d is %s %s", c.Container.Id, c.Status.State, c.Status.Reason)
			}
		}
		return true, nil
	})
	if err != nil {
		return err
	}
	n.say("the Checkers found it healthy: it can be rented")
	ix, err := deploy.NewIndexer(n.IndexerURL())
	if err != nil {
		return err
	}
	return n.Poll(ctx, 30*time.Second, "the Indexer to offer the Container", func(ctx context.Context) (bool, error) {
		a, err := ix.Find(ctx, deploy.Query{Tenant: n.Address(n.Config.Tenant), Requirement: leases.Requirement{Class: "cpu"}, MaxRate: math.ZeroInt(), Denom: athtypes.Denom, Limit: 1})
		return err == nil && len(a.Candidates) > 0, err
	})
}

// AwaitFree returns when the Container can be rented: behind a lease its worker has to clean up.
func (n *Network) AwaitFree(ctx context.Context) error {
	return n.Poll(ctx, time.Minute, "the Container to be free", func(ctx context.Context) (bool, error) {
		resp, err := leases.NewQueryClient(n.Chain().Conn()).Match(ctx, &leases.QueryMatchRequest{
			Requirement: leases.Requirement{Class: "cpu"}, MaxRate: math.ZeroInt(), Tenant: n.Address(n.Config.Tenant), Limit: 1,
		})
		return err == nil && len(resp.Offers) > 0, err
	})
}

// CountTxs counts the transactions that a lease took: the tenant's from one block before the lease to its start, and the
// provider's that name the lease up to the block in which it was active.
func (n *Network) CountTxs(ctx context.Context, r deploy.Result) (tenant, provider int, err error) {
	opened, err := n.Chain().Block(ctx, r.Height)
	if err != nil {
		return 0, 0, err
	}
	for _, ev := range opened.Events {
		msg, err := chain.TypedEvent(ev)
		if err != nil {
			continue // the SDK's own
		}
		switch e := msg.(type) {
		case *leases.EventLeaseOpened:
			if fmt.Sprintf("%s/%d", e.Lease.Tenant, e.Lease.Number) == r.LeaseID {
				tenant++
				if e.Lease.State != leases.LeaseState_LEASE_STATE_ACTIVE {
					return 0, 0, fmt.Errorf("lease %s is %s in its own block", r.LeaseID, e.Lease.State)
				}
			}
		case *leases.EventUsageRecorded:
			if e.Record.LeaseId == r.LeaseID {
				provider++
			}
		}
	}
	if tenant != 1 || len(r.Txs) != 1 {
		return 0, 0, fmt.Errorf("block %d opened lease %s %d times, with %d transactions", r.Height, r.LeaseID, tenant, len(r.Txs))
	}
	return len(r.Txs), provider, nil
}
