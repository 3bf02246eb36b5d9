// SPDX-License-Identifier: Apache-2.0

package checker

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"

	"github.com/athnet/ath/offchain/checker/probe"
)

// Evidence is what a Checker saw of one shard in one round. Its root is in the report, so that it cannot be changed afterwards.
type Evidence struct {
	// Root of the Merkle tree (RFC 6962) whose leaves are the JSON of the samples, in order of Container and of time.
	Root    []byte            `json:"root"`
	Samples []probe.Sample    `json:"-"`
	Leaves  []json.RawMessage `json:"leaves"`
}

// seal encodes the samples and computes the root.
func (e *Evidence) seal() {
	e.Leaves = make([]json.RawMessage, len(e.Samples))
	hashes := make([][]byte, len(e.Samples))
	for i, s := range e.Samples {
		leaf, err := json.Marshal(s)
		if err != nil {
			// Every field of a sample can be encoded; Reply was checked to be valid JSON.
			panic(fmt.Sprintf("evidence: %v", err))
		}
		e.Leaves[i], hashes[i] = leaf, leafHash(leaf)
	}
	e.Root = merkleRoot(hashes)
}

// Verify recomputes the root from the leaves.
func (e Evidence) Verify() error {
	hashes := make([][]byte, len(e.Leaves))
	for i, leaf := range e.Leaves {
		hashes[i] = leafHash(leaf)
	}
	if got := merkleRoot(hashes); string(got) != string(e.Root) {
		return fmt.Errorf("evidence: the leaves have root %x, not %x", got, e.Root)
	}
	return nil
}

func leafHash(leaf []byte) []byte {
	h := sha256.New()
	h.Write([]byte{0})
	h.Write(leaf)
	return h.Sum(nil)
}

// merkleRoot is RFC 6962's tree hash over leaf hashes: a leaf can never be taken for a node, and no leaf is counted twice.
func merkleRoot(leaves [][]byte) []byte {
	switch len(leaves) {
	case 0:
		sum := sha256.Sum256(nil)
		return sum[:]
	case 1:
		return leaves[0]
	}
	split := 1
	for 2*split < len(leaves) {
		split *= 2
	}
	h := sha256.New()
	h.Write([]byte{1})
	h.Write(merkleRoot(leaves[:split]))
	h.Write(merkleRoot(leaves[split:]))
	return h.Sum(nil)
}
