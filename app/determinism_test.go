// SPDX-License-Identifier: Apache-2.0

package app_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	sdk "github.com/cosmos/cosmos-sdk/types"
	banktypes "github.com/cosmos/cosmos-sdk/x/bank/types"

	"github.com/athnet/ath/testutil/gen"
	"github.com/athnet/ath/testutil/shadow"
)

// TestTwinsAgree: a validator that saw no mempool, one that restarts before every block and one that executes in parallel
// reach the hash of the plain one, also with fees, which all transactions pay to one account.
func TestTwinsAgree(t *testing.T) {
	var people []gen.Account
	for _, name := range []string{"ada", "ben", "cem", "dee", "eve", "fay", "gus", "hal"} {
		people = append(people, gen.NewAccount(name))
	}
	c := shadow.New(t, shadow.All(), gen.ATH(1_000), people, nil)
	fee := gen.Options{Gas: 200_000, Fee: gen.ATH(1)}
	for range 5 {
		var txs [][]byte
		for i, from := range people {
			to := people[(i+3)%len(people)]
			txs = append(txs, c.SignWith(from, fee, banktypes.NewMsgSend(from.Address(), to.Address(), gen.Coins(gen.ATH(1)))))
		}
		for _, result := range c.Block(time.Second, txs...).TxResults {
			require.Zero(t, result.Code, result.Log)
		}
	}
	require.NoError(t, c.App().CheckInvariants(c.Context()))
	supply := c.App().Bank.GetSupply(c.Context(), sdk.DefaultBondDenom)
	require.True(t, supply.IsPositive())
}
