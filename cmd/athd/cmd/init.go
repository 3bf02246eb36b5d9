// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cosmos/cosmos-sdk/server"
	"github.com/cosmos/cosmos-sdk/types/module"
	genutilcli "github.com/cosmos/cosmos-sdk/x/genutil/client/cli"
	genutiltypes "github.com/cosmos/cosmos-sdk/x/genutil/types"

	"github.com/athnet/ath/app"
)

// initCommand is the SDK's init with this chain's limits of a block in the genesis file.
func initCommand(basics module.BasicManager) *cobra.Command {
	cmd := genutilcli.InitCmd(basics, app.DefaultHome())
	cmd.Example = "  athd init my-node --chain-id ath-1"
	run := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := run(cmd, args); err != nil {
			return err
		}
		file := server.GetServerContextFromCmd(cmd).Config.GenesisFile()
		genesis, err := genutiltypes.AppGenesisFromFile(file)
		if err != nil {
			return fmt.Errorf("set block limits: %w", err)
		}
		genesis.Consensus.Params.Block = app.BlockLimits()
		return genesis.SaveAs(file)
	}
	return cmd
}
