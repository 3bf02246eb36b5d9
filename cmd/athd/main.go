// SPDX-License-Identifier: Apache-2.0

// Command athd is the node of the ATH chain and everybody's command line.
package main

import (
	"os"

	"github.com/athnet/ath/cmd/athd/cmd"
)

func main() {
	os.Exit(cmd.Execute(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
