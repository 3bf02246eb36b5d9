// SPDX-License-Identifier: Apache-2.0

// Package chaintest is a chain in memory whose blocks are made by hand. It stands behind the same methods as chain.Client and
// chain.Sender, so that a daemon's tests need neither a node nor the time that a node takes.
//
//	c := chaintest.New("ath-test")
//	types.RegisterQueryServer(c, fakeQueries)          // what Conn() answers
//	c.Handle(func(tx *chaintest.Tx, msg sdk.Msg) error // what Send does
//	c.Next(&types.EventLeaseOpened{…})                 // a block, one second later
package chaintest

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	gogoproto "github.com/cosmos/gogoproto/proto"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/athnet/ath/offchain/chain"
	"github.com/athnet/ath/offchain/daemon/clock"
)

// Genesis is the time of block 0 of every test chain.
var Genesis = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

// Chain is the chain. Safe for concurrent use.
type Chain struct {
	// Clock is the chain's and should be the daemon's: Next moves it.
	Clock *clock.Manual
	// Interval between blocks.
	Interval time.Duration

	id       string
	mu       sync.Mutex
	changed  *sync.Cond
	blocks   []chain.Block
	earliest int64
	pending  []*Tx
	handler  func(tx *Tx, msg gogoproto.Message) error
	services map[string]service
	broken   error
}

type service struct {
	desc *grpc.ServiceDesc
	impl any
}

// New has one empty block, at height 1.
func New(chainID string) *Chain {
	c := &Chain{
		Clock: clock.NewManual(Genesis), Interval: time.Second, id: chainID, earliest: 1, services: map[string]service{},
		handler: func(_ *Tx, msg gogoproto.Message) error { return fmt.Errorf("no handler for %T", msg) },
	}
	c.changed = sync.NewCond(&c.mu)
	c.Next()
	return c
}

// ChainID is what New was given.
func (c *Chain) ChainID() string { return c.id }

// Next makes a block of all transactions that wait, then of the events as end block's, one interval later.
func (c *Chain) Next(events ...gogoproto.Message) chain.Block {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.Clock.Now().Add(c.Interval)
	height := int64(len(c.blocks)) + 1
	b := chain.Block{Head: chain.Head{Height: height, Time: now}}
	if height > 1 {
		b.Parent = c.blocks[height-2].Hash
	}
	sum := sha256.Sum256(binary.BigEndian.AppendUint64([]byte(c.id), uint64(height)))
	b.Hash = sum[:]
	for i, tx := range c.pending {
		tx.Height, tx.Time = height, now
		for _, msg := range tx.Msgs {
			if tx.err = c.handler(tx, msg); tx.err != nil {
				break
			}
		}
		var refused *chain.ExecutionError
		if errors.As(tx.err, &refused) {
			refused.Hash, refused.Height = tx.hash, height
		} else if tx.err != nil {
			tx.err = &chain.ExecutionError{Hash: tx.hash, Codespace: "test", Code: 1, Log: tx.err.Error(), Height: height}
		}
		if tx.err != nil {
			tx.events = nil
		}
		for j := range tx.events {
			tx.events[j].Tx = i
		}
		b.Txs = append(b.Txs, chain.Tx{Hash: tx.hash})
		b.Events = append(b.Events, tx.events...)
	}
	for _, ev := range events {
		b.Events = append(b.Events, encode(ev))
	}
	c.blocks = append(c.blocks, b)
	c.Clock.Set(now)
	for _, tx := range c.pending {
		close(tx.done)
	}
	c.pending = nil
	c.changed.Broadcast()
	return b
}

func encode(msg gogoproto.Message) chain.Event {
	ev, err := chain.NewTypedEvent(msg)
	if err != nil {
		panic(err) // a test's own event
	}
	return ev
}

// Break makes every query and broadcast fail until Break(nil), as a node that has gone away.
func (c *Chain) Break(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.broken = err
	c.changed.Broadcast()
}

// Prune forgets all blocks before a height.
func (c *Chain) Prune(earliest int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.earliest = earliest
}

// Latest is the newest block.
func (c *Chain) Latest(context.Context) (chain.Head, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.broken != nil {
		return chain.Head{}, c.broken
	}
	return c.blocks[len(c.blocks)-1].Head, nil
}

// Block is one block.
func (c *Chain) Block(_ context.Context, height int64) (chain.Block, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.broken != nil:
		return chain.Block{}, c.broken
	case height < c.earliest:
		return chain.Block{}, fmt.Errorf("block %d: %w", height, chain.ErrPruned)
	case height > int64(len(c.blocks)):
		return chain.Block{}, fmt.Errorf("block %d is not there yet", height)
	}
	return c.blocks[height-1], nil
}

// Err is nil unless the chain is broken.
func (c *Chain) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.broken
}

// Blocks delivers every block once and in order, as chain.Client does.
func (c *Chain) Blocks(ctx context.Context, from int64, fn func(chain.Block) error) error {
	stop := context.AfterFunc(ctx, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.changed.Broadcast()
	})
	defer stop()
	if from <= 0 {
		head, err := c.Latest(ctx)
		if err != nil {
			return err
		}
		from = head.Height
	}
	for next := from; ; next++ {
		c.mu.Lock()
		for ctx.Err() == nil && (c.broken != nil || next > int64(len(c.blocks))) {
			c.changed.Wait()
		}
		pruned := next < c.earliest
		var b chain.Block
		if ctx.Err() == nil {
			b = c.blocks[next-1]
		}
		c.mu.Unlock()
		if err := ctx.Err(); err != nil {
			return err
		}
		if pruned {
			return fmt.Errorf("block %d: %w", next, chain.ErrPruned)
		}
		if err := fn(b); err != nil {
			return err
		}
	}
}

// Conn answers queries with the servers that were registered on the chain.
func (c *Chain) Conn() grpc.ClientConnInterface { return conn{c} }

// RegisterService makes the chain a registrar for generated query servers.
func (c *Chain) RegisterService(desc *grpc.ServiceDesc, impl any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.services[desc.ServiceName] = service{desc: desc, impl: impl}
}

type conn struct{ c *Chain }

// Invoke copies request and response through the wire format, so that a fake cannot share memory with the code under test.
func (k conn) Invoke(ctx context.Context, method string, args, reply any, _ ...grpc.CallOption) error {
	k.c.mu.Lock()
	broken := k.c.broken
	name, call, _ := strings.Cut(strings.TrimPrefix(method, "/"), "/")
	svc, ok := k.c.services[name]
	k.c.mu.Unlock()
	if broken != nil {
		return status.Error(codes.Unavailable, broken.Error())
	}
	if !ok {
		return status.Error(codes.Unimplemented, method)
	}
	for _, m := range svc.desc.Methods {
		if m.MethodName != call {
			continue
		}
		out, err := m.Handler(svc.impl, ctx, func(in any) error { return transfer(args, in) }, nil)
		if err != nil {
			return err
		}
		return transfer(out, reply)
	}
	return status.Error(codes.Unimplemented, method)
}

func (conn) NewStream(context.Context, *grpc.StreamDesc, string, ...grpc.CallOption) (grpc.ClientStream, error) {
	return nil, status.Error(codes.Unimplemented, "streams")
}

func transfer(from, to any) error {
	b, err := gogoproto.Marshal(from.(gogoproto.Message))
	if err != nil {
		return err
	}
	return gogoproto.Unmarshal(b, to.(gogoproto.Message))
}
