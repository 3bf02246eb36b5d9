// SPDX-License-Identifier: Apache-2.0

package store

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// lockWait is how long OpenBolt waits for another process to let go of the file.
const lockWait = 2 * time.Second

type boltStore struct{ db *bbolt.DB }

// OpenBolt opens or creates a store in one file. The file is locked: a second daemon on the same directory is refused.
func OpenBolt(path string) (Store, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: lockWait, FreelistType: bbolt.FreelistMapType})
	if errors.Is(err, berrors.ErrTimeout) {
		return nil, fmt.Errorf("open store: %s is in use by another process; stop it, or give this one its own home", path)
	}
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", path, err)
	}
	return boltStore{db}, nil
}

func (s boltStore) Update(fn func(Tx) error) error {
	return s.db.Update(func(tx *bbolt.Tx) error { return fn(boltTx{tx}) })
}

func (s boltStore) View(fn func(Tx) error) error {
	return s.db.View(func(tx *bbolt.Tx) error { return fn(boltTx{tx}) })
}

func (s boltStore) Close() error { return s.db.Close() }

type boltTx struct{ tx *bbolt.Tx }

func (t boltTx) Get(bucket string, key []byte) ([]byte, error) {
	b := t.tx.Bucket([]byte(bucket))
	if b == nil {
		return nil, ErrNotFound
	}
	v := b.Get(key)
	if v == nil {
		return nil, ErrNotFound
	}
	return append([]byte{}, v...), nil
}

func (t boltTx) Put(bucket string, key, value []byte) error {
	if !t.tx.Writable() {
		return ErrReadOnly
	}
	b, err := t.tx.CreateBucketIfNotExists([]byte(bucket))
	if err != nil {
		return fmt.Errorf("store: bucket %q: %w", bucket, err)
	}
	// bbolt keeps both slices until the transaction ends.
	if err := b.Put(bytes.Clone(key), append([]byte{}, value...)); err != nil {
		return fmt.Errorf("store: put %s/%x: %w", bucket, key, err)
	}
	return nil
}

func (t boltTx) Delete(bucket string, key []byte) error {
	if !t.tx.Writable() {
		return ErrReadOnly
	}
	b := t.tx.Bucket([]byte(bucket))
	if b == nil {
		return nil
	}
	return b.Delete(key)
}

func (t boltTx) Walk(bucket string, prefix []byte, fn func(key, value []byte) error) error {
	b := t.tx.Bucket([]byte(bucket))
	if b == nil {
		return nil
	}
	c := b.Cursor()
	for k, v := c.Seek(prefix); k != nil && bytes.HasPrefix(k, prefix); k, v = c.Next() {
		if err := fn(bytes.Clone(k), append([]byte{}, v...)); err != nil {
			return err
		}
	}
	return nil
}
