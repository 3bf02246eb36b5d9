// SPDX-License-Identifier: Apache-2.0

package chain

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestDeps: every daemon links this package, and none may link the machinery of a node.
func TestDeps(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	require.NoError(t, err)
	deps := map[string]bool{}
	for pkg := range strings.FieldsSeq(string(out)) {
		deps[pkg] = true
	}
	for pkg, why := range map[string]string{
		"github.com/cosmos/cosmos-sdk/baseapp":      "the application framework",
		"github.com/cosmos/iavl":                    "the state tree",
		"github.com/cosmos/cosmos-sdk/x/auth/types": "pulls baseapp; accounts are read through cosmossdk.io/api",
		"github.com/cosmos/cosmos-sdk/x/bank/types": "pulls baseapp; balances are read through cosmossdk.io/api",
	} {
		require.False(t, deps[pkg], "%s: %s", pkg, why)
	}
}
