// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"time"

	bankv1beta1 "cosmossdk.io/api/cosmos/bank/v1beta1"
	"github.com/rogpeppe/go-internal/testscript"

	sdk "github.com/cosmos/cosmos-sdk/types"
	banktypes "github.com/cosmos/cosmos-sdk/x/bank/types"

	"github.com/athnet/ath/offchain/deploy"
)

// stableDenom is what config.yml allows leases to be paid in.
const stableDenom = "uusdc"

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
	q := bankv1beta1.NewQueryClient(net.Chain().Conn())
	ts.Check(net.Poll(ctx, 15*time.Second, want.String()+" in the wallet", func(ctx context.Context) (bool, error) {
		resp, err := q.Balance(ctx, &bankv1beta1.QueryBalanceRequest{Address: ts.Getenv("ADDRESS"), Denom: stableDenom})
		return err == nil && resp.GetBalance().GetAmount() == want.Amount.String(), err
	}))
}
