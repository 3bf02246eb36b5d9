// SPDX-License-Identifier: Apache-2.0

package localnet

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// A run that was killed is ended from wherever the next one starts.
func TestCleanStopsTheEngineFromAnywhere(t *testing.T) {
	home, dir := t.TempDir(), t.TempDir()
	script, said := filepath.Join(dir, "dockerd.sh"), filepath.Join(dir, "said")
	require.NoError(t, os.WriteFile(script, []byte("#!/bin/sh\necho \"$@\" >"+said+"\n"), 0o755))
	engineDir := filepath.Join(home, "engine")
	require.NoError(t, os.Mkdir(engineDir, 0o755))
	require.NoError(t, state{Engine: engineDir, EngineScript: script}.save(home))

	t.Chdir(t.TempDir())
	require.NoError(t, Clean(t.Context(), home))
	out, err := os.ReadFile(said)
	require.NoError(t, err)
	require.Equal(t, "stop "+engineDir+"\n", string(out))
	require.NoDirExists(t, engineDir)
	require.NoFileExists(t, statePath(home))
}

func TestTheStateNamesTheScriptByItsWholePath(t *testing.T) {
	t.Setenv("DOCKER_HOST", "unix:///nowhere")
	e, err := openEngine(t.Context(), ".", t.TempDir(), false)
	require.ErrorContains(t, err, "DOCKER_HOST")
	require.True(t, filepath.IsAbs(e.script), e.script)
}
