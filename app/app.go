// SPDX-License-Identifier: Apache-2.0

// Package app wires the ATH chain: a stock Cosmos SDK application of the SDK's modules, IBC, and ours.
package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	abci "github.com/cometbft/cometbft/abci/types"
	dbm "github.com/cosmos/cosmos-db"
	"github.com/spf13/cast"

	"cosmossdk.io/log/v2"

	"github.com/cosmos/cosmos-sdk/baseapp"
	"github.com/cosmos/cosmos-sdk/baseapp/blockexec"
	"github.com/cosmos/cosmos-sdk/client"
	"github.com/cosmos/cosmos-sdk/codec"
	codectypes "github.com/cosmos/cosmos-sdk/codec/types"
	"github.com/cosmos/cosmos-sdk/runtime"
	servertypes "github.com/cosmos/cosmos-sdk/server/types"
	storetypes "github.com/cosmos/cosmos-sdk/store/v2/types"
	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/cosmos/cosmos-sdk/types/module"
	"github.com/cosmos/cosmos-sdk/version"

	athtypes "github.com/athnet/ath/x/ath/types"
)

var (
	_ runtime.AppI            = (*App)(nil)
	_ servertypes.Application = (*App)(nil)
)

// OptimisticExecution is the app.toml key that lets a node execute a proposal while the others still vote on it.
const OptimisticExecution = "optimistic-execution"

// App is the chain's state machine.
type App struct {
	*baseapp.BaseApp
	core

	configurator module.Configurator
	proposals    *proposals
	simulation   *module.SimulationManager
	closeOnce    sync.Once
	closeErr     error
}

// New builds the application and, with loadLatest, opens its newest state. A wiring mistake is a panic: nothing can run.
func New(
	logger log.Logger, db dbm.DB, loadLatest bool, opts servertypes.AppOptions, baseOptions ...func(*baseapp.BaseApp),
) *App {
	app, err := build(logger, db, opts, baseOptions)
	if err != nil {
		panic(fmt.Errorf("build application: %w", err))
	}
	if loadLatest {
		if err := app.LoadLatestVersion(); err != nil {
			panic(fmt.Errorf("load newest state: %w", err))
		}
	}
	return app
}

// build gives the modules an application to run in.
func build(
	logger log.Logger, db dbm.DB, opts servertypes.AppOptions, baseOptions []func(*baseapp.BaseApp),
) (*App, error) {
	enc, err := NewEncoding()
	if err != nil {
		return nil, err
	}
	if cast.ToBool(opts.Get(OptimisticExecution)) {
		baseOptions = append(baseOptions, baseapp.SetOptimisticExecution())
	}
	base := baseapp.NewBaseApp(Name, logger, db, enc.Tx.TxDecoder(), baseOptions...)
	base.SetVersion(version.Version)
	base.SetInterfaceRegistry(enc.Registry)
	base.SetTxEncoder(enc.Tx.TxEncoder())
	app := &App{BaseApp: base}
	app.core = newCore(enc, logger, opts, base.MsgServiceRouter(), base, app)
	return app, app.wire(opts)
}

// wire connects the modules to blocks, transactions, queries and stores.
func (app *App) wire(opts servertypes.AppOptions) error {
	if err := app.RegisterStreamingServices(opts, app.stores.kv); err != nil {
		return err
	}
	blockexec.Apply(app.BaseApp, opts, app.stores.all(), app.encoding.Tx.TxDecoder(),
		func(storetypes.MultiStore) string { return athtypes.Denom })
	app.SetParamStore(app.Consensus.ParamsStore)
	if err := app.registerServices(); err != nil {
		return err
	}
	if err := setOrder(app.modules); err != nil {
		return err
	}
	if err := app.setUpgrades(); err != nil {
		return err
	}
	app.simulation = module.NewSimulationManagerFromAppModules(app.modules.Modules, nil)
	app.simulation.RegisterStoreDecoders()

	app.MountKVStores(app.stores.kv)
	app.MountObjectStores(app.stores.object)
	app.SetInitChainer(app.InitChainer)
	app.SetPreBlocker(app.PreBlocker)
	app.setProposals()
	app.SetBeginBlocker(app.BeginBlocker)
	app.SetEndBlocker(app.EndBlocker)
	app.SetAnteHandler(newAnteHandler(app.Keepers, app.encoding.Tx.SignModeHandler()))
	return nil
}

// InitChainer starts a chain from its genesis.
func (app *App) InitChainer(ctx sdk.Context, req *abci.RequestInitChain) (*abci.ResponseInitChain, error) {
	var genesis GenesisState
	if err := json.Unmarshal(req.AppStateBytes, &genesis); err != nil {
		return nil, fmt.Errorf("read app_state of the genesis: %w", err)
	}
	if err := app.Upgrade.SetModuleVersionMap(ctx, app.modules.GetVersionMap()); err != nil {
		return nil, err
	}
	return app.modules.InitGenesis(ctx, app.encoding.Codec, genesis)
}

// BeginBlocker runs the modules' work before a block's transactions.
func (app *App) BeginBlocker(ctx sdk.Context) (sdk.BeginBlock, error) {
	return app.modules.BeginBlock(ctx)
}

// EndBlocker runs the modules' work after a block's transactions.
func (app *App) EndBlocker(ctx sdk.Context) (sdk.EndBlock, error) { return app.modules.EndBlock(ctx) }

// Close closes the databases; the server calls it more than once.
func (app *App) Close() error {
	app.closeOnce.Do(func() {
		app.closeErr = app.BaseApp.Close()
		if hush := app.proposals.voice.Close; hush != nil {
			app.closeErr = errors.Join(app.closeErr, hush())
		}
	})
	return app.closeErr
}

// LoadHeight opens the state of one height.
func (app *App) LoadHeight(height int64) error { return app.LoadVersion(height) }

// DefaultGenesis returns an app_state without accounts and validators.
func (app *App) DefaultGenesis() GenesisState { return app.basics.DefaultGenesis(app.encoding.Codec) }

// Basics returns the modules as commands about genesis files and the REST gateway need them.
func (app *App) Basics() module.BasicManager { return app.basics }

// Modules returns the modules by name.
func (app *App) Modules() map[string]any { return app.modules.Modules }

// Encoding returns the application's codecs.
func (app *App) Encoding() Encoding { return app.encoding }

// AppCodec returns the protobuf codec.
func (app *App) AppCodec() codec.Codec { return app.encoding.Codec }

// InterfaceRegistry returns the registry of types inside Any.
func (app *App) InterfaceRegistry() codectypes.InterfaceRegistry { return app.encoding.Registry }

// LegacyAmino returns the amino codec, which x/slashing and old wallets use.
func (app *App) LegacyAmino() *codec.LegacyAmino { return app.encoding.Amino }

// TxConfig returns how transactions are encoded and signed.
func (app *App) TxConfig() client.TxConfig { return app.encoding.Tx }

// SimulationManager returns the modules' simulated users.
func (app *App) SimulationManager() *module.SimulationManager { return app.simulation }

// GetBaseApp returns the application without its modules, for the simulator.
func (app *App) GetBaseApp() *baseapp.BaseApp { return app.BaseApp }
