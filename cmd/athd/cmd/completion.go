// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cosmos/cosmos-sdk/client/flags"
	"github.com/cosmos/cosmos-sdk/crypto/keyring"
)

// completionTime is how long a shell waits for a node before it completes nothing.
const completionTime = 2 * time.Second

// completes says whether a command prints completions or the script for them: it reads, and leaves no files behind.
func completes(cmd *cobra.Command) bool {
	for c := cmd; c != nil; c = c.Parent() {
		switch c.Name() {
		case cobra.ShellCompRequestCmd, cobra.ShellCompNoDescRequestCmd, "completion":
			return true
		}
	}
	return false
}

// completeContext completes names of contexts.
func completeContext(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	if err := setFlagsFromEnv(cmd.Flags()); err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	f, err := readContexts(cmd)
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return slices.Sorted(maps.Keys(f.Contexts)), cobra.ShellCompDirectiveNoFileComp
}

// completeLeases gives every command that takes a LEASE first the caller's own leases to choose from.
func completeLeases(parent *cobra.Command) {
	for _, cmd := range parent.Commands() {
		if strings.Contains(cmd.Use, "LEASE") && cmd.ValidArgsFunction == nil {
			cmd.ValidArgsFunction = completeLease
		}
	}
}

// completeLease asks the node. Keys that a password guards are left alone: nobody can answer a question while completing.
func completeLease(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	const nothing = cobra.ShellCompDirectiveNoFileComp
	if len(args) > 0 {
		return nil, nothing
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), completionTime)
	defer cancel()
	cmd.SetContext(ctx)
	if err := setFlagsFromEnv(cmd.Flags()); err != nil {
		return nil, nothing
	}
	if home, _ := cmd.Flags().GetString(flags.FlagHome); !exists(home) {
		return nil, nothing
	}
	if err := cmd.Root().PersistentPreRunE(cmd, args); err != nil {
		return nil, nothing
	}
	if backend, _ := cmd.Flags().GetString(flags.FlagKeyringBackend); backend != keyring.BackendTest {
		return nil, nothing
	}
	t, err := openTenant(cmd)
	if err != nil {
		return nil, nothing
	}
	defer t.close()
	lines, err := listLeases(ctx, t, false)
	if err != nil {
		return nil, nothing
	}
	out := make([]string, 0, len(lines))
	for _, l := range lines {
		_, number, _ := strings.Cut(l.ID, "/")
		out = append(out, fmt.Sprintf("%s\t%s, Container %d, %s", number, l.State, l.ContainerID, l.PerHour))
	}
	return out, nothing
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
