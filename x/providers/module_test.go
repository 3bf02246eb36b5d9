// SPDX-License-Identifier: Apache-2.0

package providers_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	autocliv1 "cosmossdk.io/api/cosmos/autocli/v1"

	"github.com/cosmos/cosmos-sdk/codec"
	codectypes "github.com/cosmos/cosmos-sdk/codec/types"

	"github.com/athnet/ath/x/providers"
	"github.com/athnet/ath/x/providers/types"
)

// Every Msg and Query has a command, each with a sentence and an example that begins with the command itself.
func TestEveryMethodHasACommand(t *testing.T) {
	options := providers.AppModule{}.AutoCLIOptions()
	check := func(prefix string, d *autocliv1.ServiceCommandDescriptor, methods []string) {
		commands := map[string]*autocliv1.RpcCommandOptions{}
		for _, c := range d.RpcCommandOptions {
			commands[c.RpcMethod] = c
		}
		require.Len(t, commands, len(methods))
		for _, method := range methods {
			c := commands[method]
			require.NotNil(t, c, method)
			require.NotEmpty(t, c.Short, method)
			name, _, _ := strings.Cut(c.Use, " ")
			require.True(t, strings.HasPrefix(c.Example, prefix+name), "%s: %s", method, c.Example)
		}
	}
	var queries, msgs []string
	for _, m := range types.Query_serviceDesc.Methods {
		queries = append(queries, m.MethodName)
	}
	for _, m := range types.Msg_serviceDesc.Methods {
		msgs = append(msgs, m.MethodName)
	}
	check("athd query providers ", options.Query, queries)
	check("athd tx providers ", options.Tx, msgs)
}

func TestDefaultGenesisIsValid(t *testing.T) {
	cdc := codec.NewProtoCodec(codectypes.NewInterfaceRegistry())
	raw := providers.AppModule{}.DefaultGenesis(cdc)
	require.NoError(t, providers.AppModule{}.ValidateGenesis(cdc, nil, raw))
	require.Error(t, providers.AppModule{}.ValidateGenesis(cdc, nil, json.RawMessage(`{"params":{}}`)))
	require.Error(t, providers.AppModule{}.ValidateGenesis(cdc, nil, json.RawMessage(`{"unknown":1}`)))
}
