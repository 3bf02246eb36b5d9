// SPDX-License-Identifier: Apache-2.0

//go:build ledger && test_ledger_mock

package main_test

import "testing"

// TestLedger plays a session with the device that the SDK imitates under the build tag test_ledger_mock; `make e2e` runs it. With
// the tag ledger alone the same commands talk to a real one.
func TestLedger(t *testing.T) { runScripts(t, "testdata/ledger") }
