// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	dbm "github.com/cosmos/cosmos-db"
	"github.com/spf13/cobra"

	"cosmossdk.io/log/v2"

	"github.com/cosmos/cosmos-sdk/client/pruning"
	"github.com/cosmos/cosmos-sdk/client/snapshot"
	"github.com/cosmos/cosmos-sdk/server"
	servertypes "github.com/cosmos/cosmos-sdk/server/types"

	"github.com/athnet/ath/app"
)

// nodeAnnotation marks commands that need a node's configuration files, and write the default ones where there are none.
const nodeAnnotation = "ath-node"

func isNodeCommand(cmd *cobra.Command) bool {
	for c := cmd; c != nil; c = c.Parent() {
		if _, ok := c.Annotations[nodeAnnotation]; ok {
			return true
		}
	}
	return false
}

func markNodeCommand(cmd *cobra.Command) *cobra.Command {
	if cmd.Annotations == nil {
		cmd.Annotations = make(map[string]string)
	}
	cmd.Annotations[nodeAnnotation] = ""
	return cmd
}

// addNodeCommands adds what runs a node and prepares its files.
func addNodeCommands(root *cobra.Command, modules *app.Client) {
	node := &cobra.Command{}
	server.AddCommandsWithStartCmdOptions(node, app.DefaultHome(), newVoter, nil, server.StartCmdOptions{DBOpener: app.OpenDB})
	server.AddTestnetCreatorCommand(node, newTestnetApp, func(*cobra.Command) {})
	for _, c := range node.Commands() {
		if c.Name() == "export" || c.Name() == "version" { // ours differ
			node.RemoveCommand(c)
		}
	}
	node.AddCommand(
		initCommand(modules.Basics),
		genesisCommand(modules),
		exportCommand(),
		priceCommand(),
		snapshot.Cmd(newApp),
		pruning.Cmd(newApp, app.DefaultHome()),
		server.ModuleHashByHeightQuery(newApp),
	)
	for _, c := range node.Commands() {
		node.RemoveCommand(c)
		root.AddCommand(markNodeCommand(c))
	}
}

// newApp opens the application with a node's options.
func newApp(logger log.Logger, db dbm.DB, opts servertypes.AppOptions) servertypes.Application {
	return app.New(logger, db, true, opts, server.DefaultBaseappOptions(opts)...)
}

// newVoter opens it for a node that takes part in consensus.
func newVoter(logger log.Logger, db dbm.DB, opts servertypes.AppOptions) servertypes.Application {
	voice, err := newVoice(logger, opts)
	if err != nil {
		panic(err) // the server's interface has no error; it prints the message and ends
	}
	chain := app.New(logger, db, true, opts, server.DefaultBaseappOptions(opts)...)
	chain.Speak(voice)
	return chain
}
