// SPDX-License-Identifier: Apache-2.0

package checker

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/athnet/ath/offchain/store"
	checktypes "github.com/athnet/ath/x/checks/types"
)

// submit sends the one transaction of the round. Everything that it says about this round is on disk before.
func (c *Checker) submit(ctx context.Context, head int64) error {
	msg := &checktypes.MsgSubmitReport{Operator: c.Sender.Address(), Round: c.round.Number}
	if c.progress.OwesReveal {
		if err := c.addReveal(msg); err != nil {
			return err
		}
	}
	if c.progress.Shards > 0 && !c.progress.Committed {
		if err := c.addCommit(ctx, msg, head); err != nil {
			return err
		}
	}
	if msg.Commit == nil && msg.Reveal == nil {
		return nil
	}
	ctx, c.stopSend = context.WithCancel(ctx)
	c.progress.Sending = true
	c.jobs.Go(func() {
		_, err := c.Sender.Send(ctx, msg)
		c.sent <- sendResult{round: msg.Round, err: err}
	})
	return nil
}

// addReveal opens the commit of the round before.
func (c *Checker) addReveal(msg *checktypes.MsgSubmitReport) error {
	rec, err := c.records.load(c.round.Number - 1)
	if errors.Is(err, store.ErrNotFound) {
		// The home was lost, or another machine works with this key. The commit of this round must still go out.
		c.Health.Set(warnReveal, fmt.Sprintf("round %d", c.round.Number-1))
		return nil
	}
	if err != nil {
		return err
	}
	report, err := rec.report()
	if err != nil {
		return err
	}
	msg.Reveal, msg.Salt = &report, rec.Salt
	return nil
}

// addCommit seals what was measured, or repeats what was sealed before a restart.
func (c *Checker) addCommit(ctx context.Context, msg *checktypes.MsgSubmitReport, head int64) error {
	rec, err := c.records.load(c.round.Number)
	if errors.Is(err, store.ErrNotFound) {
		rec, err = c.seal(ctx, head)
	}
	if err != nil || rec.Salt == nil {
		return err
	}
	report, err := rec.report()
	if err != nil {
		return err
	}
	msg.Commit = checktypes.CommitHash(c.Chain.ChainID(), msg.Operator, msg.Round, report, rec.Salt)
	return nil
}

// seal judges the samples and writes the record. It returns an empty record where most of the round could not be measured for
// reasons on this side: to say nothing is honest then, and costs nothing.
func (c *Checker) seal(ctx context.Context, head int64) (record, error) {
	c.refute(ctx, head)
	report, evidence, undecided := assembleReport(c.shards, c.samples, c.blocks, c.MaxLag)
	if 2*undecided > len(c.targets) || !c.progress.Measured {
		c.Health.Set(warnNetwork, fmt.Sprintf("%d of %d containers could not be probed", undecided, len(c.targets)))
		return record{}, nil
	}
	c.Health.Clear(warnNetwork)
	raw, err := report.Marshal()
	if err != nil {
		return record{}, fmt.Errorf("encode report: %w", err)
	}
	rec := record{Round: c.round.Number, Report: raw, Salt: make([]byte, checktypes.HashSize)}
	if _, err := rand.Read(rec.Salt); err != nil {
		return record{}, fmt.Errorf("salt: %w", err)
	}
	if rec, err = c.records.save(rec, report.Shards, evidence); err != nil {
		return record{}, err
	}
	c.progress.Sealed = true
	return rec, nil
}

func (c *Checker) endSend(r sendResult) {
	c.stopSend()
	c.progress.Sending = false
	switch {
	case r.err == nil:
		c.Health.Clear(warnSend)
		c.Metrics.Reports.WithLabelValues("accepted").Inc()
		c.Log.Info("report accepted", "round", r.round)
	case errors.Is(r.err, context.Canceled):
		// The round ended, or the daemon does.
	default:
		c.Health.Set(warnSend, r.err.Error())
		c.Metrics.Reports.WithLabelValues("failed").Inc()
		c.Log.Warn("report not accepted, trying again while the round lasts", "round", r.round, "err", r.err)
	}
}
