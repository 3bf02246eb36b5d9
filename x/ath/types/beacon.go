// SPDX-License-Identifier: Apache-2.0

package types

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"slices"
)

const (
	// BeaconSize is the length of the beacon's value in bytes.
	BeaconSize = 32
	// BeaconsKept is how many beacons the state keeps, and how many are mixed for a round's committees.
	BeaconsKept = 64
)

// Domains separate the hashes of this file from each other and from every other hash over the same bytes.
const (
	hashBeaconDomain = "ath/beacon/v1"
	vrfBeaconDomain  = "ath/beacon/v2"
	alphaDomain      = "ath/beacon/alpha/v1"
	possessionDomain = "ath/beacon/possession/v1"
	mixDomain        = "ath/beacon/mix/v1"
)

// BeaconInput is all that a block's beacon depends on, and all of it is public.
type BeaconInput struct {
	ChainID string
	// Height of the block; the votes in it are for the block before.
	Height int64
	// Previous beacon.
	Previous []byte
	// Votes that the block carries; none while extensions are off.
	Votes []BeaconVote
	// BlockHash of this block, and AppHash in its header; they count where nobody contributed.
	BlockHash, AppHash []byte
}

// BeaconVote is what one validator's vote brings to the beacon.
type BeaconVote struct {
	Operator []byte
	// Key that is in use; empty where the validator has none.
	Key []byte
	// Proof that came with the vote; may be empty.
	Proof []byte
}

// Contribution is the VRF output of one validator.
type Contribution struct {
	Operator []byte
	Output   []byte
}

// Step makes the block's beacon: from the VRF outputs of the votes and, where there is none, from the block's hash. It also
// returns the operators whose proof is not one of their key and height.
func (in BeaconInput) Step() (record BeaconRecord, refused [][]byte) {
	given, refused := in.Contributions()
	record = BeaconRecord{
		Height: in.Height, Source: BeaconSource_BEACON_SOURCE_VRF,
		Contributors: uint32(len(given)), Voters: uint32(len(in.Votes)),
	}
	if len(given) == 0 {
		record.Source, record.Value = BeaconSource_BEACON_SOURCE_BLOCK_HASH, in.hashBeacon()
		return record, refused
	}
	record.Value = in.Value(given)
	return record, refused
}

// Contributions checks the votes' proofs. What counts is the VRF's output, of which a key has exactly one per height; a
// proof as such could be written in many ways.
func (in BeaconInput) Contributions() (given []Contribution, refused [][]byte) {
	votes := slices.Clone(in.Votes)
	slices.SortStableFunc(votes, func(a, b BeaconVote) int { return bytes.Compare(a.Operator, b.Operator) })
	votes = slices.CompactFunc(votes, func(a, b BeaconVote) bool { return bytes.Equal(a.Operator, b.Operator) })
	alpha := BeaconAlpha(in.ChainID, in.Height-1)
	for _, vote := range votes {
		if len(vote.Key) == 0 || len(vote.Proof) == 0 {
			continue
		}
		output, ok := VerifyBeaconProof(vote.Key, alpha, vote.Proof)
		if !ok {
			refused = append(refused, vote.Operator)
			continue
		}
		given = append(given, Contribution{Operator: vote.Operator, Output: output})
	}
	return given, refused
}

// Value hashes the last beacon with contributions, which are in order of operator.
func (in BeaconInput) Value(given []Contribution) []byte {
	parts := [][]byte{[]byte(vrfBeaconDomain), in.Previous, []byte(in.ChainID), uint64Bytes(uint64(in.Height)), uint64Bytes(uint64(len(given)))}
	for _, c := range given {
		parts = append(parts, c.Output)
	}
	return hashParts(parts...)
}

// hashBeacon hashes the last value with what the block brings: its hash commits to the proposer's choice of transactions,
// the app hash to everything before.
func (in BeaconInput) hashBeacon() []byte {
	return hashParts([]byte(hashBeaconDomain), in.Previous, []byte(in.ChainID), uint64Bytes(uint64(in.Height)), in.BlockHash, in.AppHash)
}

// BeaconAlpha is what validators prove a VRF over when they vote for the block of a height.
func BeaconAlpha(chainID string, height int64) []byte {
	return joinParts([]byte(alphaDomain), []byte(chainID), uint64Bytes(uint64(height)))
}

// possessionAlpha is what the owner of a key proves a VRF over when it registers it: no other validator and no other chain
// can use the proof, and it is no contribution to any height.
func possessionAlpha(chainID string, operator []byte) []byte {
	return joinParts([]byte(possessionDomain), []byte(chainID), operator)
}

// MixBeacons makes one value of the last beacons, whatever their order; a round's committees are drawn from it.
func MixBeacons(records []BeaconRecord) []byte {
	records = slices.SortedFunc(slices.Values(records), func(a, b BeaconRecord) int { return cmp.Compare(a.Height, b.Height) })
	parts := [][]byte{[]byte(mixDomain), uint64Bytes(uint64(len(records)))}
	for _, r := range records {
		parts = append(parts, uint64Bytes(uint64(r.Height)), r.Value)
	}
	return hashParts(parts...)
}

// BeaconSlot is where the state keeps the beacon of a height: in a ring, so that none has to be deleted.
func BeaconSlot(height int64) uint64 { return uint64(height) % BeaconsKept }

// Validate says whether a record can be one.
func (r BeaconRecord) Validate() error {
	if r.Height < 1 || len(r.Value) != BeaconSize {
		return ErrInvalidBeacon.Wrapf("height is %d, value has %d bytes; at least 1, and %d", r.Height, len(r.Value), BeaconSize)
	}
	want := BeaconSource_BEACON_SOURCE_VRF
	if r.Contributors == 0 {
		want = BeaconSource_BEACON_SOURCE_BLOCK_HASH
	}
	if r.Source != want || r.Contributors > r.Voters {
		return ErrInvalidBeacon.Wrapf("%s with %d contributors among %d voters", r.Source, r.Contributors, r.Voters)
	}
	return nil
}

// joinParts puts a length before each part, so that no two lists of parts run together to the same bytes.
func joinParts(parts ...[]byte) []byte {
	var joined []byte
	for _, part := range parts {
		joined = binary.BigEndian.AppendUint32(joined, uint32(len(part)))
		joined = append(joined, part...)
	}
	return joined
}

func hashParts(parts ...[]byte) []byte {
	sum := sha256.Sum256(joinParts(parts...))
	return sum[:]
}

func uint64Bytes(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }
