// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/athnet/ath/cmd/athd/cmd"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"athd": func() { os.Exit(cmd.Execute(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) },
	})
}

// TestCommands runs the scripts in testdata: each is a session of somebody at a terminal.
func TestCommands(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", env.WorkDir)
			table, err := filepath.Abs("../../docs/mainnet-allocation.yml")
			if err != nil {
				return err
			}
			env.Setenv("ALLOCATION", table)
			for _, name := range []string{"RPC", "P2P", "GRPC", "API", "PPROF"} {
				port, err := freePort()
				if err != nil {
					return err
				}
				env.Setenv(name, strconv.Itoa(port))
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"height": waitForHeight, "get": get},
	})
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// waitForHeight waits until the node on $RPC has made a block: height N.
func waitForHeight(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.ParseInt(args[0], 10, 64)
	ts.Check(err)
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		reply, err := http.Get("http://127.0.0.1:" + ts.Getenv("RPC") + "/status")
		if err != nil {
			continue
		}
		var status struct {
			Result struct {
				SyncInfo struct {
					Height int64 `json:"latest_block_height,string"`
				} `json:"sync_info"`
			}
		}
		err = json.NewDecoder(reply.Body).Decode(&status)
		reply.Body.Close()
		if err == nil && status.Result.SyncInfo.Height >= want {
			return
		}
	}
	ts.Fatalf("the node made no block %d within a minute", want)
}

// get prints what the node's REST server answers: get /path.
func get(ts *testscript.TestScript, _ bool, args []string) {
	reply, err := http.Get("http://127.0.0.1:" + ts.Getenv("API") + args[0])
	ts.Check(err)
	defer reply.Body.Close()
	if reply.StatusCode != http.StatusOK {
		ts.Fatalf("%s: %s", args[0], reply.Status)
	}
	body := make([]byte, 400)
	n, err := reply.Body.Read(body)
	if err != nil && n == 0 {
		ts.Fatalf("%s: %v", args[0], err)
	}
	fmt.Fprintln(ts.Stdout(), string(body[:n]))
}
