// SPDX-License-Identifier: Apache-2.0

package types

import (
	"crypto/sha256"
	"encoding/binary"
)

const (
	roundDomain = "ath/round/v1"
	drawDomain  = "ath/draw/v1"

	// drawsPerMember bounds the seats that are read for one committee. Where one operator holds so many seats that eight
	// reads per member do not find enough others, a smaller committee is the honest answer.
	drawsPerMember = 8
)

// RoundSeed makes a round's seed from the mixed beacon of the block that starts it.
func RoundSeed(beacon []byte, round uint64) []byte {
	d := digest{sha256.New()}
	d.bytes([]byte(roundDomain))
	d.bytes(beacon)
	d.number(round)
	return d.Sum(nil)
}

// Quorum is the number of votes that make a verdict in a committee of n: two thirds rounded down plus one, 5 of 7.
func Quorum(n int) int { return 2*n/3 + 1 }

// Draw picks the committee of a shard: up to n members with different operators, in the order in which they were drawn.
// Seats are drawn without replacement, so an operator's chance grows with the seats it holds, and every operator is found
// where there are at most 8n seats. at returns who sits at a position. Anyone who knows the seed and the seats gets the
// same members.
func Draw(seed []byte, shard, seats uint64, n int, at func(position uint64) (Member, bool, error)) ([]Member, error) {
	limit := min(seats, uint64(n)*drawsPerMember)
	moved := make(map[uint64]uint64, limit) // positions that a Fisher–Yates shuffle has moved; looked up, never ranged over
	place := func(i uint64) uint64 {
		if p, ok := moved[i]; ok {
			return p
		}
		return i
	}
	members := make([]Member, 0, n)
	var random [sha256.Size]byte
	for i := uint64(0); i < limit && len(members) < n; i++ {
		if i%4 == 0 {
			random = drawBlock(seed, shard, i/4)
		}
		// The bias of a 64-bit remainder is below 2^-40 at the largest number of seats.
		j := i + binary.BigEndian.Uint64(random[i%4*8:])%(seats-i)
		position := place(j)
		moved[j] = place(i)
		member, ok, err := at(position)
		if err != nil {
			return nil, err
		}
		if ok && !hasOperator(members, member.Operator) {
			members = append(members, member)
		}
	}
	return members, nil
}

func drawBlock(seed []byte, shard, block uint64) [sha256.Size]byte {
	d := digest{sha256.New()}
	d.bytes([]byte(drawDomain))
	d.bytes(seed)
	d.number(shard)
	d.number(block)
	var out [sha256.Size]byte
	d.Sum(out[:0])
	return out
}

func hasOperator(members []Member, operator string) bool {
	for _, m := range members {
		if m.Operator == operator {
			return true
		}
	}
	return false
}
