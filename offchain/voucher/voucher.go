// SPDX-License-Identifier: Apache-2.0

// Package voucher makes and checks the chain of signed usage records that a worker keeps per lease.
//
//	record 1 ──hash──▶ record 2 ──hash──▶ record 3 …      sequence + 1, from ≥ until of the one before, one worker key
//
// A Head is all that is needed to go on: what the chain of blocks stores of a lease. A worker that lost everything continues
// from the Head that the network confirmed.
package voucher

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"time"

	"github.com/athnet/ath/x/leases/types"
)

// Reasons for which a record does not extend a Head.
var (
	ErrSequence  = errors.New("usage record is out of sequence")
	ErrPrevHash  = errors.New("usage record does not name its predecessor")
	ErrInterval  = errors.New("usage record's interval overlaps or runs backwards")
	ErrSignature = errors.New("usage record is not signed by the worker key")
	ErrLease     = errors.New("usage record is of another lease")
)

// Head is the end of a lease's chain of records: zero before the first.
type Head struct {
	LeaseID  string    `json:"lease_id"`
	Sequence uint64    `json:"sequence"`
	Until    time.Time `json:"until"`
	Hash     []byte    `json:"hash"`
}

// HeadOf is the Head that the network has confirmed for an open lease.
func HeadOf(lease types.Lease) Head {
	h := Head{LeaseID: fmt.Sprintf("%s/%d", lease.Tenant, lease.Number), Sequence: lease.UsageSequence, Hash: lease.UsageHash}
	if lease.UsageUntil != nil {
		h.Until = *lease.UsageUntil
	}
	return h
}

// Sign makes draft the next record after head: it sets lease, sequence, predecessor and signature, and returns the new Head.
// Times lose their location, so that the record is the same after a journey through its wire form.
func Sign(head Head, draft types.UsageRecord, chainID string, key ed25519.PrivateKey) (types.UsageRecord, Head, error) {
	draft.LeaseId = head.LeaseID
	draft.Sequence = head.Sequence + 1
	draft.PrevHash = head.Hash
	draft.From, draft.Until = draft.From.UTC(), draft.Until.UTC()
	if err := checkInterval(head, draft); err != nil {
		return types.UsageRecord{}, head, err
	}
	hash := draft.SignBytes(chainID)
	draft.Signature = ed25519.Sign(key, hash)
	return draft, next(draft, hash), nil
}

// Verify checks that record extends head under the worker key (32 bytes) and returns the new Head.
func Verify(head Head, record types.UsageRecord, chainID string, workerKey []byte) (Head, error) {
	switch {
	case record.LeaseId != head.LeaseID:
		return head, fmt.Errorf("%w: want %s, have %s", ErrLease, head.LeaseID, record.LeaseId)
	case record.Sequence != head.Sequence+1:
		return head, fmt.Errorf("%w: want %d, have %d", ErrSequence, head.Sequence+1, record.Sequence)
	case !bytes.Equal(record.PrevHash, head.Hash):
		return head, fmt.Errorf("%w: want %x, have %x", ErrPrevHash, head.Hash, record.PrevHash)
	}
	if err := checkInterval(head, record); err != nil {
		return head, err
	}
	hash := record.SignBytes(chainID)
	if len(workerKey) != ed25519.PublicKeySize || !ed25519.Verify(workerKey, hash, record.Signature) {
		return head, fmt.Errorf("%w: lease %s, sequence %d", ErrSignature, record.LeaseId, record.Sequence)
	}
	return next(record, hash), nil
}

func next(record types.UsageRecord, hash []byte) Head {
	return Head{LeaseID: record.LeaseId, Sequence: record.Sequence, Until: record.Until, Hash: hash}
}

func checkInterval(head Head, record types.UsageRecord) error {
	if record.Until.Before(record.From) || (head.Sequence > 0 && record.From.Before(head.Until)) {
		return fmt.Errorf("%w: %s to %s after %s", ErrInterval, record.From.Format(time.RFC3339Nano),
			record.Until.Format(time.RFC3339Nano), head.Until.Format(time.RFC3339Nano))
	}
	return nil
}
