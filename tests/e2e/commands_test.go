// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"cosmossdk.io/math"
	"github.com/moby/moby/client"
	"github.com/rogpeppe/go-internal/testscript"

	sdk "github.com/cosmos/cosmos-sdk/types"
	txtypes "github.com/cosmos/cosmos-sdk/types/tx"
	banktypes "github.com/cosmos/cosmos-sdk/x/bank/types"

	"github.com/athnet/ath/offchain/chain"
	"github.com/athnet/ath/offchain/deploy"
	"github.com/athnet/ath/offchain/localnet/story"
	athtypes "github.com/athnet/ath/x/ath/types"
	leases "github.com/athnet/ath/x/leases/types"
)

// commands are the scripts' own; each is described where it is defined.
var commands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	"tenant": tenant, "manifest": writeManifest, "get": get, "free": free, "receipt": receipt, "usage": usage,
	"container": container, "answers": answers, "powercut": kill, "stopproc": stopProcess, "restart": restart, "books": books,
	"adds-up": addsUp, "lease-of-hash": leaseOfHash, "nocontainer": noContainer, "lasted": lasted,
	"sent": sent, "earned": earned, "alone": alone, "priced": priced,
	"publish": publish, "site": site, "dollars": dollars, "dollars-left": dollarsLeft,
}

func scriptContext() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), 2*time.Minute)
}

func need(ts *testscript.TestScript, neg bool, args []string, want ...string) {
	if neg || len(args) < len(want) {
		ts.Fatalf("usage: %s", strings.Join(want, " "))
	}
}

// tenant NAME COINS: makes a key, gives it coins, and lets athd use it. Sets ADDRESS.
func tenant(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, "NAME", "COINS")
	ctx, cancel := scriptContext()
	defer cancel()
	amount, err := deploy.ParseAmount(args[1])
	ts.Check(err)
	// One keyring for all scripts; the name is made unique so that they can be run again.
	name := fmt.Sprintf("%s-%d", args[0], time.Now().UnixNano())
	_, err = net.Athd(ctx, "", "keys", "add", name, "--output", "json")
	ts.Check(err)
	address, err := net.Athd(ctx, "", "keys", "show", name, "--address")
	ts.Check(err)
	address = strings.TrimSpace(address)
	ts.Setenv("ADDRESS", address)
	ts.Setenv("ATHD_FROM", name)
	if amount.IsZero() {
		return
	}
	faucet, err := net.Sender("faucet")
	ts.Check(err)
	_, err = faucet.Send(ctx, &banktypes.MsgSend{FromAddress: faucet.Address(), ToAddress: address, Amount: sdk.NewCoins(sdk.NewCoin(athtypes.Denom, amount))})
	ts.Check(err)
	ts.Setenv("FUNDS", amount.String())
}

// priced PRICE: the only Container costs so much for the rest of the script.
func priced(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, "PRICE")
	ctx, cancel := scriptContext()
	defer cancel()
	p, err := deploy.ParsePrice(args[0])
	ts.Check(err)
	offer, err := onlyOffer(ctx)
	ts.Check(err)
	offer.Denom, offer.Rate, offer.StandbyRate, offer.StorageRate = p.Denom, p.Rate, p.Rate.QuoRaw(2), p.Rate.QuoRaw(10)
	ts.Check(setOffer(ctx, offer))
}

// manifest SAMPLE FILE [OLD NEW]…: writes a sample's SDL file with texts replaced.
func writeManifest(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, "SAMPLE", "FILE")
	path, err := net.WriteManifest(args[0], "e2e.yaml", args[2:]...)
	ts.Check(err)
	b, err := os.ReadFile(path)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), b, 0o644))
}

// get VAR FIELD…: takes a value out of the JSON that the last command printed.
func get(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, "VAR", "FIELD")
	var v any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &v))
	for _, field := range args[1:] {
		switch at := v.(type) {
		case map[string]any:
			v = at[field]
		case []any:
			i, err := strconv.Atoi(field)
			if err != nil || i >= len(at) {
				ts.Fatalf("no element %s in a list of %d", field, len(at))
			}
			v = at[i]
		default:
			ts.Fatalf("no field %s", field)
		}
	}
	if v == nil {
		ts.Fatalf("no field %s", strings.Join(args[1:], "."))
	}
	ts.Setenv(args[0], fmt.Sprint(v))
}

// earned ADDRESS LEDGER: waits until an account has something to claim in a ledger, such as LEDGER_CHECKER.
func earned(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, "ADDRESS", "LEDGER")
	ctx, cancel := scriptContext()
	defer cancel()
	client := athtypes.NewQueryClient(net.Chain().Conn())
	ts.Check(net.Poll(ctx, 90*time.Second, args[1]+" of "+args[0], func(ctx context.Context) (bool, error) {
		rewards, err := client.Rewards(ctx, &athtypes.QueryRewardsRequest{Beneficiary: args[0]})
		if err != nil {
			return false, err
		}
		for _, of := range rewards.Ledgers {
			if of.Ledger.String() == args[1] && of.Claimable.IsPositive() {
				return true, nil
			}
		}
		return false, nil
	}))
}

// sent: waits until the transaction that the last command has sent as JSON is in a block, and fails where it did.
func sent(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args)
	var taken struct {
		Code   uint32 `json:"code"`
		Hash   string `json:"txhash"`
		RawLog string `json:"raw_log"`
	}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &taken))
	if taken.Code != 0 {
		ts.Fatalf("the transaction was refused: %s", taken.RawLog)
	}
	ctx, cancel := scriptContext()
	defer cancel()
	txs := txtypes.NewServiceClient(net.Chain().Conn())
	ts.Check(net.Poll(ctx, 30*time.Second, "transaction "+taken.Hash, func(ctx context.Context) (bool, error) {
		found, err := txs.GetTx(ctx, &txtypes.GetTxRequest{Hash: taken.Hash})
		if err != nil {
			return false, err
		}
		if found.TxResponse.Code != 0 {
			ts.Fatalf("transaction %s: %s", taken.Hash, found.TxResponse.RawLog)
		}
		return true, nil
	}))
}

// free: waits until the Container can be rented for ATH (with a price in another denom it never is); the lease that the script has left on it is closed.
func free(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args)
	ctx, cancel := scriptContext()
	defer cancel()
	ts.Check(closeLeft(ctx, ts.Logf))
	ts.Check(net.AwaitFree(ctx))
}

func lookUp(ctx context.Context, lease string) (*leases.QueryLeaseResponse, error) {
	tenant, number, _ := strings.Cut(lease, "/")
	n, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		return nil, err
	}
	return leases.NewQueryClient(net.Chain().Conn()).Lease(ctx, &leases.QueryLeaseRequest{Tenant: tenant, Number: n})
}

// receipt LEASE REASON [EXIT-CODE…]: waits until the lease is closed, and checks why and that the bill is rate × time. BILLED is what was not
// given back of it.
func receipt(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, "LEASE", "REASON")
	ctx, cancel := scriptContext()
	defer cancel()
	var r *leases.Receipt
	ts.Check(net.Poll(ctx, 90*time.Second, "the receipt of lease "+args[0], func(ctx context.Context) (bool, error) {
		resp, err := lookUp(ctx, args[0])
		if err != nil {
			return false, err
		}
		r = resp.Receipt
		return r != nil, nil
	}))
	if want := "CLOSE_REASON_" + args[1]; r.Reason.String() != want {
		ts.Fatalf("lease %s was closed for %s, want %s", args[0], r.Reason, want)
	}
	if len(args) > 2 {
		if have := strings.Trim(fmt.Sprint(r.ExitCodes), "[]"); have != strings.Join(args[2:], " ") {
			ts.Fatalf("exit codes %s, want %v", have, args[2:])
		}
	}
	if r.StartedAt != nil && r.EndedAt.Sub(*r.StartedAt) > minCharge {
		ts.Check(checkBill(*r))
	}
	ts.Setenv("BILLED", r.Billed.Sub(r.Credited).String()) // what a fault or a breach gave back is not billed in the end
	ts.Logf("ran %v, billed %s uath, rate %s", ran(r), r.Billed, r.Rate)
}

// checkBill is story.CheckBill for whatever price and payer. What is priced in USD and paid in ATH is converted at the network's one price; a credit
// line is charged in USD.
func checkBill(r leases.Receipt) error {
	if r.PricedIn() != leases.MicroUSD || r.Denom != athtypes.Denom {
		return story.CheckBill(r)
	}
	if c := r.Credit; c != nil {
		dollars := r
		dollars.Billed = c.Billed
		if err := story.CheckBill(dollars); err != nil {
			return fmt.Errorf("in musd: %w", err)
		}
	}
	price, err := math.LegacyNewDecFromStr(net.Config.Price)
	if err != nil {
		return err
	}
	want := math.LegacyNewDecFromInt(r.Rate.MulRaw(int64(ran(&r) - r.Outage))).QuoInt64(1_000_000_000_000_000).Quo(price)
	if off := want.Sub(math.LegacyNewDecFromInt(r.Billed)).Abs(); off.GT(math.LegacyNewDec(2)) {
		return fmt.Errorf("lease %s/%d: billed %s uath for %s at %s × 10⁻⁶ musd/s; want %s", r.Tenant, r.Number, r.Billed, ran(&r), r.Rate, want)
	}
	return nil
}

// minCharge of the network's offers; a shorter lease pays for it in full.
const minCharge = 5 * time.Second

func ran(r *leases.Receipt) time.Duration {
	if r.StartedAt == nil {
		return 0
	}
	return r.EndedAt.Sub(*r.StartedAt)
}

// lasted LEASE DURATION: the closed lease ended exactly so long after it was made, to the nanosecond of block time.
func lasted(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, "LEASE", "DURATION")
	ctx, cancel := scriptContext()
	defer cancel()
	want, err := time.ParseDuration(args[1])
	ts.Check(err)
	resp, err := lookUp(ctx, args[0])
	ts.Check(err)
	if resp.Receipt == nil {
		ts.Fatalf("lease %s is open", args[0])
	}
	if have := resp.Receipt.EndedAt.Sub(resp.Receipt.CreatedAt); have != want {
		ts.Fatalf("lease %s lasted %s, want %s exactly", args[0], have, want)
	}
}

// usage LEASE MORE: waits until the chain has so many usage records more than now.
func usage(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, "LEASE", "MORE")
	ctx, cancel := scriptContext()
	defer cancel()
	more, err := strconv.ParseUint(args[1], 10, 64)
	ts.Check(err)
	first, err := lookUp(ctx, args[0])
	ts.Check(err)
	if first.Lease == nil {
		ts.Fatalf("lease %s is closed", args[0])
	}
	ts.Check(net.Poll(ctx, time.Minute, "usage records", func(ctx context.Context) (bool, error) {
		resp, err := lookUp(ctx, args[0])
		if err != nil {
			return false, err
		}
		if resp.Lease == nil {
			return false, fmt.Errorf("lease %s was closed: %v", args[0], resp.Receipt)
		}
		return resp.Lease.UsageSequence >= first.Lease.UsageSequence+more, nil
	}))
}

// running lists the containers of a lease that run.
func running(ctx context.Context, lease string) ([]string, error) {
	c, err := client.New(client.WithHost(net.DockerHost()))
	if err != nil {
		return nil, err
	}
	defer c.Close()
	found, err := c.ContainerList(ctx, client.ContainerListOptions{Filters: client.Filters{}.Add("label", "ath.lease="+lease)})
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, item := range found.Items {
		ids = append(ids, item.ID)
	}
	return ids, nil
}

// container LEASE VAR: sets VAR to the engine's id of the lease's one running container.
func container(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, "LEASE", "VAR")
	ctx, cancel := scriptContext()
	defer cancel()
	ids, err := running(ctx, args[0])
	ts.Check(err)
	if len(ids) != 1 {
		ts.Fatalf("lease %s has %d running containers, want 1: %v", args[0], len(ids), ids)
	}
	ts.Setenv(args[1], ids[0])
}

// alone LEASE: waits until the lease's one container runs nothing beside its own process.
func alone(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, "LEASE")
	ctx, cancel := scriptContext()
	defer cancel()
	c, err := client.New(client.WithHost(net.DockerHost()))
	ts.Check(err)
	defer c.Close()
	ts.Check(net.Poll(ctx, 30*time.Second, "commands beside the workload to go", func(ctx context.Context) (bool, error) {
		ids, err := running(ctx, args[0])
		if err != nil || len(ids) != 1 {
			return false, err
		}
		top, err := c.ContainerTop(ctx, ids[0], client.ContainerTopOptions{})
		return err == nil && len(top.Processes) == 1, err
	}))
}

// nocontainer LEASE: waits until nothing of the lease runs.
func noContainer(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, "LEASE")
	ctx, cancel := scriptContext()
	defer cancel()
	ts.Check(net.Poll(ctx, 30*time.Second, "the containers to go", func(ctx context.Context) (bool, error) {
		ids, err := running(ctx, args[0])
		return len(ids) == 0, err
	}))
}

// answers URL: the workload answers with 200.
func answers(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, false, args, "URL")
	c := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := c.Get(args[0])
	if err == nil {
		_, err = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			err = errors.Join(err, errors.New(resp.Status))
		}
	}
	if (err != nil) != neg {
		ts.Fatalf("%s: error %v, wanted one: %v", args[0], err, neg)
	}
}

// powercut PROCESS: ends it without asking.
func kill(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, "PROCESS")
	ts.Check(net.Kill(args[0]))
}

// stopproc PROCESS: as its operator would.
func stopProcess(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, "PROCESS")
	ts.Check(net.StopProcess(args[0]))
}

// restart PROCESS: starts it again.
func restart(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, "PROCESS")
	ctx, cancel := scriptContext()
	defer cancel()
	ts.Check(net.Restart(ctx, args[0]))
}

// books: the vault equals the sum of its rows, the supply what was minted less what was burnt.
func books(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args)
	ctx, cancel := scriptContext()
	defer cancel()
	b, err := net.ReadBooks(ctx)
	ts.Check(err)
	ts.Check(b.Check())
	ts.Logf("block %d: vault %s, supply %s", b.Height, b.Vault, b.Supply)
}

// adds-up BILLED…: the tenant takes its free balance back; what it was given is what it has, what it was billed, and fees.
func addsUp(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args)
	ctx, cancel := scriptContext()
	defer cancel()
	address := ts.Getenv("ADDRESS")
	_, err := net.Athd(ctx, ts.Getenv("ATHD_FROM"), "tx", "leases", "withdraw-deposit", "0uath", "--yes", "--gas", "300000", "--broadcast-mode", "sync")
	ts.Check(err)
	ts.Check(net.Poll(ctx, 15*time.Second, "the withdrawal", func(ctx context.Context) (bool, error) {
		account, err := leases.NewQueryClient(net.Chain().Conn()).Account(ctx, &leases.QueryAccountRequest{Tenant: address, Denom: athtypes.Denom})
		return err == nil && account.Balance.IsZero(), err
	}))
	coinsAddUp(ctx, ts, args)
}

// coinsAddUp waits until what ADDRESS was given is what it has, what was billed, and fees.
func coinsAddUp(ctx context.Context, ts *testscript.TestScript, args []string) {
	address := ts.Getenv("ADDRESS")
	funds, ok := math.NewIntFromString(ts.Getenv("FUNDS"))
	if !ok {
		ts.Fatalf("FUNDS is not set: use tenant first")
	}
	billed := math.ZeroInt()
	for _, s := range args {
		n, ok := math.NewIntFromString(s)
		if !ok {
			ts.Fatalf("billed %q", s)
		}
		billed = billed.Add(n)
	}
	// The index of transactions may be a moment behind the state.
	ts.Check(net.Poll(ctx, 10*time.Second, "the coins to add up", func(ctx context.Context) (bool, error) {
		after, err := net.Balance(ctx, address)
		if err != nil {
			return false, err
		}
		fees, _, err := story.Fees(ctx, net, address, 0)
		if err != nil {
			return false, err
		}
		if off := funds.Sub(after).Sub(billed).Sub(fees); !off.IsZero() {
			return false, fmt.Errorf("%s had %s uath; it has %s, was billed %s, paid %s in fees: off by %s", address, funds, after, billed, fees, off)
		}
		ts.Logf("%s = %s left + %s billed + %s fees", funds, after, billed, fees)
		return true, nil
	}))
}

// lease-of-hash TEXT: opens a lease whose manifest hash is that of a text nobody has handed in. Sets LEASE.
func leaseOfHash(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, "TEXT")
	ctx, cancel := scriptContext()
	defer cancel()
	sender, err := net.Sender("bob")
	ts.Check(err)
	hash := sha256.Sum256([]byte(args[0]))
	var tx chain.TxResult
	tx, err = sender.Send(ctx, &leases.MsgCreateLease{
		Tenant: sender.Address(), Requirement: &leases.Requirement{Class: "cpu"}, MaxRate: math.NewInt(1_000_000_000),
		Deposit: sdk.NewInt64Coin(athtypes.Denom, 10_000_000), ManifestHash: hash[:],
	})
	ts.Check(err)
	var resp leases.MsgCreateLeaseResponse
	ts.Check(tx.Response(0, &resp))
	ts.Setenv("LEASE", resp.LeaseId)
}
