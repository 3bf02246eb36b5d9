// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"bytes"
	"testing"
	"time"

	"cosmossdk.io/math"
	"github.com/stretchr/testify/require"

	sdk "github.com/cosmos/cosmos-sdk/types"

	leases "github.com/athnet/ath/x/leases/types"
)

func TestCreditMessage(t *testing.T) {
	now := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	msg, err := creditOptions{expires: time.Hour, maxPrice: "3.6usd/h", priority: 7}.message("gateway", "me", "25usd", now)
	require.NoError(t, err)
	require.Equal(t, "25000000", msg.Limit.String())
	require.Equal(t, "1000000000", msg.MaxRate.String())
	require.Equal(t, now.Add(time.Hour), *msg.ExpiresAt)
	require.Equal(t, uint32(7), msg.Priority)
	for says, c := range map[string]struct {
		limit string
		o     creditOptions
	}{
		"such as 25usd":  {limit: "25ath"},
		"revoke it":      {limit: "0usd"},
		"a price in USD": {limit: "1usd", o: creditOptions{maxPrice: "1ath/h"}},
		"--max-price: ":  {limit: "1usd", o: creditOptions{maxPrice: "x"}},
		"expires_at":     {limit: "1usd", o: creditOptions{expires: -time.Hour}},
		"priority":       {limit: "1usd", o: creditOptions{priority: 101}},
	} {
		_, err := c.o.message("gateway", "me", c.limit, now)
		require.ErrorContains(t, err, says)
	}
}

func TestGatewayIsShown(t *testing.T) {
	now := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	at, usd := now.Add(30*time.Hour), &leases.UsdMeter{Rate: math.NewInt(1_000_000_000), Index: math.ZeroInt()}
	coin := func(amount int64) sdk.Coin { return sdk.NewInt64Coin("uath", amount) }
	res := &leases.QueryGatewayResponse{
		Gateway: leases.Gateway{
			Name: "Example Inc.", MaxCustomers: 10, Customers: 2, MaxRate: math.NewInt(2_000_000_000), Removed: true,
			Float: leases.Account{Rate: math.ZeroInt(), OpenLeases: 3, Usd: usd},
		},
		Balance: coin(5_000_000), Withdrawable: coin(0), Missing: coin(1_500_000), ExhaustedAt: &at,
	}
	var out bytes.Buffer
	require.NoError(t, printGateway(&out, res, now))
	for _, line := range []string{
		"name     Example Inc. (removed: no new leases)", "float    5 ATH", "0 ATH can be withdrawn", "missing  1.5 ATH", "leases   3", "of 2 customers (at most 10)",
		"3.6 USD/h", "of 7.2 USD/h", "lasts    1d 6h", "until 2026-11-02T06:00:00Z",
	} {
		require.Contains(t, out.String(), line)
	}
	line := leases.CreditLine{
		Gateway: "ath1g", Limit: math.NewInt(25_000_000), Spent: math.NewInt(5_000_000), Account: leases.Account{Tenant: "ath1c", OpenLeases: 1},
	}
	all := []leases.CreditView{{Line: line, Free: math.NewInt(19_000_000), ExhaustedAt: &at}}
	out.Reset()
	require.NoError(t, printCredits(&out, all, leases.CreditLine.Customer, false))
	require.Regexp(t, `ath1c +25 USD +5 USD +19 USD +1 +2026-11-02T06:00:00Z`, out.String())
	for _, c := range []struct {
		free    int64
		expires *time.Time
		says    string
	}{{19_000_000, nil, "-"}, {19_000_000, &at, "2026-11-02T06:00:00Z"}, {0, nil, "used up"}} { // without a lease
		line.ExpiresAt = c.expires
		out.Reset()
		require.NoError(t, printCredits(&out, []leases.CreditView{{Line: line, Free: math.NewInt(c.free)}}, leases.CreditLine.Customer, false))
		require.Regexp(t, ` USD +1 +`+c.says+`\n$`, out.String())
	}
	out.Reset()
	require.NoError(t, printCredits(&out, nil, leases.CreditLine.Customer, true))
	require.Equal(t, "[]\n", out.String())
}

// Who pays stands beside what is billed: the tenant's own balance unless somebody else is named.
func TestStatusSaysWhoPays(t *testing.T) {
	show := func(s leaseStatus) string {
		var out bytes.Buffer
		s.ID, s.Unsettled = "ath1c/1", "7"
		require.NoError(t, printStatus(&out, s))
		return out.String()
	}
	lease := leases.Lease{Tenant: "ath1c", Number: 1, Denom: "uath", PriceDenom: leases.MicroUSD, Rate: math.NewInt(3_000_000), Billed: math.NewInt(5_000)}
	require.NotContains(t, show(leaseStatus{Lease: &lease}), "paid by")
	lease.Credit = &leases.LeaseCredit{Gateway: "ath1g", Billed: math.NewInt(150)}
	require.Regexp(t, `(?m)^paid by +gateway ath1g, which has charged your credit 0\.00015 USD$`, show(leaseStatus{Lease: &lease}))
	receipt := leases.Receipt{Tenant: "ath1c", Number: 1, Denom: "uath", Billed: math.NewInt(5_000), Fee: math.NewInt(1_000), Refunded: math.ZeroInt()}
	require.NotContains(t, show(leaseStatus{Receipt: &receipt}), "paid by")
	receipt.Credit = &leases.ReceiptCredit{Gateway: "ath1g", Billed: math.NewInt(180)}
	require.Regexp(t, `(?m)^paid by +gateway ath1g, which has charged your credit 0\.00018 USD$`, show(leaseStatus{Receipt: &receipt}))
}

func TestDeployOnCredit(t *testing.T) {
	gateway := sdk.AccAddress(make([]byte, 20)).String()
	opts, err := deployFlags{gateway: gateway, failover: "ask"}.options()
	require.NoError(t, err)
	require.Equal(t, leases.MicroUSD, opts.PriceDenom)
	require.Equal(t, gateway, opts.Gateway)
	for says, o := range map[string]deployFlags{
		"want an address": {gateway: "x"},
		"offers in usd":   {gateway: gateway, priceIn: "ath"},
		"--max-price":     {gateway: gateway, maxPrice: "1ath/h"},
		"--reserved":      {gateway: gateway, reserved: true, duration: time.Hour},
		"leave them out":  {gateway: gateway, deposit: "2ath"},
	} {
		o.failover = "ask"
		_, err := o.options()
		require.ErrorContains(t, err, says)
	}
}
