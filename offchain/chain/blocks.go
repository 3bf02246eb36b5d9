// SPDX-License-Identifier: Apache-2.0

package chain

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Blocks calls fn with every block once, in order, from the given height (from the newest block where from <= 0). Disconnects and
// restarts of the node are waited out and gaps are filled. It returns when the context ends, when fn returns an error, or when going
// on is impossible: ErrPruned, ErrFork, ErrWrongChain.
func (c *Client) Blocks(ctx context.Context, from int64, fn func(Block) error) error {
	wake, end := c.heads.subscribe()
	defer end()
	f := follower{client: c, next: from, fn: fn, backoff: newBackoff(c.clock)}
	for {
		err := f.catchUp(ctx)
		var fatal *stopError
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.As(err, &fatal):
			return fatal.err
		case notExecuted(err) && f.early < maxEarly:
			// A poll sees a block as soon as it is stored; its results follow within milliseconds.
			f.early++
			if err := sleep(ctx, c.clock, earlyPause); err != nil {
				return err
			}
			continue
		case err != nil:
			c.note(err)
			if err := f.backoff.wait(ctx); err != nil {
				return err
			}
			continue
		}
		c.note(nil)
		f.backoff.reset()
		f.early = 0
		if err := f.waitForHead(ctx, wake); err != nil {
			return err
		}
	}
}

// stopError marks an error that no retry cures.
type stopError struct{ err error }

func (e *stopError) Error() string { return e.err.Error() }

type follower struct {
	client  *Client
	fn      func(Block) error
	backoff *backoff
	// next is the height to deliver; <= 0 before the first.
	next int64
	// seen is the newest height that is known to exist.
	seen int64
	// last is the hash of the block delivered last.
	last []byte
	// early counts tries at a block that was stored and not yet executed.
	early int
}

const (
	earlyPause = 10 * time.Millisecond
	maxEarly   = 100
)

// notExecuted recognises the node's answer for a block whose results are not written yet.
func notExecuted(err error) bool {
	return err != nil && strings.Contains(err.Error(), "could not find results for height")
}

// catchUp delivers every block up to the node's head.
func (f *follower) catchUp(ctx context.Context) error {
	if f.seen < f.next || f.next <= 0 {
		head, err := f.client.Latest(ctx)
		if errors.Is(err, ErrWrongChain) {
			return &stopError{err}
		}
		if err != nil {
			return err
		}
		f.seen = head.Height
		if f.next <= 0 {
			f.next = max(head.Height, 1)
		}
	}
	for ; f.next <= f.seen; f.next++ {
		b, err := f.client.Block(ctx, f.next)
		if errors.Is(err, ErrPruned) {
			return &stopError{err}
		}
		if err != nil {
			return err
		}
		if f.last != nil && !bytes.Equal(f.last, b.Parent) {
			return &stopError{fmt.Errorf("block %d: %w: parent %X, had %X; the node was reset or replaced", f.next, ErrFork, b.Parent, f.last)}
		}
		if err := f.fn(b); err != nil {
			return &stopError{err}
		}
		f.last = b.Hash
	}
	return nil
}

// waitForHead returns when a new block is known or may exist.
func (f *follower) waitForHead(ctx context.Context, wake <-chan int64) error {
	t := f.client.clock.NewTimer(pollInterval)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case height := <-wake:
		f.seen = max(f.seen, height)
	case <-t.C():
	}
	return nil
}

// note keeps and logs changes of the connection's health.
func (c *Client) note(err error) {
	if err == nil {
		if c.trouble.Swap(nil) != nil {
			c.log.Info("following the chain again")
		}
		return
	}
	if c.trouble.Swap(&err) == nil {
		c.log.Warn("cannot follow the chain, retrying", "err", err)
	}
}
