// SPDX-License-Identifier: Apache-2.0

package app

import (
	"bytes"
	"context"
	"slices"
	"testing"

	abci "github.com/cometbft/cometbft/abci/types"
	"github.com/cometbft/cometbft/crypto/ed25519"
	cryptoenc "github.com/cometbft/cometbft/crypto/encoding"
	cmtcrypto "github.com/cometbft/cometbft/proto/tendermint/crypto"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	cmttypes "github.com/cometbft/cometbft/types"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	coreheader "cosmossdk.io/core/header"
	"cosmossdk.io/log/v2"

	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
)

const votesChain, votesHeight = "ath-votes-1", int64(10)

// electorate is four validators of equal power.
type electorate struct{ keys []ed25519.PrivKey }

func newElectorate() electorate {
	var e electorate
	for _, name := range []string{"a", "b", "c", "d"} {
		e.keys = append(e.keys, ed25519.GenPrivKeyFromSecret([]byte(name)))
	}
	slices.SortFunc(e.keys, func(a, b ed25519.PrivKey) int { return slices.Compare(a.PubKey().Address(), b.PubKey().Address()) })
	return e
}

func (e electorate) GetPubKeyByConsAddr(_ context.Context, consensus sdk.ConsAddress) (cmtcrypto.PublicKey, error) {
	for _, key := range e.keys {
		if slices.Equal(key.PubKey().Address(), consensus.Bytes()) {
			return cryptoenc.PubKeyToProto(key.PubKey())
		}
	}
	return cmtcrypto.PublicKey{}, athtypes.ErrUnknownSigner
}

func (electorate) SignerOperator(_ context.Context, consensus sdk.ConsAddress) (sdk.ValAddress, error) {
	return sdk.ValAddress(consensus), nil
}

func votesContext() sdk.Context {
	return sdk.Context{}.WithHeaderInfo(coreheader.Info{ChainID: votesChain, Height: votesHeight}).
		WithConsensusParams(cmtproto.ConsensusParams{Abci: &cmtproto.ABCIParams{VoteExtensionsEnableHeight: 1}})
}

// sign makes a vote of the block before.
func (e electorate) sign(t require.TestingT, i int, said []byte, chain string, height int64, round int32) abci.ExtendedVoteInfo {
	signature, err := e.keys[i].Sign(cmttypes.VoteExtensionSignBytes(chain, &cmtproto.Vote{Extension: said, Height: height, Round: round}))
	require.NoError(t, err)
	return abci.ExtendedVoteInfo{
		Validator: abci.Validator{Address: e.keys[i].PubKey().Address(), Power: 10}, BlockIdFlag: cmtproto.BlockIDFlagCommit,
		VoteExtension: said, ExtensionSignature: signature,
	}
}

// commit is what the four say, in round 2.
func (e electorate) commit(t require.TestingT) (abci.ExtendedCommitInfo, abci.CommitInfo) {
	carried, last := abci.ExtendedCommitInfo{Round: 2}, abci.CommitInfo{Round: 2}
	for i := range e.keys {
		ext := athtypes.VoteExtension{Price: uint64(i + 1)}
		said, err := ext.Marshal()
		require.NoError(t, err)
		vote := e.sign(t, i, said, votesChain, votesHeight-1, 2)
		carried.Votes = append(carried.Votes, vote)
		last.Votes = append(last.Votes, abci.VoteInfo{Validator: vote.Validator, BlockIdFlag: vote.BlockIdFlag})
	}
	return carried, last
}

func TestForgedVotesAreRefused(t *testing.T) {
	e, ctx := newElectorate(), votesContext()
	blanked := func(c *abci.ExtendedCommitInfo, i int) {
		c.Votes[i].VoteExtension, c.Votes[i].ExtensionSignature = nil, nil
	}
	for name, attack := range map[string]func(*abci.ExtendedCommitInfo, *abci.CommitInfo){
		"another's words": func(c *abci.ExtendedCommitInfo, _ *abci.CommitInfo) {
			c.Votes[0].VoteExtension = c.Votes[1].VoteExtension
		},
		"another's signature": func(c *abci.ExtendedCommitInfo, _ *abci.CommitInfo) {
			c.Votes[0].ExtensionSignature = c.Votes[1].ExtensionSignature
		},
		"words without a signature": func(c *abci.ExtendedCommitInfo, _ *abci.CommitInfo) { c.Votes[0].ExtensionSignature = nil },
		"a signature without words": func(c *abci.ExtendedCommitInfo, _ *abci.CommitInfo) { c.Votes[0].VoteExtension = nil },
		"of another chain": func(c *abci.ExtendedCommitInfo, _ *abci.CommitInfo) {
			c.Votes[0] = e.sign(t, 0, []byte("x"), "other", votesHeight-1, 2)
		},
		"of another height": func(c *abci.ExtendedCommitInfo, _ *abci.CommitInfo) {
			c.Votes[0] = e.sign(t, 0, []byte("x"), votesChain, votesHeight, 2)
		},
		"of another round": func(c *abci.ExtendedCommitInfo, _ *abci.CommitInfo) {
			c.Votes[0] = e.sign(t, 0, []byte("x"), votesChain, votesHeight-1, 1)
		},
		"too long": func(c *abci.ExtendedCommitInfo, _ *abci.CommitInfo) {
			c.Votes[0] = e.sign(t, 0, make([]byte, athtypes.MaxVoteExtension+1), votesChain, votesHeight-1, 2)
		},
		"a round that was not": func(c *abci.ExtendedCommitInfo, _ *abci.CommitInfo) { c.Round = 1 },
		"one vote less":        func(c *abci.ExtendedCommitInfo, _ *abci.CommitInfo) { c.Votes = c.Votes[:3] },
		"one vote twice":       func(c *abci.ExtendedCommitInfo, _ *abci.CommitInfo) { c.Votes[1] = c.Votes[0] },
		"another order":        func(c *abci.ExtendedCommitInfo, _ *abci.CommitInfo) { slices.Reverse(c.Votes) },
		"more power":           func(c *abci.ExtendedCommitInfo, _ *abci.CommitInfo) { c.Votes[0].Validator.Power = 1000 },
		"a vote that was not": func(_ *abci.ExtendedCommitInfo, last *abci.CommitInfo) {
			last.Votes[0].BlockIdFlag = cmtproto.BlockIDFlagNil
		},
		"words of who voted for nil": func(c *abci.ExtendedCommitInfo, last *abci.CommitInfo) {
			c.Votes[0].BlockIdFlag, last.Votes[0].BlockIdFlag = cmtproto.BlockIDFlagNil, cmtproto.BlockIDFlagNil
		},
		"half of the power": func(c *abci.ExtendedCommitInfo, _ *abci.CommitInfo) { blanked(c, 0); blanked(c, 1) },
		"a stranger": func(c *abci.ExtendedCommitInfo, last *abci.CommitInfo) {
			c.Votes[0].Validator.Address, last.Votes[0].Validator.Address = make([]byte, 20), make([]byte, 20)
		},
	} {
		carried, last := e.commit(t)
		require.NoError(t, checkVotes(ctx, e, carried, last))
		attack(&carried, &last)
		require.ErrorIs(t, checkVotes(ctx, e, carried, last), errVotes, name)
	}
	carried, last := e.commit(t)
	blanked(&carried, 3)
	require.NoError(t, checkVotes(ctx, e, carried, last), "a proposer may leave out less than a third")
}

// Whatever less than a third of the power signs and sends late, an honest proposer's block passes.
func TestSiftedVotesPass(t *testing.T) {
	e, ctx := newElectorate(), votesContext()
	rapid.Check(t, func(rt *rapid.T) {
		carried, last := e.commit(rt)
		bad := rapid.IntRange(0, 3).Draw(rt, "liar")
		said := rapid.SliceOfN(rapid.Byte(), 0, 600).Draw(rt, "said")
		vote := e.sign(rt, bad, said, votesChain, votesHeight-1, 2)
		switch rapid.IntRange(0, 3).Draw(rt, "how") {
		case 0:
			vote.ExtensionSignature = rapid.SliceOfN(rapid.Byte(), 0, 70).Draw(rt, "signature")
		case 1:
			vote.BlockIdFlag, last.Votes[bad].BlockIdFlag = cmtproto.BlockIDFlagNil, cmtproto.BlockIDFlagNil
		case 2:
			vote.BlockIdFlag, last.Votes[bad].BlockIdFlag = cmtproto.BlockIDFlagAbsent, cmtproto.BlockIDFlagAbsent
		}
		carried.Votes[bad] = vote
		before := slices.Clone(carried.Votes)
		sifted := sift(ctx, e, carried)
		require.NoError(rt, checkVotes(ctx, e, sifted, last))
		require.Equal(rt, before, carried.Votes, "what CometBFT handed over is left alone")
		entry, err := encodeVotes(sifted)
		require.NoError(rt, err)
		again, err := decodeVotes(entry, 4)
		require.NoError(rt, err)
		votes, power, err := readVotes(ctx, e, again)
		require.NoError(rt, err)
		require.Equal(rt, int64(40), power)
		require.GreaterOrEqual(rt, len(votes), 3)
	})
}

func TestVotesHaveOneEncoding(t *testing.T) {
	carried, _ := newElectorate().commit(t)
	entry, err := encodeVotes(carried)
	require.NoError(t, err)
	_, err = decodeVotes(entry, 4)
	require.NoError(t, err)
	for name, other := range map[string][]byte{
		"an unknown field": slices.Concat(entry, []byte{0x7a, 0x00}),
		"the round twice":  slices.Concat(entry, []byte{0x08, 0x02}),
		"five of four":     slices.Concat(entry, []byte{0x12, 0x00}),
		"cut off":          entry[:len(entry)-1],
		"no prefix":        entry[len(votesPrefix):],
		"nothing":          nil,
	} {
		_, err := decodeVotes(other, 4)
		require.ErrorIs(t, err, errVotes, name)
	}
}

// A block may be full of bytes that decode to a hundred times their size. They are refused unread.
func TestVotesAreNotReadBeyondTheirValidators(t *testing.T) {
	entry := slices.Concat(votesPrefix, bytes.Repeat([]byte{0x12, 0x00}, 2<<20))
	allocated := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			_, err := decodeVotes(entry, 100)
			require.ErrorIs(b, err, errVotes)
		}
	}).AllocedBytesPerOp()
	require.Less(t, allocated, int64(10_000))

	full := abci.ExtendedCommitInfo{Round: 1<<31 - 1}
	for range 100 {
		full.Votes = append(full.Votes, abci.ExtendedVoteInfo{
			Validator: abci.Validator{Address: make([]byte, 20), Power: 1<<63 - 1}, BlockIdFlag: cmtproto.BlockIDFlagNil,
			VoteExtension: make([]byte, athtypes.MaxVoteExtension), ExtensionSignature: make([]byte, cmttypes.MaxSignatureSize),
		})
	}
	entry, err := encodeVotes(full)
	require.NoError(t, err)
	_, err = decodeVotes(entry, 100)
	require.NoError(t, err, "all that validators may say fits")
}

// A transaction that makes the SDK's choice panic keeps itself out of the block, not the votes.
func TestProposalOutlivesAPanic(t *testing.T) {
	blanks := abci.ExtendedCommitInfo{Votes: make([]abci.ExtendedVoteInfo, 4)}
	votes, err := encodeVotes(blanks)
	require.NoError(t, err)
	p := &proposals{log: log.NewNopLogger(), prepare: func(sdk.Context, *abci.RequestPrepareProposal) (*abci.ResponsePrepareProposal, error) {
		panic("a transaction")
	}}
	res, err := p.prepareProposal(votesContext(), &abci.RequestPrepareProposal{LocalLastCommit: blanks, Txs: [][]byte{{1}}, MaxTxBytes: 1 << 20})
	require.NoError(t, err)
	require.Equal(t, [][]byte{votes}, res.Txs)
}

func TestCarriesVotes(t *testing.T) {
	ctx := votesContext()
	require.True(t, carriesVotes(ctx, 4))
	require.False(t, carriesVotes(ctx, 0), "the first block after InitChain")
	for height, carries := range map[int64]bool{0: false, 9: true, 10: false, 11: false} {
		ctx = ctx.WithConsensusParams(cmtproto.ConsensusParams{Abci: &cmtproto.ABCIParams{VoteExtensionsEnableHeight: height}})
		require.Equal(t, carries, carriesVotes(ctx, 4), "enabled at %d, block %d", height, votesHeight)
	}
	require.False(t, carriesVotes(ctx.WithConsensusParams(cmtproto.ConsensusParams{}), 4))
}

func FuzzDecodeVotes(f *testing.F) {
	carried, _ := newElectorate().commit(f)
	entry, err := encodeVotes(carried)
	require.NoError(f, err)
	f.Add(entry)
	f.Add(votesPrefix)
	f.Fuzz(func(t *testing.T, entry []byte) {
		commit, err := decodeVotes(entry, 4)
		if err != nil {
			require.ErrorIs(t, err, errVotes)
			return
		}
		again, err := encodeVotes(commit)
		require.NoError(t, err)
		require.Equal(t, entry, again)
	})
}
