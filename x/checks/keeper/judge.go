// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"errors"
	"fmt"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
	"github.com/athnet/ath/x/checks/types"
	providertypes "github.com/athnet/ath/x/providers/types"
)

// MaxChangesPerBlock bounds the Containers whose health verdicts change in one block: each costs about as much as a shard in
// which all is as before, and there are 512 in a shard. Where a whole region falls, its last shard may exceed the bound once.
const MaxChangesPerBlock = 2000

// MaxPrunedPerBlock bounds the submissions that are deleted in one block after their round was judged; a thousand deletes
// are a tenth of a second.
const MaxPrunedPerBlock = 1000

// Which Containers a verdict speaks on. x/providers moves members on with every verdict that is applied:
// previous, members = members, members|joining. Verdicts of round q are applied when q+2 starts:
//
//	start of   applied       previous_members after it   members after it
//	q          verdict q-2   members in q-1              M(q), checked in round q
//	q+1        verdict q-1   M(q)                        M(q+1)
//	q+2        verdict q     reads M(q), then M(q+1)     M(q+2)
//
// So the verdict of q reads exactly the Containers that Assignment gave in q. Where applying takes several blocks, a
// shard's members stand once its verdict is applied; Assignment leaves the others out until then.

// judge applies the verdicts of the round that waits for them, at most params.max_shards_per_block shards in a block and fewer
// where many Containers change, then deletes its submissions. It is all that happens per shard, and it happens once per shard and round, in order.
func (k *Keeper) judge(ctx sdk.Context) error {
	judging, err := k.judgingState(ctx)
	if err != nil || judging.Round == 0 {
		return err
	}
	params, err := k.Params(ctx)
	if err != nil {
		return err
	}
	running, err := k.runningRound(ctx)
	if err != nil {
		return err
	}
	if judging.Shard >= running.Shards {
		return k.finishJudging(ctx, judging.Round)
	}
	j, err := k.newJudge(ctx, judging.Round, params)
	if err != nil {
		return err
	}
	if err := k.vault.Fold(ctx); err != nil {
		return err
	}
	// The running round's shards, not the judged one's: a shard that is new since then gets an empty verdict, which makes
	// its Containers members at once.
	end := min(judging.Shard+uint64(params.MaxShardsPerBlock), running.Shards)
	for changes := 0; judging.Shard < end && changes < MaxChangesPerBlock; judging.Shard++ {
		changed, err := j.judgeParked(ctx, judging.Shard)
		if err != nil {
			return err
		}
		changes += changed
	}
	if err := k.countTasks(ctx, params, j.counted); err != nil {
		return err
	}
	return k.judging.Set(ctx, judging)
}

// finishJudging prunes a judged round, and ends judging when nothing of it is left.
func (k *Keeper) finishJudging(ctx sdk.Context, round uint64) error {
	iter, err := k.submissions.Iterate(ctx, collections.NewPrefixedPairRange[uint64, string](round))
	if err != nil {
		return err
	}
	keys, err := firstKeys(iter, MaxPrunedPerBlock)
	if err != nil {
		return err
	}
	for _, key := range keys {
		if err := k.submissions.Remove(ctx, key); err != nil {
			return err
		}
	}
	if len(keys) == MaxPrunedPerBlock {
		return nil
	}
	// The judged round itself stays: a fault that repeats in the next one dates from its start.
	if err := k.past.Remove(ctx, round-1); err != nil {
		return err
	}
	return k.judging.Remove(ctx)
}

// judge holds what the shards of one round and block share.
type judge struct {
	k          *Keeper
	params     types.Params
	round      types.Round
	faultSince types.Round
	// submissions keeps what was read: an operator with many shards has one report. Looked up, never ranged over.
	submissions map[string]*types.Submission
	// counted are the tasks of this block that count for uptime; shard those of the shard that is being judged.
	counted, shard []counted
}

func (k *Keeper) newJudge(ctx sdk.Context, number uint64, params types.Params) (*judge, error) {
	round, err := k.Round(ctx, number)
	if err != nil {
		return nil, err
	}
	since := round
	if number > 1 {
		if since, err = k.Round(ctx, number-1); err != nil {
			return nil, err
		}
	}
	return &judge{k: k, params: params, round: round, faultSince: since, submissions: map[string]*types.Submission{}}, nil
}

// judgeParked judges a shard by itself: one that fails is left as it was, with an event, and never stops the chain. It returns
// how many Containers changed.
func (j *judge) judgeParked(ctx sdk.Context, shard uint64) (int, error) {
	cached, write := ctx.CacheContext()
	j.shard = nil
	changed, err := j.judgeShard(cached, shard)
	if err == nil {
		write()
		j.counted = append(j.counted, j.shard...)
		return changed, nil
	}
	j.k.logger.Error("verdict not applied", "round", j.round.Number, "shard", shard, "err", err)
	return changed, athtypes.Emit(ctx, &types.EventJudgementFailed{Round: j.round.Number, Shard: shard, Reason: err.Error()})
}

// task is one member's part in a shard's verdict.
type task struct {
	member    types.Member
	committed bool
	revealed  bool // the operator opened its report
	reported  bool // and this shard is in it
	vote      providertypes.Bitmap
}

func (j *judge) judgeShard(ctx sdk.Context, shard uint64) (changed int, err error) {
	health, err := j.k.providers.Shard(ctx, shard)
	if err != nil {
		return 0, err
	}
	tasks, votes, err := j.tasks(ctx, shard)
	if err != nil {
		return 0, err
	}
	quorum := types.Quorum(len(tasks))
	outcome := types.Tally(health.PreviousMembers, votes, quorum)
	// What is faulty already stays so without a second suspicion.
	confirmed, suspected := outcome.Escalate(providertypes.Bitmap(health.Suspect).Or(health.Faulty))
	if len(votes) >= quorum { // otherwise nothing is decided, and nothing changes
		known := providertypes.Bitmap(health.Healthy).And(health.PreviousMembers)
		changed = outcome.Healthy.AndNot(known).Count() + known.AndNot(outcome.Healthy).Count() + confirmed.AndNot(health.Faulty).AndNot(known).Count()
	}
	err = j.k.providers.ApplyVerdict(ctx, providertypes.ShardVerdict{
		Shard: shard, Round: j.round.Number,
		From: j.round.Start, Until: *j.round.End, FaultSince: j.faultSince.Start,
		Decided: len(votes) >= quorum,
		Healthy: outcome.Healthy, Faulty: confirmed, Suspect: suspected,
	})
	if err != nil {
		return changed, err
	}
	if changed > 0 {
		if err := j.credit(ctx, health); err != nil {
			return changed, err
		}
	}
	for _, t := range tasks {
		if err := j.judgeTask(ctx, shard, t, outcome); err != nil {
			return changed, err
		}
	}
	return changed, athtypes.Emit(ctx, &types.EventShardJudged{
		Round: j.round.Number, Shard: shard, Committee: uint32(len(tasks)), Revealed: uint32(len(votes)),
		Healthy: uint32(outcome.Healthy.Count()), Faulty: uint32(outcome.Faulty.Count()), Inconclusive: uint32(outcome.Inconclusive.Count()),
	})
}

// credit tells x/leases which Containers of a shard fell and which rose since before. A credit that fails is left out, with a log; the
// verdict stands.
func (j *judge) credit(ctx sdk.Context, before providertypes.ShardHealth) error {
	after, err := j.k.providers.Shard(ctx, before.Shard)
	if err != nil {
		return err
	}
	was, is := providertypes.Bitmap(before.Faulty), providertypes.Bitmap(after.Faulty)
	for slot := range is.AndNot(was).Slots() {
		j.tell(ctx, before.Shard*providertypes.ShardSize+slot, func(ctx sdk.Context, container uint64) error {
			return j.k.leases.Fault(ctx, container, j.faultSince.Start.UTC())
		})
	}
	for slot := range was.AndNot(is).Slots() {
		j.tell(ctx, before.Shard*providertypes.ShardSize+slot, j.k.leases.Recovered)
	}
	return nil
}

func (j *judge) tell(ctx sdk.Context, container uint64, f func(sdk.Context, uint64) error) {
	cached, write := ctx.CacheContext()
	if err := f(cached, container); err != nil {
		j.k.logger.Error("lease not credited", "round", j.round.Number, "container", container, "err", err)
		return
	}
	write()
}

// tasks returns the committee of a shard with what each member said of it, and the votes among them.
func (j *judge) tasks(ctx sdk.Context, shard uint64) ([]task, []providertypes.Bitmap, error) {
	if shard >= j.round.Shards {
		return nil, nil, nil
	}
	members, err := j.k.committee(ctx, j.round, shard)
	if err != nil {
		return nil, nil, err
	}
	tasks := make([]task, 0, len(members))
	var votes []providertypes.Bitmap
	for _, m := range members {
		submission, err := j.submission(ctx, m.Operator)
		if err != nil {
			return nil, nil, err
		}
		t := task{member: m, committed: submission != nil, revealed: submission != nil && submission.Report != nil}
		if t.revealed {
			report, ok := submission.Report.Shard(shard)
			t.reported, t.vote = ok, report.Healthy
		}
		if t.reported {
			votes = append(votes, t.vote)
		}
		tasks = append(tasks, t)
	}
	return tasks, votes, nil
}

func (j *judge) submission(ctx sdk.Context, operator string) (*types.Submission, error) {
	if s, ok := j.submissions[operator]; ok {
		return s, nil
	}
	s, found, err := j.k.submission(ctx, j.round.Number, operator)
	if err != nil {
		return nil, err
	}
	var kept *types.Submission
	if found {
		kept = &s
	}
	j.submissions[operator] = kept
	return kept, nil
}

// judgeTask rewards a correct task and notes a wrong one. A task on which nothing was decided, or that was never sealed, is
// neither. The base weight of a correct task is a delta that x/ath folds. For uptime every task counts that had an outcome:
// who sent nothing was not there.
func (j *judge) judgeTask(ctx sdk.Context, shard uint64, t task, outcome types.Outcome) error {
	event := types.EventTaskJudged{Round: j.round.Number, Shard: shard, Licence: t.member.Licence}
	differences := outcome.Differences(t.vote)
	switch {
	case !t.committed || t.revealed && !t.reported:
		event.Reason = "no report"
	case !t.revealed:
		event.Wrong, event.Reason = true, "committed and did not reveal"
	case outcome.Decided() == 0:
		event.Reason = "nothing was decided"
	case differences > outcome.Tolerated():
		event.Wrong, event.Reason = true, fmt.Sprintf("differs from the verdict on %d of %d containers", differences, outcome.Decided())
	default:
		event.Correct = true
	}
	if event.Correct || event.Wrong || outcome.Decided() > 0 {
		j.shard = append(j.shard, counted{licence: event.Licence, correct: event.Correct})
	}
	if event.Correct || event.Wrong {
		if err := j.settleTask(ctx, event); err != nil {
			return err
		}
	}
	return athtypes.Emit(ctx, &event)
}

// settleTask gives the licence's present owner the weight of a correct task, or the licence the mistake of a wrong one. A
// licence that has ended since gets neither.
func (j *judge) settleTask(ctx sdk.Context, event types.EventTaskJudged) error {
	licence, err := j.k.licences.Get(ctx, event.Licence)
	if errors.Is(err, collections.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if event.Correct {
		owner, err := j.k.addresses.StringToBytes(licence.Owner)
		if err != nil {
			return err
		}
		return j.k.vault.AddWeight(ctx, athtypes.Pool_POOL_CHECKER_BASE, owner, math.OneInt())
	}
	changed, noted := licence.Err(event.Round, ctx.BlockTime(), j.params, event.Reason)
	if !noted {
		return nil
	}
	return j.k.saveLicence(ctx, licence, changed)
}

// judgingState returns how far the verdicts have come; a zero round when none wait.
func (k *Keeper) judgingState(ctx sdk.Context) (types.Judging, error) {
	judging, err := k.judging.Get(ctx)
	if errors.Is(err, collections.ErrNotFound) {
		return types.Judging{}, nil
	}
	return judging, err
}
