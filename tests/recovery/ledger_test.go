// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package recovery

import (
	"context"
	"fmt"
	"sync"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/offchain/chain"
	"github.com/athnet/ath/offchain/voucher"
	leases "github.com/athnet/ath/x/leases/types"
	providers "github.com/athnet/ath/x/providers/types"
)

// flow is money that came into a tenant's account, or went out of it (negative).
type flow struct {
	height int64
	lease  string // empty for deposits
	amount math.Int
}

// ledger is what the chain has said, block by block, from the first one on.
type ledger struct {
	mu      sync.Mutex
	height  int64
	chainID string
	tenant  string
	keys    map[uint64][]byte // of workers, by Container
	leases  map[string]*account
	flows   []flow
	err     error
	at      map[string]uint64 // lease → Container
}

// account is what the chain has said of one lease.
type account struct {
	head    voucher.Head
	records uint64
	started *leases.Lease
	receipt *leases.Receipt
}

func newLedger(chainID, tenant string, containers []providers.ContainerView) *ledger {
	l := &ledger{chainID: chainID, tenant: tenant, keys: map[uint64][]byte{}, leases: map[string]*account{}, at: map[string]uint64{}}
	for _, c := range containers {
		l.keys[c.Container.Id] = c.Container.WorkerPubkey
	}
	return l
}

// follow reads blocks until the context ends. The connection outlives deaths of the node.
func (l *ledger) follow(ctx context.Context, c *chain.Client) {
	err := c.Blocks(ctx, 1, func(b chain.Block) error {
		l.mu.Lock()
		defer l.mu.Unlock()
		if b.Height != l.height+1 {
			return fmt.Errorf("after block %d came block %d", l.height, b.Height)
		}
		for _, raw := range b.Events {
			msg, err := chain.TypedEvent(raw)
			if err != nil {
				continue // the SDK's own
			}
			if err := l.take(b.Height, msg); err != nil {
				return fmt.Errorf("block %d: %w", b.Height, err)
			}
		}
		l.height = b.Height
		return nil
	})
	if ctx.Err() == nil {
		l.mu.Lock()
		l.err = err
		l.mu.Unlock()
	}
}

func (l *ledger) take(height int64, msg any) error {
	switch e := msg.(type) {
	case *leases.EventLeaseOpened:
		id := e.Lease.ID()
		l.leases[id] = &account{head: voucher.Head{LeaseID: id}}
		l.at[id] = e.Lease.ContainerId
	case *leases.EventLeaseStarted:
		l.leases[e.Lease.ID()].started = &e.Lease
	case *leases.EventUsageRecorded:
		return l.record(e.Record)
	case *leases.EventLeaseSettled:
		return l.move(height, e.LeaseId, e.Paid, true)
	case *leases.EventDeposited:
		if e.Tenant == l.tenant {
			return l.move(height, "", e.Amount, false)
		}
	case *leases.EventDepositWithdrawn:
		if e.Tenant == l.tenant {
			return l.move(height, "", e.Amount, true)
		}
	case *leases.EventLeaseClosed:
		l.leases[fmt.Sprintf("%s/%d", e.Receipt.Tenant, e.Receipt.Number)].receipt = &e.Receipt
	case *providers.EventContainerStatusChanged:
		if e.Status.FaultAt != nil {
			return fmt.Errorf("checkers found Container %d faulty: %+v; breaks here are far too short for that", e.Status.Id, e.Status)
		}
	}
	return nil
}

// record demands that usage records are one chain: next in sequence, signed by the worker over the one before, from where that ended.
func (l *ledger) record(r leases.UsageRecord) error {
	a := l.leases[r.LeaseId]
	if a.records > 0 && !r.From.Equal(a.head.Until) {
		return fmt.Errorf("lease %s: usage record %d is from %s, the one before until %s", r.LeaseId, r.Sequence, r.From, a.head.Until)
	}
	head, err := voucher.Verify(a.head, r, l.chainID, l.keys[l.at[r.LeaseId]])
	if err != nil {
		return err
	}
	a.head = head
	a.records++
	return nil
}

func (l *ledger) move(height int64, lease, text string, out bool) error {
	coin, err := sdk.ParseCoinNormalized(text)
	if err != nil {
		return err
	}
	if out {
		coin.Amount = coin.Amount.Neg()
	}
	l.flows = append(l.flows, flow{height, lease, coin.Amount})
	return nil
}

// sum of the flows up to a height, of one lease or of all.
func (l *ledger) sum(height int64, lease string) math.Int {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := math.ZeroInt()
	for _, f := range l.flows {
		if f.height <= height && (lease == "" || f.lease == lease) {
			out = out.Add(f.amount)
		}
	}
	return out
}

// of returns what is known of a lease.
func (l *ledger) of(lease string) (account, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return account{}, l.err
	}
	a := l.leases[lease]
	if a == nil {
		return account{}, fmt.Errorf("no block up to %d has opened lease %s", l.height, lease)
	}
	return *a, nil
}

// reached says whether blocks up to a height were read.
func (l *ledger) reached(height int64) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.height >= height, l.err
}
