// SPDX-License-Identifier: Apache-2.0

package history

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	leasetypes "github.com/athnet/ath/x/leases/types"
)

var (
	// ErrNoReceipt says that this history holds no receipt of the lease.
	ErrNoReceipt = errors.New("this Indexer has no receipt of the lease: it is open, was never opened, or ended before this Indexer's history begins; try another Indexer")
	// ErrNoProof says that the receipt is there and its proof is not, or not yet.
	ErrNoProof = errors.New("there is no proof of the receipt")
)

func (t *Tx) keepReceipt(r leasetypes.Receipt) error {
	bz, err := r.Marshal()
	if err != nil {
		return err
	}
	hash, err := r.Hash(t.chainID)
	if err != nil {
		return err
	}
	return t.exec("INSERT OR REPLACE INTO receipts (tenant, number, hash, receipt) VALUES (?,?,?,?)", r.Tenant, r.Number, hash, bz)
}

// ReceiptsLogged notes where receipts of the block stand in the chain's log: one behind the other from first.
func (t *Tx) ReceiptsLogged(first uint64, leaseIDs []string) error {
	for i, id := range leaseIDs {
		tenant, number, err := splitLease(id)
		if err != nil {
			return err
		}
		place := first + uint64(i)
		if err := t.exec("UPDATE receipts SET place = ? WHERE tenant = ? AND number = ?", place, tenant, number); err != nil {
			return err
		}
		if err := grow(t.ctx, t.tx, place); err != nil {
			return err
		}
	}
	return nil
}

// ReceiptRoot notes the root of the log at the end of an epoch.
func (t *Tx) ReceiptRoot(r leasetypes.ReceiptRoot) error {
	return t.exec("INSERT OR REPLACE INTO receipt_roots VALUES (?,?,?)", r.Epoch, r.Count, r.Root)
}

// Receipt returns the receipt of a lease with its proof against the first root that covers it, checked. It returns ErrNoReceipt, or
// ErrNoProof before the end of the epoch and where the history lacks earlier receipts. A proof reads one node per height of the log.
func (s *Store) Receipt(ctx context.Context, tenant string, number uint64) (leasetypes.ReceiptBundle, error) {
	bundle, root, err := s.receipt(ctx, tenant, number)
	if err == nil && root != nil {
		if err = bundle.Verify(root); err != nil {
			err = fmt.Errorf("%w: this Indexer's receipts do not lead to the chain's root: %w", ErrNoProof, err)
		}
	}
	if err != nil {
		return bundle, fmt.Errorf("receipt of %s/%d: %w", tenant, number, err)
	}
	return bundle, nil
}

func (s *Store) receipt(ctx context.Context, tenant string, number uint64) (b leasetypes.ReceiptBundle, root []byte, err error) {
	p, err := s.Position(ctx)
	if err != nil {
		return b, nil, err
	}
	b.ChainId = p.ChainID
	var (
		bz    []byte
		place sql.NullInt64
		count uint64
	)
	err = s.db.QueryRowContext(ctx, "SELECT receipt, place FROM receipts WHERE tenant = ? AND number = ?", tenant, int64(number)).Scan(&bz, &place)
	if errors.Is(err, sql.ErrNoRows) {
		return b, nil, ErrNoReceipt
	}
	if err != nil {
		return b, nil, err
	}
	if err := b.Receipt.Unmarshal(bz); err != nil {
		return b, nil, err
	}
	err = s.db.QueryRowContext(ctx, "SELECT epoch, count, root FROM receipt_roots WHERE count > ? ORDER BY epoch LIMIT 1", place).Scan(&b.Epoch, &count, &root)
	if errors.Is(err, sql.ErrNoRows) {
		return b, nil, fmt.Errorf("%w yet: the chain keeps a root when an epoch ends; ask again after the epoch in which the lease ended", ErrNoProof)
	}
	if err != nil {
		return b, nil, err
	}
	b.Proof, err = leasetypes.Prove(uint64(place.Int64), count, nodes(ctx, s.db))
	if errors.Is(err, errNoNode) {
		err = fmt.Errorf("%w: this Indexer's history lacks some of the log's %d receipts; ask one whose history begins with the chain", ErrNoProof, count)
	}
	return b, root, err
}
