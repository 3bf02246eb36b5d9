// SPDX-License-Identifier: Apache-2.0

package types

import (
	"crypto/sha256"
	"encoding/binary"
)

// usageDomain separates usage records from everything else that a worker key signs.
const usageDomain = "ath/usage/v1"

// SignBytes returns the 32 bytes that the worker key signs and that the next record's prev_hash repeats: a SHA-256 over the
// domain, the chain-id and every field but the signature, each variable part behind its length.
func (r UsageRecord) SignBytes(chainID string) []byte {
	h := sha256.New()
	num := func(v uint64) { h.Write(binary.BigEndian.AppendUint64(nil, v)) }
	put := func(b []byte) {
		num(uint64(len(b)))
		h.Write(b)
	}
	put([]byte(usageDomain))
	put([]byte(chainID))
	put([]byte(r.LeaseId))
	num(r.Sequence)
	num(uint64(r.From.UnixNano()))
	num(uint64(r.Until.UnixNano()))
	put(r.ImageDigest)
	num(r.CpuMs)
	num(r.MemoryMib)
	num(r.GpuMs)
	num(r.NetworkRx)
	num(r.NetworkTx)
	num(uint64(r.BlockHeight))
	put(r.BlockHash)
	put(r.PrevHash)
	return h.Sum(nil)
}
