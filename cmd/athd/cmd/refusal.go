// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"bytes"
	"fmt"
	"io"
	"regexp"

	"github.com/spf13/cobra"
	"gopkg.in/yaml.v3"

	"github.com/cosmos/cosmos-sdk/client"
)

// failOnRefusal has a command and all below it fail where a node refuses the transaction that they send. The SDK's commands print the node's
// answer and call that a success; what they print stays as it is.
func failOnRefusal(cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		failOnRefusal(sub)
	}
	run := cmd.RunE
	if run == nil {
		return
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ctx := client.GetClientContextFromCmd(cmd)
		if ctx.Output == nil {
			ctx.Output = cmd.OutOrStdout()
		}
		var said bytes.Buffer
		if err := client.SetCmdClientContext(cmd, ctx.WithOutput(io.MultiWriter(ctx.Output, &said))); err != nil {
			return err
		}
		if err := run(cmd, args); err != nil {
			return unwrapped(err)
		}
		return refusal(said.Bytes())
	}
}

// estimated is what a node says of a transaction that fails already while its gas is estimated, and what is around that.
var estimated = regexp.MustCompile(`(?s)^(?:rpc error: code = \w+ desc = )+(.*?)(?: with gas used: '\d+': unknown request)?$`)

// unwrapped takes off an error of a node's what says by which way it came.
func unwrapped(err error) error {
	if found := estimated.FindStringSubmatch(err.Error()); found != nil {
		return fmt.Errorf("the node refused the transaction: %s", found[1])
	}
	return err
}

// refusal is the error in a node's answer, JSON or YAML, if that is what was printed and it has one.
func refusal(printed []byte) error {
	var answer struct {
		Hash      string `yaml:"txhash"`
		Code      uint32 `yaml:"code"`
		Codespace string `yaml:"codespace"`
		Log       string `yaml:"raw_log"`
	}
	err := yaml.Unmarshal(printed, &answer)
	if isAnswer := err == nil && answer.Hash != ""; !isAnswer || answer.Code == 0 { // something else, such as a transaction to be signed
		return nil
	}
	return fmt.Errorf("the node refused the transaction: %s (%s %d)", answer.Log, answer.Codespace, answer.Code)
}
