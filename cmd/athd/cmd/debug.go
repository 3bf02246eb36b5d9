// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cosmos/cosmos-sdk/client/debug"
	"github.com/cosmos/cosmos-sdk/server"
)

func debugCommand() *cobra.Command {
	cmd := debug.Cmd()
	cmd.AddCommand(markNodeCommand(invariantsCommand()))
	return cmd
}

// invariantsCommand checks every module's complete invariants, which are too dear to run in blocks.
func invariantsCommand() *cobra.Command {
	var height int64
	cmd := &cobra.Command{
		Use:     "invariants",
		Short:   "Check a stopped node's whole state: coins, rows, stakes, leases, rounds",
		Example: "  athd debug invariants\n  athd debug invariants --height 120000",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			chain, err := openApp(server.GetServerContextFromCmd(cmd), height)
			if err != nil {
				return err
			}
			defer chain.Close()
			last, err := chain.LastBlock()
			if err != nil {
				return err
			}
			if err := chain.CheckInvariants(chain.NewContextLegacy(true, last)); err != nil {
				return fmt.Errorf("height %d: %w", last.Height, err)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "height %d: all invariants hold\n", last.Height)
			return err
		},
	}
	cmd.Flags().Int64Var(&height, server.FlagHeight, -1, "height to check (-1 is the latest)")
	return cmd
}
