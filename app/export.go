// SPDX-License-Identifier: Apache-2.0

package app

import (
	"encoding/json"
	"errors"
	"fmt"

	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"

	servertypes "github.com/cosmos/cosmos-sdk/server/types"
	"github.com/cosmos/cosmos-sdk/store/v2/rootmulti"
	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/cosmos/cosmos-sdk/x/staking"
)

// errZeroHeight explains why there is no export to height zero.
var errZeroHeight = errors.New("export to height zero is not supported: leases, rounds and vesting are dated, so a chain restarts " +
	"from an export at its height (initial_height) under a new chain-id; for a test network use `athd in-place-testnet`")

// ExportAppStateAndValidators returns the state at the loaded height as a genesis, of all modules or of those named.
func (app *App) ExportAppStateAndValidators(
	forZeroHeight bool, _, modules []string,
) (servertypes.ExportedApp, error) {
	if forZeroHeight {
		return servertypes.ExportedApp{}, errZeroHeight
	}
	last, err := app.LastBlock()
	if err != nil {
		return servertypes.ExportedApp{}, err
	}
	ctx := app.NewContextLegacy(true, last)
	state, err := app.Export(ctx, modules...)
	if err != nil {
		return servertypes.ExportedApp{}, err
	}
	validators, err := staking.WriteValidators(ctx, app.Staking)
	if err != nil {
		return servertypes.ExportedApp{}, fmt.Errorf("export validators: %w", err)
	}
	return servertypes.ExportedApp{
		AppState:        state,
		Validators:      validators,
		Height:          last.Height + 1, // the restarted chain's first block
		ConsensusParams: app.GetConsensusParams(ctx),
	}, nil
}

// Export returns the state that a context reads as an app_state, of all modules or of those named.
func (app *App) Export(ctx sdk.Context, modules ...string) (json.RawMessage, error) {
	genesis, err := app.modules.ExportGenesisForModules(ctx, app.encoding.Codec, modules)
	if err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	state, err := json.MarshalIndent(genesis, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	return state, nil
}

// LastBlock returns height, time and chain-id of the newest committed block. A chain that restarts from an export must not
// begin before that time: everything in its state is dated.
func (app *App) LastBlock() (cmtproto.Header, error) {
	header := cmtproto.Header{ChainID: app.ChainID(), Height: app.LastBlockHeight()}
	if header.Height == 0 {
		return header, nil
	}
	store, ok := app.CommitMultiStore().(*rootmulti.Store)
	if !ok {
		return header, fmt.Errorf("time of block %d: a %T keeps none", header.Height, app.CommitMultiStore())
	}
	info, err := store.GetCommitInfo(header.Height)
	if err != nil {
		return header, fmt.Errorf("time of block %d: %w", header.Height, err)
	}
	header.Time = info.Timestamp
	return header, nil
}
