// SPDX-License-Identifier: Apache-2.0

package adversary

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"

	"github.com/athnet/ath/testutil/gen"
	athtypes "github.com/athnet/ath/x/ath/types"
	leasestypes "github.com/athnet/ath/x/leases/types"
)

// rollover is after how many epochs a penalty has been offered in full.
const rollover = athtypes.RolloverEpochs

// party is somebody with several accounts. Income that vests in one of them leaves early, and the others hold weight in the
// pool to which the penalty goes.
type party struct {
	*world
	accounts []gen.Account
	// penalty is all that the party paid for leaving early, first what its first account paid of it.
	penalty, first math.Int
}

func newParty(w *world, names ...string) *party {
	p := &party{world: w, penalty: math.ZeroInt(), first: math.ZeroInt()}
	for _, name := range names {
		p.accounts = append(p.accounts, gen.NewAccount(name))
	}
	return p
}

// fork is the same party on a copy of its world, which itself must not go on: the copy reads through to it.
func (p *party) fork() *party {
	w := *p.world
	w.ctx, _ = p.ctx.CacheContext()
	return &party{world: &w, accounts: p.accounts, penalty: p.penalty, first: p.first}
}

func (p *party) pays(who gen.Account, penalty math.Int) {
	p.penalty = p.penalty.Add(penalty)
	if who.Name == p.accounts[0].Name {
		p.first = p.first.Add(penalty)
	}
}

// worth is all that accounts have outside of the vault and in rows of it, ripe or not, at its full value.
func (w *world) worth(accounts ...gen.Account) math.Int {
	state, err := w.Ath.ExportGenesis(w.ctx)
	require.NoError(w.t, err)
	sum := math.ZeroInt()
	for _, a := range accounts {
		sum = sum.Add(w.Bank.GetBalance(w.ctx, a.Address(), athtypes.Denom).Amount)
		for _, r := range state.Rows {
			if r.Row.Owner == a.String() && r.Row.Denom == athtypes.Denom {
				sum = sum.Add(r.Amount)
			}
		}
	}
	return sum
}

// vest gives an account income of a ledger that vests for a year.
func (w *world) vest(who gen.Account, ledger athtypes.Ledger, amount int64) {
	ripe := uint64(w.ctx.BlockTime().Add(athtypes.MaxVestingDelay).Unix())
	w.give(athtypes.Row{Kind: ledger.VestingKind(), Owner: who.String(), Bucket: ripe, Denom: athtypes.Denom}, amount)
}

// exit takes up to an amount out of an account's ledger and notes the penalty, if there is something that can leave.
func (p *party) exit(who gen.Account, ledger athtypes.Ledger, most math.Int) {
	params, err := p.Ath.Params(p.ctx)
	require.NoError(p.t, err)
	option := params.Exits(ledger)[0]
	msg := &athtypes.MsgExit{Beneficiary: who.String(), Ledger: ledger, Delay: option.Delay, PenaltyPpm: option.PenaltyPpm, MaxAmount: most}
	cached, write := p.ctx.CacheContext()
	res, err := p.MsgServiceRouter().Handler(msg)(cached, msg)
	if err != nil {
		require.ErrorIs(p.t, err, athtypes.ErrNothingToExit)
		return
	}
	write()
	var out athtypes.MsgExitResponse
	require.NoError(p.t, out.Unmarshal(res.Data))
	require.True(p.t, out.Penalty.IsPositive())
	p.pays(who, out.Penalty)
}

// claim settles an account's pools; with exit, what they brought leaves early in the same message.
func (p *party) claim(who gen.Account, ledger athtypes.Ledger, exit bool) {
	msg := &athtypes.MsgClaim{Signer: who.String(), Ledgers: []athtypes.Ledger{ledger}}
	if exit {
		params, err := p.Ath.Params(p.ctx)
		require.NoError(p.t, err)
		option := params.Exits(ledger)[0]
		msg.Exits = []athtypes.ClaimExit{{Ledger: ledger, Delay: option.Delay, PenaltyPpm: option.PenaltyPpm}}
	}
	cached, write := p.ctx.CacheContext()
	res, err := p.MsgServiceRouter().Handler(msg)(cached, msg)
	if err != nil {
		require.True(p.t, exit, "%v", err)
		require.ErrorIs(p.t, err, athtypes.ErrNothingToExit)
		return
	}
	write()
	var out athtypes.MsgClaimResponse
	require.NoError(p.t, out.Unmarshal(res.Data))
	p.pays(who, out.Penalty)
}

// exitsCost are parameters under which everything that vests can leave at this penalty, at once.
func exitsCost(p athtypes.Params, penalty uint32) athtypes.Params {
	exits := []athtypes.ExitOption{{Delay: time.Second, PenaltyPpm: penalty}}
	p.MinExitDelay, p.RewardExits, p.FeeExits, p.CheckerExits = time.Second, exits, exits, exits
	vesting := []athtypes.Tranche{{Delay: athtypes.MaxVestingDelay, Ppm: athtypes.PPM}}
	p.FeeVesting, p.RewardVesting, p.CheckerVesting = athtypes.MaxVestingDelay, vesting, vesting
	return p
}

// emptyPools leaves the pools that are limited by kappa nothing but returned penalties, so that all of kappa is left for them.
func emptyPools(p *athtypes.Params) { p.CapacityPpm, p.IndexerGrantsPpm = athtypes.PPM, 0 }

// buyBack plays a party that is tenant, provider, Indexer and the only staker: accounts of it leave early, and its own lease
// buys weight in the pools until every penalty has been offered again. step may do more in each epoch. The party loses
// every penalty in full, and 5% of the fee that bought the weight.
func (p *party) buyBack(params athtypes.Params, epochs int, step func(epoch int)) {
	pause := params.EpochDuration/2 + 1
	stakers := authtypes.NewModuleAddress(authtypes.FeeCollectorName)
	has := func() math.Int {
		return p.worth(p.accounts...).Add(p.Bank.GetBalance(p.ctx, stakers, athtypes.Denom).Amount)
	}
	before := has()
	id, settlements := p.rent(), int64(0)
	for epoch := range epochs {
		step(epoch)
		p.block(pause) // every second block is the last of its epoch
		require.NoError(p.t, p.send(&leasestypes.MsgSettle{Signer: p.tenant.String(), LeaseIds: []string{id}}))
		settlements++
		p.block(pause)
	}
	require.NoError(p.t, p.send(&leasestypes.MsgCloseLease{Signer: p.tenant.String(), LeaseId: id}))
	for range params.VerdictHorizonEpochs + 2 {
		p.block(params.EpochDuration)
	}
	for _, who := range p.accounts {
		for _, ledger := range athtypes.ClaimableLedgers() {
			p.claim(who, ledger, false)
		}
	}
	p.block(time.Second)
	paid := p.receipt(id).Billed
	fee := math.MaxInt(math.ZeroInt(), params.ServiceFeeRoundedDown(paid).SubRaw(settlements+1)) // each settlement rounds for itself
	least := p.penalty.Add(athtypes.PartRoundedDown(fee, athtypes.MinSelfDealingLossPPM))
	lost := before.Sub(has())
	require.True(p.t, lost.GTE(least), "paid %s, fee %s, penalties %s: lost %s, at least %s: %+v", paid, fee, p.penalty, lost, least, params)
}

// spent is how much of the penalties that came back to a pool was given away.
func (w *world) spent(pool athtypes.Pool) math.Int {
	state, err := w.Ath.ExportGenesis(w.ctx)
	require.NoError(w.t, err)
	for _, s := range state.Pools {
		if s.Pool == pool {
			return s.ReturnedSpent
		}
	}
	return math.ZeroInt()
}

// TestBuyingBackOnesPenaltyLosesAtEveryBound: the bounds of everything that has to do with it: the lowest and the highest
// penalty, the shortest and the longest horizon, and kappa and the stakers' part as far as they may go in each direction.
func TestBuyingBackOnesPenaltyLosesAtEveryBound(t *testing.T) {
	c := dealerChain(t, emptyPools)
	const most = athtypes.PPM - athtypes.MinSelfDealingLossPPM
	for _, penalty := range []uint32{1, 999_999} {
		for _, horizon := range []uint64{1, athtypes.MaxVerdictHorizonEpochs} {
			for _, back := range []struct{ stakers, delivery, indexer uint32 }{{0, most, 0}, {0, 0, most}, {most, 0, 0}, {most / 2, most / 4, most / 4}} {
				t.Run(fmt.Sprintf("penalty %d, horizon %d, back %v", penalty, horizon, back), func(t *testing.T) {
					p := newParty(branch(t, c), "owner", "tenant", "second")
					p.market()
					params := exitsCost(athtypes.DefaultParams(), penalty)
					emptyPools(&params)
					params.EpochDuration, params.VerdictHorizonEpochs, params.ServiceFeePpm = time.Minute, horizon, athtypes.MaxServiceFeePPM
					params.FeeSplit = athtypes.FeeSplit{StakersPpm: back.stakers, BurnPpm: athtypes.PPM - back.stakers}
					params.KappaDeliveryPpm, params.KappaIndexerPpm = back.delivery, back.indexer
					p.govern(params)
					second := p.accounts[2]
					for _, ledger := range []athtypes.Ledger{athtypes.Ledger_LEDGER_FEES, athtypes.Ledger_LEDGER_INDEXER} {
						p.vest(second, ledger, 100_000_000)
					}
					p.block(time.Minute)
					p.buyBack(params, rollover+int(horizon), func(epoch int) {
						if epoch == 0 {
							p.exit(second, athtypes.Ledger_LEDGER_FEES, math.ZeroInt())
							p.exit(second, athtypes.Ledger_LEDGER_INDEXER, math.ZeroInt())
						}
					})
					require.Equal(t, back.delivery > 0, p.spent(athtypes.Pool_POOL_DELIVERY).IsPositive(), "the party does win of it")
					require.Equal(t, back.indexer > 0, p.spent(athtypes.Pool_POOL_INDEXER).IsPositive())
				})
			}
		}
	}
}

// TestBuyingBackOnesPenaltyLosesAtEverySetting: the same at parameters between the bounds, with exits of any account and
// ledger at any time, of income that a penalty brought too, with claims before and after them.
func TestBuyingBackOnesPenaltyLosesAtEverySetting(t *testing.T) {
	c := dealerChain(t, emptyPools)
	rapid.Check(t, func(rt *rapid.T) {
		p := newParty(branch(rt, c), "owner", "tenant", "second")
		p.market()
		params := exitsCost(allowedParams(rt, ""), rapid.Uint32Range(1, athtypes.PPM-1).Draw(rt, "penalty"))
		if rapid.Bool().Draw(rt, "empty pools") {
			emptyPools(&params)
		}
		p.govern(params)
		anyone, ledgers := rapid.SampledFrom(p.accounts), rapid.SampledFrom(athtypes.Ledgers())
		for range rapid.IntRange(1, 4).Draw(rt, "incomes") {
			p.vest(anyone.Draw(rt, "who"), ledgers.Draw(rt, "of"), rapid.Int64Range(1, 2_000_000_000).Draw(rt, "income"))
		}
		p.block(params.EpochDuration)
		p.buyBack(params, rapid.IntRange(1, 30).Draw(rt, "epochs"), func(int) {
			switch rapid.IntRange(0, 3).Draw(rt, "what") {
			case 0:
				p.exit(anyone.Draw(rt, "exits"), ledgers.Draw(rt, "from"), math.NewInt(rapid.Int64Range(0, 1_000_000_000).Draw(rt, "most")))
			case 1:
				p.claim(anyone.Draw(rt, "claims"), rapid.SampledFrom(athtypes.ClaimableLedgers()).Draw(rt, "ledger"), rapid.Bool().Draw(rt, "and exits"))
			}
		})
	})
}

// crowd is a party of two accounts beside somebody honest, all with weight in one pool.
type crowd struct {
	*party
	honest  gen.Account
	ledger  athtypes.Ledger
	weights [][3]int64 // of every epoch: the party's two, and the honest one's
}

// epoch gives everybody the weight of an epoch and ends it; during it the party may do something, once before the others'
// weights are written, once after, or in the last block.
func (c *crowd) epoch(i int, duration time.Duration, when int, do func()) {
	for moment := range 3 {
		if moment == when {
			do()
		}
		if moment == 0 {
			for k, who := range []sdk.AccAddress{c.accounts[0].Address(), c.accounts[1].Address(), c.honest.Address()} {
				if c.weights[i][k] > 0 {
					require.NoError(c.t, c.Ath.AddWeight(c.ctx, c.ledger.ReturnPool(), who, math.NewInt(c.weights[i][k])))
				}
			}
		}
		c.block(duration/3 + 1)
	}
}

// TestSecondAccountWinsBackItsPartAtMost: two accounts of a party have weight in the pool to which their penalties go, as
// Checkers, providers or Indexers, beside somebody honest. Against the same chain without any exit, the honest one loses
// nothing and the party loses at least what its part of the weight does not win back; the
// account that alone has exited gets nothing of it at all, to the uath.
func TestSecondAccountWinsBackItsPartAtMost(t *testing.T) {
	c := dealerChain(t, emptyPools)
	rapid.Check(t, func(rt *rapid.T) {
		penalty := rapid.OneOf(rapid.SampledFrom([]uint32{1, athtypes.PPM - 1}), rapid.Uint32Range(1, athtypes.PPM-1)).Draw(rt, "penalty")
		params := exitsCost(allowedParams(rt, ""), penalty)
		emptyPools(&params)
		params.EpochDuration = 30 * time.Second
		ledger := rapid.SampledFrom(athtypes.Ledgers()).Draw(rt, "ledger")
		start := newParty(branch(rt, c), "owner", "second")
		start.govern(params)
		anyone := rapid.SampledFrom(start.accounts)
		if rapid.Bool().Draw(rt, "one exits") {
			anyone = rapid.Just(start.accounts[0])
		}
		for _, who := range start.accounts {
			start.vest(who, ledger, rapid.Int64Range(1_000, 1_000_000_000).Draw(rt, "income"))
		}
		weight, epochs := rapid.Int64Range(0, 1_000_000_000), rapid.IntRange(2, 24).Draw(rt, "epochs")
		most := math.LegacyZeroDec() // of the weight that the party had in any epoch
		var weights [][3]int64
		for range epochs {
			one := [3]int64{weight.Draw(rt, "exiter"), weight.Draw(rt, "second"), weight.Draw(rt, "honest")}
			weights = append(weights, one)
			if own, all := one[0]+one[1], one[0]+one[1]+one[2]; own > 0 {
				most = math.LegacyMaxDec(most, math.LegacyNewDec(own).QuoInt64(all))
			}
		}
		start.block(params.EpochDuration)
		exits := &crowd{party: start.fork(), honest: gen.NewAccount("tenant"), ledger: ledger, weights: weights}
		stays := &crowd{party: start.fork(), honest: exits.honest, ledger: ledger, weights: weights}

		for i := range epochs {
			what, who := rapid.SampledFrom([]string{"", "exit", "claim"}).Draw(rt, "what"), anyone.Draw(rt, "who")
			amount := math.NewInt(rapid.Int64Range(0, 300_000_000).Draw(rt, "most"))
			if i == 0 {
				what = "exit"
			}
			when := rapid.IntRange(0, 2).Draw(rt, "when")
			act := func(c *crowd, mayExit bool) func() {
				return func() {
					switch {
					case what == "exit" && mayExit:
						c.exit(who, ledger, amount)
					case what == "claim" && ledger.Claimable():
						c.claim(who, ledger, false)
					}
				}
			}
			exits.epoch(i, params.EpochDuration, when, act(exits, true))
			stays.epoch(i, params.EpochDuration, when, act(stays, false))
		}
		claims := map[bool]athtypes.Ledger{true: ledger, false: athtypes.Ledger_LEDGER_DELIVERY}[ledger.Claimable()]
		for _, c := range []*crowd{exits, stays} {
			for range params.VerdictHorizonEpochs + 2 {
				c.block(params.EpochDuration)
			}
			for _, who := range append(c.accounts, c.honest) {
				c.claim(who, claims, false)
			}
			c.block(time.Second)
		}
		require.True(rt, exits.penalty.IsPositive())
		require.True(rt, exits.worth(exits.honest).GTE(stays.worth(stays.honest)), "others lose nothing by it")
		lost, least := stays.worth(stays.accounts...).Sub(exits.worth(exits.accounts...)), math.LegacyOneDec().Sub(most).MulInt(exits.penalty).TruncateInt()
		require.True(rt, lost.GTE(least), "lost %s, at least %s of %s", lost, least, exits.penalty)
		if exits.first.Equal(exits.penalty) {
			one := exits.accounts[0]
			require.Equal(rt, exits.first.String(), stays.worth(one).Sub(exits.worth(one)).String(), "it gets nothing of its own penalty")
		}
	})
}
