// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/athnet/ath/offchain/localnet"
	"github.com/athnet/ath/offchain/worker/runtime/runtimetest"
	athtypes "github.com/athnet/ath/x/ath/types"
)

// portShift keeps the tests' network off the ports of a `make run` beside it.
const portShift = 200

// net is the network that all scripts use, one after the other: it has one Container.
var net *localnet.Network

func TestMain(m *testing.M) {
	athtypes.SetPrefixes()
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	if err := flag.Set("test.parallel", "1"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	config, err := localnet.Load(filepath.Join(root, "config.yml"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	config.ChainID, config.Home = "ath-e2e-1", filepath.Join(root, "build", "e2e")
	config.Ports.Shift(portShift)
	stop, err := serveNames()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer stop()
	net = localnet.New(config, root)
	net.Say = func(line string) { fmt.Fprintln(os.Stderr, "network:", line) }
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	if err := net.Start(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "start the network:", err)
		return 1
	}
	code := m.Run()
	ctx, cancel = context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	// Whatever the scripts did: the state as a whole must still hold.
	if said, err := net.CheckInvariants(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "invariants:", err)
		code = 1
	} else {
		fmt.Fprint(os.Stderr, "invariants: ", said)
	}
	if err := net.Stop(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "stop the network:", err)
		code = 1
	}
	return code
}

func TestScripts(t *testing.T) {
	registry, _, _ := strings.Cut(net.Image("web"), "/")
	subject, withShell := runtimetest.SubjectImage(t, registry), runtimetest.ShellImage(t, registry)
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			ctx, cancel := context.WithTimeout(context.Background(), orderTime)
			defer cancel()
			script := strings.TrimPrefix(filepath.Base(env.WorkDir), "script-")
			if err := inOrder.restore(ctx, script, func(format string, args ...any) { env.T().Log(fmt.Sprintf(format, args...)) }); err != nil {
				return err
			}
			for _, kv := range net.Env("") {
				key, value, _ := strings.Cut(kv, "=")
				env.Setenv(key, value)
			}
			env.Setenv("PATH", filepath.Join(net.Root, "build")+string(os.PathListSeparator)+env.Getenv("PATH"))
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("WORKER_HOME", filepath.Join(net.Config.Home, "worker"))
			env.Setenv("PROVIDER", net.Address(net.Config.Worker.Account))
			env.Setenv("RPC", strings.Replace(env.Getenv("ATHD_NODE"), "tcp://", "http://", 1))
			env.Setenv("WEB_IMAGE", net.Image("web"))
			env.Setenv("SUBJECT_IMAGE", subject)
			env.Setenv("SHELL_IMAGE", withShell)
			env.Setenv("BATCH_IMAGE", net.Image("batch"))
			repository, _, _ := strings.Cut(net.Image("batch"), "@")
			env.Setenv("BATCH_TAG", repository+":v1")
			return nil
		},
		Cmds: commands,
	})
}
