// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	athtypes "github.com/athnet/ath/x/ath/types"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"ath-worker": func() {
		athtypes.SetPrefixes()
		if err := Root().ExecuteContext(context.Background()); err != nil {
			fmt.Fprintln(os.Stderr, "ath-worker:", err)
			os.Exit(1)
		}
	}})
}

func TestScripts(t *testing.T) { testscript.Run(t, testscript.Params{Dir: "testdata"}) }
