// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"bytes"
	"context"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"github.com/cosmos/cosmos-sdk/client"
	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/app"
)

// TestATransactionThatIsRefusedFails: what is printed stays as it is, in both forms.
func TestATransactionThatIsRefusedFails(t *testing.T) {
	modules, err := app.NewClient()
	require.NoError(t, err)
	for _, form := range []string{"json", "text"} {
		for _, c := range []struct {
			print func(client.Context) error
			says  string
		}{
			{func(ctx client.Context) error {
				return ctx.PrintProto(&sdk.TxResponse{TxHash: "AB", Code: 13, Codespace: "sdk", RawLog: "insufficient fees: \"x\"\nof: y"})
			}, "the node refused the transaction: insufficient fees: \"x\"\nof: y (sdk 13)"},
			{func(ctx client.Context) error { return ctx.PrintProto(&sdk.TxResponse{TxHash: "AB"}) }, ""},
			{func(ctx client.Context) error { return ctx.PrintString(`{"body":{"code":5}}`) }, ""},
			{func(ctx client.Context) error { return ctx.PrintString("code: 5\n  not: yaml\n") }, ""},
			{func(client.Context) error { return nil }, ""},
		} {
			var out, alone bytes.Buffer
			require.NoError(t, c.print(client.Context{}.WithCodec(modules.Codec).WithOutput(&alone).WithOutputFormat(form)))
			leaf := &cobra.Command{Use: "send", RunE: func(cmd *cobra.Command, _ []string) error { return c.print(client.GetClientContextFromCmd(cmd)) }}
			tree := &cobra.Command{Use: "tx"}
			tree.AddCommand(leaf)
			failOnRefusal(tree)
			leaf.SetContext(context.Background())
			require.NoError(t, client.SetCmdClientContext(leaf, client.Context{}.WithCodec(modules.Codec).WithOutput(&out).WithOutputFormat(form)))
			err := leaf.RunE(leaf, nil)
			if c.says == "" {
				require.NoError(t, err)
			} else {
				require.EqualError(t, err, c.says)
			}
			require.Equal(t, alone.String(), out.String())
		}
	}
}
