// SPDX-License-Identifier: Apache-2.0

package app

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"

	athtypes "github.com/athnet/ath/x/ath/types"
)

// maxBundleVotes bounds what a bundle's votes may weigh: an extended commit of a thousand validators with full extensions.
const maxBundleVotes = 1 << 20

// maxBundleSigners is a thousand validators and room.
const maxBundleSigners = 2_000

// errBundle: a bundle contradicts itself.
var errBundle = errors.New("beacon bundle")

// BeaconBundle is all that anybody needs to make a block's beacon again: the votes that the block carries, and what the state
// of the block before says about keys. Bytes are hexadecimal, votes base64.
type BeaconBundle struct {
	ChainID string `json:"chain_id"`
	Height  int64  `json:"height"`
	// Beacon as the chain has it, which is what is to be checked.
	Beacon Hex `json:"beacon"`
	// Previous beacon, that of the block before.
	Previous Hex `json:"previous"`
	// BlockHash and AppHash of the block's header.
	BlockHash Hex `json:"block_hash"`
	AppHash   Hex `json:"app_hash"`
	// Votes is the first entry of the block's transactions; empty where the block carries no votes.
	Votes []byte `json:"votes,omitempty"`
	// Epoch that ran when the block began.
	Epoch uint64 `json:"epoch"`
	// Signers say which validator voted under which consensus address.
	Signers []BundleSigner `json:"signers,omitempty"`
	Keys    []BundleKey    `json:"keys,omitempty"`
}

// BundleSigner is a consensus address of a validator.
type BundleSigner struct {
	Consensus Hex    `json:"consensus"`
	Operator  string `json:"operator"`
}

// BundleKey is what a validator registered.
type BundleKey struct {
	Operator  string `json:"operator"`
	Current   Hex    `json:"current,omitempty"`
	Next      Hex    `json:"next,omitempty"`
	FromEpoch uint64 `json:"from_epoch,omitempty"`
}

// Hex is bytes that are written in hexadecimal.
type Hex []byte

func (h Hex) String() string { return hex.EncodeToString(h) }

// MarshalText implements encoding.TextMarshaler.
func (h Hex) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (h *Hex) UnmarshalText(text []byte) error {
	raw, err := hex.DecodeString(string(text))
	*h = raw
	return err
}

// BeaconReport says what a block's beacon was made from, and whether it is the right one.
type BeaconReport struct {
	ChainID string `json:"chain_id"`
	Height  int64  `json:"height"`
	Right   bool   `json:"right"`
	// Beacon as the chain has it, and as it must be.
	Beacon     Hex    `json:"beacon"`
	Recomputed Hex    `json:"recomputed"`
	Source     string `json:"source"`
	// Contributed are the validators whose VRF output is in the value.
	Contributed []string `json:"contributed"`
	// Refused voted with a proof that is not one of their key and height.
	Refused []string `json:"refused,omitempty"`
	// Without a proof, or without a key in use, voted the others.
	Without []string `json:"without,omitempty"`
	// LeftOut voted for the block before, and the block does not carry what they said.
	LeftOut []string `json:"left_out,omitempty"`
}

// ParseBeaconBundle reads a bundle's file.
func ParseBeaconBundle(raw []byte) (BeaconBundle, error) {
	var bundle BeaconBundle
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&bundle); err != nil {
		return bundle, fmt.Errorf("%w: %w", errBundle, err)
	}
	return bundle, nil
}

// Verify makes the beacon again with the chain's own code and compares.
func (b BeaconBundle) Verify() (BeaconReport, error) {
	report := BeaconReport{ChainID: b.ChainID, Height: b.Height, Beacon: b.Beacon}
	if b.ChainID == "" || b.Height < 1 || len(b.Beacon) != athtypes.BeaconSize || len(b.Previous) != athtypes.BeaconSize {
		return report, fmt.Errorf("%w: chain_id and height must be there, beacon and previous have %d bytes", errBundle, athtypes.BeaconSize)
	}
	votes, err := b.votes(&report)
	if err != nil {
		return report, err
	}
	input := athtypes.BeaconInput{
		ChainID: b.ChainID, Height: b.Height, Previous: b.Previous, Votes: votes, BlockHash: b.BlockHash, AppHash: b.AppHash,
	}
	record, refused := input.Step()
	given, _ := input.Contributions()
	for _, c := range given {
		report.Contributed = append(report.Contributed, operatorText(c.Operator))
	}
	for _, operator := range refused {
		report.Refused = append(report.Refused, operatorText(operator))
	}
	for _, vote := range votes {
		if text := operatorText(vote.Operator); !slices.Contains(report.Contributed, text) && !slices.Contains(report.Refused, text) {
			report.Without = append(report.Without, text)
		}
	}
	report.Source = map[athtypes.BeaconSource]string{
		athtypes.BeaconSource_BEACON_SOURCE_VRF: "vrf", athtypes.BeaconSource_BEACON_SOURCE_BLOCK_HASH: "block hash",
	}[record.Source]
	report.Recomputed = record.Value
	report.Right = bytes.Equal(record.Value, b.Beacon)
	return report, nil
}

// votes reads what the block carries, and notes whose extension it does not.
func (b BeaconBundle) votes(report *BeaconReport) ([]athtypes.BeaconVote, error) {
	if len(b.Votes) == 0 {
		return nil, nil
	}
	if len(b.Votes) > maxBundleVotes {
		return nil, fmt.Errorf("%w: votes have %d bytes; at most %d", errBundle, len(b.Votes), maxBundleVotes)
	}
	commit, err := decodeVotes(b.Votes, maxBundleSigners)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errBundle, err)
	}
	operators, keys, err := b.lookups()
	if err != nil {
		return nil, err
	}
	var votes []athtypes.BeaconVote
	for _, vote := range commit.Votes {
		operator, ok := operators[string(vote.Validator.Address)]
		switch {
		case blank(vote) && vote.BlockIdFlag != cmtproto.BlockIDFlagCommit:
			continue // it did not vote for the block
		case !ok:
			return nil, fmt.Errorf("%w: signers do not say whose %X is", errBundle, vote.Validator.Address)
		case blank(vote):
			report.LeftOut = append(report.LeftOut, operatorText(operator))
			continue
		}
		proof := athtypes.ReadVoteExtension(vote.VoteExtension).BeaconProof
		votes = append(votes, athtypes.BeaconVote{Operator: operator, Key: keys[string(operator)].InUse(b.Epoch), Proof: proof})
	}
	return votes, nil
}

func (b BeaconBundle) lookups() (operators map[string][]byte, keys map[string]athtypes.BeaconKey, err error) {
	operators, keys = make(map[string][]byte, len(b.Signers)), make(map[string]athtypes.BeaconKey, len(b.Keys))
	for i, signer := range b.Signers {
		if operators[string(signer.Consensus)], err = ValidatorAddresses.StringToBytes(signer.Operator); err != nil {
			return nil, nil, fmt.Errorf("%w: signers[%d].operator: %w", errBundle, i, err)
		}
	}
	for i, key := range b.Keys {
		operator, err := ValidatorAddresses.StringToBytes(key.Operator)
		if err != nil {
			return nil, nil, fmt.Errorf("%w: keys[%d].operator: %w", errBundle, i, err)
		}
		registered := athtypes.BeaconKey{Operator: key.Operator, Current: key.Current, Next: key.Next, FromEpoch: key.FromEpoch}
		if err := registered.Validate(); err != nil {
			return nil, nil, fmt.Errorf("%w: keys[%d]: %w", errBundle, i, err)
		}
		keys[string(operator)] = registered
	}
	return operators, keys, nil
}

// operatorText is an operator's address as people know it; of bytes that are none, the bytes.
func operatorText(operator []byte) string {
	text, err := ValidatorAddresses.BytesToString(operator)
	if err != nil {
		return base64.StdEncoding.EncodeToString(operator)
	}
	return text
}

// VotesOf returns the entry of a block's transactions that carries votes; nil where the block carries none.
func VotesOf(txs [][]byte) []byte {
	if len(txs) == 0 || !isVotes(txs[0]) {
		return nil
	}
	return txs[0]
}
