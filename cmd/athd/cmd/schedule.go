// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"fmt"

	"github.com/spf13/cobra"

	athtypes "github.com/athnet/ath/x/ath/types"
)

const flagCSV = "csv"

// addScheduleCSV gives `query ath schedule`, which the module describes, a form that needs no node.
func addScheduleCSV(root *cobra.Command) error {
	cmd, _, err := root.Find([]string{"query", "ath", "schedule"})
	if err != nil {
		return err
	}
	if cmd.Name() != "schedule" {
		return fmt.Errorf("no command query ath schedule to add --%s to", flagCSV)
	}
	cmd.Long = "Show the emission per epoch and pool, in uath, by the parameters of the chain.\n\n" +
		"--csv writes all of it as a table and asks no node: genesis as row 0, then every epoch, divided by the default parameters.\n" +
		"Its amounts sum to the cap; parameters divide an epoch's emission and never change its size."
	cmd.Example += "\n  athd query ath schedule --csv > schedule.csv"
	cmd.Flags().Bool(flagCSV, false, "write the whole schedule as CSV, by the default parameters; no node is asked")
	ask := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if table, err := cmd.Flags().GetBool(flagCSV); err != nil || !table {
			return ask(cmd, args)
		}
		for _, other := range []string{"from", "count"} {
			if cmd.Flags().Changed(other) {
				return fmt.Errorf("--%s writes every epoch and takes no --%s", flagCSV, other)
			}
		}
		return athtypes.DefaultParams().WriteScheduleCSV(cmd.OutOrStdout())
	}
	return nil
}
