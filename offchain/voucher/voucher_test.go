// SPDX-License-Identifier: Apache-2.0

package voucher

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/athnet/ath/x/leases/types"
)

var update = flag.Bool("update", false, "rewrite the vectors in testdata")

var (
	key   = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{3}, 32))
	pub   = []byte(key.Public().(ed25519.PublicKey))
	start = time.Unix(1_800_000_000, 123_456_789).UTC()
)

func draft(from, until time.Time) types.UsageRecord {
	return types.UsageRecord{
		From: from, Until: until, ImageDigest: bytes.Repeat([]byte{1}, 32), CpuMs: 1500, MemoryMib: 64,
		NetworkRx: 10, NetworkTx: 20, BlockHeight: 42, BlockHash: bytes.Repeat([]byte{2}, 32),
	}
}

// A signed chain verifies through its wire form, and no record of it verifies at another place, on another chain, under another
// key or with any byte changed.
func TestChainProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		head := Head{LeaseID: "ath1tenant/7"}
		at := start
		var records []types.UsageRecord
		heads := []Head{head}
		for range rapid.IntRange(1, 8).Draw(t, "records") {
			from := at.Add(time.Duration(rapid.Int64Range(0, 1e9).Draw(t, "gap")))
			at = from.Add(time.Duration(rapid.Int64Range(0, 1e10).Draw(t, "length")))
			record, next, err := Sign(head, draft(from, at), "ath-test", key)
			require.NoError(t, err)
			bz, err := record.Marshal()
			require.NoError(t, err)
			var wire types.UsageRecord
			require.NoError(t, wire.Unmarshal(bz))
			head = next
			heads = append(heads, head)
			records = append(records, wire)
		}
		verified := Head{LeaseID: "ath1tenant/7"}
		for _, r := range records {
			var err error
			verified, err = Verify(verified, r, "ath-test", pub)
			require.NoError(t, err)
		}
		require.Equal(t, head.Hash, verified.Hash)

		i := rapid.IntRange(0, len(records)-1).Draw(t, "which")
		j := rapid.IntRange(0, len(heads)-1).Draw(t, "where")
		if i != j {
			_, err := Verify(heads[j], records[i], "ath-test", pub)
			require.Error(t, err)
		}
		_, err := Verify(heads[i], records[i], "ath-other", pub)
		require.ErrorIs(t, err, ErrSignature)
		forged := records[i]
		forged.CpuMs++
		_, err = Verify(heads[i], forged, "ath-test", pub)
		require.ErrorIs(t, err, ErrSignature)
	})
}

func TestRefusals(t *testing.T) {
	head := Head{LeaseID: "ath1tenant/7"}
	first, second, err := Sign(head, draft(start, start.Add(time.Second)), "ath-test", key)
	require.NoError(t, err)
	_, _, err = Sign(second, draft(start, start.Add(2*time.Second)), "ath-test", key)
	require.ErrorIs(t, err, ErrInterval)
	_, _, err = Sign(head, draft(start, start.Add(-1)), "ath-test", key)
	require.ErrorIs(t, err, ErrInterval)
	_, err = Verify(Head{LeaseID: "ath1tenant/8"}, first, "ath-test", pub)
	require.ErrorIs(t, err, ErrLease)
	_, err = Verify(second, first, "ath-test", pub)
	require.ErrorIs(t, err, ErrSequence)
	_, err = Verify(head, first, "ath-test", nil)
	require.ErrorIs(t, err, ErrSignature)
	bad := first
	bad.PrevHash = []byte{1}
	_, err = Verify(head, bad, "ath-test", pub)
	require.ErrorIs(t, err, ErrPrevHash)
}

func TestHeadOf(t *testing.T) {
	require.Equal(t, Head{LeaseID: "ath1tenant/7"}, HeadOf(types.Lease{Tenant: "ath1tenant", Number: 7}))
	require.Equal(t, Head{LeaseID: "ath1tenant/7", Sequence: 3, Until: start, Hash: []byte{1}},
		HeadOf(types.Lease{Tenant: "ath1tenant", Number: 7, UsageSequence: 3, UsageUntil: &start, UsageHash: []byte{1}}))
}

// vectors are a chain of two records with the hashes that a second implementation must find.
type vectors struct {
	Seed    string              `json:"worker_seed"`
	ChainID string              `json:"chain_id"`
	Records []types.UsageRecord `json:"records"`
	Hashes  []string            `json:"hashes"`
}

func TestVectors(t *testing.T) {
	const path = "testdata/usage.json"
	if *update {
		v := vectors{Seed: hex.EncodeToString(key.Seed()), ChainID: "ath-test"}
		head := Head{LeaseID: "ath1tenant/7"}
		for i := range 2 {
			from := start.Add(time.Duration(i) * 10 * time.Second)
			r, next, err := Sign(head, draft(from, from.Add(10*time.Second)), v.ChainID, key)
			require.NoError(t, err)
			head = next
			v.Records, v.Hashes = append(v.Records, r), append(v.Hashes, hex.EncodeToString(next.Hash))
		}
		out, err := json.MarshalIndent(v, "", "  ")
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(path, append(out, '\n'), 0o644))
	}
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	var v vectors
	require.NoError(t, json.Unmarshal(raw, &v))
	head := Head{LeaseID: v.Records[0].LeaseId}
	for i, r := range v.Records {
		head, err = Verify(head, r, v.ChainID, pub)
		require.NoError(t, err)
		require.Equal(t, v.Hashes[i], hex.EncodeToString(head.Hash))
	}
}

// FuzzVerify: no bytes make a record that this key did not sign extend a chain.
func FuzzVerify(f *testing.F) {
	head := Head{LeaseID: "ath1tenant/7"}
	good, _, err := Sign(head, draft(start, start.Add(time.Second)), "ath-test", key)
	require.NoError(f, err)
	bz, err := good.Marshal()
	require.NoError(f, err)
	f.Add(bz)
	f.Fuzz(func(t *testing.T, bz []byte) {
		var r types.UsageRecord
		if r.Unmarshal(bz) != nil {
			return
		}
		if next, err := Verify(head, r, "ath-test", pub); err == nil {
			require.Equal(t, good.SignBytes("ath-test"), next.Hash)
		}
	})
}
