// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/ath/types"
)

// model is the vault as a plain map, beside the real one: what every user has in its prepaid and stake rows, and what all
// users have together inside and outside.
type model struct {
	f     *fixture
	rows  map[types.Row]int64
	round uint64
	tx    int
}

func (m *model) prepaid(i int) types.Row { return prepaid(user(i), types.Denom) }

func (m *model) stake(i int) types.Row {
	return types.Row{Kind: types.RowKind_ROW_KIND_STAKE, Owner: bech(user(i)), Bucket: 3, Denom: types.Denom}
}

// run plays a transaction in the open block; it must succeed exactly if the model says so.
func (m *model) run(t *rapid.T, want bool, tx func(ctx sdk.Context) error) {
	m.tx++
	err := m.f.tx(m.tx, tx)
	require.Equal(t, want, err == nil, "%v", err)
}

func (m *model) actions() map[string]func(*rapid.T) {
	k := m.f.k
	anyUser, anyAmount := rapid.IntRange(0, 4), rapid.Int64Range(1, 50_000)
	return map[string]func(*rapid.T){
		"deposit": func(t *rapid.T) {
			i, amount := anyUser.Draw(t, "user"), anyAmount.Draw(t, "amount")
			m.run(t, true, deposit(k, user(i), m.prepaid(i), amount))
			m.rows[m.prepaid(i)] += amount
		},
		"withdraw": func(t *rapid.T) {
			i, amount := anyUser.Draw(t, "user"), anyAmount.Draw(t, "amount")
			ok := m.rows[m.prepaid(i)] >= amount
			m.run(t, ok, func(ctx sdk.Context) error { return k.Withdraw(ctx, m.prepaid(i), user(i), math.NewInt(amount)) })
			if ok {
				m.rows[m.prepaid(i)] -= amount
			}
		},
		"move": func(t *rapid.T) {
			i, amount := anyUser.Draw(t, "user"), anyAmount.Draw(t, "amount")
			from, to := m.prepaid(i), m.stake(i)
			if rapid.Bool().Draw(t, "back") {
				from, to = to, from
			}
			ok := m.rows[from] >= amount
			m.run(t, ok, func(ctx sdk.Context) error { return k.Move(ctx, from, to, math.NewInt(amount)) })
			if ok {
				m.rows[from] -= amount
				m.rows[to] += amount
			}
		},
		"pay": func(t *rapid.T) {
			i, amount := anyUser.Draw(t, "tenant"), anyAmount.Draw(t, "amount")
			provider, indexer := user(anyUser.Draw(t, "provider")), user(anyUser.Draw(t, "indexer"))
			ok := m.rows[m.prepaid(i)] >= amount
			m.run(t, ok, pay(k, m.prepaid(i), provider, indexer, amount))
			if ok {
				m.rows[m.prepaid(i)] -= amount
			}
		},
		"weight": func(t *rapid.T) {
			i, weight := anyUser.Draw(t, "checker"), anyAmount.Draw(t, "weight")
			m.run(t, true, func(ctx sdk.Context) error {
				return k.AddWeight(ctx, types.Pool_POOL_CHECKER_BASE, user(i), math.NewInt(weight))
			})
		},
		"position": func(t *rapid.T) {
			i, weight := anyUser.Draw(t, "holder"), rapid.Int64Range(0, 1_000).Draw(t, "weight")
			m.run(t, true, m.f.position(uint64(i), user(i), weight))
		},
		"remove": func(t *rapid.T) {
			i := anyUser.Draw(t, "holder")
			m.run(t, true, func(ctx sdk.Context) error { return k.RemovePosition(ctx, uint64(i)) })
		},
		"round": func(t *rapid.T) {
			m.round++
			round := m.round
			require.NoError(t, k.MarkRound(m.f.ctx, round))
			if rapid.Bool().Draw(t, "skip") {
				require.NoError(t, k.Skip(m.f.ctx, uint64(anyUser.Draw(t, "holder")), round))
			}
			if rapid.Bool().Draw(t, "confirmed") {
				require.NoError(t, k.Confirm(m.f.ctx, 0, round))
			}
		},
		"claim": func(t *rapid.T) {
			i := anyUser.Draw(t, "user")
			m.run(t, true, claim(m.f, user(i), nil))
		},
		"withdraw income": func(t *rapid.T) {
			i := anyUser.Draw(t, "user")
			m.run(t, true, func(ctx sdk.Context) error {
				_, _, err := k.WithdrawIncome(ctx, user(i))
				return err
			})
		},
		"beacon key": func(t *rapid.T) {
			i, name := rapid.IntRange(0, 2).Draw(t, "validator"), rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "key")
			operator, tx := sdk.ValAddress(user(i)), m.f.setKey(i, beaconSecret(t, name))
			if rapid.IntRange(0, 3).Draw(t, "removed") == 0 {
				tx = func(ctx sdk.Context) error { return k.dropBeaconKey(ctx, operator) }
			}
			m.tx++
			if err := m.f.tx(m.tx, tx); err != nil {
				require.ErrorContains(t, err, "beacon key") // known, or another's
			}
		},
		"next block": func(t *rapid.T) {
			m.f.close()
			m.f.open(time.Duration(rapid.Int64Range(0, int64(3*time.Minute)).Draw(t, "after")))
		},
		"": func(t *rapid.T) {
			for row, want := range m.rows {
				require.Equal(t, want, m.f.row(row), row)
			}
		},
	}
}

// Whatever users do and in whatever order, their rows are what a plain map says, no coin appears or vanishes, and the
// chain that starts from an export has the same state.
func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := newFixture(t, shortParams())
		m := &model{f: f, rows: make(map[types.Row]int64)}
		f.open(time.Second)
		t.Repeat(m.actions())
		f.close()
		minted, err := f.k.minted.Get(f.ctx)
		require.NoError(t, err)
		burnt, err := f.k.burnt.Get(f.ctx)
		require.NoError(t, err)
		require.Equal(t, minted.Sub(burnt).String(), f.bank.GetSupply(f.ctx, types.Denom).Amount.String())
		requireSameExport(t, f, f.reload(t))
	})
}
