// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package recovery

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"cosmossdk.io/math"
	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/metadata"

	codectypes "github.com/cosmos/cosmos-sdk/codec/types"
	sdk "github.com/cosmos/cosmos-sdk/types"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"
	govtypes "github.com/cosmos/cosmos-sdk/x/gov/types"
	govv1 "github.com/cosmos/cosmos-sdk/x/gov/types/v1"

	"github.com/athnet/ath/offchain/chain"
	"github.com/athnet/ath/offchain/deploy"
	"github.com/athnet/ath/offchain/localnet"
	athtypes "github.com/athnet/ath/x/ath/types"
	checks "github.com/athnet/ath/x/checks/types"
	leases "github.com/athnet/ath/x/leases/types"
)

const (
	// portShift keeps this network off the ports of `make run` and `make e2e`.
	portShift = 400
	// patience is how long everything may take to be as before once the last one was started again.
	patience = time.Minute
	// longRound: breaks of seconds are no outage in a round of minutes, as on a public network.
	longRound = 2 * time.Minute
)

// services of a lease of samples/ticker.yaml.
var services = []string{"left", "right"}

// world is the network with its leases.
type world struct {
	*testing.T
	net    *localnet.Network
	engine *client.Client
	ledger *ledger
	anyone *chain.Sender // who settles
	leases []*lease
	ended  int
	taking sync.Mutex // dockerd takes its containers over
}

// lease is one of them, with its readers and the processes that must not change.
type lease struct {
	id        string
	ports     map[string]string // published ones' addresses, and what their services say there: which start of them it is
	readers   []*reader
	processes []process
}

// process is a service's, as the engine and the kernel know it.
type process struct {
	container string
	pid       int
	start     string // in ticks since boot: numbers of processes are used again
	since     time.Time
}

func newWorld(t *testing.T) *world {
	athtypes.SetPrefixes()
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	config, err := localnet.Load(filepath.Join(root, "config.yml"))
	require.NoError(t, err)
	config.ChainID, config.Home = "ath-recovery-1", filepath.Join(root, "build", "recovery")
	config.Ports.Shift(portShift)
	config.BlockTime = 500 * time.Millisecond // less waiting
	for _, name := range []string{"provider-2", "provider-3"} {
		config.Worker.Machines = append(config.Worker.Machines, name)
		config.Accounts = append(config.Accounts, localnet.Account{Name: name, Coins: "100000ath"})
	}
	network := localnet.New(config, root)
	network.PrivateEngine = true
	network.Say = func(line string) { t.Log("network:", line) }
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	require.NoError(t, network.Start(ctx))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		require.NoError(t, network.Stop(ctx))
	})
	t.Cleanup(func() {
		if t.Failed() { // their logs then tell what they were at
			for machine := range 1 + len(config.Worker.Machines) {
				if err := network.End(network.WorkerName(machine), syscall.SIGQUIT); err != nil {
					t.Log(err)
				}
			}
		}
		for _, half := range []string{localnet.Dockerd, localnet.Containerd} { // they go with the engine, and may tell why
			b, err := os.ReadFile(filepath.Join(config.Home, "engine", half+".log"))
			if err == nil {
				err = os.WriteFile(filepath.Join(config.Home, "logs", half+".log"), b, 0o644)
			}
			if err != nil {
				t.Log(err)
			}
		}
	})
	w := &world{T: t, net: network}
	w.engine, err = client.New(client.WithHost(network.DockerHost()))
	require.NoError(t, err)
	w.anyone, err = network.Sender("faucet")
	require.NoError(t, err)
	containers, err := network.Containers(ctx)
	require.NoError(t, err)
	require.Len(t, containers, 3)
	w.ledger = newLedger(config.ChainID, network.Address(config.Tenant), containers)
	follow, end := context.WithCancel(context.Background())
	t.Cleanup(end)
	go w.ledger.follow(follow, network.Chain())
	w.lengthenRounds(ctx)
	return w
}

// lengthenRounds is a vote for rounds in which a break of seconds is none: the network came up with short ones.
func (w *world) lengthenRounds(ctx context.Context) {
	params, err := checks.NewQueryClient(w.net.Chain().Conn()).Params(ctx, &checks.QueryParamsRequest{})
	require.NoError(w, err)
	params.Params.RoundDuration = longRound
	msg, err := codectypes.NewAnyWithValue(&checks.MsgUpdateParams{Authority: authtypes.NewModuleAddress(govtypes.ModuleName).String(), Params: params.Params})
	require.NoError(w, err)
	validator, err := w.net.Sender(w.net.Config.Validators[0].Account)
	require.NoError(w, err)
	deposit := sdk.NewCoins(sdk.NewCoin(athtypes.Denom, math.NewInt(30_000_000_000)))
	made, err := validator.Send(ctx, &govv1.MsgSubmitProposal{
		Messages: []*codectypes.Any{msg}, InitialDeposit: deposit, Proposer: validator.Address(), Title: "rounds", Summary: "longer rounds", Expedited: true,
	})
	require.NoError(w, err)
	var answer govv1.MsgSubmitProposalResponse
	require.NoError(w, made.Response(0, &answer))
	_, err = validator.Send(ctx, &govv1.MsgVote{ProposalId: answer.ProposalId, Voter: validator.Address(), Option: govv1.OptionYes})
	require.NoError(w, err)
	require.NoError(w, w.net.Poll(ctx, patience, "longer rounds", func(ctx context.Context) (bool, error) {
		params, err := checks.NewQueryClient(w.net.Chain().Conn()).Params(ctx, &checks.QueryParamsRequest{})
		return err == nil && params.Params.RoundDuration == longRound, err
	}))
}

// rent opens a lease and waits until its services write.
func (w *world) rent() *lease {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), 2*patience)
	defer cancel()
	file, err := w.net.WriteManifest("ticker", "ticker.yaml")
	require.NoError(w, err)
	require.NoError(w, w.net.AwaitFree(ctx))
	out, err := w.net.Athd(ctx, w.net.Config.Tenant, "deploy", file, "--output", "json")
	require.NoError(w, err)
	var result struct {
		Lease     string            `json:"lease_id"`
		Endpoints []deploy.Endpoint `json:"endpoints"`
	}
	require.NoError(w, json.Unmarshal([]byte(out), &result))
	require.Len(w, result.Endpoints, len(services))
	l := &lease{id: result.Lease, ports: map[string]string{}}
	for _, e := range result.Endpoints {
		l.ports[e.Address], err = hello(e.Address)
		require.NoError(w, err)
	}
	for _, service := range services {
		l.readers = append(l.readers, w.read(l.id, service))
	}
	w.Cleanup(func() {
		for _, r := range l.readers {
			r.stop()
		}
	})
	w.await(ctx, l.id+" to run", func(context.Context) error {
		if l.processes, err = w.processesOf(ctx, l.id); err != nil {
			return err
		}
		for _, r := range l.readers {
			if _, err := r.upTo(time.Now().Add(-quiet)); err != nil {
				return err
			}
		}
		return nil
	})
	return l
}

// hello is what a published port says; there has to be something.
func hello(address string) (string, error) {
	c, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return "", err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return "", err
	}
	said, err := io.ReadAll(c)
	if err == nil && len(said) == 0 {
		err = fmt.Errorf("%s takes connections and says nothing", address)
	}
	return string(said), err
}

// await asks until there is no error any more; a process of the network that ends by itself fails the test at once.
func (w *world) await(ctx context.Context, what string, check func(context.Context) error) {
	w.Helper()
	require.NoError(w, w.net.Poll(ctx, patience, what, func(ctx context.Context) (bool, error) {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		err := check(ctx)
		return err == nil, err
	}))
}

// processesOf looks for the processes of a lease's services.
func (w *world) processesOf(ctx context.Context, lease string) ([]process, error) {
	var out []process
	for _, service := range services {
		found, err := w.engine.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: client.Filters{}.Add("label", "ath.lease="+lease, "ath.service="+service)})
		if err != nil {
			return nil, err
		}
		if len(found.Items) != 1 {
			return nil, fmt.Errorf("service %s of lease %s has %d containers, not 1", service, lease, len(found.Items))
		}
		c, err := w.engine.ContainerInspect(ctx, found.Items[0].ID, client.ContainerInspectOptions{})
		if err != nil {
			return nil, err
		}
		state := c.Container.State
		since, err := time.Parse(time.RFC3339Nano, state.StartedAt)
		if err != nil || !state.Running || state.Pid == 0 || c.Container.RestartCount > 0 {
			return nil, fmt.Errorf("service %s of lease %s: %+v", service, lease, state)
		}
		start, err := startOf(state.Pid)
		if err != nil {
			return nil, fmt.Errorf("service %s of lease %s: %w", service, lease, err)
		}
		out = append(out, process{container: c.Container.ID, pid: state.Pid, start: start, since: since})
	}
	return out, nil
}

// startOf is when a living process started, in the kernel's ticks.
func startOf(pid int) (string, error) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return "", err
	}
	_, rest, _ := strings.Cut(string(b), ") ") // behind the name, which may hold spaces; field 3 is the state, 22 the start
	fields := strings.Fields(rest)
	if len(fields) < 20 || fields[0] == "Z" {
		return "", fmt.Errorf("process %d has ended", pid)
	}
	return fields[19], nil
}

// atHeight asks a node for the state after a block.
func atHeight(ctx context.Context, height int64) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "x-cosmos-block-height", strconv.FormatInt(height, 10))
}

// onChain is an open lease as of a block.
func (w *world) onChain(ctx context.Context, id string) (*leases.Lease, error) {
	tenant, number, _ := strings.Cut(id, "/")
	n, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		return nil, err
	}
	resp, err := leases.NewQueryClient(w.net.Chain().Conn()).Lease(ctx, &leases.QueryLeaseRequest{Tenant: tenant, Number: n})
	if err != nil {
		return nil, err
	}
	if resp.Lease == nil {
		return nil, fmt.Errorf("lease %s was closed: %+v", id, resp.Receipt)
	}
	return resp.Lease, nil
}

// getJSON asks a daemon.
func getJSON(ctx context.Context, url string, out any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		return fmt.Errorf("%s: %w", url, err)
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s: %v", url, resp.Status, out)
	}
	return nil
}
