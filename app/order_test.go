// SPDX-License-Identifier: Apache-2.0

package app

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOrder(t *testing.T) {
	got, err := order([]string{"c", "a", "b", "d"}, []edge{{"d", "a", ""}, {"b", "d", ""}, {"a", "elsewhere", ""}})
	require.NoError(t, err)
	require.Equal(t, []string{"b", "c", "d", "a"}, got)

	_, err = order([]string{"a", "b", "c"}, []edge{{"a", "b", ""}, {"b", "a", ""}})
	require.ErrorContains(t, err, "circle among [a b]")
}

// TestEdgesHaveReasons: an order that nobody can explain is an order that nobody dares to change.
func TestEdgesHaveReasons(t *testing.T) {
	for _, e := range slices.Concat(preBlockOrder, beginBlockOrder, endBlockOrder, genesisOrder) {
		require.NotEmpty(t, e.why, "%s before %s", e.before, e.after)
	}
}
