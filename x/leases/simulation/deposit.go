// SPDX-License-Identifier: Apache-2.0

package simulation

import (
	"context"
	"time"

	"cosmossdk.io/math"

	"github.com/cosmos/cosmos-sdk/testutil/simsx"
	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/testutil/sim"
	athtypes "github.com/athnet/ath/x/ath/types"
	"github.com/athnet/ath/x/leases/keeper"
	"github.com/athnet/ath/x/leases/types"
)

// foreign is an amount that is worth a place in somebody else's account.
func foreign(data *simsx.ChainDataSource, p types.Params) sdk.Coin {
	amount := uath(data, 200_000)
	amount.Amount = amount.Amount.Add(types.Uath(p.MinForeignDeposit))
	return amount
}

func nothing() sdk.Coin { return sdk.NewCoin(athtypes.Denom, math.ZeroInt()) }

// MsgDepositFactory pays into somebody's account, or out of a grant.
func MsgDepositFactory(k *keeper.Keeper) simsx.SimMsgFactoryFn[*types.MsgDeposit] {
	return func(ctx context.Context, data *simsx.ChainDataSource, reporter simsx.SimulationReporter) ([]simsx.SimAccount, *types.MsgDeposit) {
		state, err := k.ExportGenesis(sdk.UnwrapSDKContext(ctx))
		if err != nil {
			return sim.Skip[*types.MsgDeposit](reporter, err)
		}
		from := data.AnyAccount(reporter).AddressBech32
		msg := &types.MsgDeposit{Depositor: from, Amount: uath(data, 200_000)}
		switch data.Rand().Intn(4) {
		case 0:
			msg.Tenant, msg.Amount = sim.Other(data, reporter, from), foreign(data, state.Params)
		case 1:
			grant, ok := sim.Pick(data, reporter, state.DepositGrants, sim.Any)
			if !ok {
				return nil, nil
			}
			msg.Depositor, msg.Granter = grant.Grantee, grant.Granter
			msg.Amount.Amount = math.MinInt(grant.Limit.Amount, foreign(data, state.Params).Amount)
		}
		return sim.Signed(data, reporter, msg.Depositor, msg)
	}
}

// MsgReclaimDepositFactory takes a deposit back, all that is free of it or a little, or gives it back as the tenant.
func MsgReclaimDepositFactory(k *keeper.Keeper) simsx.SimMsgFactoryFn[*types.MsgReclaimDeposit] {
	return func(ctx context.Context, data *simsx.ChainDataSource, reporter simsx.SimulationReporter) ([]simsx.SimAccount, *types.MsgReclaimDeposit) {
		state, err := k.ExportGenesis(sdk.UnwrapSDKContext(ctx))
		if err != nil {
			return sim.Skip[*types.MsgReclaimDeposit](reporter, err)
		}
		d, ok := sim.Pick(data, reporter, state.Depositors, sim.Any)
		if !ok {
			return nil, nil
		}
		place := d.Places[data.Rand().Intn(len(d.Places))]
		msg := &types.MsgReclaimDeposit{Signer: place.Depositor, Tenant: d.Tenant, Depositor: place.Depositor, Amount: nothing()}
		if data.Rand().Bool() {
			msg.Amount = uath(data, 100_000)
		}
		if data.Rand().Intn(4) == 0 {
			msg.Signer, msg.Source = d.Tenant, place.Source
		}
		return sim.Signed(data, reporter, msg.Signer, msg)
	}
}

// MsgGrantDepositFactory gives a grant, most with refills.
func MsgGrantDepositFactory() simsx.SimMsgFactoryFn[*types.MsgGrantDeposit] {
	return func(ctx context.Context, data *simsx.ChainDataSource, reporter simsx.SimulationReporter) ([]simsx.SimAccount, *types.MsgGrantDeposit) {
		granter := data.AnyAccount(reporter).AddressBech32
		msg := &types.MsgGrantDeposit{Granter: granter, Grantee: sim.Other(data, reporter, granter), Limit: uath(data, 50_000_000)}
		if data.Rand().Bool() {
			at := sdk.UnwrapSDKContext(ctx).BlockTime().Add(time.Duration(1+data.Rand().Intn(86_400)) * time.Second)
			msg.ExpiresAt = &at
		}
		if data.Rand().Intn(4) != 0 {
			amount := math.NewInt(int64(1 + data.Rand().Intn(1_000_000)))
			msg.Refill = &types.AutoRefill{Keep: amount.MulRaw(2), Amount: amount, Cap: amount.MulRaw(3), Period: time.Hour}
		}
		return sim.Signed(data, reporter, granter, msg)
	}
}

func someGrant(
	ctx context.Context, k *keeper.Keeper, data *simsx.ChainDataSource, reporter simsx.SimulationReporter, fits func(types.DepositGrant) bool,
) (types.DepositGrant, bool) {
	state, err := k.ExportGenesis(sdk.UnwrapSDKContext(ctx))
	if err != nil {
		reporter.Skip(err.Error())
		return types.DepositGrant{}, false
	}
	return sim.Pick(data, reporter, state.DepositGrants, fits)
}

// MsgRevokeDepositGrantFactory ends a grant from either side.
func MsgRevokeDepositGrantFactory(k *keeper.Keeper) simsx.SimMsgFactoryFn[*types.MsgRevokeDepositGrant] {
	return func(ctx context.Context, data *simsx.ChainDataSource, reporter simsx.SimulationReporter) ([]simsx.SimAccount, *types.MsgRevokeDepositGrant) {
		grant, ok := someGrant(ctx, k, data, reporter, sim.Any)
		if !ok {
			return nil, nil
		}
		msg := &types.MsgRevokeDepositGrant{Signer: grant.Granter, Granter: grant.Granter, Grantee: grant.Grantee}
		if data.Rand().Bool() {
			msg.Signer = grant.Grantee
		}
		return sim.Signed(data, reporter, msg.Signer, msg)
	}
}

// MsgSetRefillFactory chooses a grant, or none.
func MsgSetRefillFactory(k *keeper.Keeper) simsx.SimMsgFactoryFn[*types.MsgSetRefill] {
	return func(ctx context.Context, data *simsx.ChainDataSource, reporter simsx.SimulationReporter) ([]simsx.SimAccount, *types.MsgSetRefill) {
		grant, ok := someGrant(ctx, k, data, reporter, func(g types.DepositGrant) bool { return g.Refill != nil })
		if !ok {
			return nil, nil
		}
		msg := &types.MsgSetRefill{Tenant: grant.Grantee, Granter: grant.Granter}
		if data.Rand().Intn(5) == 0 {
			msg.Granter = ""
		}
		return sim.Signed(data, reporter, msg.Tenant, msg)
	}
}

// MsgSetSubAccountFactory names a sub-account.
func MsgSetSubAccountFactory() simsx.SimMsgFactoryFn[*types.MsgSetSubAccount] {
	return func(_ context.Context, data *simsx.ChainDataSource, reporter simsx.SimulationReporter) ([]simsx.SimAccount, *types.MsgSetSubAccount) {
		parent := data.AnyAccount(reporter).AddressBech32
		return sim.Signed(data, reporter, parent, &types.MsgSetSubAccount{
			Parent: parent, Sub: sim.Other(data, reporter, parent), Limit: uath(data, 20_000_000),
		})
	}
}

// MsgFundSubAccountFactory moves a little more than the least.
func MsgFundSubAccountFactory(k *keeper.Keeper) simsx.SimMsgFactoryFn[*types.MsgFundSubAccount] {
	return func(ctx context.Context, data *simsx.ChainDataSource, reporter simsx.SimulationReporter) ([]simsx.SimAccount, *types.MsgFundSubAccount) {
		state, err := k.ExportGenesis(sdk.UnwrapSDKContext(ctx))
		if err != nil {
			return sim.Skip[*types.MsgFundSubAccount](reporter, err)
		}
		s, ok := sim.Pick(data, reporter, state.SubAccounts, sim.Any)
		if !ok {
			return nil, nil
		}
		amount := uath(data, 100_000)
		amount.Amount = amount.Amount.Add(types.Uath(state.Params.MinForeignDeposit))
		return sim.Signed(data, reporter, s.Parent, &types.MsgFundSubAccount{Parent: s.Parent, Sub: s.Sub, Amount: amount})
	}
}
