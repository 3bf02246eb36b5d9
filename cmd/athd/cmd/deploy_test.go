// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"cosmossdk.io/math"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/offchain/chain"
	"github.com/athnet/ath/offchain/deploy"
	"github.com/athnet/ath/offchain/worker/api"
	leases "github.com/athnet/ath/x/leases/types"
)

// TestDeployIsInterrupted: by a signal, while it waits for a node that takes its time.
func TestDeployIsInterrupted(t *testing.T) {
	home, file := t.TempDir(), filepath.Join(t.TempDir(), "app.yaml")
	require.NoError(t, os.WriteFile(file, []byte(`version: "2.0"
services: {web: {image: "docker.io/library/nginx@sha256:`+strings.Repeat("ab", 32)+`", expose: [{port: 80, to: [{global: true}]}]}}
profiles:
  compute: {web: {resources: {cpu: {units: 1}, memory: {size: 1Gi}, storage: {size: 1Gi}}}}
  placement: {any: {pricing: {web: {denom: uakt, amount: 1}}}}
deployment: {web: {any: {profile: web, count: 1}}}
`), 0o600))
	var asked atomic.Bool
	node := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if !asked.Swap(true) {
			require.NoError(t, syscall.Kill(os.Getpid(), syscall.SIGINT))
		}
		<-r.Context().Done()
	}))
	defer node.Close()
	var out, talk bytes.Buffer
	run := func(args ...string) int {
		return Execute(append(args, "--home", home, "--keyring-backend", "test"), strings.NewReader(""), &out, &talk)
	}
	require.Zero(t, run("keys", "add", "alice"), talk.String())
	out.Reset()
	require.Equal(t, 130, run("deploy", file, "--node", node.URL), talk.String())
	require.Contains(t, talk.String(), "athd: interrupted; no lease was opened\n")
	require.Empty(t, out.String())
	require.True(t, asked.Load())
}

// How long a balance lasts is said where it is what pays.
func TestWhatPaysIsSaid(t *testing.T) {
	hour, none := int64(3600), int64(0)
	for want, r := range map[string]deploy.Result{
		"lasts 1h 0m":                          {LastsSeconds: &hour, Mode: "on-demand"},
		"lasts 0s":                             {LastsSeconds: &none, Mode: "on-demand"},
		"beside the whole term, which is paid": {Mode: "reserved"},
		"not touched: gateway ath1g pays":      {Gateway: "ath1g", Mode: "on-demand"},
		"of which nothing is taken yet":        {Mode: "on-demand"},
	} {
		var out bytes.Buffer
		r.PayDenom, r.Free, r.Deposited, r.Rate, r.Txs = "uath", math.NewInt(2_000_000), math.NewInt(1_000_000), math.OneInt(), []string{"AB"}
		printDeployed(&out, &r, false)
		require.Regexp(t, `(?m)^balance +2 ATH +`+want, out.String())
		require.Regexp(t, `(?m)^deposited +1 ATH +into the prepaid account`, out.String())
	}
}

// Of a service that runs nobody asks how it ended.
func TestStatusShowsNoEmptyWords(t *testing.T) {
	show := func(s leaseStatus) string {
		var out bytes.Buffer
		require.NoError(t, printStatus(&out, s))
		return out.String()
	}
	text := show(leaseStatus{Worker: &api.Status{Phase: api.PhaseRunning, Services: []api.Service{{Name: "web", State: "running"}, {Name: "job", State: "exited", ExitCode: 3}}}})
	require.Regexp(t, `(?m)^worker +running$`, text)
	require.Regexp(t, `(?m)^service web +running, 0 restarts$`, text)
	require.Regexp(t, `(?m)^service job +exited, 0 restarts, exit code 3$`, text)
	receipt := leases.Receipt{Denom: "uath", Billed: math.OneInt(), Fee: math.OneInt(), Refunded: math.OneInt()}
	require.NotContains(t, show(leaseStatus{Receipt: &receipt}), "exit codes")
	receipt.ExitCodes = []int32{0}
	require.Regexp(t, `(?m)^exit codes +\[0\]$`, show(leaseStatus{Receipt: &receipt}))
}

// A node that is away is not a lease that is unknown, and a receipt that the chain has forgotten is with an Indexer.
func TestLeaseProblems(t *testing.T) {
	id := leases.LeaseID{Tenant: make([]byte, 20), Number: 3}
	away := leaseProblem(id, status.Error(codes.Unavailable, "connection refused"))
	require.ErrorContains(t, away, "the node does not answer")
	require.NotContains(t, away.Error(), "no lease")
	gone := leaseProblem(id, status.Error(codes.NotFound, "x"))
	require.ErrorContains(t, gone, "the chain knows no lease")
	require.ErrorContains(t, gone, "athd lease receipt export "+id.String())
}

// poor is a sender without a coin.
type poor struct{ err error }

func (p poor) Address() string { return "ath1p" }
func (p poor) Send(context.Context, ...sdk.Msg) (chain.TxResult, error) {
	return chain.TxResult{}, p.err
}

func TestWhoElseCouldPayTheFee(t *testing.T) {
	for _, err := range []error{&chain.ExecutionError{Codespace: "sdk", Code: 5, Log: "spendable balance 0uath is smaller than 300uath"}, chain.ErrNoAccount} {
		_, told := feePayer{poor{err}, ""}.Send(t.Context())
		require.ErrorIs(t, told, err)
		require.ErrorContains(t, told, "--fee-granter")
		_, told = feePayer{poor{err}, "ath1g"}.Send(t.Context())
		require.Equal(t, err, told)
	}
	other := &chain.ExecutionError{Codespace: "leases", Code: 5}
	_, told := feePayer{poor{other}, ""}.Send(t.Context())
	require.Equal(t, other, told)
}
