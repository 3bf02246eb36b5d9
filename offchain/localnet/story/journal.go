// SPDX-License-Identifier: Apache-2.0

package story

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/cosmos/gogoproto/proto"

	"github.com/athnet/ath/offchain/chain"
)

// entry is a typed event with its block.
type entry struct {
	head chain.Head
	msg  proto.Message
}

// journal keeps every typed event of the chain from a height on, so that a step can wait for what may have happened already.
type journal struct {
	mu      sync.Mutex
	entries []entry
	grown   chan struct{}
	err     error
}

// follow starts a journal; it ends with the context.
func follow(ctx context.Context, c *chain.Client, from int64) *journal {
	j := &journal{grown: make(chan struct{})}
	go func() {
		err := c.Blocks(ctx, from, func(b chain.Block) error {
			j.mu.Lock()
			defer j.mu.Unlock()
			for _, ev := range b.Events {
				if msg, err := chain.TypedEvent(ev); err == nil { // the SDK's own events are not typed
					j.entries = append(j.entries, entry{b.Head, msg})
				}
			}
			close(j.grown)
			j.grown = make(chan struct{})
			return nil
		})
		j.mu.Lock()
		defer j.mu.Unlock()
		j.err = err
		close(j.grown)
		j.grown = make(chan struct{})
	}()
	return j
}

// wait returns the first event of a type that fits, from those already seen or yet to come.
func wait[T proto.Message](ctx context.Context, j *journal, patience time.Duration, what string, fits func(T, chain.Head) bool) (T, chain.Head, error) {
	var none T
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for seen := 0; ; {
		j.mu.Lock()
		entries, grown, err := j.entries, j.grown, j.err
		j.mu.Unlock()
		for ; seen < len(entries); seen++ {
			if msg, ok := entries[seen].msg.(T); ok && fits(msg, entries[seen].head) {
				return msg, entries[seen].head, nil
			}
		}
		if err != nil {
			return none, chain.Head{}, fmt.Errorf("waited for %s: follow the chain: %w", what, err)
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return none, chain.Head{}, fmt.Errorf("waited %s for %s: %w", patience, what, ctx.Err())
		}
	}
}

// all returns the events of a type so far.
func all[T proto.Message](j *journal) []T {
	j.mu.Lock()
	defer j.mu.Unlock()
	var out []T
	for _, e := range j.entries {
		if msg, ok := e.msg.(T); ok {
			out = append(out, msg)
		}
	}
	return out
}
