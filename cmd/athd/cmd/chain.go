// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"slices"
	"strings"

	"github.com/cosmos/gogoproto/proto"
	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/reflect/protoregistry"

	"cosmossdk.io/client/v2/autocli"
	"cosmossdk.io/client/v2/autocli/flag"

	"github.com/cosmos/cosmos-sdk/client"
	"github.com/cosmos/cosmos-sdk/client/flags"
	"github.com/cosmos/cosmos-sdk/client/rpc"
	"github.com/cosmos/cosmos-sdk/server"
	authcli "github.com/cosmos/cosmos-sdk/x/auth/client/cli"

	"github.com/athnet/ath/app"
)

// addChainCommands adds tx and query: every message and every query of every module.
func addChainCommands(root *cobra.Command, args []string, modules *app.Client) error {
	tx, query := txCommand(), queryCommand()
	root.AddCommand(tx, query)
	if !reaches(args, tx) && !reaches(args, query) {
		return nil
	}
	if err := addModuleCommands(root, modules); err != nil {
		return err
	}
	failOnRefusal(tx)
	describeGRPC(tx)
	describeGRPC(query)
	return nil
}

// reaches says whether a command line can lead into a command; one that only looks so costs time, nothing else.
func reaches(args []string, cmd *cobra.Command) bool {
	return slices.ContainsFunc(args, func(arg string) bool { return arg == cmd.Name() || cmd.HasAlias(arg) })
}

// addModuleCommands adds the modules' commands as they describe them. Files are resolved from the merged registry, which takes
// some tens of milliseconds to build: a lazy resolver leaves messages of other files as empty placeholders.
func addModuleCommands(root *cobra.Command, modules *app.Client) error {
	files, err := proto.MergedRegistry()
	if err != nil {
		return err
	}
	options := autocli.AppOptions{
		Modules: modules.Modules, ModuleOptions: modules.Commands(),
		AddressCodec: app.AccountAddresses, ValidatorAddressCodec: app.ValidatorAddresses, ConsensusAddressCodec: app.ConsensusAddresses,
	}
	builder := &autocli.Builder{
		Builder: flag.Builder{
			TypeResolver: protoregistry.GlobalTypes, FileResolver: files,
			AddressCodec: app.AccountAddresses, ValidatorAddressCodec: app.ValidatorAddresses, ConsensusAddressCodec: app.ConsensusAddresses,
		},
		GetClientConn: func(cmd *cobra.Command) (grpc.ClientConnInterface, error) { return client.GetClientQueryContext(cmd) },
		AddQueryConnFlags: func(cmd *cobra.Command) {
			flags.AddQueryFlagsToCmd(cmd)
			flags.AddKeyringFlags(cmd.Flags())
		},
		AddTxConnFlags: flags.AddTxFlagsToCmd,
	}
	builder.DefineMessageFlagType(coinMessage, coinType{})
	if err := options.EnhanceRootCommandWithBuilder(root, builder); err != nil {
		return err
	}
	indentExamples(root)
	return addScheduleCSV(root)
}

// describeGRPC says of the SDK's flags what they mean here (sameGRPC).
func describeGRPC(cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		describeGRPC(sub)
	}
	if f := cmd.Flags().Lookup(flags.FlagGRPC); f != nil {
		f.Usage = "gRPC address of a node, asked instead of its RPC; tls://host:port behind TLS"
	}
	if f := cmd.Flags().Lookup(flags.FlagGRPCInsecure); f != nil {
		f.Usage = "a --grpc-addr without tls:// is plain, unless this is false"
	}
}

// indentExamples sets examples off from the text around them; modules write them without.
func indentExamples(cmd *cobra.Command) {
	if cmd.Example != "" && !strings.HasPrefix(cmd.Example, " ") {
		cmd.Example = "  " + strings.ReplaceAll(cmd.Example, "\n", "\n  ")
	}
	for _, sub := range cmd.Commands() {
		indentExamples(sub)
	}
}

func queryCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "query", Aliases: []string{"q"}, Short: "Ask a node about the chain",
		SuggestionsMinimumDistance: 2, RunE: client.ValidateCmd,
	}
	cmd.AddCommand(
		rpc.ValidatorCommand(), rpc.WaitTxCmd(), server.QueryBlockCmd(), server.QueryBlocksCmd(), server.QueryBlockResultsCmd(),
		authcli.QueryTxCmd(), authcli.QueryTxsByEventsCmd(),
	)
	return cmd
}

func txCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "tx", Short: "Sign, encode and broadcast transactions",
		SuggestionsMinimumDistance: 2, RunE: client.ValidateCmd,
	}
	cmd.AddCommand(
		authcli.GetSignCommand(), authcli.GetSignBatchCommand(), authcli.GetMultiSignCommand(), authcli.GetMultiSignBatchCmd(),
		authcli.GetValidateSignaturesCommand(), authcli.GetBroadcastCommand(), authcli.GetEncodeCommand(), authcli.GetDecodeCommand(),
		authcli.GetSimulateCmd(),
	)
	return cmd
}
