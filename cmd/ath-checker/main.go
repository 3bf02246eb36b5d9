// SPDX-License-Identifier: Apache-2.0

// Command ath-checker is the daemon of a licence operator.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/athnet/ath/offchain/checker/cli"
	"github.com/athnet/ath/offchain/daemon/verb"
)

func main() {
	cmd, err := cli.Command()
	if err != nil {
		fmt.Fprintln(os.Stderr, err.Error()) // %v of an error of the SDK's says where in the code it was made
		os.Exit(1)
	}
	os.Exit(verb.Main(context.Background(), cmd, os.Args[1:]))
}
