// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/cosmos/cosmos-sdk/server"
	genutilcli "github.com/cosmos/cosmos-sdk/x/genutil/client/cli"
	genutiltypes "github.com/cosmos/cosmos-sdk/x/genutil/types"

	"github.com/athnet/ath/app"
	"github.com/athnet/ath/app/allocation"
)

// genesisCommand is the SDK's with the allocation of the public network.
func genesisCommand(modules *app.Client) *cobra.Command {
	cmd := genutilcli.Commands(modules.Tx, modules.Basics, app.DefaultHome())
	cmd.AddCommand(allocationCommand(modules))
	return cmd
}

func allocationCommand(modules *app.Client) *cobra.Command {
	return &cobra.Command{
		Use:   "ath-mainnet FILE",
		Short: "Write the public network's allocation into the genesis file",
		Long: "Write half of the cap into the genesis file of this home: vesting accounts for the beneficiaries that FILE names, and the\n" +
			"DAO's grant as a row of the vault. FILE says who and by which share; how much a category gets and when it is free is\n" +
			"fixed. The genesis must not have accounts yet, and gets the start of FILE as its time; gentxs come afterwards.",
		Example: "  athd init my-node --chain-id ath-1\n  athd genesis ath-mainnet docs/mainnet-allocation.yml\n  athd genesis validate",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			data, err := os.ReadFile(args[0])
			if err != nil {
				return err
			}
			table, err := allocation.Parse(args[0], data)
			if err != nil {
				return err
			}
			file := server.GetServerContextFromCmd(cmd).Config.GenesisFile()
			state, genesis, err := genutiltypes.GenesisStateFromGenFile(file)
			if err != nil {
				return err
			}
			if err := table.Apply(modules.Codec, state); err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
			if genesis.AppState, err = json.Marshal(state); err != nil {
				return err
			}
			genesis.GenesisTime = table.Start
			return genesis.SaveAs(file)
		},
	}
}
