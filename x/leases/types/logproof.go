// SPDX-License-Identifier: Apache-2.0

package types

import "math/bits"

// Nodes of the log's trees have a name that does not change when the log grows: the node of a height and an index is the root over
// the receipts index × 2^height to (index + 1) × 2^height − 1; height 0 are the leaves. Who keeps them proves and appends with as
// many of them as a tree is high.

// NodeAt returns a node of the log's trees; an error of its own where it has none.
type NodeAt func(height int, index uint64) ([]byte, error)

// Grow returns the nodes that the log gets with the receipt at index, by height: its leaf (LeafHash) first, then the root of every tree that it
// completes. It asks for the one node to the left of each.
func Grow(index uint64, receipt []byte, node NodeAt) ([][]byte, error) {
	nodes := [][]byte{LeafHash(index, receipt)}
	for height := 0; index>>height&1 == 1; height++ {
		left, err := node(height, index>>height-1)
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, nodeHash(left, nodes[height]))
	}
	return nodes, nil
}

// Prove makes the proof of a place in a log of count receipts out of its nodes: those beside the way up, and the other trees' roots.
func Prove(index, count uint64, node NodeAt) (ReceiptProof, error) {
	proof := ReceiptProof{Index: index, Count: count}
	if index >= count {
		return proof, ErrInvalidProof.Wrapf("index: %d of %d receipts", index, count)
	}
	for first := uint64(0); first < count; {
		top := bits.Len64(count-first) - 1
		size := uint64(1) << top
		if index-first >= size { // also where index lies before first
			peak, err := node(top, first>>top)
			if err != nil {
				return proof, err
			}
			proof.Peaks = append(proof.Peaks, peak)
		} else {
			for height := range top {
				sibling, err := node(height, index>>height^1)
				if err != nil {
					return proof, err
				}
				proof.Siblings = append(proof.Siblings, sibling)
			}
		}
		first += size
	}
	return proof, nil
}

// NodesOf computes nodes out of the receipts' hashes, which receipt returns, at the cost of all that a node covers: for who keeps
// nothing but the receipts.
func NodesOf(receipt func(index uint64) ([]byte, error)) NodeAt {
	var at NodeAt
	at = func(height int, index uint64) ([]byte, error) {
		if height == 0 {
			hash, err := receipt(index)
			if err != nil {
				return nil, err
			}
			return LeafHash(index, hash), nil
		}
		left, err := at(height-1, 2*index)
		if err != nil {
			return nil, err
		}
		right, err := at(height-1, 2*index+1)
		if err != nil {
			return nil, err
		}
		return nodeHash(left, right), nil
	}
	return at
}
