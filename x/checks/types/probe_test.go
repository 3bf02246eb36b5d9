// SPDX-License-Identifier: Apache-2.0

package types_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/x/checks/types"
)

type probeVector struct {
	ChainID   string           `json:"chain_id"`
	WorkerKey hexBytes         `json:"worker_key"`
	Reply     types.ProbeReply `json:"reply"`
	SignBytes hexBytes         `json:"sign_bytes"`
}

func probeKey() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{9}, 32)) }

func signedProbe(chainID string) types.ProbeReply {
	r := types.ProbeReply{
		ContainerID: 7, Nonce: bytes.Repeat([]byte{1}, 32), BlockHeight: 1234, BlockHash: bytes.Repeat([]byte{2}, 32),
		Fingerprint: bytes.Repeat([]byte{3}, 32), LeaseID: testOperator + "/5", Running: true, Ports: []uint16{80, 31000},
	}
	r.Signature = ed25519.Sign(probeKey(), r.SignBytes(chainID))
	return r
}

func TestProbeVectors(t *testing.T) {
	for _, v := range vectors(t, "probe.json", func() []probeVector {
		full := signedProbe("ath-1")
		idle := types.ProbeReply{ContainerID: 1, Nonce: make([]byte, 32), BlockHash: make([]byte, 32), Fingerprint: make([]byte, 32)}
		idle.Signature = ed25519.Sign(probeKey(), idle.SignBytes("ath-1"))
		key := hexBytes(probeKey().Public().(ed25519.PublicKey))
		return []probeVector{
			{ChainID: "ath-1", WorkerKey: key, Reply: full, SignBytes: full.SignBytes("ath-1")},
			{ChainID: "ath-1", WorkerKey: key, Reply: idle, SignBytes: idle.SignBytes("ath-1")},
		}
	}) {
		require.Equal(t, []byte(v.SignBytes), v.Reply.SignBytes(v.ChainID))
		require.NoError(t, v.Reply.Verify(v.ChainID, v.WorkerKey))
	}
}

func TestProbeVerify(t *testing.T) {
	key := probeKey().Public().(ed25519.PublicKey)
	for _, c := range []struct {
		name   string
		change func(*types.ProbeReply)
	}{
		{"container", func(r *types.ProbeReply) { r.ContainerID++ }},
		{"nonce", func(r *types.ProbeReply) { r.Nonce = bytes.Repeat([]byte{8}, 32) }},
		{"height", func(r *types.ProbeReply) { r.BlockHeight++ }},
		{"block hash", func(r *types.ProbeReply) { r.BlockHash = bytes.Repeat([]byte{8}, 32) }},
		{"fingerprint", func(r *types.ProbeReply) { r.Fingerprint = bytes.Repeat([]byte{8}, 32) }},
		{"lease", func(r *types.ProbeReply) { r.LeaseID = "" }},
		{"running", func(r *types.ProbeReply) { r.Running = false }},
		{"ports", func(r *types.ProbeReply) { r.Ports = r.Ports[:1] }},
		{"no signature", func(r *types.ProbeReply) { r.Signature = nil }},
		{"bytes moved", func(r *types.ProbeReply) { r.Nonce, r.BlockHash = r.Nonce[:31], append([]byte{1}, r.BlockHash...) }},
	} {
		t.Run("error - "+c.name, func(t *testing.T) {
			r := signedProbe("ath-1")
			c.change(&r)
			require.ErrorContains(t, r.Verify("ath-1", key), "container")
		})
	}
	r := signedProbe("ath-1")
	require.NoError(t, r.Verify("ath-1", key))
	require.Error(t, r.Verify("ath-2", key), "another chain")
	require.Error(t, r.Verify("ath-1", key[:31]), "a short key")
}

// No reply of any bytes is taken for the worker's, unless it says the very same.
func FuzzProbeReply(f *testing.F) {
	genuine := signedProbe("ath-1")
	raw, err := json.Marshal(genuine)
	require.NoError(f, err)
	f.Add(raw)
	f.Add([]byte(`{"container_id":7,"ports":[65535],"running":true}`))
	key := probeKey().Public().(ed25519.PublicKey)
	f.Fuzz(func(t *testing.T, raw []byte) {
		var r types.ProbeReply
		if json.Unmarshal(raw, &r) != nil || r.Verify("ath-1", key) != nil {
			return
		}
		require.Equal(t, genuine.SignBytes("ath-1"), r.SignBytes("ath-1"))
	})
}
