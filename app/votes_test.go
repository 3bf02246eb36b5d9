// SPDX-License-Identifier: Apache-2.0

package app_test

import (
	"fmt"
	"testing"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"
	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	"github.com/cosmos/cosmos-sdk/baseapp"
	"github.com/cosmos/cosmos-sdk/crypto/keys/ed25519"
	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/cosmos/cosmos-sdk/types/mempool"
	banktypes "github.com/cosmos/cosmos-sdk/x/bank/types"

	"github.com/athnet/ath/app"
	"github.com/athnet/ath/testutil/gen"
	"github.com/athnet/ath/testutil/shadow"
	athtypes "github.com/athnet/ath/x/ath/types"
)

// says is an extension with a price.
func says(t *testing.T, price uint64) []byte {
	ext := athtypes.VoteExtension{Price: price}
	bytes, err := ext.Marshal()
	require.NoError(t, err)
	return bytes
}

// The price goes from votes through proposals into the state, in parallel and in sequence alike; transactions run beside.
func TestPriceComesFromVotes(t *testing.T) {
	alice, bob := gen.NewAccount("alice"), gen.NewAccount("bob")
	price := uint64(30_000_000)
	silent := false
	said := make(map[int64][]byte)
	extend := func(height int64) []byte { // all twins hear the same
		if said[height] == nil {
			said[height] = says(t, price)
			if silent {
				said[height] = []byte{0xff}
			}
		}
		return said[height]
	}
	c := shadow.New(t, shadow.All(), gen.ATH(1_000), []gen.Account{alice, bob}, quickGenesis, shadow.WithVotes(extend))
	ask := func() (*athtypes.QueryPriceResponse, athtypes.UsdIndex) {
		var res athtypes.QueryPriceResponse
		c.Query("/athd.ath.v1.Query/Price", &athtypes.QueryPriceRequest{}, &res)
		var index athtypes.QueryUsdIndexResponse
		c.Query("/athd.ath.v1.Query/UsdIndex", &athtypes.QueryUsdIndexRequest{}, &index)
		return &res, index.Step
	}
	_, _, err := c.App().Ath.Price(c.Context())
	require.ErrorIs(t, err, athtypes.ErrNoPrice, "the first block carries no votes")
	require.ErrorIs(t, c.App().Ath.UsdQuotable(c.Context()), athtypes.ErrNoPrice)

	res := c.Block(time.Second, c.Sign(alice, &banktypes.MsgSend{FromAddress: alice.String(), ToAddress: bob.String(), Amount: gen.Coins(math.NewInt(5))}))
	require.Zero(t, res.TxResults[0].Code, res.TxResults[0].Log)
	now, index := ask()
	require.Equal(t, uint64(30_000_000), now.Price.Spot)
	require.False(t, now.Stale)
	require.Equal(t, "0.030000000000000000", now.UsdPerAth)
	require.NoError(t, c.App().Ath.UsdQuotable(c.Context()))
	require.Equal(t, c.Now().UTC(), index.SteppedAt.UTC())
	began := c.Now()

	price = 60_000_000
	c.Block(time.Second)
	now, _ = ask()
	require.Equal(t, uint64(30_300_000), now.Price.Spot, "at most 1 % a block")

	c.Block(time.Hour)
	now, index = ask()
	require.Equal(t, uint64(30_603_000), now.Price.Spot)
	require.Equal(t, c.Now().UTC(), index.SteppedAt.UTC(), "an hour is over: the slope follows the average")
	require.Equal(t, "33333333333333", index.Index.QuoRaw(int64(c.Now().Sub(began))).String())
	require.True(t, index.Slope.LT(math.NewInt(33_333_333_333_333)))

	silent = true
	slope := index.Slope
	c.Block(time.Second) // it was said before
	for range 3 {
		c.Block(20 * time.Minute)
	}
	now, index = ask()
	require.True(t, now.Stale)
	require.True(t, slope.Equal(index.Slope), "a stale price freezes the slope")
	require.ErrorIs(t, c.App().Ath.UsdQuotable(c.Context()), athtypes.ErrNoPrice)
	past, err := c.App().Ath.UsdIndexAt(c.Context(), began.Add(time.Second))
	require.NoError(t, err)
	require.Equal(t, "33333333333333000000000", past.String())
	require.NoError(t, c.App().CheckInvariants(c.Context()))
}

// What a proposer may not propose.
func TestBadProposalsAreRefused(t *testing.T) {
	alice := gen.NewAccount("alice")
	good := says(t, 30_000_000)
	c := shadow.New(t, []shadow.Twin{shadow.Plain()}, gen.ATH(1_000), []gen.Account{alice}, quickGenesis,
		shadow.WithVotes(func(int64) []byte { return good }))
	c.Block(time.Second)
	send := c.Sign(alice, &banktypes.MsgSend{FromAddress: alice.String(), ToAddress: alice.String(), Amount: gen.Coins(math.NewInt(5))})
	proposal, last := c.Proposal(time.Second, send)
	require.Len(t, proposal, 2)
	judge := func(txs ...[]byte) abci.ResponseProcessProposal_ProposalStatus {
		res, err := c.App().ProcessProposal(&abci.RequestProcessProposal{
			Txs: txs, ProposedLastCommit: last, Hash: []byte{1}, Height: c.Height() + 1, Time: c.Now().Add(time.Second),
		})
		require.NoError(t, err)
		return res.Status
	}
	refused := abci.ResponseProcessProposal_REJECT
	require.Equal(t, abci.ResponseProcessProposal_ACCEPT, judge(proposal...))
	require.Equal(t, refused, judge(), "no votes")
	require.Equal(t, refused, judge(send), "no votes before the transactions")
	require.Equal(t, refused, judge(send, proposal[0]), "votes in the wrong place")
	require.Equal(t, refused, judge(proposal[0], proposal[0]), "votes twice")
	forged := append([]byte(nil), proposal[0]...)
	forged[len(forged)-1] ^= 1
	require.Equal(t, refused, judge(forged, send), "a signature that is none")

	check, err := c.App().CheckTx(&abci.RequestCheckTx{Tx: proposal[0], Type: abci.CheckTxType_New})
	require.NoError(t, err)
	require.NotZero(t, check.Code, "votes are no transaction")
	verdict, err := c.App().VerifyVoteExtension(&abci.RequestVerifyVoteExtension{VoteExtension: make([]byte, athtypes.MaxVoteExtension+1), Height: c.Height() + 1})
	require.NoError(t, err)
	require.Equal(t, abci.ResponseVerifyVoteExtension_REJECT, verdict.Status)
	verdict, err = c.App().VerifyVoteExtension(&abci.RequestVerifyVoteExtension{VoteExtension: []byte("no extension"), Height: c.Height() + 1})
	require.NoError(t, err)
	require.Equal(t, abci.ResponseVerifyVoteExtension_ACCEPT, verdict.Status, "it says nothing, and its vote counts")
}

// A block that asks for more gas than one may is refused by every node, and a transaction that fails in it by none, whatever
// mempool a node's own configuration has.
func TestBlocksAreJudgedAlikeByGas(t *testing.T) {
	alice := gen.NewAccount("alice")
	most := uint64(app.BlockLimits().MaxGas)
	accept, refuse := abci.ResponseProcessProposal_ACCEPT, abci.ResponseProcessProposal_REJECT
	for _, pool := range []mempool.Mempool{mempool.NoOpMempool{}, mempool.NewSenderNonceMempool()} {
		node := shadow.Twin{Name: fmt.Sprintf("%T", pool), Base: []func(*baseapp.BaseApp){baseapp.SetMempool(pool)}}
		c := shadow.New(t, []shadow.Twin{node}, gen.ATH(1_000), []gen.Account{alice}, quickGenesis)
		send := func(gas uint64) []byte {
			return c.SignWith(alice, gen.Options{Gas: gas}, &banktypes.MsgSend{
				FromAddress: alice.String(), ToAddress: alice.String(), Amount: gen.Coins(math.NewInt(5)),
			})
		}
		half, rest, one, huge := send(most/2), send(most-most/2), send(1), send(1<<64-1)
		for name, block := range map[string]struct {
			txs  [][]byte
			want abci.ResponseProcessProposal_ProposalStatus
		}{
			"just enough":         {[][]byte{half, rest}, accept},
			"one too much":        {[][]byte{half, rest, one}, refuse},
			"more than 64 bits":   {[][]byte{half, huge}, refuse},
			"one that fails":      {[][]byte{one}, accept},
			"one that is nothing": {[][]byte{{1, 2, 3}}, accept},
		} {
			res, err := c.App().ProcessProposal(&abci.RequestProcessProposal{
				Txs: block.txs, Hash: []byte{1}, Height: c.Height() + 1, Time: c.Now().Add(time.Second),
			})
			require.NoError(t, err)
			require.Equal(t, block.want, res.Status, "%s: %s", node.Name, name)
		}
	}
}

// Votes that leave no room leave no transactions, instead of all of them.
func TestVotesTakeTheirRoomFromTransactions(t *testing.T) {
	alice := gen.NewAccount("alice")
	good := says(t, 30_000_000)
	c := shadow.New(t, []shadow.Twin{shadow.Plain()}, gen.ATH(1_000), []gen.Account{alice}, quickGenesis,
		shadow.WithVotes(func(int64) []byte { return good }))
	c.Block(time.Second)
	send := c.Sign(alice, &banktypes.MsgSend{FromAddress: alice.String(), ToAddress: alice.String(), Amount: gen.Coins(math.NewInt(5))})
	proposal, last := c.Proposal(time.Second, send)
	require.Len(t, proposal, 2)
	var carried abci.ExtendedCommitInfo
	require.NoError(t, carried.Unmarshal(proposal[0][len("ath/votes/v1\x00"):]))
	require.Len(t, carried.Votes, len(last.Votes))
	res, err := c.App().PrepareProposal(&abci.RequestPrepareProposal{
		MaxTxBytes: 10, Txs: [][]byte{send}, LocalLastCommit: carried, Height: c.Height() + 1, Time: c.Now().Add(time.Second),
	})
	require.NoError(t, err)
	require.Equal(t, proposal[:1], res.Txs)
}

// CometBFT panics on the extended commit that others signed; whoever tries hears why before that.
func TestExtendedVotesCannotBeTakenOver(t *testing.T) {
	key, operator := ed25519.GenPrivKeyFromSecret([]byte("another")).PubKey(), gen.NewValidator().Operator
	c := shadow.New(t, []shadow.Twin{shadow.Plain()}, gen.ATH(1_000), nil, quickGenesis, shadow.WithVotes(func(int64) []byte { return nil }))
	require.ErrorContains(t, c.App().TakeOver(sdk.ValAddress(operator.Address()), key), "validators extend their votes since height 1")
	c = shadow.New(t, []shadow.Twin{shadow.Plain()}, gen.ATH(1_000), []gen.Account{gen.NewAccount("alice")}, quickGenesis)
	require.NoError(t, c.App().TakeOver(sdk.ValAddress(gen.NewAccount("alice").Address()), key))
}

// A key that was just rotated away is forgotten by the staking module in that block, while its last votes are still to be read.
func TestVotesOfARotatedKeyAreRead(t *testing.T) {
	c := shadow.New(t, []shadow.Twin{shadow.Plain()}, gen.ATH(1_000), nil, quickGenesis, shadow.WithVotes(func(int64) []byte { return nil }))
	c.Block(time.Second)
	ctx, k := c.Context(), c.App().Keepers
	validators, err := k.Staking.GetAllValidators(ctx)
	require.NoError(t, err)
	operator, err := k.Staking.ValidatorAddressCodec().StringToBytes(validators[0].GetOperator())
	require.NoError(t, err)
	before, err := validators[0].GetConsAddr()
	require.NoError(t, err)
	oldKey, err := validators[0].CmtConsPublicKey()
	require.NoError(t, err)
	next := ed25519.GenPrivKeyFromSecret([]byte("next")).PubKey()
	require.NoError(t, k.Staking.ApplyConsKeyRotation(ctx, operator, next))

	_, err = k.Staking.GetPubKeyByConsAddr(ctx, before)
	require.Error(t, err, "this is why x/ath keeps keys")
	for _, consensus := range []sdk.ConsAddress{before, sdk.ConsAddress(next.Address())} {
		signer, err := k.Ath.SignerOperator(ctx, consensus)
		require.NoError(t, err)
		require.Equal(t, sdk.ValAddress(operator), signer)
	}
	kept := func() error { _, err := k.Ath.GetPubKeyByConsAddr(ctx, before); return err }
	key, err := k.Ath.GetPubKeyByConsAddr(ctx, before)
	require.NoError(t, err)
	require.Equal(t, oldKey, key)

	require.NoError(t, k.Ath.EndBlock(ctx.WithBlockHeight(c.Height()+athtypes.SignerHeights)))
	require.NoError(t, kept(), "its last votes may stand in the next block")
	require.NoError(t, k.Ath.EndBlock(ctx.WithBlockHeight(c.Height()+athtypes.SignerHeights+1)))
	require.ErrorIs(t, kept(), athtypes.ErrUnknownSigner)
	_, err = k.Ath.GetPubKeyByConsAddr(ctx, sdk.ConsAddress(next.Address()))
	require.NoError(t, err)
}

// fixed always says the same.
type fixed uint64

func (f fixed) Price() (uint64, bool) { return uint64(f), f > 0 }

func TestANodeVotesWithAndWithoutASource(t *testing.T) {
	c := shadow.New(t, []shadow.Twin{shadow.Plain()}, gen.ATH(1_000), nil, quickGenesis, shadow.WithVotes(func(int64) []byte { return nil }))
	c.Block(time.Second)
	ask := func() athtypes.VoteExtension {
		res, err := c.App().ExtendVote(t.Context(), &abci.RequestExtendVote{Height: c.Height() + 1, Hash: []byte{1}})
		require.NoError(t, err)
		return athtypes.ReadVoteExtension(res.VoteExtension)
	}
	require.Equal(t, athtypes.VoteExtension{}, ask())
	c.App().Speak(app.Voice{Price: fixed(42)})
	require.Equal(t, uint64(42), ask().Price)
	c.App().Speak(app.Voice{Price: fixed(0)})
	require.Equal(t, athtypes.VoteExtension{}, ask())
}
