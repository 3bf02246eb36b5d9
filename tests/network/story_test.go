// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package network

import (
	"context"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"
	banktypes "github.com/cosmos/cosmos-sdk/x/bank/types"
	distrtypes "github.com/cosmos/cosmos-sdk/x/distribution/types"
	govtypes "github.com/cosmos/cosmos-sdk/x/gov/types"
	govv1 "github.com/cosmos/cosmos-sdk/x/gov/types/v1"
	slashingtypes "github.com/cosmos/cosmos-sdk/x/slashing/types"
	stakingtypes "github.com/cosmos/cosmos-sdk/x/staking/types"

	athtypes "github.com/athnet/ath/x/ath/types"
	providerstypes "github.com/athnet/ath/x/providers/types"
)

// ath is 1 ATH in uath.
const ath = 1_000_000

// genesis of the test's network: what takes days or hours takes seconds.
func genesis() map[string]any {
	return map[string]any{"app_state": map[string]any{
		"ath": map[string]any{"params": map[string]any{"epoch_duration": "10s", "price_max_change_ppm": 50_000, "price_step": "3s"}},
		"slashing": map[string]any{"params": map[string]any{
			// More than 30 of 60 blocks missed: some 15 s. A restart misses ten.
			"signed_blocks_window": "60", "min_signed_per_window": "0.5", "downtime_jail_duration": "3s", "slash_fraction_downtime": "0.01",
		}},
		"gov": map[string]any{"params": map[string]any{"voting_period": "10s", "expedited_voting_period": "5s", "max_deposit_period": "60s"}},
	}}
}

// uath writes whole ATH as an amount of a command line.
func uath(whole int64) string { return math.NewInt(whole).MulRaw(ath).String() + athtypes.Denom }

// TestNetwork is the life of a network, in one piece: each part goes on with the chain that the one before left.
//
// Every validator bonds 500,000 ATH at genesis and takes a commission of 10 %; the community tax is 2 %. node0 says 0.030 USD
// per ATH, node1 0.032, node2 has no source, and node3 lies once it comes back from jail.
func TestNetwork(t *testing.T) {
	n := newNetwork(t, "ath-net-1", genesis())
	for i, node := range n.nodes {
		n.athd("beacon-key", "init", "--home", node.home)
		if i < 2 {
			node.setPriceSource()
		}
	}
	n.setPrices("0.030", "0.032")
	n.start()
	n.awaitHeight(2)
	for _, node := range n.nodes {
		n.send(node, node.name, "0uath", "beacon-key", "register")
	}

	n.delegateAndEarn()
	n.rotate(n.nodes[2])
	down := n.nodes[3]
	down.stop()
	on := n.governance()
	n.slash(down)
	down.program = liar
	n.unjail(down)
	n.votesCount(on)
	n.rotate(n.nodes[1])
	n.priceIsAlive()
	n.stop(2)

	n.restart("ath-net-2")
	n.again()
	n.rotate(n.nodes[0])
	n.priceIsAlive()
	n.stop(n.initial)
}

// start runs all nodes.
func (n *network) start() {
	for _, node := range n.nodes {
		node.start()
	}
	n.nodes[0].awaitServing()
}

// stop ends the chain after a look at all of its blocks, and checks the whole state.
func (n *network) stop(from int64) {
	n.checkBlocks(from, n.height()-1)
	for _, node := range n.nodes {
		node.stop()
	}
	n.t.Log(n.athd("debug", "invariants", "--home", n.nodes[0].home))
}

// delegateAndEarn: alice doubles node0's stake to 1,000,000 of 2,500,000 ATH, four tenths. Then bob pays a fee of 100 ATH:
// 2 go to the community, 98 × 0.4 = 39.2 to node0, of which it keeps 3.92 as commission; alice has half of the
// remaining 35.28: 17.64 ATH.
func (n *network) delegateAndEarn() {
	t, node, alice := n.t, n.nodes[0], n.accounts["alice"]
	n.tx(node, "alice", "staking", "delegate", node.operator(), uath(500_000))
	n.await("alice's stake to vote", func(context.Context) (bool, error) { return n.powers(n.height())[node.key()] == 1_000_000, nil })

	// One block more: fees are shared by the votes for the block before.
	n.awaitHeight(n.height() + 1)
	paid := n.send(n.nodes[0], "bob", uath(100), "tx", "bank", "send", "bob", alice, uath(1))
	n.awaitHeight(paid.Height + 1)

	distribution := distrtypes.NewQueryClient(n.conn)
	before, after := at(paid.Height), at(paid.Height+1)
	rewards := func(ctx context.Context) string {
		res, err := distribution.DelegationRewards(ctx, &distrtypes.QueryDelegationRewardsRequest{DelegatorAddress: alice, ValidatorAddress: node.operator()})
		require.NoError(t, err)
		return res.Rewards.String()
	}
	require.Empty(t, rewards(before))
	require.Equal(t, "17640000.000000000000000000uath", rewards(after))
	commission, err := distribution.ValidatorCommission(after, &distrtypes.QueryValidatorCommissionRequest{ValidatorAddress: node.operator()})
	require.NoError(t, err)
	require.Equal(t, "3920000.000000000000000000uath", commission.Commission.Commission.String())
	pool, err := distribution.CommunityPool(after, &distrtypes.QueryCommunityPoolRequest{})
	require.NoError(t, err)
	require.Equal(t, "2000000.000000000000000000uath", pool.Pool.String())

	// Both take it. node0 has earned as much with its own stake as alice with hers.
	held := n.balance(after, alice)
	n.tx(node, "alice", "distribution", "withdraw-rewards", node.operator())
	require.Equal(t, int64(17_640_000), n.balance(context.Background(), alice)-held)
	own := n.accounts[node.name]
	held = n.balance(context.Background(), own)
	n.tx(node, node.name, "distribution", "withdraw-rewards", node.operator(), "--commission")
	require.Equal(t, int64(17_640_000+3_920_000), n.balance(context.Background(), own)-held)

	// What the others have from here on: node1 800,000, node2 700,000 and node3 550,000 ATH, all together 3,050,000.
	n.tx(node, "alice", "staking", "delegate", n.nodes[1].operator(), uath(300_000))
	n.tx(node, "alice", "staking", "delegate", n.nodes[2].operator(), uath(200_000))
	n.tx(node, "bob", "staking", "delegate", n.nodes[3].operator(), uath(50_000))
	n.await("all of it to vote", func(context.Context) (bool, error) { return n.powers(n.height())[n.nodes[3].key()] == 550_000, nil })
}

// balance of an account in uath.
func (n *network) balance(ctx context.Context, address string) int64 {
	n.t.Helper()
	res, err := banktypes.NewQueryClient(n.conn).Balance(ctx, &banktypes.QueryBalanceRequest{Address: address, Denom: athtypes.Denom})
	require.NoError(n.t, err)
	return res.Balance.Amount.Int64()
}

// governance: one proposal changes the fee split and a class, and lets votes carry extensions from a height on, which it
// returns. 500 ATH come with it, 4,500 are added; all 3,050,000 bonded
// ATH vote, a validator with its delegators' stake, and the deposit comes back.
func (n *network) governance() int64 {
	t, node := n.t, n.nodes[0]
	authority := authtypes.NewModuleAddress(govtypes.ModuleName).String()
	var params struct {
		Params map[string]any `json:"params"`
	}
	n.query(&params, "ath", "params")
	params.Params["fee_split"] = map[string]any{"stakers_ppm": 250_000, "sla_fund_ppm": 150_000, "treasury_ppm": 100_000, "burn_ppm": 500_000}
	var catalogue struct {
		Classes []map[string]any `json:"classes"`
	}
	n.query(&catalogue, "providers", "classes")
	at := slices.IndexFunc(catalogue.Classes, func(c map[string]any) bool { return c["name"] == "rtx4090" })
	class := catalogue.Classes[at]
	class["weight"], class["stake"] = "150000", "1200000000"

	var consensus struct {
		Params map[string]any `json:"params"`
	}
	n.query(&consensus, "consensus", "params")
	on := n.height() + 60 // the vote takes 10 s, and as many blocks at most as are possible in them

	file := node.file("proposal.json")
	write(t, file, map[string]any{
		"title": "A fee split and a class", "summary": "Burn more, ask more of an RTX 4090.", "metadata": "", "deposit": uath(500),
		"messages": []any{
			map[string]any{"@type": "/athd.ath.v1.MsgUpdateParams", "authority": authority, "params": params.Params},
			map[string]any{"@type": "/athd.providers.v1.MsgSetClasses", "authority": authority, "classes": []any{class}},
			map[string]any{
				"@type": "/cosmos.consensus.v1.MsgUpdateParams", "authority": authority,
				"block": consensus.Params["block"], "evidence": consensus.Params["evidence"], "validator": consensus.Params["validator"],
				"abci": map[string]any{"vote_extensions_enable_height": strconv.FormatInt(on, 10)},
			},
		},
	})
	bob := n.accounts["bob"]
	before := n.balance(context.Background(), bob)
	n.tx(node, "bob", "gov", "submit-proposal", file)
	n.tx(node, "bob", "gov", "deposit", "1", uath(4_500))
	require.Equal(t, int64(5_000*ath), before-n.balance(context.Background(), bob))
	for _, v := range n.nodes {
		n.tx(v, v.name, "gov", "vote", "1", "yes")
	}
	gov := govv1.NewQueryClient(n.conn)
	var decided *govv1.Proposal
	n.await("the vote to end", func(ctx context.Context) (bool, error) {
		res, err := gov.Proposal(ctx, &govv1.QueryProposalRequest{ProposalId: 1})
		if err != nil {
			return false, err
		}
		decided = res.Proposal
		return decided.Status != govv1.StatusDepositPeriod && decided.Status != govv1.StatusVotingPeriod, nil
	})
	require.Equal(t, govv1.StatusPassed, decided.Status, decided.FailedReason)
	require.Equal(t, "3050000000000", decided.FinalTallyResult.YesCount)
	require.Equal(t, before, n.balance(context.Background(), bob))

	now, err := athtypes.NewQueryClient(n.conn).Params(context.Background(), &athtypes.QueryParamsRequest{})
	require.NoError(t, err)
	require.Equal(t, athtypes.FeeSplit{StakersPpm: 250_000, SlaFundPpm: 150_000, TreasuryPpm: 100_000, BurnPpm: 500_000}, now.Params.FeeSplit)
	classes, err := providerstypes.NewQueryClient(n.conn).Classes(context.Background(), &providerstypes.QueryClassesRequest{})
	require.NoError(t, err)
	require.Len(t, classes.Classes, len(catalogue.Classes))
	require.Equal(t, uint64(150_000), classes.Classes[at].Weight)
	require.Equal(t, "1200000000", classes.Classes[at].Stake.String())
	require.Less(t, n.height(), on, "votes have no extensions yet")
	return on
}

// slash: node3 is down with 550,000 ATH. 1 % is burnt: 5,500 ATH, of which bob's 50,000 bear 500.
func (n *network) slash(v *node) {
	t := n.t
	staking := stakingtypes.NewQueryClient(n.conn)
	var validator stakingtypes.Validator
	n.await(v.name+" to be jailed", func(ctx context.Context) (bool, error) {
		res, err := staking.Validator(ctx, &stakingtypes.QueryValidatorRequest{ValidatorAddr: v.operator()})
		if err != nil {
			return false, err
		}
		validator = res.Validator
		return validator.Jailed, nil
	})
	require.Equal(t, "544500000000", validator.Tokens.String())
	bob, err := staking.Delegation(context.Background(), &stakingtypes.QueryDelegationRequest{DelegatorAddr: n.accounts["bob"], ValidatorAddr: v.operator()})
	require.NoError(t, err)
	require.Equal(t, "49500000000uath", bob.DelegationResponse.Balance.String())
	pool, err := staking.Pool(context.Background(), &stakingtypes.QueryPoolRequest{})
	require.NoError(t, err)
	require.Equal(t, "2500000000000", pool.Pool.BondedTokens.String(), "3,050,000 less the 550,000 of node3")
	require.Equal(t, "544500000000", pool.Pool.NotBondedTokens.String(), "what is left of it")
}

// unjail: the validator comes back with what it has left.
func (n *network) unjail(v *node) {
	v.start()
	v.awaitServing()
	slashing := slashingtypes.NewQueryClient(n.conn)
	n.await("the jail to open", func(ctx context.Context) (bool, error) {
		height := n.height()
		header, err := n.rpc.Header(ctx, &height)
		if err != nil {
			return false, err
		}
		res, err := slashing.SigningInfos(ctx, &slashingtypes.QuerySigningInfosRequest{})
		if err != nil {
			return false, err
		}
		for _, info := range res.Info {
			if info.JailedUntil.After(header.Header.Time) {
				return false, nil
			}
		}
		return true, nil
	})
	n.tx(v, v.name, "slashing", "unjail")
	n.await(v.name+" to vote again", func(context.Context) (bool, error) { return n.powers(n.height())[v.key()] == 544_500, nil })
	n.awaitSigner(v.key())
}

// rotate gives a validator a new consensus key: 1 ATH is burnt, the old key counts for two blocks more, the power stays.
//
// The node signs with the old key as long as that counts. One that changed it at once could not sign the next block with either,
// however soon it is back: with the liar, whose vote for one block in eight is refused, more than a third of the power would be
// missing from a block for ever.
func (n *network) rotate(v *node) {
	t, old := n.t, v.key()
	key, address := v.newKey()
	own := n.accounts[v.name]
	before, power := n.balance(context.Background(), own), n.powers(n.height())[old]
	rotated := n.tx(v, v.name, "staking", "rotate-cons-pub-key", key)
	n.awaitHeight(rotated.Height + 1)
	v.stop()
	v.useKey()
	v.start()
	v.awaitServing()
	n.awaitHeight(max(rotated.Height, n.height()) + 2) // a node that was started anew knows its state with its next block
	require.Equal(t, int64(1*ath), before-n.balance(context.Background(), own))
	require.Equal(t, "1000000uath", attribute(t, rotated, stakingtypes.EventTypeRotateConsPubKey, stakingtypes.AttributeKeyFeeBurned))
	require.Equal(t, power, n.powers(rotated.Height + 1)[old])
	require.Zero(t, n.powers(rotated.Height + 1)[address])
	require.Zero(t, n.powers(rotated.Height + 2)[old])
	require.Equal(t, power, n.powers(rotated.Height + 2)[address])
	n.awaitSigner(address)
}
