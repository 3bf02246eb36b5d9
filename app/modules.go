// SPDX-License-Identifier: Apache-2.0

package app

import (
	"maps"
	"slices"

	"github.com/cosmos/ibc-go/v11/modules/apps/transfer"
	transfertypes "github.com/cosmos/ibc-go/v11/modules/apps/transfer/types"
	ibc "github.com/cosmos/ibc-go/v11/modules/core"
	ibcexported "github.com/cosmos/ibc-go/v11/modules/core/exported"
	ibctm "github.com/cosmos/ibc-go/v11/modules/light-clients/07-tendermint"

	"cosmossdk.io/core/appmodule"
	"cosmossdk.io/core/genesis"

	storetypes "github.com/cosmos/cosmos-sdk/store/v2/types"
	"github.com/cosmos/cosmos-sdk/types/module"
	"github.com/cosmos/cosmos-sdk/x/auth"
	authsims "github.com/cosmos/cosmos-sdk/x/auth/simulation"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"
	"github.com/cosmos/cosmos-sdk/x/auth/vesting"
	authzkeeper "github.com/cosmos/cosmos-sdk/x/authz/keeper"
	authzmodule "github.com/cosmos/cosmos-sdk/x/authz/module"
	"github.com/cosmos/cosmos-sdk/x/bank"
	banktypes "github.com/cosmos/cosmos-sdk/x/bank/types"
	"github.com/cosmos/cosmos-sdk/x/consensus"
	consensustypes "github.com/cosmos/cosmos-sdk/x/consensus/types"
	distr "github.com/cosmos/cosmos-sdk/x/distribution"
	distrtypes "github.com/cosmos/cosmos-sdk/x/distribution/types"
	"github.com/cosmos/cosmos-sdk/x/epochs"
	epochstypes "github.com/cosmos/cosmos-sdk/x/epochs/types"
	"github.com/cosmos/cosmos-sdk/x/evidence"
	evidencetypes "github.com/cosmos/cosmos-sdk/x/evidence/types"
	"github.com/cosmos/cosmos-sdk/x/feegrant"
	feegrantmodule "github.com/cosmos/cosmos-sdk/x/feegrant/module"
	"github.com/cosmos/cosmos-sdk/x/genutil"
	genutiltypes "github.com/cosmos/cosmos-sdk/x/genutil/types"
	"github.com/cosmos/cosmos-sdk/x/gov"
	govtypes "github.com/cosmos/cosmos-sdk/x/gov/types"
	"github.com/cosmos/cosmos-sdk/x/slashing"
	slashingtypes "github.com/cosmos/cosmos-sdk/x/slashing/types"
	"github.com/cosmos/cosmos-sdk/x/staking"
	stakingtypes "github.com/cosmos/cosmos-sdk/x/staking/types"
	"github.com/cosmos/cosmos-sdk/x/upgrade"
	upgradetypes "github.com/cosmos/cosmos-sdk/x/upgrade/types"

	"github.com/athnet/ath/x/ath"
	athtypes "github.com/athnet/ath/x/ath/types"
	"github.com/athnet/ath/x/checks"
	checkstypes "github.com/athnet/ath/x/checks/types"
	"github.com/athnet/ath/x/leases"
	leasestypes "github.com/athnet/ath/x/leases/types"
	"github.com/athnet/ath/x/providers"
	providerstypes "github.com/athnet/ath/x/providers/types"
)

// modulePermissions lists the module accounts and what x/bank lets each do.
func modulePermissions() map[string][]string {
	return map[string][]string{
		authtypes.FeeCollectorName:          nil,
		distrtypes.ModuleName:               nil,
		stakingtypes.BondedPoolName:         {authtypes.Burner, authtypes.Staking},
		stakingtypes.NotBondedPoolName:      {authtypes.Burner, authtypes.Staking},
		stakingtypes.KeyRotationFeePoolName: {authtypes.Burner},
		govtypes.ModuleName:                 {authtypes.Burner},
		transfertypes.ModuleName:            {authtypes.Minter, authtypes.Burner},
		athtypes.ModuleName:                 {authtypes.Minter, authtypes.Burner}, // the vault; it emits and burns
	}
}

// BlockedAddresses are the module accounts that nobody may send coins to: coins that arrive there outside of their module's
// own messages would be lost, and would break the vault's balance = Σ rows. Only governance's account may receive.
func BlockedAddresses() map[string]bool {
	blocked := make(map[string]bool)
	for name := range modulePermissions() {
		if name != govtypes.ModuleName {
			blocked[authtypes.NewModuleAddress(name).String()] = true
		}
	}
	return blocked
}

// storeKeys of the application.
type storeKeys struct {
	kv     map[string]*storetypes.KVStoreKey
	object map[string]*storetypes.ObjectStoreKey
}

func newStoreKeys() storeKeys {
	return storeKeys{
		kv: storetypes.NewKVStoreKeys(
			authtypes.StoreKey, banktypes.StoreKey, stakingtypes.StoreKey, distrtypes.StoreKey, slashingtypes.StoreKey,
			govtypes.StoreKey, evidencetypes.StoreKey, feegrant.StoreKey, authzkeeper.StoreKey, upgradetypes.StoreKey,
			consensustypes.StoreKey, epochstypes.StoreKey, ibcexported.StoreKey, transfertypes.StoreKey,
			athtypes.StoreKey, athtypes.PositionsStoreKey, providerstypes.StoreKey, leasestypes.StoreKey, checkstypes.StoreKey,
		),
		object: storetypes.NewObjectStoreKeys(banktypes.ObjectStoreKey, athtypes.ObjectStoreKey, leasestypes.ObjectStoreKey),
	}
}

// all keys, in any order: the parallel executor needs every store that a transaction may touch, and sorts them itself.
func (s storeKeys) all() []storetypes.StoreKey {
	var keys []storetypes.StoreKey
	for _, key := range s.kv {
		keys = append(keys, key)
	}
	for _, key := range s.object {
		keys = append(keys, key)
	}
	return keys
}

// namedModule is what every module is here; the SDK's own interface asks for more, which newer modules leave out.
type namedModule interface {
	appmodule.AppModule
	Name() string
}

// newModules lists the modules of the application.
func newModules(enc Encoding, k *Keepers, deliver genesis.TxHandler) map[string]appmodule.AppModule {
	cdc := enc.Codec
	modules := []namedModule{
		auth.NewAppModule(cdc, k.Account, authsims.RandomGenesisAccounts),
		vesting.NewAppModule(k.Account, k.Bank),
		bank.NewAppModule(cdc, k.Bank, k.Account),
		staking.NewAppModule(cdc, k.Staking, k.Account, k.Bank),
		slashing.NewAppModule(cdc, k.Slashing, k.Account, k.Bank, k.Staking, enc.Registry),
		distr.NewAppModule(cdc, k.Distribution, k.Account, k.Bank, k.Staking),
		gov.NewAppModule(cdc, k.Gov, k.Account, k.Bank),
		evidence.NewAppModule(*k.Evidence),
		feegrantmodule.NewAppModule(cdc, k.Account, k.Bank, k.FeeGrant, enc.Registry),
		authzmodule.NewAppModule(cdc, k.Authz, k.Account, k.Bank, enc.Registry),
		upgrade.NewAppModule(k.Upgrade, AccountAddresses),
		consensus.NewAppModule(cdc, k.Consensus),
		epochs.NewAppModule(k.Epochs),
		genutil.NewAppModule(k.Account, k.Staking, deliver, enc.Tx),
		ibc.NewAppModule(k.IBC),
		transfer.NewAppModule(k.Transfer),
		ibctm.NewAppModule(k.LightClient),
		ath.NewAppModule(k.Ath),
		providers.NewAppModule(k.Providers),
		leases.NewAppModule(k.Leases),
		checks.NewAppModule(k.Checks),
	}
	byName := make(map[string]appmodule.AppModule, len(modules))
	for _, m := range modules {
		byName[m.Name()] = m
	}
	return byName
}

// Block and genesis order, as far as it matters.
var (
	preBlockOrder = []edge{
		{upgradetypes.ModuleName, authtypes.ModuleName, "a migration runs before anything reads the stores that it changes"},
	}
	beginBlockOrder = []edge{
		{distrtypes.ModuleName, slashingtypes.ModuleName, "the last block's fees are shared before anybody's stake is cut"},
		{slashingtypes.ModuleName, evidencetypes.ModuleName, "downtime is counted before double signing jails"},
		{evidencetypes.ModuleName, stakingtypes.ModuleName, "staking sees the outcome of both"},
	}
	endBlockOrder = []edge{
		{govtypes.ModuleName, stakingtypes.ModuleName, "what a proposal delegates or jails counts in this block's validator set"},
		{govtypes.ModuleName, banktypes.ModuleName, "what a proposal pays virtually is credited in this block"},
		{stakingtypes.ModuleName, banktypes.ModuleName, "virtual credits come after everything that may leave them"},
		{checkstypes.ModuleName, leasestypes.ModuleName, "a verdict counts in the leases that end in its block"},
		{checkstypes.ModuleName, providerstypes.ModuleName, "a contest that is decided in the block of its ticket's deadline counts"},
		{leasestypes.ModuleName, providerstypes.ModuleName, "what a ticket takes from a Container counts after the leases of its block"},
		{providerstypes.ModuleName, athtypes.ModuleName, "what tickets took is folded into the SLA fund in the same block"},
		{govtypes.ModuleName, checkstypes.ModuleName, "parameters that a proposal changed hold for the rest of the block"},
		{leasestypes.ModuleName, banktypes.ModuleName, "all that moves coins comes before the credits"},
		{banktypes.ModuleName, athtypes.ModuleName, "the vault's account holds the block's deposits before an epoch burns and distributes"},
	}
	genesisOrder = []edge{
		{authtypes.ModuleName, banktypes.ModuleName, "balances need accounts"},
		{banktypes.ModuleName, distrtypes.ModuleName, "checks its account's balance"},
		{banktypes.ModuleName, govtypes.ModuleName, "checks its account's balance"},
		{banktypes.ModuleName, transfertypes.ModuleName, "checks its escrow"},
		{distrtypes.ModuleName, stakingtypes.ModuleName, "staking's genesis calls distribution's hooks"},
		{slashingtypes.ModuleName, stakingtypes.ModuleName, "exported signing infos are there before hooks add to them"},
		{stakingtypes.ModuleName, genutiltypes.ModuleName, "genesis transactions create validators"},
		{banktypes.ModuleName, genutiltypes.ModuleName, "genesis transactions move coins"},
		{ibcexported.ModuleName, transfertypes.ModuleName, "transfer binds a port"},
		{banktypes.ModuleName, athtypes.ModuleName, "checks the vault's balance against its rows"},
		{athtypes.ModuleName, providerstypes.ModuleName, "stake stands in the vault's rows"},
		{providerstypes.ModuleName, leasestypes.ModuleName, "leases are bound to Containers"},
		{leasestypes.ModuleName, checkstypes.ModuleName, "highest module last"},
	}
)

// setOrder sorts every kind of work by its edges.
func setOrder(m *module.Manager) error {
	names := slices.Sorted(maps.Keys(m.Modules))
	for _, phase := range []struct {
		edges []edge
		set   func(...string)
		has   func(any) bool
	}{
		{preBlockOrder, m.SetOrderPreBlockers, implements[appmodule.HasPreBlocker]},
		{beginBlockOrder, m.SetOrderBeginBlockers, implements[appmodule.HasBeginBlocker]},
		{endBlockOrder, m.SetOrderEndBlockers, hasEndBlock},
		{genesisOrder, m.SetOrderInitGenesis, anyModule},
		{genesisOrder, m.SetOrderExportGenesis, anyModule},
	} {
		sorted, err := order(slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !phase.has(m.Modules[name]) }), phase.edges)
		if err != nil {
			return err
		}
		phase.set(sorted...)
	}
	return nil
}

func implements[T any](m any) bool { _, ok := m.(T); return ok }
func hasEndBlock(m any) bool {
	return implements[appmodule.HasEndBlocker](m) || implements[module.HasABCIEndBlock](m)
}
func anyModule(any) bool { return true }
