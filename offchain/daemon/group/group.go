// SPDX-License-Identifier: Apache-2.0

// Package group makes commands that only group others strict.
package group

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// Strict has every command that only groups others refuse a word that is none of them. cobra does that for the root alone: elsewhere a
// script with a typo would read help for an answer.
func Strict(cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		Strict(sub)
	}
	if !cmd.HasParent() || !cmd.HasSubCommands() {
		return
	}
	if !cmd.Runnable() {
		cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
		cmd.Args, cmd.DisableFlagParsing = nil, false
	}
	if cmd.Args == nil && !cmd.DisableFlagParsing { // where flags are not parsed, the SDK's own function looks at the words
		cmd.Args = isSubcommand
	}
}

// isSubcommand refuses the arguments of a group: a subcommand's name is none any more.
func isSubcommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if cmd.SuggestionsMinimumDistance <= 0 {
		cmd.SuggestionsMinimumDistance = 2
	}
	remedy := cmd.CommandPath() + " --help lists what there is"
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		remedy = "did you mean " + strings.Join(near, " or ") + "?"
	}
	return fmt.Errorf("%s: there is no command %q; %s", cmd.CommandPath(), args[0], remedy)
}
