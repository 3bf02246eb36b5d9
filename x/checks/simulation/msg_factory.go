// SPDX-License-Identifier: Apache-2.0

package simulation

import (
	"bytes"
	"context"
	"crypto/sha256"

	"github.com/cosmos/cosmos-sdk/testutil/simsx"
	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/testutil/sim"
	"github.com/athnet/ath/x/checks/keeper"
	"github.com/athnet/ath/x/checks/types"
)

// maxLicences keeps committees small enough that most of their operators report in each round.
const maxLicences = 12

// WeightedOperationsX adds the operations of users.
func WeightedOperationsX(k *keeper.Keeper, weights simsx.WeightSource, reg simsx.Registry) {
	reg.Add(weights.Get("msg_buy_licences", 10), MsgBuyLicencesFactory(k))
	reg.Add(weights.Get("msg_end_licences", 2), MsgEndLicencesFactory(k))
	reg.Add(weights.Get("msg_withdraw_bonds", 3), MsgWithdrawBondsFactory())
	reg.Add(weights.Get("msg_transfer_licences", 2), MsgTransferLicencesFactory(k))
	reg.Add(weights.Get("msg_delegate_licences", 10), MsgDelegateLicencesFactory(k))
	reg.Add(weights.Get("msg_accept_licences", 20), MsgAcceptLicencesFactory(k))
	reg.Add(weights.Get("msg_submit_report", 150), MsgSubmitReportFactory(k))
}

// ProposalMsgsX adds the operations of governance.
func ProposalMsgsX(_ *keeper.Keeper, weights simsx.WeightSource, reg simsx.Registry) {
	reg.Add(weights.Get("msg_update_checks_params", 1), MsgUpdateParamsFactory())
}

// MsgBuyLicencesFactory buys licences and offers them to somebody, mostly to oneself.
func MsgBuyLicencesFactory(k *keeper.Keeper) simsx.SimMsgFactoryFn[*types.MsgBuyLicences] {
	return func(ctx context.Context, data *simsx.ChainDataSource, reporter simsx.SimulationReporter) ([]simsx.SimAccount, *types.MsgBuyLicences) {
		state, err := k.ExportGenesis(sdk.UnwrapSDKContext(ctx))
		if err != nil || len(state.Licences) >= maxLicences {
			return sim.Skip[*types.MsgBuyLicences](reporter, "enough of them")
		}
		owner := data.AnyAccount(reporter).AddressBech32
		msg := &types.MsgBuyLicences{Owner: owner, Count: uint32(1 + data.Rand().Intn(3)), Operator: owner}
		if data.Rand().Intn(4) == 0 {
			msg.Operator = sim.Other(data, reporter, owner)
		}
		return sim.Signed(data, reporter, owner, msg)
	}
}

// MsgEndLicencesFactory ends a licence.
func MsgEndLicencesFactory(k *keeper.Keeper) simsx.SimMsgFactoryFn[*types.MsgEndLicences] {
	return func(ctx context.Context, data *simsx.ChainDataSource, reporter simsx.SimulationReporter) ([]simsx.SimAccount, *types.MsgEndLicences) {
		l, ok := anyLicence(ctx, k, data, reporter, sim.Any)
		if !ok {
			return nil, nil
		}
		return sim.Signed(data, reporter, l.Owner, &types.MsgEndLicences{Owner: l.Owner, Ids: []uint64{l.Id}})
	}
}

// MsgWithdrawBondsFactory asks for what has unbonded.
func MsgWithdrawBondsFactory() simsx.SimMsgFactoryFn[*types.MsgWithdrawBonds] {
	return func(_ context.Context, data *simsx.ChainDataSource, reporter simsx.SimulationReporter) ([]simsx.SimAccount, *types.MsgWithdrawBonds) {
		signer := data.AnyAccount(reporter).AddressBech32
		return sim.Signed(data, reporter, signer, &types.MsgWithdrawBonds{Signer: signer, Owner: data.AnyAccount(reporter).AddressBech32})
	}
}

// MsgTransferLicencesFactory gives a licence away.
func MsgTransferLicencesFactory(k *keeper.Keeper) simsx.SimMsgFactoryFn[*types.MsgTransferLicences] {
	return func(ctx context.Context, data *simsx.ChainDataSource, reporter simsx.SimulationReporter) ([]simsx.SimAccount, *types.MsgTransferLicences) {
		l, ok := anyLicence(ctx, k, data, reporter, sim.Any)
		if !ok {
			return nil, nil
		}
		return sim.Signed(data, reporter, l.Owner, &types.MsgTransferLicences{
			Owner: l.Owner, Recipient: sim.Other(data, reporter, l.Owner), Ids: []uint64{l.Id},
		})
	}
}

// MsgDelegateLicencesFactory offers a licence to an operator, or takes it back.
func MsgDelegateLicencesFactory(k *keeper.Keeper) simsx.SimMsgFactoryFn[*types.MsgDelegateLicences] {
	return func(ctx context.Context, data *simsx.ChainDataSource, reporter simsx.SimulationReporter) ([]simsx.SimAccount, *types.MsgDelegateLicences) {
		idle := data.Rand().Intn(4) > 0
		l, ok := anyLicence(ctx, k, data, reporter, func(l types.Licence) bool { return (l.Operator == "") == idle })
		if !ok {
			return nil, nil
		}
		msg := &types.MsgDelegateLicences{Owner: l.Owner, Ids: []uint64{l.Id}}
		if idle {
			msg.Operator = data.AnyAccount(reporter).AddressBech32
		}
		return sim.Signed(data, reporter, l.Owner, msg)
	}
}

// MsgAcceptLicencesFactory accepts what is offered, or takes up a licence whose ban has ended.
func MsgAcceptLicencesFactory(k *keeper.Keeper) simsx.SimMsgFactoryFn[*types.MsgAcceptLicences] {
	return func(ctx context.Context, data *simsx.ChainDataSource, reporter simsx.SimulationReporter) ([]simsx.SimAccount, *types.MsgAcceptLicences) {
		now := sdk.UnwrapSDKContext(ctx).BlockTime()
		l, ok := anyLicence(ctx, k, data, reporter, func(l types.Licence) bool {
			_, err := l.Accept(l.Operator, now)
			return l.Operator != "" && err == nil
		})
		if !ok {
			return nil, nil
		}
		return sim.Signed(data, reporter, l.Operator, &types.MsgAcceptLicences{Operator: l.Operator, Ids: []uint64{l.Id}})
	}
}

// sealed is what an operator committed to.
type sealed struct {
	round  uint64
	report types.Report
	salt   []byte
}

// MsgSubmitReportFactory lets an operator open what it sealed and seal what it sees: mostly all healthy, at times one that
// does not answer. It remembers what was sealed, as Checkers do.
func MsgSubmitReportFactory(k *keeper.Keeper) simsx.SimMsgFactoryFn[*types.MsgSubmitReport] {
	query, memory := keeper.NewQueryServer(k), make(map[string]sealed)
	return func(ctx context.Context, data *simsx.ChainDataSource, reporter simsx.SimulationReporter) ([]simsx.SimAccount, *types.MsgSubmitReport) {
		round, err := query.Round(ctx, &types.QueryRoundRequest{})
		if now := sdk.UnwrapSDKContext(ctx).BlockTime(); err != nil || now.Before(round.SubmitFrom) || !now.Before(round.EndsAt) {
			return sim.Skip[*types.MsgSubmitReport](reporter, "no reports are taken")
		}
		work := make(map[string]*types.QueryAssignmentResponse)
		l, ok := anyLicence(ctx, k, data, reporter, func(l types.Licence) bool {
			if l.Operator == "" {
				return false
			}
			w, err := query.Assignment(ctx, &types.QueryAssignmentRequest{Operator: l.Operator})
			work[l.Operator] = w
			return err == nil && !w.Committed && w.Complete && len(w.Shards) > 0
		})
		if !ok {
			return nil, nil
		}
		w := work[l.Operator]
		msg := &types.MsgSubmitReport{Operator: l.Operator, Round: w.Round}
		if before, ok := memory[l.Operator]; ok && w.OwesReveal && before.round+1 == w.Round {
			msg.Reveal, msg.Salt = &before.report, before.salt
		}
		next := sealed{round: w.Round, report: probe(data, w.Shards), salt: sim.Bytes(data)}
		msg.Commit = types.CommitHash(sdk.UnwrapSDKContext(ctx).ChainID(), l.Operator, w.Round, next.report, next.salt)
		memory[l.Operator] = next
		return sim.Signed(data, reporter, l.Operator, msg)
	}
}

func probe(data *simsx.ChainDataSource, shards []types.AssignedShard) types.Report {
	var report types.Report
	for _, s := range shards {
		healthy := bytes.Clone(s.Members)
		if len(healthy) > 0 && data.Rand().Intn(6) == 0 {
			healthy[data.Rand().Intn(len(healthy))] &^= 1 << data.Rand().Intn(8)
		}
		root := sha256.Sum256(healthy)
		report.Shards = append(report.Shards, types.ShardReport{
			Shard: s.Shard, Healthy: bytes.TrimRight(healthy, "\x00"), EvidenceRoot: root[:],
		})
	}
	return report
}

// MsgUpdateParamsFactory proposes others.
func MsgUpdateParamsFactory() simsx.SimMsgFactoryFn[*types.MsgUpdateParams] {
	return func(_ context.Context, data *simsx.ChainDataSource, reporter simsx.SimulationReporter) ([]simsx.SimAccount, *types.MsgUpdateParams) {
		return nil, &types.MsgUpdateParams{
			Authority: data.ModuleAccountAddress(reporter, sim.GovModule), Params: RandomParams(data.Rand().Rand),
		}
	}
}

func anyLicence(
	ctx context.Context, k *keeper.Keeper, data *simsx.ChainDataSource, reporter simsx.SimulationReporter, will func(types.Licence) bool,
) (types.Licence, bool) {
	state, err := k.ExportGenesis(sdk.UnwrapSDKContext(ctx))
	if err != nil {
		reporter.Skip(err.Error())
		return types.Licence{}, false
	}
	return sim.Pick(data, reporter, state.Licences, will)
}
