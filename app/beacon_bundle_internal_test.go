// SPDX-License-Identifier: Apache-2.0

package app

import (
	"encoding/json"
	"testing"

	abci "github.com/cometbft/cometbft/abci/types"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	"github.com/stretchr/testify/require"

	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
)

func bundleSecret(t require.TestingT, i int) athtypes.BeaconSecret {
	seed := make([]byte, athtypes.BeaconSeedSize)
	seed[0] = byte(i)
	secret, err := athtypes.NewBeaconSecret(seed)
	require.NoError(t, err)
	return secret
}

// newBundle is a block of four validators: the first contributes, the second has a wrong proof, the third no key; what the
// last said is left out by the proposer.
func newBundle(t require.TestingT) BeaconBundle {
	e := newElectorate()
	bundle := BeaconBundle{ChainID: votesChain, Height: votesHeight, Previous: make(Hex, 32), BlockHash: Hex{1}, AppHash: Hex{2}, Epoch: 7}
	carried := abci.ExtendedCommitInfo{Round: 2}
	input := athtypes.BeaconInput{ChainID: votesChain, Height: votesHeight, Previous: bundle.Previous}
	for i, key := range e.keys {
		operator, err := ValidatorAddresses.BytesToString(key.PubKey().Address())
		require.NoError(t, err)
		bundle.Signers = append(bundle.Signers, BundleSigner{Consensus: Hex(key.PubKey().Address()), Operator: operator})
		if i != 2 {
			bundle.Keys = append(bundle.Keys, BundleKey{Operator: operator, Current: bundleSecret(t, i).Public()})
		}
		alpha := athtypes.BeaconAlpha(votesChain, votesHeight-1)
		if i == 1 {
			alpha = alpha[1:]
		}
		ext := athtypes.VoteExtension{BeaconProof: bundleSecret(t, i).Prove(alpha)}
		said, err := ext.Marshal()
		require.NoError(t, err)
		vote := e.sign(t, i, said, votesChain, votesHeight-1, 2)
		if i == 3 {
			vote.VoteExtension, vote.ExtensionSignature = nil, nil
		}
		carried.Votes = append(carried.Votes, vote)
		if i == 0 {
			input.Votes = []athtypes.BeaconVote{{Operator: key.PubKey().Address(), Key: bundleSecret(t, 0).Public(), Proof: ext.BeaconProof}}
		}
	}
	// A validator that did not vote for the block is in the commit without anything.
	carried.Votes = append(carried.Votes, abci.ExtendedVoteInfo{Validator: abci.Validator{Address: make([]byte, 20), Power: 1}, BlockIdFlag: cmtproto.BlockIDFlagAbsent})
	votes, err := encodeVotes(carried)
	require.NoError(t, err)
	record, _ := input.Step()
	bundle.Votes, bundle.Beacon = votes, record.Value
	return bundle
}

func TestBundleSaysWhatABeaconWasMadeFrom(t *testing.T) {
	bundle := newBundle(t)
	raw, err := json.Marshal(bundle)
	require.NoError(t, err)
	read, err := ParseBeaconBundle(raw)
	require.NoError(t, err)
	require.Equal(t, bundle, read)

	report, err := read.Verify()
	require.NoError(t, err)
	require.True(t, report.Right)
	require.Equal(t, "vrf", report.Source)
	operator := func(i int) []string { return []string{bundle.Signers[i].Operator} }
	require.Equal(t, operator(0), report.Contributed)
	require.Equal(t, operator(1), report.Refused)
	require.Equal(t, operator(2), report.Without)
	require.Equal(t, operator(3), report.LeftOut)
	require.Equal(t, votesChain, report.ChainID)
	require.Equal(t, bundle.Votes, VotesOf([][]byte{bundle.Votes, {1}}))
	require.Nil(t, VotesOf([][]byte{{1}}))
	require.Nil(t, VotesOf(nil))
}

// Whoever changes anything in a bundle gets another beacon, or an error.
func TestBundleThatIsWrong(t *testing.T) {
	for name, spoil := range map[string]func(*BeaconBundle){
		"previous": func(b *BeaconBundle) { b.Previous = append(Hex{1}, b.Previous[1:]...) },
		"beacon":   func(b *BeaconBundle) { b.Beacon = make(Hex, 32) },
		"height":   func(b *BeaconBundle) { b.Height++ },
		"chain":    func(b *BeaconBundle) { b.ChainID = "ath-1" },
		"no key":   func(b *BeaconBundle) { b.Keys = b.Keys[1:] },
		"another key": func(b *BeaconBundle) {
			b.Keys[0].Next, b.Keys[0].FromEpoch = bundleSecret(t, 9).Public(), b.Epoch
		},
		"no votes": func(b *BeaconBundle) { b.Votes = nil },
	} {
		bundle := newBundle(t)
		spoil(&bundle)
		report, err := bundle.Verify()
		require.NoError(t, err, name)
		require.False(t, report.Right, name)
	}
	for want, spoil := range map[string]func(*BeaconBundle){
		"chain_id and height": func(b *BeaconBundle) { b.Height = 0 },
		"have 32 bytes":       func(b *BeaconBundle) { b.Previous = nil },
		"canonical form":      func(b *BeaconBundle) { b.Votes = append(b.Votes, 0x20, 0x00) },
		"votes have":          func(b *BeaconBundle) { b.Votes = make([]byte, maxBundleVotes+1) },
		"do not say whose":    func(b *BeaconBundle) { b.Signers = b.Signers[1:] },
		"signers[0].operator": func(b *BeaconBundle) { b.Signers[0].Operator = sdk.AccAddress(make([]byte, 20)).String() },
		"keys[0].operator":    func(b *BeaconBundle) { b.Keys[0].Operator = "x" },
		"keys[0]:":            func(b *BeaconBundle) { b.Keys[0].Current = make(Hex, 32) },
	} {
		bundle := newBundle(t)
		spoil(&bundle)
		_, err := bundle.Verify()
		require.ErrorContains(t, err, want)
	}
	_, err := ParseBeaconBundle([]byte(`{"chain":"ath-1"}`))
	require.ErrorContains(t, err, "unknown field")
}

// FuzzBeaconBundle: a file from anywhere makes an error or a report, and never a panic.
func FuzzBeaconBundle(f *testing.F) {
	raw, err := json.Marshal(newBundle(f))
	require.NoError(f, err)
	f.Add(raw)
	f.Add([]byte(`{"chain_id":"a","height":1}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		bundle, err := ParseBeaconBundle(raw)
		if err != nil {
			return
		}
		if report, err := bundle.Verify(); err == nil && report.Right {
			require.Equal(t, bundle.Beacon, report.Recomputed)
		}
	})
}
