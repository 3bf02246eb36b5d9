// SPDX-License-Identifier: Apache-2.0

package chaintest

import (
	"context"
	"fmt"
	"time"

	sdk "github.com/cosmos/cosmos-sdk/types"
	gogoproto "github.com/cosmos/gogoproto/proto"

	"github.com/athnet/ath/offchain/chain"
)

// Tx is a transaction on its way into a block.
type Tx struct {
	Signer string
	Msgs   []sdk.Msg
	Height int64
	Time   time.Time

	hash   string
	events []chain.Event
	err    error
	done   chan struct{}
}

// Emit adds an event to the transaction.
func (t *Tx) Emit(ev gogoproto.Message) { t.events = append(t.events, encode(ev)) }

// Handle sets what the chain does with a message. An error refuses the whole transaction; a *chain.ExecutionError chooses its code.
// It runs inside Next and must not call the chain.
func (c *Chain) Handle(fn func(tx *Tx, msg sdk.Msg) error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.handler = func(tx *Tx, msg gogoproto.Message) error { return fn(tx, msg) }
}

// AwaitTxs blocks until n transactions wait for a block: how a test knows that a daemon has sent something.
func (c *Chain) AwaitTxs(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.pending) < n {
		c.changed.Wait()
	}
}

// Pending is how many transactions wait for a block.
func (c *Chain) Pending() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.pending)
}

// Sender sends as an account.
func (c *Chain) Sender(address string) *Sender { return &Sender{chain: c, address: address} }

// Sender stands for chain.Sender.
type Sender struct {
	chain   *Chain
	address string
}

// Address of the signer.
func (s *Sender) Address() string { return s.address }

// Send waits until Next has put the messages into a block.
func (s *Sender) Send(ctx context.Context, msgs ...sdk.Msg) (chain.TxResult, error) {
	c := s.chain
	c.mu.Lock()
	if c.broken != nil {
		defer c.mu.Unlock()
		return chain.TxResult{}, &chain.BroadcastError{Err: c.broken}
	}
	tx := &Tx{Signer: s.address, Msgs: msgs, done: make(chan struct{})}
	tx.hash = fmt.Sprintf("%040d%024d", len(c.blocks), len(c.pending))
	c.pending = append(c.pending, tx)
	c.changed.Broadcast()
	c.mu.Unlock()
	select {
	case <-tx.done:
		if tx.err != nil {
			return chain.TxResult{}, tx.err
		}
		return chain.TxResult{Height: tx.Height, Time: tx.Time, Hash: tx.hash, Events: tx.events}, nil
	case <-ctx.Done():
		return chain.TxResult{}, fmt.Errorf("%w: %w", &chain.TimeoutError{Hash: tx.hash}, ctx.Err())
	}
}
