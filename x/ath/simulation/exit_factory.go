// SPDX-License-Identifier: Apache-2.0

package simulation

import (
	"context"

	"github.com/cosmos/cosmos-sdk/testutil/simsx"
	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/testutil/sim"
	"github.com/athnet/ath/x/ath/keeper"
	"github.com/athnet/ath/x/ath/types"
)

// MsgExitFactory takes something that vests out early.
func MsgExitFactory(k *keeper.Keeper) simsx.SimMsgFactoryFn[*types.MsgExit] {
	return func(ctx context.Context, data *simsx.ChainDataSource, reporter simsx.SimulationReporter) ([]simsx.SimAccount, *types.MsgExit) {
		sdkCtx := sdk.UnwrapSDKContext(ctx)
		state, err := k.ExportGenesis(sdkCtx)
		if err != nil {
			return sim.Skip[*types.MsgExit](reporter, err)
		}
		options := map[types.RowKind][]types.ExitOption{
			types.Ledger_LEDGER_FEES.VestingKind():     state.Params.FeeExits,
			types.Ledger_LEDGER_CAPACITY.VestingKind(): state.Params.RewardExits,
			types.Ledger_LEDGER_DELIVERY.VestingKind(): state.Params.RewardExits,
			types.Ledger_LEDGER_INDEXER.VestingKind():  state.Params.RewardExits,
			types.Ledger_LEDGER_CHECKER.VestingKind():  state.Params.CheckerExits,
		}
		now := sdkCtx.BlockTime()
		row, ok := sim.Pick(data, reporter, state.Rows, func(row types.RowBalance) bool {
			choice := options[row.Row.Kind]
			return len(choice) > 0 && row.Row.Bucket > uint64(now.Add(choice[0].Delay).Unix())+1
		})
		if !ok {
			return nil, nil
		}
		option := options[row.Row.Kind][0]
		msg := &types.MsgExit{
			Beneficiary: row.Row.Owner, Delay: option.Delay, PenaltyPpm: option.PenaltyPpm, MaxAmount: data.Rand().Amount(row.Amount),
		}
		for _, ledger := range append(types.ClaimableLedgers(), types.Ledger_LEDGER_FEES) {
			if ledger.VestingKind() == row.Row.Kind {
				msg.Ledger = ledger
			}
		}
		return sim.Signed(data, reporter, msg.Beneficiary, msg)
	}
}
