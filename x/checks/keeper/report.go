// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"bytes"
	"errors"
	"time"

	"cosmossdk.io/collections"

	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
	"github.com/athnet/ath/x/checks/types"
)

// Submission is one operator's transaction of a round: it opens what was sealed in the round before and seals the running
// one. Either part may be missing.
type Submission struct {
	Round  uint64
	Commit []byte
	Reveal *types.Report
	Salt   []byte
}

// SubmitReport takes an operator's transaction of a round.
func (k *Keeper) SubmitReport(ctx sdk.Context, operator sdk.AccAddress, s Submission) error {
	name, err := k.addresses.BytesToString(operator)
	if err != nil {
		return err
	}
	running, err := k.takingRound(ctx, s.Round)
	if err != nil {
		return err
	}
	event := types.EventReportSubmitted{Operator: name}
	if s.Reveal != nil {
		event.Revealed = running.Number - 1
		if err := k.reveal(ctx, name, event.Revealed, *s.Reveal, s.Salt); err != nil {
			return err
		}
	}
	if len(s.Commit) > 0 {
		event.Round = running.Number
		if err := k.commit(ctx, name, running.Number, s.Commit); err != nil {
			return err
		}
	}
	return athtypes.Emit(ctx, &event)
}

// takingRound returns the running round if it is the one that is meant and takes reports now.
func (k *Keeper) takingRound(ctx sdk.Context, number uint64) (types.Round, error) {
	params, err := k.Params(ctx)
	if err != nil {
		return types.Round{}, err
	}
	running, err := k.runningRound(ctx)
	if err != nil {
		return types.Round{}, err
	}
	if number == 0 || number != running.Number {
		return running, types.ErrWrongRound.Wrapf("round: %d runs, the report is for %d", running.Number, number)
	}
	if now := ctx.BlockTime(); !running.Takes(now, params) {
		return running, types.ErrWindowClosed.Wrapf("round: %d takes reports from %s, now is %s", number,
			running.SubmitFrom(params).UTC().Format(time.RFC3339Nano), now.UTC().Format(time.RFC3339Nano))
	}
	return running, nil
}

// reveal opens what an operator sealed: the very report, on shards that it was drawn for. A report without one of its
// shards is like no report on that shard.
func (k *Keeper) reveal(ctx sdk.Context, operator string, number uint64, report types.Report, salt []byte) error {
	submission, found, err := k.submission(ctx, number, operator)
	switch {
	case err != nil:
		return err
	case !found:
		return types.ErrNoCommit.Wrapf("reveal: %s committed to nothing in round %d; leave the reveal out", operator, number)
	case submission.Report != nil:
		return types.ErrAlreadySubmitted.Wrapf("reveal: %s has revealed round %d already", operator, number)
	}
	if have := types.CommitHash(ctx.ChainID(), operator, number, report, salt); !bytes.Equal(have, submission.Hash) {
		return types.ErrCommitMismatch.Wrapf("reveal: hashes to %X, committed was %X; report, salt and chain-id must be those of the commit", have, submission.Hash)
	}
	round, err := k.Round(ctx, number)
	if err != nil {
		return err
	}
	for i, s := range report.Shards {
		if s.Shard >= round.Shards {
			return types.ErrShardNotFound.Wrapf("reveal.shards[%d]: round %d has %d shards, not %d", i, number, round.Shards, s.Shard)
		}
		members, err := k.committee(ctx, round, s.Shard)
		if err != nil {
			return err
		}
		if !hasOperator(members, operator) {
			return types.ErrNotDrawn.Wrapf("reveal.shards[%d]: %s was not drawn for shard %d in round %d", i, operator, s.Shard, number)
		}
	}
	submission.Report = &report
	return k.submissions.Set(ctx, collections.Join(number, operator), submission)
}

// commit stores what an operator seals. Only operators with a seat may: what is stored here has to be pruned.
func (k *Keeper) commit(ctx sdk.Context, operator string, number uint64, hash []byte) error {
	if seated, err := k.hasSeat(ctx, operator); err != nil {
		return err
	} else if !seated {
		return types.ErrNoSeat.Wrapf("commit: %s holds no seat in round %d; seats change when an odd round starts", operator, number)
	}
	if _, found, err := k.submission(ctx, number, operator); err != nil {
		return err
	} else if found {
		return types.ErrAlreadySubmitted.Wrapf("commit: %s has committed to round %d already", operator, number)
	}
	return k.submissions.Set(ctx, collections.Join(number, operator), types.Submission{Round: number, Operator: operator, Hash: hash})
}

// hasSeat says whether an operator holds a seat in the running round.
func (k *Keeper) hasSeat(ctx sdk.Context, operator string) (bool, error) {
	iter, err := k.seated.Iterate(ctx, collections.NewPrefixedPairRange[string, uint64](operator))
	if err != nil {
		return false, err
	}
	keys, err := firstKeys(iter, 1)
	return len(keys) > 0, err
}

// submission returns what an operator said of a round.
func (k *Keeper) submission(ctx sdk.Context, round uint64, operator string) (types.Submission, bool, error) {
	s, err := k.submissions.Get(ctx, collections.Join(round, operator))
	if errors.Is(err, collections.ErrNotFound) {
		return s, false, nil
	}
	return s, err == nil, err
}

func hasOperator(members []types.Member, operator string) bool {
	for _, m := range members {
		if m.Operator == operator {
			return true
		}
	}
	return false
}
