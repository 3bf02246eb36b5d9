// SPDX-License-Identifier: Apache-2.0

package history

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"cosmossdk.io/math"
	"github.com/stretchr/testify/require"

	leasetypes "github.com/athnet/ath/x/leases/types"
)

func receiptOf(number uint64) leasetypes.Receipt {
	zero := math.ZeroInt()
	return leasetypes.Receipt{
		Tenant: "a", Number: number, Denom: "uath", Rate: math.NewInt(3), Billed: math.NewInt(9), Credited: zero, Minimum: zero,
		CreatedAt: time.Unix(0, 0), EndedAt: time.Unix(1, 0), BilledUntil: time.Unix(1, 0),
	}
}

// closed writes a block in which receipts first to last-1 are logged, and the root after them.
func closed(t testing.TB, s *Store, log leasetypes.ReceiptLog, height int64, last uint64) leasetypes.ReceiptLog {
	t.Helper()
	require.NoError(t, s.Apply(context.Background(), "c", head(height), func(tx *Tx) error {
		first, ids := log.Count, []string{}
		for number := first; number < last; number++ {
			receipt := receiptOf(number)
			if err := tx.LeaseClosed(receipt); err != nil {
				return err
			}
			hash, err := receipt.Hash("c")
			if err != nil {
				return err
			}
			log, ids = log.Append(hash), append(ids, receipt.ID())
		}
		if err := tx.ReceiptsLogged(first, ids); err != nil {
			return err
		}
		return tx.ReceiptRoot(leasetypes.ReceiptRoot{Epoch: uint64(height), Count: log.Count, Root: log.Root()})
	}))
	return log
}

func nodesIn(t *testing.T, s *Store) (all []string) {
	t.Helper()
	rows, err := s.db.Query("SELECT height, place, hash FROM receipt_nodes ORDER BY height, place")
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		var height, place int
		var hash []byte
		require.NoError(t, rows.Scan(&height, &place, &hash))
		all = append(all, fmt.Sprintf("%d/%d %X", height, place, hash))
	}
	require.NoError(t, rows.Err())
	return all
}

// TestAnOldFileGetsItsNodes: a file of the schema before nodes were kept proves what it holds, goes on as one that always kept them, and
// gets none behind a gap.
func TestAnOldFileGetsItsNodes(t *testing.T) {
	ctx := context.Background()
	const receipts = 37
	fresh := open(t, filepath.Join(t.TempDir(), "fresh"))
	log := closed(t, fresh, leasetypes.ReceiptLog{}, 1, receipts)

	old := func(name string, without uint64) string {
		path := filepath.Join(t.TempDir(), name)
		db, err := sql.Open("sqlite", "file:"+path)
		require.NoError(t, err)
		for _, file := range []string{"schema/0001_init.sql", "schema/0002_receipts.sql"} {
			script, err := schema.ReadFile(file)
			require.NoError(t, err)
			_, err = db.Exec(string(script))
			require.NoError(t, err)
		}
		_, err = db.Exec("PRAGMA user_version = 2; INSERT INTO meta VALUES ('chain', 'c'), ('first', '1'), ('height', '1'), ('hash', '01')")
		require.NoError(t, err)
		for number := range uint64(receipts) {
			if number == without {
				continue
			}
			receipt := receiptOf(number)
			bz, err := receipt.Marshal()
			require.NoError(t, err)
			hash, err := receipt.Hash("c")
			require.NoError(t, err)
			_, err = db.Exec("INSERT INTO receipts VALUES (?,?,?,?,?)", receipt.Tenant, number, number, hash, bz)
			require.NoError(t, err)
		}
		_, err = db.Exec("INSERT INTO receipt_roots VALUES (1, ?, ?)", receipts, log.Root())
		require.NoError(t, err)
		require.NoError(t, db.Close())
		return path
	}
	s := open(t, old("old", receipts))
	require.Equal(t, nodesIn(t, fresh), nodesIn(t, s))
	for number := range uint64(receipts) {
		bundle, err := s.Receipt(ctx, "a", number)
		require.NoError(t, err)
		require.Equal(t, number, bundle.Proof.Index)
	}
	closed(t, s, log, 2, receipts+30)
	log = closed(t, fresh, log, 2, receipts+30)
	require.Equal(t, nodesIn(t, fresh), nodesIn(t, s))
	bundle, err := s.Receipt(ctx, "a", log.Count-1)
	require.NoError(t, err)
	require.NoError(t, bundle.Verify(log.Root()))

	s = open(t, old("gap", 8))
	for _, node := range nodesIn(t, s) {
		var height, place int
		_, err := fmt.Sscanf(node, "%d/%d", &height, &place)
		require.NoError(t, err)
		require.Zero(t, place>>(3-height), "%s covers the gap or lies behind it", node)
	}
	_, err = s.Receipt(ctx, "a", 3)
	require.ErrorIs(t, err, ErrNoProof)
	require.ErrorContains(t, err, "begins with the chain")
}

// BenchmarkReceiptProof proves receipts of a log, checks included.
func BenchmarkReceiptProof(b *testing.B) {
	for _, n := range []uint64{1_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s, err := Open(context.Background(), filepath.Join(b.TempDir(), "db"))
			require.NoError(b, err)
			var log leasetypes.ReceiptLog
			for height := int64(1); log.Count < n; height++ {
				log = closed(b, s, log, height, min(n, log.Count+10_000))
			}
			_, err = s.db.Exec("DELETE FROM receipt_roots WHERE count < ?", n)
			require.NoError(b, err)
			number := uint64(0)
			for b.Loop() {
				_, err := s.Receipt(context.Background(), "a", number%n)
				require.NoError(b, err)
				number += 7_919
			}
			require.NoError(b, s.Close())
		})
	}
}
