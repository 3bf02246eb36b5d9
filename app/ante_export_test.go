// SPDX-License-Identifier: Apache-2.0

package app

import (
	storetypes "github.com/cosmos/cosmos-sdk/store/v2/types"
	sdk "github.com/cosmos/cosmos-sdk/types"
)

// Ante is the chain of checks that the application runs before a transaction's messages.
func (app *App) Ante() sdk.AnteHandler {
	return newAnteHandler(app.Keepers, app.encoding.Tx.SignModeHandler())
}

// PersistentKeys are those of the stores whose contents outlive a block.
func (app *App) PersistentKeys() (keys []storetypes.StoreKey) {
	for _, key := range app.stores.kv {
		keys = append(keys, key)
	}
	return keys
}
