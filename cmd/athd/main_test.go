// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/athnet/ath/cmd/athd/cmd"
	worker "github.com/athnet/ath/offchain/worker/cli"
	athtypes "github.com/athnet/ath/x/ath/types"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"athd": func() { os.Exit(cmd.Execute(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) },
		"ath-worker": func() {
			athtypes.SetPrefixes()
			if err := worker.Root().ExecuteContext(context.Background()); err != nil {
				fmt.Fprintln(os.Stderr, "ath-worker:", err)
				os.Exit(1)
			}
		},
	})
}

// TestCommands runs the scripts in testdata: each is a session of somebody at a terminal.
func TestCommands(t *testing.T) { runScripts(t, "testdata") }

func runScripts(t *testing.T, dir string) {
	testscript.Run(t, testscript.Params{
		Dir: dir,
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
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"height": waitForHeight, "blocks": waitForBlocks, "get": get, "capture": capture, "succeeds": succeeds,
		},
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

// patience is how long anything of a node is waited for.
const patience = time.Minute

// ask reads a document of the node on $RPC; false where there is none.
func ask(ts *testscript.TestScript, path string, into any) bool {
	reply, err := http.Get("http://127.0.0.1:" + ts.Getenv("RPC") + path)
	if err != nil {
		return false
	}
	defer reply.Body.Close()
	return json.NewDecoder(reply.Body).Decode(into) == nil
}

// height of the newest block; 0 while the node does not answer.
func height(ts *testscript.TestScript) int64 {
	var status struct {
		Result struct {
			SyncInfo struct {
				Height int64 `json:"latest_block_height,string"`
			} `json:"sync_info"`
		}
	}
	ask(ts, "/status", &status)
	return status.Result.SyncInfo.Height
}

// waitForHeight waits until the node on $RPC has made a block: height N.
func waitForHeight(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.ParseInt(args[0], 10, 64)
	ts.Check(err)
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if height(ts) >= want {
			return
		}
	}
	ts.Fatalf("the node made no block %d within %s", want, patience)
}

// waitForBlocks waits for some more blocks: blocks N.
func waitForBlocks(ts *testscript.TestScript, _ bool, args []string) {
	more, err := strconv.ParseInt(args[0], 10, 64)
	ts.Check(err)
	waitForHeight(ts, false, []string{strconv.FormatInt(height(ts)+more, 10)})
}

// succeeds waits until the transaction that the last command has sent is in a block; it must have succeeded, or with a PATTERN
// failed for that reason: succeeds, ! succeeds PATTERN.
func succeeds(ts *testscript.TestScript, neg bool, args []string) {
	said := ts.ReadFile("stdout")
	found := regexp.MustCompile(`txhash"?: *"?([0-9A-F]{64})`).FindStringSubmatch(said)
	if found == nil || !regexp.MustCompile(`code"?: *0\b`).MatchString(said) {
		ts.Fatalf("no transaction was taken: %q", said)
	}
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		var tx struct {
			Result *struct {
				Result struct {
					Code int
					Log  string
				} `json:"tx_result"`
			}
		}
		if !ask(ts, "/tx?hash=0x"+found[1], &tx) || tx.Result == nil {
			continue
		}
		result := tx.Result.Result
		failed := result.Code != 0
		if failed != neg || neg && !regexp.MustCompile(args[0]).MatchString(result.Log) {
			ts.Fatalf("transaction %s: code %d: %s", found[1], result.Code, result.Log)
		}
		return
	}
	ts.Fatalf("transaction %s is in no block after %s; the node said %q", found[1], patience, said)
}

// capture keeps what the last command printed and a pattern's group matches: capture PATTERN NAME.
func capture(ts *testscript.TestScript, _ bool, args []string) {
	found := regexp.MustCompile(args[0]).FindStringSubmatch(ts.ReadFile("stdout"))
	if len(found) != 2 {
		ts.Fatalf("%s is not in %q", args[0], ts.ReadFile("stdout"))
	}
	ts.Setenv(args[1], found[1])
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
