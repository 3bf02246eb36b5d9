// SPDX-License-Identifier: Apache-2.0

package app_test

import (
	"crypto/sha256"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"
	banktypes "github.com/cosmos/cosmos-sdk/x/bank/types"

	"github.com/athnet/ath/app"
	"github.com/athnet/ath/testutil/gen"
	"github.com/athnet/ath/testutil/shadow"
	athtypes "github.com/athnet/ath/x/ath/types"
	leasestypes "github.com/athnet/ath/x/leases/types"
)

const (
	usdc     = "ibc/27394FB092D2ECCD56123C74F36E4C1F926001CEADA9CA97EA622B25F41E5EB2"
	usdcHeld = 1_000_000_000
)

// bridge is where the stable denom came from.
var bridge = gen.NewAccount("bridge")

// stableGenesis is quickGenesis with a stable denom, all of which is at the bridge.
func stableGenesis(enc app.Encoding, genesis app.GenesisState) {
	quickGenesis(enc, genesis)
	edit(enc.Codec, genesis, leasestypes.ModuleName, func(g *leasestypes.GenesisState) { g.Params.StableDenoms = []string{usdc} })
	edit(enc.Codec, genesis, banktypes.ModuleName, func(g *banktypes.GenesisState) {
		g.Balances = append(g.Balances, banktypes.Balance{Address: bridge.String(), Coins: sdk.NewCoins(sdk.NewInt64Coin(usdc, usdcHeld))})
	})
}

func (m *market) held(of gen.Account) math.Int {
	return m.App().Bank.GetBalance(m.Context(), of.Address(), usdc).Amount
}

func (m *market) row(row athtypes.Row) math.Int {
	m.t.Helper()
	amount, err := m.App().Ath.RowAmount(m.Context(), row)
	require.NoError(m.t, err)
	return amount
}

// rentStable opens and starts a lease that is paid in the stable denom.
func (m *market) rentStable(priced string) string {
	m.t.Helper()
	manifest := sha256.Sum256([]byte("manifest"))
	res := m.next(m.Sign(m.tenant, &leasestypes.MsgCreateLease{
		Tenant: m.tenant.String(), Requirement: &leasestypes.Requirement{Class: "cpu"}, MaxRate: math.NewInt(rate), PriceDenom: priced, PayDenom: usdc,
		Deposit: sdk.NewInt64Coin(usdc, 10_000_000), ManifestHash: manifest[:],
	}))
	id := answer[leasestypes.MsgCreateLeaseResponse](m.t, res.TxResults[0]).LeaseId
	m.next(m.use(id, m.Now(), m.Now().Add(blockTime)))
	return id
}

// TestStableFlow plays the market in a stable denom on twins that must agree: a tenant rents at the price in it and at one in USD, while nobody
// knows what an ATH is worth, and is billed to the unit; a fault is credited out of the provider's fees; a chain that restarts from an export goes on;
// the provider withdraws what it was paid, and stakers, SLA fund and treasury have their parts of the service fee. None of the denom is lost.
func TestStableFlow(t *testing.T) {
	m := newMarketOf(t, shadow.All(), stableGenesis)
	m.next(m.Sign(m.tenant, banktypes.NewMsgSend(m.tenant.Address(), bridge.Address(), sdk.NewCoins(coin(1)))))
	m.next(m.Sign(bridge, banktypes.NewMsgSend(bridge.Address(), m.tenant.Address(), sdk.NewCoins(sdk.NewInt64Coin(usdc, usdcHeld)))))
	m.open(2)
	m.next(m.Sign(m.hot, &leasestypes.MsgSetOffers{Operator: m.hot.String(), Offers: []leasestypes.Offer{
		{ContainerId: m.ids[0], Denom: usdc, Rate: math.NewInt(rate)},
		{ContainerId: m.ids[1], Denom: leasestypes.MicroUSD, Rate: math.NewInt(rate)},
	}}))
	first, second := m.rentStable(usdc), m.rentStable(leasestypes.MicroUSD)
	m.run(20 * time.Second)
	for _, id := range []string{first, second} {
		res := m.next(m.Sign(m.tenant, &leasestypes.MsgSettle{Signer: m.tenant.String(), LeaseIds: []string{id}}))
		lease := m.lease(id)
		require.Equal(t, usdc, lease.Denom)
		require.Equal(t, price(m.Now().Sub(*lease.StartedAt)).String(), lease.Billed.String())
		paid := answer[leasestypes.MsgSettleResponse](t, res.TxResults[0]).Paid[0]
		require.Equal(t, usdc, paid.Denom)
	}
	exported := m.export()
	requireSameModules(t, exported.AppState, importOnly(t, exported.AppState, exported.Height, m.Now()))

	// A fault makes the session free: what was billed comes back into the account, and nobody's weight had grown.
	m.broken[m.ids[0]] = true
	m.until("the fault is credited", func() bool { return m.lease(first).Credited.IsPositive() })
	require.Equal(t, m.lease(first).Billed.String(), m.lease(first).Credited.String())
	m.broken[m.ids[0]] = false
	billed := math.ZeroInt()
	for _, id := range []string{first, second} {
		res := m.next(m.Sign(m.tenant, &leasestypes.MsgCloseLease{Signer: m.tenant.String(), LeaseId: id}))
		receipt := answer[leasestypes.MsgCloseLeaseResponse](t, res.TxResults[0]).Receipt
		billed = billed.Add(receipt.Billed).Sub(receipt.Credited)
	}
	require.True(t, billed.IsPositive())
	m.next(m.Sign(m.tenant, &leasestypes.MsgWithdrawDeposit{Tenant: m.tenant.String(), Amount: sdk.NewInt64Coin(usdc, 0)}))
	require.Equal(t, math.NewInt(usdcHeld).Sub(billed).String(), m.held(m.tenant).String(), "paid what was billed and not credited, to the unit")

	m.run(3 * time.Minute)
	m.next(m.Sign(m.tenant, &athtypes.MsgWithdraw{Signer: m.tenant.String(), Beneficiary: m.owner.String()}))
	fund, treasury := m.row(athtypes.Row{Kind: athtypes.RowKind_ROW_KIND_SLA_FUND, Denom: usdc}), m.row(athtypes.TreasuryRow(usdc))
	require.True(t, fund.IsPositive() && treasury.IsPositive())
	rewards, err := m.App().Distribution.GetValidatorOutstandingRewards(m.Context(), sdk.ValAddress(gen.NewValidator().Operator.Address()))
	require.NoError(t, err)
	require.True(t, rewards.Rewards.AmountOf(usdc).IsPositive(), "stakers earn from service fees in the denom")
	require.True(t, m.held(m.purse).MulRaw(10).GT(billed.MulRaw(7)), "the provider has its fees: %s of %s", m.held(m.purse), billed)
	total := math.ZeroInt()
	for _, balance := range m.App().Bank.GetAccountsBalances(m.Context()) {
		total = total.Add(balance.Coins.AmountOf(usdc))
	}
	require.Equal(t, int64(usdcHeld), total.Int64())
	require.Equal(t, int64(usdcHeld), m.App().Bank.GetSupply(m.Context(), usdc).Amount.Int64())
}
