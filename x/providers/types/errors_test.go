// SPDX-License-Identifier: Apache-2.0

package types_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// Registering a code twice only prints a warning, and code 0 makes a failed transaction report success: so it is read from
// the source that codes are unique and above 1.
func TestErrorCodesAreUnique(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "errors.go", nil, 0)
	require.NoError(t, err)
	seen := map[int]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) != 3 {
			return true
		}
		lit, text := call.Args[1].(*ast.BasicLit), call.Args[2].(*ast.BasicLit).Value
		code, err := strconv.Atoi(lit.Value)
		require.NoError(t, err)
		require.Greater(t, code, 1, text)
		require.Empty(t, seen[code], "code %d is also %s", code, text)
		seen[code] = text
		return true
	})
	require.Greater(t, len(seen), 15)
}
