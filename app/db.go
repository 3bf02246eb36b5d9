// SPDX-License-Identifier: Apache-2.0

package app

import (
	"path/filepath"

	dbm "github.com/cosmos/cosmos-db"
	"github.com/syndtr/goleveldb/leveldb/filter"
	"github.com/syndtr/goleveldb/leveldb/opt"
)

// What a look into a large state costs is set here: LevelDB's own settings are for a database of some megabytes. A million leases are a
// gigabyte and a half, of which a block looks at a few dozen places.
const (
	// blockCache holds what is read, unpacked. 8 MiB, which is LevelDB's own, doesn't hold the index blocks alone of such a state.
	blockCache = 256 * opt.MiB
	// openTables bounds the files that are open. A table that is opened anew is read in four places before the one that is wanted.
	openTables = 2_048
	// tableSize makes few tables: sixteen gigabytes fit the bound above.
	tableSize = 8 * opt.MiB
)

// OpenDB opens the database that holds a node's state, below the node's home.
func OpenDB(home string, backend dbm.BackendType) (dbm.DB, error) {
	dir := filepath.Join(home, "data")
	if backend != dbm.GoLevelDBBackend {
		return dbm.NewDB("application", backend, dir)
	}
	return dbm.NewGoLevelDBWithOpts("application", dir, &opt.Options{
		Filter:                 filter.NewBloomFilter(10), // as in cosmos-db
		BlockCacheCapacity:     blockCache,
		OpenFilesCacheCapacity: openTables,
		CompactionTableSize:    tableSize,
		// Compactions because of reads rewrite tables of a state that doesn't change, and empty the cache with each.
		DisableSeeksCompaction: true,
	})
}
