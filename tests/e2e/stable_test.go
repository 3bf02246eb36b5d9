// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"time"

	"cosmossdk.io/math"
	"github.com/rogpeppe/go-internal/testscript"

	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/cosmos/cosmos-sdk/types/query"
	banktypes "github.com/cosmos/cosmos-sdk/x/bank/types"

	"github.com/athnet/ath/offchain/deploy"
	athtypes "github.com/athnet/ath/x/ath/types"
)

// stableDenom is what config.yml allows leases to be paid in.
const stableDenom = "uusdc"

func init() { commands["paid-out"] = paidOut }

// paid-out LEASE: the provider withdraws until all that it has earned in the stable denom is in its wallet, this lease's bill less the service fee included.
func paidOut(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, "LEASE")
	ctx, cancel := scriptContext()
	defer cancel()
	resp, err := lookUp(ctx, args[0])
	ts.Check(err)
	r := resp.Receipt
	if r == nil || r.Denom != stableDenom {
		ts.Fatalf("lease %s has no receipt in %s: %v", args[0], stableDenom, r)
	}
	provider, err := net.Sender(net.Config.Worker.Account)
	ts.Check(err)
	earned := func(ctx context.Context) (wallet, vests math.Int, err error) {
		if wallet, err = net.BalanceIn(ctx, provider.Address(), stableDenom); err != nil {
			return wallet, vests, err
		}
		rows, err := athtypes.NewQueryClient(net.Chain().Conn()).Vault(ctx, &athtypes.QueryVaultRequest{Owner: provider.Address(), Pagination: &query.PageRequest{Limit: 1_000}})
		if err != nil {
			return wallet, vests, err
		}
		vests = math.ZeroInt()
		for _, row := range rows.Rows {
			if row.Row.Denom == stableDenom {
				vests = vests.Add(row.Amount)
			}
		}
		return wallet, vests, nil
	}
	wallet, vests, err := earned(ctx)
	ts.Check(err)
	if income := r.Billed.Sub(r.Fee); !income.IsPositive() || vests.LT(income) {
		ts.Fatalf("%s vest in %s, want the lease's %s less %s at least", vests, stableDenom, r.Billed, r.Fee)
	}
	want := wallet.Add(vests)
	ts.Check(net.Poll(ctx, 60*time.Second, want.String()+stableDenom+" in the provider's wallet", func(ctx context.Context) (bool, error) {
		if _, err := provider.Send(ctx, &athtypes.MsgWithdraw{Signer: provider.Address()}); err != nil {
			return false, err
		}
		wallet, vests, err = earned(ctx)
		if err == nil && !wallet.Add(vests).Equal(want) {
			ts.Fatalf("%s in the wallet and %s that vest, want %s", wallet, vests, want)
		}
		return err == nil && vests.IsZero(), err
	}))
}

// dollars AMOUNT: the tenant gets so much of the stable denom.
func dollars(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, "AMOUNT")
	ctx, cancel := scriptContext()
	defer cancel()
	amount, err := deploy.ParseCoin(args[0], stableDenom)
	ts.Check(err)
	faucet, err := net.Sender("faucet")
	ts.Check(err)
	_, err = faucet.Send(ctx, &banktypes.MsgSend{FromAddress: faucet.Address(), ToAddress: ts.Getenv("ADDRESS"), Amount: sdk.NewCoins(amount)})
	ts.Check(err)
	ts.Setenv("DOLLARS", amount.Amount.String())
}

// dollars-left BILLED: waits until the tenant's wallet has what it was given of the stable denom, less what was billed.
func dollarsLeft(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, "BILLED")
	ctx, cancel := scriptContext()
	defer cancel()
	given, err := deploy.ParseCoin(ts.Getenv("DOLLARS")+stableDenom, stableDenom)
	ts.Check(err)
	billed, err := deploy.ParseCoin(args[0]+stableDenom, stableDenom)
	ts.Check(err)
	want := given.Sub(billed)
	ts.Check(net.Poll(ctx, 15*time.Second, want.String()+" in the wallet", func(ctx context.Context) (bool, error) {
		has, err := net.BalanceIn(ctx, ts.Getenv("ADDRESS"), stableDenom)
		return err == nil && has.Equal(want.Amount), err
	}))
}
