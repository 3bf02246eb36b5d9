// SPDX-License-Identifier: Apache-2.0

// Package cmd is the command line of athd: the answer goes to stdout, everything else to stderr.
package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"cosmossdk.io/log/v2"

	"github.com/cosmos/cosmos-sdk/client"
	clientconfig "github.com/cosmos/cosmos-sdk/client/config"
	"github.com/cosmos/cosmos-sdk/client/flags"
	"github.com/cosmos/cosmos-sdk/client/keys"
	"github.com/cosmos/cosmos-sdk/crypto/keyring"
	"github.com/cosmos/cosmos-sdk/server"
	servercmd "github.com/cosmos/cosmos-sdk/server/cmd"
	"github.com/cosmos/cosmos-sdk/version"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"

	"github.com/athnet/ath/app"
	"github.com/athnet/ath/offchain/chain"
	"github.com/athnet/ath/offchain/daemon/group"
	"github.com/athnet/ath/offchain/deploy"
)

// envPrefix of environment variables that set flags: ATHD_HOME, ATHD_NODE, ATHD_KEYRING_BACKEND, …
const envPrefix = "ATHD"

// Execute runs one command line and returns the exit code.
func Execute(args []string, in io.Reader, out, talk io.Writer) int {
	version.Name, version.AppName = app.Name, "athd"
	version.Version = cmp.Or(version.Version, "dev") // set when linked by make
	root, err := newRoot(args)
	if err == nil {
		root.SetArgs(args)
		root.SetIn(in)
		root.SetOut(out)
		root.SetErr(talk)
		err = root.ExecuteContext(servercmd.CreateExecuteContext(context.Background()))
	}
	if err == nil {
		return 0
	}
	var remote remoteError
	if errors.As(err, &remote) {
		return remote.ExitCode() // the command has said itself what there was to say
	}
	fmt.Fprintf(talk, "athd: %s\n", chain.Text(err))
	if errors.Is(err, keyring.ErrLedgerGenerateKey) {
		fmt.Fprintln(talk, "athd: unlock the Ledger and open its Cosmos app; athd itself must be built for it: make build LEDGER=1")
	}
	var problem *deploy.Problem // which says itself what to do
	noNode := strings.Contains(err.Error(), "post failed: ") || strings.Contains(err.Error(), "code = Unavailable desc = connection error")
	if noNode && !errors.As(err, &problem) { // all that the SDK's clients say
		fmt.Fprintln(talk, "athd: no node answers there: say where one is with --node, keep that in a context (athd context set NAME --node …), or start one (athd start)")
	}
	var coder interface{ ExitCode() int }
	if errors.As(err, &coder) {
		return coder.ExitCode()
	}
	return 1
}

// newRoot builds the commands that args can reach: the trees of tx and query are dear, and most commands need neither.
func newRoot(args []string) (*cobra.Command, error) {
	if err := registerUnits(); err != nil {
		return nil, err
	}
	modules, err := app.NewClient()
	if err != nil {
		return nil, err
	}
	root := &cobra.Command{
		Use:   "athd",
		Short: "Node of the ATH chain, and everybody's command line",
		Long: "athd runs a node of the ATH chain, talks to one, and rents GPUs.\n\n" +
			"Every flag can also be set by an environment variable: --keyring-backend is ATHD_KEYRING_BACKEND.\n" +
			"`athd context` keeps what would be said each time; a flag counts more than the environment, that more than a context.",
		Example: "  athd init my-node --chain-id ath-1\n  athd start\n" +
			"  athd query ath schedule\n  athd tx bank send alice ath1… 5000000uath",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	addRootFlags(root)
	initial := client.Context{}.
		WithCodec(modules.Codec).WithInterfaceRegistry(modules.Registry).WithLegacyAmino(modules.Amino).WithTxConfig(modules.Tx).
		WithAccountRetriever(authtypes.AccountRetriever{}).
		WithHomeDir(app.DefaultHome()).WithViper(envPrefix)
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error { return prepare(cmd, initial) }

	if err := root.RegisterFlagCompletionFunc(flagContext, func(cmd *cobra.Command, _ []string, start string) ([]string, cobra.ShellCompDirective) {
		return completeContext(cmd, nil, start)
	}); err != nil {
		return nil, err
	}
	root.AddCommand(verbs()...)
	root.AddCommand(keys.Commands(), configCommand(), server.StatusCommand(), version.NewVersionCommand(), debugCommand(), testnetCommand(modules))
	addNodeCommands(root, modules)
	if err := addChainCommands(root, args, modules); err != nil {
		return nil, err
	}
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd(args...)
	group.Strict(root)
	return root, nil
}

func addRootFlags(root *cobra.Command) {
	f := root.PersistentFlags()
	f.String(flags.FlagHome, app.DefaultHome(), "directory of configuration, keys and data")
	f.String(flagContext, "", "context to take node, key and the like from (athd context)")
	f.String(flags.FlagLogLevel, zerolog.InfoLevel.String(), "log level (trace|debug|info|warn|error|disabled or '*:<level>,<module>:<level>')")
	f.String(flags.FlagLogFormat, "plain", "log format (json|plain)")
	f.Bool(flags.FlagLogNoColor, false, "log without colours")
	f.Bool(server.FlagTrace, false, "print stack traces of errors")
}

// prepare gives a command its client context, and a node's command also the node's configuration and logger.
func prepare(cmd *cobra.Command, initial client.Context) error {
	if completes(cmd) {
		return nil
	}
	set := cmd.Flags()
	if _, ok := cmd.Annotations[ownFlagsOnly]; ok {
		set = cmd.InheritedFlags()
	}
	if err := setFlagsFromEnv(set); err != nil {
		return err
	}
	if err := setFlagsFromContext(cmd); err != nil {
		return err
	}
	if err := sameGRPC(cmd.Flags()); err != nil {
		return err
	}
	ctx := initial.WithCmdContext(cmd.Context()).WithInput(cmd.InOrStdin()).WithOutput(cmd.OutOrStdout())
	ctx, err := client.ReadPersistentCommandFlags(ctx, cmd.Flags())
	if err != nil {
		return err
	}
	if ctx, err = clientconfig.ReadFromClientConfig(ctx); err != nil {
		return err
	}
	if err := setFeeDefaults(cmd, ctx); err != nil {
		return err
	}
	if err := client.SetCmdClientContextHandler(ctx, cmd); err != nil {
		return err
	}
	if !isNodeCommand(cmd) {
		return nil
	}
	template, appConfig := defaultAppConfig()
	node, err := server.InterceptConfigsAndCreateContext(cmd, template, appConfig, defaultCometConfig())
	if err != nil {
		return err
	}
	logger, err := server.CreateSDKLogger(node, cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	node.Logger = logger.With(log.ModuleKey, "server")
	return server.SetCmdServerContext(cmd, node)
}

// sameGRPC gives the SDK's commands the rule that all others have for --grpc-addr, so that one context serves them all: a bare host:port is plain,
// tls://host:port is not. By their own rule, which --grpc-insecure=false still asks for, a bare one is behind TLS.
func sameGRPC(set *pflag.FlagSet) error {
	addr, plain := set.Lookup(flags.FlagGRPC), set.Lookup(flags.FlagGRPCInsecure)
	if addr == nil || plain == nil || addr.Value.String() == "" {
		return nil
	}
	host, private := strings.CutPrefix(addr.Value.String(), chain.TLSPrefix)
	switch {
	case private && plain.Value.String() == "true":
		return fmt.Errorf("--%s %s and --%s say opposite things: leave one out", flags.FlagGRPC, addr.Value, flags.FlagGRPCInsecure)
	case private:
		return set.Set(flags.FlagGRPC, host)
	case plain.Changed:
		return nil
	}
	return set.Set(flags.FlagGRPCInsecure, "true")
}

// setFlagsFromEnv sets every flag that the command line leaves out and the environment has: flag > environment > context > file > default.
func setFlagsFromEnv(set *pflag.FlagSet) error {
	var failed error
	set.VisitAll(func(f *pflag.Flag) {
		name := envPrefix + "_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		value := os.Getenv(name)
		if value == "" || f.Changed || failed != nil { // an empty one counts as not there, as with a node's
			return
		}
		if err := set.Set(f.Name, value); err != nil {
			failed = fmt.Errorf("environment variable %s: %w", name, err)
		}
	})
	return failed
}
