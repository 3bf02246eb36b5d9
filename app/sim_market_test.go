// SPDX-License-Identifier: Apache-2.0

package app_test

import (
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math/rand"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cosmos/cosmos-sdk/codec/address"
	"github.com/cosmos/cosmos-sdk/testutil/simsx"
	sdk "github.com/cosmos/cosmos-sdk/types"
	sdkerrors "github.com/cosmos/cosmos-sdk/types/errors"
	simtypes "github.com/cosmos/cosmos-sdk/types/simulation"
	govtypes "github.com/cosmos/cosmos-sdk/x/gov/types"
	govv1 "github.com/cosmos/cosmos-sdk/x/gov/types/v1"

	"github.com/athnet/ath/app"
	"github.com/athnet/ath/testutil/gen"
	"github.com/athnet/ath/testutil/shadow"
	athsim "github.com/athnet/ath/x/ath/simulation"
	athtypes "github.com/athnet/ath/x/ath/types"
	checkssim "github.com/athnet/ath/x/checks/simulation"
	checkstypes "github.com/athnet/ath/x/checks/types"
	leasessim "github.com/athnet/ath/x/leases/simulation"
	leasestypes "github.com/athnet/ath/x/leases/types"
	providerssim "github.com/athnet/ath/x/providers/simulation"
	providerstypes "github.com/athnet/ath/x/providers/types"
)

// How long the simulation of our modules runs; `make sim` asks for more.
var (
	marketSeeds  = flag.Int("market-seeds", 1, "how many seeds TestMarketSimulation runs")
	marketBlocks = flag.Int("market-blocks", 100, "how many blocks each of them has")
	marketAll    = flag.Bool("market-all", false, "fail if a message never succeeded")
)

// notSimulated are messages without an operation, and why.
var notSimulated = map[string]string{}

// operations of a kind, chosen by weight.
type operations struct {
	list []simsx.WeightedFactory
	sum  int
}

// Add implements simsx.Registry.
func (o *operations) Add(weight uint32, f simsx.SimMsgFactoryX) {
	o.list = append(o.list, simsx.WeightedFactory{Weight: weight, Factory: f})
	o.sum += int(weight)
}

func (o *operations) pick(r *rand.Rand) simsx.SimMsgFactoryX {
	n := r.Intn(o.sum)
	for _, f := range o.list {
		if n -= int(f.Weight); n < 0 {
			return f.Factory
		}
	}
	panic("weights do not sum up")
}

// newOperations are those of users and those of governance.
func newOperations(a *app.App) (users, authority *operations) {
	users, authority = &operations{}, &operations{}
	weights := simsx.ParamWeightSource(make(simtypes.AppParams))
	validators := func(ctx sdk.Context) (operators []sdk.ValAddress, err error) {
		all, err := a.Staking.GetAllValidators(ctx)
		for _, v := range all {
			operator, err := sdk.ValAddressFromBech32(v.GetOperator())
			if err != nil {
				return nil, err
			}
			operators = append(operators, operator)
		}
		return operators, err
	}
	athsim.WeightedOperationsX(a.Ath, validators, weights, users)
	providerssim.WeightedOperationsX(a.Providers, weights, users)
	leasessim.WeightedOperationsX(a.Leases, a.Providers, weights, users)
	checkssim.WeightedOperationsX(a.Checks, weights, users)
	athsim.ProposalMsgsX(a.Ath, weights, authority)
	providerssim.ProposalMsgsX(a.Providers, weights, authority)
	leasessim.ProposalMsgsX(a.Leases, weights, authority)
	checkssim.ProposalMsgsX(a.Checks, weights, authority)
	return users, authority
}

// crowd simulates people on a chain. The SDK's own runner executes its operations after EndBlock, so that what a transaction
// leaves for EndBlock (virtual credits of x/bank, deltas of x/ath) would be lost; this one makes whole blocks of them.
type crowd struct {
	*shadow.Chain
	t                *testing.T
	r                *rand.Rand
	people           map[string]gen.Account
	accounts         []simtypes.Account
	users, authority *operations
	voted            map[uint64]bool
	tally            tally
}

// tally counts what became of messages, by type.
type tally map[string]*outcome

type outcome struct {
	done, failed int
	errors       map[string]int
}

func (y tally) of(msg sdk.Msg) *outcome {
	url := sdk.MsgTypeURL(msg)
	if y[url] == nil {
		y[url] = &outcome{errors: make(map[string]int)}
	}
	return y[url]
}

func (y tally) String() string {
	var b strings.Builder
	for _, url := range slices.Sorted(maps.Keys(y)) {
		o := y[url]
		fmt.Fprintf(&b, "%-45s %6d of %6d", url, o.done, o.done+o.failed)
		kinds := slices.SortedFunc(maps.Keys(o.errors), func(x, z string) int { return cmp.Compare(o.errors[z], o.errors[x]) })
		for _, kind := range kinds[:min(len(kinds), 2)] {
			fmt.Fprintf(&b, "; %d× %s", o.errors[kind], kind)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// crowdOf are the people of all simulations.
func crowdOf() (list []gen.Account) {
	for i := range 8 {
		list = append(list, gen.NewAccount(fmt.Sprintf("person-%d", i)))
	}
	return list
}

func newCrowd(t *testing.T, twins []shadow.Twin, seed int64, y tally) *crowd {
	r := rand.New(rand.NewSource(seed))
	chain := shadow.New(t, twins, gen.ATH(100_000), crowdOf(), func(enc app.Encoding, genesis app.GenesisState) {
		genesis[athtypes.ModuleName] = enc.Codec.MustMarshalJSON(athsim.RandomGenesis(r))
		genesis[providerstypes.ModuleName] = enc.Codec.MustMarshalJSON(providerssim.RandomGenesis(r))
		genesis[leasestypes.ModuleName] = enc.Codec.MustMarshalJSON(leasessim.RandomGenesis(r))
		genesis[checkstypes.ModuleName] = enc.Codec.MustMarshalJSON(checkssim.RandomGenesis(r))
		edit(enc.Codec, genesis, govtypes.ModuleName, func(g *govv1.GenesisState) {
			voting, expedited := 10*time.Second, 5*time.Second
			g.Params.VotingPeriod, g.Params.ExpeditedVotingPeriod = &voting, &expedited
			g.Params.MinDeposit, g.Params.ExpeditedMinDeposit = gen.Coins(gen.ATH(1)), gen.Coins(gen.ATH(2))
		})
	})
	return crowdOn(t, chain, r, y)
}

func crowdOn(t *testing.T, chain *shadow.Chain, r *rand.Rand, y tally) *crowd {
	w := &crowd{Chain: chain, t: t, r: r, people: make(map[string]gen.Account), voted: make(map[uint64]bool), tally: y}
	for _, a := range append(crowdOf(), gen.NewValidator().Operator) {
		w.people[a.String()] = a
		w.accounts = append(w.accounts, simtypes.Account{PrivKey: a.Key, PubKey: a.Key.PubKey(), Address: a.Address(), AddressBech32: a.String()})
	}
	w.users, w.authority = newOperations(chain.App())
	return w
}

// create makes a message by chance, or none.
func (w *crowd) create(ctx sdk.Context, f simsx.SimMsgFactoryX) (string, sdk.Msg) {
	reporter := simsx.NewBasicSimulationReporter().WithScope(f.MsgType())
	codec := address.NewBech32Codec(sdk.GetConfig().GetBech32AccountAddrPrefix())
	data := simsx.NewChainDataSource(ctx, w.r, w.App().Account, w.App().Bank, codec, w.accounts...)
	from, msg := f.Create()(ctx, data, reporter)
	if reporter.IsSkipped() {
		return "", nil
	}
	if len(from) == 0 {
		return "", msg
	}
	return from[0].AddressBech32, msg
}

// next makes a block of messages by chance. Each is made in view of what those before it in the block do.
func (w *crowd) next(after time.Duration) {
	w.t.Helper()
	ctx := w.Context().WithBlockTime(w.Now().Add(after)).WithBlockHeight(w.Height() + 1)
	var msgs []sdk.Msg
	var txs [][]byte
	send := func(from string, msg sdk.Msg) {
		cached, write := ctx.WithTxIndex(len(txs)).CacheContext()
		if _, err := w.App().MsgServiceRouter().Handler(msg)(cached, msg); err == nil {
			write()
		}
		msgs = append(msgs, msg)
		txs = append(txs, w.SignWith(w.people[from], gen.Options{Gas: 10_000_000, Fee: gen.ATH(0).AddRaw(w.r.Int63n(1_000))}, msg))
	}
	for _, vote := range w.votes(ctx) {
		send(vote.Voter, vote)
	}
	if w.r.Intn(4) == 0 {
		if proposal := w.proposal(ctx); proposal != nil {
			send(proposal.Proposer, proposal)
		}
	}
	for wanted := 2 + w.r.Intn(12); wanted > 0; wanted-- {
		if from, msg := w.create(ctx, w.users.pick(w.r)); msg != nil {
			send(from, msg)
		}
	}
	res := w.Block(after, txs...)
	for i, result := range res.TxResults {
		o := w.tally.of(msgs[i])
		if result.Code == 0 {
			o.done++
			continue
		}
		o.failed++
		o.errors[fmt.Sprintf("%s %d %.90s", result.Codespace, result.Code, result.Log)]++
		require.NotEqual(w.t, "undefined", result.Codespace, "%T fails without a registered error: %s", msgs[i], result.Log)
		panicked := result.Codespace == sdkerrors.ErrPanic.Codespace() && result.Code == sdkerrors.ErrPanic.ABCICode()
		require.False(w.t, panicked, "%T: %s", msgs[i], result.Log)
	}
}

// proposal proposes a message of governance.
func (w *crowd) proposal(ctx sdk.Context) *govv1.MsgSubmitProposal {
	_, msg := w.create(ctx, w.authority.pick(w.r))
	if msg == nil {
		return nil
	}
	proposer := w.accounts[w.r.Intn(len(w.accounts))].AddressBech32
	proposal, err := govv1.NewMsgSubmitProposal([]sdk.Msg{msg}, gen.Coins(gen.ATH(1)), proposer, "", "by chance", "by chance", false)
	require.NoError(w.t, err)
	return proposal
}

// votes lets the validator say yes to what it has not voted on.
func (w *crowd) votes(ctx sdk.Context) (votes []*govv1.MsgVote) {
	require.NoError(w.t, w.App().Gov.Proposals.Walk(ctx, nil, func(id uint64, p govv1.Proposal) (bool, error) {
		if p.Status == govv1.StatusVotingPeriod && !w.voted[id] && p.VotingEndTime.After(ctx.BlockTime()) {
			w.voted[id] = true
			votes = append(votes, govv1.NewMsgVote(gen.NewValidator().Operator.Address(), id, govv1.OptionYes, ""))
		}
		return false, nil
	}))
	return votes
}

// run makes blocks, seldom with a long pause before one, and checks all invariants now and then and at the end.
func (w *crowd) run(blocks int) {
	w.t.Helper()
	for i := range blocks {
		after := time.Duration(500+w.r.Intn(4_000)) * time.Millisecond
		if w.r.Intn(60) == 0 {
			after = time.Duration(1+w.r.Intn(300)) * time.Second
		}
		w.next(after)
		if i%10 == 0 || i == blocks-1 {
			require.NoError(w.t, w.App().CheckInvariants(w.Context()), "height %d", w.Height())
		}
	}
}

// proposals counts what was executed of governance's messages.
func (w *crowd) proposals() {
	require.NoError(w.t, w.App().Gov.Proposals.Walk(w.Context(), nil, func(_ uint64, p govv1.Proposal) (bool, error) {
		msgs, err := p.GetMsgs()
		if err != nil {
			return true, err
		}
		switch o := w.tally.of(msgs[0]); p.Status {
		case govv1.StatusPassed:
			o.done++
		case govv1.StatusFailed:
			o.failed++
			o.errors[p.FailedReason]++
		}
		return false, nil
	}))
}

// TestMarketSimulation lets people do everything that our modules offer, in whole blocks that sequential and parallel
// execution agree on. What remains is exported, imported and exported again to the same bytes, and goes on.
func TestMarketSimulation(t *testing.T) {
	y := make(tally)
	for seed := range *marketSeeds {
		t.Run(fmt.Sprintf("seed-%d", seed), func(t *testing.T) {
			all := shadow.All()
			w := newCrowd(t, []shadow.Twin{all[0], all[len(all)-1]}, int64(seed), y)
			w.run(*marketBlocks)
			w.proposals()

			exported, err := w.App().ExportAppStateAndValidators(false, nil, nil)
			require.NoError(t, err)
			imported := importOnly(t, exported.AppState, exported.Height, w.Now())
			var before, after app.GenesisState
			require.NoError(t, json.Unmarshal(exported.AppState, &before))
			require.NoError(t, json.Unmarshal(imported, &after))
			for _, module := range []string{athtypes.ModuleName, providerstypes.ModuleName, leasestypes.ModuleName, checkstypes.ModuleName} {
				require.Equal(t, string(before[module]), string(after[module]), "x/%s", module)
			}
			resumed := shadow.Resume(t, []shadow.Twin{shadow.Plain()}, exported.AppState, exported.Height, w.Now())
			crowdOn(t, resumed, w.r, y).run(*marketBlocks / 5)
		})
	}
	t.Logf("messages that succeeded:\n%s", y)
	if *marketAll {
		for _, url := range ourMessages(newApp(t)) {
			if notSimulated[url] == "" {
				require.NotNil(t, y[url], url)
				require.Positive(t, y[url].done, "%s never succeeded: %v", url, y[url].errors)
			}
		}
	}
}

// TestMarketSimulationIsDeterministic: one seed, one chain.
func TestMarketSimulationIsDeterministic(t *testing.T) {
	var hashes []string
	for range 2 {
		w := newCrowd(t, []shadow.Twin{shadow.Plain()}, 99, make(tally))
		w.run(20)
		hashes = append(hashes, fmt.Sprintf("%X", w.App().LastCommitID().Hash))
	}
	require.Equal(t, hashes[0], hashes[1])
}

// TestEveryMessageIsSimulated: every message of our modules has an operation, or a reason to have none.
func TestEveryMessageIsSimulated(t *testing.T) {
	a := newApp(t)
	users, authority := newOperations(a)
	var found []string
	for _, f := range append(users.list, authority.list...) {
		found = append(found, sdk.MsgTypeURL(f.Factory.MsgType()))
	}
	found = slices.AppendSeq(found, maps.Keys(notSimulated))
	require.ElementsMatch(t, ourMessages(a), found)
}

func ourMessages(a *app.App) (urls []string) {
	for _, url := range a.InterfaceRegistry().ListImplementations("cosmos.base.v1beta1.Msg") {
		if strings.HasPrefix(url, "/athd.") {
			urls = append(urls, url)
		}
	}
	slices.Sort(urls)
	return urls
}
