// SPDX-License-Identifier: Apache-2.0

package simulation

import (
	"context"
	"time"

	"cosmossdk.io/math"

	"github.com/cosmos/cosmos-sdk/testutil/simsx"
	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/testutil/sim"
	"github.com/athnet/ath/x/leases/keeper"
	"github.com/athnet/ath/x/leases/types"
)

// MsgRegisterGatewayFactory makes somebody a gateway, or changes one.
func MsgRegisterGatewayFactory() simsx.SimMsgFactoryFn[*types.MsgRegisterGateway] {
	return func(_ context.Context, data *simsx.ChainDataSource, reporter simsx.SimulationReporter) ([]simsx.SimAccount, *types.MsgRegisterGateway) {
		return nil, &types.MsgRegisterGateway{
			Authority: data.ModuleAccountAddress(reporter, sim.GovModule), Gateway: data.AnyAccount(reporter).AddressBech32, Name: "gateway",
			MaxCustomers: uint32(1 + data.Rand().Intn(5)), MaxRate: math.NewInt(int64(1 + data.Rand().Intn(1_000_000_000))),
		}
	}
}

// MsgRemoveGatewayFactory removes one.
func MsgRemoveGatewayFactory(k *keeper.Keeper) simsx.SimMsgFactoryFn[*types.MsgRemoveGateway] {
	return func(ctx context.Context, data *simsx.ChainDataSource, reporter simsx.SimulationReporter) ([]simsx.SimAccount, *types.MsgRemoveGateway) {
		gateway, ok := someGateway(ctx, k, data, reporter, func(g types.Gateway) bool { return !g.Removed })
		if !ok {
			return nil, nil
		}
		return nil, &types.MsgRemoveGateway{Authority: data.ModuleAccountAddress(reporter, sim.GovModule), Gateway: gateway.Address}
	}
}

func someGateway(
	ctx context.Context, k *keeper.Keeper, data *simsx.ChainDataSource, reporter simsx.SimulationReporter, fits func(types.Gateway) bool,
) (types.Gateway, bool) {
	state, err := k.ExportGenesis(sdk.UnwrapSDKContext(ctx))
	if err != nil {
		reporter.Skip(err.Error())
		return types.Gateway{}, false
	}
	return sim.Pick(data, reporter, state.Gateways, fits)
}

// MsgFundFloatFactory pays into a float, mostly the gateway itself.
func MsgFundFloatFactory(k *keeper.Keeper) simsx.SimMsgFactoryFn[*types.MsgFundFloat] {
	return func(ctx context.Context, data *simsx.ChainDataSource, reporter simsx.SimulationReporter) ([]simsx.SimAccount, *types.MsgFundFloat) {
		gateway, ok := someGateway(ctx, k, data, reporter, sim.Any)
		if !ok {
			return nil, nil
		}
		msg := &types.MsgFundFloat{Depositor: gateway.Address, Amount: uath(data, 5_000_000)}
		if data.Rand().Intn(4) == 0 {
			msg.Depositor, msg.Gateway = sim.Other(data, reporter, gateway.Address), gateway.Address
		}
		return sim.Signed(data, reporter, msg.Depositor, msg)
	}
}

// MsgWithdrawFloatFactory takes a little out, or all.
func MsgWithdrawFloatFactory(k *keeper.Keeper) simsx.SimMsgFactoryFn[*types.MsgWithdrawFloat] {
	return func(ctx context.Context, data *simsx.ChainDataSource, reporter simsx.SimulationReporter) ([]simsx.SimAccount, *types.MsgWithdrawFloat) {
		gateway, ok := someGateway(ctx, k, data, reporter, sim.Any)
		if !ok {
			return nil, nil
		}
		msg := &types.MsgWithdrawFloat{Gateway: gateway.Address, Amount: nothing()}
		if data.Rand().Bool() {
			msg.Amount = uath(data, 100_000)
		}
		return sim.Signed(data, reporter, msg.Gateway, msg)
	}
}

// MsgGrantCreditFactory gives credit, or changes a line.
func MsgGrantCreditFactory(k *keeper.Keeper) simsx.SimMsgFactoryFn[*types.MsgGrantCredit] {
	return func(ctx context.Context, data *simsx.ChainDataSource, reporter simsx.SimulationReporter) ([]simsx.SimAccount, *types.MsgGrantCredit) {
		gateway, ok := someGateway(ctx, k, data, reporter, func(g types.Gateway) bool { return !g.Removed })
		if !ok {
			return nil, nil
		}
		msg := &types.MsgGrantCredit{
			Gateway: gateway.Address, Customer: sim.Other(data, reporter, gateway.Address), Limit: math.NewInt(int64(1 + data.Rand().Intn(100_000_000))),
			MaxRate: math.ZeroInt(), Priority: uint32(data.Rand().Intn(types.MaxPriority + 1)),
		}
		if data.Rand().Bool() {
			at := sdk.UnwrapSDKContext(ctx).BlockTime().Add(time.Duration(1+data.Rand().Intn(86_400)) * time.Second)
			msg.ExpiresAt = &at
		}
		return sim.Signed(data, reporter, msg.Gateway, msg)
	}
}

// MsgRevokeCreditFactory ends a line.
func MsgRevokeCreditFactory(k *keeper.Keeper) simsx.SimMsgFactoryFn[*types.MsgRevokeCredit] {
	return func(ctx context.Context, data *simsx.ChainDataSource, reporter simsx.SimulationReporter) ([]simsx.SimAccount, *types.MsgRevokeCredit) {
		state, err := k.ExportGenesis(sdk.UnwrapSDKContext(ctx))
		if err != nil {
			return sim.Skip[*types.MsgRevokeCredit](reporter, err)
		}
		line, ok := sim.Pick(data, reporter, state.CreditLines, sim.Any)
		if !ok {
			return nil, nil
		}
		return sim.Signed(data, reporter, line.Gateway, &types.MsgRevokeCredit{Gateway: line.Gateway, Customer: line.Customer()})
	}
}
