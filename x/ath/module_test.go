// SPDX-License-Identifier: Apache-2.0

package ath

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"

	autocliv1 "cosmossdk.io/api/cosmos/autocli/v1"

	"github.com/cosmos/cosmos-sdk/codec"
	codectypes "github.com/cosmos/cosmos-sdk/codec/types"
	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/ath/types"
)

func TestDefaultGenesisIsValid(t *testing.T) {
	registry := codectypes.NewInterfaceRegistry()
	am, cdc := AppModule{}, codec.NewProtoCodec(registry)
	am.RegisterInterfaces(registry)
	require.NoError(t, am.ValidateGenesis(cdc, nil, am.DefaultGenesis(cdc)))
	require.ErrorContains(t, am.ValidateGenesis(cdc, nil, []byte(`{"params":{}}`)), "epoch_duration")
	require.ErrorContains(t, am.ValidateGenesis(cdc, nil, []byte(`{"parms":{}}`)), "parms")
}

func TestMessagesAreRegistered(t *testing.T) {
	registry := codectypes.NewInterfaceRegistry()
	AppModule{}.RegisterInterfaces(registry)
	AppModule{}.RegisterLegacyAminoCodec(codec.NewLegacyAmino())
	for _, msg := range []sdk.Msg{&types.MsgClaim{}, &types.MsgWithdraw{}, &types.MsgUpdateParams{}} {
		resolved, err := registry.Resolve(sdk.MsgTypeURL(msg))
		require.NoError(t, err)
		require.IsType(t, msg, resolved)
	}
}

// Every Msg and Query has a command with an example.
func TestEveryMethodHasACommand(t *testing.T) {
	options := AppModule{}.AutoCLIOptions()
	for service, methods := range map[*autocliv1.ServiceCommandDescriptor][]string{
		options.Tx:    methodNames(types.Msg_serviceDesc.Methods),
		options.Query: methodNames(types.Query_serviceDesc.Methods),
	} {
		var described []string
		for _, command := range service.RpcCommandOptions {
			described = append(described, command.RpcMethod)
			require.NotEmpty(t, command.Short, command.RpcMethod)
			require.NotEmpty(t, command.Example, command.RpcMethod)
		}
		require.ElementsMatch(t, methods, described, service.Service)
	}
}

func methodNames(methods []grpc.MethodDesc) (names []string) {
	for _, method := range methods {
		names = append(names, method.MethodName)
	}
	return names
}
