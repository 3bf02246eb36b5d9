// SPDX-License-Identifier: Apache-2.0

package app_test

import (
	"crypto/sha256"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/cosmos/cosmos-sdk/x/feegrant"

	"github.com/athnet/ath/app"
	"github.com/athnet/ath/testutil/gen"
	"github.com/athnet/ath/testutil/shadow"
	athtypes "github.com/athnet/ath/x/ath/types"
	leasestypes "github.com/athnet/ath/x/leases/types"
)

func coin(uath int64) sdk.Coin { return sdk.NewInt64Coin(athtypes.Denom, uath) }

// TestTenantWithoutCoinsDeploys: with an allowance of x/feegrant and a deposit grant, somebody who owns nothing deploys, is refilled by the
// chain out of the granter's wallet, and leaves; the granter has paid what was billed and the fees, and got the rest back.
func TestTenantWithoutCoinsDeploys(t *testing.T) {
	m := newMarketOf(t, shadow.All(), func(enc app.Encoding, genesis app.GenesisState) {
		quickGenesis(enc, genesis)
		edit(enc.Codec, genesis, leasestypes.ModuleName, func(g *leasestypes.GenesisState) { g.Params.MinForeignDeposit = 10_000 })
	})
	m.open(1)
	boss, guest := m.tenant, gen.NewAccount("guest")
	before := m.balance(boss)
	allowance, err := feegrant.NewMsgGrantAllowance(&feegrant.BasicAllowance{}, boss.Address(), guest.Address())
	require.NoError(t, err)
	m.next(m.Sign(boss, allowance, &leasestypes.MsgGrantDeposit{
		Granter: boss.String(), Grantee: guest.String(), Limit: coin(200_000),
		Refill: &leasestypes.AutoRefill{Keep: math.NewInt(1_000_000), Amount: math.NewInt(50_000), Cap: math.NewInt(100_000), Period: time.Hour},
	}))

	const fee = 1_000
	paid := math.NewInt(0)
	granted := func(msgs ...sdk.Msg) []byte {
		paid = paid.AddRaw(fee)
		return m.SignWith(guest, gen.Options{Gas: 10_000_000, Fee: math.NewInt(fee), FeeGranter: boss.Address()}, msgs...)
	}
	manifest := sha256.Sum256([]byte("manifest"))
	res := m.next(granted(
		&leasestypes.MsgDeposit{Depositor: guest.String(), Granter: boss.String(), Amount: coin(60_000)},
		&leasestypes.MsgSetRefill{Tenant: guest.String(), Granter: boss.String()},
		&leasestypes.MsgCreateLease{
			Tenant: guest.String(), Requirement: &leasestypes.Requirement{Class: "cpu"}, MaxRate: math.NewInt(rate), ManifestHash: manifest[:],
		},
	))
	require.Zero(t, res.TxResults[0].Code, res.TxResults[0].Log)
	id := leasestypes.LeaseID{Tenant: guest.Address(), Number: 1}
	m.next(m.use(id.String(), m.Now(), m.Now().Add(blockTime)))
	m.run(90 * time.Second) // 60,000 uath last for 48 seconds
	grant, err := m.App().Leases.Grant(m.Context(), boss.Address(), guest.Address())
	require.NoError(t, err)
	require.Equal(t, "40000uath", grant.Limit.String(), "refilled twice")
	m.refused("what others deposited is theirs", granted(&leasestypes.MsgWithdrawDeposit{Tenant: guest.String(), Amount: coin(0)}))

	res = m.next(granted(&leasestypes.MsgCloseLease{Signer: guest.String(), LeaseId: id.String()}))
	billed := answer[leasestypes.MsgCloseLeaseResponse](t, res.TxResults[0]).Receipt.Billed
	require.True(t, billed.GT(math.NewInt(60_000)))
	m.next(m.Sign(boss, &leasestypes.MsgReclaimDeposit{Signer: boss.String(), Tenant: guest.String(), Amount: coin(0)}))
	require.Equal(t, before.Sub(billed).Sub(paid).String(), m.balance(boss).String())
	require.True(t, m.balance(guest).IsZero())
	grant, err = m.App().Leases.Grant(m.Context(), boss.Address(), guest.Address())
	require.NoError(t, err)
	require.Equal(t, coin(200_000).Amount.Sub(billed).String(), grant.Limit.Amount.String(), "what came back can be deposited again")
}
