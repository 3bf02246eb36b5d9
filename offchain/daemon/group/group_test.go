// SPDX-License-Identifier: Apache-2.0

package group_test

import (
	"io"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/offchain/daemon/group"
)

func TestStrict(t *testing.T) {
	ran := ""
	leaf := func(name string, args cobra.PositionalArgs) *cobra.Command {
		return &cobra.Command{Use: name, Args: args, Run: func(_ *cobra.Command, args []string) { ran = strings.Join(append([]string{name}, args...), " ") }}
	}
	tree := func() *cobra.Command {
		root := &cobra.Command{Use: "tool", SilenceUsage: true, SilenceErrors: true}
		key := &cobra.Command{Use: "key", DisableFlagParsing: true}
		key.AddCommand(leaf("add", nil), leaf("show", cobra.ExactArgs(1)))
		offer := leaf("offer", cobra.MaximumNArgs(1)) // does something itself, too
		offer.AddCommand(leaf("set", nil))
		root.AddCommand(key, offer)
		root.SetOut(io.Discard)
		group.Strict(root)
		return root
	}
	for line, want := range map[string]string{
		"key ad": `tool key: there is no command "ad"; did you mean add?`, "key xyzzyx": `tool key: there is no command "xyzzyx"; tool key --help lists what there is`,
		"key": "", "key --help": "", "key add": "", "key show": "accepts 1 arg(s), received 0", "offer": "", "offer 7": "", "kye": `unknown command "kye"`,
	} {
		root := tree()
		root.SetArgs(strings.Fields(line))
		if err := root.Execute(); want == "" {
			require.NoError(t, err, line)
		} else {
			require.ErrorContains(t, err, want, line)
		}
	}
	root := tree()
	root.SetArgs([]string{"offer", "7"})
	require.NoError(t, root.Execute())
	require.Equal(t, "offer 7", ran)
}
