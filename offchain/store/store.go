// SPDX-License-Identifier: Apache-2.0

// Package store is the small crash-safe memory of a daemon: named buckets of keys and values.
//
// The contract, which storetest checks of every implementation:
//   - When Update returns nil, everything that its function wrote is on disk and survives kill -9 and power loss.
//   - When Update returns an error, or the process dies within it, nothing that its function wrote is there.
//   - Updates run one at a time. A View sees one state from beginning to end and never half an update.
//   - Bytes that come out belong to the caller; bytes that go in may be reused after the call.
package store

import (
	"encoding/json"
	"errors"
	"fmt"
)

var (
	// ErrNotFound: there is no such key.
	ErrNotFound = errors.New("not found")
	// ErrReadOnly: a write inside View.
	ErrReadOnly = errors.New("write inside a read-only transaction")
)

// Store holds buckets.
type Store interface {
	// Update runs fn and keeps all that it wrote, or nothing where fn returns an error.
	Update(fn func(Tx) error) error
	// View runs fn on one state.
	View(fn func(Tx) error) error
	// Close waits for running transactions.
	Close() error
}

// Tx is one transaction; it must not be used after the function that got it has returned.
type Tx interface {
	// Get returns a value, or ErrNotFound.
	Get(bucket string, key []byte) ([]byte, error)
	// Put writes a value; the bucket need not exist.
	Put(bucket string, key, value []byte) error
	// Delete removes a key; removing what is not there is no error.
	Delete(bucket string, key []byte) error
	// Walk calls fn for every key with the prefix in order of bytes, until fn returns an error, which it returns. fn must not
	// write: collect the keys, then write.
	Walk(bucket string, prefix []byte, fn func(key, value []byte) error) error
}

// GetJSON reads a value that PutJSON wrote.
func GetJSON[T any](tx Tx, bucket string, key []byte) (T, error) {
	var v T
	b, err := tx.Get(bucket, key)
	if err != nil {
		return v, err
	}
	if err := json.Unmarshal(b, &v); err != nil {
		return v, fmt.Errorf("store: %s/%x: %w", bucket, key, err)
	}
	return v, nil
}

// PutJSON writes a value as JSON.
func PutJSON[T any](tx Tx, bucket string, key []byte, v T) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("store: %s/%x: %w", bucket, key, err)
	}
	return tx.Put(bucket, key, b)
}
