// SPDX-License-Identifier: Apache-2.0

package history

import (
	"context"
	"database/sql"
	"errors"

	leasetypes "github.com/athnet/ath/x/leases/types"
)

// errNoNode says that a node of the log is not there, because a receipt below it is not.
var errNoNode = errors.New("a node of the receipts' log is missing")

// querier is a database or a transaction.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// nodes reads the log's nodes; errNoNode.
func nodes(ctx context.Context, q querier) leasetypes.NodeAt {
	return func(height int, index uint64) (hash []byte, err error) {
		if height == 0 {
			err = q.QueryRowContext(ctx, "SELECT hash FROM receipts WHERE place = ?", int64(index)).Scan(&hash)
			hash = leasetypes.LeafHash(index, hash)
		} else {
			err = q.QueryRowContext(ctx, "SELECT hash FROM receipt_nodes WHERE height = ? AND place = ?", height, int64(index)).Scan(&hash)
		}
		if errors.Is(err, sql.ErrNoRows) {
			err = errNoNode
		}
		return hash, err
	}
}

// grow adds the nodes that the receipt at a place completes; none where an earlier receipt is missing.
func grow(ctx context.Context, tx querier, place uint64) error {
	var hash []byte
	err := tx.QueryRowContext(ctx, "SELECT hash FROM receipts WHERE place = ?", int64(place)).Scan(&hash)
	if errors.Is(err, sql.ErrNoRows) { // of a lease that this history does not know
		return nil
	}
	if err != nil {
		return err
	}
	if _, err = keepNodes(ctx, tx, place, hash, nodes(ctx, tx)); errors.Is(err, errNoNode) {
		return nil
	}
	return err
}

// keepNodes writes the nodes that a receipt completes, and returns them by height.
func keepNodes(ctx context.Context, tx querier, place uint64, hash []byte, at leasetypes.NodeAt) ([][]byte, error) {
	made, err := leasetypes.Grow(place, hash, at)
	for height := 1; err == nil && height < len(made); height++ {
		_, err = tx.ExecContext(ctx, "INSERT OR REPLACE INTO receipt_nodes VALUES (?,?,?)", height, int64(place>>height), made[height])
	}
	return made, err
}

// fillPage is how many receipts fillNodes holds in memory at once.
const fillPage = 10_000

// fillNodes makes the nodes of a log that was kept without them, up to its first gap: no receipt behind one can be proven.
func fillNodes(ctx context.Context, tx *sql.Tx) error {
	left := map[int][]byte{} // by height: the last node that has no parent yet
	at := func(height int, _ uint64) ([]byte, error) { return left[height], nil }
	for first := uint64(0); ; first += fillPage {
		hashes, err := hashesFrom(ctx, tx, first)
		if err != nil {
			return err
		}
		for i, hash := range hashes {
			place := first + uint64(i)
			made, err := keepNodes(ctx, tx, place, hash, at)
			if err != nil {
				return err
			}
			left[len(made)-1] = made[len(made)-1]
		}
		if len(hashes) < fillPage {
			return nil
		}
	}
}

// hashesFrom returns those of a page of receipts, less where one is missing.
func hashesFrom(ctx context.Context, tx *sql.Tx, first uint64) (hashes [][]byte, err error) {
	rows, err := tx.QueryContext(ctx, "SELECT place, hash FROM receipts WHERE place >= ? ORDER BY place LIMIT ?", int64(first), fillPage)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var place int64
		var hash []byte
		if err := rows.Scan(&place, &hash); err != nil {
			return nil, err
		}
		if uint64(place) != first+uint64(len(hashes)) {
			break
		}
		hashes = append(hashes, hash)
	}
	return hashes, rows.Err()
}
