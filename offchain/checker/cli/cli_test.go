// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/offchain/daemon/verb"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"ath-checker": func() {
		cmd, err := Command()
		if err != nil {
			panic(err)
		}
		os.Exit(verb.Main(context.Background(), cmd, os.Args[1:]))
	}})
}

func TestScripts(t *testing.T) { testscript.Run(t, testscript.Params{Dir: "testdata"}) }

// TestDeps: a Checker is a small program; it links neither a node's machinery nor the other daemons.
func TestDeps(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "../../../cmd/ath-checker").Output()
	require.NoError(t, err)
	for pkg, why := range map[string]string{
		"github.com/cosmos/cosmos-sdk/baseapp":      "the application framework",
		"github.com/cosmos/iavl":                    "the state tree",
		"github.com/cosmos/cosmos-sdk/x/auth/types": "pulls baseapp",
		"modernc.org/sqlite":                        "SQL belongs to the Indexer",
		"github.com/athnet/ath/offchain/worker":     "daemons know each other through the chain only",
		"github.com/athnet/ath/offchain/indexer":    "daemons know each other through the chain only",
	} {
		require.NotContains(t, strings.Fields(string(out)), pkg, why)
	}
}
