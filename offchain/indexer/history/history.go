// SPDX-License-Identifier: Apache-2.0

// Package history keeps what happened on the chain in an embedded SQL store: one SQL transaction per block, which also moves the
// height, so that after kill -9 the store is exactly as of some block and following goes on behind it.
package history

import (
	"context"
	"database/sql"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	_ "modernc.org/sqlite" // the driver

	"github.com/athnet/ath/offchain/chain"
)

//go:embed schema/*.sql
var schema embed.FS

// ErrOtherChain says that the node's chain is not the one that the store holds.
var ErrOtherChain = errors.New("the history is of another chain than the node's")

// Store is the store. One writer, many readers.
type Store struct {
	db   *sql.DB
	path string
}

// Open opens or creates the store in one file and brings its schema up to date.
func Open(ctx context.Context, path string) (*Store, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("open history: %w", err)
	}
	// WAL with synchronous=NORMAL survives kill -9; a power cut may lose the last blocks, which are then followed again.
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=busy_timeout(5000)")
	if err != nil {
		return nil, fmt.Errorf("open history %s: %w", path, err)
	}
	db.SetMaxOpenConns(4)
	s := &Store{db: db, path: path}
	if err := s.migrate(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open history %s: %w", path, err), db.Close())
	}
	return s, nil
}

// Close closes it.
func (s *Store) Close() error { return s.db.Close() }

// fills are what SQL can't compute of what is there already; each runs in the transaction of its schema file.
var fills = map[string]func(context.Context, *sql.Tx) error{
	"schema/0003_receipt_nodes.sql": fillNodes,
}

// migrate runs the schema files that have not run yet, each in a transaction with its number.
func (s *Store) migrate(ctx context.Context) error {
	files, err := fs.Glob(schema, "schema/*.sql")
	if err != nil {
		return err
	}
	var done int
	if err := s.db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&done); err != nil {
		return err
	}
	if done > len(files) {
		return fmt.Errorf("schema %d is newer than this program's %d; use the newer ath-indexer", done, len(files))
	}
	for i, file := range files[done:] {
		script, err := schema.ReadFile(file)
		if err != nil {
			return err
		}
		tx, err := s.db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, string(script)+fmt.Sprintf("\n;PRAGMA user_version = %d", done+i+1))
		if fill := fills[file]; err == nil && fill != nil {
			err = fill(ctx, tx)
		}
		if err != nil {
			return errors.Join(fmt.Errorf("%s: %w", file, err), tx.Rollback())
		}
		if err := tx.Commit(); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	return nil
}

// Position is up to where the store has come.
type Position struct {
	ChainID string
	// First and last block that it holds; both 0 where it is empty.
	First, Height int64
	Hash          []byte
}

// Position reads it.
func (s *Store) Position(ctx context.Context) (Position, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT key, value FROM meta")
	if err != nil {
		return Position{}, fmt.Errorf("history: position: %w", err)
	}
	defer rows.Close()
	var p Position
	for rows.Next() {
		var key, value string
		if err := rows.Scan(&key, &value); err != nil {
			return Position{}, fmt.Errorf("history: position: %w", err)
		}
		switch key {
		case "chain":
			p.ChainID = value
		case "first":
			p.First, err = strconv.ParseInt(value, 10, 64)
		case "height":
			p.Height, err = strconv.ParseInt(value, 10, 64)
		case "hash":
			p.Hash, err = hex.DecodeString(value)
		}
		if err != nil {
			return Position{}, fmt.Errorf("history: %s %q: %w", key, value, err)
		}
	}
	return p, rows.Err()
}

// Source is where blocks come from.
type Source interface {
	ChainID() string
	Latest(ctx context.Context) (chain.Head, error)
	Block(ctx context.Context, height int64) (chain.Block, error)
}

// Verify makes sure that the node's chain is the one in the store; it is always true of an empty one.
func (s *Store) Verify(ctx context.Context, src Source) (Position, error) {
	p, err := s.Position(ctx)
	if err != nil || p.Height == 0 {
		return p, err
	}
	remedy := fmt.Sprintf("give the address of a node of %q, or move %s away to start anew", p.ChainID, s.path)
	if p.ChainID != src.ChainID() {
		return p, fmt.Errorf("%w: %q against %q; %s", ErrOtherChain, p.ChainID, src.ChainID(), remedy)
	}
	head, err := src.Latest(ctx)
	if err != nil {
		return p, fmt.Errorf("history: %w", err)
	}
	if head.Height < p.Height {
		return p, fmt.Errorf("%w: the node is at block %d, the history at %d; wait for the node, or %s", ErrOtherChain, head.Height, p.Height, remedy)
	}
	b, err := src.Block(ctx, p.Height)
	if errors.Is(err, chain.ErrPruned) {
		return p, nil // nothing to compare with; the gap is found when following begins
	}
	if err != nil {
		return p, fmt.Errorf("history: %w", err)
	}
	if string(b.Hash) != string(p.Hash) {
		return p, fmt.Errorf("%w: block %d is %X, was %X; %s", ErrOtherChain, p.Height, b.Hash, p.Hash, remedy)
	}
	return p, nil
}

// Apply runs fn for a block in one transaction. A block that the store already holds is skipped, so that blocks may come twice.
func (s *Store) Apply(ctx context.Context, chainID string, head chain.Head, fn func(*Tx) error) (err error) {
	sqlTx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("history: block %d: %w", head.Height, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("history: block %d: %w", head.Height, err), sqlTx.Rollback())
		}
	}()
	tx := &Tx{ctx: ctx, tx: sqlTx, chainID: chainID, head: head}
	var height int64
	row := sqlTx.QueryRowContext(ctx, "SELECT value FROM meta WHERE key = 'height'")
	switch err := row.Scan(&height); {
	case errors.Is(err, sql.ErrNoRows):
		if err := tx.meta("first", strconv.FormatInt(head.Height, 10)); err != nil {
			return err
		}
	case err != nil:
		return err
	case head.Height <= height:
		return sqlTx.Rollback()
	}
	if err := fn(tx); err != nil {
		return err
	}
	for key, value := range map[string]string{
		"chain": chainID, "height": strconv.FormatInt(head.Height, 10), "hash": hex.EncodeToString(head.Hash),
	} {
		if err := tx.meta(key, value); err != nil {
			return err
		}
	}
	return sqlTx.Commit()
}
