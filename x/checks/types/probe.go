// SPDX-License-Identifier: Apache-2.0

package types

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// probeDomain separates probe replies from everything else that a worker key signs.
const probeDomain = "ath/probe/v1"

// ProbeReply is a worker's answer to GET /v1/containers/{id}/probe?nonce=<64 hex digits>. It proves that the holder of the
// worker key was reachable, saw a recent block and knows which lease its Container serves.
type ProbeReply struct {
	// ContainerID is the Container that was asked for.
	ContainerID uint64 `json:"container_id"`
	// Nonce is the prober's, 32 bytes.
	Nonce []byte `json:"nonce"`
	// BlockHeight and BlockHash (32 bytes) are of the latest block that the worker has seen.
	BlockHeight int64  `json:"block_height"`
	BlockHash   []byte `json:"block_hash"`
	// Fingerprint of the machine as measured when the worker started, 32 bytes.
	Fingerprint []byte `json:"fingerprint"`
	// LeaseID is the lease that the Container serves, "tenant/number", or empty.
	LeaseID string `json:"lease_id,omitempty"`
	// Running says whether the lease's services run.
	Running bool `json:"running"`
	// Ports are host ports of the workload that answer TCP; quality only, never a fault.
	Ports []uint16 `json:"ports,omitempty"`
	// Signature by the worker key over SignBytes, 64 bytes.
	Signature []byte `json:"signature"`
}

// SignBytes returns the 32 bytes that the worker key signs: a SHA-256 over the domain, the chain-id and every field, each
// variable part behind its length.
func (r ProbeReply) SignBytes(chainID string) []byte {
	h := sha256.New()
	put := func(b []byte) {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(b)))
		h.Write(n[:])
		h.Write(b)
	}
	num := func(v uint64) { h.Write(binary.BigEndian.AppendUint64(nil, v)) }
	put([]byte(probeDomain))
	put([]byte(chainID))
	num(r.ContainerID)
	put(r.Nonce)
	num(uint64(r.BlockHeight))
	put(r.BlockHash)
	put(r.Fingerprint)
	put([]byte(r.LeaseID))
	running := uint64(0)
	if r.Running {
		running = 1
	}
	num(running)
	num(uint64(len(r.Ports)))
	for _, p := range r.Ports {
		num(uint64(p))
	}
	return h.Sum(nil)
}

// Verify checks the signature against the Container's worker key (32 bytes).
func (r ProbeReply) Verify(chainID string, workerKey []byte) error {
	if len(workerKey) != ed25519.PublicKeySize {
		return fmt.Errorf("worker key: want %d bytes, have %d", ed25519.PublicKeySize, len(workerKey))
	}
	if !ed25519.Verify(workerKey, r.SignBytes(chainID), r.Signature) {
		return fmt.Errorf("probe of container %d: signature is not by its worker key", r.ContainerID)
	}
	return nil
}
