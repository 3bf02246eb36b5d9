// SPDX-License-Identifier: Apache-2.0

// Command ath-indexer matches tenants with Containers and remembers what happened.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/athnet/ath/offchain/daemon/verb"
	"github.com/athnet/ath/offchain/indexer/cli"
)

func main() {
	cmd, err := cli.Command()
	if err != nil {
		fmt.Fprintln(os.Stderr, err.Error()) // %v of an error of the SDK's says where in the code it was made
		os.Exit(1)
	}
	os.Exit(verb.Main(context.Background(), cmd, os.Args[1:]))
}
