// SPDX-License-Identifier: Apache-2.0

package chain

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/athnet/ath/offchain/daemon/clock"
)

// What a node's application answers, with no code of its own, while it comes back from a restart: noState until the first block, and lateState to
// who asks for the last block, which the node's consensus has stored and its application has not executed yet.
const (
	noState   = "context did not contain latest block height"
	lateState = "cannot query with height in the future"
)

// Unreachable says that an error is a node's absence: it is down, restarts, or the way to it broke. What was asked may be asked again.
func Unreachable(err error) bool {
	var broken net.Error // a refused connection, a reset one, a time that ran out
	var unsent *BroadcastError
	return err != nil && (errors.Is(err, ErrNoNode) || errors.As(err, &broken) || errors.As(err, &unsent) || errors.Is(err, io.ErrUnexpectedEOF) ||
		status.Code(err) == codes.Unavailable || strings.Contains(err.Error(), noState) || strings.Contains(err.Error(), lateState))
}

// Insist calls fn until it is done. A node that does not answer meanwhile, because it restarts beside this program, is waited for up to
// patience; every other error is returned at once.
func Insist(ctx context.Context, c clock.Clock, patience time.Duration, log *slog.Logger, fn func() error) error {
	deadline := c.Now().Add(patience)
	b := newBackoff(c)
	for tried := false; ; tried = true {
		err := fn()
		if !Unreachable(err) || ctx.Err() != nil || !c.Now().Before(deadline) {
			return err
		}
		if !tried {
			log.Warn("the node does not answer, waiting for it", "for", patience, "err", err)
		}
		if err := b.wait(ctx); err != nil {
			return err
		}
	}
}
