// SPDX-License-Identifier: Apache-2.0

package simulation

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"time"

	"github.com/cosmos/cosmos-sdk/testutil/simsx"
	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/testutil/sim"
	"github.com/athnet/ath/x/leases/keeper"
	"github.com/athnet/ath/x/leases/types"
)

// voucherKey signs the vouchers of all channels of a tenant.
func voucherKey(tenant string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte("vouchers of " + tenant))
	return ed25519.NewKeyFromSeed(seed[:])
}

// MsgOpenChannelsFactory opens one or two channels on a Container that has an offer.
func MsgOpenChannelsFactory(k *keeper.Keeper) simsx.SimMsgFactoryFn[*types.MsgOpenChannels] {
	return func(ctx context.Context, data *simsx.ChainDataSource, reporter simsx.SimulationReporter) ([]simsx.SimAccount, *types.MsgOpenChannels) {
		sdkCtx := sdk.UnwrapSDKContext(ctx)
		state, err := k.ExportGenesis(sdkCtx)
		if err != nil {
			return sim.Skip[*types.MsgOpenChannels](reporter, err)
		}
		offer, ok := sim.Pick(data, reporter, state.Offers, sim.Any)
		if !ok {
			return nil, nil
		}
		tenant := data.AnyAccount(reporter).AddressBech32
		msg := &types.MsgOpenChannels{Tenant: tenant}
		sum := uint64(0)
		for range 1 + data.Rand().Intn(2) {
			order := types.ChannelOrder{
				ContainerId: offer.ContainerId, Cap: state.Params.MinChannelCap + uint64(data.Rand().Intn(100_000)),
				ExpiresAt:  sdkCtx.BlockTime().Add(time.Duration(1+data.Rand().Intn(3_600)) * time.Second),
				VoucherKey: voucherKey(tenant).Public().(ed25519.PublicKey),
			}
			sum += order.Cap
			msg.Channels = append(msg.Channels, order)
		}
		msg.Deposit = uath(data, 1)
		msg.Deposit.Amount = types.Uath(sum)
		return sim.Signed(data, reporter, tenant, msg)
	}
}

func someChannel(
	ctx context.Context, k *keeper.Keeper, data *simsx.ChainDataSource, reporter simsx.SimulationReporter, fits func(types.Channel) bool,
) (types.Channel, bool) {
	state, err := k.ExportGenesis(sdk.UnwrapSDKContext(ctx))
	if err != nil {
		reporter.Skip(err.Error())
		return types.Channel{}, false
	}
	return sim.Pick(data, reporter, state.Channels, fits)
}

// MsgTopUpChannelFactory prolongs a channel by a minute.
func MsgTopUpChannelFactory(k *keeper.Keeper) simsx.SimMsgFactoryFn[*types.MsgTopUpChannel] {
	return func(ctx context.Context, data *simsx.ChainDataSource, reporter simsx.SimulationReporter) ([]simsx.SimAccount, *types.MsgTopUpChannel) {
		now := sdk.UnwrapSDKContext(ctx).BlockTime()
		channel, ok := someChannel(ctx, k, data, reporter, func(c types.Channel) bool { return c.Usable(now) })
		if !ok {
			return nil, nil
		}
		later := channel.ExpiresAt.Add(time.Minute)
		return sim.Signed(data, reporter, channel.Tenant, &types.MsgTopUpChannel{Tenant: channel.Tenant, Number: channel.Number, ExpiresAt: &later})
	}
}

// MsgCloseChannelsFactory closes a channel for its tenant or its provider.
func MsgCloseChannelsFactory(k *keeper.Keeper) simsx.SimMsgFactoryFn[*types.MsgCloseChannels] {
	return func(ctx context.Context, data *simsx.ChainDataSource, reporter simsx.SimulationReporter) ([]simsx.SimAccount, *types.MsgCloseChannels) {
		channel, ok := someChannel(ctx, k, data, reporter, sim.Any)
		if !ok {
			return nil, nil
		}
		msg := &types.MsgCloseChannels{Signer: channel.Tenant, Tenant: channel.Tenant, Numbers: []uint64{channel.Number}}
		if data.Rand().Bool() {
			msg.Signer = channel.Provider
		}
		return sim.Signed(data, reporter, msg.Signer, msg)
	}
}

// MsgRedeemFactory redeems two vouchers of a channel, the lower one last; now and then above its cap.
func MsgRedeemFactory(k *keeper.Keeper) simsx.SimMsgFactoryFn[*types.MsgRedeem] {
	return func(ctx context.Context, data *simsx.ChainDataSource, reporter simsx.SimulationReporter) ([]simsx.SimAccount, *types.MsgRedeem) {
		channel, ok := someChannel(ctx, k, data, reporter, sim.Any)
		if !ok {
			return nil, nil
		}
		high := channel.Redeemed + 2 + uint64(data.Rand().Intn(20_000))
		signer := data.AnyAccount(reporter).AddressBech32
		msg := &types.MsgRedeem{Signer: signer}
		for _, amount := range []uint64{high, high - 1} {
			v := types.Voucher{Tenant: channel.Tenant, Number: channel.Number, Amount: amount}
			v.Signature = ed25519.Sign(voucherKey(channel.Tenant), v.SignBytes(sdk.UnwrapSDKContext(ctx).ChainID()))
			msg.Vouchers = append(msg.Vouchers, v)
		}
		return sim.Signed(data, reporter, signer, msg)
	}
}
