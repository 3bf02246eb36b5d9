// SPDX-License-Identifier: Apache-2.0

package types

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"
	"time"

	"cosmossdk.io/math"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func hashOf(i uint64) []byte {
	h := newHasher("test")
	h.number(i)
	return h.sum()
}

func logOf(count uint64) ReceiptLog {
	var l ReceiptLog
	for i := range count {
		l = l.Append(hashOf(i))
	}
	return l
}

// TestLogProves: a proof of every place leads to the log's root, and no other receipt, place, count or hash does.
func TestLogProves(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		count := rapid.Uint64Range(1, 200).Draw(t, "count")
		index := rapid.Uint64Range(0, count-1).Draw(t, "index")
		l := logOf(count)
		require.NoError(t, l.Validate())
		proof, err := Prove(index, count, NodesOf(func(i uint64) ([]byte, error) { return hashOf(i), nil }))
		require.NoError(t, err)
		require.NoError(t, proof.Verify(hashOf(index), l.Root()))
		require.Error(t, proof.Verify(hashOf(index+1), l.Root()))
		moved := proof
		moved.Index = rapid.Uint64Range(0, count).Filter(func(i uint64) bool { return i != index }).Draw(t, "other index")
		require.Error(t, moved.Verify(hashOf(index), l.Root()))
		grown := proof
		grown.Count++
		require.Error(t, grown.Verify(hashOf(index), l.Root()))
		for _, list := range []*[][]byte{&proof.Siblings, &proof.Peaks} {
			if len(*list) == 0 {
				continue
			}
			i := rapid.IntRange(0, len(*list)-1).Draw(t, "hash")
			broken := append([]byte(nil), (*list)[i]...)
			broken[0] ^= 1
			(*list)[i], broken = broken, (*list)[i]
			require.Error(t, proof.Verify(hashOf(index), l.Root()))
			(*list)[i] = broken
		}
	})
}

// TestLogOnlyGrows: what was proven against an old root can be proven against every later one, and roots differ.
func TestLogOnlyGrows(t *testing.T) {
	var l ReceiptLog
	roots := map[string]bool{}
	for i := range uint64(100) {
		before := l
		l = l.Append(hashOf(i))
		require.Equal(t, i, before.Count, "the old one stays as it is")
		require.NoError(t, l.Validate())
		require.False(t, roots[string(l.Root())])
		roots[string(l.Root())] = true
	}
}

// TestLogVectors keeps roots and a receipt's hash for who writes another verifier.
func TestLogVectors(t *testing.T) {
	const file = "testdata/receipt_log.json"
	type vectors struct {
		ChainID string            `json:"chain_id"`
		Note    string            `json:"note"`
		Receipt string            `json:"receipt_hash"`
		Wire    string            `json:"receipt_wire"`
		Roots   map[uint64]string `json:"roots_of_counts"`
	}
	var want vectors
	bz, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(bz, &want))
	got := vectors{ChainID: want.ChainID, Note: want.Note, Roots: map[uint64]string{}}
	for _, count := range []uint64{0, 1, 2, 3, 7, 8, 100} {
		got.Roots[count] = hex.EncodeToString(logOf(count).Root())
	}
	receipt := aReceipt()
	wire, err := receipt.Marshal()
	require.NoError(t, err)
	hash, err := receipt.Hash(want.ChainID)
	require.NoError(t, err)
	got.Receipt, got.Wire = hex.EncodeToString(hash), hex.EncodeToString(wire)
	if *update {
		bz, err := json.MarshalIndent(got, "", "  ")
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(file, append(bz, '\n'), 0o600))
		want = got
	}
	require.Equal(t, want, got)
}

func aReceipt() Receipt {
	started := time.Unix(1_700_000_010, 5).UTC()
	return Receipt{
		Tenant: "ath1tenant", Number: 7, ContainerId: 3, Provider: "ath1provider", ClosedBy: "ath1tenant", Reason: CloseReason_CLOSE_REASON_TENANT,
		CreatedAt: time.Unix(1_700_000_000, 0).UTC(), StartedAt: &started, EndedAt: time.Unix(1_700_003_600, 0).UTC(), Denom: "uath",
		Rate: math.NewInt(10_000_000), Billed: math.NewInt(35_900), Outage: time.Second, ManifestHash: make([]byte, 32), ExitCodes: []int32{0, 3},
		UsageSequence: 9, UsageHash: make([]byte, 32),
		CreditableFrom: &started, BilledUntil: time.Unix(1_700_003_600, 0).UTC(), Credited: math.NewInt(100), Minimum: math.NewInt(20),
		Indexer: "ath1indexer", Refunded: math.NewInt(580), Fee: math.NewInt(1_795), Health: Health_HEALTH_HEALTHY, HealthAt: &started,
		WorkerPubkey: make([]byte, 32), Statement: &WorkerStatement{
			Reason: CloseReason_CLOSE_REASON_TENANT, ExitCodes: []int32{0, 3}, EndedAt: time.Unix(1_700_003_599, 7).UTC(), UsageSequence: 9,
			UsageHash: make([]byte, 32), ImageDigest: make([]byte, 32), Signature: make([]byte, 64),
		},
	}
}

// FuzzReceiptBundle: whatever a file says, reading and checking it ends, and with an error unless it is true.
func FuzzReceiptBundle(f *testing.F) {
	l := logOf(5)
	proof, err := Prove(3, 5, NodesOf(func(i uint64) ([]byte, error) { return hashOf(i), nil }))
	require.NoError(f, err)
	good, err := (&ReceiptBundle{ChainId: "a", Receipt: aReceipt(), Proof: proof}).Marshal()
	require.NoError(f, err)
	f.Add(good)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		var b ReceiptBundle
		if b.Unmarshal(data) == nil {
			require.Error(t, b.Verify(l.Root()))
		}
	})
}
