// SPDX-License-Identifier: Apache-2.0

package store_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/athnet/ath/offchain/store"
	"github.com/athnet/ath/offchain/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestBolt(t *testing.T) {
	storetest.Run(t, func(t *testing.T) (store.Store, func() store.Store) {
		path := filepath.Join(t.TempDir(), "sub", "db")
		s, err := store.OpenBolt(path)
		require.NoError(t, err)
		return s, func() store.Store {
			require.NoError(t, s.Close())
			again, err := store.OpenBolt(path)
			require.NoError(t, err)
			return again
		}
	})
}

func TestMem(t *testing.T) {
	storetest.Run(t, func(*testing.T) (store.Store, func() store.Store) {
		m := store.NewMem()
		return m, func() store.Store { return m }
	})
}

func TestFaulty(t *testing.T) {
	storetest.Run(t, func(*testing.T) (store.Store, func() store.Store) {
		f := store.NewFaulty(store.NewMem())
		return f, func() store.Store { return f }
	})
}

func TestBoltRefusesASecondProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	s, err := store.OpenBolt(path)
	require.NoError(t, err)
	_, err = store.OpenBolt(path)
	require.ErrorContains(t, err, "in use by another process")
	require.NoError(t, s.Close())
}

func TestFaultyDiesOnCue(t *testing.T) {
	write := func(s store.Store, v string) error {
		return s.Update(func(tx store.Tx) error { return tx.Put("b", []byte("k"), []byte(v)) })
	}
	read := func(s store.Store) (v string) {
		require.NoError(t, s.View(func(tx store.Tx) error {
			b, err := tx.Get("b", []byte("k"))
			v = string(b)
			return err
		}))
		return v
	}
	f := store.NewFaulty(store.NewMem())
	require.NoError(t, write(f, "1"))
	f.CrashBefore(2)
	require.NoError(t, write(f, "2"))
	require.ErrorIs(t, write(f, "3"), store.ErrCrash)
	require.ErrorIs(t, write(f, "4"), store.ErrCrash)
	require.ErrorIs(t, f.View(func(store.Tx) error { return nil }), store.ErrCrash)
	f.Revive()
	require.Equal(t, "2", read(f))
	f.CrashAfter(1)
	require.ErrorIs(t, write(f, "5"), store.ErrCrash)
	f.Revive()
	require.Equal(t, "5", read(f))
	require.Equal(t, 4, f.Updates())
}
