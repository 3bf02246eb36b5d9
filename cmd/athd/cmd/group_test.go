// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"bytes"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"

	"github.com/cosmos/cosmos-sdk/client/flags"
	servercmd "github.com/cosmos/cosmos-sdk/server/cmd"
)

// TestAMistypedCommandIsAnError: wherever commands are grouped, and nothing is answered on stdout.
func TestAMistypedCommandIsAnError(t *testing.T) {
	t.Setenv("ATHD_HOME", t.TempDir())
	root, err := newRoot([]string{"tx", "query"})
	require.NoError(t, err)
	groups := 0
	var visit func(cmd *cobra.Command)
	visit = func(cmd *cobra.Command) {
		for _, sub := range cmd.Commands() {
			visit(sub)
		}
		if !cmd.HasSubCommands() {
			return
		}
		groups++
		args := append(strings.Fields(cmd.CommandPath())[1:], "nonesuch")
		var out bytes.Buffer
		root.SetArgs(args)
		root.SetOut(&out)
		require.ErrorContains(t, root.ExecuteContext(servercmd.CreateExecuteContext(t.Context())), "nonesuch", args)
		require.Empty(t, out.String(), args)
	}
	visit(root)
	require.Greater(t, groups, 30)
	for line, near := range map[string]string{
		"manifest chek web.yaml": "check", "lease lst": "list", "context usee x": "use", "account shwo": "show", "lease receipt exprt 1": "export", "completion zhs": "zsh",
	} {
		var out, talk bytes.Buffer
		require.Equal(t, 1, Execute(strings.Fields(line), strings.NewReader(""), &out, &talk), line)
		require.Regexp(t, `did you mean .*\b`+near+`\b`, talk.String(), line)
		require.Empty(t, out.String(), line)
	}
	for _, line := range []string{"lease", "lease receipt", "context", "completion", "help lease", "manifest"} {
		var out, talk bytes.Buffer
		require.Zero(t, Execute(strings.Fields(line), strings.NewReader(""), &out, &talk), "%s: %s", line, talk.String())
		require.Contains(t, out.String(), "Usage:", line)
	}
}

// TestOneRuleForGRPC: what a context says as --grpc-addr means the same to the SDK's commands, which have --grpc-insecure, as to all others.
func TestOneRuleForGRPC(t *testing.T) {
	for _, c := range []struct {
		args        []string
		addr, plain string
		wrong       string
	}{
		{nil, "", "false", ""},
		{[]string{"--grpc-addr", "h:1"}, "h:1", "true", ""},
		{[]string{"--grpc-addr", "tls://h:1"}, "h:1", "false", ""},
		{[]string{"--grpc-addr", "h:1", "--grpc-insecure"}, "h:1", "true", ""},
		{[]string{"--grpc-addr", "h:1", "--grpc-insecure=false"}, "h:1", "false", ""},
		{[]string{"--grpc-addr", "tls://h:1", "--grpc-insecure"}, "", "", "opposite"},
	} {
		set := pflag.NewFlagSet("", pflag.ContinueOnError)
		set.String(flags.FlagGRPC, "", "")
		set.Bool(flags.FlagGRPCInsecure, false, "")
		require.NoError(t, set.Parse(c.args))
		err := sameGRPC(set)
		if c.wrong != "" {
			require.ErrorContains(t, err, c.wrong)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, []string{c.addr, c.plain}, []string{set.Lookup(flags.FlagGRPC).Value.String(), set.Lookup(flags.FlagGRPCInsecure).Value.String()}, c.args)
	}
	own := pflag.NewFlagSet("", pflag.ContinueOnError)
	own.String(flags.FlagGRPC, "tls://h:1", "")
	require.NoError(t, sameGRPC(own))
	require.Equal(t, "tls://h:1", own.Lookup(flags.FlagGRPC).Value.String(), "the verbs read it themselves")
}
