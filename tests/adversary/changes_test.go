// SPDX-License-Identifier: Apache-2.0

package adversary

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"cosmossdk.io/math"

	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"

	"github.com/athnet/ath/testutil/gen"
	athtypes "github.com/athnet/ath/x/ath/types"
	leasestypes "github.com/athnet/ath/x/leases/types"
	providerstypes "github.com/athnet/ath/x/providers/types"
)

// accounted: what was minted less what was burnt is what exists, and somebody has it.
func (w *world) accounted() {
	state, err := w.Ath.ExportGenesis(w.ctx)
	require.NoError(w.t, err)
	supply := w.Bank.GetSupply(w.ctx, athtypes.Denom).Amount
	require.Equal(w.t, state.Minted.Sub(state.Burnt).String(), supply.String())
	sum := math.ZeroInt()
	for _, balance := range w.Bank.GetAccountsBalances(w.ctx) {
		sum = sum.Add(balance.Coins.AmountOf(athtypes.Denom))
	}
	require.Equal(w.t, supply.String(), sum.String())
}

// copied is the same world for a second story; the first must not go on.
func (w *world) copied() *world {
	next := *w
	next.ctx, _ = w.ctx.CacheContext()
	return &next
}

// TestSettlingAroundAChangeGainsNothing: a party that is tenant, provider, Indexer and the only staker knows what
// governance is about to change, in the middle of an epoch. In one world it settles and claims just before, in the other
// just after: it has the same in the end, to the uath, and no coin is unaccounted for. What a payment is charged is the
// service fee of the moment in which it is settled, so that one stays (TestAServiceFeeHoldsFromItsChangeOn).
func TestSettlingAroundAChangeGainsNothing(t *testing.T) {
	c := dealerChain(t)
	rapid.Check(t, func(rt *rapid.T) {
		w := branch(rt, c)
		w.market()
		first, then := allowedParams(rt, "first "), allowedParams(rt, "then ")
		then.ServiceFeePpm = first.ServiceFeePpm
		w.govern(first)
		w.block(time.Second)
		id := w.rent()
		pause := rapid.IntRange(1, 100)
		for range rapid.IntRange(1, 6).Draw(rt, "blocks before") {
			w.block(time.Duration(pause.Draw(rt, "seconds")) * time.Second)
			if rapid.Bool().Draw(rt, "settled before") {
				require.NoError(rt, w.send(&leasestypes.MsgSettle{Signer: w.tenant.String(), LeaseIds: []string{id}}))
			}
		}
		early, late := w.copied(), w.copied()
		use := func(w *world) {
			require.NoError(rt, w.send(&leasestypes.MsgSettle{Signer: w.tenant.String(), LeaseIds: []string{id}}))
			require.NoError(rt, w.send(&athtypes.MsgClaim{Signer: w.owner.String()}))
		}
		use(early)
		early.govern(then)
		late.govern(then)
		use(late)
		closes := rapid.Bool().Draw(rt, "closes at once")
		after := rapid.SliceOfN(pause, 8, 12).Draw(rt, "seconds after")
		end := func(w *world) string {
			for i, seconds := range after {
				if closes == (i == 0) {
					_ = w.send(&leasestypes.MsgCloseLease{Signer: w.tenant.String(), LeaseId: id})
				}
				w.block(time.Duration(seconds) * time.Second)
				w.accounted()
			}
			for range 8 {
				w.block(2 * time.Minute)
			}
			require.NoError(rt, w.send(&athtypes.MsgClaim{Signer: w.owner.String()}))
			w.block(time.Second)
			w.accounted()
			stakers := w.Bank.GetBalance(w.ctx, authtypes.NewModuleAddress(authtypes.FeeCollectorName), athtypes.Denom).Amount
			return w.worth(w.owner, w.tenant).Add(stakers).String()
		}
		require.Equal(rt, end(early), end(late), "from %+v to %+v", first, then)
	})
}

// TestAServiceFeeHoldsFromItsChangeOn: what was settled before a change was charged the old fee, and what is settled after it the
// new one, whatever else changes. The tenant pays the same.
func TestAServiceFeeHoldsFromItsChangeOn(t *testing.T) {
	c := dealerChain(t)
	rapid.Check(t, func(rt *rapid.T) {
		w := branch(rt, c)
		w.market()
		first, then := allowedParams(rt, "first "), allowedParams(rt, "then ")
		w.govern(first)
		w.block(time.Second)
		id, charged := w.rent(), math.ZeroInt()
		fees := func() math.Int {
			sum := math.ZeroInt()
			for _, r := range w.rows() {
				if r.Row.Kind == athtypes.Ledger_LEDGER_FEES.VestingKind() {
					sum = sum.Add(r.Amount)
				}
			}
			return sum
		}
		billed, income := math.ZeroInt(), fees()
		for i, p := range []athtypes.Params{first, then} {
			w.block(time.Duration(rapid.IntRange(1, 5).Draw(rt, "seconds")) * time.Second)
			if i == 1 {
				w.govern(then)
			}
			require.NoError(rt, w.send(&leasestypes.MsgSettle{Signer: w.tenant.String(), LeaseIds: []string{id}}))
			lease, err := leasestypes.ParseLeaseID(id)
			require.NoError(rt, err)
			now, err := w.Leases.Lease(w.ctx, lease)
			require.NoError(rt, err)
			charged = charged.Add(p.ServiceFeeRoundedDown(now.Billed.Sub(billed)))
			billed = now.Billed
		}
		w.close()
		require.True(rt, billed.IsPositive())
		require.Equal(rt, billed.Sub(charged).String(), fees().Sub(income).String())
	})
}

// reach changes what must not reach back: everything that has to do with emission, stake and weights. It says whether the
// class weighs less now.
func (w *world) reach(t *rapid.T) bool {
	p, err := w.Ath.Params(w.ctx)
	require.NoError(t, err)
	change := allowedParams(t, "change ")
	p.CapacityPpm, p.IndexerGrantsPpm, p.IndexerPpm, p.DaoStakersPpm = change.CapacityPpm, change.IndexerGrantsPpm, change.IndexerPpm, change.CapacityPpm
	p.EpochDuration = time.Duration(rapid.Int64Range(int64(time.Second), int64(athtypes.MaxEpochDuration)).Draw(t, "epoch"))
	p.BonusEpochs = rapid.Uint64Range(1, athtypes.MaxBonusEpochs).Draw(t, "quarter")
	w.govern(p)
	factor := func(name string) uint64 { return rapid.Uint64Range(1, providerstypes.MaxFactorPPM).Draw(t, name) }
	s, err := w.Providers.Params(w.ctx)
	require.NoError(t, err)
	s.StakeCoefficientPpm, s.EdgeFactorPpm, s.EnterpriseFactorPpm = factor("coefficient"), factor("edge"), factor("enterprise")
	s.CoefficientEpochs = rapid.Uint32Range(1, providerstypes.MaxCoefficientEpochs).Draw(t, "epochs")
	s.CoefficientStepPpm = rapid.Uint64Range(0, providerstypes.MaxCoefficientStepPPM).Draw(t, "step")
	s.RevenueReferencePpm = max(factor("reference"), providerstypes.MinRevenueReferencePPM)
	require.NoError(t, w.send(&providerstypes.MsgUpdateParams{Authority: gov(), Params: s}))
	class, err := w.Providers.Class(w.ctx, "cpu")
	require.NoError(t, err)
	before := class.Weight
	class.Weight = rapid.Uint64Range(0, providerstypes.MaxWeight).Draw(t, "weight")
	class.Stake = math.NewInt(rapid.Int64Range(1, 1_000_000_000_000).Draw(t, "class stake"))
	require.NoError(t, w.send(&providerstypes.MsgSetClasses{Authority: gov(), Classes: []providerstypes.Class{class}}))
	return class.Weight < before
}

// stake is what is behind a provider's Containers, in both forms.
func (w *world) stake() math.Int {
	sum := math.ZeroInt()
	for _, r := range w.rows() {
		if r.Row.Kind == athtypes.RowKind_ROW_KIND_STAKE || r.Row.Kind == athtypes.RowKind_ROW_KIND_UNBONDING {
			sum = sum.Add(r.Amount)
		}
	}
	return sum
}

// TestAChangeDoesNotReachBack: governance changes how emission is divided, epochs, quarters, the stake's coefficient, the
// stake and the weight of a class, in the middle of an epoch and of a round. Against the same chain without a change, the
// running round, the running epoch and those that are open pay everybody the same, the stake that is bonded stays what it
// was and comes back as it was, whether its owner claims and retires before the change or after it.
func TestAChangeDoesNotReachBack(t *testing.T) {
	c := chain(t)
	rapid.Check(t, func(rt *rapid.T) {
		base := branch(rt, c)
		base.market()
		base.round(4, true, base.live, nil, nil)
		rounds := uint64(4)
		for range rapid.IntRange(1, 3).Draw(rt, "rounds before") {
			rounds++
			base.round(rounds, true, base.live, nil, nil)
		}
		others := []gen.Account{base.owner, base.tenant}
		pools := []athtypes.Pool{athtypes.Pool_POOL_CHECKER_BASE, athtypes.Pool_POOL_DELIVERY, athtypes.Pool_POOL_INDEXER}
		for _, pool := range pools {
			for _, who := range others {
				weight := math.NewInt(rapid.Int64Range(0, 1<<40).Draw(rt, "weight"))
				require.NoError(rt, base.Ath.AddWeight(base.ctx, pool, who.Address(), weight))
			}
		}
		base.fold()
		bonded := base.stake()
		stays, changes := base.copied(), base.copied()
		claimsFirst := rapid.Bool().Draw(rt, "claims first")
		claim := func(w *world, containers ...uint64) {
			for _, who := range others {
				require.NoError(rt, w.send(&athtypes.MsgClaim{Signer: base.owner.String(), Beneficiary: who.String(), Containers: containers}))
				containers = nil
			}
			w.fold()
		}
		if claimsFirst {
			claim(stays, base.live...)
			claim(changes, base.live...)
		}
		lighter := changes.reach(rt)
		for _, w := range []*world{stays, changes} {
			require.NoError(rt, w.send(&providerstypes.MsgHeartbeat{Operator: w.owner.String(), Ids: w.live})) // reweighs
			w.round(rounds+1, true, w.live, nil, nil)                                                          // the running round
			claim(w, w.live...)
		}
		// A lower weight counts for the whole running round, a higher one from the next round on (ADR-0006).
		lost := stays.worth(base.owner).Sub(changes.worth(base.owner))
		require.False(rt, lost.IsNegative(), "the running round")
		require.True(rt, lighter || lost.IsZero(), "the running round: %s", lost)
		require.Equal(rt, stays.worth(base.tenant).String(), changes.worth(base.tenant).String())
		require.Equal(rt, bonded.String(), changes.stake().String(), "what is bonded stays")

		for _, w := range []*world{stays, changes} {
			require.NoError(rt, w.send(&providerstypes.MsgRetireContainers{Owner: w.owner.String(), Ids: w.live}))
			require.Equal(rt, bonded.String(), w.stake().String())
			w.fold()
			claim(w) // capacity is over: from here on only the open epoch pays
			for range athtypes.DefaultParams().VerdictHorizonEpochs + 2 {
				w.block(athtypes.MaxEpochDuration + time.Second)
				w.accounted()
			}
			claim(w)
			require.NoError(rt, w.send(&providerstypes.MsgWithdrawStake{Signer: w.owner.String()}))
			w.block(time.Second)
			require.Zero(rt, w.stake().Int64())
			w.accounted()
		}
		require.Equal(rt, stays.worth(base.owner).String(), changes.worth(base.owner).Add(lost).String(), "the running epoch")
		require.Equal(rt, stays.worth(base.tenant).String(), changes.worth(base.tenant).String(), "the running epoch")
	})
}

// TestAClassWeighsAnewFromTheNextRoundOn: a Container whose heartbeat meets a heavier class earns by it after the running round, not in it;
// who hears of it early gains nothing for what ran before.
func TestAClassWeighsAnewFromTheNextRoundOn(t *testing.T) {
	w := branch(t, chain(t))
	w.market()
	both := w.live
	w.round(4, true, both, nil, nil)
	w.round(5, true, both, nil, nil)
	w.capacity(1)
	w.capacity(2)
	class, err := w.Providers.Class(w.ctx, "cpu")
	require.NoError(t, err)
	class.Weight *= 9
	require.NoError(t, w.send(&providerstypes.MsgSetClasses{Authority: gov(), Classes: []providerstypes.Class{class}}))
	beat := func(ids ...uint64) {
		require.NoError(t, w.send(&providerstypes.MsgHeartbeat{Operator: w.owner.String(), Ids: ids}))
		w.fold()
	}
	beat(1)
	w.round(6, true, both, nil, nil)
	one, two := w.capacity(1), w.capacity(2)
	require.InDelta(t, one, two, 1, "the round in which it was changed")
	w.round(7, true, both, nil, nil)
	require.InDelta(t, (one+two)*9/10, w.capacity(1), 3, "and the next one")
	require.InDelta(t, (one+two)/10, w.capacity(2), 3, "its weight follows with its own heartbeat")
	beat(2)
	w.round(8, true, both, nil, nil)
	w.capacity(1)
	w.capacity(2)
	w.round(9, true, both, nil, nil)
	require.InDelta(t, one, w.capacity(1), 3)
	require.InDelta(t, two, w.capacity(2), 3)
	require.NoError(t, w.CheckInvariants(w.ctx))
}

// TestSilenceKeepsAnOldWeightForAFewHours: the weight of a Container follows its class with its next heartbeat, so a provider
// whose class was made lighter stops sending any. It keeps the old weight until a verdict has looked at its heartbeats, which takes
// at most 16 rounds, earns nothing for as long after that, and nothing at all before it is heard of, with the new weight.
func TestSilenceKeepsAnOldWeightForAFewHours(t *testing.T) {
	w := branch(t, chain(t))
	w.market()
	both, number := w.live, uint64(3)
	beat := func(id uint64) {
		require.NoError(t, w.send(&providerstypes.MsgHeartbeat{Operator: w.owner.String(), Ids: []uint64{id}}))
	}
	round := func(heard ...uint64) (one, two int64) {
		for range roundLength / time.Minute {
			w.open(time.Minute)
			require.NoError(t, w.Providers.EndBlock(w.ctx))
			for _, id := range heard {
				beat(id)
			}
			w.fold()
		}
		number++
		w.verdict(number, true, both, nil, nil)
		return w.capacity(1), w.capacity(2)
	}
	round(both...)
	class, err := w.Providers.Class(w.ctx, "cpu")
	require.NoError(t, err)
	class.Weight /= 10
	require.NoError(t, w.send(&providerstypes.MsgSetClasses{Authority: gov(), Classes: []providerstypes.Class{class}}))
	round(1)
	silent := 0
	for _, two := round(1); two > 0; _, two = round(1) {
		silent++
		require.LessOrEqual(t, silent, providerstypes.SilenceRounds)
	}
	for range silent + 1 {
		_, two := round(1)
		require.Zero(t, two, "it was noticed, and is never paid unheard")
	}
	beat(2)
	w.fold()
	round(both...)
	one, two := round(both...)
	require.InDelta(t, one, two, 3, "back, it weighs what its class weighs")
	require.Positive(t, two)
	require.NoError(t, w.CheckInvariants(w.ctx))
}
