// SPDX-License-Identifier: Apache-2.0

package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	abci "github.com/cometbft/cometbft/abci/types"
	cryptoenc "github.com/cometbft/cometbft/crypto/encoding"
	cmtcrypto "github.com/cometbft/cometbft/proto/tendermint/crypto"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	cmttypes "github.com/cometbft/cometbft/types"
	"google.golang.org/protobuf/encoding/protowire"

	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
)

// A block carries what its validators said when they voted for the last one: the first entry of its list of transactions is
// votesPrefix and the extended commit. ADR-0008 says what may stand there and why.

// votesPrefix can't begin a transaction: it is no field of one.
var votesPrefix = []byte("ath/votes/v1\x00")

// errVotes: a proposal does not carry the votes that it must carry.
var errVotes = errors.New("votes in the proposal")

// isVotes says whether an entry of a block's list of transactions is, or claims to be, the votes.
func isVotes(tx []byte) bool { return bytes.HasPrefix(tx, votesPrefix) }

// encodeVotes is the entry that carries an extended commit.
func encodeVotes(commit abci.ExtendedCommitInfo) ([]byte, error) {
	body, err := commit.Marshal()
	if err != nil {
		return nil, err
	}
	return slices.Concat(votesPrefix, body), nil
}

// decodeVotes reads an entry that carries an extended commit of so many validators. Only what encodeVotes makes of it is taken:
// a second way to write the same votes would be a second block. Votes are counted first: two bytes can be one, and a block full
// of them is a gigabyte in memory.
func decodeVotes(tx []byte, validators int) (abci.ExtendedCommitInfo, error) {
	var commit abci.ExtendedCommitInfo
	body, ok := bytes.CutPrefix(tx, votesPrefix)
	if !ok {
		return commit, fmt.Errorf("%w: the first entry is something else", errVotes)
	}
	if err := countVotes(body, validators); err != nil {
		return commit, err
	}
	if err := commit.Unmarshal(body); err != nil {
		return commit, fmt.Errorf("%w: %w", errVotes, err)
	}
	again, err := commit.Marshal()
	if err != nil || !bytes.Equal(again, body) {
		return commit, fmt.Errorf("%w: not in canonical form", errVotes)
	}
	return commit, nil
}

// countVotes refuses an extended commit with more votes than there are validators, without making anything of them.
func countVotes(body []byte, validators int) error {
	for votes := 0; len(body) > 0; {
		field, _, size := protowire.ConsumeField(body)
		if size < 0 {
			return fmt.Errorf("%w: %w", errVotes, protowire.ParseError(size))
		}
		if field == votesField {
			votes++
		}
		if votes > validators {
			return fmt.Errorf("%w: there are more than %d", errVotes, validators)
		}
		body = body[size:]
	}
	return nil
}

// votesField is the number of votes in abci.ExtendedCommitInfo.
const votesField = 2

// signerKeys is where a signer's public key is looked up.
type signerKeys interface {
	GetPubKeyByConsAddr(ctx context.Context, consensus sdk.ConsAddress) (cmtcrypto.PublicKey, error)
}

// carriesVotes says whether the block at the context's height must carry votes: where the validators extended those for the
// block before. The first block after InitChain has no block before it.
func carriesVotes(ctx sdk.Context, lastVotes int) bool {
	abciParams := ctx.ConsensusParams().Abci
	return abciParams != nil && abciParams.VoteExtensionsEnableHeight > 0 &&
		ctx.HeaderInfo().Height > abciParams.VoteExtensionsEnableHeight && lastVotes > 0
}

// sift blanks the extensions that no proposal may carry: those of votes that are not for the block, those that are too long and
// those that the voter has not signed. CometBFT asks the application about votes that come in time, not about late ones,
// so one bad vote would otherwise stop every proposer.
func sift(ctx sdk.Context, keys signerKeys, commit abci.ExtendedCommitInfo) abci.ExtendedCommitInfo {
	votes := slices.Clone(commit.Votes)
	for i, vote := range votes {
		if checkVote(ctx, keys, commit.Round, vote) != nil {
			votes[i].VoteExtension, votes[i].ExtensionSignature = nil, nil
		}
	}
	commit.Votes = votes
	return commit
}

// checkVote says why a vote's extension may not be carried; nil where it may, or where there is none.
func checkVote(ctx sdk.Context, keys signerKeys, round int32, vote abci.ExtendedVoteInfo) error {
	if blank(vote) {
		return nil
	}
	if vote.BlockIdFlag != cmtproto.BlockIDFlagCommit {
		return fmt.Errorf("%w: %X did not vote for the block and has an extension", errVotes, vote.Validator.Address)
	}
	if len(vote.VoteExtension) > athtypes.MaxVoteExtension {
		return fmt.Errorf("%w: extension of %X has %d bytes; at most %d", errVotes, vote.Validator.Address, len(vote.VoteExtension), athtypes.MaxVoteExtension)
	}
	proto, err := keys.GetPubKeyByConsAddr(ctx, vote.Validator.Address)
	if err != nil {
		return fmt.Errorf("%w: %w", errVotes, err)
	}
	key, err := cryptoenc.PubKeyFromProto(proto)
	if err != nil {
		return fmt.Errorf("%w: key of %X: %w", errVotes, vote.Validator.Address, err)
	}
	signed := cmttypes.VoteExtensionSignBytes(ctx.HeaderInfo().ChainID, &cmtproto.Vote{
		Extension: vote.VoteExtension, Height: ctx.HeaderInfo().Height - 1, Round: round,
	})
	if !key.VerifySignature(signed, vote.ExtensionSignature) {
		return fmt.Errorf("%w: %X did not sign its extension", errVotes, vote.Validator.Address)
	}
	return nil
}

// blank says whether a vote carries no extension. An empty extension that is signed is one.
func blank(vote abci.ExtendedVoteInfo) bool {
	return len(vote.VoteExtension) == 0 && len(vote.ExtensionSignature) == 0
}

// checkVotes says why a proposal may not carry these votes after this last commit. Beside each extension by itself: they are
// those of the last commit, in its order, and more than two thirds of the power has one. A proposer may leave out the rest.
func checkVotes(ctx sdk.Context, keys signerKeys, carried abci.ExtendedCommitInfo, last abci.CommitInfo) error {
	if carried.Round != last.Round || len(carried.Votes) != len(last.Votes) {
		return fmt.Errorf("%w: %d of round %d; the last commit has %d of round %d", errVotes, len(carried.Votes), carried.Round, len(last.Votes), last.Round)
	}
	var total, said int64
	for i, vote := range carried.Votes {
		of := last.Votes[i]
		if !bytes.Equal(vote.Validator.Address, of.Validator.Address) || vote.Validator.Power != of.Validator.Power || vote.BlockIdFlag != of.BlockIdFlag {
			return fmt.Errorf("%w: vote %d is not that of the last commit", errVotes, i)
		}
		if err := checkVote(ctx, keys, carried.Round, vote); err != nil {
			return err
		}
		total += vote.Validator.Power
		if !blank(vote) {
			said += vote.Validator.Power
		}
	}
	// CometBFT's total is at most 2^63 / 8, so three times it does not overflow.
	if said*3 <= total*2 {
		return fmt.Errorf("%w: they have %d of a power of %d; more than two thirds are needed", errVotes, said, total)
	}
	return nil
}

// readVotes turns the votes that a block carries into what validators said, in order of operator. A validator without any
// extension has no entry; its power counts in the whole, which is returned too.
func readVotes(ctx sdk.Context, operators signerOperators, carried abci.ExtendedCommitInfo) ([]athtypes.Vote, int64, error) {
	votes, total := make([]athtypes.Vote, 0, len(carried.Votes)), int64(0)
	for _, vote := range carried.Votes {
		total += vote.Validator.Power
		if blank(vote) {
			continue
		}
		operator, err := operators.SignerOperator(ctx, vote.Validator.Address)
		if err != nil {
			return nil, 0, err
		}
		ext := athtypes.ReadVoteExtension(vote.VoteExtension)
		votes = append(votes, athtypes.Vote{Operator: operator, Power: vote.Validator.Power, Price: ext.Price, BeaconProof: ext.BeaconProof})
	}
	slices.SortStableFunc(votes, func(a, b athtypes.Vote) int { return bytes.Compare(a.Operator, b.Operator) })
	// A rotated key could vote beside its successor if two heights were mixed up; one operator has one voice.
	votes = slices.CompactFunc(votes, func(a, b athtypes.Vote) bool { return bytes.Equal(a.Operator, b.Operator) })
	return votes, total, nil
}

// signerOperators says which validator signs with a consensus address.
type signerOperators interface {
	SignerOperator(ctx context.Context, consensus sdk.ConsAddress) (sdk.ValAddress, error)
}
