// SPDX-License-Identifier: Apache-2.0

package simulation

import (
	"context"

	"cosmossdk.io/math"

	"github.com/cosmos/cosmos-sdk/testutil/simsx"
	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/testutil/sim"
	"github.com/athnet/ath/x/providers/keeper"
	"github.com/athnet/ath/x/providers/types"
)

// ProposalMsgsX adds the operations of governance.
func ProposalMsgsX(k *keeper.Keeper, weights simsx.WeightSource, reg simsx.Registry) {
	reg.Add(weights.Get("msg_open_ticket", 6), MsgOpenTicketFactory(k))
	reg.Add(weights.Get("msg_set_classes", 2), MsgSetClassesFactory())
	reg.Add(weights.Get("msg_update_providers_params", 1), MsgUpdateParamsFactory())
}

// MsgOpenTicketFactory claims damage of a provider.
func MsgOpenTicketFactory(k *keeper.Keeper) simsx.SimMsgFactoryFn[*types.MsgOpenTicket] {
	return func(ctx context.Context, data *simsx.ChainDataSource, reporter simsx.SimulationReporter) ([]simsx.SimAccount, *types.MsgOpenTicket) {
		state, err := k.ExportGenesis(sdk.UnwrapSDKContext(ctx))
		if err != nil {
			return sim.Skip[*types.MsgOpenTicket](reporter, err)
		}
		c, ok := sim.Pick(data, reporter, state.Containers, sim.Any)
		if !ok {
			return nil, nil
		}
		return nil, &types.MsgOpenTicket{
			Authority: data.ModuleAccountAddress(reporter, sim.GovModule), Provider: c.Provider, Container: c.Id,
			Reason: types.TicketReason_TICKET_REASON_SLA, Evidence: []byte("by chance"),
			Amount: math.NewInt(int64(1 + data.Rand().Intn(20_000_000))),
		}
	}
}

// MsgSetClassesFactory changes the class of all simulated Containers, and adds another.
func MsgSetClassesFactory() simsx.SimMsgFactoryFn[*types.MsgSetClasses] {
	return func(_ context.Context, data *simsx.ChainDataSource, reporter simsx.SimulationReporter) ([]simsx.SimAccount, *types.MsgSetClasses) {
		msg := &types.MsgSetClasses{Authority: data.ModuleAccountAddress(reporter, sim.GovModule)}
		for _, class := range types.DefaultClasses() {
			if class.Name == "cpu" {
				class.Weight = uint64(1 + data.Rand().Intn(2_000))
				class.Stake = math.NewInt(int64(1_000_000 + data.Rand().Intn(20_000_000)))
				msg.Classes = append(msg.Classes, class)
				class.Name = "cpu-large"
				msg.Classes = append(msg.Classes, class)
			}
		}
		return nil, msg
	}
}

// MsgUpdateParamsFactory proposes others.
func MsgUpdateParamsFactory() simsx.SimMsgFactoryFn[*types.MsgUpdateParams] {
	return func(_ context.Context, data *simsx.ChainDataSource, reporter simsx.SimulationReporter) ([]simsx.SimAccount, *types.MsgUpdateParams) {
		return nil, &types.MsgUpdateParams{
			Authority: data.ModuleAccountAddress(reporter, sim.GovModule), Params: RandomParams(data.Rand().Rand),
		}
	}
}
