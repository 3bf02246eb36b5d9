// SPDX-License-Identifier: Apache-2.0

package fake_test

import (
	"strings"
	"testing"

	"github.com/athnet/ath/offchain/worker/runtime"
	"github.com/athnet/ath/offchain/worker/runtime/fake"
	"github.com/athnet/ath/offchain/worker/runtime/runtimetest"
)

func TestContract(t *testing.T) {
	r := fake.New()
	missing := "host/missing@sha256:" + strings.Repeat("0", 64)
	r.Broken[missing] = true
	runtimetest.Suite(t, runtimetest.Subject{
		Runtime: r, Image: "host/subject@sha256:" + strings.Repeat("1", 64), Missing: missing,
		Alone: func(testing.TB, runtime.Key) bool { return r.Processes() == 0 },
	})
}
