// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Scripts tell files apart by these codes.
func TestManifestCheckExitCodes(t *testing.T) {
	const good = `version: "2.0"
services: {web: {image: nginx, expose: [{port: 80, to: [{global: true}]}]}}
profiles:
  compute: {web: {resources: {cpu: {units: 1}, memory: {size: 1Gi}, storage: {size: 1Gi}}}}
  placement: {any: {pricing: {web: {denom: uakt, amount: 1}}}}
deployment: {web: {any: {profile: web, count: 1}}}
`
	for _, tc := range []struct {
		file string
		code int
	}{
		{good, 0},
		{strings.Replace(good, "units: 1", "units: many", 1), 2},
		{strings.Replace(good, "port: 80", "port: 80, http_options: {next_tries: 1}", 1), 0},
		{strings.Replace(good, "services:", "reclamation: {min_window: 1h}\nservices:", 1), 3},
	} {
		path := filepath.Join(t.TempDir(), "app.yaml")
		require.NoError(t, os.WriteFile(path, []byte(tc.file), 0o600))
		for _, form := range []string{"text", "json"} {
			c := manifestCommand()
			c.SetArgs([]string{"check", path, "--output", form})
			c.SetOut(io.Discard)
			c.SetErr(io.Discard)
			err := c.Execute()
			code := 0
			var exit exitError
			if errors.As(err, &exit) {
				code = exit.ExitCode()
			} else {
				require.NoError(t, err)
			}
			require.Equal(t, tc.code, code, "%s: %v", form, err)
		}
	}
}
