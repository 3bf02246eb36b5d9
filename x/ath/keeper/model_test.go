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
	// returned are the penalties of every pool, staked what was delegated.
	returned map[types.Pool]int64
	staked   int64
	// spent is what governance paid to the winner of a grant.
	spent int64
}

var winner = user(98)

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
		"claim and exit":  func(t *rapid.T) { m.claimAndExit(t, anyUser.Draw(t, "user")) },
		"exit":            func(t *rapid.T) { m.exit(t, anyUser.Draw(t, "user"), rapid.Int64Range(0, 50_000).Draw(t, "most")) },
		"withdraw income": func(t *rapid.T) { m.withdraw(t, anyUser.Draw(t, "user"), rapid.Bool().Draw(t, "stake")) },
		"bonus": func(t *rapid.T) {
			i, change := anyUser.Draw(t, "checker"), rapid.Int64Range(-20, 20).Draw(t, "change")
			m.run(t, true, func(ctx sdk.Context) error { return k.ChangeBonus(ctx, user(i), math.NewInt(change)) })
		},
		"spend": func(t *rapid.T) {
			source, row := types.SpendSource_SPEND_SOURCE_GRANTS, types.PoolRow(types.Pool_POOL_GRANTS)
			amount := anyAmount.Draw(t, "amount") * 1_000_000_000
			if rapid.Bool().Draw(t, "treasury") {
				source, row, amount = types.SpendSource_SPEND_SOURCE_TREASURY, types.TreasuryRow(types.Denom), amount/1_000_000_000
			}
			held := m.f.row(row)
			ok := held >= amount
			m.run(t, ok, func(ctx sdk.Context) error { return k.Spend(ctx, source, winner, coin(types.Denom, amount)) })
			if ok {
				held, m.spent = held-amount, m.spent+amount
			}
			require.Equal(t, held, m.f.row(row))
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
		"parameters": m.changeParams,
		"next block": func(t *rapid.T) {
			m.f.close()
			m.f.open(time.Duration(rapid.Int64Range(0, int64(3*time.Minute)).Draw(t, "after")))
		},
		"": func(t *rapid.T) {
			for row, want := range m.rows {
				require.Equal(t, want, m.f.row(row), row)
			}
			params, err := k.Params(m.f.ctx)
			require.NoError(t, err)
			require.Equal(t, m.f.params, params)
		},
	}
}

// changeParams sends parameters of which some are not valid, now and then in somebody else's name than governance's.
func (m *model) changeParams(t *rapid.T) {
	ppm := func(name string, most uint32) uint32 { return rapid.Uint32Range(0, most).Draw(t, name) }
	minutes := func(name string, most int) time.Duration {
		return time.Duration(rapid.IntRange(0, most).Draw(t, name)) * time.Minute
	}
	p, authority := m.f.params, m.f.k.authority
	switch rapid.SampledFrom([]string{"epochs", "fee", "split", "emission", "vesting", "exits", "stranger"}).Draw(t, "what") {
	case "epochs":
		p.EpochDuration, p.VerdictHorizonEpochs = minutes("epoch", 3), rapid.Uint64Range(0, 4).Draw(t, "horizon")
		p.BonusEpochs = rapid.Uint64Range(0, 5).Draw(t, "quarter")
	case "fee":
		p.ServiceFeePpm = ppm("service fee", types.MaxServiceFeePPM+1)
	case "split":
		stakers := ppm("stakers", types.PPM)
		p.FeeSplit = types.FeeSplit{StakersPpm: stakers, BurnPpm: types.PPM - stakers}
		p.KappaDeliveryPpm, p.KappaIndexerPpm = ppm("delivery", types.PPM/2), ppm("indexer", types.PPM/2)
	case "emission":
		p.CapacityPpm, p.IndexerGrantsPpm, p.IndexerPpm = ppm("capacity", types.PPM), ppm("grants", types.PPM), ppm("indexers", types.PPM)
	case "vesting":
		p.FeeVesting = minutes("fees", 30)
		p.RewardVesting = []types.Tranche{{Ppm: 500_000}, {Delay: minutes("rewards", 30), Ppm: 500_000}}
		p.CheckerVesting = []types.Tranche{{Delay: minutes("checker", 30), Ppm: types.PPM}}
	case "exits":
		p.RewardExits = []types.ExitOption{{Delay: minutes("delay", 8), PenaltyPpm: ppm("penalty", types.PPM)}}
		p.FeeExits, p.CheckerExits = p.RewardExits, p.RewardExits
	case "stranger":
		authority = bech(user(0))
	}
	m.run(t, authority == m.f.k.authority && p.Validate() == nil, func(ctx sdk.Context) error {
		_, err := m.f.msgs.UpdateParams(ctx, &types.MsgUpdateParams{Authority: authority, Params: p})
		if err == nil {
			m.f.params = p
		}
		return err
	})
}

// exits runs a transaction that may find nothing to exit, and books what left in the model.
func (m *model) exits(t *rapid.T, i int, ledger types.Ledger, option types.ExitOption, run func(ctx sdk.Context) (amount, penalty math.Int, err error)) {
	var amount, penalty math.Int
	m.tx++
	err := m.f.tx(m.tx, func(ctx sdk.Context) (err error) {
		amount, penalty, err = run(ctx)
		return err
	})
	if err != nil {
		require.ErrorIs(t, err, types.ErrNothingToExit)
		return
	}
	m.returned[ledger.ReturnPool()] += penalty.Int64()
	if pays := amount.Sub(penalty).Int64(); pays > 0 {
		m.rows[types.ExitingRow(bech(user(i)), types.RipeBucket(m.f.now, option.Delay), types.Denom)] += pays
	}
}

func (m *model) option(t *rapid.T, ledgers []types.Ledger) (types.Ledger, types.ExitOption) {
	ledger := rapid.SampledFrom(ledgers).Draw(t, "ledger")
	return ledger, rapid.SampledFrom(m.f.params.Exits(ledger)).Draw(t, "option")
}

func (m *model) exit(t *rapid.T, i int, most int64) {
	ledger, option := m.option(t, types.Ledgers())
	m.exits(t, i, ledger, option, func(ctx sdk.Context) (math.Int, math.Int, error) {
		res, err := m.f.msgs.Exit(ctx, &types.MsgExit{
			Beneficiary: bech(user(i)), Ledger: ledger, Delay: option.Delay, PenaltyPpm: option.PenaltyPpm, MaxAmount: math.NewInt(most),
		})
		if err != nil {
			return math.Int{}, math.Int{}, err
		}
		return res.Amount, res.Penalty, nil
	})
}

func (m *model) claimAndExit(t *rapid.T, i int) {
	ledger, option := m.option(t, types.ClaimableLedgers())
	m.exits(t, i, ledger, option, func(ctx sdk.Context) (math.Int, math.Int, error) {
		res, err := m.f.msgs.Claim(ctx, &types.MsgClaim{
			Signer: bech(user(i)), Exits: []types.ClaimExit{{Ledger: ledger, Delay: option.Delay, PenaltyPpm: option.PenaltyPpm}},
		})
		if err != nil {
			return math.Int{}, math.Int{}, err
		}
		return res.Exited, res.Penalty, nil
	})
}

// withdraw pays what is ripe; the rows of early exits are in the model.
func (m *model) withdraw(t *rapid.T, i int, stake bool) {
	msg := types.MsgWithdraw{Signer: bech(user(i))}
	if stake {
		msg.Stake = "valoper"
	}
	m.run(t, true, func(ctx sdk.Context) error {
		res, err := m.f.msgs.Withdraw(ctx, &msg)
		if err == nil {
			m.staked += res.Staked.Int64()
			require.False(t, res.More)
		}
		return err
	})
	for row := range m.rows {
		if row.Kind == types.RowKind_ROW_KIND_EXITING && row.Owner == bech(user(i)) && int64(row.Bucket) <= m.f.now.Unix() {
			m.rows[row] = 0
		}
	}
}

// Whatever users do and in whatever order, their rows are what a plain map says, no coin appears or vanishes, and the
// chain that starts from an export has the same state.
func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := newFixture(t, shortParams())
		m := &model{f: f, rows: make(map[types.Row]int64), returned: make(map[types.Pool]int64)}
		f.open(time.Second)
		t.Repeat(m.actions())
		f.close()
		for _, pool := range types.Pools() {
			require.Equal(t, m.returned[pool], f.pool(pool).Returned.Int64(), pool)
		}
		require.Equal(t, m.staked, f.balance(bonded, types.Denom))
		require.Equal(t, m.spent, f.balance(winner, types.Denom))
		minted, err := f.k.minted.Get(f.ctx)
		require.NoError(t, err)
		burnt, err := f.k.burnt.Get(f.ctx)
		require.NoError(t, err)
		require.Equal(t, minted.Sub(burnt).String(), f.bank.GetSupply(f.ctx, types.Denom).Amount.String())
		requireSameExport(t, f, f.reload(t))
	})
}

// Who claims when, and who exits in between, changes what anybody has in the end by dust: one chain settles its accounts all
// the time, one only at the end.
func TestWhenSomebodyClaimsChangesDustOnly(t *testing.T) {
	ledger := types.Ledger_LEDGER_CHECKER
	rapid.Check(t, func(t *rapid.T) {
		params := shortParams()
		params.CheckerVesting = []types.Tranche{{Delay: time.Hour, Ppm: types.PPM}} // nothing ripens meanwhile
		often, late := newFixture(t, params), newFixture(t, params)
		chains := []*fixture{often, late}
		bothDo := func(txs ...func(f *fixture) func(sdk.Context) error) {
			for _, f := range chains {
				f.open(time.Second)
				for i, tx := range txs {
					require.NoError(t, f.tx(i, tx(f)))
				}
				f.close()
			}
		}
		for i := range 3 { // something that can exit, the same on both
			bothDo(func(f *fixture) func(sdk.Context) error { return f.owe(user(i), ledger, 5_000_000) },
				func(f *fixture) func(sdk.Context) error { return claim(f, user(i), nil) })
		}
		epochs := rapid.IntRange(1, 12).Draw(t, "epochs")
		exited := [3]int64{}
		for range epochs {
			for i := range 3 {
				weight, exits := rapid.Int64Range(1, 9).Draw(t, "weight"), rapid.IntRange(0, 3).Draw(t, "exits") == 0
				bothDo(func(f *fixture) func(sdk.Context) error { return f.checked(user(i), weight) })
				if exits && exited[i] < 4_000_000 {
					exited[i] += 1_000_000
					bothDo(func(f *fixture) func(sdk.Context) error {
						return f.exit(user(i), ledger, 2*time.Minute, 750_000, 1_000_000, nil)
					})
				}
				if rapid.Bool().Draw(t, "claims") {
					often.block(0, claim(often, user(i), nil))
				}
			}
			often.nextEpoch()
			late.nextEpoch()
		}
		for range 4 {
			often.nextEpoch()
			late.nextEpoch()
		}
		for i := range 3 {
			bothDo(func(f *fixture) func(sdk.Context) error { return claim(f, user(i), nil) })
			require.Equal(t, late.income(user(i), ledger), often.income(user(i), ledger), "user %d", i)
		}
	})
}

// income is all that a ledger ever brought somebody that has not been withdrawn.
func (f *fixture) income(who sdk.AccAddress, ledger types.Ledger) int64 {
	sum := f.vesting(who, ledger)
	for _, balance := range export(f.t, f).Rows {
		if balance.Row.Kind == types.RowKind_ROW_KIND_EXITING && balance.Row.Owner == bech(who) {
			sum += balance.Amount.Int64()
		}
	}
	return sum
}
