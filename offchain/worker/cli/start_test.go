// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

// heard calls back when something was written that holds a text.
type heard struct {
	text string
	then func()
}

func (h heard) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(h.text)) {
		h.then()
	}
	return len(p), nil
}

// Stopping a worker that still waits for its node is no failure.
func TestStoppedWhileWaitingForANode(t *testing.T) {
	home := t.TempDir()
	run := func(ctx context.Context, talk heard, args ...string) error {
		cmd := Root()
		cmd.SetArgs(append(args, "--home", home, "--rpc", "http://127.0.0.1:1", "--grpc", "127.0.0.1:1"))
		cmd.SetOut(&bytes.Buffer{})
		cmd.SetErr(talk)
		return cmd.ExecuteContext(ctx)
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	require.NoError(t, run(ctx, heard{"nothing", func() {}}, "init"))
	require.NoError(t, run(ctx, heard{"waiting for a node", stop}, "start"))
	require.Error(t, ctx.Err(), "it ended by itself")
}
