// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"github.com/spf13/cobra"

	"github.com/cosmos/cosmos-sdk/client"
	"github.com/cosmos/cosmos-sdk/client/flags"

	"github.com/athnet/ath/offchain/chain"
)

// gasAdjustment is how many times its estimate a transaction may use: what it writes depends on what was written between both.
const gasAdjustment = "1.5"

// setFeeDefaults has a transaction pay what a node asks for, for the gas that it needs, where nobody has said otherwise by flag, environment,
// context or client.toml. What is only generated, or signed without a network, keeps the SDK's limit: there is nothing to estimate it with.
func setFeeDefaults(cmd *cobra.Command, ctx client.Context) error {
	if !buildsTx(cmd) || said(cmd, ctx, flags.FlagFees) {
		return nil
	}
	defaults := map[string]string{flags.FlagGasPrices: chain.DefaultGasPrice}
	offline, _ := cmd.Flags().GetBool(flags.FlagOffline)
	generated, _ := cmd.Flags().GetBool(flags.FlagGenerateOnly)
	dry, _ := cmd.Flags().GetBool(flags.FlagDryRun) // estimates by itself, and has no key to do it twice
	if !offline && !generated && !dry {
		defaults[flags.FlagGas], defaults[flags.FlagGasAdjustment] = flags.GasFlagAuto, gasAdjustment
	}
	for name, value := range defaults {
		if said(cmd, ctx, name) {
			continue
		}
		// Past the set, which would note that the user has said so.
		if err := cmd.Flags().Lookup(name).Value.Set(value); err != nil {
			return err
		}
	}
	return nil
}

// buildsTx says whether a command is one of a module below tx; those at tx itself handle transactions that are there.
func buildsTx(cmd *cobra.Command) bool {
	depth, top := 0, cmd
	for ; top.HasParent() && top.Parent().HasParent(); top = top.Parent() {
		depth++
	}
	return top.Name() == "tx" && depth >= 2 && cmd.Flags().Lookup(flags.FlagGasAdjustment) != nil
}

// said says whether a flag has a value from anywhere but its default.
func said(cmd *cobra.Command, ctx client.Context, name string) bool {
	return cmd.Flags().Changed(name) || ctx.Viper != nil && ctx.Viper.GetString(name) != ""
}
