// SPDX-License-Identifier: Apache-2.0

package types

import "time"

// ShardSize is how many Containers one shard holds: shard = id / ShardSize, slot = id % ShardSize (ADR-0003).
const ShardSize = 512

// ShardOf returns a Container's shard and its slot in it.
func ShardOf(id uint64) (shard, slot uint64) { return id / ShardSize, id % ShardSize }

// ShardVerdict is what x/checks decided about the members of one shard in one round.
// Bitmaps are those of ShardHealth; a member in neither Healthy nor Faulty nor Suspect is inconclusive.
type ShardVerdict struct {
	Shard uint64
	Round uint64
	// From and Until bound the round in block time; a fault dates from From of the first of its two rounds, FaultSince.
	From, Until, FaultSince time.Time
	// Decided is false where the committee gave no quorum at all (no member revealed): nothing is confirmed.
	Decided bool
	// Healthy: a quorum found it healthy in this round.
	Healthy []byte
	// Faulty: a quorum found it faulty in this round and in the one before.
	Faulty []byte
	// Suspect: a quorum found it faulty in this round only.
	Suspect []byte
}
