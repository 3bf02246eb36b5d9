// SPDX-License-Identifier: Apache-2.0

package history

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"cosmossdk.io/math"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/athnet/ath/offchain/chain"
	leasetypes "github.com/athnet/ath/x/leases/types"
	providertypes "github.com/athnet/ath/x/providers/types"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(context.Background(), path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func head(height int64) chain.Head {
	return chain.Head{Height: height, Hash: []byte{byte(height)}, Time: time.Unix(height, 0)}
}

func count(t *testing.T, s *Store, table string) (n int) {
	t.Helper()
	require.NoError(t, s.db.QueryRow("SELECT count(*) FROM "+table).Scan(&n))
	return n
}

func write(tx *Tx) error { return tx.Movement("deposit", "a", "b", "1uath") }

func TestABlockIsAppliedOnceOrNotAtAll(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sub", "db")
	s := open(t, path)
	ctx := context.Background()
	require.NoError(t, s.Apply(ctx, "c", head(5), write))
	require.NoError(t, s.Apply(ctx, "c", head(5), write), "the same block again")
	require.NoError(t, s.Apply(ctx, "c", head(4), write), "an older one")
	require.Equal(t, 1, count(t, s, "movements"))

	boom := errors.New("boom")
	require.ErrorIs(t, s.Apply(ctx, "c", head(6), func(tx *Tx) error {
		require.NoError(t, write(tx))
		return boom
	}), boom)
	require.Equal(t, 1, count(t, s, "movements"))

	again := open(t, path)
	p, err := again.Position(ctx)
	require.NoError(t, err)
	require.Equal(t, Position{ChainID: "c", First: 5, Height: 5, Hash: []byte{5}}, p)
}

func TestANewerSchemaIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	s := open(t, path)
	_, err := s.db.Exec("PRAGMA user_version = 99")
	require.NoError(t, err)
	_, err = Open(context.Background(), path)
	require.ErrorContains(t, err, "newer")
}

// TestAReceiptWithoutAnOpening: history that begins in the middle still takes what comes.
func TestAReceiptWithoutAnOpening(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "db"))
	ctx := context.Background()
	require.NoError(t, s.Apply(ctx, "c", head(1), func(tx *Tx) error {
		if err := tx.LeaseSettled("a/1", "5uath", "1uath"); err != nil {
			return err
		}
		return tx.LeaseClosed(leasetypes.Receipt{
			Tenant: "a", Number: 1, Denom: "uath", Rate: math.NewInt(3), Billed: math.NewInt(9), EndedAt: time.Unix(1, 0), CreatedAt: time.Unix(0, 0),
		})
	}))
	got, err := s.Leases(ctx, "a", 0, 10)
	require.NoError(t, err)
	require.Len(t, got, 1)
	require.Equal(t, "9", got[0].Billed.String())
	require.Nil(t, got[0].StartedAt)
}

func TestForeignNumbersFit(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "db"))
	require.NoError(t, s.Apply(context.Background(), "c", head(1), func(tx *Tx) error {
		if err := tx.UsageRecorded(leasetypes.UsageRecord{LeaseId: "a/1", Sequence: 1, CpuMs: 1<<64 - 1, NetworkRx: 1 << 63}); err != nil {
			return err
		}
		return tx.ContainerState(providertypes.ContainerStatus{Id: 1, Reason: "it's 100% \"quoted\""})
	}))
	require.Equal(t, 1, count(t, s, "usage"))
	for _, bad := range []string{"", "a", "a/x", "a/-1", "a/99999999999999999999"} {
		require.Error(t, s.Apply(context.Background(), "c", head(2), func(tx *Tx) error { return tx.LeaseSettled(bad, "1uath", "1uath") }), bad)
	}
}

// TestALeaseKeepsItsMode, and when its provider takes the Container back, until it is moved to one whose provider does not.
func TestALeaseKeepsItsMode(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "db"))
	ctx := context.Background()
	at := time.Unix(7, 0).UTC()
	l := leasetypes.Lease{
		Tenant: "a", Number: 1, Denom: "uath", Rate: math.NewInt(3), CreatedAt: time.Unix(0, 0), Mode: leasetypes.LeaseMode_LEASE_MODE_RESERVED,
	}
	one := func() (mode leasetypes.LeaseMode, reclaim *time.Time) {
		got, err := s.Leases(ctx, "a", 0, 10)
		require.NoError(t, err)
		require.Len(t, got, 1)
		return got[0].Mode, got[0].ReclaimAt
	}
	require.NoError(t, s.Apply(ctx, "c", head(1), func(tx *Tx) error { return tx.LeaseOpened(l) }))
	mode, reclaim := one()
	require.Equal(t, l.Mode, mode)
	require.Nil(t, reclaim)
	l.ReclaimAt = &at
	require.NoError(t, s.Apply(ctx, "c", head(2), func(tx *Tx) error { return tx.LeaseChanged(l) }))
	_, reclaim = one()
	require.Equal(t, at, *reclaim)
	l.ReclaimAt, l.Mode = nil, leasetypes.LeaseMode_LEASE_MODE_ON_DEMAND
	require.NoError(t, s.Apply(ctx, "c", head(3), func(tx *Tx) error { return tx.LeaseChanged(l) }))
	mode, reclaim = one()
	require.Equal(t, l.Mode, mode)
	require.Nil(t, reclaim)
}
