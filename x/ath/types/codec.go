// SPDX-License-Identifier: Apache-2.0

package types

import (
	"github.com/cosmos/cosmos-sdk/codec"
	"github.com/cosmos/cosmos-sdk/codec/legacy"
	codectypes "github.com/cosmos/cosmos-sdk/codec/types"
	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/cosmos/cosmos-sdk/types/msgservice"
)

// RegisterLegacyAminoCodec registers the messages for hardware wallets that sign amino JSON.
func RegisterLegacyAminoCodec(cdc *codec.LegacyAmino) {
	cdc.RegisterConcrete(Params{}, "athd/x/ath/Params", nil)
	legacy.RegisterAminoMsg(cdc, &MsgClaim{}, "athd/ath/MsgClaim")
	legacy.RegisterAminoMsg(cdc, &MsgExit{}, "athd/ath/MsgExit")
	legacy.RegisterAminoMsg(cdc, &MsgWithdraw{}, "athd/ath/MsgWithdraw")
	legacy.RegisterAminoMsg(cdc, &MsgSetBeaconKey{}, "athd/ath/MsgSetBeaconKey")
	legacy.RegisterAminoMsg(cdc, &MsgSpend{}, "athd/ath/MsgSpend")
	legacy.RegisterAminoMsg(cdc, &MsgUpdateParams{}, "athd/ath/MsgUpdateParams")
}

// RegisterInterfaces registers the messages as sdk.Msg.
func RegisterInterfaces(registry codectypes.InterfaceRegistry) {
	registry.RegisterImplementations((*sdk.Msg)(nil), &MsgClaim{}, &MsgExit{}, &MsgWithdraw{}, &MsgSetBeaconKey{}, &MsgSpend{}, &MsgUpdateParams{})
	msgservice.RegisterMsgServiceDesc(registry, &_Msg_serviceDesc)
}
