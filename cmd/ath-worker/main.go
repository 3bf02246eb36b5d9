// SPDX-License-Identifier: Apache-2.0

// Command ath-worker rents out the machine that it runs on.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/athnet/ath/offchain/chain"
	"github.com/athnet/ath/offchain/worker/cli"
	athtypes "github.com/athnet/ath/x/ath/types"
)

func main() {
	athtypes.SetPrefixes()
	if err := cli.Root().ExecuteContext(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "ath-worker:", chain.Text(err))
		os.Exit(1)
	}
}
