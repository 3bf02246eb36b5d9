// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	sdk "github.com/cosmos/cosmos-sdk/types"

	leasetypes "github.com/athnet/ath/x/leases/types"
	providertypes "github.com/athnet/ath/x/providers/types"

	"github.com/athnet/ath/offchain/chain"
)

// ErrNoLease says that the chain knows neither a lease nor a receipt of this id. It proves nothing: the node may have been reset.
var ErrNoLease = errors.New("the chain does not know this lease")

// Chain is what a worker needs of the network. Every method fails while no node answers, and then says nothing about leases.
type Chain interface {
	// Network returns what the network wants of workers.
	Network(ctx context.Context) (Network, error)
	// Container returns a Container with its status.
	Container(ctx context.Context, id uint64) (providertypes.ContainerView, error)
	// Lease returns an open lease or the receipt of a closed one; ErrNoLease.
	Lease(ctx context.Context, id string) (*leasetypes.Lease, *leasetypes.Receipt, error)
	// Delisted says whether the Container's offer was taken out of the price index; false where it has none.
	Delisted(ctx context.Context, id uint64) (bool, error)
	// Follow calls fn with every block from now on, in order, until ctx ends. A gap it can't fill it may skip.
	Follow(ctx context.Context, fn func(Block)) error
	// Send puts messages into one transaction and returns when it is in a block. *chain.ExecutionError where the chain refused it.
	Send(ctx context.Context, msgs ...sdk.Msg) error
}

// Network is what the network wants of workers.
type Network struct {
	ChainID       string
	Heartbeat     time.Duration // between heartbeats
	MaxClockSkew  time.Duration // how far a record may be ahead of block time
	MaxUsageBatch uint32
	StartLimit    time.Duration // of the Container's class; 0 where unknown
}

// Block is what a worker reads of a block.
type Block struct {
	Height int64
	Hash   []byte
	Time   time.Time
	// Opened, Started and Closed are the block's leases of all Containers, in order.
	Events []LeaseEvent
}

// LeaseEvent is one of both.
type LeaseEvent struct {
	Open   *leasetypes.Lease   // opened, or started
	Closed *leasetypes.Receipt // closed
}

// node implements Chain over a node client.
type node struct {
	client *chain.Client
	sender *chain.Sender
	class  string
}

// NewChain adapts a node client; class is the Container's.
func NewChain(client *chain.Client, sender *chain.Sender, class string) Chain {
	return &node{client: client, sender: sender, class: class}
}

// query bounds a single question, so that a node that hangs is a node that does not answer.
const queryTimeout = 5 * time.Second

func (n *node) Network(ctx context.Context) (Network, error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	p, err := providertypes.NewQueryClient(n.client.Conn()).Params(ctx, &providertypes.QueryParamsRequest{})
	if err != nil {
		return Network{}, fmt.Errorf("parameters of x/providers: %w", err)
	}
	l, err := leasetypes.NewQueryClient(n.client.Conn()).Params(ctx, &leasetypes.QueryParamsRequest{})
	if err != nil {
		return Network{}, fmt.Errorf("parameters of x/leases: %w", err)
	}
	classes, err := providertypes.NewQueryClient(n.client.Conn()).Classes(ctx, &providertypes.QueryClassesRequest{})
	if err != nil {
		return Network{}, fmt.Errorf("catalogue: %w", err)
	}
	out := Network{
		ChainID: n.client.ChainID(), Heartbeat: p.Params.HeartbeatInterval,
		MaxClockSkew: l.Params.MaxClockSkew, MaxUsageBatch: l.Params.MaxUsageBatch,
	}
	for _, c := range classes.Classes {
		if c.Name == n.class {
			out.StartLimit = c.StartLimit
		}
	}
	return out, nil
}

func (n *node) Container(ctx context.Context, id uint64) (providertypes.ContainerView, error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	answer, err := providertypes.NewQueryClient(n.client.Conn()).Container(ctx, &providertypes.QueryContainerRequest{Id: id})
	if err != nil {
		return providertypes.ContainerView{}, fmt.Errorf("container %d: %w", id, err)
	}
	return answer.Container, nil
}

func (n *node) Lease(ctx context.Context, id string) (*leasetypes.Lease, *leasetypes.Receipt, error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	parsed, err := leasetypes.ParseLeaseID(id)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrNoLease, err)
	}
	answer, err := leasetypes.NewQueryClient(n.client.Conn()).Lease(ctx,
		&leasetypes.QueryLeaseRequest{Tenant: parsed.Tenant.String(), Number: parsed.Number})
	switch {
	case status.Code(err) == codes.NotFound:
		return nil, nil, fmt.Errorf("%w: %s", ErrNoLease, id)
	case err != nil:
		return nil, nil, fmt.Errorf("lease %s: %w", id, err)
	case answer.Lease == nil && answer.Receipt == nil:
		return nil, nil, fmt.Errorf("%w: %s", ErrNoLease, id)
	}
	return answer.Lease, answer.Receipt, nil
}

func (n *node) Delisted(ctx context.Context, id uint64) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	answer, err := leasetypes.NewQueryClient(n.client.Conn()).Offer(ctx, &leasetypes.QueryOfferRequest{ContainerId: id})
	if status.Code(err) == codes.NotFound {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("offer of container %d: %w", id, err)
	}
	return answer.Offer.Delisted, nil
}

func (n *node) Follow(ctx context.Context, fn func(Block)) error {
	for {
		err := n.client.Blocks(ctx, 0, func(b chain.Block) error {
			fn(blockOf(b))
			return nil
		})
		// Both mean that blocks between were missed; the worker asks for the present state anyway.
		if !errors.Is(err, chain.ErrPruned) && !errors.Is(err, chain.ErrFork) {
			return err
		}
	}
}

func blockOf(b chain.Block) Block {
	out := Block{Height: b.Height, Hash: b.Hash, Time: b.Time}
	for _, ev := range b.Events {
		if ev.Tx != chain.OutsideTx && (ev.Tx >= len(b.Txs) || b.Txs[ev.Tx].Code != 0) {
			continue // of a transaction that failed
		}
		msg, err := chain.TypedEvent(ev)
		if err != nil {
			continue // not ours; a lease that is missed here is found by the next full look
		}
		switch e := msg.(type) {
		case *leasetypes.EventLeaseOpened:
			out.Events = append(out.Events, LeaseEvent{Open: &e.Lease})
		case *leasetypes.EventLeaseStarted:
			out.Events = append(out.Events, LeaseEvent{Open: &e.Lease})
		case *leasetypes.EventLeaseUpdated:
			out.Events = append(out.Events, LeaseEvent{Open: &e.Lease})
		case *leasetypes.EventLeaseReclaimed:
			out.Events = append(out.Events, LeaseEvent{Open: &e.Lease})
		case *leasetypes.EventLeaseMoved:
			out.Events = append(out.Events, LeaseEvent{Open: &e.Lease})
		case *leasetypes.EventLeasePaused:
			out.Events = append(out.Events, LeaseEvent{Open: &e.Lease})
		case *leasetypes.EventLeaseResumed:
			out.Events = append(out.Events, LeaseEvent{Open: &e.Lease})
		case *leasetypes.EventLeaseClosed:
			out.Events = append(out.Events, LeaseEvent{Closed: &e.Receipt})
		}
	}
	return out
}

func (n *node) Send(ctx context.Context, msgs ...sdk.Msg) error {
	_, err := n.sender.Send(ctx, msgs...)
	return err
}
