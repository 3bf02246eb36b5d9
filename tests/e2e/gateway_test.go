// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"strconv"
	"time"

	"cosmossdk.io/math"
	"github.com/rogpeppe/go-internal/testscript"

	govv1 "github.com/cosmos/cosmos-sdk/x/gov/types/v1"

	leases "github.com/athnet/ath/x/leases/types"
)

func init() {
	commands["passed"] = passed
	commands["charged"] = charged
	commands["float-adds-up"] = floatAddsUp
}

// passed PROPOSAL: waits until the vote is over, and was won.
func passed(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, "PROPOSAL")
	ctx, cancel := scriptContext()
	defer cancel()
	id, err := strconv.ParseUint(args[0], 10, 64)
	ts.Check(err)
	ts.Check(net.Poll(ctx, time.Minute, "the vote on proposal "+args[0], func(ctx context.Context) (bool, error) {
		resp, err := govv1.NewQueryClient(net.Chain().Conn()).Proposal(ctx, &govv1.QueryProposalRequest{ProposalId: id})
		if err != nil {
			return false, err
		}
		switch status := resp.Proposal.Status; status {
		case govv1.StatusVotingPeriod, govv1.StatusDepositPeriod:
			return false, nil
		case govv1.StatusPassed:
			return true, nil
		default:
			ts.Fatalf("proposal %s: %s %s", args[0], status, resp.Proposal.FailedReason)
			return false, nil
		}
	}))
}

// charged GATEWAY CUSTOMER LEASE…: what the customer's line has spent is what the receipts of all leases on it say, to the musd.
func charged(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, "GATEWAY", "CUSTOMER", "LEASE")
	ctx, cancel := scriptContext()
	defer cancel()
	sum := math.ZeroInt()
	for _, lease := range args[2:] {
		resp, err := lookUp(ctx, lease)
		ts.Check(err)
		if resp.Receipt == nil || resp.Receipt.Credit == nil || resp.Receipt.Credit.Gateway != args[0] {
			ts.Fatalf("lease %s has no receipt that says that %s paid: %v", lease, args[0], resp.Receipt)
		}
		sum = sum.Add(resp.Receipt.Credit.Billed).Sub(resp.Receipt.Credit.Credited)
	}
	resp, err := leases.NewQueryClient(net.Chain().Conn()).Credit(ctx, &leases.QueryCreditRequest{Gateway: args[0], Customer: args[1]})
	ts.Check(err)
	line := resp.Credit.Line
	if !line.Spent.Equal(sum) || line.Spent.GT(line.Limit) {
		ts.Fatalf("the line of %s has spent %s of %s musd, its receipts come to %s", args[1], line.Spent, line.Limit, sum)
	}
	ts.Logf("%s of %s musd", sum, line.Limit)
}

// float-adds-up BILLED…: the gateway takes all out of its float; what it was given is what it has, what was billed, and fees, its customers' too.
func floatAddsUp(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args)
	ctx, cancel := scriptContext()
	defer cancel()
	_, err := net.Athd(ctx, ts.Getenv("ATHD_FROM"), "gateway", "withdraw")
	ts.Check(err)
	resp, err := leases.NewQueryClient(net.Chain().Conn()).Gateway(ctx, &leases.QueryGatewayRequest{Gateway: ts.Getenv("ADDRESS")})
	ts.Check(err)
	if !resp.Balance.IsZero() {
		ts.Fatalf("the float still holds %s", resp.Balance)
	}
	coinsAddUp(ctx, ts, args)
}
