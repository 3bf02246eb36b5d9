// SPDX-License-Identifier: Apache-2.0

package adversary

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"flag"
	"fmt"
	"math"
	"math/big"
	"testing"

	"github.com/oasisprotocol/curve25519-voi/primitives/ed25519"
	"github.com/oasisprotocol/curve25519-voi/primitives/ed25519/extra/ecvrf"
	"github.com/stretchr/testify/require"

	athtypes "github.com/athnet/ath/x/ath/types"
	checkstypes "github.com/athnet/ath/x/checks/types"
)

const (
	beaconChain = "ath-adversary-1"
	committee   = 7
	operators   = 100
	earlier     = 3 // beacons that are mixed in; more cost time and change no chance
)

func seed(label string, numbers ...int) []byte {
	sum := sha256.Sum256(fmt.Append(nil, label, numbers))
	return sum[:]
}

func secret(t *testing.T, i int) athtypes.BeaconSecret {
	t.Helper()
	s, err := athtypes.NewBeaconSecret(seed("key", i))
	require.NoError(t, err)
	return s
}

// TestGrindingAProof: a validator wants a beacon that suits it, and may send whatever it likes in its own vote. It writes
// its proof with hundreds of nonces, changes bits, and replays proofs of other heights, chains and validators. All that it
// can reach are two values: the one with its output and the one without.
func TestGrindingAProof(t *testing.T) {
	const height = 1_000
	in := athtypes.BeaconInput{ChainID: beaconChain, Height: height, Previous: seed("previous"), BlockHash: seed("block"), AppHash: seed("app")}
	alpha := athtypes.BeaconAlpha(beaconChain, height-1)
	for i := range 4 {
		in.Votes = append(in.Votes, athtypes.BeaconVote{Operator: seed("operator", i)[:20], Key: secret(t, i).Public(), Proof: secret(t, i).Prove(alpha)})
	}
	honest, _ := in.Step()
	without := in
	without.Votes = in.Votes[1:]
	silent, _ := without.Step()

	attempts := [][]byte{nil, in.Votes[1].Proof, make([]byte, athtypes.BeaconProofSize)}
	own := ed25519.NewKeyFromSeed(seed("key", 0))
	for i := range 256 {
		proof, err := ecvrf.ProveWithAddedRandomness(bytes.NewReader(seed("nonce", i)), own, alpha)
		require.NoError(t, err)
		attempts = append(attempts, proof)
	}
	for bit := range 8 * athtypes.BeaconProofSize {
		proof := bytes.Clone(in.Votes[0].Proof)
		proof[bit/8] ^= 1 << (bit % 8)
		attempts = append(attempts, proof)
	}
	for past := range int64(64) {
		attempts = append(attempts, secret(t, 0).Prove(athtypes.BeaconAlpha(beaconChain, height-2-past)))
	}
	attempts = append(attempts, secret(t, 0).Prove(athtypes.BeaconAlpha("ath-adversary-2", height-1)),
		secret(t, 0).ProvePossession(beaconChain, in.Votes[0].Operator), secret(t, 9).Prove(alpha))

	reached := make(map[string]int)
	for _, attempt := range attempts {
		mine := in
		mine.Votes = append([]athtypes.BeaconVote{{Operator: in.Votes[0].Operator, Key: in.Votes[0].Key, Proof: attempt}}, in.Votes[1:]...)
		record, _ := mine.Step()
		reached[string(record.Value)]++
	}
	require.Len(t, reached, 2)
	require.Positive(t, reached[string(honest.Value)])
	require.Positive(t, reached[string(silent.Value)])
}

// draws is how many committees TestOmissionBias draws per row of its table.
var draws = flag.Int("draws", 1<<13, "committees drawn per row of the table of the omission bias")

// trial is one round's start: its block, and some of the beacons before that.
type trial struct {
	in      athtypes.BeaconInput
	given   []athtypes.Contribution
	records []athtypes.BeaconRecord
}

// newTrial stands for a block to which n validators contribute. Outputs are hashes: a VRF's look the same to those who have
// not the key, and this test is about who sees them when.
func newTrial(number, n int) trial {
	t := trial{in: athtypes.BeaconInput{ChainID: beaconChain, Height: 1_000, Previous: seed("previous", number)}}
	for i := range earlier {
		t.records = append(t.records, athtypes.BeaconRecord{Height: int64(1_000 - earlier + i), Value: seed("beacon", number, i)})
	}
	for i := range n {
		output := sha512.Sum512(fmt.Append(nil, "output", number, i))
		t.given = append(t.given, athtypes.Contribution{Operator: []byte{byte(i)}, Output: output[:]})
	}
	return t
}

// liars in the committee of one shard if the proposer leaves out the validators of a set of bits.
func (t trial) liars(leftOut uint64, dishonest int) int {
	var given []athtypes.Contribution
	for i, c := range t.given {
		if leftOut>>i&1 == 0 {
			given = append(given, c)
		}
	}
	records := append(t.records[:len(t.records):len(t.records)], athtypes.BeaconRecord{Height: t.in.Height, Value: t.in.Value(given)})
	drawn, err := checkstypes.Draw(checkstypes.RoundSeed(athtypes.MixBeacons(records), 1), 0, operators, committee,
		func(position uint64) (checkstypes.Member, bool, error) {
			return checkstypes.Member{Operator: string(binary.BigEndian.AppendUint64(nil, position))}, true, nil
		})
	if err != nil {
		panic(err)
	}
	n := 0
	for _, member := range drawn {
		if binary.BigEndian.Uint64([]byte(member.Operator)) < uint64(dishonest) {
			n++
		}
	}
	return n
}

// attempt says whether a proposer that may leave out any of k validators finds a committee in which its liars decide.
func (t trial) attempt(k, dishonest int) bool {
	for set := range uint64(1) << k {
		if t.liars(set, dishonest) >= checkstypes.Quorum(committee) {
			return true
		}
	}
	return false
}

// byChance is the chance that liars decide in a committee that nobody influenced: without replacement, at least 5 of 7.
func byChance(dishonest int) float64 {
	ways := func(n, k int) float64 {
		f, _ := new(big.Float).SetInt(new(big.Int).Binomial(int64(n), int64(k))).Float64()
		return f
	}
	var sum float64
	for i := checkstypes.Quorum(committee); i <= committee; i++ {
		sum += ways(dishonest, i) * ways(operators-dishonest, committee-i)
	}
	return sum / ways(operators, committee)
}

// TestOmissionBias: a proposer that works with a part of the Checkers wants a committee of 7 for one shard in which they
// have 5 seats. It can't choose what validators contribute, but it sees their outputs before it makes the block that starts
// a round, and may leave out k of them: 2^k committees, of which it takes the best. In a share s of the rounds the block is
// its own. The test measures how often it succeeds and prints what that makes; docs/beacon.md has the table.
func TestOmissionBias(t *testing.T) {
	shares := []float64{0.01, 0.1, 0.33}
	t.Logf("%-8s %-4s %-10s %-10s %-10s | share of proposals s: chance per round, and in two rounds running", "liars", "k", "choices", "measured", "expected")
	for _, dishonest := range []int{20, 30} {
		chance := byChance(dishonest)
		for _, k := range []int{0, 1, 2, 4, 6, 8, 10} {
			trials, wins := max(*draws>>k, 4), 0
			for number := range trials {
				if newTrial(number<<8|k, k+1).attempt(k, dishonest) {
					wins++
				}
			}
			measured := float64(wins) / float64(trials)
			expected := 1 - math.Pow(1-chance, math.Pow(2, float64(k)))
			row := fmt.Sprintf("%-8s %-4d %-10d %-10.5f %-10.5f |", fmt.Sprintf("%d%%", dishonest), k, 1<<k, measured, expected)
			for _, s := range shares {
				one := s*expected + (1-s)*chance
				row += fmt.Sprintf("  s=%.2f: %.5f %.1e", s, one, one*one)
			}
			t.Log(row)
			// The draw is fair and the choices are independent: what is measured is what 2^k fair draws give.
			sigma := math.Sqrt(expected * (1 - expected) / float64(trials))
			require.InDelta(t, expected, measured, 5*sigma+1e-4, "liars %d%%, k %d", dishonest, k)
		}
	}
}

// TestWhatAProposerMayLeaveOut counts the sets of validators of equal power that a proposer may leave out while more than
// two thirds of the power stays: that many values it can choose among in its own block. Up to a third of the validators
// can be left out, and it is free to choose which, so there are far more sets than 2^k with k a third of them.
func TestWhatAProposerMayLeaveOut(t *testing.T) {
	for _, row := range []struct {
		validators, out int
		choices         string
	}{
		{4, 1, "5"}, {7, 2, "29"}, {10, 3, "176"}, {13, 4, "1093"}, {21, 6, "82160"}, {50, 16, "8639411571051"}, {100, 33, ""},
	} {
		out, choices := 0, big.NewInt(0)
		for i := 0; 3*(row.validators-i) > 2*row.validators; i++ {
			out = i
			choices.Add(choices, new(big.Int).Binomial(int64(row.validators), int64(i)))
		}
		bits, _ := new(big.Float).SetInt(choices).Float64()
		t.Logf("%3d validators: %2d may be left out, %s sets = 2^%.1f", row.validators, out, choices, math.Log2(bits))
		require.Equal(t, row.out, out)
		if row.choices != "" {
			require.Equal(t, row.choices, choices.String())
		}
	}
}
