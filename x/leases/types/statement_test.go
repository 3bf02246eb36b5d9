// SPDX-License-Identifier: Apache-2.0

package types

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// statementVector is a statement as another implementation has to sign it.
type statementVector struct {
	ChainID   string `json:"chain_id"`
	LeaseID   string `json:"lease_id"`
	Container uint64 `json:"container_id,string"`
	Reason    string `json:"reason"`
	Codes     []int  `json:"exit_codes"`
	EndedAt   string `json:"ended_at"`
	Sequence  uint64 `json:"usage_sequence,string"`
	UsageHash string `json:"usage_hash"`
	Digest    string `json:"image_digest"`
	Seed      string `json:"seed"`
	PublicKey string `json:"public_key"`
	SignBytes string `json:"sign_bytes"`
	Signature string `json:"signature"`
	Wire      string `json:"wire"`
}

// TestStatementVectors: what is signed, and its wire form, never change.
func TestStatementVectors(t *testing.T) {
	const file = "testdata/statement.json"
	ended := time.Date(2026, 11, 28, 1, 2, 3, 456_789_012, time.UTC)
	hash, digest := bytes.Repeat([]byte{0xab}, 32), bytes.Repeat([]byte{0xcd}, 32)
	var want, got []statementVector
	for i, v := range []struct {
		chain     string
		lease     string
		container uint64
		s         WorkerStatement
	}{
		{"ath-1", someTenant + "/1", 3, WorkerStatement{Reason: CloseReason_CLOSE_REASON_COMPLETED, ExitCodes: []int32{0, 137, -1}, EndedAt: ended, UsageSequence: 9, UsageHash: hash, ImageDigest: digest}},
		{"ath-1", someTenant + "/1", 3, WorkerStatement{Reason: CloseReason_CLOSE_REASON_TENANT, EndedAt: ended, UsageSequence: 1 << 53, UsageHash: hash, ImageDigest: digest}},
		{"ath-localnet-1", someTenant + "/18446744073709551615", 1<<64 - 1, WorkerStatement{Reason: CloseReason_CLOSE_REASON_TENANT_IMAGE, EndedAt: time.Unix(0, 1).UTC()}},
		{"", someTenant + "/7", 1, WorkerStatement{Reason: CloseReason_CLOSE_REASON_PROVIDER, ExitCodes: []int32{-1 << 31, 1<<31 - 1}, EndedAt: ended, ImageDigest: digest}},
	} {
		seed := bytes.Repeat([]byte{byte(i + 1)}, ed25519.SeedSize)
		key := ed25519.NewKeyFromSeed(seed)
		public := key.Public().(ed25519.PublicKey)
		sign := v.s.SignBytes(v.chain, v.lease, v.container)
		v.s.Signature = ed25519.Sign(key, sign)
		require.NoError(t, v.s.Validate())
		require.NoError(t, v.s.Verify(v.chain, v.lease, v.container, public))
		wire, err := v.s.Marshal()
		require.NoError(t, err)
		codes := []int{}
		for _, code := range v.s.ExitCodes {
			codes = append(codes, int(code))
		}
		got = append(got, statementVector{
			ChainID: v.chain, LeaseID: v.lease, Container: v.container, Reason: v.s.Reason.String(), Codes: codes,
			EndedAt: v.s.EndedAt.Format(time.RFC3339Nano), Sequence: v.s.UsageSequence, UsageHash: hex.EncodeToString(v.s.UsageHash),
			Digest: hex.EncodeToString(v.s.ImageDigest), Seed: hex.EncodeToString(seed), PublicKey: hex.EncodeToString(public),
			SignBytes: hex.EncodeToString(sign), Signature: hex.EncodeToString(v.s.Signature), Wire: hex.EncodeToString(wire),
		})
	}
	if *update {
		bz, err := json.MarshalIndent(got, "", "  ")
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(file, append(bz, '\n'), 0o600))
	}
	bz, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(bz, &want))
	require.Equal(t, want, got)
}

func drawStatement(t *rapid.T) WorkerStatement {
	s := WorkerStatement{
		Reason:    CloseReason(rapid.Int32Range(1, int32(len(CloseReason_name)-1)).Draw(t, "reason")),
		ExitCodes: rapid.SliceOfN(rapid.Int32(), 0, MaxExitCodes).Draw(t, "codes"),
		EndedAt:   epoch.Add(drawSpan(t, "ended")), ImageDigest: rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "digest"),
	}
	if s.UsageSequence = rapid.Uint64().Draw(t, "sequence"); s.UsageSequence > 0 {
		s.UsageHash = rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "hash")
	}
	return s
}

// TestStatementSignsEveryField: no field, lease, Container, chain or key can be another's.
func TestStatementSignsEveryField(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := ed25519.NewKeyFromSeed(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "seed"))
		public := key.Public().(ed25519.PublicKey)
		lease, s := someTenant+"/1", drawStatement(t)
		s.Signature = ed25519.Sign(key, s.SignBytes("ath-1", lease, 3))
		require.NoError(t, s.Validate())
		require.NoError(t, s.Verify("ath-1", lease, 3, public))
		require.ErrorIs(t, s.Verify("ath-11", lease, 3, public), ErrStatementSignature)
		require.ErrorIs(t, s.Verify("ath-1", lease+"1", 3, public), ErrStatementSignature)
		require.ErrorIs(t, s.Verify("ath-1", lease, 4, public), ErrStatementSignature)
		require.ErrorIs(t, s.Verify("ath-1", lease, 3, public[:31]), ErrStatementSignature)
		require.ErrorIs(t, s.Verify("ath-1", lease, 3, nil), ErrStatementSignature)
		for _, change := range []func(*WorkerStatement){
			func(s *WorkerStatement) { s.Reason++ }, func(s *WorkerStatement) { s.UsageSequence++ },
			func(s *WorkerStatement) { s.ExitCodes = append(slices.Clone(s.ExitCodes), 0) },
			func(s *WorkerStatement) { s.EndedAt = s.EndedAt.Add(1) },
			func(s *WorkerStatement) { s.UsageHash = append([]byte{1}, s.UsageHash...) },
			func(s *WorkerStatement) { s.ImageDigest = nil },
			func(s *WorkerStatement) {
				s.Signature = slices.Clone(s.Signature)
				s.Signature[rapid.IntRange(0, 63).Draw(t, "byte")] ^= 1
			},
			func(s *WorkerStatement) { s.Signature = s.Signature[:63] },
		} {
			other := s
			change(&other)
			require.ErrorIs(t, other.Verify("ath-1", lease, 3, public), ErrStatementSignature)
		}
	})
}

func TestStatementValidate(t *testing.T) {
	good := func() WorkerStatement {
		return WorkerStatement{Reason: CloseReason_CLOSE_REASON_TENANT, EndedAt: epoch, UsageSequence: 1, UsageHash: make([]byte, 32), Signature: make([]byte, 64)}
	}
	require.NoError(t, good().Validate())
	for name, change := range map[string]func(*WorkerStatement){
		"reason":             func(s *WorkerStatement) { s.Reason = 0 },
		"reason: 99":         func(s *WorkerStatement) { s.Reason = 99 },
		"exit_codes: 17":     func(s *WorkerStatement) { s.ExitCodes = make([]int32, 17) },
		"ended_at":           func(s *WorkerStatement) { s.EndedAt = time.Time{} },
		"usage_hash: 31":     func(s *WorkerStatement) { s.UsageHash = make([]byte, 31) },
		"usage_hash: 32":     func(s *WorkerStatement) { s.UsageSequence = 0 },
		"image_digest: 1":    func(s *WorkerStatement) { s.ImageDigest = []byte{1} },
		"signature: 0 bytes": func(s *WorkerStatement) { s.Signature = nil },
	} {
		s := good()
		change(&s)
		require.ErrorIs(t, s.Validate(), ErrInvalidStatement, name)
		require.ErrorContains(t, s.Validate(), name)
	}
}

// TestStatementCoversTheEnd: one from before the last record, of an earlier stay or from the future is not of this end.
func TestStatementCoversTheEnd(t *testing.T) {
	l := Lease{Tenant: someTenant, Number: 1, BoundAt: epoch, UsageSequence: 2, UsageHash: bytes.Repeat([]byte{1}, 32)}
	s := WorkerStatement{EndedAt: epoch.Add(time.Minute), UsageSequence: 2, UsageHash: bytes.Repeat([]byte{1}, 32)}
	now := epoch.Add(time.Minute)
	require.NoError(t, s.Covers(l, now, time.Second))
	for want, change := range map[string]func(*WorkerStatement){
		"ended_at: 2":              func(s *WorkerStatement) { s.EndedAt = now.Add(time.Second + 1) },
		"check the worker's clock": func(s *WorkerStatement) { s.EndedAt = epoch.Add(-time.Second - 1) },
		"usage_sequence: 1":        func(s *WorkerStatement) { s.UsageSequence = 1 },
		"usage_hash: 0202":         func(s *WorkerStatement) { s.UsageHash = bytes.Repeat([]byte{2}, 32) },
	} {
		other := s
		change(&other)
		require.ErrorIs(t, other.Covers(l, now, time.Second), ErrInvalidStatement)
		require.ErrorContains(t, other.Covers(l, now, time.Second), want)
	}
	s.UsageSequence, s.UsageHash, s.EndedAt = 3, bytes.Repeat([]byte{2}, 32), now.Add(time.Second)
	require.NoError(t, s.Covers(l, now, time.Second), "a record that the chain lacks")
}

func TestSaidCodes(t *testing.T) {
	signed := &WorkerStatement{ExitCodes: []int32{1, 2}}
	for _, c := range []struct {
		said Said
		want []int32
	}{
		{Said{}, nil}, {Said{ExitCodes: []int32{3}}, []int32{3}}, {Said{Statement: signed}, []int32{1, 2}},
		{Said{ExitCodes: []int32{1, 2}, Statement: signed}, []int32{1, 2}}, {Said{ExitCodes: []int32{3}, Statement: &WorkerStatement{}}, []int32{3}},
	} {
		got, err := c.said.Codes()
		require.NoError(t, err)
		require.Equal(t, c.want, got)
	}
	for _, codes := range [][]int32{{1}, {1, 3}, {1, 2, 3}} {
		_, err := Said{ExitCodes: codes, Statement: signed}.Codes()
		require.ErrorIs(t, err, ErrInvalidStatement)
	}
}
