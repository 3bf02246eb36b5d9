// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package network

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cometbft/cometbft/crypto/ed25519"
	"github.com/cometbft/cometbft/privval"
	rpchttp "github.com/cometbft/cometbft/rpc/client/http"
	cmttypes "github.com/cometbft/cometbft/types"
	"github.com/stretchr/testify/require"

	sdk "github.com/cosmos/cosmos-sdk/types"
)

type cmtSig = cmttypes.CommitSig

// node is one validator's process and home.
type node struct {
	net            *network
	name, home     string
	rpc, p2p, grpc int
	program, log   string
	id             string // of its p2p key
	cmd            *exec.Cmd
	done           chan struct{}
}

func newNode(n *network, i int, home string) *node {
	node := &node{
		net: n, name: filepath.Base(home), home: home, program: honest, log: filepath.Join(n.dir, filepath.Base(home)+".log"),
		rpc: 26657 + shift + 10*i, p2p: 26656 + shift + 10*i, grpc: 26658 + shift + 10*i,
	}
	for _, port := range []int{node.rpc, node.p2p, node.grpc} {
		l, err := net.Listen("tcp", node.address(port))
		require.NoError(n.t, err, "is a network of an earlier test still running?")
		require.NoError(n.t, l.Close())
	}
	node.id = strings.TrimSpace(n.athd("comet", "show-node-id", "--home", home))
	return node
}

func (*node) address(port int) string { return "127.0.0.1:" + strconv.Itoa(port) }

func (v *node) url() string { return "tcp://" + v.address(v.rpc) }

func (v *node) file(path ...string) string {
	return filepath.Join(append([]string{v.home}, path...)...)
}

// operator is the validator's address.
func (v *node) operator() string {
	account, err := sdk.AccAddressFromBech32(v.net.accounts[v.name])
	require.NoError(v.net.t, err)
	return sdk.ValAddress(account).String()
}

// key is the consensus address of the node's key file.
func (v *node) key() string {
	var file struct {
		Address string `json:"address"`
	}
	read(v.net.t, v.file("config", "priv_validator_key.json"), &file)
	return file.Address
}

// start runs the node.
func (v *node) start() {
	t := v.net.t
	t.Helper()
	var peers []string
	for _, other := range v.net.nodes {
		if other != v {
			peers = append(peers, other.id+"@"+other.address(other.p2p))
		}
	}
	log, err := os.OpenFile(v.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	require.NoError(t, err)
	defer log.Close()
	cmd := exec.Command(filepath.Join(v.net.bins, v.program), "start", "--home", v.home, "--log_no_color",
		"--rpc.laddr", v.url(), "--rpc.pprof_laddr", "", "--p2p.laddr", "tcp://"+v.address(v.p2p), "--p2p.pex=false",
		"--p2p.persistent_peers", strings.Join(peers, ","), "--grpc.address", v.address(v.grpc), "--api.enable=false",
		"--minimum-gas-prices", "0uath")
	// Blocks of about half a second on two cores, and a short wait for a proposer that is down.
	cmd.Env = append(os.Environ(), "ATHD_CONSENSUS_TIMEOUT_COMMIT=350ms", "ATHD_CONSENSUS_TIMEOUT_PROPOSE=1s")
	cmd.Stdout, cmd.Stderr = log, log
	// A test that is killed or panics leaves nothing behind.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	require.NoError(t, cmd.Start())
	done := make(chan struct{})
	v.cmd, v.done = cmd, done
	go func() {
		_ = cmd.Wait() // why it ended is in its log
		close(done)
	}()
}

// died says whether the node ended without having been stopped.
func (v *node) died() bool {
	if v.cmd == nil {
		return false
	}
	select {
	case <-v.done:
		return true
	default:
		return false
	}
}

// stop ends the node as an operator would, and kills it where that does not help.
func (v *node) stop() {
	if v.cmd == nil {
		return
	}
	pid := v.cmd.Process.Pid
	_ = syscall.Kill(-pid, syscall.SIGTERM) // it may have ended by itself
	select {
	case <-v.done:
	case <-time.After(20 * time.Second):
		_ = syscall.Kill(-pid, syscall.SIGKILL)
		<-v.done
	}
	v.cmd = nil
}

// consensus is what the node thinks of the height, the round and the votes at hand, for a look after a failure.
func (v *node) consensus() string {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	rpc, err := rpchttp.New("http://"+v.address(v.rpc), "/websocket")
	if err != nil {
		return err.Error()
	}
	res, err := rpc.ConsensusState(ctx)
	if err != nil {
		return err.Error()
	}
	return string(res.RoundState)
}

// abort ends the node so that it writes what its goroutines do into its log, and returns those of which a function is part.
func (v *node) abort(function string) string {
	if v.cmd == nil {
		return "it does not run"
	}
	_ = syscall.Kill(v.cmd.Process.Pid, syscall.SIGQUIT) // it may have ended by itself
	select {
	case <-v.done:
	case <-time.After(10 * time.Second):
		return "it does not answer to SIGQUIT"
	}
	raw, err := os.ReadFile(v.log)
	if err != nil {
		return err.Error()
	}
	var found []string
	for _, goroutine := range strings.Split(string(raw), "\n\n") {
		if strings.Contains(goroutine, function) {
			found = append(found, goroutine)
		}
	}
	return strings.Join(found, "\n\n")
}

// awaitBlock waits until the node has a block and checks that the application before it came to the same state.
func (v *node) awaitBlock(height int64, appHash string) {
	v.net.t.Helper()
	rpc, err := rpchttp.New("http://"+v.address(v.rpc), "/websocket")
	require.NoError(v.net.t, err)
	v.net.await(fmt.Sprintf("block %d on %s", height, v.name), func(ctx context.Context) (bool, error) {
		res, err := rpc.Header(ctx, &height)
		if err != nil || res.Header == nil {
			return false, err
		}
		require.Equal(v.net.t, appHash, res.Header.AppHash.String(), "state of %s", v.name)
		return true, nil
	})
}

// awaitServing waits until the node answers.
func (v *node) awaitServing() {
	v.net.t.Helper()
	rpc, err := rpchttp.New("http://"+v.address(v.rpc), "/websocket")
	require.NoError(v.net.t, err)
	v.net.await(v.name+" to answer", func(ctx context.Context) (bool, error) {
		status, err := rpc.Status(ctx)
		return err == nil && !status.SyncInfo.CatchingUp, err
	})
}

// newKey puts a new consensus key beside the old one and returns its public part as transactions write it, and its address.
func (v *node) newKey() (text, address string) {
	private := ed25519.GenPrivKey()
	key := privval.NewFilePV(private, v.file("config", "next_key.json"), v.file("data", "priv_validator_state.json"))
	key.Key.Save()
	return fmt.Sprintf(`{"@type":"/cosmos.crypto.ed25519.PubKey","key":%q}`, base64.StdEncoding.EncodeToString(private.PubKey().Bytes())), private.PubKey().Address().String()
}

// useKey makes the new key the node's own. The node must be stopped; what it signed last stays remembered.
func (v *node) useKey() {
	require.NoError(v.net.t, os.Rename(v.file("config", "next_key.json"), v.file("config", "priv_validator_key.json")))
}

// setPriceSource configures a price source that reads a file.
func (v *node) setPriceSource() {
	t, path := v.net.t, v.file("config", "app.toml")
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	head, table, ok := strings.Cut(string(raw), "[price]")
	require.True(t, ok, "app.toml has a table [price]")
	for key, value := range map[string]string{"source": "file", "from": v.file("price"), "interval": "200ms"} {
		line := regexp.MustCompile(`(?m)^` + key + ` = .*$`)
		require.True(t, line.MatchString(table), key)
		table = line.ReplaceAllString(table, fmt.Sprintf("%s = %q", key, value))
	}
	require.NoError(t, os.WriteFile(path, []byte(head+"[price]"+table), 0o600))
}

func unhex(t *testing.T, text string) []byte {
	raw, err := hex.DecodeString(text)
	require.NoError(t, err)
	return raw
}

// tail returns the last lines of a file.
func tail(path string, lines int) string {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimRight(string(raw), "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
