// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"cosmossdk.io/math"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"pgregory.net/rapid"

	"github.com/athnet/ath/offchain/manifest"
	"github.com/athnet/ath/offchain/price"
	leases "github.com/athnet/ath/x/leases/types"
	providers "github.com/athnet/ath/x/providers/types"
)

func TestParsePrice(t *testing.T) {
	for s, want := range map[string]int64{
		"1uath/s":    1_000_000,
		"0.5ath/h":   138_888_888, // 500,000 uath / 3,600 s, rounded down
		"12ATH/d":    138_888_888,
		"3600uath/h": 1_000_000,
		"0.36usd/h":  100_000_000,
		"100musd/s":  100_000_000,
	} {
		p, err := ParsePrice(s)
		require.NoError(t, err, s)
		require.Equal(t, want, p.Rate.Int64(), s)
		require.Equal(t, strings.Contains(s, "usd"), p.Denom == leases.MicroUSD, s)
	}
	require.Equal(t, "0.36 USD/h", PriceIn(leases.MicroUSD, math.NewInt(100_000_000)))
	require.Equal(t, "0.36 ATH/h", PriceIn("uath", math.NewInt(100_000_000)))
	for _, s := range []string{"0.35usd/h", "0.1ath/h", "0.000001usd/s", "7ath/d"} {
		p, err := ParsePrice(s)
		require.NoError(t, err)
		want := map[string]string{"0.35usd/h": "0.35 USD/h", "0.1ath/h": "0.1 ATH/h", "0.000001usd/s": "0.0036 USD/h", "7ath/d": "0.291667 ATH/h"}[s]
		require.Equal(t, want, p.String(), "shown as it was written")
	}
	for _, s := range []string{"", "1", "1ath", "ath/h", "-1ath/h", "1e3ath/h", "1ath/fortnight", "1uakt/h", "1usdc/h", "usd/h", "0ath/h", "0.0000000001uath/d"} {
		_, err := ParsePrice(s)
		require.Error(t, err, s)
	}
}

func TestParseAmount(t *testing.T) {
	for s, want := range map[string]int64{"2ath": 2_000_000, "1.5ATH": 1_500_000, "7uath": 7, "0ath": 0} {
		n, err := ParseAmount(s)
		require.NoError(t, err, s)
		require.Equal(t, want, n.Int64(), s)
	}
	for _, s := range []string{"2", "2usd", "0.5uath", "1.2345678ath", "-1ath", "ath"} {
		_, err := ParseAmount(s)
		require.Error(t, err, s)
	}
	require.Equal(t, "1.5 ATH", FormatATH(math.NewInt(1_500_000)))
	require.Equal(t, "3 ATH", FormatATH(math.NewInt(3_000_000)))
	require.Equal(t, "0.000001 ATH", FormatATH(math.NewInt(1)))
}

// A deposit of what a time costs lasts that time in an account, and not a unit less.
func TestCostLasts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(1_800_000_000, 0).UTC()
		account := leases.NewAccount("t", "uath", now)
		account.Rate = math.NewInt(rapid.Int64Range(1, 1<<50).Draw(t, "rate"))
		d := time.Duration(rapid.Int64Range(1, int64(1000*time.Hour)).Draw(t, "time"))
		needed := cost(account.Rate, d)
		end, ok := account.ExhaustedAt(needed, nil)
		require.True(t, ok)
		require.False(t, end.Before(now.Add(d)), "%s costs %s and lasts until %s", d, needed, end)
		end, ok = account.ExhaustedAt(needed.SubRaw(1), nil)
		require.True(t, ok)
		require.True(t, end.Before(now.Add(d)))
	})
}

// A price in the other denom is compared at what an ATH is worth now.
func TestExchange(t *testing.T) {
	x := exchange{slope: math.NewInt(20_000_000_000_000)} // 20 uath per musd: 0.05 USD per ATH
	require.Equal(t, "2000", x.paid(leases.MicroUSD, math.NewInt(100)).String())
	require.Equal(t, "100", x.paid("uath", math.NewInt(100)).String())
	require.Equal(t, "100", x.in(leases.MicroUSD, price.Price{Denom: "uath", Rate: math.NewInt(2_019)}).String())
	require.Equal(t, "2000", x.in("uath", price.Price{Denom: leases.MicroUSD, Rate: math.NewInt(100)}).String())
}

// Who pays in a stable denom pays prices in USD one to one, and needs to know no price.
func TestExchangeAtPar(t *testing.T) {
	x := exchange{slope: math.ZeroInt(), par: true}
	require.Equal(t, "100", x.paid(leases.MicroUSD, math.NewInt(100)).String())
	require.Equal(t, "100", x.paid("ibc/27", math.NewInt(100)).String())
	require.Equal(t, "100", x.in("ibc/27", price.Price{Denom: leases.MicroUSD, Rate: math.NewInt(100)}).String())
	require.Equal(t, "0.36 USD/h", PriceIn("ibc/27", math.NewInt(100_000_000)))
	r := run{exchange: x, opts: Options{PayWith: "ibc/27"}}
	denoms, err := r.denoms()
	require.NoError(t, err)
	require.Equal(t, []string{"ibc/27", leases.MicroUSD}, denoms)
	for _, bad := range []Options{
		{PayWith: "ibc/27", PriceDenom: "uath"}, {PayWith: "ibc/27", MaxPrice: price.Price{Denom: "uath", Rate: math.OneInt()}},
	} {
		require.ErrorContains(t, bad.Validate(), "ibc/27 pays for prices in USD")
	}
	require.ErrorContains(t, Options{PayWith: "ibc/27", Granter: "ath1"}.Validate(), "grants are in ATH")
	require.NoError(t, Options{PayWith: "ibc/27", PriceDenom: leases.MicroUSD}.Validate())
}

func TestParseCoin(t *testing.T) {
	for _, c := range []struct{ text, pays, want string }{
		{"2ath", "", "2000000uath"}, {"2ath", "uath", "2000000uath"}, {"7uath", "", "7uath"}, {"0.5ath", "", "500000uath"},
		{"2usd", "ibc/27AB", "2000000ibc/27AB"}, {"0.35usd", "uusdc", "350000uusdc"}, {"12ibc/27AB", "", "12ibc/27AB"}, {" 12uusdc ", "uusdc", "12uusdc"},
	} {
		coin, err := ParseCoin(c.text, c.pays)
		require.NoError(t, err, c.text)
		require.Equal(t, c.want, coin.String(), c.text)
	}
	for _, c := range []struct{ text, pays, says string }{
		{"2usd", "", "say which stable denom"}, {"2usd", "uath", "say which stable denom"}, {"2musd", "", "say which"}, {"2ath", "uusdc", "want one in uusdc"},
		{"2uusdc", "uusdt", "want one in uusdt"}, {"0.5uath", "", "such as 2ath"}, {"0.1234567usd", "uusdc", "such as 2ath"}, {"1.5uusdc", "", "such as 2ath"},
		{"-2uusdc", "", "such as 2ath"}, {"2", "", "such as 2ath"}, {"", "", "such as 2ath"}, {"uusdc", "", "such as 2ath"}, {"2!", "", "such as 2ath"},
	} {
		_, err := ParseCoin(c.text, c.pays)
		require.ErrorContains(t, err, c.says, c.text)
	}
	require.Equal(t, "1.5 USD", FormatIn("uusdc", math.NewInt(1_500_000)))
	require.Equal(t, "1.5 ATH", FormatIn("uath", math.NewInt(1_500_000)))
}

func gpuFile(choices ...manifest.GPU) *manifest.File {
	return &manifest.File{GPUs: choices, Manifest: manifest.Manifest{Services: []manifest.Service{{Resources: manifest.Resources{GPUs: 1}}}}}
}

func TestClassesFor(t *testing.T) {
	catalogue := []providers.Class{
		{Name: "cpu", Stake: math.NewInt(1)},
		{Name: "h100-sxm-80", VramMib: 81920, Stake: math.NewInt(90)},
		{Name: "h100-pcie-80", VramMib: 81920, Stake: math.NewInt(80)},
		{Name: "a100-80", VramMib: 81920, Stake: math.NewInt(50)},
		{Name: "rtx4090", VramMib: 24576, Stake: math.NewInt(10)},
	}
	for _, tc := range []struct {
		name string
		gpu  manifest.GPU
		want []string
	}{
		{"any", manifest.GPU{Vendor: "nvidia"}, []string{"rtx4090", "a100-80", "h100-pcie-80", "h100-sxm-80"}},
		{"model", manifest.GPU{Model: "h100"}, []string{"h100-pcie-80", "h100-sxm-80"}},
		{"model and interface", manifest.GPU{Model: "h100", Interface: "sxm"}, []string{"h100-sxm-80"}},
		{"interface with a generation", manifest.GPU{Model: "h100", Interface: "SXM5"}, []string{"h100-sxm-80"}},
		{"spelling", manifest.GPU{Model: "RTX 4090"}, []string{"rtx4090"}},
		{"memory", manifest.GPU{VRAMMiB: 80 << 10}, []string{"a100-80", "h100-pcie-80", "h100-sxm-80"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := ClassesFor(gpuFile(tc.gpu), catalogue)
			require.NoError(t, err)
			require.Equal(t, tc.want, got)
		})
	}
	_, err := ClassesFor(gpuFile(manifest.GPU{Vendor: "nvidia", Model: "h900"}), catalogue)
	require.EqualError(t, err, "no class of the catalogue is nvidia h900; choose one by --class; there are a100-80, h100-pcie-80, h100-sxm-80, rtx4090")
	got, err := ClassesFor(&manifest.File{}, nil)
	require.NoError(t, err)
	require.Equal(t, []string{"cpu"}, got)
}

func TestRequirementSumsServices(t *testing.T) {
	m := manifest.Manifest{Services: []manifest.Service{
		{Resources: manifest.Resources{CPUMilli: 500, MemoryMiB: 100, DiskMiB: 10, GPUs: 1, GPUVRAMMiB: 8}},
		{Resources: manifest.Resources{CPUMilli: 250, MemoryMiB: 50, DiskMiB: 5, GPUs: 2, GPUVRAMMiB: 16}},
	}}
	require.Equal(t, leases.Requirement{Class: "c", Region: "r", Count: 3, VramMib: 16, CpuMilli: 750, MemoryMib: 150, DiskMib: 15},
		Requirement(m, "c", "r"))
}

// market answers Match by a predicate on the request.
type market struct {
	grpc.ClientConnInterface
	fits func(*leases.QueryMatchRequest) bool
}

func (m market) Invoke(_ context.Context, _ string, in, out any, _ ...grpc.CallOption) error {
	if m.fits(in.(*leases.QueryMatchRequest)) {
		out.(*leases.QueryMatchResponse).Offers = []leases.Offer{{ContainerId: 7, Rate: math.NewInt(2_000_000)}}
	}
	return nil
}

func TestAnEmptyAnswerNamesTheDimension(t *testing.T) {
	q := Query{MaxRate: math.NewInt(1_000_000), Requirement: leases.Requirement{Class: "cpu", Region: "eu", CpuMilli: 4000, MemoryMib: 1024, Count: 2}}
	for _, tc := range []struct {
		want string
		fits func(*leases.QueryMatchRequest) bool
	}{
		{"no free Container of class cpu has price at most 0.0036 ATH/h: no free Container fits; without that the cheapest is Container 7 for 0.0072 ATH/h",
			func(r *leases.QueryMatchRequest) bool { return !r.MaxRate.IsPositive() }},
		{"has region eu", func(r *leases.QueryMatchRequest) bool { return r.Requirement.Region == "" }},
		{"has cpu 4000m", func(r *leases.QueryMatchRequest) bool { return r.Requirement.CpuMilli == 0 }},
		{"has memory 1024 MiB", func(r *leases.QueryMatchRequest) bool { return r.Requirement.MemoryMib == 0 }},
		{"has count 2", func(r *leases.QueryMatchRequest) bool { return r.Requirement.Count == 0 }},
		{"has all of what the file asks for together", func(r *leases.QueryMatchRequest) bool { return r.Requirement == leases.Requirement{Class: "cpu"} }},
		{"no Container of class cpu is free", func(*leases.QueryMatchRequest) bool { return false }},
	} {
		_, err := chainMarket{market{fits: tc.fits}}.Find(context.Background(), q)
		require.ErrorIs(t, err, ErrNoMatch)
		require.ErrorContains(t, err, tc.want)
	}
}

func TestClock(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	require.NoError(t, checkClock(now, now.Add(-time.Second), time.Minute))
	require.NoError(t, checkClock(now, now.Add(10*time.Second), time.Minute))
	require.ErrorContains(t, checkClock(now, now.Add(time.Minute), time.Minute), "this machine's clock is 1m0s behind the network's; set it")
	require.ErrorContains(t, checkClock(now, now.Add(-time.Hour), time.Minute), "latest block is 1h0m0s old")
	var p *Problem
	require.True(t, errors.As(checkClock(now, now.Add(-time.Hour), time.Minute), &p))
}
