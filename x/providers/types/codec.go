// SPDX-License-Identifier: Apache-2.0

package types

import (
	codectypes "github.com/cosmos/cosmos-sdk/codec/types"
	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/cosmos/cosmos-sdk/types/msgservice"
)

// RegisterInterfaces registers the messages of the module.
func RegisterInterfaces(registry codectypes.InterfaceRegistry) {
	registry.RegisterImplementations((*sdk.Msg)(nil),
		&MsgRegisterProvider{},
		&MsgUpdateProvider{},
		&MsgDeregisterProvider{},
		&MsgRegisterContainers{},
		&MsgUpdateContainer{},
		&MsgSetMaintenance{},
		&MsgRetireContainers{},
		&MsgWithdrawStake{},
		&MsgTopUpStake{},
		&MsgOpenTicket{},
		&MsgPayTicket{},
		&MsgSettleTickets{},
		&MsgHeartbeat{},
		&MsgSetClasses{},
		&MsgUpdateParams{},
	)
	msgservice.RegisterMsgServiceDesc(registry, &_Msg_serviceDesc)
}
