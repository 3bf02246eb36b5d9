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

// Validators lists the operators of validators.
type Validators func(ctx sdk.Context) ([]sdk.ValAddress, error)

// WeightedOperationsX adds the operations of users.
func WeightedOperationsX(k *keeper.Keeper, validators Validators, weights simsx.WeightSource, reg simsx.Registry) {
	reg.Add(weights.Get("msg_claim", 10), MsgClaimFactory(k))
	reg.Add(weights.Get("msg_exit", 10), MsgExitFactory(k))
	reg.Add(weights.Get("msg_withdraw", 10), MsgWithdrawFactory(k, validators))
	reg.Add(weights.Get("msg_set_beacon_key", 2), MsgSetBeaconKeyFactory(validators))
}

// ProposalMsgsX adds the operations of governance.
func ProposalMsgsX(k *keeper.Keeper, weights simsx.WeightSource, reg simsx.Registry) {
	reg.Add(weights.Get("msg_spend", 4), MsgSpendFactory(k))
	reg.Add(weights.Get("msg_update_ath_params", 2), MsgUpdateParamsFactory())
}

// MsgClaimFactory claims for somebody who has capacity.
func MsgClaimFactory(k *keeper.Keeper) simsx.SimMsgFactoryFn[*types.MsgClaim] {
	return func(ctx context.Context, data *simsx.ChainDataSource, reporter simsx.SimulationReporter) ([]simsx.SimAccount, *types.MsgClaim) {
		state, err := k.ExportGenesis(sdk.UnwrapSDKContext(ctx))
		if err != nil {
			return sim.Skip[*types.MsgClaim](reporter, err)
		}
		signer := data.AnyAccount(reporter).AddressBech32
		msg := &types.MsgClaim{Signer: signer}
		if len(state.StreamPositions) > 0 {
			one := state.StreamPositions[data.Rand().Intn(len(state.StreamPositions))]
			msg.Beneficiary = one.Beneficiary
			for _, position := range state.StreamPositions {
				if position.Beneficiary == one.Beneficiary && len(msg.Containers) < types.MaxClaimContainers {
					msg.Containers = append(msg.Containers, position.Holder)
				}
			}
			if data.Rand().Bool() {
				msg.Signer = one.Beneficiary
			}
			if msg.Signer == one.Beneficiary && data.Rand().Intn(5) == 0 {
				option := state.Params.RewardExits[0]
				msg.Exits = []types.ClaimExit{{Ledger: types.Ledger_LEDGER_CAPACITY, Delay: option.Delay, PenaltyPpm: option.PenaltyPpm}}
			}
		}
		return sim.Signed(data, reporter, msg.Signer, msg)
	}
}

// MsgWithdrawFactory pays somebody what is ripe; the owner may stake it.
func MsgWithdrawFactory(k *keeper.Keeper, validators Validators) simsx.SimMsgFactoryFn[*types.MsgWithdraw] {
	return func(ctx context.Context, data *simsx.ChainDataSource, reporter simsx.SimulationReporter) ([]simsx.SimAccount, *types.MsgWithdraw) {
		sdkCtx := sdk.UnwrapSDKContext(ctx)
		state, err := k.ExportGenesis(sdkCtx)
		if err != nil {
			return sim.Skip[*types.MsgWithdraw](reporter, err)
		}
		vests := make(map[types.RowKind]bool)
		for _, kind := range types.VestingKinds() {
			vests[kind] = true
		}
		row, ok := sim.Pick(data, reporter, state.Rows, func(row types.RowBalance) bool {
			return vests[row.Row.Kind] && row.Row.Bucket <= uint64(sdkCtx.BlockTime().Unix())
		})
		if !ok {
			return nil, nil
		}
		msg := &types.MsgWithdraw{Signer: row.Row.Owner, Beneficiary: row.Row.Owner}
		switch data.Rand().Intn(4) {
		case 0:
			msg.Signer = data.AnyAccount(reporter).AddressBech32
		case 1:
			operators, err := validators(sdkCtx)
			if err != nil || len(operators) == 0 {
				return sim.Skip[*types.MsgWithdraw](reporter, "no validators")
			}
			msg.Stake = operators[data.Rand().Intn(len(operators))].String()
		}
		return sim.Signed(data, reporter, msg.Signer, msg)
	}
}

// MsgSetBeaconKeyFactory registers a new key for a validator, or removes it.
func MsgSetBeaconKeyFactory(validators Validators) simsx.SimMsgFactoryFn[*types.MsgSetBeaconKey] {
	return func(ctx context.Context, data *simsx.ChainDataSource, reporter simsx.SimulationReporter) ([]simsx.SimAccount, *types.MsgSetBeaconKey) {
		sdkCtx := sdk.UnwrapSDKContext(ctx)
		operators, err := validators(sdkCtx)
		if err != nil {
			return sim.Skip[*types.MsgSetBeaconKey](reporter, err)
		}
		operator, ok := sim.Pick(data, reporter, operators, sim.Any)
		if !ok {
			return nil, nil
		}
		msg := &types.MsgSetBeaconKey{Operator: operator.String()}
		if data.Rand().Intn(5) > 0 {
			secret, err := types.NewBeaconSecret(sim.Bytes(data))
			if err != nil {
				return sim.Skip[*types.MsgSetBeaconKey](reporter, err)
			}
			msg.Pubkey, msg.Possession = secret.Public(), secret.ProvePossession(sdkCtx.ChainID(), operator)
		}
		return sim.Signed(data, reporter, sdk.AccAddress(operator).String(), msg)
	}
}

// MsgSpendFactory proposes to spend a part of what a source holds, or sometimes more.
func MsgSpendFactory(k *keeper.Keeper) simsx.SimMsgFactoryFn[*types.MsgSpend] {
	return func(ctx context.Context, data *simsx.ChainDataSource, reporter simsx.SimulationReporter) ([]simsx.SimAccount, *types.MsgSpend) {
		source, row := types.SpendSource_SPEND_SOURCE_GRANTS, types.PoolRow(types.Pool_POOL_GRANTS)
		if data.Rand().Bool() {
			source, row = types.SpendSource_SPEND_SOURCE_TREASURY, types.TreasuryRow(types.Denom)
		}
		held, err := k.RowAmount(sdk.UnwrapSDKContext(ctx), row)
		if err != nil {
			return sim.Skip[*types.MsgSpend](reporter, err)
		}
		parts := int64(1 + data.Rand().Intn(11))
		return nil, &types.MsgSpend{
			Authority: data.ModuleAccountAddress(reporter, sim.GovModule), Source: source,
			Recipient: data.AnyAccount(reporter).AddressBech32,
			Amount:    sdk.NewCoin(types.Denom, held.MulRaw(parts).QuoRaw(10).AddRaw(1)),
		}
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
