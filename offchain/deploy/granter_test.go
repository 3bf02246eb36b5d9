// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"testing"

	"cosmossdk.io/math"
	"github.com/stretchr/testify/require"

	sdk "github.com/cosmos/cosmos-sdk/types"

	leases "github.com/athnet/ath/x/leases/types"
)

// TestADepositOutOfAGrant comes in the transaction that opens the lease, and is never too small to be a first one.
func TestADepositOutOfAGrant(t *testing.T) {
	r := &run{Deployer: &Deployer{}, params: leases.Params{MinForeignDeposit: 1_000_000}}
	order := func(deposit int64) *leases.MsgCreateLease {
		return &leases.MsgCreateLease{Tenant: "ath1me", Deposit: sdk.NewInt64Coin("uath", deposit)}
	}
	require.Equal(t, math.NewInt(7), r.granted(math.NewInt(7)))
	msgs, opening := r.paid(order(7))
	require.Equal(t, []sdk.Msg{order(7)}, msgs)
	require.Zero(t, opening)

	r.opts.Granter = "ath1boss"
	require.Equal(t, math.NewInt(1_000_000), r.granted(math.NewInt(7)))
	require.Equal(t, math.NewInt(2_000_000), r.granted(math.NewInt(2_000_000)))
	require.True(t, r.granted(math.ZeroInt()).IsZero(), "nothing is missing")
	msgs, opening = r.paid(order(2_000_000))
	require.Equal(t, []sdk.Msg{
		&leases.MsgDeposit{Depositor: "ath1me", Granter: "ath1boss", Amount: sdk.NewInt64Coin("uath", 2_000_000)}, order(0),
	}, msgs)
	require.Equal(t, 1, opening)
	msgs, opening = r.paid(order(0))
	require.Len(t, msgs, 1)
	require.Zero(t, opening)
}
