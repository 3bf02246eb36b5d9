// SPDX-License-Identifier: Apache-2.0

package types

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/oasisprotocol/curve25519-voi/curve"
	"github.com/oasisprotocol/curve25519-voi/primitives/ed25519/extra/ecvrf"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

const beaconChain = "ath-test-1"

func unhex(t require.TestingT, text string) []byte {
	raw, err := hex.DecodeString(text)
	require.NoError(t, err)
	return raw
}

func beaconSecret(t require.TestingT, i int) BeaconSecret {
	seed := sha256.Sum256(fmt.Appendf(nil, "beacon %d", i))
	secret, err := NewBeaconSecret(seed[:])
	require.NoError(t, err)
	return secret
}

// beaconInput is a block of n validators with keys, of which all contribute.
func beaconInput(t require.TestingT, n int, height int64) BeaconInput {
	in := BeaconInput{ChainID: beaconChain, Height: height, Previous: bytes.Repeat([]byte{7}, BeaconSize), BlockHash: []byte("hash"), AppHash: []byte("app")}
	for i := range n {
		secret := beaconSecret(t, i)
		in.Votes = append(in.Votes, BeaconVote{
			Operator: []byte{byte(i + 1)}, Key: secret.Public(), Proof: secret.Prove(BeaconAlpha(beaconChain, height-1)),
		})
	}
	return in
}

// Examples 19 to 21 of RFC 9381, appendix B.4: ECVRF-EDWARDS25519-SHA512-ELL2.
func TestVectorsOfRFC9381(t *testing.T) {
	for _, v := range []struct{ seed, pubkey, alpha, proof, output string }{
		{
			"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
			"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
			"7d9c633ffeee27349264cf5c667579fc583b4bda63ab71d001f89c10003ab46f14adf9a3cd8b8412d9038531e865c341cafa73589b023d14311c331a9ad15ff2fb37831e00f0acaa6d73bc9997b06501",
			"9d574bf9b8302ec0fc1e21c3ec5368269527b87b462ce36dab2d14ccf80c53cccf6758f058c5b1c856b116388152bbe509ee3b9ecfe63d93c3b4346c1fbc6c54",
		},
		{
			"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
			"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
			"47b327393ff2dd81336f8a2ef10339112401253b3c714eeda879f12c509072ef055b48372bb82efbdce8e10c8cb9a2f9d60e93908f93df1623ad78a86a028d6bc064dbfc75a6a57379ef855dc6733801",
			"38561d6b77b71d30eb97a062168ae12b667ce5c28caccdf76bc88e093e4635987cd96814ce55b4689b3dd2947f80e59aac7b7675f8083865b46c89b2ce9cc735",
		},
		{
			"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
			"fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
			"926e895d308f5e328e7aa159c06eddbe56d06846abf5d98c2512235eaa57fdce35b46edfc655bc828d44ad09d1150f31374e7ef73027e14760d42e77341fe05467bb286cc2c9d7fde29120a0b2320d04",
			"121b7f9b9aaaa29099fc04a94ba52784d44eac976dd1a3cca458733be5cd090a7b5fbd148444f17f8daf1fb55cb04b1ae85a626e30a54b4b0f8abf4a43314a58",
		},
	} {
		secret, err := NewBeaconSecret(unhex(t, v.seed))
		require.NoError(t, err)
		require.Equal(t, v.pubkey, hex.EncodeToString(secret.Public()))
		require.NoError(t, ValidateBeaconKey(secret.Public()))
		proof := secret.Prove(unhex(t, v.alpha))
		require.Equal(t, v.proof, hex.EncodeToString(proof))
		output, ok := VerifyBeaconProof(secret.Public(), unhex(t, v.alpha), proof)
		require.True(t, ok)
		require.Equal(t, v.output, hex.EncodeToString(output))
	}
}

// The values that any other implementation must reach too.
func TestBeaconVectors(t *testing.T) {
	in := beaconInput(t, 3, 42)
	require.Equal(t, "000000136174682f626561636f6e2f616c7068612f76310000000a6174682d746573742d3100000008000000000000002a",
		hex.EncodeToString(BeaconAlpha(beaconChain, 42)))
	record, refused := in.Step()
	require.Empty(t, refused)
	require.Equal(t, BeaconSource_BEACON_SOURCE_VRF, record.Source)
	require.Equal(t, "87130029a25579b0ebc2b6770226169b23f5e6df070d0fd93526b5eaded130e4", hex.EncodeToString(record.Value))
	require.Equal(t, "61ee4aaa4e9f0ac5814578fd7ca65986fe5dd3563f969c23e757eddb58d5f7f8", hex.EncodeToString(MixBeacons([]BeaconRecord{record})))
	in.Votes = nil
	record, _ = in.Step()
	require.Equal(t, BeaconSource_BEACON_SOURCE_BLOCK_HASH, record.Source)
	require.Equal(t, "667c825848c69347f398b11efee9e17ec8799f71c2ea399bb3dd82a695a74a73", hex.EncodeToString(record.Value))
}

// The value depends on who contributes, not on the order in which votes are listed.
func TestBeaconIgnoresTheOrderOfVotes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := beaconInput(t, rapid.IntRange(1, 6).Draw(t, "validators"), rapid.Int64Range(2, 1<<40).Draw(t, "height"))
		want, _ := in.Step()
		in.Votes = rapid.Permutation(in.Votes).Draw(t, "order")
		in.Votes = append(in.Votes, in.Votes[rapid.IntRange(0, len(in.Votes)-1).Draw(t, "again")])
		got, refused := in.Step()
		require.Empty(t, refused)
		require.Equal(t, want.Value, got.Value)
		require.Equal(t, want.Contributors, got.Contributors)
	})
}

// Every set of contributors has a value of its own.
func TestLeavingOutAVoteChangesTheBeacon(t *testing.T) {
	in := beaconInput(t, 5, 42)
	votes, seen := in.Votes, make(map[string]bool)
	for set := range 1 << len(votes) {
		in.Votes = nil
		for i, vote := range votes {
			if set>>i&1 == 1 {
				in.Votes = append(in.Votes, vote)
			}
		}
		record, _ := in.Step()
		require.NoError(t, record.Validate())
		require.False(t, seen[string(record.Value)])
		seen[string(record.Value)] = true
	}
}

// A proof with any bit changed, of another key, chain or height is no contribution, and the others' still count.
func TestWrongProofsAreNoContribution(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := beaconInput(t, 3, rapid.Int64Range(3, 1<<40).Draw(t, "height"))
		without := in
		without.Votes = in.Votes[1:]
		want, _ := without.Step()

		vote := &in.Votes[0]
		vote.Proof = bytes.Clone(vote.Proof)
		switch rapid.SampledFrom([]string{"bit", "size", "height", "chain", "other", "possession"}).Draw(t, "fault") {
		case "bit":
			bit := rapid.IntRange(0, 8*BeaconProofSize-1).Draw(t, "bit")
			vote.Proof[bit/8] ^= 1 << (bit % 8)
		case "size":
			vote.Proof = append(vote.Proof, 0)[:rapid.SampledFrom([]int{1, 32, 79, 81}).Draw(t, "size")]
		case "height":
			vote.Proof = beaconSecret(t, 0).Prove(BeaconAlpha(beaconChain, in.Height))
		case "chain":
			vote.Proof = beaconSecret(t, 0).Prove(BeaconAlpha("ath-test-2", in.Height-1))
		case "other":
			vote.Proof = in.Votes[1].Proof
		case "possession":
			vote.Proof = beaconSecret(t, 0).ProvePossession(beaconChain, vote.Operator)
		}
		got, refused := in.Step()
		require.Equal(t, [][]byte{vote.Operator}, refused)
		require.Equal(t, want.Value, got.Value)
		require.EqualValues(t, 2, got.Contributors)
		require.EqualValues(t, 3, got.Voters)
	})
}

// torsion is the small subgroup: adding one of its points to Gamma can make another proof that verifies.
func torsion(t require.TestingT) []*curve.EdwardsPoint {
	generator := decodePoint(t, unhex(t, "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"))
	points := []*curve.EdwardsPoint{generator}
	for range 7 {
		points = append(points, new(curve.EdwardsPoint).Add(points[len(points)-1], generator))
	}
	require.True(t, points[7].IsIdentity())
	return points[:7]
}

func decodePoint(t require.TestingT, raw []byte) *curve.EdwardsPoint {
	var encoded curve.CompressedEdwardsY
	_, err := encoded.SetBytes(raw)
	require.NoError(t, err)
	point := new(curve.EdwardsPoint)
	_, err = point.SetCompressedY(&encoded)
	require.NoError(t, err)
	return point
}

func encodePoint(point *curve.EdwardsPoint) []byte {
	var encoded curve.CompressedEdwardsY
	return bytes.Clone(encoded.SetEdwardsPoint(point)[:])
}

// Grinding is useless: a validator may write its proof in as many ways as it likes, the output stays the same.
func TestOneOutputPerKeyAndHeight(t *testing.T) {
	alpha, secret := BeaconAlpha(beaconChain, 42), beaconSecret(t, 0)
	want, ok := VerifyBeaconProof(secret.Public(), alpha, secret.Prove(alpha))
	require.True(t, ok)
	proofs := make(map[string]bool)
	for range 200 {
		proof, err := ecvrf.ProveWithAddedRandomness(rand.Reader, secret.key, alpha)
		require.NoError(t, err)
		variants := [][]byte{proof}
		for _, point := range torsion(t) {
			shifted := new(curve.EdwardsPoint).Add(decodePoint(t, proof[:32]), point)
			variants = append(variants, append(encodePoint(shifted), proof[32:]...))
		}
		for _, variant := range variants {
			if output, ok := VerifyBeaconProof(secret.Public(), alpha, variant); ok {
				proofs[string(variant)] = true
				require.Equal(t, want, output)
			}
		}
	}
	require.Greater(t, len(proofs), 100, "many proofs, one output")
}

func TestValidateBeaconKey(t *testing.T) {
	secret := beaconSecret(t, 0)
	require.NoError(t, ValidateBeaconKey(secret.Public()))
	point := decodePoint(t, secret.Public())
	for _, small := range torsion(t) {
		require.ErrorIs(t, ValidateBeaconKey(encodePoint(small)), ErrInvalidBeaconKey)
		require.ErrorContains(t, ValidateBeaconKey(encodePoint(new(curve.EdwardsPoint).Add(point, small))), "not of prime order")
	}
	for name, key := range map[string]string{
		"identity":               "0100000000000000000000000000000000000000000000000000000000000000",
		"identity, written p+1":  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"identity, sign bit set": "0100000000000000000000000000000000000000000000000000000000000080",
		"y = p":                  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"y = 2, not on curve":    "0200000000000000000000000000000000000000000000000000000000000000",
		"y = p+3, written twice": "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"31 bytes":               "01000000000000000000000000000000000000000000000000000000000000",
	} {
		require.ErrorIs(t, ValidateBeaconKey(unhex(t, key)), ErrInvalidBeaconKey, name)
	}
}

func TestPossession(t *testing.T) {
	secret, alice, bob := beaconSecret(t, 0), []byte("alice"), []byte("bob")
	proof := secret.ProvePossession(beaconChain, alice)
	require.True(t, VerifyPossession(beaconChain, alice, secret.Public(), proof))
	require.False(t, VerifyPossession(beaconChain, bob, secret.Public(), proof))
	require.False(t, VerifyPossession("ath-test-2", alice, secret.Public(), proof))
	require.False(t, VerifyPossession(beaconChain, alice, beaconSecret(t, 1).Public(), proof))
}

// FuzzVerifyBeaconProof: no bytes that a validator may send make verification panic, and none but proofs of the one output
// are accepted.
func FuzzVerifyBeaconProof(f *testing.F) {
	secret, alpha := beaconSecret(f, 0), BeaconAlpha(beaconChain, 42)
	proof := secret.Prove(alpha)
	want, _ := VerifyBeaconProof(secret.Public(), alpha, proof)
	f.Add(secret.Public(), alpha, proof)
	f.Add(make([]byte, BeaconKeySize), alpha, make([]byte, BeaconProofSize))
	f.Add([]byte{}, []byte{}, []byte{})
	f.Fuzz(func(t *testing.T, pubkey, over, proof []byte) {
		if output, ok := VerifyBeaconProof(pubkey, over, proof); ok {
			require.Len(t, output, 64)
		}
		if output, ok := VerifyBeaconProof(secret.Public(), alpha, proof); ok {
			require.Equal(t, want, output)
		}
		if ValidateBeaconKey(pubkey) == nil {
			require.Len(t, pubkey, BeaconKeySize)
		}
	})
}

func BenchmarkVerifyBeaconProof(b *testing.B) {
	secret, alpha := beaconSecret(b, 0), BeaconAlpha(beaconChain, 42)
	proof := secret.Prove(alpha)
	for b.Loop() {
		if _, ok := VerifyBeaconProof(secret.Public(), alpha, proof); !ok {
			b.Fatal("refused")
		}
	}
}
