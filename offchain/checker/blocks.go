// SPDX-License-Identifier: Apache-2.0

package checker

import (
	"sync"
	"time"

	"github.com/athnet/ath/offchain/chain"
)

// recentBlocks remembers the hashes of the blocks of the last while.
type recentBlocks struct {
	mu   sync.RWMutex
	ring [4096]chain.Head
}

func newRecentBlocks() *recentBlocks { return &recentBlocks{} }

func (r *recentBlocks) add(h chain.Head) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ring[h.Height%int64(len(r.ring))] = h
}

// Hash of a recent block, nil where it is not known.
func (r *recentBlocks) Hash(height int64) []byte { return r.head(height).Hash }

// Time of a recent block, zero where it is not known.
func (r *recentBlocks) Time(height int64) time.Time { return r.head(height).Time }

func (r *recentBlocks) head(height int64) chain.Head {
	if height <= 0 {
		return chain.Head{}
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	if h := r.ring[height%int64(len(r.ring))]; h.Height == height {
		return h
	}
	return chain.Head{}
}
