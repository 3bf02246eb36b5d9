// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"testing"
	"time"

	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/offchain/worker/runtime"
)

// processes lists what runs in an instance.
func processes(t testing.TB, r *Runtime, key runtime.Key) [][]string {
	t.Helper()
	top, err := r.engine.ContainerTop(t.Context(), r.name(key), client.ContainerTopOptions{})
	require.NoError(t, err)
	return top.Processes
}

// TestReapEndsWhatAnEarlierWorkerLeft: commands whose worker was killed while they ran.
func TestReapEndsWhatAnEarlierWorkerLeft(t *testing.T) {
	r, s := subject(t)
	s.Env = []string{"DO=echo", "PORT=7007"}
	run(t, r, s)
	made, err := r.engine.ExecCreate(t.Context(), r.name(s.Key), client.ExecCreateOptions{Cmd: []string{"/subject", "do", "sleep"}})
	require.NoError(t, err)
	_, err = r.engine.ExecStart(t.Context(), made.ID, client.ExecStartOptions{Detach: true})
	require.NoError(t, err)
	require.Eventually(t, func() bool { return len(processes(t, r, s.Key)) == 3 }, patience, 20*time.Millisecond, "the instance, the command, its child")
	require.NoError(t, r.Reap(t.Context()))
	require.Eventually(t, func() bool { return len(processes(t, r, s.Key)) == 1 }, patience, 20*time.Millisecond)
	require.Equal(t, runtime.StateRunning, instance(t, r, s.Key).State)
}

// TestOnlyOwnProcessesAreKilled: a process id that is not the container's is left alone, whatever an engine says.
func TestOnlyOwnProcessesAreKilled(t *testing.T) {
	id := make([]byte, 64)
	for i := range id {
		id[i] = 'a'
	}
	require.Error(t, killTree(string(id), 1))
	require.Error(t, ownedBy("", 1))
	_, err := openNetwork(string(id), 1)
	require.Error(t, err)
}
