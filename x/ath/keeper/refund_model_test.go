// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/ath/types"
)

// refunds is who was paid and gave back what, of each denom.
type refunds struct {
	f    *fixture
	left map[string]map[int]int64 // denom → provider → paid and not given back
}

// belongs is what a provider has of a denom that a refund could take: income that vests, and its part of the fees that wait.
func (r *refunds) belongs(provider int, denom string) int64 {
	sum := math.ZeroInt()
	require.NoError(r.f.t, r.f.k.rows.Walk(r.f.ctx, ownerRange(types.RowKind_ROW_KIND_VESTING_FEES, user(provider)), func(key rowKey, amount math.Int) (bool, error) {
		if key.K4() == denom {
			sum = sum.Add(amount)
		}
		return false, nil
	}))
	epoch, err := r.f.k.Epoch(r.f.ctx)
	require.NoError(r.f.t, err)
	closed, err := r.f.k.closedEpoch.Get(r.f.ctx)
	require.NoError(r.f.t, err)
	for number := closed + 1; number <= epoch.Number; number++ {
		fee, err := r.f.k.feeEarned(r.f.ctx, user(provider), denom, number)
		require.NoError(r.f.t, err)
		sum = sum.Add(fee)
	}
	return sum.Int64()
}

// TestRefundModel: whatever is paid in which denom, refunded and distributed in whichever order, no provider gives back more than it was paid, no
// other's part moves, the other denom stays, and all invariants hold after every block.
func TestRefundModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := newFixture(t, shortParams())
		r := &refunds{f: f, left: map[string]map[int]int64{types.Denom: {}, usd: {}}}
		tenant := user(0)
		f.block(time.Second, deposit(f.k, tenant, prepaid(tenant, types.Denom), 1_000_000), deposit(f.k, tenant, prepaid(tenant, usd), 1_000_000))
		draw := func(t *rapid.T) (string, int, int64) {
			return rapid.SampledFrom([]string{types.Denom, usd}).Draw(t, "denom"), rapid.IntRange(1, 3).Draw(t, "provider"), rapid.Int64Range(1, 9_000).Draw(t, "amount")
		}
		t.Repeat(map[string]func(*rapid.T){
			"pay": func(t *rapid.T) {
				denom, provider, amount := draw(t)
				f.block(time.Second, pay(f.k, prepaid(tenant, denom), user(provider), user(4), amount))
				r.left[denom][provider] += amount
			},
			"refund": func(t *rapid.T) {
				denom, provider, amount := draw(t)
				type at struct {
					provider int
					denom    string
				}
				before := map[at]int64{}
				for p := 1; p <= 3; p++ {
					for d := range r.left {
						before[at{p, d}] = r.belongs(p, d)
					}
				}
				row := prepaid(tenant, denom)
				held, got := f.row(row), int64(0)
				f.open(time.Second)
				require.NoError(t, f.tx(0, func(ctx sdk.Context) error {
					refunded, err := f.k.Refund(ctx, user(provider), user(4), row, math.NewInt(amount))
					got = refunded.Int64()
					return err
				}))
				for p := 1; p <= 3; p++ {
					for d := range r.left {
						want := before[at{p, d}]
						if p == provider && d == denom {
							want -= got
						}
						require.Equal(t, want, r.belongs(p, d), "provider %d, %s", p, d)
					}
				}
				f.close()
				require.Equal(t, held+got, f.row(row))
				require.LessOrEqual(t, got, amount)
				r.left[denom][provider] -= got
				require.GreaterOrEqual(t, r.left[denom][provider], int64(0), "gave back more than it was paid")
			},
			"epoch": func(*rapid.T) { f.nextEpoch() },
			"entries are few": func(t *rapid.T) {
				closed, err := f.k.closedEpoch.Get(f.ctx)
				require.NoError(t, err)
				perProvider := map[string]int{}
				require.NoError(t, f.k.providerFees.Walk(f.ctx, nil, func(key collections.Triple[[]byte, string, uint64], _ math.Int) (bool, error) {
					perProvider[string(key.K1())]++
					return false, nil
				}))
				for _, n := range perProvider {
					require.LessOrEqual(t, n, 2*int(f.params.VerdictHorizonEpochs)+2, "closed up to %d", closed)
				}
			},
		})
	})
}
