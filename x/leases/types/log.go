// SPDX-License-Identifier: Apache-2.0

package types

import (
	"bytes"
	"crypto/sha256"
	"math/bits"
	"slices"
)

// A ReceiptLog is a Merkle mountain range: perfect binary trees of falling size over all receipts in their order, one for every one in
// the binary form of their count. Adding a receipt merges trees of equal size; nothing that was added can change.
//
//	count 7 = 4 + 2 + 1          p0
//	                           /    \
//	                         /\      /\      p1
//	                        /  \    /  \    /  \   p2
//	                       r0  r1  r2  r3  r4  r5  r6
//
// Hashes are SHA-256 behind a domain and a length for every variable part (hasher), so that a leaf, a node and a root never share an
// encoding. A leaf binds its place, a root the count.

const (
	receiptDomain = "ath/receipt/v1"
	leafDomain    = "ath/receipt-leaf/v1"
	nodeDomain    = "ath/receipt-node/v1"
	rootDomain    = "ath/receipt-root/v1"
	// maxPeaks is how many trees a count of 64 bits can have, and how deep one can be.
	maxPeaks = 64
)

// Hash is what the log holds of a receipt, 32 bytes: over the chain-id and the receipt's protobuf encoding, whose fields stand in
// order of their numbers.
func (r Receipt) Hash(chainID string) ([]byte, error) {
	bz, err := r.Marshal()
	if err != nil {
		return nil, err
	}
	h := newHasher(receiptDomain)
	h.bytes([]byte(chainID))
	h.bytes(bz)
	return h.sum(), nil
}

// LeafHash is the leaf over a receipt at a place of the log.
func LeafHash(index uint64, receipt []byte) []byte {
	h := newHasher(leafDomain)
	h.number(index)
	h.bytes(receipt)
	return h.sum()
}

func nodeHash(left, right []byte) []byte {
	h := newHasher(nodeDomain)
	h.bytes(left)
	h.bytes(right)
	return h.sum()
}

func rootHash(count uint64, peaks [][]byte) []byte {
	h := newHasher(rootDomain)
	h.number(count)
	for _, peak := range peaks {
		h.bytes(peak)
	}
	return h.sum()
}

// Append adds the hash of a receipt; the log is a value, the old one stays as it is.
func (l ReceiptLog) Append(receipt []byte) ReceiptLog {
	peaks, top := slices.Clone(l.Peaks), LeafHash(l.Count, receipt)
	for size := l.Count; size&1 == 1; size >>= 1 {
		last := len(peaks) - 1
		top, peaks = nodeHash(peaks[last], top), peaks[:last]
	}
	l.Count++
	l.Peaks = append(peaks, top)
	return l
}

// Root is the hash over the whole log, 32 bytes.
func (l ReceiptLog) Root() []byte { return rootHash(l.Count, l.Peaks) }

// Validate checks the form.
func (l ReceiptLog) Validate() error {
	if len(l.Peaks) != bits.OnesCount64(l.Count) {
		return ErrInvalidGenesis.Wrapf("receipt_log.peaks: %d for %d receipts: want %d", len(l.Peaks), l.Count, bits.OnesCount64(l.Count))
	}
	return validateHashes("receipt_log.peaks", l.Peaks)
}

func validateHashes(field string, hashes [][]byte) error {
	for i, h := range hashes {
		if len(h) != sha256.Size {
			return ErrInvalidProof.Wrapf("%s[%d]: %d bytes: want %d", field, i, len(h), sha256.Size)
		}
	}
	return nil
}

// Root is the root that a log has that holds the receipt at the proof's place. What the proof says is only true if that root is.
func (p ReceiptProof) Root(receipt []byte) ([]byte, error) {
	if p.Index >= p.Count {
		return nil, ErrInvalidProof.Wrapf("index: %d of %d receipts", p.Index, p.Count)
	}
	if len(p.Siblings) >= maxPeaks || len(p.Peaks) != bits.OnesCount64(p.Count)-1 {
		return nil, ErrInvalidProof.Wrapf("siblings, peaks: %d, %d for %d receipts", len(p.Siblings), len(p.Peaks), p.Count)
	}
	if err := validateHashes("siblings", p.Siblings); err != nil {
		return nil, err
	}
	if err := validateHashes("peaks", p.Peaks); err != nil {
		return nil, err
	}
	tree, first, height := treeOf(p.Index, p.Count)
	if len(p.Siblings) != height {
		return nil, ErrInvalidProof.Wrapf("siblings: %d: the tree of receipt %d is %d high", len(p.Siblings), p.Index, height)
	}
	at, hash := p.Index-first, LeafHash(p.Index, receipt)
	for _, sibling := range p.Siblings {
		if at&1 == 0 {
			hash = nodeHash(hash, sibling)
		} else {
			hash = nodeHash(sibling, hash)
		}
		at >>= 1
	}
	return rootHash(p.Count, slices.Insert(slices.Clone(p.Peaks), tree, hash)), nil
}

// treeOf finds the tree that an index below count lies in: its number from the left, its first index and its height.
func treeOf(index, count uint64) (tree int, first uint64, height int) {
	for rest := count; ; tree++ {
		height = bits.Len64(rest) - 1
		size := uint64(1) << height
		if index-first < size {
			return tree, first, height
		}
		first, rest = first+size, rest-size
	}
}

// Verify says whether a receipt is in the log that has a root.
func (p ReceiptProof) Verify(receipt, root []byte) error {
	got, err := p.Root(receipt)
	if err == nil && !bytes.Equal(got, root) {
		err = ErrInvalidProof.Wrapf("root: the proof leads to %X, the log's is %X", got, root)
	}
	return err
}

// Verify says whether the bundle's receipt was in the log of its chain at a root.
func (b ReceiptBundle) Verify(root []byte) error {
	hash, err := b.Receipt.Hash(b.ChainId)
	if err != nil {
		return err
	}
	return b.Proof.Verify(hash, root)
}
