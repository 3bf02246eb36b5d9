// SPDX-License-Identifier: Apache-2.0

package types

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"time"
)

// usageDomain separates usage records from everything else that a worker key signs.
const usageDomain = "ath/usage/v1"

// MaxUsageBlockAge is how many blocks a record's block may lie back. It says when a record can have been signed at the
// earliest. A worker that was cut off hands in what it signed meanwhile, so the bound is about a day of 1 s blocks.
// The chain keeps no hashes of old blocks: it bounds the height, and whoever replays the records compares the hash.
const MaxUsageBlockAge = 100_000

// SignBytes returns the 32 bytes that the worker key signs and that the next record's prev_hash repeats: a SHA-256 over the
// domain, the chain-id and every field but the signature, each variable part behind its length.
func (r UsageRecord) SignBytes(chainID string) []byte {
	h := newHasher(usageDomain)
	h.bytes([]byte(chainID))
	h.bytes([]byte(r.LeaseId))
	h.number(r.Sequence)
	h.number(uint64(r.From.UnixNano()))
	h.number(uint64(r.Until.UnixNano()))
	h.bytes(r.ImageDigest)
	h.number(r.CpuMs)
	h.number(r.MemoryMib)
	h.number(r.GpuMs)
	h.number(r.NetworkRx)
	h.number(r.NetworkTx)
	h.number(uint64(r.BlockHeight))
	h.bytes(r.BlockHash)
	h.bytes(r.PrevHash)
	return h.sum()
}

// Validate checks what can be checked without state.
func (r UsageRecord) Validate() error {
	if _, err := ParseLeaseID(r.LeaseId); err != nil {
		return err
	}
	switch {
	case r.Sequence == 0:
		return ErrInvalidUsage.Wrap("sequence: 0: records count from 1")
	case !validTime(r.From):
		return ErrInvalidUsage.Wrapf("from: %s: want a time from 1970 to 2261", r.From)
	case !validTime(r.Until):
		return ErrInvalidUsage.Wrapf("until: %s: want a time from 1970 to 2261", r.Until)
	case r.Until.Before(r.From):
		return ErrInvalidUsage.Wrapf("until: %s lies before from %s", r.Until, r.From)
	case len(r.ImageDigest) != sha256.Size:
		return ErrInvalidUsage.Wrapf("image_digest: %d bytes: want %d", len(r.ImageDigest), sha256.Size)
	case r.BlockHeight <= 0:
		return ErrInvalidUsage.Wrapf("block_height: %d: want the height of a recent block", r.BlockHeight)
	case len(r.BlockHash) != sha256.Size:
		return ErrInvalidUsage.Wrapf("block_hash: %d bytes: want %d", len(r.BlockHash), sha256.Size)
	case r.Sequence == 1 && len(r.PrevHash) != 0:
		return ErrInvalidUsage.Wrapf("prev_hash: %d bytes in the first record: want none", len(r.PrevHash))
	case r.Sequence > 1 && len(r.PrevHash) != sha256.Size:
		return ErrInvalidUsage.Wrapf("prev_hash: %d bytes: want %d", len(r.PrevHash), sha256.Size)
	case len(r.Signature) != ed25519.SignatureSize:
		return ErrInvalidUsage.Wrapf("signature: %d bytes: want %d", len(r.Signature), ed25519.SignatureSize)
	}
	return nil
}

// Verify checks the signature against a worker key.
func (r UsageRecord) Verify(chainID string, workerKey []byte) error {
	if len(workerKey) != ed25519.PublicKeySize || !ed25519.Verify(workerKey, r.SignBytes(chainID), r.Signature) {
		return ErrUsageSignature.Wrapf("signature: record %d of %s: want one of the container's worker key over the record for chain %q",
			r.Sequence, r.LeaseId, chainID)
	}
	return nil
}

// Earns refuses a record that begins after its Container's service ceased to earn: what was used while a fault stands is not
// billed, starts no billing and proves nothing. The clock skew is granted, as everywhere.
func (r UsageRecord) Earns(until time.Time, skew time.Duration) error {
	if latest := until.Add(skew); r.From.After(latest) {
		return ErrInvalidUsage.Wrapf("from: %s of record %d of %s: its container earns until %s only; wait until Checkers find it healthy",
			r.From, r.Sequence, r.LeaseId, until)
	}
	return nil
}

// Follow adds a valid, verified record to the lease's chain: next in sequence, linked to the one before, not overlapping it,
// within the lease up to the clock skew, and made after a recent block.
func (l Lease) Follow(r UsageRecord, chainID string, now time.Time, height int64, skew time.Duration) (Lease, error) {
	if l.State == LeaseState_LEASE_STATE_STANDBY {
		return l, ErrInvalidUsage.Wrapf("lease_id: %s stands by and runs nothing", r.LeaseId)
	}
	if r.Sequence != l.UsageSequence+1 {
		return l, ErrUsageSequence.Wrapf("sequence: %d of %s: want %d", r.Sequence, r.LeaseId, l.UsageSequence+1)
	}
	if !bytes.Equal(r.PrevHash, l.UsageHash) {
		return l, ErrUsageSequence.Wrapf("prev_hash: %X of record %d of %s: want %X", r.PrevHash, r.Sequence, r.LeaseId, l.UsageHash)
	}
	earliest := l.BoundAt.Add(-skew)
	if l.UsageUntil != nil {
		earliest = *l.UsageUntil
	}
	latest := now.Add(skew)
	if end := l.AgreedEnd(); end != nil {
		latest = earlier(latest, end.Add(skew))
	}
	if l.PausedAt != nil {
		latest = earlier(latest, l.PausedAt.Add(skew)) // what came before the pause may still be told
	}
	if r.From.Before(earliest) {
		return l, ErrInvalidUsage.Wrapf("from: %s of record %d of %s: want %s or later", r.From, r.Sequence, r.LeaseId, earliest)
	}
	if r.Until.After(latest) {
		return l, ErrInvalidUsage.Wrapf("until: %s of record %d of %s: want %s or earlier; check the worker's clock",
			r.Until, r.Sequence, r.LeaseId, latest)
	}
	if r.BlockHeight > height || r.BlockHeight < height-MaxUsageBlockAge {
		return l, ErrInvalidUsage.Wrapf("block_height: %d of record %d of %s: want %d to %d",
			r.BlockHeight, r.Sequence, r.LeaseId, max(1, height-MaxUsageBlockAge), height)
	}
	until := r.Until
	l.UsageSequence = r.Sequence
	l.UsageUntil = &until
	l.UsageHash = r.SignBytes(chainID)
	return l, nil
}
