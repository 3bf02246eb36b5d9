// SPDX-License-Identifier: Apache-2.0

// Package storetest checks what package store promises of any implementation.
package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/offchain/store"
)

// Run checks one implementation. open returns a store on data of its own for each call of Run's factory; reopen closes it and
// opens the same data again.
func Run(t *testing.T, factory func(t *testing.T) (s store.Store, reopen func() store.Store)) {
	t.Helper()
	cases := map[string]func(*testing.T, store.Store, func() store.Store){
		"what was written is read":            written,
		"a failed update leaves nothing":      failed,
		"what was updated survives reopening": survives,
		"a view cannot write":                 viewWrites,
		"walk is ordered and bounded":         walk,
		"bytes are not shared":                shared,
	}
	for name, run := range cases {
		t.Run(name, func(t *testing.T) {
			s, reopen := factory(t)
			run(t, s, reopen)
		})
	}
}

func put(t *testing.T, s store.Store, bucket, key, value string) {
	t.Helper()
	require.NoError(t, s.Update(func(tx store.Tx) error { return tx.Put(bucket, []byte(key), []byte(value)) }))
}

func get(t *testing.T, s store.Store, bucket, key string) string {
	t.Helper()
	var v []byte
	err := s.View(func(tx store.Tx) (err error) {
		v, err = tx.Get(bucket, []byte(key))
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return "absent"
	}
	require.NoError(t, err)
	return string(v)
}

func written(t *testing.T, s store.Store, reopen func() store.Store) {
	defer func() { require.NoError(t, reopen().Close()) }()
	require.Equal(t, "absent", get(t, s, "b", "k"))
	put(t, s, "b", "k", "v")
	put(t, s, "b", "empty", "")
	require.Equal(t, "v", get(t, s, "b", "k"))
	require.Equal(t, "", get(t, s, "b", "empty"))
	require.Equal(t, "absent", get(t, s, "other", "k"))
	require.NoError(t, s.Update(func(tx store.Tx) error {
		if err := tx.Delete("b", []byte("k")); err != nil {
			return err
		}
		return tx.Delete("nothing", []byte("k"))
	}))
	require.Equal(t, "absent", get(t, s, "b", "k"))
}

func failed(t *testing.T, s store.Store, reopen func() store.Store) {
	put(t, s, "b", "k", "old")
	boom := errors.New("boom")
	require.ErrorIs(t, s.Update(func(tx store.Tx) error {
		require.NoError(t, tx.Put("b", []byte("k"), []byte("new")))
		require.NoError(t, tx.Put("c", []byte("k"), []byte("new")))
		v, err := tx.Get("b", []byte("k"))
		require.NoError(t, err)
		require.Equal(t, "new", string(v), "a transaction reads its own writes")
		return boom
	}), boom)
	require.Equal(t, "old", get(t, s, "b", "k"))
	require.Equal(t, "absent", get(t, s, "c", "k"))
	require.NoError(t, reopen().Close())
}

func survives(t *testing.T, s store.Store, reopen func() store.Store) {
	for i := range 100 {
		put(t, s, "b", fmt.Sprint(i), fmt.Sprint(i*i))
	}
	again := reopen()
	for i := range 100 {
		require.Equal(t, fmt.Sprint(i*i), get(t, again, "b", fmt.Sprint(i)))
	}
	require.NoError(t, again.Close())
}

func viewWrites(t *testing.T, s store.Store, reopen func() store.Store) {
	require.ErrorIs(t, s.View(func(tx store.Tx) error { return tx.Put("b", []byte("k"), nil) }), store.ErrReadOnly)
	require.ErrorIs(t, s.View(func(tx store.Tx) error { return tx.Delete("b", []byte("k")) }), store.ErrReadOnly)
	require.NoError(t, reopen().Close())
}

func walk(t *testing.T, s store.Store, reopen func() store.Store) {
	for _, k := range []string{"b2", "a1", "b1", "c", "b"} {
		put(t, s, "b", k, "v"+k)
	}
	list := func(prefix string) (keys []string) {
		require.NoError(t, s.View(func(tx store.Tx) error {
			return tx.Walk("b", []byte(prefix), func(k, v []byte) error {
				require.Equal(t, "v"+string(k), string(v))
				keys = append(keys, string(k))
				return nil
			})
		}))
		return keys
	}
	require.Equal(t, []string{"a1", "b", "b1", "b2", "c"}, list(""))
	require.Equal(t, []string{"b", "b1", "b2"}, list("b"))
	require.Empty(t, list("x"))
	stop := errors.New("stop")
	require.ErrorIs(t, s.View(func(tx store.Tx) error {
		return tx.Walk("b", nil, func(_, _ []byte) error { return stop })
	}), stop)
	require.NoError(t, s.View(func(tx store.Tx) error {
		return tx.Walk("nothing", nil, func(_, _ []byte) error { return stop })
	}))
	require.NoError(t, reopen().Close())
}

func shared(t *testing.T, s store.Store, reopen func() store.Store) {
	key, value := []byte("k"), []byte("value")
	require.NoError(t, s.Update(func(tx store.Tx) error {
		if err := tx.Put("b", key, value); err != nil {
			return err
		}
		copy(key, "x")
		copy(value, "xxxxx")
		return nil
	}))
	require.Equal(t, "value", get(t, s, "b", "k"))
	require.NoError(t, s.View(func(tx store.Tx) error {
		v, err := tx.Get("b", []byte("k"))
		if err != nil {
			return err
		}
		copy(v, bytes.Repeat([]byte("x"), len(v)))
		return nil
	}))
	require.Equal(t, "value", get(t, s, "b", "k"))
	require.NoError(t, reopen().Close())
}
