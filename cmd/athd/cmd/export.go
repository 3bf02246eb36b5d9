// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cosmos/cosmos-sdk/client/flags"
	"github.com/cosmos/cosmos-sdk/server"
	"github.com/cosmos/cosmos-sdk/version"
	genutiltypes "github.com/cosmos/cosmos-sdk/x/genutil/types"

	"github.com/athnet/ath/app"
)

// exportCommand differs from the SDK's in two things that a dated state needs: the genesis time is that of the last block,
// and the chain-id changes, so that no signature of the old chain is good on the new one.
func exportCommand() *cobra.Command {
	var (
		chainID, document string
		height            int64
		modules           []string
	)
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write the state as a genesis file from which a new chain starts",
		Long: "Write the state as a genesis file from which a new chain starts at the next height, at the time of the last block.\n" +
			"The node must be stopped.",
		Example: "  athd export --new-chain-id ath-2 --output-document genesis.json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			genesis, err := exportGenesis(server.GetServerContextFromCmd(cmd), height, modules)
			if err != nil {
				return err
			}
			if chainID == genesis.ChainID {
				return errors.New("export: --new-chain-id must differ from the old one: transactions of the old chain would be valid again")
			}
			genesis.ChainID = chainID
			if document != "" {
				return genesis.SaveAs(document)
			}
			return json.NewEncoder(cmd.OutOrStdout()).Encode(genesis)
		},
	}
	cmd.Flags().StringVar(&chainID, "new-chain-id", "", "chain-id of the chain that starts from the file (required)")
	cmd.Flags().Int64Var(&height, server.FlagHeight, -1, "height to export (-1 is the latest)")
	cmd.Flags().StringSliceVar(&modules, server.FlagModulesToExport, nil, "export only these modules")
	cmd.Flags().StringVar(&document, flags.FlagOutputDocument, "", "write to this file instead of stdout")
	if err := cmd.MarkFlagRequired("new-chain-id"); err != nil {
		panic(err) // the flag is defined above
	}
	return cmd
}

func exportGenesis(node *server.Context, height int64, modules []string) (*genutiltypes.AppGenesis, error) {
	genesis, err := genutiltypes.AppGenesisFromFile(node.Config.GenesisFile())
	if err != nil {
		return nil, err
	}
	chain, err := openApp(node, height)
	if err != nil {
		return nil, err
	}
	defer chain.Close()
	exported, err := chain.ExportAppStateAndValidators(false, nil, modules)
	if err != nil {
		return nil, err
	}
	last, err := chain.LastBlock()
	if err != nil {
		return nil, err
	}
	genesis.AppName, genesis.AppVersion = version.AppName, version.Version
	genesis.AppState = exported.AppState
	genesis.InitialHeight = exported.Height
	genesis.GenesisTime = last.Time
	genesis.Consensus = genutiltypes.NewConsensusGenesis(exported.ConsensusParams, exported.Validators)
	if abci := exported.ConsensusParams.Abci; abci != nil { // which the SDK leaves out: the restarted chain would have no price
		genesis.Consensus.Params.ABCI.VoteExtensionsEnableHeight = abci.VoteExtensionsEnableHeight
	}
	return genesis, nil
}

// openApp opens a stopped node's state at a height, or the newest with -1.
func openApp(node *server.Context, height int64) (*app.App, error) {
	db, err := app.OpenDB(node.Config.RootDir, server.GetAppDBBackend(node.Viper))
	if err != nil {
		return nil, fmt.Errorf("open state (is the node running? stop it first): %w", err)
	}
	chain := app.New(node.Logger, db, height == -1, node.Viper, server.DefaultBaseappOptions(node.Viper)...)
	if height != -1 {
		if err := chain.LoadHeight(height); err != nil {
			return nil, fmt.Errorf("open state at height %d: %w", height, err)
		}
	}
	return chain, nil
}
