// SPDX-License-Identifier: Apache-2.0

package store

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
)

// Mem is a store in memory for tests. It outlives Close, so that a test can "restart" the daemon on the same data.
type Mem struct {
	mu      sync.RWMutex
	buckets map[string]map[string][]byte
}

// NewMem is empty.
func NewMem() *Mem { return &Mem{buckets: map[string]map[string][]byte{}} }

// Update runs fn on a copy of what it touches and swaps it in on success.
func (m *Mem) Update(fn func(Tx) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	tx := &memTx{buckets: maps.Clone(m.buckets), writable: true, copied: map[string]bool{}}
	if err := fn(tx); err != nil {
		return err
	}
	m.buckets = tx.buckets
	return nil
}

// View runs fn on the present state.
func (m *Mem) View(fn func(Tx) error) error {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return fn(&memTx{buckets: m.buckets})
}

// Close waits for running transactions; the data stays.
func (m *Mem) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return nil
}

type memTx struct {
	buckets  map[string]map[string][]byte
	copied   map[string]bool
	writable bool
}

func (t *memTx) Get(bucket string, key []byte) ([]byte, error) {
	v, ok := t.buckets[bucket][string(key)]
	if !ok {
		return nil, ErrNotFound
	}
	return append([]byte{}, v...), nil
}

// own returns a bucket that this transaction may write.
func (t *memTx) own(bucket string) map[string][]byte {
	if !t.copied[bucket] {
		b := maps.Clone(t.buckets[bucket])
		if b == nil {
			b = map[string][]byte{}
		}
		t.buckets[bucket], t.copied[bucket] = b, true
	}
	return t.buckets[bucket]
}

func (t *memTx) Put(bucket string, key, value []byte) error {
	if !t.writable {
		return ErrReadOnly
	}
	if len(key) == 0 || bucket == "" {
		return errors.New("store: empty key or bucket")
	}
	t.own(bucket)[string(key)] = bytes.Clone(value)
	return nil
}

func (t *memTx) Delete(bucket string, key []byte) error {
	if !t.writable {
		return ErrReadOnly
	}
	delete(t.own(bucket), string(key))
	return nil
}

func (t *memTx) Walk(bucket string, prefix []byte, fn func(key, value []byte) error) error {
	b := t.buckets[bucket]
	for _, k := range slices.Sorted(maps.Keys(b)) {
		if !strings.HasPrefix(k, string(prefix)) {
			continue
		}
		if err := fn([]byte(k), append([]byte{}, b[k]...)); err != nil {
			return err
		}
	}
	return nil
}
