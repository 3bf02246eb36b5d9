// SPDX-License-Identifier: Apache-2.0

// Command ath-localnet runs a whole network on one machine: for people who want to see it, for benchmarks, for tests.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/athnet/ath/offchain/localnet"
	athtypes "github.com/athnet/ath/x/ath/types"
)

func main() {
	athtypes.SetPrefixes()
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer cancel()
	if err := root().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "ath-localnet:", err.Error()) // %v of an error of the SDK's says where in the code it was made
		os.Exit(1)
	}
}

func root() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:           "ath-localnet",
		Short:         "Run a whole ATH network on this machine",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	cmd.PersistentFlags().StringVar(&path, "config", "config.yml", "the network as data")
	load := func() (*localnet.Network, error) {
		c, err := localnet.Load(path)
		if err != nil {
			return nil, err
		}
		root, err := filepath.Abs(filepath.Dir(path))
		if err != nil {
			return nil, err
		}
		return localnet.New(c, root), nil
	}
	cmd.AddCommand(runCommand(load), benchCommand(load), cleanCommand(load))
	return cmd
}

func cleanCommand(load func() (*localnet.Network, error)) *cobra.Command {
	return &cobra.Command{
		Use:   "clean",
		Short: "Stop a network that is left over: processes, containers, private engine",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			n, err := load()
			if err != nil {
				return err
			}
			return localnet.Clean(cmd.Context(), n.Config.Home)
		},
	}
}
