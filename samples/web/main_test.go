// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestProduct(t *testing.T) {
	// 2×2 by hand: a = [-125 -94; -63 -32], b = [-120 -103; -86 -69].
	trace, ok := product(context.Background(), 2)
	require.True(t, ok)
	require.Equal(t, int64(-125*-120+-94*-86+-63*-103+-32*-69), trace)

	gone, cancel := context.WithCancel(context.Background())
	cancel()
	_, ok = product(gone, 2)
	require.False(t, ok)
}

func TestMultiplyRefusesSizes(t *testing.T) {
	for _, n := range []string{"", "0", "-1", "1025", "x"} {
		w := httptest.NewRecorder()
		multiply(w, httptest.NewRequest("GET", "/multiply?n="+n, nil))
		require.Equal(t, 400, w.Code, n)
	}
}

func TestAboutShowsLimits(t *testing.T) {
	w := httptest.NewRecorder()
	about(w, httptest.NewRequest("GET", "/", nil))
	var body struct {
		Service string
		Limits  map[string]string
	}
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &body))
	require.Equal(t, "ath sample web", body.Service)
	require.Len(t, body.Limits, 3)
}
