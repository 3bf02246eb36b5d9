// SPDX-License-Identifier: Apache-2.0

package types

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"time"
)

const (
	// statementDomain separates statements from everything else that a worker key signs.
	statementDomain = "ath/statement/v1"
	// StatementGas pays for the verification of a statement's signature: about what the SDK's ante handler takes for one.
	StatementGas = 1_000
)

// Said is what a worker says of a lease's end, through whoever closes it.
type Said struct {
	// ExitCodes are what its operator says of the workload's services, unsigned.
	ExitCodes []int32
	// Statement is what the worker itself has signed; nil for nothing.
	Statement *WorkerStatement
}

// Codes are the exit codes that count: those that the operator says, else those that the worker has signed. Both must not differ.
func (s Said) Codes() ([]int32, error) {
	if s.Statement == nil || len(s.Statement.ExitCodes) == 0 {
		return s.ExitCodes, nil
	}
	signed := s.Statement.ExitCodes
	if len(s.ExitCodes) == 0 {
		return signed, nil
	}
	same := len(signed) == len(s.ExitCodes)
	for i := 0; same && i < len(signed); i++ {
		same = signed[i] == s.ExitCodes[i]
	}
	if !same {
		return nil, ErrInvalidStatement.Wrapf("exit_codes: %v, and its worker has signed %v: want the same, or none", s.ExitCodes, signed)
	}
	return signed, nil
}

// AboutStatement says whether a transaction failed with this code because of a worker's statement: closing without it may succeed.
func AboutStatement(codespace string, code uint32) bool {
	return codespace == ModuleName && (code == ErrInvalidStatement.ABCICode() || code == ErrStatementSignature.ABCICode())
}

// SignBytes returns the 32 bytes that the worker key signs: a SHA-256 over the domain, the chain-id, the lease, the Container and every
// field but the signature, each variable part behind its length.
func (s WorkerStatement) SignBytes(chainID, leaseID string, container uint64) []byte {
	h := newHasher(statementDomain)
	h.bytes([]byte(chainID))
	h.bytes([]byte(leaseID))
	h.number(container)
	h.number(uint64(s.Reason))
	h.number(uint64(len(s.ExitCodes)))
	for _, code := range s.ExitCodes {
		h.number(uint64(int64(code)))
	}
	h.number(uint64(s.EndedAt.UnixNano()))
	h.number(s.UsageSequence)
	h.bytes(s.UsageHash)
	h.bytes(s.ImageDigest)
	return h.sum()
}

// Validate checks what can be checked without state.
func (s WorkerStatement) Validate() error {
	hash := 0
	if s.UsageSequence > 0 {
		hash = sha256.Size
	}
	switch {
	case s.Reason == CloseReason_CLOSE_REASON_UNSPECIFIED || CloseReason_name[int32(s.Reason)] == "":
		return ErrInvalidStatement.Wrapf("reason: %d is not a reason", s.Reason)
	case len(s.ExitCodes) > MaxExitCodes:
		return ErrInvalidStatement.Wrapf("exit_codes: %d: want at most %d", len(s.ExitCodes), MaxExitCodes)
	case !validTime(s.EndedAt):
		return ErrInvalidStatement.Wrapf("ended_at: %s: want a time from 1970 to 2261", s.EndedAt)
	case len(s.UsageHash) != hash:
		return ErrInvalidStatement.Wrapf("usage_hash: %d bytes with usage_sequence %d: want %d", len(s.UsageHash), s.UsageSequence, hash)
	case len(s.ImageDigest) != 0 && len(s.ImageDigest) != sha256.Size:
		return ErrInvalidStatement.Wrapf("image_digest: %d bytes: want none or %d", len(s.ImageDigest), sha256.Size)
	case len(s.Signature) != ed25519.SignatureSize:
		return ErrInvalidStatement.Wrapf("signature: %d bytes: want %d", len(s.Signature), ed25519.SignatureSize)
	}
	return nil
}

// Verify checks the signature against a worker key.
func (s WorkerStatement) Verify(chainID, leaseID string, container uint64, workerKey []byte) error {
	if len(workerKey) != ed25519.PublicKeySize || !ed25519.Verify(workerKey, s.SignBytes(chainID, leaseID, container), s.Signature) {
		return ErrStatementSignature.Wrapf("statement.signature: want one of the worker key of container %d over its statement on %s for chain %q; "+
			"ask the worker anew, or close without a statement", container, leaseID, chainID)
	}
	return nil
}

// Covers says whether a valid statement is of the lease's last stay in its Container and not older than the last usage record that the
// chain has: else whoever closes could choose among all that a worker ever said.
func (s WorkerStatement) Covers(l Lease, now time.Time, skew time.Duration) error {
	earliest, latest := l.BoundAt.Add(-skew), now.Add(skew)
	switch {
	case s.EndedAt.Before(earliest) || s.EndedAt.After(latest):
		return ErrInvalidStatement.Wrapf("statement.ended_at: %s on %s: want %s to %s; check the worker's clock", s.EndedAt, l.ID(), earliest, latest)
	case s.UsageSequence < l.UsageSequence:
		return ErrInvalidStatement.Wrapf("statement.usage_sequence: %d on %s, whose last record is %d: ask the worker anew, or close without a statement",
			s.UsageSequence, l.ID(), l.UsageSequence)
	case s.UsageSequence == l.UsageSequence && !bytes.Equal(s.UsageHash, l.UsageHash):
		return ErrInvalidStatement.Wrapf("statement.usage_hash: %X on %s, whose record %d has %X", s.UsageHash, l.ID(), l.UsageSequence, l.UsageHash)
	}
	return nil
}
