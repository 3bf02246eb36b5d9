// SPDX-License-Identifier: Apache-2.0

package app_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/athnet/ath/"

// importRule says what a package must not link, directly or not, and why. Names without a dot before the first slash are ours;
// a name that ends in a slash stands for the package and all below it.
type importRule struct {
	from string
	not  map[string]string
}

// daemonRule is what a daemon must not link. A node's packages alone are some 1,400 and tens of megabytes.
func daemonRule(from string, others ...string) importRule {
	rule := importRule{from, map[string]string{
		"github.com/cosmos/cosmos-sdk/baseapp": "a daemon is no node",
		"github.com/cosmos/iavl":               "a daemon keeps no chain state",
		"app/":                                 "a daemon is no node",
		"testutil/":                            "tests only",
	}}
	for _, other := range others {
		rule.not[other] = "daemons speak through the chain and their gateways, not through each other's code"
	}
	return rule
}

// importRules are the arrows that must never be drawn.
func importRules() []importRule {
	types := func(from string, higher ...string) importRule {
		rule := importRule{from, map[string]string{
			"github.com/cosmos/cosmos-sdk/x/auth/types": "links baseapp and IAVL into every daemon",
			"github.com/cosmos/cosmos-sdk/x/bank/types": "links baseapp and IAVL into every daemon",
			"github.com/cosmos/cosmos-sdk/baseapp":      "links a node into every daemon",
			"x/ath/keeper":                              "types are below keepers",
		}}
		for _, h := range higher {
			rule.not[h] = "a lower module never names a higher one"
		}
		return rule
	}
	keeper := func(from string, others ...string) importRule {
		rule := importRule{from, map[string]string{
			"app/": "the application names modules, not the other way round", "offchain/": "the chain knows no daemon",
			"testutil/": "tests only",
		}}
		for _, o := range others {
			rule.not[o] = "keepers meet through the interfaces in expected_keepers.go, and lower modules never name higher ones"
		}
		return rule
	}
	return []importRule{
		types("x/ath/types", "x/providers/types", "x/leases/types", "x/checks/types"),
		types("x/providers/types", "x/leases/types", "x/checks/types"),
		types("x/leases/types", "x/checks/types"),
		types("x/checks/types"),
		keeper("x/ath", "x/providers/", "x/leases/", "x/checks/"),
		keeper("x/providers", "x/ath/keeper", "x/leases/", "x/checks/"),
		keeper("x/leases", "x/ath/keeper", "x/providers/keeper", "x/checks/"),
		keeper("x/checks", "x/ath/keeper", "x/providers/keeper", "x/leases/keeper"),
		{"cmd/athd", map[string]string{
			"github.com/NVIDIA/go-nvml/pkg/nvml": "a node has no GPU to measure, and NVML needs cgo",
			"modernc.org/sqlite":                 "history is the indexer's",
			"offchain/worker":                    "a node is no worker (it speaks the wire types in api)",
			"offchain/indexer":                   "a node is no Indexer (it speaks the wire types in api)",
			"offchain/checker/":                  "a node is no Checker",
			"testutil/":                          "tests only",
		}},
		daemonRule("cmd/ath-worker", "offchain/checker/", "offchain/indexer/"),
		daemonRule("cmd/ath-checker", "offchain/worker/", "offchain/indexer/"),
		daemonRule("cmd/ath-indexer", "offchain/worker/", "offchain/checker/"),
	}
}

// TestImportRules: each arrow that house rules forbid is absent, and each package that a rule names still exists.
func TestImportRules(t *testing.T) {
	rules := importRules()
	roots := make(map[string]bool)
	for _, rule := range rules {
		roots[module+rule.from] = true
	}
	imports := listImports(t, slices.Sorted(maps.Keys(roots)))
	ours := ourPackages(t)
	for _, rule := range rules {
		t.Run(rule.from, func(t *testing.T) {
			linked := closure(imports, module+rule.from)
			require.NotEmpty(t, linked, "%s is gone: mend the rule", rule.from)
			for _, banned := range slices.Sorted(maps.Keys(rule.not)) {
				name := banned
				if !strings.Contains(strings.SplitN(banned, "/", 2)[0], ".") {
					name = module + banned
					require.True(t, slices.ContainsFunc(ours, func(p string) bool { return under(p, name) }), "%s is gone: mend the rule", banned)
				}
				i := slices.IndexFunc(linked, func(p string) bool { return under(p, name) })
				if i >= 0 {
					t.Errorf("%s links %s: %s", rule.from, linked[i], rule.not[banned])
				}
			}
		})
	}
}

// under says whether a package is the named one or, where the name ends in a slash, lies below it.
func under(pkg, name string) bool {
	if below, ok := strings.CutSuffix(name, "/"); ok {
		return pkg == below || strings.HasPrefix(pkg, name)
	}
	return pkg == name
}

// listImports returns what every package that the roots link imports.
func listImports(t *testing.T, roots []string) map[string][]string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", append([]string{"list", "-deps", "-json=ImportPath,Imports"}, roots...)...).Output()
	require.NoError(t, err, "go list: %s", stderrOf(err))
	imports := make(map[string][]string)
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var pkg struct {
			ImportPath string
			Imports    []string
		}
		err := decoder.Decode(&pkg)
		if errors.Is(err, io.EOF) {
			return imports
		}
		require.NoError(t, err)
		imports[pkg.ImportPath] = pkg.Imports
	}
}

func closure(imports map[string][]string, root string) []string {
	seen := map[string]bool{}
	var visit func(string)
	visit = func(pkg string) {
		if seen[pkg] {
			return
		}
		if _, ok := imports[pkg]; !ok {
			return
		}
		seen[pkg] = true
		for _, next := range imports[pkg] {
			visit(next)
		}
	}
	visit(root)
	return slices.Sorted(maps.Keys(seen))
}

func ourPackages(t *testing.T) []string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", module+"...").Output()
	require.NoError(t, err, "go list: %s", stderrOf(err))
	return strings.Fields(string(out))
}

func stderrOf(err error) string {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return string(exit.Stderr)
	}
	return ""
}
