// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"os"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func init() {
	commands["proven"] = proven
	commands["altered"] = altered
}

// proven LEASE FILE: waits until the Indexer proves the lease's receipt, and writes what `athd lease receipt export` prints.
func proven(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, "LEASE", "FILE")
	ctx, cancel := scriptContext()
	defer cancel()
	ts.Check(net.Poll(ctx, 60*time.Second, "the proof of the receipt of "+args[0], func(ctx context.Context) (bool, error) {
		out, err := net.Athd(ctx, "", "lease", "receipt", "export", args[0])
		if err != nil {
			return false, err
		}
		return true, os.WriteFile(ts.MkAbs(args[1]), []byte(out), 0o600)
	}))
}

// altered FILE FIELD OUT: writes the file with the first character of a field's text changed to another of its kind.
func altered(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, "FILE", "FIELD", "OUT")
	before, value, found := strings.Cut(ts.ReadFile(args[0]), `"`+args[1]+`": "`)
	if !found || value == "" || value[0] == '"' {
		ts.Fatalf("%s has no text in a field %s", args[0], args[1])
	}
	other := map[bool]string{true: "2", false: "1"}[value[0] == '1']
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), []byte(before+`"`+args[1]+`": "`+other+value[1:]), 0o600))
}
