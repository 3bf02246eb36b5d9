// SPDX-License-Identifier: Apache-2.0

package cmd

import "github.com/spf13/cobra"

// verbs are the commands for people: rent, watch and check. They talk to a node and to the services around the chain.
func verbs() []*cobra.Command {
	return []*cobra.Command{deployCommand(), leaseCommand(), accountCommand(), gatewayCommand(), contextCommand(), manifestCommand(), verifyCommand(), beaconKeyCommand()}
}
