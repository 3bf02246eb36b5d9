// SPDX-License-Identifier: Apache-2.0

package chain

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	txtypes "github.com/cosmos/cosmos-sdk/types/tx"
)

// broadcast hands the bytes to the node. It repeats itself over a broken connection: the same bytes are the same transaction.
func (s *Sender) broadcast(ctx context.Context, raw []byte) error {
	hash := txHash(raw)
	b := newBackoff(s.client.clock)
	var (
		last      error
		uncertain bool
	)
	for range maxBroadcasts {
		resp, err := txtypes.NewServiceClient(s.client.conn).BroadcastTx(ctx,
			&txtypes.BroadcastTxRequest{TxBytes: raw, Mode: txtypes.BroadcastMode_BROADCAST_MODE_SYNC})
		if err == nil {
			r := resp.TxResponse
			switch {
			case r.Code == 0, r.Codespace == sdkCodespace && r.Code == codeInMempool:
				return nil
			case r.Codespace == sdkCodespace && r.Code == codeMempoolFull:
				last = errors.New("the node's mempool is full")
			default:
				return &ExecutionError{Hash: hash, Codespace: r.Codespace, Code: r.Code, Log: r.RawLog}
			}
		} else {
			last, uncertain = err, true
		}
		if err := b.wait(ctx); err != nil {
			return fmt.Errorf("%w: %w", &TimeoutError{Hash: hash}, err)
		}
	}
	return &BroadcastError{Hash: hash, Uncertain: uncertain, Err: last}
}

// await looks for the transaction in every block from a height on, until it is there or block time has passed its timeout.
// It needs no transaction index on the node. A node that restarts forgets what no block has taken, so the same bytes are handed to it again.
func (s *Sender) await(ctx context.Context, wake <-chan int64, raw []byte, from int64, timeout time.Time) (TxResult, error) {
	c, hash := s.client, txHash(raw)
	started := c.clock.Now()
	again, pause := started.Add(resendPause), resendPause
	var (
		found   TxResult
		refused error
		expired bool
	)
	f := follower{client: c, next: from, backoff: newBackoff(c.clock), fn: func(b Block) error {
		for i, tx := range b.Txs {
			if tx.Hash != hash {
				continue
			}
			if tx.Code != 0 {
				refused = &ExecutionError{Hash: hash, Codespace: tx.Codespace, Code: tx.Code, Log: tx.Log, Height: b.Height}
			}
			found = TxResult{Height: b.Height, Time: b.Time, Hash: hash, GasUsed: tx.GasUsed, data: tx.Data}
			for _, ev := range b.Events {
				if ev.Tx == i {
					found.Events = append(found.Events, ev)
				}
			}
			return errSeen
		}
		if b.Time.After(timeout) {
			expired = true
			return errSeen
		}
		return nil
	}}
	for {
		err := f.catchUp(ctx)
		waited := c.clock.Now().Sub(started)
		var stop *stopError
		switch {
		case errors.As(err, &stop) && errors.Is(stop.err, errSeen) && expired:
			return TxResult{}, &TimeoutError{Hash: hash, Expired: true, Waited: waited}
		case errors.As(err, &stop) && errors.Is(stop.err, errSeen):
			return found, refused
		case errors.As(err, &stop):
			return TxResult{}, fmt.Errorf("wait for transaction %.12s: %w", hash, stop.err)
		case ctx.Err() != nil:
			return TxResult{}, fmt.Errorf("%w: %w", &TimeoutError{Hash: hash, Waited: waited}, ctx.Err())
		case waited > s.cfg.TTL+chainStall:
			return TxResult{}, &TimeoutError{Hash: hash, Waited: waited}
		case err != nil:
			err = f.backoff.wait(ctx)
		default:
			if now := c.clock.Now(); !now.Before(again) {
				s.resend(ctx, raw)
				pause *= 2
				again = now.Add(pause)
			}
			err = f.waitForHead(ctx, wake)
		}
		if err != nil {
			return TxResult{}, fmt.Errorf("%w: %w", &TimeoutError{Hash: hash, Waited: waited}, err)
		}
	}
}

// resendPause is how long a transaction may be in no block until it is handed in again; each further time takes twice as long.
const resendPause = 2 * time.Second

// resend hands the bytes in once more. What the node says of it is of no account: it may well have them, and blocks tell what became of them.
func (s *Sender) resend(ctx context.Context, raw []byte) {
	_, err := txtypes.NewServiceClient(s.client.conn).BroadcastTx(ctx, &txtypes.BroadcastTxRequest{TxBytes: raw, Mode: txtypes.BroadcastMode_BROADCAST_MODE_SYNC})
	if err != nil {
		s.client.log.Debug("a transaction could not be handed in again", "hash", txHash(raw), "err", err)
	}
}

// chainStall is how much longer than a transaction's life Send waits for a chain that makes no blocks.
const chainStall = 30 * time.Second

// errSeen ends the search.
var errSeen = errors.New("seen")

// diagnose turns the chain's complaint about a timeout into what is really wrong: a clock.
func (s *Sender) diagnose(err error, head Head) error {
	var refused *ExecutionError
	if !errors.As(err, &refused) {
		return err
	}
	stale := strings.Contains(refused.Log, "timeout_timestamp that has already passed") || refused.Code == codeTxTimeout
	ahead := strings.Contains(refused.Log, "unordered tx ttl exceeds")
	if !stale && !ahead {
		return err
	}
	skew := s.client.clock.Now().Sub(head.Time).Round(time.Second)
	if ahead && skew < MaxTTL-s.cfg.TTL {
		return &BroadcastError{Err: fmt.Errorf("the node knows no time until the first block after its start: %w", err)}
	}
	direction := "ahead of"
	if skew < 0 {
		skew, direction = -skew, "behind"
	}
	return fmt.Errorf("%w: it is %s %s block %d; set it by NTP (timedatectl set-ntp true), or wait if the chain has stopped: %w",
		ErrClockSkew, skew, direction, head.Height, err)
}
