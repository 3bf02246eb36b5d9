// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The worker runs on a tenant's machine: it carries neither a node nor a database server with it.
func TestDependencies(t *testing.T) {
	bad := map[string]string{
		"github.com/cosmos/cosmos-sdk/baseapp":   "a daemon is not a node",
		"github.com/cosmos/iavl":                 "a daemon keeps no chain state",
		"github.com/cosmos/cosmos-sdk/x/auth":    "pulls in baseapp",
		"github.com/cosmos/cosmos-sdk/x/bank":    "pulls in baseapp",
		"github.com/athnet/ath/app":              "off-chain code never imports the app",
		"github.com/athnet/ath/x/leases/keeper":  "off-chain code never imports a keeper",
		"github.com/athnet/ath/offchain/checker": "daemons don't know each other",
		"github.com/athnet/ath/offchain/indexer": "daemons don't know each other",
		"modernc.org/sqlite":                     "the worker's memory is a small file",
		"github.com/google/go-containerregistry": "the engine pulls images, not the worker",
	}
	out, err := exec.Command("go", "list", "-deps", "github.com/athnet/ath/cmd/ath-worker").Output()
	require.NoError(t, err)
	for dep := range strings.Lines(string(out)) {
		dep = strings.TrimSpace(dep)
		for path, why := range bad {
			require.False(t, dep == path || strings.HasPrefix(dep, path+"/"), "%s: %s", dep, why)
		}
	}
}
