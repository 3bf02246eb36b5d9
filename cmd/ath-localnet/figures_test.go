// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

const printed = `goos: linux
pkg: github.com/athnet/ath/x/ath/keeper
BenchmarkFigureClaim-2         	       1	1234567 ns/op	         1.014 claim_gas_10k_epochs_ratio
BenchmarkOther-2               	       1	1234567 ns/op	         7 other_ratio
BenchmarkFigureTwo 	       1	      12 ns/op	         3 B/op	        40.5 epoch_ms	       90000 opening_gas	    100000 lease_deposit_ath
PASS
`

func TestFiguresAreReadFromBenchmarks(t *testing.T) {
	fs := figures{}
	require.NoError(t, fs.parse(printed))
	require.Equal(t, figures{
		"claim_gas_10k_epochs_ratio": {1.014, "ratio", "BenchmarkFigureClaim in github.com/athnet/ath/x/ath/keeper"},
		"epoch_ms":                   {40.5, "ms", "BenchmarkFigureTwo in github.com/athnet/ath/x/ath/keeper"},
		"opening_gas":                {90_000, "gas", "BenchmarkFigureTwo in github.com/athnet/ath/x/ath/keeper"},
		"lease_deposit_ath":          {100_000, "ATH", "BenchmarkFigureTwo in github.com/athnet/ath/x/ath/keeper"},
	}, fs)
	require.ErrorContains(t, fs.parse(printed), "reported twice")
}

func TestFiguresOfEarlierRunsAreKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bench.json")
	fs := figures{"new_ms": {Value: 2, Unit: "ms"}}
	require.NoError(t, fs.keep(path), "the first run has no file")
	require.NoError(t, os.WriteFile(path, []byte(`{"new_ms": {"value": 1}, "old_ms": {"value": 3, "unit": "ms"}}`), 0o600))
	require.NoError(t, fs.keep(path))
	require.Equal(t, figures{"new_ms": {Value: 2, Unit: "ms"}, "old_ms": {Value: 3, Unit: "ms"}}, fs)
	require.NoError(t, os.WriteFile(path, []byte(`[`), 0o600))
	require.ErrorContains(t, fs.keep(path), path)
}
