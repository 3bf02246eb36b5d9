// SPDX-License-Identifier: Apache-2.0

package chain

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/athnet/ath/offchain/daemon/clock"
)

const (
	minBackoff = 100 * time.Millisecond
	maxBackoff = 10 * time.Second
)

// backoff waits longer after every failure in a row, with jitter so that a thousand daemons do not return at once.
type backoff struct {
	clock clock.Clock
	next  time.Duration
}

func newBackoff(c clock.Clock) *backoff { return &backoff{clock: c, next: minBackoff} }

// wait returns early with the context's error.
func (b *backoff) wait(ctx context.Context) error {
	d := b.next/2 + rand.N(b.next/2+1)
	b.next = min(2*b.next, maxBackoff)
	return sleep(ctx, b.clock, d)
}

func (b *backoff) reset() { b.next = minBackoff }

func sleep(ctx context.Context, c clock.Clock, d time.Duration) error {
	t := c.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C():
		return nil
	}
}
