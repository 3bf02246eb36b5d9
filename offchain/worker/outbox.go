// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	sdk "github.com/cosmos/cosmos-sdk/types"

	leasetypes "github.com/athnet/ath/x/leases/types"
	providertypes "github.com/athnet/ath/x/providers/types"

	"github.com/athnet/ath/offchain/chain"
	"github.com/athnet/ath/offchain/voucher"
)

// maxSettle is how many leases one settlement names.
const maxSettle = 100

// outboxLoop sends what the book says is to be sent. What was sent and not confirmed is sent again as it was: the chain takes
// a record once, and a lease closes once.
func (w *Worker) outboxLoop(ctx context.Context) error {
	settled := map[string]time.Time{}
	failures := 0
	for {
		err := w.flush(ctx, settled)
		wait := w.nextSettle(settled)
		if err != nil && ctx.Err() == nil {
			wait = backoff(failures)
			failures++
			w.health.Set("outbox", err.Error())
			w.log.Warn("transaction failed, trying again", "err", err, "wait", wait)
			if err := w.pause(ctx, nil, wait); err != nil { // nothing new makes it better
				return err
			}
			continue
		}
		failures = 0
		w.health.Clear("outbox")
		if err := w.pause(ctx, w.post, wait); err != nil {
			return err
		}
	}
}

func (w *Worker) nextSettle(settled map[string]time.Time) time.Duration {
	wait := w.config.SettleInterval
	for _, at := range settled {
		wait = min(wait, at.Add(w.config.SettleInterval).Sub(w.clock.Now()))
	}
	return max(wait, 100*time.Millisecond)
}

// flush sends everything that is due, closings first: they free the Container.
func (w *Worker) flush(ctx context.Context, settled map[string]time.Time) error {
	var failed []error
	intents, _ := w.book.all()
	var usage, running []Intent
	for _, id := range sortedIDs(intents) {
		i := intents[id]
		switch {
		case !i.ClosedAt.IsZero():
			delete(settled, id)
			continue
		case i.Closing != nil:
			failed = append(failed, w.sendClose(ctx, i))
			continue
		case len(i.Pending) > 0:
			usage = append(usage, i)
		}
		if i.Confirmed > 0 { // billing runs
			running = append(running, i)
		}
	}
	for batch := range slices.Chunk(usage, int(max(w.network().MaxUsageBatch, 1))) { // one record per lease
		failed = append(failed, w.sendUsage(ctx, batch))
	}
	failed = append(failed, w.sendSettle(ctx, running, settled))
	return errors.Join(failed...)
}

func sortedIDs(intents map[string]Intent) []string {
	ids := make([]string, 0, len(intents))
	for id := range intents {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// sendUsage hands in the oldest pending record of each lease. If the chain refuses the batch, each lease is looked at alone.
func (w *Worker) sendUsage(ctx context.Context, batch []Intent) error {
	records := make([]leasetypes.UsageRecord, 0, len(batch))
	for _, i := range batch {
		records = append(records, i.Pending[0])
	}
	err := w.send(ctx, &leasetypes.MsgSubmitUsage{Operator: w.operator, Records: records})
	if err == nil {
		for _, r := range records {
			if err := w.confirm(r.LeaseId, r.Sequence); err != nil {
				return err
			}
		}
		return nil
	}
	var refused *chain.ExecutionError
	if errors.As(err, &refused) && len(batch) > 1 {
		var failed []error
		for _, i := range batch {
			failed = append(failed, w.sendUsage(ctx, []Intent{i}))
		}
		return errors.Join(failed...)
	}
	return errors.Join(w.compare(ctx, batch[0].Lease, refused != nil), err)
}

// compare holds the book against the chain after a failure of unknown or final outcome. What the chain has is confirmed; where it
// refused a record that it does not have, its word is the one to continue from.
func (w *Worker) compare(ctx context.Context, id string, refused bool) error {
	lease, receipt, err := w.chain.Lease(ctx, id)
	if err != nil {
		return fmt.Errorf("compare lease %s with the chain: %w", id, err)
	}
	w.learn(id, standing{lease: lease, receipt: receipt})
	kick(w.wake)
	if lease == nil {
		return nil
	}
	if err := w.confirm(id, lease.UsageSequence); err != nil {
		return err
	}
	intent, ok := w.book.intent(id)
	if !refused || !ok || len(intent.Pending) == 0 || intent.Pending[0].Sequence > lease.UsageSequence+1 {
		return nil
	}
	w.log.Error("the chain refused a usage record; continuing from what it has", "lease_id", id, "sequence", intent.Pending[0].Sequence)
	w.metrics.Refused.Inc()
	return w.book.update(id, func(i *Intent) error {
		i.Head, i.Pending = voucher.HeadOf(*lease), nil
		if lease.UsageSequence == 0 {
			i.Started = time.Time{} // billing has not begun: the first record is made anew
		}
		return nil
	})
}

// confirm drops pending records that the chain has.
func (w *Worker) confirm(id string, sequence uint64) error {
	return w.book.update(id, func(i *Intent) error {
		i.Confirmed = max(i.Confirmed, sequence)
		i.Pending = slices.DeleteFunc(slices.Clone(i.Pending), func(r leasetypes.UsageRecord) bool { return r.Sequence <= sequence })
		return nil
	})
}

// sendClose asks the chain to close a lease, with the records that it still lacks in the same transaction.
func (w *Worker) sendClose(ctx context.Context, i Intent) error {
	wish := &leasetypes.MsgCloseLease{Signer: w.operator, LeaseId: i.Lease, Reason: i.Closing.Reason, ExitCodes: i.Closing.Codes}
	if !i.Closing.Unsigned {
		s := w.statement(i)
		wish.Statement = &s
	}
	var msgs []sdk.Msg
	if len(i.Pending) > 0 {
		msgs = append(msgs, &leasetypes.MsgSubmitUsage{Operator: w.operator, Records: i.Pending})
	}
	err := w.send(ctx, append(msgs, wish)...)
	lease, receipt, lerr := w.chain.Lease(ctx, i.Lease)
	if lerr == nil {
		w.learn(i.Lease, standing{lease: lease, receipt: receipt})
		kick(w.wake)
		if receipt != nil {
			return nil
		}
	}
	var refused *chain.ExecutionError
	if errors.As(err, &refused) && wish.Statement != nil && leasetypes.AboutStatement(refused.Codespace, refused.Code) {
		w.log.Error("the chain refused the worker's statement; closing without it", "lease_id", i.Lease, "err", err)
		return errors.Join(err, w.book.update(i.Lease, func(i *Intent) error {
			closing := *i.Closing
			closing.Unsigned = true
			i.Closing = &closing
			return nil
		}))
	}
	if refused != nil && len(msgs) > 0 { // a receipt without the last record is better than no receipt
		err = errors.Join(err, w.book.update(i.Lease, func(i *Intent) error { i.Pending = nil; return nil }))
	}
	return err
}

// sendSettle draws what running leases have earned.
func (w *Worker) sendSettle(ctx context.Context, running []Intent, settled map[string]time.Time) error {
	now := w.clock.Now()
	var due []string
	for _, i := range running {
		if _, ok := settled[i.Lease]; !ok {
			settled[i.Lease] = now // a first interval has to be earned
		}
		if !now.Before(settled[i.Lease].Add(w.config.SettleInterval)) && len(due) < maxSettle {
			due = append(due, i.Lease)
		}
	}
	if len(due) == 0 {
		return nil
	}
	for _, id := range due {
		settled[id] = now // also after a failure: the next interval brings it all
	}
	if err := w.send(ctx, &leasetypes.MsgSettle{Signer: w.operator, LeaseIds: due}); err != nil {
		kick(w.look)
		return err
	}
	w.metrics.Settlements.Inc()
	return nil
}

func (w *Worker) heartbeat(ctx context.Context) error {
	faults := w.gpu.faults()
	for i := range faults {
		faults[i].Id = w.container
	}
	return w.send(ctx, &providertypes.MsgHeartbeat{Operator: w.operator, Ids: []uint64{w.container}, Faults: faults})
}

func (w *Worker) send(ctx context.Context, msgs ...sdk.Msg) error {
	names := make([]string, 0, len(msgs))
	for _, m := range msgs {
		name := sdk.MsgTypeURL(m)
		names = append(names, name[strings.LastIndexByte(name, '.')+1:])
	}
	err := w.chain.Send(ctx, msgs...)
	result := "ok"
	if err != nil {
		result = "failed"
		err = fmt.Errorf("send %s: %w", strings.Join(names, ", "), err)
	}
	w.metrics.Transactions.WithLabelValues(strings.Join(names, "+"), result).Inc()
	return err
}
