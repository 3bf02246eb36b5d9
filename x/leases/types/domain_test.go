// SPDX-License-Identifier: Apache-2.0

package types

import (
	"bytes"
	"crypto/ed25519"
	"testing"
	"time"

	"cosmossdk.io/math"
	"github.com/stretchr/testify/require"
)

// TestDomainsSeparate: whatever is signed or hashed stands behind its own domain, so that the same contents are another thing in another place:
// a voucher is no usage record, a quote no statement, and no receipt is any of them.
func TestDomainsSeparate(t *testing.T) {
	chain, lease := "ath-1", someTenant+"/7"
	at, hash := time.Unix(1_800_000_000, 5).UTC(), bytes.Repeat([]byte{3}, 32)
	voucher := Voucher{Tenant: someTenant, Number: 7, Amount: 9}
	usage := UsageRecord{
		LeaseId: lease, Sequence: 2, From: at, Until: at.Add(1), ImageDigest: hash, CpuMs: 1, MemoryMib: 2, GpuMs: 3, NetworkRx: 4, NetworkTx: 5,
		BlockHeight: 6, BlockHash: hash, PrevHash: hash,
	}
	quote := Quote{Indexer: someTenant, Candidates: []uint64{1}, Rates: []math.Int{math.NewInt(2)}, Nonce: 3, ExpiresAt: at, RequirementHash: hash}
	statement := WorkerStatement{Reason: CloseReason_CLOSE_REASON_PROVIDER, ExitCodes: []int32{1}, EndedAt: at, UsageSequence: 2, UsageHash: hash, ImageDigest: hash}
	receipt := Receipt{Tenant: someTenant, Number: 7}
	encoded, err := receipt.Marshal()
	require.NoError(t, err)
	receiptHash, err := receipt.Hash(chain)
	require.NoError(t, err)
	requirement := Requirement{Class: "cpu", Count: 1}

	type contents func(*hasher)
	texts := func(h *hasher, texts ...string) {
		for _, text := range texts {
			h.bytes([]byte(text))
		}
	}
	numbers := func(h *hasher, numbers ...uint64) {
		for _, n := range numbers {
			h.number(n)
		}
	}
	nanos := uint64(at.UnixNano())
	kinds := []struct {
		domain   string
		sum      []byte
		contents contents
	}{
		{"ath/voucher/v1", voucher.SignBytes(chain), func(h *hasher) { texts(h, chain, someTenant); numbers(h, 7, 9) }},
		{"ath/usage/v1", usage.SignBytes(chain), func(h *hasher) {
			texts(h, chain, lease)
			numbers(h, 2, nanos, nanos+1)
			h.bytes(hash)
			numbers(h, 1, 2, 3, 4, 5, 6)
			texts(h, string(hash), string(hash))
		}},
		{"ath/quote/v1", quote.SignBytes(chain, someTenant), func(h *hasher) {
			texts(h, chain, someTenant, someTenant)
			numbers(h, 1, 1, 1)
			texts(h, "2")
			numbers(h, 3, nanos)
			texts(h, string(hash), "uath")
		}},
		{"ath/statement/v1", statement.SignBytes(chain, lease, 4), func(h *hasher) {
			texts(h, chain, lease)
			numbers(h, 4, uint64(statement.Reason), 1, 1, nanos, 2)
			texts(h, string(hash), string(hash))
		}},
		{"ath/requirement/v1", requirement.Hash(), func(h *hasher) { texts(h, "cpu"); numbers(h, 1, 0); texts(h, ""); numbers(h, 0, 0, 0) }},
		{"ath/receipt/v1", receiptHash, func(h *hasher) { texts(h, chain, string(encoded)) }},
		{"ath/receipt-leaf/v1", LeafHash(1, hash), func(h *hasher) { numbers(h, 1); h.bytes(hash) }},
		{"ath/receipt-node/v1", nodeHash(hash, hash), func(h *hasher) { texts(h, string(hash), string(hash)) }},
		{"ath/receipt-root/v1", rootHash(1, [][]byte{hash}), func(h *hasher) { numbers(h, 1); h.bytes(hash) }},
	}
	for _, kind := range kinds {
		for _, other := range kinds {
			h := newHasher(other.domain)
			kind.contents(h)
			require.Equal(t, kind.domain == other.domain, bytes.Equal(kind.sum, h.sum()), "contents of %s under %s", kind.domain, other.domain)
		}
	}

	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	public := key.Public().(ed25519.PublicKey)
	for _, kind := range kinds {
		voucher.Signature = ed25519.Sign(key, kind.sum)
		usage.Signature, statement.Signature = voucher.Signature, voucher.Signature
		for domain, err := range map[string]error{
			"ath/voucher/v1": voucher.Verify(chain, public), "ath/usage/v1": usage.Verify(chain, public),
			"ath/statement/v1": statement.Verify(chain, lease, 4, public),
		} {
			require.Equal(t, kind.domain == domain, err == nil, "%s signed as %s", domain, kind.domain)
		}
	}
}
